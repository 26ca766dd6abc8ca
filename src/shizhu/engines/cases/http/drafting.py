"""A form as an administrator clicks it together: its declaration from what was typed, and back again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from shizhu.engines.records import api as records
from shizhu.kernel.overlays import STEM, free_stem
from shizhu.kernel.packs import Body
from shizhu.kernel.text import label
from shizhu.web.parts import Kind, Offer, Part, Posted, read_choices, written_choices, written_title

OTHER = "other"
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
WIDGETS = {"text", "paragraph", "choice", "yes-no", "number", "date", "photo", "reference"}


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
    return {
        "title": _names(head.zh, head.en),
        **({"submit": _names(head.submit, "")} if head.submit else {}),
        "type": "object",
        "required": [names[part.id] for part in parts if part.is_required],
        "properties": {names[part.id]: item_of(part, before.get(names[part.id])) for part in parts},
    }


def _names(zh: str, en: str) -> object:
    return {"zh": zh, "en": en} if en and en != zh else zh


def item_of(part: Part, kept: Body | None = None) -> dict[str, Any]:
    """A field as it is declared; `kept` is what is kept of it."""
    told: dict[str, Any] = {"x-title": _names(part.zh, part.en)}
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


def number(text: str) -> int | float | None:
    """The number of a text; None for none."""
    try:
        found = float(text)
    except ValueError:
        return None
    return int(found) if found.is_integer() else found


def named(parts: Sequence[Part]) -> dict[str, str]:
    """id → the name each field will have: the one it has, the one typed, else the pinyin of its title."""
    used = {part.name for part in parts if part.name}
    found: dict[str, str] = {}
    for part in parts:
        found[part.id] = part.name or free_stem(part.zh, used, "field")
        used.add(found[part.id])
    return found


def wrong(head: Head, parts: Sequence[Part], offered: Offer) -> tuple[dict[str, str], dict[str, list[str]]]:
    """What is wrong with the head, by word, and with fields, by id."""
    names, targets, kinds = named(parts), dict(offered.targets), {kind.value for kind in offered.kinds}
    before: list[str] = []
    found: dict[str, list[str]] = {}
    for part in parts:
        lines = list(_wrong(part, names[part.id], kinds, targets))
        if names[part.id] in before:
            lines.append(_("Two fields have the same name inside: %(name)s") % {"name": names[part.id]})
        before.append(names[part.id])
        if lines:
            found[part.id] = lines
    return ({} if head.zh else {"zh": _("Give the form a name.")}), found


def _wrong(part: Part, name: str, kinds: set[str], targets: Mapping[str, str]) -> Iterator[str]:
    if not part.zh:
        yield _("Give the field a name.")
    if not STEM.fullmatch(name):
        yield _("The name inside must be small letters, digits and _, a letter first, at most 40.")
    if part.kind not in kinds and not (part.kind == OTHER and part.is_kept):
        yield _("Choose a kind.")
    if part.kind == "choice" and not read_choices(part.choices):
        yield _("Write at least one choice, one a line.")
    if part.kind == "reference" and part.target not in targets:
        yield _("Choose what it points at.")
    if part.kind in {"number", "integer"}:
        for text in (part.low, part.high):
            if text and number(text) is None:
                yield _("%(value)s is no number.") % {"value": text}
