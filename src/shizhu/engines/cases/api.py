"""The door of the cases engine."""

from __future__ import annotations

from shizhu.engines.cases.actions import (
    OPENED,
    TASK_READY,
    AnswerRefused,
    Opening,
    TaskGone,
    Upload,
    answer,
    open_case,
)
from shizhu.engines.cases.closing import CLOSED
from shizhu.engines.cases.datasets import has_flows, subject
from shizhu.engines.cases.past import PastCase, PastConcern, Wish, hang, play, reported
from shizhu.engines.cases.rosters import simulated as duty_simulated
from shizhu.engines.cases.stock import simulated as stock_simulated
from shizhu.engines.cases.strolls import simulated as patrols_simulated

__all__ = [
    "CLOSED", "OPENED", "TASK_READY", "AnswerRefused", "Opening", "PastCase", "PastConcern", "TaskGone", "Upload",
    "Wish", "answer", "duty_simulated", "hang", "has_flows", "open_case", "patrols_simulated", "play", "reported",
    "stock_simulated", "subject",
]  # fmt: skip
