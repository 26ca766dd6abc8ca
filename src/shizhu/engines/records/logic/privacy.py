"""Personal data (个人信息) as it is shown to somebody who may not see it whole."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from shizhu.engines.records.logic.register import Body, Field, Kind, Register

HIDDEN = "＊＊＊"
_SHAPES = (  # common practice: a phone keeps 3 and 4, an identity number 6 and 4, anything else its first character
    (re.compile(r"(1\d{2})\d{4}(\d{4})"), r"\1****\2"),
    (re.compile(r"(\d{6})\d{8}(\d{3}[\dXx])"), r"\1********\2"),
    (re.compile(r"(.).*", re.DOTALL), r"\1**"),
)


def masked(value: object, privacy: str) -> object:
    """A value of class `personal` in part, of class `sensitive` not at all."""
    if privacy == "sensitive":
        return HIDDEN
    if isinstance(value, str) and value:
        shape, shown = next((shape, shown) for shape, shown in _SHAPES if shape.fullmatch(value))
        return shape.sub(shown, value, count=1)
    return HIDDEN


def shown(register: Register, data: Body, *, is_open: bool) -> tuple[dict[str, Any], frozenset[str]]:
    """The row's data as shown, and the paths that are masked in it. This is the one place that unmasks."""
    hidden: set[str] = set()
    return {name: _shown(register.fields.get(name), name, value, is_open, hidden) for name, value in data.items()}, (
        frozenset(hidden)
    )


def _shown(item: Field | None, path: str, value: Any, is_open: bool, hidden: set[str]) -> Any:
    if item is None or is_open:
        return value
    if item.privacy:
        hidden.add(path)
        return masked(value, item.privacy)
    if item.kind == Kind.GROUP and isinstance(value, Mapping):
        return {name: _shown(item.parts.get(name), f"{path}.{name}", v, is_open, hidden) for name, v in value.items()}
    if item.kind == Kind.ROWS and isinstance(value, list):
        return [_row(item, f"{path}.{number}", row, hidden) for number, row in enumerate(value)]
    return value


def _row(item: Field, path: str, row: Any, hidden: set[str]) -> Any:
    if not isinstance(row, Mapping):
        return row
    return {name: _shown(item.parts.get(name), f"{path}.{name}", v, False, hidden) for name, v in row.items()}
