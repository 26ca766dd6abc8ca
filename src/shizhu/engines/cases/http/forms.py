"""A declared form as fields of a page, and what came back as an answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict
from django.utils.datastructures import MultiValueDict

from shizhu.engines.cases.actions import Upload
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


def fields(
    form: Body, given: Mapping[str, Any] | None = None, problems: Mapping[str, str] | None = None
) -> list[Field]:
    """The fields, with what was given before and what was wrong with it."""
    given, problems, required = given or {}, problems or {}, form.get("required", [])
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


def answer(form: Body, posted: QueryDict) -> dict[str, Any]:
    """What a person filled in, typed by the form; a value that does not parse stays text, for the schema to refuse."""
    return {
        name: _typed(item["type"], str(posted[name]).strip())
        for name, item in form["properties"].items()
        if name in posted and item["type"] != "array"
    }


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
