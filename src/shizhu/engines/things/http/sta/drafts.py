"""The body of a POST or PATCH, read against the table of entities: nothing reaches the database that does not fit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from shizhu.engines.things.http.sta.entities import COMPLEX, SETS, EntitySet, Kind, Navigation, Property, Rule
from shizhu.engines.things.http.sta.errors import Refused, bad
from shizhu.engines.things.logic.geojson import GEOJSON, geometry
from shizhu.engines.things.logic.readings import parse_span, parse_time

DEEPEST = 12
SHOWN = 80  # characters of a wrong value


class Known(int):
    """The id of an entity that needs no more checking: the path led to it, or it was made just now."""


@dataclass(frozen=True)
class Draft:
    """An entity to be made or changed: given values by property, links by navigation (ids, or drafts)."""

    entity: EntitySet
    place: str
    values: Mapping[str, Any]
    links: Mapping[str, tuple[int | Draft, ...]] = field(default_factory=dict)

    def linked(self, name: str, id_: int) -> Draft:
        """The same, linked to an entity as well."""
        return replace(self, links={**self.links, name: (Known(id_),)})


def _time(value: Any, parse: Callable[[str], Any]) -> bool:
    try:
        parse(value)
    except (ValueError, TypeError, AttributeError, OverflowError):
        return False
    return isinstance(value, str)


def fits(value: Any, rule: Rule, body: Mapping[str, Any]) -> bool:
    """Whether a given value meets the rule; `body` is what else is given."""
    match rule:
        case Rule.TEXT | Rule.FILLED:
            return isinstance(value, str) and (rule is Rule.TEXT or bool(value.strip()))
        case Rule.OBJECT:
            return isinstance(value, dict)
        case Rule.TIME:
            return _time(value, parse_time)
        case Rule.SPAN:
            return _time(value, parse_span)
        case Rule.OBJECTS | Rule.TEXTS:
            one = Rule.OBJECT if rule is Rule.OBJECTS else Rule.FILLED
            return isinstance(value, list) and all(fits(item, one, body) for item in value)
        case Rule.COMPLEX:
            return bool(value == COMPLEX)
        case Rule.GEOMETRY:
            return body.get("encodingType", "application/geo+json") not in GEOJSON or geometry(value) is not None
    return True


def read(entity: EntitySet, body: Any, place: str = "", known: str = "", *, is_partial: bool = False) -> Draft:
    """Check a body; `known` is a link that is given otherwise, `is_partial` a PATCH. Raises Refused (400)."""
    place = place or entity.entity
    if not isinstance(body, dict):
        raise _fault(place, body, f"must be a JSON object: {article(entity)}")
    if place.count(".") > DEEPEST:
        raise bad(f"{place}: entities may be nested {DEEPEST} deep")
    for name in body:
        if name not in entity.properties and name not in entity.navigation and "@iot." not in name:
            names = ", ".join((*entity.properties, *entity.navigation))
            raise _fault(f"{place}.{name}", body[name], f"{article(entity)} has no such property; it has {names}")
    values = {
        p.name: body[p.name]
        for p in entity.properties.values()
        if _is_given(p, body, place, is_partial=is_partial) and p.column
    }
    links = {
        n.name: tuple(_links(n, body, place))
        for n in entity.navigation.values()
        if _is_linked(n, body, place, known, is_partial=is_partial)
    }
    if entity.one_of and not is_partial and len({*links, known} & {*entity.one_of}) != 1:
        raise _fault(f"{place}.{entity.one_of[0]}", body.get(entity.one_of[0]), f"must be given, or {entity.one_of[1]}")
    return Draft(entity, place, values, links)


def whole(entity: EntitySet, body: Any) -> Draft:
    """Check the body of a PUT: what is not given has no value then; links that are not given stay. Raises Refused."""
    if not isinstance(body, dict):
        return read(entity, body)
    given = [p for p in entity.properties.values() if p.column and p.name != "phenomenonTime"]
    for found in given:
        if found.is_required and found.name not in body:
            raise _fault(f"{entity.entity}.{found.name}", None, "must be given")
    return read(entity, {**{p.name: None for p in given}, **body}, is_partial=True)


def article(entity: EntitySet) -> str:
    """As it is said: a Thing, an Observation."""
    return f"a{'n' if entity.entity[0] in 'AEIOU' else ''} {entity.entity}"


def _fault(place: str, value: Any, rule: str) -> Refused:
    shown = repr(value)
    return bad(f"{place}: {shown if len(shown) <= SHOWN else shown[:SHOWN] + '…'}: {rule}")


def _is_given(found: Property, body: Mapping[str, Any], place: str, *, is_partial: bool) -> bool:
    if found.name not in body and (is_partial or not found.is_required):
        return False
    value = body.get(found.name)
    is_empty = found.name not in body or (value is None and found.kind is not Kind.RESULT)
    if is_empty and found.is_required:
        raise _fault(f"{place}.{found.name}", value, "must be given")
    if not is_empty and not fits(value, found.rule, body):
        raise _fault(f"{place}.{found.name}", value, found.rule.value)
    return True


def _is_linked(navigation: Navigation, body: Mapping[str, Any], place: str, known: str, *, is_partial: bool) -> bool:
    name, where = navigation.name, f"{place}.{navigation.name}"
    if name == known:
        if name in body:
            raise _fault(where, body[name], "is given by the path or the entity around it already")
        return False
    if name in body and SETS[navigation.target].is_fixed:
        raise _fault(where, body[name], "follow from the profile of the Thing's device, and are not given")
    if name in body:
        return True
    if navigation.is_required and not is_partial:
        raise _fault(where, None, 'must be given: an existing one as {"@iot.id": 1}, or a whole new one')
    return False


def _links(navigation: Navigation, body: Mapping[str, Any], place: str) -> list[int | Draft]:
    value, where = body[navigation.name], f"{place}.{navigation.name}"
    if not navigation.is_many:
        return [_link(navigation, value, where)]
    if not isinstance(value, list) or (navigation.is_required and not value):
        raise _fault(where, value, "must be a list of entities" + (", at least one" if navigation.is_required else ""))
    return [_link(navigation, item, f"{where}[{n}]") for n, item in enumerate(value)]


def _link(navigation: Navigation, value: Any, where: str) -> int | Draft:
    if isinstance(value, dict) and "@iot.id" in value:
        others = [name for name in value if "@iot." not in name]
        id_ = value["@iot.id"]
        if not isinstance(id_, int) or isinstance(id_, bool) or others:
            raise _fault(where, value, "an existing entity is named by its @iot.id alone, a whole number")
        return id_
    return read(SETS[navigation.target], value, where, navigation.inverse)
