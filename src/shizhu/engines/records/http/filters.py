"""The filter form of a list: its controls, and the condition that was typed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta

from django.utils import timezone

from shizhu.engines.records.http.inputs import Input, Maker
from shizhu.engines.records.logic.cql2 import Comparison, Contains, Every, Expression, Literal, Property, literal_of
from shizhu.engines.records.logic.register import Field, Kind, Register
from shizhu.engines.records.logic.values import FORMATS, TYPES, Problem, problem, time_text

RANGED = {Kind.NUMBER, Kind.INTEGER, Kind.DATE, Kind.TIME}
ENDS = {"from": ">=", "to": "<="}


@dataclass(frozen=True)
class Filter:
    """One field of the filter form: one control, or two for from and to."""

    title: str
    unit: str
    inputs: tuple[Input, ...]


def filters(register: Register, maker: Maker) -> list[Filter]:
    """The filter form. Controls are named `f.<field>`, `f.<field>.from`, `f.<field>.to`."""
    return [_filter(item, maker) for item in register.filters]


def _filter(item: Field, maker: Maker) -> Filter:
    (made,) = maker.of(item)
    made = replace(made, help="", is_required=False, placeholder="", rules={})
    if item.kind in RANGED:
        control = "date" if item.kind == Kind.TIME else made.control
        names = [f"f.{item.name}.{end}" for end in ENDS]
        ends = tuple(
            replace(made, name=name, control=control, value=maker.typed.get(name, ""), problems=maker.told(name))
            for name in names
        )
        return Filter(made.title, made.unit, ends)
    name = f"f.{item.name}"
    return Filter(made.title, made.unit, (replace(made, name=name, value=maker.typed.get(name, "")),))


def condition(register: Register, typed: Mapping[str, str]) -> tuple[Expression, tuple[Problem, ...]]:
    """The condition that was typed, and what of it could not be understood."""
    parts: list[Expression] = []
    problems: list[Problem] = []
    for item, name, end in _names(register):
        value = typed.get(name, "")
        if value:
            try:
                parts.append(_end(item, end, ENDS[end], value) if end else _same(item, value))
            except (ValueError, OverflowError):
                problems.append(problem(name, value, "type", _wanted(item)))
    return Every(tuple(parts)), tuple(problems)


def _names(register: Register) -> Iterator[tuple[Field, str, str]]:
    """(field, name of its control, end of the range)."""
    for item in register.filters:
        for end in ENDS if item.kind in RANGED else ("",):
            yield item, f"f.{item.name}.{end}".rstrip("."), end


def _wanted(item: Field) -> object:
    if item.kind in {Kind.DATE, Kind.TIME}:
        return FORMATS["date"]
    return TYPES["boolean" if item.kind == Kind.BOOLEAN else "number"]


def _same(item: Field, value: str) -> Expression:
    if item.kind == Kind.TEXT and not item.choices and not item.reference:
        return Contains(Property(item.name), value)
    kind = Kind.BOOLEAN if item.kind == Kind.BOOLEAN else Kind.TEXT
    return Comparison(Property(item.name), "=", literal_of(kind, value))


def _end(item: Field, end: str, sign: str, value: str) -> Expression:
    """One end of a range; a day is a span of time, so that `to` has all of it."""
    if item.kind != Kind.TIME:
        return Comparison(Property(item.name), sign, literal_of(item.kind, value))
    day = date.fromisoformat(value) + timedelta(days=end == "to")
    midnight = timezone.make_aware(datetime.combine(day, time()))
    return Comparison(Property(item.name), "<" if end == "to" else ">=", Literal(Kind.TIME, time_text(midnight)))
