"""Pages where a county's administrator makes forms, and flows of steps, or brings a BPMN file."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from shizhu.engines.cases import devices, faults, flows, unopened
from shizhu.engines.cases.declare import DRAWINGS
from shizhu.engines.cases.http import deciding, drafting, drawing, forms
from shizhu.engines.cases.http.drafting import Head
from shizhu.engines.cases.logic import FlowError, parse
from shizhu.engines.cases.logic.layout import laid_out
from shizhu.engines.cases.logic.picture import Picture, picture
from shizhu.engines.cases.logic.plain import pools
from shizhu.engines.cases.logic.steps import Plain, Step, read, written
from shizhu.engines.cases.models import Case, TimerStart
from shizhu.kernel import overlays, packs
from shizhu.kernel.models import Declaration, Organisation, Role
from shizhu.kernel.packs import Body
from shizhu.kernel.text import label
from shizhu.lib.numbers import whole
from shizhu.web import declaring, parts
from shizhu.web.middleware import Request
from shizhu.web.parts import Part

LARGEST = 500_000  # bytes of a BPMN file
PREFIX = re.compile(r"[A-Z]{1,6}")
SIGNS = re.compile(r"[,/]")  # between stages in the file


def form_new(request: Request) -> HttpResponse:
    """Make a form."""
    declaring.require(request)
    if request.method != "POST":
        first = Part("+1", "title", _("What it is about"), is_required=True)
        return _form_page(request, Head(), [first], None)
    return _form_posted(request, None)


def form_page(request: Request, stem: str) -> HttpResponse:
    """Change a form; cases that are open keep the one they began with."""
    _shelf, row = declaring.found(request, "forms", f"{overlays.LOCAL}.{stem}")
    if request.method == "POST":
        return _form_posted(request, row)
    return _form_page(request, *drafting.written(row.body), row)


def _form_posted(request: Request, row: Declaration | None) -> HttpResponse:
    posted, kept = request.POST.dict(), row.body if row else None
    head, typed, do = (
        drafting.head_of(posted),
        parts.read(posted, kept["properties"] if kept else ()),
        posted.get("do", ""),
    )
    if do != "save":
        return _form_page(request, head, parts.moved(typed, do), row)
    wrong = parts.wrong(typed, drafting.offer(request.county.pk))
    head = replace(head, problems={} if head.zh else {"zh": _("Give the form a name.")})
    if head.problems or wrong:
        return _form_page(request, head, parts.marked(typed, wrong), row, is_refused=True)
    body = packs.json_ready(drafting.body_of(head, typed, parts.named(typed), kept))
    key = row.key if row else f"{overlays.LOCAL}.{overlays.new_stem(request.county.pk, head.zh, 'forms')}"
    try:
        declaring.keep(request, "forms", key, body, read=posted.get("read", ""))
    except (overlays.Refused, overlays.Stale) as error:
        return _form_page(request, head, typed, row, refused=declaring.refusal(error), is_refused=True)
    messages.success(request, _("Saved. Flows may ask with it; open cases keep the form they began with."))
    return redirect("own:form", key.partition(".")[2])


def _form_page(
    request: Request, head: Head, typed: Sequence[Part], row: Declaration | None, *,
    refused: Sequence[str] = (), is_refused: bool = False,
) -> HttpResponse:  # fmt: skip
    body = drafting.body_of(head, typed, parts.named(typed), row.body if row else None)
    context = {
        "head": head, "parts": typed, "offer": drafting.offer(request.county.pk), "row": row, "refused": refused,
        "is_refused": is_refused, "preview": forms.fields(body, request.actor, request.county.pk),
        "form": body, "read": request.POST.get("read", "") or (row.digest if row else ""),
    }  # fmt: skip
    return render(request, "cases/declare_form.html", context, status=422 if is_refused else 200)


@dataclass(frozen=True)
class Typed:
    """A flow of steps as it is typed; every value is text, `problems` are by control."""

    words: Mapping[str, str]
    starters: tuple[str, ...]
    steps: tuple[Mapping[str, str], ...]
    problems: Mapping[str, str]


HEAD = ("zh", "en", "owner", "prefix", "days", "start_form", "begin", "end")
STEP = ("id", "zh", "en", "role", "form", "days", "yes", "back")


def flow_new(request: Request) -> HttpResponse:
    """Make a flow of steps, or bring a BPMN file."""
    declaring.require(request)
    if request.method != "POST":
        first = {"days": "7", "begin": _("Reported"), "end": _("Finished"), "owner": request.county.pk, "prefix": "BX"}
        words = {**dict.fromkeys(HEAD, ""), **first}
        return _flow_page(request, Typed(words, (), (_blank("s1"),), {}), None)
    return _flow_posted(request, None)


def _blank(id_: str) -> dict[str, str]:
    return {**dict.fromkeys(STEP, ""), "id": id_, "days": "3"}


def flow_page(request: Request, stem: str) -> HttpResponse:
    """Change a flow; open cases stay on the version they began on."""
    _shelf, row = declaring.found(request, "flows", f"{overlays.LOCAL}.{stem}")
    if request.method == "POST":
        return _flow_posted(request, row)
    return _flow_page(request, _typed(read(row.body["text"])), row)


def _typed(flow: Plain | None) -> Typed | None:
    """A flow as it would be typed; None for one that was drawn elsewhere."""
    if flow is None:
        return None
    words = {
        "zh": flow.zh, "en": flow.en if flow.en != flow.zh else "", "owner": flow.owner, "prefix": flow.prefix,
        "days": str(flow.days), "start_form": flow.start_form, "begin": flow.begin[0], "end": flow.end[0],
    }  # fmt: skip
    steps = tuple(
        {
            "id": s.id, "zh": s.zh, "en": s.en if s.en != s.zh else "", "role": s.role, "form": s.form,
            "days": str(s.days or ""), "yes": s.yes if s.back else "", "back": s.back,
        }
        for s in flow.steps
    )  # fmt: skip
    return Typed(words, flow.starters, steps, {})


def _posted(request: Request) -> Typed:
    sent = request.POST
    words = {word: sent.get(f"r.{word}", "").strip() for word in HEAD}
    ids = parts.ids(sent.dict())
    steps = [{**{word: sent.get(f"s.{id_}.{word}", "").strip() for word in STEP}, "id": id_} for id_ in ids]
    return Typed(words, tuple(sent.getlist("r.starters")), tuple(steps), {})


def _flow_posted(request: Request, row: Declaration | None) -> HttpResponse:
    do = request.POST.get("do", "")
    if do == "upload":
        return _uploaded(request, row)
    typed = _posted(request)
    if do != "save":
        return _flow_page(request, replace(typed, steps=_moved(typed.steps, do)), row)
    wrong = _wrong(request, typed)
    if wrong:
        return _flow_page(request, replace(typed, problems=wrong), row, is_refused=True)
    stem = row.stem if row else overlays.new_stem(request.county.pk, typed.words["zh"], *drawing.KINDS)
    return _kept(request, stem, written(_plain(stem, typed)), row, typed)


def _moved(steps: Sequence[Mapping[str, str]], do: str) -> tuple[Mapping[str, str], ...]:
    """The steps after a click: `add`, `remove:<id>`, `up:<id>`, `down:<id>`."""
    if do == "add":
        numbers = [int(step["id"][1:]) for step in steps if re.fullmatch(r"s\d{1,4}", step["id"])]
        return (*steps, _blank(f"s{max(numbers, default=0) + 1}"))
    return tuple(parts.rearranged(steps, [step["id"] for step in steps], do))


def _wrong(request: Request, typed: Typed) -> dict[str, str]:
    """What is wrong, by control."""
    county, words = request.county.pk, typed.words
    roles = set(Role.objects.values_list("pk", flat=True))
    known = packs.declarations("forms", county)
    found: dict[str, str] = {}
    for word in ("zh", "begin", "end"):
        if not words[word] or SIGNS.search(words[word]):
            found[f"r.{word}"] = _("Give it a name without commas and slashes.")
    if not Organisation.objects.filter(county=county, code=words["owner"]).exists():
        found["r.owner"] = _("Choose the organisation that its cases belong to.")
    if not PREFIX.fullmatch(words["prefix"]):
        found["r.prefix"] = _("One to six capital letters.")
    if not _is_days(words["days"], least=1):
        found["r.days"] = _("A whole number of days, at least 1.")
    if words["start_form"] not in known:
        found["r.start_form"] = _("Choose the form that a case begins with.")
    if not typed.starters or not roles.issuperset(typed.starters):
        found["r.starters"] = _("Choose at least one role that may begin a case.")
    if not typed.steps:
        found["steps"] = _("Add at least one step.")
    for number, step in enumerate(typed.steps):
        found |= _wrong_step(step, typed.steps[:number], roles, known)
    return found


def _is_days(text: str, *, least: int = 0) -> bool:
    return whole(text, -1, digits=4) >= least


def _wrong_step(
    step: Mapping[str, str], before: Sequence[Mapping[str, str]], roles: set[str], known: Mapping[str, Body]
) -> dict[str, str]:
    found, at = {}, f"s.{step['id']}"
    if not step["zh"] or SIGNS.search(step["zh"]) or SIGNS.search(step["en"]):
        found[f"{at}.zh"] = _("Give it a name without commas and slashes.")
    if step["role"] not in roles:
        found[f"{at}.role"] = _("Choose who does it.")
    if step["form"] and step["form"] not in known:
        found[f"{at}.form"] = _("Choose one of the list.")
    if step["days"] and not _is_days(step["days"]):
        found[f"{at}.days"] = _("A whole number of days, or nothing.")
    if step["back"]:
        fields = known[step["form"]]["properties"] if step["form"] in known else {}
        if step["back"] not in {step["id"], *(other["id"] for other in before)}:
            found[f"{at}.back"] = _("It can go back to an earlier step only.")
        if fields.get(step["yes"], {}).get("type") != "boolean":
            found[f"{at}.yes"] = _("Choose a yes-no field of its form.")
    return found


def _plain(stem: str, typed: Typed) -> Plain:
    words = typed.words
    steps = tuple(
        Step(
            s["id"], s["zh"], s["en"] or s["zh"], s["role"], s["form"], int(s["days"] or 0),
            s["yes"] if s["back"] else "", s["back"],
        )
        for s in typed.steps
    )  # fmt: skip
    begin, end = words["begin"], words["end"]
    return Plain(
        stem, words["zh"], words["en"] or words["zh"], words["owner"], words["prefix"], int(words["days"]),
        typed.starters, words["start_form"], (begin, begin), (end, end), steps,
    )  # fmt: skip


def _uploaded(request: Request, row: Declaration | None) -> HttpResponse:
    """A BPMN file from an editor; it must run, and name what is known here."""
    file = request.FILES.get("file")
    if file is None or (file.size or 0) > LARGEST:
        said = _("Choose a BPMN file of at most 500 kB.")
        return _flow_page(request, None, row, refused=[said], is_refused=True)
    content = file.read()
    try:
        text = _text(content)
        about = flows.about(text.encode())
        parse(text.encode(), key="local.new")
        several = "、".join(name for _id, name in pools(text))
    except FlowError as error:
        refused = [faults.said(one, faults.called(content)) for one in error.all]
        return _flow_page(request, None, row, refused=refused, is_refused=True)
    if several:
        said = _("It has several pools that could run: %s. Bring it where flows are drawn, and choose one there.")
        return _flow_page(request, None, row, refused=[said % several], is_refused=True)
    if flows.owner(about, request.county.pk) is None:
        said = _("Its property owner is %(code)s: no organisation of this county has this code.") % {
            "code": about.owner
        }
        return _flow_page(request, None, row, refused=[said], is_refused=True)
    stem = row.stem if row else overlays.new_stem(request.county.pk, about.title["zh"], *drawing.KINDS)
    return _kept(request, stem, text, row, None)


def _text(content: bytes) -> str:
    """UTF-8 as it is; a file in another encoding is written anew."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return laid_out(content)


def _kept(request: Request, stem: str, text: str, row: Declaration | None, typed: Typed | None) -> HttpResponse:
    try:
        declaring.keep(request, "flows", f"{overlays.LOCAL}.{stem}", {"text": text}, read=request.POST.get("read", ""))
    except (overlays.Refused, overlays.Stale) as error:
        names = faults.called(text.encode())
        refused = [faults.line_said(line, names) for line in declaring.refusal(error)]
        return _flow_page(request, typed, row, refused=refused, is_refused=True)
    messages.success(request, _("Saved. Cases begin on this version from now on; open ones stay on theirs."))
    return redirect("own:flow", stem)


def _flow_page(
    request: Request, typed: Typed | None, row: Declaration | None, *, refused: Sequence[str] = (),
    is_refused: bool = False,
) -> HttpResponse:  # fmt: skip
    county = request.county.pk
    known = packs.declarations("forms", county)
    drawn = written(_plain("new", typed)) if typed and not _wrong(request, typed) else ""
    text = drawn or (row.body["text"] if row else "")
    context: dict[str, Any] = {
        "typed": typed, "row": row, "refused": refused, "is_refused": is_refused,
        "roles": declaring.roles(request.county.pk),
        "forms": drawing.forms_of(known),
        "organisations": Organisation.objects.filter(county=county).order_by("path"),
        "steps": _steps(typed, known), "picture": _picture(text),
        "open": Case.objects.filter(county=county, flow=row.key, status=Case.Status.OPEN).count() if row else 0,
        "starts": _starts(county, row.key) if row else [], "title": declaring.title(row) if row else "",
        "read": request.POST.get("read", "") or (row.digest if row else ""),
    }  # fmt: skip
    return render(request, "cases/declare_flow.html", context, status=422 if is_refused else 200)


def _starts(county: str, flow: str) -> list[tuple[TimerStart, str]]:
    """The timers that open cases of a flow, each with why it does not."""
    found = TimerStart.objects.filter(county=county, flow=flow).select_related("last_case")
    said = _("No case could be opened since %(since)s: %(fault)s It is tried again every minute; mend the flow.")
    return [(row, said % _failure(row) if row.failed_at else "") for row in found]


def _failure(row: TimerStart) -> dict[str, str]:
    since = timezone.localtime(row.failed_at)
    return {"since": f"{since:%Y-%m-%d %H:%M}", "fault": unopened.said(row.flow, row.county_id, row.fault)}


def _picture(text: str) -> Picture | None:
    """Of a flow kept before its picture was looked at, perhaps none."""
    try:
        return picture(text.encode()) if text else None
    except FlowError:
        return None


def _steps(typed: Typed | None, known: Mapping[str, Body]) -> list[dict[str, Any]]:
    """Steps for the page: each with the yes-no fields of its form, where it can go back to, and its problems."""
    found: list[dict[str, Any]] = []
    for number, step in enumerate(typed.steps if typed else ()):
        fields = known[step["form"]]["properties"] if step["form"] in known else {}
        checks = [(n, label(item["x-title"])) for n, item in fields.items() if item["type"] == "boolean"]
        before = [(s["id"], s["zh"]) for s in (typed.steps[: number + 1] if typed else ())]
        told = typed.problems if typed else {}
        problems = {word: told.get(f"s.{step['id']}.{word}", "") for word in STEP}
        found.append(
            {**step, "checks": checks, "before": before, "problems": problems, "wrong": any(problems.values())}
        )
    return found


def flow_file(request: Request, stem: str) -> HttpResponse:
    """The flow's BPMN file, for an editor."""
    _shelf, row = declaring.found(request, "flows", f"{overlays.LOCAL}.{stem}")
    disposition = f'attachment; filename="{stem}.bpmn"'
    return HttpResponse(row.body["text"], content_type="application/xml", headers={"Content-Disposition": disposition})


def _flow_title(_key: str, body: Body) -> object:
    return flows.about(body["text"].encode()).title


def put_up() -> None:
    """Put up the shelves of this engine; called once by the application."""
    made_forms = declaring.Shelf(
        "forms", {"zh": "表单", "en": "Forms"}, "forms",
        {"zh": "流程的每一步要填什么", "en": "What each step of a flow asks"},
        "/declarations/forms/new", lambda key: f"/declarations/forms/{key.partition('.')[2]}/",
        lambda _key, body: body["title"], order=30,
    )  # fmt: skip
    made_flows = declaring.Shelf(
        "flows", {"zh": "流程", "en": "Flows"}, "hierarchy-2",
        {"zh": "一件事由谁、按什么步骤、在几天内办完", "en": "Who does what, in which order, within how many days"},
        "/declarations/flows/new", lambda key: f"/declarations/flows/{key.partition('.')[2]}/",
        _flow_title, needs=devices.rights, order=40,
    )  # fmt: skip
    drawings = declaring.Shelf(
        DRAWINGS, {"zh": "流程草图", "en": "Drawings of flows"}, "edit",
        {
            "zh": "还不能办理的流程图：没画完的，或只作说明的；保存为流程后才办理案件",
            "en": "Flows that nobody runs: unfinished, or only to look at; cases begin once one is saved as a flow",
        },
        "", lambda key: reverse("own:drawing", args=[key.partition(".")[2]]),
        lambda key, body: drawing.title_of(body["text"]) or key.partition(".")[2], order=45,
    )  # fmt: skip
    decisions = declaring.Shelf(
        deciding.KIND, {"zh": "决策", "en": "Decisions"}, "table",
        {"zh": "按什么规则决定：DMN 文件，可以试算", "en": "By which rules: DMN files, to bring and to try"},
        "/declarations/decisions/new", lambda key: f"/declarations/decisions/{key.partition('.')[2]}/",
        deciding.title_of, order=47,
    )  # fmt: skip
    for shelf in (made_forms, made_flows, drawings, decisions):
        declaring.add(shelf)
