"""What a property of a device profile declares of its readings, beside the range: see `neighbours`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from shizhu.lib.times import parse_duration


@dataclass(frozen=True)
class Checks:
    """What a property declares of its readings, beside the range."""

    most: float | None = None  # change …
    per: timedelta = timedelta(seconds=1)  # … in this time
    spike: float | None = None
    stuck: timedelta | None = None
    interval: timedelta | None = None  # how often one is expected

    @property
    def is_compared(self) -> bool:
        """Whether a reading's value is compared with those of the readings before it."""
        return self.most is not None or self.spike is not None

    @property
    def needs_neighbours(self) -> bool:
        """Whether the readings before it matter for a reading."""
        return self.is_compared or self.stuck is not None


def checks(declared: Mapping[str, Any]) -> Checks | None:
    """The checks of a property of a device profile; None if it declares none."""
    rate = declared.get("rate", {})
    found = Checks(
        rate.get("most"),
        parse_duration(rate["per"]) if rate else Checks.per,
        declared.get("spike"),
        *(parse_duration(declared[name]) if name in declared else None for name in ("stuck", "interval")),
    )
    return None if found == Checks() else found


def shown(span: timedelta) -> str:
    """A duration as ISO 8601."""
    minutes, seconds = divmod(round(span.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    parts = f"{hours}H" * (hours > 0) + f"{minutes}M" * (minutes > 0) + f"{seconds}S" * (seconds > 0)
    return f"PT{parts or '0S'}"
