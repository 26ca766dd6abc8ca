"""A row brought to a declaration that changed: fields renamed, defaults where something is required now, computed anew.

Nothing is taken away: what the register does not know any more stays, for a person to decide.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shizhu.engines.records.logic import computing, conditions
from shizhu.engines.records.logic.register import Body, Field, Kind, Register
from shizhu.engines.records.logic.values import Data, canonical


def revised(register: Register, data: Body) -> Data:
    """The row as the declaration of today wants it, as far as that follows from it. Raises FeelError."""
    made = _revised(register.body, register.fields, data)
    return computing.filled(register, canonical(register, made))


def _revised(body: Body, fields: Mapping[str, Field], data: Body) -> Data:
    made = dict(data)
    for name, item in fields.items():
        old = item.rules.get("x-shizhu-renamed", "")
        if old in made and old not in fields and name not in made:
            made[name] = made.pop(old)
        if name in made:
            made[name] = _below(item, made[name])
    for name in conditions.required(body, made) - made.keys():
        if name in fields and "default" in fields[name].rules:
            made[name] = fields[name].rules["default"]
    return made


def _below(item: Field, value: Any) -> Any:
    if item.kind == Kind.GROUP and isinstance(value, Mapping):
        return _revised(item.body, item.parts, value)
    if item.kind == Kind.ROWS and isinstance(value, list):
        return [_revised(item.body, item.parts, row) if isinstance(row, Mapping) else row for row in value]
    return value
