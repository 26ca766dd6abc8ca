"""Boards composed by clicking: typed, they become a declaration and back, and show nobody more than they may see."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import pytest
import yaml
from django.test import Client
from tests.fixtures import person
from tests.web.pages import browser

from shizhu.engines.boards import grid, panels
from shizhu.engines.boards.boards import boards
from shizhu.engines.boards.grid import Size
from shizhu.engines.boards.http import drafting
from shizhu.kernel import access, overlays, packs
from shizhu.kernel.models import County, Person

pytestmark = pytest.mark.django_db
pytest_plugins = ["tests.engines.records.stalls"]
NEW = "/declarations/boards/new"


@pytest.fixture
def client(root: access.Actor, stall: Any) -> Client:
    """The administrator; three stalls, one of them in the west."""
    panels.forget()
    stall(kind="cart", seats=4, opened="2026-01-01")
    stall(kind="booth", seats=10, opened="2026-02-01")
    stall(area="102", kind="cart", seats=1)
    return browser(Person.objects.get(username="root"))


def typed(*blocks: dict[str, Any], do: str = "save", **head: str) -> dict[str, Any]:
    """What the page sends: blocks b1, b2 …"""
    names = [f"b{number}" for number in range(1, len(blocks) + 1)]
    sent: dict[str, Any] = {"r.zh": "摊位看板", "r.en": "Stalls", "r.icon": "map", "order": ",".join(names), "do": do}
    for name, block in zip(names, blocks, strict=True):
        sent |= {f"s.{name}.{word}": value for word, value in {"wide": "2", "high": "1", **block}.items()}
    return sent | head


BARS = {"zh": "各类摊位", "source": "records|lemonade.stall|", "kind": "bar", "measure": "sum:seats", "by": "kind"}
TOTAL = {"zh": "摊位总数", "source": "records|lemonade.stall|", "kind": "number", "measure": "count"}
TABLE = {"zh": "摊位清单", "source": "records|lemonade.stall|", "kind": "table", "rows": ["name", "seats"], "wide": "6"}
WORDS = {"zh": "说明", "kind": "text", "text": "每天更新"}


def test_what_is_typed_becomes_a_board_that_everybody_finds(client: Client, county: County) -> None:
    made = client.post(NEW, typed(BARS, TOTAL, TABLE, WORDS))
    assert (made.status_code, made.headers["location"]) == (302, "/declarations/boards/stalls/")
    body = packs.declaration("boards", "local.stalls", county.pk)
    assert body["layout"]["desk"] == body["layout"]["wall"] == ["b1 b1 b2 b2 b4 b4", "b3 b3 b3 b3 b3 b3"]
    asked = [field["panels"][0].get("query") for field in body["fields"]]
    about = {"from": "records", "of": "lemonade.stall"}
    assert asked == [
        {**about, "measure": "sum", "field": "seats", "by": ["kind"], "order": "-value"},
        about,
        {**about, "rows": ["name", "seats"], "order": "-opened"},
        None,
    ]
    assert [board.key for board in boards(county.pk)] == ["local.stalls"]
    shown = client.get("/boards/local.stalls/").content.decode()
    assert [word in shown for word in ("摊位总数", "每天更新", "3号摊")] == [True, True, True]
    assert shown.count("board-field is-alone") == 4


def test_the_page_shows_a_kept_board_as_it_was_typed(client: Client, county: County) -> None:
    client.post(
        NEW,
        typed({**BARS, "at": "1,3", "wide": "3"}, {**TOTAL, "where": "seats > 2", "span": "year", "time": "opened"}),
    )
    kept = overlays.find(county.pk, "boards", "local.stalls")
    assert kept
    head, blocks = drafting.written(kept.body, drafting.offers(county.pk)) or pytest.fail("it cannot be shown")
    assert (head.zh, head.en, head.icon) == ("摊位看板", "Stalls", "map")
    assert [(b.zh, b.kind, b.measure, b.by, b.where, b.span, b.at, b.wide, b.kept) for b in blocks] == [
        ("各类摊位", "bar", "sum:seats", "kind", "", "", "1,3", "3", None),
        ("摊位总数", "number", "count", "", "seats > 2", "year", "0,0", "2", None),
    ]
    page = client.get("/declarations/boards/stalls/").content.decode()
    assert 'value="seats &gt; 2"' in page


def test_a_click_keeps_nothing_and_shows_what_it_will_be(client: Client, county: County) -> None:
    shown = client.post(NEW, typed(BARS, TOTAL, do="up:b2")).content.decode()
    assert 'name="order" value="b2,b1"' in shown
    assert client.post(NEW, typed(BARS, do="add")).content.decode().count('class="part"') == 2
    put = client.post(NEW, typed(BARS, do="put:b1:0,4")).content.decode()
    assert 'name="s.b1.at" value="0,4"' in put
    address = put.partition("/declarations/boards/preview/")[2].partition("?")[0]
    for on, mark in (("desk", "board-preview"), ("phone", "board-preview"), ("wall", "board-wall")):
        seen = client.get(f"/declarations/boards/preview/{address}", {"on": on})
        assert mark in seen.content.decode()
        assert seen.headers["x-frame-options"] == "SAMEORIGIN"
        assert "frame-ancestors 'self'" in seen.headers["content-security-policy"]
    assert client.get(f"/declarations/boards/preview/{address}panels").status_code == 200
    assert overlays.own(county.pk) == []


WRONG = [
    ({**BARS, "by": ""}, "请选择按什么归类"),
    ({**BARS, "zh": ""}, "请给这一块起个标题"),
    ({**BARS, "source": "records|lemonade.nothing|"}, "请选择数据"),
    ({**TABLE, "rows": []}, "请至少选一列"),
    ({**WORDS, "text": ""}, "请写明要显示的文字"),
    ({**BARS, "top": "0"}, "1 到 200"),
    ({**BARS, "where": "spoon = 1"}, "spoon"),
    ({**BARS, "where": "owner = '张'"}, "owner"),
]


@pytest.mark.parametrize(("block", "said"), WRONG)
def test_what_is_wrong_is_said_at_its_block_and_nothing_is_kept(
    client: Client, county: County, block: Any, said: str
) -> None:
    answer = client.post(NEW, typed(TOTAL, block))
    shown = answer.content.decode()
    assert answer.status_code == 422
    assert said in shown[shown.index('id="card.b2"') :]
    assert overlays.own(county.pk) == []


def test_private_fields_are_not_offered(client: Client, county: County) -> None:
    names = {column.name for column in drafting.offers(county.pk)["records|lemonade.stall|"].columns}
    assert {"kind", "seats", "_town"} <= names
    assert names & {"owner", "phone", "illness"} == set()


def test_a_board_shows_nobody_more_than_they_may_see(client: Client, county: County) -> None:
    client.post(NEW, typed({**TOTAL, "measure": "sum:seats"}, TABLE))
    west = browser(person(county, "boards.board.view", "records.lemonade.stall.view", in_area="102"))
    shown = west.get("/boards/local.stalls/").content.decode()
    assert ("3号摊" in shown, "1号摊" in shown, "2号摊" in shown) == (True, False, False)
    assert "仅含您可见部分" in shown
    stranger = browser(person(county, "boards.board.view"))
    told = stranger.get("/boards/local.stalls/").content.decode()
    assert (told.count("您无权查看这部分"), "3号摊" in told) == (2, False)


def test_only_who_declares_for_the_county_composes(client: Client, county: County) -> None:
    shown = client.post(NEW, typed(BARS, do="draw")).content.decode()
    draft = shown.partition("/declarations/boards/preview/")[2].partition("/")[0]
    clerk = browser(person(county, "boards.board.view", "records.lemonade.stall.*"))
    for answer in (clerk.get(NEW), clerk.post(NEW, typed(BARS)), clerk.get(f"/declarations/boards/preview/{draft}/")):
        assert answer.status_code == 403
    other = browser(person(county, "*", username="other"))
    assert other.get(f"/declarations/boards/preview/{draft}/").status_code == 404
    assert overlays.own(county.pk) == []


def test_what_a_page_cannot_show_stays_as_it_was(client: Client, county: County) -> None:
    client.post(NEW, typed(TOTAL))
    row = overlays.find(county.pk, "boards", "local.stalls")
    assert row
    body = json.loads(json.dumps(row.body))
    body["fields"][0]["panels"][0] |= {
        "levels": {"red": 9},
        "query": {**body["fields"][0]["panels"][0]["query"], "measure": "share", "that": "seats > 2"},
    }
    row = overlays.save(county.pk, "boards", "local.stalls", body, read=row.digest)
    assert "由文件声明" in client.get("/declarations/boards/stalls/").content.decode()
    sent = typed({"zh": "有座率", "wide": "3"}, BARS) | {"read": row.digest}
    assert client.post("/declarations/boards/stalls/", sent).status_code == 302
    kept = packs.declaration("boards", "local.stalls", county.pk)["fields"]
    assert kept[0]["panels"][0] == body["fields"][0]["panels"][0] | {"title": {"zh": "有座率", "en": "有座率"}}
    assert kept[1]["panels"][0]["kind"] == "bar"


def test_blocks_lie_where_they_shall_and_else_where_there_is_room() -> None:
    blocks = {"a": Size(4, 1), "b": Size(3, 2), "c": Size(2, 1), "d": Size(1, 1, (0, 5)), "e": Size(6, 1, (0, 1))}
    rows = grid.areas(blocks)
    assert rows == ["a a a a . d", "b b b c c .", "b b b . . .", "e e e e e e"]
    assert grid.sizes(rows, list(blocks)) == {
        "a": Size(4, 1, (0, 0)), "b": Size(3, 2, (1, 0)), "c": Size(2, 1, (1, 3)), "d": Size(1, 1, (0, 5)),
        "e": Size(6, 1, (3, 0)),
    }  # fmt: skip
    assert grid.sizes(["x x y", "x x y"], ["x", "y"]) == {"x": Size(4, 2), "y": Size(2, 2)}
    assert grid.sizes(["x x x x y"], ["x", "y"]) is None
    assert grid.sizes(["x y", "y y"], ["x", "y"]) is None


def test_a_board_is_handed_on_and_taken_again(client: Client, county: County) -> None:
    client.post(NEW, typed({**TOTAL, "source": "alarms||", "where": "is_open = TRUE"}))
    sent = {"id": "stands", "zh": "摊", "en": "Stands", "row": ["boards/local.stalls"]}
    answer = client.post("/declarations/export", sent)
    assert answer.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as file:
        text = file.read("stands/boards/stalls.yaml").decode()
    assert yaml.safe_load(text)["fields"][0]["panels"][0]["query"] == {"from": "alarms", "where": "is_open = TRUE"}
