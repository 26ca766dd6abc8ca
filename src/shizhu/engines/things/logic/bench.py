"""A vendor's recorded input against a profile: what would have become of it, reckoned without a database."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median
from typing import Any

from shizhu.engines.things.logic import readings as form
from shizhu.engines.things.logic.readings import KnownDevice, Origin, Reading, Sample, Stream, Submission, Verdict

REGULAR = 0.2  # of the median interval, that one may differ from it


@dataclass(frozen=True)
class Interval:
    """How regularly a property came: the median, and the share of intervals near it."""

    median: timedelta
    regular: float


@dataclass
class Bench:
    """Takes in packets one by one; the counts say what would have become of them."""

    profile: Mapping[str, Any]
    packets: int = 0
    refused: Counter[tuple[str, str]] = field(default_factory=Counter)  # by (field, rule)
    readings: int = 0
    duplicates: int = 0
    corrections: int = 0
    out_of_range: Counter[str] = field(default_factory=Counter)
    doubted: Counter[str] = field(default_factory=Counter)
    delays: list[float] = field(default_factory=list)  # received − phenomenon time in seconds, where both are known
    _times: dict[str, dict[datetime, float | None]] = field(default_factory=lambda: defaultdict(dict))

    def __post_init__(self) -> None:
        names = list(self.profile["properties"])
        streams, channels = dict[str, Stream](), dict[str, Stream]()
        for number, (name, item) in enumerate(self.profile["properties"].items()):
            lowest, highest = item.get("range") or (None, None)
            streams[name] = Stream(number, lowest, highest, is_watched=False, county="")
            channels |= dict.fromkeys(item.get("channels", []), streams[name])
        self._names = names
        self._device = KnownDevice(
            0, "", Origin.MEASURED, True, True, "", streams, (), channels, tuple(self.profile.get("ignored", ()))
        )

    def telemetry(self, payload: bytes, received: datetime, *, is_received_known: bool = False) -> None:
        """One message of telemetry JSON."""
        self.packets += 1
        self._take(form.from_telemetry(payload, self._device, received), received if is_received_known else None)

    def samples(self, samples: list[Sample], rejects: list[tuple[str, str, str]], received: datetime) -> None:
        """One packet that a codec has read."""
        self.packets += 1
        self._take(form.from_samples(Submission("", "", b"", samples, rejects), self._device, received), None)

    def refuse(self, name: str, rule: str) -> None:
        """One packet that no codec could read."""
        self.packets += 1
        self.refused[name, rule] += 1

    def _take(self, found: Iterable[Any], received: datetime | None) -> None:
        for item in found:
            if isinstance(item, Reading):
                self._reading(item, received)
            else:
                self.refused[item.field, item.rule] += 1

    def _reading(self, reading: Reading, received: datetime | None) -> None:
        name = self._names[reading.stream]
        known = self._times[name]
        if reading.time in known:
            if known[reading.time] == reading.result:
                self.duplicates += 1
            else:
                self.corrections += 1
        known[reading.time] = reading.result
        self.readings += 1
        if reading.verdict == Verdict.BAD:
            self.out_of_range[name] += 1
        elif reading.verdict == Verdict.SUSPECT:
            self.doubted[name] += 1
        if received is not None:
            self.delays.append((received - reading.time).total_seconds())

    @property
    def silent(self) -> list[str]:
        """Properties of the profile that never came."""
        return [name for name in self._names if name not in self._times]

    @property
    def delay(self) -> timedelta | None:
        """Median of received − phenomenon time, where the recording says when each packet was received."""
        return timedelta(seconds=median(self.delays)) if self.delays else None

    def intervals(self) -> dict[str, Interval]:
        """By property, where it came at three times at least."""
        found = {}
        for name, known in self._times.items():
            times = sorted(known)
            steps = [(b - a).total_seconds() for a, b in pairwise(times)]
            if len(steps) > 1:
                middle = median(steps)
                near = sum(abs(step - middle) <= REGULAR * middle for step in steps)
                found[name] = Interval(timedelta(seconds=middle), near / len(steps))
        return found

    @property
    def is_passed(self) -> bool:
        """Whether something was read, and nothing refused, out of range or ahead of its time."""
        is_ahead = self.delay is not None and self.delay < timedelta(minutes=-1)
        return bool(self.readings) and not (self.refused or self.out_of_range or is_ahead)
