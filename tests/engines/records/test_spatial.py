"""Conditions on where a record is: SQL agrees with shapely, whatever stands around them, and only for who may see."""

from __future__ import annotations

from typing import Any

import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.fixtures import person

from shizhu.engines.records import api, queries
from shizhu.engines.records.contracts import Query
from shizhu.engines.records.logic.cql2 import (
    Every,
    Expression,
    Geometry,
    IsNull,
    Not,
    Property,
    Some,
    Spatial,
)
from shizhu.engines.records.models import Record
from shizhu.kernel import access
from shizhu.kernel.fields import box_of
from shizhu.kernel.models import County

pytestmark = pytest.mark.django_db
pytest_plugins = ["tests.engines.records.stalls"]
STALL = "lemonade.stall"
PLACE = Property("geometry")
RELATIONS = ["intersects", "equals", "disjoint", "touches", "within", "overlaps", "crosses", "contains"]


def keys(who: access.Actor, county: County, where: str | Expression) -> str:
    return "".join(e.key[-1] for e in queries.query(who, county.pk, STALL, Query(where=where)).entries)


def test_space_is_one_condition_among_others(county: County, root: access.Actor, stall: Any) -> None:
    stall(at=(100.1, 30.1), seats=1)
    stall(at=(100.5, 30.5), seats=2)
    stall(at=(100.9, 30.9), seats=3)
    stall(seats=4)
    west = "S_INTERSECTS(geometry, BBOX(100, 30, 100.5, 31))"
    assert keys(root, county, west) == "12"
    assert keys(root, county, f"NOT {west}") == "3"
    assert keys(root, county, f"{west} OR seats = 4") == "124"
    assert keys(root, county, f"NOT {west} OR geometry IS NULL") == "34"
    assert keys(root, county, "S_DISJOINT(geometry, POINT(100.5 30.5))") == "13"
    assert keys(root, county, "S_WITHIN(geometry, POLYGON((100.3 30, 100.9 30.9, 100.3 31, 100.3 30)))") == "2"
    assert keys(root, county, "S_TOUCHES(geometry, POLYGON((100.3 30, 100.9 30.9, 100.3 31, 100.3 30)))") == "3"
    assert keys(root, county, "S_INTERSECTS(POLYGON((100.3 30, 100.9 30.9, 100.3 31, 100.3 30)), geometry)") == "23"
    assert keys(root, county, "S_CONTAINS(BBOX(100,30,100.2,30.2), geometry)") == "1"
    assert keys(root, county, "S_EQUALS(geometry, geometry)") == "123"
    assert keys(root, county, "S_INTERSECTS(POINT(1 1), BBOX(0,0,2,2))") == "1234"
    assert keys(root, county, "S_INTERSECTS(geometry, POINT EMPTY)") == ""
    page = queries.query(root, county.pk, STALL, Query(where=f"NOT {west} OR seats < 3", limit=1, offset=1))
    assert (page.total, [e.key for e in page.entries]) == (3, ["S002"])


def test_a_filter_finds_only_what_one_may_see(county: County, stall: Any) -> None:
    stall(at=(100.1, 30.1), area="101")
    stall(at=(100.1, 30.1), area="102")
    east = access.actor(person(county, "records.lemonade.stall.view", in_area="101"))
    assert keys(east, county, "S_INTERSECTS(geometry, BBOX(100, 30, 101, 31))") == "1"
    assert keys(east, county, "NOT S_INTERSECTS(geometry, BBOX(0, 0, 1, 1))") == "1"
    with pytest.raises(api.Cql2Error, match="owner: there is no such property"):
        keys(east, county, "owner = '张三'")
    with pytest.raises(api.Cql2Error, match="owner: there is no such property"):
        keys(east, county, "CASEI(owner) LIKE '张%' OR seats = 1")


whole = st.integers(0, 4)
points = st.builds(shapely.Point, whole, whole)
lines = st.lists(st.tuples(whole, whole), min_size=2, max_size=4, unique=True).map(shapely.LineString)
rectangles = st.tuples(whole, whole, whole, whole).map(
    lambda n: shapely.box(n[0], n[1], n[0] + n[2] + 1, n[1] + n[3] + 1)
)
triangles = st.just(shapely.Polygon([(0, 0), (4, 1), (2, 4)])) | st.just(shapely.Polygon([(0, 0), (3, 0), (0, 3)]))
shapes = points | lines | rectangles | triangles
trees = st.recursive(
    st.builds(Spatial, st.sampled_from(RELATIONS), st.just(PLACE), shapes.map(Geometry))
    | st.builds(Spatial, st.sampled_from(RELATIONS), shapes.map(Geometry), st.just(PLACE))
    | st.just(IsNull(PLACE)),
    lambda inner: (
        st.builds(Not, inner)
        | st.builds(Every, st.lists(inner, max_size=2).map(tuple))
        | st.builds(Some, st.lists(inner, max_size=2).map(tuple))
    ),
    max_leaves=4,
)


def model(tree: Any, shape: Any) -> bool | None:
    match tree:
        case Spatial(relation, left, right):
            if shape is None:
                return None
            a, b = (shape if side == PLACE else side.shape for side in (left, right))
            return bool(getattr(shapely, relation)(a, b))
        case IsNull():
            return shape is None
        case Not(inner):
            found = model(inner, shape)
            return None if found is None else not found
        case Every(parts) | Some(parts):
            found = [model(part, shape) for part in parts]
            decisive = isinstance(tree, Some)
            return decisive if decisive in found else None if None in found else not decisive


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tree=trees, places=st.lists(st.none() | shapes, min_size=1, max_size=6))
def test_sql_agrees_with_shapely(county: County, root: access.Actor, tree: Expression, places: list[Any]) -> None:
    Record.objects.all().delete()
    own = {"county_id": county.pk, "register": STALL, "state": "open", "source": "person"}
    own |= {"organisation": county.organisations.first(), "area": county.areas.first(), "data": {}}
    Record.objects.bulk_create(
        Record(key=f"S{n}", title=str(n), sort_key=str(n), geometry=shape, box=box_of(shape), **own)
        for n, shape in enumerate(places)
    )
    wanted = "".join(str(n) for n, shape in enumerate(places) if model(tree, shape))
    assert keys(root, county, tree) == wanted
