"""Elements of BPMN 2.0 as they are written here, and works that wait for each other woven into branches."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from lxml import etree  # type: ignore[import-untyped]  # lxml ships no types

NAMES = {
    "bpmn": "http://www.omg.org/spec/BPMN/20100524/MODEL",
    "bpmndi": "http://www.omg.org/spec/BPMN/20100524/DI",
    "dc": "http://www.omg.org/spec/DD/20100524/DC",
    "di": "http://www.omg.org/spec/DD/20100524/DI",
    "camunda": "http://camunda.org/schema/1.0/bpmn",
    "xsi": "http://www.w3.org/2001/XMLSchema-instance",
}


def tag(space: str, name: str) -> str:
    """A qualified name."""
    return f"{{{NAMES[space]}}}{name}"


def definitions(exporter: str) -> Any:
    """The root of a file."""
    root = etree.Element(tag("bpmn", "definitions"), nsmap=NAMES)
    root.set("exporter", exporter)
    root.set("targetNamespace", "https://shizhu.example/local")
    return root


def text(root: Any) -> str:
    """The file."""
    written: str = etree.tostring(root, encoding="unicode", pretty_print=True)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{written}'


def process(root: Any, id_: str, name: str, starters: Iterable[str], told: Mapping[str, str]) -> Any:
    """A process that can be run, with its properties."""
    made = etree.SubElement(root, tag("bpmn", "process"), id=id_, name=name, isExecutable="true")
    if roles := ",".join(starters):
        made.set(tag("camunda", "candidateStarterGroups"), roles)
    properties(made, told)
    return made


def element(holder: Any, kind: str, id_: str, name: Mapping[str, str] | None = None, **told: str) -> Any:
    """An element with its name {zh, en} and properties."""
    made = etree.SubElement(holder, tag("bpmn", kind), id=id_)
    if name:
        made.set("name", name["zh"])
        properties(made, {"en": name["en"], **told})
    return made


def properties(of: Any, told: Mapping[str, str]) -> None:
    """Properties as an editor lets people give them; empty ones are left out."""
    extension = etree.SubElement(of, tag("bpmn", "extensionElements"))
    listed = etree.SubElement(extension, tag("camunda", "properties"))
    for name, value in told.items():
        if value:
            etree.SubElement(listed, tag("camunda", "property"), name=name, value=value)


def user(holder: Any, id_: str, name: Mapping[str, str], *, role: str, form: str, due: str = "", **told: str) -> Any:
    """A step that somebody of a role does."""
    made = element(holder, "userTask", id_, name, **told)
    made.set(tag("camunda", "candidateGroups"), role)
    made.set(tag("camunda", "formKey"), form)
    if due:
        made.set(tag("camunda", "dueDate"), due)
    return made


def output(of: Any, name: str, value: str) -> None:
    """What a step writes into the document once it is done: a FEEL expression."""
    mapped = etree.SubElement(of.find(tag("bpmn", "extensionElements")), tag("camunda", "inputOutput"))
    etree.SubElement(mapped, tag("camunda", "outputParameter"), name=name).text = f"={value}"


def condition(event: Any, text: str) -> None:
    """A condition in FEEL that an event waits for."""
    definition = etree.SubElement(event, tag("bpmn", "conditionalEventDefinition"))
    etree.SubElement(definition, tag("bpmn", "condition")).text = text


def line(holder: Any, source: str, target: str, condition: str = "", id_: str = "") -> None:
    """A sequence flow, with a condition in FEEL where it has one."""
    id_ = id_ or f"{source}_to_{target}"
    made = etree.SubElement(holder, tag("bpmn", "sequenceFlow"), id=id_, sourceRef=source, targetRef=target)
    if condition:
        inside = etree.SubElement(made, tag("bpmn", "conditionExpression"))
        inside.set(f"{{{NAMES['xsi']}}}type", "bpmn:tFormalExpression")
        inside.text = condition


def weave(
    holder: Any, entry: str, after: Mapping[str, Sequence[str]], exit_: str, when: Mapping[str, str] | None = None
) -> None:
    """Join works that are there already: each begins once all that it comes after are done, the others at once.

    `after` is work → works it waits for; it must have no circle (`order` tells). All ends lead to `exit_`. A work is
    passed by where its condition in `when` is false.
    """
    when = when or {}
    awaited = {before for waited in after.values() for before in waited}
    for id_, text in when.items():
        element(holder, "exclusiveGateway", f"{id_}_if").set("default", f"{id_}_if_to_{id_}")
        element(holder, "exclusiveGateway", f"{id_}_past")
        line(holder, f"{id_}_if", id_)
        line(holder, f"{id_}_if", f"{id_}_past", f"({text}) = false")
        line(holder, id_, f"{id_}_past")
    begin, end = ({id_: f"{id_}_{one}" if id_ in when else id_ for id_ in after} for one in ("if", "past"))
    for id_, waited in after.items():
        target = begin[id_]
        if len(waited) > 1:
            target = f"{id_}_join"
            element(holder, "parallelGateway", target)
            line(holder, target, begin[id_])
        for source in [end[one] for one in waited] or [entry]:
            line(holder, source, target)
        if id_ not in awaited:
            line(holder, end[id_], exit_)


def order(after: Mapping[str, Sequence[str]]) -> list[str]:
    """Works so that each comes behind those it waits for. Raises ValueError naming those in a circle."""
    found: list[str] = []
    left = dict(after)
    while left:
        free = [id_ for id_, waited in left.items() if not set(waited) & left.keys()]
        if not free:
            raise ValueError(f"{', '.join(left)}: wait for each other in a circle")
        found += free
        left = {id_: waited for id_, waited in left.items() if id_ not in free}
    return found
