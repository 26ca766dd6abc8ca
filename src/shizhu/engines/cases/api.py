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
from shizhu.engines.cases.collection import CaseRow, Selection, count, select
from shizhu.engines.cases.past import PastCase, play

__all__ = [
    "CLOSED", "OPENED", "TASK_READY", "AnswerRefused", "CaseRow", "Opening", "PastCase", "Selection", "TaskGone",
    "Upload", "answer", "count", "open_case", "play", "select",
]  # fmt: skip
