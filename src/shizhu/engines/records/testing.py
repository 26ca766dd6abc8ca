"""What a pack's registers must show: names in two languages, a row that fits, pages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

import shapely

from shizhu.engines.records import queries, references, store
from shizhu.engines.records.catalogue import KIND, register_of
from shizhu.engines.records.contracts import Query, Refused
from shizhu.engines.records.logic import conditions
from shizhu.engines.records.logic.register import Body as Declared
from shizhu.engines.records.logic.register import Field, Kind, Register
from shizhu.kernel import access, testing
from shizhu.kernel.packs import Body
from shizhu.kernel.testing import Trial

SHAPES = {
    "Point": "POINT(100.5 30.5)",
    "LineString": "LINESTRING(100.2 30.2,100.5 30.5)",
    "Polygon": "POLYGON((100 30,100.1 30,100 30.1,100 30))",
}
PLAIN: dict[Kind, Any] = {Kind.BOOLEAN: True, Kind.DATE: "2026-07-01", Kind.TIME: "2026-07-01T00:00:00Z"}


def make(trial: Trial, key: str, body: Body) -> None:
    """A row of made-up values; what it points at comes first."""
    with suppress(Refused):  # `check` tells
        rows(trial, key)


def rows(trial: Trial, key: str) -> tuple[str, ...]:
    """Keys of the register's rows; one is made where there is none."""
    who, county = access.actor(trial.root), trial.county.pk
    declared, government = register_of(key, county), trial.organisation().code
    if not queries.query(who, county, key, Query(limit=1)).entries:
        shape = shapely.from_wkt(SHAPES[declared.geometry]) if declared.geometry else None
        data = values(trial, declared)
        store.create(who, county, key, data, organisation=government, area=trial.town.code, geometry=shape)
    return tuple(entry.key for entry in queries.query(who, county, key, Query()).entries)


def values(trial: Trial, declared: Register) -> dict[str, Any]:
    """Made-up values of the fields that must have one, and of those that give an example."""
    return _values(trial, declared.body, declared.fields)


def _values(trial: Trial, body: Declared, fields: Mapping[str, Field]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    while True:  # a value may be the condition of another
        there, needed = conditions.applying(body, made), conditions.required(body, made)
        wanted = [
            item for name, item in fields.items()
            if name in there and name not in made and not item.computed and (name in needed or "examples" in item.rules)
        ]  # fmt: skip
        if not wanted:
            return made
        for item in wanted:
            made[item.name] = _value(trial, item, made)


def _value(trial: Trial, item: Field, beside: Declared) -> Any:
    rules = item.rules
    if item.reference:
        return _referred(trial, item, beside)
    for given in ("examples", "enum"):
        if given in rules:
            return rules[given][0]
    if item.kind == Kind.GROUP:
        return _values(trial, item.body, item.parts)
    if item.kind == Kind.ROWS:
        return [_values(trial, item.body, item.parts)]
    if item.kind in {Kind.NUMBER, Kind.INTEGER}:
        return rules.get("minimum", rules.get("exclusiveMinimum", 0) + 1)
    text = next(iter(item.choices), "样" * rules.get("minLength", 1))
    return PLAIN.get(item.kind, [text] if item.kind == Kind.LIST else text)


def _referred(trial: Trial, item: Field, beside: Declared) -> str:
    """Something the field may name; the last that fits, because a record made for this row comes last."""
    if item.reference not in references.KNOWN:
        rows(trial, item.reference)
    kind = references.find(item.reference, trial.county.pk)
    found = kind.of(item, beside).search(access.actor(trial.root), trial.county.pk, "", 100) if kind else ()
    return found[-1].value if found else "—"


def check(trial: Trial, key: str, body: Body) -> Iterator[str]:
    """The row is shown to whoever may see it, on the list and on its page, and to nobody else."""
    declared = register_of(key, trial.county.pk)
    yield from _names(declared)
    try:
        rows(trial, key)
    except Refused as error:
        yield f"a row of made-up values is refused ({error}); give `examples` for what a pattern or check wants"
        return
    entry, *_others = queries.query(access.actor(trial.root), trial.county.pk, key, Query()).entries
    for address in ("", "new", f"{entry.id}/", f"{entry.id}/edit", "export.xlsx"):
        status = trial.status(trial.root, f"/records/{key}/{address}")
        if status != 200:
            yield f"/records/{key}/{address} answers with {status}"
    if queries.query(access.actor(trial.stranger), trial.county.pk, key, Query()).total:
        yield "a person without a role sees its rows"


def _names(declared: Register) -> Iterator[str]:
    """Names that are said in one language alone."""
    named = [("title", declared.body["title"]), *declared.hints.get("states", {}).items()]
    for path, item in declared.everything:
        named.append((path, item.rules.get("title")))
        labels = item.rules.get("items", item.rules).get("x-shizhu-labels", {})
        named += [(f"{path}.{value}", labels.get(str(value))) for value in item.choices]
    for place, names in named:
        if not isinstance(names, dict):
            yield f"{place}: must have a name in zh and en"


testing.sample(KIND, make)
testing.proof(KIND, check)
testing.door(KIND, testing.Door(lambda key: f"/records/{key}/", lambda who, key: who.has(f"records.{key}.view")))
