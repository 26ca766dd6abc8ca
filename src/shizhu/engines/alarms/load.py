"""How much each rule asks of people in a month, and how much of it for nothing: so that bad rules die."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from shizhu.engines.alarms.models import Alarm
from shizhu.kernel import access
from shizhu.kernel.access import Actor

FEW = 5  # alarms of which a share says something
MANY_FALSE = 0.5
MANY_A_DAY = 10.0


@dataclass(frozen=True)
class Load:
    """One rule in one span. Shares are of the alarms that people closed; times are medians, None for none."""

    rule: str
    raised: int
    occurrences: int
    a_day: float
    closed: int
    false: int
    withdrawn: int
    seen_after: timedelta | None
    lasted: timedelta | None

    @property
    def false_rate(self) -> float | None:
        """False alarms, in per cent of those that a person closed."""
        return 100 * self.false / self.closed if self.closed else None

    @property
    def why_die(self) -> str:
        """What speaks against the rule: false, many; empty for nothing."""
        if self.closed >= FEW and self.false >= MANY_FALSE * self.closed:
            return "false"
        return "many" if self.a_day > MANY_A_DAY else ""


def loads(who: Actor, county: str, start: datetime, end: datetime) -> list[Load]:
    """Of each rule that raised alarms in the span that `who` may see, the heaviest first."""
    raised = Alarm.objects.filter(county=county, raised_at__gte=start, raised_at__lt=end)
    by_rule: dict[str, list[Alarm]] = {}
    for alarm in access.rows(raised, who, "alarms.alarm.view"):
        by_rule.setdefault(alarm.rule, []).append(alarm)
    days = max((end - start) / timedelta(days=1), 1.0)
    found = [_load(rule, alarms, days) for rule, alarms in by_rule.items()]
    return sorted(found, key=lambda one: (-one.raised, one.rule))


def _load(rule: str, alarms: list[Alarm], days: float) -> Load:
    closed = [one for one in alarms if one.cleared_by_id]
    return Load(
        rule=rule,
        raised=len(alarms),
        occurrences=sum(one.occurrences for one in alarms),
        a_day=len(alarms) / days,
        closed=len(closed),
        false=sum(one.is_false for one in alarms),
        withdrawn=sum(one.is_withdrawn for one in alarms),
        seen_after=_median(one.acknowledged_at - one.detected_at for one in alarms if one.acknowledged_at),
        lasted=_median(one.cleared_at - one.detected_at for one in alarms if one.cleared_at),
    )


def _median(spans: Iterable[timedelta]) -> timedelta | None:
    found = [span.total_seconds() for span in spans]
    return timedelta(seconds=median(found)) if found else None
