"""Who does a step: holders of its role whose post covers the case's area, the nearest first."""

from __future__ import annotations

from datetime import date

from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from shizhu.engines.cases import flows
from shizhu.engines.cases.flows import About
from shizhu.engines.cases.logic import Token
from shizhu.engines.cases.models import Case, Duty, Task
from shizhu.kernel import access
from shizhu.kernel.access import Actor
from shizhu.kernel.models import Area, Organisation, Person, Post, Role
from shizhu.kernel.text import label

VIEW, APPROVE = "cases.case.view", "cases.case.approve"


def called_people(token: Token, case: Case, assign: str = "", body: Organisation | None = None) -> list[Person]:
    """Whom a step is given to: the one person it names, if there is one here, else those of its role and any it names.

    Of these, with `duty` who is on duty now, if anybody is; with `load` the one who has least to do.
    """
    kept = barred(case, token.step_id)
    named = [person for person in named_people(token, case) if person.pk not in kept]
    if "," not in token.person and named:
        return named
    people = [
        person for person in dict.fromkeys([*named, *candidates(token.role, case, body)]) if person.pk not in kept
    ]
    if assign == "duty":
        people = on_duty(token.role, case, people) or people
    return _least_loaded(people) if assign == "load" else people


def named_people(token: Token, case: Case) -> list[Person]:
    """Those of the people whom a step names that are active here, by their names."""
    names = [name.strip() for name in token.person.split(",") if name.strip()]
    return list(people_of(case.county_id).filter(username__in=names))


def people_of(county: str) -> QuerySet[Person]:
    """Active people who hold a post in the county today, by their names."""
    held = Post.objects.current(timezone.localdate()).filter(area__county=county)
    return Person.objects.filter(is_active=True, posts__in=held).distinct().order_by("sort_key", "pk")


def to_choose(case: Case) -> list[Person]:
    """Those among whom is chosen who takes a case over, helps, or is given an order."""
    return list(people_of(case.county_id)[:300])


def on_duty(role: str, case: Case, people: list[Person]) -> list[Person]:
    """Those of the people who are on duty for the role now, in an area around the case's."""
    now = timezone.now()
    rows = Duty.objects.filter(county=case.county_id, role__in=role.split(","), begins__lte=now, ends__gt=now)
    covering = [row for row in rows.select_related("area") if case.area.path.startswith(row.area.path)]
    there = {row.person_id for row in covering}
    return [person for person in people if person.pk in there]


def _least_loaded(people: list[Person]) -> list[Person]:
    load = dict.fromkeys((person.pk for person in people), 0)
    ready = Task.objects.filter(assignee__in=load, status=Task.Status.READY)
    load |= dict(ready.order_by().values_list("assignee").annotate(Count("pk")))
    return sorted(people, key=lambda person: load[person.pk])[:1]


def posts_of(county: str, role: str, on: date | None = None) -> QuerySet[Post]:
    """The posts of active people, today or on a day, of one of the roles."""
    return Post.objects.current(on or timezone.localdate()).filter(
        role_id__in=role.split(","), person__is_active=True, area__county=county
    )


def role_names() -> dict[str, str]:
    """Role → its name in the language in force."""
    return {role.pk: label(role.name) for role in Role.objects.all()}


def candidates(role: str, case: Case, body: Organisation | None = None) -> list[Person]:
    """Active people who hold the role for the body (else the case's) and the smallest area around, by their names."""
    organisation = body or case.organisation
    posts = [
        post
        for post in posts_of(case.county_id, role).select_related("person", "area", "organisation")
        if case.area.path.startswith(post.area.path) and organisation.path.startswith(post.organisation.path)
    ]
    nearest = max((len(post.area.path) for post in posts), default=0)
    people = {post.person_id: post.person for post in posts if len(post.area.path) == nearest}
    return sorted(people.values(), key=lambda person: (person.sort_key, person.pk))


def barred(case: Case, step_id: str) -> set[int]:
    """Whose doing of another step, or of the beginning, keeps them from this one."""
    flow = flows.version(case.flow, case.digest)[0]
    others = flow.step[step_id].not_by if step_id in flow.step else ()
    if not others:
        return set()
    done = Task.objects.filter(case=case, step__in=others, done_by__isnull=False)
    found = set(done.order_by().values_list("done_by", flat=True))
    is_of_start = any(flow.step[other].kind == "start" for other in others)
    return {one for one in (*found, case.opened_by_id if is_of_start else None) if one is not None}


def doers(task: Task) -> list[int]:
    """Whom a task waits for: its assignee, else those who are able to do it."""
    return [task.assignee_id] if task.assignee_id is not None else [person.pk for person in able(task)]


def able(task: Task) -> list[Person]:
    """Active people whom a task names, and who hold its role the nearest."""
    named = Person.objects.filter(pk__in=task.people, is_active=True) if task.people else ()
    held = candidates(task.role, task.case, task.organisation) if task.role else []
    kept = barred(task.case, task.step)
    return [person for person in dict.fromkeys([*named, *held]) if person.pk not in kept]


def may_do(who: Actor, task: Task) -> bool:
    """Whether `who` may answer the task: its assignee, else any whom it names or who holds its role; nobody who did a
    step from whose doer its own must differ."""
    if who.person_id in barred(task.case, task.step):
        return False
    if task.assignee_id is not None:
        return task.assignee_id == who.person_id
    if who.person_id in task.people:
        return True
    case = task.case
    body = task.organisation or case.organisation
    return any(access.holds(who, role, organisation=body, area=case.area) for role in task.role.split(","))


def sees(who: Actor, case: Case) -> bool:
    """Whether somebody may see a case: by right, or because they have or had something to do in it."""
    right = access.may(who, VIEW, county=case.county_id, organisation=case.organisation, area=case.area)
    return right or _is_concerned(who, case)


def require_seen(who: Actor, case: Case) -> None:
    """Raise PermissionDenied unless somebody may see a case."""
    if not sees(who, case):
        raise PermissionDenied(f"{who.name or 'nobody'} may not see {case}")


def _is_concerned(who: Actor, case: Case) -> bool:
    """Whether somebody has or had something to do in a case."""
    mine = Q(assignee=who.person_id) | Q(done_by=who.person_id) | Q(helpers__person=who.person_id)
    tasks = Task.objects.filter(case=case).select_related("organisation")
    if who.person_id is None:
        return False
    return tasks.filter(mine).exists() or any(
        may_do(who, with_case(task, case)) for task in tasks.filter(assignee=None)
    )


def with_case(task: Task, case: Case) -> Task:
    """The task with its case at hand."""
    task.case = case
    return task


def may_start(who: Actor, about: About, owner: Organisation, area: Area) -> bool:
    """Whether `who` may open a case of a flow by hand, for its owner, in an area."""
    return any(access.holds(who, role, organisation=owner, area=area) for role in about.starters)


def startable(who: Actor, county: str, about: About) -> list[Area]:
    """The towns in which `who` may open a case of a flow by hand."""
    owner = flows.owner(about, county)
    towns = Area.objects.towns(county)
    return [town for town in towns if owner and may_start(who, about, owner, town)]
