"""Pages: the roster of a month by clicking and by Excel, one shift with its log, hand-over and swap; who is on duty."""

from __future__ import annotations

import calendar
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any
from urllib.parse import quote

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.http import require_POST

from shizhu.engines.cases import duties, flows, rosters
from shizhu.engines.cases.assignment import role_names
from shizhu.engines.cases.duties import EDIT, VIEW, CannotBe
from shizhu.engines.cases.models import Duty, Handover, Swap
from shizhu.engines.records import api as records
from shizhu.kernel import access, overlays, spans
from shizhu.kernel.models import Area, Person, Role
from shizhu.kernel.text import label, named
from shizhu.lib.numbers import whole
from shizhu.web.middleware import Request
from shizhu.web.views import Card

BEGINS, ENDS = "08:30", "08:30"
SOON, MINE = timedelta(days=45), 5  # shifts to come that are listed


def _roles(request: Request) -> list[tuple[str, str]]:
    """Roles of packs and of the county that somebody holds here."""
    held = Role.objects.filter(posts__area__county=request.county).exclude(pk__startswith="kernel.").distinct()
    return sorted(((role.pk, label(role.name)) for role in held), key=lambda one: one[1])


def _areas(request: Request) -> list[Area]:
    """County and towns where the person may see a roster."""
    scopes = request.actor.granting(VIEW)
    rows = Area.objects.filter(county=request.county).exclude(level=Area.Level.VILLAGE).order_by("path")
    return [area for area in rows if any(area.path.startswith(scope.area_path) for scope in scopes)]


class Asked:
    """Which roster: role, area and month, as far as there are any."""

    def __init__(self, request: Request) -> None:
        access.require_verb(request.actor, VIEW)
        given = request.POST or request.GET
        self.roles, self.areas = _roles(request), _areas(request)
        keys, codes = [key for key, _title in self.roles], {area.code: area for area in self.areas}
        running = duties.on_duty(request.county.pk).values_list("role", flat=True).first()
        self.role = given.get("role", "") if given.get("role") in keys else (running or next(iter(keys), ""))
        self.area = codes.get(given.get("area", "")) or next(iter(self.areas), None)
        if given.get("area") and given["area"] not in codes:
            raise PermissionDenied(f"{request.actor.name} sees no roster of {given['area']}")
        self.month = spans.month(given.get("month", ""), timezone.localdate())

    @property
    def title(self) -> str:
        """The role's name."""
        return dict(self.roles).get(self.role, "")


def _shifts(request: Request, asked: Asked) -> list[Duty]:
    span = spans.of_month(asked.month)
    rows = Duty.objects.filter(
        county=request.county, role=asked.role, area=asked.area, begins__gte=span.start, begins__lt=span.end
    )
    return list(access.rows(rows, request.actor, VIEW).select_related("person").order_by("begins", "pk"))


def roster(request: Request) -> HttpResponse:
    """A month of duty of a role in an area; a click on a day puts the chosen person on it."""
    asked = Asked(request)
    problem = ""
    if request.method == "POST":
        try:
            _click(request, asked)
        except CannotBe as error:
            problem = str(error)
    return render(request, "cases/roster.html", {**_shown(request, asked), "problem": problem})


def _click(request: Request, asked: Asked) -> None:
    if request.POST.get("off"):
        duties.take_off(request.actor, _own(request, request.POST["off"]).pk)
        return
    person = _person(request.POST.get("person", ""))
    if asked.area is None:
        raise CannotBe(_("Choose a person."))
    try:
        day = date.fromisoformat(request.POST.get("put", ""))
        begins, ends = rosters.span(day, request.POST.get("begins", ""), request.POST.get("ends", ""))
    except ValueError:
        raise CannotBe(_("Give the times such as 08:30.")) from None
    duties.put(request.actor, duties.Shift(asked.role, asked.area, person, begins, ends))


def _own(request: Request, number: str) -> Duty:
    rows = Duty.objects.select_related("organisation", "area", "person")
    return get_object_or_404(rows, pk=whole(number), county=request.county)


def _shown(request: Request, asked: Asked) -> dict[str, Any]:
    today, now = timezone.localdate(), timezone.now()
    by_day: dict[date, list[Duty]] = {}
    for duty in _shifts(request, asked):
        by_day.setdefault(timezone.localtime(duty.begins).date(), []).append(duty)
    month = asked.month.month
    weeks = [
        [
            {"day": day, "is_here": day.month == month, "is_today": day == today, "duties": by_day.get(day, [])}
            for day in week
        ]
        for week in calendar.Calendar().monthdatescalendar(asked.month.year, month)
    ]
    people = duties.holders(request.county.pk, asked.role, asked.area) if asked.area and asked.role else []
    roles = role_names()
    mine = Duty.objects.filter(person=request.user, ends__gt=now, begins__lt=now + SOON).select_related("area")
    return {
        "asked": asked, "weeks": weeks, "people": people, "may_edit": _may_edit(request, asked),
        "chosen": request.POST.get("person", ""), "begins": request.POST.get("begins", BEGINS),
        "ends": request.POST.get("ends", ENDS), "now": now, "on_duty": on_duty(request),
        **dict(zip(("before", "after"), spans.beside(asked.month), strict=True)),
        "mine": [{"duty": one, "role": roles.get(one.role, one.role)} for one in mine[:MINE]],
        "to_take": Handover.objects.filter(to=request.user, taken_at=None).select_related("duty__person", "duty__area"),
        "swaps": Swap.objects.filter(asked_of=request.user, answered_at=None)
        .select_related("duty__area", "back", "asked_by"),
    }  # fmt: skip


def _may_edit(request: Request, asked: Asked) -> bool:
    """Whether some organisation's people can be put on duty there; the move itself asks for each."""
    found = request.actor.granting(EDIT)
    return asked.area is not None and any(asked.area.path.startswith(scope.area_path) for scope in found)


def on_duty(request: Request) -> list[dict[str, Any]]:
    """Who is on duty now, as far as the person may see."""
    rows, roles = access.rows(duties.on_duty(request.county.pk), request.actor, VIEW), role_names()
    return [
        {"duty": one, "role": roles.get(one.role, one.role), "is_me": one.person_id == request.user.pk} for one in rows
    ]


def card(request: Request) -> Card | None:
    """Who is on duty now, and what of it concerns the person, on the home page."""
    if not request.actor.has(VIEW):
        return None
    shown = on_duty(request)
    to_take = Handover.objects.filter(to=request.user, taken_at=None).select_related("duty__person")
    swaps = Swap.objects.filter(asked_of=request.user, answered_at=None).count()
    if not shown and not to_take and not swaps:
        return None
    return Card("cases/duty_card.html", {"shown": shown, "to_take": to_take, "swaps": swaps})


def holidays_card(request: Request) -> Card | None:
    """From November on, for who runs the county: deadlines of next year do not know its holidays yet."""
    if not access.has_county(request.actor, overlays.EDIT, request.county.pk):
        return None
    year = flows.hours_of(request.county.pk).unknown(timezone.localdate())
    return Card("cases/holidays_card.html", {"year": year}) if year else None


def as_excel(request: Request) -> HttpResponse:
    """The month as Excel: to send on, or to fill in and send back."""
    asked = Asked(request)
    name = f"{asked.title}-{named(asked.area) if asked.area else ''}-{asked.month:%Y-%m}"
    body = rosters.written(_shifts(request, asked), asked.title[:28] or _("Duty roster"))
    told = f"attachment; filename=\"duty-{asked.month:%Y-%m}.xlsx\"; filename*=UTF-8''{quote(name)}.xlsx"
    return HttpResponse(body, content_type=records.XLSX, headers={"Content-Disposition": told})


@require_POST
def from_excel(request: Request) -> HttpResponse:
    """A table of shifts: all are put on the roster, or none, with what is wrong row by row."""
    asked = Asked(request)
    if not _may_edit(request, asked) or asked.area is None:
        raise PermissionDenied
    context: dict[str, Any] = {}
    try:
        found, faults = _table(request, asked.role, asked.area)
        if faults or not found:
            context = {"faults": faults, "is_empty": not faults}
        else:
            made = duties.put_all(request.actor, found)
            messages.success(request, _("%d shifts are on the roster.") % len(made))
            return redirect(f"/duty/?role={asked.role}&area={asked.area.code}&month={found[0].begins:%Y-%m}")
    except (CannotBe, records.Unreadable) as error:
        context = {"problem": str(error)}
    return render(request, "cases/roster.html", {**_shown(request, asked), **context}, status=422)


def _table(request: Request, role: str, area: Area) -> tuple[list[duties.Shift], list[rosters.Fault]]:
    sent: Any = request.FILES.get("table")
    if sent is None:
        raise CannotBe(_("Choose a table."))
    return rosters.read(records.sent_rows(sent), role, area)


def _seen(request: Request, number: int) -> Duty:
    """A shift that the person may see: by right, or because it is or may become theirs."""
    duty = _own(request, str(number))
    mine = request.user.pk
    concerned = {duty.person_id, *duty.swaps.values_list("asked_of", flat=True)}
    concerned |= set(Handover.objects.filter(duty=duty).values_list("to", flat=True))
    if mine not in concerned:
        access.require(request.actor, VIEW, duty)
    return duty


def shift(request: Request, number: int) -> HttpResponse:
    """One shift: its log, what is open, handing over and swapping."""
    duty = _seen(request, number)
    is_mine, now = duty.person_id == request.user.pk, timezone.now()
    handover = Handover.objects.filter(duty=duty).select_related("to").first()
    others = [one for one in duties.holders(duty.county_id, duty.role, duty.area) if one.pk != duty.person_id]
    theirs = Duty.objects.filter(role=duty.role, area=duty.area, begins__gt=now, person__in=others)
    context = {
        "duty": duty, "role": role_names().get(duty.role, duty.role), "handover": handover,
        "notes": duty.notes.select_related("person"),
        "is_mine": is_mine, "has_begun": duty.begins <= now, "is_over": duty.ends <= now, "others": others,
        "matters": duties.open_matters(request.actor, duty) if is_mine and handover is None else [],
        "theirs": theirs.select_related("person").order_by("begins")[:60],
        "swaps": duty.swaps.select_related("asked_of", "asked_by", "back"),
        "may_take": handover is not None and handover.to_id == request.user.pk and handover.taken_at is None,
    }  # fmt: skip
    return render(request, "cases/shift.html", context)


MOVED = {  # what is said of a move that was made
    "note": gettext_noop("Written into the log."),
    "hand": gettext_noop("Handed over. The shift changes hands once it is taken over."),
    "take": gettext_noop("Taken over."),
    "swap": gettext_noop("Asked. Nothing changes until it is agreed to."),
    "agree": gettext_noop("Agreed, and changed in the roster."),
    "refuse": gettext_noop("Refused. The roster stays as it was."),
}


@require_POST
def act(request: Request, number: int) -> HttpResponse:
    """One of the moves of a shift; what does not fit is said, and nothing is changed."""
    duty = _seen(request, number)
    who, text = request.actor, request.POST.get("text", "")
    moves: dict[str, Callable[[], Any]] = {
        "note": lambda: duties.note(who, duty.pk, text),
        "hand": lambda: duties.hand_over(who, duty.pk, _person(request.POST.get("person", "")), text),
        "take": lambda: duties.take_over(who, get_object_or_404(Handover, duty=duty).pk),
        "swap": lambda: duties.ask_swap(who, duty.pk, *_wanted(request), why=text),
        "agree": lambda: duties.answer_swap(who, _open_swap(duty).pk, is_agreed=True),
        "refuse": lambda: duties.answer_swap(who, _open_swap(duty).pk, is_agreed=False),
    }
    do = request.POST.get("do", "")
    if do not in moves:
        raise Http404(do)
    try:
        moves[do]()
    except CannotBe as error:
        messages.warning(request, str(error))
    else:
        messages.success(request, _(MOVED[do]))
    return redirect("duty:shift", duty.pk)


def _open_swap(duty: Duty) -> Swap:
    return get_object_or_404(Swap, duty=duty, answered_at=None)


def _person(login: str) -> Person:
    found = Person.objects.filter(username=login, is_active=True).first()
    if found is None:
        raise CannotBe(_("Choose a person."))
    return found


def _wanted(request: Request) -> tuple[Person, int]:
    """Whom a swap is asked of, and the shift in return: `login` or `login/number`."""
    login, _slash, back = request.POST.get("of", "").partition("/")
    return _person(login), whole(back)
