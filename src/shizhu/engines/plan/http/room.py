"""The room of outside evaluators (评估员查询室): frozen packages, issued reports, the plan's numbers, and nothing else.

Whoever comes here has no other right. Names of persons and free notes are not shown, and numbers by which a person is
known are masked; each look is kept, and the evaluator sees the list as the office does.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.core.paginator import Paginator
from django.db.models import F, QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import gettext as _

from shizhu.engines.plan import issuing, reports
from shizhu.engines.plan.http.files import attached
from shizhu.engines.plan.http.views import EDIT
from shizhu.engines.plan.models import Evaluation, Indicator, Look, Report, Value
from shizhu.engines.plan.periods import named
from shizhu.engines.plan.reports import FILES
from shizhu.engines.records import api as records
from shizhu.kernel import access
from shizhu.lib.personal import masked
from shizhu.web.middleware import Request

ROOM = "plan.room.view"
PAGE, LOG = 100, 50


def _enter(request: Request, what: str, about: str = "") -> None:
    access.require_verb(request.actor, ROOM)
    Look.objects.create(county=request.county, person=request.user, what=what, about=about[:200])


def overview(request: Request) -> HttpResponse:
    """What there is, and what one looked at."""
    access.require_verb(request.actor, ROOM)
    issued = Report.objects.filter(plan__county=request.county).exclude(issued_at=None).defer("facts")
    context = {
        "evaluations": Evaluation.objects.filter(county=request.county),
        "reports": [(one, *reports.named_for_outsiders(one.pk, one.digest)) for one in issued],
        "numbers": _values(request).count(),
        "looks": Look.objects.filter(county=request.county, person=request.user).order_by("-pk")[:LOG],
    }  # fmt: skip
    return render(request, "plan/room.html", context)


def evaluation(request: Request, number: int) -> HttpResponse:
    """The package of an issued evaluation."""
    access.require_verb(request.actor, ROOM)
    found = get_object_or_404(Evaluation, pk=number, county=request.county)
    _enter(request, "package", f"{found.title} {found.year}")
    return attached(issuing.package(found), f"{found.title}-{found.year}.zip", "application/zip")


def report(request: Request, number: int, name: str) -> HttpResponse:
    """A copy of a file of an issued report as outsiders are told it, or its facts as the JSON that the hash is of."""
    access.require_verb(request.actor, ROOM)
    rows = Report.objects.filter(plan__county=request.county).exclude(issued_at=None)
    found = get_object_or_404(rows.select_related("word", "pdf", "excel"), pk=number)
    told = reports.for_outsiders(found)
    if name == "json":
        _enter(request, "facts", told["title"])
        return attached(issuing.canonical(told), f"{told['title']}.json", "application/json")
    if name not in FILES or getattr(found, name) is None:
        raise Http404
    _enter(request, "report", f"{told['title']} ({name})")
    return attached(*reports.copy_for_outsiders(found, name))


def _values(request: Request) -> QuerySet[Value]:
    rows = Value.objects.filter(indicator__plan__county=request.county, value__isnull=False)
    if asked := request.GET.get("q", "").strip().lower():
        every = Indicator.objects.filter(plan__county=request.county)
        rows = rows.filter(indicator__in=[one.pk for one in every if asked in masked(one.name).lower()])
    if request.GET.get("year", "").isdigit():
        rows = rows.filter(period__startswith=request.GET["year"])
    order = ("indicator__plan_id", "indicator__order", "indicator_id", "period", F("known_at"))
    return rows.select_related("indicator__plan").order_by(*order)


def numbers(request: Request) -> HttpResponse:
    """Every value with every revision, as known when; searched by indicator and year, also as Excel."""
    access.require_verb(request.actor, ROOM)
    rows = _values(request)
    asked = f"{request.GET.get('q', '')} {request.GET.get('year', '')}".strip()
    if request.GET.get("as") == "xlsx":
        _enter(request, "table", asked)
        return attached(_table(rows), f"{_('Values')}-{timezone.localdate()}.xlsx", records.XLSX)
    _enter(request, "numbers", asked)
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    for row in page:
        row.indicator.name, row.indicator.unit = masked(row.indicator.name), masked(row.indicator.unit)
        row.indicator.plan.title = masked(row.indicator.plan.title)
    context = {
        "page": page,
        "q": request.GET.get("q", ""), "year": request.GET.get("year", ""),
    }  # fmt: skip
    return render(request, "plan/room_numbers.html", context)


def _table(rows: QuerySet[Value]) -> bytes:
    heads = [
        _("Plan"), _("Row key"), _("Indicator"), _("Unit"), _("Period"), _("Value"), _("Recorded"), _("Kind of source"),
        _("simulated"),
    ]  # fmt: skip
    return records.written_table(_("Values"), heads, _cells(rows))


def _cells(rows: QuerySet[Value]) -> Iterator[list[Any]]:
    for row in rows.iterator():
        one = row.indicator
        yield [
            *(masked(told) for told in (one.plan.title, one.key, one.name, one.unit)),
            named(row.period).name, row.value,
            row.known_at, row.source, _("yes") if row.is_simulated else "",
        ]  # fmt: skip


def log(request: Request) -> HttpResponse:
    """Who looked at what: for the office."""
    access.require_verb(request.actor, EDIT)
    rows = Look.objects.filter(county=request.county).select_related("person").order_by("-pk")
    context = {"page": Paginator(rows, PAGE).get_page(request.GET.get("page"))}
    return render(request, "plan/room_log.html", context)
