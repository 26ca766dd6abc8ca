"""The token game of BPMN 2.0 (chapter 13): how tokens move until each waits for somebody or something.

A *place* is where a token stands: at an element, inside the place of the sub-process, call or loop around it. Places
are numbered and never numbered again, so what comes late (a timer, an answer) finds its place or nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from shizhu.engines.cases.logic import timers
from shizhu.engines.cases.logic.flow import MULTI, Event, Flow, FlowError, Node, StaleToken
from shizhu.engines.cases.logic.places import Place, Standing, as_json
from shizhu.engines.cases.logic.state import (
    Kit,
    Passed,
    State,
    Thrown,
    passed,
    refuse_other_version,
    tokens_of,
    waits_of,
)
from shizhu.lib import dmn, feel

MANY = 500  # instances of one activity
ROOT = 0
OUTSIDE = {"timer", "message", "signal", "job"}  # what can happen without another move
COUNTS = ("nrOfInstances", "nrOfCompletedInstances", "nrOfActiveInstances")
COUNTS_8 = ("numberOfInstances", "numberOfCompletedInstances", "numberOfActiveInstances")


def start(flow: Flow, document: Mapping[str, Any], kit: Kit | None = None, begin: str = "") -> State:
    """State of a new case that stands at its first steps; the document is the application as filed.

    `begin` names the start event where the flow has several. Raises FlowError for a document that has a key `answers`
    or is not JSON, and for what `complete` raises.
    """
    if "answers" in document:
        raise FlowError(flow.key, "answers", "must not be a key of the document: the answers of steps lie there")
    run = Run(flow, State(flow.digest, {**as_json(flow.key, document), "answers": {}}), kit or Kit())
    run.places[ROOT] = Place(ROOT, flow.scope.id, -1)
    run.arm_scope(run.places[ROOT])
    run.enter(flow.scope.begin(begin).step.id, ROOT)
    return run.finish()


def next_time(flow: Flow, event_id: str, spec: dict[str, Any] | None, kit: Kit) -> dict[str, Any] | None:
    """When a start event with a timer begins a case after the time `spec` (None: for the first time), as that is kept.

    None where there is no time left. Raises FlowError for a timer that is no time without a case.
    """
    run, node = Run(flow, State(flow.digest, {"answers": {}}), kit), flow.node[event_id]
    if spec is not None:
        return timers.following(spec, kit.now, run.clock(node))
    return run.timer(node, node.event, Place(ROOT, flow.scope.id, -1)) if node.event else None


def complete(flow: Flow, state: State, token_id: str, answer: Mapping[str, Any], kit: Kit | None = None) -> State:
    """State after a person has answered at a token; the answer lies under `answers.<step id>` from then on.

    Raises StaleToken where the token is not ready, FlowError where the flow cannot go on: a condition that is neither
    true nor false, no condition that holds, a circle that no person interrupts.
    """
    refuse_other_version(flow, state.digest)
    token = next((token for token in state.tokens if token.id == token_id), None)
    if token is None:
        raise StaleToken(token_id, tuple(token.id for token in state.tokens))
    run = Run(flow, state, kit or Kit())
    place = next(place for place in run.places.values() if place.order == token.order)
    run.answered(token.step_id, answer)
    place.order = 0
    run.over(place, answer)
    return run.finish()


def happen(
    flow: Flow, state: State, at: int, event: str, payload: Mapping[str, Any] | None = None, kit: Kit | None = None,
    error: str = "",
) -> State:  # fmt: skip
    """State after what a place waited for has happened: its time came, a message or signal arrived, a job was done.

    What came along lies under `answers.<event id>`. Of a job that failed, the error of the code `error` is thrown at
    it. Raises StaleToken where nobody waits for it (any more), and FlowError as `complete` does.
    """
    refuse_other_version(flow, state.digest)
    run = Run(flow, state, kit or Kit())
    place = run.places.get(at)
    if place is None or event not in place.wait:
        raise StaleToken(f"{event}:{at}", tuple(f"{wait.event}:{wait.at}" for wait in state.waits))
    if error:
        place.wait = {}
        run.fail_at(place, error)
    else:
        run.happened(place, event, payload or {})
    return run.finish()


class Run(Standing):
    """One move of a case: places change until all of them wait."""

    # What a token does at an element ------------------------------------------------------------------------------

    def enter(self, id_: str, within: int, via: str = "") -> None:
        """Let a token come to an element; it is dealt with after those that came before."""
        self.queue.append((within, lambda: self._arrive(self.flow.node[id_], within, via)))

    def _arrive(self, node: Node, within: int, via: str) -> None:
        kind = node.step.kind
        special = {
            "exclusive": self._exclusive, "parallel": self._gather, "inclusive": self._gather, "event": self._choose,
            "catch": self._catch, "start": self._through, "milestone": self._through, "throw": self._throw,
            "end": self._end,
        }.get(kind)  # fmt: skip
        if special is None:
            self._begin_activity(node, within)
        else:
            special(node, within, via)

    def _through(self, node: Node, within: int, _via: str) -> None:
        self.note(node.step.id)
        self.leave(node, within)

    def leave(self, node: Node, within: int) -> None:
        """Go on behind an element: by each line whose condition holds, by the default where none does."""
        lines = self.flow.leaving[node.step.id]
        if not lines:
            self._consumed(within, node.step.id)
            return
        sure = [x for x in lines if x.id != node.default and (x.condition is None or self._holds(x.id, within))]
        if not sure:
            sure = [line for line in lines if line.id == node.default]
        if not sure:
            raise FlowError(
                node.step.id, [line.condition for line in lines], "do none of them hold, and there is no default flow"
            )
        for line in sure:
            self.enter(line.target, within, line.id)

    def _holds(self, line: str, within: int) -> bool:
        return self._truth(line, self.flow.conditions[line], self.places[within])

    def _exclusive(self, node: Node, within: int, _via: str) -> None:
        self.note(node.step.id)
        lines = self.flow.leaving[node.step.id]
        for line in lines:
            if line.id != node.default and (line.condition is None or self._holds(line.id, within)):
                self.enter(line.target, within, line.id)
                return
        default = [line for line in lines if line.id == node.default]
        if not default:
            found = [line.condition for line in lines]
            raise FlowError(node.step.id, found, "do none of them hold, and there is no default flow")
        self.enter(default[0].target, within, default[0].id)

    def _gather(self, node: Node, within: int, via: str) -> None:
        """Wait at a join; a parallel one goes on with one token from each line, an inclusive one when none can come."""
        if len(self.flow.entering[node.step.id]) < 2:
            self._through(node, within, via)
            return
        self._new(node.step.id, within).via = via
        if node.step.kind == "parallel":
            arrived = self._arrived(node, within)
            if len(arrived) == len(self.flow.entering[node.step.id]):
                self._join(node, within, arrived)

    def _arrived(self, node: Node, within: int) -> dict[str, Place]:
        """The first token that waits on each line of a join."""
        found: dict[str, Place] = {}
        for place in self.inside(within):
            if place.at == node.step.id:
                found.setdefault(place.via, place)
        return found

    def _join(self, node: Node, within: int, arrived: Mapping[str, Place]) -> None:
        for place in arrived.values():
            del self.places[place.n]
        self._through(node, within, "")

    def _inclusive(self) -> bool:
        """Let one inclusive join go on that no other token can reach; whether there was one."""
        for place in sorted(self.places.values(), key=lambda place: place.n):
            node = self.flow.node.get(place.at)
            if node and place.via and node.step.kind == "inclusive":
                arrived = self._arrived(node, place.within)
                if not self._can_come(node, place.within, arrived):
                    self._join(node, place.within, arrived)
                    return True
        return False

    def _can_come(self, node: Node, within: int, arrived: Mapping[str, Place]) -> bool:
        """Whether a token elsewhere can still come by a line that is empty, and by none that is not (13.4.3)."""
        lines = self.flow.entering[node.step.id]
        empty = self._upstream(node, [line.source for line in lines if line.id not in arrived])
        full = self._upstream(node, [line.source for line in lines if line.id in arrived])
        standing = {place.at for place in self.inside(within)} - {node.step.id}
        return bool(standing & (empty - full))

    def _upstream(self, node: Node, sources: list[str]) -> set[str]:
        """Elements from which a way leads to one of these, past `node`."""
        found: set[str] = set()
        waiting = list(sources)
        while waiting:
            id_ = waiting.pop()
            if id_ in found or id_ == node.step.id:
                continue
            found.add(id_)
            here = self.flow.node[id_]
            waiting += [line.source for line in self.flow.entering[id_]]
            waiting += [here.attached] if here.attached else []
            if here.event and here.event.kind == "link" and here.step.kind == "catch":
                waiting += [throw.step.id for throw in self._links(here, "throw")]
        return found

    def _links(self, node: Node, kind: str) -> Iterator[Node]:
        wanted = node.event.name if node.event else ""
        for other in self.flow.home[node.step.id].nodes:
            if other.step.kind == kind and other.event and (other.event.kind, other.event.name) == ("link", wanted):
                yield other

    def _choose(self, node: Node, within: int, _via: str) -> None:
        """Wait for the first of several events."""
        self.note(node.step.id)
        place = self._new(node.step.id, within)
        for line in self.flow.leaving[node.step.id]:
            self._arm(place, self.flow.node[line.target])

    def _catch(self, node: Node, within: int, via: str) -> None:
        if node.event and node.event.kind == "link":
            self._through(node, within, via)
            return
        self._arm(self._new(node.step.id, within), node)

    # Activities ---------------------------------------------------------------------------------------------------

    def _begin_activity(self, node: Node, within: int) -> Place:
        place = self._new(node.step.id, within)
        place.vars = {name: self._kept(node, expression, place) for name, expression in node.inputs}
        for event in self.flow.boundary.get(node.step.id, ()):
            self._arm(place, event)
        if node.loop is None:
            self._begin(place)
        else:
            self._begin_loop(place, node)
        return place

    def _begin(self, place: Place) -> None:
        node = self.flow.node[place.at]
        kind = node.step.kind
        if kind == "user":
            self._ask_person(place, node)
        elif kind in {"subprocess", "call", "eventsub"} and node.inner:
            self.arm_scope(place)
            self.enter(node.inner.begin().step.id, place.n)
        elif kind == "call" and node.called:
            raise FlowError(place.at, node.called, "nobody declares this flow", node.step.name)
        elif kind == "receive":
            self._arm(place, node)
        elif node.topic:
            place.wait[place.at] = {"kind": "job", "name": node.topic}
        else:
            self._do(place, node)
            self.over(place)

    def _ask_person(self, place: Place, node: Node) -> None:
        self.made += 1
        place.order = self.made
        step = node.step
        place.role, place.person, place.due = (
            self._word(step.id, word, place) for word in (step.role, step.person, step.due)
        )

    def _word(self, id_: str, word: str | None, place: Place) -> str:
        if not word or not word.startswith("="):
            return word or ""
        value = as_json(id_, self._feel(id_, word[1:], place))
        if isinstance(value, list):
            value = ",".join(map(str, value))
        if not isinstance(value, str) or not value:
            raise FlowError(id_, word, f"must be text, it is {'null' if value is None else type(value).__name__}")
        return value

    def _do(self, place: Place, node: Node) -> None:
        """What is done at once: a script, a decision, a message that is sent."""
        id_ = node.step.id
        if node.ask:
            self._write(place, node.ask.result, self._decide(id_, node.ask.decision, place))
        if node.script:
            value = self._kept(node, node.script.expression, place)
            if node.script.result:
                self._write(place, node.script.result, value)
        if node.step.kind == "send" and node.event:
            self._send(node.event, node, place)

    def _decide(self, id_: str, decision: str, place: Place) -> Any:
        model = self.kit.models.get(decision)
        name = model.answer_to(decision.rpartition(".")[2]) if model else None
        if model is None or name is None:
            raise FlowError(id_, decision, "is no decision that is declared")
        try:
            found = dmn.decide(model, name, dmn.facts(model, self._context(place)))
        except feel.FeelError as error:
            raise FlowError(id_, decision, error.rule) from None
        if found.value is None and found.faults:
            raise FlowError(id_, decision, f"decides nothing: {'; '.join(found.faults)}")
        self.decided[id_] = found
        return as_json(id_, found.value)

    def over(self, place: Place, answer: Mapping[str, Any] | None = None) -> None:
        """An activity, or one of its instances, is done."""
        node = self.flow.node[place.at]
        around = self.places[place.within]
        if around.at == place.at and around.loop is not None:
            self._instance_over(around, place, node, answer or {})
            return
        if node.step.kind == "eventsub" and around.undo is None:
            del self.places[place.n]
            self._consumed(place.within, node.step.id)
            return
        for name, expression in node.outputs:
            self._write(around, name, self._kept(node, expression, place, answer))
        if node.loop is None:
            self.note(node.step.id)
        if node.is_handler:
            del self.places[place.n]
            self._undo_next(around)
            return
        undoing = self.flow.undoing.get(place.at)
        around.done += [*([] if undoing and undoing not in self.flow.inside(place.at) else place.done)]
        around.done += [place.at] if undoing else []
        del self.places[place.n]
        self.leave(node, place.within)

    # Again and for each -------------------------------------------------------------------------------------------

    def _begin_loop(self, place: Place, node: Node) -> None:
        loop = node.loop
        if loop is None:
            return
        if loop.kind == MULTI:
            items = self._items(place, node)
            place.loop = {"items": items, "next": 0, "over": 0, "results": [None] * len(items)}
            if not items:
                self._loop_over(place, node)
                return
            for _ in range(1 if loop.is_sequential else len(items)):
                self._instance(place, node)
            return
        place.loop = {"next": 0}
        if loop.is_tested_before and not self._truth(node.step.id, loop.condition or "true", place):
            self._loop_over(place, node)
            return
        self._instance(place, node)

    def _items(self, place: Place, node: Node) -> list[Any]:
        loop, id_ = node.loop, node.step.id
        if loop is None:
            return []
        items = self._kept(node, loop.collection, place) if loop.collection else None
        if loop.collection and not isinstance(items, list):
            raise FlowError(id_, loop.collection, f"must be a list, it is {type(items).__name__}", node.step.name)
        if loop.count:
            count = self._kept(node, loop.count, place)
            if not isinstance(count, int) or isinstance(count, bool) or count < 0:
                raise FlowError(id_, loop.count, f"must be a whole number, it is {count!r}", node.step.name)
            items = (items or [])[:count] if loop.collection else [None] * count
        if len(items or []) > MANY:
            raise FlowError(id_, len(items or []), f"times is too often, {MANY} is the most", node.step.name)
        return list(items or [])

    def _instance(self, place: Place, node: Node) -> None:
        assert place.loop is not None  # its caller made it
        k = place.loop["next"]
        place.loop["next"] = k + 1
        inner = self._new(place.at, place.n)
        inner.vars = {"loopCounter": k + 1}
        if node.loop and node.loop.kind == MULTI:
            inner.item = place.loop["items"][k]
            if node.loop.item:
                inner.vars[node.loop.item] = inner.item
        self.queue.append((place.n, lambda: self._begin(inner)))

    def _instance_over(self, place: Place, inner: Place, node: Node, answer: Mapping[str, Any]) -> None:
        loop, kept = node.loop, place.loop
        if loop is None or kept is None:
            return
        if loop.kind != MULTI:
            self.note(node.step.id)
            del self.places[inner.n]
            again = kept["next"] < loop.most if loop.most else True
            if again and loop.condition:
                again = self._truth(node.step.id, loop.condition, place)
            if again:
                self._instance(place, node)
            else:
                self._loop_over(place, node)
            return
        kept["over"] += 1
        if loop.output_item:
            kept["results"][inner.vars["loopCounter"] - 1] = self._kept(node, loop.output_item, inner, answer)
        self.note(node.step.id)
        self._remove(inner)
        total, over = len(kept["items"]), kept["over"]
        active = sum(1 for other in self.places.values() if other.within == place.n)
        counts = dict(zip((*COUNTS, *COUNTS_8), (total, over, active) * 2, strict=True))
        if over == total or (loop.until and self._truth(node.step.id, loop.until, place, {**inner.vars, **counts})):
            self._loop_over(place, node)
        elif loop.is_sequential:
            self._instance(place, node)

    def _loop_over(self, place: Place, node: Node) -> None:
        self._empty(place.n)
        if node.loop and node.loop.output and place.loop:
            self._write(self.places[place.within], node.loop.output, place.loop["results"])
        place.loop = None
        self.over(place)

    # Ends, errors, escalations, undoing ---------------------------------------------------------------------------

    def _end(self, node: Node, within: int, _via: str) -> None:
        event = node.event
        if event is None:
            self.note(node.step.id)
            self._consumed(within, node.step.id)
        elif event.kind == "terminate":
            self.note(node.step.id)
            self._empty(within)
            self._consumed(within, node.step.id)
        elif event.kind == "cancel":
            self.note(node.step.id)
            self._empty(within)
            self._undo(node, within, self._undoable(within, ""))
        elif event.kind == "error":
            self.note(node.step.id)
            self._fail(within, event.name, node.step.id)
        else:
            self._throw(node, within, "")

    def _throw(self, node: Node, within: int, _via: str) -> None:
        event, here = node.event, self.places[within]
        if event is None:
            self._through(node, within, "")
        elif event.kind == "link":
            self.note(node.step.id)
            for target in self._links(node, "catch"):
                self.enter(target.step.id, within)
        elif event.kind == "compensation":
            self.note(node.step.id)
            self._undo(node, within, self._undoable(within, event.name))
        else:
            self.note(node.step.id)
            if event.kind == "escalation":
                catcher = self._caught("escalation", event.name, within)
                if catcher is not None and catcher.is_interrupting:
                    return
            else:
                self._send(event, node, here)
            self._after_throw(node, within)

    def _after_throw(self, node: Node, within: int) -> None:
        if node.step.kind == "end":
            self._consumed(within, node.step.id)
        else:
            self.leave(node, within)

    def _send(self, event: Event, node: Node, place: Place) -> None:
        payload = {name: self._kept(node, expression, place) for name, expression in node.inputs}
        self.thrown.append(Thrown(event.kind, event.name, self._key(event, node, place), payload))

    def _key(self, event: Event, node: Node, place: Place) -> str:
        value = self._kept(node, event.key, place) if event.key else ""
        if value is None or isinstance(value, (dict, list)):
            raise FlowError(node.step.id, event.key, "must be text or a number: it tells messages apart")
        return str(value)

    def _fail(self, within: int, code: str, id_: str) -> None:
        """An error goes up until something catches it; what nothing catches ends the case."""
        if self._caught("error", code, within) is None:
            self.error = code
            self._empty(ROOT)
            self._consumed(ROOT, id_)

    def fail_at(self, place: Place, code: str) -> None:
        """An activity itself throws an error."""
        owner = self._owner(place)
        event = self._catching(self.flow.boundary.get(owner.at, ()), "error", code)
        if event is not None:
            self._at_boundary(owner, event)
        else:
            self._remove(place)
            self._fail(owner.within, code, place.at)

    def _caught(self, kind: str, code: str, within: int) -> Node | None:
        """The event that catches an error or escalation, the nearest first; the token goes on there."""
        inside = ""  # an event sub-process does not catch what comes out of itself
        while True:
            place = self.places[within]
            scope = self._scope_of(place)
            starts = [(sub, begin) for sub, begin in scope.triggers() if begin.event and sub.step.id != inside]
            begin = self._catching([begin for _, begin in starts], kind, code)
            if begin is not None:
                sub = next(sub for sub, other in starts if other is begin)
                self._trigger(place, sub, begin)
                return begin
            if within == ROOT:
                return None
            owner = self._owner(place)
            event = self._catching(self.flow.boundary.get(owner.at, ()), kind, code)
            if event is not None:
                self._at_boundary(owner, event)
                return event
            inside, within = owner.at, owner.within

    def _catching(self, nodes: Any, kind: str, code: str) -> Node | None:
        """The event that catches it: one of its code before one of any."""
        of_kind = [node for node in nodes if node.event and node.event.kind == kind]
        named = [node for node in of_kind if node.event.name == code]
        found = [*named, *(node for node in of_kind if not node.event.name)]
        return found[0] if found else None

    def _scope_of(self, place: Place) -> Any:
        node = self.flow.node.get(place.at)
        return node.inner if node and node.inner else self.flow.scope

    def _owner(self, place: Place) -> Place:
        """The place of the activity as a whole, where this is one of its instances."""
        around = self.places.get(place.within)
        return around if around and around.loop is not None and around.at == place.at else place

    def _at_boundary(self, place: Place, event: Node) -> None:
        within = place.within
        is_kept = event.event is not None and event.event.kind in {"error", "cancel"}
        if event.is_interrupting or is_kept:
            self._remove(place)
        self.note(event.step.id)
        self.leave(event, within)

    def _trigger(self, place: Place, sub: Node, begin: Node) -> None:
        """Begin an event sub-process in the scope that `place` holds."""
        if begin.is_interrupting:
            self._empty(place.n)
            for _sub, other in self._scope_of(place).triggers():
                place.wait.pop(other.step.id, None)
        inner = self._new(sub.step.id, place.n)
        self.arm_scope(inner)
        self.enter(begin.step.id, inner.n)

    def _undoable(self, within: int, activity: str) -> list[str]:
        """What is undone in a scope, the last first, by an event sub-process in the scope around it too; it is undone
        once."""
        place = self.places[within]
        known = self.flow.inside(activity) if activity else None
        wanted = [id_ for id_ in place.done if known is None or id_ in known]
        place.done = [id_ for id_ in place.done if id_ not in wanted]
        node = self.flow.node.get(place.at)
        is_beside = node is not None and node.step.kind == "eventsub" and not node.is_handler
        return wanted[::-1] + (self._undoable(place.within, activity) if is_beside else [])

    def _undo(self, node: Node, within: int, wanted: list[str]) -> None:
        place = self._new(node.step.id, within)
        place.undo = wanted
        self._undo_next(place)

    def _undo_next(self, place: Place) -> None:
        node = self.flow.node[place.at]
        if place.undo:
            done = place.undo.pop(0)
            inside = self.flow.inside(done)
            held = [id_ for id_ in place.undo if id_ in inside]  # left to what undoes the whole
            place.undo = [id_ for id_ in place.undo if id_ not in inside]
            self._begin_activity(self.flow.node[self.flow.undoing[done]], place.n).done = held[::-1]
            return
        del self.places[place.n]
        if node.event and node.event.kind == "cancel":
            self._cancelled(place.within, node)
        else:
            self._after_throw(node, place.within)

    def _cancelled(self, within: int, node: Node) -> None:
        """A transaction was cancelled: go on at its cancel event."""
        owner = self._owner(self.places[within])
        event = self._catching(self.flow.boundary.get(owner.at, ()), "cancel", "")
        if event is None:
            self._consumed(within, node.step.id)
        else:
            self._at_boundary(owner, event)

    def _consumed(self, within: int, id_: str) -> None:
        """A token has come to its end; the scope is over with its last one."""
        if within == ROOT:
            self.last = id_
        if any(place.within == within for place in self.places.values()) or any(s == within for s, _ in self.queue):
            return
        if within == ROOT:
            self.is_over = True
            self.places.clear()
            self.queue.clear()
        else:
            self.over(self.places[within])

    # What is waited for -------------------------------------------------------------------------------------------

    def arm_scope(self, place: Place) -> None:
        """Wait for what begins the event sub-processes of a scope."""
        for _sub, begin in self._scope_of(place).triggers():
            self._arm(place, begin)

    def _arm(self, place: Place, node: Node) -> None:
        event = node.event
        if event is None or event.kind not in {"timer", "message", "signal", "condition"}:
            return
        spec: dict[str, Any] = {"kind": event.kind}
        if event.kind == "timer":
            timer = self.timer(node, event, place)
            if timer is None:
                return
            spec |= timer
        if event.kind in {"message", "signal"}:
            spec["name"] = event.name
        if event.key:
            spec["key"] = self._key(event, node, place)
        place.wait[node.step.id] = spec

    def timer(self, node: Node, event: Event, place: Place) -> dict[str, Any] | None:
        """When a timer that begins now falls due; None for never."""
        text = self._kept(node, event.expression, place)
        if event.timer == "date":
            return {"due": self._moment(node, text)}
        if not isinstance(text, str):
            raise FlowError(node.step.id, event.expression, f"must be an ISO 8601 {event.timer}, it is {text!r}")
        try:
            if event.timer == "duration":
                return {"due": timers.later(self.kit.now, text, self.clock(node)).astimezone(UTC).isoformat()}
            return timers.first(text, self.kit.now, self.clock(node))
        except ValueError as error:
            raise FlowError(node.step.id, text, str(error)) from None

    def clock(self, node: Node) -> timers.Add:
        """How durations of an element are added."""
        return lambda moment, duration: self.kit.add(moment, duration, node.step.clock)

    def _moment(self, node: Node, text: Any) -> str:
        try:
            return timers.moment_of(str(text), self.kit.now.tzinfo).astimezone(UTC).isoformat()
        except ValueError:
            raise FlowError(node.step.id, text, "must be a moment of ISO 8601 such as 2026-07-01T09:00:00") from None

    def answered(self, id_: str, answer: Mapping[str, Any]) -> None:
        """Keep an answer, or what came with an event."""
        kept = as_json(id_, answer)
        self.document["answers"] = {**self.document["answers"], id_: kept}
        self.given |= kept

    def happened(self, place: Place, event_id: str, payload: Mapping[str, Any]) -> None:
        """Go on where a place waited for an event."""
        spec, node = place.wait[event_id], self.flow.node[event_id]
        if spec["kind"] != "timer":
            self.answered(event_id, payload)
        if node.step.kind == "boundary":
            self._boundary_happened(place, node, spec)
        elif node.step.kind == "start":
            sub = next(sub for sub, begin in self._scope_of(place).triggers() if begin.step.id == event_id)
            self._again(place, event_id, spec, node)
            self._trigger(place, sub, node)
        elif place.at == event_id and node.step.kind != "catch":  # a receive task or a job
            place.wait.pop(event_id)
            self.over(place, payload)
        else:
            del self.places[place.n]
            self.note(event_id)
            self.leave(node, place.within)

    def _boundary_happened(self, place: Place, node: Node, spec: dict[str, Any]) -> None:
        if not node.is_interrupting:
            self._again(place, node.step.id, spec, node)
        self._at_boundary(place, node)

    def _again(self, place: Place, event_id: str, spec: dict[str, Any], node: Node) -> None:
        """What is left to wait for: a message may come again, a timer only in a cycle."""
        if spec["kind"] == "condition":
            spec["met"] = True
        if spec["kind"] != "timer":
            return
        again = timers.following(spec, self.kit.now, self.clock(node))
        for _missed in range(timers.MOST):  # as nothing ran: one time is made up for
            if again is None or datetime.fromisoformat(again["due"]) >= self.kit.now:
                break
            again = timers.following(again, self.kit.now, self.clock(node))
        if again is None:
            place.wait.pop(event_id)
        else:
            spec |= again

    def _conditions(self) -> bool:
        """Let the first condition happen that has come true; whether there was one."""
        for place in sorted(self.places.values(), key=lambda place: place.n):
            for event_id, spec in place.wait.items():
                if spec["kind"] != "condition":
                    continue
                event = self.flow.node[event_id].event
                holds = event is not None and self._feel(event_id, event.expression, place) is True
                if not holds:
                    spec.pop("met", None)
                elif not spec.get("met"):
                    self.happened(place, event_id, {})
                    return True
        return False

    # The end of a move --------------------------------------------------------------------------------------------

    def finish(self) -> State:
        """State once the tokens stand still."""
        while True:
            while self.queue:
                self.queue.popleft()[1]()
            if self.is_over or not (self._inclusive() or self._conditions()):
                break
        marking = [place.row() for _, place in sorted(self.places.items())]
        tokens, waits = tokens_of(marking), waits_of(marking)
        if not self.is_over and not tokens and not any(wait.kind in OUTSIDE for wait in waits):
            standing = [row["at"] for row in marking if row.get("via")] or [row["at"] for row in marking]
            raise FlowError(standing[0], standing, "wait for a branch that never comes")
        return State(
            digest=self.flow.digest,
            document=self.document,
            tokens=tokens,
            waits=waits,
            path=self.before.path + tuple(self._passed(id_) for id_ in self.path),
            ended_at=self.last if self.is_over else None,
            made=self.made,
            born=self.born,
            given=self.given,
            marking=marking,
            decided=self.decided,
            thrown=tuple(self.thrown),
            error=self.error,
        )

    def _passed(self, id_: str) -> Passed:
        return passed(self.flow, id_)
