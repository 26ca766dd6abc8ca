"""The stock book: signed movements; whatever is moved at once, a piece lies in one place and nothing is lost."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
import shapely
from django.core.exceptions import PermissionDenied
from django.db import ProgrammingError, connections, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.engines.cases.test_acting import at_once
from tests.engines.cases.test_emergencies import began, decide
from tests.fixtures import area, organisation, person
from tests.web.pages import browser, text, told

from shizhu.engines.cases import stock
from shizhu.engines.cases.models import DRILL, Case, Entry, Holding, Movement
from shizhu.engines.cases.stock import CannotMove, Wanted
from shizhu.engines.maps import api as maps
from shizhu.engines.records import api as records
from shizhu.kernel import access, testing
from shizhu.kernel.models import County, OutboxEvent, Person

pytestmark = pytest.mark.django_db(transaction=True)
BOOK, PLACE = "lemonade.tools", "lemonade.stall"
A, B, C = ((PLACE, key) for key in ("S001", "S002", "S003"))


@pytest.fixture
def keeper(county: County) -> Person:
    made = person(county, "records.*", "cases.*", "maps.map.view", username="keeper")
    for key, code in (("S001", "101"), ("S002", "102"), ("S003", "101")):
        row(made, county, PLACE, {"code": key, "name": f"摊{key}", "seats": 1}, code, shapely.Point(100.6, 30.5))
    for key, unit, single in (("T001", "台", True), ("T002", "台", True), ("T003", "个", False)):
        row(made, county, "lemonade.tool", {"code": key, "name": f"物{key}", "unit": unit, "single": single})
    return made


def row(who: Person, county: County, register: str, data: dict[str, Any], code: str = "", at: Any = None) -> None:
    own, place = organisation(county).code, area(county, code).code
    records.create(access.actor(who), county.pk, register, data, organisation=own, area=place, geometry=at)


def move(who: Person, county: County, kind: str, article: str, n: str = "1", **ends: Any) -> Movement:
    return stock.move(access.actor(who), county.pk, Wanted(BOOK, kind, article, Decimal(n), **ends))


def lying() -> dict[tuple[str, str], Decimal]:
    return {(one.article, one.place): one.quantity for one in Holding.objects.filter(quantity__gt=0)}


def test_a_piece_goes_its_way_and_the_book_is_never_changed(county: County, keeper: Person) -> None:
    case = began(county)
    move(keeper, county, "receive", "T001", target=A)
    move(keeper, county, "move", "T001", source=A, target=B)
    move(keeper, county, "issue", "T001", source=B, case=case.pk)
    assert lying() == {("T001", str(case.pk)): 1}
    for kind, ends in (
        ("receive", {"target": A}), ("move", {"source": B, "target": A}), ("write_off", {"source": A}),
        ("issue", {"source": B, "case": case.pk}), ("move", {"source": A, "target": A}),
        ("receive", {"target": ("x.y", "z")}), ("issue", {"source": A}), ("steal", {"source": A}),
    ):  # fmt: skip
        with pytest.raises(CannotMove):
            move(keeper, county, kind, "T001", **ends)
    for n in ("0", "-1", "2", "0.001"):
        with pytest.raises(CannotMove):
            move(keeper, county, "return", "T001", n, target=A, case=case.pk)
    move(keeper, county, "return", "T001", target=C, case=case.pk)
    move(keeper, county, "write_off", "T001", source=C)
    assert (lying(), Movement.objects.count()) == ({}, 5)
    moved = OutboxEvent.objects.filter(subject__endswith=stock.MOVED).order_by("pk")
    told_ = [[row.envelope["data"][name] for name in ("kind", "source", "target", "case")] for row in moved]
    first, second, third = ("/".join(place) for place in (A, B, C))
    assert told_ == [
        ["receive", "", first, None], ["move", first, second, None],
        ["issue", second, f"case/{case.pk}", case.pk], ["return", f"case/{case.pk}", third, case.pk],
        ["write_off", third, "", None],
    ]  # fmt: skip
    assert list(Entry.objects.filter(case=case, kind__startswith="stock").values_list("kind", flat=True)) == [
        "stock_issue", "stock_return",
    ]  # fmt: skip
    for change in (Movement.objects.all().delete, partial(Movement.objects.update, quantity=9)):
        with pytest.raises(ProgrammingError), transaction.atomic():
            change()


def test_it_says_where_a_piece_lies_that_is_taken_from_elsewhere(county: County, keeper: Person) -> None:
    page = browser(keeper)
    sent = {"article": "T001", "quantity": "1", "source": f"{PLACE}/S001", "target": f"{PLACE}/S002"}

    def said(kind: str, **more: Any) -> list[str]:
        return told(page.post(f"/stock/{BOOK}/", {**sent, "kind": kind, **more}, follow=True))

    assert said("receive") == ["已签名入账。"]
    before = lying()
    assert said("move", source=f"{PLACE}/S003") == ["物T001 是单件，在 摊S002。"]
    assert lying() == before
    case = began(county)
    assert len(said("issue", source=f"{PLACE}/S002", case=str(case.pk))) == 1
    assert said("receive") == [f"物T001 是单件，在 {case.number}。"]
    assert "物T001 1 台" in text(page.get(f"/stock/{BOOK}/"))


def test_what_a_drill_drew_is_back_where_it_was_when_it_is_over(county: County, keeper: Person) -> None:
    chief = person(county, role="lemonade.maker", username="chief")
    case = began(county, origin=DRILL)
    for article, n, place in (("T001", "1", A), ("T003", "5", A), ("T003", "4", B)):
        move(keeper, county, "receive", article, n, target=place)
    before = lying()
    move(keeper, county, "issue", "T001", source=A, case=case.pk)
    move(keeper, county, "issue", "T003", "3", source=A, case=case.pk)
    move(keeper, county, "issue", "T003", "4", source=B, case=case.pk)
    move(keeper, county, "return", "T003", "1", target=B, case=case.pk)
    assert f"【演练】{case.number}" in text(browser(keeper).get(f"/stock/{BOOK}/"))
    ends = partial(decide, case, chief, "end")
    came = at_once(ends, *[partial(move, keeper, county, "issue", "T003", "1", source=A, case=case.pk)] * 2)
    assert (came[0], set(came[1:]) <= {"done", "CannotMove"}) == ("done", True)
    assert (Case.objects.get().status, lying()) == ("closed", before)
    back = [line.note for line in Movement.objects.filter(kind="return").order_by("pk")]
    assert (back[0], set(back[1:])) == ("", {"演练结束归还"})
    told = case.entries.filter(kind="stock_return").order_by("pk").values_list("data__why", flat=True)
    assert {(*line.split()[::2],) for line in told} == {("物T001", "台"), ("物T003", "个")}
    with pytest.raises(CannotMove):
        move(keeper, county, "issue", "T001", source=A, case=case.pk)


def test_who_may_move_only_here_moves_nothing_elsewhere(county: County, keeper: Person) -> None:
    move(keeper, county, "receive", "T003", "10", target=B)
    east = person(county, "records.*", "cases.stock.*", username="east", in_area="101")
    reader = person(county, "cases.stock.view", "records.*", username="reader")
    outsider = person(county, "cases.case.view", username="outsider")
    before = testing.everything_kept()
    with pytest.raises((PermissionDenied, CannotMove)):
        move(east, county, "write_off", "T003", source=B)
    assert browser(outsider).get(f"/stock/{BOOK}/").status_code == 403
    sent = {"kind": "write_off", "article": "T003", "quantity": "1", "source": "/".join(B)}
    assert browser(reader).post(f"/stock/{BOOK}/", sent).status_code == 403
    assert testing.everything_kept() == before
    assert "写一笔" not in text(browser(reader).get(f"/stock/{BOOK}/"))
    refused = browser(keeper).post(f"/stock/{BOOK}/", {**sent, "kind": "issue", "quantity": "12"})
    chosen = [f'value="{value}" selected' in refused.content.decode() for value in ("issue", "T003", "/".join(B))]
    assert (refused.status_code, chosen, 'value="12"' in refused.content.decode()) == (422, [True] * 3, True)
    assert ("领用" in text(refused), testing.everything_kept() == before) == (True, True)
    assert told(browser(keeper).post(f"/stock/{BOOK}/", sent, follow=True)) == ["已签名入账。"]
    assert lying() == {("T003", "S002"): 9}


def test_what_lies_in_a_store_stands_on_the_map_and_in_its_file(county: County, keeper: Person) -> None:
    move(keeper, county, "receive", "T001", target=A)
    move(keeper, county, "receive", "T003", "12.5", target=A)
    who = access.actor(keeper)
    layer = next(one for one in maps.layers(county.pk, who) if one.source == "stock")
    shown = [(one.properties["name"], one.properties["text"]) for one in maps.features(who, county.pk, layer)]
    assert shown == [("摊S001", "物T001 1 台 · 物T003 12.5 个")]
    number = records.get(who, county.pk, *A).id
    page = browser(keeper).get(f"/map/file/record-{number}/")
    assert "物T003 12.5 个" in " ".join(text(page).split())


STEP = st.tuples(
    st.sampled_from(["T001", "T002", "T003"]), st.sampled_from(["receive", "move", "write_off"]),
    st.integers(0, 2), st.integers(0, 2),
)  # fmt: skip


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(STEP, min_size=1, max_size=4), min_size=1, max_size=4))
def test_whatever_is_moved_at_once_a_piece_is_in_one_place_and_the_sums_are_those_of_the_book(
    county: County, keeper: Person, rounds: list[list[tuple[str, str, int, int]]]
) -> None:
    with connections["default"].cursor() as cursor:
        cursor.execute("TRUNCATE cases_movement, cases_holding, cases_need")
    places = (A, B, C)
    for batch in rounds:
        came = at_once(*[
            partial(move, keeper, county, kind, article, source=places[one] if kind != "receive" else ("", ""),
                    target=places[other] if kind != "write_off" else ("", ""))
            for article, kind, one, other in batch
        ])  # fmt: skip
        assert set(came) <= {"done", "CannotMove"}
        sums: Counter[tuple[str, str]] = Counter()
        for line in Movement.objects.all():
            for place, sign in ((line.source, -1), (line.target, 1)):
                if place:
                    sums[line.article, place] += sign * int(line.quantity)
        assert lying() == {at: n for at, n in sums.items() if n}
        assert all(n > 0 for n in lying().values())
        for single in ("T001", "T002"):
            assert sum(n for (article, _place), n in lying().items() if article == single) in {0, 1}


def test_of_many_who_take_the_same_pump_one_has_it(county: County, keeper: Person) -> None:
    move(keeper, county, "receive", "T001", target=A)
    case = began(county)
    takers = [partial(move, keeper, county, "move", "T001", source=A, target=B)] * 3
    came = at_once(*takers, partial(move, keeper, county, "issue", "T001", source=A, case=case.pk))
    assert sorted(came) == ["CannotMove"] * 3 + ["done"]
    assert list(lying().values()) == [1]
    assert OutboxEvent.objects.filter(subject__endswith=stock.MOVED).count() == 2  # received, and had by one
    assert Case.objects.count() == 1
