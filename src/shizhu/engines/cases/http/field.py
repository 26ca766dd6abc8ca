"""The API of the field page: what a phone takes along, and what it sends when there is a network.

JSON over HTTP with a login: the session of the page (then `Origin` must name the host) or an API key. Nothing here is
for `--open`, for what is done in the field is done by a person.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from math import isnan
from typing import Any
from uuid import UUID

import orjson
from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language

from shizhu.engines.alarms import api as alarms
from shizhu.engines.cases import concerns, emergencies, field, flows, needs, patrols, photos, places
from shizhu.engines.cases.assignment import startable
from shizhu.engines.cases.http import forms, views
from shizhu.engines.cases.models import DRILL, Case, Deed, Need, Patrol, Photo
from shizhu.engines.cases.timeline import timeline
from shizhu.engines.things import api as things
from shizhu.kernel import spans
from shizhu.kernel.models import Area
from shizhu.kernel.packs import Body
from shizhu.kernel.text import label, named
from shizhu.lib.times import YEARS
from shizhu.web import ogc
from shizhu.web.middleware import Request
from shizhu.web.ogc import Fault, Wrong

POINTS = 20_000  # of a track
LONGEST = 30 * 86_400.0  # seconds of a patrol
LATELY = timedelta(days=1)
DEEDS = 50  # of a person, told as sent
PHOTOS_ALONG = 6  # of a case, taken along
OFFSET = "Upload-Offset"
BYTES = "application/offset+octet-stream"  # tus 1.0.0


def _refusal(error: Exception) -> Fault | None:
    if isinstance(error, photos.PhotosMissing):
        wrong = [Wrong("photos", one, "arrived", "has not arrived as a whole") for one in error.ids]
        return Fault(409, "PhotosMissing", str(error), wrong)
    if isinstance(error, field.IdTaken):
        return Fault(409, "IdTaken", str(error))
    if isinstance(error, photos.PhotoRefused):
        return Fault(422, "PhotoRefused", str(error))
    return None


def _person(request: Request) -> int:
    if request.actor.person_id is None:
        raise Fault(403, "Forbidden", "only a person can do something in the field: log in")
    return request.actor.person_id


# what is sent -----------------------------------------------------------------------------------------------------


class _Reader:
    """The fields of a body, each by its rule; all that is wrong is told at once."""

    def __init__(self, body: object) -> None:
        if not isinstance(body, dict):
            raise Fault(422, "InvalidValue", "the body must be an object")
        self.body: Body = body
        self.wrong: list[Wrong] = []

    def take(self, name: str, read: Callable[[Any], Any], rule: str, *, least: bool = True) -> Any:
        """A field as `read` makes it; None where it is not given and need not be."""
        value = self.body.get(name)
        if value is None:
            if least:
                self.wrong.append(Wrong(name, "", "required", "must be given"))
            return None
        try:
            return read(value)
        except (ValueError, TypeError, AttributeError, KeyError, OverflowError):
            self.wrong.append(Wrong(name, str(value)[:200], rule, f"must be {rule}"))
            return None

    def end(self) -> None:
        """Raise Fault 422 if anything was wrong."""
        if self.wrong:
            raise Fault(422, "InvalidValue", "; ".join(f"{w.name}: {w.message}" for w in self.wrong), self.wrong)


def text(value: Any) -> str:
    """A text without NUL, at most 5,000 characters."""
    if not isinstance(value, str) or "\0" in value or len(value) > 5000:
        raise ValueError(value)
    return value


def moment(value: Any) -> datetime:
    """A time with its zone, ISO 8601."""
    found = datetime.fromisoformat(text(value))
    if found.tzinfo is None or found.year not in YEARS:
        raise ValueError(value)
    return found.astimezone(UTC)


def number(value: Any) -> int:
    """A positive whole number."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 2**62:
        raise ValueError(value)
    return value


def place(value: Any) -> dict[str, Any]:
    """{longitude, latitude, accuracy} in degrees of WGS 84 and metres."""
    found = {name: float(value[name]) for name in ("longitude", "latitude")}
    if not (-180 <= found["longitude"] <= 180 and -90 <= found["latitude"] <= 90):
        raise ValueError(value)
    accuracy = None if value.get("accuracy") is None else float(value["accuracy"])
    if accuracy is not None and isnan(accuracy):
        raise ValueError(value)
    return {**found, "accuracy": None if accuracy is None else min(max(accuracy, 0.0), 1e6)}


def _plain(value: Any) -> dict[str, Any]:
    """An answer to a form: names with texts, numbers, yes or no."""
    if not isinstance(value, dict) or len(value) > 100:
        raise ValueError(value)
    for name, given in value.items():
        text(name)
        if not isinstance(given, bool | int | float):
            text(given)
    return value


def _photos(value: Any) -> dict[str, list[str]]:
    found = {text(name): [str(UUID(one)) for one in ids] for name, ids in value.items()}
    if sum(map(len, found.values())) > 30:
        raise ValueError(value)
    return found


def _walk(value: Any) -> dict[str, Any]:
    return {
        "id": str(UUID(value["id"])), "beat": text(value["beat"]), "key": text(value.get("key") or ""),
        "started_at": moment(value["started_at"]),
    }  # fmt: skip


def _track(value: Any) -> list[list[float | None]]:
    if len(value) > POINTS:
        raise ValueError(value)
    return [_point(*one) for one in value]


def _point(longitude: Any, latitude: Any, seconds: Any, accuracy: Any = None) -> list[float | None]:
    where = place({"longitude": longitude, "latitude": latitude, "accuracy": accuracy})
    if not abs(float(seconds)) < LONGEST:
        raise ValueError(seconds)
    return [where["longitude"], where["latitude"], float(seconds), where["accuracy"]]


WALK = "an object with id (UUID), beat, key of the object, started_at"
TRACK = "positions: longitude, latitude, seconds since the start, accuracy in metres or null"
ANSWER = "names with texts, numbers, true or false"
PLACE = "an object with longitude and latitude in degrees, and accuracy in metres"
PHOTOS = "field names with lists of ids of photos, 30 at most"
DOORS = {name: name for name in ("moved", "refuses", "away", "fetch", "told")}
READ: dict[str, dict[str, tuple[Callable[[Any], Any], str, bool]]] = {  # kind → field → (reader, rule, whether needed)
    "answer": {
        "task": (number, "the number of a task", True), "answer": (_plain, ANSWER, True),
        "photos": (_photos, PHOTOS, False),
    },
    "report": {
        "flow": (text, "the key of a flow", True), "answer": (_plain, ANSWER, True), "area": (text, "a code", False),
        "place": (place, PLACE, False), "photos": (_photos, PHOTOS, False), "patrol": (_walk, WALK, False),
    },
    "need": {
        "case": (number, "the number of a case", True), "answer": (_plain, ANSWER, True),
        "area": (text, "a code", False), "place": (place, PLACE, False),
    },
    "patrol": {
        "patrol": (_walk, WALK, True), "ended_at": (moment, "a time with its zone (ISO 8601)", False),
        "track": (_track, TRACK, False), "note": (text, "a text", False), "photos": (_photos, PHOTOS, False),
    },
    "door": {
        "warning": (number, "the number of a warning", True), "home": (number, "the number of a household", True),
        "state": (lambda value: DOORS[value], f"one of {', '.join(DOORS)}", True),
    },
    "remark": {
        "case": (number, "the number of a case", True), "text": (text, "a text", True),
        "photos": (_photos, PHOTOS, False),
    },
}  # fmt: skip


def sent_by(body: object) -> tuple[field.Sent, int]:
    """What a phone sent, and whose it is. Raises Fault 422."""
    reader = _Reader(body)
    id_ = reader.take("id", UUID, "a UUID")
    kind = reader.take("kind", lambda value: value if value in READ else READ[value], f"one of {', '.join(READ)}")
    at = reader.take("at", moment, "a time with its zone (ISO 8601)")
    person = reader.take("person", number, "the number of a person")
    rules = READ.get(kind or "", {})
    found = {name: reader.take(name, read, rule, least=least) for name, (read, rule, least) in rules.items()}
    known = {"id", "kind", "at", "person", *rules}
    if kind:
        reader.wrong += [
            Wrong(name, "", "unknown", f"known are {', '.join(sorted(known))}") for name in reader.body.keys() - known
        ]
    reader.end()
    return field.Sent(id_, kind, at, {name: value for name, value in found.items() if value is not None}), person


def deed(request: Request) -> HttpResponse:
    """Do one thing: 200 with `outcome` done, conflict or refused; the same for the same id, however often sent."""
    person = _person(request)
    one, whose = sent_by(ogc.sent(request, "application/json"))
    if whose != person:
        raise Fault(403, "OtherPerson", "person: this was written by somebody else: log in as them to send it")
    return _json(_told(field.do(request.actor, request.county.pk, one)))


def _told(one: Deed) -> dict[str, Any]:
    return {"id": str(one.pk), "kind": one.kind, "received_at": one.received_at.isoformat(), **one.answer}


def announced(request: Request, id_: UUID) -> HttpResponse:
    """Tell of a photo; the answer says how much of it is here."""
    person = _person(request)
    reader = _Reader(ogc.sent(request, "application/json"))
    name = reader.take("name", text, "a text")
    size = reader.take("size", number, "a number of bytes")
    digest = reader.take("sha256", lambda value: re.fullmatch("[0-9a-f]{64}", value)[0], "64 hexadecimal digits")  # type: ignore[index]  # TypeError is told
    taken_at = reader.take("taken_at", moment, "a time with its zone (ISO 8601)", least=False)
    where = reader.take("place", place, PLACE, least=False)
    reader.end()
    at = (where["longitude"], where["latitude"]) if where else None
    return _offset(photos.announce(person, id_, photos.About(name, size, digest, taken_at, at)))


def _mine(request: Request, id_: UUID) -> Photo:
    found = photos.find(_person(request), id_)
    if found is None:
        raise ogc.not_found(request)
    return found


def offset(request: Request, id_: UUID) -> HttpResponse:
    """How much of a photo is here."""
    return _offset(_mine(request, id_))


def piece(request: Request, id_: UUID) -> HttpResponse:
    """Add a piece at the offset of the header; 409 with the right offset where it does not fit."""
    _mine(request, id_)
    given = request.headers.get(OFFSET, "")
    if request.content_type != BYTES or not re.fullmatch("[0-9]{1,9}", given):
        raise Fault(415, "UnsupportedMediaType", f"send {BYTES} and the header {OFFSET}, a number")
    try:
        photo = photos.add(_person(request), id_, int(given), request.body)
    except photos.WrongOffset as error:
        return _json({"code": "WrongOffset", "detail": str(error), "offset": error.offset}, 409, error.offset)
    wrong = photos.fault(photo)
    if wrong:
        return _json({"code": "PhotoRefused", "detail": wrong, "offset": 0}, 422, 0)
    return _offset(photo)


def _offset(photo: Photo) -> HttpResponse:
    return _json({"id": str(photo.pk), "offset": photo.received, "size": photo.size}, 200, photo.received)


def _json(body: Mapping[str, Any], status: int = 200, at: int | None = None) -> HttpResponse:
    headers = {} if at is None else {OFFSET: str(at)}
    return HttpResponse(orjson.dumps(body), content_type="application/json", status=status, headers=headers)


# what is taken along ----------------------------------------------------------------------------------------------


def state(request: Request) -> HttpResponse:
    """All that the page needs without a network: who, their tasks with forms, what they may report, what was sent."""
    person, who, county = _person(request), request.actor, request.county.pk
    items = views.my_tasks(who)
    streams = things.describe({item["case"].datastream for item in items if item["case"].datastream})
    sent = Deed.objects.filter(person=person, county=county).order_by("-received_at")
    body = {
        "at": timezone.now().isoformat(), "language": get_language(), "person": {"id": person, "name": who.name},
        "county": {"code": county, "name": named(request.county)},
        "limits": {"photo": photos.LARGEST, "piece": photos.LARGEST_PIECE},
        "tasks": [_task(request, item, streams) for item in items],
        "starts": [_start(request, start) for start in views.starters(who, county)],
        "beats": [_beat(request, beat) for beat in patrols.beats(county).values() if patrols.walked_by(who, beat)],
        "helps": [_help(request, case) for case in needs.open_to(who, county)],
        "needs": [_asked(one) for one in _mine_asked(person, county)],
        "doors": alarms.doors(who, county), "sent": [_told(one) for one in sent[:DEEDS]],
    }  # fmt: skip
    return _json(body)


def _task(request: Request, item: Mapping[str, Any], streams: Mapping[int, things.StreamInfo]) -> dict[str, Any]:
    task, case = item["task"], item["case"]
    flow, _about = flows.version(case.flow, case.digest)
    step = flow.step[task.step]
    form = flows.form_of(case, step.form or "")
    stream = streams.get(case.datastream or 0)
    document, by = case.state["document"], case.opened_by
    return {
        "id": task.pk, "case": case.pk, "number": case.number, "title": case.title, "step": label(item["step"]),
        "flow": label(item["flow"]), "area": named(case.area), "help": step.help or "",
        "address": str(document.get("address") or (stream.thing_name if stream else "")),
        "phone": str(document.get("phone") or (by.phone if by else "")), "by": by.name if by else "",
        "is_simulated": bool(case.origin), "is_drill": case.origin == DRILL,
        "due_at": task.due_at.isoformat() if task.due_at else None,
        "place": places.place_of(case, stream.point if stream else None),
        "is_rough": not hasattr(case, "place") and stream is None, "form": _form(request, form),
        "lines": _lines(case, document), "photos": _seen(case),
        "meets_at": task.meets_at.isoformat() if task.meets_at else None, "meets_where": task.meets_where,
    }  # fmt: skip


def _lines(case: Case, document: Mapping[str, Any]) -> list[str]:
    """What somebody who answers a task should have read, as text."""
    told = [str(document["description"])] if document.get("description") else []
    told += concerns.lines(case)
    for line in timeline(case):
        if line.kind == "done":
            given = [f"{label(title)}：{label(value)}" for title, value in line.data["answer"]]
            told.append(" · ".join([label(line.data["name"]), line.data["person"].name, *given]))
        elif line.kind == "broken":
            stream, alarm = line.data["stream"], line.data["alarm"]
            told.append(f"{label(alarm.title)} · {alarm.value:g} {stream.unit} ({alarm.limit})")
    return told


def _seen(case: Case) -> list[str]:
    """Addresses of the first photos of a case, residents' and others', to be seen where it happened."""
    rows = case.attachments.filter(file__media_type__startswith="image/").order_by("pk")[:PHOTOS_ALONG]
    return [reverse("cases:file", args=[one.file_id]) for one in rows]


def _form(request: Request, form: Body) -> dict[str, Any]:
    made = forms.fields(form, request.actor, request.county.pk)
    schema = form["properties"]
    fields = [
        {**{k: v for k, v in asdict(one).items() if k not in {"value", "problem"}},
         "widget": "photo" if one.widget == "file" else one.widget,  # a phone takes a photo of it
         "type": schema[one.name]["type"], "most": schema[one.name].get("maxItems"),
         "least": schema[one.name].get("minItems"), "shortest": schema[one.name].get("minLength")}
        for one in made
    ]  # fmt: skip
    more = [
        {"field": name, "value": item["const"], "names": form["then"]["required"]}
        for name, item in form.get("if", {}).get("properties", {}).items()
    ]
    return {"title": label(form["title"]), "submit": label(form.get("submit")), "fields": fields, "more": more}


def _start(request: Request, start: Mapping[str, Any]) -> dict[str, Any]:
    about, county = start["about"], request.county.pk
    areas = startable(request.actor, county, about)
    form = _form(request, flows.form(about.start_form, county))
    return {
        "flow": start["key"], "title": label(start["title"]), "form": form,
        "areas": [{"code": area.code, "name": named(area)} for area in areas],
    }  # fmt: skip


def _help(request: Request, case: Case) -> dict[str, Any]:
    """A response that one may ask for help: for what, and from where."""
    told = emergencies.plans(case.county_id)[case.flow]["help"]
    return {
        "case": case.pk, "number": case.number, "title": case.title,
        "is_simulated": bool(case.origin), "is_drill": case.origin == DRILL,
        "form": _form(request, flows.form(f"{case.flow}_need", case.county_id)),
        "kinds": [[name, label(one["title"]), one.get("icon", "help")] for name, one in told["kinds"].items()],
        "first": next(iter(told["urgencies"])),
        "areas": [{"code": area.code, "name": named(area)} for area in needs.towns(request.actor, case)],
    }  # fmt: skip


def _mine_asked(person: int, county: str) -> QuerySet[Need]:
    """What somebody asked for in responses that run, and lately: the newest first."""
    recent = Q(case__status=Case.Status.OPEN) | Q(asked_at__gte=timezone.now() - LATELY)
    rows = Need.objects.filter(recent, asked_by=person, case__county=county).select_related(
        "case", "area", "answered_by"
    )
    return rows.order_by("-asked_at", "-pk")[:DEEDS]


def _asked(one: Need) -> dict[str, Any]:
    by = one.answered_by.name if one.answered_by else ""
    return {
        "id": one.pk, "case": one.case_id, "title": one.case.title, "text": needs.words(one),
        "where": needs.whither(one),
        "is_simulated": bool(one.case.origin), "is_drill": one.case.origin == DRILL,
        "is_over": one.case.status == Case.Status.CLOSED, "state": one.state,
        "answer": one.answer, "by": by, "asked_at": one.asked_at.isoformat(), "due_at": one.due_at.isoformat(),
        "answered_at": one.answered_at.isoformat() if one.answered_at else None,
    }  # fmt: skip


def _beat(request: Request, beat: patrols.Beat) -> dict[str, Any]:
    scope, county = patrols.walked_by(request.actor, beat), request.county.pk
    month = timezone.localdate().replace(day=1)
    span = spans.of_month(month)
    own = Patrol.objects.filter(person=request.actor.person_id, beat=beat.key, is_counted=True)
    counted = Counter(own.filter(started_at__gte=span.start, started_at__lt=span.end).values_list("key", flat=True))
    paths = dict(Area.objects.filter(county=county).values_list("code", "path"))
    found = []
    for entry in patrols.objects(request.actor, county, beat):
        if scope is None or not paths[entry.area.code].startswith(scope.area_path):
            continue
        point = entry.geometry.representative_point() if entry.geometry is not None else None
        found.append({
            "key": entry.key, "title": entry.title, "due": beat.due(entry.data, month), "walked": counted[entry.key],
            "place": [point.x, point.y] if point else None,
        })  # fmt: skip
    return {"key": beat.key, "title": label(beat.title), "starts": beat.starts, "objects": found}


state_view = ogc.resource(_refusal, get=state)
deeds_view = ogc.resource(_refusal, post=deed)
photo_view = ogc.resource(_refusal, get=offset, put=announced, patch=piece)
