"""Who does a step: holders of its role whose post covers the case's area, the nearest first."""

from __future__ import annotations

from django.utils import timezone

from shizhu.engines.cases.logic import Token
from shizhu.engines.cases.models import Case, Task
from shizhu.kernel import access
from shizhu.kernel.access import Actor
from shizhu.kernel.models import Person, Post


def called_people(token: Token, case: Case) -> list[Person]:
    """Whom a step is given to: the person it names, if there is one here, else those of its role."""
    named = Person.objects.filter(username=token.person, is_active=True, posts__area__county=case.county_id)
    return list(named.distinct()[:1]) if token.person and named.exists() else candidates(token.role, case)


def candidates(role: str, case: Case) -> list[Person]:
    """Active people who hold the role for the smallest area that covers the case's, in order of their names."""
    posts = [
        post
        for post in Post.objects.current(timezone.localdate())
        .filter(role_id__in=role.split(","), person__is_active=True, area__county=case.county_id)
        .select_related("person", "area", "organisation")
        if case.area.path.startswith(post.area.path) and case.organisation.path.startswith(post.organisation.path)
    ]
    nearest = max((len(post.area.path) for post in posts), default=0)
    people = {post.person_id: post.person for post in posts if len(post.area.path) == nearest}
    return sorted(people.values(), key=lambda person: (person.sort_key, person.pk))


def may_do(who: Actor, task: Task) -> bool:
    """Whether `who` may answer the task: its assignee, or any holder of its role here while it is nobody's."""
    if task.assignee_id is not None:
        return task.assignee_id == who.person_id
    case = task.case
    return any(access.holds(who, role, organisation=case.organisation, area=case.area) for role in task.role.split(","))
