"""Where the blocks of a board lie: rectangles in a grid of six columns, as rows of `grid-template-areas`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

COLUMNS = 6
TALLEST = 4
LONGEST = 60  # rows

Cell = tuple[int, int]  # row and column, from 0


@dataclass(frozen=True)
class Size:
    """How many columns wide and rows high a block is, and where its first corner shall be: None where there is room."""

    wide: int
    high: int
    at: Cell | None = None


def placed(blocks: Mapping[str, Size]) -> dict[str, Cell]:
    """Where each block's first corner is: those with a place first, as long as it is free and inside; then the others
    in order, each in the first room that holds it, from the top and the left.
    """
    taken: set[Cell] = set()
    found: dict[str, Cell] = {}
    for key, size in blocks.items():
        if size.at and _fits(size, size.at, taken):
            found[key] = size.at
            taken |= _cells(size, size.at)
    for key, size in blocks.items():
        if key not in found:
            corners = ((row, column) for row in range(LONGEST) for column in range(COLUMNS))
            found[key] = next(corner for corner in corners if _fits(size, corner, taken))
            taken |= _cells(size, found[key])
    return found


def areas(blocks: Mapping[str, Size]) -> list[str]:
    """The rows of the layout; a dot where nothing lies."""
    cells: dict[Cell, str] = {}
    for key, corner in placed(blocks).items():
        cells |= dict.fromkeys(_cells(blocks[key], corner), key)
    last = max((row for row, _column in cells), default=-1)
    return [" ".join(cells.get((row, column), ".") for column in range(COLUMNS)) for row in range(last + 1)]


def sizes(rows: Sequence[str], keys: Sequence[str]) -> dict[str, Size] | None:
    """The blocks that a layout lays out, each with a place only where it needs one; None where a grid of six columns
    cannot say it.
    """
    table = [row.split() for row in rows]
    width = len(table[0]) if table else 0
    if not width or COLUMNS % width or any(len(row) != width for row in table):
        return None
    table = [[cell for cell in row for _time in range(COLUMNS // width)] for row in table]
    found: dict[str, Size] = {}
    for key in keys:
        cells = {(r, c) for r, row in enumerate(table) for c, cell in enumerate(row) if cell == key}
        if not cells:
            return None
        top, left = (min(cell[n] for cell in cells) for n in (0, 1))
        high, wide = (max(cell[n] for cell in cells) - least + 1 for n, least in ((0, top), (1, left)))
        if len(cells) != high * wide or high > TALLEST:
            return None
        found[key] = Size(wide, high, (top, left))
    floating = {key: Size(size.wide, size.high) for key, size in found.items()}
    return floating if placed(floating) == {key: size.at for key, size in found.items()} else found


def _cells(size: Size, corner: Cell) -> set[Cell]:
    return {(corner[0] + row, corner[1] + column) for row in range(size.high) for column in range(size.wide)}


def _fits(size: Size, corner: Cell, taken: set[Cell]) -> bool:
    inside = corner[1] + size.wide <= COLUMNS and corner[0] + size.high <= LONGEST + TALLEST
    return inside and not _cells(size, corner) & taken
