"""How much each rule asks of people in a month, and how much of it for nothing: so that bad rules die."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby, pairwise
from operator import itemgetter
from statistics import median

from django.db.models import QuerySet

from shizhu.engines.alarms.models import Alarm, Occurrence
from shizhu.engines.alarms.raising import AGAIN
from shizhu.kernel import access
from shizhu.kernel.access import Actor

FEW = 5  # alarms of which a share says something
MANY_FALSE = 0.5
MANY_A_DAY = 10.0


@dataclass(frozen=True)
class Load:
    """One rule in one span. Shares are of the alarms that people closed; times are medians, None for none.

    `returned` is how often alarms came back within an hour of their end (ISA-18.2: chattering).
    """

    rule: str
    raised: int
    occurrences: int
    returned: int
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
        """What speaks against the rule: false, many, chatter; empty for nothing."""
        if self.closed >= FEW and self.false >= MANY_FALSE * self.closed:
            return "false"
        if self.a_day > MANY_A_DAY:
            return "many"
        return "chatter" if self.returned >= max(FEW, self.raised) else ""


def raised(who: Actor, county: str, start: datetime, end: datetime) -> QuerySet[Alarm]:
    """The alarms of the span that `who` may see."""
    found = Alarm.objects.filter(county=county, raised_at__gte=start, raised_at__lt=end)
    return access.rows(found, who, "alarms.alarm.view")


def loads(who: Actor, county: str, start: datetime, end: datetime) -> list[Load]:
    """Of each rule that raised alarms in the span that `who` may see, the heaviest first."""
    by_rule: dict[str, list[Alarm]] = {}
    for alarm in raised(who, county, start, end):
        by_rule.setdefault(alarm.rule, []).append(alarm)
    days = max((end - start) / timedelta(days=1), 1.0)
    returned = _returned([alarm.pk for alarms in by_rule.values() for alarm in alarms])
    found = [_load(rule, alarms, days, returned) for rule, alarms in by_rule.items()]
    return sorted(found, key=lambda one: (-one.raised, one.rule))


def _returned(alarms: list[int]) -> Counter[int]:
    """How often each came back soon after its end."""
    rows = Occurrence.objects.filter(alarm__in=alarms, alarm__occurrences__gt=1, is_withdrawn=False)
    spans = rows.order_by("alarm", "raised_at").values_list("alarm", "raised_at", "recovered_at")
    found = Counter[int]()
    for alarm, happened in groupby(spans, itemgetter(0)):
        found[alarm] = sum(
            over is not None and begun - over <= AGAIN for (_, _, over), (_, begun, _) in pairwise(happened)
        )
    return found


def _load(rule: str, alarms: list[Alarm], days: float, returned: Counter[int]) -> Load:
    closed = [one for one in alarms if one.cleared_by_id]
    return Load(
        rule=rule,
        raised=len(alarms),
        occurrences=sum(one.occurrences for one in alarms),
        returned=sum(returned[one.pk] for one in alarms),
        a_day=round(len(alarms) / days, 2),
        closed=len(closed),
        false=sum(one.is_false for one in alarms),
        withdrawn=sum(one.is_withdrawn for one in alarms),
        seen_after=_median(one.acknowledged_at - one.detected_at for one in alarms if one.acknowledged_at),
        lasted=_median(one.cleared_at - one.detected_at for one in alarms if one.cleared_at),
    )


def _median(spans: Iterable[timedelta]) -> timedelta | None:
    found = [span.total_seconds() for span in spans]
    return timedelta(seconds=median(found)) if found else None
