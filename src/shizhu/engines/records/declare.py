"""What packs may declare: registers (`registers/*.yaml`), and what must hold in one beyond its schema."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from jsonschema import Draft202012Validator, SchemaError

from shizhu.engines.records import references
from shizhu.engines.records.catalogue import KIND, merged
from shizhu.engines.records.logic import computing, duplicates
from shizhu.engines.records.logic.conditions import constants
from shizhu.engines.records.logic.register import (
    COMPARABLE,
    LINE,
    NESTED,
    Body,
    Field,
    Kind,
    Register,
    branches,
    discriminator,
)  # fmt: skip
from shizhu.engines.records.logic.values import CHECKS
from shizhu.kernel import files, overlays, packs
from shizhu.lib import feel, units

LONGEST_INDEXED = 500  # characters: a B-tree entry must stay below a third of a page


def register() -> None:
    """Called once by the application."""
    packs.kind(KIND, schema=packs.read_schema("shizhu.engines.records", "register"), check=check)
    overlays.kind(overlays.FIELDS, schema=packs.read_schema("shizhu.engines.records", "fields"), check=check_fields)


def check(key: str, body: packs.Body, everything: packs.LoadedPacks) -> Iterable[str]:
    """What is wrong with a declaration, one line each: place, value, rule."""
    declared = Register(key, body)
    try:
        Draft202012Validator.check_schema(declared.schema)
    except SchemaError as error:
        return [f"{error.json_path}: not JSON Schema 2020-12: {error.message}"]
    missing = list(_missing(declared))
    if missing:
        return missing
    checks = (_key, _indexed, _private, _values, _conditions, _computed, _states, _duplicates)
    return [line for one in checks for line in one(declared)] + list(_references(declared, everything))


def check_fields(key: str, body: packs.Body, everything: packs.LoadedPacks) -> Iterable[str]:
    """What is wrong with fields that a county adds to a register of a pack: the whole must be in order."""
    base = packs.find(everything, KIND, key)
    if base is None:
        return [f"{key}: no pack that is on in this county declares this register"]
    whole = packs.Declared(KIND, key, merged(base, body), f"{KIND}/{key}")
    return packs.problems_of(packs.kinds()[KIND], whole, everything)


def _missing(declared: Register) -> Iterator[str]:
    """Names that are no fields."""
    hints = declared.hints
    named = [(f"x-shizhu.{word}", hints[word]) for word in ("key", "title", "order", "time", "camera") if word in hints]
    named += [(f"x-shizhu.{word}", name) for word in ("list", "filters") for name in hints.get(word, [])]
    named += [("x-shizhu.expires.field", hints["expires"]["field"])] if "expires" in hints else []
    named += [("x-shizhu.unique", name) for group in hints.get("unique", []) for name in group]
    named += [(f"x-shizhu.flow.{end}", name) for end, name in hints.get("flow", {}).items()]
    for number, rule in enumerate(hints.get("duplicates", [])):
        place = f"x-shizhu.duplicates.{number}"
        named += [(f"{place}.{word}", name) for word in ("same", "like") for name in rule.get(word, ())]
        within = rule.get("within", "_")
        named += [] if within.startswith("_") else [(f"{place}.within", within)]
    named += [("required", name) for name in declared.body["required"]]
    for place, name in named:
        if name.removeprefix("-") not in declared.fields:
            yield f"{place}: {name}: there is no such field"


def _key(declared: Register) -> Iterator[str]:
    key, title = declared.fields[declared.key_field], declared.fields[declared.title_field]
    if key.kind != Kind.TEXT or not key.is_required or key.computed or key.rules.get("maxLength", LINE) > LINE:
        yield f"x-shizhu.key: {key.name}: a key must be a required text of at most {LINE} characters"
    if title.kind != Kind.TEXT or not title.is_required:
        yield f"x-shizhu.title: {title.name}: a title must be a required text"
    if declared.flow and declared.geometry != "LineString":
        yield f"x-shizhu.flow: {declared.geometry or 'no geometry'}: links of a network are each a LineString"
    if declared.camera and declared.fields[declared.camera].kind != Kind.TEXT:
        yield f"x-shizhu.camera: {declared.camera}: must be a text, the camera's https address"
    if (expiry := declared.expiry) and declared.fields[expiry.field].kind != Kind.DATE:
        yield f"x-shizhu.expires.field: {expiry.field}: must be a date"
    for state in expiry.states if expiry else ():
        if state not in declared.states:
            yield f"x-shizhu.expires.states: {state}: there is no such state"
    for name in declared.flow or ():
        if declared.fields[name].kind != Kind.TEXT:
            yield f"x-shizhu.flow: {name}: must be a text or a reference that names a node"
    if declared.time_field and declared.fields[declared.time_field].kind not in {Kind.DATE, Kind.TIME}:
        yield f"x-shizhu.time: {declared.time_field}: must be a date or a time"


def _indexed(declared: Register) -> Iterator[str]:
    order = declared.order.removeprefix("-")
    unique = [declared.fields[name] for group in declared.unique for name in group]
    wanted = [*declared.filters, *declared.references, *unique, *([declared.fields[order]] if order else [])]
    for item in {item.name: item for item in wanted}.values():
        if item.kind not in COMPARABLE:
            yield f"x-shizhu.filters: {item.name}: a {item.kind} cannot be compared"
        elif item.is_long or item.rules.get("maxLength", LINE) > LONGEST_INDEXED:
            yield f"x-shizhu.filters: {item.name}: a text must have at most {LONGEST_INDEXED} characters to be indexed"


def _private(declared: Register) -> Iterator[str]:
    """A private field would leak through what everybody may see or search."""
    hints = declared.hints
    public = {declared.key_field, declared.title_field, declared.order.removeprefix("-"), declared.time_field}
    public |= {declared.camera, *(declared.flow or ()), declared.expiry.field if declared.expiry else ""}
    for name in sorted(public.union(hints.get("filters", [])) - {""}):
        if declared.fields[name].privacy:
            yield f"{name}: {declared.fields[name].privacy}: may not be key, title, order, time, flow, camera or filter"


def _values(declared: Register) -> Iterator[str]:
    for path, item in declared.everything:
        yield from _rules(path, item)


def _objects(declared: Register) -> Iterator[tuple[str, Body, Mapping[str, Field]]]:
    """(path with a dot at its end, declaration, fields) of the row and of every group in it."""
    yield "", declared.body, declared.fields
    yield from ((f"{path}.", item.body, item.parts) for path, item in declared.everything if item.kind in NESTED)


def _conditions(declared: Register) -> Iterator[str]:
    for path, body, fields in _objects(declared):
        for part in (body, *(branch for _name, branch in branches(body))):
            yield from (f"{path}{line}" for line in _condition(part, fields))
        told = discriminator(body)
        if "oneOf" in body and told not in body.get("required", []):
            yield f"{path}oneOf: each branch must have a const of the same required field, which tells them apart"


def _condition(body: Body, fields: Mapping[str, Field]) -> Iterator[str]:
    """What is wrong with the conditions of an object or a branch."""
    asked = body.get("if", {})
    deciding = [*asked.get("properties", {}), *body.get("dependentSchemas", {}), *body.get("dependentRequired", {})]
    deciding += [name for part in body.get("oneOf", []) for name in constants(part)]
    wanted = [name for names in body.get("dependentRequired", {}).values() for name in names]
    for name in dict.fromkeys([*deciding, *wanted, *body.get("required", [])]):
        if name not in fields:
            yield f"{name}: there is no such field"
        elif name in deciding and fields[name].privacy:
            yield f"{name}: {fields[name].privacy}: a private field may not decide what others see"
    for name in asked.get("properties", {}):
        if name not in asked.get("required", []):
            yield f"if: {name}: must be required there too, or the condition holds where it is missing"
    told = [constants(part) for part in body.get("oneOf", [])]
    if any(one in told[:number] for number, one in enumerate(told)):
        yield "oneOf: two branches have the same constants"


def _computed(declared: Register) -> Iterator[str]:
    for path, _body, fields in _objects(declared):
        known = {**declared.fields, **fields}
        for name, item in fields.items():
            if item.computed:
                yield from (f"{path}{name}: x-shizhu-computed: {line}" for line in _formula(item, known, list(fields)))


def _formula(item: Field, known: Mapping[str, Field], order: list[str]) -> Iterator[str]:
    try:
        feel.check(item.computed)
    except feel.FeelError as error:
        yield str(error)
    if computing.RESTLESS.search(item.computed):
        yield "now() and today() change by themselves; a computed field changes when its record is written"
    used = [known[name] for name in computing.names(item.computed) if name in known]
    for other in used:
        if other.computed and (other.name not in order or order.index(other.name) >= order.index(item.name)):
            yield f"{other.name}: is computed later than this field"
        if _is_private(other) and not item.privacy:
            yield f"{other.name}: is private, so what is computed from it must be"
    if item.reference or item.kind in {*NESTED, Kind.FILE, Kind.FILES}:
        yield f"a {'reference' if item.reference else item.kind} cannot be computed"


def _is_private(item: Field) -> bool:
    return bool(item.privacy) or any(_is_private(part) for part in item.fields)


def _states(declared: Register) -> Iterator[str]:
    for step in declared.hints.get("transitions", []):
        for word in ("from", "to"):
            if step[word] not in declared.states:
                yield f"x-shizhu.transitions: {step[word]}: is no state"


def _duplicates(declared: Register) -> Iterator[str]:
    for rule in duplicates.rules(declared):
        place = f"x-shizhu.duplicates.{rule.number}"
        for word, item in [
            *(("same", item) for item in rule.same),
            *([("within", rule.lies_in)] if rule.lies_in else []),
        ]:
            if item.kind not in COMPARABLE or item.is_long:
                yield f"{place}.{word}: {item.name}: a {item.kind} cannot be compared; name a field of one short value"
        for item, _kind in rule.like:
            if item.kind != Kind.TEXT or item.is_long or item.choices or item.reference:
                told = (
                    "choice or a reference"
                    if item.choices or item.reference
                    else "long text"
                    if item.is_long
                    else item.kind
                )
                yield f"{place}.like: {item.name}: a {told} is no name that people write; name a text of one line"
        if [item.name for item in rule.same] == [declared.key_field] and not rule.like:
            yield f"{place}.same: {declared.key_field}: no two rows have the same key; name another field"


def _rules(path: str, item: Field) -> Iterator[str]:
    if item.kind in {Kind.FILE, Kind.FILES}:
        for media_type in item.rules["x-shizhu-file"].get("types", []):
            if media_type not in files.ALL:
                yield f"{path}: x-shizhu-file: {media_type}: must be one of {', '.join(files.ALL)}"
        if item.privacy:
            yield f"{path}: {item.privacy}: a file cannot be masked; keep it in a register with narrower rights"
    check_name = item.rules.get("x-shizhu-check")
    if check_name and check_name not in CHECKS:
        yield f"{path}: x-shizhu-check: {check_name}: must be one of {', '.join(CHECKS)}"
    unit = item.rules.get("x-shizhu-unit")
    if unit is not None and not units.is_known(unit):
        yield f"{path}: x-shizhu-unit: {unit}: is no UCUM code of a known unit"
    for value in item.rules.get("x-shizhu-labels", {}):
        if value not in item.choices:
            yield f"{path}: x-shizhu-labels: {value}: is not in enum"
    inner = item.rules["items"] if item.kind == Kind.LIST and "items" in item.rules else item.rules
    wanted = int if item.kind == Kind.INTEGER else str
    for value in inner.get("enum", []):
        if not isinstance(value, wanted):
            yield f"{path}: enum: {value!r}: is not of the field's type"
    try:
        re.compile(item.rules.get("pattern", ""))
    except re.error as error:
        yield f"{path}: pattern: {item.rules['pattern']}: {error}"


def _references(declared: Register, everything: packs.LoadedPacks) -> Iterator[str]:
    for path, _body, fields in _objects(declared):
        for name, item in fields.items():
            if item.reference:
                yield from (f"{path}{name}: {line}" for line in _reference(item, fields, everything))
            elif item.where or item.depends:
                yield f"{path}{name}: {references.fault('alone', item.title)}"


def _reference(item: Field, fields: Mapping[str, Field], everything: packs.LoadedPacks) -> Iterator[str]:
    target = packs.find(everything, KIND, item.reference)
    if target is None and item.reference not in references.KNOWN:
        yield references.fault("unknown", item.title, item.reference)
        return
    if item.kind != Kind.TEXT:
        yield references.fault("no_text", item.title, item.kind)
    known = references.properties(Register(item.reference, target) if target else item.reference)
    for name in (*item.where, *item.depends):
        if name not in known:
            yield references.fault("narrowed", item.title, name, ", ".join(sorted(known)) or "—")
    for name in item.depends.values():
        if name not in fields or fields[name].privacy or fields[name].kind not in COMPARABLE:
            yield references.fault("depends", item.title, name)
