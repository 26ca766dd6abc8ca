"""Changing many rows at once: what would happen is seen first; rights, versions and rules hold row by row."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from tests.engines.records.test_pages import browser, text
from tests.fixtures import person

from shizhu.engines.records import api, batches
from shizhu.engines.records.http import bulk
from shizhu.engines.records.jobs import changing
from shizhu.engines.records.models import Batch, Record
from shizhu.kernel import access
from shizhu.kernel.models import County, OutboxEvent, Person

pytestmark = pytest.mark.django_db
pytest_plugins = ["tests.engines.records.stalls"]
STALL = "lemonade.stall"
LIST = f"/records/{STALL}/"


@pytest.fixture
def client(root: access.Actor) -> Client:
    """The browser of somebody who may do everything, in English."""
    return browser(Person.objects.get(username="root"))


def chosen(client: Client, **sent: Any) -> str:
    """The rows that the page would change."""
    return str(client.post(f"{LIST}change", sent).context["rows"])


def check(client: Client, rows: str, **sent: Any) -> Batch:
    client.post(f"{LIST}change/check", {"rows": rows, **sent})
    return Batch.objects.latest("pk")


def write(client: Client, batch: Batch) -> Batch:
    client.post(f"{LIST}batches/{batch.pk}/write")
    batch.refresh_from_db()
    return batch


def values(name: str) -> list[Any]:
    return [row.data.get(name) for row in Record.objects.filter(register=STALL).order_by("key")]


def test_ticked_rows_get_one_value_and_keep_their_history(client: Client, stall: Any, root: access.Actor) -> None:
    rows = [stall(kind="cart", street="旧路", seats=number) for number in (1, 2, 3)]
    ticked = chosen(client, row=[f"{row.id}:{row.version}" for row in rows[:2]])
    batch = check(client, ticked, change=["kind", "street"], kind="booth", street="", seats="9")
    assert (batch.state, batch.counts, values("kind")) == ("checked", {"changed": 2}, ["cart"] * 3)
    batch = write(client, batch)
    assert (batch.state, batch.counts) == ("done", {"changed": 2})
    assert (values("kind"), values("street"), values("seats")) == (
        ["booth", "booth", "cart"], [None, None, "旧路"], [1, 2, 3],
    )  # fmt: skip
    steps = api.history(root, rows[0].id)
    assert [(step.who, step.version) for step in steps] == [("", 1), ("root", 2)]
    assert OutboxEvent.objects.filter(envelope__type=api.CHANGED).count() == 5
    assert write(client, batch).counts == {"changed": 2}
    assert Record.objects.get(pk=rows[0].id).version == 2


def test_all_that_fit_a_filter_are_changed(client: Client, stall: Any) -> None:
    for kind in ("cart", "cart", "booth"):
        stall(kind=kind)
    batch = check(client, chosen(client, all="1", asked="?f.kind=cart"), change="_state", _state="closed")
    assert write(client, batch).counts == {"changed": 2}
    assert list(Record.objects.order_by("key").values_list("state", flat=True)) == ["closed", "closed", "open"]


def test_what_breaks_a_rule_is_refused_and_told(client: Client, stall: Any) -> None:
    row = stall(seats=1)
    batch = check(client, f"{row.id}:1", change="seats", seats="1000")
    assert batch.counts == {"wrong": 1}
    assert batch.examples == [{"title": "S001 1号摊", "told": ["Seats“1000”：must not be above 99"]}]
    assert "There is nothing to write." in text(client.get(f"{LIST}batches/{batch.pk}/"))


def test_a_row_that_somebody_changed_since_is_left_alone(client: Client, stall: Any, root: access.Actor) -> None:
    one, two = stall(seats=1), stall(seats=2)
    batch = check(client, f"{one.id}:1,{two.id}:1", change="seats", seats="7")
    api.update(root, one.id, {"name": "改了"}, 1)
    batch = write(client, batch)
    assert (batch.counts, values("seats")) == ({"changed": 1, "wrong": 1}, [1, 7])
    assert "was changed by somebody since" in str(batch.examples)


def test_rights_hold_row_by_row_and_hidden_rows_are_not_named(county: County, stall: Any) -> None:
    east, west, other = stall(area="101"), stall(area="102"), stall(of="kitchen", area="101")
    clerk = browser(person(county, f"records.{STALL}.*", in_area="101", of="stand"))
    rows = ",".join(f"{row.id}:1" for row in (east, west, other))
    batch = write(clerk, check(clerk, rows, change="seats", seats="7"))
    assert (batch.counts, values("seats"), batch.examples) == ({"changed": 1}, [7, None, None], [])
    reader = browser(person(county, f"records.{STALL}.view"))
    assert reader.post(f"{LIST}change", {"row": f"{east.id}:2"}).status_code == 403
    assert reader.post(f"{LIST}change/check", {"rows": f"{east.id}:2", "act": "withdraw"}).status_code == 403
    editor = browser(person(county, f"records.{STALL}.view", f"records.{STALL}.edit"))
    batch = write(editor, check(editor, f"{east.id}:2", act="withdraw"))
    assert (batch.counts, Record.objects.get(pk=east.id).state) == ({"wrong": 1}, "open")


def test_rows_are_withdrawn_together(client: Client, stall: Any) -> None:
    rows = ",".join(f"{stall().id}:1" for _ in range(3))
    assert write(client, check(client, rows, act="withdraw")).counts == {"changed": 3}
    assert set(Record.objects.values_list("state", "version")) == {("withdrawn", 2)}


def test_many_rows_are_left_to_a_worker_and_go_on_after_a_crash(
    client: Client, stall: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "AT_ONCE", 1)
    monkeypatch.setattr(changing, "CHUNK", 2)
    rows = ",".join(f"{stall().id}:1" for _ in range(5))
    batch = check(client, rows, change="seats", seats="7")
    assert batch.state == "checking"
    batches.run(batch.pk)
    client.post(f"{LIST}batches/{batch.pk}/write")
    Batch.objects.filter(pk=batch.pk).update(done=2, counts={"changed": 2})  # as if two had been written
    batches.run(batch.pk)
    batch.refresh_from_db()
    assert (batch.state, batch.counts, values("seats")) == ("done", {"changed": 5}, [None, None, 7, 7, 7])


def test_nothing_ticked_and_a_wrong_condition_change_nothing(client: Client, stall: Any) -> None:
    stall()
    for sent in ({}, {"all": "1", "asked": "?filter=owner='x'"}, {"row": "x:1"}):
        assert client.post(f"{LIST}change", sent).status_code == 302
    assert Batch.objects.count() == 0


def test_what_would_change_is_seen_before_and_after_with_private_values_masked(
    county: County, client: Client, stall: Any, root: access.Actor
) -> None:
    one = stall(seats=1, phone="13812345678", kind="cart")
    two, three = stall(seats=7, kind="cart"), stall(kind="booth")
    rows = ",".join(f"{row.id}:1" for row in (one, two, three))
    batch = check(client, rows, change=["seats", "kind", "phone"], seats="7", kind="booth", phone="13987654321")
    assert batch.preview["fields"] == {"seats": 2, "kind": 2, "phone": 3}
    assert batch.preview["rows"] == [
        {"id": one.id, "title": "S001 1号摊", "lines": [
            ["Kind", "Cart", "Booth"], ["Phone", "138****5678", "139****4321"], ["Seats", "1", "7"]]},
        {"id": two.id, "title": "S002 2号摊", "lines": [["Kind", "Cart", "Booth"], ["Phone", "", "139****4321"]]},
        {"id": three.id, "title": "S003 3号摊", "lines": [["Phone", "", "139****4321"], ["Seats", "", "7"]]},
    ]  # fmt: skip
    page = client.get(f"{LIST}batches/{batch.pk}/")
    assert "What would change" in text(page)
    assert "13812345678" not in page.content.decode()
    assert values("seats") == [1, 7, None]
    batch = write(client, batch)
    assert "What was to change" in text(client.get(f"{LIST}batches/{batch.pk}/"))
    gone = check(client, f"{one.id}:2", act="withdraw")
    assert gone.preview["rows"][0]["lines"] == [["State", "Open", "Withdrawn"]]
