"""Values of a flow: what a BPMN file says, without its drawing."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any


class FlowError(ValueError):
    """What is wrong in a flow: the element, the value found there and the rule it breaks."""

    def __init__(self, element_id: str, value: object, rule: str) -> None:
        super().__init__(f"{element_id}: {value!r} {rule}")
        self.element_id = element_id
        self.value = value
        self.rule = rule


class StaleToken(Exception):
    """The token to be completed is not ready (any more)."""

    def __init__(self, token_id: str, ready: tuple[str, ...]) -> None:
        super().__init__(f"token {token_id!r} is not ready; ready are: {', '.join(ready) or 'none'}")
        self.token_id = token_id


@dataclass(frozen=True, slots=True)
class Step:
    """An element that a token passes.

    `kind` is user, script, decision, manual, task, milestone, start, end, exclusive, parallel or subprocess. `stage`
    is what a case is said to be at while its token stands here. Of user steps alone: `role` who does it, `form`, `due`
    an ISO 8601 duration from the moment the token arrives.
    """

    id: str
    name: str
    kind: str
    help: str = ""
    role: str | None = None
    form: str | None = None
    due: str | None = None

    @property
    def stage(self) -> str:
        """Name of the element, its id where it has none."""
        return self.name or self.id


@dataclass(frozen=True, slots=True)
class Note:
    """Something in the file that does not run and does no harm: kept for display."""

    id: str
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Script:
    """FEEL of a script task and the key of the document its value goes to."""

    expression: str
    result: str


@dataclass(frozen=True, slots=True)
class Ask:
    """The declared decision (DMN) of a business rule task and the key of the document its answer goes to."""

    decision: str
    result: str


@dataclass(frozen=True, slots=True)
class Line:
    """A sequence flow (顺序流); `condition` is FEEL."""

    id: str
    source: str
    target: str
    condition: str | None


@dataclass(frozen=True, slots=True)
class Node:
    """A step and what running it takes."""

    step: Step
    default: str | None = None  # the line taken where no condition holds
    is_terminate: bool = False
    script: Script | None = None
    ask: Ask | None = None
    inner: "Scope | None" = None  # what a sub-process holds


@dataclass(frozen=True, slots=True)
class Scope:
    """A process or sub-process: lines join nodes of the same scope only."""

    id: str
    nodes: tuple[Node, ...]
    lines: tuple[Line, ...]

    def walk(self) -> Iterator["Scope"]:
        """Itself and the scopes inside it, outermost first."""
        yield self
        for node in self.nodes:
            if node.inner:
                yield from node.inner.walk()


@dataclass(frozen=True)
class Flow:
    """A checked, executable flow: one version of one BPMN file. Made by `parse` only."""

    key: str
    digest: str  # SHA-256 of the file, hexadecimal: a running case stays on it
    name: str
    steps: tuple[Step, ...]
    notes: tuple[Note, ...]
    xml: bytes = field(repr=False)
    scope: Scope = field(repr=False, compare=False)
    program: Any = field(repr=False, compare=False)  # what Spiff runs

    @cached_property
    def step(self) -> dict[str, Step]:
        """Steps by id."""
        return {step.id: step for step in self.steps}

    @cached_property
    def conditions(self) -> dict[str, str]:
        """FEEL by id of the sequence flow."""
        lines = (line for scope in self.scope.walk() for line in scope.lines)
        return {line.id: line.condition for line in lines if line.condition is not None}

    @cached_property
    def scripts(self) -> dict[str, Script]:
        """Scripts by id of the step."""
        nodes = (node for scope in self.scope.walk() for node in scope.nodes)
        return {node.step.id: node.script for node in nodes if node.script}

    @cached_property
    def asks(self) -> dict[str, Ask]:
        """Decisions asked, by id of the step."""
        nodes = (node for scope in self.scope.walk() for node in scope.nodes)
        return {node.step.id: node.ask for node in nodes if node.ask}
