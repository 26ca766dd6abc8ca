"""Two versions side by side, and an old one made the newest by the rules of today."""

from __future__ import annotations

from typing import Any

import pytest
import shapely
from django.test import Client
from tests.engines.records.permits import PERMIT, browser, problems, stored
from tests.fixtures import person

from shizhu.engines.records import api
from shizhu.engines.records.models import Record
from shizhu.kernel import access, packs
from shizhu.kernel.models import County, Declaration, Person

pytestmark = pytest.mark.django_db
pytest_plugins = ["tests.engines.records.stalls"]
LIST = f"/records/{PERMIT}/"


@pytest.fixture
def client(county: County, root: access.Actor) -> Client:
    return browser(Person.objects.get(username="root"))


def lines(answer: Any) -> dict[str, tuple[list[Any], list[Any]]]:
    return {line["title"]: (line["old"], line["new"]) for line in answer.context["lines"] if line["differs"]}


def test_two_versions_stand_side_by_side(client: Client, root: access.Actor, permit: Any, grower: api.Entry) -> None:
    made = permit(kind="cart", wheels=2, drinks=[{"name": "水", "grower": "G001"}, {"name": "汁"}], days=["sat"])
    api.update(root, made.id, {"days": ["sat", "sun"]}, 1, area="990001102")
    api.update(
        root, made.id, {"kind": "booth", "width": 2, "drinks": [{"name": "汁"}], "identity": "11010519491231002X"}, 2
    )
    assert lines(client.get(f"{LIST}{made.id}/versions?a=1&b=2")) == {
        "Days": ([("Saturday", True)], [("Saturday、Sunday", True)]), "Area": ([("东镇", True)], [("西镇", True)]),
    }  # fmt: skip
    newest = client.get(f"{LIST}{made.id}/versions")
    assert [step.version for step in newest.context["pair"]] == [2, 3]
    seen = lines(newest)
    assert seen["Kind"] == ([("Cart", True)], [("Booth", True)])
    assert (seen["Wheels"], seen["Width"]) == (([("2", True)], []), ([], [("2", True)]))
    assert seen["Drinks"][0] == [("1. Drink：水，Grower：果园甲", True), ("2. Drink：汁", True)]
    assert seen["Identity number"] == ([], [("＊＊＊", True)])
    assert client.get(f"{LIST}{made.id}/versions?a=1&b=9").status_code == 404


def test_an_old_version_comes_back_as_a_new_one(client: Client, root: access.Actor, permit: Any) -> None:
    made = permit(seats=4, identity="11010519491231002X", kind="van", plate="渝A1")
    stored_before = stored(made.id)
    api.update(root, made.id, {"seats": 9, "identity": None, "kind": "cart"}, 1, area="990001102")
    api.move(root, made.id, "asked", 2)
    answer = client.post(f"{LIST}{made.id}/versions/1/restore", {"version": "3"}, follow=True)
    assert "Version 1 is the newest again." in answer.content.decode()
    now = api.get_by_id(root, made.id)
    assert (now.version, now.state, now.area.code) == (4, "asked", "990001101")
    assert stored(made.id) == stored_before
    assert api.revert(root, made.id, 4, 4).version == 4  # nothing new
    assert [step.version for step in api.history(root, made.id)] == [1, 2, 3, 4]


def test_the_place_comes_back_too(root: access.Actor, stall: Any) -> None:
    made = stall(at=(100.2, 30.2))
    api.update(root, made.id, {}, 1, geometry=None)
    assert api.revert(root, made.id, 1, 2).geometry == shapely.Point(100.2, 30.2)


def test_what_the_rules_of_today_forbid_is_named(
    county: County, client: Client, root: access.Actor, permit: Any
) -> None:
    made = permit(seats=4, days=["feast"])
    api.update(root, made.id, {"seats": None, "days": ["sun"]}, 1)
    row = Declaration.objects.get(kind="registers", key=PERMIT)
    row.body["properties"]["seats"]["minimum"] = 5
    row.body["properties"]["days"]["items"]["enum"] = ["sat", "sun"]
    del row.body["properties"]["days"]["items"]["x-shizhu-labels"]["feast"]
    row.save()
    packs.forget()
    with pytest.raises(api.Refused) as refused:
        api.revert(root, made.id, 1, 2)
    assert sorted(problems(refused)) == [("days.0", "enum"), ("seats", "minimum")]
    answer = client.post(f"{LIST}{made.id}/versions/1/restore", {"version": "2"})
    told = {name: (message, value) for name, message, value in answer.context["problems"]}
    assert (answer.status_code, told["Seats"]) == (422, ("must not be below 5", "4"))
    assert Record.objects.get(pk=made.id).version == 2


def test_it_needs_the_right_to_edit_and_the_newest_version(
    county: County, client: Client, root: access.Actor, permit: Any
) -> None:
    made = permit(seats=4)
    api.update(root, made.id, {"seats": 5}, 1)
    reader = browser(person(county, f"records.{PERMIT}.view"))
    assert reader.get(f"{LIST}{made.id}/versions").status_code == 200
    assert reader.post(f"{LIST}{made.id}/versions/1/restore", {"version": "2"}).status_code == 403
    stale = client.post(f"{LIST}{made.id}/versions/1/restore", {"version": "1"}, follow=True)
    assert "Look at it again first." in stale.content.decode()
    assert client.post(f"{LIST}{made.id}/versions/7/restore", {"version": "2"}).status_code == 404
    east = browser(person(county, f"records.{PERMIT}.*", in_area="102"))
    assert east.get(f"{LIST}{made.id}/versions").status_code == 404
    assert stored(made.id)["seats"] == 5
