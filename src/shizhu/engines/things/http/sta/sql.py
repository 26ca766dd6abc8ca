"""SQL text with its bound values, put together from templates."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from shizhu.kernel.access import Predicate

_FIELD = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class Sql:
    """A piece of SQL; `values` belong to the `%s` of `text`, in order."""

    text: str = ""
    values: tuple[Any, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.text)


def sql(template: str, **parts: Sql | str) -> Sql:
    """Fill `{name}` in the template with parts; a part that is used twice binds its values twice."""
    text: list[str] = []
    values: list[Any] = []
    end = 0
    for match in _FIELD.finditer(template):
        part = parts[match[1]]
        text += (template[end : match.start()], part.text if isinstance(part, Sql) else part)
        values += part.values if isinstance(part, Sql) else ()
        end = match.end()
    return Sql("".join((*text, template[end:])), tuple(values))


def join(separator: str, parts: Iterable[Sql]) -> Sql:
    """Parts with a separator between them; empty ones are left out."""
    kept = [part for part in parts if part]
    return Sql(separator.join(part.text for part in kept), tuple(v for part in kept for v in part.values))


def bind(value: Any, type_: str) -> Sql:
    """A bound value of that PostgreSQL type."""
    return Sql(f"%s::{type_}", (value,))


def literal(text: str) -> str:
    """A text constant, for texts of ours alone: equal statements are prepared once."""
    return "'" + text.replace("'", "''").replace("%", "%%") + "'"


def predicate(found: Predicate) -> Sql:
    """The access predicate as a piece."""
    return Sql(found.sql, found.params)
