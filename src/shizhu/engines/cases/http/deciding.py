"""A decision of a county: a DMN file of any editor, checked before it is kept, and tried on the page."""

from __future__ import annotations

import json
import re
from base64 import b64decode, b64encode
from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from shizhu.engines.cases import flows
from shizhu.engines.cases.http.decision_faults import faults_of, unanswered
from shizhu.kernel import overlays, packs
from shizhu.kernel.models import Declaration
from shizhu.kernel.packs import Body
from shizhu.lib import dmn, feel, markup
from shizhu.web import declaring
from shizhu.web.middleware import Request

KIND, LARGEST = "decisions", 500_000
ENCODING = re.compile(rb"<\?xml[^>]*encoding=[\"'](?!utf-8[\"'])", re.IGNORECASE)
RULES = (
    gettext_noop("decisions require one another: that is too deep"),
    gettext_noop("has not one cell for each column"),
    gettext_noop("has not one cell for each input and each output of its table"),
    gettext_noop("holds no expression"),
    gettext_noop("is missing"),
    gettext_noop("is the id of more than one element"),
    gettext_noop("imports itself"),
    gettext_noop("is imported, and no file beside it has this namespace"),
    gettext_noop("is no DMN file: its root is `definitions` of DMN 1.1 to 1.5"),
    gettext_noop("is no hit policy: ANY, COLLECT, FIRST, OUTPUT ORDER, PRIORITY, RULE ORDER, UNIQUE"),
    gettext_noop("is no aggregation: COUNT, MAX, MIN, SUM"),
    gettext_noop("is no language that is evaluated here: expressions are FEEL"),
    gettext_noop("is no FEEL that can be read"),
    gettext_noop("is required, and there is no such element in this file"),
    gettext_noop("one must be named as the file, or required by no other"),
    gettext_noop("outputs: a decision table has at least one"),
    gettext_noop("requires itself"),
    gettext_noop("is a type that is made of itself"),
    gettext_noop("is how deep it stands in others: that is too deep"),
)
TYPES = {  # of FEEL; what a file defines itself is called as it calls it
    "string": gettext_noop("text"), "number": gettext_noop("number"), "boolean": gettext_noop("yes or no"),
    "date": gettext_noop("date"), "time": gettext_noop("time of day"), "dateTime": gettext_noop("date and time"),
    "date and time": gettext_noop("date and time"), "duration": gettext_noop("duration"),
    "dayTimeDuration": gettext_noop("days and time"), "days and time duration": gettext_noop("days and time"),
    "yearMonthDuration": gettext_noop("years and months"),
    "years and months duration": gettext_noop("years and months"), "Any": gettext_noop("any"),
    "context": gettext_noop("named values"), "list": gettext_noop("list"),
}  # fmt: skip
FAULTS = tuple(  # why a decision says nothing of given facts, and how a person reads it
    (re.compile(pattern, re.DOTALL), form)
    for pattern, form in (
        (r"(?P<count>\d+) rules match, and one may", gettext_noop("%(count)s rules match, and one may")),
        (r"the rules that match differ", gettext_noop("the rules that match differ")),
        (r"it requires itself", gettext_noop("it requires itself")),
        (r"it calls itself", gettext_noop("it calls itself")),
        (r"takes (?P<count>\d+) values, not (?P<found>\d+)", gettext_noop("takes %(count)s values, not %(found)s")),
        (r"a function in (?P<found>\w+) is not run here", gettext_noop("a function in %(found)s is not run here")),
        (r"what is called is no function", gettext_noop("what is called is no function")),
        (r"its values do not fit its parameters", gettext_noop("its values do not fit its parameters")),
        (r"(?P<found>.+) is none of (?P<known>.+)", gettext_noop("%(found)s is none of %(known)s")),
        (r"it is not of type (?P<type>.+)", gettext_noop("it is not of type %(type)s")),
        (r"Variable '(?P<found>.+)' not found", gettext_noop("“%(found)s” is not known here")),
    )
)


def title_of(key: str, body: Body) -> str:
    """What a file calls itself."""
    try:
        return markup.read(body["text"].encode(), "a decision").get("name", "").strip() or key.partition(".")[2]
    except markup.MarkupError:
        return key.partition(".")[2]


def opened_at(key: str) -> str:
    """Where a decision is opened: one of the county's own to change it, a pack's to look at it."""
    if overlays.is_own(key):
        return reverse("own:decision_open", args=[key.partition(".")[2]])
    return reverse("own:decision_of_pack", args=[key])


def new(request: Request) -> HttpResponse:
    """Bring a file."""
    declaring.require(request)
    return _brought(request, None) if request.method == "POST" else _page(request, None)


def page(request: Request, stem: str) -> HttpResponse:
    """What a decision asks for, its new version, and a try."""
    _shelf, row = declaring.found(request, KIND, f"{overlays.LOCAL}.{stem}")
    if request.method == "POST" and request.POST.get("do") == "try":
        return _tried(request, row)
    return _brought(request, row) if request.method == "POST" else _page(request, row)


def file(request: Request, stem: str) -> HttpResponse:
    """The DMN file, for an editor."""
    _shelf, row = declaring.found(request, KIND, f"{overlays.LOCAL}.{stem}")
    headers = {"Content-Disposition": f'attachment; filename="{stem}.dmn"'}
    return HttpResponse(row.body["text"], content_type="application/xml", headers=headers)


def _brought(request: Request, row: Declaration | None) -> HttpResponse:
    sent = request.FILES.get("file")
    content = sent.read(LARGEST + 1) if sent else _kept(request)
    if not content or len(content) > LARGEST:
        return _page(request, row, [_("Choose a DMN file of at most 500 kB.")])
    try:
        text = _text(content)
    except markup.MarkupError as error:
        return _page(request, row, [declaring.say(f"file: {error}")])
    title = title_of("", {"text": text}) or ((sent and sent.name) or "").partition(".")[0]
    stem = row.stem if row else overlays.new_stem(request.county.pk, title, KIND)
    if choices := _choices(request, stem, text):
        before, _asked = _model(request, row) if row else (None, None)
        asked = request.POST.get("asked") or (before.body["asked"] if before else "")
        if asked not in choices:
            return _page(request, row, choices=choices, kept=b64encode(text.encode()).decode())
        text = dmn.asking(text, asked)
    if wrong := [one["text"] for one in faults_of(request, text, stem) if one["level"] == "error"]:
        return _page(request, row, wrong)
    try:
        declaring.keep(request, KIND, f"{overlays.LOCAL}.{stem}", {"text": text}, read=request.POST.get("read", ""))
    except (overlays.Refused, overlays.Stale) as error:
        return _page(request, row, declaring.refusal(error))
    messages.success(request, _("Saved. Cases that begin now decide by this version; open ones stay on theirs."))
    return redirect("own:decision", stem)


def _kept(request: Request) -> bytes:
    """The file that was brought when it was asked which of its decisions is meant."""
    try:
        return b64decode(request.POST.get("kept", ""))
    except ValueError:
        return b""


def _choices(request: Request, stem: str, text: str) -> dict[str, str]:
    """The decisions of a file (id → name) one of which is to be asked, where nothing tells which; what is wrong with
    the file is told when it is kept."""
    try:
        model = flows.model_of({"text": text}, request.county.pk)
    except dmn.DmnError:
        return {}
    return model.last if model.answer_to(stem) is None else {}


def _text(content: bytes) -> str:
    """UTF-8 as it is; a file in another encoding is written anew. Raises MarkupError."""
    try:
        if not ENCODING.match(content.removeprefix(b"\xef\xbb\xbf")):
            return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    return markup.written(markup.read(content, "a decision"))


def _tried(request: Request, row: Declaration) -> HttpResponse:
    """What the decision says to values that are typed as FEEL."""
    model, asked = _model(request, row)
    if model is None or asked is None:
        return _page(request, row)
    typed = {name: request.POST.get(f"i.{name}", "").strip() for name in model.inputs}
    try:
        given = {name: feel.evaluate(text or "null", {}, is_strict=True) for name, text in typed.items()}
    except feel.FeelError as error:
        return _page(request, row, [_("%(text)s is no value in FEEL.") % {"text": error.expression}], typed)
    try:
        found = dmn.decide(model, asked, given)
    except feel.FeelError as error:
        return _page(request, row, [unanswered(asked, error)["text"]], typed)
    value = json.dumps(found.value, ensure_ascii=False, default=str)
    hits = [f"{table} {'、'.join(map(str, rules))}" for table, rules in found.hits]
    return _page(request, row, (), typed, {"value": value, "hits": hits, "faults": map(said, found.faults)})


def said(fault: str) -> str:
    """`element: message` in the language in force, where the message is one of ours."""
    element, _colon, message = fault.partition(": ")
    matches = ((pattern.fullmatch(message), form) for pattern, form in FAULTS)
    told = next((_(form) % _typed(found.groupdict()) for found, form in matches if found), message)
    return _("%(element)s: %(told)s") % {"element": element, "told": told}


def _typed(told: dict[str, str]) -> dict[str, str]:
    return told | {name: _(TYPES.get(value, value)) for name, value in told.items() if name == "type"}


def _model(request: Request, row: Declaration) -> tuple[dmn.Model | None, str | None]:
    """The model as the county has it, and which of its decisions is asked."""
    try:
        model = flows.decision(row.key, request.county.pk)
    except (dmn.DmnError, LookupError):
        return None, None
    return model, model.answer_to(row.stem)


def _page(
    request: Request, row: Declaration | None, refused: Sequence[str] = (), typed: Any = None, answer: Any = None,
    **more: Any,
) -> HttpResponse:  # fmt: skip
    model, asked = _model(request, row) if row else (None, None)
    unknown = _("%(place)s: “%(text)s” reads “%(name)s”, which nothing here is called: a text stands in quotes.")
    given = typed or {}
    known = {} if row else packs.declarations(KIND, request.county.pk)
    context = {
        "of_packs": [(title_of(key, body), opened_at(key)) for key, body in known.items() if not overlays.is_own(key)],
        "row": row, "title": title_of(row.key, row.body) if row else "", "refused": refused,
        "model": model, "asked": asked, "answer": answer,
        "unknown": [unknown % dict(zip(("place", "text", "name"), one, strict=True)) for one in dmn.unknown(model)]
        if model else [],
        "inputs": [(name, _(TYPES.get(kind, kind)), given.get(name, "")) for name, kind in model.inputs.items()]
        if model else [],
        "read": request.POST.get("read", "") or (row.digest if row else ""), **more,
    }  # fmt: skip
    return render(request, "cases/declare_decision.html", context, status=422 if refused else 200)
