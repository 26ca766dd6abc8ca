"""Coordinates as people type them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shizhu.engines.maps.logic.coordinates import read


@pytest.mark.parametrize(
    "text",
    [
        "108.1, 30.2", "108.1 30.2", "108.1，30.2", "30.2, 108.1", "30.2N 108.1E", "E108.1 N30.2", "北纬30.2 东经108.1",
        "东经108°6′0″ 北纬30°12′", "108°6′E, 30°12′N",
    ],
)  # fmt: skip
def test_one_place_in_many_ways(text: str) -> None:
    assert read(text) == pytest.approx((108.1, 30.2))


@pytest.mark.parametrize(
    "text", ["", "108", "龙河", "R010001", "108.1, 30.2, 5", "1e5 3", "200, 10", "E108 E30", "N 108.1 N 30"]
)
def test_anything_else_is_no_place(text: str) -> None:
    assert read(text) is None


def test_the_other_halves_of_the_globe() -> None:
    assert read("S12.5 W70") == (-70, -12.5)
    assert read("-70, -12.5") == (-70, -12.5)


@given(st.floats(-180, 180), st.floats(-90, 90))
def test_two_numbers_are_longitude_and_latitude(longitude: float, latitude: float) -> None:
    found = read(f"{longitude:.6f},{latitude:.6f}")
    assert found == (float(f"{longitude:.6f}"), float(f"{latitude:.6f}"))


@settings(max_examples=40)
@given(st.text(max_size=30))
def test_no_text_breaks_it(text: str) -> None:
    found = read(text)
    assert found is None or (abs(found[0]) <= 180 and abs(found[1]) <= 90)
