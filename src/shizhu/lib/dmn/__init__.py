"""Decision models of DMN (OMG formal/2021-02, 1.3; files of 1.1 to 1.5): which decision follows from which facts.

Read here, decided by `frontend/src/dmn.ts` beside feelin in the V8 of `shizhu.lib.feel`, so the same decides in a
browser. Every hit policy, boxed expressions, business knowledge models, decision services, requirements between
decisions. Not run: functions in Java or PMML, imports of other files.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from shizhu.lib import feel
from shizhu.lib.dmn.reading import DmnError, read

__all__ = ["Decided", "DmnError", "Model", "decide", "facts", "read_model"]

TIMEOUT = 2.0  # seconds for one decision with all it requires


@dataclass(frozen=True)
class Model:
    """A decision model as read; `body` is its JSON form."""

    body: dict[str, Any]

    @property
    def decisions(self) -> tuple[str, ...]:
        """Names of its decisions, in the order of the file."""
        return tuple(one["name"] for one in self.body["decisions"])

    @property
    def services(self) -> tuple[str, ...]:
        """Names of its decision services."""
        return tuple(one["name"] for one in self.body["services"])

    def answer_to(self, name: str) -> str | None:
        """The decision a file is there for: the one of that name or id, or the only one that no other requires."""
        named = [one["name"] for one in self.body["decisions"] if name in {one["id"], one["name"]}]
        required = {id_ for one in self.body["decisions"] for id_ in one["requires"]}
        last = [one["name"] for one in self.body["decisions"] if one["id"] not in required]
        return named[0] if named else last[0] if len(last) == 1 else None

    @property
    def inputs(self) -> dict[str, str]:
        """Its input data: name → type, `Any` where none is told."""
        return {one["name"]: one.get("type", "Any") for one in self.body["inputs"]}


@dataclass(frozen=True)
class Decided:
    """An answer, and how it came about: each decision made on the way, the rules that were hit, what went wrong."""

    value: feel.Value
    decisions: dict[str, feel.Value]
    hits: tuple[tuple[str, tuple[int, ...]], ...]  # (table, numbers of its rules from 1)
    faults: tuple[str, ...]  # FEEL makes null of what cannot be computed: here stands why


@lru_cache(maxsize=128)
def read_model(xml: bytes) -> Model:
    """The model of a file. Raises DmnError, which names the element, the value and the rule."""
    return Model(read(xml))


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
    """Ask for a decision or a decision service by its name or id; `given` are values of input data by name.

    Also the value of a decision may be given: it is taken for made. Raises KeyError for a name the model does not have,
    FeelError for a context that is not JSON, too much time or memory.
    """
    known = [*model.body["decisions"], *model.body["services"]]
    if not any(asked in {one["name"], one["id"]} for one in known):
        raise KeyError(asked)
    answer = feel.ask("decide", asked, {"model": model.body, "given": dict(given)}, TIMEOUT)
    return Decided(
        answer["value"],
        answer["decisions"],
        tuple((hit["element"], tuple(int(rule) for rule in hit["rules"])) for hit in answer["hits"]),
        tuple(f"{fault['element']}: {fault['message']}" for fault in answer["faults"]),
    )
