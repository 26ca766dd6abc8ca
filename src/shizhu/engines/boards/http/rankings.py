"""Pages: the rankings of the county, a view of one for a month, sorted and as Excel."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from shizhu.engines.boards import rankings
from shizhu.engines.boards.boards import VIEW
from shizhu.engines.records import api as records
from shizhu.kernel import access, spans
from shizhu.kernel.packs import Body
from shizhu.kernel.text import label
from shizhu.web.middleware import Request


def page(request: Request, key: str) -> HttpResponse:
    """One view (`view`) of a `month`; `sort` by a number, `as=xlsx` sends it."""
    access.require_verb(request.actor, VIEW)
    month = spans.month(request.GET.get("month", ""), timezone.localdate())
    try:
        found = rankings.Ranking(
            key, request.GET.get("view", ""), request.actor, request.county.pk, rankings.end_of(month)
        )
    except rankings.NoRanking:
        raise Http404(key) from None
    except PermissionError:
        raise PermissionDenied from None
    if request.GET.get("as") == "xlsx":
        name = f"{key}-{found.view['key']}-{month:%Y-%m}.xlsx"
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        heads, rows = found.table()
        sheet = records.written_table(label(found.view["title"])[:31], heads, rows)
        return HttpResponse(sheet, content_type=records.XLSX, headers=headers)
    sort = request.GET.get("sort", "")
    numbers = [_head(one, sort) for one in found.view["numbers"]]
    before, after = spans.beside(month)
    context = {
        "ranking": found, "key": key, "title": label(found.body["title"]), "note": label(found.body.get("note")),
        "views": [(one["key"], label(one["title"])) for one in found.body["views"]], "rows": found.sorted(sort),
        "numbers": numbers, "month": month, "before": before, "after": after,
        "what": label(found.view["what"]), "told": list(found.told()),
    }  # fmt: skip
    return render(request, "boards/ranking.html", context)


def _head(one: Body, sort: str) -> dict[str, str]:
    """The head of a column, with the way to sort by it: the largest first, then the smallest."""
    key, falling = one["key"], f"-{one['key']}"
    sorted_ = {falling: "descending", key: "ascending"}.get(sort, "")
    return {"title": rankings.titled(one), "next": key if sort == falling else falling, "sorted": sorted_}
