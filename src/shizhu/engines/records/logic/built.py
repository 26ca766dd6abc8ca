"""A CQL2 condition as groups of lines that are clicked together; the page writes lines back as CQL2 text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from shizhu.engines.records.logic.cql2 import (
    Comparison,
    Every,
    Expression,
    IsNull,
    Like,
    Literal,
    Not,
    Property,
    Some,
)
from shizhu.engines.records.logic.register import COMPARABLE, Field, Register

Line = dict[str, str]  # field, operator, value
LIKE, NULL, FILLED = "like", "null", "filled"


def fields(register: Register) -> Iterator[Field]:
    """Fields a person may filter by: those that can be compared and hide nothing."""
    return (item for item in register.fields.values() if item.kind in COMPARABLE and not item.privacy)


def groups(tree: Expression) -> dict[str, Any] | None:
    """{all, groups: [{all, lines}]}; None where a condition says more than lines can."""
    parts, is_all = _parts(tree)
    made = [_group(part) for part in parts]
    if all(one and len(one["lines"]) == 1 for one in made):
        lines = [line for one in made if one for line in one["lines"]]
        return {"all": True, "groups": [{"all": is_all, "lines": lines}]}
    return {"all": is_all, "groups": made} if all(made) else None


def _parts(tree: Expression) -> tuple[tuple[Expression, ...], bool]:
    if isinstance(tree, Every | Some):
        return tree.expressions, isinstance(tree, Every)
    return (tree,), True


def _group(tree: Expression) -> dict[str, Any] | None:
    parts, is_all = _parts(tree)
    lines = [_line(part) for part in parts]
    return {"all": is_all, "lines": lines} if lines and all(lines) else None


def _line(tree: Expression) -> Line | None:
    match tree:
        case Comparison(Property(name), operator, Literal(_kind, value)):
            return {"field": name, "operator": operator, "value": _text(value)}
        case Like(Property(name), Literal(_kind, str() as pattern)) if _is_part(pattern):
            return {"field": name, "operator": LIKE, "value": pattern[1:-1]}
        case IsNull(Property(name)):
            return {"field": name, "operator": NULL, "value": ""}
        case Not(IsNull(Property(name))):
            return {"field": name, "operator": FILLED, "value": ""}
    return None


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _is_part(pattern: str) -> bool:
    """Whether a pattern says no more than that a text has a part."""
    return len(pattern) > 2 and pattern[0] == pattern[-1] == "%" and not set(pattern[1:-1]) & set("%_\\")
