"""What a flow must be before a case may run on it; each rule yields what breaks it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from shizhu.engines.cases.logic.flow import FlowError, Line, Node, Scope
from shizhu.lib import feel
from shizhu.lib.widths import NARROW

TEXT = re.compile(r'"(?:\\.|[^"\\])*"')
ANSWER = re.compile(r"(?<![\w.])answers\s*\.\s*(\w+)")
FIELD = re.compile(r"(?<![\w.])answers\s*\.\s*(\w+)\s*\.\s*(\w+)")
UNREAD = "is no FEEL: at character %(at)s it cannot be read from “%(text)s” on"
WIDE = "is no FEEL: character %(at)s is the full-width “%(sign)s”: write %(narrow)s"
SIGNS = {**{chr(wide): chr(narrow) for wide, narrow in NARROW.items()}, "“": '"', "”": '"'}
TOO_EARLY = "is no FEEL: at character %(at)s it ends too early"
NO_FUNCTION = "calls “%(function)s”, which is no function of FEEL: only FEEL is evaluated here"
NOT_BY = "is no step of people nor the start: not_by names whose doer it is not"
SPLITS = {"exclusive", "inclusive"}
CAUGHT = {"message", "signal", "timer", "condition"}  # what one can wait for
LOUD = {"error", "escalation", "compensation"}  # what an event sub-process or a boundary event catches too
THROWN = {"message", "signal", "escalation", "compensation", "link"}
Faults = Iterator[FlowError]


def faults(process: Scope) -> Faults:
    """Every rule that a process breaks, in any of its scopes."""
    answering = {"user", "receive", "catch", "service", "send", "boundary", "start"}
    users = {node.step.id for scope in process.walk() for node in scope.nodes if node.step.kind in answering}
    inner = {node.inner.id: node for scope in process.walk() for node in scope.nodes if node.inner}
    yield from _four_eyes(process)
    for scope in process.walk():
        for rule in RULES:
            yield from rule(scope)
        yield from _events(scope, inner.get(scope.id))
        for line in scope.lines:
            if line.condition is not None:
                yield from expression_faults(line.id, line.condition, users)
        for node in scope.nodes:
            for expression in _expressions(node):
                yield from expression_faults(node.step.id, expression, users, node.step.name)


def _expressions(node: Node) -> Iterator[str]:
    if node.script:
        yield node.script.expression
    if node.event:
        yield from filter(None, (node.event.key, node.event.expression))
    if node.loop:
        found = node.loop
        yield from filter(None, (found.count, found.collection, found.output_item, found.until, found.condition))
    yield from (expression for _name, expression in (*node.inputs, *node.outputs))
    for word in (node.step.role, node.step.person, node.step.due):
        if word and word.startswith("="):
            yield word[1:]


def expression_faults(element_id: str, expression: str, users: set[str], name: str = "") -> Faults:
    """What is not FEEL, and a reading of the answer of a step that does not exist."""
    try:
        for called in feel.unknown_calls(expression):
            yield FlowError(element_id, expression, NO_FUNCTION, name, function=called)
    except feel.FeelError as error:
        rule, told = unread(error)
        yield FlowError(element_id, expression, rule, name, **told)
        return
    for named in ANSWER.findall(TEXT.sub('""', expression)):
        if not any(re.match(rf"{re.escape(named)}(?!\w)", user.rpartition("/")[2]) for user in users):
            rule = "reads answers.%(step)s, but no user task has that id"
            yield FlowError(element_id, expression, rule, name, step=named)


def fields_read(process: Scope) -> Iterator[tuple[str, str, str]]:
    """(element, step, field) of every answer that an expression of the process or of a sub-process of it reads."""
    for scope in process.walk():
        found = [(line.id, line.condition) for line in scope.lines if line.condition is not None]
        found += [(node.step.id, expression) for node in scope.nodes for expression in _expressions(node)]
        for id_, expression in found:
            yield from ((id_, step, name) for step, name in FIELD.findall(TEXT.sub('""', expression)))


def unread(error: feel.FeelError) -> tuple[str, dict[str, object]]:
    """Why an expression is no FEEL: the rule, and what it tells."""
    at = error.position or 0
    rest = error.expression[at:].strip()
    rule = WIDE if rest[:1] in SIGNS else UNREAD if rest else TOO_EARLY
    return rule, {"at": at + 1, "text": rest, "sign": rest[:1], "narrow": SIGNS.get(rest[:1], "")}


def _fault(node: Node, value: object, rule: str) -> FlowError:
    return FlowError(node.step.id, value, rule, node.step.name)


def _events(scope: Scope, holder: Node | None) -> Faults:
    """Starts, and which events may wait for or throw what."""
    starts = scope.starts()
    is_event_sub = holder is not None and holder.step.kind == "eventsub"
    if not starts:
        yield FlowError(scope.id, [], "must be at least one start event", holder.step.name if holder else "")
    if is_event_sub and (len(starts) != 1 or starts[0].event is None):
        yield FlowError(scope.id, [node.step.id for node in starts], "must begin with the one event that triggers it")
    for node in scope.nodes:
        kind = node.event.kind if node.event else ""
        wanted: set[str] = {"": {""}, "start": {"", *CAUGHT}, "catch": {*CAUGHT, "link"}}.get(node.step.kind, set())
        if node.step.kind == "start" and holder is not None:
            wanted = CAUGHT | LOUD if is_event_sub else {"", *CAUGHT} if holder.called else {""}
        if node.step.kind == "boundary":
            wanted = CAUGHT | LOUD | {"cancel"}
        if node.step.kind == "throw":
            wanted = THROWN
        if node.step.kind == "end":
            wanted = {"", "terminate", "error", "cancel", *THROWN} - {"link"}
        if wanted and kind not in wanted and not (kind == "" and node.step.kind in {"catch", "boundary"}):
            yield _fault(node, kind or "nothing", "is not what an event of this place may have")


def _ends_of_lines(scope: Scope) -> Faults:
    nodes = {node.step.id: node for node in scope.nodes}
    seen: set[tuple[str, str]] = set()
    for line in scope.lines:
        lost = [end for end in (line.source, line.target) if end not in nodes]
        yield from (FlowError(line.id, end, "is no element that this sequence flow could join") for end in lost)
        if lost:
            continue
        target, source = nodes[line.target], nodes[line.source]
        pair = (line.source, line.target)
        if target.step.kind == "start" or source.step.kind == "end":
            yield FlowError(line.id, list(pair), "must not enter a start event nor leave an end event")
        elif target.step.kind in {"boundary", "eventsub"} or source.step.kind == "eventsub":
            yield FlowError(line.id, list(pair), "must not enter a boundary event nor join an event sub-process")
        elif target.is_handler or source.is_handler:
            yield FlowError(line.id, list(pair), "must not enter nor leave an activity that undoes another")
        if pair in seen and line.condition is None and source.step.kind not in SPLITS:
            yield FlowError(line.id, list(pair), "are joined by another sequence flow already")
        seen.add(pair)


def _reachable(scope: Scope) -> Faults:
    pairs = [(line.source, line.target) for line in scope.lines]
    pairs += [(node.attached, node.step.id) for node in scope.nodes if node.attached]
    pairs += [(node.step.id, node.handler) for node in scope.nodes if node.handler]
    links: dict[str, list[Node]] = {}
    for node in scope.nodes:
        if node.event and node.event.kind == "link" and node.step.kind == "catch":
            links.setdefault(node.event.name, []).append(node)
    for name, (first, *others) in links.items():
        other = first.step.name or first.step.id
        rule = "is the link that %(other)s catches: one event catches a link, several may lead to it"
        yield from (FlowError(node.step.id, name, rule, node.step.name, other=other) for node in others)
    for node in scope.nodes:
        if node.step.kind == "throw" and node.event and node.event.kind == "link":
            pairs += [(node.step.id, found.step.id) for found in links.get(node.event.name, ())]
            if node.event.name not in links:
                yield _fault(node, node.event.name, "is a link that no link event of this process catches")
    begin = [node.step.id for node in scope.nodes if node.step.kind in {"start", "eventsub"}]
    if not scope.starts():
        return  # said already
    found = _reach(begin, pairs)
    joined = {after for _, after in pairs}
    lost = [node for node in scope.nodes if node.step.id not in found]
    for node in sorted(lost, key=lambda node: node.step.id in joined):  # the loose end before what hangs on it
        yield _fault(node, node.step.name, "cannot be reached from the start event")


def _reach(begin: Iterable[str], pairs: list[tuple[str, str]]) -> set[str]:
    found: set[str] = set()
    waiting = list(begin)
    while waiting:
        here = waiting.pop()
        if here not in found:
            found.add(here)
            waiting += [after for before, after in pairs if before == here]
    return found


def _branches(scope: Scope) -> Faults:
    nodes = {node.step.id: node for node in scope.nodes}
    for node in scope.nodes:
        leaving = [line for line in scope.lines if line.source == node.step.id]
        if node.default is not None and node.default not in [line.id for line in leaving]:
            yield _fault(node, node.default, "must be a sequence flow that leaves this gateway (default)")
        if node.step.kind in SPLITS:
            yield from _split(node, leaving)
        elif node.step.kind in {"parallel", "event", "start"}:
            yield from (
                FlowError(line.id, line.condition, "must be left out: conditions stand behind exclusive gateways only")
                for line in leaving
                if line.condition is not None
            )
        if node.step.kind == "event":
            yield from _choice(node, [nodes[line.target] for line in leaving if line.target in nodes])
        if node.step.kind in {"exclusive", "parallel", "inclusive"} and not leaving:
            yield _fault(node, [], "must lead somewhere: a gateway ends nothing")
        if node.step.kind == "start" and not leaving:
            yield _fault(node, [], "must lead somewhere: nothing begins here")


def _split(node: Node, leaving: list[Line]) -> Faults:
    for line in leaving:
        is_bare = line.id != node.default and line.condition is None and len(leaving) > 1
        if is_bare and node.step.kind == "exclusive":  # of an inclusive gateway it is taken always
            rule = "must be a condition: this flow leaves gateway %(gateway)s"
            yield FlowError(line.id, None, rule, gateway=node.step.name or node.step.id)


def _choice(node: Node, targets: list[Node]) -> Faults:
    if len(targets) < 2:
        yield _fault(node, len(targets), "events: an event-based gateway chooses between two at least")
    for target in targets:
        is_event = target.step.kind == "receive" or (target.step.kind == "catch" and target.event)
        if not is_event:
            rule = "must be an event to wait for: it follows gateway %(gateway)s"
            yield FlowError(
                target.step.id, target.step.kind, rule, target.step.name, gateway=node.step.name or node.step.id
            )


def _four_eyes(process: Scope) -> Faults:
    """A step is kept from who did another only where there is that other step of people."""
    steps = {node.step.id: node.step for scope in process.walk() for node in scope.nodes}
    for step in steps.values():
        for other in step.not_by:
            if other not in steps or steps[other].kind not in {"user", "start"}:
                yield FlowError(step.id, other, NOT_BY, step.name)


RULES: tuple[Callable[[Scope], Faults], ...] = (_ends_of_lines, _reachable, _branches)
