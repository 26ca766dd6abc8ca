"""A flow drawn in the browser: its page, what is wrong with it while one draws, a file brought in, a version kept."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

import orjson
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from shizhu.engines.cases import declare, devices, flows
from shizhu.engines.cases.assignment import require_seen
from shizhu.engines.cases.declare import DRAWINGS
from shizhu.engines.cases.faults import called, line_said, said
from shizhu.engines.cases.logic import Flow, FlowError, Note, Step, parse
from shizhu.engines.cases.logic.layout import laid_out
from shizhu.engines.cases.logic.plain import pools, run_by, with_roles
from shizhu.engines.cases.logic.reading import read_process, read_root
from shizhu.engines.cases.logic.rules import unread
from shizhu.engines.cases.models import Case, Task
from shizhu.kernel import overlays, packs
from shizhu.kernel.models import Organisation, Person
from shizhu.kernel.packs import Body
from shizhu.kernel.text import label
from shizhu.lib import feel
from shizhu.web import bodies, declaring
from shizhu.web.middleware import Request

KINDS = {"flows": "own:flow_draw", DRAWINGS: "own:drawing"}  # with their pages: a drawing has the name of its flow
LARGEST = 2_000_000  # bytes of a file
NOTED = {
    "passed": gettext_noop("is passed: nothing is run"),
    "unrun": gettext_noop("holds listeners, scripts or lists of another engine: they stay in the file and are not run"),
    "unmarked": gettext_noop("is not marked as executable in the file: it runs here all the same"),
    "begins": gettext_noop("a case is opened by itself whenever this time comes, once the flow is in force"),
    "ignored": gettext_noop("is the default: its condition is ignored"),
    "otherwise": gettext_noop("has no condition: it is taken where no other holds"),
}
NAMESPACES = (
    'xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:camunda="http://camunda.org/schema/1.0/bpmn"'
)
EMPTY = f"""<?xml version="1.0" encoding="UTF-8"?>
<bpmn:definitions {NAMESPACES} id="definitions" targetNamespace="https://shizhu.example/local">
<bpmn:process id="process" isExecutable="true"><bpmn:startEvent id="begin" /></bpmn:process></bpmn:definitions>"""


def page(request: Request, stem: str = "", kind: str = "flows") -> HttpResponse:
    """Draw a flow: a new one, one of the county's own, or a drawing that is no flow yet. POST keeps it."""
    declaring.require(request)
    row = None
    if stem:
        _shelf, row = declaring.found(request, kind, f"{overlays.LOCAL}.{stem}")
    if request.method == "POST":
        return _keep(request, stem, kind)
    county = request.county.pk
    known = packs.declarations("forms", county)
    rows = {one: row and (row if one == kind else overlays.find(county, one, row.key)) for one in KINDS}
    settings = {
        "xml": laid_out((row.body["text"] if row else EMPTY).encode()),
        "read": {one: found.digest if found else "" for one, found in rows.items()},
        "check": reverse("own:flow_check"), "bring": reverse("own:flow_bring"),
        "roles": declaring.roles(county), "forms": forms_of(known), "commands": devices.commands(county),
        "asks": {key: _asks(body) for key, body in known.items()},
        "decisions": sorted(packs.declarations("decisions", county)),
        "flows": sorted(packs.declarations("flows", county)), "stem": stem or "flow",
        "organisations": [(o.code, label({"zh": o.name})) for o in Organisation.objects.filter(county=county)],
        "language": "zh" if request.LANGUAGE_CODE.startswith("zh") else "en",
    }  # fmt: skip
    open_cases = Case.objects.filter(county=county, flow=row.key, status=Case.Status.OPEN).count() if row else 0
    drawn = rows[DRAWINGS]
    context = {
        "settings": settings, "row": row, "title": title_of(row.body["text"]) or row.stem if row else "",
        "open": open_cases, "is_drawing": kind == DRAWINGS,
        "drawn": drawn if drawn and not drawn.is_withdrawn and kind == "flows" else None,
    }  # fmt: skip
    return render(request, "cases/draw.html", context)


def forms_of(known: Mapping[str, Body]) -> list[tuple[str, str]]:
    """(key, title) of every form; with its key where another is called the same."""
    titles = {key: label(body["title"]) for key, body in known.items()}
    shared = Counter(titles.values())
    return [(key, title if shared[title] == 1 else f"{title} ({key})") for key, title in titles.items()]


def _asks(form: Body) -> list[tuple[str, str, str]]:
    """(name, title, an answer in FEEL or nothing) of every field, so that a condition is clicked together."""
    found = []
    for name, asked in form.get("properties", {}).items():
        answers = {"boolean": "true"} | ({"string": f'"{asked["enum"][0]}"'} if asked.get("enum") else {})
        found.append((name, label(asked.get("x-title", name)), answers.get(asked.get("type", ""), "")))
    return found


def read_json(request: Request) -> dict[str, str]:
    """The texts of a JSON object that was sent; nothing of what is too large or none."""
    sent = bodies.of(request)
    if len(sent) > LARGEST:
        return {}
    try:
        body = orjson.loads(sent)
    except orjson.JSONDecodeError:
        return {}
    return {name: value for name, value in body.items() if isinstance(value, str)} if isinstance(body, dict) else {}


def json_answer(body: object, status: int = 200) -> HttpResponse:
    """An answer for a script."""
    return HttpResponse(orjson.dumps(body), content_type="application/json", status=status)


def _fault(element: str, text: str, level: str = "error") -> dict[str, str]:
    return {"element": element, "text": text, "level": level}


def faults_of(request: Request, xml: bytes, stem: str) -> list[dict[str, str]]:
    """What is wrong, by element, and what is passed without being run."""
    key, names = f"{overlays.LOCAL}.{stem or 'new'}", called(xml)
    try:
        flow = parse(xml, key=key)
        about = flows.about(xml)
    except FlowError as error:
        return [_fault(one.element_id, said(one, names)) for one in error.all]
    found = [_fault(note.id, _noted(note, names), "note") for note in flow.notes if note.kind in NOTED]
    found += [
        _fault(
            step.id,
            _("%(step)s: “%(name)s” is nobody in this county: choose a role")
            % {"step": names.get(step.id, step.stage), "name": name},
        )
        for step, name in _of_nobody(flow, request)
    ]
    if flows.owner(about, request.county.pk) is None:
        found.append(_fault(flow.scope.id, _("Its owner is no organisation of this county.")))
    everything = overlays.everything(request.county.pk)
    lines = declare.check_flow(key, {"text": xml.decode()}, everything)
    return found + [_fault(re.split(r": | “", line)[0], line_said(line, names)) for line in lines]


def _of_nobody(flow: Flow, request: Request) -> list[tuple[Step, str]]:
    """Steps of no role that name a person whom this county does not have, with whom: nobody could do them."""
    named = [
        (step, name) for step in flow.steps if not step.role and not (step.person or "").startswith("=")
        for name in filter(None, (step.person or "").split(","))
    ]  # fmt: skip
    people = Person.objects.filter(username__in=[name for _step, name in named], posts__area__county=request.county.pk)
    known = set(people.values_list("username", flat=True))
    return [(step, name) for step, name in named if name not in known]


def _noted(note: Note, names: Mapping[str, str]) -> str:
    return _("%(element)s: %(told)s") % {"element": names.get(note.id, note.id), "told": _(NOTED[note.kind])}


def check(request: Request) -> HttpResponse:
    """What is wrong with a drawing, or with one expression of it, as it is typed."""
    declaring.require(request)
    sent = read_json(request)
    if "expression" in sent:
        text = sent["expression"].strip().removeprefix("=").strip()
        try:
            feel.check(text or "null")
        except feel.FeelError as error:
            rule, told = unread(error)
            return json_answer({"fault": _(rule) % told, "position": error.position})
        return json_answer({"fault": ""})
    return json_answer({"faults": faults_of(request, sent.get("xml", "").encode(), sent.get("stem", ""))})


def bring(request: Request) -> HttpResponse:
    """A file of another editor, as UTF-8 and with a drawing, with what is wrong in it; nothing is kept yet.

    Where several pools could run, they are told (`choose`), and it is sent again with the id of one (`process`).
    """
    declaring.require(request)
    file = request.FILES.get("file")
    if file is None or (file.size or 0) > LARGEST:
        return json_answer({"faults": [_fault("", _("Choose a BPMN file of at most 2 MB."))]}, 422)
    try:
        text = with_roles(laid_out(file.read()), _titled(request.county.pk))
        several, chosen = pools(text), request.POST.get("process", "")
        if several and chosen not in dict(several):
            return json_answer({"choose": several, "faults": []})
        text = run_by(text, chosen) if several else text
    except FlowError as error:
        return json_answer({"faults": [_fault(error.element_id, said(error, {}))]}, 422)
    return json_answer({"xml": text, "faults": faults_of(request, text.encode(), "")})


def _titled(county: str) -> dict[str, str]:
    """Title → key of the roles that no other is called like."""
    titles = Counter(title for _key, title in declaring.roles(county))
    return {title: key for key, title in declaring.roles(county) if titles[title] == 1}


def _keep(request: Request, stem: str, page_kind: str) -> HttpResponse:
    """As a flow, which must run, or as a drawing, which nobody runs yet."""
    sent = read_json(request)
    text, kind = sent.get("xml", ""), DRAWINGS if sent.get("as") == DRAWINGS else "flows"
    if kind == "flows":
        faults = [one for one in faults_of(request, text.encode(), stem) if one["level"] == "error"]
        if faults:
            return json_answer({"faults": faults}, 422)
    if not stem:
        stem = overlays.new_stem(request.county.pk, title_of(text), *KINDS)
    key = f"{overlays.LOCAL}.{stem}"
    try:
        with transaction.atomic():
            row = declaring.keep(request, kind, key, {"text": text}, read=sent.get("read", ""))
            if kind == "flows" and page_kind == DRAWINGS:
                overlays.withdraw(request.county.pk, DRAWINGS, key)
    except (overlays.Refused, overlays.Stale) as error:
        names = called(text.encode())
        lines = [(re.split(r"[:\s]", line)[0], line_said(line, names)) for line in declaring.refusal(error)]
        return json_answer({"faults": [_fault(*line) for line in lines]}, 422)
    return json_answer({"read": row.digest, "address": reverse(KINDS[kind], args=[stem])})


def title_of(text: str) -> str:
    """What a drawing is called; nothing if it says no name."""
    try:
        return " ".join(read_process(read_root(text.encode())).get("name", "").split())
    except FlowError:
        return ""


def of_case(request: Request, number: int) -> HttpResponse:
    """The flow a case runs on, drawn, with the steps it has passed and where it stands."""
    case = get_object_or_404(Case.objects.select_related("organisation", "area"), pk=number)
    require_seen(request.actor, case)
    flow, _about = flows.version(case.flow, case.digest)
    standing = [str(row["at"]) for row in case.state["marking"] if row["n"]]
    late = Task.objects.filter(case=case, status=Task.Status.READY, due_at__lt=timezone.now())
    told: dict[str, Any] = {
        "xml": laid_out(flow.xml), "done": sorted({id_.partition("/")[0] for id_ in case.state["path"]}),
        "now": sorted({id_.partition("/")[0] for id_ in standing}),
        "late": sorted({step.partition("/")[0] for step in late.values_list("step", flat=True)}),
    }  # fmt: skip
    return json_answer(told)
