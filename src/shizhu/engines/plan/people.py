"""Who is of a unit, and who is to be told: the people whose posts give a right over it."""

from __future__ import annotations

from shizhu.kernel import access
from shizhu.kernel.access import Actor, Scope
from shizhu.kernel.models import Area, Organisation

SEE, REPORT, SUPERVISE = "plan.node.view", "plan.node.report", "plan.node.supervise"


def in_units(who: Actor, verb: str) -> tuple[Scope, ...]:
    """The scopes that give a verb in units: a right over the whole county makes nobody one of its units."""
    return tuple(scope for scope in who.granting(verb) if scope.organisation_path.count("/") > 1)


def of(verb: str, organisation: Organisation, area: Area) -> set[int]:
    """People with a post of that very organisation (and an area that holds the given one) that gives the verb."""
    posts = access.posts(verb, organisation=organisation)
    return {post.person_id for post in posts if area.path.startswith(post.area.path)}


def over(verb: str, county: str) -> set[int]:
    """People who have the verb in the whole county."""
    whole = {"organisation__county": county, "organisation__code": county, "area__code": county}
    return {post.person_id for post in access.posts(verb, **whole)}
