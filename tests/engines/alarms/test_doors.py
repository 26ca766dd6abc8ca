"""Who has left, door by door: words of a phone, each once, the newest counts; who may say and see it."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from tests.engines.alarms.test_warnings import EAST, chief, duty, households, issued, makers
from tests.fixtures import person
from tests.web.pages import browser, text

from shizhu.engines.alarms.models import Door
from shizhu.engines.alarms.warnings import reaching
from shizhu.engines.notices.models import Channel, Delivery
from shizhu.engines.records import api as records
from shizhu.engines.records.models import Record
from shizhu.kernel import access
from shizhu.kernel.models import County, Person

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("loopback")]
__all__ = ["chief", "duty", "makers"]


def said(who: Person, warning: int, home: int, state: str, ago: float, **more: Any) -> Any:
    body = {
        "id": str(uuid.uuid4()), "kind": "door", "at": (timezone.now() - timedelta(minutes=ago)).isoformat(),
        "person": who.pk, "warning": warning, "home": home, "state": state, **more,
    }  # fmt: skip
    return browser(who).post(
        "/field/api/deeds",
        body,
        content_type="application/json",
        headers={"host": "testserver", "origin": "http://testserver"},
    )


def test_the_newest_word_counts_and_each_once(
    county: County, duty: Person, chief: Person, makers: dict[str, Person]
) -> None:
    households(county, 3)
    assert browser(makers["east"]).get("/field/api/state").json()["doors"] == []
    number = issued(duty, chief, level="red").warning_id
    (told,) = browser(makers["east"]).get("/field/api/state").json()["doors"]
    assert (told["warning"], [one["state"] for one in told["homes"]]) == (number, ["", "", ""])
    assert {one["title"] for one in told["homes"]} == {""}  # a maker may not see the register
    assert browser(makers["west"]).get("/field/api/state").json()["doors"] == []
    first, second, _third = (one["record"] for one in told["homes"])

    twice = str(uuid.uuid4())
    for _time in range(2):
        assert said(makers["east"], number, first, "moved", 5, id=twice, at="2026-07-01T00:00:00Z").status_code == 200
    said(makers["east"], number, second, "refuses", 1)
    said(makers["top"], number, second, "fetch", 3)  # an older word that came later
    assert Door.objects.count() == 3
    assert said(makers["west"], number, first, "moved", 1).status_code == 403
    assert said(person(county, "*"), number, first, "moved", 1).status_code == 403
    assert said(makers["east"], number, 999_999, "moved", 1).json()["outcome"] == "conflict"
    assert said(makers["east"], number, first, "gone", 1).status_code == 422
    assert Door.objects.count() == 3

    page = browser(chief).get(f"/alarms/warnings/{number}/")
    assert (page.context["left"].answered, page.context["left"].asked, page.context["inside"]["homes"]) == (1, 3, 2)
    assert (page.context["inside"]["refuses"], page.context["inside"]["fetch"]) == (1, 0)
    assert [one for one in ("已转移 1 / 3", "不肯走", "还没消息", "一户") if one not in text(page)] == []
    assert "住户0" not in text(page)
    states = [one["state"] for one in browser(makers["east"]).get("/field/api/state").json()["doors"][0]["homes"]]
    assert sorted(states) == ["", "moved", "refuses"]
    assert states[-1] == "moved"
    assert page.context["left"].ninety is None


def test_how_many_live_there_may_be_written_in_any_way(
    county: County, duty: Person, chief: Person, makers: dict[str, Person]
) -> None:
    households(county, 4)
    county.settings["warnings"]["households"] |= {"people": "note", "first": "badge"}
    county.save()
    for row, note in zip(Record.objects.order_by("key"), ("3", "3.0", "三", "1e999"), strict=True):
        row.data["note"] = note
        row.save()
    issued(duty, chief, level="red")
    (told,) = browser(makers["east"]).get("/field/api/state").json()["doors"]
    assert [one["people"] for one in told["homes"]] == [3, 3, 0, 0]


def test_where_nobody_leaves_the_doors_are_those_that_no_channel_reaches(
    county: County, duty: Person, chief: Person, makers: dict[str, Person]
) -> None:
    households(county, 1)
    root = access.actor(Person.objects.get(username="root"))
    for data in ({"code": "R008", "name": "住户8"}, {"code": "R009", "name": "住户9"}):
        records.create(root, county.pk, "lemonade.regular", data, organisation="stand", area=EAST)
    Channel.objects.create(county=county, kind="sms", name="sms", address="http://127.0.0.1:9/", is_simulated=True)
    made = issued(duty, chief, level="yellow")
    number = made.warning_id
    reached, first, second = Record.objects.order_by("key").values_list("pk", flat=True)

    def seen() -> tuple[bool, dict[int, str]]:
        (told,) = browser(makers["east"]).get("/field/api/state").json()["doors"]
        return told["moves"], {one["record"]: one["state"] for one in told["homes"]}

    def known() -> dict[str, str]:
        return {name: one.way for name, one in reaching.answers(made).items() if one.at}

    assert seen() == (False, {first: "", second: ""})
    assert browser(makers["west"]).get("/field/api/state").json()["doors"] == []
    assert "逐户登记" in text(browser(makers["east"]).get("/"))
    assert "逐户登记" not in text(browser(makers["west"]).get("/"))
    assert known() == {}
    assert said(makers["east"], number, first, "told", 0).json()["outcome"] == "done"
    assert said(makers["east"], number, second, "away", 0).json()["outcome"] == "done"
    assert seen() == (False, {second: "away", first: "told"})
    assert known() == {f"record/{first}": "door"}
    assert made.sent is not None
    assert said(makers["east"], number, second, "told", 60).json()["outcome"] == "done"  # by a phone's slow clock
    assert (reaching.answers(made)[f"record/{second}"].at, seen()[1][second]) == (made.sent, "away")

    page = browser(chief).get(f"/alarms/warnings/{number}/")
    assert "data-left" not in page.content.decode()
    assert (page.context["homes"].answered, page.context["homes"].asked) == (2, 3)
    Delivery.objects.filter(contact=f"record/{reached}").update(received_at=timezone.now())
    assert known()[f"record/{reached}"] == "sms"
    assert browser(chief).get(f"/alarms/warnings/{number}/").context["homes"].ninety is not None


def test_no_door_is_asked_for_where_all_are_reached(
    county: County, duty: Person, chief: Person, makers: dict[str, Person]
) -> None:
    Channel.objects.create(county=county, kind="sms", name="sms", address="http://127.0.0.1:9/", is_simulated=True)
    households(county, 1)
    number = issued(duty, chief, level="yellow").warning_id
    assert browser(makers["east"]).get("/field/api/state").json()["doors"] == []
    assert "data-left" not in browser(chief).get(f"/alarms/warnings/{number}/").content.decode()
