"""What comes late is judged again: from a state kept before it, over all readings since, and then compared."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

import orjson

from shizhu.engines.alarms.logic.conditions import Condition
from shizhu.engines.alarms.logic.judge import Change, Reading, State, advance, feed, slips_in
from shizhu.engines.alarms.logic.moments import Moment

STEPS = 12  # states kept within the time in which a late reading is still judged
Read = Callable[[Moment, Moment], Iterable[Reading]]  # after, until (inclusive) → in order


Before = list[tuple[Moment, str]]  # (instant judged by then, state as JSON), oldest first


class Memory:
    """The state now, and states of before from which one may judge again; those are fetched when they are needed."""

    def __init__(self, state: State, newest: Moment, fetch: Callable[[], str]) -> None:
        self.state, self.newest, self.is_kept_anew = state, newest, False
        self._fetch = fetch
        self._before: Before | None = None

    @property
    def before(self) -> Before:
        """States of before; `newest` is the instant of the last."""
        if self._before is None:
            self._before = [(at, kept) for at, kept in orjson.loads(self._fetch())]
        return self._before

    def dump_before(self) -> str:
        """The states of before as JSON."""
        return orjson.dumps(self.before).decode()

    def start(self, condition: Condition, first: Moment) -> None:
        """Nothing was judged so far, and what is of before the rule was there, or too late for `first`, never is."""
        if self.state.now:
            return
        at = first - condition.late
        self.newest = max(at, self.state.begun if self.state.begun <= first else at) - 1
        self._before, self.is_kept_anew = [(self.newest, self.state.dump().decode())], True

    def keep(self, condition: Condition) -> None:
        """Keep the state as one to judge again from, if the newest of them is old; forget what is too old."""
        now = self.state.now
        if now - self.newest < condition.late // STEPS:
            return
        self.before.append((now, self.state.dump().decode()))
        while len(self.before) > 1 and self.before[1][0] < now - condition.late:
            self.before.pop(0)
        self.newest, self.is_kept_anew = now, True

    def forget_from(self, at: Moment) -> None:
        """Forget states that hold what is not true any more."""
        while self.newest >= at:
            self.before.pop()
            self.newest, self.is_kept_anew = self.before[-1][0], True


def remembered(state: State) -> Memory:
    """A memory that begins with this state: nothing of before can be judged again."""
    kept = orjson.dumps([(state.now, state.dump().decode())]).decode()
    made = Memory(state, state.now, lambda: kept)
    made.is_kept_anew = True
    return made


@dataclass(frozen=True)
class Judged:
    """What came of readings: changes in order, and from when on they replace what was said before (None: they add)."""

    changes: list[Change]
    instead_of: Moment | None = None
    end: Moment = 0  # up to when it had been said


def take(condition: Condition, memory: Memory, readings: Sequence[Reading], read: Read) -> Judged:
    """Judge readings as they come in, in order of event time among themselves; later and earlier ones than before.

    A reading that is later than the rule's `late` changes nothing. One without a value was good and is so no more.
    """
    changes: list[Change] = []
    for at, found in groupby(readings, itemgetter(0)):
        together = list(found)
        is_gone = together[-1][2] is None
        if at > memory.state.now:
            if not is_gone:
                memory.start(condition, at)
                feed(condition, memory.state, at, together, changes)
                memory.keep(condition)
        elif at >= memory.state.now - condition.late and memory.before[0][0] < at:
            if is_gone or not slips_in(condition, memory.state, together):
                return again(condition, memory, at, readings, read)
            memory.forget_from(at)
    return Judged(changes)


def wait(condition: Condition, memory: Memory, until: Moment) -> Judged:
    """Let time pass without a reading."""
    changes: list[Change] = []
    memory.start(condition, until)
    advance(condition, memory.state, until, changes)
    memory.keep(condition)
    return Judged(changes)


def again(condition: Condition, memory: Memory, late: Moment, readings: Sequence[Reading], read: Read) -> Judged:
    """Judge again from the newest state before `late`: what is kept of the time since, and what came just now."""
    memory.forget_from(late)
    start, kept = memory.before[-1]
    end = memory.state.now
    memory.state = State.load(kept)
    changes: list[Change] = []
    last = max(end, readings[-1][0] if readings else 0)
    mine = {(one[0], one[1]): one for one in readings if one[0] > start and one[2] is not None}
    known = {(one[0], one[1]): one for one in read(start, last)}
    for at, together in groupby(sorted((mine | known).values()), itemgetter(0)):
        feed(condition, memory.state, at, list(together), changes)
        memory.keep(condition)
    advance(condition, memory.state, end, changes)
    memory.keep(condition)
    return Judged(changes, start, end)


class Step(NamedTuple):
    """A level of an occurrence: since when, by which value of which input, beyond which limit."""

    at: Moment
    level: str
    value: float | None
    limit: str
    input: int


@dataclass(frozen=True)
class Occurrence:
    """Once that a condition came true, until it was over; value, input and limit are those of its first level."""

    since: Moment
    raised_at: Moment
    value: float | None
    input: int
    limit: str
    origin: int
    levels: tuple[Step, ...]
    recovered_at: Moment | None = None  # when it was known to be over
    kept_since: Moment | None = None  # since when it is

    @property
    def worst(self) -> str:
        """The level now, or the last there was."""
        return self.levels[-1].level


def occurrences(changes: Iterable[Change], going_on: Occurrence | None = None) -> list[Occurrence]:
    """What changes make of the occurrence that was going on before them, and new ones; in order."""
    done: list[Occurrence] = []
    now = going_on
    for change in changes:
        if change.level is None:
            if now:
                done.append(replace(now, recovered_at=change.at, kept_since=change.since))
            now = None
        elif now:
            now = replace(now, levels=(*now.levels, _step(change, change.level)))
        else:
            now = Occurrence(
                change.since, change.at, change.value, change.input, change.limit, change.origin,
                (_step(change, change.level),),
            )  # fmt: skip
    return [*done, now] if now else done


def _step(change: Change, level: str) -> Step:
    return Step(change.at, level, change.value, change.limit, change.input)


def matched(old: Mapping[int, Occurrence], new: Sequence[Occurrence]) -> list[tuple[int | None, Occurrence]]:
    """Each new occurrence with the key of the first old one that overlaps it in time and is not taken yet."""
    free = dict(sorted(old.items(), key=lambda pair: pair[1].raised_at))
    pairs: list[tuple[int | None, Occurrence]] = []
    for one in new:
        key = next((key for key, before in free.items() if _overlap(one, before)), None)
        if key is not None:
            del free[key]
        pairs.append((key, one))
    return pairs


def _overlap(one: Occurrence, other: Occurrence) -> bool:
    return (one.recovered_at is None or other.raised_at < one.recovered_at) and (
        other.recovered_at is None or one.raised_at < other.recovered_at
    )
