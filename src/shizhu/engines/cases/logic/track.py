"""What a track of a phone says: how long it is, and what makes it implausible. Marked, never refused."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from shizhu.lib import geodesy

IMPOSSIBLE = 150.0  # km/h between two points: the position jumped
VAGUE = 100.0  # metres of accuracy, above which a point says little
SILENT = 600.0  # seconds without a point
EARLY = 300.0  # seconds by which a clock may run ahead
GRAVE = {"clock", "jump", "speed", "still"}  # flaws for which a patrol does not count until somebody accepts it


@dataclass(frozen=True)
class Point:
    """A position in degrees (WGS 84), `at` seconds since the start, `accuracy` in metres at 68 % where known."""

    longitude: float
    latitude: float
    at: float
    accuracy: float | None = None


@dataclass(frozen=True)
class Verdict:
    """`metres` of the believable part, and the flaws in order."""

    metres: float
    flaws: tuple[str, ...]


@dataclass(frozen=True)
class _Leg:
    metres: float
    seconds: float

    @property
    def speed(self) -> float:
        """km/h; without end where no time passed."""
        return self.metres / self.seconds * 3.6 if self.seconds > 0 else (math.inf if self.metres > 1 else 0.0)


def judge(points: Sequence[Point], *, fastest: float, span: float, received: float) -> Verdict:
    """Judge a track of `span` seconds that arrived `received` seconds after its start; `fastest` is in km/h.

    Flaws: `clock` times run backwards or lie in the future · `jump` faster than anything goes on the ground ·
    `speed` a tenth of the way or more faster than the beat is done · `still` no way at all · `vague` half of the
    points or more are known to 100 m at best · `gaps` ten minutes or more without a point.
    """
    legs = list(_legs(points))
    walked = [leg for leg in legs if leg.speed <= IMPOSSIBLE]
    metres = sum(leg.metres for leg in walked)
    fast = sum(leg.metres for leg in walked if leg.speed > fastest)
    vague = sum(1 for point in points if (point.accuracy or 0) > VAGUE)
    times = [point.at for point in points]
    rests = [b - a for a, b in pairwise([0.0, *times, span])]
    found = {
        "clock": span > received + EARLY or any(b < a for a, b in pairwise(times)),
        "jump": len(walked) < len(legs),
        "speed": metres > 0 and fast > metres / 10,
        "still": metres < 20,
        "vague": bool(points) and vague * 2 >= len(points),
        "gaps": any(rest >= SILENT for rest in rests),
    }
    return Verdict(metres, tuple(name for name, holds in found.items() if holds))


def _legs(points: Sequence[Point]) -> Iterator[_Leg]:
    """From each point that says something to the next; a move within the accuracy is none."""
    told = [point for point in points if (point.accuracy or 0) <= VAGUE]
    if not told:
        return
    last = told[0]
    for point in told[1:]:
        metres = geodesy.distance((last.longitude, last.latitude), (point.longitude, point.latitude))
        if metres >= max(5.0, (point.accuracy or 0) / 2):
            yield _Leg(metres, point.at - last.at)
            last = point
