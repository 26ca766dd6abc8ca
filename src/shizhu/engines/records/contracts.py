"""What crosses the door: plain values, nothing of the database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from shizhu.engines.records.logic.cql2 import Expression
from shizhu.engines.records.logic.values import Problem

Box = tuple[float, float, float, float]  # west, south, east, north in WGS 84 degrees


class Region(Protocol):
    """A part of the globe that decides by itself what meets it."""

    @property
    def box(self) -> Box:
        """A box that holds it."""

    @property
    def is_box(self) -> bool:
        """Whether it is all of that box."""

    def meets(self, shapes: NDArray[Any]) -> NDArray[Any]:
        """Of each shape, whether it has something in common with the region."""


class Refused(ValueError):
    """A row that may not be kept; `problems` names each field, its value and the rule."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("; ".join(str(problem) for problem in problems))
        self.problems = problems


class StaleRecord(Exception):  # it says what the record is
    """Somebody changed the record after the version the writer had read."""

    def __init__(self, record_id: int, read: int, current: int) -> None:
        super().__init__(f"record {record_id}: version {read} was read, {current} is current: read it again")
        self.current = current


class NoRecord(LookupError):  # it says what is the matter
    """There is no such record, or this actor may not see it."""


@dataclass(frozen=True)
class Place:
    """An organisation or an area: its code and name."""

    code: str
    name: str


@dataclass(frozen=True)
class Entry:
    """One record as its reader may see it; `masked` names the paths in `data` that are shown in part."""

    id: int
    county: str
    register: str
    key: str
    title: str
    data: Mapping[str, Any]
    masked: frozenset[str]
    organisation: Place
    area: Place
    geometry: BaseGeometry | None
    state: str
    source: str
    is_simulated: bool
    created: datetime
    updated: datetime
    version: int

    @property
    def is_withdrawn(self) -> bool:
        """Whether it is out of use."""
        return self.state == "withdrawn"


@dataclass(frozen=True)
class Query:
    """Which records, in which order.

    `where` is CQL2 text or a tree; `area` the code of an area, with all below it; `boxes` where the geometry lies, and
    `has_unplaced` whether what has none counts too; `region` what the geometry must meet; `order` a field, with a
    minus turned round.
    """

    where: str | Expression | None = None
    search: str = ""
    area: str = ""
    order: str = ""
    boxes: tuple[Box, ...] = ()
    has_unplaced: bool = False
    region: Region | None = None
    has_withdrawn: bool = False
    offset: int = 0
    limit: int = 50
    most_counted: int = 0  # above so many the total is not counted on; 0 counts all


@dataclass(frozen=True)
class Page:
    """Some records and how many there are in all; with `is_more` there are more than `total`."""

    entries: tuple[Entry, ...]
    total: int
    is_more: bool = False


@dataclass(frozen=True)
class FieldChange:
    """One field before and after; None where there was or is nothing."""

    path: str
    old: Any
    new: Any


@dataclass(frozen=True)
class Change:
    """One step of a record's history: when, who (their user name, or what did it), and what."""

    at: datetime
    who: str
    action: str  # created, changed, withdrawn, restored
    version: int
    fields: tuple[FieldChange, ...] = field(default=())
