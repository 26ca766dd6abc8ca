"""A drawing (BPMN DI) for a file that has none: columns from left to right along the lines, sub-processes expanded."""

from __future__ import annotations

from typing import Any, TypeAlias

from lxml import etree  # type: ignore[import-untyped]  # lxml ships no types

from shizhu.engines.cases.logic.reading import BPMN, KINDS, NOT_RUN, read_root

Element: TypeAlias = Any
Size: TypeAlias = tuple[int, int]
Box: TypeAlias = tuple[int, int, int, int]  # left, top, width, height
DI = "http://www.omg.org/spec/BPMN/20100524/DI"
DC = "http://www.omg.org/spec/DD/20100524/DC"
WAY = "http://www.omg.org/spec/DD/20100524/DI"
EVENT, GATE, TASK = (36, 36), (50, 50), (120, 80)
ACROSS, DOWN, MARGIN = 70, 50, 40  # between columns, between rows, around


def is_drawn(root: Element) -> bool:
    """Whether a file draws any element."""
    return root.find(f".//{{{DI}}}BPMNShape") is not None


def laid_out(xml: bytes) -> str:
    """The file as UTF-8 text, with a drawing where it had none. Raises FlowError where it is no BPMN."""
    root = read_root(xml)
    if not is_drawn(root):
        holders = [process for process in root.findall(f"{BPMN}process") if any(map(_is_shape, process))]
        if holders:
            _draw(root, max(holders, key=lambda process: sum(map(_is_shape, process))))
    text: str = etree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def _is_shape(element: Element) -> bool:
    name = str(element.tag).removeprefix(BPMN)
    return name in KINDS or name in NOT_RUN


def _draw(root: Element, process: Element) -> None:
    diagram = etree.SubElement(root, f"{{{DI}}}BPMNDiagram", id="drawing", nsmap={"bpmndi": DI, "dc": DC, "di": WAY})
    plane = etree.SubElement(diagram, f"{{{DI}}}BPMNPlane", id="drawing_plane", bpmnElement=process.get("id", ""))
    places: dict[str, Box] = {}
    _place(process, MARGIN, MARGIN, places)
    for element in process.iter(f"{BPMN}*"):
        if element.get("id") in places and _is_shape(element):
            _shape(plane, element, places[element.get("id")])
    for line in process.iter(f"{BPMN}sequenceFlow"):
        ends = places.get(line.get("sourceRef", "")), places.get(line.get("targetRef", ""))
        if line.get("id") and ends[0] and ends[1]:
            here = [places[one.get("id")] for one in line.getparent() if one.get("id") in places]
            _edge(plane, line.get("id"), ends[0], ends[1], [box for box in here if box not in ends])


def _place(holder: Element, left: int, top: int, places: dict[str, Box]) -> Size:
    """Put everything of a scope in columns; returns how much room it takes."""
    shapes = {child.get("id"): child for child in holder if child.get("id") and _is_shape(child)}
    pairs = [(x.get("sourceRef"), x.get("targetRef")) for x in holder.findall(f"{BPMN}sequenceFlow")]
    guests = {id_: child.get("attachedToRef") for id_, child in shapes.items() if child.get("attachedToRef") in shapes}
    pairs += [(host, after) for id_, host in guests.items() for before, after in pairs if before == id_]
    columns = _columns([id_ for id_ in shapes if id_ not in guests], pairs)
    x, bottom = left, top
    for column in columns:
        y, width = top, 0
        for id_ in column:
            size = _size(shapes[id_], x, y, places)
            row = max(size[1], TASK[1])
            places[id_] = (x, y + (row - size[1]) // 2, *size)
            y, width = y + row + DOWN, max(width, size[0])
        x, bottom = x + width + ACROSS, max(bottom, y - DOWN)
    number: dict[str, int] = {}
    for id_, host in guests.items():
        host_x, host_y, _, height = places[host]
        number[host] = number.get(host, 0) + 1
        places[id_] = (host_x + 46 * number[host] - 30, host_y + height - 18, *EVENT)
    return max(x - ACROSS - left, 0), bottom - top


def _size(element: Element, x: int, y: int, places: dict[str, Box]) -> Size:
    name = str(element.tag).removeprefix(BPMN)
    if name.endswith("Event"):
        return EVENT
    if name.endswith("Gateway"):
        return GATE
    if any(map(_is_shape, element)):
        width, height = _place(element, x + MARGIN, y + MARGIN, places)
        return width + 2 * MARGIN, height + 2 * MARGIN
    return TASK


def _columns(ids: list[str], pairs: list[tuple[str, str]]) -> list[list[str]]:
    """Elements by how many lines lead to them at most, lines back left out."""
    after: dict[str, list[str]] = {id_: [] for id_ in ids}
    for source, target in pairs:
        if source in after and target in after:
            after[source].append(target)
    order: list[str] = []
    state: dict[str, int] = {}

    def visit(id_: str) -> None:
        waiting = [(id_, iter(after[id_]))]
        state[id_] = 1
        while waiting:
            here, rest = waiting[-1]
            step = next((one for one in rest if one not in state), None)
            if step is None:
                order.append(here)
                state[here] = 2
                waiting.pop()
            else:
                state[step] = 1
                waiting.append((step, iter(after[step])))

    entered = {target for targets in after.values() for target in targets}
    for id_ in sorted(ids, key=lambda one: one in entered):
        if id_ not in state:
            visit(id_)
    rank = dict.fromkeys(ids, 0)
    place = {id_: number for number, id_ in enumerate(reversed(order))}
    for id_ in reversed(order):
        for target in after[id_]:
            if place[target] > place[id_]:
                rank[target] = max(rank[target], rank[id_] + 1)
    columns: list[list[str]] = [[] for _ in range(max(rank.values(), default=-1) + 1)]
    for id_ in ids:
        columns[rank[id_]].append(id_)
    return columns


def _shape(plane: Element, element: Element, place: Box) -> None:
    shape = etree.SubElement(plane, f"{{{DI}}}BPMNShape", id=f"{element.get('id')}_di", bpmnElement=element.get("id"))
    if any(map(_is_shape, element)):
        shape.set("isExpanded", "true")
    if element.tag == f"{BPMN}exclusiveGateway":
        shape.set("isMarkerVisible", "true")
    values = dict(zip(("x", "y", "width", "height"), map(str, place), strict=True))
    etree.SubElement(shape, f"{{{DC}}}Bounds", values)


def _edge(plane: Element, id_: str, source: Box, target: Box, others: list[Box]) -> None:
    """A line to the right in up to three pieces; below everything where it goes back, or something is in its way."""
    edge = etree.SubElement(plane, f"{{{DI}}}BPMNEdge", id=f"{id_}_di", bpmnElement=id_)
    middle, other = source[1] + source[3] // 2, target[1] + target[3] // 2
    right, bend = source[0] + source[2], target[0] - ACROSS // 2
    first, last = min(source[0], target[0]), max(source[0], target[0])
    between = [box for box in others if first < box[0] + box[2] and box[0] < last]
    is_in_way = any(right < box[0] < bend and box[1] <= middle <= box[1] + box[3] for box in between)
    if target[0] >= right and not is_in_way:
        points = [(right, middle), (bend, middle), (bend, other), (target[0], other)]
        points = points if middle != other else [points[0], points[-1]]
    else:
        low = max(box[1] + box[3] for box in [source, target, *between]) + 24
        x, y = source[0] + source[2] // 2, target[0] + target[2] // 2
        points = [(x, source[1] + source[3]), (x, low), (y, low), (y, target[1] + target[3])]
    for px, py in points:
        etree.SubElement(edge, f"{{{WAY}}}waypoint", x=str(px), y=str(py))
