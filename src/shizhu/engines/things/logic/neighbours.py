"""The verdict over a reading: its range, and how it fits the readings before it.

What a property declares: `range` (outside it a reading is bad), `rate` (the most it changes in a time), `spike` (how
far it may lie from the median of the readings before it), `stuck` (how long it may stay the same); the last three make
a reading suspect. Only what came before in time is looked at, at most BEFORE readings and a day back: a reading without
neighbours is not judged for rate and spike, a late one (older than the newest known) not for stuck. What is told of a
verdict is the first rule that was broken, with the value that broke it and the limit.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from statistics import median
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from shizhu.engines.things.logic.binary import MICROSECOND, moment
from shizhu.engines.things.logic.quality import Checks, shown
from shizhu.engines.things.logic.readings import Reading, Stream, Verdict

BEFORE = 5  # readings that one is compared with
LEAST = 3  # of them make a median
NEAR = timedelta(days=1)  # neighbours lie within
Reason = Mapping[str, Any]


class Known(NamedTuple):
    """A reading that came before."""

    time: datetime
    result: float
    verdict: int


def of_itself(reading: Reading, stream: Stream | None) -> Reason:
    """Why a reading was doubted before its neighbours were looked at: its range, or the device itself."""
    if reading.verdict == Verdict.BAD and stream and reading.result is not None:
        return {"rule": "range", "value": reading.result, "limit": [stream.lowest, stream.highest]}
    return {"rule": "device"}


@dataclass
class Neighbours:
    """The readings of one datastream around which new ones come, in the order of the log.

    `newest` is the time of the newest known; `before` what lies before the first new one beyond it; `late` what lies
    before each new one that is not newer; `run` the value before and since when it has been the same.
    """

    checks: Checks
    newest: datetime | None = None
    before: Sequence[Known] = ()
    late: dict[datetime, Sequence[Known]] = field(default_factory=dict)
    run: tuple[float, datetime] | None = None
    rows: list[Known] = field(default_factory=list)  # new ones, in order of time

    def passes(self, moments: NDArray[np.int64], numbers: NDArray[np.float64]) -> bool:
        """Whether all the next readings are good at a glance: each newer than the one before, none to be compared.

        `moments` are microseconds since 2000. False says nothing: then each must be judged.
        """
        newest = moment(self.newest) if self.newest else moments[0] - 1
        if self.checks.is_compared or self.checks.stuck is None or not (np.diff(moments, prepend=newest) > 0).all():
            return False
        value, since = (self.run[0], moment(self.run[1])) if self.run else (math.nan, moments[0])
        is_other = np.diff(numbers, prepend=value) != 0  # of NaN too
        since_when = np.maximum.accumulate(np.where(is_other, moments, since))
        return bool((moments - since_when < self.checks.stuck // MICROSECOND).all())

    def judge(self, reading: Reading, number: float) -> Reason | None:
        """Why the next reading is suspect, if it is; it is known from then on."""
        time, is_compared = reading.time, self.checks.is_compared
        reason = self._broken(number, time, self._before(time)) if is_compared else None
        if self.newest is None or time > self.newest:
            if self.run is None or self.run[0] != number:
                self.run = number, time
            reason = reason or self._stands(self.run[1], time)
            self.newest = time
        elif self.run and time > self.run[1] and number != self.run[0]:
            self.run = self.run[0], time
        if is_compared:
            verdict = max(reading.verdict, Verdict.SUSPECT if reason else Verdict.GOOD)
            self.rows.insert(self._place(time), Known(time, number, verdict))
        return reason

    def _place(self, time: datetime) -> int:
        """Where a time is among the new ones: nearly always at their end."""
        rows = self.rows
        return len(rows) if not rows or rows[-1].time < time else bisect_left(rows, time, key=lambda known: known.time)

    def _before(self, time: datetime) -> Sequence[Known]:
        """What is known before a time, in order."""
        place = self._place(time)
        own = self.rows[max(place - BEFORE, 0) : place]
        both = {known.time: known for known in (*self.late.get(time, self.before), *own)}
        return [both[when] for when in sorted(both) if time - when <= NEAR][-BEFORE:]

    def _broken(self, number: float, time: datetime, before: Sequence[Known]) -> Reason | None:
        """Why the reading does not fit those before it (in order of time), by rate or spike."""
        checks = self.checks
        good = next((known for known in reversed(before) if known.verdict == Verdict.GOOD), None)
        if checks.most is not None and good is not None:
            change = abs(number - good.result) / ((time - good.time) / checks.per)
            if change > checks.most:
                return {"rule": "rate", "value": round(change, 6), "limit": checks.most, "per": shown(checks.per)}
        fitting = [known.result for known in before if known.verdict != Verdict.BAD]
        if checks.spike is not None and len(fitting) >= LEAST:
            away = abs(number - median(fitting))
            if away > checks.spike:
                return {"rule": "spike", "value": round(away, 6), "limit": checks.spike}
        return None

    def _stands(self, since: datetime, time: datetime) -> Reason | None:
        """Why the reading is stuck: the value has been the same since then."""
        stuck = self.checks.stuck
        if stuck is None or time - since < stuck:
            return None
        return {"rule": "stuck", "value": shown(time - since), "limit": shown(stuck)}


def encoded(reason: Reason) -> str:
    """A reason as it is kept."""
    return msgspec.json.encode(reason).decode()
