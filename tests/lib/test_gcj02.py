"""The shifted datum of public maps: known points, there and back, nothing outside of China."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from shizhu.lib import gcj02, geodesy


def test_a_known_point() -> None:
    """Tiananmen as the open implementations (eviltransform and its kin) shift it."""
    x, y = gcj02.to_gcj02(np.array([116.3912]), np.array([39.9075]))
    assert (x[0], y[0]) == (pytest.approx(116.39744, abs=2e-5), pytest.approx(39.90890, abs=2e-5))


@given(st.floats(73, 137), st.floats(1, 55))
def test_there_and_back_is_where_it_was(longitude: float, latitude: float) -> None:
    there = gcj02.to_gcj02(np.array([longitude]), np.array([latitude]))
    x, y = gcj02.from_gcj02(*there)
    assert geodesy.distance((longitude, latitude), (x[0], y[0])) < 0.001
    assert geodesy.distance((longitude, latitude), (there[0][0], there[1][0])) < 1000


def test_outside_of_china_nothing_is_shifted() -> None:
    point = shapely.Point(2.35, 48.85)
    assert gcj02.unshifted(point).equals(point)
    moved = gcj02.unshifted(shapely.box(108, 29.6, 108.6, 30.5))
    assert geodesy.distance(moved.centroid.coords[0], (108.3, 30.05)) == pytest.approx(510, abs=60)
