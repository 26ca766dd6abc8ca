"""BPMN 2.0 XML (OMG formal/2011-01-03) as any editor saves it, read into scopes and notes.

Whatever is wrong is put on a list, so that a person reads it all at once; reading goes on behind it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, TypeAlias

from lxml import etree  # type: ignore[import-untyped]  # lxml ships no types

from shizhu.engines.cases.logic import timers, vendors
from shizhu.engines.cases.logic.book import Book
from shizhu.engines.cases.logic.events import event_of
from shizhu.engines.cases.logic.flow import Ask, Event, FlowError, Line, Loop, Node, Note, Scope, Script, Step
from shizhu.engines.cases.logic.vendors import BPMN, CAMUNDA, attribute, extension, feel_of, first, told
from shizhu.lib import markup

__all__ = [
    "BPMN",
    "CAMUNDA",
    "Book",
    "could_run",
    "read_book",
    "read_doers",
    "read_notes",
    "read_process",
    "read_root",
    "read_scope",
]

Element: TypeAlias = Any

DRAWING = "{http://www.omg.org/spec/BPMN/20100524/DI}"
KINDS = {
    "startEvent": "start",
    "endEvent": "end",
    "userTask": "user",
    "scriptTask": "script",
    "businessRuleTask": "decision",
    "manualTask": "manual",
    "task": "task",
    "serviceTask": "service",
    "sendTask": "send",
    "receiveTask": "receive",
    "callActivity": "call",
    "intermediateThrowEvent": "milestone",  # `throw` with a trigger
    "intermediateCatchEvent": "catch",
    "boundaryEvent": "boundary",
    "exclusiveGateway": "exclusive",
    "parallelGateway": "parallel",
    "inclusiveGateway": "inclusive",
    "eventBasedGateway": "event",
    "subProcess": "subprocess",  # `eventsub` where an event begins it
    "transaction": "subprocess",
}
EVENTS = {"start", "end", "milestone", "throw", "catch", "boundary"}
GLOBALS = {
    "globalTask": "task",
    "globalManualTask": "manual",
    "globalUserTask": "user",
}  # that a call activity may call
TASKS = {"user", "script", "decision", "manual", "task", "service", "send", "receive", "call"}
PARTS = {  # children of executed elements that are read with them
    "completionCondition", "conditionExpression", "documentation", "eventDefinitionRef", "incoming",
    "multiInstanceLoopCharacteristics", "outgoing", "script", "standardLoopCharacteristics",
}  # fmt: skip
HARMLESS = {
    "artifact", "association", "auditing", "category", "correlationSubscription", "dataInput", "dataInputAssociation",
    "dataObject", "dataObjectReference", "dataOutput", "dataOutputAssociation", "dataState", "dataStoreReference",
    "extensionElements", "group", "humanPerformer", "inputSet", "ioBinding", "ioSpecification", "laneSet", "monitoring",
    "outputSet", "performer", "potentialOwner", "property", "rendering", "resourceRole", "supportedInterfaceRef",
    "supports", "textAnnotation",
}  # fmt: skip
NOT_RUN = {
    "adHocSubProcess": "is an ad-hoc sub-process, which is not run here: draw its tasks in their order",
    "complexGateway": "is a complex gateway, which is not run here: draw it as an inclusive or exclusive one",
}
ASSIGNED = {"", "duty", "load"}
CLOCKS = {"", "working", "calendar"}  # `` is as the process says, else by the calendar
QUANTITIES = ("startQuantity", "completionQuantity")
DURATION = re.compile(timers.DURATION)
MOMENT = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d)?.*)?")
COUNTED = re.compile(r"\d+")


def read_root(xml: bytes) -> Element:
    """Root of the document; raises FlowError for what is not BPMN, not XML, or brings a DTD (and so entities)."""
    try:
        root = markup.read(xml, "a flow")
    except markup.MarkupError as error:
        raise FlowError("definitions", error.value, error.rule) from None
    if root.tag != f"{BPMN}definitions":
        raise FlowError("definitions", root.tag, "is not the root of a BPMN 2.0 file")
    return root


def read_book(root: Element) -> Book:
    """Everything with an id; an id used twice is a fault."""
    book = Book({})
    for element in _bpmn(root.iter()):
        id_ = element.get("id")
        if id_ in book.named:
            book.faults.append(FlowError(id_, id_, "is the id of two elements", element.get("name", "")))
        elif id_:
            book.named[id_] = element
    for lane in root.iter(f"{BPMN}lane"):
        for reference in lane.findall(f"{BPMN}flowNodeRef"):
            book.lanes[(reference.text or "").strip().rpartition(":")[2]] = lane
    return book


def could_run(root: Element) -> list[Element]:
    """Processes that hold a step and that no call activity calls: those marked as executable, if any is, else all.

    The first is the one that holds most where none is marked.
    """
    every = [process for process in root.findall(f"{BPMN}process") if any(_is_node(child) for child in process)]
    called = {element.get("calledElement", "").rpartition(":")[2] for element in root.iter(f"{BPMN}callActivity")}
    marked = [process for process in every if process.get("isExecutable") == "true"]
    free = [process for process in marked or every if process.get("id") not in called] or marked or every
    if not marked:
        free.sort(key=lambda process: -sum(_is_node(child) for child in process))
    return free


def read_process(root: Element) -> Element:
    """The process that is run: the first of those that could. Raises FlowError where there is none."""
    free = could_run(root)
    if not free:
        raise FlowError("definitions", [], "must hold a process with at least one step")
    if not free[0].get("id"):
        raise FlowError("definitions", "process", "must have an id")
    return free[0]


def read_scope(holder: Element, book: Book) -> Scope:
    """A process or sub-process element with all it holds; faults go into the book."""
    lines, nodes = [], []
    defaults = {child.get("default") for child in _bpmn(holder)} - {None}
    for child in _bpmn(holder):
        name = _name(child)
        if name == "sequenceFlow" and child.get("id") in defaults:
            lines.append(_default(child, book))
        elif name == "sequenceFlow":
            line = book.attempt(lambda child=child: _line(child), _lame(child))  # type: ignore[misc]  # bound now
            lines += [line] if line.id else []
        elif name in KINDS or name in NOT_RUN:
            nodes += _node(child, book)
        elif name not in HARMLESS and name not in PARTS and "LoopCharacteristics" not in name:
            book.faults.append(FlowError(_owner(child), name, "is not supported yet", child.get("name", "")))
    if holder.get("triggeredByEvent") != "true" and not any(node.step.kind == "start" for node in nodes):
        begin = _begin(holder, nodes, lines)
        nodes += [Node(Step(begin[0].source, "", "start"))] if begin else []
        lines += begin
    return Scope(holder.get("id"), tuple(_otherwise(node, lines, book) for node in nodes), tuple(lines))


def _otherwise(node: Node, lines: list[Line], book: Book) -> Node:
    """An exclusive gateway whose one line without a condition is its default, as many editors let people draw it."""
    leaving = [line for line in lines if line.source == node.step.id]
    bare = [line for line in leaving if line.condition is None]
    if node.step.kind != "exclusive" or node.default or len(leaving) < 2 or len(bare) != 1:
        return node
    book.notes.append(Note(bare[0].id, "otherwise", "has no condition: it is taken where no other holds"))
    return replace(node, default=bare[0].id)


def _begin(holder: Element, nodes: list[Node], lines: list[Line]) -> list[Line]:
    """Lines from a start event that is not drawn: where there is none, what no line leads to begins (10.4.2)."""
    entered = {line.target for line in lines}
    first = [
        node.step.id
        for node in nodes
        if node.step.id not in entered and not node.attached and not node.is_handler
        and node.step.kind not in {"boundary", "end", "eventsub"} and (node.event is None or node.event.kind != "link")
    ]  # fmt: skip
    begin = f"{holder.get('id')}_begin"
    return [Line(f"{begin}_{number}", begin, id_, None) for number, id_ in enumerate(first, 1)]


def read_notes(root: Element, process: Element) -> tuple[Note, ...]:
    """What the file holds beside what is run, in file order; the drawing (BPMNDI) is no note."""
    beside = [child for child in root if child is not process and not child.tag.startswith(DRAWING)]
    harmless = [child for child in process.iter() if _name(child) in HARMLESS]
    dropped = {element: None for top in (*beside, *harmless) for element in _bpmn(top.iter())}
    notes = [Note(_owner(element), _name(element), _text(element)) for element in dropped if _is_telling(element)]
    unrun = dict.fromkeys(_owner(element) for element in process.iter() if element.tag in vendors.UNRUN)
    notes += [Note(id_, "unrun", "holds programs or values of another engine that are not run") for id_ in unrun]
    return (*notes, *(note for element in process.iter() for note in _unread(element)))


def _is_node(element: Element) -> bool:
    return _name(element) in KINDS or _name(element) in NOT_RUN


def _definitions(element: Element) -> bool:
    return any(_name(child).endswith(("EventDefinition", "eventDefinitionRef")) for child in element)


def _is_telling(element: Element) -> bool:
    return element.get("id") is not None or _name(element) == "extensionElements"


def _unread(element: Element) -> Iterator[Note]:
    for name, value in element.attrib.items():
        space = next((space for space in vendors.SPACES if name.startswith(space)), None)
        key = name.rpartition("}")[2]
        if space and key not in vendors.READ_HERE:
            prefix = next((short for short, long in element.nsmap.items() if f"{{{long}}}" == space), "")
            yield Note(_owner(element), f"{prefix}:{key}", value)


def _bpmn(elements: Iterable[Element]) -> Iterator[Element]:
    return (element for element in elements if isinstance(element.tag, str) and element.tag.startswith(BPMN))


def _name(element: Element) -> str:
    return str(element.tag).removeprefix(BPMN)


def _owner(element: Element) -> str:
    return str(
        next((found.get("id") for found in (element, *element.iterancestors()) if found.get("id")), "definitions")
    )


def _text(element: Element) -> str:
    if _name(element) == "extensionElements":
        return ", ".join(etree.QName(child).localname for child in element)
    return element.get("name") or "".join(element.findtext(f"{BPMN}text", default="")).strip()


def _node(element: Element, book: Book) -> list[Node]:
    """The node; a plain one in its place where it is wrong, so that its lines still lead somewhere."""
    name, id_ = _name(element), element.get("id")
    if not id_:
        book.faults.append(FlowError(_owner(element), name, "must have an id"))
        return []
    called = element.get("name", "").strip()
    is_event = name in {"boundaryEvent", "intermediateCatchEvent"} or (name.endswith("Event") and _definitions(element))
    plain = Node(
        Step(id_, called, KINDS.get(name, "task")), attached=element.get("attachedToRef", ""),
        event=Event("signal") if is_event else None,
    )  # fmt: skip
    if name in NOT_RUN:
        book.faults.append(FlowError(id_, name, NOT_RUN[name], called))
        return [plain]
    is_empty = name == "subProcess" and not any(map(_is_node, element))
    if is_empty:
        book.notes.append(Note(id_, "passed", "holds nothing: it is passed at once"))
    inner = read_scope(element, book) if KINDS[name] == "subprocess" and not is_empty else None
    return [book.attempt(lambda: _read_node(element, book, inner), replace(plain, inner=inner))]


def _read_node(element: Element, book: Book, inner: Scope | None) -> Node:
    kind = KINDS[_name(element)]
    if kind == "call" and (called := book.refer(element.get("calledElement"))) is not None:
        kind = GLOBALS.get(_name(called), kind)
    is_job = kind in {"decision", "script"} and bool(_job(element))  # somebody outside decides or computes
    kind = "service" if is_job else kind
    _refuse_odd(element, is_scope=kind == "subprocess")
    event = event_of(element, book) if kind in EVENTS or kind in {"receive", "send"} else None
    if kind == "milestone" and event:
        kind = "throw"
    if kind == "subprocess" and element.get("triggeredByEvent") == "true":
        kind = "eventsub"
    inputs, outputs, is_isolated = vendors.mapped(element)
    interrupts = element.get("cancelActivity" if kind == "boundary" else "isInterrupting", "true")
    return Node(
        step=_step(element, kind, book),
        default=element.get("default") or None,
        event=event,
        script=_script(element) if kind in {"script", "service", "send"} and not is_job else None,
        ask=_ask(element) if kind == "decision" or _flowable_decision(element) else None,
        loop=_loop(element, book),
        topic=_topic(element, book) if kind in {"service", "send"} else "",
        called=_called(element) if kind == "call" else "",
        inner=inner,
        attached=_attached(element, book) if kind == "boundary" else "",
        is_interrupting=interrupts != "false",
        is_handler=element.get("isForCompensation") == "true" or (kind == "eventsub" and _undoes(inner)),
        handler=_handler(element, book) if event and kind == "boundary" and event.kind == "compensation" else "",
        is_isolated=is_isolated and kind == "call",
        inputs=tuple(inputs),
        outputs=tuple(outputs),
    )


def _undoes(inner: Scope | None) -> bool:
    """Whether it is what undoes the sub-process that it lies in."""
    begin = inner.begin().event if inner else None
    return begin is not None and begin.kind == "compensation"


def _refuse_odd(element: Element, *, is_scope: bool) -> None:
    id_, called = element.get("id"), element.get("name", "")
    for attribute_ in QUANTITIES:
        if (value := element.get(attribute_, "1")) != "1":
            raise FlowError(id_, f"{attribute_}={value}", "is not supported yet", called)
    if element.get("parallelMultiple") == "true":
        raise FlowError(id_, "parallelMultiple", "is not supported yet", called)
    for child in [] if is_scope else _bpmn(element):
        name = _name(child)
        if name not in HARMLESS and name not in PARTS and not name.endswith("EventDefinition"):
            raise FlowError(id_, name, "is not supported yet", called)


def _step(element: Element, kind: str, book: Book) -> Step:
    id_, name = element.get("id"), element.get("name", "").strip()
    guide = "\n\n".join("".join(part.itertext()).strip() for part in element.findall(f"{BPMN}documentation"))
    own = told(element)
    clock = own.get("clock", book.clock)
    if clock not in CLOCKS:
        raise FlowError(id_, clock, "must be working or calendar: how its time is counted", name)
    if kind != "user":
        return Step(id_, name, kind, guide, clock=clock)
    form = attribute(element, "formKey") or first(element, "formDefinition", "formKey", "formId", "externalReference")
    role, person = read_doers(element, book)
    if own.get("assign", "") not in ASSIGNED:
        raise FlowError(id_, own["assign"], "must be duty or load: to whom it is given", name)
    return Step(
        id_, name, kind, guide, role, form or None, _due(element), person or None, clock, own.get("assign", ""),
        own.get("organisation", ""), tuple(_joint(own.get("with", ""))),
        tuple(filter(None, map(str.strip, own.get("not_by", "").split(",")))),
    )  # fmt: skip


def _joint(text: str) -> Iterator[tuple[str, str]]:
    """Of `role@body,role`: who does a step together with those who answer for it."""
    for part in filter(None, text.split(",")):
        role, _at, body = part.strip().partition("@")
        yield role, body


def _due(element: Element) -> str | None:
    id_ = element.get("id")
    text = attribute(element, "dueDate") or first(element, "taskSchedule", "dueDate")
    word = vendors.word_of(id_, text, element.get("name", ""))
    if word and not word.startswith("=") and not DURATION.fullmatch(word) and not MOMENT.fullmatch(word):
        raise FlowError(id_, text, "must be a deadline: an ISO 8601 duration such as PT24H", element.get("name", ""))
    return word or None


def read_doers(element: Element, book: Book) -> tuple[str, str]:
    """(role, person): as the vendor says, as BPMN says (potential owner, performer), else the lane it lies in."""
    id_, name = element.get("id"), element.get("name", "")
    groups = attribute(element, "candidateGroups") or first(element, "assignmentDefinition", "candidateGroups")
    groups = groups or _assigned(element, "GroupId")
    person = attribute(element, "assignee") or first(element, "assignmentDefinition", "assignee")
    users = attribute(element, "candidateUsers") or first(element, "assignmentDefinition", "candidateUsers")
    person = person or (users if vendors.is_expression(users) else ",".join(map(str.strip, users.split(","))))
    if not groups:
        groups = ",".join(_owners(element, "potentialOwner", book))
    if not person:
        person = ",".join(_owners(element, "humanPerformer", book)[:1] or _owners(element, "performer", book)[:1])
    lane = book.lanes.get(id_)
    if not groups and not person and lane is not None:
        groups = told(lane).get("role") or lane.get("name", "").strip()
    if not groups and not person:
        raise FlowError(id_, "", "must be done by a role", name)
    groups = groups if vendors.is_expression(groups) else ",".join(part.strip() for part in groups.split(","))
    return vendors.word_of(id_, groups, name), vendors.word_of(id_, person, name)


def _assigned(element: Element, name: str) -> str:
    """What jBPM gives a task as an input of this name."""
    inputs = {part.get("id") for part in element.iter(f"{BPMN}dataInput") if part.get("name") == name}
    for given in element.findall(f"{BPMN}dataInputAssociation"):
        if (given.findtext(f"{BPMN}targetRef") or "").strip() in inputs:
            return str(given.findtext(f"{BPMN}assignment/{BPMN}from") or "").strip()
    return ""


def _owners(element: Element, kind: str, book: Book) -> list[str]:
    """Names in `group(a), user(b), c`, or of the resource referred to."""
    found = []
    for holder in element.findall(f"{BPMN}{kind}"):
        text = "".join(holder.itertext()).strip()
        resource = book.refer(holder.findtext(f"{BPMN}resourceRef"))
        if resource is not None:
            found.append(resource.get("name", "").strip())
        elif text:
            groups = re.findall(r"group\(([^)]*)\)", text)
            found += groups or [part.strip() for part in text.split(",") if not part.strip().startswith("user(")]
    return [name for name in found if name]


def _script(element: Element) -> Script | None:
    id_, name = element.get("id"), element.get("name", "")
    result = attribute(element, "resultVariable", "resultVariableName")
    if (written := first(element, "script", "expression")) and not extension(element, "inputOutput"):
        return Script(feel_of(id_, written, name), _result(element, first(element, "script", "resultVariable")))
    if _name(element) != "scriptTask":
        expression = attribute(element, "expression")
        return Script(feel_of(id_, expression, name), result) if expression else None
    language = element.get("scriptFormat", "")
    if language.lower() != "feel":
        raise FlowError(id_, language, "must be feel: no other script language is executed", element.get("name", ""))
    return Script(feel_of(id_, element.findtext(f"{BPMN}script", default=""), name), _result(element, result))


def _topic(element: Element, book: Book) -> str:
    """What somebody outside does; a service that nobody is named for is passed."""
    id_, name = element.get("id"), element.get("name", "")
    topic = _job(element)
    if topic or _flowable_decision(element) or attribute(element, "expression"):
        return topic
    for java in (*vendors.JAVA, "type"):
        if value := attribute(element, java):
            raise FlowError(
                id_, value, f"({java}) is a program of another system: name a topic that somebody serves instead", name
            )
    if _name(element) == "serviceTask":
        book.notes.append(Note(id_, "passed", "names no service: it is passed at once"))
    return ""


def _job(element: Element) -> str:
    return first(element, "taskDefinition", "type") or attribute(element, "topic")


def _flowable_decision(element: Element) -> bool:
    return _name(element) == "serviceTask" and attribute(element, "type") == "dmn"


def _ask(element: Element) -> Ask:
    called = extension(element, "calledDecision")
    if called:
        ask = called[0].get("decisionId", ""), called[0].get("resultVariable", "")
    else:
        fields = {item.get("name"): "".join(item.itertext()).strip() for item in extension(element, "field")}
        decision = attribute(element, "decisionRef") or fields.get("decisionTableReferenceKey", "")
        ask = decision, attribute(element, "resultVariable")
        if not ask[1] and _flowable_decision(element):
            ask = decision, element.get("id")
    if not ask[0]:
        raise FlowError(element.get("id"), "", "must name a declared decision", element.get("name", ""))
    return Ask(ask[0], _result(element, ask[1]))


def _result(element: Element, result: str) -> str:
    if not result or result == "answers":
        raise FlowError(
            element.get("id"),
            result,
            "must be a key of the document for its result, not answers",
            element.get("name", ""),
        )
    return result


def _called(element: Element) -> str:
    called = element.get("calledElement", "") or first(element, "calledElement", "processId")
    if not called:
        raise FlowError(element.get("id"), "", "must name the flow it calls", element.get("name", ""))
    if called.startswith(("=", "$", "#")):
        raise FlowError(
            element.get("id"),
            called,
            "must be the id of a flow, no expression",
            element.get("name", ""),
        )
    return str(called)


def _attached(element: Element, book: Book) -> str:
    host = book.refer(element.get("attachedToRef"))
    is_activity = host is not None and (KINDS.get(_name(host)) in TASKS or KINDS.get(_name(host)) == "subprocess")
    is_activity &= host is not None and host.get("triggeredByEvent") != "true"
    if host is None or host.getparent() is not element.getparent() or not (is_activity or _name(host) in NOT_RUN):
        raise FlowError(
            element.get("id"),
            element.get("attachedToRef"),
            "is no activity of the same process that a boundary event could sit on",
            element.get("name", ""),
        )
    return str(host.get("id"))


def _handler(element: Element, book: Book) -> str:
    """What a compensation boundary event leads to by an association."""
    id_ = element.get("id")
    for line in element.getroottree().getroot().iter(f"{BPMN}association"):
        if book.refer(line.get("sourceRef")) is element:
            target = book.refer(line.get("targetRef"))
            if target is not None and target.get("isForCompensation") == "true":
                return str(target.get("id"))
    raise FlowError(id_, "compensation", "leads to no activity that undoes (an association)", element.get("name", ""))


def _loop(element: Element, book: Book) -> Loop | None:
    many = element.find(f"{BPMN}multiInstanceLoopCharacteristics")
    again = element.find(f"{BPMN}standardLoopCharacteristics")
    if many is not None:
        return _many(element, many, book)
    if again is None:
        return None
    id_, name = element.get("id"), element.get("name", "")
    most = again.get("loopMaximum", "")
    condition = feel_of(id_, "".join(again.itertext()), name)
    if not condition and not COUNTED.fullmatch(most):
        raise FlowError(id_, "standardLoopCharacteristics", "must say while what or how often it is done again", name)
    return Loop(
        "standard", is_sequential=True, condition=condition, is_tested_before=again.get("testBefore") == "true",
        most=int(most) if COUNTED.fullmatch(most) else 0,
    )  # fmt: skip


def _many(element: Element, many: Element, book: Book) -> Loop:
    id_, name = element.get("id"), element.get("name", "")

    def text(part: str) -> str:
        return feel_of(id_, _inner(many, part), name)

    collection = attribute(many, "collection") or first(many, "loopCharacteristics", "inputCollection")
    if not collection and (data := book.refer(many.findtext(f"{BPMN}loopDataInputRef"))) is not None:
        data = _given(element, data, book)
        collection = data.get("name") or data.get("id")
    item = many.find(f"{BPMN}inputDataItem")
    named = item.get("name") or item.get("id", "") if item is not None else ""
    loop = Loop(
        "multi", is_sequential=many.get("isSequential") == "true", count=text("loopCardinality"),
        collection=feel_of(id_, collection, name),
        item=attribute(many, "elementVariable") or first(many, "loopCharacteristics", "inputElement") or named,
        output=first(many, "loopCharacteristics", "outputCollection"),
        output_item=feel_of(id_, first(many, "loopCharacteristics", "outputElement"), name),
        until=text("completionCondition"),
    )  # fmt: skip
    if not loop.count and not loop.collection:
        raise FlowError(
            id_, "multiInstanceLoopCharacteristics", "must say for each of what, or how often it is done", name
        )
    return loop


def _given(element: Element, data: Element, book: Book) -> Element:
    """What an activity is given for one of its inputs by a data association, the input itself where there is none."""
    for given in element.findall(f"{BPMN}dataInputAssociation"):
        if book.refer(given.findtext(f"{BPMN}targetRef")) is data:
            source = book.refer(given.findtext(f"{BPMN}sourceRef"))
            return data if source is None else source
    return data


def _inner(element: Element, part: str) -> str:
    found = element.find(f"{BPMN}{part}")
    return "".join(found.itertext()) if found is not None else ""


def _line(element: Element) -> Line:
    id_, expression = element.get("id"), element.find(f"{BPMN}conditionExpression")
    if not id_:
        raise FlowError(_owner(element), "sequenceFlow", "must have an id")
    name = element.get("name", "")
    _refuse_odd(element, is_scope=False)
    text = "" if expression is None else "".join(expression.itertext()).strip()
    language = "" if expression is None else expression.get("language", "")
    if text and language and "feel" not in language.lower() and not text.startswith(("=", "${", "#{")):
        raise FlowError(id_, language, "must be feel, the language of conditions", name)
    condition = feel_of(id_, text, name) if text else None
    return Line(id_, _local(element.get("sourceRef")), _local(element.get("targetRef")), condition)


def _default(element: Element, book: Book) -> Line:
    """A default flow: a condition on it is ignored, and that is told."""
    if element.find(f"{BPMN}conditionExpression") is not None:
        book.notes.append(Note(element.get("id"), "ignored", "is the default: its condition is ignored"))
    return Line(element.get("id"), _local(element.get("sourceRef")), _local(element.get("targetRef")), None)


def _lame(element: Element) -> Line:
    """What stands for a line that is wrong, so that what it leads to is not told of too."""
    return Line(element.get("id", ""), _local(element.get("sourceRef")), _local(element.get("targetRef")), "true")


def _local(reference: str | None) -> str:
    return (reference or "").rpartition(":")[2]
