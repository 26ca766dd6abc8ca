"""How fast approvals were in a month (并联成效): side by side against one after the other, case by case."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models.expressions import RawSQL
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _

from shizhu.engines.cases import approvals, datasets
from shizhu.engines.cases.assignment import VIEW
from shizhu.engines.cases.models import Case
from shizhu.engines.records import api as records
from shizhu.kernel import access, spans
from shizhu.web.middleware import Request


def ledger(request: Request) -> HttpResponse:
    """Approvals closed in a month that one may see, what they come to together; `as=xlsx` sends them."""
    access.require_verb(request.actor, VIEW)
    month = spans.month(request.GET.get("month", ""), timezone.localdate())
    span, county = spans.of_month(month), request.county.pk
    found = access.rows(Case.objects.filter(county=county, flow__in=approvals.declared(county)), request.actor, VIEW)
    found = found.filter(closed_at__gte=span.start, closed_at__lt=span.end).exclude(pace=None)
    known = datasets.columns('"cases_case"', timezone.now())
    told = {f"of_{name}": RawSQL(known[name].sql, ()) for name in datasets.PACES}  # noqa: S611  # nothing of a reader
    rows = list(found.select_related("area").annotate(**told).order_by("closed_at", "pk"))
    if request.GET.get("as") == "xlsx":
        headers = {"Content-Disposition": f'attachment; filename="approvals-{month:%Y-%m}.xlsx"'}
        return HttpResponse(_table(rows), content_type=records.XLSX, headers=headers)
    before, after = spans.beside(month)
    context = {"rows": rows, "sum": summed(rows), "month": month, "before": before, "after": after}
    return render(request, "cases/pace.html", context)


def summed(rows: Iterable[Any]) -> dict[str, float]:
    """What cases come to together; nothing for none."""
    every = list(rows)
    if not every:
        return {}
    several = [one for one in every if one.of_items >= 2]
    items = sum(one.of_items for one in several)
    return {
        "cases": len(every), "several": len(several), "items": items,
        "parallel": 100 * sum(one.of_is_parallel for one in several) / len(several) if several else 0,
        "together": 100 * sum(one.of_together for one in several) / items if items else 0,
        "serial": sum(one.of_serial_days for one in every), "elapsed": sum(one.of_elapsed_days for one in every),
        "saved": sum(one.of_saved_days for one in every),
        "in_time": 100 * sum(one.closed_at <= one.due_at for one in every) / len(every),
        "supplements": sum(one.of_supplements for one in every) / len(every),
        "once": 100 * sum(one.of_visits <= 1 for one in every) / len(every),
    }  # fmt: skip


def _table(rows: Iterable[Any]) -> bytes:
    heads = [
        _("Number"), _("Matter"), _("Town"), _("Accepted on"), _("Closed"), _("Deadline"), _("in time"),
        _("Items decided"), _("Items side by side"), _("Days one after the other"), _("Days in all"), _("Days saved"),
        _("Supplements asked"), _("Visits of the applicant"), _("simulated"),
    ]  # fmt: skip
    return records.written_table(_("Approvals side by side"), heads, (
        [
            one.number, one.title, one.area.name, one.opened_at, one.closed_at, one.due_at,
            _("yes") if one.closed_at <= one.due_at else _("no"), int(one.of_items), int(one.of_together),
            *(round(float(value), 1) for value in (one.of_serial_days, one.of_elapsed_days, one.of_saved_days)),
            int(one.of_supplements), int(one.of_visits), _("yes") if one.origin else "",
        ]
        for one in rows
    ))  # fmt: skip
