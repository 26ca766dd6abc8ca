"""A register's schema compiled to closures: says of nearly every good row at once that it is good.

It never says so of a bad row. What it cannot decide, and every bad row, goes to the JSON Schema validator, which names
what is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from shizhu.engines.records.logic import conditions

Test = Callable[[Any], bool]
Formats = Mapping[str, Test]  # format, or x-shizhu-check → whether a text keeps it
SILENT = {
    "$schema",
    "title",
    "description",
    "examples",
    "default",
    "properties",
    "required",
    "additionalProperties",
    "unevaluatedProperties",
    "readOnly",
}
TEXTUAL, NUMERIC = (
    {"pattern", "minLength", "maxLength", "format", "x-shizhu-check"},
    {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"},
)
OBJECT = {"type", "dependentRequired", "dependentSchemas", "if", "then", "else", "allOf", "oneOf"}
PLAIN: Mapping[str, type | tuple[type, ...]] = {"string": str, "number": (int, float), "integer": int, "boolean": bool}


def compiled(schema: Mapping[str, Any], formats: Formats, checks: Formats) -> Test:
    """Whether an object surely obeys the schema of an object without unknown fields."""
    maker = _Maker(formats, checks)
    parts: dict[int, Part] = {}  # of the schema and of each of its branches; their ids are theirs while it is there

    def is_good(data: Any) -> bool:
        holding = list(conditions.holding(schema, data))
        found = [parts.get(id(body)) or parts.setdefault(id(body), maker.part(body)) for body in holding]
        return all(any(name in part.tests for part in found) for name in data) and all(
            part.obeys(data) for part in found
        )

    return is_good


@dataclass(frozen=True)
class Part:
    """What one schema says of an object, its branches left out."""

    tests: Mapping[str, Test]
    required: frozenset[str]
    dependent: Mapping[str, frozenset[str]]
    branches: list[Any]  # of its `oneOf`
    is_known: bool

    def obeys(self, data: Any) -> bool:
        """Whether it surely does."""
        return (
            self.is_known
            and self.required <= data.keys()
            and all(test(data[name]) for name, test in self.tests.items() if name in data)
            and all(wanted <= data.keys() for name, wanted in self.dependent.items() if name in data)
            and (not self.branches or conditions.chosen(self.branches, data) is not None)
        )


def _words(schema: Mapping[str, Any]) -> set[str]:
    """What a schema demands beside what it is made of."""
    kept = {"x-shizhu-check"}
    return {word for word in schema if word not in SILENT and (word in kept or not word.startswith("x-shizhu"))}


class _Maker:
    def __init__(self, formats: Formats, checks: Formats) -> None:
        self._formats, self._checks = formats, checks

    def part(self, schema: Mapping[str, Any]) -> Part:
        """What a schema says of an object itself; words that are none of ours are never surely obeyed."""
        return Part(
            {name: self.of(item) for name, item in schema.get("properties", {}).items()},
            frozenset(schema.get("required", ())),
            {name: frozenset(wanted) for name, wanted in schema.get("dependentRequired", {}).items()},
            schema.get("oneOf", []),
            is_known=not _words(schema) - OBJECT,
        )

    def of(self, schema: Mapping[str, Any]) -> Test:
        """Whether a value surely obeys the schema of a field."""
        if schema.keys() == {"const"}:
            return _among([schema["const"]])
        kind = str(schema.get("type"))
        if kind == "object" and "properties" in schema:
            return self._group(schema)
        if kind == "array":
            return self._list(schema)
        known = {"type", "enum"} | (TEXTUAL if kind == "string" else NUMERIC)
        tests = [self._test(word, schema[word]) for word in _words(schema)]
        if kind not in PLAIN or _words(schema) - known or any(test is None for test in tests):
            return lambda _value: False
        wanted, has_flags = PLAIN[kind], kind == "boolean"
        sure = [test for test in tests if test is not None]
        return lambda value: (
            isinstance(value, wanted)
            and isinstance(value, bool) == has_flags
            and value == value  # noqa: PLR0124  # NaN is no number
            and all(test(value) for test in sure)
        )

    def _group(self, schema: Mapping[str, Any]) -> Test:
        inner = compiled(schema, self._formats, self._checks)
        return lambda value: isinstance(value, dict) and inner(value)

    def _list(self, schema: Mapping[str, Any]) -> Test:
        if _words(schema) - {"type", "items", "minItems", "maxItems", "uniqueItems"}:
            return lambda _value: False
        least, most, is_unique = schema.get("minItems", 0), schema.get("maxItems", 10**9), schema.get("uniqueItems")
        item = self.of(schema["items"])
        is_text = schema["items"].get("type") == "string"  # what else is equal to what is not for us
        return lambda value: (
            isinstance(value, list)
            and least <= len(value) <= most
            and all(map(item, value))
            and (not is_unique or (is_text and len(set(value)) == len(value)))
        )

    def _test(self, word: str, limit: Any) -> Test | None:
        """The test of one keyword; None where it is none of ours."""
        if word == "format":
            return self._formats.get(limit)
        if word == "x-shizhu-check":
            return self._checks.get(limit)
        return _TESTS[word](limit) if word in _TESTS else None


def is_multiple(value: float, step: float) -> bool:
    """By decimal digits as they are written: 0.29 is a multiple of 0.01. What has too many digits is none."""
    try:
        return not Decimal(str(value)) % Decimal(str(step))
    except InvalidOperation:
        return False


def _among(limit: list[Any]) -> Test:
    return lambda value: any(value == one and type(value) is type(one) for one in limit)


def _like(limit: str) -> Test:
    search = re.compile(limit).search
    return lambda value: search(value) is not None


_TESTS: Mapping[str, Callable[[Any], Test]] = {
    "type": lambda _limit: lambda _value: True,
    "enum": _among,
    "pattern": _like,
    "minLength": lambda limit: lambda value: len(value) >= limit,
    "maxLength": lambda limit: lambda value: len(value) <= limit,
    "minimum": lambda limit: lambda value: value >= limit,
    "maximum": lambda limit: lambda value: value <= limit,
    "exclusiveMinimum": lambda limit: lambda value: value > limit,
    "exclusiveMaximum": lambda limit: lambda value: value < limit,
    "multipleOf": lambda limit: lambda value: is_multiple(value, limit),
}
