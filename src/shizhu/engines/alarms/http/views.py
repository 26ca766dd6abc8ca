"""Pages: alarms, one alarm with its series, rules and what they judge."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count, Q, QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from shizhu.engines.alarms import acting, api, bindings, edges, load, words
from shizhu.engines.alarms.http import listing, pictures, trials
from shizhu.engines.alarms.logic.moments import time_of
from shizhu.engines.alarms.models import Act, Alarm, Binding, Occurrence
from shizhu.engines.things import api as things
from shizhu.kernel import access, overlays, packs, spans
from shizhu.lib.numbers import whole
from shizhu.web import declaring
from shizhu.web.middleware import Request
from shizhu.web.views import Card, Tile

LEVELS = ("red", "orange", "yellow", "blue")
MOST_COUNTED = 200
BEFORE = timedelta(hours=12)
PAGE = 50
ACTS = ("acknowledge", "assign", "shelve", "clear")
SHELVED = ("1", "4", "24", "72", "168")  # hours
TRIED = timedelta(days=30)
LATELY = 14  # days of which the list shows how many alarms there were
CENTURY = 2000
TRY = ("alarms.alarm.view", "things.thing.view")  # of the whole county: it tells of all its stations
CASES = "cases.case.view"  # an alarm leads to its case, where the person may see cases


@dataclass(frozen=True)
class Row:
    """An alarm with the datastream it is about, and how people stand to it."""

    alarm: api.AlarmInfo
    stream: things.StreamInfo | None
    held: Alarm | None = None


def rows(found: list[api.AlarmInfo], held: Mapping[int, Alarm] | None = None) -> list[Row]:
    """Alarms with their datastreams, one query for all."""
    streams = things.describe({alarm.datastream for alarm in found})
    return [Row(alarm, streams.get(alarm.datastream), (held or {}).get(alarm.id)) for alarm in found]


def card(request: Request) -> Card | None:
    """Open alarms on the home page."""
    if not request.actor.has("alarms.alarm.view"):
        return None
    found = api.alarms(request.actor, request.county.pk, most=MOST_COUNTED, has_shelved=False)
    worst = next((level for level in LEVELS if any(alarm.level == level for alarm in found)), "green")
    tile = Tile(len(found), _("Open alarms"), "/alarms/", worst)
    return Card("alarms/card.html", {"rows": rows(found[:6])}, tiles=(tile,))


def alarm_list(request: Request) -> HttpResponse:
    """All alarms the person may see."""
    access.require_verb(request.actor, "alarms.alarm.view")
    asked = listing.asked_for(request)
    state, found = asked.get("state", ""), listing.chosen(request, asked)
    page = Paginator(found, PAGE).get_page(request.GET.get("page"))
    held = {one.pk: one for one in Alarm.objects.filter(pk__in=[one.pk for one in page]).select_related("assignee")}
    kept = {name: value for name, value in asked.items() if name != "state"}
    context = {
        "rows": rows(api.told(page), held), "state": state, "is_all": state == "all", "page": page,
        "may_open_case": request.actor.has(CASES), "condition": asked.get("filter", ""), "now": timezone.now(),
        "query": urlencode(asked), "kept": urlencode(kept), "asked": kept, **listing.choices(request),
    }  # fmt: skip
    if not asked and page.number == 1:
        context |= _at_a_glance(request.county.pk, found, listing.seen(request))
    return render(request, "alarms/list.html", context)


def _at_a_glance(county: str, found: QuerySet[Alarm], seen: QuerySet[Alarm]) -> dict[str, Any]:
    """Open alarms by level and on the map, and how many there were of late."""
    last = timezone.localdate()
    first = last - timedelta(days=LATELY - 1)
    since = timezone.make_aware(datetime.combine(first, time()))
    open_now = list(found.values_list("datastream", "level")[:MOST_COUNTED])
    streams = things.describe({stream for stream, _level in open_now})
    levels = Counter(dict(found.order_by().values_list("level").annotate(Count("pk"))))
    return {
        "levels": [(level, levels[level], f"level={level}") for level in LEVELS],
        "spots": pictures.spots(county, [(streams[id_], 1, level) for id_, level in open_now if id_ in streams]),
        "days": pictures.by_day(seen.filter(raised_at__gte=since).values_list("raised_at", "level"), first, last),
    }


def alarm_detail(request: Request, number: int) -> HttpResponse:
    """One alarm: what, where, since when, the values around it."""
    alarm = get_object_or_404(Alarm.objects.select_related("organisation", "area", "cleared_by", "assignee"), pk=number)
    access.require(request.actor, "alarms.alarm.view", alarm)
    info = api.get(number)
    stream = things.describe([alarm.datastream]).get(alarm.datastream)
    context: dict[str, Any] = {
        "alarm": alarm,
        "info": info,
        "stream": stream,
        "has_changed": len(api.steps(number)) > 1,
    }
    rule = packs.declared("rules", info.rule, alarm.county_id)
    context |= {"basis": rule.get("source"), "condition": words.condition(rule, alarm.county_id) if rule else ""}
    if "levels" in rule:
        context["condition"] = dict(words.levels(rule, alarm.county_id)).get(info.level, context["condition"])
    context["may_open_case"] = request.actor.has(CASES)
    context |= {f"may_{verb}": info.is_open and _may(request, verb, alarm) for verb in ACTS}
    context |= {"lines": lines(alarm), "is_shelved": bool(alarm.shelved_until and alarm.shelved_until > timezone.now())}
    context["is_unjudged"] = info.is_open and not bindings.is_judged(alarm)
    context["may_warn"] = request.actor.has("alarms.warning.draft")
    if context["may_assign"]:
        context["people"] = acting.candidates(alarm)
    kin = Alarm.objects.filter(Q(root=alarm.root_id or alarm.pk) | Q(pk=alarm.root_id)).exclude(pk=alarm.pk)
    context["kin"] = rows(api.told(access.rows(kin, request.actor, "alarms.alarm.view").order_by("raised_at")[:PAGE]))
    if stream:
        end = min(timezone.now(), (info.cleared_at or timezone.now()) + BEFORE)
        points = things.series(stream.id, info.since - BEFORE, end)
        context["chart"] = chart(info, stream, points, is_taken=bool(rule) and words.is_taken(rule["when"]))
    return render(request, "alarms/detail.html", context)


def chart(
    info: api.AlarmInfo, stream: things.StreamInfo, points: list[things.Point], *, is_taken: bool
) -> dict[str, Any]:
    """Data of the chart: series, the alarm's span, and its limit, if it is one of the values shown."""
    return {
        "unit": stream.unit,
        "points": [[p.time.isoformat(), p.value, p.verdict, p.origin] for p in points],
        "limit": "" if is_taken else info.limit,
        "again": "" if is_taken else bindings.again(info.rule, info.source, stream.id),
        "span": [info.since.isoformat(), (info.recovered_at or info.cleared_at or timezone.now()).isoformat()],
        "raised": info.raised_at.isoformat(),
    }


@require_POST
def alarm_clear(request: Request, number: int) -> HttpResponse:
    """Clear by hand, with a reason."""
    alarm = get_object_or_404(Alarm.objects.select_related("organisation", "area"), pk=number)
    access.require(request.actor, "alarms.alarm.clear", alarm)
    why = request.POST.get("why", "").strip()
    if not why:
        messages.error(request, _("Say why the alarm is cleared: it is kept with it."))
    elif api.clear(number, person=request.user.pk, why=why, is_false=request.POST.get("false") == "1"):
        messages.success(request, _("Alarm cleared."))
    else:
        messages.warning(request, _("Somebody cleared this alarm before you."))
    return redirect("alarms:detail", number)


def _said(rule: dict[str, Any], county: str) -> dict[str, Any]:
    """A rule in words: {condition, levels}; with levels the condition is what they share."""
    if "levels" in rule:
        return {"condition": words.shared(rule, county), "levels": words.levels(rule, county)}
    return {"condition": words.condition(rule, county), "levels": []}


def rule_list(request: Request) -> HttpResponse:
    """Rules of the county: what they judge, what they cannot."""
    access.require_verb(request.actor, "alarms.alarm.view")
    county, judged = request.county.pk, Count("pk", filter=Q(problem=""))
    declared = packs.declarations("rules", county)
    counts = {
        row["rule"]: row
        for row in Binding.objects.filter(county=request.county).values("rule").annotate(judged=judged, all=Count("pk"))
    }
    rules = [
        {
            "key": key,
            "own": key.partition(".")[2] if overlays.is_own(key) else "",
            "fitted": body.get("fitted", {}),
            "body": body,
            "counts": counts.get(key, {"judged": 0, "all": 0}),
            **_said(body, county),
        }
        for key, body in sorted(declared.items())
    ]
    unjudged = list(Binding.objects.filter(county=request.county).exclude(problem=""))
    streams = things.describe([stream for one in unjudged for stream in one.streams[:1]])
    titles = {key: body["title"] for key, body in declared.items()}
    problems = [
        (
            titles.get(one.rule, one.rule),
            streams.get(next(iter(one.streams), 0)),
            one.source,
            declaring.say(one.problem),
        )
        for one in unjudged
    ]
    may_try = all(access.has_county(request.actor, verb, county) for verb in TRY)
    may_declare = access.has_county(request.actor, overlays.EDIT, county)
    context = {"rules": rules, "problems": problems, "may_try": may_try, "may_declare": may_declare}
    return render(request, "alarms/rules.html", context)


def rule_try(request: Request, key: str) -> HttpResponse:
    """What a rule would have raised in a span of the past; nothing is written."""
    for verb in TRY:
        access.require_county(request.actor, verb, request.county.pk)
    rule = packs.declarations("rules", request.county.pk).get(key)
    if rule is None:
        raise Http404
    today = timezone.localdate()
    first = _day(request.GET.get("from", ""), today - TRIED)
    last = _day(request.GET.get("to", ""), today)
    context: dict[str, Any] = {"rule": rule, "key": key, "first": first, "last": last}
    context |= _said(rule, request.county.pk)
    start, end = (timezone.make_aware(datetime.combine(day, time())) for day in (first, last + timedelta(days=1)))
    try:
        trial = api.try_rule(rule, request.county.pk, start, min(end, timezone.now()))
    except ValueError:
        messages.error(request, _("Choose a first and a last day, at most a year apart, that are not in the future."))
        return render(request, "alarms/try.html", context)
    by_stream = Counter(one.stream.id for one in trial.firings)
    streams = {one.stream.id: one.stream for one in trial.firings}
    chosen = streams.get(whole(request.GET.get("stream", ""))) or (
        streams[by_stream.most_common(1)[0][0]] if streams else None
    )
    if chosen:
        mine = [one for one in trial.firings if one.stream.id == chosen.id]
        points = things.series(chosen.id, start, min(end, timezone.now()))
        context["chart"] = {
            "unit": chosen.unit,
            "points": [[p.time.isoformat(), p.value, p.verdict, p.origin] for p in points],
            "limit": "" if words.is_taken(rule["when"]) else mine[0].limit,
            "spans": [[one.since.isoformat(), (one.recovered_at or end).isoformat()] for one in mine],
        }
    context |= {
        "trial": trial, "spots": trials.spots(trial, request.county.pk), "judged": trials.judged(trial),
        "unjudged": list(map(declaring.say, trial.problems)),
        "chosen": chosen, "shown": trial.firings[:MOST_COUNTED],
        "places": [(streams[id_], count) for id_, count in by_stream.most_common()],
    }  # fmt: skip
    return render(request, "alarms/try.html", context)


def _day(text: str, otherwise: date) -> date:
    """A day of this century as ISO 8601 has it; `otherwise` for anything else."""
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return otherwise
    return found if CENTURY <= found.year < CENTURY + 100 else otherwise


@dataclass(frozen=True)
class Line:
    """A line of an alarm's history."""

    at: datetime
    kind: str
    level: str = ""
    told: Sequence[Any] = ()  # value and limit
    stream: things.StreamInfo | None = None
    act: Act | None = None


def lines(alarm: Alarm) -> list[Line]:
    """What happened, in order: by the data, by people, by time."""
    made, happened = [], list(Occurrence.objects.filter(alarm=alarm))
    streams = things.describe({step[-1] for one in happened for step in one.levels})
    for one in happened:
        made += [
            Line(
                time_of(at),
                "withdrawn" if one.is_withdrawn else "level" if n else "raised",
                level,
                told,
                streams.get(of),
            )
            for n, (at, level, *told, of) in enumerate(one.levels)
        ]
        if one.kept_since:
            made.append(Line(one.kept_since, "recovered"))
    made += [Line(act.at, act.kind, act=act) for act in alarm.acts.select_related("person", "other")]
    if alarm.cleared_at and not any(line.kind == "cleared" for line in made):
        made.append(Line(alarm.cleared_at, "ended"))
    return sorted(made, key=lambda line: line.at)


def _may(request: Request, verb: str, alarm: Alarm) -> bool:
    return access.may(
        request.actor, f"alarms.alarm.{verb}", county=alarm.county_id, organisation=alarm.organisation, area=alarm.area
    )


@require_POST
def alarm_act(request: Request, number: int, verb: str) -> HttpResponse:
    """Acknowledge, assign, shelve or take back from the shelf."""
    alarm = get_object_or_404(Alarm.objects.select_related("organisation", "area"), pk=number)
    access.require(request.actor, f"alarms.alarm.{'shelve' if verb == 'unshelve' else verb}", alarm)
    given, person = request.POST, request.user.pk
    try:
        if verb == "acknowledge":
            acting.acknowledge(number, person=person)
        elif verb == "assign":
            acting.assign(number, person=person, to=whole(given.get("to", "")), note=given.get("note", "").strip())
        elif verb == "shelve":
            hours = given.get("hours", "")
            until = timezone.now() + timedelta(hours=int(hours) if hours in SHELVED else 0)
            acting.shelve(number, person=person, until=until, why=given.get("why", "").strip())
        else:
            acting.unshelve(number, person=person)
    except acting.NotNow as how:
        late = _("Somebody acted before you; this is how the alarm stands now.")
        messages.warning(request, _("It lies on this person already.") if str(how) == "assigned" else late)
    except ValueError:
        messages.error(request, _("Nothing was changed: choose a person, or say why and for how long."))
    else:
        done = {
            "acknowledge": _("Acknowledged: it lies on you unless it lies on another."), "assign": _("Handed over."),
            "shelve": _("Shelved: it comes back into the list by itself."), "unshelve": _("Back in the list."),
        }  # fmt: skip
        messages.success(request, done[verb])
    return redirect("alarms:detail", number)


def load_page(request: Request) -> HttpResponse:
    """GET /alarms/load/?month=2026-07: what each rule asked of people in a month."""
    access.require_verb(request.actor, "alarms.alarm.view")
    first = _day(f"{request.GET.get('month', '')}-01", timezone.localdate().replace(day=1))
    before, after = spans.beside(first)
    start, end = (timezone.make_aware(datetime.combine(day, time())) for day in (first, after))
    found = load.loads(
        request.actor, request.county.pk, start, max(start + timedelta(days=1), min(end, timezone.now()))
    )
    raised = load.raised(request.actor, request.county.pk, start, end)
    rules = edges.titles(request.county.pk)
    within = " AND ".join(
        f"raised_at {sign} TIMESTAMP('{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}')"
        for sign, at in ((">=", start), ("<", end))
    )
    told: list[dict[str, Any]] = [
        {
            "load": one, "title": rules.get(one.rule, {"zh": one.rule, "en": one.rule}),
            "rows": urlencode({"state": "all", "filter": f"rule = '{one.rule}' AND {within}"}),
            "seen": words.spoken(one.seen_after) if one.seen_after is not None else "—",
            "lasted": words.spoken(one.lasted) if one.lasted is not None else "—",
        }
        for one in found
    ]  # fmt: skip
    context = {
        "rules": told, "dying": [one for one in told if one["load"].why_die], "first": first,
        "before": before.strftime("%Y-%m"),
        "after": after if after <= timezone.localdate() else None,
        "total": sum(one.raised for one in found),
        "days": pictures.by_day(raised.values_list("raised_at", "level"), first, after - timedelta(days=1)),
    }  # fmt: skip
    return render(request, "alarms/load.html", context)
