"""The collection calendar (采集日历): which values are due from whom and when, what came, reminders, and entering them.

Late data is not late work: the calendar speaks of the report alone, the light judges the newest value by its own day.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, override

from shizhu.engines.notices import api as notices
from shizhu.engines.plan import people
from shizhu.engines.plan.logic.collecting import LATE, SOON, Calendar, Due, due
from shizhu.engines.plan.models import Collection, Indicator, Plan, Value
from shizhu.engines.plan.periods import Period, named, order, period_of
from shizhu.engines.plan.typed import amount, same
from shizhu.kernel import access
from shizhu.kernel.access import Actor
from shizhu.kernel.models import County, Organisation, Person

REPORT = "plan.value.report"
SHOWN_BACK = 800  # days: how far back the calendar shows what never came
AGAIN = 14  # days after which lateness is told again
CHINESE = "zh-hans"
FELL = ("核减", "reduced")  # so begins the reason of a cumulative total that is less than the one before
Known = Mapping[tuple[int, str], tuple[Value, date]]
LONGEST_NOTE = 200
EVERY = {"P1Y": gettext_lazy("every year"), "P3M": gettext_lazy("every quarter"), "P1M": gettext_lazy("every month")}
MOST_DAYS = {"due_days": 400, "remind_days": 60}


@dataclass(frozen=True)
class Item:
    """A value that somebody owes or has given."""

    collection: Collection
    period: Period
    due: Due
    value: Value | None = None
    before: Value | None = None  # of a cumulative indicator: the total of the period before

    @property
    def added(self) -> float | None:
        """What came to a cumulative total since the period before; None where one of them alone is simulated."""
        if self.before is None or self.value is None or self.value.value is None or self.before.value is None:
            return None
        if self.before.is_simulated != self.value.is_simulated:
            return None
        return self.value.value - self.before.value

    @property
    def key(self) -> str:
        """Its name in a form."""
        return f"{self.collection.pk}.{self.period.name}"


@dataclass(frozen=True)
class Asked:
    """Who is to report an indicator, how often (P1M, P3M, P1Y), days until it is due and before that to remind."""

    organisation: Organisation
    every: str
    due_days: int
    remind_days: int


@dataclass(frozen=True)
class Entered:
    """What somebody entered for an item; `row` says where, for what is wrong with it."""

    row: str
    key: str
    value: str
    note: str


def assign(indicator: Indicator, asked: Asked | None) -> bool:
    """Say who reports an indicator from this year on, or that nobody does; False where that is so."""
    row = Collection.objects.filter(indicator=indicator).first()
    if asked is None:
        return bool(row and row.delete())
    told = {"organisation": asked.organisation, "every": asked.every, "due_days": asked.due_days,
            "remind_days": asked.remind_days}  # fmt: skip
    if row is not None and all(getattr(row, name) == value for name, value in told.items()):
        return False
    since = timezone.localdate().replace(month=1, day=1)
    Collection.objects.update_or_create(indicator=indicator, defaults=told, create_defaults={**told, "since": since})
    return True


def mine(plan: Plan, who: Actor) -> list[Collection]:
    """The collections of a plan that somebody reports for."""
    rows = Collection.objects.filter(indicator__plan=plan).select_related(
        "indicator", "organisation__area", "indicator__plan"
    )
    return [
        row for row in rows
        if access.may(who, REPORT, county=plan.county_id, organisation=row.organisation, area=row.organisation.area)
    ]  # fmt: skip


def calendar(collections: Sequence[Collection], today: date) -> list[Item]:
    """Every period that has ended, newest first, until `SHOWN_BACK` days ago, and the one that runs."""
    known = _known([row.indicator_id for row in collections])
    totals = _totals(known)
    found = []
    for row in collections:
        for period in _periods(row, today):
            value, first = known.get((row.indicator_id, period.name), (None, None))
            rule = Calendar(row.due_days, row.remind_days)
            before = (
                _before(totals.get(row.indicator_id, []), period, anew=row.indicator.is_flow)
                if row.indicator.is_cumulative
                else None
            )
            found.append(Item(row, period, due(period.last, rule, today, first), value, before))
    urgency = {LATE: 0, SOON: 1}
    return sorted(
        found, key=lambda item: (urgency.get(item.due.state, 2), item.due.on, item.collection.indicator.order)
    )


def _periods(row: Collection, today: date) -> Iterator[Period]:
    period = period_of(row.every, today)
    while period.last >= row.since and period.last >= today - timedelta(days=SHOWN_BACK):
        yield period
        period = period_of(row.every, period.first - timedelta(days=1))


def _totals(known: Known) -> Mapping[int, list[Value]]:
    """The newest values of each indicator in the order of their periods."""
    found: dict[int, list[Value]] = {}
    for value, _first in sorted(known.values(), key=lambda told: order(told[0].period)):
        found.setdefault(value.indicator_id, []).append(value)
    return found


def _before(totals: Sequence[Value], period: Period, *, anew: bool) -> Value | None:
    """The total before a period, of the same year where totals begin anew each year."""
    at = bisect_left(totals, order(period.name), key=lambda value: order(value.period))
    before = totals[at - 1] if at else None
    return None if before and anew and named(before.period).first.year != period.first.year else before


def _known(indicators: Sequence[int]) -> Known:
    """(indicator, period) → newest value, and the day the first one came."""
    found: dict[tuple[int, str], tuple[Value, date]] = {}
    rows = Value.objects.filter(indicator__in=indicators, value__isnull=False).exclude(source="plan")
    for value in rows.select_related("person").order_by("known_at"):
        key = value.indicator_id, value.period
        first = found[key][1] if key in found else timezone.localdate(value.known_at)
        found[key] = (value, first)
    return found


def open_items(items: Iterable[Item]) -> list[Item]:
    """What is due: late, or soon."""
    return [item for item in items if item.due.state in {LATE, SOON}]


def enter(asked: Sequence[Item], entered: Sequence[Entered], by: Person) -> tuple[int, list[str]]:
    """Keep what was entered: all of it, or nothing and what is wrong, in words. Returns (kept, problems)."""
    items = {item.key: item for item in asked}
    made, problems, seen = list[Value](), list[str](), set[str]()
    for one in entered:
        if one.key in seen:
            problems.append(_("%(row)s: is there twice.") % {"row": one.row})
            continue
        seen.add(one.key)
        item = items.get(one.key)
        value, found = _read(item, one)
        if found:
            problems.append(_("%(row)s: %(why)s.") % {"row": one.row, "why": found})
        elif item is not None and (item.value is None or not same(item.value.value, value)):
            made.append(
                Value(
                    indicator=item.collection.indicator, period=item.period.name, value=value,
                    source="reported", note=one.note, person=by,
                )
            )  # fmt: skip
    totals = {(one.indicator_id, one.period): one.value for one in made}
    for new in made:
        also = {name: value for (pk, name), value in totals.items() if pk == new.indicator_id}
        if found := out_of_order(new.indicator, new.period, new.value, new.note, also):
            problems.append(_("%(row)s: %(why)s.") % {"row": f"{new.indicator.name} {new.period}", "why": found})
    if problems:
        return 0, problems
    Value.objects.bulk_create(made)
    return len(made), []


def _read(item: Item | None, one: Entered) -> tuple[float | None, str]:
    """The value entered, and what is wrong with it."""
    if item is None:
        return None, _("no such value is asked of you")
    try:
        value = amount(one.value)
    except ValueError:
        value = None
    if value is None:
        return None, _("“%s” is no number") % one.value[:40]
    if not one.note and (item.value is None or not same(item.value.value, value)):
        return value, _("say where the value comes from") if item.value is None else _("a correction needs its reason")
    if len(one.note) > LONGEST_NOTE:
        return value, _("the reason is longer than %d characters") % LONGEST_NOTE
    return value, ""


def out_of_order(
    indicator: Indicator, period: str, value: float | None, note: str, also: Mapping[str, float | None] | None = None
) -> str:
    """What is wrong with a cumulative total beside the ones before and after, "" if nothing; `also` as in `fallen`."""
    return fallen(indicator, period, value, note, also) or _overtaking(indicator, period, value, note, also)


def fallen(
    indicator: Indicator, period: str, value: float | None, note: str, also: Mapping[str, float | None] | None = None
) -> str:
    """What is wrong with a cumulative total below the one before, "" if nothing: most often it is what was added alone.

    `also` are totals by period that come with it. A reason that begins with one of FELL lets it fall; simulated totals
    are no measure.
    """
    known = _known_totals(indicator, period, note, also or {})
    last = max((name for name in known if order(name) < order(period)), key=order, default="")
    if value is None or not last or value >= known[last]:
        return ""
    return _(
        "a cumulative total is not below the %(total)s of %(last)s; if %(value)s is what was added, the total is"
        " %(sum)s; if it did fall, begin the reason with “reduced”"
    ) % {"total": f"{known[last]:.15g}", "last": last, "value": f"{value:.15g}", "sum": f"{known[last] + value:.15g}"}


def _overtaking(
    indicator: Indicator, period: str, value: float | None, note: str, also: Mapping[str, float | None] | None = None
) -> str:
    """What is wrong with a cumulative total above the one after, "" if nothing: most often it has a digit too many.

    Totals that come with it (`also`) are held against it themselves.
    """
    known = _known_totals(indicator, period, note, {})
    later = (name for name in known if named(name).last > named(period).last and name not in (also or {}))
    after = min(later, key=order, default="")
    if value is None or not after or value <= known[after]:
        return ""
    return _(
        "a cumulative total is not above the %(total)s of %(after)s; correct that one first or with it, or, if the"
        " total did fall since, begin the reason with “reduced”"
    ) % {"total": f"{known[after]:.15g}", "after": after}


def _known_totals(
    indicator: Indicator, period: str, note: str, also: Mapping[str, float | None]
) -> Mapping[str, float]:  # fmt: skip
    """Period → total that the one of a period is held against; none where it may fall."""
    if not indicator.is_cumulative or note.lower().startswith(FELL):
        return {}
    totals = {f"{indicator.base_year}": indicator.base_value} if indicator.base_year else {}
    for one in indicator.values.filter(value__isnull=False, is_simulated=False).order_by("known_at", "pk"):
        totals[one.period] = one.value
    known = {name: total for name, total in (totals | dict(also)).items() if total is not None}
    if not indicator.is_flow:
        return known
    year = named(period).first.year  # its totals begin anew each year
    return {name: total for name, total in known.items() if named(name).first.year == year}


def remind_all(today: date | None = None) -> int:
    """Tell those who report what is due soon and what is late, each once and late things every `AGAIN` days."""
    day = today or timezone.localdate()
    return sum(_remind(county, day) for county in County.objects.all())


def _remind(county: County, today: date) -> int:
    rows = Collection.objects.filter(indicator__plan__county=county).select_related(
        "indicator__plan", "organisation__area"
    )
    told = 0
    for item in open_items(calendar(list(rows), today)):
        times, body = item.due.days_late // AGAIN, item.collection.organisation
        key = f"plan.collect {item.key} {item.due.state} {times}"
        with override(CHINESE), transaction.atomic():
            told += notices.tell(county.pk, key, people.of(REPORT, body, body.area), **_notice(item)) is not None
    return told


def _notice(item: Item) -> dict[str, Any]:
    about = {
        "indicator": item.collection.indicator.name, "period": item.period.name, "day": f"{item.due.on:%Y-%m-%d}",
        "late": item.due.days_late,
    }  # fmt: skip
    is_late = item.due.state == LATE
    title = _("Value not reported: %(indicator)s, %(period)s") if is_late else _("Value due: %(indicator)s, %(period)s")
    text = _("It was due on %(day)s, %(late)d days ago.") if is_late else _("It is due on %(day)s.")
    return {
        "title": title % about, "text": text % about, "level": "yellow" if is_late else "",
        "url": f"/plan/collect/?plan={item.collection.indicator.plan.code}",
    }  # fmt: skip


def entered_of(given: Mapping[str, str], items: Sequence[Item]) -> list[Entered]:
    """What a form holds: fields `value.<key>` and `note.<key>`."""
    return [
        Entered(
            f"{item.collection.indicator.name} {item.period.name}", item.key,
            given.get(f"value.{item.key}", "").strip().replace(",", ""), given.get(f"note.{item.key}", "").strip(),
        )
        for item in items
        if given.get(f"value.{item.key}", "").strip()
    ]  # fmt: skip
