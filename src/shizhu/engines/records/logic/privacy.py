"""Personal data (个人信息) as it is shown: in part or not at all, unless somebody said what they need it for.

Whoever looks names one of `PURPOSES` and says more in words: Personal Information Protection Law (个人信息保护法),
articles 6 and 28 (a definite purpose, no more than needed), 51 and 54 (access is recorded and audited).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from shizhu.engines.records.logic.register import NESTED, Body, Field, Kind, Names, Register

HIDDEN = "＊＊＊"
PURPOSES: Mapping[str, Names] = {
    "handling": {"zh": "办理业务", "en": "Handling a matter"},
    "checking": {"zh": "核对信息", "en": "Checking what is kept"},
    "contact": {"zh": "联系本人", "en": "Getting in touch"},
    "emergency": {"zh": "应急处置", "en": "An emergency"},
    "inspection": {"zh": "监督检查", "en": "An inspection"},
}
_NUMBER = re.compile(r"\.[0-9]+(?=\.)")
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


def field_of(path: str) -> str:
    """The field that a path in data is of: of `helpers.0.phone` it is `helpers.phone`."""
    return _NUMBER.sub("", path)


def shown(register: Register, data: Body, opened: Collection[str] = ()) -> tuple[dict[str, Any], frozenset[str]]:
    """The row's data as shown, and the paths that are masked in it; fields that are `opened` are whole.

    This is the one place that unmasks.
    """
    hidden: set[str] = set()
    made = {name: _shown(register.fields.get(name), name, value, opened, hidden) for name, value in data.items()}
    return made, frozenset(hidden)


def told(register: Register, path: str, text: str) -> str:
    """As much as a refusal may say of a value: of a private one, and of what holds some, what a page would show."""
    fields, item = register.fields, None
    for name in path.split("."):
        if name.isdigit():
            continue
        item = fields.get(name)
        if item is None or item.privacy:
            break
        fields = item.parts
    if not text or path.startswith("_"):
        return text
    if item is None or item.kind in NESTED:
        return HIDDEN
    return str(masked(text, item.privacy)) if item.privacy else text


def _shown(item: Field | None, path: str, value: Any, opened: Collection[str], hidden: set[str]) -> Any:
    if item is None:  # of what is no field any more nobody knows whether it was private; `_area` and the like are ours
        return value if path.startswith("_") else HIDDEN
    if field_of(path) in opened:
        return value
    if item.privacy:
        hidden.add(path)
        return masked(value, item.privacy)
    if item.kind == Kind.GROUP and isinstance(value, Mapping):
        return {n: _shown(item.parts.get(n), f"{path}.{n}", v, opened, hidden) for n, v in value.items()}
    if item.kind == Kind.ROWS and isinstance(value, list):
        return [_row(item, f"{path}.{number}", row, opened, hidden) for number, row in enumerate(value)]
    return HIDDEN if item.kind in NESTED or _is_nested(value) else value  # of another shape than is declared


def _row(item: Field, path: str, row: Any, opened: Collection[str], hidden: set[str]) -> Any:
    if not isinstance(row, Mapping):
        return HIDDEN
    return {name: _shown(item.parts.get(name), f"{path}.{name}", v, opened, hidden) for name, v in row.items()}


def _is_nested(value: Any) -> bool:
    return isinstance(value, Mapping) or (isinstance(value, list) and any(isinstance(row, Mapping) for row in value))
