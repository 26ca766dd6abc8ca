"""A declared form as fields of a page, and what came back as an answer."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.http import QueryDict
from django.utils.datastructures import MultiValueDict

from shizhu.engines.cases.actions import Upload
from shizhu.engines.records import api as records
from shizhu.kernel.access import Actor
from shizhu.kernel.packs import Body
from shizhu.kernel.text import label


@dataclass(frozen=True)
class Field:
    """One field as the template draws it."""

    name: str
    title: str
    help: str
    widget: str
    is_required: bool
    choices: tuple[tuple[str, str], ...]
    value: str
    problem: str
    target: str = ""  # what it points at; of a place, where it may be chosen


MOST = 40  # things to choose from in a select; more are searched for
JOINT = " · "  # between title and key of a thing that is searched for


def fields(
    form: Body,
    who: Actor,
    county: str,
    given: Mapping[str, Any] | None = None,
    problems: Mapping[str, str] | None = None,
) -> list[Field]:
    """The fields, with what was given before and what was wrong with it; `who` chooses among what they may see."""
    given, problems, required = given or {}, problems or {}, form.get("required", [])
    on = "map" if who.has("maps.map.view") else ""
    return [
        _pointing(made, item["x-shizhu-ref"], who, county) if "x-shizhu-ref" in item
        else replace(made, target=on) if made.widget == "place" else made
        for made, item in zip(_fields(form, given, problems, required), form["properties"].values(), strict=True)
    ]  # fmt: skip


def _pointing(made: Field, target: str, who: Actor, county: str) -> Field:
    """A field that points at something: a select of few, a search among many."""
    kind = records.find_reference(target, county)
    found = kind.search(who, county, "", MOST + 1) if kind else []
    if kind is None or len(found) > MOST:
        title = records.seen_references(who, county, target, [made.value]).get(made.value) if made.value else None
        value = f"{title}{JOINT}{made.value}" if title else made.value
        return replace(made, widget="search" if kind else "text", target=target, value=value)
    choices = tuple((choice.value, choice.title) for choice in found)
    return replace(made, widget="choice", target=target, choices=choices)


def _fields(
    form: Body, given: Mapping[str, Any], problems: Mapping[str, str], required: Collection[str]
) -> list[Field]:
    return [
        Field(
            name,
            label(item["x-title"]),
            label(item.get("x-help")),
            item.get("x-widget")
            or {"boolean": "yes-no", "number": "number", "integer": "number"}.get(item["type"], "text"),
            name in required,
            tuple((value, label(names)) for value, names in item.get("x-choices", {}).items()),
            str(given.get(name, "")),
            problems.get(name, ""),
        )
        for name, item in form["properties"].items()
    ]


def begun(form: Body, document: Mapping[str, Any]) -> dict[str, Any]:
    """What the fields of a form begin with: values of the document, where the form says so (`x-begins`)."""
    found = {name: document.get(item["x-begins"]) for name, item in form["properties"].items() if "x-begins" in item}
    return {name: value for name, value in found.items() if value is not None}


def answer(form: Body, posted: QueryDict) -> dict[str, Any]:
    """What a person filled in, typed by the form; a value that does not parse stays text, for the schema to refuse."""
    return {
        name: _typed(item["type"], _bare(item, str(posted[name]).strip()))
        for name, item in form["properties"].items()
        if name in posted and item["type"] != "array"
    }


def _bare(item: Mapping[str, Any], text: str) -> str:
    """Of a thing that was searched for, its key alone."""
    return text.rsplit(JOINT, 1)[-1] if "x-shizhu-ref" in item else text


def _typed(kind: str, text: str) -> Any:
    if kind == "boolean":
        return {"yes": True, "no": False}.get(text, text)
    if kind in {"number", "integer"}:
        try:
            number = float(text)
        except ValueError:
            return text
        return int(number) if kind == "integer" and number.is_integer() else number
    return text


def uploads(form: Body, files: MultiValueDict[str, Any]) -> list[Upload]:
    """The files that belong to fields of the form."""
    return [
        Upload(name, file.name, file) for name in form["properties"] if name in files for file in files.getlist(name)
    ]
