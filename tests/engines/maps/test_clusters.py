"""Large layers: what the window shows, or how many lie where; counts are exact, and of what one may see."""

from __future__ import annotations

import json
from collections import Counter
from datetime import timedelta
from math import floor
from typing import Any
from urllib.parse import urlencode

import pytest
import shapely
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.engines.alarms.jugs import warm
from tests.fixtures import area, organisation, person
from tests.web.pages import browser

from shizhu.engines.alarms import api as alarms
from shizhu.engines.alarms.models import Alarm
from shizhu.engines.maps import api, layers
from shizhu.engines.records import api as records
from shizhu.engines.records.models import Record
from shizhu.engines.things.models import Device
from shizhu.kernel import access
from shizhu.kernel.models import County

pytestmark = pytest.mark.django_db
STALLS = "lemonade.stall"
WORLD = (100.0, 30.0, 101.0, 31.0)
Place = tuple[float, float]


def put(county: County, places: list[Place]) -> None:
    """A stall at each place, in the town it lies in; without history, which would take its time."""
    towns = {is_east: area(county, "101" if is_east else "102") for is_east in (True, False)}
    own = {"county": county, "register": STALLS, "organisation": organisation(county, "stand"), "state": "open"}
    Record.objects.bulk_create(
        Record(
            key=f"S{n}", title=f"S{n}", sort_key=f"s{n}", data={"code": f"S{n}", "name": f"S{n}"}, source="demo",
            area=towns[x >= 100.5], geometry=shapely.Point(x, y), box=(x, y, x, y), **own,
        )
        for n, (x, y) in enumerate(places)
    )  # fmt: skip


PLACES = st.lists(
    st.tuples(st.integers(0, 64).map(lambda n: 100 + n / 64), st.integers(0, 64).map(lambda n: 30 + n / 64)),
    max_size=40,
)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(places=PLACES, size=st.sampled_from([1 / 16, 1 / 4, 1.0, 360.0]), window=st.tuples(PLACES, PLACES))
def test_cells_count_what_lies_in_them(county: County, places: list[Place], size: float, window: Any) -> None:
    Record.objects.all().delete()
    put(county, places)
    (a, b), (c, d) = ((pair[0] if pair else (100.25, 30.25)) for pair in window)
    box = min(a, c), min(b, d), max(a, c), max(b, d)
    root = access.actor(person(county, "*"))
    for who, own in (
        (root, places),
        (access.actor(person(county, "*", in_area="101")), [p for p in places if p[0] >= 100.5]),
    ):
        for bounds in (None, box):
            inside = [
                p for p in own if bounds is None or (bounds[0] <= p[0] < bounds[2] and bounds[1] <= p[1] < bounds[3])
            ]
            looked = Counter((floor(x / size), floor(y / size)) for x, y in inside)
            found = records.cells(who, county.pk, STALLS, bounds, size)
            assert sorted(cell.count for cell in found) == sorted(looked.values())
            for cell in found:
                assert cell.count == looked[floor(cell.longitude / size), floor(cell.latitude / size)]
    assert records.cells(access.actor(person(county, "maps.*")), county.pk, STALLS, None, size) == []


def shown(client: Any, query: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(client.get(f"/map/layers/lemonade.stalls.geojson?{query}").content)
    return told


def test_a_large_layer_gives_clusters_far_and_features_near(county: County, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layers, "MANY", 20)
    put(county, [(100 + x / 10 + 0.01, 30 + y / 10 + 0.01) for x in range(10) for y in range(10)])
    client, east = browser(person(county, "*")), browser(person(county, "*", in_area="101"))
    far = shown(client, "box=100,30;101,31&zoom=7")
    assert (far["title"], far["numberMatched"], far["windowed"]) == ("摊位", 100, True)
    assert sum(one["properties"]["count"] for one in far["features"]) == 100
    assert len(far["features"]) < 20
    near = shown(client, "box=100,30;100.3,30.3&zoom=12")
    assert (near["numberMatched"], near["windowed"], len(near["features"])) == (100, True, 9)
    assert all("count" not in one["properties"] for one in near["features"])
    hers = shown(east, "box=100,30;101,31&zoom=7")
    assert (hers["numberMatched"], sum(one["properties"]["count"] for one in hers["features"])) == (50, 50)
    none = shown(browser(person(county, "maps.*")), "box=100,30;101,31&zoom=7")
    assert (none["numberMatched"], none["features"]) == (0, [])
    assert shown(client, "zoom=99&box=100,30;101,31") == {"error": "zoom: '99': must be a number from 0 to 24"}


def test_what_was_is_whole_too_far_and_near(county: County, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layers, "MANY", 20)
    event: Any = Record.pgh_event_model  # type: ignore[attr-defined]
    places = [(100 + x / 10 + 0.01, 30 + y / 10 + 0.01) for x in range(10) for y in range(10)]
    put(county, places)
    then = timezone.now() - timedelta(days=2)
    event.objects.update(pgh_created_at=then)
    west = Record.objects.filter(key__in=[f"S{n}" for n in range(30)])
    west.update(geometry=shapely.Point(100.95, 30.95), box=(100.95, 30.95, 100.95, 30.95), area=area(county, "101"))
    Record.objects.filter(key__in=[f"S{n}" for n in range(30, 40)]).update(state="withdrawn")
    client, east = browser(person(county, "*")), browser(person(county, "*", in_area="101"))
    at = urlencode({"at": (then + timedelta(hours=1)).isoformat()})

    def counted(who: Any, query: str) -> tuple[int, int]:
        told = shown(who, query)
        return told["numberMatched"], sum(one["properties"].get("count", 1) for one in told["features"])

    everywhere = ("", "&zoom=7", "&box=100,30;101,31&zoom=7", "&box=100,30;101,31&zoom=16")
    assert [counted(client, f"{at}{query}") for query in everywhere] == [(100, 100)] * 4
    assert [counted(east, f"{at}{query}") for query in everywhere] == [(50, 50)] * 4
    assert [counted(client, query) for query in everywhere] == [(90, 90)] * 4
    assert [counted(east, query) for query in everywhere] == [(80, 80)] * 4
    near = shown(client, f"{at}&box=100,30;100.3,30.3&zoom=12")
    assert sorted(one["geometry"]["coordinates"] for one in near["features"]) == sorted(
        list(place) for place in places if place[0] < 100.3 and place[1] < 30.3
    )
    assert shown(client, "box=100,30;100.3,30.3&zoom=12")["features"] == []
    before = urlencode({"at": (then - timedelta(hours=1)).isoformat()})
    assert counted(client, before) == (0, 0)


def test_a_source_that_cannot_count_is_clustered_too(county: County, monkeypatch: pytest.MonkeyPatch) -> None:
    first = warm(county, "E", "101")
    warm(county, "W", "102")
    Alarm.objects.filter(pk=first.pk).update(level="red")
    monkeypatch.setattr(layers, "MANY", 1)
    layer = next(one for one in api.layers(county.pk) if one.key == "lemonade.alarms")
    root = root_of(county)
    far = layers.view(root, county.pk, layer, api.Asked(zoom=3))
    assert (far.total, far.is_windowed) == (2, True)
    assert [(one.properties["count"], one.properties["worst"]) for one in far.features] == [(2, "red")]
    none = layers.view(root, county.pk, layer, api.Asked(box=(0.0, 0.0, 1.0, 1.0), zoom=3))
    assert (none.total, none.features) == (2, [])


def test_a_small_layer_is_given_whole_whatever_the_window(county: County) -> None:
    put(county, [(100.2, 30.2), (100.7, 30.7)])
    told = shown(browser(person(county, "*")), "box=100,30;100.3,30.3&zoom=12")
    assert (told["numberMatched"], told["windowed"], len(told["features"])) == (2, False, 2)


def test_the_nearest_of_a_large_layer_is_the_nearest_of_all(county: County, monkeypatch: pytest.MonkeyPatch) -> None:
    put(county, [(100 + x / 10 + 0.01, 30 + y / 10 + 0.01) for x in range(10) for y in range(10)])
    layer = next(one for one in api.layers(county.pk) if one.key == "lemonade.stalls")
    root, here = access.actor(person(county, "*")), (100.333, 30.777)
    small = [(one.feature.id, round(one.metres, 3)) for one in api.nearest(root, county.pk, layer, here, 7)]
    monkeypatch.setattr(layers, "MANY", 20)
    large = [(one.feature.id, round(one.metres, 3)) for one in api.nearest(root, county.pk, layer, here, 7)]
    assert large == small
    assert len(api.nearest(root, county.pk, layer, here, 1000)) == 100


def test_things_are_counted_where_they_are(county: County, monkeypatch: pytest.MonkeyPatch) -> None:
    for key, town in (("E", "101"), ("F", "101"), ("W", "102")):
        warm(county, key, town)
    layer = next(one for one in api.layers(county.pk) if one.key == "lemonade.jugs")
    grid = api.sources()["things"].grid
    assert grid is not None
    root, east = (access.actor(person(county, "*", in_area=town)) for town in ("", "101"))
    assert [
        [cell.count for cell in grid(who, county.pk, layer, api.Asked(box=WORLD), 1.0)] for who in (root, east)
    ] == [[3], [2]]
    assert grid(root, county.pk, layer, api.Asked(box=(100.5, 30.0, 101.0, 31.0)), 1.0) == []
    assert grid(access.actor(person(county, "maps.*")), county.pk, layer, api.Asked(), 1.0) == []
    monkeypatch.setattr(layers, "MANY", 2)
    asked = api.Asked(box=(100.1, 30.1, 100.3, 30.3), zoom=3)
    (cluster,) = layers.view(root, county.pk, layer, asked).features
    assert (cluster.properties["count"], cluster.geometry["coordinates"]) == (
        3,
        [pytest.approx(100.2), pytest.approx(30.2)],
    )
    near = layers.view(east, county.pk, layer, asked)
    assert sorted(one.properties["name"] for one in near.features) == ["E号罐", "F号罐"]


def test_a_cluster_tells_the_worst_of_what_its_asker_may_see(county: County, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layers, "MANY", 1)
    first, second = warm(county, "E", "101"), warm(county, "W", "102")
    layer = next(one for one in api.layers(county.pk) if one.key == "lemonade.jugs")
    asked = api.Asked(box=WORLD, zoom=3)

    def worst(*verbs: str, in_area: str = "") -> tuple[int, str]:
        who = access.actor(person(county, *verbs, in_area=in_area, username=f"{verbs}{in_area}"))
        (cluster,) = layers.view(who, county.pk, layer, asked).features
        return cluster.properties["count"], cluster.properties["worst"]

    Device.objects.update(last_seen=timezone.now())
    Alarm.objects.filter(pk=first.pk).update(level="red")
    assert worst("*") == (2, "red")
    assert worst("things.*") == (2, "")
    Alarm.objects.filter(pk=first.pk).update(state="cleared", cleared_at=timezone.now())
    assert worst("things.*", "alarms.*") == (2, "yellow")
    alarms.clear(second.pk, person=None, why="测试")
    assert worst("things.*", "maps.*") == (2, "")
    Device.objects.filter(key="E").update(last_seen=timezone.now() - timedelta(hours=2))
    assert worst("things.*", "maps.*", "alarms.*") == (2, "silent")
    told = {
        one.properties["name"]: "silent" in one.properties for one in api.features(root_of(county), county.pk, layer)
    }
    assert told == {"E号罐": True, "W号罐": False}
    Device.objects.filter(key="E").update(is_enabled=False)
    assert worst("things.*", "records.*") == (2, "")


def root_of(county: County) -> access.Actor:
    return access.actor(person(county, "*", username="root of it"))
