"""A register as read from its declaration: fields with types and titles, and the JSON Schema it compiles to."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any

Body = Mapping[str, Any]
Names = Mapping[str, str]  # {zh, en}
DIALECT = "https://json-schema.org/draft/2020-12/schema"
LINE = 200  # longest text of one line where the declaration says nothing, so that every text can be indexed
PAGE = 10_000  # longest text of several lines
ACTIVE: Mapping[str, Names] = {"active": {"zh": "在册", "en": "Active"}}


class Kind(StrEnum):
    """What a value is, for forms and for SQL."""

    TEXT = "text"
    NUMBER = "number"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    DATE = "date"
    TIME = "time"
    LIST = "list"  # of texts, or of choices
    GROUP = "group"  # of fields
    ROWS = "rows"  # a list of groups
    FILE = "file"  # the id of an attachment
    FILES = "files"  # a list of them


COMPARABLE = frozenset(Kind) - {Kind.LIST, Kind.GROUP, Kind.ROWS, Kind.FILE, Kind.FILES}
NESTED = frozenset({Kind.GROUP, Kind.ROWS})
_KINDS = {"number": Kind.NUMBER, "integer": Kind.INTEGER, "boolean": Kind.BOOLEAN, "array": Kind.LIST}
_FORMATS = {"date": Kind.DATE, "date-time": Kind.TIME}


@dataclass(frozen=True)
class Field:
    """One field of a register. `privacy` is personal, sensitive or nothing; `unit` is as printed.

    `where` and `depends` narrow what a reference may name: a property of the target → its value, or the field beside
    this one that has it. `fields` are all those of a group or of a row, whether they apply now or not.
    """

    name: str
    kind: Kind
    title: Names
    help: Names
    is_required: bool
    rules: Body
    choices: Mapping[str, Names] = field(default_factory=dict)
    reference: str = ""
    privacy: str = ""
    unit: str | Names = ""
    is_long: bool = False
    fields: tuple[Field, ...] = ()
    computed: str = ""  # FEEL
    where: Mapping[str, str] = field(default_factory=dict)
    depends: Mapping[str, str] = field(default_factory=dict)

    @property
    def body(self) -> Body:
        """The object's declaration: of a group its own, of rows that of one row."""
        inner: Body = self.rules["items"] if self.kind == Kind.ROWS else self.rules
        return inner

    @cached_property
    def parts(self) -> Mapping[str, Field]:
        """The fields of a group or of a row by name."""
        return {item.name: item for item in self.fields}


@dataclass(frozen=True)
class Transition:
    """A step from one state to another, the verb it needs and what its button says."""

    start: str
    end: str
    verb: str
    title: Names


def file_ids(value: Any) -> list[str]:
    """The ids of attachments in a field's value."""
    return [str(one) for one in (value if isinstance(value, list) else [value]) if one]


@dataclass(frozen=True)
class Leaf:
    """A field in a row's data that holds a value: its path, such as `animals.0.kind`, and the data beside it."""

    path: str
    item: Field
    value: Any
    beside: Body


@dataclass(frozen=True)
class Expiry:
    """The date until which a row holds, how many days before that people are told, and in which states (none: all)."""

    field: str
    before: int
    states: tuple[str, ...]


@dataclass(frozen=True)
class Register:
    """One register: `key` is `<pack>.<file stem>`; the other names are fields, `order` may begin with a minus."""

    key: str
    body: Body

    @property
    def pack(self) -> str:
        """The pack that declares it."""
        return self.key.split(".", maxsplit=1)[0]

    @property
    def hints(self) -> Body:
        """What stands under `x-shizhu`."""
        hints: Body = self.body["x-shizhu"]
        return hints

    @property
    def title(self) -> Names:
        """Name of the register."""
        return names(self.body["title"])

    @property
    def help(self) -> Names:
        """What is kept in it."""
        return names(self.body.get("description", ""))

    @property
    def icon(self) -> str:
        """Icon of the sprite."""
        return str(self.hints.get("icon", "database"))

    @property
    def geometry(self) -> str:
        """Point, LineString, Polygon or nothing."""
        return str(self.hints.get("geometry", ""))

    @property
    def key_field(self) -> str:
        """The field that identifies a row within the county."""
        return str(self.hints["key"])

    @property
    def title_field(self) -> str:
        """The field that names a row."""
        return str(self.hints.get("title", self.key_field))

    @property
    def time_field(self) -> str:
        """The field that says when, for OGC `datetime`; may be nothing."""
        return str(self.hints.get("time", ""))

    @property
    def camera(self) -> str:
        """The field with the address of a camera, where rows are cameras; else nothing."""
        return str(self.hints.get("camera", ""))

    @property
    def flow(self) -> tuple[str, str] | None:
        """The fields that name the nodes a row begins and ends at, where rows are links of a network that flows."""
        found = self.hints.get("flow")
        return (str(found["from"]), str(found["to"])) if found else None

    @property
    def expiry(self) -> Expiry | None:
        """Until when rows hold, where they do not for ever."""
        found = self.hints.get("expires")
        if not found:
            return None
        return Expiry(found["field"], int(found.get("before", "P30D")[1:-1]), tuple(found.get("states", ())))

    @property
    def order(self) -> str:
        """The field rows are ordered by at first; nothing for the title in pinyin."""
        return str(self.hints.get("order", ""))

    @cached_property
    def states(self) -> Mapping[str, Names]:
        """States a row may be in beside withdrawn; the first is where it begins."""
        return {key: names(value) for key, value in self.hints.get("states", {}).items()} or ACTIVE

    @cached_property
    def transitions(self) -> tuple[Transition, ...]:
        """Which state may follow which; nothing where any may."""
        return tuple(
            Transition(
                step["from"], step["to"], step.get("verb", "edit"), names(step.get("name", self.states[step["to"]]))
            )
            for step in self.hints.get("transitions", [])
        )

    @cached_property
    def unique(self) -> tuple[tuple[str, ...], ...]:
        """Groups of fields that no two rows in use have alike."""
        return tuple(tuple(group) for group in self.hints.get("unique", []))

    @cached_property
    def fields(self) -> Mapping[str, Field]:
        """All fields by name."""
        return {item.name: item for item in fields_of(self.body)}

    @cached_property
    def listed(self) -> tuple[Field, ...]:
        """Columns of the list."""
        return tuple(self.fields[name] for name in self.hints["list"])

    @cached_property
    def filters(self) -> tuple[Field, ...]:
        """Fields of the filter form; each has an index."""
        return tuple(self.fields[name] for name in self.hints.get("filters", []))

    @cached_property
    def references(self) -> tuple[Field, ...]:
        """Fields of the row itself that name something elsewhere."""
        return tuple(item for item in self.fields.values() if item.reference)

    @cached_property
    def everything(self) -> tuple[tuple[str, Field], ...]:
        """(path, field) of all fields at any depth; a path names no rows: `animals.kind`."""
        return tuple(_deep(self.fields.values(), ""))

    def leaves(self, data: Body) -> Iterator[Leaf]:
        """Every value of a row that is of a declared field, at any depth."""
        return _leaves(self.fields, data, "")

    @cached_property
    def schema(self) -> dict[str, Any]:
        """The JSON Schema 2020-12 that every row obeys."""
        return {"$schema": DIALECT, **_object(self.body)}

    def verb(self, action: str) -> str:
        """The right to view, create, edit, delete or unmask rows: `records.<pack>.<register>.<action>`."""
        return f"records.{self.key}.{action}"


def names(value: object) -> Names:
    """A declared name as {zh, en}; one text stands for both."""
    return value if isinstance(value, Mapping) else {"zh": str(value), "en": str(value)}


def _deep(fields: Collection[Field], prefix: str) -> Iterator[tuple[str, Field]]:
    for item in fields:
        yield f"{prefix}{item.name}", item
        yield from _deep(item.fields, f"{prefix}{item.name}.")


def _leaves(fields: Mapping[str, Field], data: Body, prefix: str) -> Iterator[Leaf]:
    for name, value in data.items():
        item, path = fields.get(name), f"{prefix}{name}"
        if item is None:
            continue
        if item.kind == Kind.GROUP and isinstance(value, Mapping):
            yield from _leaves(item.parts, value, f"{path}.")
        elif item.kind == Kind.ROWS and isinstance(value, list):
            for number, row in enumerate(value):
                yield from _leaves(item.parts, row, f"{path}.{number}.") if isinstance(row, Mapping) else ()
        elif item.kind not in NESTED:
            yield Leaf(path, item, value, data)


def fields_of(body: Body) -> Iterator[Field]:
    """Fields of an object's declaration in order; those of a branch come after the field that decides about it."""
    required = set(body.get("required", []))
    found = dict(body["properties"])
    after: dict[str, list[str]] = {}
    for decider, branch in branches(body):
        fresh = {name: item for name, item in branch.get("properties", {}).items() if name not in found}
        found |= fresh
        after.setdefault(decider if decider in found else "", []).extend(fresh)
    for name in _ordered([*body["properties"], *after.pop("", [])], after):
        yield _field(name, found[name], is_required=name in required)


def _ordered(names: Collection[str], after: Mapping[str, list[str]]) -> Iterator[str]:
    for name in names:
        yield name
        yield from _ordered(after.get(name, []), after)


def branches(body: Body) -> Iterator[tuple[str, Body]]:
    """(the field that decides, subschema) of all that holds of an object under a condition, at any depth."""
    asked = body.get("if", {})
    decider = next(iter([*asked.get("properties", {}), *asked.get("required", [])]), "")
    found = [(decider, body[word]) for word in ("then", "else") if word in body]
    found += [("", part) for part in body.get("allOf", [])]
    found += list(body.get("dependentSchemas", {}).items())
    found += [(discriminator(body), part) for part in body.get("oneOf", [])]
    for name, branch in found:
        yield name, branch
        yield from branches(branch)


def discriminator(body: Body) -> str:
    """The field whose `const` tells the branches of `oneOf` apart; nothing if none does."""
    told = [
        {name for name, item in part.get("properties", {}).items() if "const" in item} for part in body.get("oneOf", [])
    ]
    return next((name for name in body.get("properties", {}) if told and all(name in names for names in told)), "")


def _field(name: str, item: Body, *, is_required: bool) -> Field:
    kind = _kind(item)
    inner: Body = item["items"] if kind in {Kind.ROWS, Kind.LIST} and "items" in item else item
    labels = inner.get("x-shizhu-labels", item.get("x-shizhu-labels", {}))
    return Field(
        name=name,
        kind=kind,
        title=names(item.get("title", name)),
        help=names(item.get("description", "")),
        is_required=is_required,
        rules=item,
        choices={str(value): names(labels.get(str(value), value)) for value in inner.get("enum", [])},
        reference=item.get("x-shizhu-ref", ""),
        privacy=item.get("x-shizhu-class", ""),
        unit=item.get("x-shizhu-symbol", item.get("x-shizhu-unit", "")),
        is_long=bool(item.get("x-shizhu-lines")),
        fields=tuple(fields_of(inner)) if kind in NESTED else (),
        computed=item.get("x-shizhu-computed", ""),
        where=item.get("x-shizhu-where", {}),
        depends=item.get("x-shizhu-depends", {}),
    )


def _kind(item: Body) -> Kind:
    declared = item.get("type", "string")
    if "x-shizhu-file" in item:
        return Kind.FILES if declared == "array" else Kind.FILE
    if declared == "object":
        return Kind.GROUP
    if declared == "array" and "properties" in item.get("items", {}):
        return Kind.ROWS
    return _KINDS.get(declared) or _FORMATS.get(item.get("format", ""), Kind.TEXT)


def _object(body: Body) -> dict[str, Any]:
    """An object's schema: no unknown fields, and what is below it compiled."""
    compiled = {**_annotated(body), **_conditions(body, body["properties"].keys()), "type": "object"}
    compiled["properties"] = {name: _property(item) for name, item in body["properties"].items()}
    closed = "unevaluatedProperties" if any(branches(body)) else "additionalProperties"
    return {**compiled, closed: False}


def _conditions(body: Body, known: Collection[str]) -> dict[str, Any]:
    """The conditional parts compiled: a branch adds fields, or rules to fields that are `known`."""

    def branch(part: Body) -> dict[str, Any]:
        own = part.get("properties", {})
        made = {**part, **_conditions(part, {*known, *own})}
        if own:
            made["properties"] = {n: dict(item) if n in known else _property(item) for n, item in own.items()}
        return made

    made: dict[str, Any] = {word: branch(body[word]) for word in ("then", "else") if word in body}
    made |= {word: [branch(part) for part in body[word]] for word in ("allOf", "oneOf") if word in body}
    if "dependentSchemas" in body:
        made["dependentSchemas"] = {name: branch(part) for name, part in body["dependentSchemas"].items()}
    return made


def _property(item: Body) -> dict[str, Any]:
    kind = _kind(item)
    if kind == Kind.GROUP:
        return _object(item)
    compiled = {"type": "string", **_annotated(item)}
    if kind == Kind.TEXT and "enum" not in item:
        compiled.setdefault("maxLength", PAGE if item.get("x-shizhu-lines") else LINE)
    if kind in {Kind.FILE, Kind.FILES}:
        named = {"type": "string", "format": "uuid"}
        most = item["x-shizhu-file"].get("most", 10)
        return {**compiled, **(named if kind == Kind.FILE else {"items": named, "maxItems": most, "uniqueItems": True})}
    if kind == Kind.ROWS:
        compiled["items"] = _object(item["items"])
    elif kind == Kind.LIST:
        compiled["items"] = _property(item.get("items", {}))
    if "x-shizhu-computed" in item:
        compiled["readOnly"] = True
    return compiled


def _annotated(item: Body) -> dict[str, Any]:
    """Titles in two languages are no JSON Schema: the Chinese stays, both move under `x-shizhu-*`."""
    compiled = dict(item)
    for word in ("title", "description"):
        if isinstance(item.get(word), Mapping):
            compiled[word] = item[word]["zh"]
            compiled[f"x-shizhu-{word}"] = item[word]
    return compiled
