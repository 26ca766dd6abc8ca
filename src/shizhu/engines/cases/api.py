"""The door of the cases engine."""

from __future__ import annotations

from shizhu.engines.cases.actions import (
    CLOSED,
    OPENED,
    TASK_READY,
    AnswerRefused,
    Opening,
    TaskGone,
    Upload,
    answer,
    open_case,
)

__all__ = ["CLOSED", "OPENED", "TASK_READY", "AnswerRefused", "Opening", "TaskGone", "Upload", "answer", "open_case"]
