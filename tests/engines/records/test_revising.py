"""Rows follow a declaration that changed: renamed, filled, computed anew, or listed with what forbids it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from procrastinate.contrib.django.models import ProcrastinateJob
from tests.engines.records.permits import PERMIT, browser, stored
from tests.fixtures import person

from shizhu.engines.records import api, revising
from shizhu.kernel import access, packs
from shizhu.kernel.models import County, Declaration, Person

pytestmark = pytest.mark.django_db
pytest_plugins = ["tests.engines.records.stalls"]
LIST = f"/records/{PERMIT}/"


@pytest.fixture
def client(county: County, root: access.Actor) -> Client:
    return browser(Person.objects.get(username="root"))


@pytest.fixture
def declare(county: County) -> Callable[[Callable[[dict[str, Any]], object]], None]:
    """Change the declaration of permits; what was declared before counts as brought to it."""
    revising.revise(county.pk)

    def change(how: Callable[[dict[str, Any]], object]) -> None:
        row = Declaration.objects.get(kind="registers", key=PERMIT)
        how(row.body)
        row.save()
        packs.forget()

    return change


def test_nothing_is_done_twice(county: County, permit: Any, declare: Any) -> None:
    permit()
    assert (revising.pending(county.pk), api.revise(county.pk)) == ([], {})


def test_renamed_fields_and_defaults_come_along(county: County, root: access.Actor, permit: Any, declare: Any) -> None:
    made = permit(
        seats=4, helpers=[{"name": "丙", "phone": "13800000001"}], drinks=[{"name": "水", "price": 2, "cups": 3}]
    )
    permit()

    def change(body: dict[str, Any]) -> None:
        properties = body["properties"]
        properties["places"] = {**properties.pop("seats"), "x-shizhu-renamed": "seats"}
        body["if"] = {"properties": {"places": {"minimum": 10}}, "required": ["places"]}
        helper = properties["helpers"]["items"]["properties"]
        helper["mobile"] = {**helper.pop("phone"), "x-shizhu-renamed": "phone"}
        properties["season"]["default"] = 2026
        body["required"].append("season")
        properties["drinks"]["items"]["properties"]["amount"]["x-shizhu-computed"] = "price * cups * 2"

    declare(change)
    assert [register.key for register in revising.pending(county.pk)] == [PERMIT]
    assert api.revise(county.pk) == {PERMIT: (2, 0)}
    now = stored(made.id)
    assert {name: now.get(name) for name in ("seats", "places", "season", "total", "helpers")} == {
        "seats": None, "places": 4, "season": 2026, "total": 12, "helpers": [{"name": "丙", "mobile": "13800000001"}],
    }  # fmt: skip
    step = api.history(root, made.id)[-1]
    assert (step.who, step.version) == ("declaration", 2)
    assert "13800000001" not in str(step.fields)


def test_rows_that_forbid_it_stay_and_are_told(
    county: County, client: Client, root: access.Actor, permit: Any, declare: Any
) -> None:
    made = permit(seats=4, days=["feast"])
    permit(seats=12, fire_plan="跑")

    def change(body: dict[str, Any]) -> None:
        body["properties"]["seats"]["minimum"] = 10
        del body["properties"]["days"]
        body["x-shizhu"]["list"].remove("days")

    declare(change)
    before = stored(made.id)
    assert api.revise(county.pk) == {PERMIT: (0, 1)}
    assert stored(made.id) == before
    page = client.get(f"{LIST}unfit")
    assert [(row.key, told) for row, told in page.context["rows"]] == [
        ("P001", [("days", "is no field of this register"), ("Seats", "must not be below 10")])
    ] or [sorted(told) for _row, told in page.context["rows"]] == [
        [("Seats", "must not be below 10"), ("days", "is no field here")]
    ]
    assert client.get(LIST).context["misfits"] == 1
    assert client.get(f"{LIST}{made.id}/").status_code == 200
    form = client.get(f"{LIST}{made.id}/edit")
    controls = {leaf.name: leaf for one in form.context["inputs"] for leaf in one.leaves}
    assert (form.context["gone"], controls["seats"].problems) == (["days"], ("must not be below 10",))
    sent = {name: one.value for name, one in controls.items() if one.control not in {"rows", "computed"}}
    sent |= {place.name: place.value for place in form.context["places"]} | {
        "version": "1",
        "seats": "10",
        "fire_plan": "跑",
    }
    assert client.post(f"{LIST}{made.id}/edit", sent).status_code == 422
    assert client.post(f"{LIST}{made.id}/edit", {**sent, "_gone.days": "1"}).status_code == 302
    assert stored(made.id) == {"code": "P001", "applicant": "1号", "kind": "cart", "seats": 10, "fire_plan": "跑"}
    assert (client.get(f"{LIST}unfit").context["rows"], client.get(LIST).context["misfits"]) == ([], 0)


def test_a_row_is_only_told_to_who_may_see_it(county: County, permit: Any, declare: Any) -> None:
    permit(seats=4, area="101")
    permit(seats=5, area="102")
    declare(lambda body: body["properties"]["seats"].update(minimum=10))
    api.revise(county.pk)
    east = browser(person(county, f"records.{PERMIT}.view", in_area="101"))
    assert [row.key for row, _told in east.get(f"{LIST}unfit").context["rows"]] == ["P001"]
    assert east.get(LIST).context["misfits"] == 1
    nobody = browser(person(county, "records.lemonade.grower.view"))
    assert nobody.get(f"{LIST}unfit").status_code == 403


def test_rows_that_are_alike_forbid_what_must_be_unique(
    county: County, client: Client, permit: Any, declare: Any
) -> None:
    for season in (2026, 2026, 2027):
        permit(seats=4, season=season)
    declare(lambda body: body["x-shizhu"]["unique"].append(["seats", "season"]))
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # as at the end of a transaction
    api.prepare_registers()
    assert api.revise(county.pk) == {PERMIT: (0, 2)}
    told = [(row.key, told) for row, told in client.get(f"{LIST}unfit").context["rows"]]
    assert told == [(key, [("Seats", "another record has the same Seats、Season")]) for key in ("P001", "P002")]


def test_a_state_that_is_no_more_is_left_by_its_first(
    county: County, client: Client, root: access.Actor, permit: Any, declare: Any
) -> None:
    made = api.move(root, permit().id, "asked", 1)

    def change(body: dict[str, Any]) -> None:
        del body["x-shizhu"]["states"]["asked"]
        body["x-shizhu"]["transitions"] = [{"from": "draft", "to": "granted"}]

    declare(change)
    assert api.revise(county.pk) == {PERMIT: (0, 1)}
    page = client.get(f"{LIST}{made.id}/")
    assert [(step.start, step.end) for step in page.context["steps"]] == [("asked", "draft")]
    assert api.move(root, made.id, "draft", 2).state == "draft"


def test_what_is_no_field_any_more_is_masked(
    county: County, client: Client, root: access.Actor, permit: Any, declare: Any
) -> None:
    made = permit(identity="11010519491231002X")

    def change(body: dict[str, Any]) -> None:
        del body["properties"]["identity"]
        body["x-shizhu"]["unique"].remove(["identity"])

    declare(change)
    assert api.get_by_id(root, made.id).data["identity"] == "＊＊＊"
    pages = [client.get(f"{LIST}{made.id}/{path}").content.decode() for path in ("", "edit", "versions")]
    assert [text for text in pages if "11010519491231002X" in text] == []


def test_a_start_asks_a_worker_only_where_rows_must_follow(county: County, permit: Any, declare: Any) -> None:
    declare(lambda body: body["properties"]["seats"].update(maximum=99))
    api.follow(county.pk)
    assert (revising.pending(county.pk), ProcrastinateJob.objects.filter(task_name="records.prepare").count()) == (
        [],
        0,
    )
    permit()
    declare(lambda body: body["properties"]["seats"].update(minimum=1))
    api.follow(county.pk)
    assert ProcrastinateJob.objects.filter(task_name="records.prepare").count() == 1
