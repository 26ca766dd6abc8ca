"""Who does a step: holders of its role whose post covers the case's area, the nearest first."""

from __future__ import annotations

from django.utils import timezone

from shizhu.engines.cases.models import Case, Task
from shizhu.kernel import access
from shizhu.kernel.access import Actor
from shizhu.kernel.models import Person, Post


def candidates(role: str, case: Case) -> list[Person]:
    """Active people who hold the role for the smallest area that covers the case's, in order of their names."""
    posts = [
        post
        for post in Post.objects.current(timezone.localdate())
        .filter(role_id=role, person__is_active=True, area__county=case.county_id)
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
    return access.holds(who, task.role, organisation=task.case.organisation, area=task.case.area)
