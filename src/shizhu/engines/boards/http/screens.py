"""How large things are on a wall: computed from the screen's size and how far its readers stand.

ISO 9241-303:2011 5.5.4: a character should be seen under 20 to 22 minutes of arc, at least 16. A Chinese character
fills its em square but for a twelfth.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import radians, tan

from shizhu.engines.boards.boards import Board

LEAST_ARC = 16.0  # minutes
FILLED = 11 / 12  # of the em, by a Chinese character
WIDTH, DISTANCE = 2.4, 6.0  # metres: a screen of 110 inches, seen from 6 m
NARROW, ULTRA = 1920, 3840  # pixels of the two layouts
LEAST_ROTATION, MOST_ROTATION = 10, 3600  # seconds


@dataclass(frozen=True)
class Screen:
    """`text` is the smallest type of a 1920 px wide layout in px, `ultra_text` that of one 3840 px wide."""

    text: int
    ultra_text: int
    rotate: int
    following: str
    wall: Sequence[str]
    ultrawide: Sequence[str]


def smallest(pixels: int, width: float, distance: float) -> int:
    """The smallest font size in px that can be read."""
    height = distance * tan(radians(LEAST_ARC / 60))
    return round(height / FILLED / (width / pixels))


def screen(asked: Mapping[str, str], board: Board, boards: Sequence[Board]) -> Screen:
    """The screen that an address asks for; what is not a number counts as not given."""
    width, distance = _within(asked.get("width"), WIDTH, 0.5, 60), _within(asked.get("distance"), DISTANCE, 0.5, 60)
    rotate = int(_within(asked.get("rotate"), 0, LEAST_ROTATION, MOST_ROTATION))
    keys = [one.key for one in boards]
    following = keys[(keys.index(board.key) + 1) % len(keys)]
    layout, fields = board.body.get("layout", {}), [field["key"] for field in board.body["fields"]]
    wall = layout.get("wall") or _grid(fields, 3)
    ultra_width = width if "width" in asked else 2 * width
    return Screen(
        min(smallest(NARROW, width, distance), 32), min(smallest(ULTRA, ultra_width, distance), 40), rotate, following,
        wall, layout.get("ultrawide") or wall,
    )  # fmt: skip


def _within(text: str | None, default: float, least: float, most: float) -> float:
    try:
        value = float(text or "")
    except ValueError:
        return default
    return min(max(value, least), most) if value == value else default  # noqa: PLR0124  # NaN


def _grid(fields: Sequence[str], columns: int) -> list[str]:
    """Fields in rows of so many; the last one fills its row."""
    rows = [list(fields[n : n + columns]) for n in range(0, len(fields), columns)]
    width = min(columns, len(fields))
    return [" ".join([*row, *[row[-1]] * (width - len(row))]) for row in rows]
