"""Pages where a county's administrator clicks rules together, and tries each on the past before it is kept."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from shizhu.engines.alarms import api, bindings, checking, words
from shizhu.engines.alarms.http import drafting, trials
from shizhu.engines.alarms.http.drafting import Typed
from shizhu.engines.alarms.logic.conditions import LEVELS
from shizhu.kernel import access, overlays, packs
from shizhu.kernel.models import Declaration
from shizhu.kernel.text import label
from shizhu.web import declaring, parts
from shizhu.web.middleware import Request

RULES = "rules"
TRY = ("alarms.alarm.view", "things.thing.view")  # of the whole county: a dry run tells of all its stations
TRIED = timedelta(days=30)
MOST_PLACES = 5
FAULTS = (  # of a rule's file and of its examples, and why a source is not judged
    gettext_noop("must be a duration such as PT10M, PT4H or P1D"),
    gettext_noop("must be a number, or the name of an attribute of the station"),
    gettext_noop("must be hours such as 22:00-06:00"),
    gettext_noop("must be a time of the county such as 2026-07-01T08:00"),
    gettext_noop("example %(name)s: expected %(level)s, but it says %(found)s (%(times)s times)"),
    gettext_noop("example %(name)s: times: expected %(wanted)s, but it was raised %(times)s times"),
    gettext_noop("%(piece)s is not `value x duration`, such as 4.5 x 3h, or - x 1h for no reading"),
    gettext_noop("the rule reads it, and the example has no series of that name"),
    gettext_noop("there is no such day"),
    gettext_noop("%(piece)s has more than 100000 readings"),
    gettext_noop("ends after the year 9999"),
    gettext_noop("there is no such data stream here"),
    gettext_noop("the source has no such property, so there is no target to judge by"),
    gettext_noop("the source says no number there, so there is no limit to judge by"),
    gettext_noop("class %(name)s: GB 3838-2002 has %(known)s"),
    gettext_noop("item %(name)s: not in table 1 of GB 3838-2002"),
)


def new(request: Request) -> HttpResponse:
    """Make a rule."""
    declaring.require(request)
    return _posted(request, None) if request.method == "POST" else _page(request, drafting.first(), None)


def page(request: Request, stem: str) -> HttpResponse:
    """Change a rule; an alarm that stands goes on standing."""
    _shelf, row = declaring.found(request, RULES, f"{overlays.LOCAL}.{stem}")
    typed = drafting.written(row.body)
    if request.method == "POST":
        if typed is None:
            raise Http404(row.key)
        return _posted(request, row)
    return _page(request, typed, row)


def _posted(request: Request, row: Declaration | None) -> HttpResponse:
    posted = request.POST.dict()
    typed, do = drafting.read(posted, parts.ids(posted)), posted.get("do", "")
    if do not in {"save", "try"}:
        return _page(request, replace(typed, tests=_moved(typed, do)), row)
    wrong = drafting.wrong(typed, request.county.pk)
    if wrong:
        return _page(request, replace(typed, problems=wrong), row, is_refused=True)
    if do == "try":
        return _page(request, typed, row, **_tried(request, typed))
    made = drafting.body_of(typed, row.body if row else None)
    key = row.key if row else f"{overlays.LOCAL}.{overlays.new_stem(request.county.pk, typed.words['zh'], RULES)}"
    try:
        declaring.keep(request, RULES, key, packs.json_ready(made), read=posted.get("read", ""))
    except (overlays.Refused, overlays.Stale) as error:
        return _page(request, typed, row, is_refused=True, refused=declaring.refusal(error))
    messages.success(request, _("Saved. From now on every reading is judged by this rule."))
    return redirect("alarms:rule", key.partition(".")[2])


def _moved(typed: Typed, do: str) -> tuple[drafting.Words, ...]:
    """The tests after a click: `add`, `remove:<id>`; anything else changes nothing."""
    ids = [test["id"] for test in typed.tests]
    if do == "add":
        numbers = [int(id_[1:]) for id_ in ids if id_[1:].isascii() and id_[1:].isdigit()]
        return (*typed.tests, drafting.blank(f"t{max(numbers, default=0) + 1}"))
    return tuple(parts.rearranged(typed.tests, ids, do))


def _tried(request: Request, typed: Typed) -> dict[str, Any]:
    """What it would have raised, and where most."""
    for verb in TRY:
        access.require_county(request.actor, verb, request.county.pk)
    first, last = _span(request)
    start, end = (timezone.make_aware(datetime.combine(day, time())) for day in (first, last + timedelta(days=1)))
    try:
        trial = api.try_rule(drafting.body_of(typed), request.county.pk, start, min(end, timezone.now()))
    except ValueError:
        return {"untried": _("Choose a first and a last day, at most a year apart, that are not in the future.")}
    by_place: dict[str, int] = {}
    for one in trial.firings:
        by_place[one.stream.thing_name] = by_place.get(one.stream.thing_name, 0) + 1
    places = sorted(by_place.items(), key=lambda pair: (-pair[1], pair[0]))
    return {
        "trial": trial, "unjudged": list(map(declaring.say, trial.problems)), "places": places[:MOST_PLACES],
        "others": (len(places[MOST_PLACES:]), sum(count for _place, count in places[MOST_PLACES:])),
        "spots": trials.spots(trial, request.county.pk), "judged": trials.judged(trial),
    }  # fmt: skip


def _span(request: Request) -> tuple[date, date]:
    today = timezone.localdate()
    found = []
    for name, otherwise in (("from", today - TRIED), ("to", today)):
        try:
            found.append(date.fromisoformat(request.POST.get(name, "")))
        except ValueError:
            found.append(otherwise)
    return found[0], found[1]


def _page(
    request: Request, typed: Typed | None, row: Declaration | None, *, is_refused: bool = False, **more: Any
) -> HttpResponse:
    county = request.county.pk
    first, last = _span(request)
    context: dict[str, Any] = {
        "typed": typed, "row": row, "is_refused": is_refused, "first": first, "last": last, "levels": LEVELS,
        "title": label(row.body["title"]) if row else "", "said": words.condition(row.body, county) if row else "",
        "may_try": all(access.has_county(request.actor, verb, county) for verb in TRY),
        "read": request.POST.get("read", "") or (row.digest if row else ""), **more,
    }  # fmt: skip
    if typed:
        context |= {
            "tests": [_line(typed, test, county) for test in typed.tests], "about": drafting.offered(county),
            "order": ",".join(test["id"] for test in typed.tests),
            "hows": [(key, _(said)) for key, said in drafting.HOWS.items()],
            "zones": [(key, _(words.ZONES[key])) for key in drafting.ZONES],
            "days": [(key, _(said)) for key, said in drafting.DAYS.items()], "flows": drafting.flows(county),
            "months": [str(month) for month in range(1, 13)],
            "graver": (shown := _levels(typed)),
            "has_levels": any(said for _level, fields in shown for _word, _label, said in fields),
            "hidden_levels": [
                (word, typed.words[word]) for word in (*drafting.GRAVER.values(), *drafting.COUNTED.values())
                if not any(word == one for _level, fields in shown for one, _label, _said in fields)
            ],
            "has_more": any(typed.words[word] for word in ("margin", "opens", "days", "begins")),
        }  # fmt: skip
        if not drafting.wrong(typed, county):
            body = drafting.body_of(typed)
            context |= {"reads": words.condition(body, county), "levels_read": words.levels(body, county)[1:]}
    return render(request, "alarms/declare.html", context, status=422 if is_refused else 200)


def _levels(typed: Typed) -> list[tuple[str, list[tuple[str, str, str]]]]:
    """Each further level that may be said, with its fields: word, label, and what is typed."""
    how = typed.tests[0]["how"] if typed.tests else ""
    limits = {"minutes": _("For so many minutes"), "low": _("Limit"), "high": _("Limit")}
    asked = _("By how much") if how in drafting.SLOPES else limits.get(drafting.GRADED.get(how, ""))
    kinds = [(drafting.GRAVER, asked)] if asked else []
    if drafting.is_counted(typed):
        kinds.append((drafting.COUNTED, _("At how many stations at once")))
    return [
        (level, [(words_[level], said, typed.words[words_[level]]) for words_, said in kinds])
        for level in drafting.graver(typed)
    ]


def _line(typed: Typed, test: drafting.Words, county: str) -> dict[str, Any]:
    how, begin = test["how"], f"t.{test['id']}."
    told = {name.removeprefix(begin): said for name, said in typed.problems.items() if name.startswith(begin)}
    return {
        "test": test, "has_low": how in drafting.LOWS, "has_high": how in {*drafting.HIGHS, *drafting.SLOPES},
        "has_minutes": how in {*drafting.TIMED, *drafting.TAKEN}, "is_together": drafting.is_together(test),
        "is_over_time": how in {*drafting.SLOPES, *drafting.TAKEN}, "is_change": how in drafting.SLOPES,
        "problems": told,
        "targets": drafting.targets(county, test["about"]) if how == "worse" else [],
    }  # fmt: skip


def _address(key: str) -> str:
    """Of a rule of its own, where it is changed; of a version of a pack's, where it was adopted."""
    return f"/declarations/rules/{key.partition('.')[2]}/" if overlays.is_own(key) else f"/alarms/rules/{key}/fit"


def register() -> None:
    """Called once by the application."""
    declaring.rules((*checking.RULES.values(), *FAULTS))
    declaring.add(
        declaring.Shelf(
            RULES, {"zh": "告警规则", "en": "Alarm rules"}, "bell",
            {"zh": "什么情况下告警：选监测项、填限值、定时长，先试运行再启用",
             "en": "When an alarm is raised: choose what is measured, limits and durations, and try it first"},
            "/declarations/rules/new", _address,
            lambda _key, body: body["title"], changed=lambda _county: bindings.bind_all(), order=45,
        )
    )  # fmt: skip
