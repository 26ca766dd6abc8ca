"""A month of duty as a table: to send as Excel, and to be read from one, row by row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from shizhu.engines.cases.duties import CannotBe, Shift, holders, posts
from shizhu.engines.cases.models import Duty
from shizhu.engines.records import api as records
from shizhu.kernel.models import Area

HEADS = (
    gettext_noop("Date"),
    gettext_noop("From"),
    gettext_noop("Until"),
    gettext_noop("User name"),
    gettext_noop("Name"),
)
MOST = 1000  # rows of a table
DEMO_DAYS = 31


@dataclass(frozen=True)
class Fault:
    """What is wrong with a row: its number as the table shows it, the column, the value and the rule."""

    row: int
    column: str
    value: str
    rule: str


def heads() -> list[str]:
    """The heads of the table in the language in force."""
    return [_(head) for head in HEADS]


def span(day: date, begins: str, ends: str) -> tuple[datetime, datetime]:
    """The shift of a day between two times such as 08:30; one that ends no later than it begins ends the next day.

    Raises ValueError.
    """
    first, last = time.fromisoformat(begins), time.fromisoformat(ends)
    begin = timezone.make_aware(datetime.combine(day, first))
    return begin, timezone.make_aware(datetime.combine(day + timedelta(days=last <= first), last))


def simulated(county: str, rows: Iterable[Mapping[str, Any]]) -> None:
    """A roster for a demonstration: the people of each row take turns, day by day, for a month; once."""
    if Duty.objects.filter(county=county).exists():
        return
    today = timezone.localdate()
    for row in rows:
        area = Area.objects.get(county=county, code=row["area"])
        people = [one for name in row["people"] for one in holders(county, row["role"], area) if one.username == name]
        for number in range(DEMO_DAYS if people else 0):
            begins, ends = span(today + timedelta(days=number - 3), row["from"], row["to"])
            person = people[number % len(people)]
            held = posts(county, row["role"], area, timezone.now()).filter(person=person)
            Duty.objects.create(
                county_id=county, organisation=held[0].organisation, area=area, role=row["role"], person=person,
                begins=begins, ends=ends,
            )  # fmt: skip


def written(duties: Iterable[Duty], title: str) -> bytes:
    """The shifts as Excel."""
    spans = ((timezone.localtime(duty.begins), timezone.localtime(duty.ends), duty.person) for duty in duties)
    return records.written_table(title, heads(), (
        [f"{begins:%Y-%m-%d}", f"{begins:%H:%M}", f"{ends:%H:%M}", person.username, person.name]
        for begins, ends, person in spans
    ))  # fmt: skip


def read(rows: Iterable[Any], role: str, area: Area) -> tuple[list[Shift], list[Fault]]:
    """The shifts of a table below its heads, and what is wrong with it; a person is told by user name, else by name."""
    people = holders(area.county_id, role, area)
    found: list[Shift] = []
    faults: list[Fault] = []
    for number, row in enumerate(rows):
        if number == 0 or not any(row.cells):
            continue
        if number > MOST:
            raise CannotBe(_("At most %d rows in one table. Split it.") % MOST)
        cells = [_text(cell) for cell in (*row.cells, *[None] * len(HEADS))][: len(HEADS)]
        wrong: list[Fault] = []
        try:
            day = date.fromisoformat(cells[0].replace("/", "-"))
            begins, ends = span(day, cells[1], cells[2])
        except ValueError:
            column = 0 if not _is_day(cells[0]) else 1 if not _is_time(cells[1]) else 2
            rule = _("must be a day such as 2026-07-01") if column == 0 else _("must be a time such as 08:30")
            wrong.append(Fault(row.number, heads()[column], cells[column], rule))
        named = [p for p in people if p.username == cells[3]] or [
            p for p in people if not cells[3] and p.name == cells[4]
        ]
        if len(named) != 1:
            rule = _("several people are called so: give the user name") if named else _("holds no such post there")
            column = 3 if cells[3] else 4
            wrong.append(Fault(row.number, heads()[column], cells[column], rule))
        if wrong:
            faults += wrong
            continue
        shift = Shift(role, area, named[0], begins, ends)
        if any(one.person == shift.person and one.begins < ends and begins < one.ends for one in found) or (
            Duty.objects.filter(person=shift.person, begins__lt=ends, ends__gt=begins).exists()
        ):
            faults.append(Fault(row.number, heads()[4], shift.person.name, _("is on duty at that time already")))
            continue
        found.append(shift)
    return found, faults


def _text(cell: Any) -> str:
    if isinstance(cell, datetime):
        return f"{cell:%Y-%m-%d}" if cell.time() == time() else f"{cell:%Y-%m-%d %H:%M}"
    if isinstance(cell, time):
        return f"{cell:%H:%M}"
    return "" if cell is None else str(cell).strip()


def _is_day(text: str) -> bool:
    try:
        return bool(date.fromisoformat(text.replace("/", "-")))
    except ValueError:
        return False


def _is_time(text: str) -> bool:
    try:
        return time.fromisoformat(text) is not None
    except ValueError:
        return False
