"""Computed fields (`x-shizhu-computed`): FEEL over the fields of a row, evaluated when it is written, never when read.

An expression sees every field of the row by its name, in a group or in rows also those beside it; what is not there is
null, of rows the empty list. Computed fields of the row itself see those declared before them.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from shizhu.engines.records.logic import conditions
from shizhu.engines.records.logic.register import Body, Field, Kind, Register
from shizhu.engines.records.logic.values import Data, canonical, time_text
from shizhu.lib import feel

NAME = re.compile(r'"(?:[^"\\]|\\.)*"|(?<![\w.])[A-Za-z_]\w*')
RESTLESS = re.compile(r"\b(?:now|today)\s*\(")  # what is computed at write would grow stale by itself


def names(expression: str) -> frozenset[str]:
    """Words of an expression that may name fields, texts in quotes left out."""
    return frozenset(word for word in NAME.findall(expression) if not word.startswith('"'))


def has_computed(register: Register) -> bool:
    """Whether anything is computed in the register at all: most rows never need V8."""
    return any(item.computed for _path, item in register.everything)


def filled(register: Register, data: Body) -> Data:
    """Data in canonical form with every computed field as it is now; what FEEL makes null of is not there."""
    if not has_computed(register):
        return dict(data)
    made = _filled(register.body, register.fields, data, {})
    return canonical(register, made)


def _filled(body: Body, fields: Mapping[str, Field], data: Body, around: Mapping[str, Any]) -> Data:
    made: Data = {name: v for name, v in data.items() if name not in fields or not fields[name].computed}
    here = {**around, **_context(fields, made)}
    for name, item in fields.items():
        value = made.get(name)
        if item.kind == Kind.GROUP and (isinstance(value, Mapping) or any(part.computed for part in item.fields)):
            made[name] = _filled(item.body, item.parts, value or {}, here)
        elif item.kind == Kind.ROWS and isinstance(value, list):
            made[name] = [
                _filled(item.body, item.parts, row, here) if isinstance(row, Mapping) else row for row in value
            ]
    wanted = [item for name, item in fields.items() if item.computed]
    there = conditions.applying(body, made)
    found = _evaluated([item for item in wanted if item.name in there], {**around, **_context(fields, made)})
    return {**made, **found}


def _evaluated(wanted: list[Field], context: Mapping[str, Any]) -> Data:
    """All at once, as one FEEL context whose entries see those before them."""
    if not wanted:
        return {}
    names = {item.name for item in wanted}
    known = {name: value for name, value in context.items() if name not in names}
    entries = ", ".join(f"{item.name}: ({item.computed})" for item in wanted)
    answer = feel.evaluate(f"{{{entries}}}", known)
    found = answer if isinstance(answer, dict) else {}
    return {item.name: _plain(item, found.get(item.name)) for item in wanted if found.get(item.name) is not None}


def _context(fields: Mapping[str, Field], data: Body) -> dict[str, Any]:
    return {name: _value(item, data.get(name)) for name, item in fields.items()}


def _value(item: Field, value: Any) -> Any:
    """A field's value as FEEL takes it; what is not of the field's type is null, for the schema to refuse."""
    if item.kind == Kind.ROWS:
        return [_context(item.parts, row) for row in value if isinstance(row, Mapping)] if value else []
    if item.kind == Kind.GROUP:
        return _context(item.parts, value) if isinstance(value, Mapping) else None
    if item.kind in {Kind.NUMBER, Kind.INTEGER}:
        return value if isinstance(value, int | float) and not isinstance(value, bool) else None
    try:
        if item.kind == Kind.DATE and value is not None:
            return dt.date.fromisoformat(value)
        if item.kind == Kind.TIME and value is not None:
            return dt.datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return value


def _plain(item: Field, value: Any) -> Any:
    """What FEEL found as JSON; numbers without the noise of binary fractions, by `multipleOf` where one is declared."""
    match value:
        case bool():
            return value
        case float() if "multipleOf" in item.rules:
            step = Decimal(str(item.rules["multipleOf"]))
            return float(round(Decimal(str(value)) / step) * step)
        case float():
            return float(f"{value:.12g}")
        case dt.datetime():
            return time_text(value) or value.isoformat()
        case dt.date() | dt.time():
            return value.isoformat()
        case dt.timedelta():
            return feel.duration_text(value)
        case list():
            return [_plain(item, part) for part in value]
    return value
