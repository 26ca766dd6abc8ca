"""Pages through the client: lists, filters, forms with their faults, Excel; nothing for those without the right."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
import shapely
from django.test import Client
from openpyxl import load_workbook
from tests.engines.records.permits import stored
from tests.fixtures import person

from shizhu.engines.records import api
from shizhu.engines.records.http import excel, listed, pages
from shizhu.engines.records.models import Record
from shizhu.kernel import access
from shizhu.kernel.models import County, Person
from shizhu.site.preparation import sync_roles

pytestmark = pytest.mark.django_db
pytest_plugins = ["tests.engines.records.stalls"]
STALL = "lemonade.stall"
LIST = "/records/lemonade.stall/"


@pytest.fixture
def client(county: County, root: access.Actor) -> Client:
    """The browser of somebody who may do everything, in English."""
    return browser(Person.objects.get(username="root"))


def browser(who: Person) -> Client:
    made = Client(headers={"accept-language": "en"})
    made.force_login(who)
    return made


def text(answer: Any) -> str:
    """A page's main part as a reader has it: no tags, one space between words."""
    body = answer.content.decode()
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body[body.index("<main") : body.index("</main>")]))


def codes(answer: Any) -> list[str]:
    return [entry.key for entry, _cells, _state in answer.context["rows"]]


def controls(answer: Any) -> list[Any]:
    return [leaf for made in answer.context["inputs"] for leaf in made.leaves] + answer.context["places"]


def fields(answer: Any) -> dict[str, str]:
    """What the form would send back as it stands."""
    sent = {control.name: control.value for control in controls(answer)}
    return {**sent, "_geometry": answer.context["geometry"], "version": str(answer.context["form"].version)}


def test_the_index_counts_what_one_may_see(county: County, client: Client, stall: Any) -> None:
    stall(area="101")
    stall(area="102")
    assert [
        (pack["en"], [(r.key, n) for r, n in found]) for pack, found in client.get("/records/").context["packs"]
    ] == [
        ("Lemonade stand", [
            ("lemonade.grower", 0), ("lemonade.permit", 0), ("lemonade.regular", 0), (STALL, 2), ("lemonade.tool", 0),
        ])
    ]  # fmt: skip
    east = browser(person(county, "records.lemonade.stall.view", in_area="101"))
    assert [[(r.key, n) for r, n in found] for _pack, found in east.get("/records/").context["packs"]] == [[(STALL, 1)]]
    nobody = browser(person(county, "cases.*"))
    assert "There is no register that you may see" in text(nobody.get("/records/"))


FILTERED = [
    ("", "1234"),
    ("?q=3号", "3"),
    ("?area=990001102", "2"),
    ("?f.kind=cart", "1"),
    ("?f.seats.from=4&f.seats.to=8", "1"),
    ("?f.opened.from=2026-01-02", "2"),
    ("?f.is_shaded=true", "1"),
    ("?f.street=滨", "3"),
    ("?f.grower=G001", "4"),
    ("?f.grower=果园甲 · G001", "4"),
    ("?order=-code", "4321"),
    ("?state=closed", "4"),
    ("?state=withdrawn", ""),
    ("?state=all&order=code", "1234"),
    ("?f.seats.from=many", "1234"),
    ("?page=2", ""),
    ("?page=x", "1234"),
]


def test_a_list_is_filtered_and_ordered(client: Client, stall: Any, root: access.Actor, grower: api.Entry) -> None:
    stall(kind="cart", seats=4, opened="2026-01-01", is_shaded=True)
    stall(kind="booth", seats=10, opened="2026-02-01", area="102")
    stall(street="湖滨路")
    api.update(root, stall(grower="G001").id, {}, 1, state="closed")
    found = [(asked, "".join(code[-1] for code in codes(client.get(LIST + asked)))) for asked, _ in FILTERED]
    assert found == FILTERED


def test_a_filter_that_is_no_number_is_told(client: Client, stall: Any) -> None:
    stall()
    assert "must be a number" in text(client.get(f"{LIST}?f.seats.from=many"))


def test_pages_keep_the_filter(client: Client, stall: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listed, "PAGE", 2)
    monkeypatch.setattr(pages, "PAGE", 2)
    for _ in range(5):
        stall(kind="cart")
    answer = client.get(f"{LIST}?f.kind=cart&page=2&order=code")
    assert codes(answer) == ["S003", "S004"]
    assert answer.context["links"] == {
        "number": 2, "last": 3, "before": "?f.kind=cart&page=1&order=code", "after": "?f.kind=cart&page=3&order=code",
    }  # fmt: skip
    assert "3–4 / 5" in text(answer)


def test_an_empty_list_says_what_to_do(county: County, client: Client) -> None:
    assert "Nothing is registered yet. Register the first one" in text(client.get(LIST))
    assert "Nothing fits." in text(client.get(f"{LIST}?q=nothing"))
    reader = browser(person(county, "records.lemonade.stall.view"))
    assert "Whoever keeps this register adds the first record." in text(reader.get(LIST))


def test_a_list_asks_few_questions(
    client: Client, stall: Any, grower: api.Entry, django_assert_max_num_queries: Any
) -> None:
    for _ in range(12):
        stall(grower="G001", at=(100.2, 30.2))
    client.get(LIST)
    with django_assert_max_num_queries(17):
        assert len(codes(client.get(LIST))) == 12


def test_a_record_shows_fields_relations_and_history(
    client: Client, stall: Any, root: access.Actor, grower: api.Entry
) -> None:
    made = stall(grower="G001", kind="cart", price=3.5, at=(100.2, 30.2), address={"lane": "一", "number": 7})
    api.update(root, made.id, {"price": 4, "kind": "booth", "grower": None}, 1, state="closed")
    api.update(root, made.id, {"grower": "G001"}, 2)
    answer = client.get(f"{LIST}{made.id}/")
    seen = text(answer)
    assert "Price 4 元" in seen
    assert "Lane 一 Number 7" in seen
    assert '<a href="/records/lemonade.grower/key/G001">果园甲</a>' in answer.content.decode()
    assert "Kind Cart → Booth" in seen
    assert "Price 3.5 → 4" in seen
    assert "Supplied by 果园甲 → —" in seen
    assert "Supplied by — → 果园甲" in seen
    assert "State Open → Closed" in seen
    assert answer.context["geometry"]["geometry"] == {"type": "Point", "coordinates": (100.2, 30.2)}
    assert '"record-geometry"' in answer.content.decode()
    of_grower = client.get(client.get("/records/lemonade.grower/key/G001").headers["location"])
    assert [(r["register"].key, r["page"].total, r["link"]) for r in of_grower.context["related"]] == [
        (STALL, 1, "?f.grower=G001")
    ]


def test_a_new_record_by_form(client: Client, grower: api.Entry, root: access.Actor, county: County) -> None:
    sent = {
        **fields(client.get(f"{LIST}new")), "code": " S001 ", "name": "湖边摊", "kind": "cart", "grower": "G001",
        "seats": "4", "price": "3.5", "is_shaded": "false", "opened": "2026-01-01", "inspected": "2026-01-01T08:00",
        "drinks": "柠檬水\r\n\r\n 冰水 ", "note": "一\r\n二", "address.lane": "一", "address.number": "",
        "_geometry": "100.2， 30.2", "_area": "990001101", "_organisation": "stand", "phone": "13812345678",
    }  # fmt: skip
    answer = client.post(f"{LIST}new", sent)
    made = api.get(root, county.pk, STALL, "S001")
    assert (answer.status_code, answer.headers["location"]) == (302, f"{LIST}{made.id}/")
    assert stored(made.id) == {
        "code": "S001", "name": "湖边摊", "kind": "cart", "grower": "G001", "seats": 4, "price": 3.5,
        "is_shaded": False, "opened": "2026-01-01", "inspected": "2026-01-01T00:00:00.000000Z",
        "drinks": ["柠檬水", "冰水"], "note": "一\n二", "address": {"lane": "一"}, "phone": "13812345678",
    }  # fmt: skip
    assert (made.geometry, made.area.code, made.organisation.code, made.source) == (
        shapely.Point(100.2, 30.2), "990001101", "stand", "person",
    )  # fmt: skip
    assert api.history(root, made.id)[0].action == "created"


def test_faults_are_told_beside_their_fields_and_nothing_is_lost(client: Client) -> None:
    sent = {
        "code": "X", "name": "湖边摊", "seats": "many", "address.number": "0", "licence": "1", "_area": "nowhere",
        "_organisation": "stand", "drinks": "a\na",
    }  # fmt: skip
    answer = client.post(f"{LIST}new", sent)
    assert answer.status_code == 422
    assert {c.name: c.problems for c in controls(answer) if c.problems} == {
        "code": ("has the wrong form, such as S001",),
        "seats": ("must be a whole number",),
        "address.lane": ("is required",),
        "address.number": ("must not be below 1",),
        "licence": ("is not a valid unified social credit code; check each character",),
        "drinks": ("has an item twice",),
        "_area": ("is not found in this county",),
    }
    assert {c.name: c.value for c in controls(answer)}["seats"] == "many"
    assert Record.objects.count() == 0
    wrong = client.post(f"{LIST}new", {**sent, "_geometry": "here"})
    assert wrong.context["geometry_problems"] == ("must be a valid Point in WGS 84 degrees",)


def test_a_form_sent_back_as_it_was_changes_nothing(client: Client, stall: Any, grower: api.Entry) -> None:
    made = stall(
        grower="G001", kind="cart", seats=4, price=0.1, is_shaded=True, opened="2026-01-01", drinks=["a", "b"],
        inspected="2026-01-01T00:00:07.5Z", address={"lane": "一"}, note="一\n二", owner="张三", at=(100.25, 30.2),
    )  # fmt: skip
    before = Record.objects.values().get(pk=made.id)
    answer = client.post(f"{LIST}{made.id}/edit", fields(client.get(f"{LIST}{made.id}/edit")), follow=True)
    assert "Nothing was changed." in answer.content.decode()
    assert Record.objects.values().get(pk=made.id) == before


def test_an_edit_changes_what_was_typed(client: Client, stall: Any, root: access.Actor) -> None:
    made = stall(seats=4, note="旧", address={"lane": "一", "number": 2})
    sent = fields(client.get(f"{LIST}{made.id}/edit"))
    client.post(f"{LIST}{made.id}/edit", {**sent, "seats": "5", "note": "", "address.number": "3", "_state": "closed"})
    now = api.get_by_id(root, made.id)
    assert (now.data, now.state, now.version) == (
        {"code": "S001", "name": "1号摊", "seats": 5, "address": {"lane": "一", "number": 3}}, "closed", 2,
    )  # fmt: skip


def test_a_conflict_keeps_both_and_saves_nothing(client: Client, stall: Any, root: access.Actor) -> None:
    made = stall(seats=4, note="旧", street="老街")
    sent = fields(client.get(f"{LIST}{made.id}/edit"))
    api.update(root, made.id, {"seats": 9, "street": "新街"}, 1)
    answer = client.post(f"{LIST}{made.id}/edit", {**sent, "note": "我的", "street": "我的街"})
    assert "Somebody else changed this record while you were writing." in text(answer)
    assert "Seats 4 → 9" in text(answer)
    again = fields(answer)
    assert (again["seats"], again["note"], again["street"], again["version"]) == ("9", "我的", "我的街", "2")
    assert api.get_by_id(root, made.id).version == 2
    client.post(f"{LIST}{made.id}/edit", again)
    assert api.get_by_id(root, made.id).data == {
        "code": "S001", "name": "1号摊", "seats": 9, "note": "我的", "street": "我的街",
    }  # fmt: skip


def test_a_masked_field_left_empty_stays(county: County, stall: Any, root: access.Actor) -> None:
    made = stall(owner="张三丰", phone="13812345678", seats=1)
    verbs = [f"records.lemonade.stall.{action}" for action in ("view", "edit")]
    clerk = browser(person(county, *verbs))
    page = clerk.get(f"{LIST}{made.id}/edit")
    assert "张三丰" not in page.content.decode()
    sent = fields(page)
    assert (sent["owner"], sent["phone"]) == ("", "")
    clerk.post(f"{LIST}{made.id}/edit", {**sent, "seats": "2", "phone": "13900000000"})
    now = stored(made.id)
    assert (now["owner"], now["phone"], now["seats"]) == ("张三丰", "13900000000", 2)


def test_withdraw_and_restore(client: Client, stall: Any, root: access.Actor) -> None:
    made = stall()
    stale = client.post(f"{LIST}{made.id}/withdraw", {"version": "7"}, follow=True)
    assert "Look at it again first." in stale.content.decode()
    client.post(f"{LIST}{made.id}/withdraw", {"version": "1"})
    assert api.get_by_id(root, made.id).state == "withdrawn"
    client.post(f"{LIST}{made.id}/restore", {"version": "2"})
    assert api.get_by_id(root, made.id).state == "open"
    assert client.get(f"{LIST}{made.id}/withdraw").status_code == 405


READING = [
    ("get", "{list}", 200),
    ("get", "{list}{id}/", 200),
    ("get", "{list}new", 403),
    ("post", "{list}new", 403),
    ("get", "{list}{id}/edit", 403),
    ("post", "{list}{id}/edit", 403),
    ("post", "{list}{id}/withdraw", 403),
    ("post", "{list}{id}/restore", 403),
    ("get", "/records/lemonade.grower/", 403),
    ("get", "/records/lemonade.spoon/", 404),
    ("get", "{list}999999999/", 404),
    ("get", "/records/lemonade.stall/key/S999", 404),
]


def test_a_reader_reads_and_changes_nothing(county: County, stall: Any) -> None:
    made = stall(seats=4)
    before = list(Record.objects.values())
    reader = browser(person(county, "records.lemonade.stall.view"))
    sent = {"version": "1", "seats": "5", "code": "S009", "name": "九号"}
    for method, address, status in READING:
        where = address.format(list=LIST, id=made.id)
        answer = reader.post(where, sent) if method == "post" else reader.get(where)
        assert (where, answer.status_code) == (where, status)
    assert list(Record.objects.values()) == before


def test_a_leader_reads_every_register_and_changes_nothing(county: County, stall: Any) -> None:
    made = stall(owner="张三丰", seats=4)
    before = list(Record.objects.values())
    sync_roles()
    leader = browser(person(county, role="kernel.leader"))
    found = leader.get("/records/").context["packs"]
    assert [[register.key for register, _count in seen] for _pack, seen in found] == [
        ["lemonade.grower", "lemonade.permit", "lemonade.regular", STALL, "lemonade.tool"]
    ]
    sent = {"version": "1", "seats": "5", "code": "S009", "name": "九号"}
    for method, address, status in READING:
        where = address.format(list=LIST, id=made.id)
        answer = leader.post(where, sent) if method == "post" else leader.get(where)
        assert (where, answer.status_code) == (where, 200 if "grower" in where else status)
    assert "张三丰" not in leader.get(f"{LIST}{made.id}/").content.decode()
    assert leader.get("/ogc/collections").json()["collections"][0]["id"] == "lemonade.grower"
    assert list(Record.objects.values()) == before


def test_another_town_is_not_there(county: County, stall: Any) -> None:
    made = stall(area="102")
    east = browser(person(county, "records.*", in_area="101"))
    assert (east.get(f"{LIST}{made.id}/").status_code, codes(east.get(LIST))) == (404, [])
    assert east.post(f"{LIST}{made.id}/edit", {"version": "1", "seats": "5"}).status_code == 404


def test_choices_are_searched_for(client: Client, grower: api.Entry) -> None:
    assert client.get(f"{LIST}choices/grower", {"grower": "guoyuan"}).content.decode().strip() == (
        '<option value="果园甲 · G001"></option>'
    )
    assert client.get(f"{LIST}choices/_area", {"_area": "东"}).content.decode().strip() == (
        '<option value="东镇 · 990001101"></option>'
    )
    assert client.get(f"{LIST}choices/name").status_code == 404


def test_excel_has_typed_values_and_no_formula(client: Client, stall: Any, grower: api.Entry) -> None:
    stall(
        grower="G001", kind="cart", price=3.5, opened="2026-01-01", inspected="2026-01-01T00:00:00Z",
        note="=1+1", drinks=["a", "b"], is_shaded=True, address={"lane": "一"},
    )  # fmt: skip
    stall(kind="booth")
    answer = client.get(f"{LIST}export.xlsx?f.kind=cart")
    assert answer.headers["content-type"] == excel.MEDIA_TYPE
    sheet = load_workbook(io.BytesIO(answer.content)).active
    rows = list(sheet.iter_rows())
    told = {head.value: cell for head, cell in zip(rows[0], rows[1], strict=True)}
    assert len(rows) == 2
    expected = {
        "Code": "S001", "Kind": "Cart", "Supplied by": "果园甲", "Price (元)": 3.5, "Drinks": "a、b", "Shaded": "Yes",
        "Lane": "一",
    }  # fmt: skip
    assert {head: told[head].value for head in expected} == expected
    assert (told["Note"].value, told["Note"].data_type) == ("=1+1", "s")
    assert (told["Opened on"].is_date, f"{told['Opened on'].value:%Y-%m-%d}") == (True, "2026-01-01")
    assert f"{told['Inspected at'].value:%Y-%m-%d %H:%M}" == "2026-01-01 08:00"


def test_masked_values_stay_masked_in_excel(county: County, stall: Any) -> None:
    stall(owner="张三丰", illness="无")
    reader = browser(person(county, "records.lemonade.stall.view"))
    sheet = load_workbook(io.BytesIO(reader.get(f"{LIST}export.xlsx").content)).active
    values = [cell.value for cell in list(sheet.iter_rows())[1]]
    assert "张三丰" not in values
    assert {"张**", "＊＊＊"} < set(values)
