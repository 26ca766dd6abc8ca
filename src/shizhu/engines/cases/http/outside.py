"""What programs outside tell cases: messages, and jobs that they do. JSON over HTTP, with a login or an API key."""

from __future__ import annotations

from typing import Any

import orjson
from django.db.models import QuerySet
from django.http import HttpResponse

from shizhu.engines.cases import devices, happening
from shizhu.engines.cases.logic import FlowError
from shizhu.engines.cases.models import Case, Waiting
from shizhu.kernel import access
from shizhu.kernel.models import Area, Person
from shizhu.web import ogc
from shizhu.web.middleware import Request
from shizhu.web.ogc import Fault, Wrong

SEND, DO = "cases.message.send", "cases.job.do"
MOST = 100


def _refusal(error: Exception) -> Fault | None:
    if isinstance(error, FlowError):
        return Fault(422, "FlowRefused", str(error))
    return None


def _read(request: Request, known: dict[str, type], needed: str) -> dict[str, Any]:
    body = ogc.sent(request, "application/json")
    if not isinstance(body, dict):
        raise Fault(422, "InvalidValue", "the body must be an object")
    wrong = [Wrong(name, "", "unknown", f"known are {', '.join(known)}") for name in body if name not in known]
    wrong += [
        Wrong(name, str(body[name])[:200], "type", f"must be {kind.__name__}")
        for name, kind in known.items()
        if name in body and not isinstance(body[name], kind)
    ]
    if needed and not body.get(needed):
        wrong.append(Wrong(needed, "", "required", "must be given"))
    if wrong:
        raise Fault(422, "InvalidValue", "the body breaks rules", wrong)
    return body


def message(request: Request) -> HttpResponse:
    """A message to every case that waits for one of this name and key; a flow that begins with it begins.

    `held`: it is kept for these, which cannot go on yet. `ended`: where nobody waits, cases it was for that are over.
    """
    access.require_verb(request.actor, SEND)
    body = _read(request, {"name": str, "key": str, "payload": dict, "area": str}, "name")
    county = request.county.pk
    area = Area.objects.filter(county=county, code=body.get("area") or county).first()
    if area is None:
        raise Fault(422, "InvalidValue", "area: no area of this county has this code")
    sender = happening.Sender(Person.objects.filter(pk=request.actor.person_id or 0).first())
    found = happening.bring(county, "message", body["name"], body.get("key", ""), body.get("payload", {}), area, sender)
    ended = [{"case": one.number, "outcome": one.outcome, "closed_at": one.closed_at} for one in found.ended]
    return _json({"cases": _numbers(found.reached), "held": _numbers(found.held), "ended": ended})


def _numbers(cases: list[int]) -> list[str]:
    return list(Case.objects.filter(pk__in=cases).order_by("pk").values_list("number", flat=True))


def _jobs(request: Request) -> QuerySet[Waiting]:
    """What waits for somebody outside: what devices are asked is done here."""
    return Waiting.objects.filter(county=request.county, kind="job").exclude(name__in=devices.OWN)


def jobs(request: Request) -> HttpResponse:
    """Jobs that wait for somebody outside, the oldest first; `topic` chooses."""
    access.require_verb(request.actor, DO)
    asked = ogc.known(request, ["topic"], ("json",))
    rows = _jobs(request).select_related("case")
    if "topic" in asked:
        rows = rows.filter(name=asked["topic"])
    return _json({"jobs": list(map(_told, rows.order_by("pk")[:MOST]))})


def _told(row: Waiting) -> dict[str, Any]:
    document = row.case.state["document"]
    told = {"id": row.pk, "topic": row.name, "case": row.case.number, "step": row.event, "document": document}
    return {**told, "inputs": devices.inputs_of(row)}


def job(request: Request, number: int) -> HttpResponse:
    """A job is done: `answer` goes into the case, or `error` is the code of a BPMN error thrown at it."""
    access.require_verb(request.actor, DO)
    row = _jobs(request).filter(pk=number).first()
    body = _read(request, {"answer": dict, "error": str}, "")
    try:
        is_done = row is not None and happening.happened(
            row.pk, body.get("answer", {}), "job", error=body.get("error", "")
        )
    except FlowError as error:
        if row is not None:
            happening.stuck(row.case_id, row.event, error)
        raise
    if not is_done:
        raise Fault(404, "NotFound", "there is no such job (any more): it was done, or its case went on without it")
    return HttpResponse(status=204)


def _json(body: object) -> HttpResponse:
    return HttpResponse(orjson.dumps(body), content_type="application/json")


message_view = ogc.resource(_refusal, post=message)
jobs_view = ogc.resource(_refusal, get=jobs)
job_view = ogc.resource(_refusal, post=job)
