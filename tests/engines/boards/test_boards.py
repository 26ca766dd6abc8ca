"""Boards: what a panel shows is what its viewer may see, and every number leads to as many rows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from html import unescape
from typing import Any

import pytest
from tests.fixtures import TOY, person
from tests.web.pages import browser, text

from shizhu.engines.boards import api, panels
from shizhu.engines.boards.shown import shown
from shizhu.kernel import access, packs
from shizhu.kernel.models import County, Declaration, Person

pytestmark = pytest.mark.django_db
pytest_plugins = ["tests.engines.records.stalls"]
STALLS = "records.lemonade.stall.view"
NOW = datetime(2026, 7, 15, 4, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def afresh() -> Iterator[None]:
    """No answer of another test."""
    panels.forget()
    yield
    panels.forget()


def panel(kind: str, query: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "key": "one",
        "title": {"zh": "一", "en": "One"},
        "kind": kind,
        "query": {"from": "records", **query},
        **more,
    }


def of_stalls(**query: Any) -> dict[str, Any]:
    return {"of": "lemonade.stall", **query}


def ask(who: Person, asked: dict[str, Any], at: datetime = NOW) -> panels.Answer:
    return panels.ask(asked, access.actor(who), who.county_id, at)


def pairs(found: panels.Answer) -> list[tuple[Any, ...]]:
    return [(*(c["zh"] if isinstance(c, dict) else c for c in row.cells),) for row in found.result.rows]


def board(county: County, *shown_panels: dict[str, Any]) -> str:
    """A board of the county with these panels; returns its address."""
    body = {
        "title": {"zh": "甲县看板", "en": "Jia"},
        "fields": [{"key": "all", "title": {"zh": "全部", "en": "All"}, "panels": list(shown_panels)}],
    }
    Declaration.objects.create(kind="boards", key="county.one", county=county, body=body, digest="", source="county")
    packs.forget()
    return "/boards/county.one/"


@pytest.fixture
def stalls(county: County, stall: Any) -> None:
    stall(kind="cart", seats=4, price=5.5, is_shaded=True, opened="2026-05-02", area="101")
    stall(kind="cart", seats=2, price=6.5, is_shaded=False, opened="2026-07-01", area="101")
    stall(kind="booth", seats=9, opened="2026-07-15", area="102")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, 3),
        ({"where": "seats > 3"}, 2),
        ({"measure": "sum", "field": "seats"}, 15),
        ({"measure": "avg", "field": "price"}, 6),
        ({"measure": "min", "field": "seats"}, 2),
        ({"measure": "median", "field": "seats"}, 4),
        ({"measure": "distinct", "field": "kind"}, 2),
        ({"measure": "share", "that": "is_shaded = TRUE"}, 33.333333333333336),
        ({"during": {"time": "opened", "span": "month"}}, 2),
        ({"during": {"time": "opened", "span": "day"}}, 1),
        ({"where": "seats > 99", "measure": "sum", "field": "seats"}, None),
    ],
)
def test_a_number_is_what_its_rows_make(county: County, stalls: None, query: dict[str, Any], expected: Any) -> None:
    found = ask(person(county, STALLS), panel("number", of_stalls(**query)))
    assert found.result.value == pytest.approx(expected) if expected is not None else found.result.value is None


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"by": ["kind"]}, [("推车", 2), ("亭子", 1)]),
        ({"by": ["kind"], "order": "-value", "top": 1}, [("推车", 2)]),
        ({"by": ["_town"], "measure": "sum", "field": "seats"}, [("东镇", 6), ("西镇", 9)]),
        ({"by": ["is_shaded"]}, [("否", 1), ("是", 1), ("未填", 1)]),
        ({"by": ["opened"], "each": "year"}, [("2026", 3)]),
        (
            {"by": ["opened"], "each": "month", "during": {"time": "opened", "span": "P90D"}},
            [("2026-04", 0), ("2026-05", 1), ("2026-06", 0), ("2026-07", 2)],
        ),
        ({"by": ["_town", "kind"]}, [("东镇", "推车", 2), ("西镇", "亭子", 1)]),
    ],
)
def test_rows_are_put_together(county: County, stalls: None, query: dict[str, Any], expected: Any) -> None:
    assert pairs(ask(person(county, STALLS), panel("bar", of_stalls(**query)))) == expected


@pytest.mark.parametrize(
    "query",
    [
        {}, {"where": "seats > 3"}, {"by": ["kind"]}, {"by": ["_town"]}, {"by": ["is_shaded"]}, {"by": ["_state"]},
        {"by": ["opened"], "each": "month"}, {"by": ["price"]}, {"measure": "share", "that": "is_shaded = TRUE"},
        {"during": {"time": "opened", "span": "month"}, "by": ["kind"]}, {"by": ["_created"], "each": "day"},
    ],
)  # fmt: skip
def test_every_number_leads_to_as_many_rows(county: County, stalls: None, query: dict[str, Any]) -> None:
    someone = person(county, STALLS, in_area="101")
    result = ask(someone, panel("bar", of_stalls(**query)), datetime(2026, 12, 1, tzinfo=UTC)).result
    client = browser(someone)
    wanted = [(row.href, row.cells[-1]) for row in result.rows if row.href] if "by" in query else []
    for href, count in [*wanted, (result.href, result.total)]:
        assert client.get(href).context["total"] == count, href


def test_two_people_see_each_their_own(county: County, stalls: None) -> None:
    mine, theirs = panel("number", of_stalls()), panel("table", of_stalls(rows=["kind"]))
    whole, town = person(county, STALLS), person(county, STALLS, in_area="102")
    assert (ask(whole, mine).result.value, ask(whole, mine).result.is_part) == (3, False)
    assert (ask(town, mine).result.value, ask(town, mine).result.is_part) == (1, True)
    assert [row.cells[0] for row in ask(town, theirs).result.rows] == ["3号摊"]
    stranger = ask(person(county, "cases.case.view"), mine)
    assert (stranger.is_refused, stranger.result) == (True, None)


def test_what_is_remembered_is_not_shown_to_who_may_see_less(county: County, stalls: None) -> None:
    address = board(county, panel("number", of_stalls()))
    people = [person(county, "boards.board.view", STALLS, in_area=area) for area in ("", "102", "")]
    people.append(person(county, "boards.board.view"))
    values = [browser(who).get(address).context["fields"][0].panels[0].value for who in people]
    assert values == ["3", "1", "3", ""]
    assert "您无权查看这部分。" in text(browser(people[3]).get(address))


def test_private_fields_are_no_columns(county: County, stalls: None) -> None:
    someone = person(county, "records.lemonade.*")
    for query in ({"by": ["owner"]}, {"where": "phone = '13800000000'"}, {"rows": ["illness"]}):
        found = ask(someone, panel("bar", of_stalls(**query)))
        assert (found.result, bool(found.problem)) == (None, True)


def test_a_page_says_unit_source_age_and_what_is_simulated(county: County, stalls: None) -> None:
    unit = {"zh": "个", "en": "stalls"}
    none = panel("number", of_stalls(where="seats > 99"), unit=unit) | {"key": "none"}
    address = board(county, panel("number", of_stalls(), unit=unit, stale="PT1H"), none)
    someone = person(county, "boards.board.view", STALLS)
    page = text(browser(someone).get(address))
    assert [part for part in ("3 个", "摊位", "刚刚") if part not in page] == []
    assert re.search(r"0 个.* 摊位 ?截至 \d\d:\d\d", page)
    found = ask(someone, panel("number", of_stalls(), stale="PT1H"), datetime.now(UTC))
    assert shown(panel("number", of_stalls(), stale="PT1H"), found).is_stale is False
    later = ask(someone, panel("number", of_stalls(), stale="PT1H"), datetime(2100, 1, 1, tzinfo=UTC))
    assert shown(panel("number", of_stalls(), stale="PT1H"), later).is_stale is True


def test_a_number_is_compared_with_the_span_before(county: County, stalls: None) -> None:
    wanted = panel("number", of_stalls(during={"time": "opened", "span": "month"}), compare="before", good="rising")
    told = shown(wanted, ask(person(county, STALLS), wanted))
    assert (told.value, told.change, told.change_text, told.is_better) == ("2", "up", "+2", True)
    aimed = panel("number", of_stalls(), target=5, good="rising", levels={"red": 9})
    told = shown(aimed, ask(person(county, STALLS), aimed))
    assert (told.target, told.level) == ("5", "yellow")


def test_a_board_is_for_who_may_open_boards(county: County, stalls: None) -> None:
    address = board(county, panel("number", of_stalls()))
    viewer, other = person(county, "boards.board.view", STALLS), person(county, STALLS)
    for path in ("/boards/", address, f"{address}wall", f"{address}panels"):
        assert (browser(viewer).get(path).status_code, browser(other).get(path).status_code) == (200, 403), path
    assert browser(viewer).get("/boards/county.two/").status_code == 404
    assert api.board("county.one", county.pk).title == "甲县看板"


def test_panels_come_anew_one_by_one(county: County, stalls: None) -> None:
    two = panel("number", of_stalls(where="seats > 3")) | {"key": "two"}
    address = board(county, panel("number", of_stalls()), two)
    client = browser(person(county, "boards.board.view", STALLS))
    found = unescape(client.get(f"{address}panels?only=two").content.decode())
    assert re.findall(r'data-panel="(\w+)"', found) == ["two"]
    assert re.search(r'board-value">(\d+)<', found)[1] == "2"


def test_the_wall_computes_its_type_and_goes_round(county: County, stalls: None) -> None:
    address = board(county, panel("number", of_stalls()))
    client = browser(person(county, "boards.board.view", STALLS))
    sizes = {
        asked: client.get(f"{address}wall{asked}").context["screen"].text
        for asked in ("", "?distance=4", "?width=4.8", "?width=x", "?width=nan")
    }
    assert sizes == {"": 24, "?distance=4": 16, "?width=4.8": 12, "?width=x": 24, "?width=nan": 24}
    page = client.get(f"{address}wall?rotate=30").content.decode()
    assert 'data-rotate="30" data-following="/boards/county.one/wall?rotate=30"' in page


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"query": {"from": "records", "of": "lemonade.nothing"}}, "nobody declares this register"),
        ({"query": {"from": "records", "of": "lemonade.stall", "where": "nope = 1"}}, "there is no such property"),
        ({"query": {"from": "nothing"}}, "query.from: nothing: there is no such dataset; there are alarms, cases"),
        ({"query": {"from": "records", "of": "lemonade.stall", "by": ["phone"]}}, "phone: there is no such column"),
        ({"query": {"from": "records", "of": "other.stall"}}, "is another pack's"),
        ({"query": {"from": "cases", "of": "other"}}, "is another pack's"),
        ({"query": {"from": "cases", "of": "nobody"}}, "of: nobody: nobody declares this flow"),
        ({"kind": "bar"}, "must be put together by something"),
        ({"compare": "before"}, "only what happened during a span"),
        ({"stale": "tomorrow"}, "is not an ISO 8601 duration"),
    ],
)
def test_packcheck_says_what_is_wrong(changed: dict[str, Any], told: str) -> None:

    toy = packs.read(TOY)
    wrong = panel("number", of_stalls()) | changed
    body = {"title": {}, "fields": [{"key": "a", "title": {}, "panels": [wrong]}]}
    found = list(packs.kinds()["boards"].check("lemonade.one", body, {"lemonade": toy, "other": toy}))
    assert len(found) >= 1
    assert told in " ".join(found)


def test_packcheck_wants_every_field_placed(county: County) -> None:
    layout = {"wall": ["a b", "a"], "desk": ["."]}
    body = {"title": {}, "fields": [{"key": "a", "title": {}, "panels": []}], "layout": layout}
    found = list(packs.kinds()["boards"].check("lemonade.one", body, {}))
    assert found == [
        "layout.wall: every row needs as many cells as the others", "layout.wall: b: there is no such field",
        "layout.desk: a: is placed nowhere",
    ]  # fmt: skip


def test_the_search_finds_boards_for_who_may_open_them(county: County) -> None:
    address = board(county, panel("number", of_stalls()) | {"title": {"zh": "摊位总数", "en": "All stalls"}})

    def found(who: Person, **asked: str) -> list[tuple[str, str, str]]:
        groups = browser(who).get("/search", asked).context["groups"]
        return [(hit.url, hit.title, hit.says) for g in groups if g.key == "boards" for hit in g.hits]

    reader = person(county, "boards.board.view")
    one = [(address, "甲县看板", "摊位总数")]
    assert found(reader, q="总数") == found(reader, q="甲县 摊位") == found(reader, q="ALL stalls") == one
    assert found(reader, q="甲县") == [(address, "甲县看板", "")]
    assert found(reader, q="甲县 总量") == found(reader, q="甲县", area="990001101") == []
    assert found(person(county, STALLS), q="总数") == []
