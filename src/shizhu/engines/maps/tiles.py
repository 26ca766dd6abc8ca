"""Vector tiles of a collection, as one person may see it.

**Thinned.** A tile holds at most MOST features. Of points that are more, every 16th or 256th by number is drawn, with
`stands_for` 16 or 256 among its properties; partial indexes on the numbers make that fast. Of lines and areas those
that fill a pixel are drawn, the largest first.

**Kept.** A made tile is kept in the memory of this process, KEPT bytes in all, under what decides it: county,
collection, which rows one may see, and the tile. It counts while the newest change of the collection is the one it
was made after (one look at an index). Where that change was only seconds old, another one may have been under way:
such a tile counts for SETTLED seconds; every other for LONGEST. Nothing else depends on what is kept.
"""

from __future__ import annotations

import gzip
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet
from django.db.models.expressions import RawSQL

from shizhu.engines.maps.logic import tiling
from shizhu.engines.records import api as records
from shizhu.kernel.access import Actor

MOST = 5000
RUNGS = (1, *records.THINNED)
KEPT = 32_000_000
AROUND = 500  # bytes that keeping a tile costs beside its body: its key and entry
SETTLED, LONGEST = 10.0, 300.0
PROPERTIES = ("_key", "_title", "_state", "_simulated")


@dataclass(frozen=True)
class Tile:
    """A tile, compressed by gzip; empty where nothing is."""

    body: bytes


@dataclass(frozen=True)
class _Kept:
    tile: Tile
    revision: Any
    until: float


def _size(tile: Tile) -> int:
    return len(tile.body) + AROUND


class Shelf:
    """Tiles in memory, at most so many bytes; the least lately asked for leaves first."""

    def __init__(self, most: int = KEPT) -> None:
        self._most = most
        self._size = 0
        self._kept: OrderedDict[Any, _Kept] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Any, revision: Any) -> Tile | None:
        """The tile, if it still counts."""
        with self._lock:
            kept = self._kept.get(key)
            if kept is None or kept.revision != revision or kept.until < time.monotonic():
                return None
            self._kept.move_to_end(key)
            return kept.tile

    def put(self, key: Any, revision: Any, tile: Tile, seconds: float) -> None:
        """Keep a tile."""
        with self._lock:
            old = self._kept.pop(key, None)
            self._size += _size(tile) - (_size(old.tile) if old else 0)
            self._kept[key] = _Kept(tile, revision, time.monotonic() + seconds)
            while self._size > self._most:
                _, gone = self._kept.popitem(last=False)
                self._size -= _size(gone.tile)

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._kept.clear()
            self._size = 0


shelf = Shelf()


def tile(who: Actor, county: str, collection: records.Table, z: int, row: int, column: int) -> Tile:
    """The tile as the actor may see it."""
    revision = collection.revision(county)
    key = (county, collection.key, collection.scope(who), z, row, column)
    kept = shelf.get(key, revision)
    if kept is not None:
        return kept
    began = datetime.now(UTC)
    found = _found(collection, who, county, z, tiling.box(z, row, column))
    body = tiling.encode(collection.key, z, row, column, found)
    made = Tile(gzip.compress(body, 5, mtime=0) if body else b"")
    is_settled = not isinstance(revision, datetime) or revision < began - timedelta(seconds=SETTLED)
    shelf.put(key, revision, made, LONGEST if is_settled else SETTLED)
    return made


def properties(collection: records.Table) -> list[str]:
    """The properties that features of a tile have: those everybody who sees the collection may compare."""
    there = [*PROPERTIES, *collection.filters] if collection.register else list(collection.columns)
    return [name for name in there if name in collection.columns]


def _found(collection: records.Table, who: Actor, county: str, z: int, box: tiling.Box) -> Iterator[Any]:
    spot, names = collection.spot, properties(collection)
    rows = collection.visible(who, county).order_by()
    rows = rows.filter(records.true(f"{spot.box} && %s::box", ("({2},{3}),({0},{1})".format(*box),)))
    values = [RawSQL(collection.columns[name].sql, ()) for name in names]  # noqa: S611  # of declared names alone
    thinned, stands_for = _thinned(collection, rows, z)
    for number, wkb, *held in thinned.values_list("pk", spot.wkb, *values)[:MOST]:
        told = {name: _plain(value) for name, value in zip(names, held, strict=True) if value is not None}
        yield number, bytes(wkb), {**told, "stands_for": stands_for} if stands_for > 1 else told


def _thinned(collection: records.Table, rows: QuerySet[Any], z: int) -> tuple[QuerySet[Any], int]:
    """Rows that are few enough, and how many each of them stands for."""
    spot = collection.spot
    if collection.geometry != "Point":
        pixel = tiling.unit(z) * 8
        wide = f"(width({spot.box}) > %s OR height({spot.box}) > %s)"
        area: RawSQL = RawSQL(f"area({spot.box})", ())  # noqa: S611  # a constant
        return rows.filter(records.true(wide, (pixel, pixel))).order_by(area.desc(), "pk"), 1
    for stands_for in RUNGS:
        fewer = rows.filter(records.true(f"({spot.id} %% {stands_for}) = 0", ())) if stands_for > 1 else rows
        if len(fewer.values_list("pk")[: MOST + 1]) <= MOST:
            break
    return fewer, stands_for


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    return value if isinstance(value, str | bool | int | float) else str(value)
