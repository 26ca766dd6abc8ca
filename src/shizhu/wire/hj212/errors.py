"""What can be wrong with an HJ 212 frame, and how strict a reader is about it."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

__all__ = ["LENIENT", "STRICT", "Code", "FrameError", "Judge", "Profile", "Remark"]


class Code(StrEnum):
    """The part of the frame that broke a rule."""

    HEADER = "header"
    LENGTH = "length"
    SEGMENT = "segment"
    KEY = "key"
    CRC = "crc"
    TAIL = "tail"
    VALUE = "value"


@dataclass(frozen=True, slots=True)
class Remark:
    """One broken rule: the part, the field, its value as received, and the rule."""

    code: Code
    field: str
    value: str
    rule: str

    def __str__(self) -> str:
        return f"{self.field} = {self.value!r}: {self.rule}"


class FrameError(ValueError):
    """A frame that cannot be read, or that cannot be written; carries code, field, value and rule."""

    def __init__(self, code: Code, field: str, value: str, rule: str) -> None:
        self.remark = Remark(code, field, value, rule)
        self.code, self.field, self.value, self.rule = code, field, value, rule
        super().__init__(str(self.remark))


@dataclass(frozen=True, slots=True)
class Profile:
    """How a reader treats deviations of a device: refuse them, or accept and remark on those seen in the field."""

    is_lenient: bool


STRICT: Final = Profile(is_lenient=False)
LENIENT: Final = Profile(is_lenient=True)


@dataclass(slots=True)
class Judge:
    """Collects the deviations of one frame under a profile."""

    profile: Profile
    remarks: list[Remark] = field(default_factory=list)

    def deviation(self, code: Code, field: str, value: str, rule: str) -> None:
        """Remark on a deviation; raises FrameError under a strict profile."""
        if not self.profile.is_lenient:
            raise FrameError(code, field, value, rule)
        self.remarks.append(Remark(code, field, value, rule))
