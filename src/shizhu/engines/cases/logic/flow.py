"""Values of a flow: what a BPMN file says, without its drawing."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property

MULTI, STANDARD = "multi", "standard"
TAKEN = {"answers", "area", "source"}  # names of what every case has in its document, and the page that opens one


class FlowError(ValueError):
    """What is wrong in a flow: the element, the value found there and the rule it breaks; `name` is what is read on it.

    `all` holds what else is wrong in the same file, itself included. A rule may name what `told` holds (`%(gateway)s`);
    `form` is the rule with these names, which is what is translated.
    """

    def __init__(self, element_id: str, value: object, rule: str, name: str = "", **told: object) -> None:
        super().__init__(element_id)
        self.element_id = element_id
        self.value = value
        self.form, self.told = rule, told
        self.rule = rule % told if told else rule
        self.name = name
        self.all: tuple[FlowError, ...] = (self,)

    @property
    def called(self) -> str:
        """The element as it is told of: its id, and its name where it has another."""
        return f"{self.element_id} “{self.name}”" if self.name and self.name != self.element_id else self.element_id

    def __str__(self) -> str:
        """Element, value and rule in one line."""
        return f"{self.called}: {self.value!r} {self.rule}"


class StaleToken(Exception):
    """The token to be completed is not ready (any more)."""

    def __init__(self, token_id: str, ready: tuple[str, ...]) -> None:
        super().__init__(f"token {token_id!r} is not ready; ready are: {', '.join(ready) or 'none'}")
        self.token_id = token_id


@dataclass(frozen=True, slots=True)
class Step:
    """An element that a token passes.

    `kind` is one of `reading.KINDS`. `stage` is what a case is said to be at while its token stands here. Of user steps
    alone: `role` who does it (several with commas between), `person` by name instead, `form`, `due` an ISO 8601
    duration from the moment the token arrives, or a moment. What begins with `=` is FEEL. `clock` is `working` where
    a duration counts working time alone.
    """

    id: str
    name: str
    kind: str
    help: str = ""
    role: str | None = None
    form: str | None = None
    due: str | None = None
    person: str | None = None
    clock: str = ""
    assign: str = ""  # `load` gives it to who of its role has least to do, `duty` to who is on duty
    organisation: str = ""  # code of the body whose people do it, where it is not that of the case
    joint: tuple[tuple[str, str], ...] = ()  # (role, code of its body) of those who must have their say before
    not_by: tuple[str, ...] = ()  # steps and the start whose doers do not do this one too (four eyes)

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
    """FEEL of a script task and the key of the document its value goes to ("" for nowhere)."""

    expression: str
    result: str


@dataclass(frozen=True, slots=True)
class Ask:
    """The declared decision (DMN) of a business rule task and the key of the document its answer goes to."""

    decision: str
    result: str


@dataclass(frozen=True, slots=True)
class Event:
    """What an event waits for or throws: message, signal, timer, error, escalation, condition, link, terminate,
    compensation, cancel.

    `name` of the message or signal, code of the error or escalation, activity to compensate; "" for any. `key` is FEEL
    that tells apart messages of one name. `timer` is date, duration or cycle and `expression` its FEEL (of a condition
    too). `title` is what people call the error.
    """

    kind: str
    name: str = ""
    key: str = ""
    timer: str = ""
    expression: str = ""
    title: str = ""


@dataclass(frozen=True, slots=True)
class Loop:
    """How an activity is done again: `multi` for each of many (or `count` times), `standard` while a condition holds.

    Expressions are FEEL. `item` names each of the collection, `output` the key that the list of results goes to.
    """

    kind: str
    is_sequential: bool = False
    count: str = ""
    collection: str = ""
    item: str = ""
    output: str = ""
    output_item: str = ""
    until: str = ""
    condition: str = ""
    is_tested_before: bool = False
    most: int = 0


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
    event: Event | None = None
    script: Script | None = None
    ask: Ask | None = None
    loop: Loop | None = None
    topic: str = ""  # of a service task that somebody outside does
    called: str = ""  # the process of a call activity
    inner: "Scope | None" = None  # what a sub-process holds
    attached: str = ""  # the activity a boundary event sits on
    is_interrupting: bool = True  # of boundary events and starts of event sub-processes
    is_handler: bool = False  # it undoes what an activity did, and runs only then
    handler: str = ""  # of a compensation boundary event: what undoes
    is_isolated: bool = False  # what is written inside stays inside
    inputs: tuple[tuple[str, str], ...] = ()  # (name, FEEL) known inside
    outputs: tuple[tuple[str, str], ...] = ()  # (key of the document, FEEL) written at the end


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

    def starts(self) -> list[Node]:
        """Its start events."""
        return [node for node in self.nodes if node.step.kind == "start"]

    def begin(self, wanted: str = "") -> Node:
        """The start event a token begins at: the wanted one, one that waits for nothing, the first."""
        starts = self.starts()
        named = [node for node in starts if node.step.id == wanted]
        return next(iter([*named, *(node for node in starts if node.event is None), *starts]))

    def triggers(self) -> list[tuple[Node, Node]]:
        """(event sub-process, its start event) of those inside."""
        return [(node, node.inner.begin()) for node in self.nodes if node.step.kind == "eventsub" and node.inner]

    def under(self, call: str) -> "Scope":
        """A copy whose ids stand under the call activity that runs it: `call/id`."""
        return Scope(
            f"{call}/{self.id}",
            tuple(_under(call, node) for node in self.nodes),
            tuple(Line(f"{call}/{x.id}", f"{call}/{x.source}", f"{call}/{x.target}", x.condition) for x in self.lines),
        )


def _under(call: str, node: Node) -> Node:
    event = node.event
    if event and event.kind == "compensation" and event.name:
        event = replace(event, name=f"{call}/{event.name}")
    return replace(
        node,
        step=replace(
            node.step, id=f"{call}/{node.step.id}", not_by=tuple(f"{call}/{other}" for other in node.step.not_by)
        ),
        inner=node.inner.under(call) if node.inner else None,
        event=event,
        default=f"{call}/{node.default}" if node.default else None,
        attached=f"{call}/{node.attached}" if node.attached else "",
        handler=f"{call}/{node.handler}" if node.handler else "",
    )


@dataclass(frozen=True)
class Flow:
    """A checked, executable flow: one version of one BPMN file. Made by `parse` only."""

    key: str
    digest: str  # SHA-256 of the file, hexadecimal: a running case stays on it
    name: str
    steps: tuple[Step, ...]
    notes: tuple[Note, ...]
    calls: tuple[str, ...]  # flows that its call activities name
    xml: bytes = field(repr=False)
    scope: Scope = field(repr=False, compare=False)

    @cached_property
    def step(self) -> dict[str, Step]:
        """Steps by id."""
        return {step.id: step for step in self.steps}

    @cached_property
    def node(self) -> dict[str, Node]:
        """Nodes by id."""
        return {node.step.id: node for scope in self.scope.walk() for node in scope.nodes}

    @cached_property
    def home(self) -> dict[str, Scope]:
        """The scope that a node stands in, by its id."""
        return {node.step.id: scope for scope in self.scope.walk() for node in scope.nodes}

    @cached_property
    def leaving(self) -> dict[str, list[Line]]:
        """Lines by the id they leave."""
        return self._lines("source")

    @cached_property
    def entering(self) -> dict[str, list[Line]]:
        """Lines by the id they enter."""
        return self._lines("target")

    def error(self, code: str) -> str:
        """What people call an error: its name and, where that is another, its code."""
        events = (node.event for node in self.node.values() if node.event and node.event.kind == "error")
        title = next((event.title for event in events if event.name == code and event.title), code)
        return title if title == code else f"{title} ({code})"

    def is_silent(self, id_: str) -> bool:
        """Whether nobody reads of an element: it stands inside a sub-process and has no name."""
        return self.home[id_] is not self.scope and not self.step[id_].name

    def _lines(self, end: str) -> dict[str, list[Line]]:
        found: dict[str, list[Line]] = {id_: [] for id_ in self.node}
        for scope in self.scope.walk():
            for line in scope.lines:
                found[getattr(line, end)].append(line)
        return found

    @cached_property
    def boundary(self) -> dict[str, list[Node]]:
        """Boundary events by the activity they sit on."""
        found: dict[str, list[Node]] = {}
        for node in self.node.values():
            if node.attached:
                found.setdefault(node.attached, []).append(node)
        return found

    @cached_property
    def undoing(self) -> dict[str, str]:
        """What undoes an activity: what its compensation event leads to, or an event sub-process inside it."""
        found = {node.attached: node.handler for node in self.node.values() if node.handler}
        for node in self.node.values():
            for sub, _begin in node.inner.triggers() if node.inner else []:
                if sub.is_handler:
                    found.setdefault(node.step.id, sub.step.id)
        return found

    def inside(self, id_: str) -> set[str]:
        """An activity and all it holds."""
        scopes = self.node[id_].inner
        return {id_, *(node.step.id for scope in (scopes.walk() if scopes else ()) for node in scope.nodes)}

    @cached_property
    def conditions(self) -> dict[str, str]:
        """FEEL by id of the sequence flow."""
        lines = (line for scope in self.scope.walk() for line in scope.lines)
        return {line.id: line.condition for line in lines if line.condition is not None}

    @cached_property
    def asks(self) -> dict[str, Ask]:
        """Decisions asked, by id of the step."""
        return {id_: node.ask for id_, node in self.node.items() if node.ask}
