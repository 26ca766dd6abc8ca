"""Forms made from a register's fields: what is drawn, and what was typed as data again.

Everything typed is text here, by the name of its control: a field's name, `group.field`, or `_area`, `_organisation`,
`_state`, `_geometry` for what every record has.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from shizhu.engines.records import references
from shizhu.engines.records.contracts import Entry
from shizhu.engines.records.logic import places
from shizhu.engines.records.logic.register import Field, Kind, Register
from shizhu.engines.records.logic.values import Problem
from shizhu.engines.records.references import Choice
from shizhu.kernel.access import Actor
from shizhu.kernel.text import label

Typed = Mapping[str, str]
MOST = 40  # choices in a select; more are searched for
JOINT = " · "  # between title and value of a choice that is searched for
_CONTROLS = {
    Kind.NUMBER: "number", Kind.INTEGER: "number", Kind.DATE: "date", Kind.TIME: "datetime-local", Kind.LIST: "lines",
}  # fmt: skip


@dataclass(frozen=True)
class Input:
    """One control as the template draws it: text, number, date, datetime-local, lines, select or search."""

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
    is_sub: bool = False  # a part of a group


@dataclass(frozen=True)
class Maker:
    """Makes controls for one actor: needs county, what was typed and what is wrong with it."""

    who: Actor
    county: str
    typed: Typed
    problems: tuple[Problem, ...] = ()
    masked: Mapping[str, str] = field(default_factory=dict)  # path → what is shown in its stead

    def of(self, item: Field, *, prefix: str = "", is_fixed: bool = False) -> Iterator[Input]:
        """The controls of a field: one, or those of its group."""
        name = f"{prefix}{item.name}"
        if item.kind == Kind.GROUP:
            for part in item.fields:
                yield from self.of(part, prefix=f"{name}.")
            return
        control, choices = self._control(item)
        yield Input(
            name, label(item.title), control, self._value(item, name, control), label(item.help), label(item.unit),
            item.is_required and not prefix and name not in self.masked, is_fixed, choices, self.told(name),
            self._placeholder(item, name), item.rules, bool(prefix),
        )  # fmt: skip

    def place(self, name: str, title: str, reference: str) -> Input:
        """The control for a record's organisation or area."""
        control, choices = self._referring(reference)
        return Input(
            name, title, control, self._titled(reference, self.typed.get(name, ""), control), is_required=True,
            choices=choices, problems=self.told(name),
        )  # fmt: skip

    def told(self, name: str) -> tuple[str, ...]:
        """What is wrong with a control, in the language in force; of a list also what is wrong with an item."""
        return tuple(label(p.message) for p in self.problems if p.path == name or _is_item(p.path, name))

    def _control(self, item: Field) -> tuple[str, tuple[Choice, ...]]:
        if item.reference:
            return self._referring(item.reference)
        if item.kind == Kind.BOOLEAN:
            return "select", (Choice("true", _("Yes")), Choice("false", _("No")))
        if item.choices:
            return "select", tuple(Choice(value, label(names)) for value, names in item.choices.items())
        return ("lines" if item.is_long else _CONTROLS.get(item.kind, "text")), ()

    def _referring(self, reference: str) -> tuple[str, tuple[Choice, ...]]:
        kind = references.find(reference, self.county)
        if kind is None:
            return "text", ()
        found = kind.search(self.who, self.county, "", MOST + 1)
        return ("search", ()) if len(found) > MOST else ("select", tuple(found))

    def _value(self, item: Field, name: str, control: str) -> str:
        value = self.typed.get(name, "")
        return self._titled(item.reference, value, control) if item.reference else value

    def _titled(self, reference: str, value: str, control: str) -> str:
        """What a search control shows for a value."""
        kind = references.find(reference, self.county) if control == "search" and value else None
        title = kind.titles(self.county, [value]).get(value) if kind else None
        return f"{title}{JOINT}{value}" if title else value

    def _placeholder(self, item: Field, name: str) -> str:
        example = next(iter(item.rules.get("examples", [])), "")
        return self.masked.get(name) or (_("such as %s") % example if example else "")


def _is_item(path: str, name: str) -> bool:
    head, _dot, tail = path.rpartition(".")
    return head == name and tail.isdigit()


def flat(register: Register) -> Iterator[tuple[str, Field]]:
    """(name of the control, field) of everything that has one."""
    for item in register.fields.values():
        if item.kind == Kind.GROUP:
            yield from ((f"{item.name}.{part.name}", part) for part in item.fields)
        else:
            yield item.name, item


def written(register: Register, data: Mapping[str, Any], masked: frozenset[str] = frozenset()) -> dict[str, str]:
    """Data as it is typed; masked fields are empty."""
    return {
        name: "" if name in masked or name.partition(".")[0] in masked else _written(item, at(data, name))
        for name, item in flat(register)
    }


def at(data: Mapping[str, Any], name: str) -> Any:
    """The value of a control in data."""
    head, dot, tail = name.partition(".")
    value = data.get(head)
    return (value or {}).get(tail) if dot else value


def _written(item: Field, value: Any) -> str:
    if value is None:
        return ""
    if item.kind == Kind.LIST:
        return "\n".join(str(part) for part in value)
    if item.kind == Kind.BOOLEAN:
        return "true" if value else "false"
    if item.kind == Kind.TIME:
        return timezone.localtime(datetime.fromisoformat(value)).strftime("%Y-%m-%dT%H:%M:%S")
    return str(value)


def written_places(entry: Entry) -> dict[str, str]:
    """What every record has, as it is typed."""
    return {
        "_organisation": entry.organisation.code, "_area": entry.area.code, "_state": entry.state,
        "_geometry": places.written(entry.geometry),
    }  # fmt: skip


def tidy(register: Register, posted: Mapping[str, str]) -> dict[str, str]:
    """What was sent, without blanks at the ends; of a choice that was searched for, its value alone."""
    chosen = {name for name, item in flat(register) if item.reference}
    chosen |= {"_organisation", "_area", *(f"f.{name}" for name in chosen)}
    kept = {name: value.strip().replace("\r\n", "\n") for name, value in posted.items()}
    return {name: value.rsplit(JOINT, 1)[-1] if name in chosen else value for name, value in kept.items()}


def read(register: Register, typed: Typed) -> dict[str, Any]:
    """Data from what was typed; None for nothing. What does not parse stays text, for the schema to refuse."""
    data: dict[str, Any] = {}
    for name, item in flat(register):
        head, dot, tail = name.partition(".")
        if name in typed and dot:
            data.setdefault(head, {})[tail] = _read(item, typed[name])
        elif name in typed:
            data[head] = _read(item, typed[name])
    return data


def _read(item: Field, text: str) -> Any:
    if not text:
        return None
    if item.kind == Kind.LIST:
        return [line.strip() for line in text.splitlines() if line.strip()]
    if item.kind == Kind.BOOLEAN:
        return {"true": True, "false": False}.get(text, text)
    if item.kind in {Kind.NUMBER, Kind.INTEGER}:
        return _number(text)
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
