"""Declared flows: their texts in two languages, and the version a case runs on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import lru_cache, partial
from typing import Any

from django.utils import timezone

from shizhu.engines.cases.logic import Flow, FlowError, Kit, parse
from shizhu.engines.cases.logic.reading import BPMN, read_process, read_root
from shizhu.engines.cases.logic.vendors import attribute, first, told
from shizhu.engines.cases.models import Case, FlowVersion, FormVersion
from shizhu.kernel import packs
from shizhu.kernel.models import County, Organisation
from shizhu.lib import dmn, worktime
from shizhu.lib.times import parse_duration

Names = dict[str, str]
DECISIONS = "decisions/"
SAYS = "says."  # before a value, in the name of a property that gives the words it is shown by
USUAL = {"prefix": "AJ", "limit": "P30D"}  # where the file of another editor gives none
BEGUN, FINISHED = {"zh": "提出", "en": "Begun"}, {"zh": "办结", "en": "Finished"}
MOST_STAGES = 12
EMPTY_FORM: packs.Body = {"title": {"zh": "", "en": ""}, "type": "object", "properties": {}}


@dataclass(frozen=True)
class About:
    """What a flow's file says beside its graph, as Camunda properties and attributes.

    `owner` organisation code ("" for the county's government) · `prefix` of case numbers · `limit` for the whole case ·
    `stages` in order, {zh, en} · `stage_of` element → index of its stage · `names` element → {zh, en} · `says` element
    → value it decides → {zh, en} · `starters` roles that may open a case by hand, with the form `start_form`. `missing`
    are properties that the file does not give: a file of another editor has none, and goes with what is usual.
    """

    title: Names
    owner: str
    prefix: str
    limit: timedelta
    stages: tuple[Names, ...]
    stage_of: dict[str, int] = field(default_factory=dict)
    names: dict[str, Names] = field(default_factory=dict)
    says: dict[str, dict[str, Names]] = field(default_factory=dict)
    starters: tuple[str, ...] = ()
    start_form: str = ""
    missing: tuple[str, ...] = ()
    span: str = ""  # the limit as written
    clock: str = ""  # `working` where it counts working time alone
    supplements: bool = False  # whether the clock of one step alone may stand while something is supplied
    voids: frozenset[str] = frozenset()  # ends by which a case is void: not dealt with, for a reason
    tells: bool = False  # whether people are told of their tasks by notices too


@lru_cache(maxsize=256)
def about(xml: bytes) -> About:
    """Read it; FlowError names what is wrong."""
    process = read_process(read_root(xml))
    id_, given = process.get("id"), told(process)
    try:
        limit = parse_duration(given.get("limit") or USUAL["limit"])
    except ValueError as error:
        raise FlowError(id_, "limit", str(error)) from None
    stages = _stages(given["stages"]) if given.get("stages") else _usual_stages(process)
    index = {stage["zh"]: number for number, stage in enumerate(stages)}
    names, says, stage_of, voids = {}, {}, {}, set()
    for element in process.iter(f"{BPMN}*"):
        name, own = " ".join(element.get("name", "").split()), told(element)
        if not name or element is process:
            continue
        names[element.get("id")] = {"zh": name, "en": own.get("en", name)}
        says[element.get("id")] = {
            word.removeprefix(SAYS): _pair(shown) for word, shown in own.items() if word.startswith(SAYS)
        }
        if own.get("void") == "yes":
            voids.add(element.get("id"))
        stage = own.get("stage", name)
        if stage in index:
            stage_of[element.get("id")] = index[stage]
    start = process.find(f"{BPMN}startEvent")
    starters = tuple(filter(None, attribute(process, "candidateStarterGroups").split(",")))
    called = " ".join(process.get("name", id_).split())
    return About(
        title={"zh": called, "en": given.get("en") or called},
        owner=given.get("owner", ""),
        prefix=given.get("prefix") or USUAL["prefix"],
        limit=limit,
        stages=stages,
        stage_of=stage_of,
        voids=frozenset(voids),
        names=names,
        says=says,
        starters=starters,
        start_form=(attribute(start, "formKey") or first(start, "formDefinition", "formKey", "formId"))
        if start is not None
        else "",
        span=given.get("limit") or USUAL["limit"],
        clock=given.get("clock", ""),
        supplements=given.get("supplement") == "yes",
        tells=given.get("tell") == "yes",
        missing=tuple(name for name in ("owner", "prefix", "limit", "stages", "en") if not given.get(name)),
    )


def _stages(text: str) -> tuple[Names, ...]:
    return tuple(_pair(item) for item in text.split(","))


def _pair(text: str) -> Names:
    zh, _, en = text.strip().partition("/")
    return {"zh": zh, "en": en or zh}


def _usual_stages(process: Any) -> tuple[Names, ...]:
    """The steps of people, between the beginning and the end."""
    tasks = [" ".join(task.get("name", "").split()) for task in process.iter(f"{BPMN}userTask")]
    names = [BEGUN, *({"zh": name, "en": name} for name in dict.fromkeys(filter(None, tasks))), FINISHED]
    return tuple(names[:MOST_STAGES])


def abouts(county: str) -> Iterator[tuple[str, About]]:
    """What each declared flow says of itself; one that cannot be read opens no case and is left out."""
    for key, body in packs.declarations("flows", county).items():
        with suppress(FlowError):
            yield key, about(body["text"].encode())


def owner(about: About, county: str) -> Organisation | None:
    """Whose the cases of a flow are; None for an organisation that this county does not have."""
    return Organisation.objects.filter(county=county, code=about.owner or county).first()


def called_by(key: str, xml: bytes, county: str) -> dict[str, bytes]:
    """The files of flows that a flow calls, and that these call, by the names they are called by."""
    found: dict[str, bytes] = {}
    waiting = list(parse(xml, key=key).calls)
    declared = packs.declarations("flows", county)
    while waiting:
        name = waiting.pop()
        there = next((k for k in (name, f"{key.partition('.')[0]}.{name}", f"local.{name}") if k in declared), None)
        if name not in found and there:
            found[name] = declared[there]["text"].encode()
            waiting += parse(found[name], key=there).calls
    return found


def current(key: str, county: str) -> tuple[Flow, About]:
    """The flow as declared now; KeyError if nobody declares it. Its version is kept for the cases that start on it."""
    xml = packs.declaration("flows", key, county)["text"].encode()
    called = called_by(key, xml, county)
    flow = parse(xml, key=key, called=called)
    known = _named(flow)
    texts = {name: text.decode() for name, text in called.items()}
    kept = {"xml": xml.decode(), "called": texts, "stages": list(known.stages)}
    FlowVersion.objects.get_or_create(key=key, digest=flow.digest, defaults=kept)
    return flow, known


def _named(flow: Flow) -> About:
    """About a flow, with the names of what it calls."""
    known = about(flow.xml)
    inner = {step.id: {"zh": step.name, "en": step.name} for step in flow.steps if "/" in step.id and step.name}
    return replace(known, names={**known.names, **inner}) if inner else known


@lru_cache(maxsize=256)
def _version(key: str, digest: str) -> tuple[Flow, About]:
    row = FlowVersion.objects.get(key=key, digest=digest)
    flow = parse(row.xml.encode(), key=key, called={name: text.encode() for name, text in row.called.items()})
    return flow, _named(flow)


def version(key: str, digest: str) -> tuple[Flow, About]:
    """The flow a running case was started on."""
    return _version(key, digest)


def form(key: str, county: str) -> packs.Body:
    """A form as declared now; an empty one for no key."""
    return packs.declaration("forms", key, county) if key else EMPTY_FORM


def decision(key: str, county: str) -> dmn.Model:
    """A decision model as declared now, with those it imports; KeyError if nobody declares it."""
    return model_of(packs.declaration("decisions", key, county), county)


def model_of(body: packs.Body, county: str) -> dmn.Model:
    """The model of a decision's file beside those declared now. Raises DmnError."""
    return _model(body, packs.declarations("decisions", county))


def _model(body: packs.Body, everything: Mapping[str, packs.Body]) -> dmn.Model:
    xml = body["text"].encode()
    return dmn.read_model(xml, *dmn.needed(xml, (one["text"].encode() for one in everything.values())))


def keep_forms(flow: Flow, about: About, county: str) -> dict[str, str]:
    """key → digest of every form and (`decisions/key`) decision of the flow, kept as it is for a case that begins."""
    keys = {about.start_form, *(step.form or "" for step in flow.steps)} - {""}
    bodies = {key: form(key, county) for key in sorted(keys)}
    bodies |= {f"{DECISIONS}{key}": body for key, body in _decisions(flow, county).items()}
    digests = {key: packs.digest(body) for key, body in bodies.items()}
    versions = [FormVersion(digest=digests[key], body=body) for key, body in bodies.items()]
    FormVersion.objects.bulk_create(versions, ignore_conflicts=True)
    return digests


def _decisions(flow: Flow, county: str) -> dict[str, packs.Body]:
    """The decisions a flow asks and those that these import, as declared now."""
    declared = packs.declarations("decisions", county)
    asked = {ask.decision: packs.declaration("decisions", ask.decision, county) for ask in flow.asks.values()}
    texts = [body["text"].encode() for body in declared.values()]
    imported = {one for body in asked.values() for one in dmn.needed(body["text"].encode(), texts)}
    return asked | {key: body for key, body in sorted(declared.items()) if body["text"].encode() in imported}


@lru_cache(maxsize=256)
def _form_version(digest: str) -> packs.Body:
    body: packs.Body = FormVersion.objects.get(pk=digest).body
    return body


def models_now(flow: Flow, county: str) -> dict[str, dmn.Model]:
    """The decision models a flow asks, as declared now."""
    return {ask.decision: decision(ask.decision, county) for ask in flow.asks.values()}


def kit_now(flow: Flow, county: str, now: datetime) -> Kit:
    """What a case that begins is moved with."""
    return Kit(models_now(flow, county), timezone.localtime(now), partial(later, county))


def kit_of(case: Case, now: datetime) -> Kit:
    """What an open case is moved with."""
    return Kit(models_of(case), timezone.localtime(now), partial(later, case.county_id))


def hours_of(county: str) -> worktime.Hours:
    """The hours of offices in a county, with its own days off: its setting `working_hours`, else the usual ones."""
    found = County.objects.get(pk=county).settings
    return worktime.hours(
        found.get("working_hours") or worktime.USUAL, timezone.get_default_timezone(),
        off=found.get("days_off", ()), worked=found.get("days_worked", ()),
    )  # fmt: skip


def later(county: str, moment: datetime, duration: str, clock: str) -> datetime:
    """The moment a duration after another, on a clock. Raises ValueError for what is no duration."""
    if clock == "working":
        return worktime.after(moment, duration, hours_of(county))
    return moment + parse_duration(duration)


def models_of(case: Case) -> dict[str, dmn.Model]:
    """The decision models of a case as they were when it was opened."""
    kept = {key.removeprefix(DECISIONS): made for key, made in case.forms.items() if key.startswith(DECISIONS)}
    bodies = {key: _form_version(digest) for key, digest in kept.items()}
    return {key: _model(body, bodies) for key, body in bodies.items()}


def form_of(case: Case, key: str) -> packs.Body:
    """A form as it was when the case was opened; an empty one for no key."""
    return _form_version(case.forms[key]) if key in case.forms else form(key, case.county_id)
