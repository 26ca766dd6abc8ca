"""A rule's condition in words: what is tested, by which limit, where, for how long."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from shizhu.engines.alarms.logic.conditions import JOINS, steps
from shizhu.kernel import packs, text
from shizhu.kernel.packs import Body
from shizhu.kernel.text import label
from shizhu.lib.times import parse_duration

TAKEN = {
    "change": gettext_noop("change in %s"), "rate": gettext_noop("change per %s"), "sum": gettext_noop("sum of %s"),
    "mean": gettext_noop("mean of %s"), "least": gettext_noop("least of %s"), "most": gettext_noop("most of %s"),
    "count": gettext_noop("readings in %s"),
}  # fmt: skip
OVER_ZONE = {
    "sum": gettext_noop("sum of all"), "mean": gettext_noop("mean of all"), "least": gettext_noop("least of all"),
    "most": gettext_noop("most of all"), "count": gettext_noop("how many send"),
}  # fmt: skip
ZONES = {
    "county": gettext_noop("in the county"), "town": gettext_noop("in each town"),
    "village": gettext_noop("in each village"),
}  # fmt: skip
DAYS = {
    "mon": gettext_noop("Mon"), "tue": gettext_noop("Tue"), "wed": gettext_noop("Wed"), "thu": gettext_noop("Thu"),
    "fri": gettext_noop("Fri"), "sat": gettext_noop("Sat"), "sun": gettext_noop("Sun"),
    "workday": gettext_noop("workdays"), "restday": gettext_noop("days of rest"),
    "holiday": gettext_noop("public holidays"),
}  # fmt: skip


def lasting(duration: str) -> str:
    """`PT10M` as people say it."""
    return spoken(parse_duration(duration))


def spoken(span: timedelta) -> str:
    """A span as people say it."""
    now = timezone.now()
    return text.spoken(now - span, now, depth=2)


def condition(rule: Body, county: str) -> str:
    """When a rule raises."""
    return " · ".join([*_zone(rule, county), _said(rule["when"], county), *_around(rule, county)])


def shared(rule: Body, county: str) -> str:
    """What holds for all levels of a rule: where it is judged, in which windows, when it has recovered."""
    return " · ".join([*_zone(rule, county), *_around(rule, county)])


def _zone(rule: Body, county: str) -> list[str]:
    zone = rule["when"].get("zone")
    if not zone:
        return []
    layer = packs.declared("layers", zone["layer"], county) if isinstance(zone, dict) else {}
    return [_("in each feature of %s") % label(layer.get("title")) if layer else _(ZONES[str(zone)])]


def _around(rule: Body, county: str) -> list[str]:
    parts, clear = [], rule.get("clear", {})
    if by := rule["when"].get("by"):
        classes = " / ".join(f"{label(one['title'])} ≥ {one['from']:g}" for one in by["classes"])
        parts.append(_("limits by %(what)s (%(classes)s)") % {"what": label(by["title"]), "classes": classes})
    if "calendar" in rule:
        parts.append(calendar(rule["calendar"]))
    if "margin" in clear:
        unit = _unit(rule["when"], county) if "property" in rule["when"] else ""
        parts.append(f"{_('hysteresis %s') % clear['margin']} {unit}".strip())
    if "for" in clear:
        parts.append(_("recovered after %s") % lasting(clear["for"]))
    return parts


def is_taken(when: Body) -> bool:
    """Whether what is made of the values over a time or a zone is tested: its limit is no line among the values."""
    return "take" in when or any(is_taken(part) for name in JOINS if name in when for part in when[name])


def levels(rule: Body, county: str) -> list[tuple[str, str]]:
    """(level, condition) of every level, mild to severe."""
    return [(level, _said(when, county)) for level, when in steps(rule)]


def calendar(given: Body) -> str:
    """The windows in which a rule judges."""
    parts = list(given.get("hours", []))
    if "days" in given:
        parts.append(" ".join(_(DAYS[day]) for day in given["days"]))
    if "months" in given:
        parts.append(_("months %s") % _months(given["months"]))
    return " · ".join(parts)


def _months(months: Sequence[int]) -> str:
    """`11–3` where they follow one another, over the end of the year too; else each one."""
    if len(months) > 2 and all(later == month % 12 + 1 for month, later in pairwise(months)):
        return f"{months[0]}–{months[-1]}"
    return _(", ").join(map(str, months))


def _said(when: Body, county: str) -> str:
    join = next((name for name in JOINS if name in when), None)
    parts = [_joined(when, join, county) if join else _test(when, county)]
    if "for" in when:
        parts.append(_("for at least %s") % lasting(when["for"]))
    return " · ".join(parts)


def _joined(when: Body, join: str, county: str) -> str:
    kept: Body = {name: when[name] for name in ("profile", "property") if name in when}
    inner = _("; ").join(_said({**kept, **part}, county) for part in when[join])
    if join == "of":
        return _("at least %(least)s of (%(inner)s)") % {"least": when["at_least"], "inner": inner}
    return (_("all of (%s)") if join == "all" else _("any of (%s)")) % inner


def measured(when: Body, county: str) -> str:
    """What a test measures, without its limits."""
    return _test({name: said for name, said in when.items() if name not in {"below", "above"}}, county)


def _test(when: Body, county: str) -> str:
    profile = packs.declared("things", when["profile"], county)
    declared, unit = profile.get("properties", {}).get(when["property"], {}), _unit(when, county)
    parts = [label(declared.get("title")) or when["property"]]
    if "take" in when:
        parts.append(_taken(when))
    if "worse_than" in when:
        parts.append(_("worse than the target class of the station, by %s") % when["worse_than"]["standard"].upper())
    for name, sign in (("below", "<"), ("above", ">")):
        if isinstance(said := when.get(name), list):
            parts.append(f"{sign} {' / '.join(f'{one:g}' for one in said)} {unit}")
        elif isinstance(said, str):
            parts.append(f"{sign} {label(profile.get('attributes', {}).get(said)) or said}")
        elif name in when:
            parts.append(f"{sign} {said} {unit}")
    if "inside" in when:
        parts.append(f"{when['inside'][0]}–{when['inside'][1]} {unit}")
    if "missing" in when:
        parts.append(_("no good reading for %s") % lasting(when["missing"]))
    if "stuck" in when:
        parts.append(_("unchanged for %s") % lasting(when["stuck"]))
    if "at_least" in when:
        parts.append(_("%s sources or more at once") % when["at_least"])
    return " · ".join(parts)


def _unit(when: Body, county: str) -> str:
    declared = packs.declared("things", when["profile"], county).get("properties", {}).get(when["property"], {})
    unit: str = declared.get("symbol", declared.get("unit", ""))
    return unit


def _taken(when: Body) -> str:
    if "zone" in when and "during" not in when and when["take"] in OVER_ZONE:
        return _(OVER_ZONE[when["take"]])
    span = when.get("per", "PT1H") if when["take"] == "rate" else when["during"]
    return _(TAKEN[when["take"]]) % lasting(span)
