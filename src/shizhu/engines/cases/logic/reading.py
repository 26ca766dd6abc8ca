"""BPMN 2.0 XML (OMG formal/2011-01-03) as any editor saves it, read into scopes and notes.

People's steps are described by attributes of the Camunda namespace, because the common editors write them:
candidateGroups, formKey, dueDate, resultVariable, decisionRef (or Camunda 8's calledDecision).
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any, TypeAlias

from lxml import etree  # type: ignore[import-untyped]  # lxml ships no types

from shizhu.engines.cases.logic.flow import Ask, FlowError, Line, Node, Note, Scope, Script, Step
from shizhu.lib import markup

Element: TypeAlias = Any

BPMN = "{http://www.omg.org/spec/BPMN/20100524/MODEL}"
DRAWING = "{http://www.omg.org/spec/BPMN/20100524/DI}"
CAMUNDA = "{http://camunda.org/schema/1.0/bpmn}"
ZEEBE = "{http://camunda.org/schema/zeebe/1.0}"
READ_HERE = {"candidateGroups", "formKey", "dueDate", "resultVariable", "decisionRef"}

KINDS = {
    "startEvent": "start",
    "endEvent": "end",
    "userTask": "user",
    "scriptTask": "script",
    "businessRuleTask": "decision",
    "manualTask": "manual",
    "task": "task",
    "intermediateThrowEvent": "milestone",
    "exclusiveGateway": "exclusive",
    "parallelGateway": "parallel",
    "subProcess": "subprocess",
}
PARTS = {  # children of executed elements that are read with them, and under which elements
    "incoming": set(KINDS),
    "outgoing": set(KINDS),
    "documentation": {*KINDS, "sequenceFlow", "process"},
    "script": {"scriptTask"},
    "terminateEventDefinition": {"endEvent"},
    "conditionExpression": {"sequenceFlow"},
}
HARMLESS = {
    "association",
    "auditing",
    "correlationSubscription",
    "dataInputAssociation",
    "dataObject",
    "dataObjectReference",
    "dataOutputAssociation",
    "dataStoreReference",
    "extensionElements",
    "group",
    "humanPerformer",
    "ioSpecification",
    "laneSet",
    "monitoring",
    "performer",
    "potentialOwner",
    "property",
    "rendering",
    "resourceRole",
    "textAnnotation",
}
PLAIN = {  # attributes that change how an element runs, with the one value that means "as usual"
    "triggeredByEvent": "false",
    "isForCompensation": "false",
    "startQuantity": "1",
    "completionQuantity": "1",
}
DURATION = re.compile(r"P(?!$)(\d+Y)?(\d+M)?(\d+W)?(\d+D)?(T(?!$)(\d+H)?(\d+M)?(\d+S)?)?")


def read_root(xml: bytes) -> Element:
    """Root of the document; raises FlowError for what is not BPMN, not XML, or brings a DTD (and so entities)."""
    try:
        root = markup.read(xml, "a flow")
    except markup.MarkupError as error:
        raise FlowError("definitions", error.value, error.rule) from None
    if root.tag != f"{BPMN}definitions":
        raise FlowError("definitions", root.tag, f"must be {BPMN}definitions, the root of a BPMN 2.0 file")
    return root


def read_process(root: Element) -> Element:
    """The one process with isExecutable="true"; raises FlowError for none, for two, and for an id used twice."""
    ids: set[str] = set()
    for element in _bpmn(root.iter()):
        if (used := element.get("id")) in ids:
            raise FlowError(used, used, "is the id of two elements")
        ids |= {used} - {None}
    processes = [process for process in root.findall(f"{BPMN}process") if process.get("isExecutable") == "true"]
    if len(processes) != 1:
        found = [process.get("id") for process in processes]
        raise FlowError("definitions", found, 'must be exactly one process with isExecutable="true"')
    if not processes[0].get("id"):
        raise FlowError("definitions", "process", "must have an id")
    return processes[0]


def read_scope(holder: Element) -> Scope:
    """A process or sub-process element with all it holds; raises FlowError for what this engine cannot run."""
    children = [child for child in _bpmn(holder) if _name(child) not in PARTS and _name(child) not in HARMLESS]
    lines = tuple(_line(child) for child in children if _name(child) == "sequenceFlow")
    nodes = tuple(_node(child) for child in children if _name(child) != "sequenceFlow")
    return Scope(holder.get("id"), nodes, lines)


def read_notes(root: Element, process: Element) -> tuple[Note, ...]:
    """What the file holds beside what is run, in file order; the drawing (BPMNDI) is no note."""
    beside = [child for child in root if child is not process and not child.tag.startswith(DRAWING)]
    harmless = [child for child in process.iter() if _name(child) in HARMLESS]
    dropped = {element: None for top in (*beside, *harmless) for element in _bpmn(top.iter())}
    notes = [Note(_owner(element), _name(element), _text(element)) for element in dropped if _is_telling(element)]
    return (*notes, *(note for element in process.iter() for note in _unread(element)))


def _is_telling(element: Element) -> bool:
    return element.get("id") is not None or _name(element) == "extensionElements"


def _unread(element: Element) -> Iterator[Note]:
    for name, value in element.attrib.items():
        if name.startswith(CAMUNDA) and (key := name.removeprefix(CAMUNDA)) not in READ_HERE:
            yield Note(element.get("id"), f"camunda:{key}", value)


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


def _node(element: Element) -> Node:
    name = _name(element)
    step_id = element.get("id")
    if name not in KINDS:
        raise FlowError(_owner(element), name, "is not supported yet")
    if not step_id:
        raise FlowError(_owner(element), name, "must have an id")
    _refuse_odd_attributes(element)
    if name != "subProcess":
        _refuse_odd_children(element)
    return Node(
        step=_step(element, step_id, KINDS[name]),
        default=element.get("default"),
        is_terminate=element.find(f"{BPMN}terminateEventDefinition") is not None,
        script=_script(element) if name == "scriptTask" else None,
        ask=_ask(element) if name == "businessRuleTask" else None,
        inner=read_scope(element) if name == "subProcess" else None,
    )


def _refuse_odd_attributes(element: Element) -> None:
    for attribute, usual in PLAIN.items():
        if (value := element.get(attribute, usual)) != usual:
            raise FlowError(element.get("id"), f"{attribute}={value}", "is not supported yet")


def _refuse_odd_children(element: Element) -> None:
    for child in _bpmn(element):
        name = _name(child)
        if name not in HARMLESS and _name(element) not in PARTS.get(name, ()):
            raise FlowError(element.get("id"), name, "is not supported yet")


def _step(element: Element, step_id: str, kind: str) -> Step:
    name = element.get("name", "").strip()
    guide = "\n\n".join("".join(part.itertext()).strip() for part in element.findall(f"{BPMN}documentation"))
    if kind != "user":
        return Step(step_id, name, kind, guide)
    due = element.get(f"{CAMUNDA}dueDate")
    if due is not None and not DURATION.fullmatch(due):
        raise FlowError(step_id, due, "must be an ISO 8601 duration such as PT24H (camunda:dueDate)")
    return Step(step_id, name, kind, guide, role=_role(element), form=element.get(f"{CAMUNDA}formKey"), due=due)


def _role(element: Element) -> str:
    role: str = element.get(f"{CAMUNDA}candidateGroups", "").strip()
    if not role or "," in role:
        raise FlowError(element.get("id"), role, "must be one role (camunda:candidateGroups)")
    return role


def _script(element: Element) -> Script:
    step_id, language = element.get("id"), element.get("scriptFormat", "")
    result: str = element.get(f"{CAMUNDA}resultVariable", "")
    if language.lower() != "feel":
        raise FlowError(step_id, language, "must be feel: no other script language is executed (scriptFormat)")
    return Script(_feel(element.findtext(f"{BPMN}script", default="")), _result(step_id, result))


def _ask(element: Element) -> Ask:
    called = element.find(f"{BPMN}extensionElements/{ZEEBE}calledDecision")
    if called is not None:
        told = called.get("decisionId", ""), called.get("resultVariable", "")
    else:
        told = element.get(f"{CAMUNDA}decisionRef", ""), element.get(f"{CAMUNDA}resultVariable", "")
    decision, result = told
    if not decision:
        raise FlowError(element.get("id"), decision, "must name a declared decision (camunda:decisionRef)")
    return Ask(decision, _result(element.get("id"), result))


def _result(step_id: str, result: str) -> str:
    if not result or result == "answers":
        raise FlowError(step_id, result, "must be a key of the document, not answers (camunda:resultVariable)")
    return result


def _line(element: Element) -> Line:
    line_id, expression = element.get("id"), element.find(f"{BPMN}conditionExpression")
    if not line_id:
        raise FlowError(_owner(element), "sequenceFlow", "must have an id")
    _refuse_odd_children(element)
    if expression is not None and "feel" not in expression.get("language", "feel").lower():
        raise FlowError(line_id, expression.get("language"), "must be feel, the language of conditions")
    condition = None if expression is None else _feel("".join(expression.itertext()))
    return Line(line_id, element.get("sourceRef"), element.get("targetRef"), condition)


def _feel(text: str) -> str:
    # Camunda 8 editors mark FEEL by a leading "=", which no FEEL expression begins with.
    return text.strip().removeprefix("=").strip()
