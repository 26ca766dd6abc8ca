"""Slowing guesses at short passwords down, in the memory of one process; no I/O."""

from __future__ import annotations

FREE, FIRST, MOST = 5, 15.0, 120.0
MOST_KEPT = 10_000


class Guesses:
    """Per key: five wrong tries, then waits that double from 15 seconds to two minutes. Times are monotonic seconds."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[int, float]] = {}

    def waits(self, key: str, now: float) -> bool:
        """Whether a try has to wait, right or wrong."""
        return self._kept.get(key, (0, 0.0))[1] > now

    def failed(self, key: str, now: float) -> None:
        """Count a wrong try."""
        count = self._kept.pop(key, (0, 0.0))[0] + 1
        if len(self._kept) >= MOST_KEPT:
            self._kept.pop(next(iter(self._kept)))  # the one that has been quiet longest
        wait = min(MOST, FIRST * 2 ** min(count - FREE, 16)) if count >= FREE else 0.0
        self._kept[key] = count, now + wait

    def passed(self, key: str) -> None:
        """A right try forgets the wrong ones."""
        self._kept.pop(key, None)
