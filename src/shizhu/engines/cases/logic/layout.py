"""A drawing (BPMN DI) for a file that has none: columns from left to right along the lines, sub-processes expanded.

Pools stand below each other, notes, data and groups below the process they belong to. Lanes are not drawn.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, TypeAlias

from lxml import etree  # type: ignore[import-untyped]  # lxml ships no types

from shizhu.engines.cases.logic.flow import FlowError
from shizhu.engines.cases.logic.plain import local, made_plain
from shizhu.engines.cases.logic.reading import BPMN, KINDS, NOT_RUN, read_root

Element: TypeAlias = Any
Size: TypeAlias = tuple[int, int]
Box: TypeAlias = tuple[int, int, int, int]  # left, top, width, height
DI = "http://www.omg.org/spec/BPMN/20100524/DI"
DC = "http://www.omg.org/spec/DD/20100524/DC"
WAY = "http://www.omg.org/spec/DD/20100524/DI"
EVENT, GATE, TASK = (36, 36), (50, 50), (120, 80)
ACROSS, DOWN, MARGIN = 70, 50, 40  # between columns, between rows, around
POOL, HEAD = (600, 60), 30  # an empty pool; where the name of a pool stands
BESIDE = {  # what is kept and not run
    "textAnnotation": (120, 60), "dataObjectReference": (36, 50), "dataStoreReference": (50, 50), "group": TASK,
}  # fmt: skip


def is_drawn(root: Element) -> bool:
    """Whether a file draws any element."""
    return root.find(f".//{{{DI}}}BPMNShape") is not None


def laid_out(xml: bytes) -> str:
    """The file as UTF-8 text, with a drawing where it had none, and of each step of a process that it draws.

    Raises FlowError where it is no BPMN, or there is nothing to draw.
    """
    root = made_plain(read_root(xml))
    if not is_drawn(root):
        for empty in root.findall(f"{{{DI}}}BPMNDiagram"):
            root.remove(empty)
        _draw(root)
    else:
        _expand(root)
        _draw_rest(root)
    text: str = etree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def _name(element: Element) -> str:
    return str(element.tag).removeprefix(BPMN)


def _is_shape(element: Element) -> bool:
    return _name(element) in KINDS or _name(element) in NOT_RUN


def _draw(root: Element) -> None:
    held = [process for process in root.findall(f"{BPMN}process") if any(map(_is_shape, process))]
    both = root.find(f"{BPMN}collaboration")
    pools = [] if both is None else both.findall(f"{BPMN}participant")
    if not held:
        raise FlowError("definitions", [], "must hold a process with at least one step")
    largest = max(held, key=lambda process: sum(map(_is_shape, process)))
    diagram = etree.SubElement(root, f"{{{DI}}}BPMNDiagram", id="drawing", nsmap={"bpmndi": DI, "dc": DC, "di": WAY})
    drawn = both if pools else largest
    plane = etree.SubElement(diagram, f"{{{DI}}}BPMNPlane", id="drawing_plane", bpmnElement=drawn.get("id", ""))
    places: dict[str, Box] = {}
    if not pools:
        _place(largest, MARGIN, MARGIN, places)
    else:
        _place_pools(pools, held, places)
        below = max(top + height for _, top, _, height in places.values()) + DOWN
        _place_beside(both, MARGIN, below, places)
        for pool in pools:
            _shape(plane, pool, places[pool.get("id")])
    for element in root.iter(f"{BPMN}*"):
        if element.get("id") in places and _name(element) != "participant":
            _shape(plane, element, places[element.get("id")])
    for line in root.iter(f"{BPMN}sequenceFlow"):
        ends = places.get(line.get("sourceRef", "")), places.get(line.get("targetRef", ""))
        if ends[0] and ends[1]:
            here = [places[one.get("id")] for one in line.getparent() if one.get("id") in places]
            _edge(plane, line.get("id"), ends[0], ends[1], [box for box in here if box not in ends])
    for line in root.iter(
        f"{BPMN}association", f"{BPMN}messageFlow", f"{BPMN}dataInputAssociation", f"{BPMN}dataOutputAssociation"
    ):
        source, target = (places.get(local(end)) for end in _ends(line))
        if line.get("id") and source and target:
            _straight(plane, line.get("id"), source, target)


def _expand(root: Element) -> None:
    """Say of sub-processes that they are expanded where the file draws inside them, and does not say it."""
    for plane in root.iter(f"{{{DI}}}BPMNPlane"):
        shapes = {local(shape.get("bpmnElement")): shape for shape in plane.iter(f"{{{DI}}}BPMNShape")}
        for holder in root.iter(f"{BPMN}subProcess", f"{BPMN}transaction", f"{BPMN}adHocSubProcess"):
            around = shapes.get(holder.get("id"))
            inside = [shapes[child.get("id")] for child in holder if _is_shape(child) and child.get("id") in shapes]
            if around is not None and inside and around.get("isExpanded") is None:
                is_expanded = _lies_in(_box(inside[0]), _box(around))
                around.set("isExpanded", str(is_expanded).lower())


def _lies_in(box: Box, other: Box) -> bool:
    return other[0] <= box[0] < other[0] + other[2] and other[1] <= box[1] < other[1] + other[3]


def _draw_rest(root: Element) -> None:
    """Put below a drawing, in a row, what it leaves out of the processes that it draws, and lines that it lacks."""
    planes = list(root.iter(f"{{{DI}}}BPMNPlane"))
    shown = {local(plane.get("bpmnElement")) for plane in planes}
    for pool in root.iter(f"{BPMN}participant"):
        if pool.getparent().get("id") in shown:
            shown.add(local(pool.get("processRef")))
    shapes = {local(shape.get("bpmnElement")): shape for shape in root.iter(f"{{{DI}}}BPMNShape")}
    places = {id_: _box(shape) for id_, shape in shapes.items()}
    edges = {local(edge.get("bpmnElement")) for edge in root.iter(f"{{{DI}}}BPMNEdge")}
    x, y = MARGIN, max(top + height for _, top, _, height in places.values()) + DOWN
    for process in root.findall(f"{BPMN}process"):
        nodes = {child.get("id"): child for child in process if _is_shape(child)}
        if process.get("id") not in shown or not nodes.keys() & places.keys():
            continue  # drawn elsewhere, or nowhere
        missing = [node for id_, node in nodes.items() if id_ not in places]
        for node in missing:
            host = places.get(local(node.get("attachedToRef")))
            size = _size(node, x, y, {}) if _name(node).endswith(("Event", "Gateway")) else TASK
            places[node.get("id")] = (host[0] + 16, host[1] + host[3] - 18, *size) if host else (x, y, *size)
            x += 0 if host else size[0] + ACROSS
            _shape(planes[0], node, places[node.get("id")])
            planes[0][-1].attrib.pop("isExpanded", None)  # what it holds is not drawn
        new = {node.get("id") for node in missing}
        for line in process.iter(f"{BPMN}sequenceFlow"):
            ends = [local(line.get(end)) for end in ("sourceRef", "targetRef")]
            is_left_out = line.get("id") not in edges or new & {*ends}
            if is_left_out and all(end in places for end in ends):
                plane = planes[0] if new & {*ends} else shapes[ends[0]].getparent()
                _edge(plane, line.get("id"), places[ends[0]], places[ends[1]], [])


def _box(shape: Element) -> Box:
    """Where a shape is drawn; nowhere where its numbers are none, which is told when the file is read."""
    bounds = shape.find(f"{{{DC}}}Bounds")
    try:
        left, top, width, height = (int(float(bounds.get(name))) for name in ("x", "y", "width", "height"))
    except (AttributeError, TypeError, ValueError, OverflowError):
        return 0, 0, 0, 0
    return left, top, width, height


def _ends(line: Element) -> tuple[str | None, str | None]:
    """Ids of what a line joins: of data, the activity it belongs to is the other end."""
    holder = line.getparent().get("id")
    if _name(line) == "dataInputAssociation":
        return line.findtext(f"{BPMN}sourceRef"), holder
    if _name(line) == "dataOutputAssociation":
        return holder, line.findtext(f"{BPMN}targetRef")
    return line.get("sourceRef"), line.get("targetRef")


def _place_pools(pools: list[Element], held: list[Element], places: dict[str, Box]) -> None:
    """Pools below each other, all as wide as the widest; one whose process is elsewhere is empty."""
    named = {process.get("id"): process for process in held}
    top, sizes = MARGIN, []
    for pool in pools:
        process = named.get(local(pool.get("processRef")))
        if process is None:
            sizes.append((top, POOL))
        else:
            width, height = _place(process, 2 * MARGIN + HEAD, top + MARGIN, places)
            sizes.append((top, (width + 2 * MARGIN + HEAD, height + 2 * MARGIN)))
        top += sizes[-1][1][1] + DOWN
    width = max(size[0] for _, size in sizes)
    for pool, (y, size) in zip(pools, sizes, strict=True):
        places[pool.get("id")] = (MARGIN, y, width, size[1])


def _place_beside(holder: Element, left: int, top: int, places: dict[str, Box]) -> Size:
    """A row of what is kept and not run."""
    x = left
    for child in holder:
        size = BESIDE.get(_name(child))
        if size:
            places[child.get("id")] = (x, top, *size)
            x += size[0] + ACROSS
    return max(x - ACROSS - left, 0), TASK[1] if x > left else 0


def _place(holder: Element, left: int, top: int, places: dict[str, Box]) -> Size:
    """Put everything of a scope in columns; returns how much room it takes."""
    shapes = {child.get("id"): child for child in holder if child.get("id") and _is_shape(child)}
    pairs = [(x.get("sourceRef"), x.get("targetRef")) for x in holder.findall(f"{BPMN}sequenceFlow")]
    guests = {id_: child.get("attachedToRef") for id_, child in shapes.items() if child.get("attachedToRef") in shapes}
    pairs += [(host, after) for id_, host in guests.items() for before, after in pairs if before == id_]
    guested = Counter(guests.values())
    columns = _columns([id_ for id_ in shapes if id_ not in guests], pairs)
    x, bottom = left, top
    for column in columns:
        y, width = top, 0
        for id_ in column:
            size = _size(shapes[id_], x, y, places)
            size = (max(size[0], 46 * guested[id_] + 16), size[1])  # wide enough for what sits on its edge
            row = max(size[1], TASK[1])
            places[id_] = (x, y + (row - size[1]) // 2, *size)
            y, width = y + row + DOWN, max(width, size[0])
        x, bottom = x + width + ACROSS, max(bottom, y - DOWN)
    number: dict[str, int] = {}
    for id_, host in guests.items():
        host_x, host_y, _, height = places[host]
        number[host] = number.get(host, 0) + 1
        places[id_] = (host_x + 46 * number[host] - 30, host_y + height - 18, *EVENT)
    width, height = _place_beside(holder, left, bottom + DOWN, places)
    return max(x - ACROSS - left, width, 0), bottom - top + (DOWN + height if height else 0)


def _size(element: Element, x: int, y: int, places: dict[str, Box]) -> Size:
    name = _name(element)
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
    if _name(element) == "participant":
        shape.set("isHorizontal", "true")
    elif any(map(_is_shape, element)):
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
    _way(edge, points)


def _straight(plane: Element, id_: str, source: Box, target: Box) -> None:
    """A line from the middle of one to the middle of the other, from edge to edge."""
    (upper, lower) = (source, target) if source[1] <= target[1] else (target, source)
    points = [(upper[0] + upper[2] // 2, upper[1] + upper[3]), (lower[0] + lower[2] // 2, lower[1])]
    edge = etree.SubElement(plane, f"{{{DI}}}BPMNEdge", id=f"{id_}_di", bpmnElement=id_)
    _way(edge, points if upper is source else points[::-1])


def _way(edge: Element, points: list[tuple[int, int]]) -> None:
    for px, py in points:
        etree.SubElement(edge, f"{{{WAY}}}waypoint", x=str(px), y=str(py))
