"""What a writer may not see is told by no refusal, no count and no title, through whichever door they come."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client
from tests.engines.records.permits import PERMIT, browser
from tests.engines.records.test_attachments import NEW, paper, status_of
from tests.engines.records.test_imports import BASE, STALL, errors, send, table, write
from tests.engines.records.test_ogc_writing import HOME
from tests.engines.records.test_pages import text
from tests.fixtures import person

from shizhu.engines.records import api, batches
from shizhu.engines.records.models import Batch, Record
from shizhu.kernel import access, packs
from shizhu.kernel.models import County, Declaration, File, Person

pytestmark = pytest.mark.django_db
pytest_plugins = ["tests.engines.records.stalls"]
PHONE, IDENTITY = "13812345678", "11010519491231002X"
SENT = {"code": "S001", "name": "新名字", "_area": "990001101", "_organisation": "stand"}
PATCH = {"content_type": "application/merge-patch+json", "headers": {**HOME}}


def clerk(county: County, *verbs: str, register: str = STALL, area: str = "101") -> Client:
    """The browser of somebody with these rights in one town."""
    return browser(person(county, *(f"records.{register}.{verb}" for verb in verbs), username="clerk", in_area=area))


def declare(**rules: dict[str, Any]) -> None:
    """Other rules for fields of the stalls, after rows were kept."""
    found = Declaration.objects.get(kind="registers", key=STALL)
    for name, rule in rules.items():
        found.body["properties"][name] |= rule
    found.save()
    packs.forget()


def patched(client: Client, **properties: Any) -> Any:
    return client.patch(f"/ogc/collections/{STALL}/items/S001", json.dumps({"properties": properties}), **PATCH)


def test_no_refusal_says_a_private_value_that_the_writer_did_not_send(county: County, stall: Any) -> None:
    made = stall(phone=PHONE, illness="HIV")
    declare(phone={"pattern": "^[+]86"}, illness={"maxLength": 2})
    client = clerk(county, "view", "edit")
    form = client.post(f"{BASE}{made.id}/edit", {"version": "1", **SENT})
    batch = send(client, table([["编号", "名称"], ["S001", "新名字"]]))
    answers = [form, client.get(f"{BASE}batches/{batch.pk}/"), patched(client, name="新名字")]
    assert [answer.status_code for answer in answers] == [422, 200, 422]
    assert (
        errors(client, batch)[1][-1]
        == "Health“＊＊＊”：may have at most 2 characters\nPhone“138****5678”：has the wrong form"
    )
    for answer in answers:
        said = answer.content.decode()
        assert "has the wrong form" in said
        assert not any(private in said for private in (PHONE, "HIV"))
    assert Record.objects.get().version == 1


def test_an_old_version_that_is_refused_is_not_shown_whole(
    county: County, root: access.Actor, stall: Any, permit: Any
) -> None:
    api.prepare_registers()
    made = stall(phone=PHONE)
    api.update(root, made.id, {"phone": None}, 1)
    declare(phone={"pattern": "^[+]86"})
    first = permit(identity=IDENTITY)
    api.update(root, first.id, {"identity": None}, 1)
    permit(identity=IDENTITY, area="102")
    verbs = [f"records.{register}.{verb}" for register in (STALL, PERMIT) for verb in ("view", "edit")]
    client = browser(person(county, *verbs, in_area="101"))
    for register, number, private in ((STALL, made.id, PHONE), (PERMIT, first.id, IDENTITY)):
        answer = client.post(f"/records/{register}/{number}/versions/1/restore", {"version": "2"})
        assert answer.status_code == 422
        assert private not in text(answer)
        assert Record.objects.get(pk=number).version == 2


def test_a_table_learns_nothing_of_rows_that_its_sender_cannot_see(county: County, stall: Any) -> None:
    stall(area="102", of="kitchen", phone=PHONE, illness="HIV", seats=12, note="秘密")
    declare(phone={"pattern": "^[+]86"}, seats={"maximum": 5})
    client = clerk(county, "view", "create", "edit")
    for heads, cells in ((["健康状况"], ["HIV"]), (["健康状况"], ["flu"]), (["名称"], ["1号摊"]), (["座位"], [4])):
        batch = write(client, send(client, table([["编号", *heads], ["S001", *cells]])))
        assert batch.counts == {"wrong": 1}
        assert batch.examples == [{"row": 2, "told": ["Code“S001”：is used already"]}]
    assert Record.objects.get().version == 1


def test_a_table_cannot_guess_what_is_masked(county: County, stall: Any) -> None:
    stall(illness="HIV")
    client = clerk(county, "view", "create", "edit")
    counted = [send(client, table([["编号", "健康状况"], ["S001", guess]])).counts for guess in ("HIV", "flu")]
    assert counted == [{"changed": 1}, {"changed": 1}]
    reader = browser(person(county, f"records.{STALL}.view", f"records.{STALL}.create", username="reader"))
    told = [send(reader, table([["编号", "健康状况"], ["S001", guess]])) for guess in ("HIV", "flu")]
    assert [batch.counts for batch in told] == [{"wrong": 1}, {"wrong": 1}]
    assert told[0].examples == told[1].examples


def test_an_id_in_a_text_opens_no_attachment(county: County, root: access.Actor, stall: Any) -> None:
    owner = browser(Person.objects.get(username="root"))
    assert owner.post(f"/records/{PERMIT}/new", {**NEW, "_area": "990001102", "papers": [paper()]}).status_code == 302
    hidden = File.objects.get()
    kept = batches.keep(Person.objects.get(username="root"), county.pk, b"\xef\xbb\xbfa,b\n", "表.csv", "text/csv")
    made = stall()
    client = clerk(county, "view", "edit")
    for number, file in enumerate((hidden, kept), 1):
        assert status_of(client, f"{BASE}{made.id}/files/{file.pk}") == 404
        api.update(access.actor(Person.objects.get(username="clerk")), made.id, {"note": str(file.pk)}, number)
        assert status_of(client, f"{BASE}{made.id}/files/{file.pk}") == 404
    permit = Record.objects.get(register=PERMIT)
    assert status_of(owner, f"/records/{PERMIT}/{permit.pk}/files/{hidden.pk}") == 200


def test_titles_of_records_are_for_who_may_see_them(county: County, root: access.Actor, stall: Any) -> None:
    api.create(
        root, county.pk, "lemonade.grower", {"code": "G007", "name": "秘密果园"}, organisation="kitchen",
        area="990001102",
    )  # fmt: skip
    made = stall(grower="G007")
    client, owner = clerk(county, "view", "create", "edit"), browser(Person.objects.get(username="root"))
    pages = (BASE, f"{BASE}{made.id}/", f"{BASE}{made.id}/edit", f"{BASE}{made.id}/versions", "/search?q=1号摊")
    for page in pages:
        assert "秘密果园" not in text(client.get(page)), page
    assert "秘密果园" in text(owner.get(f"{BASE}{made.id}/"))
    refused = [
        client.post(f"{BASE}new", {**SENT, "code": "S002", "grower": "G007"}),
        client.post(
            f"/ogc/collections/{STALL}/items",
            json.dumps({"type": "Feature", "geometry": None, "properties": {**SENT, "code": "S002", "grower": "G007"}}),
            content_type="application/geo+json", headers={**HOME},
        ),
    ]  # fmt: skip
    assert [answer.status_code for answer in refused] == [422, 422]
    assert send(client, table([["编号", "名称", "供货"], ["S002", "二号", "G007"]])).counts == {"wrong": 1}
    assert client.post(f"{BASE}{made.id}/edit", {"version": "1", **SENT, "grower": "G007"}).status_code == 302
    assert Batch.objects.get().state == "checked"
    assert Record.objects.get(register=STALL).data["grower"] == "G007"


def test_a_private_text_that_became_a_group_is_hidden_where_it_was(
    county: County, root: access.Actor, stall: Any
) -> None:
    made = stall(phone=PHONE)
    api.update(root, made.id, {"phone": None}, 1)
    found = Declaration.objects.get(kind="registers", key=STALL)
    inner = {"type": "string", "x-shizhu-class": "personal", "title": "号"}
    found.body["properties"]["phone"] = {"type": "object", "title": "电话", "properties": {"number": inner}}
    found.save()
    packs.forget()
    client = clerk(county, "view")
    for page in (f"{BASE}{made.id}/", f"{BASE}{made.id}/versions?a=1&b=2"):
        assert PHONE not in text(client.get(page)), page


def test_a_number_that_not_every_reader_takes_is_refused(county: County, root: access.Actor, stall: Any) -> None:
    stall(price=9007199254740991)
    client = browser(Person.objects.get(username="root"))
    for large in (1e308, 9007199254740992):
        answer = patched(client, price=large)
        assert answer.status_code == 422
        assert "must not be farther from 0 than 9,007,199,254,740,991" in answer.content.decode()
    assert send(client, table([["编号", "价格（元）"], ["S001", 1e300]])).counts == {"wrong": 1}
    assert Record.objects.get().data["price"] == 9007199254740991
    assert client.get(f"/ogc/collections/{STALL}/items?f=json").json()["numberReturned"] == 1
