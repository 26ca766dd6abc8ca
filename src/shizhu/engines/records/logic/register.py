"""A register as read from its declaration: fields with types and titles, and the JSON Schema it compiles to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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
    LIST = "list"  # of texts
    GROUP = "group"  # of fields, one level deep


COMPARABLE = frozenset(Kind) - {Kind.LIST, Kind.GROUP}
_KINDS = {"number": Kind.NUMBER, "integer": Kind.INTEGER, "boolean": Kind.BOOLEAN, "array": Kind.LIST}
_FORMATS = {"date": Kind.DATE, "date-time": Kind.TIME}


@dataclass(frozen=True)
class Field:
    """One field of a register. `privacy` is personal, sensitive or nothing; `unit` is as printed."""

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
    def order(self) -> str:
        """The field rows are ordered by at first; nothing for the title in pinyin."""
        return str(self.hints.get("order", ""))

    @cached_property
    def states(self) -> Mapping[str, Names]:
        """States a row may be in beside withdrawn; the first is where it begins."""
        return {key: names(value) for key, value in self.hints.get("states", {}).items()} or ACTIVE

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
        """Fields that name something elsewhere."""
        return tuple(item for item in self.fields.values() if item.reference)

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


def fields_of(body: Body) -> Iterator[Field]:
    """Fields of an object's declaration, in order."""
    required = set(body.get("required", []))
    for name, item in body["properties"].items():
        yield _field(name, item, is_required=name in required)


def _field(name: str, item: Body, *, is_required: bool) -> Field:
    labels = item.get("x-shizhu-labels", {})
    return Field(
        name=name,
        kind=_kind(item),
        title=names(item.get("title", name)),
        help=names(item.get("description", "")),
        is_required=is_required,
        rules=item,
        choices={str(value): names(labels.get(str(value), value)) for value in item.get("enum", [])},
        reference=item.get("x-shizhu-ref", ""),
        privacy=item.get("x-shizhu-class", ""),
        unit=item.get("x-shizhu-symbol", item.get("x-shizhu-unit", "")),
        is_long=bool(item.get("x-shizhu-lines")),
        fields=tuple(fields_of(item)) if item.get("type") == "object" else (),
    )


def _kind(item: Body) -> Kind:
    declared = item.get("type", "string")
    if declared == "object":
        return Kind.GROUP
    return _KINDS.get(declared) or _FORMATS.get(item.get("format", ""), Kind.TEXT)


def _object(body: Body) -> dict[str, Any]:
    """An object's schema: no unknown fields, and what is below it compiled."""
    compiled = {**_annotated(body), "type": "object", "additionalProperties": False}
    compiled["properties"] = {name: _property(item) for name, item in body["properties"].items()}
    return compiled


def _property(item: Body) -> dict[str, Any]:
    kind = _kind(item)
    if kind == Kind.GROUP:
        return _object(item)
    compiled = {"type": "string", **_annotated(item)}
    if kind == Kind.TEXT and "enum" not in item:
        compiled.setdefault("maxLength", PAGE if item.get("x-shizhu-lines") else LINE)
    if kind == Kind.LIST:
        compiled["items"] = _property(item.get("items", {}))
    return compiled


def _annotated(item: Body) -> dict[str, Any]:
    """Titles in two languages are no JSON Schema: the Chinese stays, both move under `x-shizhu-*`."""
    compiled = dict(item)
    for word in ("title", "description"):
        if isinstance(item.get(word), Mapping):
            compiled[word] = item[word]["zh"]
            compiled[f"x-shizhu-{word}"] = item[word]
    return compiled
