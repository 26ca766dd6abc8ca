"""Pages of stations: only what one may see, values with unit and age, bad input for those who may deal with it."""

from __future__ import annotations

import ast
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import psycopg
import pytest
from django.conf import settings
from django.db import connection
from django.utils import translation
from tests.fixtures import TOY, area, organisation, person
from tests.web.pages import browser, text

from shizhu.engines.things import api, store
from shizhu.engines.things.catalogue import Catalogue
from shizhu.engines.things.http import reasons
from shizhu.engines.things.logic.readings import Reading, Reject, Verdict
from shizhu.engines.things.models import Datastream, Device, Quarantine
from shizhu.kernel import packs
from shizhu.kernel.models import County

pytestmark = pytest.mark.django_db(transaction=True)


def jug(county: County, key: str, town: str) -> Device:
    wanted = api.Registration(
        key, "lemonade.jug", f"{key}号罐", organisation(county, "stand"), area(county, town), (100.2, 30.2),
        origin=api.Origin.SIMULATED, properties={"colour": "yellow"},
    )  # fmt: skip
    return api.register(wanted)[0]


@pytest.fixture
def east(county: County) -> Device:
    return jug(county, "E", "101")


@pytest.fixture
def west(county: County) -> Device:
    return jug(county, "W", "102")


async def commit(batch: store.Batch) -> None:
    """Commit as ingest does, on a connection of its own."""
    address = settings.DATABASE_URL.replace("/shizhu?", f"/{connection.settings_dict['NAME']}?")
    async with await psycopg.AsyncConnection.connect(address, autocommit=True) as plain:
        catalogue = Catalogue()
        await catalogue.refresh(plain)
        await store.commit(plain, batch, catalogue.streams)


def reading(device: Device, name: str, ago: timedelta, value: float, verdict: Verdict = Verdict.GOOD) -> Reading:
    stream = Datastream.objects.get(thing=device.thing, key=name)
    return Reading(stream.pk, datetime.now(UTC) - ago, value, verdict, api.Origin.SIMULATED)


def refused(device: Device | None, sender: str, rule: str = "a number") -> store.Refused:
    reject = Reject("level", "lots", rule)
    return store.Refused(datetime.now(UTC), "mqtt", device.pk if device else None, sender, b"PW=123456;v", reject)


def test_a_list_has_the_stations_one_may_see(county: County, east: Device, west: Device) -> None:
    near = browser(person(county, "things.thing.view", in_area="101")).get("/things/")
    assert [row["thing"].name for row in near.context["rows"]] == ["E号罐"]
    assert [part for part in ("E号罐", "东镇", "模拟", "无数据") if part not in text(near)] == []
    wide = browser(person(county, "things.thing.view"))
    found = {q: [row["thing"].name for row in wide.get(f"/things/{q}").context["rows"]] for q in ("", "?q=W", "?q=x")}
    assert found == {"": ["E号罐", "W号罐"], "?q=W": ["W号罐"], "?q=x": []}
    assert "没有这个名称或编号的站点" in text(wide.get("/things/?q=x"))


def test_the_search_finds_the_stations_one_may_see(county: County, east: Device, west: Device) -> None:
    def found(who: Any, asked: str) -> list[str]:
        return [hit.title for group in who.get(f"/search?q={asked}").context["groups"] for hit in group.hits]

    wide, near = (
        browser(person(county, "things.thing.view")),
        browser(person(county, "things.thing.view", in_area="101")),
    )
    assert (found(wide, "号罐"), found(near, "号罐"), found(wide, "W"), found(near, "W")) == (
        ["E号罐", "W号罐"], ["E号罐"], ["W号罐"], [],
    )  # fmt: skip
    assert found(browser(person(county, "cases.case.view")), "号罐") == []


def test_who_has_no_right_gets_no_page(county: County, east: Device) -> None:
    stranger, far = browser(person(county, "cases.*")), browser(person(county, "things.*", in_area="102"))
    address = f"/things/{east.thing_id}/"
    assert [stranger.get(page).status_code for page in ("/things/", address, "/things/quarantine/")] == [403] * 3
    assert (far.get(address).status_code, far.get("/things/999999/").status_code) == (403, 404)


def test_one_station_shows_values_with_unit_age_and_doubt(county: County, east: Device, run: Any) -> None:
    values = [
        reading(east, "temperature", timedelta(hours=3), 21.5),
        reading(east, "temperature", timedelta(minutes=5), 99.0, Verdict.BAD),
    ]
    run(commit(store.Batch(values, seen={east.pk: (datetime.now(UTC), b"PW=123456;t=21.5")})))
    client = browser(person(county, "things.thing.view"))
    page = client.get(f"/things/{east.thing_id}/")
    assert [(item["stream"].property, item["point"].value) for item in page.context["values"]] == [
        ("temperature", 99.0)
    ]
    assert [stream.property for stream in page.context["silent"]] == ["level", "pressure"]
    parts = [
        "99 ℃",
        "5\xa0分钟前",
        "存疑",
        "超出可信范围 -5～60",
        "从未上报： 液位",
        "在线",
        "刚刚",
        "水罐",
        "colour yellow",
        "PW=******;t=21.5",
    ]
    assert [part for part in parts if part.replace("\xa0", " ") not in text(page)] == []
    assert [point[1] for point in page.context["chart"]["points"]] == [21.5, 99.0]
    assert [row["value"] for row in page.context["decoded"]] == [99.0]  # of a batch, the last of each property
    spans = {
        span: len(client.get(f"/things/{east.thing_id}/?span={span}").context["chart"]["points"])
        for span in ("6h", "x")
    }
    assert spans == {"6h": 2, "x": 2}
    level = Datastream.objects.get(thing=east.thing, key="level").pk
    assert "这段时间没有数据" in text(client.get(f"/things/{east.thing_id}/?stream={level}"))
    assert client.get(f"/things/{east.thing_id}/?stream=²").status_code == 200


def test_a_station_that_never_sent_says_so(county: County, east: Device) -> None:
    page = browser(person(county, "things.thing.view")).get(f"/things/{east.thing_id}/")
    assert [part for part in ("此站还没有上报数据", "无数据") if part not in text(page)] == []


def test_quarantine_is_for_those_with_the_right_and_of_their_places(
    county: County, east: Device, west: Device, run: Any
) -> None:
    run(commit(store.Batch(refused=[refused(east, "E"), refused(west, "W"), refused(None, "stranger")])))
    seen = {}
    for name, verbs, town in (
        ("near", ("things.thing.view", "things.quarantine.view"), "101"),
        ("wide", ("things.thing.view", "things.quarantine.view"), ""),
    ):
        client = browser(person(county, *verbs, username=name, in_area=town))
        rows = client.get("/things/quarantine/").context["rows"]
        seen[name] = sorted(item["row"].sender for item in rows), client.get("/things/").context["waiting"]
    assert seen == {"near": (["E"], 1), "wide": (["E", "W", "stranger"], 3)}
    viewer = browser(person(county, "things.thing.view"))
    assert viewer.get("/things/quarantine/").status_code == 403
    assert "/things/quarantine/" not in viewer.get("/things/").content.decode()


def test_bad_input_is_told_in_words_with_what_came(county: County, east: Device, run: Any) -> None:
    run(commit(store.Batch(refused=[refused(east, "E", "A1B2 by HJ 212 Appendix A")])))
    page = text(browser(person(county, "things.quarantine.view")).get("/things/quarantine/"))
    parts = ["E号罐", "level 按 HJ 212 附录 A 应为 A1B2", "数值 lots", "PW=******;v", "mqtt"]
    assert [part for part in parts if part not in page] == []
    assert "已处理" not in page


def test_dealing_with_bad_input_needs_its_right(county: County, east: Device, west: Device, run: Any) -> None:
    run(commit(store.Batch(refused=[refused(east, "E")])))
    number = Quarantine.objects.get().pk
    address = f"/things/quarantine/{number}/dealt-with"
    verbs = "things.quarantine.view", "things.quarantine.edit"
    assert browser(person(county, verbs[0])).post(address).status_code == 403
    assert browser(person(county, *verbs, in_area="102")).post(address).status_code == 404
    boss = browser(person(county, *verbs, in_area="101"))
    assert boss.get(address).status_code == 405
    assert Quarantine.objects.get().dealt_with is None
    page = boss.post(address, follow=True)
    assert (page.redirect_chain, page.context["rows"]) == ([("/things/quarantine/", 302)], [])
    assert Quarantine.objects.get().dealt_with is not None
    assert boss.post(address).status_code == 404


def test_bad_input_is_dealt_with_where_one_has_that_right(county: County, east: Device, west: Device, run: Any) -> None:
    run(
        commit(store.Batch(refused=[refused(sender, name) for sender, name in ((east, "E"), (west, "W"), (None, "S"))]))
    )
    who = person(county, "things.quarantine.view", username="both")
    post = person(county, "things.quarantine.edit", username="other", in_area="102").posts.get()
    post.person = who
    post.save()
    client = browser(who)
    page = client.get("/things/quarantine/")
    assert {item["row"].sender: item["may_deal"] for item in page.context["rows"]} == {
        "E": False,
        "W": True,
        "S": False,
    }
    assert page.content.decode().count("dealt-with") == 1
    numbers = dict(Quarantine.objects.values_list("sender", "pk"))
    answers = {
        name: client.post(f"/things/quarantine/{number}/dealt-with").status_code for name, number in numbers.items()
    }
    assert answers == {"E": 403, "W": 302, "S": 403}
    assert set(Quarantine.objects.filter(dealt_with=None).values_list("sender", flat=True)) == {"E", "S"}


@pytest.mark.parametrize(
    ("rule", "chinese"),
    [
        ("a number", "应为数字"),
        ("a number 1..9999", "应为 1..9999 的数字"),
        ("0012 characters of data segment (this counts bytes)", "数据段应计 0012 个字符（所给为字节数）"),
        ("a rule nobody listed", "a rule nobody listed"),
    ],
)
def test_reasons_are_said_in_the_language_in_force(rule: str, chinese: str) -> None:
    with translation.override("zh-hans"):
        assert reasons.in_words(rule) == chinese
    with translation.override("en"):
        assert reasons.in_words(rule) == rule


def reasons_in(file: Path) -> Iterator[str]:
    """The rules that a file names, whatever varies in them written as X."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        name = getattr(node, "func", None)
        if getattr(name, "attr", getattr(name, "id", "")) not in {
            "FrameError",
            "deviation",
            "Remark",
            "Reject",
            "_nothing",
        }:
            continue
        rule = node.args[-1] if isinstance(node, ast.Call) and node.args else None
        if isinstance(rule, ast.Constant):
            yield str(rule.value)
        elif isinstance(rule, ast.JoinedStr):
            yield "".join(part.value if isinstance(part, ast.Constant) else "X" for part in rule.values)


def test_every_reason_in_the_code_has_a_chinese_text() -> None:
    source = Path(reasons.__file__).parents[3]
    files = [
        *source.glob("wire/hj212/*.py"),
        *source.glob("engines/things/*.py"),
        source / "engines/things/logic/readings.py",
    ]
    found = sorted({rule for file in files for rule in reasons_in(file)})
    with translation.override("zh-hans"):
        assert [rule for rule in found if reasons.in_words(rule) == rule] == [
            "X (this is Modbus CRC-16)",  # where X is itself a rule, that of Appendix A
            "X characters of data segmentX",  # where the second X is nothing, or that bytes were counted
            "must read back as the same packet",  # of frames we write, nobody sends it
        ]


def test_of_a_value_that_counts_up_its_growth_is_shown(county: County, run: Any, tmp_path: Path) -> None:
    folder = tmp_path / "lemonade"
    shutil.copytree(TOY, folder)
    profile = folder / "things/jug.yaml"
    grows = "range: [0, 40]\n    growth: { during: PT1H, title: { zh: 一小时涨, en: Rise in an hour } }"
    profile.write_text(profile.read_text(encoding="utf-8").replace("range: [0, 40]", grows), encoding="utf-8")
    packs.sync([packs.read(folder)])
    packs.forget()
    east = jug(county, "E", "101")
    levels = [(130, 0), (70, 10), (30, 14), (10, 2), (0, 5)]  # minutes ago, cm: after the third it was emptied
    run(commit(store.Batch([reading(east, "level", timedelta(minutes=ago), value) for ago, value in levels])))
    client = browser(person(county, "*"))

    def shown(at: str = "") -> list[tuple[str, float | None]]:
        (one,) = client.get(f"/map/layers/lemonade.jugs.geojson{at}").json()["features"]
        return [(value["title"], value["value"]) for value in one["properties"]["values"]]

    assert shown() == [("温度", None), ("一小时涨", 7), ("液位", 5), ("压力", None)]
    then = datetime.now(UTC) - timedelta(minutes=20)
    assert shown(f"?{urlencode({'at': then.isoformat()})}")[1:3] == [("一小时涨", 14), ("液位", 14)]
    then = datetime.now(UTC) - timedelta(minutes=120)
    assert shown(f"?{urlencode({'at': then.isoformat()})}")[1:3] == [("一小时涨", None), ("液位", 0)]
    for page in (f"/things/{east.thing_id}/", f"/map/file/thing-{east.thing_id}/"):
        assert "一小时涨 7 cm" in text(client.get(page))
