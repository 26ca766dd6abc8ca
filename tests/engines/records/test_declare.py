"""A register's file is checked before a row of it can exist, and compiles to plain JSON Schema 2020-12."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from tests.fixtures import TOY

from shizhu.engines.records.logic.register import DIALECT, Kind, Register
from shizhu.kernel import packs
from shizhu.kernel.packs import Body, schema_errors

SCHEMA = packs.read_schema("shizhu.engines.records", "register")


def body(**changes: Any) -> Body:
    """A small right declaration with some keys changed; a dotted key goes one level down."""
    made: Body = {
        "title": "杯子",
        "x-shizhu": {"key": "code", "title": "code", "list": ["code"]},
        "properties": {"code": {"type": "string"}, "size": {"type": "number"}, "maker": {"type": "string"}},
        "required": ["code"],
    }
    for key, value in changes.items():
        place, _, name = key.partition("__")
        if name:
            made[{"x": "x-shizhu"}.get(place, place)][name] = value
        else:
            made[place] = value
    return made


def lines(tmp_path: Path, declared: Body) -> list[str]:
    pack = packs.LoadedPack("toy", tmp_path, {}, (packs.Declared("registers", "toy.cup", declared, "cup.yaml"),))
    kind = packs.kinds()["registers"]
    return list(schema_errors(SCHEMA, declared)) or list(kind.check("toy.cup", declared, {"toy": pack}))  # type: ignore[misc]


def test_a_right_declaration_has_no_problem(tmp_path: Path) -> None:
    assert lines(tmp_path, body()) == []
    toy = packs.read(TOY)
    assert [line for line in packs.problems(toy, {"lemonade": toy}) if "/registers/" in line] == []


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"x__key": "number"}, "x-shizhu.key: number: there is no such field"),
        ({"x__list": ["code", "colour"]}, "x-shizhu.list: colour: there is no such field"),
        ({"x__filters": ["colour"]}, "x-shizhu.filters: colour: there is no such field"),
        ({"x__order": "-colour"}, "x-shizhu.order: -colour: there is no such field"),
        ({"required": ["code", "colour"]}, "required: colour: there is no such field"),
        ({"x__key": "maker"}, "x-shizhu.key: maker: a key must be a required text of at most 200 characters"),
        ({"x__title": "size"}, "x-shizhu.title: size: a title must be a required text"),
        ({"x__time": "size"}, "x-shizhu.time: size: must be a date or a time"),
        ({"x__expires": {"field": "until"}}, "x-shizhu.expires.field: until: there is no such field"),
        ({"x__expires": {"field": "size"}}, "x-shizhu.expires.field: size: must be a date"),
        (
            {
                "properties__maker": {"type": "string", "format": "date"},
                "x__expires": {"field": "maker", "states": ["old"]},
            },
            "x-shizhu.expires.states: old: there is no such state",
        ),
        (
            {"properties__maker": {"type": "string", "x-shizhu-ref": "toy.potter"}},
            "maker: the field “maker” points at the register toy.potter, which nobody declares",
        ),
        (
            {"properties__tags": {"type": "array"}, "x__filters": ["tags"]},
            "x-shizhu.filters: tags: a list cannot be compared",
        ),
        (
            {"properties__maker": {"type": "string", "x-shizhu-class": "personal"}, "x__filters": ["maker"]},
            "maker: personal: may not be key, title, order, time, flow, camera or filter",
        ),
        (
            {"properties__maker": {"type": "string", "x-shizhu-lines": True}, "x__filters": ["maker"]},
            "x-shizhu.filters: maker: a text must have at most 500 characters to be indexed",
        ),
        ({"properties__maker": {"type": "string", "pattern": "("}}, None),
        (
            {"x__duplicates": [{"same": ["colour"]}]},
            "x-shizhu.duplicates.0.same: colour: there is no such field",
        ),
        (
            {"x__duplicates": [{"like": {"maker": "person"}}, {"like": {"colour": "person"}}]},
            "x-shizhu.duplicates.1.like: colour: there is no such field",
        ),
        (
            {"x__duplicates": [{"same": ["maker"], "within": "colour"}]},
            "x-shizhu.duplicates.0.within: colour: there is no such field",
        ),
        (
            {"properties__tags": {"type": "array"}, "x__duplicates": [{"same": ["tags"]}]},
            "x-shizhu.duplicates.0.same: tags: a list cannot be compared; name a field of one short value",
        ),
        (
            {"x__duplicates": [{"like": {"size": "address"}}]},
            "x-shizhu.duplicates.0.like: size: a number is no name that people write; name a text of one line",
        ),
        (
            {"x__duplicates": [{"same": ["code"]}]},
            "x-shizhu.duplicates.0.same: code: no two rows have the same key; name another field",
        ),
        (
            {"x__duplicates": [{"within": "maker"}]},
            None,
        ),
        (
            {"x__duplicates": [{"like": {"maker": "dog"}}]},
            None,
        ),
        (
            {"properties__maker": {"x-shizhu-check": "luck"}},
            "maker: x-shizhu-check: luck: must be one of gb32100, gb11643",
        ),
        (
            {"properties__maker": {"enum": ["a"], "x-shizhu-labels": {"b": "乙"}}},
            "maker: x-shizhu-labels: b: is not in enum",
        ),
        (
            {"properties__size": {"type": "number", "x-shizhu-unit": "厘米"}},
            "size: x-shizhu-unit: 厘米: is no UCUM code of a known unit",
        ),
        ({"properties__maker": {"enum": ["a", 1]}}, "maker: enum: 1: is not of the field's type"),
    ],
)
def test_a_wrong_declaration_is_named(tmp_path: Path, changes: dict[str, Any], line: str | None) -> None:
    found = lines(tmp_path, body(**changes))
    assert len(found) == 1
    assert line is None or found == [line]


@pytest.mark.parametrize(
    "changes",
    [
        {"colour": "red"},
        {"x__lst": ["code"]},
        {"x__geometry": "Circle"},
        {"x__states": {"withdrawn": "无"}},
        {"properties__Size": {"type": "number"}},
        {"properties__size": {"type": "number", "minimun": 1}},
        {"properties__size": {"type": "object", "properties": {"in": {"type": "object"}}}},
    ],
)
def test_a_slip_of_the_pen_is_no_declaration(changes: dict[str, Any]) -> None:
    assert len(list(schema_errors(SCHEMA, body(**changes)))) == 1


def test_it_compiles_to_json_schema() -> None:
    compiled = Register("toy.cup", body(properties__size={"title": {"zh": "大小", "en": "Size"}})).schema
    Draft202012Validator.check_schema(compiled)
    assert compiled == {
        "$schema": DIALECT,
        "title": "杯子",
        "x-shizhu": {"key": "code", "title": "code", "list": ["code"]},
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "code": {"type": "string", "maxLength": 200},
            "size": {
                "type": "string", "maxLength": 200, "title": "大小", "x-shizhu-title": {"zh": "大小", "en": "Size"},
            },
            "maker": {"type": "string", "maxLength": 200},
        },
        "required": ["code"],
    }  # fmt: skip


def test_fields_know_their_kind() -> None:
    declared = Register(
        "lemonade.stall", packs.find({"lemonade": packs.read(TOY)}, "registers", "lemonade.stall") or {}
    )
    assert {name: item.kind for name, item in declared.fields.items() if item.kind != Kind.TEXT} == {
        "seats": Kind.INTEGER,
        "price": Kind.NUMBER,
        "is_shaded": Kind.BOOLEAN,
        "opened": Kind.DATE,
        "inspected": Kind.TIME,
        "drinks": Kind.LIST,
        "address": Kind.GROUP,
    }
    assert (declared.fields["price"].unit, declared.fields["kind"].choices["cart"]["en"]) == ("元", "Cart")


GROUP = {"type": "object", "properties": {"a": {"type": "string"}}}
PRIVATE = {"type": "string", "x-shizhu-class": "personal"}
DEEPER: list[tuple[dict[str, Any], str]] = [
    ({"x__unique": [["colour"]]}, "x-shizhu.unique: colour: there is no such field"),
    ({"if": {"properties": {"maker": {"const": "a"}}, "required": ["size"]}, "then": {"required": ["size"]}},
     "if: maker: must be required there too, or the condition holds where it is missing"),
    ({"if": {"properties": {"colour": {"const": "a"}}, "required": ["colour"]}, "then": {"required": ["size"]}},
     "colour: there is no such field"),
    ({"properties__maker": PRIVATE, "dependentRequired": {"maker": ["size"]}},
     "maker: personal: a private field may not decide what others see"),
    ({"oneOf": [{"properties": {"maker": {"const": "a"}}}, {"properties": {"maker": {"const": "b"}}}]},
     "oneOf: each branch must have a const of the same required field, which tells them apart"),
    ({"required": ["code", "maker"],
      "oneOf": [{"properties": {"maker": {"const": "a"}}}, {"properties": {"maker": {"const": "a"}}}]},
     "oneOf: two branches have the same constants"),
    ({"properties__twice": {"type": "number", "x-shizhu-computed": "now()"}},
     "twice: x-shizhu-computed: now() and today() change by themselves; a computed field changes when its record is"
     " written"),
    ({"properties__maker": PRIVATE, "properties__first": {"type": "string", "x-shizhu-computed": "maker + 1"}},
     "first: x-shizhu-computed: maker: is private, so what is computed from it must be"),
    ({"properties__a": {"type": "number", "x-shizhu-computed": "b"},
      "properties__b": {"type": "number", "x-shizhu-computed": "size"}},
     "a: x-shizhu-computed: b: is computed later than this field"),
    ({"properties__maker": {"type": "string", "x-shizhu-ref": "kernel.post", "x-shizhu-where": {"name": "a"}}},
     "maker: the field “maker” cannot be narrowed by name, but by area, organisation, role"),
    ({"properties__maker": {"type": "string", "x-shizhu-ref": "kernel.area", "x-shizhu-depends": {"parent": "town"}}},
     "maker: the field “maker” goes by town, which must be a field beside it that everybody may see"),
    ({"properties__photo": {"type": "string", "x-shizhu-file": {"types": ["image/gif"]}}}, None),
    ({"properties__photo": {"type": "string", "x-shizhu-file": {}, "x-shizhu-class": "personal"}},
     "photo: personal: a file cannot be masked; keep it in a register with narrower rights"),
    ({"x__states": {"a": "甲", "b": "乙"}, "x__transitions": [{"from": "a", "to": "c"}]},
     "x-shizhu.transitions: c: is no state"),
    ({"properties__box": {**GROUP, "required": ["b"]}}, "box.b: there is no such field"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "line"), DEEPER)
def test_what_depends_on_other_fields_is_checked_too(tmp_path: Path, changes: dict[str, Any], line: str | None) -> None:
    found = lines(tmp_path, body(**changes))
    assert len(found) == 1, found
    assert line is None or found == [line]
