"""Tables of the cases engine."""

from shizhu.engines.cases.models.approvals import Pace, ResultDelivery
from shizhu.engines.cases.models.bulletins import Bulletin
from shizhu.engines.cases.models.cards import CardEdition
from shizhu.engines.cases.models.cases import (
    Addressed,
    Attachment,
    Case,
    Counter,
    Entry,
    FlowVersion,
    FormVersion,
    Held,
    Helper,
    Petition,
    Subject,
    Task,
    TimerStart,
    Waiting,
)
from shizhu.engines.cases.models.concerns import Concern, Label
from shizhu.engines.cases.models.duties import Duty, Handover, ShiftNote, Swap
from shizhu.engines.cases.models.field import CasePlace, Deed, Photo, Piece
from shizhu.engines.cases.models.needs import Need
from shizhu.engines.cases.models.patrols import Patrol, PatrolCase, PatrolPhoto
from shizhu.engines.cases.models.rollcalls import Called, RollCall, RollTimetable
from shizhu.engines.cases.models.stock import Holding, Movement
from shizhu.engines.things.api import DRILL

__all__ = [
    "DRILL", "Addressed", "Attachment", "Bulletin", "Called", "CardEdition", "Case", "CasePlace", "Concern",
    "Counter", "Deed", "Duty", "Entry", "FlowVersion", "FormVersion", "Handover", "Held", "Helper", "Holding",
    "Label", "Movement", "Need", "Pace", "Patrol", "PatrolCase", "PatrolPhoto", "Petition", "Photo", "Piece",
    "ResultDelivery", "RollCall", "RollTimetable", "ShiftNote", "Subject", "Swap", "Task", "TimerStart", "Waiting",
]  # fmt: skip
