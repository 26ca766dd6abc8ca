"""The ledger of petitions (申请台账): what was asked for about cases in a month, and who decided it how."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _

from shizhu.engines.cases import flows
from shizhu.engines.cases.assignment import VIEW
from shizhu.engines.cases.models import Case, Entry, Petition
from shizhu.engines.cases.timeline import ASKED
from shizhu.engines.records import api as records
from shizhu.kernel import access, spans
from shizhu.kernel.text import in_words, label
from shizhu.web.middleware import Request

PAGE = 50


@dataclass(frozen=True)
class Line:
    """A petition as it is told; `said` is the reason of who decided."""

    petition: Petition
    kind: str
    span: str
    step: str
    outcome: str  # waits, granted, refused, lapsed
    said: str


def ledger(request: Request) -> HttpResponse:
    """Petitions of a month about the cases one may see, the newest first; `kind` narrows them, `as=xlsx` sends all."""
    access.require_verb(request.actor, VIEW)
    month = spans.month(request.GET.get("month", ""), timezone.localdate())
    span, kind = spans.of_month(month), request.GET.get("kind", "")
    cases = access.rows(Case.objects.filter(county=request.county), request.actor, VIEW)
    found = Petition.objects.filter(case__in=cases, asked_at__gte=span.start, asked_at__lt=span.end)
    found = found.select_related("case__area", "task", "asked_by", "decided_by").order_by("-asked_at", "-pk")
    if kind in ASKED:
        found = found.filter(kind=kind)
    if request.GET.get("as") == "xlsx":
        headers = {"Content-Disposition": f'attachment; filename="petitions-{month:%Y-%m}.xlsx"'}
        return HttpResponse(_table(lines(found)), content_type=records.XLSX, headers=headers)
    page = Paginator(found, PAGE).get_page(request.GET.get("page"))
    before, after = spans.beside(month)
    context = {
        "lines": list(lines(page)), "page": page, "month": month, "before": before, "after": after, "kind": kind,
        "kinds": [(name, _(text)) for name, text in ASKED.items()],
    }  # fmt: skip
    return render(request, "cases/petitions.html", context)


def lines(found: Iterable[Petition]) -> Iterator[Line]:
    """Petitions with the words of their flows and of those who decided."""
    rows = list(found)
    told = Entry.objects.filter(case__in={one.case_id for one in rows}, kind="decided")
    said = {entry.data["petition"]: entry.data["why"] for entry in told}
    for one in rows:
        _flow, about = flows.version(one.case.flow, one.case.digest)
        outcome = "waits" if one.decided_at is None else "lapsed" if one.decided_by_id is None else ""
        yield Line(
            one, _(ASKED[one.kind]), in_words(one.span), label(about.names.get(one.task.step, {"zh": one.task.step})),
            outcome or ("granted" if one.is_granted else "refused"), said.get(one.pk, ""),
        )  # fmt: skip


def _table(found: Iterable[Line]) -> bytes:
    outcomes = {
        "waits": _("not decided yet"), "granted": _("granted"), "refused": _("refused"),
        "lapsed": _("no longer to be decided"),
    }  # fmt: skip
    heads = [
        _("Asked at"), _("Petition"), _("How long"), _("Reason"), _("Number"), _("Matter"), _("Town"), _("Step"),
        _("Asked by"), _("How it was decided"), _("Decided by"), _("Decided at"), _("Reason of the decision"),
        _("simulated"),
    ]  # fmt: skip
    return records.written_table(_("Ledger of petitions"), heads, (
        [
            line.petition.asked_at, line.kind, line.span, line.petition.why, line.petition.case.number,
            line.petition.case.title, line.petition.case.area.name, line.step, line.petition.asked_by.name,
            outcomes[line.outcome], line.petition.decided_by.name if line.petition.decided_by else "",
            line.petition.decided_at, line.said,
            _("yes") if line.petition.case.origin else "",
        ]
        for line in found
    ))  # fmt: skip
