"""A form as an administrator clicks it together: its declaration from what was typed, and back again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from shizhu.engines.records import api as records
from shizhu.kernel.packs import Body
from shizhu.kernel.text import label
from shizhu.web.parts import (
    OTHER,
    Kind,
    Offer,
    Part,
    Posted,
    number,
    read_choices,
    title_of,
    written_choices,
    written_title,
)

MANAGED = {
    "type",
    "x-title",
    "x-help",
    "x-widget",
    "x-choices",
    "x-shizhu-ref",
    "enum",
    "minimum",
    "maximum",
    "minItems",
}
PLAIN = {"boolean": "yes-no", "number": "number", "integer": "integer"}  # the widget where none is named
TYPES = {"number": "number", "integer": "integer", "yes-no": "boolean", "photo": "array"}  # else string
WIDGETS = {"text", "paragraph", "choice", "yes-no", "number", "date", "photo", "place", "reference"}


@dataclass(frozen=True)
class Head:
    """What is typed about a form itself."""

    zh: str = ""
    en: str = ""
    submit: str = ""
    problems: Mapping[str, str] = field(default_factory=dict)


def offer(county: str) -> Offer:
    """What one may choose for a field of a form in this county."""
    kinds = [
        Kind("text", _("Text")), Kind("paragraph", _("Text of several lines")),
        Kind("number", _("Decimal number"), frozenset({"range"})),
        Kind("integer", _("Whole number"), frozenset({"range"})),
        Kind("yes-no", _("Yes or no")), Kind("date", _("Date")), Kind("photo", _("Photos")),
        Kind("place", _("Place on the map")),
        Kind("choice", _("One of a list"), frozenset({"choices"})),
        Kind("reference", _("Points at"), frozenset({"target"})),
    ]  # fmt: skip
    found = [(key, label(register.title)) for key, register in records.registers(county).items()]
    places = [("kernel.area", _("Area")), ("kernel.organisation", _("Organisation")), ("kernel.post", _("Post"))]
    return Offer(kinds, [*places, ("things.device", _("Device")), *found])


def head_of(posted: Posted) -> Head:
    """The head as it was typed."""
    zh, en, submit = (posted.get(f"r.{word}", "").strip() for word in ("zh", "en", "submit"))
    return Head(zh, en, submit)


def written(body: Body) -> tuple[Head, list[Part]]:
    """A form as it would be typed."""
    zh, en = written_title(body["title"])
    required = set(body.get("required", []))
    fields = [_part(name, item, is_required=name in required) for name, item in body["properties"].items()]
    return Head(zh, en, written_title(body.get("submit"))[0]), fields


def _part(name: str, item: Body, *, is_required: bool) -> Part:
    zh, en = written_title(item["x-title"])
    ends = ["" if item.get(word) is None else str(item[word]) for word in ("minimum", "maximum")]
    return Part(
        name, name, zh, en, kind_of(item), help=written_title(item.get("x-help"))[0], low=ends[0], high=ends[1],
        choices=written_choices(item.get("enum", []), item.get("x-choices", {})), target=item.get("x-shizhu-ref", ""),
        is_required=is_required, is_kept=True,
    )  # fmt: skip


def kind_of(item: Body) -> str:
    """The kind a page shows for a field; `other` for what it cannot change."""
    if "x-shizhu-ref" in item:
        return "reference"
    widget = item.get("x-widget") or PLAIN.get(item["type"], "text")
    if widget == "number" and item["type"] == "integer":
        widget = "integer"
    return widget if TYPES.get(widget, "string") == item["type"] and widget in {*WIDGETS, "integer"} else OTHER


def body_of(head: Head, parts: Sequence[Part], names: Mapping[str, str], kept: Body | None = None) -> Body:
    """The form that was typed, over the one that is kept."""
    before: Body = kept["properties"] if kept else {}
    is_whole = set(before) <= set(names.values())
    return {
        "title": title_of(head.zh, head.en),
        **({"submit": title_of(head.submit)} if head.submit else {}),
        "type": "object",
        "required": [names[part.id] for part in parts if part.is_required],
        "properties": {names[part.id]: item_of(part, before.get(names[part.id])) for part in parts},
        **({word: kept[word] for word in ("if", "then") if word in kept} if kept and is_whole else {}),
    }


def item_of(part: Part, kept: Body | None = None) -> dict[str, Any]:
    """A field as it is declared; `kept` is what is kept of it."""
    told: dict[str, Any] = {"x-title": title_of(part.zh, part.en)}
    told |= {"x-help": part.help} if part.help else {}
    is_same = kept is not None and kind_of(kept) == part.kind
    if kept is not None and is_same and part.kind == OTHER:
        return {**{word: value for word, value in kept.items() if word != "x-help"}, **told}
    rest = {word: value for word, value in kept.items() if word not in MANAGED} if kept is not None and is_same else {}
    typed: dict[str, Any] = {"x-widget": "number" if part.kind == "integer" else part.kind}
    typed["type"] = TYPES.get(part.kind, "string")
    if part.kind in {"number", "integer"}:
        typed |= {word: number(text) for word, text in (("minimum", part.low), ("maximum", part.high)) if text}
    if part.kind == "choice":
        choices = read_choices(part.choices)
        typed |= {"enum": list(choices), "x-choices": choices}
    if part.kind == "photo" and part.is_required:
        typed["minItems"] = 1
    if part.kind == "reference":
        typed["x-shizhu-ref"] = part.target
    return {**told, **typed, **rest}
