"""Forms made from a register's fields: what is drawn, and what was typed as data again.

Everything typed is text here, by the name of its control: a field's name, `group.field`, `rows.0.field` (`rows.#` says
how many rows there are), or `_area`, `_organisation`, `_state`, `_geometry` for what every record has. Several values
of one control are lines.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _

from shizhu.engines.records import attachments, references
from shizhu.engines.records.attachments import FILES
from shizhu.engines.records.contracts import Entry
from shizhu.engines.records.http.attached import Attached, attached
from shizhu.engines.records.logic import computing, conditions, places
from shizhu.engines.records.logic.register import NESTED, Body, Field, Kind, Register, file_ids
from shizhu.engines.records.logic.values import WAS, Problem, canonical
from shizhu.engines.records.references import Choice, Reference
from shizhu.kernel.access import Actor
from shizhu.kernel.text import label
from shizhu.lib.feel import FeelError
from shizhu.lib.numbers import whole

Typed = Mapping[str, str]
MOST = 40  # choices in a select; more are searched for
JOINT = " · "  # between title and value of a choice that is searched for
MOST_ROWS = 200  # of one list on a form
COUNT = "#"  # of the control that says how many rows there are
NUMBER = re.compile(r"\.[0-9]+(?=\.|$)")  # of a row, in the name of a control
_CONTROLS = {
    Kind.NUMBER: "number", Kind.INTEGER: "number", Kind.DATE: "date", Kind.TIME: "datetime-local", Kind.LIST: "lines",
}  # fmt: skip


@dataclass(frozen=True)
class Input:
    """One control as the template draws it: text, number, date, datetime-local, lines, select, search or checks.

    Or several: a group with `parts`, or rows of them; or nothing to type into: computed.
    """

    name: str
    title: str
    control: str
    value: str = ""
    help: str = ""
    unit: str = ""
    is_required: bool = False
    is_fixed: bool = False
    choices: tuple[Choice, ...] = ()
    problems: tuple[str, ...] = ()
    placeholder: str = ""
    rules: Mapping[str, Any] = field(default_factory=dict)
    parts: tuple[Input, ...] = ()
    rows: tuple[Row, ...] = ()
    depends: tuple[str, ...] = ()  # names of controls that narrow what may be chosen
    files: tuple[Attached, ...] = ()
    types: str = ""  # media types that may be attached

    @property
    def chosen(self) -> Collection[str]:
        """Of several choices those that were made."""
        return self.value.splitlines()

    @property
    def takes_photos(self) -> bool:
        """Whether a camera is of use."""
        return "image/" in self.types

    @property
    def leaves(self) -> Iterator[Input]:
        """The controls one types into: itself, or those of its parts and rows."""
        if self.control == "group":
            yield from (leaf for part in self.parts for leaf in part.leaves)
        elif self.control == "rows":
            yield self
            yield from (leaf for row in self.rows for part in row.parts for leaf in part.leaves)
        else:
            yield self


@dataclass(frozen=True)
class Row:
    """One row of rows: which it was before, and its controls."""

    number: int
    was: str
    parts: tuple[Input, ...]


@dataclass(frozen=True)
class Maker:
    """Makes controls for one actor: needs county, what was typed and what is wrong with it."""

    who: Actor
    county: str
    typed: Typed
    problems: tuple[Problem, ...] = ()
    masked: Mapping[str, str] = field(default_factory=dict)  # path → what is shown in its stead
    record: int = 0  # whose attachments may be shown beside the actor's own uploads
    files: dict[str, Attached] = field(default_factory=dict)

    def form(self, register: Register, fixed: str = "") -> list[Input]:
        """The controls of all fields that apply to what was typed; the field named by `fixed` cannot be changed."""
        data = canonical(register, read(register, self.typed))
        ids = [one for leaf in register.leaves(data) if leaf.item.kind in FILES for one in file_ids(leaf.value)]
        found = attachments.for_form(self.who, self.county, self.record, ids) if ids else {}
        place = f"/records/{register.key}/{f'{self.record}/' if self.record else ''}files/"
        self.files.update({one: attached(file, place) for one, file in found.items()})
        with suppress(FeelError):  # what was typed cannot be computed with; saving it says why
            data = computing.filled(register, data)
        return list(self._object(register.body, register.fields.values(), data, "", fixed))

    def of(self, item: Field) -> Iterator[Input]:
        """The control of a field that stands alone."""
        yield self._leaf(item, item.name, {}, is_required=item.is_required)

    def _object(
        self, body: Body, fields: Collection[Field], data: Body, prefix: str, fixed: str = "", *, is_there: bool = True
    ) -> Iterator[Input]:
        there, needed = conditions.applying(body, data), conditions.required(body, data)
        for item in fields:
            if item.name in there:
                is_required = item.name in needed and is_there
                yield self._input(item, data, prefix, is_required=is_required, is_fixed=item.name == fixed)

    def _input(self, item: Field, data: Body, prefix: str, *, is_required: bool, is_fixed: bool) -> Input:
        name, value = f"{prefix}{item.name}", data.get(item.name)
        if item.kind == Kind.GROUP:
            inner = value if isinstance(value, Mapping) else {}
            parts = self._object(item.body, item.fields, inner, f"{name}.", is_there=is_required or bool(inner))
            return Input(
                name, label(item.title), "group", help=label(item.help), problems=self.told(name), parts=tuple(parts)
            )
        if item.kind == Kind.ROWS:
            return self._rows(item, name, value, is_required=is_required)
        return self._leaf(item, name, data, is_required=is_required, is_fixed=is_fixed)

    def _rows(self, item: Field, name: str, value: Any, *, is_required: bool) -> Input:
        given = value if isinstance(value, list) else []
        rows = []
        for number in range(count(self.typed, name)):
            inner = given[number] if number < len(given) and isinstance(given[number], Mapping) else {}
            parts = tuple(self._object(item.body, item.fields, inner, f"{name}.{number}."))
            rows.append(Row(number, self.typed.get(f"{name}.{number}.{WAS}", ""), parts))
        return Input(
            name, label(item.title), "rows", str(len(rows)), label(item.help), is_required=is_required,
            problems=self.told(name), rules=item.rules, rows=tuple(rows),
        )  # fmt: skip

    def _leaf(self, item: Field, name: str, beside: Body, *, is_required: bool, is_fixed: bool = False) -> Input:
        control, choices = self._control(item, beside)
        if item.computed:
            value, is_required = written_one(item, beside.get(item.name)), False
            value = label(item.choices[value]) if value in item.choices else value
            control = "computed"
        else:
            value = self._value(item, name, control)
        return Input(
            name, label(item.title), control, value, label(item.help), label(item.unit),
            is_required and name not in self.masked, is_fixed, choices, self.told(name), self._placeholder(item, name),
            item.rules, depends=tuple(beside_it(name, other) for other in item.depends.values()),
            files=tuple(self.files[one] for one in value.split() if one in self.files),
            types=",".join(attachments.allowed(item)) if item.kind in FILES else "",
        )  # fmt: skip

    def place(self, name: str, title: str, reference: str) -> Input:
        """The control for a record's organisation or area."""
        control, choices = self._referring(references.find(reference, self.county))
        return Input(
            name, title, control, self._titled(reference, self.typed.get(name, ""), control), is_required=True,
            choices=choices, problems=self.told(name),
        )  # fmt: skip

    def told(self, name: str) -> tuple[str, ...]:
        """What is wrong with a control, in the language in force; of a list also what is wrong with an item."""
        return tuple(dict.fromkeys(label(p.message) for p in self.problems if p.path == name or _is_item(p.path, name)))

    def _control(self, item: Field, beside: Body) -> tuple[str, tuple[Choice, ...]]:
        if item.kind in FILES:
            return "files", ()
        if item.reference:
            kind = references.find(item.reference, self.county)
            return self._referring(kind.of(item, beside) if kind else None)
        if item.kind == Kind.BOOLEAN:
            return "select", (Choice("true", _("Yes")), Choice("false", _("No")))
        if item.choices:
            control = "checks" if item.kind == Kind.LIST else "select"
            return control, tuple(Choice(value, label(names)) for value, names in item.choices.items())
        return ("lines" if item.is_long else _CONTROLS.get(item.kind, "text")), ()

    def _referring(self, kind: Reference | None) -> tuple[str, tuple[Choice, ...]]:
        if kind is None:
            return "text", ()
        found = kind.search(self.who, self.county, "", MOST + 1)
        return ("search", ()) if len(found) > MOST else ("select", tuple(found))

    def _value(self, item: Field, name: str, control: str) -> str:
        value = self.typed.get(name, "")
        return self._titled(item.reference, value, control) if item.reference else value

    def _titled(self, reference: str, value: str, control: str) -> str:
        """What a search control shows for a value."""
        asked = [value] if control == "search" and value else []
        title = references.seen(self.who, self.county, reference, asked).get(value)
        return f"{title}{JOINT}{value}" if title else value

    def _placeholder(self, item: Field, name: str) -> str:
        example = next(iter(item.rules.get("examples", [])), "")
        return self.masked.get(name) or (_("such as %s") % example if example else "")


def beside_it(name: str, other: str) -> str:
    """The control of a field beside a control's own."""
    return f"{name[: name.rfind('.') + 1]}{other}"


def _is_item(path: str, name: str) -> bool:
    head, _dot, tail = path.rpartition(".")
    return head == name and tail.isdigit()


def flat(register: Register) -> Iterator[tuple[str, Field]]:
    """(name of the control, field) of everything that has one; rows are one, as JSON."""
    yield from _flat(register.fields.values(), "")


def _flat(fields: Collection[Field], prefix: str) -> Iterator[tuple[str, Field]]:
    for item in fields:
        if item.kind == Kind.GROUP:
            yield from _flat(item.fields, f"{prefix}{item.name}.")
        else:
            yield f"{prefix}{item.name}", item


def written(register: Register, data: Mapping[str, Any], masked: frozenset[str] = frozenset()) -> dict[str, str]:
    """Data as it is typed; masked fields are empty, computed ones are not there."""
    return dict(_typed(register.fields.values(), data, "", masked))


def _typed(
    fields: Collection[Field], data: Mapping[str, Any], prefix: str, masked: frozenset[str]
) -> Iterator[tuple[str, str]]:
    for item in fields:
        name, value = f"{prefix}{item.name}", data.get(item.name)
        if item.kind in NESTED and name in masked:
            continue
        if item.kind == Kind.GROUP:
            yield from _typed(item.fields, value or {}, f"{name}.", masked)
        elif item.kind == Kind.ROWS:
            yield f"{name}.{COUNT}", str(len(value or []))
            for number, row in enumerate(value or []):
                yield f"{name}.{number}.{WAS}", str(number)
                yield from _typed(item.fields, row, f"{name}.{number}.", masked)
        elif not item.computed:
            yield name, "" if name in masked else written_one(item, value)


def at(data: Mapping[str, Any], name: str) -> Any:
    """The value of a control in data."""
    value: Any = data
    for part in name.split("."):
        if isinstance(value, list):
            value = value[int(part)] if part.isdigit() and int(part) < len(value) else None
        else:
            value = value.get(part) if isinstance(value, Mapping) else None
    return value


def written_one(item: Field, value: Any) -> str:
    """A value as it is typed."""
    if value is None:
        return ""
    if item.kind in {Kind.LIST, Kind.FILES}:
        return "\n".join(str(part) for part in value)
    if item.kind == Kind.BOOLEAN:
        return "true" if value else "false"
    if item.kind == Kind.ROWS:
        return json.dumps(value, ensure_ascii=False)
    if item.kind == Kind.TIME:
        return timezone.localtime(datetime.fromisoformat(value)).strftime("%Y-%m-%dT%H:%M:%S")
    return str(value)


def written_places(entry: Entry) -> dict[str, str]:
    """What every record has, as it is typed."""
    return {
        "_organisation": entry.organisation.code, "_area": entry.area.code, "_state": entry.state,
        "_geometry": places.written(entry.geometry),
    }  # fmt: skip


def sent(form: QueryDict) -> dict[str, str]:
    """A form as it was sent; several values of one control as lines."""
    return {name: "\n".join(value for value in values if value) for name, values in form.lists()}


def tidy(register: Register, posted: Mapping[str, str]) -> dict[str, str]:
    """What was sent, without blanks at the ends; of a choice that was searched for, its value alone."""
    chosen = {path for path, item in register.everything if item.reference} | {"_organisation", "_area"}
    kept = {name: value.strip().replace("\r\n", "\n") for name, value in posted.items()}
    return {
        name: value.rsplit(JOINT, 1)[-1] if NUMBER.sub("", name.removeprefix("f.")) in chosen else value
        for name, value in kept.items()
    }


def count(typed: Typed, name: str) -> int:
    """How many rows were sent."""
    return min(whole(typed.get(f"{name}.{COUNT}", ""), digits=4), MOST_ROWS)


def acted(register: Register, typed: Typed, act: str) -> dict[str, str]:
    """What was typed after `add:rows`, `drop:rows:2`, `up:rows:2`, `drop:file:<id>`; anything else changes nothing."""
    verb, name, number = (*act.split(":"), "", "")[:3]
    item = dict(register.everything).get(NUMBER.sub("", name))
    if item and item.kind in FILES and verb == "drop":
        return {**typed, name: "\n".join(one for one in typed.get(name, "").splitlines() if one != number)}
    if item is None or item.kind != Kind.ROWS:
        return dict(typed)
    rows, place = _rows(typed, name), whole(number, -1)
    if verb == "add":
        rows.append({part.name: str(part.rules["default"]) for part in item.fields if "default" in part.rules})
    elif verb == "drop" and 0 <= place < len(rows):
        del rows[place]
    elif verb == "up" and 0 < place < len(rows):
        rows[place - 1], rows[place] = rows[place], rows[place - 1]
    return _with_rows(typed, name, rows)


def _rows(typed: Typed, name: str) -> list[dict[str, str]]:
    """What was typed row by row."""
    starts = [f"{name}.{number}." for number in range(count(typed, name))]
    return [{key.removeprefix(start): v for key, v in typed.items() if key.startswith(start)} for start in starts]


def _with_rows(typed: Typed, name: str, rows: list[dict[str, str]]) -> dict[str, str]:
    made = {key: value for key, value in typed.items() if not key.startswith(f"{name}.")}
    made[f"{name}.{COUNT}"] = str(len(rows))
    for number, row in enumerate(rows):
        made |= {f"{name}.{number}.{key}": value for key, value in row.items()}
    return made


def with_uploads(register: Register, typed: Typed, kept: Iterable[tuple[str, str]]) -> dict[str, str]:
    """What was typed with uploads, (name of the control, id): after the others, or in the stead of the one."""
    made, fields = dict(typed), dict(register.everything)
    for name, one in kept:
        is_one = fields[NUMBER.sub("", name)].kind == Kind.FILE
        made[name] = one if is_one else "\n".join([*made.get(name, "").splitlines(), one])
    return made


def compact(typed: Typed) -> dict[str, str]:
    """Without new rows that nothing was typed into."""
    made = dict(typed)
    names = [key.removesuffix(f".{COUNT}") for key in typed if key.endswith(f".{COUNT}")]
    for name in sorted(names, key=len, reverse=True):
        rows = [
            row for row in _rows(made, name) if WAS in row or any(v for k, v in row.items() if not k.endswith(COUNT))
        ]
        if len(rows) < count(made, name):
            made = _with_rows(made, name, rows)
    return made


def applying(register: Register, typed: Typed) -> dict[str, str]:
    """Without what belongs to fields that do not apply to the rest: a form does not show them."""
    data = canonical(register, read(register, typed))
    there = set(_controls(register.body, register.fields.values(), data, ""))
    known = {path for path, _item in register.everything}
    return {n: v for n, v in typed.items() if n in there or NUMBER.sub("", _bare(n)) not in known}


def _bare(name: str) -> str:
    """The field that a control of rows is about."""
    return name.removesuffix(f".{COUNT}").removesuffix(f".{WAS}")


def _controls(body: Body, fields: Collection[Field], data: Body, prefix: str) -> Iterator[str]:
    there = conditions.applying(body, data)
    for item in fields:
        name, value = f"{prefix}{item.name}", data.get(item.name)
        if item.name not in there:
            continue
        if item.kind == Kind.GROUP:
            yield from _controls(item.body, item.fields, value if isinstance(value, Mapping) else {}, f"{name}.")
        elif item.kind == Kind.ROWS:
            yield f"{name}.{COUNT}"
            for number, row in enumerate(value if isinstance(value, list) else []):
                yield f"{name}.{number}.{WAS}"
                inner = row if isinstance(row, Mapping) else {}
                yield from _controls(item.body, item.fields, inner, f"{name}.{number}.")
        else:
            yield name


def differing(register: Register, typed: Typed, current: Typed) -> dict[str, str]:
    """What was typed otherwise than it stood; of rows all if anything in them differs."""
    found = {name: value for name, value in typed.items() if value != current.get(name, "")}
    for root in (f"{name}." for name, item in flat(register) if item.kind == Kind.ROWS):
        mine, old = ({n: v for n, v in these.items() if n.startswith(root)} for these in (typed, current))
        if mine and mine != old:
            found |= mine
    return found


def read(register: Register, typed: Typed) -> dict[str, Any]:
    """Data from what was typed; None for nothing. What does not parse stays text, for the schema to refuse.

    A row that was there before says which it was, and names a private value only where one was typed.
    """
    return _data(register.fields.values(), typed, "", is_known=False)


def _data(fields: Collection[Field], typed: Typed, prefix: str, *, is_known: bool) -> dict[str, Any]:
    data: dict[str, Any] = {}
    for item in fields:
        name = f"{prefix}{item.name}"
        if item.kind == Kind.GROUP:
            inner = _data(item.fields, typed, f"{name}.", is_known=is_known)
            data |= {item.name: inner} if inner else {}
        elif item.kind == Kind.ROWS:
            if f"{name}.{COUNT}" in typed:
                data[item.name] = [_row(item, typed, f"{name}.{n}.") for n in range(count(typed, name))]
            elif name in typed:
                data[item.name] = _read(item, typed[name])
        elif name in typed and not item.computed and (typed[name] or not (is_known and item.privacy)):
            data[item.name] = _read(item, typed[name])
    return data


def _row(item: Field, typed: Typed, prefix: str) -> dict[str, Any]:
    was = whole(typed.get(f"{prefix}{WAS}", ""), -1)
    return _data(item.fields, typed, prefix, is_known=was >= 0) | ({WAS: was} if was >= 0 else {})


def _read(item: Field, text: str) -> Any:
    if not text:
        return None
    if item.kind in {Kind.LIST, Kind.FILES}:
        return [line.strip() for line in text.splitlines() if line.strip()]
    if item.kind == Kind.BOOLEAN:
        return {"true": True, "false": False}.get(text, text)
    if item.kind in {Kind.NUMBER, Kind.INTEGER}:
        return _number(text)
    if item.kind == Kind.ROWS:
        try:
            return json.loads(text)
        except ValueError:
            return text
    return _moment(text) if item.kind == Kind.TIME else text


def _number(text: str) -> int | float | str:
    for form in (int, float):
        try:
            return form(text)
        except ValueError:
            continue
    return text


def _moment(text: str) -> str:
    """A time of the county with its zone."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text
    return (moment if moment.tzinfo else timezone.make_aware(moment)).isoformat()
