"""Pages: the library of emergency plans, one plan, and the command post of a response."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import shapely
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST
from shapely.geometry import shape

from shizhu.engines.cases import bulletin_draft, emergencies, flows, places, stock
from shizhu.engines.cases.acting import CannotNow
from shizhu.engines.cases.assignment import may_do, role_names, to_choose, with_case
from shizhu.engines.cases.emergencies import Line, Response
from shizhu.engines.cases.http import acting, bulletins, forms, needs
from shizhu.engines.cases.http.responses import response_of
from shizhu.engines.cases.logic import emergency
from shizhu.engines.cases.models import DRILL, Case, Task
from shizhu.engines.cases.timeline import timeline
from shizhu.engines.maps import api as maps
from shizhu.engines.records import api as records
from shizhu.engines.things import api as things
from shizhu.kernel import access
from shizhu.kernel.models import Area
from shizhu.lib.sketch import Sketch, sketch
from shizhu.web.middleware import Request
from shizhu.web.views import Card

VIEW = "cases.case.view"
COLOURS = {"IV": "blue", "III": "yellow", "II": "orange", "I": "red"}  # 突发事件应对法 §42
WIDE = 1000.0  # of a line of the chart
NEAR = 5
RUNNING = 10


@dataclass(frozen=True)
class Bar:
    """A line of the chart, in units of WIDE: the span planned, and the one that was."""

    line: Line
    planned: tuple[float, float]  # left, width
    real: tuple[float, float] | None


def bars(response: Response) -> list[Bar]:
    """The lines as bars of a chart that is as wide as the longest of them, or the clock."""
    ends = [max(line.planned_to, line.ended or 0) for line in response.lines]
    whole = max([response.clock, *ends, 1.0]) * 1.02

    def span(begin: float, end: float) -> tuple[float, float]:
        return round(begin / whole * WIDE, 1), round(max(end - begin, whole / 200) / whole * WIDE, 1)

    found = []
    for line in response.lines:
        end = line.ended if line.ended is not None else response.clock
        is_real = line.began is not None and line.state in {"ready", "done"}
        real = span(line.began, max(end, line.began)) if is_real and line.began is not None else None
        found.append(Bar(line, span(line.planned_from, line.planned_to), real))
    return found


def post(request: Request, number: int) -> HttpResponse:
    """The command post (指挥页) of a response: level, clock, tasks against their minutes, orders, what is near."""
    case = response_of(request, number)
    body = emergencies.plans(case.county_id)[case.flow]
    response = emergencies.response(case)
    task = emergencies.command_task(request.actor, case)
    near, drawn = _near(request, case, body)
    form = flows.form_of(case, f"{case.flow}_level")
    context = {
        "case": case, "about": flows.version(case.flow, case.digest)[1], "response": response, "bars": bars(response),
        "level_name": emergency.LEVEL_NAMES.get(response.level),
        "colour": COLOURS.get(response.level, "none"), "task": task,
        "fields": forms.fields(form, request.actor, case.county_id, {}, {}) if task else (), "form": form,
        "people": to_choose(case) if task else (), "near": near, "sketch": drawn, "lines": timeline(case)[::-1],
        "contacts": body.get("contacts", ()), "bulletins": bulletins.listed(request, case),
        "needs": needs.listed(request, case), "mine": _mine(request, case),
        "registered": list(_registered(request, case, body)),
        "may_draw": request.actor.has(stock.MOVE), "is_open": case.status == Case.Status.OPEN,
    }  # fmt: skip
    return render(request, "cases/command.html", context)


def _mine(request: Request, case: Case) -> list[dict[str, Any]]:
    """The tasks of the response that wait for this person, beside the standing one that sets the level."""
    names = flows.version(case.flow, case.digest)[1].names
    rows = Task.objects.filter(case=case, status=Task.Status.READY).select_related("organisation", "assignee")
    found = [with_case(task, case) for task in rows.exclude(step=emergency.DECIDE).order_by("due_at", "pk")]
    return [
        {"task": task, "title": (task.item or {}).get("text") or names.get(task.step)}
        for task in found
        if may_do(request.actor, task)
    ]


def _registered(request: Request, case: Case, body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """What the registers that the plan names hold of the response, and where another row of it is written."""
    for one in body.get("bulletin", {}).get("figures", ()):
        key, who = one["register"], request.actor
        if not who.has(f"records.{key}.view"):
            continue
        register = records.register_of(key, case.county_id)
        now = timezone.localtime()
        filled = {one["of"]: case.number}
        if register.time_field:
            is_day = register.fields[register.time_field].kind == records.Kind.DATE
            filled[register.time_field] = f"{now:%Y-%m-%d}" if is_day else f"{now:%Y-%m-%dT%H:%M}"
        yield {
            "key": key, "title": register.title, "lines": bulletin_draft.held(who, case, one),
            "new": f"/records/{key}/new?{urlencode(filled)}" if who.has(f"records.{key}.create") else "",
        }  # fmt: skip


def _near(request: Request, case: Case, body: dict[str, Any]) -> tuple[list[dict[str, Any]], Sketch | None]:
    """What the plan wants near: the nearest rows that have a layer, and a drawing of the county with all of them."""
    stream = things.describe([case.datastream]).get(case.datastream) if case.datastream else None
    place = places.place_of(case, stream.point if stream else None)
    if place is None:
        return [], None
    at = shapely.Point(shape(place).coords[0])
    layers = {layer.of: layer for layer in maps.layers(case.county_id, request.actor) if layer.source == "records"}
    titles = {"teams": _("Teams"), "stores": _("Stores"), "shelters": _("Shelters")}
    lying = stock.lying(request.actor, case.county_id, stock.books(case.county_id))
    groups, points = [], [at]
    for name, register in body.get("near", {}).items():
        layer = layers.get(register)
        if layer is None:
            continue
        found = maps.nearest(request.actor, case.county_id, layer, (at.x, at.y), NEAR)
        rows: list[dict[str, Any]] = [
            {"number": number, "told": one.feature.properties, "km": one.metres / 1000,
             "stock": _stock(request, lying, register, one.feature.id)}
            for number, one in enumerate(found, len(points))
        ]  # fmt: skip
        points += [one.feature.shape.centroid for one in found]
        groups.append({"title": titles[name], "icon": layer.icon, "rows": rows})
    outline = Area.objects.get(county=case.county_id, code=case.county_id).geometry
    return groups, sketch(shapely.GeometryCollection(points), outline)


def _stock(request: Request, lying: Mapping[tuple[str, str], str], register: str, feature: str) -> str:
    """What lies at a place, in words."""
    if not any(register == known for known, _key in lying):
        return ""
    key = records.get_by_id(request.actor, int(feature.rpartition("-")[2])).key
    return lying.get((register, key), "")


@require_POST
def order(request: Request, number: int) -> HttpResponse:
    """An order to a named person; what does not fit is said, and nothing is changed."""
    case = response_of(request, number)
    try:
        emergencies.order(
            request.actor, case.pk, acting.person_of(request), request.POST.get("text", ""),
            acting.number_of(request, "minutes"),
        )  # fmt: skip
    except CannotNow as error:
        messages.warning(request, str(error))
    else:
        messages.success(request, _("The order is given."))
    return redirect("cases:command", case.pk)


def _may_start(request: Request, key: str) -> bool:
    _flow, about = flows.current(key, request.county.pk)
    return any(scope.role in about.starters for scope in request.actor.scopes)


def library(request: Request) -> HttpResponse:
    """The plans of the county, and what runs on them."""
    access.require_verb(request.actor, VIEW)
    rows = []
    for key, body in emergencies.plans(request.county.pk).items():
        drills = Case.objects.filter(county=request.county, flow=key, origin=DRILL)
        tasks = sum(len(item["tasks"]) for item in body["levels"].values())
        last = drills.order_by("-opened_at").values_list("opened_at", flat=True).first()
        levels = [(emergency.LEVEL_NAMES[level], COLOURS[level]) for level in emergency.levels(body)]
        may_start = _may_start(request, key)
        rows.append({"key": key, "body": body, "tasks": tasks, "levels": levels, "last": last, "may_start": may_start})
    return render(request, "cases/emergencies.html", {"rows": rows, "running": running(request)})


def running(request: Request) -> list[dict[str, Any]]:
    """Responses that run, as far as the person may see them."""
    rows = Case.objects.filter(
        county=request.county, flow__in=emergencies.plans(request.county.pk), status=Case.Status.OPEN
    )
    return list(_told(access.rows(rows, request.actor, VIEW).select_related("area").order_by("-opened_at")[:RUNNING]))


def _told(cases: Any) -> Iterator[dict[str, Any]]:
    for case in cases:
        response = emergencies.response(case)
        name = emergency.LEVEL_NAMES.get(response.level)
        yield {"case": case, "response": response, "name": name, "colour": COLOURS.get(response.level, "none")}


def card(request: Request) -> Card | None:
    """Responses that run, on the home page."""
    if not request.actor.has(VIEW) or not emergencies.plans(request.county.pk):
        return None
    found = running(request)
    return Card("cases/emergency_card.html", {"running": found}, is_wide=True) if found else None


def plan(request: Request, key: str) -> HttpResponse:
    """One plan: levels, tasks with owners and minutes, contacts, who is missing, what ran on it."""
    access.require_verb(request.actor, VIEW)
    body = emergencies.plans(request.county.pk).get(key)
    if body is None:
        raise Http404(key)
    roles = role_names()
    levels = []
    for level in reversed(emergency.levels(body)):
        item = body["levels"][level]
        due = emergency.minutes(item["tasks"])
        tasks = [
            {**task, "owner": roles.get(task["role"], task["role"]), "minute": due[id_]}
            for id_, task in item["tasks"].items()
        ]
        tasks.sort(key=lambda task: task["minute"])
        levels.append({
            "name": emergency.LEVEL_NAMES[level], "colour": COLOURS[level], "when": item.get("when"), "tasks": tasks,
        })  # fmt: skip
    rows = access.rows(Case.objects.filter(county=request.county, flow=key), request.actor, VIEW)
    missing = emergencies.missing(request.county.pk, key)
    context = {
        "key": key, "body": body, "levels": levels, "may_start": _may_start(request, key),
        "missing": [{"title": one.title, "role": roles.get(one.role, one.role)} for one in missing],
        "ran": list(_told(rows.select_related("area").order_by("-opened_at")[:20])),
    }  # fmt: skip
    return render(request, "cases/emergency.html", context)
