"""The content of one HJ 212 packet (通讯包), apart from how it is written."""

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["ANSWER_WANTED", "HAS_PARTS", "Edition", "Group", "Packet", "Pair", "flag_of"]

Pair = tuple[str, str]
Group = tuple[Pair, ...]

ANSWER_WANTED = 0b01  # bit A of Flag
HAS_PARTS = 0b10  # bit D of Flag


class Edition(StrEnum):
    """The edition of the standard a packet says it follows (bits V5..V0 of Flag)."""

    E2005 = "2005"
    E2017 = "2017"
    E2025 = "2025"


_EDITIONS = tuple(Edition)


def flag_of(edition: Edition, bits: int = 0) -> int:
    """The Flag value of an edition with the given bits A and D (HJ 212-2017 Table 3): 2017 gives 4..7, 2025 8..11."""
    return (_EDITIONS.index(edition) << 2) | bits


@dataclass(frozen=True, slots=True, kw_only=True)
class Packet:
    """One packet (HJ 212-2017 §6.3.2 Table 3).

    qn: request number (请求编码). st: system (系统编码). cn: command (命令编码). pw: password (访问密码).
    mn: device (设备唯一标识). flag: 标志. pnum: parts in all (总包数). pno: this part, from 1 (包号).
    cp: command parameters (指令参数), the items that ';' divides, each the ordered (key, value) pairs that ',' divides.
    Uploads of the 2005 edition may lack qn and flag.
    """

    st: str
    cn: str
    pw: str
    mn: str
    cp: tuple[Group, ...] = ()
    qn: str | None = None
    flag: int | None = None
    pnum: int | None = None
    pno: int | None = None

    @property
    def edition(self) -> Edition:
        """2005 without Flag; a version newer than the newest known one reads as the newest."""
        return _EDITIONS[min((self.flag or 0) >> 2, len(_EDITIONS) - 1)]

    @property
    def wants_answer(self) -> bool:
        """Whether the sender waits for an answer (bit A)."""
        return bool((self.flag or 0) & ANSWER_WANTED)

    @property
    def is_split(self) -> bool:
        """Whether this is one part of a larger packet."""
        return self.pnum is not None and self.pno is not None

    def value(self, key: str) -> str | None:
        """The first value of a key in CP, or None."""
        return next((text for group in self.cp for name, text in group if name == key), None)
