"""Geometry as typed, and as drawn."""

from __future__ import annotations

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from shizhu.engines.records.logic import places
from shizhu.lib.sketch import HEIGHT, MARGIN, WIDTH, sketch

LINE = shapely.LineString([(108.1, 29.9), (108.2, 30.0)])
HOLED = shapely.box(0, 0, 9, 9) - shapely.box(1, 1, 2, 2)


@pytest.mark.parametrize(
    ("text", "kind", "expected"),
    [
        ("108.1, 29.9", "Point", shapely.Point(108.1, 29.9)),
        ("108.1，29.9", "Point", shapely.Point(108.1, 29.9)),
        ("[108.1 29.9]", "Point", shapely.Point(108.1, 29.9)),
        ("108.1, 29.9\n\n108.2; 30.0\n", "LineString", LINE),
        ("0,0\n1,0\n1,1", "Polygon", shapely.Polygon([(0, 0), (1, 0), (1, 1)])),
        ('{"type": "LineString", "coordinates": [[108.1, 29.9], [108.2, 30.0]]}', "LineString", LINE),
        ("  ", "Point", None),
    ],
)
def test_read(text: str, kind: str, expected: object) -> None:
    assert places.read(text, kind) == expected


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("here", "Point"), ("1,2\n3,4", "Point"), ("1", "Point"), ("1,2,3", "Point"), ("1,2", "LineString"),
        ("1,2\n3,4", "Polygon"), ("{", "Point"), ('{"type": "Circle"}', "Point"), ("{}", "Point"),
        ('{"type": "Point", "coordinates": "x"}', "Point"),
    ],
)  # fmt: skip
def test_anything_else_is_refused(text: str, kind: str) -> None:
    with pytest.raises(ValueError, match=f"is not a {kind}"):
        places.read(text, kind)


pairs = st.tuples(st.floats(-180, 180), st.floats(-90, 90))
shapes = st.one_of(
    pairs.map(shapely.Point),
    st.lists(pairs, min_size=2, max_size=5).map(shapely.LineString),
    st.lists(pairs, min_size=3, max_size=5).map(shapely.Polygon),
    st.just(HOLED),
    st.just(shapely.MultiLineString([LINE, LINE])),
)


@given(shapes)
def test_what_is_written_is_read_back(geometry: shapely.Geometry) -> None:
    assert places.read(places.written(geometry), geometry.geom_type.removeprefix("Multi")) == geometry


def test_a_sketch_fills_its_box() -> None:
    drawn = sketch(shapely.Point(0.5, 0), shapely.box(0, -0.5, 1, 0.5))
    side = HEIGHT - 2 * MARGIN
    assert drawn.points == ((WIDTH / 2, HEIGHT / 2),)
    assert drawn.outline.startswith(f"M{WIDTH / 2 + side / 2} {HEIGHT - MARGIN}L")
    assert (drawn.lines, drawn.surface) == ("", "")


def test_lines_and_surfaces_are_paths() -> None:
    assert sketch(LINE, None).lines.count("L") == 1
    assert sketch(HOLED, None).surface.count("Z") == 2
