"""Lengths, areas and nearest parts on the ellipsoid."""

from __future__ import annotations

import math

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from shizhu.lib import geodesy

NEAR = st.tuples(st.floats(107.5, 109), st.floats(29, 31))


def test_known_lengths_of_the_ellipsoid() -> None:
    # a degree of longitude on the equator; the quarter meridian of WGS 84
    assert geodesy.length([(0, 0), (1, 0)]) == pytest.approx(math.radians(6378137), abs=1e-6)
    assert geodesy.distance((0, 0), (0, 90)) == pytest.approx(10001965.7293, abs=1e-3)
    assert geodesy.length([(0, 0), (0, 90), (90, 0)]) == pytest.approx(2 * 10001965.7293, abs=1e-3)


def test_the_known_surface_of_the_ellipsoid() -> None:
    octant = geodesy.area([(0, 0), (90, 0), (0, 90)])
    assert octant == pytest.approx(510065621724088.4 / 8, rel=1e-12)
    assert geodesy.area([(0, 90), (90, 0), (0, 0)]) == pytest.approx(octant, rel=1e-15)


@given(NEAR, st.floats(1, 50_000))
def test_corners_of_a_circle_lie_at_its_radius(centre: geodesy.Position, radius: float) -> None:
    for corner in geodesy.circle(centre, radius, 8).exterior.coords:
        assert geodesy.distance(centre, corner) == pytest.approx(radius, abs=1e-6)


@given(NEAR, NEAR)
def test_a_plane_about_a_position_keeps_its_distances(centre: geodesy.Position, other: geodesy.Position) -> None:
    around, point = geodesy.Around(centre), shapely.Point(other)
    assert around.metres(point) == pytest.approx(geodesy.distance(centre, other), abs=1e-3)
    assert around.globe(around.plane(point)).distance(point) < 1e-9


def test_the_nearest_part_of_a_line_and_an_area() -> None:
    around = geodesy.Around((108, 30))
    line = shapely.LineString([(107.99, 30.1), (108.01, 30.1)])
    assert around.metres(line) == pytest.approx(geodesy.distance((108, 30), (108, 30.1)), abs=0.1)
    assert around.metres(shapely.box(107, 29, 109, 31)) == 0
