"""Pages of clauses: the tree beside the text, one clause with its owners, pieces and story, splitting and sending."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from shizhu.engines.plan import clauses, computing, counting, exports, indexes, people, pieces, readings, telling
from shizhu.engines.plan.clauses import Standing, Tree
from shizhu.engines.plan.http.files import attached
from shizhu.engines.plan.http.views import EDIT, VIEW, no_plan, plan_of
from shizhu.engines.plan.logic import index as logic
from shizhu.engines.plan.logic import splitting
from shizhu.engines.plan.logic.progress import path
from shizhu.engines.plan.models import UNDER_WAY, Clause, Link, Measure, Node, Owner, Piece
from shizhu.engines.plan.people import SEE, SUPERVISE
from shizhu.engines.plan.periods import period_of
from shizhu.engines.plan.typed import MOST, finite, whole
from shizhu.engines.records import api as records
from shizhu.kernel import access, packs
from shizhu.kernel.access import Actor
from shizhu.kernel.models import Organisation
from shizhu.kernel.text import label, told_apart
from shizhu.web.middleware import Request

FILTERS = ("free", "linked", "owned", "open")
LONGEST_TERM = 15  # years that a promise may be split over


@dataclass(frozen=True)
class Shown:
    """A clause in the list."""

    clause: Clause
    owners: list[Owner]
    is_owned: bool
    is_linked: bool
    proposed: int  # links that nobody has settled


@dataclass(frozen=True)
class Section:
    """A heading with its clauses, `number` names it on the page, `depth` from 0."""

    number: int
    depth: int
    title: str
    counts: dict[str, int]
    rows: list[Shown]
    shown: int  # here and below, after the filter


def visible_pieces(who: Actor, county: str) -> QuerySet[Piece]:
    """Pieces of units that the actor sees, and those in which their units assist; drafts only for supervisors."""
    rows = Piece.objects.filter(county=county)
    own = access.rows(rows, who, SEE)
    found = rows.filter(Q(pk__in=own.values("pk")) | Q(assists__in=_units(who, county))).distinct()
    return found if access.has_county(who, SUPERVISE, county) else found.exclude(state=Piece.State.DRAFT)


def _units(who: Actor, county: str) -> QuerySet[Organisation]:
    """The organisations of the actor's posts and below, the county itself left out."""
    told = Q(pk__in=())
    for scope in people.in_units(who, SEE):
        if scope.county == county:
            told |= Q(path__startswith=scope.organisation_path)
    return Organisation.objects.filter(told, county=county)


def visible_nodes(who: Actor, county: str) -> QuerySet[Node]:
    """Nodes of the pieces that are under way and visible."""
    shown = visible_pieces(who, county).filter(state__in=UNDER_WAY)
    rows = Node.objects.filter(piece__in=shown.values("pk"))
    return rows.select_related("organisation", "area", "piece__clause__plan").prefetch_related("extensions")


def page(request: Request) -> HttpResponse:
    """The tree of headings with its counts, and the clauses as they stand in the text."""
    plan = plan_of(request)
    if plan is None:
        return no_plan(request)
    standing = Standing(plan)
    chosen = request.GET.get("show", "")
    chosen = chosen if chosen in FILTERS else ""
    waiting: dict[int, int] = {}
    for link in standing.links:
        if link.state == Link.State.PROPOSED:
            for pk in (link.one_id, link.other_id):
                waiting[pk] = waiting.get(pk, 0) + 1
    live = [one for one in standing.clauses if not one.is_gone]
    unsettled = {pk for pk, owners in standing.owners.items() if any(one.state == "proposed" for one in owners)}
    chosen_ids = {
        "free": {one.pk for one in live} - standing.owned, "linked": standing.linked, "owned": standing.owned,
        "open": set(waiting) | unsettled,
    }.get(chosen, {one.pk for one in live})  # fmt: skip
    if request.GET.get("as") == "xlsx":
        content = exports.clauses([one for one in live if one.pk in chosen_ids], standing)
        return attached(content, f"{plan.title}-{_('Clauses')}.xlsx", records.XLSX)
    counts = standing.counts(live)
    tree = clauses.tree_of(live)
    sections = list(_sections(tree, standing, waiting, chosen_ids))
    context = {
        "plan": plan, "sections": sections, "counts": counts, "chosen": chosen, "may_edit": request.actor.has(EDIT),
        "open": len({one.pk for one in live} & (set(waiting) | unsettled)),
        "gone": [one for one in standing.clauses if one.is_gone],
    }  # fmt: skip
    return render(request, "plan/clauses.html", context)


def _sections(tree: Tree, standing: Standing, waiting: dict[int, int], chosen: set[int]) -> Iterator[Section]:
    numbers = iter(range(1, 100_000))

    def walk(node: Tree, depth: int) -> Iterator[Section]:
        rows = [
            Shown(one, [owner for owner in standing.owners.get(one.pk, []) if owner.state != Owner.State.REFUSED],
                  one.pk in standing.owned, one.pk in standing.linked, waiting.get(one.pk, 0))
            for one in node.clauses if one.pk in chosen
        ]  # fmt: skip
        below = list(node.all())
        shown = sum(one.pk in chosen for one in below)
        if depth >= 0:
            yield Section(next(numbers), depth, node.title, standing.counts(below), rows, shown)
        for one in node.below.values():
            yield from walk(one, depth + 1)

    yield from walk(tree, -1)


def _clause(request: Request, number: int, verb: str = VIEW) -> Clause:
    access.require_verb(request.actor, verb)
    rows = Clause.objects.select_related("plan", "task", "indicator__plan")
    return get_object_or_404(rows.filter(plan__county=request.county), pk=number)


def _supervised(request: Request, number: int) -> Clause:
    access.require_county(request.actor, SUPERVISE, request.county.pk)
    return _clause(request, number)


def clause_page(request: Request, number: int) -> HttpResponse:
    """One clause: where it stands, who owns it, what it is one with, its pieces, and its story."""
    clause = _clause(request, number)
    links = clause.plan.links.filter(Q(one=clause) | Q(other=clause)).select_related("one", "other", "person")
    shown = visible_pieces(request.actor, request.county.pk).filter(clause=clause)
    own = list(shown.select_related("organisation", "received_by").prefetch_related("assists", "nodes"))
    may_split = access.has_county(request.actor, SUPERVISE, request.county.pk)
    units = pieces.units(request.county.pk) if may_split or request.actor.has(EDIT) else []
    steps = clause.steps.filter(Q(piece=None) | Q(piece__in=[piece.pk for piece in own]))
    linked = [link.other if link.one_id == clause.pk else link.one for link in links if link.state == Link.State.LINKED]
    split_elsewhere = Piece.objects.filter(clause__in=linked).exclude(state=Piece.State.DROPPED)
    context = {
        "clause": clause, "plan": clause.plan,
        "owners": clause.owners.exclude(state=Owner.State.REFUSED).select_related("organisation", "person"),
        "unmatched": _unmatched(clause),
        "links": [(link, link.other if link.one_id == clause.pk else link.one) for link in links],
        "summed": _summed(clause) if may_split else None,
        "left_out": _left_out(own, units) if may_split else [],
        "elsewhere": Clause.objects.filter(pk__in=split_elsewhere.values("clause")) if may_split else [],
        "pieces": own, "drafts": sum(piece.state in pieces.OPEN for piece in own),
        "units": units,
        "story": telling.story(steps.select_related("person", "piece__organisation")[:200]),
        "may_edit": request.actor.has(EDIT), "may_split": may_split,
        "formulas": sorted(packs.declarations("indicators", request.county.pk).items()) if may_split else [],
        "split": _asked(request, clause, units) if may_split else {},
        "problems": request.session.pop("plan.pieces", []) if may_split else [],
    }  # fmt: skip
    return render(request, "plan/clause.html", context)


def _summed(clause: Clause) -> dict[str, Any] | None:
    """What the pieces add up to, where it is not what the clause promises; a level that each keeps is not added."""
    asked = next((one for one in clause.quantities if one["value"] is not None), {"value": None, "unit": "%"})
    parts = clause.pieces.exclude(state=Piece.State.DROPPED).filter(target__isnull=False).values_list("target", "unit")
    numbers = [number or 0.0 for number, _unit in parts]
    is_level = asked["unit"] in {"%", "‰"} or asked["value"] in numbers
    if is_level or {unit for _number, unit in parts} != {asked["unit"]}:
        return None
    total = round(sum(numbers), 6)
    return None if total == asked["value"] else {"total": total, "asked": asked["value"], "unit": asked["unit"]}


def _left_out(own: Sequence[Piece], units: Sequence[Organisation]) -> list[tuple[int, list[Organisation]]]:
    """Year → the towns that have no piece of it, where most of them have one."""
    towns = [one for one in units if one.kind == "town"]
    having: dict[int, set[int]] = {}
    for piece in own:
        if piece.state != Piece.State.DROPPED:
            having.setdefault(piece.year, set()).add(piece.organisation_id)
    without = {year: [one for one in towns if one.pk not in there] for year, there in sorted(having.items())}
    return [(year, lacking) for year, lacking in without.items() if 0 < 2 * len(lacking) < len(towns)]


def _unmatched(clause: Clause) -> list[str]:
    """Printed units that no organisation was found for."""
    found = set(clause.owners.values_list("printed", flat=True))
    names = clauses.Names(clause.plan.county_id)
    return [name for name in [*clause.leads, *clause.supports] if name not in found and names.match(name)[0] is None]


@require_POST
def owner(request: Request, number: int) -> HttpResponse:
    """Say who leads or assists, or that a unit does not."""
    clause = _clause(request, number, EDIT)
    unit = get_object_or_404(Organisation, county=request.county, code=request.POST.get("unit", ""))
    is_lead = request.POST.get("as", "lead") == "lead"
    is_right = request.POST.get("do", "settle") == "settle"
    clauses.settle_owner(clause, unit, is_lead=is_lead, is_right=is_right, by=request.user)
    messages.success(request, _("%s: kept.") % unit.name)
    return redirect(_back(clause))


@require_POST
def link(request: Request, number: int) -> HttpResponse:
    """Settle whether two clauses are one promise."""
    clause = _clause(request, number, EDIT)
    links = Link.objects.select_related("one", "other").filter(Q(one=clause) | Q(other=clause))
    found = get_object_or_404(links, pk=whole(request.POST.get("link", "")))
    state = request.POST.get("do", "")
    if state not in Link.State.values:
        raise Http404
    clauses.settle_link(found, state, note=request.POST.get("note", "").strip(), by=request.user)
    messages.success(request, _("Decided."))
    return redirect(_back(clause))


def _back(clause: Clause) -> str:
    return f"/plan/clauses/{clause.pk}/"


# -- splitting


def _asked(request: Request, clause: Clause, units: Sequence[Organisation]) -> dict[str, Any]:
    """What the form of a split begins with: the first quantity, the term, and units with the weights of a measure."""
    first = clause.quantities[0] if clause.quantities else {}
    this = timezone.localdate().year
    measure = request.GET.get("weights", "")
    weights = _weights(request.county.pk, measure)
    leads = set(clause.owners.filter(is_lead=True, state="settled").values_list("organisation", flat=True))
    return {
        "total": first.get("value"), "unit": first.get("unit") or "", "first": this,
        "last": max(first.get("year") or this, this), "measure": measure,
        "units": [(unit, name, weights.get(unit.code, ""), unit.pk in leads) for unit, name in told_apart(units)],
        "measures": list(_measures(request.county.pk)),
        "is_level": bool(clause.indicator) or (first.get("unit") in {"%", "‰"}), "title": _title(clause),
    }  # fmt: skip


def _title(clause: Clause) -> str:
    if clause.task:
        return clause.task.name
    text = clause.text.rstrip("。；;：")  # it becomes the beginning of the names of nodes
    return text if len(text) <= 40 else f"{text[:38]}…"


def _measures(county: str) -> Iterator[tuple[str, str]]:
    """Items of indexes whose values may weigh units, with their names."""
    for key, body in indexes.indexes(county).items():
        for _group, name, item in logic.items(body):
            yield f"{key}/{name}", f"{label(body['title'])}：{label(item['title'])}"


def _weights(county: str, measure: str) -> dict[str, float]:
    """Unit → the value of a measure in the newest year that has one; what was taken back is none."""
    index, _slash, item = measure.partition("/")
    rows = Measure.objects.filter(county=county, index=index, item=item)
    known = rows.order_by("subject", "year", "-known_at", "-pk").distinct("subject", "year")
    return {row.subject: row.value for row in known if row.value is not None}


@require_POST
def split(request: Request, number: int) -> HttpResponse:
    """Propose pieces by year and unit; they are drafts until they are sent."""
    clause = _supervised(request, number)
    told = request.POST
    known = {one.code for one in pieces.units(request.county.pk)}
    chosen = [code for code in told.getlist("unit") if code in known]
    try:
        years = range(int(told.get("first", "")), int(told.get("last", "")) + 1)
        month, day = (int(part) for part in told.get("due", "").split("-"))
        for year in years:
            date(year, month, day)
        total = finite(told["total"]) if told.get("total", "").strip() else None
        weights = {code: finite(told.get(f"w.{code}") or "1") for code in chosen}
    except ValueError:
        messages.error(request, _("Years, total and weights are numbers; the day is a month and a day such as 12-31."))
        return redirect(_back(clause))
    if not chosen or not years or len(years) > LONGEST_TERM:
        messages.error(request, _("Choose units, and a first and a last year at most 15 years apart."))
        return redirect(_back(clause))
    try:
        shares = _shares(clause, told.get("way", ""), total, list(years), weights)
    except ValueError:
        messages.error(request, _("Weights are numbers from 0, and not all 0; no number is too large."))
        return redirect(_back(clause))
    title = told.get("title", "").strip() or _title(clause)
    lines = pieces.lines(clause, shares, told.get("measure_unit", "").strip(), (month, day), title)
    made, gone = pieces.draft(clause, lines, by=request.user)
    _say(request, _("%d pieces proposed. Change them by hand or as a table, then send them."), len(made), gone)
    return redirect(f"{_back(clause)}#pieces")


def _shares(
    clause: Clause, way: str, total: float | None, years: list[int], weights: dict[str, float]
) -> list[splitting.Share]:
    if total is not None and abs(total) > MOST:
        raise ValueError(total)
    if total is None:
        return [splitting.Share(year, unit, None) for year in years for unit in weights]
    if way == "amount":
        return splitting.amount(total, years, weights)
    indicator = clause.indicator
    steps = dict(path(computing.aim_of(indicator))) if indicator else {}
    if not set(years) <= set(steps):
        steps = splitting.straight(None, years[0] - 1, total, years[-1])
    return splitting.level(steps, years, list(weights))


def table(request: Request, number: int) -> HttpResponse:
    """The pieces as an Excel table."""
    clause = _supervised(request, number)
    name = f"{_('Pieces')}-{clause.pk}.xlsx"
    return attached(pieces.table(clause), name, records.XLSX)


@require_POST
def fill(request: Request, number: int) -> HttpResponse:
    """Take a filled table: all of it, or nothing and what is wrong row by row."""
    clause = _supervised(request, number)
    sent: Any = request.FILES.get("table")
    if sent is None:
        messages.error(request, _("Choose a file."))
        return redirect(_back(clause))
    lines, problems = list[pieces.Line](), list[str]()
    try:
        for found in pieces.read(clause, sent):
            (lines if isinstance(found, pieces.Line) else problems).append(found)  # type: ignore[arg-type]
    except records.Unreadable as error:
        problems = [str(error)]
    if not problems and not lines:
        messages.error(request, _("The table has no rows: fill in at least one."))
    elif problems:
        request.session["plan.pieces"] = problems[:100]
        messages.error(request, _("Nothing was kept: %d rows are wrong.") % len(problems))
    else:
        made, gone = pieces.draft(clause, lines, by=request.user)
        _say(request, _("%d pieces are kept as drafts."), len(made), gone)
    return redirect(f"{_back(clause)}#pieces")


def _say(request: Request, kept: str, made: int, gone: int) -> None:
    """How many drafts were made or changed, and how many went."""
    left = _("%d drafts that were not among them were taken away.")
    said = [text % number for text, number in ((kept, made), (left, gone)) if number]
    messages.success(request, " ".join(said) or _("Nothing was changed."))


@require_POST
def send(request: Request, number: int) -> HttpResponse:
    """Send every draft of the clause with what evidence is asked for."""
    clause = _supervised(request, number)
    cadence, files = request.POST.get("cadence", "year"), whole(request.POST.get("files", ""), 1)
    try:
        if cadence not in pieces.CADENCES or files > 20:
            raise ValueError(_("Choose how often it is looked at, and at most 20 files."))  # noqa: TRY301
        counted, proof = _counted(request), _proof(request)
    except ValueError as error:
        messages.error(request, str(error))
        return redirect(f"{_back(clause)}#pieces")
    drafts = clause.pieces.filter(state__in=pieces.OPEN).select_related("organisation", "area", "clause")
    done = pieces.send(drafts, by=request.user, cadence=cadence, files=files, counted=counted, proof=proof)
    messages.success(request, _("%d pieces were sent. Each unit says by name that it received them.") % done)
    return redirect(f"{_back(clause)}#pieces")


def _counted(request: Request) -> dict[str, Any] | None:
    """The condition on rows, None without one. Raises ValueError with what is wrong with it."""
    of = request.POST.get("of", "").strip()
    if not of:
        return None
    made = {
        "count": "cases" if request.POST.get("count") == "cases" else "records", "of": of,
        "where": request.POST.get("where", "").strip(), "least": max(1, whole(request.POST.get("least", ""), 1)),
    }  # fmt: skip
    try:
        if made["count"] == "cases" and not packs.declared("flows", of, request.county.pk):
            raise ValueError(_("there is no flow %s") % of)  # noqa: TRY301
        counting.count(made, request.county.pk, period_of("P1Y", timezone.localdate()))
    except (ValueError, LookupError) as error:
        raise ValueError(_("The condition cannot be counted: %s") % error) from None
    return made


def _proof(request: Request) -> dict[str, Any] | None:
    """What the readings are to say, None without a formula. Raises ValueError with what is wrong with it."""
    formula = request.POST.get("formula", "").strip()
    if not formula:
        return None
    if not packs.declared("indicators", formula, request.county.pk):
        raise ValueError(_("%s: no formula of that name is declared") % formula[:60])
    try:
        value = finite(request.POST.get("proof_value", ""))
    except ValueError:
        told = {"field": _("Value"), "value": request.POST.get("proof_value", "")[:40] or "—"}
        raise ValueError(_("%(field)s: %(value)s is no number") % told) from None
    bound, of = request.POST.get("bound", readings.AT_LEAST), request.POST.get("proof_of", readings.UNIT)
    if bound not in readings.SIGNS or of not in {readings.UNIT, readings.COUNTY}:
        raise ValueError(_("Choose at least or at most, and the unit or the whole county."))
    return {"formula": formula, "bound": bound, "value": value, "of": of}
