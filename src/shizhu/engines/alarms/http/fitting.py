"""The page where a rule is held against what happened, and other limits are tried and adopted as its next version.

Nothing is adopted by itself: a person chooses limits, sees what the judge makes of them, says why, and keeps them in
the way in which every rule of a county is kept, with its history.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from django.contrib import messages
from django.core import signing
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from shizhu.engines.alarms import bindings, fitting, words
from shizhu.engines.alarms.http.declaring import RULES, TRY
from shizhu.engines.alarms.logic import skill
from shizhu.engines.alarms.logic.conditions import parts, steps
from shizhu.engines.things import api as things
from shizhu.kernel import access, overlays, packs
from shizhu.kernel.models import Area, Organisation
from shizhu.kernel.packs import Body
from shizhu.kernel.text import label
from shizhu.lib.numbers import whole
from shizhu.web import declaring
from shizhu.web.middleware import Request

ADOPT = "alarms.rule.adopt"
SALT = "alarms.fitting"
MOST = 200  # per cent of a limit


@dataclass(frozen=True)
class Span:
    """The days that are looked at, inclusive."""

    first: date
    last: date

    @property
    def ends(self) -> tuple[datetime, datetime]:
        """As times, not beyond now."""
        start, end = (
            timezone.make_aware(datetime.combine(day, time())) for day in (self.first, self.last + timedelta(days=1))
        )
        return start, min(end, timezone.now())


def page(request: Request, key: str) -> HttpResponse:
    """GET and POST /alarms/rules/<key>/fit: `do=try` is a dry run of other limits, `do=adopt` keeps those that were."""
    county = request.county.pk
    for verb in TRY:
        access.require_county(request.actor, verb, county)
    rule = packs.declarations(RULES, county).get(key)
    if rule is None or "events" not in rule:
        raise Http404(key)
    events = fitting.recorded(request.actor, county, rule)
    span = _span(request, events)
    try:
        now = fitting.study(rule, county, events, *span.ends)
    except (ValueError, OverflowError):
        messages.error(
            request, _("Choose a first and a last day, at most ten years apart, that are not in the future.")
        )
        return redirect("alarms:fit", key)
    fit = fitting.fitted(rule, now)
    scales = _scales(request, rule, fit)
    context: dict[str, Any] = {"now": now, "fit": fit, "scales": scales, "span": span, "rule": rule, "key": key}
    if request.method == "POST" and scales and _is_possible(request, rule, scales):
        made, changed = fitting.version(rule, scales)
        then = fitting.study(made, county, events, *span.ends)
        if request.POST.get("do") == "adopt":
            if not _may_adopt(request, rule):
                raise PermissionDenied(f"{request.actor.name} has no right {ADOPT} for all that {key} judges")
            return _adopted(request, key, made, then, context)
        context |= {
            "then": then,
            "changed": changed,
            "made": made,
            "tried": signing.dumps(packs.digest(made), salt=SALT),
        }
    return render(request, "alarms/fit.html", _told(request, context, events))


def _span(request: Request, events: Sequence[fitting.Happened]) -> Span:
    today = timezone.localdate()
    start, end = fitting.around(events) or (timezone.now() - timedelta(days=30), timezone.now())
    found = [min(timezone.localtime(one).date(), today) for one in (start, end)]
    for number, name in enumerate(("from", "to")):
        try:
            found[number] = date.fromisoformat(request.POST.get(name) or request.GET.get(name, ""))
        except ValueError:
            continue
    return Span(*found)


def _scales(request: Request, rule: Body, fit: skill.Fit | None) -> tuple[int, ...]:
    """Per cent of each class: those typed, else those fitted; empty where no limit can be moved."""
    if not skill.may_fit(rule):
        return ()
    count = len(skill.classes_of(rule)) or 1
    typed = [whole(request.POST.get(f"scale{number}", "")) for number in range(count)]
    return tuple(typed) if all(typed) else fit.scales if fit else (100,) * count


def _is_possible(request: Request, rule: Body, scales: Sequence[int]) -> bool:
    if all(1 <= one <= MOST for one in scales):
        return True
    messages.error(
        request, _("Limits may be moved to between 1 and %(most)s per cent of what they are.") % {"most": MOST}
    )
    return False


def _adopted(request: Request, key: str, made: Body, then: fitting.Study, context: Mapping[str, Any]) -> HttpResponse:
    """Keep the version whose dry run was seen."""
    why = request.POST.get("why", "").strip()
    try:
        tried = signing.loads(request.POST.get("tried", ""), salt=SALT)
    except signing.BadSignature:
        tried = ""
    if tried != packs.digest(made):
        messages.error(
            request, _("Nothing was adopted: these limits were not tried, or the rule has changed. Try them first.")
        )
        return redirect("alarms:fit", key)
    if len(why) < 2 or made["when"] == context["rule"]["when"]:
        messages.error(request, _("Nothing was adopted: say why, and move at least one limit."))
        return redirect("alarms:fit", key)
    span: Span = context["span"]
    told = fitting.evidence(then, context["fit"], context["scales"], context["now"].skill)
    told = {**told, "on": timezone.localdate().isoformat(), "by": request.actor.name, "why": why[:500]}
    body = {**made, "fitted": {**told, "from": span.first.isoformat(), "to": span.last.isoformat()}}
    row = overlays.find(request.county.pk, RULES, key)
    try:
        declaring.keep(request, RULES, key, packs.json_ready(body), read=row.digest if row else "")
    except (overlays.Refused, overlays.Stale) as error:
        messages.error(request, " ".join(declaring.refusal(error)))
    else:
        messages.success(request, _("Adopted. From now on every reading is judged by these limits."))
    return redirect("alarms:fit", key)


def _told(request: Request, context: dict[str, Any], events: Sequence[fitting.Happened]) -> dict[str, Any]:
    rule, county, key = context["rule"], request.county.pk, context["key"]
    now, then, fit, scales = context["now"], context.get("then"), context["fit"], context["scales"]
    classes = skill.classes_of(rule)
    later = {one.event.id: one for one in then.told} if then else {}
    row = overlays.find(county, RULES, key)
    figures = [(_("limits in force"), now.skill)]
    figures += [(_("limits tried"), then.skill)] if then else [(_("fitted limits"), fit.seen)] if fit else []
    figures += [(_("fitted limits, each case left out once"), fit.unseen)] if fit else []
    return context | {
        "title": rule["title"], "condition": words.condition(rule, county), "register": rule["events"]["register"],
        "lines": [(one, _class(classes, one.number), later.get(one.event.id)) for one in now.told],
        "figures": figures, "few": now.events < skill.FEW, "without": sum(one.at is None for one in now.cases),
        "outside": len(events) - len(now.told), "unread": len(now.told) - now.events,
        "classes": [
            {
                "title": one.get("title"), "scale": scales[number] if scales else 100, "number": number,
                "is_open": bool(fit and number in fit.open),
            }
            for number, one in enumerate(classes or [{}])
        ],
        "limits": _limits(rule, scales, county), "standings": _standings(key, county, classes),
        "version": rule.get("fitted"), "row": row if row and not row.is_withdrawn else None,
        "may_adopt": _may_adopt(request, rule),
        "may_declare": access.has_county(request.actor, overlays.EDIT, county),
        "problems": list(map(declaring.say, now.problems)),
    }  # fmt: skip


def _may_adopt(request: Request, rule: Body) -> bool:
    """Whether a person has the right for all that the rule judges."""
    places = {(one.organisation, one.area) for one in bindings.groups(rule, request.county.pk)}
    organisations = Organisation.objects.in_bulk([one for one, _area in places])
    areas = Area.objects.in_bulk([one for _organisation, one in places])
    return bool(places) and all(
        access.may(request.actor, ADOPT, county=request.county.pk, organisation=organisations[one], area=areas[area])
        for one, area in places
    )


def _class(classes: Sequence[Mapping[str, Any]], number: int | None) -> Mapping[str, Any] | None:
    return classes[number] if classes and number is not None else None


def _limits(rule: Body, scales: Sequence[int], county: str) -> list[tuple[str, list[tuple[float, float]]]]:
    """Of each test with numbers: the test, and by class the limit in force and the one that would be."""
    if not scales:
        return []
    found = []
    for _level, when in steps(rule):
        for part in parts(when):
            for name in ("below", "above"):
                if name not in part or isinstance(part[name], str):
                    continue
                said = part[name] if isinstance(part[name], list) else [part[name]]
                pairs = [(one, skill.rounded(one * scale / 100)) for one, scale in zip(said, scales, strict=True)]
                found.append((words.measured(part, county), pairs))
    return found


def _standings(key: str, county: str, classes: Sequence[Mapping[str, Any]]) -> list[tuple[str, float, str]]:
    held = bindings.standings(key, county)
    streams = things.describe([one.stream for one in held])
    return [
        (streams[one.stream].thing_name, one.index, label(classes[one.number]["title"]))
        for one in held
        if one.stream in streams
    ]
