"""Announcements: an administrator tells roles in an area something, and sees who has read it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib import messages
from django.db import transaction
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from shizhu.kernel import access
from shizhu.kernel.access import Actor
from shizhu.kernel.models import Area, Notice, Organisation, Person, Post, Receipt, Role
from shizhu.kernel.text import label, named
from shizhu.web import search
from shizhu.web.middleware import Request
from shizhu.web.search import Asked, Group, Hit
from shizhu.web.views import Card

SEND = "kernel.notice.send"
SHOWN = 100


def mine(request: Request) -> QuerySet[Receipt]:
    """What I was told and what still stands, unread first."""
    found = request.user.receipts.filter(notice__withdrawn_at__isnull=True).select_related("notice__author")
    return found.order_by(F("read_at").desc(nulls_first=True), "-notice__sent_at")


def unread(request: Request) -> int:
    """How many of them wait to be read."""
    return request.user.receipts.filter(read_at__isnull=True, notice__withdrawn_at__isnull=True).count()


def card(request: Request) -> Card | None:
    """Unread notices on the home page."""
    rows = list(mine(request).filter(read_at__isnull=True)[:5])
    return Card("shizhu/notices_card.html", {"rows": rows}) if rows else None


def find(who: Actor, county: str, asked: Asked) -> list[Group]:
    """What the search of all things finds: notices that the person wrote, or was told and that still stand."""
    if who.person_id is None:
        return []
    told = Receipt.objects.filter(notice=OuterRef("pk"), person=who.person_id)
    seen = Q(author=who.person_id) | (Q(withdrawn_at=None) & Exists(told))
    rows = Notice.objects.filter(seen, county=county).select_related("author").order_by("-sent_at", "-pk")

    def hit(row: Notice) -> Hit:
        beside = (row.author.name, named(row.area), f"{timezone.localtime(row.sent_at):%Y-%m-%d %H:%M}")
        withdrawn = (_("withdrawn"),) if row.withdrawn_at else ()
        return Hit(
            reverse("notice", args=[row.pk]), row.title, search.around(row.body, asked.words), (*beside, *withdrawn)
        )

    title = label({"zh": "通知", "en": "Notices"})
    return [search.group("notices", title, "speakerphone", rows, ("title", "body"), asked, hit)]


def places(request: Request) -> dict[str, Area]:
    """Areas, by code, where the person may tell everybody something."""
    top = Organisation.objects.get(county=request.county, code=request.county.pk)
    areas = Area.objects.filter(county=request.county, level__in=(Area.Level.COUNTY, Area.Level.TOWN)).order_by("path")
    return {
        area.code: area for area in areas
        if access.may(request.actor, SEND, county=request.county.pk, organisation=top, area=area)
    }  # fmt: skip


class NoticeForm(forms.Form):
    """What is told, and to whom."""

    title = forms.CharField(max_length=80, label=gettext_lazy("Title"))
    body = forms.CharField(max_length=4000, widget=forms.Textarea, label=gettext_lazy("Text"))
    area = forms.ChoiceField(label=gettext_lazy("Area"))
    roles = forms.MultipleChoiceField(required=False, label=gettext_lazy("Roles"))

    def __init__(self, request: Request, areas: Mapping[str, Area], *args: Any) -> None:
        super().__init__(*args)
        self.fields["area"].choices = [(code, named(area)) for code, area in areas.items()]  # type: ignore[attr-defined]
        held = Role.objects.filter(posts__person__county=request.county).distinct()
        self.fields["roles"].choices = sorted(((r.pk, label(r.name)) for r in held), key=lambda one: one[1])  # type: ignore[attr-defined]


def addressed(county: str, area: Area, roles: list[str]) -> QuerySet[Person]:
    """People who hold one of the roles (none: any role) today somewhere in the area."""
    posts = Post.objects.current(timezone.localdate()).filter(area__county_id=county, area__path__startswith=area.path)
    if roles:
        posts = posts.filter(role__in=roles)
    return Person.objects.filter(pk__in=posts.values("person"), is_active=True)


def index(request: Request) -> HttpResponse:
    """GET /notices/: mine; for who sends, what was sent and how many read it."""
    sent = Notice.objects.none()
    if request.actor.has(SEND):
        sent = Notice.objects.filter(county=request.county, author=request.user).annotate(
            told=Count("receipts"), read=Count("receipts", filter=Q(receipts__read_at__isnull=False))
        )
    context = {"rows": mine(request)[:SHOWN], "sent": sent[:SHOWN], "may_send": request.actor.has(SEND)}
    return render(request, "shizhu/notices.html", context)


def page(request: Request, number: int) -> HttpResponse:
    """GET /notices/N/: for whom it concerns, and its author with the receipts."""
    notice = get_object_or_404(Notice.objects.select_related("author", "area"), pk=number, county=request.county)
    receipt = notice.receipts.filter(person=request.user).first()
    is_author = notice.author_id == request.user.pk
    if not is_author and (receipt is None or notice.withdrawn_at):
        raise Http404
    receipts = notice.receipts.select_related("person").order_by("read_at", "person__sort_key") if is_author else None
    roles = Role.objects.filter(pk__in=notice.roles)
    context = {
        "notice": notice, "receipt": receipt, "receipts": receipts, "is_author": is_author,
        "roles": "、".join(label(role.name) for role in roles),
    }  # fmt: skip
    return render(request, "shizhu/notice.html", context)


@require_POST
def read(request: Request, number: int) -> HttpResponse:
    """I have read it."""
    receipt = get_object_or_404(Receipt, notice=number, person=request.user, notice__withdrawn_at__isnull=True)
    if receipt.read_at is None:
        receipt.read_at = timezone.now()
        receipt.save(update_fields=["read_at"])
    return redirect("notices")


def new(request: Request) -> HttpResponse:
    """GET and POST /notices/new."""
    access.require_verb(request.actor, SEND)
    areas = places(request)
    form = NoticeForm(request, areas, request.POST or None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        area = areas[given["area"]]
        people = addressed(request.county.pk, area, given["roles"])
        if people:
            with transaction.atomic():
                made = Notice.objects.create(
                    county=request.county, area=area, roles=given["roles"], title=given["title"], body=given["body"],
                    author=request.user,
                )  # fmt: skip
                Receipt.objects.bulk_create(Receipt(notice=made, person=person) for person in people)
            messages.success(request, _("Sent to %(count)s people.") % {"count": len(people)})
            return redirect("notice", made.pk)
        form.add_error("roles", _("Nobody holds such a post there; nothing was sent."))
    return render(request, "shizhu/notice_new.html", {"form": form, "chosen": form["roles"].value() or []})


@require_POST
def withdraw(request: Request, number: int) -> HttpResponse:
    """Take one's own notice back; who read it stays on record."""
    notice = get_object_or_404(Notice, pk=number, author=request.user, withdrawn_at__isnull=True)
    notice.withdrawn_at = timezone.now()
    notice.save(update_fields=["withdrawn_at"])
    messages.success(request, _("Withdrawn: nobody sees it any more."))
    return redirect("notices")
