"""What packs may declare: registers (`registers/*.yaml`), and what must hold in one beyond its schema."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from jsonschema import Draft202012Validator, SchemaError

from shizhu.engines.records import references
from shizhu.engines.records.catalogue import KIND
from shizhu.engines.records.logic.register import COMPARABLE, LINE, Field, Kind, Register
from shizhu.engines.records.logic.values import CHECKS
from shizhu.kernel import packs
from shizhu.lib import units

LONGEST_INDEXED = 500  # characters: a B-tree entry must stay below a third of a page


def register() -> None:
    """Called once by the application."""
    packs.kind(KIND, schema=packs.read_schema("shizhu.engines.records", "register"), check=check)


def check(key: str, body: packs.Body, everything: packs.LoadedPacks) -> Iterable[str]:
    """What is wrong with a declaration, one line each: place, value, rule."""
    declared = Register(key, body)
    try:
        Draft202012Validator.check_schema(declared.schema)
    except SchemaError as error:
        return [f"{error.json_path}: not JSON Schema 2020-12: {error.message}"]
    missing = list(_missing(declared))
    return missing or [
        line for lines in (_key(declared), _indexed(declared), _private(declared), _values(declared)) for line in lines
    ] + list(_references(declared, everything))


def _missing(declared: Register) -> Iterator[str]:
    """Names that are no fields."""
    hints = declared.hints
    named = [(f"x-shizhu.{word}", hints[word]) for word in ("key", "title", "order", "time") if word in hints]
    named += [(f"x-shizhu.{word}", name) for word in ("list", "filters") for name in hints.get(word, [])]
    named += [("required", name) for name in declared.body["required"]]
    for place, name in named:
        if name.removeprefix("-") not in declared.fields:
            yield f"{place}: {name}: there is no such field"


def _key(declared: Register) -> Iterator[str]:
    key, title = declared.fields[declared.key_field], declared.fields[declared.title_field]
    if key.kind != Kind.TEXT or not key.is_required or key.rules.get("maxLength", LINE) > LINE:
        yield f"x-shizhu.key: {key.name}: a key must be a required text of at most {LINE} characters"
    if title.kind != Kind.TEXT or not title.is_required:
        yield f"x-shizhu.title: {title.name}: a title must be a required text"
    if declared.time_field and declared.fields[declared.time_field].kind not in {Kind.DATE, Kind.TIME}:
        yield f"x-shizhu.time: {declared.time_field}: must be a date or a time"


def _indexed(declared: Register) -> Iterator[str]:
    order = declared.order.removeprefix("-")
    wanted = [*declared.filters, *declared.references, *([declared.fields[order]] if order else [])]
    for item in {item.name: item for item in wanted}.values():
        if item.kind not in COMPARABLE:
            yield f"x-shizhu.filters: {item.name}: a {item.kind} cannot be compared"
        elif item.is_long or item.rules.get("maxLength", LINE) > LONGEST_INDEXED:
            yield f"x-shizhu.filters: {item.name}: a text must have at most {LONGEST_INDEXED} characters to be indexed"


def _private(declared: Register) -> Iterator[str]:
    """A private field would leak through what everybody may see or search."""
    hints = declared.hints
    public = {declared.key_field, declared.title_field, declared.order.removeprefix("-"), declared.time_field}
    for name in sorted(public.union(hints.get("filters", [])) - {""}):
        if declared.fields[name].privacy:
            yield f"{name}: {declared.fields[name].privacy}: may not be key, title, order, time or filter"


def _values(declared: Register) -> Iterator[str]:
    for item in (part for top in declared.fields.values() for part in (top, *top.fields)):
        yield from _rules(item)


def _rules(item: Field) -> Iterator[str]:
    check_name = item.rules.get("x-shizhu-check")
    if check_name and check_name not in CHECKS:
        yield f"{item.name}: x-shizhu-check: {check_name}: must be one of {', '.join(CHECKS)}"
    unit = item.rules.get("x-shizhu-unit")
    if unit is not None and not units.is_known(unit):
        yield f"{item.name}: x-shizhu-unit: {unit}: is no UCUM code of a known unit"
    for value in item.rules.get("x-shizhu-labels", {}):
        if value not in item.choices:
            yield f"{item.name}: x-shizhu-labels: {value}: is not in enum"
    wanted = int if item.kind == Kind.INTEGER else str
    for value in item.rules.get("enum", []):
        if not isinstance(value, wanted):
            yield f"{item.name}: enum: {value!r}: is not of the field's type"
    try:
        re.compile(item.rules.get("pattern", ""))
    except re.error as error:
        yield f"{item.name}: pattern: {item.rules['pattern']}: {error}"


def _references(declared: Register, everything: packs.LoadedPacks) -> Iterator[str]:
    for item in declared.references:
        is_register = packs.find(everything, KIND, item.reference) is not None
        if not is_register and item.reference not in references.KNOWN:
            yield f"{item.name}: x-shizhu-ref: {item.reference}: nobody declares this register"
        if item.kind != Kind.TEXT:
            yield f"{item.name}: x-shizhu-ref: {item.kind}: a reference is kept as text"
