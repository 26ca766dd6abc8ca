"""What a limit is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limit:
    """Values between `low` and `high` (both inclusive, None is open) comply."""

    low: float | None = None
    high: float | None = None

    def is_kept_by(self, value: float) -> bool:
        """Whether the value complies."""
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)

    def __str__(self) -> str:
        if self.low is not None and self.high is not None:
            return f"{self.low:g}–{self.high:g}"
        return f"≥ {self.low:g}" if self.low is not None else f"≤ {self.high:g}"
