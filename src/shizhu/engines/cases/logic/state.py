"""Where a case stands, and the moves: start it, complete a task, let happen what was waited for. All are pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, TypeAlias

from shizhu.engines.cases.logic.flow import Flow, FlowError
from shizhu.lib import dmn
from shizhu.lib.dmn import Decided
from shizhu.lib.times import parse_duration

Models: TypeAlias = Mapping[str, dmn.Model]
Rows: TypeAlias = list[dict[str, Any]]


def plain_add(moment: datetime, duration: str, _clock: str) -> datetime:
    """A moment and a duration of weeks to seconds, by the calendar alone."""
    return moment + parse_duration(duration)


@dataclass(frozen=True)
class Kit:
    """What a move is given from outside: the time, the decision models a flow asks by name, how time is counted.

    `add` gives the moment a duration after another, on a clock (`working` or "").
    """

    models: Models = field(default_factory=dict)
    now: datetime = datetime(1970, 1, 1, tzinfo=UTC)
    add: Callable[[datetime, str, str], datetime] = plain_add


@dataclass(frozen=True, slots=True)
class Token:
    """A user step that waits for somebody; `order` counts the tokens of a case from 1 on.

    `role`, `person` and `due` are those of the step, its expressions evaluated; `item` is what it is about where the
    step is done for each of many.
    """

    id: str
    step_id: str
    order: int
    role: str = ""
    person: str = ""
    due: str = ""
    item: Any = None


@dataclass(frozen=True, slots=True)
class Wait:
    """Something that a token waits for: a timer, a message, a signal, or a job that somebody outside does.

    `at` is the number of the place it belongs to, `event` the element, `due` ISO 8601 of a timer.
    """

    at: int
    event: str
    kind: str
    name: str = ""
    key: str = ""
    due: str = ""


@dataclass(frozen=True, slots=True)
class Thrown:
    """A message or signal that a move sent to whoever waits for it, in other cases too."""

    kind: str
    name: str
    key: str
    payload: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Passed:
    """An element a token has passed, for the timeline of a case; `type` is the kind of the step."""

    id: str
    name: str
    type: str


@dataclass(frozen=True, slots=True)
class State:
    """Where a case stands on a flow. Treat the document as read-only: moves make a new one."""

    digest: str
    document: Mapping[str, Any]
    tokens: tuple[Token, ...] = ()
    waits: tuple[Wait, ...] = ()
    path: tuple[Passed, ...] = ()
    ended_at: str | None = None  # id of the element that was reached last, once nothing is left to do
    made: int = 0  # tokens of user steps ever made
    born: int = 0  # places ever made
    given: Mapping[str, Any] = field(default_factory=dict, repr=False)  # fields of all answers, the last of a name
    marking: Rows = field(default_factory=list, repr=False)
    decided: Mapping[str, Decided] = field(default_factory=dict, repr=False, compare=False)  # in the last move alone
    thrown: tuple[Thrown, ...] = field(default=(), repr=False, compare=False)  # in the last move alone
    error: str | None = None  # code of the error that ended the case, as nothing caught it

    @property
    def is_ended(self) -> bool:
        """Whether no step is left."""
        return self.ended_at is not None

    def dump(self) -> dict[str, Any]:
        """JSON of the state; `load` reads it back with the same flow."""
        return {
            "digest": self.digest,
            "document": self.document,
            "path": [passed.id for passed in self.path],
            "ended_at": self.ended_at,
            "made": self.made,
            "born": self.born,
            "given": self.given,
            "marking": self.marking,
            "error": self.error,
        }


def load(flow: Flow, dump: Mapping[str, Any]) -> State:
    """State from its dump; raises FlowError where it belongs to another version of the flow."""
    refuse_other_version(flow, dump["digest"])
    marking = dump["marking"]
    return State(
        digest=dump["digest"],
        document=dump["document"],
        tokens=tokens_of(marking),
        waits=waits_of(marking),
        path=tuple(passed(flow, step_id) for step_id in dump["path"]),
        ended_at=dump["ended_at"],
        made=dump["made"],
        born=dump["born"],
        given=dump["given"],
        marking=marking,
        error=dump.get("error"),
    )


def tokens_of(marking: Rows) -> tuple[Token, ...]:
    """User steps among the places, in the order they were made."""
    found = [
        Token(
            f"{row['at']}:{row['order']}", row["at"], row["order"],
            row.get("role", ""), row.get("person", ""), row.get("due", ""), row.get("item"),
        )
        for row in marking if row.get("order")
    ]  # fmt: skip
    return tuple(sorted(found, key=lambda token: token.order))


def waits_of(marking: Rows) -> tuple[Wait, ...]:
    """What the places wait for; conditions are looked at with each move and wait for nobody outside."""
    return tuple(
        Wait(row["n"], event, spec["kind"], spec.get("name", ""), spec.get("key", ""), spec.get("due", ""))
        for row in marking
        for event, spec in sorted(row.get("wait", {}).items())
        if spec["kind"] != "condition"
    )


def passed(flow: Flow, step_id: str) -> Passed:
    """An element as the timeline has it."""
    step = flow.step[step_id]
    return Passed(step.id, step.name, step.kind)


def refuse_other_version(flow: Flow, digest: str) -> None:
    """FlowError where a state belongs to another version of the flow."""
    if digest != flow.digest:
        raise FlowError(flow.key, digest, f"is another version of the flow than {flow.digest}")


def shifted(state: State, later: Callable[[int, str, datetime], datetime]) -> State:
    """The state with each timer set later, as after a pause; told of place, element and time of each."""
    marking: Rows = []
    for row in state.marking:
        waits = {
            event: {
                **spec,
                "due": later(row["n"], event, datetime.fromisoformat(spec["due"])).astimezone(UTC).isoformat(),
            }
            if spec["kind"] == "timer"
            else spec
            for event, spec in row.get("wait", {}).items()
        }
        marking.append({**row, "wait": waits} if waits else row)
    return replace(state, marking=marking, waits=waits_of(marking))
