"""A register as an administrator clicks it together: its declaration from what was typed, and back again.

What a page cannot show of a declaration (patterns, groups, states) is taken over from the version that is kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from shizhu.engines.records.catalogue import registers
from shizhu.engines.records.http import alike
from shizhu.engines.records.http.alike import NO_VALUE
from shizhu.engines.records.logic.register import Register
from shizhu.kernel.packs import Body
from shizhu.kernel.text import label
from shizhu.lib import feel, units
from shizhu.web.parts import (
    OTHER,
    Kind,
    Offer,
    Part,
    Posted,
    named,
    number,
    read_choices,
    title_of,
    written_choices,
    written_title,
)

MANAGED = {  # words of a field that the page sets; all others stay as they are
    "type", "title", "description", "enum", "items", "minimum", "maximum", "x-shizhu-class", "x-shizhu-labels",
    "x-shizhu-computed", "x-shizhu-lines", "x-shizhu-ref", "x-shizhu-unit", "x-shizhu-symbol",
}  # fmt: skip
MANAGED_HINTS = {"icon", "geometry", "filters", "unique", "duplicates"}  # the same of a register
DATED = {"date": "date", "date-time": "time"}
ICONS = (
    "database", "map-pin", "building-community", "users", "user", "droplet", "leaf", "bulb", "tool", "antenna",
    "route", "camera", "file-text", "clipboard-check", "calendar", "tag", "alert-triangle", "shield-lock",
)  # fmt: skip
HEAD = ("zh", "en", "help", "icon", "geometry", "key", "name")
ORDER = (
    "key",
    "title",
    "icon",
    "geometry",
    "list",
    "filters",
    "unique",
    "duplicates",
)  # of hints, as people write them
PICTURES = ("image/jpeg", "image/png")
GEOMETRIES = ("Point", "LineString", "Polygon")


@dataclass(frozen=True)
class Head:
    """What is typed about a register itself; `key` and `name` are ids of fields."""

    zh: str = ""
    en: str = ""
    help: str = ""
    icon: str = "database"
    geometry: str = ""
    key: str = ""
    name: str = ""
    rules: tuple[alike.Rule, ...] = ()  # by which two rows are probably one
    problems: Mapping[str, str] = field(default_factory=dict)


def offer(county: str, without: str = "") -> Offer:
    """What one may choose for a field of a register in this county."""
    kinds = [
        Kind("text", _("Text")), Kind("lines", _("Text of several lines")),
        Kind("number", _("Number with a unit"), frozenset({"unit", "range"})),
        Kind("integer", _("Whole number"), frozenset({"unit", "range"})),
        Kind("boolean", _("Yes or no")), Kind("date", _("Date")), Kind("time", _("Date and time")),
        Kind("choice", _("One of a list"), frozenset({"choices"})), Kind("several", _("Several words")),
        Kind("photos", _("Photos")), Kind("files", _("Files")),
        Kind("computed", _("Computed"), frozenset({"formula", "unit"})),
        Kind("reference", _("Points at"), frozenset({"target"})),
    ]  # fmt: skip
    found = [(key, label(register.title)) for key, register in registers(county).items() if key != without]
    targets = [
        ("kernel.area", _("Area")), ("kernel.organisation", _("Organisation")), ("kernel.post", _("Post")),
        ("things.device", _("Device")), *found,
    ]  # fmt: skip
    return Offer(kinds, targets, frozenset({"listed", "filter", "unique", "privacy"}))


def head_of(posted: Posted) -> Head:
    """The head as it was typed."""
    zh, en, help_, icon, geometry, key, name = (posted.get(f"r.{word}", "").strip() for word in HEAD)
    return Head(zh, en, help_, icon, geometry, key, name, alike.read(posted))


def written(body: Body) -> tuple[Head, list[Part]]:
    """A declaration as it would be typed."""
    zh, en = written_title(body["title"])
    hints = body["x-shizhu"]
    head = Head(
        zh, en, written_title(body.get("description"))[0], hints.get("icon", "database"), hints.get("geometry", ""),
        hints["key"], hints.get("title", hints["key"]), alike.written(hints.get("duplicates", [])),
    )  # fmt: skip
    return head, written_fields(body)


def written_fields(body: Body) -> list[Part]:
    """The fields of a declaration as they would be typed."""
    hints, required = body.get("x-shizhu", {}), set(body.get("required", []))
    return [
        _part(name, item, hints, is_required=name in required) for name, item in body["properties"].items()
    ]  # fmt: skip


def _part(name: str, item: Body, hints: Body, *, is_required: bool) -> Part:
    zh, en = written_title(item.get("title", name))
    return Part(
        name, name, zh, en, kind_of(item),
        help=written_title(item.get("description"))[0],
        unit=str(item.get("x-shizhu-unit", "")),
        symbol=written_title(item.get("x-shizhu-symbol"))[0],
        low=_text(item.get("minimum")),
        high=_text(item.get("maximum")),
        formula=str(item.get("x-shizhu-computed", "")),
        choices=written_choices(item.get("enum", []), item.get("x-shizhu-labels", {})),
        target=str(item.get("x-shizhu-ref", "")),
        privacy=str(item.get("x-shizhu-class", "")),
        is_required=is_required,
        is_listed=name in hints.get("list", []),
        is_filter=name in hints.get("filters", []),
        is_unique=[name] in hints.get("unique", []),
        is_kept=True,
    )  # fmt: skip


def _text(value: object) -> str:
    return "" if value is None else str(value)


def kind_of(item: Body) -> str:
    """The kind a page shows for a field; `other` for what it cannot change."""
    declared = item.get("type", "string")
    if "x-shizhu-file" in item:
        types = item["x-shizhu-file"].get("types", [])
        several = "photos" if types and all(one.startswith("image/") for one in types) else "files"
        return several if declared == "array" else OTHER
    if "x-shizhu-computed" in item:
        return "computed" if declared == "number" else OTHER
    if "const" in item:
        return OTHER
    if "x-shizhu-ref" in item:
        return "reference" if declared == "string" else OTHER
    if "enum" in item:
        return "choice" if declared == "string" and all(isinstance(value, str) for value in item["enum"]) else OTHER
    if declared == "array":
        return "several" if item.get("items", {}).keys() <= {"type"} else OTHER
    if declared == "string":
        return DATED.get(item.get("format", "")) or ("lines" if item.get("x-shizhu-lines") else "text")
    return declared if declared in {"number", "integer", "boolean"} else OTHER


def item_of(part: Part, kept: Body | None = None) -> dict[str, Any]:
    """A field as it is declared; `kept` is what is kept of it."""
    kind = part.kind
    told: dict[str, Any] = {"title": title_of(part.zh, part.en)}
    if part.help:
        told["description"] = part.help
    if part.privacy:
        told["x-shizhu-class"] = part.privacy
    if kept is not None and kind_of(kept) == kind:
        if kind == OTHER:
            same = {word: value for word, value in kept.items() if word not in {"description", "x-shizhu-class"}}
            return {**same, **told}
        rest = {word: value for word, value in kept.items() if word not in MANAGED}
    else:
        rest = {}
    return {**_typed(part), **rest, **told}


def _typed(part: Part) -> dict[str, Any]:
    """What the kind of a field adds."""
    if part.kind in {"number", "integer"}:
        found: dict[str, Any] = {"type": part.kind}
        found |= {word: number(text) for word, text in (("minimum", part.low), ("maximum", part.high)) if text}
        found |= {"x-shizhu-unit": part.unit} if part.unit else {}
        return found | ({"x-shizhu-symbol": part.symbol} if part.symbol else {})
    if part.kind == "choice":
        choices = read_choices(part.choices)
        labels = {value: name for value, name in choices.items() if name != value}
        return {"type": "string", "enum": list(choices), **({"x-shizhu-labels": labels} if labels else {})}
    if part.kind == "computed":
        unit = {word: text for word, text in (("x-shizhu-unit", part.unit), ("x-shizhu-symbol", part.symbol)) if text}
        return {"type": "number", "x-shizhu-computed": part.formula, **unit}
    if part.kind in {"photos", "files"}:
        types = {"types": list(PICTURES)} if part.kind == "photos" else {}
        return {"type": "array", "items": {"type": "string"}, "x-shizhu-file": types}
    if part.kind == "several":
        return {"type": "array", "items": {"type": "string"}}
    plain: dict[str, dict[str, Any]] = {
        "lines": {"type": "string", "x-shizhu-lines": True}, "boolean": {"type": "boolean"},
        "date": {"type": "string", "format": "date"}, "time": {"type": "string", "format": "date-time"},
        "reference": {"type": "string", "x-shizhu-ref": part.target},
    }  # fmt: skip
    return dict(plain.get(part.kind, {"type": "string"}))


def body_of(head: Head, parts: Sequence[Part], kept: Body | None = None) -> Body:
    """The declaration that was typed, over the one that is kept."""
    names = named(parts)
    before: Body = kept or {"x-shizhu": {}, "properties": {}}
    key, title = names.get(head.key, ""), names.get(head.name, "")
    hints = {k: v for k, v in before["x-shizhu"].items() if k not in MANAGED_HINTS}
    hints |= {"key": key, "title": title, "icon": head.icon or "database"}
    hints |= {"geometry": head.geometry} if head.geometry else {}
    told = added_of(parts, names, before)
    hints |= told["x-shizhu"]
    rules = alike.declared(head.rules, names, before["x-shizhu"].get("duplicates", []))
    hints |= {"duplicates": rules} if rules else {}
    hints["list"] = hints.get("list") or [key]
    hints = {word: hints[word] for word in sorted(hints, key=lambda word: (*ORDER, word).index(word))}
    required = list(dict.fromkeys([key, title, *told["required"]]))
    rest = {w: v for w, v in before.items() if w not in {"title", "description", "x-shizhu", "properties", "required"}}
    return {
        "title": title_of(head.zh, head.en), **({"description": head.help} if head.help else {}), "x-shizhu": hints,
        "properties": told["properties"], "required": required, **rest,
    }  # fmt: skip


def added_of(parts: Sequence[Part], names: Mapping[str, str], kept: Body) -> dict[str, Any]:
    """Fields as they are declared: properties, required, and which are listed and filtered by."""
    hints: dict[str, list[str]] = {}
    for word, flag in (("list", "is_listed"), ("filters", "is_filter")):
        chosen = [names[part.id] for part in parts if getattr(part, flag)]
        if chosen:
            hints[word] = chosen
    several = [group for group in kept.get("x-shizhu", {}).get("unique", []) if len(group) > 1]
    unique = [*([names[part.id]] for part in parts if part.is_unique), *several]
    properties = {names[part.id]: item_of(part, kept["properties"].get(names[part.id])) for part in parts}
    told = {**hints, **({"unique": unique} if unique else {})}
    return {"x-shizhu": told, "properties": properties, "required": [names[p.id] for p in parts if p.is_required]}


def wrong_head(head: Head, parts: Sequence[Part]) -> dict[str, str]:
    """What is wrong with the head, by word."""
    found: dict[str, str] = {}
    by_id = {part.id: part for part in parts}
    if not head.zh:
        found["zh"] = _("Give the register a name.")
    if head.icon and head.icon not in ICONS:
        found["icon"] = _("Choose one of the list.")
    if head.geometry and head.geometry not in GEOMETRIES:
        found["geometry"] = _("Choose one of the list.")
    for word in ("key", "name"):
        part = by_id.get(getattr(head, word))
        if part is None:
            found[word] = _("Choose a field.")
        elif part.kind != "text" or part.privacy:
            found[word] = _("It must be a text that everybody may see.")
    return found


def wrong(part: Part) -> Iterator[str]:
    """What is wrong with a field of a register beside what may be wrong with any."""
    if part.kind in {"number", "integer", "computed"} and part.unit and not units.is_known(part.unit):
        yield _("%(unit)s is no UCUM code of a known unit; write m, km, t, Cel, %%, and such.") % {"unit": part.unit}
    if part.kind == "computed":
        yield from _wrong_formula(part)
    if part.privacy not in {"", "personal", "sensitive"}:
        yield _("Choose one of the list.")
    if part.privacy and part.is_filter:
        yield _("Personal data cannot be filtered by: a filter would tell it.")
    if part.is_unique and part.kind in NO_VALUE:
        yield _("This kind cannot be told apart.")
    if part.is_filter and part.kind in NO_VALUE:
        yield _("This kind cannot be filtered by.")


def _wrong_formula(part: Part) -> Iterator[str]:
    try:
        feel.check(part.formula)
    except feel.FeelError as error:
        yield _("It is no formula in FEEL, at character %(place)s.") % {"place": (error.position or 0) + 1}


def preview(key: str, body: Body) -> Register | None:
    """The register for a picture of its form, as far as it can be read."""
    try:
        register = Register(key, body)
        _ = register.fields
    except (KeyError, TypeError, ValueError):
        return None
    return register
