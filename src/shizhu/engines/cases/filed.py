"""What was filled in about a case, as columns: to count by, to filter by, to hand out.

A field of the start form goes under its name, one of a step's form under `<step>.<name>`. Only what is chosen, counted,
dated or pointed at is told: forms do not say which free text is private.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from shizhu.engines.cases import flows
from shizhu.engines.cases.logic import parse
from shizhu.engines.records import api as records
from shizhu.kernel import packs
from shizhu.kernel.text import label, text_sql

TEXT, NUMBER, YES = records.Kind.TEXT, records.Kind.NUMBER, records.Kind.BOOLEAN
KINDS = {"number": NUMBER, "integer": NUMBER, "boolean": YES}
SQL = {
    NUMBER: "(CASE WHEN jsonb_typeof({0}->{1}) = 'number' THEN ({0}->>{1})::numeric END)",
    YES: "(CASE WHEN jsonb_typeof({0}->{1}) = 'boolean' THEN ({0}->>{1})::boolean END)",
    TEXT: '(({0}->>{1}) COLLATE "C")',
}


@dataclass(frozen=True)
class Filed:
    """A field as a property and as a column; `reference` is what it points at."""

    item: records.Field
    column: records.Column
    reference: str


def of_county(flow: str, text: str, county: str, table: str) -> Iterator[Filed]:
    """What the forms of a flow ask, as they are now."""
    return of(flow, text, lambda key: flows.form(key, county), table)


def of(flow: str, text: str, form: Callable[[str], packs.Body], table: str) -> Iterator[Filed]:
    """The same with forms from wherever they are; the first of a name counts."""
    document = f"{table}.state->'document'"
    yield from _form(form(flows.about(text.encode()).start_form), document, "")
    for step, key in _steps(flow, text):
        yield from _form(form(key), f"{document}->'answers'->{text_sql(step)}", f"{step}.")


@lru_cache(maxsize=256)
def _steps(flow: str, text: str) -> tuple[tuple[str, str], ...]:
    """(step, its form)."""
    return tuple((step.id, step.form) for step in parse(text.encode(), key=flow).steps if step.form)


def _form(form: packs.Body, where: str, before: str) -> Iterator[Filed]:
    for name, item in form["properties"].items():
        kind = KINDS.get(item["type"], TEXT)
        if item["type"] == "array" or (kind == TEXT and not _is_closed(item)):
            continue
        zh, en = (label(item["x-title"], language) for language in ("zh", "en"))
        choices = {key: _names(value) for key, value in item.get("x-choices", {}).items()}
        told = records.property_of(f"{before}{name}", kind, zh, en, choices=choices)
        column = records.Column(SQL[kind].format(where, text_sql(name)), kind)
        yield Filed(told, column, item.get("x-shizhu-ref", ""))


def _names(value: Any) -> Mapping[str, str]:
    return value if isinstance(value, Mapping) else {"zh": value, "en": value}


def _is_closed(item: Mapping[str, Any]) -> bool:
    """Whether a text is one of several, a date, or points at something."""
    return bool({"enum", "x-shizhu-ref"} & item.keys()) or item.get("format") == "date"
