"""Pages of the stock book: what lies where, its movements, and the form that writes one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from shizhu.engines.cases import stock
from shizhu.engines.cases.models import DRILL, Case, Movement
from shizhu.engines.cases.stock import CASE, MOVE, VIEW, CannotMove
from shizhu.engines.records import api as records
from shizhu.kernel import access
from shizhu.lib.numbers import whole
from shizhu.web.middleware import Request

KINDS = {
    "receive": gettext_noop("Receive"), "issue": gettext_noop("Issue from stock"), "move": gettext_noop("Move"),
    "return": gettext_noop("Bring back"), "write_off": gettext_noop("Write off"),
}  # fmt: skip
SHOWN = 100


def index(request: Request) -> HttpResponse:
    """The books of the county; where there is one alone, that."""
    access.require_verb(request.actor, VIEW)
    found = stock.books(request.county.pk)
    if len(found) == 1:
        return redirect(f"/stock/{next(iter(found))}/?{request.GET.urlencode()}")
    return render(request, "cases/stocks.html", {"books": found.items()})


def book(request: Request, key: str) -> HttpResponse:
    """One book; what does not fit it is said, and nothing is changed."""
    access.require_verb(request.actor, VIEW)
    body = stock.books(request.county.pk).get(key)
    if body is None:
        raise Http404(key)
    chosen = request.GET.get("case", "")
    typed = {"kind": "issue" if chosen else "receive", "quantity": "1", "case": chosen}
    if request.method == "POST":
        typed = request.POST.dict()
        try:
            stock.move(request.actor, request.county.pk, _wanted(request, key))
        except CannotMove as error:
            messages.warning(request, str(error))
        else:
            messages.success(request, _("Written into the book, with your name."))
            return redirect(request.get_full_path())
    places = {(register, one.key): one for register in body["places"] for one in _rows(request, register)}
    articles = list(_rows(request, body["articles"]))
    lines = list(stock.held(request.actor, request.county.pk, key))
    cases = {str(case.pk): case for case in _cases(request)}
    units = {one.key: one.data.get(body["unit"], "") for one in articles}
    named = {line.article: line.title for line in lines} | {one.key: one.title for one in articles}
    groups = [
        {"title": place.title, "key": place.key, "url": f"/records/{register}/{place.id}/",
         "lines": [line for line in lines if (line.register, line.place) == (register, place.key)]}
        for (register, _key), place in places.items()
    ]  # fmt: skip
    groups += [
        {"title": f"{case.number} {case.title}", "key": "", "url": f"/cases/{number}/",
         "lines": [line for line in lines if (line.register, line.place) == (CASE, number)]}
        for number, case in cases.items()
    ]  # fmt: skip
    context = {
        "key": key, "body": body, "groups": [one for one in groups if one["lines"]], "articles": articles,
        "places": [(f"{register}/{place.key}", place.title) for (register, _key), place in places.items()],
        "cases": cases.values(),
        "kinds": [(kind, _(title)) for kind, title in KINDS.items()], "typed": typed,
        "may_move": request.actor.has(MOVE), "movements": list(_movements(request, key, named, units, places)),
    }  # fmt: skip
    return render(request, "cases/stock.html", context, status=422 if request.method == "POST" else 200)


def _rows(request: Request, register: str) -> Iterator[records.Entry]:
    try:
        yield from records.scan(request.actor, request.county.pk, register, records.Query())
    except records.UnknownRegister:
        return


def _cases(request: Request) -> list[Case]:
    """Cases that something may be issued to, or was."""
    rows = Case.objects.filter(county=request.county)
    seen = access.rows(rows, request.actor, "cases.case.view")
    open_ones = seen.filter(status=Case.Status.OPEN).order_by("-opened_at")[:SHOWN]
    drawn = seen.filter(movements__isnull=False).distinct()
    return list({case.pk: case for case in (*open_ones, *drawn)}.values())


def _movements(
    request: Request,
    key: str,
    named: Mapping[str, str],
    units: Mapping[str, str],
    places: Mapping[tuple[str, str], records.Entry],
) -> Iterator[dict[str, Any]]:
    rows = Movement.objects.filter(county=request.county, book=key, article__in=named).select_related("person", "case")

    def place(register: str, key: str, case: Case | None) -> str:
        if register == CASE:
            return f"{'【演练】' if case.origin == DRILL else ''}{case.number}" if case else key
        return places[register, key].title if (register, key) in places else key

    for row in rows[:SHOWN]:
        yield {
            "row": row, "kind": _(KINDS[row.kind]), "article": named[row.article],
            "unit": units.get(row.article, ""),
            "source": place(row.source_register, row.source, row.case),
            "target": place(row.target_register, row.target, row.case),
        }  # fmt: skip


def _wanted(request: Request, key: str) -> stock.Wanted:
    given = request.POST
    try:
        quantity = Decimal(given.get("quantity", ""))
    except InvalidOperation:
        quantity = Decimal(0)
    if not quantity.is_finite():
        quantity = Decimal(0)

    def end(name: str) -> tuple[str, str]:
        register, _slash, place = given.get(name, "").partition("/")
        return register, place

    return stock.Wanted(
        key, given.get("kind", ""), given.get("article", ""), quantity, end("source"), end("target"),
        whole(given.get("case", "")), given.get("note", ""),
    )  # fmt: skip
