"""The form of a new row proposes the next free code of a register that counts its codes."""

from __future__ import annotations

import pytest
from django.test import Client
from tests.engines.records.test_pages import browser, controls
from tests.fixtures import person

from shizhu.engines.records import store
from shizhu.engines.records.catalogue import register_of
from shizhu.engines.records.logic.register import Register
from shizhu.engines.records.models import Record
from shizhu.kernel import testing
from shizhu.kernel.access import Actor
from shizhu.kernel.models import County, Person

pytestmark = pytest.mark.django_db
pytest_plugins = ["tests.engines.records.stalls"]
GROWER = "lemonade.grower"


def proposed(client: Client, query: str = "") -> str:
    answer = client.get(f"/records/{GROWER}/new{query}")
    assert answer.status_code == 200
    return next(one.value for one in controls(answer) if one.name == "code")


def test_it_is_the_one_behind_the_last_withdrawn_ones_too(county: County, root: Actor) -> None:
    client = browser(Person.objects.get(username="root"))
    assert proposed(client) == "G001"
    for code in ("G002", "G041"):
        store.create(root, county.pk, GROWER, {"code": code, "name": code}, organisation=county.pk, area=county.pk)
    assert proposed(client) == "G042"
    last = Record.objects.get(key="G041")
    store.withdraw(root, last.pk, version=last.version)
    assert proposed(client) == "G042"
    assert proposed(client, "?code=G007") == "G007"
    store.create(root, county.pk, GROWER, {"code": "G999", "name": "末"}, organisation=county.pk, area=county.pk)
    assert proposed(client) == ""


def test_of_two_who_were_proposed_the_same_the_second_is_told_so(county: County, root: Actor) -> None:
    client = browser(Person.objects.get(username="root"))
    sent = {"code": proposed(client), "name": "甲", "_organisation": county.pk, "_area": county.pk}
    assert client.post(f"/records/{GROWER}/new", sent).status_code == 302
    kept = testing.everything_kept()
    again = client.post(f"/records/{GROWER}/new", {**sent, "name": "乙"})
    assert again.status_code == 422
    assert [(one.name, one.value) for one in controls(again) if one.problems] == [("code", "G001")]
    assert testing.everything_kept() == kept


@pytest.mark.parametrize("pattern", ["", "^[1-9][0-9]{5}$", "^N[0-9]{4}-[0-9]{4}$", "^G[0-9]{3}", "^[A-Z][0-9]{3}$"])
def test_codes_that_are_not_counted_have_no_next_one(county: County, pattern: str) -> None:
    declared = register_of(GROWER, county.pk)
    code = {**declared.body["properties"]["code"], "pattern": pattern or ".*"}
    other = Register(GROWER, {**declared.body, "properties": {**declared.body["properties"], "code": code}})
    assert (store.next_key(declared, county.pk), store.next_key(other, county.pk)) == ("G001", "")


def test_nobody_without_the_right_is_told_a_code(county: County) -> None:
    viewer = browser(person(county, f"records.{GROWER}.view", username="viewer"))
    assert viewer.get(f"/records/{GROWER}/new").status_code == 403
