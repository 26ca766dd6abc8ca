"""What Spiff runs. It is given the graph alone: every expression in it is the id of the element it stands at."""

import logging
from dataclasses import dataclass
from typing import Any

from lxml import etree  # type: ignore[import-untyped]  # lxml ships no types
from SpiffWorkflow.bpmn.parser.BpmnParser import BpmnParser
from SpiffWorkflow.bpmn.parser.task_parsers import GatewayParser
from SpiffWorkflow.bpmn.parser.util import full_tag
from SpiffWorkflow.bpmn.parser.ValidationException import ValidationException
from SpiffWorkflow.bpmn.specs.defaults import ParallelGateway
from SpiffWorkflow.util.task import TaskState

from shizhu.engines.cases.logic.flow import FlowError, Node, Scope

for _name in ("spiff.task", "spiff.workflow"):  # below warnings they list all tasks with their data at each move
    logging.getLogger(_name).setLevel(logging.WARNING)

MARK = "#"  # before each id: Spiff has specs of its own called Start and End
RUN_AS = {  # kind of step: the BPMN element Spiff runs it as; its plain and manual tasks would wait for somebody
    "start": "startEvent",
    "end": "endEvent",
    "user": "userTask",
    "script": "scriptTask",
    "decision": "scriptTask",
    "manual": "intermediateThrowEvent",
    "task": "intermediateThrowEvent",
    "milestone": "intermediateThrowEvent",
    "exclusive": "exclusiveGateway",
    "parallel": "parallelGateway",
    "subprocess": "subProcess",
}


class Join(ParallelGateway):  # type: ignore[misc]  # Spiff ships no types
    """Parallel gateway that waits for one token from each of its inputs since it last fired (BPMN 2.0, 13.4.1).

    Spiff's own counts tokens of earlier rounds of a loop and fires too early. Waiting tokens but the last are cancelled
    by Spiff, so the cancelled ones are those that arrived.
    """

    def _check_threshold_unstructured(self, my_task: Any) -> bool:
        arrived = {my_task.parent.task_spec.name}
        arrived |= {task.parent.task_spec.name for task in arrivals(my_task.workflow, self)}
        return arrived >= {spec.name for spec in self.inputs}

    def _on_complete_hook(self, my_task: Any) -> None:
        super()._on_complete_hook(my_task)
        for task in arrivals(my_task.workflow, self):
            my_task.workflow._remove_task(task.id)  # noqa: SLF001 - Spiff has no public way to forget a task


def arrivals(workflow: Any, join: Join) -> list[Any]:
    """Tokens that stand before a join."""
    state = TaskState.WAITING | TaskState.CANCELLED
    return [task for task in workflow.tasks.values() if task.task_spec is join and task.has_state(state)]


class Parser(BpmnParser):  # type: ignore[misc]  # Spiff ships no types
    """Spiff's parser with our join."""

    OVERRIDE_PARSER_CLASSES = {full_tag("parallelGateway"): (GatewayParser, Join)}


@dataclass(frozen=True, slots=True)
class Program:
    """Spiff's specs of a process and, by name, of its sub-processes."""

    spec: Any
    inner: dict[str, Any]


def compile_scope(process: Scope) -> Program:
    """Specs for Spiff; raises FlowError where Spiff refuses a process that our rules let through."""
    parser = Parser()
    try:
        parser.add_bpmn_xml(_document(process))
        name = MARK + process.id
        return Program(parser.get_spec(name), parser.get_subprocess_specs(name))
    except ValidationException as error:
        raise FlowError(process.id, str(error), "is what the engine refuses") from None


def _document(process: Scope) -> Any:
    root = etree.Element(full_tag("definitions"))
    holder = etree.SubElement(root, full_tag("process"), id=MARK + process.id, isExecutable="true")
    _fill(holder, process)
    return root


def _fill(holder: Any, scope: Scope) -> None:
    for node in scope.nodes:
        _add_node(holder, node)
    for line in scope.lines:
        ends = {"sourceRef": MARK + line.source, "targetRef": MARK + line.target}
        flow = etree.SubElement(holder, full_tag("sequenceFlow"), id=MARK + line.id, **ends)
        if line.condition is not None:
            etree.SubElement(flow, full_tag("conditionExpression")).text = line.id


def _add_node(holder: Any, node: Node) -> None:
    element = etree.SubElement(holder, full_tag(RUN_AS[node.step.kind]), id=MARK + node.step.id)
    if node.default is not None:
        element.set("default", MARK + node.default)
    if node.is_terminate:
        etree.SubElement(element, full_tag("terminateEventDefinition"))
    if node.script is not None or node.ask is not None:
        etree.SubElement(element, full_tag("script")).text = node.step.id
    if node.inner is not None:
        _fill(element, node.inner)
