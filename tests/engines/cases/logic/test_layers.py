"""The picture of an approval: layers by the longest way, boxes apart, and no line in a box that is not its own."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shizhu.engines.cases.logic.layers import Box, Room, laid

NAMES = "abcdefghij"


@st.composite
def works(draw: st.DrawFn) -> dict[str, list[str]]:
    """Works that wait for some of those before them."""
    names = NAMES[: draw(st.integers(1, len(NAMES)))]
    return {
        name: draw(st.lists(st.sampled_from(names[:number]), unique=True, max_size=3)) if number else []
        for number, name in enumerate(names)
    }


def inside(box: Box, x: float, y: float) -> bool:
    left, top, width, height = box
    return left + 0.01 < x < left + width - 0.01 and top + 0.01 < y < top + height - 0.01


@given(works(), st.booleans(), st.integers(0, 4))
def test_boxes_stand_apart_and_lines_pass_between(after: dict[str, list[str]], is_upright: bool, most: int) -> None:
    found = laid(after, Room((100, 40), (12, 30), most, is_upright), {"a": 24.0})
    boxes = found.boxes
    assert boxes.keys() == after.keys()
    for one, (left, top, width, height) in boxes.items():
        assert 0 <= left < left + width <= found.size[0]
        assert 0 <= top < top + height <= found.size[1]
        for two, (left_, top_, width_, height_) in boxes.items():
            apart = left + width < left_ or left_ + width_ < left or top + height < top_ or top_ + height_ < top
            assert apart or one == two
    way = 1 if is_upright else 0
    assert set(found.lines) == {(before, id_) for id_, waited in after.items() for before in waited}
    for (before, id_), bends in found.lines.items():
        assert boxes[before][way] + boxes[before][way + 2] <= boxes[id_][way]  # ahead of it
        ends = (bends[0][0], bends[-1][3])
        for name, (x, y) in zip((before, id_), ends, strict=True):
            left, top, width, height = boxes[name]
            assert left - 0.01 <= x <= left + width + 0.01
            assert top - 0.01 <= y <= top + height + 0.01
        for (ax, ay), (bx, by), (cx, cy), (dx, dy) in bends:
            for step in range(21):
                t = step / 20
                u = 1 - t
                x = u**3 * ax + 3 * u * u * t * bx + 3 * u * t * t * cx + t**3 * dx
                y = u**3 * ay + 3 * u * u * t * by + 3 * u * t * t * cy + t**3 * dy
                assert not any(inside(box, x, y) for box in boxes.values())
    if most:
        lines = {round(box[way] + box[way + 2] / 2) for name, box in boxes.items()}
        assert all(sum(round(box[way] + box[way + 2] / 2) == at for box in boxes.values()) <= most for at in lines)


def test_a_work_stands_behind_the_longest_way_to_it() -> None:
    found = laid({"a": [], "b": ["a"], "c": ["a", "b"], "d": []}, Room((100, 40), (10, 20)))
    assert {name: box[0] for name, box in found.boxes.items()} == {"a": 4, "b": 64, "c": 124, "d": 4}
    assert found.path("a", "b").startswith("M44.0,")
    with pytest.raises(ValueError, match="a, b: wait for each other in a circle"):
        laid({"a": ["b"], "b": ["a"]}, Room((1, 1), (1, 1)))
