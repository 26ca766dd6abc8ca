"""Readings of a batch by columns: what is the same work for each is done for all at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from operator import itemgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shizhu.engines.things.logic import binary
from shizhu.engines.things.logic.binary import EPOCH, MICROSECOND
from shizhu.engines.things.logic.readings import Reading, Verdict

HOUR = timedelta(hours=1)
HOUR_TICKS = HOUR // MICROSECOND
NOTHING_MORE = (None,) * 6
PLAIN_COLUMNS = [itemgetter(place) for place in range(5)]
MORE_COLUMNS = itemgetter(5, 6, 7, 8, 9, 11)  # all but whether it is history
PLAIN_FORM = "qq--d-hh---"  # of a row of nothing but a number as it is copied


@dataclass(slots=True)
class Extent:
    """Of readings of one datastream: the first and newest, the last end, result times, boxes of features."""

    first: datetime
    newest: Reading
    last: datetime
    result_first: datetime | None = None
    result_last: datetime | None = None
    features: set[int] = field(default_factory=set)
    is_home: bool = False

    def joined(self, before: Extent | None) -> Extent:
        """With what came before it: the times of both, the newest of both."""
        if before is None:
            return self
        newest = self.newest if self.newest.time >= before.newest.time else before.newest
        return Extent(min(self.first, before.first), newest, max(self.last, before.last))


@dataclass
class Columns:
    """Readings as arrays; `has_more` says whether any has more than a number, a verdict and an origin."""

    streams: NDArray[np.int64]
    moments: NDArray[np.int64]  # as PostgreSQL counts
    numbers: NDArray[np.float64]  # NaN where the result is no number
    verdicts: NDArray[np.int16]
    origins: NDArray[np.int16]
    has_more: bool

    @cached_property
    def order(self) -> NDArray[np.intp]:
        """By datastream and time; of equal keys the last one comes last."""
        return np.lexsort((self.moments, self.streams))

    @cached_property
    def rows(self) -> dict[int, NDArray[np.intp]]:
        """Of each datastream, in order of time."""
        streams = self.streams[self.order]
        begins = _begins(streams)
        return dict(zip(streams[begins].tolist(), np.split(self.order, begins[1:]), strict=True)) if len(begins) else {}

    @property
    def is_single(self) -> bool:
        """Whether no key comes twice."""
        return len(_begins(self.streams[self.order], self.moments[self.order])) == len(self.streams)

    @property
    def span(self) -> tuple[datetime, datetime]:
        """The first time and the last."""
        first, last = int(self.moments.min()), int(self.moments.max())
        return EPOCH + first * MICROSECOND, EPOCH + last * MICROSECOND

    @cached_property
    def copied(self) -> bytes:
        """What COPY reads, if there is no more."""
        return binary.column_table(PLAIN_FORM, (self.streams, self.moments, self.numbers, self.verdicts, self.origins))

    @cached_property
    def hours(self) -> list[list[Any]]:
        """Count, total, least and most of the good numbers of each datastream and hour, as columns."""
        good = self.order[((self.verdicts == Verdict.GOOD) & ~np.isnan(self.numbers))[self.order]]
        streams, hours, numbers = self.streams[good], self.moments[good] // HOUR_TICKS, self.numbers[good]
        begins = _begins(streams, hours)
        if not len(begins):
            return [[] for _ in range(6)]
        return [
            streams[begins].tolist(),
            [EPOCH + hour * HOUR for hour in hours[begins].tolist()],
            np.diff(begins, append=len(streams)).tolist(),
            *(how.reduceat(numbers, begins).tolist() for how in (np.add, np.minimum, np.maximum)),
        ]

    def prepare(self) -> None:
        """Make now what is asked for later."""
        if len(self.streams):
            _ = self.rows, self.hours, self.has_more or self.copied

    def extents(self, readings: Sequence[Reading]) -> dict[int, Extent]:
        """As the function, if there is no more."""
        found = {}
        for stream, rows in self.rows.items():
            newest = readings[rows[-1]]
            found[stream] = Extent(readings[rows[0]].time, newest, newest.time, is_home=True)
        return found


def _begins(*keys: NDArray[np.int64]) -> NDArray[np.intp]:
    """Where in sorted columns another key begins."""
    is_other = np.zeros(max(len(keys[0]) - 1, 0), bool)
    for key in keys:
        is_other |= key[1:] != key[:-1]
    return np.flatnonzero(np.concatenate((np.ones(min(len(keys[0]), 1), bool), is_other)))


def columns(readings: Sequence[Reading]) -> Columns:
    """Of readings in the order of the log."""
    streams, times, numbers, verdicts, origins = ([*map(one, readings)] for one in PLAIN_COLUMNS)
    has_more = None in numbers or not {NOTHING_MORE}.issuperset(map(MORE_COLUMNS, readings))
    return Columns(
        np.array(streams, np.int64), np.array([(time - EPOCH) // MICROSECOND for time in times], np.int64),
        np.array(numbers, np.float64), np.array(verdicts, np.int16), np.array(origins, np.int16), has_more,
    )  # fmt: skip


def extents(readings: Iterable[Reading]) -> dict[int, Extent]:
    """The newest reading of each datastream and the extent of all."""
    found: dict[int, Extent] = {}
    for reading in readings:
        time, end, result_time, feature = (
            reading.time,
            reading.end or reading.time,
            reading.result_time,
            reading.feature,
        )
        own = found.get(reading.stream)
        if own is None:
            own = found[reading.stream] = Extent(time, reading, end)
        elif time >= own.newest.time:
            own.newest = reading
        own.first = min(own.first, time)
        own.last = max(own.last, end)
        if result_time is not None:
            own.result_first = min(own.result_first or result_time, result_time)
            own.result_last = max(own.result_last or result_time, result_time)
        if feature is None:
            own.is_home = True
        else:
            own.features.add(feature)
    return found
