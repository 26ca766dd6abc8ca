"""Resource paths of 18-088 §9.2, of any depth: /Things(1)/Datastreams(2)/Observations/$ref."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from shizhu.engines.things.http.sta.entities import SETS, EntitySet, Kind, Navigation, Property
from shizhu.engines.things.http.sta.errors import bad, missing

INSIDE = re.compile(r"(?P<name>[^\[\]]+)(?P<places>(?:\[\d+\])*)")
SEGMENT = re.compile(r"(?P<name>\$?[A-Za-z@.]+)(?:\((?P<key>[^()]*)\))?")
KEY = re.compile(r"-?\d{1,18}")
DEEPEST = 20
ENDS = {"is_value", "is_reference", "is_count"}
ID = "@iot.id"


@dataclass(frozen=True)
class Step:
    """One entity or collection: how one came to it, and the id if one is named."""

    entity: EntitySet
    navigation: Navigation | None = None
    key: int | None = None

    @property
    def is_single(self) -> bool:
        """Whether it is one entity."""
        return self.key is not None or (self.navigation is not None and not self.navigation.is_many)


@dataclass(frozen=True)
class ResourcePath:
    """Steps, and what of the last is meant: the whole, one attribute (perhaps raw), its address, or how many."""

    steps: tuple[Step, ...]
    attribute: Property | None = None
    is_id: bool = False
    is_value: bool = False
    is_reference: bool = False
    is_count: bool = False
    within: tuple[str, ...] = ()  # names and places within an attribute that is JSON
    name: str = ""  # what the last of these is written as

    @property
    def last(self) -> Step:
        """What the path leads to."""
        return self.steps[-1]

    @property
    def is_of_entities(self) -> bool:
        """Whether entities are meant, not one property, an address or a count of them."""
        return not (self.is_reference or self.attribute or self.is_id or self.is_count)


def _key(text: str | None, place: int) -> int | None:
    if text is None:
        return None
    if not KEY.fullmatch(text):
        if re.fullmatch(r"'.*'|\d+", text):
            raise missing(f"there is no entity with the id {text}: ids here are whole numbers", place)
        raise bad(f"({text}) is not an id: ids here are whole numbers, as in Things(1)", place)
    return int(text)


def _step(before: Step | None, name: str, key: int | None, place: int) -> Step:
    if before is None:
        if name not in SETS:
            raise missing(f"{name!r} is no entity set; there are {', '.join(SETS)}", place)
        return Step(SETS[name], None, key)
    navigation = before.entity.navigation.get(name)
    if navigation is None or not before.is_single:
        raise missing(f"{name!r} does not lead on from {before.entity.name}", place)
    if key is not None and not navigation.is_many:
        raise missing(f"{name} leads to one entity, so it takes no id", place)
    return Step(SETS[navigation.target], navigation, key)


def parse(path: str) -> ResourcePath:
    """Read a decoded path below the service root, as `Things(1)/name`; raises Refused (400, 404)."""
    steps: list[Step] = []
    wanted: dict[str, Any] = {}
    place = 0
    segments = path.strip("/").split("/")
    if len(segments) > DEEPEST:
        raise bad(f"a path may have {DEEPEST} segments", 0)
    for segment in segments:
        if _is_within(segment, wanted):
            place += len(segment) + 1
            continue
        match = SEGMENT.fullmatch(segment)
        if match is None:
            raise bad(f"{segment!r} is no segment of a path: they look like Things(1), Datastreams, name", place)
        name, key = match["name"], _key(match["key"], place)
        if not _ends(steps, name, wanted):
            if wanted:
                raise missing(f"nothing comes after {segments[segments.index(segment) - 1]}", place)
            steps.append(_step(steps[-1] if steps else None, name, key, place))
        place += len(segment) + 1
    return ResourcePath(tuple(steps), **wanted)


def _is_within(segment: str, wanted: dict[str, Any]) -> bool:
    """Whether the segment leads on into an attribute that is JSON, as properties/list[0]."""
    attribute, match = wanted.get("attribute"), INSIDE.fullmatch(segment)
    is_inside = attribute is not None and attribute.kind in {Kind.JSON, Kind.RESULT} and "is_value" not in wanted
    if not is_inside or match is None or segment.startswith("$"):
        return False
    places = re.findall(r"\d+", match["places"])
    wanted |= {"within": (*wanted.get("within", ()), match["name"], *places), "name": segment}
    return True


def _ends(steps: list[Step], name: str, wanted: dict[str, Any]) -> bool:
    """Whether the segment says what of the last step is meant."""
    if not steps or ENDS & {*wanted}:
        return False
    last = steps[-1]
    if name == "$value" and wanted:
        wanted["is_value"] = True
    elif name == "$ref" and not wanted:
        wanted["is_reference"] = True
    elif name == "$count" and not wanted and not last.is_single:
        wanted["is_count"] = True
    elif last.is_single and not wanted and name in last.entity.properties:
        wanted["attribute"] = last.entity.properties[name]
    elif last.is_single and not wanted and name in {"id", ID}:
        wanted["is_id"] = True
    else:
        return False
    return True
