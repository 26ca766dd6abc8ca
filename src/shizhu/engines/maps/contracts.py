"""What crosses the door: layers, what is asked of their sources, features. Plain values, nothing of the database."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, Protocol

from numpy.typing import NDArray
from shapely import MultiLineString, union_all
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from shizhu.engines.records.api import Cell
from shizhu.kernel.access import Actor
from shizhu.kernel.models import Area, Organisation

Box = tuple[float, float, float, float]  # west, south, east, north in WGS 84 degrees
# What a cluster tells of what it holds, by the rank of its cell: nothing, not heard of, and the levels of alarms.
RANKS = ("", "silent", "blue", "yellow", "orange", "red")


@dataclass(frozen=True)
class Layer:
    """A declared layer; names are {zh, en}, `of` is what the source is asked for, `style` as the schema has it.

    The lines of a network run from source to mouth, each into the one on which it ends. A lasting layer
    is shown as it is now, whatever time is asked for.
    """

    key: str
    title: Mapping[str, str]
    group: Mapping[str, str]
    source: str
    of: str
    icon: str
    colour: str
    order: int
    is_shown: bool = True
    is_network: bool = False
    is_lasting: bool = False
    style: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Feature:
    """One thing on the map: a GeoJSON geometry in WGS 84 and what is told of it; of a declared link also its nodes."""

    id: str
    geometry: Mapping[str, Any]
    properties: Mapping[str, Any]
    nodes: tuple[str, str] | None = None  # that it flows from and to

    @cached_property
    def shape(self) -> BaseGeometry:
        """The geometry to reckon with."""
        return shape(dict(self.geometry))


@dataclass(frozen=True)
class Asked:
    """What is asked of a source: as it was `at` a time (now without one), and only what may meet the `box`.

    Of a layer with too many features the box's are given, or how many lie where, in cells as a map of that `zoom` of
    the web's tiles can draw.
    """

    at: datetime | None = None
    box: Box | None = None
    zoom: float | None = None


@dataclass(frozen=True)
class Mark:
    """A line of a legend: a colour and what it means; `kind` is Point, LineString or Polygon, or a level."""

    colour: str
    text: str
    kind: str = "Point"


@dataclass(frozen=True)
class Near:
    """A feature and how far it is, in geodesic metres; beside a course along the flow, with the lines between."""

    feature: Feature
    metres: float
    order: int = 0


class Region(Protocol):
    """A part of the map that was chosen: `Circle`, `Shape` or `Along`."""

    @property
    def box(self) -> Box:
        """A box that holds it."""

    @property
    def geometry(self) -> BaseGeometry:
        """Its outline."""

    @property
    def is_box(self) -> bool:
        """Whether it is all of that box."""

    def meets(self, shapes: NDArray[Any]) -> NDArray[Any]:
        """Of each shape, whether it lies in the region, wholly or in part."""


@dataclass(frozen=True)
class Chosen:
    """What lies in a region: exactly how many, `page` (first, most) of them in order, and `every` one."""

    total: int
    page: Callable[[int, int], list[Feature]]
    every: Callable[[], Iterator[Feature]]


@dataclass(frozen=True)
class Part:
    """A part of a line: `metres` along the flow from where it was asked to its nearer end, past `order` other lines."""

    feature: Feature
    geometry: BaseGeometry
    length: float
    metres: float
    order: int


@dataclass(frozen=True)
class Course:
    """What is up or down the flow from where it was `asked`, the nearest first; `length` in metres.

    It is declared where the asked line names its nodes; elsewhere it follows from where lines end.
    """

    asked: tuple[float, float]
    parts: tuple[Part, ...]
    is_up: bool

    @property
    def lines(self) -> tuple[Feature, ...]:
        """The features of its parts, each once."""
        return tuple({part.feature.id: part.feature for part in self.parts}.values())

    @property
    def is_declared(self) -> bool:
        """Whether the asked line names its nodes."""
        return self.parts[0].feature.nodes is not None

    @property
    def geometry(self) -> BaseGeometry:
        """All of it."""
        kept = [part.geometry for part in self.parts if part.geometry.length]
        return union_all(kept) if kept else MultiLineString()

    @property
    def length(self) -> float:
        """Of all parts."""
        return sum(part.length for part in self.parts)


Give = Callable[[Actor, str, Layer, Asked], list[Feature]]  # (who, county, layer, asked) → the features who may see
Grid = Callable[[Actor, str, Layer, Asked, float], list[Cell]]  # (who, county, layer, asked, size in degrees)
Inside = Callable[[Actor, str, Layer, Region], Chosen]  # (who, county, layer, region) → what who may see in it
OpenAt = Callable[[Actor, str, list[datetime]], list[int]]  # (who, county, times) → how many were open at each
Find = Callable[[Actor, str, str, int], list[Feature]]  # (who, county, words, most) → those whose name has the words


@dataclass(frozen=True)
class Source:
    """Who gives features: `verb` is the right that opens a layer, `group` its heading, `legend` what colours mean."""

    give: Give
    verb: Callable[[Layer], str]
    group: Mapping[str, str]
    legend: Callable[[str, Layer], list[Mark]]
    find: Find
    open_at: OpenAt | None = None
    grid: Grid | None = None
    inside: Inside | None = None


@dataclass(frozen=True)
class View:
    """What a map shows of a layer, how many features it has in all, and whether what is shown depends on the window."""

    features: list[Feature]
    total: int
    is_windowed: bool


@dataclass(frozen=True)
class Subject:
    """An object that has a file (一物一档): what it is, whose, where, and what others know it by.

    `refs` names objects that belong to it or that it belongs to: kind → their numbers or keys, as in
    {"thing": {"3"}, "things.device": {"WQ-01"}}; a section looks for the kinds it knows. `people` are posts, each with
    the words that say what for.
    """

    kind: str  # record, area, thing, alarm, case
    id: int
    title: str
    what: str
    county: str
    organisation: Organisation | None
    area: Area
    geometry: BaseGeometry | None
    url: str
    is_simulated: bool = False
    refs: Mapping[str, frozenset[str]] = field(default_factory=dict)
    people: tuple[tuple[str, str], ...] = ()

    @property
    def key(self) -> str:
        """What the map calls it."""
        return f"{self.kind}-{self.id}"


@dataclass(frozen=True)
class Event:
    """Something that happened to an object, for its timeline."""

    at: datetime
    icon: str
    title: str
    text: str = ""
    url: str = ""


@dataclass(frozen=True)
class Section:
    """A part of an object's file: a template with its `context` (as `section`), and what it adds to the timeline."""

    title: str
    icon: str
    template: str
    context: Mapping[str, Any]
    events: tuple[Event, ...] = ()


Seek = Callable[[Actor, str, int], Subject | None]  # (who, county, number) → None if who sees none of that number
Tell = Callable[[Actor, Subject], Section | None]  # None if there is nothing that who may see
