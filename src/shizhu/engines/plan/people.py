"""Who is to be told: the people whose posts give a right over a unit."""

from __future__ import annotations

from django.utils import timezone

from shizhu.kernel.access import covers
from shizhu.kernel.models import Area, Organisation, Post

REPORT, SUPERVISE, VIEW = "plan.node.report", "plan.node.supervise", "plan.node.view"


def of(verb: str, organisation: Organisation, area: Area) -> set[int]:
    """People with a post of that very organisation (and an area that holds the given one) whose role has the verb."""
    posts = Post.objects.current(timezone.localdate()).filter(organisation=organisation).select_related("role", "area")
    return {
        post.person_id
        for post in posts
        if area.path.startswith(post.area.path) and any(covers(given, verb) for given in post.role.verbs)
    }


def over(verb: str, county: str) -> set[int]:
    """People who have the verb in the whole county."""
    posts = Post.objects.current(timezone.localdate()).filter(organisation__code=county, area__code=county)
    posts = posts.filter(organisation__county=county).select_related("role")
    return {post.person_id for post in posts if any(covers(given, verb) for given in post.role.verbs)}
