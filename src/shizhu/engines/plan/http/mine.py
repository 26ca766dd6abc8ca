"""The reporter's page, made for a phone: what is asked of me, by when; receive it, send evidence, say what blocks."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from shizhu.engines.plan import extending, nodes, people, pieces, telling
from shizhu.engines.plan.http.supervision import day_of, fresh, keep_files, node_of
from shizhu.engines.plan.http.views import unit_of
from shizhu.engines.plan.models import UNDER_WAY, Call, Evidence, Node, Piece
from shizhu.engines.plan.people import REPORT, SUPERVISE
from shizhu.engines.plan.typed import finite
from shizhu.kernel import access, files
from shizhu.kernel.access import Actor
from shizhu.web.middleware import Request
from shizhu.web.views import Card, Tile


def own(who: Actor) -> Actor:
    """The actor in the units they report for."""
    return Actor(who.person_id, who.name, people.in_units(who, REPORT))


def _nodes(request: Request) -> list[Node]:
    """Nodes of my units that are not finished, the worst first."""
    rows = access.rows(Node.objects.filter(county=request.county), own(request.actor), REPORT)
    rows = rows.filter(piece__state__in=UNDER_WAY).exclude(evidence__state=Evidence.State.ACCEPTED)
    rows = rows.exclude(rule__in=nodes.FINISHES)
    return nodes.worst_first(rows.select_related("organisation", "piece").prefetch_related("evidence"))


def _calls(request: Request) -> list[Call]:
    """Questions to my units that nobody has answered."""
    rows = access.rows(Call.objects.filter(county=request.county, answered_at=None), own(request.actor), REPORT)
    return list(rows.select_related("node__organisation", "organisation", "asked_by").order_by("answer_by", "pk"))


def _sent(request: Request) -> list[Piece]:
    """Pieces that nobody of my units has received."""
    rows = access.rows(Piece.objects.filter(county=request.county), own(request.actor), REPORT)
    return list(
        rows.filter(state=Piece.State.SENT).select_related("organisation", "clause").prefetch_related("assists")
    )


def card(request: Request) -> Card | None:
    """What is asked of me, on the home page; for a supervisor the lights."""
    if own(request.actor).scopes:
        found = _nodes(request)
        urgent = [node for node in found if node.light in {"red", "yellow"}]
        waiting = len(_sent(request)) + len(_calls(request))
        red = sum(node.light == "red" for node in found)
        mine = [Tile(red, _("My overdue nodes"), "/plan/mine/", "red" if red else "green")]
        if waiting:
            mine.append(Tile(waiting, _("to be received or answered"), "/plan/mine/", "yellow"))
        shown = [(node, telling.rule_of(node)) for node in urgent[:6]]
        return Card("plan/mine_card.html", {"rows": shown, "waiting": waiting, "total": len(found)}, tiles=tuple(mine))
    if access.has_county(request.actor, SUPERVISE, request.county.pk):
        waiting = Evidence.objects.filter(node__county=request.county, state=Evidence.State.WAITING).count()
        late = Node.objects.filter(county=request.county, light="red", piece__state__in=UNDER_WAY)
        red = late.count()
        tiles = (
            Tile(red, _("Red nodes"), "/plan/supervision/?light=red", "red" if red else "green"),
            Tile(waiting, _("Evidence to be looked at"), "/plan/supervision/#waiting", "yellow" if waiting else "none"),
        )
        shown = [(node, telling.rule_of(node)) for node in late.select_related("organisation")[:6]]
        return Card("plan/supervision_card.html", {"rows": shown}, tiles=tiles)
    return None


def page(request: Request) -> HttpResponse:
    """What is asked of my units."""
    access.require_verb(request.actor, REPORT)
    fresh(request)
    found = _nodes(request)
    context = {
        "nodes": [(node, telling.rule_of(node), any(row.state == "waiting" for row in node.evidence.all()))
                  for node in found],
        "pieces": _sent(request), "calls": _calls(request),
        "units": len({node.organisation_id for node in found}),
    }  # fmt: skip
    return render(request, "plan/mine.html", context)


def _piece(request: Request, number: int) -> Piece:
    rows = access.rows(Piece.objects.filter(county=request.county), request.actor, REPORT)
    rows = rows.exclude(state=Piece.State.DRAFT).select_related("organisation", "area", "clause")
    return get_object_or_404(rows, pk=number)


@require_POST
def receive(request: Request, number: int) -> HttpResponse:
    """Say that a task was received, or return it with a reason."""
    access.require_verb(request.actor, REPORT)
    piece = _piece(request, number)
    if request.POST.get("do") == "return":
        reason = request.POST.get("reason", "").strip()
        if not reason:
            messages.error(request, _("Say why it is returned."))
        elif pieces.give_back(piece, reason, by=request.user):
            messages.success(request, _("Returned with your reason."))
        else:
            messages.error(request, _("It was received or returned before."))
    elif nodes.receive(piece, by=request.user):
        messages.success(request, _("Received. Your name and the time are kept."))
    else:
        messages.error(request, _("It was received or returned before."))
    return redirect("plan:mine")


@require_POST
def show(request: Request, number: int) -> HttpResponse:
    """Send evidence for a node."""
    access.require_verb(request.actor, REPORT)
    node = node_of(request, number, REPORT)
    given = request.POST.get("value", "").strip()
    try:
        value = finite(given) if given else None
    except ValueError:
        messages.error(request, _("%s is no number.") % given)
        return redirect("plan:node", number)
    if (chosen := len(request.FILES.getlist("files"))) < node.files:
        told = _("Not sent: %(asked)d files are asked for, %(number)d are chosen.")
        messages.error(request, told % {"asked": node.files, "number": chosen})
        return redirect("plan:node", number)
    try:
        shown = nodes.Shown(request.POST.get("note", "").strip(), value, keep_files(request, node))
        nodes.show(node, shown, by=request.user)
    except (files.FileRefused, nodes.Lacking) as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("Sent. You are told what is decided."))
    return redirect("plan:node", number)


@require_POST
def block(request: Request, number: int) -> HttpResponse:
    """Ask a unit to take away what blocks a node."""
    access.require_verb(request.actor, REPORT)
    node = node_of(request, number, REPORT)
    unit, text = unit_of(request, request.POST.get("unit", "")), request.POST.get("text", "").strip()
    on = day_of(request, "answer_by")
    if unit is None or not text or on is None:
        messages.error(request, _("Choose who can help, write what is asked, and by which day from today on."))
    else:
        nodes.block(node, unit, text, answer_by=on, by=request.user)
        messages.success(request, _("Asked. Without an answer in time it goes up."))
    return redirect("plan:node", number)


@require_POST
def extend(request: Request, number: int) -> HttpResponse:
    """Ask for a later day."""
    access.require_verb(request.actor, REPORT)
    node = node_of(request, number, REPORT)
    until, reason = day_of(request, "until"), request.POST.get("reason", "").strip()
    if until is None or not reason:
        messages.error(request, _("Say why, and choose a day from today on."))
        return redirect("plan:node", number)
    try:
        extending.ask(node, until, reason, by=request.user)
    except nodes.Lacking as lacking:
        messages.error(request, str(lacking))
    else:
        messages.success(request, _("Asked. Until it is decided the old day counts."))
    return redirect("plan:node", number)


@require_POST
def answer(request: Request, number: int) -> HttpResponse:
    """Answer a question to my unit by name."""
    access.require_verb(request.actor, REPORT)
    rows = access.rows(Call.objects.filter(county=request.county), request.actor, REPORT)
    call = get_object_or_404(rows.select_related("node__piece__clause", "organisation"), pk=number)
    text = request.POST.get("text", "").strip()
    if call.kind == Call.Kind.BLOCKED and not text:
        messages.error(request, _("Say what is done about it."))
    elif nodes.answer(call, text or _("received"), by=request.user):
        messages.success(request, _("Kept with your name and the time."))
    else:
        messages.error(request, _("Somebody answered it before."))
    return redirect("plan:mine")
