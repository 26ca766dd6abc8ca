"""Spatial questions, with exact answers and against brute force; each answers with what its asker may see."""

from __future__ import annotations

import json
from io import BytesIO
from typing import Any

import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook
from tests.engines.maps.ground import DITCH, LANE, PATCH, put
from tests.fixtures import area, person
from tests.web.pages import browser

from shizhu.engines.maps import api, selections
from shizhu.engines.maps.http import answers
from shizhu.engines.records import batches
from shizhu.engines.records import models as records
from shizhu.kernel import access
from shizhu.kernel.access import Actor
from shizhu.kernel.models import Area, County
from shizhu.lib import geodesy

pytest_plugins = ["tests.engines.records.stalls", "tests.engines.maps.grounds"]
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("ground")]
STALLS = "lemonade.stalls"
HERE = (100.75, 30.5)


def names(found: list[api.Feature]) -> list[str]:
    return [one.properties["name"] for one in found]


@pytest.fixture
def east(county: County) -> Actor:
    """Somebody of the eastern town."""
    return access.actor(person(county, "*", in_area="101", username="east"))


def test_which_area_and_which_patch(county: County, root: Actor, east: Actor) -> None:
    put(root, county, PATCH, "甲地", "POLYGON((100.7 30.4,100.8 30.4,100.8 30.6,100.7 30.6,100.7 30.4))")
    put(root, county, PATCH, "乙地", "POLYGON((100.7 30.4,100.9 30.4,100.9 30.9,100.7 30.4))", town="102")
    put(root, county, PATCH, "丙地", "POLYGON((100.1 30.4,100.2 30.4,100.2 30.6,100.1 30.4))")
    layer = api.layer(county.pk, root, PATCH)
    assert sorted(names(api.containing(root, county.pk, layer, HERE))) == ["乙地", "甲地"]
    assert names(api.containing(east, county.pk, layer, HERE)) == ["甲地"]
    assert [area.name for area in api.areas_at(county.pk, HERE)] == ["甲县", "东镇"]
    assert api.areas_at(county.pk, (0, 0)) == []


def test_the_nearest_come_with_their_distance(county: County, stall: Any, root: Actor, east: Actor) -> None:
    stall(at=(100.75, 30.6))
    stall(at=(100.75, 30.51), area="102")
    stall(at=(100.80, 30.5))
    layer = api.layer(county.pk, root, STALLS)
    near = api.nearest(root, county.pk, layer, HERE, 2)
    assert [one.feature.properties["name"] for one in near] == ["2号摊", "3号摊"]
    assert [one.metres for one in near] == pytest.approx(
        [geodesy.distance(HERE, (100.75, 30.51)), geodesy.distance(HERE, (100.8, 30.5))], abs=1e-3
    )
    assert [one.feature.properties["name"] for one in api.nearest(east, county.pk, layer, HERE, 2)] == [
        "3号摊",
        "1号摊",
    ]


PLACES = st.lists(st.tuples(st.floats(100.0, 101.0), st.floats(30.0, 31.0)), min_size=1, max_size=12, unique=True)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(places=PLACES, here=st.tuples(st.floats(100, 101), st.floats(30, 31)), radius=st.floats(100, 60_000))
def test_nearest_and_within_are_what_measuring_all_gives(
    county: County, root: Actor, places: list[tuple[float, float]], here: tuple[float, float], radius: float
) -> None:
    from shizhu.engines.records.models import Record  # noqa: PLC0415

    Record.objects.all().delete()
    for number, place in enumerate(places):
        put(root, county, PATCH, f"{number:02}", shapely.Point(place).buffer(1e-9).wkt)
    layer = api.layer(county.pk, root, PATCH)
    far = {f"{number:02}": geodesy.distance(here, place) for number, place in enumerate(places)}
    near = api.nearest(root, county.pk, layer, here, 100)
    assert [one.metres for one in near] == pytest.approx(sorted(far.values()), abs=0.01)
    inside = set(names(api.within(root, county.pk, layer, api.Circle(here, radius))))
    assert {name for name, metres in far.items() if metres < radius - 0.01} <= inside
    assert inside <= {name for name, metres in far.items() if metres < radius + 0.01}


@pytest.fixture
def lanes(county: County, root: Actor, ground: None) -> None:
    """主 runs east along 30.5; 支 falls onto it at 100.6; 末 goes on where 主 ends, in the other town."""
    put(root, county, LANE, "主", "LINESTRING(100.5 30.5,100.8 30.5)")
    put(root, county, LANE, "支", "LINESTRING(100.6 30.6,100.6 30.5)")
    put(root, county, LANE, "末", "LINESTRING(100.8 30.5,100.9 30.4)", town="102")


@pytest.mark.usefixtures("lanes")
def test_upstream_and_downstream_of_a_place(county: County, stall: Any, root: Actor, east: Actor) -> None:
    layer, stalls = api.layer(county.pk, root, LANE), api.layer(county.pk, root, STALLS)
    stall(at=(100.6, 30.55))
    stall(at=(100.8, 30.501), area="102")
    stall(at=(100.55, 30.51))  # a kilometre away
    up, down = (ask(root, county.pk, layer, (100.7, 30.5005)) for ask in (api.upstream, api.downstream))
    assert up is not None
    assert down is not None
    assert (names(list(up.lines)), names(list(down.lines))) == (["主", "支"], ["主", "末"])
    assert up.length == pytest.approx(
        geodesy.length([(100.5, 30.5), (100.7, 30.5)]) + geodesy.length([(100.6, 30.6), (100.6, 30.5)]), rel=1e-3
    )
    assert up.geometry.bounds == pytest.approx((100.5, 30.5, 100.7, 30.6), abs=1e-4)
    assert [one.feature.properties["name"] for one in api.beside(root, county.pk, stalls, up)] == ["1号摊"]
    assert [one.feature.properties["name"] for one in api.beside(root, county.pk, stalls, down)] == ["2号摊"]
    hers = api.downstream(east, county.pk, layer, (100.7, 30.5))
    assert hers is not None
    assert names(list(hers.lines)) == ["主"]
    assert api.beside(east, county.pk, stalls, hers) == []
    assert api.upstream(root, county.pk, layer, (100.7, 30.9)) is None


@pytest.fixture
def ditches(county: County, root: Actor, ground: None) -> None:
    """一 and 二 meet in the pond, which 三 leaves a kilometre off; 旁 ends on 三 and has nothing to do with it."""
    put(root, county, DITCH, "一", "LINESTRING(100.50 30.50,100.60 30.50)", above="山", below="塘")
    put(root, county, DITCH, "二", "LINESTRING(100.60 30.60,100.60 30.51)", above="坡", below="塘")
    put(root, county, DITCH, "三", "LINESTRING(100.61 30.50,100.80 30.50)", above="塘", below="江")
    put(root, county, DITCH, "旁", "LINESTRING(100.70 30.55,100.70 30.50)", above="井", below="田")


@pytest.mark.usefixtures("lanes", "ditches")
def test_declared_nodes_decide_what_flows_into_what(county: County, stall: Any, root: Actor) -> None:
    layer, stalls = api.layer(county.pk, root, DITCH), api.layer(county.pk, root, STALLS)
    stall(at=(100.6, 30.55))
    stall(at=(100.52, 30.5))
    stall(at=(100.65, 30.501))
    up = api.upstream(root, county.pk, layer, (100.71, 30.4999))
    assert up is not None
    below, first, second = (
        geodesy.length(way)
        for way in (
            [(100.61, 30.5), (100.71, 30.5)], [(100.5, 30.5), (100.6, 30.5)], [(100.6, 30.6), (100.6, 30.51)],
        )
    )  # fmt: skip
    own, *others = [(part.feature.properties["name"], part.order) for part in up.parts]
    assert (own, sorted(others)) == (("三", 0), [("一", 1), ("二", 1)])  # these two flow in at one place
    assert [part.metres for part in up.parts] == pytest.approx([0, below, below], rel=1e-3)
    assert up.length == pytest.approx(below + first + second, rel=1e-3)
    near = api.beside(root, county.pk, stalls, up)
    assert [(one.feature.properties["name"], one.order) for one in near] == [("3号摊", 0), ("1号摊", 1), ("2号摊", 1)]
    along = [geodesy.length(way) for way in (
        [(100.65, 30.5), (100.71, 30.5)], [(100.6, 30.55), (100.6, 30.51)], [(100.52, 30.5), (100.6, 30.5)],
    )]  # fmt: skip
    assert [one.metres for one in near] == pytest.approx([along[0], below + along[1], below + along[2]], rel=1e-3)
    down = api.downstream(root, county.pk, layer, (100.6, 30.56))
    assert down is not None
    assert [(part.feature.properties["name"], part.order) for part in down.parts] == [("二", 0), ("三", 1)]
    told = ask(browser(person(county, "*")), "upstream?at=100.71,30.4999")
    assert (told["declared"], [(one["name"], one["order"]) for one in told["lines"]]) == (
        True, [("三", 0), ("一", 1), ("二", 1)],
    )  # fmt: skip


def test_a_link_without_its_nodes_flows_as_it_is_drawn(county: County, root: Actor) -> None:
    put(root, county, DITCH, "上", "LINESTRING(100.50 30.50,100.60 30.50)")
    put(root, county, DITCH, "下", "LINESTRING(100.60 30.50,100.70 30.50)", above="塘", below="江")
    put(root, county, DITCH, "远", "LINESTRING(100.70 30.50,100.80 30.50)", above="海", below="洋")
    up = api.upstream(root, county.pk, api.layer(county.pk, root, DITCH), (100.65, 30.5))
    down = api.downstream(root, county.pk, api.layer(county.pk, root, DITCH), (100.65, 30.5))
    assert up is not None
    assert down is not None
    assert (names(list(up.lines)), names(list(down.lines))) == (["下", "上"], ["下"])


def ask(client: Any, address: str, status: int = 200) -> Any:
    answer = client.get(f"/map/{address}")
    assert answer.status_code == status
    return json.loads(answer.content)


@pytest.mark.usefixtures("lanes")
def test_what_the_map_is_told(county: County, stall: Any) -> None:
    stall(at=(100.75, 30.51), kind="cart")
    client = browser(person(county, "*"))
    here = ask(client, "around?at=100.75,30.5")
    assert ([area["name"] for area in here["areas"]], here["inside"]) == (["甲县", "东镇"], [])
    assert [(one["title"], [near["name"] for near in one["features"]]) for one in here["layers"]] == [
        ("摊位", ["1号摊"]), (LANE, ["主", "末", "支"]),
    ]  # fmt: skip
    assert here["layers"][0]["features"][0]["metres"] == pytest.approx(1108.6, abs=0.3)
    course = ask(client, "downstream?at=100.75,30.5")
    assert [one["name"] for one in course["lines"]] == ["主", "末"]
    assert ask(client, "upstream?at=0,0")["geometry"] is None
    measured = ask(client, "measure?path=100,30;101,30")
    assert measured == {"metres": pytest.approx(geodesy.length([(100, 30), (101, 30)]))}
    ring = ask(client, "measure?path=100,30;101,30;101,31&closed")
    assert ring["square_metres"] == pytest.approx(geodesy.area([(100, 30), (101, 30), (101, 31)]))


def test_choosing_counts_by_layer_and_gives_the_same_as_a_table(county: County, stall: Any) -> None:
    stall(at=(100.75, 30.51), kind="cart")
    stall(at=(100.2, 30.5), area="102", name="=1+1")
    client, hers = browser(person(county, "*")), browser(person(county, "*", in_area="101"))
    box = "box=100,30;101,31"
    counted = [[(one["title"], one["count"]) for one in ask(c, f"select?{box}")["layers"]] for c in (client, hers)]
    assert counted == [[("摊位", 2)], [("摊位", 1)]]
    for region in ("polygon=100.7,30.4;100.8,30.4;100.8,30.9", "circle=100.75,30.5,1200", f"area={county.pk}101"):
        (layer,) = ask(client, f"select?{region}")["layers"]
        assert [one["name"] for one in layer["features"]] == ["1号摊"], region
    assert ask(client, "select?circle=100.75,30.5,1100")["layers"] == []
    answer = client.get(f"/map/select.xlsx?{box}")
    rows = list(load_workbook(BytesIO(answer.content)).active.iter_rows(values_only=True))
    assert [row[:6] for row in rows[1:]] == [
        ("摊位", "1号摊", "东镇", "推车", 100.75, 30.51), ("摊位", "=1+1", "西镇", None, 100.2, 30.5),
    ]  # fmt: skip
    assert load_workbook(BytesIO(answer.content)).active["B3"].data_type == "s"


def test_a_large_choice_is_counted_exactly_paged_and_written_by_a_worker(
    county: County, stall: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers, "MOST", 2)
    monkeypatch.setattr(selections, "AT_ONCE", 4)
    monkeypatch.setattr(selections, "CHUNK", 2)
    for n in range(5):
        stall(at=(100.6 + n / 100, 30.5))
    stall(at=(100.2, 30.5), area="102")
    owner, hers = person(county, "*"), person(county, "*", in_area="101", username="hers")
    client, her = browser(owner), browser(hers)
    for region in ("box=100,30;101,31", "circle=100.4,30.5,50000", "polygon=100,30;101,30;101,31;100,31.5"):
        pages = [ask(client, f"select?{region}&first={first}")["layers"][0] for first in (0, 2, 4, 6)]
        names_ = [[one["name"] for one in page["features"]] for page in pages]
        assert names_ == [["1号摊", "2号摊"], ["3号摊", "4号摊"], ["5号摊", "6号摊"], []], region
        assert {page["count"] for page in pages} == {6}
        assert ask(her, f"select?{region}")["count"] == 5
    begun = client.get("/map/select.xlsx?box=100,30;101,31")
    assert begun.status_code == 302
    page, number = begun["Location"], int(begun["Location"].split("/")[-2])
    assert "正在生成文件" in client.get(page).content.decode()
    records.Record.objects.filter(key="S006").update(area=area(county, "101"))
    batches.run(number)
    answer = client.get(f"{page}selection.xlsx")
    rows = list(load_workbook(BytesIO(b"".join(answer.streaming_content))).active.iter_rows(values_only=True))
    assert [row[1] for row in rows] == ["名称", *(f"{n}号摊" for n in range(1, 7))]
    assert rows[1][7] == f"http://testserver/records/lemonade.stall/{records.Record.objects.get(key='S001').pk}/"
    assert client.get(f"{page}?part")["HX-Refresh"] == "true"
    for other in (her, browser(person(county, "maps.*", username="other"))):
        assert [other.get(one).status_code for one in (page, f"{page}selection.xlsx")] == [404, 404]
    lost = selections.begin(owner, county.pk, {"box": "100,30;101,31"}, "")
    owner.posts.all().delete()
    batches.run(lost.pk)
    lost.refresh_from_db()
    assert (lost.state, lost.made, lost.fault) == ("failed", None, "您已不能查看一张图。")


def test_a_region_that_is_none_is_refused(county: County) -> None:
    client = browser(person(county, "*"))
    for query, why in (
        ("area=nowhere", "area: 'nowhere': must be an area with a shape; or give a box, polygon, circle"),
        ("polygon=1,1;2,2", "polygon: 2 positions: must be 3 to 500"),
        ("circle=1,1,-5", "circle: '-5': the radius must be more than 0 and at most 500000 metres"),
        ("circle=1,95,5", "circle: '1,95': longitude lies within 180, latitude within 90 degrees"),
        ("box=a,b;1,2", "box: 'a,b': must be longitude,latitude in degrees"),
    ):
        assert ask(client, f"select?{query}", 400) == {"error": why}


def test_search_finds_areas_records_and_coordinates(county: County, stall: Any) -> None:
    stall(at=(100.75, 30.51))
    stall(name="东边的摊", at=(100.2, 30.5), area="102")
    town = Area.objects.get(county=county, code=f"{county.pk}101")
    village = {"level": "village", "parent": town, "path": f"{town.path}1/", "sort_key": "dong cun"}
    Area.objects.create(county=county, code=f"{county.pk}101001", name="东村", **village)

    def found(client: Any, words: str) -> list[tuple[str, list[tuple[str, str]]]]:
        told = ask(client, f"search?q={words}")
        return [(kind["title"], [(one["name"], one.get("where", "")) for one in kind["features"]]) for kind in told]

    client = browser(person(county, "*"))
    assert found(client, "东") == [
        ("行政区划", [("东镇", ""), ("东村", "位置不详，显示所属的东镇")]), ("摊位", [("东边的摊", "西镇")]),
    ]  # fmt: skip
    assert found(client, "S001") == [("摊位", [("1号摊", "东镇")])]
    assert found(client, "30.5 100.75") == [("坐标", [("100.750000, 30.500000", "")])]
    assert found(client, "") == found(client, "没有这个") == []
    hers = browser(person(county, "*", in_area="101"))
    assert found(hers, "摊") == [("摊位", [("1号摊", "东镇")])]
    assert found(browser(person(county, "maps.map.view")), "摊") == []


def test_without_the_right_to_the_map_nothing_is_answered(county: County) -> None:
    stranger = browser(person(county, "records.*.*.view", "things.*"))
    box = "box=1,1;2,2"
    asked = ("search?q=a", "measure?path=1,1;2,2", f"select?{box}", f"select.xlsx?{box}", "around?at=1,1")
    for address in (*asked, "upstream?at=1,1", "downstream?at=1,1"):
        assert stranger.get(f"/map/{address}").status_code == 403
