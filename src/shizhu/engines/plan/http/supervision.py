"""Pages of supervision: the board of lights, one node, urging, checks, samples, the agenda and the scorecards."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, BinaryIO, cast
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import FileResponse, Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from shizhu.engines.plan import (
    counting,
    exports,
    extending,
    nodes,
    pieces,
    proving,
    readings,
    scorecards,
    supervised,
    telling,
)
from shizhu.engines.plan.http.clauses import visible_nodes
from shizhu.engines.plan.http.files import attached
from shizhu.engines.plan.http.views import rows_of
from shizhu.engines.plan.logic import sampling
from shizhu.engines.plan.models import UNDER_WAY, Call, Check, Evidence, Extension, Node, Sample
from shizhu.engines.plan.people import REPORT, SEE, SUPERVISE
from shizhu.engines.plan.typed import finite, whole
from shizhu.engines.records import api as records
from shizhu.kernel import access, files
from shizhu.kernel.documents import CHINESE
from shizhu.kernel.models import File
from shizhu.web.middleware import Request

LIGHTS = ("red", "yellow", "green")
SHOWN = 50
PHOTOS = ("image/jpeg", "image/png", "image/webp")
MOST_FILES = 20


def fresh(request: Request) -> None:
    """Lights of this day, should the night's work not have come."""
    today = timezone.localdate()
    if Node.objects.filter(county=request.county, piece__state__in=UNDER_WAY).exclude(light_on=today).exists():
        nodes.refresh_all(request.county.pk)


def board(request: Request) -> HttpResponse:
    """The lights: how many of each, by unit, and the nodes behind a number."""
    access.require_verb(request.actor, SEE)
    fresh(request)
    asked = request.GET.get("filter", "")
    seen = nodes.worst_first(_fulfilling(request, asked) if asked else visible_nodes(request.actor, request.county.pk))
    light, unit = request.GET.get("light", ""), request.GET.get("unit", "")
    light = light if light in LIGHTS else ""
    by_unit: dict[int, dict[str, Any]] = {}
    for node in seen:
        row = by_unit.setdefault(node.organisation_id, {"unit": node.organisation, "counts": Counter()})
        row["counts"][node.light] += 1
    counts = Counter(node.light for node in seen)
    chosen = [node for node in seen if light in {"", node.light} and unit in {"", node.organisation.code}]
    if request.GET.get("as") == "xlsx":
        return attached(exports.nodes(chosen), f"{_('Supervision')}-{timezone.localdate()}.xlsx", records.XLSX)
    page = Paginator(chosen, SHOWN).get_page(request.GET.get("page"))
    rows = sorted(by_unit.values(), key=lambda row: (-row["counts"]["red"], -row["counts"]["yellow"], row["unit"].path))
    may_supervise = access.has_county(request.actor, SUPERVISE, request.county.pk)
    context = {
        "counts": {key: counts[key] for key in LIGHTS}, "total": len(seen), "light": light, "unit": unit,
        "units": rows, "page": page, "rows": [(node, telling.rule_of(node)) for node in page],
        "unit_row": next((row["unit"] for row in rows if row["unit"].code == unit), None),
        "may_supervise": may_supervise, "calls": _open_calls(request)[:20], "condition": asked,
        "waiting": _waiting(request) if may_supervise else [],
        "contradicted": [node for node in seen if node.is_contradicted],
        "extensions": [node for node in seen if any(row.state == "waiting" for row in node.extensions.all())],
    }  # fmt: skip
    return render(request, "plan/supervision.html", context)


def _fulfilling(request: Request, asked: str) -> Sequence[Node]:
    """The nodes behind a number of a board or an indicator."""
    try:
        return supervised.fulfilling(request.actor, request.county.pk, asked)
    except records.Cql2Error as error:
        messages.error(request, _("The condition cannot be understood: %s") % error)
        return []


def _open_calls(request: Request) -> Sequence[Call]:
    rows = Call.objects.filter(county=request.county, answered_at=None, kind=Call.Kind.BLOCKED)
    rows = rows.filter(Q(pk__in=access.rows(rows, request.actor, SEE).values("pk"))
                       | Q(node__in=visible_nodes(request.actor, request.county.pk).values("pk")))  # fmt: skip
    return rows.select_related("node__organisation", "organisation", "asked_by").order_by("answer_by", "pk")  # type: ignore[return-value]


def _waiting(request: Request) -> Sequence[Evidence]:
    """Evidence that nobody has decided about, what waits longest first."""
    seen = visible_nodes(request.actor, request.county.pk).values("pk")
    rows = Evidence.objects.filter(node__in=seen, state=Evidence.State.WAITING)
    return rows.select_related("node__organisation", "sent_by").order_by("sent_at", "pk")  # type: ignore[return-value]


def node_of(request: Request, number: int, verb: str = "") -> Node:
    """A node that the actor sees, and on whose row they have the verb."""
    node = get_object_or_404(visible_nodes(request.actor, request.county.pk), pk=number)
    if verb:
        access.require(request.actor, verb, node)
    return node


def node_page(request: Request, number: int) -> HttpResponse:
    """One node: what is asked, its light and why, evidence, calls, checks and story."""
    access.require_verb(request.actor, SEE)
    fresh(request)
    node = node_of(request, number)
    who = request.actor
    may_report = access.may(who, REPORT, county=node.county_id, organisation=node.organisation, area=node.area)
    evidence = list(node.evidence.select_related("sent_by", "decided_by").prefetch_related("files"))
    waiting = next((row for row in evidence if row.state == Evidence.State.WAITING), None)
    is_done = any(row.state == Evidence.State.ACCEPTED for row in evidence)
    may_supervise = access.may(who, SUPERVISE, county=node.county_id, organisation=node.organisation, area=node.area)
    has_reported = any(row.sent_by_id == request.user.pk for row in evidence)
    extensions = list(node.extensions.select_related("asked_by", "decided_by"))
    waits = any(row.state == Extension.State.WAITING for row in extensions)
    steps = node.steps.select_related("person", "piece__organisation")[:200]
    context = {
        "node": node, "piece": node.piece, "rule": telling.rule_of(node), "why": telling.why_of(node),
        "evidence": evidence, "waiting": waiting, "missing": nodes.lacking(node, waiting) if waiting else [],
        "counted": nodes.count(node), "calls": node.calls.select_related("organisation", "asked_by", "answered_by"),
        "checks": node.checks.select_related("by", "sample").prefetch_related("files"),
        "story": telling.story(steps), "is_done": is_done,
        "is_mine": may_report, "may_report": may_report and not is_done and waiting is None,
        "may_decide": may_supervise and waiting is not None and waiting.sent_by_id != request.user.pk,
        "may_supervise": may_supervise, "may_check": may_supervise and not has_reported,
        "may_block": may_report and not is_done,
        "units": pieces.units(request.county.pk), "soon": timezone.localdate() + nodes.ANSWERED_WITHIN,
        "sample": _sample_with(node), "proof": _proof(node),
        "extensions": extensions,
        "may_extend": may_report and not is_done and not waits and node.due_on >= timezone.localdate(),
        "may_overturn": may_supervise and node.is_contradicted and not has_reported,
    }  # fmt: skip
    return render(request, "plan/node.html", context)


def _proof(node: Node) -> dict[str, Any]:
    """What the readings are to say, what they said last and when, each input leading to its rows."""
    if not node.proof:
        return {}
    body, newest = readings.declared(node), node.proofs.first()
    inputs = [
        (name, given["title"], newest.inputs[name])
        for name, given in body.get("inputs", {}).items()
        if newest and name in newest.inputs
    ]
    return {"asked": readings.asked(node), "body": body, "newest": newest, "inputs": inputs}


def _sample_with(node: Node) -> Sample | None:
    """The sample that drew a node and has not been looked at."""
    drawn = Sample.objects.filter(county=node.county_id, drawn__contains=[nodes.name_of(node)])
    return drawn.exclude(checks__node=node).order_by("-quarter").first()


def keep_files(request: Request, node: Node, allowed: tuple[str, ...] = files.ALL) -> list[File]:
    """The files sent with a form. Raises files.FileRefused."""
    sent = request.FILES.getlist("files")
    if len(sent) > MOST_FILES:
        raise files.FileRefused(_("At most %d files at once.") % MOST_FILES)
    return [
        files.keep(
            cast(BinaryIO, one), name=one.name or "", organisation=node.organisation, area=node.area,
            by=request.user, allowed=allowed,
        )
        for one in sent
    ]  # fmt: skip


@require_POST
def decide(request: Request, number: int) -> HttpResponse:
    """Accept or refuse what was sent."""
    node = node_of(request, number, SUPERVISE)
    shown = get_object_or_404(node.evidence, pk=whole(request.POST.get("evidence", "")))
    accept, why = request.POST.get("do") == "accept", request.POST.get("why", "").strip()
    if not accept and not why:
        messages.error(request, _("Say why it is refused."))
        return redirect("plan:node", number)
    try:
        nodes.decide(shown, accept=accept, why=why, by=request.user)
    except nodes.Lacking as lacking:
        messages.error(request, _("Not accepted: the gap is not made up. %s") % lacking)
    else:
        messages.success(request, _("Decided."))
    return redirect("plan:node", number)


@require_POST
def decide_extension(request: Request, number: int) -> HttpResponse:
    """Approve or refuse a later day."""
    node = node_of(request, number, SUPERVISE)
    asked = get_object_or_404(node.extensions, pk=whole(request.POST.get("extension", "")))
    approve, why = request.POST.get("do") == "approve", request.POST.get("why", "").strip()
    if not approve and not why:
        messages.error(request, _("Say why it is refused."))
        return redirect("plan:node", number)
    try:
        extending.decide(asked, approve=approve, why=why, by=request.user)
    except nodes.Lacking as lacking:
        messages.error(request, str(lacking))
    else:
        messages.success(request, _("Decided."))
    return redirect("plan:node", number)


@require_POST
def overturn(request: Request, number: int) -> HttpResponse:
    """Annul a finish that the readings contradict."""
    node, why = node_of(request, number, SUPERVISE), request.POST.get("why", "").strip()
    if not why:
        messages.error(request, _("Say why it is annulled."))
        return redirect("plan:node", number)
    try:
        proving.overturn(node, why, by=request.user)
    except nodes.Lacking as lacking:
        messages.error(request, str(lacking))
    else:
        messages.success(request, _("Annulled. The node is open again and red."))
    return redirect("plan:node", number)


def proof_rows(request: Request, number: int, name: str) -> HttpResponse:
    """The rows behind one input of the formula that proves a node."""
    access.require_verb(request.actor, SEE)
    node = node_of(request, number)
    body = readings.declared(node)
    try:
        given, inner = counting.behind(body, node.county_id, name)
    except KeyError:
        raise Http404 from None
    return rows_of(
        request, given, readings.period(body, node, timezone.localdate()), name=node.title,
        back=reverse("plan:node", args=[number]), more=readings.within(node),
        inner=[(one, reverse("plan:proof-rows", args=[number, path])) for path, one in inner],
    )  # fmt: skip


@require_POST
def urge(request: Request, number: int) -> HttpResponse:
    """Urge the unit of a node."""
    node = node_of(request, number, SUPERVISE)
    text, on = request.POST.get("text", "").strip(), day_of(request, "answer_by")
    if not text or on is None:
        messages.error(request, _("Write what is asked, and a day from today on by which it is answered."))
    else:
        nodes.urge(node, text, answer_by=on, by=request.user)
        messages.success(request, _("Urged. Who received it is shown here by name."))
    return redirect("plan:node", number)


def day_of(request: Request, name: str) -> date | None:
    """A day from today on, at most a year ahead; None for anything else."""
    try:
        on = date.fromisoformat(request.POST.get(name, ""))
    except ValueError:
        return None
    today = timezone.localdate()
    return on if today <= on <= today + timedelta(days=366) else None


@require_POST
def check(request: Request, number: int) -> HttpResponse:
    """Keep what was seen on the spot."""
    node = node_of(request, number, SUPERVISE)
    told = request.POST
    try:
        longitude, latitude = finite(told.get("longitude", "")), finite(told.get("latitude", ""))
        if not (-180 <= longitude <= 180 and -90 <= latitude <= 90):
            raise ValueError(longitude)  # noqa: TRY301
    except ValueError:
        messages.error(request, _("A check needs its place: longitude and latitude in degrees."))
        return redirect("plan:node", number)
    if told.get("result") not in {"true", "false"}:
        messages.error(request, _("Say whether it is as reported."))
        return redirect("plan:node", number)
    if told["result"] == "false" and not told.get("note", "").strip():
        messages.error(request, _("Say what is not as reported."))
        return redirect("plan:node", number)
    try:
        looked = nodes.Looked(longitude, latitude, told["result"] == "true", told.get("note", "").strip(),
                              keep_files(request, node, PHOTOS))  # fmt: skip
        nodes.check(node, looked, by=request.user, sample=_sample_with(node))
    except (files.FileRefused, nodes.Lacking) as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("The check is kept."))
    return redirect("plan:node", number)


def file(request: Request, file: UUID) -> HttpResponseBase:
    """A file of evidence or of a check, for those who see its node."""
    access.require_verb(request.actor, SEE)
    seen = visible_nodes(request.actor, request.county.pk)
    on = Q(pk__in=Evidence.objects.filter(files=file).values("node")) | Q(
        pk__in=Check.objects.filter(files=file).values("node")
    )
    if not seen.filter(on).exists():
        raise Http404
    found = File.objects.get(pk=file)
    answer = FileResponse(files.path_of(found).open("rb"), content_type=found.media_type, filename=found.name)
    answer["Cache-Control"] = "private, max-age=3600"
    answer["Content-Security-Policy"] = "sandbox"
    return answer


# -- samples, agenda, scorecards


def samples(request: Request) -> HttpResponse:
    """What was drawn with which seed, and what the checks said."""
    access.require_verb(request.actor, SEE)
    may = access.has_county(request.actor, SUPERVISE, request.county.pk)
    if request.method == "POST":
        if not may:
            raise PermissionDenied("samples are drawn by supervisors")
        return _draw(request)
    today = timezone.localdate()
    seen = {nodes.name_of(node): node for node in visible_nodes(request.actor, request.county.pk)}
    rows = []
    for sample in Sample.objects.filter(county=request.county).select_related("by").prefetch_related("checks"):
        results = {one.node_id: one.is_true for one in sample.checks.all()}
        drawn = [(name, seen.get(name), sampling.order_of(sample.seed, name)) for name in sample.drawn]
        lines = [(name, node, order, results.get(node.pk) if node else None) for name, node, order in drawn]
        rows.append({"sample": sample, "lines": lines, "false": sum(one is False for *_rest, one in lines)})
    context = {"rows": rows, "may_draw": may, "quarter": sampling.quarter_of(today.year, today.month),
               "percent": nodes.SAMPLED}  # fmt: skip
    return render(request, "plan/samples.html", context)


def _draw(request: Request) -> HttpResponse:
    seed = request.POST.get("seed", "").strip()[:64] or secrets.token_hex(8)
    try:
        made = nodes.draw(request.county.pk, timezone.localdate(), seed, by=request.user)
    except nodes.Lacking as lacking:
        messages.error(request, str(lacking))
    else:
        text = _("%d nodes were drawn.") % len(made.drawn) if made else _("Nothing was finished since the draw before.")
        messages.success(request, text)
    return redirect("plan:samples")


def agenda(request: Request) -> HttpResponse:
    """The agenda of the joint meeting, made of red lights and open questions, in Word."""
    access.require_county(request.actor, SUPERVISE, request.county.pk)
    fresh(request)
    today = timezone.localdate()
    red = list(visible_nodes(request.actor, request.county.pk).filter(light="red").prefetch_related("calls"))
    red.sort(key=lambda node: (node.organisation.path, node.due_on, node.pk))
    with translation.override(CHINESE):
        content = telling.agenda(request.county, red, list(_open_calls(request)), today, today.month)
        name = f"{_('Agenda')}-{today}.docx"
    return attached(content, name, telling.WORD)


def scores(request: Request) -> HttpResponse:
    """The scorecards of the units that the actor sees, with the formula."""
    access.require_verb(request.actor, SEE)
    fresh(request)
    seen = visible_nodes(request.actor, request.county.pk)
    years = sorted({node.due_on.year for node in seen} | {timezone.localdate().year}, reverse=True)
    told = whole(request.GET.get("year", ""))
    year = told if told in years else timezone.localdate().year
    found = scorecards.cards(request.county.pk, [node for node in seen if node.due_on.year == year])
    if request.GET.get("as") == "xlsx":
        return attached(exports.scorecards(found, year), f"{_('Scorecards')}-{year}.xlsx", records.XLSX)
    kinds = [(kind, [card for card in found if card.unit.kind == kind]) for kind in ("department", "town")]
    context = {"cards": found, "year": year, "years": years, "kinds": kinds}
    return render(request, "plan/scorecards.html", context)
