"""Coordinate systems against pyproj, and that a way there and back ends where it began."""

from __future__ import annotations

from functools import cache

import pyproj
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from shizhu.lib import crs

SHIZHU = (107.98, 29.65, 108.57, 30.54)


def test_a_county_is_offered_the_zones_it_lies_in() -> None:
    assert crs.offered(SHIZHU)[4:] == [crs.EPSG.format(4545), crs.EPSG.format(4524)]
    assert crs.offered((108.9, 29.0, 110.0, 30.0))[4:] == [crs.EPSG.format(n) for n in (4545, 4524, 4546, 4525)]
    assert crs.offered(None) == crs.offered((0, 0, 1, 1)) == [crs.CRS84, crs.WGS84, crs.CGCS2000, crs.MERCATOR]
    for name in crs.offered(SHIZHU):
        assert crs.is_known(name)
    for name in ("", "EPSG:4326", crs.EPSG.format(2154), crs.CRS84 + "x"):
        assert not crs.is_known(name)


def test_axes_stand_in_the_order_of_the_system() -> None:
    here = shapely.Point(108.1, 30.0)
    assert crs.to(here, crs.CRS84) is here
    assert crs.to(here, crs.WGS84).coords[0] == crs.to(here, crs.CGCS2000).coords[0] == (30.0, 108.1)
    north, east = crs.to(here, crs.EPSG.format(4545)).coords[0]
    assert (north, east) == (3320117.6079, 509648.6305)
    assert crs.to(here, crs.EPSG.format(4524)).coords[0] == (3320117.6079, 36509648.6305)
    assert crs.to(shapely.Point(108.1, 30.0, 500.0), crs.WGS84).coords[0] == (30.0, 108.1, 500.0)


@cache
def _transformer(code: int) -> pyproj.Transformer:
    return pyproj.Transformer.from_crs("OGC:CRS84", f"EPSG:{code}")  # takes a seventh of a second


@settings(max_examples=60, deadline=None)
@given(st.floats(105.5, 110.5), st.floats(27, 33), st.sampled_from([4326, 4490, 3857, 4545, 4546, 4524]))
def test_it_agrees_with_pyproj_and_comes_back(longitude: float, latitude: float, code: int) -> None:
    name, here = crs.EPSG.format(code), shapely.Point(longitude, latitude)
    there = crs.to(here, name)
    expected = _transformer(code).transform(longitude, latitude)
    assert there.coords[0] == pytest.approx(expected, abs=1e-3)
    assert crs.of(there, name).coords[0] == pytest.approx((longitude, latitude), abs=1e-8)


def test_what_cannot_be_expressed_is_refused() -> None:
    with pytest.raises(crs.OutOfReach):
        crs.to(shapely.Point(0, 90), crs.MERCATOR)
    with pytest.raises(crs.OutOfReach):
        crs.of(shapely.Point(1e12, 1e12), crs.EPSG.format(4545))


def test_a_window_is_an_area_of_crs84() -> None:
    assert crs.window([100, 30, 101, 31], crs.CRS84) == (shapely.box(100, 30, 101, 31),)
    assert crs.window([30, 100, 5, 31, 101, 9], crs.WGS84) == (shapely.box(100, 30, 101, 31),)
    assert crs.window([170, 0, -170, 1], crs.CRS84) == (shapely.box(170, 0, 180, 1), shapely.box(-180, 0, -170, 1))
    (made,) = crs.window([3320000, 509000, 3321000, 510000], crs.EPSG.format(4545))
    assert made.covers(shapely.Point(108.1, 30.0))
    assert made.area == pytest.approx(0.0000935, rel=0.01)


@pytest.mark.parametrize(
    ("numbers", "name", "fault"),
    [
        ([1, 2, 3], crs.CRS84, "four or six numbers"),
        ([1, 2, float("nan"), 4], crs.CRS84, "four or six numbers"),
        ([0, 0, 181, 1], crs.CRS84, "west,south,east,north"),
        ([0, 5, 1, 4], crs.CRS84, "west,south,east,north"),
        ([100, 30, 101, 31], crs.WGS84, "south,west,north,east"),
        ([5, 0, 1, 4], crs.MERCATOR, "lower corner first"),
    ],
)
def test_a_window_that_is_none_is_refused(numbers: list[float], name: str, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        crs.window(numbers, name)
