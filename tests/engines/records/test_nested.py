"""Groups in groups, rows, choices, conditions and computed fields: in values, and through the form."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from tests.engines.records.permits import PERMIT, VAN, browser, problems, stored
from tests.fixtures import TOY, person

from shizhu.engines.records import api
from shizhu.engines.records.logic import values
from shizhu.engines.records.logic.register import Kind, Register
from shizhu.kernel import access, packs
from shizhu.kernel.models import County, Person

pytestmark = pytest.mark.django_db
pytest_plugins = ["tests.engines.records.stalls"]
LIST = f"/records/{PERMIT}/"


@pytest.fixture(scope="module")
def register() -> Register:
    return Register(PERMIT, packs.find({"lemonade": packs.read(TOY)}, "registers", PERMIT) or {})


@pytest.fixture
def client(county: County, root: access.Actor) -> Client:
    return browser(Person.objects.get(username="root"))


def controls(answer: Any) -> dict[str, Any]:
    return {leaf.name: leaf for made in answer.context["inputs"] for leaf in made.leaves}


def fields(answer: Any) -> dict[str, Any]:
    """What the form would send back as it stands."""
    sent: dict[str, Any] = {place.name: place.value for place in answer.context["places"]}
    for name, one in controls(answer).items():
        if one.control == "rows":
            sent |= {f"{name}.#": one.value} | {f"{name}.{r.number}._was": r.was for r in one.rows if r.was}
        elif one.control != "computed":
            sent[name] = ["", *one.chosen] if one.control == "checks" else one.value
    return {**sent, "version": str(answer.context["form"].version)}


def test_a_field_of_a_branch_comes_after_the_field_that_decides(register: Register) -> None:
    names = list(register.fields)
    assert names[names.index("kind") : names.index("days")] == [
        "kind", "wheels", "width", "plate", "fuel", "tank", "seats", "fire_plan",
    ]  # fmt: skip
    assert [register.fields[name].kind for name in ("days", "helpers", "place")] == [Kind.LIST, Kind.ROWS, Kind.GROUP]


WRONG: list[tuple[dict[str, Any], list[tuple[str, str]]]] = [
    ({}, []),
    ({"kind": "cart"}, [("plate", "unevaluatedProperties")]),
    ({"kind": "tent"}, [("kind", "enum"), ("plate", "unevaluatedProperties")]),
    ({"kind": "booth", "plate": None}, [("width", "required")]),
    ({"fuel": "petrol"}, [("tank", "required")]),
    ({"fuel": "electric", "tank": 40}, [("tank", "unevaluatedProperties")]),
    ({"seats": 10}, [("fire_plan", "required")]),
    ({"seats": 9, "fire_plan": "跑"}, [("fire_plan", "unevaluatedProperties")]),
    ({"stall": "S001"}, [("grower", "dependentRequired")]),
    ({"contract": "2026-01-01"}, [("contract", "unevaluatedProperties")]),
    ({"place": {"lane": "一", "contact": {"phone": "13812345678"}}}, [("place.contact.name", "required")]),
    ({"place": {"lane": "一", "contact": {"name": "乙", "tel": "1"}}}, [("place.contact.tel", "additionalProperties")]),
    (
        {"helpers": [{"name": "丙"}, {"is_cook": True}]},
        [("helpers.1.health_card", "required"), ("helpers.1.name", "required")],
    ),
    ({"helpers": [{"name": "丙", "health_card": "1"}]}, [("helpers.0.health_card", "unevaluatedProperties")]),
    ({"days": ["sat", "mon"]}, [("days.1", "enum")]),
    ({"drinks": [{"name": "水", "price": 0.295}]}, [("drinks.0.price", "multipleOf")]),
    ({"identity": "110105194912310021"}, [("identity", "x-shizhu-check")]),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "expected"), WRONG)
def test_what_applies_is_demanded_and_the_rest_refused(
    register: Register, changes: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    row = values.canonical(register, {**VAN, **changes})
    assert sorted((p.path, p.rule) for p in values.problems(register, row)) == sorted(expected)


def test_rows_are_computed_when_they_are_written(county: County, root: access.Actor, permit: Any) -> None:
    made = permit(**{**VAN, "total": 9999, "drinks": [{**VAN["drinks"][0], "amount": 5}, VAN["drinks"][1]]})  # type: ignore[dict-item, index]
    assert [drink.get("amount") for drink in made.data["drinks"]] == [2.03, 6]
    assert (made.data["total"], made.data["size"]) == (8.03, "small")
    more = [{"name": "柠檬水", "price": 50, "cups": 2}, {"name": "送", "cups": 1}]
    now = api.update(root, made.id, {"drinks": more}, 1)
    assert ([drink.get("amount") for drink in now.data["drinks"]], now.data["size"]) == ([100, None], "large")
    gone = api.update(root, made.id, {"drinks": None}, 2)
    assert {"total", "size", "drinks"}.isdisjoint(gone.data)


def test_a_computed_field_filters_and_orders(county: County, root: access.Actor, permit: Any) -> None:
    for cups in (3, 1, 2):
        permit(drinks=[{"name": "水", "price": 2, "cups": cups}])
    found = api.query(root, county.pk, PERMIT, api.Query(where="total > 2"))
    assert [(entry.key, entry.data["total"]) for entry in found.entries] == [("P001", 6), ("P003", 4)]


def test_what_does_not_apply_any_more_goes(root: access.Actor, permit: Any) -> None:
    made = permit(kind="van", plate="渝A1", fuel="petrol", tank=40, seats=12, fire_plan="跑")
    now = api.update(root, made.id, {"kind": "cart", "seats": 3}, 1)
    assert now.data == {"code": "P001", "applicant": "1号", "kind": "cart", "seats": 3}
    with pytest.raises(api.Refused) as refused:
        api.update(root, made.id, {"plate": "渝A1"}, 2)
    assert problems(refused) == [("plate", "unevaluatedProperties")]


def test_references_in_rows_are_looked_up(permit: Any, grower: api.Entry) -> None:
    permit(drinks=[{"name": "水", "grower": "G001"}])
    with pytest.raises(api.Refused) as refused:
        permit(drinks=[{"name": "水", "grower": "G001"}, {"name": "汁", "grower": "G009"}])
    assert problems(refused) == [("drinks.1.grower", "x-shizhu-ref")]


def test_a_choice_depends_on_another(
    county: County, root: access.Actor, client: Client, permit: Any, stall: Any, grower: api.Entry
) -> None:
    other = {"code": "G002", "name": "果园乙"}
    api.create(root, county.pk, "lemonade.grower", other, organisation=county.pk, area=county.pk)
    stall(grower="G001")
    stall(grower="G002")
    permit(grower="G001", stall="S001")
    with pytest.raises(api.Refused) as refused:
        permit(grower="G001", stall="S002")
    assert problems(refused) == [("stall", "x-shizhu-ref")]
    answer = client.post(f"{LIST}new", {"_act": "refresh", "grower": "G002"})
    assert [choice.value for choice in controls(answer)["stall"].choices] == ["S002"]
    found = client.get(f"{LIST}choices/stall", {"stall": "", "grower": "果园乙 · G002"})
    assert found.content.decode().strip() == '<option value="2号摊 · S002"></option>'


def test_the_form_follows_what_is_typed(client: Client) -> None:
    first = controls(client.get(f"{LIST}new"))
    assert {"plate", "wheels", "tank", "fire_plan"}.isdisjoint(first)
    sent = {"_act": "refresh", "kind": "van", "fuel": "petrol", "seats": "12", "applicant": "甲", "days": ["", "sat"]}
    answer = client.post(f"{LIST}new", sent)
    seen = controls(answer)
    assert answer.status_code == 200
    assert {name: seen[name].is_required for name in ("plate", "fuel", "tank", "fire_plan", "days")} == {
        "plate": True, "fuel": False, "tank": True, "fire_plan": True, "days": False,
    }  # fmt: skip
    assert (seen["applicant"].value, seen["days"].chosen, "wheels" in seen) == ("甲", ["sat"], False)


def test_rows_are_added_ordered_and_removed(client: Client) -> None:
    sent = {"_act": "add:drinks", "applicant": "甲"}
    answer = client.post(f"{LIST}new", sent)
    assert controls(answer)["drinks"].value == "1"
    row = {"drinks.#": "2", "drinks.0.name": "水", "drinks.0.price": "x", "drinks.1.name": "汁", "drinks.1.cups": "2"}
    up = controls(client.post(f"{LIST}new", {**row, "_act": "up:drinks:1"}))
    assert [up[f"drinks.{n}.{f}"].value for n in (0, 1) for f in ("name", "price", "cups")] == [
        "汁",
        "",
        "2",
        "水",
        "x",
        "",
    ]
    one = controls(client.post(f"{LIST}new", {**row, "_act": "drop:drinks:0"}))
    assert (one["drinks"].value, one["drinks.0.name"].value) == ("1", "汁")
    for nothing in ("drop:drinks:7", "up:drinks:0", "add:kind", "drop:drinks:x", "add:nowhere", "?"):
        assert controls(client.post(f"{LIST}new", {**row, "_act": nothing}))["drinks"].value == "2"


def test_computed_values_are_shown_before_they_are_saved(client: Client) -> None:
    row = {"drinks.#": "1", "drinks.0.name": "水", "drinks.0.price": "0.29", "drinks.0.cups": "700"}
    seen = controls(client.post(f"{LIST}new", {**row, "_act": "refresh"}))
    assert {name: (seen[name].control, seen[name].value) for name in ("drinks.0.amount", "total", "size")} == {
        "drinks.0.amount": ("computed", "203"), "total": ("computed", "203"), "size": ("computed", "Large"),
    }  # fmt: skip


SENT = {
    "code": "P001", "applicant": "甲", "kind": "booth", "width": "2.5", "plate": "渝A1", "days": ["", "sat", "feast"],
    "place.lane": "一", "place.contact.name": "乙", "place.contact.phone": "13812345678",
    "helpers.#": "3", "helpers.0.name": "丙", "helpers.0.is_cook": "true", "helpers.0.health_card": "渝1",
    "helpers.1.name": "", "helpers.2.name": "丁", "helpers.2.health_card": "忘了删",
    "drinks.#": "0", "_area": "990001101", "_organisation": "stand",
}  # fmt: skip
KEPT = {
    "code": "P001", "applicant": "甲", "kind": "booth", "width": 2.5, "days": ["sat", "feast"],
    "place": {"lane": "一", "contact": {"name": "乙", "phone": "13812345678"}},
    "helpers": [{"name": "丙", "is_cook": True, "health_card": "渝1"}, {"name": "丁"}],
}  # fmt: skip


def test_a_form_keeps_what_applies_and_drops_the_hidden(county: County, client: Client, root: access.Actor) -> None:
    assert client.post(f"{LIST}new", SENT).status_code == 302
    assert stored(api.get(root, county.pk, PERMIT, "P001").id) == KEPT


def test_a_form_with_rows_sent_back_changes_nothing(county: County, client: Client, root: access.Actor) -> None:
    client.post(f"{LIST}new", SENT)
    made = api.get(root, county.pk, PERMIT, "P001")
    answer = client.post(f"{LIST}{made.id}/edit", fields(client.get(f"{LIST}{made.id}/edit")), follow=True)
    assert "Nothing was changed." in answer.content.decode()
    assert api.get_by_id(root, made.id) == made


def test_faults_in_rows_are_told_beside_their_fields(client: Client) -> None:
    sent = {**SENT, "helpers.0.health_card": "", "place.contact.phone": "1", "days": ["", "mon"], "width": ""}
    answer = client.post(f"{LIST}new", sent)
    assert answer.status_code == 422
    told = {name: one.problems for name, one in controls(answer).items() if one.problems}
    assert told == {
        "helpers.0.health_card": ("is required",), "place.contact.phone": ("has the wrong form",),
        "days": ("must be one of Saturday、Sunday、Feast",), "width": ("is required",),
    }  # fmt: skip
    assert controls(answer)["helpers.1.name"].value == "丁"  # the empty row is gone, the rest is there
    again = client.post(f"{LIST}new", {**sent, "_tried": "1", "_act": "refresh", "width": "2"})
    assert (again.status_code, controls(again)["width"].problems) == (200, ())
    assert controls(again)["place.contact.phone"].problems == ("has the wrong form",)


def test_masked_values_in_rows_stay(county: County, root: access.Actor, permit: Any) -> None:
    made = permit(
        place={"lane": "一", "contact": {"name": "乙", "phone": "13812345678"}},
        helpers=[{"name": "丙", "phone": "13800000001"}, {"name": "丁", "phone": "13800000002"}, {"name": "戊"}],
    )
    clerk = browser(person(county, *(f"records.{PERMIT}.{verb}" for verb in ("view", "edit"))))
    page = clerk.get(f"{LIST}{made.id}/edit")
    assert "1380000000" not in page.content.decode()
    sent = fields(page)
    assert sent["helpers.1.phone"] == ""
    up = clerk.post(f"{LIST}{made.id}/edit", {**sent, "_act": "up:helpers:1"})
    sent = {**fields(up), "helpers.2.phone": "13800000009", "helpers.0.name": "丁一"}
    clerk.post(f"{LIST}{made.id}/edit", sent)
    clerk.post(f"{LIST}{made.id}/edit", {**fields(clerk.get(f"{LIST}{made.id}/edit")), "seats": "3"})
    assert stored(made.id)["helpers"] == [
        {"name": "丁一", "phone": "13800000002"}, {"name": "丙", "phone": "13800000001"},
        {"name": "戊", "phone": "13800000009"},
    ]  # fmt: skip
    assert stored(made.id)["place"]["contact"]["phone"] == "13812345678"
    shown = clerk.get(f"{LIST}{made.id}/").content.decode()
    assert ("138****0002" in shown, "13800000002" in shown) == (True, False)


def test_a_conflict_in_rows_keeps_mine_whole(county: County, client: Client, root: access.Actor) -> None:
    client.post(f"{LIST}new", SENT)
    made = api.get(root, county.pk, PERMIT, "P001")
    sent = fields(client.get(f"{LIST}{made.id}/edit"))
    api.update(root, made.id, {"helpers": [{"name": "丙"}], "seats": 4}, 1)
    answer = client.post(f"{LIST}{made.id}/edit", {**sent, "helpers.1.name": "我的"})
    again = fields(answer)
    assert ([again[f"helpers.{n}.name"] for n in (0, 1)], again["seats"]) == (["丙", "我的"], "4")


def test_the_detail_page_shows_rows_as_a_table(client: Client, permit: Any, grower: api.Entry) -> None:
    made = permit(
        drinks=[{"name": "水", "price": 2, "cups": 3, "grower": "G001"}], days=["sun"], helpers=[{"name": "丙"}]
    )
    body = client.get(f"{LIST}{made.id}/").content.decode()
    assert '<a href="/records/lemonade.grower/key/G001">果园甲</a>' in body
    assert "<th>Amount</th>" in body
    assert "Sunday" in body
    assert "Health card" not in body
