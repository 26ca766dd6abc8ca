"""A flow of steps one after the other, as an administrator clicks it together: BPMN 2.0 from it, and back again.

A step may be a check: where its yes-no field is not answered with yes, the case goes back to an earlier step. What is
written here is BPMN like any other, with a drawing (BPMN DI); `exporter` says that it may be read back.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from lxml import etree  # type: ignore[import-untyped]  # lxml ships no types

from shizhu.engines.cases.logic import writing
from shizhu.engines.cases.logic.reading import BPMN, CAMUNDA, read_process, read_root
from shizhu.engines.cases.logic.writing import tag

EXPORTER = "shizhu-steps"
TASK, GATE, EVENT, GAP, MIDDLE = (120, 80), (50, 50), (36, 36), 60, 120  # sizes of the drawing, its middle line


@dataclass(frozen=True)
class Step:
    """One step: who does it (a role), what is asked (a form), how many days they have (0 for no deadline).

    `yes` is a yes-no field of the form and `back` the id of the step the case goes back to without a yes.
    """

    id: str
    zh: str
    en: str
    role: str
    form: str = ""
    days: int = 0
    yes: str = ""
    back: str = ""


@dataclass(frozen=True)
class Plain:
    """A flow of steps: names, who owns its cases, the prefix of their numbers, days for the whole, who may begin."""

    id: str
    zh: str
    en: str
    owner: str
    prefix: str
    days: int
    starters: tuple[str, ...]
    start_form: str
    begin: tuple[str, str]  # what the first and the last stage are called, {zh, en} as pairs
    end: tuple[str, str]
    steps: tuple[Step, ...]


def written(flow: Plain) -> str:
    """The flow as a BPMN file."""
    root = writing.definitions(EXPORTER)
    stages = [flow.begin, *((step.zh, step.en) for step in flow.steps), flow.end]
    told = {
        "en": flow.en, "owner": flow.owner, "prefix": flow.prefix, "limit": f"P{flow.days}D",
        "stages": ",".join(f"{zh}/{en}" for zh, en in dict.fromkeys(stages)),
    }  # fmt: skip
    process = writing.process(root, flow.id, flow.zh, flow.starters, told)
    begin = _element(process, "startEvent", "begin", *flow.begin)
    if flow.start_form:
        begin.set(tag("camunda", "formKey"), flow.start_form)
    for step in flow.steps:
        _step(process, step)
    _element(process, "endEvent", "end", *flow.end)
    _lines(process, flow.steps)
    _draw(root, process, flow)
    return writing.text(root)


def _element(process: Any, kind: str, id_: str, zh: str, en: str) -> Any:
    return writing.element(process, kind, id_, {"zh": zh, "en": en})


def _step(process: Any, step: Step) -> None:
    made = _element(process, "userTask", step.id, step.zh, step.en)
    made.set(tag("camunda", "candidateGroups"), step.role)
    if step.form:
        made.set(tag("camunda", "formKey"), step.form)
    if step.days:
        made.set(tag("camunda", "dueDate"), f"P{step.days}D")
    if step.back:
        etree.SubElement(process, tag("bpmn", "exclusiveGateway"), id=f"{step.id}_check", default=f"{step.id}_back")


def _lines(process: Any, steps: Sequence[Step]) -> None:
    for source, target, condition in _pairs(steps):
        is_back = condition is None and source.endswith("_check")
        id_ = f"{source.removesuffix('_check')}_back" if is_back else f"{source}_on"
        writing.line(process, source, target, condition or "", id_)


def _pairs(steps: Sequence[Step]) -> Iterator[tuple[str, str, str | None]]:
    """(from, to, condition) of every line; "" for none, None for the way back."""
    ids = [*(step.id for step in steps), "end"]
    yield "begin", ids[0], ""
    for step, after in zip(steps, ids[1:], strict=True):
        if not step.back:
            yield step.id, after, ""
            continue
        gate = f"{step.id}_check"
        yield step.id, gate, ""
        yield gate, after, f"answers.{step.id}.{step.yes} = true"
        yield gate, step.back, None


def _draw(root: Any, process: Any, flow: Plain) -> None:
    """Everything on one line from left to right; ways back run below it."""
    plane = etree.SubElement(
        etree.SubElement(root, tag("bpmndi", "BPMNDiagram"), id="diagram"),
        tag("bpmndi", "BPMNPlane"), id="plane", bpmnElement=process.get("id"),
    )  # fmt: skip
    boxes: dict[str, tuple[int, int]] = {}  # id → left edge and width
    at = GAP
    for id_, size in _sizes(flow.steps):
        shape = etree.SubElement(plane, tag("bpmndi", "BPMNShape"), id=f"{id_}_di", bpmnElement=id_)
        place = {"x": at, "y": MIDDLE - size[1] // 2, "width": size[0], "height": size[1]}
        etree.SubElement(shape, tag("dc", "Bounds"), {name: str(value) for name, value in place.items()})
        boxes[id_] = at, size[0]
        at += size[0] + GAP
    for depth, line in enumerate(process.findall(f"{BPMN}sequenceFlow")):
        edge = etree.SubElement(plane, tag("bpmndi", "BPMNEdge"), id=f"{line.get('id')}_di", bpmnElement=line.get("id"))
        source, target = line.get("sourceRef"), line.get("targetRef")
        for x, y in _way(boxes[source], boxes[target], is_back=line.get("id").endswith("_back"), depth=depth):
            etree.SubElement(edge, tag("di", "waypoint"), x=str(x), y=str(y))


def _sizes(steps: Sequence[Step]) -> Iterator[tuple[str, tuple[int, int]]]:
    yield "begin", EVENT
    for step in steps:
        yield step.id, TASK
        if step.back:
            yield f"{step.id}_check", GATE
    yield "end", EVENT


def _way(source: tuple[int, int], target: tuple[int, int], *, is_back: bool, depth: int) -> list[tuple[int, int]]:
    if not is_back:
        return [(source[0] + source[1], MIDDLE), (target[0], MIDDLE)]
    low, out, into = MIDDLE + TASK[1] + 6 * depth, source[0] + source[1] // 2, target[0] + target[1] // 2
    return [(out, MIDDLE + GATE[1] // 2), (out, low), (into, low), (into, MIDDLE + TASK[1] // 2)]


def read(text: str) -> Plain | None:
    """The steps of a file written here; None for any other. Raises FlowError where it is no BPMN."""
    root = read_root(text.encode())
    if root.get("exporter") != EXPORTER:
        return None
    process = read_process(root)
    told = _told(process)
    begin, end = process.find(f"{BPMN}startEvent"), process.find(f"{BPMN}endEvent")
    checks = {line.get("sourceRef"): line for line in process.findall(f"{BPMN}sequenceFlow") if len(line)}
    backs = {
        line.get("sourceRef"): line.get("targetRef")
        for line in process.findall(f"{BPMN}sequenceFlow") if line.get("id").endswith("_back")
    }  # fmt: skip
    steps = []
    for task in process.findall(f"{BPMN}userTask"):
        gate = f"{task.get('id')}_check"
        condition = checks[gate].findtext(f"{BPMN}conditionExpression") if gate in checks else ""
        steps.append(
            Step(
                task.get("id"), task.get("name"), _told(task)["en"], task.get(f"{CAMUNDA}candidateGroups"),
                task.get(f"{CAMUNDA}formKey", ""), int(task.get(f"{CAMUNDA}dueDate", "P0D")[1:-1]),
                condition.split(" ")[0].rsplit(".", 1)[-1], backs.get(gate, ""),
            )
        )  # fmt: skip
    return Plain(
        process.get("id"), process.get("name"), told["en"], told["owner"], told["prefix"], int(told["limit"][1:-1]),
        tuple(filter(None, process.get(f"{CAMUNDA}candidateStarterGroups", "").split(","))),
        begin.get(f"{CAMUNDA}formKey", ""),
        (begin.get("name"), _told(begin)["en"]), (end.get("name"), _told(end)["en"]),
        tuple(steps),
    )  # fmt: skip


def _told(element: Any) -> dict[str, str]:
    path = f"{BPMN}extensionElements/{CAMUNDA}properties/{CAMUNDA}property"
    return {item.get("name"): item.get("value") for item in element.findall(path)}
