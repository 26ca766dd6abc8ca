"""Rows that are probably one: declared rules find them, a form warns first, nobody learns what they may not."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from procrastinate.contrib.django.models import ProcrastinateJob
from tests.engines.records.permits import browser
from tests.fixtures import person, work

from shizhu.engines.records import api, duplicates, traits
from shizhu.engines.records.models import Batch, Indexed, Pair, Record, Traced, Trait
from shizhu.kernel import access
from shizhu.kernel.models import County, Person
from shizhu.lib.checks import resident_digit

pytestmark = pytest.mark.django_db
pytest_plugins = ["tests.engines.records.stalls"]
REGULAR = "lemonade.regular"
NEW = f"/records/{REGULAR}/new"
LIST = f"/records/{REGULAR}/"
ID = "11010519491231002X"
OLD = "110105491231002"


@pytest.fixture
def regular(county: County, root: access.Actor) -> Any:
    """Makes regulars R001, R002 …; keyword arguments become data."""
    made: list[api.Entry] = []

    def make(*, area: str = "101", of: str = "stand", by: Any = None, at: Any = None, **data: Any) -> api.Entry:
        row = {"code": f"R{len(made) + 1:03}", "name": f"{chr(0x4E00 + 700 * len(made))}某人", **data}
        made.append(
            api.create(by or root, county.pk, REGULAR, row, organisation=of, area=f"{county.pk}{area}", geometry=at)
        )
        return made[-1]

    return make


@pytest.fixture
def client(root: access.Actor) -> Client:
    return browser(Person.objects.get(username="root"))


def look(county: County) -> list[tuple[str, str, list[int]]]:
    """(key, key, rules) of the open pairs after a worker looked."""
    traits.trace(county.pk)
    duplicates.pair(county.pk)
    rows = Pair.objects.filter(state="open").order_by("first__key", "second__key")
    return [(pair.first.key, pair.second.key, pair.rules) for pair in rows]


def sent(**data: str) -> dict[str, str]:
    return {"_organisation": "stand", "_area": "990001101", "visits.#": "0", "code": "R900", "name": "钱某人", **data}


def test_rows_are_alike_by_each_rule_and_by_none(county: County, regular: Any) -> None:
    regular(name="张晓明", identity=ID)
    regular(name="李丽", company="甲县兴农科技有限公司")
    regular(name="張小明")  # sounds alike, in the same town
    regular(name="张小明", area="102")  # in another
    regular(name="王五", company="兴农科技（甲县）股份有限公司", home="东镇人民路12号", kind="home")
    regular(name="赵六", home="甲县人民路十二号", kind="home")
    regular(name="孙七", home="人民路12号", kind="office")  # of another kind
    regular(name="周八", home="人民路13号", kind="home")  # another house
    assert look(county) == [("R001", "R003", [1]), ("R002", "R005", [2]), ("R005", "R006", [3])]


def test_a_worker_looks_at_each_row_once_and_anew_where_it_changed(
    county: County, regular: Any, root: access.Actor
) -> None:
    first, second = regular(company="兴农科技有限公司"), regular(company="莼菜合作社")
    assert look(county) == []
    assert not Traced.objects.filter(is_paired=False).exists()
    api.update(root, second.id, {"company": "兴农科枝公司"}, 1)
    assert Traced.objects.get(is_paired=False).pk == second.id
    assert look(county) == [("R001", "R002", [2])]
    api.update(root, second.id, {"note": "问过"}, 2)  # says nothing about it
    assert not Traced.objects.filter(is_paired=False).exists()
    assert look(county) == [("R001", "R002", [2])]
    api.update(root, second.id, {"company": "莼菜合作社"}, 3)
    assert look(county) == []
    api.update(root, first.id, {"company": "纯菜合作社"}, 1)
    assert look(county) == [("R001", "R002", [2])]
    api.withdraw(root, first.id, 2)
    assert (look(county), Trait.objects.filter(record=first.id).count()) == ([], 0)
    api.restore(root, first.id, 3)
    assert look(county) == [("R001", "R002", [2])]


def test_what_many_rows_have_says_nothing(county: County, regular: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traits, "MOST", 3)
    for number in range(4):
        regular(company="便民商店", note=str(number))
    assert look(county) == []
    row = Record(county_id=county.pk, register=REGULAR, data={"company": "便民商店"})
    row.area, row.organisation = Record.objects.all()[0].area, Record.objects.all()[0].organisation
    assert duplicates.found(access.ANYBODY, api.register_of(REGULAR, county.pk), row) == []


def test_rows_that_an_import_or_a_declaration_brought_are_traced_too(county: County, regular: Any) -> None:
    regular(company="兴农科技有限公司"), regular(company="兴农科技公司")
    Trait.objects.all().delete()
    Traced.objects.all().delete()
    Pair.objects.all().delete()
    assert look(county) == [("R001", "R002", [2])]  # what is missing
    Indexed.objects.filter(register=REGULAR).update(traits="of other rules")
    assert duplicates.pairs(access.ANYBODY, county.pk, api.register_of(REGULAR, county.pk)).count() == 0
    assert [r.key for r in traits.pending(county.pk)] == [REGULAR]
    assert look(county) == [("R001", "R002", [2])]
    assert duplicates.prepare() == 0


def test_a_form_warns_once_and_never_refuses(county: County, regular: Any, client: Client) -> None:
    regular(name="李丽", company="兴农科技有限公司")
    page = client.post(NEW, sent(company="甲县兴农科枝有限责任公司"))
    assert (page.status_code, Record.objects.count()) == (200, 1)
    assert [(one.entry.key, [item.name for item in one.fields]) for one in page.context["alike"]] == [
        ("R001", ["company"])
    ]
    assert "Perhaps it is there already" in page.content.decode()
    known = page.context["known"]
    assert f'name="_known" value="{known}"' in page.content.decode()
    assert client.post(NEW, sent(company="甲县兴农科枝有限责任公司", _known=known)).status_code == 302
    assert Record.objects.count() == 2
    assert client.post(NEW, sent(code="R901", name="孙某人", company="莼菜合作社")).status_code == 302


def test_who_saves_another_one_has_told_it_apart(county: County, regular: Any, client: Client) -> None:
    regular(name="李丽", company="兴农科技有限公司")
    fields = sent(company="兴农科技公司")
    known = client.post(NEW, fields).context["known"]
    assert client.post(NEW, {**fields, "_known": known}).status_code == 302
    assert look(county) == []
    told = Pair.objects.get()
    assert (told.first.key, told.second.key, told.state, told.rules) == ("R001", "R900", "two", [2])
    assert (told.person and told.person.username, told.decided is not None) == ("root", True)
    assert client.get(f"{LIST}duplicates/").context["total"] == 0
    edit = f"{LIST}{told.second_id}/edit"
    changed = sent(name="李丽", company="兴农科技公司", version="1")  # alike by more than before: asked again
    known = client.post(edit, changed).context["known"]
    assert known == str(told.first_id)
    assert client.post(edit, {**changed, "_known": known}).status_code == 302
    told.refresh_from_db()
    assert (look(county), told.rules) == ([], [1, 2])


def test_another_one_is_told_apart_from_nothing_but_what_the_page_named_and_one_may_edit(
    county: County, regular: Any
) -> None:
    regular(company="兴农科技有限公司", area="102")
    fields = sent(company="兴农科技公司")
    taker = person(county, f"records.{REGULAR}.view", f"records.{REGULAR}.create", username="taker")
    page = browser(taker).post(NEW, fields)
    assert browser(taker).post(NEW, {**fields, "_known": page.context["known"]}).status_code == 302
    assert look(county) == [("R001", "R900", [2])]  # who may register may not say of another's row what it is not
    clerk = browser(person(county, f"records.{REGULAR}.*", username="clerk"))
    other = sent(code="R901", name="孙某人", company="莼菜合作社")
    assert clerk.post(NEW, {**other, "_known": str(Record.objects.get(key="R001").pk)}).status_code == 302
    assert (look(county), Pair.objects.count()) == ([("R001", "R900", [2])], 1)


def test_a_change_warns_of_what_was_not_alike_before(county: County, regular: Any, client: Client) -> None:
    regular(company="兴农科技有限公司")
    mine = regular(company="莼菜合作社")
    edit = f"{LIST}{mine.id}/edit"
    assert client.post(edit, sent(code="R002", company="兴农科技公司", version="1")).status_code == 200
    assert Record.objects.get(pk=mine.id).data["company"] == "莼菜合作社"
    page = client.post(edit, sent(code="R002", company="兴农科技公司", version="1"))
    done = client.post(edit, sent(code="R002", company="兴农科技公司", version="1", _known=page.context["known"]))
    assert (done.status_code, Record.objects.get(pk=mine.id).version) == (302, 2)
    again = client.post(edit, sent(code="R002", company="兴农科技公司", note="问过", version="2"))
    assert (again.status_code, Record.objects.get(pk=mine.id).version) == (302, 3)


def test_who_may_not_see_a_row_or_a_private_field_is_warned_of_nothing(county: County, regular: Any) -> None:
    regular(name="李丽", company="兴农科技有限公司", identity=ID, area="102")
    east = browser(person(county, f"records.{REGULAR}.*", in_area="101", username="east"))
    page = east.post(NEW, sent(company="兴农科技有限公司"))
    assert (page.status_code, Record.objects.count()) == (302, 2)  # nothing was said
    regular(name="周八", identity=resident())
    clerk = browser(person(county, f"records.{REGULAR}.view", f"records.{REGULAR}.create", username="clerk"))
    who = access.actor(Person.objects.get(username="clerk"))
    row = Record.objects.select_related("area", "organisation").get(key="R002")
    row.pk, row.data = None, {"identity": resident()}
    register = api.register_of(REGULAR, county.pk)
    assert duplicates.found(who, register, row) == []
    full = access.actor(person(county, f"records.{REGULAR}.*", username="full"))
    assert [one.entry.key for one in duplicates.found(full, register, row)] == ["R002"]
    row.data = {"identity": ID, "company": "兴农科技"}
    assert [[f.name for f in one.fields] for one in duplicates.found(who, register, row)] == [["company"], ["company"]]
    assert clerk.get(NEW).status_code == 200


def test_a_pair_is_told_to_who_may_see_both_rows_and_what_says_so(county: County, regular: Any) -> None:
    regular(company="兴农科技"), regular(company="兴农科枝")
    regular(company="长江莼菜"), regular(company="长江纯菜", area="102")
    regular(identity=ID), regular(identity=ID)
    regular(identity=resident(), area="102"), regular(identity=resident(), area="102")
    near, across, hidden, far = look(county)
    assert [rules for _one, _other, rules in (near, across, hidden, far)] == [[2], [2], [0], [0]]
    view, every = f"records.{REGULAR}.view", f"records.{REGULAR}.*"
    both = person(county, view, username="both")
    person(county, every, in_area="101", username="east").posts.update(person=both)
    told = {
        person(county, view): [near, across], person(county, every): [near, across, hidden, far],
        both: [near, across, hidden],
        person(county, view, in_area="101"): [near], person(county, every, in_area="101"): [near, hidden],
        person(county, view, in_area="102"): [], person(county, every, of="kitchen"): [],
    }  # fmt: skip
    for who, expected in told.items():
        page = browser(who).get(f"{LIST}duplicates/").context
        found = [(one.first.key, one.second.key, one.pair.rules) for one in page["couples"]]
        assert (sorted(found), page["total"]) == (expected, len(expected))
        assert browser(who).get(LIST).context["pairs"] == len(expected)


def resident() -> str:
    body = "11010519800229001"
    return body + resident_digit(body)


def test_old_identity_numbers_are_the_same(county: County, regular: Any) -> None:
    regular(identity=ID)
    register = api.register_of(REGULAR, county.pk)
    row = Record.objects.select_related("area", "organisation").get()
    row.pk, row.data = None, {"identity": OLD}
    assert [one.entry.key for one in duplicates.found(access.ANYBODY, register, row)] == ["R001"]


def test_nothing_is_kept_of_registers_without_rules(county: County, stall: Any) -> None:
    stall(), stall()
    assert (Traced.objects.count(), Trait.objects.count(), Batch.objects.count()) == (0, 0, 0)


@pytest.mark.django_db(transaction=True)
def test_rows_written_while_a_worker_looks_are_looked_at_too(county: County, regular: Any, run: Any) -> None:
    waiting = ProcrastinateJob.objects.filter(task_name="records.pair").values_list("status", flat=True)
    regular(company="兴农科技有限公司")  # asks for a look
    with connection.cursor() as cursor:  # a second later
        cursor.execute("UPDATE procrastinate_jobs SET scheduled_at = now()")
    with transaction.atomic():
        regular(company="兴农科技公司")  # asks too, and a worker comes before it is kept
        run(work())
    assert (list(waiting.all()), Pair.objects.count()) == (["todo"], 0)
    run(work())
    assert (list(waiting.all()), Pair.objects.count()) == (["succeeded"], 1)
