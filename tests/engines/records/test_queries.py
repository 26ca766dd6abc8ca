"""Lists and counts agree with a hand count, and the declared indexes serve them."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

import pytest
import shapely
from django.db import connection
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.fixtures import organisation, person

from shizhu.engines.records import api, queries
from shizhu.engines.records.models import Record
from shizhu.kernel import access, packs
from shizhu.kernel.models import County, Declaration

pytestmark = pytest.mark.django_db
pytest_plugins = ["tests.engines.records.stalls"]
STALL, GROWER = "lemonade.stall", "lemonade.grower"


@pytest.fixture
def four(stall: Any) -> None:
    """Four stalls, each differing from the others."""
    stall(kind="cart", seats=4, price=3, opened="2026-01-01", inspected="2026-01-01T00:00:00Z", is_shaded=True)
    stall(kind="booth", seats=10, price=10.5, opened="2026-02-01", is_shaded=False, area="102")
    stall(kind="booth", seats=0, opened="2025-12-31", of="kitchen")
    stall(name="没有")


def codes(page: api.Page) -> str:
    return "".join(entry.key[-1] for entry in page.entries)


COUNTS = {
    "": 4,
    "kind = 'booth'": 2,
    "kind <> 'booth'": 1,
    "NOT kind = 'booth'": 1,
    "kind IS NULL": 1,
    "seats > 4": 1,
    "price >= 3 AND price < 10.5": 1,
    "price = 10.5": 1,
    "opened >= DATE('2026-01-01')": 2,
    "opened BETWEEN DATE('2025-12-31') AND DATE('2026-01-01')": 2,
    "inspected <= TIMESTAMP('2026-01-01T08:00:00+08:00')": 1,
    "inspected < TIMESTAMP('2026-01-01T08:00:00+08:00')": 0,
    "is_shaded = TRUE OR seats = 0": 2,
    "code IN ('S001', 'S004', 'S009')": 2,
    "_area = '990001102'": 1,
    "_organisation = 'kitchen'": 1,
    "_state = 'open'": 4,
    "_simulated = TRUE": 0,
    "_created > TIMESTAMP('2020-01-01T00:00:00Z')": 4,
    "owner IS NULL": 4,
}


def test_count(county: County, four: None) -> None:
    assert {where: api.count(STALL, where, county.pk) for where in COUNTS} == COUNTS
    now = timezone.now()
    assert {where: api.count(STALL, where, county.pk, at=now) for where in COUNTS} == COUNTS


def test_count_leaves_out_the_withdrawn_and_other_registers(
    county: County, root: access.Actor, four: None, grower: api.Entry
) -> None:
    api.withdraw(root, api.get(root, county.pk, STALL, "S001").id, 1)
    assert (api.count(STALL, "", county.pk), api.count(GROWER, "", county.pk)) == (3, 1)


@pytest.mark.django_db(transaction=True)
def test_count_at_a_time_says_what_was_known_then(county: County, root: access.Actor, stall: Any) -> None:
    times: list[datetime] = [timezone.now()]
    made = stall(seats=4)
    times.append(timezone.now())
    api.update(root, made.id, {"seats": 6}, 1)
    times.append(timezone.now())
    api.withdraw(root, made.id, 2)
    times.append(timezone.now())
    asked = [[api.count(STALL, where, county.pk, at=at) for at in times] for where in ("", "seats = 4", "seats = 6")]
    assert asked == [[0, 1, 1, 0], [0, 1, 0, 0], [0, 0, 1, 0]]


QUERIES = [
    (api.Query(order="code"), "1234"),
    (api.Query(order="-code"), "4321"),
    (api.Query(order="seats"), "3124"),
    (api.Query(order="-seats"), "2134"),
    (api.Query(order="-opened"), "2134"),
    (api.Query(order="name"), "1234"),
    (api.Query(order="nonsense"), "1234"),
    (api.Query(where="kind = 'booth'", order="code"), "23"),
    (api.Query(order="code", offset=1, limit=2), "23"),
    (api.Query(search="2号"), "2"),
    (api.Query(search="s00", order="-code"), "4321"),
    (api.Query(search="meiyou"), "4"),
    (api.Query(search="mei you"), "4"),
    (api.Query(search="%"), ""),
]


def test_query(county: County, root: access.Actor, four: None) -> None:
    assert [(wanted, codes(api.query(root, county.pk, STALL, wanted))) for wanted, _ in QUERIES] == QUERIES


def test_total_does_not_depend_on_the_page(county: County, root: access.Actor, four: None) -> None:
    pages = [api.query(root, county.pk, STALL, api.Query(offset=offset, limit=3)) for offset in (0, 3, 6)]
    assert [(len(page.entries), page.total) for page in pages] == [(3, 4), (1, 4), (0, 4)]


def test_a_list_shows_what_the_posts_reach(county: County, four: None) -> None:
    east = access.actor(person(county, "records.lemonade.*", in_area="101"))
    kitchen = access.actor(person(county, "records.*", of="kitchen"))
    nobody = access.actor(person(county, "records.lemonade.grower.view"))
    asked = [codes(api.query(who, county.pk, STALL, api.Query(order="code"))) for who in (east, kitchen, nobody)]
    assert asked == ["134", "3", ""]


def test_the_index_page_counts_all_registers_at_once(
    county: County, root: access.Actor, four: None, grower: api.Entry, django_assert_num_queries: Any
) -> None:
    registers = api.registers(county.pk).values()
    with django_assert_num_queries(1):
        assert queries.counts(root, county.pk, registers) == {STALL: 4, GROWER: 1}


def test_scan_gives_all_in_order(
    county: County, root: access.Actor, four: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "CHUNK", 2)
    assert [entry.key for entry in api.scan(root, county.pk, STALL, api.Query(order="-code"))] == [
        "S004", "S003", "S002", "S001",
    ]  # fmt: skip


def test_related_finds_what_points_here(county: County, root: access.Actor, grower: api.Entry, stall: Any) -> None:
    stall(grower="G001")
    stall()
    found = queries.related(root, county.pk, GROWER, "G001")
    assert [(register.key, field, codes(page)) for register, field, page in found] == [(STALL, "grower", "1")]


coordinates = st.tuples(st.integers(0, 8).map(lambda n: n / 8), st.integers(0, 8).map(lambda n: n / 8))
boxes = st.tuples(coordinates, coordinates).map(lambda corners: shapely.MultiPoint(corners).bounds)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(coordinates, max_size=6), boxes)
def test_a_box_finds_what_meets_it(
    county: County, root: access.Actor, points: list[tuple[float, float]], box: api.Box
) -> None:
    Record.objects.all().delete()
    town = organisation(county).area
    for number, at in enumerate(points):
        Record.objects.create(
            county=county, register=STALL, key=f"S{number:03}", data={}, title="", sort_key="", state="open",
            organisation=organisation(county), area=town, source="demo", geometry=shapely.Point(at),
            box=(at[0], at[1], at[0], at[1]),
        )  # fmt: skip
    page = api.query(root, county.pk, STALL, api.Query(boxes=(box,), limit=100))
    window = shapely.box(*box)
    expected = {f"S{number:03}" for number, at in enumerate(points) if shapely.Point(at).intersects(window)}
    assert {entry.key for entry in page.entries} == expected


def test_a_line_whose_box_meets_but_itself_does_not_is_out(county: County, root: access.Actor, stall: Any) -> None:
    made = stall()
    line = shapely.LineString([(0, 0), (1, 1)])
    Record.objects.filter(pk=made.id).update(geometry=line, box=line.bounds)
    asked = [
        api.query(root, county.pk, STALL, api.Query(boxes=(box,))).total
        for box in ((0.6, 0.1, 0.9, 0.4), (0.4, 0.3, 2, 2))
    ]
    assert asked == [0, 1]


def indexes() -> dict[str, str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'records_record'")
        return {name: sql for name, sql in cursor.fetchall() if name.startswith("declared_lemonade_stall")}


def test_indexes_are_made_once_and_follow_the_declaration(county: County) -> None:
    # of stalls seven filters (grower among them) and four for the map, of permits six, of regulars nine, of tools two
    assert api.prepare_registers() == 28
    made = indexes()
    assert (len(made), api.prepare_registers(), indexes()) == (11, 0, made)
    row = Declaration.objects.get(kind="registers", key=STALL)
    row.body["x-shizhu"]["filters"] = ["kind", "grower", "seats", "opened", "is_shaded", "street"]
    row.body["properties"]["seats"]["type"] = "number"
    row.save()
    packs.forget()
    assert api.prepare_registers() == 1
    row.body["properties"]["street"] = {"type": "integer"}
    row.save()
    packs.forget()
    assert api.prepare_registers() == 2
    assert len(indexes()) == 10


MANY = """
INSERT INTO records_record (county_id, register, key, data, title, sort_key, organisation_id, area_id, state, source,
  is_simulated, created, updated, version)
SELECT county_id, register, 'S' || n, jsonb_build_object('kind', 'k' || n, 'seats', n, 'opened', '2026-01-01',
  'is_shaded', n = 7, 'grower', 'G' || n), title, sort_key, organisation_id, area_id, state, source, false, now(),
  now(), 1
FROM records_record, generate_series(1000, 4000) n
"""


@pytest.mark.parametrize("order", ["seats", "-seats", "opened", "-opened", "-kind", "code", "-code", "-name", ""])
def test_pages_of_any_order_are_the_order_in_pieces(county: County, root: access.Actor, stall: Any, order: str) -> None:
    for seats, opened in (
        (4, None),
        (None, "2026-01-01"),
        (4, "2025-01-01"),
        (9, None),
        (None, None),
        (0, "2026-01-01"),
    ):
        stall(**{name: value for name, value in (("seats", seats), ("opened", opened)) if value is not None})
    whole = codes(api.query(root, county.pk, STALL, api.Query(order=order)))
    wanted = [api.Query(order=order, offset=first, limit=2) for first in range(8)]
    pages = [codes(api.query(root, county.pk, STALL, one)) for one in wanted]
    assert (len(whole), pages) == (6, [whole[first : first + 2] for first in range(8)])


def test_nothing_is_last_whichever_way(county: County, root: access.Actor, stall: Any) -> None:
    for seats in (4, None, 9):
        stall(**{} if seats is None else {"seats": seats})
    found = [codes(api.query(root, county.pk, STALL, api.Query(order=order))) for order in ("seats", "-seats")]
    assert found == ["132", "312"]


@pytest.mark.parametrize("order", ["-opened", "opened", "-code"])
def test_an_index_serves_an_order(county: County, root: access.Actor, stall: Any, order: str) -> None:
    stall()
    asked: list[tuple[str, Any]] = []
    with connection.cursor() as cursor:
        cursor.execute(MANY.replace("'2026-01-01'", "to_char(date '2020-01-01' + n, 'YYYY-MM-DD')"))
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    api.prepare_registers()

    def heard(execute: Any, sql: str, params: Any, *rest: Any) -> Any:
        asked.append((sql, params))
        return execute(sql, params, *rest)

    with connection.execute_wrapper(heard):
        api.query(root, county.pk, STALL, api.Query(order=order, limit=20))
    sql, params = next((sql, params) for sql, params in asked if "ORDER BY" in sql)
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {sql}", params)
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert {"opened": "declared_lemonade_stall_opened", "code": "record_key"}[order.strip("-")] in plan


def test_filters_of_low_choice_are_known_to_the_planner(county: County, root: access.Actor, stall: Any) -> None:
    """Half of many rows are not taken for a handful, or the list would gather and sort them all."""
    stall()
    with connection.cursor() as cursor:
        cursor.execute(MANY.replace("'k' || n", "CASE n % 2 WHEN 0 THEN 'cart' ELSE 'booth' END"))
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    api.prepare_registers()
    rows = queries.selected(root, county.pk, api.register_of(STALL), api.Query(where="kind = 'cart'"))
    plan = rows.order_by().values("id").explain()
    assert 1000 < int(re.search(r"rows=(\d+)", plan)[1]) < 2000


@pytest.mark.parametrize("where", ["kind = 'cart'", "seats = 4", "opened > DATE('2026-01-01')", "is_shaded = TRUE"])
def test_an_index_serves_its_filter(county: County, root: access.Actor, stall: Any, where: str) -> None:
    stall()
    with connection.cursor() as cursor:
        cursor.execute(MANY)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # an index cannot be made while checks of this transaction wait
    api.prepare_registers()
    rows = queries.selected(root, county.pk, api.register_of(STALL), api.Query(where=where))
    assert f"declared_lemonade_stall_{where.split(maxsplit=1)[0]}" in rows.order_by().values("id").explain()
