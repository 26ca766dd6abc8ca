"""What a bulletin and a public release begin with: what the case holds now, in sentences; Chinese whoever asks.

People write on from there. What its author may not see in a register is not in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from shizhu.engines.alarms import api as alarms
from shizhu.engines.cases import emergencies, needs, stock
from shizhu.engines.cases.emergencies import Line, Response
from shizhu.engines.cases.logic.emergency import LEVEL_NAMES
from shizhu.engines.cases.models import DRILL, Bulletin, Case, Need
from shizhu.engines.records import api as records
from shizhu.kernel.access import Actor
from shizhu.kernel.models import Area
from shizhu.kernel.official import chinese
from shizhu.kernel.packs import Body
from shizhu.kernel.text import label, named, spoken

CHINESE = "zh-hans"
COLOURS = {
    "blue": gettext_noop("Blue"), "yellow": gettext_noop("Yellow"), "orange": gettext_noop("Orange"),
    "red": gettext_noop("Red"),
}  # fmt: skip
NOT_REAL = {1: gettext_noop("simulated"), 2: gettext_noop("replayed"), DRILL: gettext_noop("drill")}
STATES = {"ready": gettext_noop("running"), "ahead": gettext_noop("not yet")}
Section = tuple[str, list[str]]


def internal(who: Actor, case: Case, next_at: datetime | None) -> str:
    """The text of a bulletin."""
    with translation.override(CHINESE):
        now, response = timezone.now(), emergencies.response(case)
        body = emergencies.plans(case.county_id)[case.flow]
        before = Bulletin.objects.filter(case=case, kind=Bulletin.Kind.INTERNAL, state=Bulletin.State.ISSUED).last()
        later = (
            _("The next bulletin comes before %s.") % _moment(next_at) if next_at else _("This is the last bulletin.")
        )
        return _text([
            (_("The response"), _stands(case, response, now)),
            (_("Alarms and warnings"), [*_alarms(case), *_warnings(case)] or [_("None is open or in force.")]),
            (_("How the tasks stand"), list(_tasks(response, before, case))),
            (_("Teams and supplies"), [*_sent(who, case), *_asked(case)] or [_("Nothing was drawn from the stock.")]),
            (_("Losses and incidents"), list(_figures(who, case, body)) or [_("None was registered up to now.")]),
            (_("What comes next"), [later]),
        ])  # fmt: skip


def public(who: Actor, case: Case) -> str:
    """The text of a public release: no names, no stock; what is in force and what to do."""
    with translation.override(CHINESE):
        now, response = timezone.now(), emergencies.response(case)
        body = emergencies.plans(case.county_id)[case.flow]
        sums = [one for one in body.get("bulletin", {}).get("figures", ()) if "sum" in one]
        lines = [
            *_stands(case, response, now), *_warnings(case),
            *(line for one in sums for line in _summed(who, case, one)),
            *(label(one) for one in body["release"].get("advice", ())),
        ]  # fmt: skip
        return "\n".join(lines)


def _text(sections: Iterable[Section]) -> str:
    return "\n".join(
        "\n".join([f"{chinese(number)}、{title}", *lines]) for number, (title, lines) in enumerate(sections, 1)
    )


def _moment(at: datetime) -> str:
    there = timezone.localtime(at)
    return f"{there.month}月{there.day}日{there:%H:%M}"


def _stands(case: Case, response: Response, now: datetime) -> list[str]:
    lines, since = [], emergencies.in_force_since(case)
    if case.origin in NOT_REAL:
        lines.append(_("Not real: %s.") % _(NOT_REAL[case.origin]))
    told = {"title": case.title, "begin": _moment(case.opened_at), "now": _moment(now)}
    if case.closed_at:
        span = {"end": _moment(case.closed_at), "span": spoken(case.opened_at, case.closed_at, 2)}
        lines.append(
            _("%(title)s: the response began on %(begin)s and ended on %(end)s after %(span)s.") % (told | span)
        )
    elif since is None:
        lines.append(_("%(title)s: reported on %(begin)s; by %(now)s no level is in force.") % told)
    else:
        more = {
            "level": label(LEVEL_NAMES[response.level]),
            "since": _moment(since),
            "span": spoken(case.opened_at, now, 2),
        }
        lines.append(
            _("%(title)s: the response began on %(begin)s; %(level)s is in force since %(since)s. "
              "By %(now)s it has run for %(span)s.") % (told | more)
        )  # fmt: skip
    return lines


def _alarms(case: Case) -> Iterator[str]:
    found = emergencies.alarms_of(case)
    areas = Area.objects.in_bulk({one.area for one in found})
    for one in found:
        yield _("Alarm: %(title)s (%(level)s, %(area)s, since %(since)s, %(state)s)%(origin)s.") % {
            "title": label(one.title), "level": _(COLOURS[one.level]), "area": named(areas[one.area]),
            "since": _moment(one.since), "state": _("not cleared") if one.is_open else _("cleared"),
            "origin": f"（{_(NOT_REAL[one.origin])}）" if one.origin else "",
        }  # fmt: skip


def _warnings(case: Case) -> Iterator[str]:
    for one in alarms.warnings_in_force(case.county_id, case.origin):
        yield _("Warning in force: %(headline)s (issued %(at)s).") % {
            "headline": label(one.headline), "at": _moment(one.issued_at or case.opened_at),
        }  # fmt: skip


def _tasks(response: Response, before: Bulletin | None, case: Case) -> Iterator[str]:
    lines = response.lines
    if not lines:
        yield _("No task is open, for no level is in force yet.")
        return
    counts = {state: sum(line.state == state for line in lines) for state in ("done", "ready", "ahead")}
    late = [line for line in lines if line.is_late and line.state in STATES]
    yield _("Of %(all)d tasks and orders %(done)d are done, %(ready)d are under way, %(late)d of all are late.") % {
        "all": len(lines), **counts, "late": len(late),
    }  # fmt: skip
    since = (before.issued_at - case.opened_at).total_seconds() / 60 if before and before.issued_at else 0
    new = [line for line in lines if line.state == "done" and (line.ended or 0) >= since]
    if new:
        said = _("Done since the last bulletin: %s.") if before else _("Done: %s.")
        yield said % "；".join(_done(line) for line in new)
    waits = [line for line in lines if line.state == "ready" and not line.is_late]
    if waits:
        yield _("Under way: %s.") % _names(waits)
    if late:
        yield _("Late: %s.") % _names(late)


def _done(line: Line) -> str:
    said = line.said.strip().rstrip("。；;.")
    return f"{label(line.title)}（{said}）" if said else label(line.title)


def _names(lines: Sequence[Line]) -> str:
    return "；".join(f"{label(line.title)}（{line.by}）" if line.by else label(line.title) for line in lines)


def _asked(case: Case) -> Iterator[str]:
    """What the field asked for, what was answered, and what still waits."""
    rows = list(case.needs.select_related("area"))
    if not rows:
        return
    open_ones = [one for one in rows if one.state == Need.State.OPEN]
    yield _("The field asked for help %(all)d times: %(answered)d were answered, %(open)d wait.") % {
        "all": len(rows), "answered": len(rows) - len(open_ones), "open": len(open_ones),
    }  # fmt: skip
    sent = [one for one in rows if one.state == Need.State.TEAM]
    if sent:
        yield _("Sent out: %s.") % "；".join(f"{needs.whither(one)}（{one.answer}）" for one in sent)
    if open_ones:
        yield _("Waiting: %s.") % "；".join(f"{needs.words(one)}（{needs.whither(one)}）" for one in open_ones)


def _sent(who: Actor, case: Case) -> list[str]:
    """What the case has drawn from the stock and not given back."""
    told = [
        f"{one.title} {one.amount}"
        for book in stock.books(case.county_id)
        for one in stock.held(who, case.county_id, book, register=stock.CASE, place=str(case.pk))
    ]
    return [_("Drawn from the stock: %s.") % "；".join(told)] if told else []


def _figures(who: Actor, case: Case, body: Body) -> Iterator[str]:
    for one in body.get("bulletin", {}).get("figures", ()):
        yield from held(who, case, one)


def held(who: Actor, case: Case, one: Body) -> list[str]:
    """What a register of the plan holds of a response, in sentences."""
    return list(_summed(who, case, one) if "sum" in one else _listed(who, case, one))


def _rows(who: Actor, case: Case, one: Body) -> list[records.Entry]:
    """Rows of a register that name the case, the oldest first."""
    try:
        register = records.register_of(one["register"], case.county_id)
        wanted = records.Query(where=f"{one['of']} = '{case.number}'")
        found = list(records.scan(who, case.county_id, one["register"], wanted))
    except records.UnknownRegister:
        return []
    return sorted(found, key=lambda row: (str(row.data.get(register.time_field) or ""), row.id))


def _summed(who: Actor, case: Case, one: Body) -> Iterator[str]:
    """Fields added up over the areas, of the newest row of each."""
    rows = {row.area.code: row for row in _rows(who, case, one)}
    if not rows:
        return
    register = records.register_of(one["register"], case.county_id)
    parts = []
    for name in one["sum"]:
        values = [Decimal(str(row.data[name])) for row in rows.values() if row.data.get(name) is not None]
        item = register.fields[name]
        if values:
            parts.append(f"{label(item.title)} {sum(values, Decimal()).normalize():f} {label(item.unit)}".strip())
    mark = _made_up(rows.values())
    yield _("%(title)s of %(areas)d areas: %(figures)s.%(mark)s") % {
        "title": label(register.title), "areas": len(rows), "figures": "，".join(parts), "mark": mark,
    }  # fmt: skip


def _listed(who: Actor, case: Case, one: Body) -> Iterator[str]:
    """One line for each row."""
    rows = _rows(who, case, one)
    if not rows:
        return
    fields = records.register_of(one["register"], case.county_id).fields
    for row in rows:
        told = dict(records.facts(who, row))
        parts = [told.get(label(fields[name].title), "") for name in one["list"]]
        yield f"{'，'.join(filter(None, parts))}。{_made_up([row])}"


def _made_up(rows: Iterable[Any]) -> str:
    return f"（{_('simulated')}）" if any(row.is_simulated for row in rows) else ""
