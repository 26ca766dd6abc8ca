"""The card of an emergency task (任务卡): its level and minutes, what it is about here, whom one calls; and drills of a
plan on the page of whatever names it."""

from __future__ import annotations

from typing import Any

from shizhu.engines.cases import emergencies, flows
from shizhu.engines.cases.http.emergencies import COLOURS
from shizhu.engines.cases.logic.emergency import LEVEL_NAMES
from shizhu.engines.cases.models import DRILL, Case, Task
from shizhu.engines.records import api as records
from shizhu.kernel import access
from shizhu.kernel.text import label
from shizhu.web.middleware import Request

REFERENCE = "cases.emergency"
ROWS, FACTS, DRILLS = 30, 8, 10


def card(request: Request, task: Task) -> dict[str, Any] | None:
    """What the plan says of a task, and the rows of the registers that it `shows` in the area of the case."""
    case = task.case
    body = emergencies.plans(case.county_id).get(case.flow)
    if body is None:
        return None
    flow, _about = flows.version(case.flow, case.digest)
    planned = next((one for one in emergencies.planned(flow.xml) if one.step == task.step), None)
    declared: dict[str, Any] = next(
        (level["tasks"][task.step] for level in body["levels"].values() if task.step in level["tasks"]), {}
    )
    return {
        "planned": planned, "level": LEVEL_NAMES.get(planned.level) if planned else None,
        "colour": COLOURS.get(planned.level, "none") if planned else "none", "case": case,
        "contacts": body.get("contacts", ()),
        "groups": [_group(request, case, register) for register in declared.get("shows", ())],
    }  # fmt: skip


def _group(request: Request, case: Case, register: str) -> dict[str, Any]:
    declared = records.register_of(register, case.county_id)
    wanted = records.Query(area=case.area.code, limit=ROWS)
    may = request.actor.has(declared.verb("view"))
    page = records.query(request.actor, case.county_id, register, wanted) if may else None
    rows = [
        {"entry": entry, "facts": [
            (name, text) for name, text in records.facts(request.actor, entry) if text not in {entry.key, entry.title}
        ][:FACTS]}
        for entry in (page.entries if page else ())
    ]  # fmt: skip
    return {
        "title": declared.title, "register": register, "rows": rows, "total": page.total if page else 0,
        "more": page.total - len(rows) if page else 0,
    }  # fmt: skip


def reference() -> records.Reference:
    """The emergency plans of a county, for fields of registers."""
    return records.Reference(
        {"zh": "可执行的预案", "en": "Plan that runs"},
        lambda county, values: {key: label(body["title"]) for key, body in emergencies.plans(county).items()
                                if key in values},
        lambda _who, county, words, most: [
            records.Choice(key, label(body["title"])) for key, body in emergencies.plans(county).items()
            if words.casefold() in f"{key} {label(body['title'])}".casefold()
        ][:most],
    )  # fmt: skip


def about_record(request: Request, entry: records.Entry) -> records.Panel | None:
    """On the page of what names an emergency plan: its drills, measured by the minute."""
    register = records.register_of(entry.register, entry.county)
    fields = [field.name for field in register.fields.values() if field.reference == REFERENCE]
    key = next((entry.data[name] for name in fields if entry.data.get(name)), None)
    if key not in emergencies.plans(entry.county):
        return None
    rows = Case.objects.filter(county=request.county, flow=key, origin=DRILL)
    found = access.rows(rows, request.actor, "cases.case.view").select_related("area").order_by("-opened_at", "-pk")
    drills = [{"case": case, "response": emergencies.response(case)} for case in found[:DRILLS]]
    return records.Panel("cases/drills.html", {"drills": drills, "key": key, "total": found.count()})
