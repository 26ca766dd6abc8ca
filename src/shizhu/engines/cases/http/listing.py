"""Which cases a list shows: what its address asks for; and the same as a table to take away."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.contrib import messages
from django.db.models import Count, Q, QuerySet
from django.http import HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from shizhu.engines.cases import datasets, flows
from shizhu.engines.cases.models import Case, Task
from shizhu.engines.records import api as records
from shizhu.kernel import access
from shizhu.kernel.models import Area
from shizhu.kernel.text import label, named
from shizhu.web.middleware import Request

ASKED = ("status", "q", "flow", "town", "due", "filter")
DUE = {"late": gettext_lazy("Late"), "soon": gettext_lazy("Due within a day"), "paused": gettext_lazy("clock stands")}
SOON = timedelta(days=1)
MOST = 20_000  # rows of a table taken away


def asked_for(request: Request) -> dict[str, str]:
    """What the address asks for; open cases where it says nothing."""
    given = {name: request.GET[name].strip() for name in ASKED if request.GET.get(name, "").strip()}
    return {"status": Case.Status.OPEN.value, **given}


def chosen(request: Request, asked: Mapping[str, str]) -> QuerySet[Case]:
    """Those of what is asked for that the person may see; a condition that nobody understands is told, finds none."""
    found = seen(request).select_related("area")
    if asked["status"] == "supervised":
        found = found.filter(status=Case.Status.OPEN).exclude(supervised_by=None).order_by("supervised_until")
    elif asked["status"] != "all":
        found = found.filter(status=asked["status"])
    if word := asked.get("q"):
        found = found.filter(Q(number__icontains=word) | Q(title__icontains=word))
    if flow := asked.get("flow"):
        found = found.filter(**datasets.among(flow))
    if town := asked.get("town"):
        found = found.filter(area__path__startswith=f"{request.county.pk}/{town}/")
    now = timezone.now()
    try:
        found = _due(found, asked.get("due", ""), now)
        return records.filtered(found, asked.get("filter", ""), _columns(request.county.pk, asked.get("flow", ""), now))
    except records.Cql2Error as error:
        messages.error(request, _("The condition cannot be understood: %s") % error)
        return found.none()


def seen(request: Request) -> QuerySet[Case]:
    """All cases that the person may see."""
    return access.rows(Case.objects.filter(county=request.county), request.actor, datasets.VIEW)


def _columns(county: str, flow: str, now: datetime) -> dict[str, records.Column]:
    table = '"cases_case"'
    return datasets.columns(table, now, datasets.asked_of(county, flow, table))


def _due(found: QuerySet[Case], due: str, now: datetime) -> QuerySet[Case]:
    if due == "late":
        return records.filtered(found, "is_late = TRUE", datasets.columns('"cases_case"', now))
    if due == "soon":
        return found.filter(closed_at=None, paused_at=None, due_at__gte=now, due_at__lt=now + SOON)
    return found.filter(closed_at=None).exclude(paused_at=None) if due == "paused" else found


def choices(request: Request, asked: Mapping[str, str]) -> dict[str, Any]:
    """What a list may be asked for: matters (and all of a pack, where it asks for that), towns, deadlines."""
    towns, county, flow = Area.objects.towns(request.county), request.county.pk, asked.get("flow", "")
    packs = [] if not flow or "." in flow else [(flow, label(datasets.title_of(county, flow)))]
    return {
        "flows": packs + [(key, label(about.title)) for key, about in flows.abouts(county)],
        "towns": [(town.code, named(town)) for town in towns],
        "dues": DUE.items(),
    }


def tiles(request: Request) -> list[tuple[str, int, str, str]]:
    """Figures of all open cases above the list: (what, how many, level, what the list is asked for)."""
    now = timezone.now()
    found = seen(request).filter(status=Case.Status.OPEN)
    counts = {due: _due(found, due, now).order_by().aggregate(n=Count("pk"))["n"] for due in DUE}
    levels = {"late": "red", "soon": "yellow", "paused": "none"}
    figures = [(str(DUE[due]), count, levels[due] if count else "none", f"due={due}") for due, count in counts.items()]
    return [(_("Open"), found.count(), "blue", ""), *figures]


def table(request: Request) -> HttpResponse:
    """GET /cases/table.xlsx: the list as it is asked for, the newest first."""
    access.require_verb(request.actor, datasets.VIEW)
    heads = [
        _("Number"), _("Matter"), _("Title"), _("Town"), _("In charge"), _("Stage"), _("Lies on"), _("Opened"),
        _("Deadline"), _("Closed at"), _("How it ended"), _("simulated"),
    ]  # fmt: skip
    rows = _lines(chosen(request, asked_for(request)).select_related("area", "organisation")[:MOST])
    body = records.written_table(_("Cases"), heads, rows)
    headers = {"Content-Disposition": 'attachment; filename="cases.xlsx"'}
    return HttpResponse(body, content_type=records.XLSX, headers=headers)


def _lines(found: QuerySet[Case]) -> Iterator[list[Any]]:
    cases = list(found)
    holders: dict[int, list[str]] = {}
    ready = Task.objects.filter(case__in=[case.pk for case in cases], status=Task.Status.READY)
    for number, name in ready.exclude(assignee=None).order_by("pk").values_list("case", "assignee__name"):
        holders.setdefault(number, []).append(name)
    for case in cases:
        _flow, about = flows.version(case.flow, case.digest)
        yield [
            case.number, label(about.title), case.title, named(case.area), named(case.organisation),
            label(about.stages[case.stage]), "、".join(dict.fromkeys(holders.get(case.pk, []))), case.opened_at,
            case.due_at, case.closed_at, _outcome(case), _("yes") if case.origin else "",
        ]  # fmt: skip


def _outcome(case: Case) -> str:
    if case.outcome in {"open", "done"}:
        return "" if case.outcome == "open" else _("in time") if case.in_time else _("late")
    return label(datasets.OUTCOMES[case.outcome])
