"""Rows that hold until a date are told of before it and when it is over, to who may edit them."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from tests.fixtures import person

from shizhu.engines.notices import expiring
from shizhu.engines.notices.models import Delivery, Message
from shizhu.engines.records import api as records
from shizhu.kernel import access, packs
from shizhu.kernel.models import County, Declaration

pytestmark = pytest.mark.django_db
pytest_plugins = ["tests.engines.records.stalls"]
STALL = "lemonade.stall"
EDIT = f"records.{STALL}.edit"


@pytest.fixture(autouse=True)
def declared(county: County) -> None:
    """A stall may stay where it is until a date."""
    found = Declaration.objects.get(kind="registers", key=STALL)
    found.body["x-shizhu"]["expires"] = {"field": "opened", "before": "P10D"}
    found.save()
    packs.forget()


def told() -> list[tuple[str, str, str, list[str]]]:
    return [
        (one.title, one.text.partition("。")[0], one.level,
         sorted(Delivery.objects.filter(message=one, channel=None).values_list("person__username", flat=True)))
        for one in Message.objects.order_by("pk")
    ]  # fmt: skip


def test_a_row_is_told_of_before_its_date_and_once_it_is_over(county: County, stall: Any, root: access.Actor) -> None:
    for name, code in (("east", "101"), ("west", "102")):
        person(county, EDIT, username=name, in_area=code)
    person(county, f"records.{STALL}.view", username="looks")
    made = stall(opened="2026-07-11")
    stall(opened="2026-07-12")
    gone = stall(opened="2026-07-01")
    records.withdraw(root, gone.id, gone.version)
    assert [expiring.remind_all(date(2026, 6, 30)), expiring.remind_all(date(2026, 7, 1))] == [0, 1]
    assert expiring.remind_all(date(2026, 7, 1)) == 0
    assert told() == [
        ("摊位：1号摊 即将到期", "将于 2026-07-11 到期，还有 10 天", "yellow", ["east", "root"]),
    ]
    assert Message.objects.get().url == f"/records/{STALL}/{made.id}/"
    assert [expiring.remind_all(date(2026, 7, 11)), expiring.remind_all(date(2026, 7, 12))] == [1, 1]
    assert [line[0] for line in told()[1:]] == ["摊位：2号摊 即将到期", "摊位：1号摊 已到期"]
    records.update(root, made.id, {**made.data, "opened": "2027-07-11"}, version=made.version)
    assert expiring.remind_all(date(2026, 7, 13)) == 1  # the other one
    assert [line[0] for line in told()[3:]] == ["摊位：2号摊 已到期"]
