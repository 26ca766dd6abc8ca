"""The one access predicate: who sees and does what.

A person holds posts (role, organisation, area, from–to). A row is visible iff one current post has the verb and the
row's organisation and area lie in that post's subtrees. The predicate is SQL text with parameters, used alike by the
ORM (`rows`), bare ASGI handlers and exports (`visible`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any, TypeVar

from django.contrib.postgres.expressions import ArraySubquery
from django.core.exceptions import PermissionDenied
from django.db import connection, models
from django.db.models.expressions import Expression
from django.utils import timezone

from shizhu.kernel.models import Area, Grant, Organisation, Person, Post

Row = TypeVar("Row", bound=models.Model)


def covers(given: str, verb: str) -> bool:
    """Whether a verb with `*` covers another: at the end it stands for the rest, elsewhere for one part."""
    wanted, parts = given.split("."), verb.split(".")
    if wanted[-1] == "*":
        parts = parts[: len(wanted)]
    return len(wanted) == len(parts) and all(want in {"*", part} for want, part in zip(wanted, parts, strict=True))


def _covered(verbs: Collection[str], verb: str) -> bool:
    return verb in verbs or any(covers(given, verb) for given in verbs)


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
        return _covered(self.verbs, verb)


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


# Who holds which post today, and what it gives: asked with each request, so without models.
HELD = """
SELECT person.id, person.name, area.county_id, post.role_id,
    ARRAY(SELECT jsonb_array_elements_text(role.verbs) UNION ALL  -- and by the county, on what it declares itself
        SELECT verb FROM kernel_grant given WHERE given.county_id = area.county_id AND given.role_id = role.key),
    organisation.path, area.path,
    CASE WHEN organisation.path = organisation.county_id || '/' THEN '{{}}' ELSE ARRAY(
        SELECT id FROM kernel_organisation below
        WHERE below.county_id = organisation.county_id AND starts_with(below.path, organisation.path)) END,
    CASE WHEN area.path = area.county_id || '/' THEN '{{}}' ELSE ARRAY(
        SELECT id FROM kernel_area below
        WHERE below.county_id = area.county_id AND starts_with(below.path, area.path)) END
FROM kernel_post post
JOIN kernel_person person ON person.id = post.person_id
JOIN kernel_role role ON role.key = post.role_id
JOIN kernel_organisation organisation ON organisation.id = post.organisation_id
JOIN kernel_area area ON area.id = post.area_id
WHERE {which} = %s AND post.starts <= %s AND (post.ends IS NULL OR post.ends >= %s) AND person.is_active
ORDER BY person.sort_key, person.username, post.role_id, post.starts
"""


def actor(person: Person | None) -> Actor:
    """The person's scopes today."""
    if person is None or not person.pk or not person.is_active:
        return NOBODY
    return next(_held("person.id", person.pk), Actor(person.pk, person.name, ()))


def actors(county: str) -> list[Actor]:
    """Everybody with a post in a county today, with the scopes that they have there."""
    return list(_held("area.county_id", county))


def _held(which: str, value: int | str) -> Iterator[Actor]:
    today = timezone.localdate()
    with connection.cursor() as cursor:
        cursor.execute(HELD.format(which=which), [value, today, today])
        rows = cursor.fetchall()
    for (id_, name), held in groupby(rows, lambda row: row[:2]):
        yield Actor(
            id_, name, tuple(
                Scope(county, role, frozenset(verbs), organisation_path, area_path, tuple(organisations), tuple(areas))
                for _, _, county, role, verbs, organisation_path, area_path, organisations, areas in held
            ),
        )  # fmt: skip


def posts(verb: str, **where: Any) -> list[Post]:
    """Posts of today that give active people the verb, narrowed as a filter of posts is: who is to be asked or told."""
    given = Grant.objects.filter(county=models.OuterRef("area__county"), role=models.OuterRef("role")).order_by()
    held = Post.objects.current(timezone.localdate()).filter(person__is_active=True, **where)
    held = held.annotate(given=ArraySubquery(given.values("verb")))
    held = held.select_related("role", "organisation", "area", "person")
    return [post for post in held if _covered([*post.role.verbs, *post.given], verb)]  # type: ignore[attr-defined]  # annotated


def posts_over(verb: str, row: Any, among: Iterable[Post] | None = None) -> list[Post]:
    """Posts of today that give active people the verb on a row that has a county, an organisation and an area.

    `among`: the posts of the county that give it, where they are known.
    """
    return [
        post for post in (posts(verb, area__county=row.county_id) if among is None else among)
        if row.area.path.startswith(post.area.path) and row.organisation.path.startswith(post.organisation.path)
    ]  # fmt: skip


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
