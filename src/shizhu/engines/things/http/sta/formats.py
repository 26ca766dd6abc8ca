"""`$resultFormat`: the JSON of an answer as dataArray (18-088, req/data-array), CSV or GeoJSON.

CSV (RFC 4180) has a column for each property, `Datastream/name` for those of expanded entities, and a row for each
combination of expanded collections; lists and objects are JSON. GeoJSON has a Feature for each entity: its geometry is
the first found in it (location, feature, observedArea), everything else is a property named by its path, as
`Datastreams/0/name`.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson

Entity = dict[str, Any]
STREAMS = ("Datastream", "MultiDatastream")
GEOMETRIES = ("location", "feature", "observedArea")
NEXT, COUNT = "@iot.nextLink", "@iot.count"
JSON, GEOJSON, OLD_GEOJSON = b"application/json", b"application/geo+json", b"application/vnd.geo+json"


@dataclass(frozen=True)
class Formatted:
    """An answer in another form."""

    body: bytes
    media_type: bytes
    next: str = ""  # address of the next page, where the form has no place for it


def data_array(answer: Entity, root: str) -> Formatted:
    """Observations by Datastream; each was read with the id of its own."""
    groups: dict[tuple[str, int], list[Entity]] = {}
    for row in answer["value"]:
        found = [(name, row.pop(name)["@iot.id"]) for name in STREAMS if row.get(name)]
        groups.setdefault(found[0], []).append({_plain(name): value for name, value in row.items()})
    names = list(dict.fromkeys(name for rows in groups.values() for row in rows for name in row if "@" not in name))
    value = [
        {
            f"{kind}@iot.navigationLink": f"{root}/{kind}s({id_})",
            "components": names,
            "dataArray@iot.count": len(rows),
            "dataArray": [[row.get(name) for name in names] for row in rows],
        }
        for (kind, id_), rows in groups.items()
    ]
    return Formatted(orjson.dumps({**answer, "value": value}), JSON)


def comma_separated(answer: Entity, _root: str) -> Formatted:
    """One table."""
    rows = [row for entity in answer.get("value", [answer]) for row in _rows(entity, "")]
    names = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(names)
    table.writerows([[_cell(row.get(name)) for name in names] for row in rows])
    return Formatted(text.getvalue().encode(), b"text/csv; charset=utf-8; header=present", answer.get(NEXT, ""))


def _rows(entity: Entity, before: str) -> Iterator[dict[str, Any]]:
    """The rows of an entity: its own values, beside each row of what is expanded in it."""
    own: dict[str, Any] = {}
    inner: list[list[dict[str, Any]]] = []
    for name, value in entity.items():
        if _is_expanded(name, value):
            found = [row for one in _listed(value) for row in _rows(one, f"{before}{name}/")]
            inner.append(found or [{}])
        elif "@iot." not in name or name == "@iot.id":
            own[before + _plain(name)] = value
    rows = [own]
    for found in inner:
        rows = [{**row, **other} for row in rows for other in found]
    yield from rows


def _is_expanded(name: str, value: Any) -> bool:
    """Entities begin with a capital letter, properties do not."""
    return name[0].isupper() and isinstance(value, dict | list)


def _listed(value: Any) -> list[Entity]:
    return value if isinstance(value, list) else [value]


def _plain(name: str) -> str:
    return "id" if name == "@iot.id" else name


def _cell(value: Any) -> Any:
    if isinstance(value, bool | list | dict):
        return orjson.dumps(value).decode()
    return value


def geojson(answer: Entity, _root: str) -> Formatted:
    """A FeatureCollection, or one Feature."""
    if "value" not in answer:
        return Formatted(orjson.dumps(_feature(answer)), GEOJSON)
    links = {name: answer[name] for name in (COUNT, NEXT) if name in answer}
    found = {"type": "FeatureCollection", **links, "features": [_feature(entity) for entity in answer["value"]]}
    return Formatted(orjson.dumps(found), GEOJSON)


def wanted_geojson(accept: str) -> bytes | None:
    """Which of the two names of GeoJSON an Accept header prefers to JSON (RFC 9110 §12.5.1); None: JSON.

    What is named is preferred to what only a wildcard covers, and what is named first to what comes later.
    """
    ranges: dict[str, tuple[float, int]] = {}
    for number, part in enumerate(accept.split(",")):
        name, *parameters = (piece.strip().lower() for piece in part.split(";"))
        ranges.setdefault(name, (_quality(parameters), -number))

    def rank(media_type: bytes) -> tuple[float, int, int]:
        covering = enumerate((media_type.decode(), "application/*", "*/*"))
        return next(((ranges[name][0], -n, ranges[name][1]) for n, name in covering if name in ranges), (0.0, 0, 0))

    best = max(JSON, GEOJSON, OLD_GEOJSON, key=rank)
    return best if best != JSON and rank(best)[0] else None


def _quality(parameters: list[str]) -> float:
    """The weight of a media range; one that is no number covers nothing."""
    given = next((one.partition("=")[2].strip() for one in parameters if one.startswith("q=")), "1")
    return float(given) if re.fullmatch(r"0(\.\d{0,3})?|1(\.0{0,3})?", given) else 0.0


def _feature(entity: Entity) -> Entity:
    properties = {name: value for name, value in _flat(entity, "") if "@iot." not in name}
    made = {"type": "Feature", "geometry": _geometry(entity), "properties": properties}
    return {"id": entity["@iot.id"], **made} if "@iot.id" in entity else made


def _geometry(entity: Entity) -> Any:
    """The first geometry of an entity or of what is expanded in it."""
    for name in GEOMETRIES:
        given = entity.get(name)
        if isinstance(given, dict):
            found = given.get("geometry") if given.get("type") == "Feature" else given
            if isinstance(found, dict) and ("coordinates" in found or "geometries" in found):
                return found
    inner = (one for name, value in entity.items() if _is_expanded(name, value) for one in _listed(value))
    return next(filter(None, map(_geometry, inner)), None)


def _flat(value: Any, name: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict | list) and value:
        items = value.items() if isinstance(value, dict) else ((str(n), item) for n, item in enumerate(value))
        for key, item in items:
            if key not in GEOMETRIES:
                yield from _flat(item, f"{name}/{_plain(key)}" if name else _plain(key))
    else:
        yield name, value


FORMATS = {"dataArray": data_array, "csv": comma_separated, "GeoJSON": geojson}
