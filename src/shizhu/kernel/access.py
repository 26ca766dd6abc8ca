"""The one access predicate: who sees and does what.

A person holds posts (role, organisation, area, from–to). A row is visible iff one current post has the verb and the
row's organisation and area lie in that post's subtrees. The predicate is SQL text with parameters, used alike by the
ORM (`rows`), bare ASGI handlers and exports (`visible`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any, TypeVar

from django.contrib.postgres.expressions import ArraySubquery
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import PermissionDenied
from django.db import models
from django.db.models.expressions import Expression
from django.db.models.functions import Concat
from django.utils import timezone

from shizhu.kernel.models import Area, Grant, Organisation, Person, Post

Row = TypeVar("Row", bound=models.Model)
IDS = ArrayField(models.BigIntegerField())


def covers(given: str, verb: str) -> bool:
    """Whether a verb with `*` covers another: at the end it stands for the rest, elsewhere for one part."""
    wanted, parts = given.split("."), verb.split(".")
    if wanted[-1] == "*":
        parts = parts[: len(wanted)]
    return len(wanted) == len(parts) and all(want in {"*", part} for want, part in zip(wanted, parts, strict=True))


@dataclass(frozen=True)
class Scope:
    """Where one post gives its verbs: subtrees by path prefix, and as the ids that lie in them, which PostgreSQL must
    know to guess how many rows they let through. Of the whole county, where nobody asks for them, there are no ids.
    """

    county: str
    role: str
    verbs: frozenset[str]
    organisation_path: str
    area_path: str
    organisations: tuple[int, ...] = ()
    areas: tuple[int, ...] = ()

    def has(self, verb: str) -> bool:
        """Whether one of the verbs covers it."""
        return verb in self.verbs or any(covers(given, verb) for given in self.verbs)


@dataclass(frozen=True)
class Predicate:
    """A boolean SQL expression with its parameters."""

    sql: str
    params: tuple[Any, ...]

    def __and__(self, other: Predicate) -> Predicate:
        return Predicate(f"({self.sql} AND {other.sql})", self.params + other.params)


NOTHING = Predicate("FALSE", ())
EVERYTHING = Predicate("TRUE", ())


@dataclass(frozen=True)
class Actor:
    """Somebody with scopes: a person, a token's person, or anybody when the stack is `--open`."""

    person_id: int | None
    name: str
    scopes: tuple[Scope, ...]
    is_unbounded: bool = False

    @property
    def counties(self) -> frozenset[str]:
        """Where there is any post at all."""
        return frozenset(scope.county for scope in self.scopes)

    def within(self, county: str) -> Actor:
        """The same in one county alone."""
        return replace(self, scopes=tuple(scope for scope in self.scopes if scope.county == county))

    def granting(self, verb: str) -> tuple[Scope, ...]:
        """The scopes that give the verb."""
        return tuple(scope for scope in self.scopes if scope.has(verb))

    def has(self, verb: str) -> bool:
        """Whether the verb is given anywhere at all."""
        return self.is_unbounded or bool(self.granting(verb))

    def has_any(self, prefix: str) -> bool:
        """Whether any verb that begins so is given anywhere."""
        return self.is_unbounded or any(v == "*" or v.startswith(prefix) for s in self.scopes for v in s.verbs)


NOBODY = Actor(None, "", ())
ANYBODY = Actor(None, "--open", (), is_unbounded=True)


def actor(person: Person | None) -> Actor:
    """The person's scopes today."""
    if person is None or not person.pk or not person.is_active:
        return NOBODY
    return Actor(person.pk, person.name, tuple(map(_scope, _posts().filter(person=person))))


def actors(county: str) -> list[Actor]:
    """Everybody with a post in a county today, with the scopes that they have there."""
    posts = _posts().filter(area__county=county, person__is_active=True).select_related("person").order_by("person")
    return [
        Actor(person.pk, person.name, tuple(map(_scope, held)))
        for person, held in groupby(posts, lambda post: post.person)
    ]  # fmt: skip


def posts(verb: str, **where: Any) -> list[Post]:
    """Posts of today that give active people the verb, narrowed as a filter of posts is: who is to be asked or told."""
    held = _posts().filter(person__is_active=True, **where).select_related("person")
    return [post for post in held if _scope(post).has(verb)]


def _posts() -> models.QuerySet[Post]:
    given = Grant.objects.filter(county=models.OuterRef("area__county"), role=models.OuterRef("role")).order_by()
    current = Post.objects.current(timezone.localdate()).select_related("role", "organisation", "area")
    return current.annotate(
        given=ArraySubquery(given.values("verb")),  # by the county, on what it declares itself
        areas=_within("area", Area), organisations=_within("organisation", Organisation),
    )  # fmt: skip


def _within(kind: str, model: type[Area | Organisation]) -> models.Case:
    """The ids that lie in the subtree of a post."""
    county, path = f"{kind}__county", f"{kind}__path"
    below = model.objects.filter(county=models.OuterRef(county), path__startswith=models.OuterRef(path))
    is_whole = models.When(**{path: Concat(county, models.Value("/"))}, then=models.Value([], IDS))
    return models.Case(is_whole, default=ArraySubquery(below.order_by().values("pk")), output_field=IDS)


def _scope(post: Post) -> Scope:
    return Scope(
        post.area.county_id, post.role_id, frozenset([*post.role.verbs, *post.given]),  # type: ignore[attr-defined]  # annotated
        post.organisation.path, post.area.path, tuple(post.organisations), tuple(post.areas),  # type: ignore[attr-defined]  # as above
    )  # fmt: skip


def visible(who: Actor, verb: str, table: str) -> Predicate:
    """SQL that is true for the rows of `table` (name or alias) on which `who` has the verb.

    The table needs columns county_id, organisation_id and area_id.
    """
    if who.is_unbounded:
        return EVERYTHING
    parts: list[str] = []
    params: list[Any] = []
    for scope in who.granting(verb):
        part, given = [f"{table}.county_id = %s"], [scope.county]
        bounds = ("area", scope.area_path, scope.areas), ("organisation", scope.organisation_path, scope.organisations)
        for kind, path, ids in bounds:
            if path.count("/") > 1:  # the whole county needs no look at each row
                part.append(f"{table}.{kind}_id = ANY(%s::bigint[])")
                given.append("{" + ",".join(map(str, ids)) + "}")
        parts.append(f"({' AND '.join(part)})")
        params += given
    return Predicate(f"({' OR '.join(parts)})", tuple(params)) if parts else NOTHING


class _Visible(Expression):
    """The predicate as a condition of the ORM: its table is the query's own, whatever alias that got."""

    def __init__(self, who: Actor, verb: str) -> None:
        super().__init__(output_field=models.BooleanField())
        self._who, self._verb = who, verb

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        """The SQL of `visible`."""
        alias = compiler.query.get_initial_alias()
        predicate = visible(self._who, self._verb, compiler.quote_name_unless_alias(alias))
        return predicate.sql, predicate.params


def rows(queryset: models.QuerySet[Row], who: Actor, verb: str) -> models.QuerySet[Row]:
    """The visible part of a queryset."""
    return queryset.filter(_Visible(who, verb))


def may(who: Actor, verb: str, *, county: str, organisation: Organisation, area: Area) -> bool:
    """Whether `who` has the verb on a row of that organisation and area (existing or to be made)."""
    return who.is_unbounded or any(
        scope.county == county
        and area.path.startswith(scope.area_path)
        and organisation.path.startswith(scope.organisation_path)
        for scope in who.granting(verb)
    )


def holds(who: Actor, role: str, *, organisation: Organisation, area: Area) -> bool:
    """Whether `who` has a post of that role that covers the organisation and the area."""
    return any(
        scope.role == role
        and scope.county == area.county_id
        and area.path.startswith(scope.area_path)
        and organisation.path.startswith(scope.organisation_path)
        for scope in who.scopes
    )


def has_county(who: Actor, verb: str, county: str) -> bool:
    """Whether `who` has the verb for all of the county, as what belongs to no one place needs it."""
    root = f"{county}/"
    return any((s.county, s.organisation_path, s.area_path) == (county, root, root) for s in who.granting(verb))


def require_county(who: Actor, verb: str, county: str) -> None:
    """Raise PermissionDenied unless `who` has the verb for all of the county."""
    if not has_county(who, verb, county):
        raise PermissionDenied(f"{who.name or 'nobody'} has no right {verb} for the whole county")


def require(who: Actor, verb: str, row: Any) -> None:
    """Raise PermissionDenied unless `who` has the verb on the row."""
    if not may(who, verb, county=row.county_id, organisation=row.organisation, area=row.area):
        raise PermissionDenied(f"{who.name or 'nobody'} has no right {verb} on {row}")


def require_verb(who: Actor, verb: str) -> None:
    """Raise PermissionDenied unless `who` has the verb somewhere."""
    if not who.has(verb):
        raise PermissionDenied(f"{who.name or 'nobody'} has no right {verb}")
