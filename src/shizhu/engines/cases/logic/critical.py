"""The critical path (关键路径) of works that wait for each other, and what the past says of when they end. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

DRAWS = 400
OVER = 0.5  # days more of a work that has run longer than it should
FEWEST = 3  # past durations that say more than the days allowed


@dataclass(frozen=True)
class Work:
    """A work: what it waits for, and how long it still takes (0 once done), in any one unit."""

    after: Sequence[str]
    left: float


def ends(works: Mapping[str, Work]) -> dict[str, float]:
    """When each ends at the earliest, counted from now."""
    found: dict[str, float] = {}

    def end(id_: str) -> float:
        if id_ not in found:
            work = works[id_]
            found[id_] = work.left + max((end(before) for before in work.after), default=0.0)
        return found[id_]

    return {id_: end(id_) for id_ in works}


def path(works: Mapping[str, Work]) -> list[str]:
    """The works that decide when all is over, in their order; those that are done are no part of it."""
    found = ends(works)
    here = max(found, key=lambda id_: found[id_], default="")
    way: list[str] = []
    while here and found[here] > 0:
        if works[here].left > 0:
            way.append(here)
        here = max(works[here].after, key=lambda id_: found[id_], default="")
    return way[::-1]


@dataclass(frozen=True)
class Ahead:
    """A work as it stands: what it waits for, past durations, days allowed, how long it has run (None: not begun)."""

    after: Sequence[str]
    past: Sequence[float]
    days: float
    ran: float | None = None
    is_done: bool = False


def left(work: Ahead, draw: float) -> float:
    """How long a work still takes if it takes `draw` in all."""
    return 0.0 if work.is_done else max(draw - (work.ran or 0.0), 0.0)


def outlook(works: Mapping[str, Ahead], seed: int) -> tuple[float, float, float]:
    """When all is over: (early, middle, late), of which one in ten ends before the first and one in ten after the last.

    Each draw takes one past duration of each work, of those longer than it has run already; a work with few of them
    takes the days allowed, and one that has run longer than all these half a day more. The same seed, the same answer.
    """
    random = Random(seed)  # noqa: S311  # no secret
    totals = []
    for _ in range(DRAWS):
        drawn = {}
        for id_, work in works.items():
            ran = work.ran or 0.0
            longer = [one for one in (work.past if len(work.past) >= FEWEST else [work.days]) if one > ran]
            took = random.choice(longer) if longer else ran + OVER
            drawn[id_] = Work(work.after, left(work, took))
        totals.append(max(ends(drawn).values(), default=0.0))
    totals.sort()
    return totals[DRAWS // 10], totals[DRAWS // 2], totals[DRAWS - DRAWS // 10 - 1]
