"""Declared flows: their texts in two languages, and the version a case runs on."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from functools import lru_cache
from typing import Any

from shizhu.engines.cases.logic import Flow, FlowError, parse
from shizhu.engines.cases.logic.reading import BPMN, CAMUNDA, read_process, read_root
from shizhu.engines.cases.models import Case, FlowVersion, FormVersion
from shizhu.kernel import packs
from shizhu.lib import dmn
from shizhu.lib.times import parse_duration

Names = dict[str, str]
DECISIONS = "decisions/"
EMPTY_FORM: packs.Body = {"title": {"zh": "", "en": ""}, "type": "object", "properties": {}}


@dataclass(frozen=True)
class About:
    """What a flow's file says beside its graph, as Camunda properties and attributes.

    `owner` organisation code · `prefix` of case numbers · `limit` for the whole case · `stages` in order, {zh, en} ·
    `stage_of` element → index of its stage · `names` element → {zh, en} · `starters` roles that may open a case by
    hand, with the form `start_form`.
    """

    title: Names
    owner: str
    prefix: str
    limit: timedelta
    stages: tuple[Names, ...]
    stage_of: dict[str, int] = field(default_factory=dict)
    names: dict[str, Names] = field(default_factory=dict)
    starters: tuple[str, ...] = ()
    start_form: str = ""


def _properties(element: Any) -> dict[str, str]:
    path = f"{BPMN}extensionElements/{CAMUNDA}properties/{CAMUNDA}property"
    return {item.get("name"): item.get("value") for item in element.findall(path)}


@lru_cache(maxsize=256)
def about(xml: bytes) -> About:
    """Read it; FlowError names what is missing or wrong."""
    process = read_process(read_root(xml))
    told = _properties(process)
    for name in ("owner", "prefix", "limit", "stages", "en"):
        if not told.get(name):
            raise FlowError(process.get("id"), name, "must be given as a property of the process")
    try:
        limit = parse_duration(told["limit"])
    except ValueError as error:
        raise FlowError(process.get("id"), "limit", str(error)) from None
    pairs = (item.strip().split("/") for item in told["stages"].split(","))
    stages = tuple({"zh": zh, "en": en} for zh, en in pairs)
    index = {stage["zh"]: number for number, stage in enumerate(stages)}
    names, stage_of = {}, {}
    for element in process.iter(f"{BPMN}*"):
        name, own = element.get("name"), _properties(element)
        if not name or element is process:
            continue
        names[element.get("id")] = {"zh": name, "en": own.get("en", name)}
        stage = own.get("stage", name)
        if stage in index:
            stage_of[element.get("id")] = index[stage]
    start = process.find(f"{BPMN}startEvent")
    starters = tuple(filter(None, process.get(f"{CAMUNDA}candidateStarterGroups", "").split(",")))
    return About(
        title={"zh": process.get("name", ""), "en": told["en"]},
        owner=told["owner"],
        prefix=told["prefix"],
        limit=limit,
        stages=stages,
        stage_of=stage_of,
        names=names,
        starters=starters,
        start_form=start.get(f"{CAMUNDA}formKey", "") if start is not None else "",
    )


def current(key: str, county: str) -> tuple[Flow, About]:
    """The flow as declared now; KeyError if nobody declares it. Its version is kept for the cases that start on it."""
    xml = packs.declaration("flows", key, county)["text"].encode()
    flow = parse(xml, key=key)
    FlowVersion.objects.get_or_create(key=key, digest=flow.digest, defaults={"xml": xml.decode()})
    return flow, about(xml)


@lru_cache(maxsize=256)
def _version(key: str, digest: str) -> tuple[Flow, About]:
    xml = FlowVersion.objects.get(key=key, digest=digest).xml.encode()
    return parse(xml, key=key), about(xml)


def version(key: str, digest: str) -> tuple[Flow, About]:
    """The flow a running case was started on."""
    return _version(key, digest)


def form(key: str, county: str) -> packs.Body:
    """A form as declared now; an empty one for no key."""
    return packs.declaration("forms", key, county) if key else EMPTY_FORM


def decision(key: str, county: str) -> dmn.Model:
    """A decision model as declared now; KeyError if nobody declares it."""
    return dmn.read_model(packs.declaration("decisions", key, county)["text"].encode())


def keep_forms(flow: Flow, about: About, county: str) -> dict[str, str]:
    """key → digest of every form and (`decisions/key`) decision of the flow, kept as it is for a case that begins."""
    keys = {about.start_form, *(step.form or "" for step in flow.steps)} - {""}
    bodies = {key: form(key, county) for key in sorted(keys)}
    asked = {ask.decision for ask in flow.asks.values()}
    bodies |= {f"{DECISIONS}{key}": packs.declaration("decisions", key, county) for key in sorted(asked)}
    digests = {key: packs.digest(body) for key, body in bodies.items()}
    versions = [FormVersion(digest=digests[key], body=body) for key, body in bodies.items()]
    FormVersion.objects.bulk_create(versions, ignore_conflicts=True)
    return digests


@lru_cache(maxsize=256)
def _form_version(digest: str) -> packs.Body:
    body: packs.Body = FormVersion.objects.get(pk=digest).body
    return body


def models_now(flow: Flow, county: str) -> dict[str, dmn.Model]:
    """The decision models a flow asks, as declared now."""
    return {ask.decision: decision(ask.decision, county) for ask in flow.asks.values()}


def models_of(case: Case) -> dict[str, dmn.Model]:
    """The decision models of a case as they were when it was opened."""
    kept = {key.removeprefix(DECISIONS): made for key, made in case.forms.items() if key.startswith(DECISIONS)}
    return {key: dmn.read_model(_form_version(digest)["text"].encode()) for key, digest in kept.items()}


def form_of(case: Case, key: str) -> packs.Body:
    """A form as it was when the case was opened; an empty one for no key."""
    return _form_version(case.forms[key]) if key in case.forms else form(key, case.county_id)
