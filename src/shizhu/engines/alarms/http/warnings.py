"""Pages of warnings: the list, a draft, one warning with its messages, who knows of it, and how good they were."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from itertools import islice
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from shizhu.engines.alarms import api
from shizhu.engines.alarms.http.warning_form import WORDS, WarningForm, initial
from shizhu.engines.alarms.logic.conditions import LEVELS
from shizhu.engines.alarms.models import Alarm, PublicWarning, WarningMessage
from shizhu.engines.alarms.warnings import (
    concerning,
    datasets,
    drafting,
    issuing,
    moving,
    outcomes,
    places,
    reaching,
    receipts,
)
from shizhu.engines.records import api as records
from shizhu.engines.things.api import DRILL
from shizhu.kernel import access
from shizhu.kernel.models import Area, Organisation
from shizhu.lib import speech
from shizhu.lib.numbers import whole
from shizhu.lib.sketch import sketch
from shizhu.lib.times import typed
from shizhu.web.middleware import Request
from shizhu.web.views import Card, Tile
from shizhu.wire import cap

PAGE = 50
MOST = 6  # on the home page
LIVE = ("draft", "current")
FOLLOWING = ("update", "allclear", "cancel")


def card(request: Request) -> Card | None:
    """Warnings in force, drafts that wait for this person's word, and those of rules that nobody has checked."""
    may_list = request.actor.has(issuing.VIEW)
    held = access.rows(PublicWarning.objects.filter(county=request.county), request.actor, issuing.VIEW)
    current = list(held.filter(state="current", expires_at__gt=timezone.now()).select_related("area"))
    mine, seen = concerning.told(request.user.pk or 0, request.county.pk), {one.pk for one in current}
    told = [one for one in mine if one.warning_id not in seen]
    found = drafts(request)
    waiting = list(islice((one for one in found if _may_issue(request, one)), MOST))
    of_rules = (one for one in found if one.author_id is None and _may(request, issuing.DRAFT, one.warning))
    waiting += islice(of_rules, MOST - len(waiting))
    if not current and not waiting and not told:
        return None
    real = [one for one in (*current, *(one.warning for one in told)) if one.origin != DRILL]
    worst = max((one.level for one in real), key=LEVELS.index, default="none")
    tile = Tile(len(real), _("Warnings in force"), "/alarms/warnings/" if may_list else "#warnings", worst)
    _placed([one.warning for one in told[:MOST]])
    context = {
        "current": _placed(current[:MOST]), "waiting": waiting, "told": told[:MOST], "may_list": may_list,
        "asks_doors": any(moving.asks(one, request.user.pk or 0) for one in mine),
    }  # fmt: skip
    return Card("alarms/warning_card.html", context, tiles=(tile,))


def _placed(found: list[PublicWarning]) -> list[PublicWarning]:
    """Warnings, each with the areas that it names."""
    areas = concerning.areas(found)
    for one in found:
        one.areas = areas.get(one.pk, [])  # type: ignore[attr-defined]  # for the page
    return found


def drafts(request: Request) -> list[WarningMessage]:
    """Drafts of warnings that the person may see."""
    held = access.rows(PublicWarning.objects.filter(county=request.county), request.actor, issuing.VIEW)
    rows = WarningMessage.objects.filter(state="draft", warning__in=held, warning__state__in=LIVE)
    return list(rows.select_related("warning__area", "warning__organisation", "author"))


def _may_issue(request: Request, draft: WarningMessage) -> bool:
    return draft.author_id not in {None, request.user.pk} and issuing.may_issue(request.actor, draft)


def _may(request: Request, verb: str, warning: PublicWarning) -> bool:
    return access.may(
        request.actor, verb, county=warning.county_id, organisation=warning.organisation, area=warning.area
    )


def index(request: Request) -> HttpResponse:
    """GET /alarms/warnings/: those in force and drafts; with `state=all` every one."""
    access.require_verb(request.actor, issuing.VIEW)
    is_all, asked = request.GET.get("state") == "all", request.GET.get("filter", "")
    found = access.rows(PublicWarning.objects.filter(county=request.county), request.actor, issuing.VIEW)
    if not is_all:
        found = found.filter(state__in=LIVE)
    try:
        found = records.filtered(found, asked, datasets.columns('"alarms_publicwarning"', timezone.now()))
    except records.Cql2Error as error:
        messages.error(request, _("The condition cannot be understood: %s") % error)
        found = found.none()
    page = Paginator(found.select_related("area", "organisation").order_by("-made_at", "-pk"), PAGE).get_page(
        request.GET.get("page")
    )
    for one in _placed(list(page.object_list)):
        one.state = issuing.state(one)
    context = {
        "page": page, "is_all": is_all, "condition": asked,
        "may_draft": request.actor.has(issuing.DRAFT),
    }  # fmt: skip
    return render(request, "alarms/warning_list.html", context)


def _from(request: Request) -> Organisation:
    """The organisation that a person drafts for: of the widest post that gives the right."""
    access.require_verb(request.actor, issuing.DRAFT)
    scopes = sorted(request.actor.granting(issuing.DRAFT), key=lambda scope: (len(scope.area_path), scope.role))
    own = Organisation.objects.filter(county=request.county)
    return own.get(path=scopes[0].organisation_path) if scopes else own.get(code=request.county.pk)


def _start(request: Request) -> drafting.Start:
    """What the address says of a new draft: an alarm, or a kind and a level."""
    asked = request.GET
    if number := whole(asked.get("alarm", "")):
        alarm = get_object_or_404(Alarm.objects.select_related("area", "organisation"), pk=number)
        access.require(request.actor, "alarms.alarm.view", alarm)
        kind = asked.get("kind") or drafting.of_rule(alarm.county_id, alarm.rule)
        level = asked["level"] if asked.get("level") in LEVELS else alarm.level
        return drafting.Start(kind, level, drafting.areas_of(kind, alarm), _from(request), alarm)
    kinds = drafting.kinds(request.county.pk)
    kind = asked.get("kind", next(iter(kinds), ""))
    level = asked["level"] if asked.get("level") in LEVELS else "yellow"
    return drafting.Start(kind if kind in kinds else "", level, (), _from(request))


def new(request: Request) -> HttpResponse:
    """GET and POST /alarms/warnings/new?alarm=7: a draft, prefilled from an alarm or a kind."""
    start = _start(request)
    told = drafting.prefilled(start, timezone.now())

    def keep(content: Mapping[str, Any], area: Area) -> int:
        made = issuing.propose(content, start.organisation, area, person=request.user.pk, alarm=start.alarm)
        return made.warning_id

    return _form(request, told, start.organisation, keep, alarm=start.alarm, title=_("A new warning"))


def follow(request: Request, number: int, kind: str) -> HttpResponse:
    """GET and POST: a draft of an update, a cancel or an all-clear of a warning in force."""
    warning = _seen(request, number)
    access.require(request.actor, issuing.DRAFT, warning)
    newest = warning.messages.filter(state="issued").last()
    if kind not in FOLLOWING or newest is None:
        raise Http404
    told = dict(newest.content)
    if kind != "update":
        told |= outcomes.ending(told, kind)

    def keep(content: Mapping[str, Any], _area: Area) -> int:
        return issuing.follow(number, kind, content, person=request.user.pk).warning_id

    return _form(request, told, warning.organisation, keep, warning=warning, alarm=warning.alarm, title=title_of(kind))


def edit(request: Request, number: int) -> HttpResponse:
    """GET and POST: a draft is written anew."""
    draft = get_object_or_404(WarningMessage.objects.select_related("warning__organisation"), pk=number)
    warning = _seen(request, draft.warning_id)
    access.require(request.actor, issuing.DRAFT, warning)
    version = _version(request) or draft.version

    def keep(content: Mapping[str, Any], area: Area) -> int:
        issuing.change(number, version, content, area, person=request.user.pk)
        return draft.warning_id

    return _form(
        request, draft.content, warning.organisation, keep, warning=warning, alarm=warning.alarm,
        title=_("Check the draft") if draft.kind == "alert" else title_of(draft.kind), version=version,
    )  # fmt: skip


def title_of(kind: str) -> str:
    """What a message does."""
    return {
        "alert": _("A new warning"), "update": _("Update the warning"), "cancel": _("Cancel the warning"),
        "allclear": _("All clear"),
    }[kind]  # fmt: skip


def _version(request: Request) -> int:
    return whole(request.POST.get("version", ""))


def _form(
    request: Request, told: Mapping[str, Any], organisation: Organisation, keep: Any, **context: Any
) -> HttpResponse:
    county = request.county.pk
    form = WarningForm(county, request.POST or None, initial=initial(told))
    if request.POST.get("do") == "fill":
        form.may_lack_words()
    if request.method == "POST" and form.is_valid():
        try:
            content = form.content(told, is_kept=request.POST.get("do") != "fill")
            if request.POST.get("do") == "fill":
                body = drafting.kinds(county).get(content["kind"])
                content = drafting.rekinded(content, body, county, context.get("alarm"))
                form = WarningForm(county, initial=initial(content))
            else:
                content = drafting.in_step(content, form.cleaned_data["shown"], county, context.get("alarm"))
                drafting.checked(county, content, timezone.now())
                drafting.heard(county, content)
                area = drafting.common(county, drafting.named(county, content["areas"]))
                if not access.may(request.actor, issuing.DRAFT, county=county, organisation=organisation, area=area):
                    raise PermissionDenied(f"{request.actor.name} has no right {issuing.DRAFT} in {area}")
                number = keep(content, area)
                messages.success(request, _("Kept as a draft. A second person issues it."))
                return redirect("alarms:warning", number)
        except drafting.Refused as refused:
            context["beyond"] = getattr(refused, "found", None)
            for name, value, rule in refused.problems:
                told_ = f"{value}：{_(rule)}" if name == "spoken" else _(rule)
                form.add_error(name if name in form.fields else None, told_)
        except issuing.NotNow as how:
            messages.warning(request, _why_not(how))
            return redirect("alarms:warning", context["warning"].pk)
    context |= {"about": api.get(context["alarm"].pk).title} if context.get("alarm") else {}
    body = drafting.kinds(county).get(told["kind"], {})
    context |= {"form": form, "towns": drafting.drawn(county), "longest": drafting.longest(body), "pace": speech.PACE}
    return render(request, "alarms/warning_form.html", context)


def _seen(request: Request, number: int) -> PublicWarning:
    rows = PublicWarning.objects.select_related("organisation", "area", "alarm", "outcome_by")
    found = get_object_or_404(rows, pk=number, county=request.county)
    access.require(request.actor, issuing.VIEW, found)
    return found


def detail(request: Request, number: int) -> HttpResponse:
    """GET: a warning, its messages, its draft and what one may do with it."""
    warning = _seen(request, number)
    rows = list(warning.messages.exclude(state="dropped").select_related("author", "approver").order_by("pk"))
    issued = [one for one in rows if one.state == "issued"]
    draft = next((one for one in rows if one.state == "draft"), None)
    state, may_draft = issuing.state(warning), _may(request, issuing.DRAFT, warning)
    newest = issued[-1] if issued else draft
    context: dict[str, Any] = {
        "warning": warning, "state": state, "draft": draft, "newest": newest,
        "issued": [(one, reaching.aloud(warning, one)) for one in issued[::-1]],
        "areas": drafting.named(warning.county_id, newest.content["areas"]) if newest else [],
        "following": FOLLOWING if may_draft and state == "current" and draft is None else (),
        "may_change": draft is not None and may_draft,
        "may_issue": draft is not None and _may_issue(request, draft),
        "is_author": draft is not None and draft.author_id == request.user.pk,
        "may_review": state not in {*LIVE, "dropped"} and _may(request, issuing.REVIEW, warning),
        "now": timezone.localtime(),
    }  # fmt: skip
    if draft:
        said = draft.content
        context["draft_areas"] = drafting.named(warning.county_id, said["areas"])
        context |= {"expires": datetime.fromisoformat(said["expires"]), "status": WORDS[said["status"]]}
        context["draft_aloud"] = reaching.aloud(warning, draft)
        if shape := places.shape_of(warning.county_id, draft):
            county = Area.objects.get(county=warning.county_id, code=warning.county_id)
            context["shape"] = sketch(shape, county.geometry)
    context |= receipts.shown(request.actor, warning, request.GET.get("open", ""))
    return render(request, "alarms/warning.html", context)


def receipts_part(request: Request, number: int) -> HttpResponse:
    """GET: who knows of it, as it stands now; asked for every few seconds while it is in force.

    Nothing comes back while it is as it was at the `mark`.
    """
    warning = _seen(request, number)
    state = issuing.state(warning)
    if state == "current" and request.GET.get("mark") == receipts.mark(warning):
        return HttpResponse(status=204)
    told = receipts.shown(request.actor, warning, request.GET.get("open", ""))
    context = {"warning": warning, "state": state, **told}
    return render(request, "alarms/warning_receipts.html", context)


@require_POST
def act(request: Request, number: int, verb: str) -> HttpResponse:
    """POST: issue a draft as it was read, or put it away."""
    draft = get_object_or_404(WarningMessage, pk=number)
    warning = _seen(request, draft.warning_id)
    try:
        if verb == "issue":
            issuing.issue(request.actor, number, _version(request), web=request.build_absolute_uri("/")[:-1])
            messages.success(request, _("Issued. Everybody it must reach is being told."))
        else:
            access.require(request.actor, issuing.DRAFT, warning)
            issuing.drop(number, _version(request))
            messages.success(request, _("The draft was put away."))
    except issuing.NotNow as how:
        messages.warning(request, _why_not(how))
    except issuing.SamePerson:
        messages.error(request, _("A second person has to issue what you wrote."))
    except cap.CapError as error:
        messages.error(request, _("It is no valid CAP message: %s") % error)
    return redirect("alarms:warning", warning.pk)


def _why_not(how: issuing.NotNow) -> str:
    if str(how) == "beyond":
        return _("The shape reaches beyond its towns, and nobody has said why. Change the draft.")
    if str(how) == "past":
        return _("The end that the draft names has passed. Change the draft: give it a later end.")
    if str(how) == PublicWarning.State.EXPIRED:
        return _("The warning is over: its end has passed. What goes on needs a new warning.")
    return _("Somebody acted before you; this is how the warning stands now.")


@require_POST
def outcome(request: Request, number: int) -> HttpResponse:
    """POST: what came of a warning that is over."""
    warning = _seen(request, number)
    access.require(request.actor, issuing.REVIEW, warning)
    try:
        at = _moment(request.POST.get("happened", ""))
        outcomes.record(number, request.POST.get("outcome", ""), at, request.POST.get("note", ""), request.user.pk)
    except ValueError:
        messages.error(request, _("Nothing was changed: say what happened and, if it came, when; not later than now."))
    else:
        messages.success(request, _("Kept."))
    return redirect("alarms:warning", number)


def _moment(text: str) -> datetime | None:
    return typed(text, timezone.get_current_timezone()) if text else None


def skill(request: Request) -> HttpResponse:
    """GET /alarms/warnings/skill/: hits, false ones and misses by month. POST: a danger that came without a warning."""
    access.require_verb(request.actor, issuing.VIEW)
    if request.method == "POST":
        area = get_object_or_404(Area, county=request.county, code=request.POST.get("area", ""))
        organisation = outcomes.reviewer(request.actor, area)
        try:
            at = _moment(request.POST.get("happened", ""))
            given = request.POST
            outcomes.missed(
                area, organisation, given.get("kind", ""), given.get("event", ""), given.get("level", ""), at,
                given.get("note", ""), request.user.pk,
            )  # fmt: skip
        except ValueError:
            messages.error(
                request, _("Nothing was changed: say what happened and, if it came, when; not later than now.")
            )
        else:
            messages.success(request, _("Kept."))
        return redirect("alarms:warning_skill")
    areas = Area.objects.filter(county=request.county, level__in=["county", "town"]).order_by("path")
    context = {
        "months": outcomes.months(request.actor, request.county.pk), "areas": areas,
        "kinds": drafting.kinds(request.county.pk), "may_review": request.actor.has(issuing.REVIEW),
        "levels": LEVELS, "now": timezone.localtime(),
    }  # fmt: skip
    return render(request, "alarms/warning_skill.html", context)
