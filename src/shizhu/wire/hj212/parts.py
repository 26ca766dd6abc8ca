"""Packets too long for one frame: splitting and joining (拆分包, HJ 212-2017 §6.3.2, C.49 and C.50)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from shizhu.wire.hj212.packet import HAS_PARTS, Group, Packet
from shizhu.wire.hj212.segment import CP_LIMITS, SEGMENT_LIMIT, format_groups, format_segment
from shizhu.wire.hj212.times import format_qn, parse_qn

__all__ = ["Assembly", "Reassembler", "split"]

_TIME = "DataTime"
_Key = tuple[str, str, str | None, int]


def split(packet: Packet) -> tuple[Packet, ...]:
    """The packet itself if it fits a frame, else its parts: each with its own QN (1 ms apart) and the same DataTime.

    An item of CP is never divided; one that alone exceeds the limit makes a part that `encode` refuses.
    """
    limit = CP_LIMITS[packet.edition]
    if len(format_segment(packet)) <= SEGMENT_LIMIT and len(format_groups(packet.cp)) <= limit:
        return (packet,)
    flag = (packet.flag or 0) | HAS_PARTS
    overhead = len(format_segment(replace(packet, flag=flag, pnum=9999, pno=9999, cp=())))
    chunks = _chunks(packet.cp, min(limit, SEGMENT_LIMIT - overhead))
    return tuple(
        replace(packet, qn=_later(packet.qn, number), flag=flag, pnum=len(chunks), pno=number + 1, cp=chunk)
        for number, chunk in enumerate(chunks)
    )


@dataclass(frozen=True, slots=True)
class Assembly:
    """What one packet led to: the whole packet if it is complete now, and parts that were given up."""

    whole: Packet | None
    unused: tuple[Packet, ...] = ()


@dataclass(slots=True)
class _Set:
    since: datetime
    size: int
    parts: dict[int, Packet] = field(default_factory=dict)

    def is_complete(self) -> bool:
        return len(self.parts) == self.size

    def leftover(self) -> tuple[Packet, ...]:
        return () if self.is_complete() else tuple(self.parts.values())


class Reassembler:
    """Joins parts that arrive in any order, grouped by MN, CN, DataTime and PNUM because their QN differ.

    A part that comes again is ignored. A part that comes again with other content replaces the earlier one; if the set
    was complete, the whole comes out again, corrected. Sets older than `max_age` or beyond `max_sets` are given up,
    oldest first. Nothing here reads a clock: the caller passes `now`.
    """

    def __init__(self, *, max_age: timedelta, max_sets: int) -> None:
        self._max_age = max_age
        self._max_sets = max_sets
        self._sets: dict[_Key, _Set] = {}

    def add(self, packet: Packet, now: datetime) -> Assembly:
        """Take a packet; one that is not split is whole at once."""
        unused = self.expire(now)
        if packet.pno is None or packet.pnum is None:
            return Assembly(packet, unused)
        key = (packet.mn, packet.cn, packet.value(_TIME), packet.pnum)
        held = self._sets.setdefault(key, _Set(now, packet.pnum))
        known = held.parts.get(packet.pno)
        if known and known.cp == packet.cp:
            return Assembly(None, unused)
        replaced = (known,) if known and not held.is_complete() else ()
        held.parts[packet.pno] = packet
        whole = _join(held.parts) if held.is_complete() else None
        return Assembly(whole, unused + replaced + self._evict())

    def expire(self, now: datetime) -> tuple[Packet, ...]:
        """Forget sets that began `max_age` ago or earlier; returns the parts of the incomplete ones."""
        old = [key for key, held in self._sets.items() if now - held.since >= self._max_age]
        return self._forget(old)

    def _evict(self) -> tuple[Packet, ...]:
        return self._forget(list(self._sets)[: max(0, len(self._sets) - self._max_sets)])

    def _forget(self, keys: Sequence[_Key]) -> tuple[Packet, ...]:
        return tuple(part for key in keys for part in self._sets.pop(key).leftover())


def _join(parts: dict[int, Packet]) -> Packet:
    ordered = [parts[number] for number in sorted(parts)]
    first = ordered[0]
    groups = tuple(group for part in ordered for group in _without_time(part.cp))
    flag = None if first.flag is None else first.flag & ~HAS_PARTS
    return replace(first, flag=flag, pnum=None, pno=None, cp=_time_group(first.cp) + groups)


def _chunks(cp: tuple[Group, ...], limit: int) -> list[tuple[Group, ...]]:
    head = _time_group(cp)
    chunks = [head]
    for group in _without_time(cp):
        longer = (*chunks[-1], group)
        if chunks[-1] == head or len(format_groups(longer)) <= limit:
            chunks[-1] = longer
        else:
            chunks.append((*head, group))
    return chunks


def _time_group(cp: Iterable[Group]) -> tuple[Group, ...]:
    times = [pair for group in cp for pair in group if pair[0] == _TIME]
    return ((times[0],),) if times else ()


def _without_time(cp: Iterable[Group]) -> tuple[Group, ...]:
    groups = (tuple(pair for pair in group if pair[0] != _TIME) for group in cp)
    return tuple(group for group in groups if group)


def _later(qn: str | None, milliseconds: int) -> str | None:
    return qn and format_qn(parse_qn(qn) + timedelta(milliseconds=milliseconds))
