"""Places of a case's tokens while it moves, and what expressions know at each of them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import orjson

from shizhu.engines.cases.logic.flow import Flow, FlowError, Node
from shizhu.engines.cases.logic.state import Kit, State, Thrown
from shizhu.lib import feel
from shizhu.lib.dmn import Decided

LONGEST = 1000  # elements passed in one move: more is a circle that no person interrupts


@dataclass(slots=True)
class Place:
    """Where a token stands; what is not needed is left at its default and not kept."""

    n: int
    at: str
    within: int
    via: str = ""  # the line it came by, at a join
    order: int = 0  # of a user step
    role: str = ""
    person: str = ""
    due: str = ""
    item: Any = None
    wait: dict[str, dict[str, Any]] = field(default_factory=dict)  # event → what it waits for
    vars: dict[str, Any] = field(default_factory=dict)
    loop: dict[str, Any] | None = None
    done: list[str] = field(default_factory=list)  # activities inside that can be undone, in order
    undo: list[str] | None = None  # what a compensation still has to undo

    def row(self) -> dict[str, Any]:
        """JSON of it."""
        named = {"n": self.n, "at": self.at, "within": self.within}
        for one in fields(self)[3:]:
            value = getattr(self, one.name)
            if value or (one.name == "undo" and value is not None) or (one.name == "item" and value is not None):
                named[one.name] = value
        return named


def as_json(element_id: str, value: object) -> Any:
    """A copy that is JSON: dates, times and durations become their ISO 8601 text."""
    try:
        return orjson.loads(orjson.dumps(value, default=feel.duration_text))
    except TypeError as error:
        raise FlowError(element_id, str(error), "- what is kept must be JSON") from None


class Standing:
    """Where the tokens of a case stand, what it knows, and what is about to be done."""

    def __init__(self, flow: Flow, state: State, kit: Kit) -> None:
        self.flow, self.kit, self.before = flow, kit, state
        self.document: dict[str, Any] = dict(state.document)
        self.given: dict[str, Any] = dict(state.given)
        rows: Any = orjson.loads(orjson.dumps(state.marking))
        self.places: dict[int, Place] = {row["n"]: Place(**row) for row in rows}
        self.made, self.born = state.made, state.born
        self.queue: deque[tuple[int, Callable[[], None]]] = deque()  # (scope, what is done next in it)
        self.path: list[str] = []
        self.decided: dict[str, Decided] = {}
        self.thrown: list[Thrown] = []
        self.last = state.ended_at
        self.error: str | None = None
        self.is_over = False

    def note(self, id_: str) -> None:
        """Note an element that a token has passed."""
        self.path.append(id_)
        if len(self.path) > LONGEST:
            raise FlowError(id_, LONGEST, "elements were passed without a person: the flow runs in a circle")

    def _new(self, at: str, within: int) -> Place:
        self.born += 1
        place = self.places[self.born] = Place(self.born, at, within)
        return place

    def inside(self, within: int) -> list[Place]:
        """Places right inside another, in the order they were made."""
        return sorted((place for place in self.places.values() if place.within == within), key=lambda place: place.n)

    def _empty(self, within: int) -> None:
        """Take away all that stands, or is about to come, inside a place."""
        for place in self.inside(within):
            self._remove(place)
        self.queue = deque(item for item in self.queue if item[0] != within)

    def _remove(self, place: Place) -> None:
        self._empty(place.n)
        self.places.pop(place.n, None)

    def _chain(self, place: Place) -> list[Place]:
        """The place and those around it, innermost first."""
        found = [place]
        while found[-1].within in self.places:
            found.append(self.places[found[-1].within])
        return found

    def _context(self, place: Place) -> dict[str, Any]:
        known = {**self.given, **self.document}
        for around in reversed(self._chain(place)):
            known |= around.vars
        return known

    def _write(self, place: Place, name: str, value: Any) -> None:
        """Where the name is known inside, there; else into the nearest call that keeps its own; else the document."""
        for around in self._chain(place):
            node = self.flow.node.get(around.at)
            if name in around.vars or (node is not None and node.is_isolated):
                around.vars[name] = value
                return
        self.document[name] = value

    def _kept(self, node: Node, expression: str, place: Place, more: Mapping[str, Any] | None = None) -> Any:
        return as_json(node.step.id, self._feel(node.step.id, expression, place, more))

    def _feel(
        self, element_id: str, expression: str, place: Place, more: Mapping[str, Any] | None = None
    ) -> feel.Value:
        try:
            return feel.evaluate(expression, {**self._context(place), **(more or {})})
        except feel.FeelError as error:
            raise FlowError(element_id, expression, error.rule) from None

    def _truth(self, id_: str, expression: str, place: Place, more: Mapping[str, Any] | None = None) -> bool:
        value = self._feel(id_, expression, place, more)
        if not isinstance(value, bool):
            found = "null" if value is None else type(value).__name__
            raise FlowError(id_, expression, f"must be true or false, it is {found}")
        return value
