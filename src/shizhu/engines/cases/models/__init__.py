"""Tables of the cases engine."""

from shizhu.engines.cases.models.cases import (
    DRILL,
    Attachment,
    Case,
    Counter,
    Entry,
    FlowVersion,
    FormVersion,
    Helper,
    Petition,
    Subject,
    Task,
    Waiting,
)
from shizhu.engines.cases.models.duties import Duty, Handover, ShiftNote, Swap

__all__ = [
    "DRILL", "Attachment", "Case", "Counter", "Duty", "Entry", "FlowVersion", "FormVersion", "Handover", "Helper",
    "Petition", "ShiftNote", "Subject", "Swap", "Task", "Waiting",
]  # fmt: skip
