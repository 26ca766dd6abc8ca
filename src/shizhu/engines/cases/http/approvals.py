"""Pages: the approvals of a county, and one that runs with its critical path."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _

from shizhu.engines.cases import approvals, flows
from shizhu.engines.cases.assignment import may_do, may_start, require_seen, role_names, with_case
from shizhu.engines.cases.http import results
from shizhu.engines.cases.logic.layers import Room, laid
from shizhu.engines.cases.models import Case
from shizhu.engines.cases.results import asked_for
from shizhu.engines.cases.timeline import timeline
from shizhu.kernel import access
from shizhu.kernel.text import label, named
from shizhu.web.middleware import Request

VIEW = "cases.case.view"
BEGIN, END, SMALL = "_begin", "_end", 22.0  # where the picture begins and ends
ROOMS = {"wide": Room((88, 208), (18, 56)), "tall": Room((108, 96), (8, 34), most=3, is_upright=True)}


def library(request: Request) -> HttpResponse:
    """What can be applied for, and what runs."""
    access.require_verb(request.actor, VIEW)
    held = {scope.role for scope in request.actor.scopes}
    rows, roles = approvals.rows(request.county.pk), role_names()
    for row in rows:
        row["depends"] = _(", %s of them only where needed") % row["depends"] if row["depends"] else ""
        row["may_start"] = bool(held & set(row["body"]["starters"]))
        row["unmanned"] = [
            {"title": label(item.title), "role": roles.get(role, role), "body": named(body) if body else None,
             "code": item.organisation}
            for item, role, body in row["unmanned"]
        ]  # fmt: skip
    cases = Case.objects.filter(county=request.county, flow__in=[row["key"] for row in rows], status=Case.Status.OPEN)
    running = list(access.rows(cases, request.actor, VIEW).order_by("due_at")[:50])
    known = {flow: approvals.past(request.county.pk, flow) for flow in {case.flow for case in running}}
    shown = []
    for case in running:
        standing = approvals.standing(case, known=known[case.flow])
        lights = [line.light for line in standing.lines]
        late, soon = lights.count("red"), lights.count("yellow")
        shown.append({"case": case, "standing": standing, "late": late, "soon": soon})
    return render(request, "cases/approvals.html", {"rows": rows, "running": shown})


def drawn(lines: Iterable[Mapping[str, Any]], path: Sequence[str]) -> list[dict[str, Any]]:
    """The picture of an approval, for a wide screen and for a phone: items in layers, lines critical or passed."""
    shown = {one["line"].item.id: one for one in lines}
    awaited = {before for one in shown.values() for before in one["line"].item.after}
    after: dict[str, Sequence[str]] = {BEGIN: ()}
    after |= {id_: one["line"].item.after or (BEGIN,) for id_, one in shown.items()}
    after[END] = [id_ for id_ in shown if id_ not in awaited]
    done = {BEGIN, *(id_ for id_, one in shown.items() if one["line"].state == "done" and not one["is_refused"])}
    spared = [id_ for id_, one in shown.items() if one["line"].state == "left_out"]
    for _each in spared:  # one left out is passed once all before it are
        done |= {id_ for id_ in spared if done.issuperset(after[id_])}
    critical = {
        step for one, two in pairwise([BEGIN, *path, END] if path else ()) for step in _steps(one, two, after, spared)
    }
    found = []
    for name, room in ROOMS.items():
        made = laid(after, room, {BEGIN: SMALL, END: SMALL})
        ways = [{"path": made.path(one, two), "css": _way((one, two), critical, done)} for one, two in made.lines]
        ways.sort(key=lambda way: way["css"] == "is-critical")  # above the others
        found.append({
            "name": name, "width": round(made.size[0]), "height": round(made.size[1]), "ways": ways,
            "boxes": [{**one, "box": [f"{side:g}" for side in made.boxes[id_]]} for id_, one in shown.items()],
            "dots": [[f"{side + SMALL / 2:g}" for side in made.boxes[one][:2]] for one in (BEGIN, END)],
            "radius": f"{SMALL / 2 - 2:g}", "kinds": ("plain", "is-passed", "is-critical"),
        })  # fmt: skip
    return found


def _steps(one: str, two: str, after: Mapping[str, Sequence[str]], spared: Collection[str]) -> list[tuple[str, str]]:
    """The lines that lead from one item to another, over such as are left out where no line leads there at once."""
    if one in after[two]:
        return [(one, two)]
    ways = [(_steps(one, between, after, spared), between) for between in after[two] if between in spared]
    return min(([*way, (between, two)] for way, between in ways if way), key=len, default=[])


def _way(line: tuple[str, str], critical: Collection[tuple[str, str]], done: Collection[str]) -> str:
    return "is-critical" if line in critical else "is-passed" if line[0] in done else "plain"


def page(request: Request, number: int) -> HttpResponse:
    """One approval: items, who holds the critical path, supplements, when it is likely over."""
    cases = Case.objects.filter(county=request.county).select_related("organisation", "area", "opened_by")
    case = get_object_or_404(cases, pk=number)
    if not approvals.is_one(case.flow, case.county_id):
        raise Http404
    require_seen(request.actor, case)
    _flow, about = flows.version(case.flow, case.digest)
    standing = approvals.standing(case)
    bodies = approvals.bodies(case)
    titles = {line.item.id: label(line.item.title) for line in standing.lines}
    asked = asked_for(case)
    accepts = may_start(request.actor, about, case.organisation, case.area)
    lines: list[dict[str, Any]] = []
    for line in standing.lines:
        task = with_case(line.task, case) if line.task else None
        lines.append({
            "line": line, "title": titles[line.item.id], "needs": "、".join(titles[one] for one in line.item.after),
            "together": list(task.helpers.select_related("person")) if task else [],
            "is_refused": bool(task and task.answer and not task.answer.get("granted")),
            "asked": asked.get(task.pk) if task else None,
            "holder": (task.done_by or task.assignee) if task else None,
            "body": named(bodies[line.item.id]), "only": approvals.only_where(line.item),
            "may_do": task is not None and line.state in {"ready", "awaited"} and may_do(request.actor, task),
            "may_supply": line.state == "awaited" and (accepts or (task is not None and may_do(request.actor, task))),
        })  # fmt: skip
    context = {
        "case": case, "about": about, "standing": standing, "lines": lines, "timeline": timeline(case)[::-1],
        "is_open": case.status == Case.Status.OPEN, "set": results.section(request, case),
        "drawings": drawn(lines, standing.path),
    }  # fmt: skip
    return render(request, "cases/approval.html", context)
