"""Where a case stands, and the two moves: start it, complete a token. Both are pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import orjson
from SpiffWorkflow.bpmn import BpmnWorkflow
from SpiffWorkflow.exceptions import WorkflowException
from SpiffWorkflow.util.task import TaskState

from shizhu.engines.cases.logic.flow import Ask, Flow, FlowError, StaleToken
from shizhu.engines.cases.logic.marking import TOKEN, Rows, pack, unpack
from shizhu.engines.cases.logic.program import MARK
from shizhu.lib import dmn, feel
from shizhu.lib.dmn import Decided

Models: TypeAlias = Mapping[str, dmn.Model]
NO_MODELS: Models = {}
LONGEST = 300  # elements passed in one move: more is a circle that no person interrupts (Spiff looks 1000 deep)


@dataclass(frozen=True, slots=True)
class Token:
    """A user step that waits for somebody; `order` counts the tokens of a case from 1 on."""

    id: str
    step_id: str
    order: int


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
    path: tuple[Passed, ...] = ()
    ended_at: str | None = None  # id of the end event that was reached last, once nothing is left to do
    made: int = 0  # tokens ever made
    marking: Rows = field(default_factory=list, repr=False)
    decided: Mapping[str, Decided] = field(default_factory=dict, repr=False)  # by step, in the last move alone

    @property
    def is_ended(self) -> bool:
        """Whether no step is left."""
        return self.ended_at is not None

    def dump(self) -> dict[str, Any]:
        """JSON of the state; `load` reads it back with the same flow."""
        return {
            "digest": self.digest,
            "document": self.document,
            "tokens": [[token.step_id, token.order] for token in self.tokens],
            "path": [passed.id for passed in self.path],
            "ended_at": self.ended_at,
            "made": self.made,
            "marking": self.marking,
        }


def start(flow: Flow, document: Mapping[str, Any], models: Models = NO_MODELS) -> State:
    """State of a new case that stands at its first user steps; the document is the application as filed.

    Raises FlowError for a document that has a key `answers` or is not JSON, and for what `complete` raises.
    """
    if "answers" in document:
        raise FlowError(flow.key, "answers", "must not be a key of the document: the answers of steps lie there")
    move = _Move(flow, State(flow.digest, {**_json(flow.key, document), "answers": {}}), models)
    workflow = BpmnWorkflow(flow.program.spec, flow.program.inner, script_engine=move)
    return move.finish(workflow)


def complete(flow: Flow, state: State, token_id: str, answer: Mapping[str, Any], models: Models = NO_MODELS) -> State:
    """State after a person has answered at a token; the answer lies under `answers.<step id>` from then on.

    `models` are the decision models that the flow asks, by the name it calls them.

    Raises StaleToken where the token is not ready, FlowError where the flow cannot go on: a condition that is neither
    true nor false, no condition that holds, a circle that no person interrupts.
    """
    _refuse_other_version(flow, state.digest)
    token = next((token for token in state.tokens if token.id == token_id), None)
    if token is None:
        raise StaleToken(token_id, tuple(token.id for token in state.tokens))
    answers = {**state.document["answers"], token.step_id: _json(token.step_id, answer)}
    move = _Move(flow, replace(state, document={**state.document, "answers": answers}), models)
    workflow = unpack(flow.program, state.marking, move)
    ready = workflow.get_tasks(state=TaskState.READY, manual=True)
    task = next(task for task in ready if task.internal_data[TOKEN] == token.order)
    task.run()
    move.pass_by(task)
    return move.finish(workflow)


def load(flow: Flow, dump: Mapping[str, Any]) -> State:
    """State from its dump; raises FlowError where it belongs to another version of the flow."""
    _refuse_other_version(flow, dump["digest"])
    return State(
        digest=dump["digest"],
        document=dump["document"],
        tokens=tuple(_token(step_id, order) for step_id, order in dump["tokens"]),
        path=tuple(_passed(flow, step_id) for step_id in dump["path"]),
        ended_at=dump["ended_at"],
        made=dump["made"],
        marking=dump["marking"],
    )


def _token(step_id: str, order: int) -> Token:
    return Token(f"{step_id}:{order}", step_id, order)


def _passed(flow: Flow, step_id: str) -> Passed:
    step = flow.step[step_id]
    return Passed(step.id, step.name, step.kind)


def _refuse_other_version(flow: Flow, digest: str) -> None:
    if digest != flow.digest:
        raise FlowError(flow.key, digest, f"is another version of the flow than {flow.digest}")


def _json(element_id: str, value: object) -> Any:
    """A copy that is JSON: dates, times and durations become their ISO 8601 text."""
    try:
        return orjson.loads(orjson.dumps(value, default=feel.duration_text))
    except TypeError as error:
        raise FlowError(element_id, str(error), "- what is kept must be JSON") from None


class _Move:
    """One move of a case. It is Spiff's script engine too: the only one there is, and all it knows is FEEL."""

    def __init__(self, flow: Flow, state: State, models: Models) -> None:
        self.flow = flow
        self.models = models
        self.decided: dict[str, Decided] = {}
        self.document = dict(state.document)
        self.before = state
        self.passed: list[str] = []
        self.end = state.ended_at

    def evaluate(self, _task: Any, expression: str, external_context: object = None) -> bool:
        """Whether the condition of the sequence flow with this id holds."""
        condition = self.flow.conditions[expression]
        value = self._feel(expression, condition)
        if not isinstance(value, bool):
            raise FlowError(
                expression,
                condition,
                f"must be true or false, it is {'null' if value is None else type(value).__name__}",
            )
        return value

    def execute(self, _task: Any, script: str, external_context: object = None) -> bool:
        """Run the script of the step with this id, or ask its decision."""
        if script in self.flow.asks:
            self._decide(script, self.flow.asks[script])
            return True
        source = self.flow.scripts[script]
        self.document[source.result] = _json(script, self._feel(script, source.expression))
        return True

    def _decide(self, step_id: str, ask: Ask) -> None:
        model = self.models.get(ask.decision)
        name = model.answer_to(ask.decision.rpartition(".")[2]) if model else None
        if model is None or name is None:
            raise FlowError(step_id, ask.decision, "is no decision that is declared")
        try:
            found = dmn.decide(model, name, dmn.facts(model, self.document))
        except feel.FeelError as error:
            raise FlowError(step_id, ask.decision, error.rule) from None
        if found.value is None and found.faults:
            raise FlowError(step_id, ask.decision, f"decides nothing: {'; '.join(found.faults)}")
        self.document[ask.result] = _json(step_id, found.value)
        self.decided[step_id] = found

    def _feel(self, element_id: str, expression: str) -> feel.Value:
        try:
            return feel.evaluate(expression, self.document)
        except feel.FeelError as error:
            raise FlowError(element_id, expression, error.rule) from None

    def pass_by(self, task: Any) -> None:
        """Note an element of the flow that a token has passed."""
        name = task.task_spec.name
        step_id = name.removeprefix(MARK)
        if step_id == name or step_id not in self.flow.step:
            return  # one of Spiff's own: Start, End and the like
        self.passed.append(step_id)
        if len(self.passed) > LONGEST:
            raise FlowError(step_id, LONGEST, "elements were passed without a person: the flow runs in a circle")
        if self.flow.step[step_id].kind == "end" and task.workflow.parent_task_id is None:
            self.end = step_id

    def finish(self, workflow: Any) -> State:
        """State once the tokens stand still."""
        try:
            workflow.do_engine_steps(did_complete_task=self.pass_by)
        except WorkflowException as error:
            raise self._undecided(error.task_spec.name.removeprefix(MARK)) from None
        is_ended = workflow.is_completed()
        tokens = _number(workflow, self.before.made)
        if not tokens and not is_ended:
            waiting = [row[0].removeprefix(MARK) for row in pack(workflow)]
            raise FlowError(waiting[0], waiting, "wait for a branch that never comes")
        return State(
            digest=self.flow.digest,
            document=self.document,
            tokens=tokens,
            path=self.before.path + tuple(_passed(self.flow, step_id) for step_id in self.passed),
            ended_at=self.end if is_ended else None,
            made=max([self.before.made, *(token.order for token in tokens)]),
            marking=pack(workflow) if tokens else [],
            decided=self.decided,
        )

    def _undecided(self, gateway: str) -> FlowError:
        lines = [line for scope in self.flow.scope.walk() for line in scope.lines if line.source == gateway]
        conditions = [line.condition for line in lines]
        return FlowError(gateway, conditions, "do none of them hold, and there is no default flow")


def _number(workflow: Any, made: int) -> tuple[Token, ...]:
    """The ready tokens in their order; new ones are numbered on from those made before."""
    ready = workflow.get_tasks(state=TaskState.READY, manual=True)
    fresh = [task for task in ready if TOKEN not in task.internal_data]
    for number, task in enumerate(fresh, made + 1):
        task.internal_data[TOKEN] = number
    tokens = [_token(task.task_spec.name.removeprefix(MARK), task.internal_data[TOKEN]) for task in ready]
    return tuple(sorted(tokens, key=lambda token: token.order))
