"""What a flow must be before a case may run on it; each rule raises FlowError with the element, the value, the rule."""

import re
from collections.abc import Callable, Iterable

from shizhu.engines.cases.logic.flow import FlowError, Line, Node, Scope
from shizhu.lib import feel

TEXT = re.compile(r'"(?:\\.|[^"\\])*"')
ANSWER = re.compile(r"(?<![\w.])answers\s*\.\s*(\w+)")


def check(process: Scope) -> None:
    """Refuse a process that breaks a rule, in any of its scopes."""
    users = {node.step.id for scope in process.walk() for node in scope.nodes if node.step.kind == "user"}
    for scope in process.walk():
        for rule in RULES:
            rule(scope)
        for line in scope.lines:
            if line.condition is not None:
                check_expression(line.id, line.condition, users)
        for node in scope.nodes:
            if node.script:
                check_expression(node.step.id, node.script.expression, users)


def check_expression(element_id: str, expression: str, users: set[str]) -> None:
    """Refuse what is not FEEL, and a reading of the answer of a step that does not exist."""
    try:
        feel.check(expression)
    except feel.FeelError as error:
        raise FlowError(
            element_id, expression, f"is no FEEL: at character {(error.position or 0) + 1} it {error.rule}"
        ) from None
    for name in ANSWER.findall(TEXT.sub('""', expression)):
        if not any(re.match(rf"{re.escape(name)}(?!\w)", user) for user in users):
            raise FlowError(element_id, expression, f"reads answers.{name}, but no user task has that id")


def _events(scope: Scope) -> None:
    starts = [node.step.id for node in scope.nodes if node.step.kind == "start"]
    if len(starts) != 1:
        raise FlowError(scope.id, starts, "must be exactly one start event")
    if not any(node.step.kind == "end" for node in scope.nodes):
        raise FlowError(scope.id, [], "must be at least one end event")


def _ends_of_lines(scope: Scope) -> None:
    nodes = {node.step.id: node for node in scope.nodes}
    seen: set[tuple[str, str]] = set()
    for line in scope.lines:
        for end in (line.source, line.target):
            if end not in nodes:
                raise FlowError(line.id, end, "is no element that this sequence flow could join")
        if nodes[line.target].step.kind == "start" or nodes[line.source].step.kind == "end":
            raise FlowError(line.id, [line.source, line.target], "must not enter a start event nor leave an end event")
        if (line.source, line.target) in seen:
            raise FlowError(line.id, [line.source, line.target], "are joined by another sequence flow already")
        seen.add((line.source, line.target))


def _reachable(scope: Scope) -> None:
    starts = [node.step.id for node in scope.nodes if node.step.kind == "start"]
    ends = [node.step.id for node in scope.nodes if node.step.kind == "end"]
    pairs = [(line.source, line.target) for line in scope.lines]
    _refuse_lost(scope, starts, pairs, "cannot be reached from the start event")
    _refuse_lost(scope, ends, [(target, source) for source, target in pairs], "leads to no end event")


def _refuse_lost(scope: Scope, begin: list[str], pairs: list[tuple[str, str]], rule: str) -> None:
    found = _reach(begin, pairs)
    joined = {after for _, after in pairs}
    lost = [node.step for node in scope.nodes if node.step.id not in found]
    for step in sorted(lost, key=lambda step: step.id in joined):  # the loose end itself before what hangs on it
        raise FlowError(step.id, step.name, rule)


def _reach(begin: Iterable[str], pairs: list[tuple[str, str]]) -> set[str]:
    found: set[str] = set()
    waiting = list(begin)
    while waiting:
        here = waiting.pop()
        if here not in found:
            found.add(here)
            waiting += [after for before, after in pairs if before == here]
    return found


def _branches(scope: Scope) -> None:
    for node in scope.nodes:
        leaving = [line for line in scope.lines if line.source == node.step.id]
        if node.step.kind == "exclusive":
            _exclusive(node, leaving)
        else:
            _unconditional(node, leaving)


def _exclusive(node: Node, leaving: list[Line]) -> None:
    if node.default is not None and node.default not in [line.id for line in leaving]:
        raise FlowError(node.step.id, node.default, "must be a sequence flow that leaves this gateway (default)")
    for line in leaving:
        if line.id == node.default and line.condition is not None:
            raise FlowError(line.id, line.condition, "must be left out: a default flow has no condition")
        if line.id != node.default and line.condition is None and len(leaving) > 1:
            raise FlowError(line.id, None, f"must be a condition: this flow leaves gateway {node.step.id}")


def _unconditional(node: Node, leaving: list[Line]) -> None:
    if len(leaving) > 1 and node.step.kind != "parallel":
        raise FlowError(node.step.id, [line.id for line in leaving], "must be one sequence flow: put a gateway between")
    for line in leaving:
        if line.condition is not None:
            raise FlowError(
                line.id, line.condition, "must be left out: conditions stand behind exclusive gateways only"
            )


RULES: tuple[Callable[[Scope], None], ...] = (_events, _ends_of_lines, _reachable, _branches)
