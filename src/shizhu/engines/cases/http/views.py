"""Pages: my tasks, cases, one case with its timeline, answering a task, reporting by hand."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db import IntegrityError, transaction
from django.db.models import F, Q, QuerySet
from django.http import FileResponse, Http404, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from shizhu.engines.alarms import api as alarms
from shizhu.engines.cases import actions, approvals, concerns, emergencies, faults, flows, happening, unopened
from shizhu.engines.cases.assignment import APPROVE, may_do, may_start, require_seen, startable
from shizhu.engines.cases.http import acting, forms, listing, taskcards
from shizhu.engines.cases.logic import FlowError
from shizhu.engines.cases.models import DRILL, Attachment, Case, Entry, Helper, Petition, Task
from shizhu.engines.cases.timeline import timeline
from shizhu.engines.records import api as records
from shizhu.kernel import access, files, packs
from shizhu.kernel.access import Actor
from shizhu.kernel.models import Area, File
from shizhu.kernel.text import label
from shizhu.lib.numbers import whole
from shizhu.web.middleware import Request
from shizhu.web.views import Card, Tile

PAGE = 50
SHOWN = 20  # cases on the page of a record
OPENED = {  # page of a case → what happened as it was opened by hand
    "cases:approval": gettext_noop("Accepted as %(number)s."),
    "cases:command": gettext_noop("The response has begun as %(number)s."),
    "cases:detail": gettext_noop("Reported as %(number)s."),
}
TOLD = (
    "broken",
    "alarm",
    "opened",
    "done",
    *concerns.SAID,
)  # lines of the timeline that somebody who answers a task should have read


def my_tasks(who: Actor) -> list[dict[str, Any]]:
    """Tasks that wait for this person, the most urgent first; those of nobody in particular come too."""
    roles = {scope.role for scope in who.scopes}
    concerns_me = Q(assignee=who.person_id) | Q(assignee=None)
    waiting = Task.objects.filter(concerns_me, status=Task.Status.READY)
    waiting = waiting.select_related("case__area", "case__organisation", "organisation")
    held = [
        t for t in waiting.order_by("due_at", "pk")
        if t.assignee_id or who.person_id in t.people or roles & set(t.role.split(","))
    ]  # fmt: skip
    mine = [task for task in held if may_do(who, task)]
    return [described(task) for task in mine]


def joint_tasks(who: Actor) -> list[dict[str, Any]]:
    """Tasks that this person was asked to do with others: those that wait for what they say, and meetings to come."""
    concerns_me = Q(said_at=None) | Q(task__meets_at__gt=timezone.now())
    asked = Helper.objects.filter(concerns_me, person=who.person_id, task__status=Task.Status.READY)
    waiting = Task.objects.filter(pk__in=asked.values("task")).exclude(assignee=who.person_id)
    waiting = waiting.select_related("case__area", "case__organisation", "organisation").order_by("meets_at", "pk")
    return [{**described(task), "is_joint": True} for task in waiting]


def described(task: Task) -> dict[str, Any]:
    """A task with the names of its step and flow."""
    _flow, about = flows.version(task.case.flow, task.case.digest)
    return {"task": task, "case": task.case, "step": about.names.get(task.step, {"zh": task.step}), "flow": about.title}


def card(request: Request) -> Card | None:
    """What waits for me, on the home page; somebody who sees no list of cases may be asked about one all the same."""
    may_list, now = request.actor.has("cases.case.view"), timezone.now()
    tasks, joint = my_tasks(request.actor), joint_tasks(request.actor)
    if not may_list and not tasks and not joint:
        return None
    page = "/cases/" if may_list else "#mine"
    late = sum(1 for item in tasks if item["task"].is_late(now))
    waiting = len(tasks) + len(joint)
    tiles = [Tile(waiting, _("Waiting for me"), page, "yellow" if waiting else "none")]
    if late:
        tiles.append(Tile(late, _("Late"), page, "red"))
    wished = list(wishes(request.actor, request.county.pk))
    if wished:
        tiles.append(Tile(len(wished), _("For me to approve"), page, "yellow"))
    shown = {"tasks": [*tasks[:8], *joint[:8]], "wishes": wished[:8], "may_list": may_list}
    return Card("cases/card.html", shown, tiles=tuple(tiles))


def wishes(who: Actor, county: str) -> QuerySet[Petition]:
    """What was asked for about cases and this person may decide, the oldest first."""
    if not who.has(APPROVE):
        return Petition.objects.none()
    cases = access.rows(Case.objects.filter(county=county, status=Case.Status.OPEN), who, APPROVE)
    asked = Petition.objects.filter(case__in=cases, decided_at=None).exclude(asked_by=who.person_id)
    return asked.select_related("case__area", "asked_by").order_by("asked_at")


def starters(who: Actor, county: str) -> list[dict[str, Any]]:
    """Flows this person may start by hand."""
    found = []
    roles = {scope.role for scope in who.scopes}
    for key, about in flows.abouts(county):
        if about.start_form and roles & set(about.starters) and startable(who, county, about):
            found.append({"key": key, "title": about.title, "about": about})
    return found


def case_list(request: Request) -> HttpResponse:
    """Cases the person may see."""
    access.require_verb(request.actor, "cases.case.view")
    asked = listing.asked_for(request)
    cases = listing.chosen(request, asked)
    page = Paginator(cases, PAGE).get_page(request.GET.get("page"))
    mine, rows = my_tasks(request.actor), []
    nearest = _nearest(page, {item["task"].pk for item in mine})
    for case in page:
        _flow, about = flows.version(case.flow, case.digest)
        task = nearest.get(case.pk)
        step = about.names.get(task.step, {"zh": task.step}) if task else None
        rows.append({"case": case, "flow": about.title, "stage": about.stages[case.stage], "task": task, "step": step})
    kept = {name: value for name, value in asked.items() if name != "status"}
    context = {
        "rows": rows, "page": page, "status": asked["status"], "asked": kept, "condition": asked.get("filter", ""),
        "kept": urlencode(kept), "query": urlencode(asked), "starters": starters(request.actor, request.county.pk),
        "tasks": [] if kept else [*mine, *joint_tasks(request.actor)],
        "wishes": [] if kept else list(wishes(request.actor, request.county.pk)),
        "tiles": listing.tiles(request) if asked == {"status": Case.Status.OPEN} else [],
        **listing.choices(request, asked),
    }  # fmt: skip
    return render(request, "cases/list.html", context)


def _nearest(cases: Iterable[Case], mine: Collection[int]) -> dict[int, Task]:
    """Case → the task whose deadline comes before that of the case: the first of `mine` in it, else of all."""
    ready = Task.objects.filter(case__in=list(cases), status=Task.Status.READY, due_at__lte=F("case__due_at"))
    found: dict[int, Task] = {}
    for task in sorted(ready.order_by("due_at", "pk"), key=lambda task: task.pk not in mine):
        found.setdefault(task.case_id, task)
    return found


def case_detail(request: Request, number: int, phones: Mapping[str, str] | None = None) -> HttpResponse:
    """One case: where it stands, its timeline from the first packet; `phones` of residents that were asked for."""
    case = get_object_or_404(Case.objects.select_related("organisation", "area", "opened_by"), pk=number)
    require_seen(request.actor, case)
    _flow, about = flows.version(case.flow, case.digest)
    ready = Task.objects.filter(case=case, status=Task.Status.READY).select_related(
        "assignee", "case__area", "case__organisation", "organisation"
    )
    tasks = [{**described(task), "may_do": may_do(request.actor, task)} for task in ready]
    skipped = set(about.stage_of.values()) - {about.stage_of.get(step) for step in case.state["path"]}
    stages = [{"name": name, "state": _stage_state(case, index, skipped)} for index, name in enumerate(about.stages)]
    context: dict[str, Any] = {"case": case, "about": about, "stages": stages, "tasks": tasks, "lines": timeline(case)}
    context |= {"own_page": page_of(case), "concerns": list(_concerns(request, case, phones or {}))}
    context |= {"purposes": records.PURPOSES.items(), "may_list": request.actor.has("cases.case.view")}
    context["may_file"] = access.may(
        request.actor, "cases.case.view", county=case.county_id, organisation=case.organisation, area=case.area
    )
    context |= {"subjects": subjects(request, case), "offered": acting.offered(request, case, tasks)}
    return render(request, "cases/detail.html", context)


def _concerns(request: Request, case: Case, phones: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """What residents reported of a case; a phone number in part, unless it was asked for."""
    may = access.may(
        request.actor, concerns.UNMASK, county=case.county_id, organisation=case.organisation, area=case.area
    )
    for one in case.concerns.select_related("label"):
        phone = phones.get(one.number, "") or (records.masked(one.phone, "personal") if one.phone else "")
        yield {"concern": one, "phone": phone, "may_look": may and bool(one.phone) and one.number not in phones}


def _stage_state(case: Case, index: int, skipped: Collection[int | None]) -> str:
    if index < case.stage and index in skipped:
        return "skipped"
    if index < case.stage or (case.status == Case.Status.CLOSED and index == case.stage):
        return "done"
    return "now" if index == case.stage else ""


def task_page(request: Request, number: int) -> HttpResponse:
    """Answer a task; made for a phone."""
    task = get_object_or_404(
        Task.objects.select_related("case__organisation", "case__area", "organisation", "assignee", "done_by"),
        pk=number,
    )
    if not may_do(request.actor, task):
        return _with_others(request, task)
    flow, about = flows.version(task.case.flow, task.case.digest)
    step = flow.step[task.step]
    form = flows.form_of(task.case, step.form or "")
    given: dict[str, Any] = forms.begun(form, task.case.state["document"])
    problems: dict[str, str] = {}
    if request.method == "POST":
        given = forms.answer(form, request.POST)
        try:
            answered = actions.answer(request.actor, number, given, forms.uploads(form, request.FILES))
        except actions.AnswerRefused as error:
            problems = error.problems
        except FlowError as error:
            happening.stuck(task.case_id, task.step, error)
            problems = {"": faults.stuck(flow, error)}
        except PermissionDenied:  # it was handed over meanwhile
            task.refresh_from_db()
            return _with_others(request, task)
        except actions.TaskGone as error:
            who = str(error)
            done = _("This task was done already: %(who)s. Nothing of yours was saved.") % {"who": who}
            messages.warning(
                request, done if who else _("The case went on without this task. Nothing of yours was saved.")
            )
            return redirect("cases:detail", task.case_id)
        else:
            is_over = answered.status == Case.Status.CLOSED
            said = _("Done. The case is closed.") if is_over else _("Done. The case went on.")
            broken = _("Done. An error of its flow ended the case: its timeline tells which, and the office was told.")
            messages.success(request, said if answered.error is None else broken)
            return redirect(page_of(task.case), task.case_id)
    if task.status != Task.Status.READY:
        return redirect("cases:detail", task.case_id)
    context = {
        **described(task), "about": about, "help": step.help, "form": form, "problems": problems,
        "why": problems.get("", ""), "card": taskcards.card(request, task),
        "fields": forms.fields(form, request.actor, task.case.county_id, given, problems),
        "lines": [x for x in timeline(task.case) if x.kind in TOLD],
    }  # fmt: skip
    return render(request, "cases/task.html", context, status=422 if problems else 200)


def _with_others(request: Request, task: Task) -> HttpResponse:
    """Tell who could have a task that somebody else has now: it may have been theirs a moment ago. Raises
    PermissionDenied for all others.
    """
    whose, task.assignee = task.assignee, None
    if whose is None or not may_do(request.actor, task):
        raise PermissionDenied
    messages.warning(request, _("This task is in the hands of %s now. Nothing of yours was saved.") % whose.name)
    return redirect("cases:list")


def case_new(request: Request, flow: str) -> HttpResponse:
    """Report by hand."""
    if flow not in packs.declarations("flows", request.county.pk):
        raise Http404
    try:
        declared, about = flows.current(flow, request.county.pk)
    except FlowError as error:
        why = unopened.said(flow, request.county.pk, str(error))
        messages.error(request, _("This flow opens no case until it is mended: %s") % why)
        return redirect("cases:list")
    is_drill = "drill" in request.GET and emergencies.is_one(flow, request.county.pk)
    if flows.owner(about, request.county.pk) is None:
        raise Http404
    areas = startable(request.actor, request.county.pk, about)
    if not areas:
        raise PermissionDenied
    form = flows.form(about.start_form, request.county.pk)
    alarm = _alarm_of(request)
    given: dict[str, Any] = {name: request.GET[name] for name in form["properties"] if name in request.GET}
    problems: dict[str, str] = {}
    if request.method == "POST":
        given = forms.answer(form, request.POST)
        area = next((a for a in areas if a.code == request.POST.get("area")), None)
        if area is None:
            problems["area"] = _("Choose the town where it is.")
        else:
            title = actions.title_of(request.actor, request.county.pk, about, form, given)
            wanted = actions.Opening(
                declared.key, title, area, {"source": "person", **given}, by=request.user,
                uploads=forms.uploads(form, request.FILES), origin=DRILL if is_drill else alarm.origin if alarm else 0,
                alarm=alarm.id if alarm else None, datastream=alarm.datastream if alarm else None,
            )  # fmt: skip
            try:
                with transaction.atomic():
                    case = actions.open_case(wanted)
            except actions.AnswerRefused as error:
                problems = error.problems
            except FlowError as error:
                problems = {"": faults.stuck(declared, error)}
            except IntegrityError:  # somebody opened one of this alarm meanwhile
                return redirect("cases:of_alarm", wanted.alarm)
            else:
                page = page_of(case)
                opened = _("The drill has begun as %(number)s.") if is_drill else _(OPENED[page])
                messages.success(request, opened % {"number": case.number})
                return redirect(page, case.pk)
    context = {
        "is_drill": is_drill,
        "submit": _("Begin a drill") if is_drill else label(form["submit"]) if "submit" in form else _("Report"),
        "is_approval": approvals.is_one(flow, request.county.pk),
        "alarm": alarm,
        "about": about,
        "form": form,
        "fields": forms.fields(form, request.actor, request.county.pk, given, problems),
        "areas": areas,
        "chosen": request.POST.get("area", request.GET.get("area")),
        "problems": problems,
        "why": problems.get("", ""),
    }
    return render(request, "cases/new.html", context, status=422 if problems else 200)


def choices(request: Request, target: str) -> HttpResponse:
    """What a field may point at, for what has been typed so far: options of a data list."""
    kind = records.find_reference(target, request.county.pk)
    if kind is None:
        raise Http404(target)
    typed = request.GET.get(request.GET.get("name", ""), "").strip().rsplit(forms.JOINT, 1)[-1]
    found = kind.search(request.actor, request.county.pk, typed, forms.MOST)
    return render(request, "cases/choices.html", {"choices": found, "joint": forms.JOINT})


def subjects(request: Request, case: Case) -> list[records.Entry]:
    """The records that a case is about, as far as the person may see them."""
    found = []
    for subject in case.subjects.all():
        with suppress(records.NoRecord, records.UnknownRegister):
            survivor = records.survivor_of(case.county_id, subject.register, subject.key)
            found.append(records.get(request.actor, case.county_id, subject.register, survivor or subject.key))
    return list({entry.id: entry for entry in found}.values())


def about_record(request: Request, entry: records.Entry) -> records.Panel | None:
    """On a record's page: the cases about it that the person may see, and what they may open about it."""
    keys = records.keys_of(entry.county, entry.register, entry.key)  # also of what was merged into it
    concerned = listing.seen(request).filter(subjects__register=entry.register, subjects__key__in=keys).distinct()
    cases = [
        {"case": case, "stage": flows.version(case.flow, case.digest)[1].stages[case.stage]}
        for case in concerned.order_by("-opened_at", "-pk")[:SHOWN]
    ]
    links = list(_openings(request, entry))
    if not cases and not links:
        return None
    context = {"cases": cases, "total": concerned.count(), "links": links, "most": SHOWN}
    return records.Panel("cases/about_record.html", context)


def _openings(request: Request, entry: records.Entry) -> Iterator[tuple[str, dict[str, str]]]:
    """(address, name of the flow) of the forms that can be begun with this record."""
    if entry.is_withdrawn:
        return
    area = Area.objects.get(county=request.county, code=entry.area.code)
    towns = Area.objects.towns(request.county)
    town = next((town for town in towns if area.path.startswith(town.path)), None)
    for key, about in flows.abouts(request.county.pk):
        owner = flows.owner(about, request.county.pk)
        if not about.start_form or owner is None:
            continue
        form = flows.form(about.start_form, request.county.pk)
        name = next((n for n, item in form["properties"].items() if item.get("x-shizhu-ref") == entry.register), "")
        if name and any(may_start(request.actor, about, owner, place) for place in ([town] if town else towns)):
            asked = {name: entry.key, **({"area": town.code} if town else {})}
            yield f"{reverse('cases:new', args=[key])}?{urlencode(asked)}", about.title


def page_of(case: Case) -> str:
    """The name of the page where a case of its kind is looked at."""
    if emergencies.is_one(case.flow, case.county_id):
        return "cases:command"
    return "cases:approval" if approvals.is_one(case.flow, case.county_id) else "cases:detail"


def of_alarm(request: Request, alarm: int) -> HttpResponse:
    """The case of an alarm; where it has none, what may be opened for it."""
    access.require_verb(request.actor, "cases.case.view")
    joined = Entry.objects.filter(kind="joined", data__alarm=alarm).values("case")
    case = listing.seen(request).filter(Q(alarm=alarm) | Q(pk__in=joined)).order_by("pk").first()
    if case is not None:
        return redirect("cases:detail", case.pk)
    found = alarms.seen(request.actor, request.county.pk, alarm)
    flows_ = [] if found is None or not found.is_open else starters(request.actor, request.county.pk)
    if found is None or not flows_ or Case.objects.filter(alarm=alarm).exists():
        messages.info(request, _("No case that you may see belongs to this alarm."))
        return redirect("cases:list")
    town = Area.objects.get(pk=found.area).path.split("/")[1]  # empty for all of the county
    asked = urlencode({"alarm": alarm, "title": found.title["zh"], "area": town})
    return render(request, "cases/of_alarm.html", {"alarm": found, "flows": flows_, "asked": asked})


def _alarm_of(request: Request) -> alarms.AlarmInfo | None:
    """The alarm a case is opened for. Http404 for one that the person may not see or that has a case."""
    asked = request.GET.get("alarm", "")
    if not asked:
        return None
    found = alarms.seen(request.actor, request.county.pk, whole(asked))
    if found is None or Case.objects.filter(alarm=found.id).exists():
        raise Http404
    return found


def attachment(request: Request, file: UUID) -> HttpResponseBase:
    """A file of a case, for those who may see the case."""
    found = get_object_or_404(
        Attachment.objects.select_related("file", "case__organisation", "case__area"), file_id=file
    )
    require_seen(request.actor, found.case)
    return shown(found.file)


def shown(file: File) -> FileResponse:
    """A file as a browser shows it; whoever calls this asked who may see it."""
    answer = FileResponse(files.path_of(file).open("rb"), content_type=file.media_type, filename=file.name)
    answer["Cache-Control"], answer["Content-Security-Policy"] = "private, max-age=3600", "sandbox"
    return answer
