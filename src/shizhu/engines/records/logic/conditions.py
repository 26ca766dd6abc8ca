"""Which fields of an object apply to its data now: what `if`, `oneOf`, `allOf` and `dependentSchemas` say of them.

JSON Schema 2020-12, core 10.2. The branches of a `oneOf` are told apart by a `const` of one field, its discriminator.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from jsonschema import Draft202012Validator

from shizhu.engines.records.logic.register import Body, Field, Kind, Register


def applying(body: Body, data: Body) -> frozenset[str]:
    """Names of the fields that apply."""
    return frozenset(name for part in holding(body, data) for name in part.get("properties", {}))


def required(body: Body, data: Body) -> frozenset[str]:
    """Names of the fields that must be there."""
    found: set[str] = set()
    for part in holding(body, data):
        found.update(part.get("required", []))
        for name, wanted in part.get("dependentRequired", {}).items():
            found.update(wanted if name in data else ())
    return frozenset(found)


def chosen(branches: list[Body], data: Body) -> Body | None:
    """The branch of a `oneOf` whose constants the data has."""
    return next((branch for branch in branches if constants(branch).items() <= data.items()), None)


def constants(branch: Body) -> dict[str, Any]:
    """The constants that tell a branch of a `oneOf` from the others."""
    return {name: item["const"] for name, item in branch.get("properties", {}).items() if "const" in item}


def holding(body: Body, data: Body) -> Iterator[Body]:
    """The object's schema and those of its branches whose condition is met."""
    yield body
    live = list(body.get("allOf", []))
    if "if" in body:
        live.append(body.get("then" if _test(json.dumps(body["if"]))(data) else "else"))
    live += [branch for name, branch in body.get("dependentSchemas", {}).items() if name in data]
    live.append(chosen(body.get("oneOf", []), data))
    for branch in live:
        if branch:
            yield from holding(branch, data)


@lru_cache
def _test(condition: str) -> Callable[[Body], bool]:
    """Whether an object meets a schema (as JSON); texts that must be there are compared without a validator."""
    schema = json.loads(condition)
    validator = Draft202012Validator(schema)
    wanted = {name: item["const"] for name, item in schema.get("properties", {}).items() if "const" in item}
    plain = {"properties": {name: {"const": value} for name, value in wanted.items()}, "required": [*wanted]}
    if schema == plain and all(isinstance(value, str) for value in wanted.values()):
        return lambda data: wanted.items() <= data.items()
    valid: Callable[[Body], bool] = validator.is_valid
    return valid


def pruned(register: Register, data: Body, given: Body | None = None) -> dict[str, Any]:
    """Data without values of fields that do not apply; what is `given` now stays, for the schema to refuse."""
    return _pruned(register.body, register.fields, data, given or {})


def _pruned(body: Body, fields: Mapping[str, Field], data: Body, given: Body) -> dict[str, Any]:
    kept = dict(data)
    while True:  # what is taken away may have been a condition of something else
        there = applying(body, kept)
        fewer = {name: v for name, v in kept.items() if name in there or name not in fields or name in given}
        if len(fewer) == len(kept):
            break
        kept = fewer
    return {name: _below(fields.get(name), value, given.get(name)) for name, value in kept.items()}


def _below(item: Field | None, value: Any, given: Any) -> Any:
    if item and item.kind == Kind.GROUP and isinstance(value, Mapping):
        return _pruned(item.body, item.parts, value, given if isinstance(given, Mapping) else {})
    if item and item.kind == Kind.ROWS and isinstance(value, list) and given is None:
        return [_pruned(item.body, item.parts, row, {}) if isinstance(row, Mapping) else row for row in value]
    return value
