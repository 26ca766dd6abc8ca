"""Office pages of labels: which there are, how much came by each, new ones, sheets to print."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Count, Max, Q, QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from shizhu.engines.cases import concerns, desks
from shizhu.engines.cases.acting import CannotNow
from shizhu.engines.cases.http import views
from shizhu.engines.cases.models import Case, Concern, Label
from shizhu.engines.records import api as records
from shizhu.kernel import access
from shizhu.kernel.models import Area
from shizhu.lib.numbers import whole
from shizhu.web.codes import qr
from shizhu.web.middleware import Request

PAGE, SHEET, AT_ONCE = 50, 200, 500


def _visible(request: Request, verb: str = desks.VIEW) -> QuerySet[Label]:
    labels = Label.objects.filter(county=request.county).select_related("area", "organisation", "replaced_by", "county")
    return access.rows(labels, request.actor, verb)


def index(request: Request) -> HttpResponse:
    """The labels that somebody may see, with how many reports came by each; withdrawn ones if asked for."""
    access.require_verb(request.actor, desks.VIEW)
    known = desks.desks(request.county.pk)
    desk = known.get(request.GET.get("desk", ""))
    labels = _visible(request)
    if desk:
        labels = labels.filter(desk=desk.key)
    with_old = "old" in request.GET
    if not with_old:
        labels = labels.filter(withdrawn_at=None)
    is_open = Q(concerns__case__status=Case.Status.OPEN)
    labels = labels.annotate(
        total=Count("concerns"), waiting=Count("concerns", filter=is_open), last=Max("concerns__made_at")
    ).order_by("-waiting", "-total", "pk")
    page = Paginator(labels, PAGE).get_page(request.GET.get("page"))
    context = {
        "rows": [_row(label, known) for label in page], "page": page, "desks": known.values(), "desk": desk,
        "with_old": with_old, "may_edit": request.actor.has(desks.EDIT), "total": page.paginator.count,
        "kept": "".join([f"desk={desk.key}&" if desk else "", "old=1&" if with_old else ""]),
        "towns": Area.objects.towns(request.county),
    }  # fmt: skip
    return render(request, "cases/labels.html", context)


def _row(label: Any, known: dict[str, desks.Desk]) -> dict[str, Any]:
    seen = desks.seen(label)
    return {
        "label": label, "title": seen.title if seen else label.name or label.key, "is_gone": seen is None,
        "desk": known.get(label.desk),
    }  # fmt: skip


@require_POST
def new(request: Request) -> HttpResponse:
    """Labels for all objects of a desk's register that have none, or one for a place with a name."""
    desk = desks.desks(request.county.pk).get(request.POST.get("desk", ""))
    if desk is None:
        raise Http404
    try:
        made = _all(request, desk) if desk.register else [_one(request, desk)]
    except CannotNow as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("Labels made: %d") % len(made))
    return redirect(f"{reverse('labels:index')}?desk={desk.key}")


def _one(request: Request, desk: desks.Desk) -> Label:
    area = Area.objects.filter(county=request.county, code=request.POST.get("area", "")).first()
    try:
        longitude, latitude = (float(request.POST.get(name, "")) for name in ("longitude", "latitude"))
        point = (longitude, latitude) if -180 <= longitude <= 180 and -90 <= latitude <= 90 else None
    except ValueError:
        point = None
    return desks.make(request.actor, request.county.pk, desk, name=request.POST.get("name", ""), area=area, point=point)


def _all(request: Request, desk: desks.Desk) -> list[Label]:
    county = request.county.pk
    there = set(Label.objects.filter(county=county, desk=desk.key, withdrawn_at=None).values_list("key", flat=True))
    made = list[Label]()
    for entry in records.scan(request.actor, county, desk.register, records.Query()):
        if entry.key in there or len(made) >= AT_ONCE:
            continue
        try:
            made.append(desks.make(request.actor, county, desk, key=entry.key))
        except PermissionDenied:
            continue  # it is shown to them, but its labels are not theirs
    if not made:
        raise CannotNow(_("Every object that is yours has a label."))
    return made


@require_POST
def act(request: Request, number: int) -> HttpResponse:
    """Withdraw a label, or make one that takes its place."""
    label = get_object_or_404(_visible(request), pk=number)
    try:
        if request.POST.get("act") == "replace":
            made = desks.replace(request.actor, label.pk)
            messages.success(request, _("The label is now %s. Print it; the old code leads to it.") % made.code)
        else:
            desks.withdraw(request.actor, label.pk)
            messages.success(request, _("The label is withdrawn. Who scans it is told so."))
    except CannotNow as error:
        messages.error(request, str(error))
    return redirect(f"{reverse('labels:index')}?desk={label.desk}")


def sheet(request: Request) -> HttpResponse:
    """A sheet (A4) of labels with their codes: those chosen, else all of a desk."""
    access.require_verb(request.actor, desks.VIEW)
    labels = _visible(request).filter(withdrawn_at=None)
    chosen = [number for one in request.GET.getlist("of") if (number := whole(one))][:SHEET]
    labels = labels.filter(pk__in=chosen) if chosen else labels.filter(desk=request.GET.get("desk", ""))
    return render(request, "cases/label_sheet.html", {"labels": list(_printed(request, labels[:SHEET]))})


def _printed(request: Request, labels: Iterable[Label]) -> Iterable[dict[str, Any]]:
    for label in labels:
        seen = desks.seen(label)
        if seen:
            address = request.build_absolute_uri(reverse("door:label", args=[label.code]))
            yield {"seen": seen, "label": label, "code": qr(address)}


@require_POST
def phone(request: Request, number: int, concern: str) -> HttpResponse:
    """The phone number of who reported, whole, for a purpose that is kept with the case."""
    found = get_object_or_404(
        Concern.objects.select_related("case__organisation", "case__area"), number=concern, case=number,
        county=request.county,
    )  # fmt: skip
    access.require(request.actor, concerns.UNMASK, found.case)
    purpose, why = request.POST.get("purpose", ""), request.POST.get("reason", "").strip()[:200]
    if purpose not in records.PURPOSES or not why:
        messages.error(request, _("Say what you need the number for, and the reason."))
        return redirect("cases:detail", number)
    return views.case_detail(request, number, {found.number: concerns.look(request.actor, found, purpose, why)})
