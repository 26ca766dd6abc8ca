"""A flow as a picture: shapes and lines where its file draws them (BPMN DI)."""

import math
from dataclasses import dataclass
from typing import Any

from shizhu.engines.cases.logic.flow import FlowError
from shizhu.engines.cases.logic.reading import BPMN, read_root

DI = "{http://www.omg.org/spec/BPMN/20100524/DI}"
DC = "{http://www.omg.org/spec/DD/20100524/DC}"
WAY = "{http://www.omg.org/spec/DD/20100524/DI}"
ROUND = {"startEvent", "endEvent", "intermediateThrowEvent"}
LINE, MARGIN = 6, 12  # characters of a name in one line; space around


@dataclass(frozen=True)
class Shape:
    """One element: `kind` is round, diamond or box; its name in lines, each with the height it stands at."""

    id: str
    kind: str
    x: float
    y: float
    width: float
    height: float
    lines: tuple[tuple[float, str], ...]
    is_end: bool = False

    @property
    def middle(self) -> tuple[float, float]:
        """Its centre."""
        return self.x + self.width / 2, self.y + self.height / 2

    @property
    def radius(self) -> float:
        """Half its width."""
        return self.width / 2

    @property
    def corners(self) -> str:
        """Of a diamond."""
        x, y = self.middle
        return f"{x},{self.y} {self.x + self.width},{y} {x},{self.y + self.height} {self.x},{y}"


@dataclass(frozen=True)
class Picture:
    """Shapes, lines as SVG points, and the box around all: left, top, width, height."""

    shapes: tuple[Shape, ...]
    lines: tuple[str, ...]
    box: tuple[float, float, float, float]


def picture(xml: bytes) -> Picture | None:
    """The drawing of a file; None where it has none. Raises FlowError where it is no BPMN, or drawn nowhere."""
    root = read_root(xml)
    named = {element.get("id"): element for element in root.iter(f"{BPMN}*") if element.get("id")}
    shapes = []
    for drawn in root.iter(f"{DI}BPMNShape"):
        bounds, element = drawn.find(f"{DC}Bounds"), named.get(drawn.get("bpmnElement"))
        if bounds is not None and element is not None:
            shapes.append(_shape(element, *_numbers(drawn, bounds, "x", "y", "width", "height")))
    lines = []
    points: list[tuple[float, float]] = []
    for edge in root.iter(f"{DI}BPMNEdge"):
        way = [(x, y) for point in edge.findall(f"{WAY}waypoint") for x, y in [_numbers(edge, point, "x", "y")]]
        points += way
        lines.append(" ".join(f"{x:g},{y:g}" for x, y in way))
    if not shapes:
        return None
    points += [(s.x, s.y) for s in shapes] + [
        (s.x + s.width, s.y + s.height + 20 * (s.kind == "round")) for s in shapes
    ]
    left, top = min(x for x, _ in points) - MARGIN, min(y for _, y in points) - MARGIN
    right, bottom = max(x for x, _ in points) + MARGIN, max(y for _, y in points) + MARGIN
    return Picture(tuple(shapes), tuple(lines), (left, top, right - left, bottom - top))


def _numbers(drawn: Any, element: Any, *names: str) -> list[float]:
    found = []
    for name in names:
        text = element.get(name, "")
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if not abs(number) < 1e6:
            raise FlowError(
                f"{drawn.get('bpmnElement')}: {name}", text, "is no number that a picture can be drawn with"
            )
        found.append(number)
    return found


def _shape(element: Any, x: float, y: float, width: float, height: float) -> Shape:
    name = str(element.tag).removeprefix(BPMN)
    text = element.get("name") or ""
    if name in ROUND:
        return Shape(element.get("id"), "round", x, y, width, height, ((y + height + 14, text),), name == "endEvent")
    if name.endswith("Gateway"):
        return Shape(element.get("id"), "diamond", x, y, width, height, ((y - 6, text),))
    parts = [text[n : n + LINE] for n in range(0, len(text), LINE)] if not text.isascii() else [text]
    first = y + height / 2 + 5 - 9 * (len(parts) - 1)
    lines = tuple((first + 18 * number, part) for number, part in enumerate(parts))
    return Shape(element.get("id"), "box", x, y, width, height, lines)
