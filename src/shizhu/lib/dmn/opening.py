"""Decision models as an editor in a browser opens them: DMN 1.3, an id on every part, a diagram of what has none."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any, TypeAlias

from lxml import etree  # type: ignore[import-untyped]  # lxml ships no types

from shizhu.lib import markup
from shizhu.lib.dmn.reading import NAMESPACES, root_of

Element: TypeAlias = Any

MODEL = next(space for space, version in NAMESPACES.items() if version == "1.3")
DMNDI = "https://www.omg.org/spec/DMN/20191111/DMNDI/"
DRAWN_IN = (  # of other versions
    "http://www.omg.org/spec/DMN/20180521/DMNDI/", "https://www.omg.org/spec/DMN/20211108/DMNDI/",
    "https://www.omg.org/spec/DMN/20230324/DMNDI/",
)  # fmt: skip
DC, DI = "http://www.omg.org/spec/DMN/20180521/DC/", "http://www.omg.org/spec/DMN/20180521/DI/"
SIZES = {
    "decision": (180, 80), "inputData": (125, 45), "businessKnowledgeModel": (135, 46), "knowledgeSource": (100, 63),
    "textAnnotation": (200, 60),
}  # fmt: skip
REQUIREMENTS = {"informationRequirement", "knowledgeRequirement", "authorityRequirement"}
HAVE_ID = {
    *SIZES, *REQUIREMENTS, "association", "definitions", "decisionTable", "input", "inputExpression", "inputValues",
    "output", "outputValues", "rule", "inputEntry", "outputEntry", "literalExpression", "encapsulatedLogic",
}  # fmt: skip
FARTHEST = 1e6  # of a drawing: farther is none
GAP, LEFT, TOP, STEP = 60, 150, 80, 160


def opened(xml: bytes) -> str:
    """The file as text. What another editor put in it is all there. Raises DmnError for what is no decision model."""
    space = etree.QName(root_of(xml)).namespace
    text = markup.written(markup.read(xml, "a decision model"))
    for old, new in ((space, MODEL), *((one, DMNDI) for one in DRAWN_IN)):
        text = text.replace(f'"{old}"', f'"{new}"')
    root = markup.read(text.encode(), "a decision model")
    _name(root)
    _draw(root)
    return markup.written(root)


def _own(root: Element, kinds: set[str]) -> Iterator[Element]:
    return (one for one in root.iter(f"{{{MODEL}}}*") if etree.QName(one).localname in kinds)


def _name(root: Element) -> None:
    known, numbers = {one.get("id") for one in root.iter(etree.Element)}, count(1)
    for one in _own(root, HAVE_ID):
        if not one.get("id"):
            kind = etree.QName(one).localname
            free = next(id_ for number in numbers if (id_ := f"{kind}_{number}") not in known)
            one.set("id", free)


def _draw(root: Element) -> None:
    """Shapes and edges for all that the file has drawn nowhere, below what it has."""
    drawn = {one.get("dmnElementRef") for one in root.iter(f"{{{DMNDI}}}DMNShape", f"{{{DMNDI}}}DMNEdge")}
    parts = {one.get("id"): one for one in root if isinstance(one.tag, str) and etree.QName(one).localname in SIZES}
    ends = {id_: pair for id_, pair in _lines(root) if set(pair) <= parts.keys()}
    if parts.keys() | ends.keys() <= drawn:
        return
    plane = root.find(f".//{{{DMNDI}}}DMNDiagram")
    if plane is None:
        maps = {"dmndi": DMNDI, "dc": DC, "di": DI}
        plane = etree.SubElement(etree.SubElement(root, f"{{{DMNDI}}}DMNDI", nsmap=maps), f"{{{DMNDI}}}DMNDiagram")
    boxes = {shape.get("dmnElementRef"): _box(shape) for shape in plane.iter(f"{{{DMNDI}}}DMNShape")}
    below = max((y + height + STEP / 2 for _x, y, _width, height in boxes.values()), default=TOP)
    new = _laid_out({id_: one for id_, one in parts.items() if id_ not in drawn}, ends, below)
    for id_, (x, y, width, height) in new.items():
        shape = etree.SubElement(plane, f"{{{DMNDI}}}DMNShape", id=f"shape_{id_}", dmnElementRef=id_)
        sides = {"x": x, "y": y, "width": width, "height": height}
        etree.SubElement(shape, f"{{{DC}}}Bounds", {name: f"{value:g}" for name, value in sides.items()})
    boxes |= new
    for id_, (source, target) in ends.items():
        if id_ not in drawn:
            edge = etree.SubElement(plane, f"{{{DMNDI}}}DMNEdge", id=f"edge_{id_}", dmnElementRef=id_)
            for x, y in _joined(boxes[source], boxes[target]):
                etree.SubElement(edge, f"{{{DI}}}waypoint", x=f"{x:g}", y=f"{y:g}")


Box: TypeAlias = tuple[float, float, float, float]  # x, y, width, height


def _box(shape: Element) -> Box:
    bounds = shape.find(f"{{{DC}}}Bounds")
    told = {} if bounds is None else bounds.attrib
    x, y, width, height = (_length(told.get(name, "")) for name in ("x", "y", "width", "height"))
    return x, y, width, height


def _length(text: str) -> float:
    """A length of a drawing; nothing for what is none, which no drawing needs to be read for."""
    try:
        found = float(text)
    except ValueError:
        return 0.0
    return found if abs(found) < FARTHEST else 0.0


def _lines(root: Element) -> Iterator[tuple[str, tuple[str, str]]]:
    """id → (what is required, by whom); of an association what it joins."""
    for one in _own(root, REQUIREMENTS):
        for child in one:
            if isinstance(child.tag, str) and etree.QName(child).localname.startswith("required"):
                yield one.get("id"), (_here(child), one.getparent().get("id"))
    for one in _own(root, {"association"}):
        sides = [_here(child) for name in ("sourceRef", "targetRef") for child in one.iterfind(f"{{{MODEL}}}{name}")]
        if len(sides) == 2:
            yield one.get("id"), (sides[0], sides[1])


def _here(element: Element) -> str:
    return str(element.get("href") or "").removeprefix("#")


def _laid_out(parts: dict[str, Element], ends: dict[str, tuple[str, str]], top: float) -> dict[str, Box]:
    """Rows: what is required stands under all that require it, near the middle of them."""
    asked = {id_: [by for one, by in ends.values() if one == id_ and by in parts] for id_ in parts}
    depths = dict.fromkeys(parts, 0)
    for _each in parts:  # also where it is a circle
        grown = {id_: max((depths[one] + 1 for one in by), default=0) for id_, by in asked.items()}
        if grown == depths:
            break
        depths = grown
    found: dict[str, Box] = {}
    for number, depth in enumerate(sorted(set(depths.values()))):
        row = [id_ for id_ in parts if depths[id_] == depth]
        middles = {id_: [found[one][0] + found[one][2] / 2 for one in asked[id_] if one in found] for id_ in row}
        wanted = {id_: sum(places) / len(places) for id_, places in middles.items() if places}
        x = float(LEFT)
        for id_ in sorted(row, key=lambda one: wanted.get(one, 0)):
            width, height = map(float, SIZES[etree.QName(parts[id_]).localname])
            found[id_] = (x, top + number * STEP, width, height)
            x += width + GAP
    return found


def _joined(source: Box, target: Box) -> tuple[tuple[float, float], tuple[float, float]]:
    """From the top of what is required to the bottom of who requires it."""
    return (source[0] + source[2] / 2, source[1]), (target[0] + target[2] / 2, target[1] + target[3])
