"""Pages of tests of contacts (拨测): the last of each plan, one with every contact, how often the county tests."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.http import require_POST

from shizhu.engines.cases import rollcalls
from shizhu.engines.cases.models import RollCall
from shizhu.engines.cases.rollcalls import BEGIN, RESULTS, VIEW, CannotCall, Result
from shizhu.engines.records import api as records
from shizhu.kernel import access
from shizhu.kernel.text import label
from shizhu.lib.numbers import whole
from shizhu.web.middleware import Request

EVERY = {
    "month": gettext_noop("every month"), "quarter": gettext_noop("every quarter"),
    "never": gettext_noop("never by itself"),
}  # fmt: skip
COLOURS: dict[str, str] = {
    Result.ANSWERED: "green", Result.WRONG: "red", Result.EMPTY: "red", Result.SILENT: "orange",
}  # fmt: skip


def index(request: Request) -> HttpResponse:
    """Every row whose contacts are tested, with its last test; POST says how often the county tests."""
    access.require_verb(request.actor, VIEW)
    county = request.county.pk
    if request.method == "POST":
        return _set(request)
    groups: list[dict[str, Any]] = [
        {"key": key, "body": body, "lasts": rollcalls.lasts(request.actor, county, key),
         "every": rollcalls.timetable(county, key).every, "words": rollcalls.words_of(request.county, body)}
        for key, body in rollcalls.declared(county).items()
    ]  # fmt: skip
    if request.GET.get("as") == "xlsx":
        tests = [one.test for group in groups for one in group["lasts"] if one.test]
        return _excel(tests, "contacts")
    context = {
        "groups": groups, "may_set": rollcalls.may_set(request.actor, county),
        "every": [(value, _(text)) for value, text in EVERY.items()],
    }  # fmt: skip
    return render(request, "cases/rollcalls.html", context)


def _set(request: Request) -> HttpResponse:
    key = request.POST.get("key", "")
    try:
        rollcalls.set_timetable(request.actor, request.county.pk, key, request.POST.get("every", ""))
    except CannotCall as error:
        messages.warning(request, str(error))
    else:
        messages.success(request, _("Kept. It holds from the next month or quarter on."))
    return redirect("rollcalls:index")


@require_POST
def begin(request: Request) -> HttpResponse:
    """Call the contacts of a row now."""
    key = request.POST.get("key", "")
    if key not in rollcalls.declared(request.county.pk):
        raise Http404(key)
    try:
        made = rollcalls.begin(request.actor, request.county.pk, key, whole(request.POST.get("record", "")))
    except records.NoRecord:
        raise Http404 from None
    except CannotCall as error:
        messages.warning(request, str(error))
        return redirect("rollcalls:index")
    return redirect("rollcalls:page", made.pk)


def page(request: Request, number: int) -> HttpResponse:
    """One test: the share reached, the minutes to nine in ten, and each contact."""
    rows = RollCall.objects.select_related("area", "by", "case").filter(county=request.county)
    test = get_object_or_404(rows, pk=number)
    access.require(request.actor, VIEW, test)
    if request.GET.get("as") == "xlsx":
        return _excel([test], f"contacts-{test.pk}")
    body = rollcalls.declared(request.county.pk).get(test.key)
    lines = [{**rollcalls.shown(one), "colour": COLOURS.get(one.result, "none")}
             for one in test.called.all()]  # fmt: skip
    counts = [
        (label(names), sum(line["called"].result == result for line in lines), COLOURS.get(result, "none"))
        for result, names in RESULTS.items()
    ]  # fmt: skip
    context = {
        "test": test, "lines": lines, "standing": rollcalls.standing(test), "body": body,
        "counts": [one for one in counts if one[1]], "register": body["of"] if body else "",
        "may_begin": body and test.ended_at and access.may(
            request.actor, BEGIN, county=test.county_id, organisation=test.organisation, area=test.area
        ),
        "earlier": rollcalls.seen(request.actor, request.county.pk).filter(key=test.key, record=test.record).exclude(
            pk=test.pk
        )[:5],
    }  # fmt: skip
    return render(request, "cases/rollcall.html", context)


def _excel(tests: Iterable[RollCall], name: str) -> HttpResponse:
    heads = [
        _("Emergency plan"), _("Tested at"), _("Share confirmed in percent"), _("Minutes to nine in ten"),
        _("Entered in"), _("Duty in the plan"), _("Full name"), _("Phone"), _("Outcome of the call"),
        _("Confirmed at"), _("Confirmed by"), _("Tries"), _("simulated"),
    ]  # fmt: skip
    content = records.written_table(_("Tests of contacts"), heads, (row for test in tests for row in _rows(test)))
    headers = {"Content-Disposition": f'attachment; filename="{name}.xlsx"'}
    return HttpResponse(content, content_type=records.XLSX, headers=headers)


def _rows(test: RollCall) -> Iterator[list[Any]]:
    stands = rollcalls.standing(test)
    share = "" if stands.share is None else round(stands.share, 1)
    minutes = _("nine in ten were not reached") if stands.minutes is None else round(stands.minutes, 1)
    for line in map(rollcalls.shown, test.called.all()):
        one = line["called"]
        yield [
            test.title, test.begun_at, share, minutes, one.of, one.duty, one.name, line["address"],
            line["result"], one.answered_at, line["way"], one.tries,
            _("yes") if test.is_simulated else "",
        ]  # fmt: skip


def about_record(request: Request, entry: records.Entry) -> records.Panel | None:
    """On the page of a row whose contacts are tested: its last test, and the button for the next."""
    key = rollcalls.of_register(request.county.pk, entry.register)
    if not key or entry.is_withdrawn or not request.actor.has(VIEW):
        return None
    test = rollcalls.seen(request.actor, request.county.pk).filter(key=key, record=entry.id).first()
    context = {
        "key": key, "entry": entry, "test": test, "standing": rollcalls.standing(test) if test else None,
        "may_begin": request.actor.has(BEGIN),
    }  # fmt: skip
    return records.Panel("cases/rollcall_panel.html", context)
