"""A table of readings (CSV) read by a mapping: which column is the station, the time, which property.

Values that cannot be read become rejects that name the column; nothing of a row is dropped in silence.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from shizhu.engines.things.logic.readings import Sample

Rejected = tuple[str, str, str]


@dataclass(frozen=True)
class Row:
    """What one line says: of which station, which samples, and what could not be read."""

    line: int
    station: str
    text: str
    samples: tuple[Sample, ...]
    rejects: tuple[Rejected, ...]


class TableRefused(ValueError):
    """The table does not fit the mapping; the text says which column is missing."""


def read(lines: Iterable[str], mapping: Mapping[str, Any]) -> Iterator[Row]:
    """Rows of a table. `lines` are decoded; the first one is the header."""
    table = csv.reader(lines, delimiter=mapping.get("delimiter", ","))
    header = [name.strip().lstrip("\ufeff") for name in next(table, [])]
    wanted = [mapping["station"]["column"], mapping["time"]["column"], *mapping["columns"]]
    missing = [name for name in wanted if name not in header]
    if missing:
        raise TableRefused(f"the table lacks the column(s) {', '.join(missing)}; it has {', '.join(header)}")
    for number, cells in enumerate(table, 2):
        if any(cells):
            yield _row(number, cells, header, mapping)


def _row(number: int, cells: list[str], header: list[str], mapping: Mapping[str, Any]) -> Row:
    text = ",".join(cells)
    named = dict(zip(header, (cell.strip() for cell in cells), strict=False))
    station = named.get(mapping["station"]["column"], "")
    if len(cells) < len(header):
        rule = f"a row must have {len(header)} cells"
        return Row(number, station, text, (), ((f"row {number}", str(len(cells)), rule),))
    if not station:
        return Row(number, "", text, (), ((mapping["station"]["column"], "", "a row must name its station"),))
    time = mapping["time"]
    try:
        zone = ZoneInfo(time.get("zone", "Asia/Shanghai"))
        at = datetime.strptime(named[time["column"]], time["format"]).replace(tzinfo=zone)
    except ValueError:
        rule = f"a time must look like {time['format']}"
        return Row(number, station, text, (), ((time["column"], named[time["column"]], rule),))
    samples, rejects = [], []
    for column, name in mapping["columns"].items():
        found = _number(named[column], mapping)
        if isinstance(found, float):
            samples.append(Sample(name, at, found))
        elif found:
            rejects.append((column, named[column], found))
    return Row(number, station, text, tuple(samples), tuple(rejects))


def _number(cell: str, mapping: Mapping[str, Any]) -> float | str | None:
    """The number, None for a blank, or the rule a cell breaks."""
    if cell in mapping.get("blank", [""]) or not cell:
        return None
    try:
        return float(cell)
    except ValueError:
        return "a value must be a number, or one of the blanks of the mapping"
