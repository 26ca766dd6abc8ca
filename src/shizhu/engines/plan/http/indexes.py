"""Pages of indexes: the ranking with its weights to try, one subject, the data, and evaluations that were issued."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import fmean
from typing import Any, BinaryIO

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import translation
from django.utils.functional import lazy
from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from shizhu.engines.plan import exports, filled, indexes, issuing, wording
from shizhu.engines.plan.filled import RowError
from shizhu.engines.plan.http.files import attached
from shizhu.engines.plan.http.views import EDIT, VIEW
from shizhu.engines.plan.indexes import Given, Index
from shizhu.engines.plan.logic.evaluation import (
    Result,
    Scheme,
    Scored,
    Sensitivity,
    evaluate,
    ranked_apart,
    sensitivity,
    weighing,
)
from shizhu.engines.plan.models import Evaluation, Measure
from shizhu.engines.plan.typed import MOST, whole
from shizhu.engines.records import api as records
from shizhu.kernel import access
from shizhu.kernel.documents import CHINESE
from shizhu.kernel.text import label
from shizhu.web.middleware import Request

ISSUE = "plan.evaluation.issue"
VARIED = 0.2  # share by which weights are varied to see what the ranking hangs on
FIRST, LAST = 1949, 2200
CODE, NAME = "_code", "_name"  # no item is called so


@dataclass(frozen=True)
class Line:
    """A subject in the ranking; `was` is its rank with the weights as declared."""

    row: Scored
    name: str
    groups: list[tuple[str, float | None]]
    span: tuple[int, int] | None
    was: int | None
    peer: str = ""
    apart: int | None = None  # rank among its peers

    @property
    def moved(self) -> int:
        """Places won by the weights that are tried."""
        return (self.was - self.row.rank) if self.was and self.row.rank else 0

    @property
    def width(self) -> int:
        """Width of the bar, 0–100."""
        return round(min(100.0, max(0.0, self.row.score or 0.0)))

    @property
    def known(self) -> int:
        """Share of the weight that has values, %."""
        return round(100 * self.row.known)


def _index(request: Request, key: str, verb: str = VIEW) -> Index:
    access.require_verb(request.actor, verb)
    try:
        found = Index(request.county.pk, key)
    except KeyError:
        raise Http404 from None
    if found.register:
        access.require_verb(request.actor, f"records.{found.register}.view")
    return found


def _year(request: Request, index: Index) -> int:
    """The year asked for; else the newest that has a value."""
    told = whole(request.GET.get("year") or request.POST.get("year") or "")
    if FIRST <= told <= LAST:
        return told
    newest = Measure.objects.filter(county=request.county, index=index.key).order_by("-year").first()
    return newest.year if newest else index.years()[0]


def overview(request: Request) -> HttpResponse:
    """The county's indexes, each with who leads it now, and what was issued."""
    access.require_verb(request.actor, VIEW)
    found = []
    for key in indexes.indexes(request.county.pk):
        index = Index(request.county.pk, key)
        if index.register and not request.actor.has(f"records.{index.register}.view"):
            continue
        year = _year(request, index)
        names = {subject.code: subject.name for subject in index.subjects}
        best = [(names[row.subject], row) for row in index.result(year).rows[:3] if row.rank]
        found.append({"index": index, "year": year, "best": best, "subjects": len(names)})
    issued = Evaluation.objects.filter(county=request.county).select_related("issued_by")[:50]
    return render(request, "plan/indexes.html", {"found": found, "issued": issued})


def page(request: Request, key: str) -> HttpResponse:
    """The ranking of a year. Weights in the address (`w.<item>`, per cent) are tried; nothing of it is kept."""
    index = _index(request, key)
    year = _year(request, index)
    measures = index.measures(year)
    values, base = index.values(measures), index.base()
    declared = evaluate(index.scheme, values, base)
    tried, fault = _tried(request, index, declared)
    result = evaluate(tried, values, base) if tried else declared
    may_issue = request.actor.has(ISSUE) and tried is None
    varied = sensitivity(tried or index.scheme, values, base, VARIED)
    before = {row.subject: row.rank for row in declared.rows}
    names = {subject.code: subject.name for subject in index.subjects}
    apart = ranked_apart(result.rows, index.peers)
    titles = {code: label(index.body["peers"][peer]["title"]) for code, peer in index.peers.items()}
    lines = [
        Line(
            row, names[row.subject], _by_group(index, row, result), varied.span.get(row.subject), before[row.subject],
            titles.get(row.subject, ""), apart.get(row.subject),
        )
        for row in result.rows
    ]  # fmt: skip
    if request.GET.get("as") == "xlsx":
        rows = ((one.row, one.name, one.groups, f"{one.peer} {one.apart}" if one.apart else "") for one in lines)
        content = exports.ranking(index.body, year, rows)
        return attached(content, f"{label(index.body['title'])}-{_('Ranking')}-{year}.xlsx", records.XLSX)
    context = {
        "index": index, "year": year, "years": index.years(), "lines": lines, "tried": tried is not None,
        "fault": fault, "weights": _weights(index, result, declared, varied), "way": wording.way(index),
        "groups": [label(group["title"]) for group in index.body["groups"].values()],
        "ranked": sum(line.row.rank is not None for line in lines), "varied": round(100 * VARIED),
        "simulated": sum(row.is_simulated and row.value is not None for row in measures),
        "may_issue": may_issue, "seen": issuing.digest(issuing.freeze(index, year)) if may_issue else "",
        "issued": Evaluation.objects.filter(county=request.county, index=key, year=year)[:5],
    }  # fmt: skip
    return render(request, "plan/index.html", context)


def subject_page(request: Request, key: str, code: str) -> HttpResponse:
    """One subject: every item with its value, its score, the mean, and the points that it costs."""
    index = _index(request, key)
    year = _year(request, index)
    subject = next((one for one in index.subjects if one.code == code), None)
    if subject is None:
        raise Http404
    measures = index.measures(year)
    result = evaluate(index.scheme, index.values(measures), index.base())
    row = next(one for one in result.rows if one.subject == code)
    own = {one.item: one for one in measures if one.subject == code}
    parts = {
        item: [part for one in result.rows if (part := one.parts.get(item)) is not None] for item in index.items
    }  # fmt: skip
    items = [
        {
            "title": item["title"], "unit": item["unit"], "measure": own.get(name), "part": row.parts.get(name),
            "mean": fmean(parts[name]) if parts[name] else None, "weight": 100 * result.weights[name],
            "width": round(min(100, row.parts.get(name) or 0)),
            "lost": None if row.parts.get(name) is None else result.weights[name] * (100 - (row.parts[name] or 0)),
        }
        for name, item in index.items.items()
    ]  # fmt: skip
    items.sort(key=lambda one: -1.0 if one["lost"] is None else -one["lost"])
    context = {
        "index": index, "year": year, "subject": subject, "row": row, "items": items,
        "number": sum(one.rank is not None for one in result.rows),
    }  # fmt: skip
    return render(request, "plan/subject.html", context)


def data(request: Request, key: str) -> HttpResponse:
    """Every value of a year, where it comes from, and what is missing; filled in as a table."""
    index = _index(request, key)
    year = _year(request, index)
    if request.GET.get("as") == "xlsx":
        return attached(_template(index, year), f"{label(index.body['title'])}-{year}.xlsx", records.XLSX)
    known = {(row.subject, row.item): row for row in index.measures(year)}
    rows = [(one, [(item, known.get((one.code, key))) for key, item in index.items.items()]) for one in index.subjects]
    missing = sum(cell is None or cell.value is None for _one, cells in rows for _item, cell in cells)
    context = {
        "index": index, "year": year, "years": index.years(), "rows": rows, "missing": missing,
        "items": index.items.values(), "total": len(rows) * len(index.items), "may_edit": request.actor.has(EDIT),
        "problems": request.session.pop("plan.problems", []),
    }  # fmt: skip
    return render(request, "plan/measures.html", context)


@require_POST
def fill(request: Request, key: str) -> HttpResponse:
    """Take a filled table: all of it, or nothing and what is wrong cell by cell."""
    index = _index(request, key, EDIT)
    year, note = _year(request, index), request.POST.get("note", "").strip()
    back = redirect(f"/plan/indexes/{key}/data?year={year}")
    sent: Any = request.FILES.get("table")
    if sent is None or not note:
        messages.error(request, _("Choose a table, and say where its values come from."))
        return back
    given, problems = list[Given](), list[str]()
    try:
        for found in _read(index, sent):
            (given if isinstance(found, Given) else problems).append(found)  # type: ignore[arg-type]
    except records.Unreadable as error:
        problems = [str(error)]
    if problems:
        request.session["plan.problems"] = problems[:100]
        messages.error(request, _("Nothing was kept: %d cells are wrong.") % len(problems))
        return back
    number = index.report(year, given, note=note, by=request.user)
    messages.success(request, _("%d values kept.") % number)
    return back


@require_POST
def compute(request: Request, key: str) -> HttpResponse:
    """Compute the items that have a formula now."""
    index = _index(request, key, EDIT)
    year = _year(request, index)
    messages.success(request, _("%d values kept.") % index.compute(year))
    return redirect(f"/plan/indexes/{key}/data?year={year}")


@require_POST
def issue(request: Request, key: str) -> HttpResponse:
    """Freeze the year as known now."""
    index = _index(request, key, ISSUE)
    year = _year(request, index)
    try:
        note = request.POST.get("note", "").strip()
        made = issuing.issue(index, year, by=request.user, note=note, seen=request.POST.get("seen", ""))
    except issuing.Changed:
        messages.error(
            request, _("The data changed while you looked at it. Nothing was issued: look at the result again.")
        )
        return redirect(f"/plan/indexes/{key}/?year={year}")
    except issuing.NothingToIssue:
        messages.error(request, _("Nobody has enough values for a rank yet. Fill in the data first."))
        return redirect(f"/plan/indexes/{key}/?year={year}")
    messages.success(request, _("Issued. Scheme, data and result are kept as they are now."))
    return redirect("plan:evaluation", made.pk)


def evaluation_page(request: Request, number: int) -> HttpResponse:
    """What was issued, as it was."""
    found = _evaluation(request, number)
    frozen = found.frozen
    rows = [
        {**row, "name": frozen["subjects"][row["subject"]], "apart": wording.apart(frozen, row["subject"])}
        for row in frozen["result"]["rows"]
    ]
    weights = [
        (item["title"], 100 * frozen["result"]["weights"][key]) for key, item in frozen["items"].items()
    ]  # fmt: skip
    context = {"evaluation": found, "rows": rows, "weights": weights, "frozen": frozen, "number": len(frozen["data"])}
    return render(request, "plan/evaluation.html", context)


def evaluation_file(request: Request, number: int, kind: str) -> HttpResponse:
    """The package for an outsider (`zip`), or the report in Word (`docx`), Chinese whoever asks."""
    found = _evaluation(request, number)
    name = f"{found.title}-{found.year}"
    if kind == "zip":
        return attached(issuing.package(found), f"{name}.zip", "application/zip")
    with translation.override(CHINESE):
        return attached(wording.report(found), f"{name}.docx", wording.WORD)


def _evaluation(request: Request, number: int) -> Evaluation:
    access.require_verb(request.actor, VIEW)
    rows = Evaluation.objects.filter(county=request.county).select_related("issued_by", "county")
    return get_object_or_404(rows, pk=number)


def _tried(request: Request, index: Index, declared: Result) -> tuple[Scheme | None, str]:
    """The scheme with the weights of the address, None without any; and what is wrong with them."""
    told = {key: request.GET[f"w.{key}"] for key in index.items if request.GET.get(f"w.{key}", "").strip()}
    if not told:
        return None, ""
    weights = {key: 100 * weight for key, weight in declared.weights.items()}
    for key, text in told.items():
        try:
            weight = float(text)
        except ValueError:
            weight = -1.0
        if not 0 <= weight <= MOST:
            title = label(index.items[key]["title"])
            return None, _("%(item)s: %(weight)s: a weight is a number from 0.") % {"item": title, "weight": text}
        weights[key] = weight
    if sum(weights.values()) <= 0:
        return None, _("The weights add up to 0: nothing would count.")
    if all(abs(weights[key] - 100 * declared.weights[key]) < 0.005 for key in weights):
        return None, ""
    return weighing(index.scheme, weights), ""


def _weights(index: Index, result: Result, declared: Result, varied: Sensitivity) -> list[dict[str, Any]]:
    """Groups with their items: weights in use and declared, and how many ranks an item's weight would move."""
    return [
        {
            "title": group["title"], "weight": 100 * sum(result.weights[key] for key in group["items"]),
            "items": [
                {
                    "key": key, "title": item["title"], "weight": round(100 * result.weights[key], 2),
                    "declared": 100 * declared.weights[key], "moved": varied.moved[key],
                }
                for key, item in group["items"].items()
            ],
        }
        for group in index.body["groups"].values()
    ]  # fmt: skip


def _by_group(index: Index, row: Scored, result: Result) -> list[tuple[str, float | None]]:
    """The score within each group, None where no item has a value."""
    found: list[tuple[str, float | None]] = []
    for group in index.body["groups"].values():
        parts = [
            (result.weights[key], part) for key in group["items"] if (part := row.parts.get(key)) is not None
        ]  # fmt: skip
        total = sum(weight for weight, _part in parts)
        score = sum(weight * part for weight, part in parts) / total if total else None
        found.append((label(group["title"]), score))
    return found


def _asked(index: Index) -> dict[str, Any]:
    """Item → head of its column; computed items are left out."""
    asked = {key: item for key, item in index.items.items() if "indicator" not in item}
    return {key: format_lazy("{}（{}）", lazy(label, str)(item["title"]), item["unit"]) for key, item in asked.items()}


def _heads(index: Index) -> dict[str, Any]:
    return {CODE: gettext_lazy("Code"), NAME: gettext_lazy("Name"), **_asked(index)}


def _template(index: Index, year: int) -> bytes:
    """The table to fill in, with what is known."""
    known, asked = {(row.subject, row.item): row.value for row in index.measures(year)}, _asked(index)
    rows = ([one.code, one.name, *(known.get((one.code, key)) for key in asked)] for one in index.subjects)
    return records.written_table(label(index.body["title"]), [str(head) for head in _heads(index).values()], rows)


def _read(index: Index, file: BinaryIO) -> Iterator[Given | str]:
    """Values of a filled table, and what is wrong, in words. Raises records.Unreadable."""
    asked, subjects = _asked(index), filled.Known(index.subjects, _("%(value)s: nobody here has this code"))
    seen: set[str] = set()

    def given(cells: filled.Cells) -> list[Given]:
        code = subjects.read(cells[CODE]).code
        if code in seen:
            raise RowError(_("%s is there twice") % cells[CODE])
        seen.add(code)
        return [Given(key, code, cells.number(key)) for key in asked]

    for found in filled.lines(file, _heads(index), filled.Known([]), given, [NAME]):
        yield from [found] if isinstance(found, str) else found
