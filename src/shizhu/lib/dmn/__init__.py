"""Decision models of DMN (OMG formal/2021-02, 1.3; files of 1.1 to 1.5): which decision follows from which facts.

Read here, decided by `frontend/src/dmn.ts` beside feelin in the V8 of `shizhu.lib.feel`, so the same decides in a
browser. Every hit policy, boxed expressions, business knowledge models, decision services, requirements between
decisions, imports of other models. Not run: functions in Java or PMML.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from shizhu.lib import feel
from shizhu.lib.dmn.opening import opened
from shizhu.lib.dmn.reading import DmnError, asking, imports, namespace, read

__all__ = [
    "TEMPORAL", "Cell", "Decided", "DmnError", "Finding", "Model", "asking", "decide", "facts", "findings", "imports",
    "namespace", "needed", "opened", "read_model", "unknown", "unreadable",
]  # fmt: skip

FIRST = re.compile(r"\w+")  # the beginning of a name, as an expression writes it
TIMEOUT = 2.0  # seconds for one decision with all it requires


@dataclass(frozen=True)
class Model:
    """A decision model as read; `body` is its JSON form."""

    body: dict[str, Any]

    @property
    def decisions(self) -> tuple[str, ...]:
        """Names of its own decisions, in the order of the file."""
        return tuple(one["name"] for one in self.body["decisions"] if _is_own(one))

    @property
    def services(self) -> tuple[str, ...]:
        """Names of its own decision services."""
        return tuple(one["name"] for one in self.body["services"] if _is_own(one))

    def answer_to(self, name: str) -> str | None:
        """The decision a file is there for: the one it says, or of that name or id, or the only one of `last`."""
        wanted, last = self.body["asked"] or name, self.last
        own = (one for one in self.body["decisions"] if _is_own(one))
        named = [one["name"] for one in own if wanted in {one["id"], one["name"]}]
        return named[0] if named else next(iter(last.values())) if len(last) == 1 else None

    @property
    def last(self) -> dict[str, str]:
        """Its own decisions that no other of them requires: id → name."""
        own = [one for one in self.body["decisions"] if _is_own(one)]
        required = {id_ for one in own for id_ in one["requires"]}
        return {one["id"]: one["name"] for one in own if one["id"] not in required}

    @property
    def inputs(self) -> dict[str, str]:
        """Its input data: name → type, `Any` where none is told."""
        return {one["name"]: one.get("type", "Any") for one in self.body["inputs"]}


def _is_own(part: Mapping[str, Any]) -> bool:
    return "#" not in part["id"]  # what is imported has the namespace of its file before it


@dataclass(frozen=True)
class Decided:
    """An answer, and how it came about: each decision made on the way, the rules that were hit, what went wrong."""

    value: feel.Value
    decisions: dict[str, feel.Value]
    hits: tuple[tuple[str, tuple[int, ...]], ...]  # (table, numbers of its rules from 1)
    faults: tuple[str, ...]  # FEEL makes null of what cannot be computed: here stands why


@lru_cache(maxsize=128)
def read_model(xml: bytes, *beside: bytes) -> Model:
    """The model of a file; `beside` are the files it may import. Raises DmnError with element, value and rule."""
    return Model(read(xml, {namespace(one): one for one in beside}))


@dataclass(frozen=True)
class Cell:
    """Where an expression stands: in which decision or business knowledge; of a table which rule from 1 (0: its head)
    and which column from 1, inputs first, with its title."""

    id: str
    name: str
    row: int = 0
    column: int = 0
    title: str = ""

    def __str__(self) -> str:
        return f"{self.name} {self.row}" if self.row else self.name


@dataclass(frozen=True)
class Finding:
    """What is wrong with an expression: no FEEL (`error`), or it reads `name`, which nothing in the model is called."""

    cell: Cell
    text: str
    name: str = ""
    error: feel.FeelError | None = None


def unreadable(model: Model) -> Iterator[tuple[str, str]]:
    """(element, expression) of all of its own that is no FEEL; of a table with the number of the rule."""
    yield from ((str(one.cell), one.text) for one in findings(model) if one.error)


def unknown(model: Model) -> Iterator[tuple[str, str, str]]:
    """(element, expression, name) of its own that reads what nothing in the model is called, which is always null."""
    yield from ((str(one.cell), one.text, one.name) for one in findings(model) if one.name)


def findings(model: Model) -> Iterator[Finding]:
    """What is wrong with expressions of its own."""
    names = {name: FIRST.search(name) for name in sorted({*_names(model.body), *model.body["items"]})}
    for part in [*model.body["decisions"], *model.body["knowledge"]]:
        if _is_own(part):
            for cell, text, is_test in _expressions(part, Cell(part["id"], part["name"])):
                read = [name for name, first in names.items() if first and first[0] in text]  # those it may read
                try:
                    unknown_ = feel.unknown_names(text, read, is_test=is_test)
                except feel.FeelError as error:
                    yield Finding(cell, text, error=error)
                else:
                    yield from (Finding(cell, text, name) for name in unknown_[:1])


def _names(part: object) -> Iterator[str]:
    if isinstance(part, Mapping):
        yield from (part[key] for key in ("name", "variable") if isinstance(part.get(key), str))
        yield from part.get("far", {}).values()
        part = list(part.values())
    if isinstance(part, list):
        for one in part:
            yield from _names(one)


def _expressions(part: object, cell: Cell) -> Iterator[tuple[Cell, str, bool]]:
    """(where, text, whether it is unary tests) of what stands in an expression."""
    if isinstance(part, list):
        for one in part:
            yield from _expressions(one, cell)
    if not isinstance(part, Mapping) or part.get("language", "FEEL") != "FEEL":
        return
    if part.get("kind") == "literal":
        yield cell, part["text"], False
    if part.get("kind") == "filter" and part["match"]["kind"] == "literal":  # it reads what the filtered hold
        yield from _expressions(part["of"], cell)
        yield cell, f"[][{part['match']['text']}]", False
        return
    if part.get("kind") == "table":
        yield from _of_table(part, cell)
        return
    for one in part.values():
        yield from _expressions(one, cell)


def _of_table(table: Mapping[str, Any], cell: Cell) -> Iterator[tuple[Cell, str, bool]]:
    columns = [*table["inputs"], *table["outputs"]]
    at = [
        replace(cell, column=number, title=one.get("title", ""))
        for number, one in enumerate(columns, 1)
    ]  # fmt: skip
    for where, one in zip(at, columns, strict=True):
        if "test" in one:
            yield where, one["test"], False
        if "values" in one:
            yield where, one["values"], True
        if "default" in one:
            yield where, one["default"], False
    split = len(table["inputs"])
    for number, rule in enumerate(table["rules"], 1):
        here = [replace(where, row=number) for where in at]
        tests = zip(here[:split], rule["tests"], strict=True)
        outputs = zip(here[split:], rule["outputs"], strict=True)
        yield from ((where, text, True) for where, text in tests if text not in {"", "-"})
        yield from ((where, text, False) for where, text in outputs if text)


def needed(xml: bytes, beside: Iterable[bytes]) -> list[bytes]:
    """Those of other files that a file imports, or one it imports does."""
    asked = [*imports(xml)]
    known = {namespace(one): one for one in beside} if asked else {}
    found: dict[str, bytes] = {}
    while asked:
        name = asked.pop()
        if name in known and name not in found:
            found[name] = known[name]
            asked += imports(known[name])
    return list(found.values())


TEMPORAL = {
    "date": "date", "time": "time", "date and time": "date and time", "dateTime": "date and time",
    "days and time duration": "duration", "dayTimeDuration": "duration", "years and months duration": "duration",
    "yearMonthDuration": "duration",
}  # fmt: skip


def facts(model: Model, document: Mapping[str, object]) -> dict[str, object]:
    """The values a model asks for, out of a JSON document, where a date or a duration is ISO 8601 text."""
    found: dict[str, object] = {}
    for name, kind in model.inputs.items():
        value = document.get(name)
        read = TEMPORAL.get(kind) if isinstance(value, str) else None
        found[name] = feel.evaluate(f"{read}(text)", {"text": value}) if read else value
    return found


def decide(model: Model, asked: str, given: Mapping[str, object]) -> Decided:
    """Ask for a decision, a decision service or business knowledge by its name or id.

    `given` are values by name: of input data, of decisions, which are taken for made, or of the parameters of business
    knowledge. Raises KeyError for a name the model does not have, FeelError for a context that is not JSON, too much
    time or memory, OutOfRange of it for a date that Python cannot hold.
    """
    known = [*model.body["decisions"], *model.body["services"], *model.body["knowledge"]]
    if not any(asked in {one["name"], one["id"]} for one in known):
        raise KeyError(asked)
    answer = feel.ask("decide", asked, {"model": model.body, "given": dict(given)}, TIMEOUT)
    return Decided(
        answer["value"],
        answer["decisions"],
        tuple((hit["element"], tuple(int(rule) for rule in hit["rules"])) for hit in answer["hits"]),
        tuple(f"{fault['element']}: {fault['message']}" for fault in answer["faults"]),
    )
