"""A decision opened in the browser: its graph and tables, what is wrong in them, a try beside them, a version kept."""

from __future__ import annotations

import json
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from shizhu.engines.cases import flows
from shizhu.engines.cases.http.deciding import KIND, LARGEST, TYPES, opened_at, said, title_of
from shizhu.engines.cases.http.decision_faults import WHOLE, fault, faults_of, model_of, unanswered
from shizhu.engines.cases.http.drawing import json_answer, read_json
from shizhu.engines.cases.logic import FlowError, parse
from shizhu.engines.cases.models import Case
from shizhu.kernel import overlays, packs
from shizhu.kernel.packs import Body
from shizhu.kernel.text import label
from shizhu.lib import dmn, feel
from shizhu.web import declaring
from shizhu.web.middleware import Request

EMPTY = """<?xml version="1.0" encoding="UTF-8"?>
<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="definitions" name="{name}" namespace="https://shizhu.example/local">
<decision id="decision" name="{name}"><informationRequirement id="needs"><requiredInput href="#given"/></informationRequirement>
<decisionTable id="table" hitPolicy="FIRST"><input id="in" label="{given}"><inputExpression id="asked" typeRef="number"><text>{given}</text></inputExpression></input>
<output id="out" name="{found}" typeRef="string"/><rule id="rule"><inputEntry id="when"><text>-</text></inputEntry><outputEntry id="then"><text>""</text></outputEntry></rule></decisionTable></decision>
<inputData id="given" name="{given}"><variable id="variable" name="{given}" typeRef="number"/></inputData></definitions>"""  # noqa: E501


def page(request: Request, stem: str = "", key: str = "") -> HttpResponse:
    """Open a decision: a new one, one of the county's own, or a copy of one that a pack declares. POST keeps it."""
    declaring.require(request)
    row = declaring.found(request, KIND, f"{overlays.LOCAL}.{stem}")[1] if stem else None
    if request.method == "POST":
        return _keep(request, stem)
    county = request.county.pk
    known = packs.declarations(KIND, county)
    if key and key not in known:
        raise Http404(key)
    words = {"name": _("New decision"), "given": _("number"), "found": _("result")}
    body = row.body if row else known[key] if key else {"text": EMPTY.format(**words)}
    key = row.key if row else key
    settings = {
        "xml": dmn.opened(body["text"].encode()), "read": row.digest if row else "", "stem": stem or "decision",
        "keep": request.path if row else reverse("own:decision_open_new"),
        "check": reverse("own:decision_check"), "try": reverse("own:decision_try"),
        "language": "zh" if request.LANGUAGE_CODE.startswith("zh") else "en",
    }  # fmt: skip
    context = {
        "settings": settings, "row": row, "of_pack": key if key and not row else "",
        "title": title_of(key, body) if key else "", "uses": list(_uses(county, key, body)) if key else [],
        "open": Case.objects.filter(
            county=county, status=Case.Status.OPEN, forms__has_key=f"{flows.DECISIONS}{key}"
        ).count() if key else 0,
    }  # fmt: skip
    return render(request, "cases/decision.html", context)


def _uses(county: str, key: str, body: Body) -> Any:
    """(kind, title, address or nothing) of flows that ask a decision, and decisions that import its file."""
    for flow, declared in packs.declarations("flows", county).items():
        xml = declared["text"].encode()
        try:
            steps = [id_ for id_, ask in parse(xml, key=flow).asks.items() if ask.decision == key]
            known = flows.about(xml)
        except FlowError:
            continue  # it asks nobody
        if steps:
            own = reverse("own:flow_draw", args=[flow.partition(".")[2]]) if overlays.is_own(flow) else ""
            told = "、".join(label(known.names[id_]) for id_ in steps if id_ in known.names)
            yield _("Flow"), f"{label(known.title)}{f' · {told}' if told else ''}", own
    space = dmn.namespace(body["text"].encode())
    for other, declared in packs.declarations(KIND, county).items():
        if other != key and space in dmn.imports(declared["text"].encode()):
            yield _("Decision model"), title_of(other, declared), opened_at(other)


def check(request: Request) -> HttpResponse:
    """What is wrong with what is drawn, what it asks for, and which decisions it has."""
    declaring.require(request)
    sent = read_json(request)
    text, stem = sent.get("xml", ""), sent.get("stem", "")
    told: dict[str, Any] = {"faults": faults_of(request, text, stem)}
    try:
        model = model_of(request, text)
    except dmn.DmnError:
        return json_answer(told)
    told["inputs"] = [(name, _base(model, kind), _(TYPES.get(kind, kind))) for name, kind in model.inputs.items()]
    told["decisions"] = [(one["id"], one["name"]) for one in model.body["decisions"] if one["name"] in model.decisions]
    told["asked"] = model.answer_to(stem) or ""
    told["last"] = list(model.last.items())
    return json_answer(told)


def _base(model: dmn.Model, kind: str) -> str:
    """What a type comes down to."""
    for _step in range(20):
        item = model.body["items"].get(kind)
        if item is None or item.get("isMany") or item.get("parts"):
            return kind
        kind = item.get("base", "Any")
    return kind


def tried(request: Request) -> HttpResponse:
    """What a drawn decision says to typed values: each decision made on the way, rows hit, what went wrong."""
    declaring.require(request)
    sent = read_json(request)
    faults = [one for one in faults_of(request, sent.get("xml", ""), "") if one["element"] and one["level"] == "error"]
    if faults:
        return json_answer({"faults": faults}, 422)
    try:
        model = model_of(request, sent.get("xml", ""))
        given = {name: _given(model, name, kind, sent.get(f"i.{name}", "")) for name, kind in model.inputs.items()}
    except feel.FeelError as error:
        wrong = _("%(text)s is no value in FEEL.") % {"text": error.expression}
        return json_answer({"faults": [fault(WHOLE, wrong)]}, 422)
    except dmn.DmnError:
        return json_answer({"faults": [fault(WHOLE, _("Choose the decision that is tried."))]}, 422)
    try:
        found = dmn.decide(model, sent.get("asked", ""), given)
    except feel.FeelError as error:
        return json_answer({"faults": [unanswered(sent.get("asked", ""), error)]}, 422)
    except KeyError:
        return json_answer({"faults": [fault(WHOLE, _("Choose the decision that is tried."))]}, 422)
    ids = {one["name"]: one["id"] for one in model.body["decisions"]}
    made = [
        {"element": ids[name], "name": name, "value": _shown(value), "rows": rows}
        for name, value in found.decisions.items()
        for rows in [[row for table, hit in found.hits if table == name for row in hit]]
    ]
    told = [(ids.get(line.partition(": ")[0], ""), said(line)) for line in found.faults]
    return json_answer({"value": _shown(found.value), "made": made[::-1], "told": told})


def _given(model: dmn.Model, name: str, kind: str, typed: str) -> object:
    """A value as it is typed: a text without quotes, a date or a duration as ISO 8601, everything else in FEEL."""
    text, base = typed.strip(), _base(model, kind)
    if base == "string" and not text.startswith('"'):
        return text or None
    if base in dmn.TEMPORAL and text and "(" not in text:
        value = feel.evaluate(f"{dmn.TEMPORAL[base]}(text)", {"text": text})
        if value is None:
            raise feel.FeelError(text, None, "is no such value")
        return value
    return feel.evaluate(text or "null", {}, is_strict=True)


def _shown(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _keep(request: Request, stem: str) -> HttpResponse:
    sent = read_json(request)
    text = sent.get("xml", "")
    if len(text.encode()) > LARGEST:
        return json_answer({"faults": [fault(WHOLE, _("Choose a DMN file of at most 500 kB."))]}, 422)
    faults = faults_of(request, text, stem)
    if any(one["level"] == "error" for one in faults):
        return json_answer({"faults": faults}, 422)
    if not stem:
        stem = overlays.new_stem(request.county.pk, title_of(f"{overlays.LOCAL}.", {"text": text}), KIND)
    try:
        row = declaring.keep(request, KIND, f"{overlays.LOCAL}.{stem}", {"text": text}, read=sent.get("read", ""))
    except (overlays.Refused, overlays.Stale) as error:
        lines = [fault(WHOLE, line) for line in declaring.refusal(error)]
        return json_answer({"faults": lines}, 422)
    return json_answer({"read": row.digest, "address": reverse("own:decision_open", args=[stem])})
