"""Dead ends of a flow, found without running it: every way its tokens can go is followed (model checking). Pure.

Told are joins that wait for a branch that never comes, circles that lead to no end, and elements that no way leads to
as a condition can never be true. Activities are taken to be done, events to come; where the ways are too many, nothing
is told. Of tokens that do not touch each other one goes first: the order changes nothing in the end (free choice).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain, combinations, product
from math import prod
from typing import Any, TypeAlias

from shizhu.engines.cases.logic.flow import Flow, FlowError, Line, Node, Scope
from shizhu.lib import feel

NEVER_COMES = "waits for a branch that never comes"
CIRCLE = "leads round in a circle, and to no end"
NEVER_TRUE = "can never be true"
NEVER_DONE = "can never be reached: no condition on the way to it can be true"
MOST_STATES, MOST_TOKENS, MOST_VALUES = 4000, 3, 600
STOPS = {"terminate", "cancel", "error"}  # ends that end the scope with all its tokens
Token: TypeAlias = tuple[str, str]  # element, and the line by which it came to a join that waits
Marking: TypeAlias = tuple[Token, ...]
Forms = Callable[[str], Mapping[str, Any] | None]  # form → its JSON Schema
READ = re.compile(r"(?<![\w.])answers\s*\.\s*(\w+)\s*\.\s*(\w+)")
TEXT = re.compile(r'"((?:\\.|[^"\\])*)"')
NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?")
LINKED = re.compile(r"\b(?:not|and|or)\b")
HARD = re.compile(
    r"[+*/\[{]|\w\s*\(|[\w)\"]\s*-|\b(?:for|some|every|between|in|instance|if|function)\b"
)  # not followed


def dead_ends(flow: Flow, forms: Forms = lambda _key: None) -> Iterator[FlowError]:
    """What can never go on, end, come true or be done, each with its element."""
    never = {line.id for line in _never(flow, forms)}
    for scope in flow.scope.walk():
        for line in scope.lines:
            if line.id in never:
                yield FlowError(line.id, line.condition, NEVER_TRUE)
        yield from _Ways(scope, never).faults()


# ways of tokens ---------------------------------------------------------------------------------------------------


class _Ways:
    """Every way that the tokens of one scope can go."""

    def __init__(self, scope: Scope, never: Collection[str]) -> None:
        self.scope, self.never = scope, never
        self.node = {node.step.id: node for node in scope.nodes}
        self.leaving: dict[str, list[Line]] = {id_: [] for id_ in self.node}
        self.entering: dict[str, list[Line]] = {id_: [] for id_ in self.node}
        for line in scope.lines:
            self.leaving[line.source].append(line)
            self.entering[line.target].append(line)
        self.edges: list[Node] = [node for node in scope.nodes if node.attached and not node.handler]
        self.catching = {
            node.event.name: node.step.id
            for node in scope.nodes
            if node.step.kind == "catch" and node.event and node.event.kind == "link"
        }
        self.after: dict[Marking, list[Marking]] = {}
        self.seen: set[str] = set()
        self.is_stopped = any(map(self._is_stop, scope.nodes))
        self.far = dict.fromkeys(self.node, 0) if self.is_stopped else self._far()  # others have their turn before it

    def _far(self) -> dict[str, int]:
        """Lines from each element to where its way ends; who is nearest goes first, or tokens would heap up."""
        far, waiting = {id_: len(self.node) for id_ in self.node}, [id_ for id_ in self.node if not self.leaving[id_]]
        far |= dict.fromkeys(waiting, 0)
        for id_ in waiting:  # it grows
            for line in self.entering[id_]:
                if far[line.source] > far[id_] + 1:
                    far[line.source] = far[id_] + 1
                    waiting.append(line.source)
        return far

    def faults(self) -> Iterator[FlowError]:
        """What is wrong, the joins first."""
        if not self._explore():
            return
        stuck = self._stuck()
        joins = list(dict.fromkeys(id_ for one in sorted(stuck) for id_, via in one if via))
        yield from (self._fault(id_, NEVER_COMES) for id_ in joins)
        lost, undone = self._lost(stuck), self._undone()
        if (lost or undone) and self.is_stopped:  # who goes first keeps others from stopping all, or is stopped by them
            is_known = self._explore(one_first=False)
            lost, undone = (self._lost(self._stuck()), self._undone()) if is_known else ([], [])
        if lost:
            circle = sorted({id_ for one in self._round(lost) for id_, via in one if not via})
            yield from (self._fault(id_, CIRCLE) for id_ in circle[:1])
        elif not stuck:
            yield from (self._fault(id_, NEVER_DONE) for id_ in undone)

    def _stuck(self) -> set[Marking]:
        """Markings in which every token waits for another."""
        return {one for one, after in self.after.items() if one and not after}

    def _undone(self) -> list[str]:
        """Elements that no token came to, the first of a way."""
        return [id_ for id_ in self.node if id_ not in self.seen and self._leads(id_)]

    def _round(self, lost: list[Marking]) -> set[Marking]:
        """Of these, those that lie in a circle or behind one."""
        left = set(lost)
        while True:
            entered = {two for one in left for two in self.after[one]} & left
            if entered == left:
                return left
            left = entered

    def _lost(self, stuck: set[Marking]) -> list[Marking]:
        """Markings from which neither the end nor what is told already is reached."""
        ending = self._ending({(), *stuck})
        return [one for one in self.after if one not in ending]

    def _leads(self, id_: str) -> bool:
        """Whether an element is one that tokens come to by lines, and the first of those that they miss."""
        before = [line.source for line in self.entering[id_]]
        return bool(before) and any(source in self.seen for source in before)

    def _fault(self, id_: str, rule: str) -> FlowError:
        return FlowError(id_, "", rule, self.node[id_].step.name)

    def _ending(self, found: set[Marking]) -> set[Marking]:
        """Markings from which one of these is reached."""
        before: dict[Marking, list[Marking]] = {}
        for one, after in self.after.items():
            for two in after:
                before.setdefault(two, []).append(one)
        waiting, ending = list(found), set(found)
        while waiting:
            for one in before.get(waiting.pop(), ()):
                if one not in ending:
                    ending.add(one)
                    waiting.append(one)
        return ending

    def _explore(self, *, one_first: bool = True) -> bool:
        """Follow all ways, of those that do not touch each other one first; False where they are too many."""
        self.after = {}
        waiting: list[Marking] = [((node.step.id, ""),) for node in self.scope.starts()]
        while waiting:
            here = waiting.pop()
            if here in self.after:
                continue
            if len(self.after) >= MOST_STATES or any(found > MOST_TOKENS for found in Counter(here).values()):
                return False
            self.after[here] = list(dict.fromkeys(self._next(here, one_first=one_first)))
            waiting += self.after[here]
        return True

    def _next(self, here: Marking, *, one_first: bool) -> Iterable[Marking]:
        if not here:
            return ()
        moves = [(token, self._moves(token[0])) for token in here if not token[1]]
        if moves:
            over = [one for one in moves if one[1] == [()] and not self._is_stop(self.node[one[0][0]])]  # touch nothing
            first = over[:1] or (
                [min(moves, key=lambda one: (self.far[one[0][0]], len(one[1])))] if one_first else moves
            )
            return chain.from_iterable(self._moved(here, token, ways) for token, ways in first)
        for id_ in dict.fromkeys(id_ for id_, _via in here):
            if self.node[id_].step.kind == "inclusive" and not self._can_come(id_, here):
                self.seen.add(id_)
                came = {via for at, via in here if at == id_}
                rest = list(here)
                for via in came:
                    rest.remove((id_, via))
                return (self._joined(rest, way) for way in self._moves(id_))
        return ()

    def _moved(self, here: Marking, token: Token, ways: Sequence[tuple[Line, ...]]) -> Iterable[Marking]:
        self.seen.add(token[0])
        if self._is_stop(self.node[token[0]]):
            return ((),)
        rest = list(here)
        rest.remove(token)
        return [self._joined(rest, way) for way in ways]

    def _is_stop(self, node: Node) -> bool:
        return node.step.kind == "end" and node.event is not None and node.event.kind in STOPS

    def _moves(self, id_: str) -> list[tuple[Line, ...]]:
        """The lines that a token may leave an element by: one alternative each, with those of events on its edge."""
        lines = self.leaving[id_]
        node = self.node[id_]
        possible = [line for line in lines if line.id not in self.never]
        if node.step.kind == "throw" and node.event and node.event.kind == "link":
            there = self.catching.get(node.event.name, "")
            return [(Line("", id_, there, None),)] if there else [()]
        if node.step.kind in {"exclusive", "event"}:
            return [(line,) for line in possible]
        sure = [line for line in possible if line.condition is None and line.id != node.default]
        maybe = [line for line in possible if line.condition is not None and line.id != node.default]
        if node.step.kind == "parallel":
            return [tuple(lines)]
        ways = [(*sure, *some) for size in range(len(maybe) + 1) for some in combinations(maybe, size) if sure or some]
        if not sure and node.default:
            ways.append(tuple(line for line in lines if line.id == node.default))
        if not lines:
            ways = [()]
        for edge in self.edges:
            if edge.attached == id_:
                self.seen.add(edge.step.id)
                own = [tuple(chain.from_iterable(one)) for one in product(self._moves(edge.step.id))]
                both = [] if edge.is_interrupting else [(*one, *two) for one in ways for two in own]
                is_sure = edge.event is not None and edge.event.kind == "escalation"  # thrown inside, for all we know
                ways = both if both and is_sure else ways + (both or own)
        return ways

    def _joined(self, rest: list[Token], lines: Sequence[Line]) -> Marking:
        """The marking once tokens went along lines, and parallel joins that are full went on."""
        tokens = list(rest)
        for line in lines:
            target = self.node[line.target]
            waits = target.step.kind in {"parallel", "inclusive"} and len(self.entering[line.target]) > 1
            tokens.append((line.target, line.id if waits else ""))
        for id_ in {id_ for id_, via in tokens if via and self.node[id_].step.kind == "parallel"}:
            every = [(id_, line.id) for line in self.entering[id_]]
            if all(one in tokens for one in every):
                for one in every:
                    tokens.remove(one)
                tokens.append((id_, ""))
        return tuple(sorted(tokens))

    def _can_come(self, id_: str, here: Marking) -> bool:
        """Whether a token elsewhere can still come by a line that is empty, and by none that is not."""
        came = {via for at, via in here if at == id_}
        empty = self._upstream(id_, [line.source for line in self.entering[id_] if line.id not in came])
        full = self._upstream(id_, [line.source for line in self.entering[id_] if line.id in came])
        return bool(({at for at, _via in here} - {id_}) & (empty - full))

    def _upstream(self, id_: str, sources: list[str]) -> set[str]:
        found: set[str] = set()
        waiting = list(sources)
        while waiting:
            here = waiting.pop()
            if here not in found and here != id_:
                found.add(here)
                waiting += [line.source for line in self.entering[here]]
                waiting += [self.node[here].attached] if self.node[here].attached else []
        return found


# conditions -------------------------------------------------------------------------------------------------------


def _never(flow: Flow, forms: Forms) -> Iterator[Line]:
    """Lines whose condition is true for nothing that the forms of its steps let people answer."""
    for scope in flow.scope.walk():
        defaults = {node.default for node in scope.nodes}
        for line in scope.lines:
            if line.condition is not None and line.id not in defaults and _is_never(line.condition, flow, forms):
                yield line


def _is_never(condition: str, flow: Flow, forms: Forms) -> bool:
    bare = TEXT.sub('""', condition)
    read = sorted(set(READ.findall(bare)))
    names = set(feel.unknown_names(condition, ()))
    if HARD.search(LINKED.sub(",", bare)) or names - {"answers"} or ("answers" in names) != bool(read):
        return False
    items = [_item(step, name, flow, forms) for step, name in read]
    if sum("enum" not in item and item.get("type") != "boolean" for item in items) > 1:
        return False  # two that are compared with each other may be anything
    domains = [_domain(item, condition) for item in items]
    known = [domain for domain in domains if domain is not None]
    if len(known) < len(domains) or prod(map(len, known)) > MOST_VALUES:
        return False
    for row in product(*known):
        answers: dict[str, dict[str, Any]] = {}
        for (step, name), value in zip(read, row, strict=True):
            answers.setdefault(step, {})[name] = value
        if feel.evaluate(condition, {"answers": answers}) is True:
            return False
    return True


def _item(step: str, name: str, flow: Flow, forms: Forms) -> Mapping[str, Any]:
    """The field of a form that an answer fills; empty where it is not known."""
    form = forms(flow.step[step].form or "") if step in flow.step else None
    found: Mapping[str, Any] = (form or {}).get("properties", {}).get(name, {})
    return found


def _domain(item: Mapping[str, Any], condition: str) -> list[Any] | None:
    """What an answer may be, as far as the condition can tell it apart; None where that is not known."""
    if "enum" in item:
        return [*item["enum"], None]
    if item.get("type") == "boolean":
        return [True, False, None]
    if item.get("type") in {"number", "integer"}:
        return _numbers(item, condition)
    if item.get("type") == "string" and not re.search("[<>]", TEXT.sub("", condition)):
        return [*TEXT.findall(condition), "\u0001", None]
    return None


def _numbers(item: Mapping[str, Any], condition: str) -> list[Any]:
    """Numbers at, between and beside those of a condition, within what the form allows."""
    marks = sorted({float(one) for one in NUMBER.findall(TEXT.sub('""', condition))} | {0.0})
    marks += [-one for one in marks if one]
    step = 1.0 if item["type"] == "integer" else 0.5
    least, most = item.get("minimum", float("-inf")), item.get("maximum", float("inf"))
    near = {mark + by for mark in marks for by in (-step, 0.0, step)} | {
        one for one in (least, most) if abs(one) < 1e18
    }
    return [*sorted(one for one in near if least <= one <= most), None]
