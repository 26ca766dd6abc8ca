"""Decision models of DMN (OMG formal/2021-02, 1.3; files of 1.1 to 1.5): which decision follows from which facts.

Read here, decided by `frontend/src/dmn.ts` beside feelin in the V8 of `shizhu.lib.feel`, so the same decides in a
browser. Every hit policy, boxed expressions, business knowledge models, decision services, requirements between
decisions. Not run: functions in Java or PMML, imports of other files.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shizhu.lib import feel
from shizhu.lib.dmn.reading import DmnError, read

__all__ = ["Decided", "DmnError", "Model", "decide", "read_model"]

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


def read_model(xml: bytes) -> Model:
    """The model of a file. Raises DmnError, which names the element, the value and the rule."""
    return Model(read(xml))


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
