"""An administrator makes registers and adds fields in the browser; nobody else does, and no other county sees them."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from procrastinate.contrib.django.models import ProcrastinateJob
from tests.fixtures import TOY, area, organisation, person
from tests.web.pages import browser, text, told

from shizhu.engines.records import api, batches, duplicates, indexes, redeclaring, traits
from shizhu.engines.records.models import Batch, Pair, Record
from shizhu.kernel import access, overlays, packs, testing
from shizhu.kernel.models import County, Declaration, EnabledPack, Grant, Person

pytestmark = pytest.mark.django_db
pytest_plugins = ["tests.engines.records.stalls"]
NEW = "/declarations/registers/new"
WELL = "local.shui_jing"


@pytest.fixture
def boss(county: County) -> Person:
    return person(county, "*", username="boss")


@pytest.fixture
def client(boss: Person) -> Client:
    return browser(boss)


def posted(*fields: dict[str, str], do: str = "save", **head: str) -> dict[str, Any]:
    """What the page of a register sends: fields with an `id` each, and the register's own words."""
    sent = {"do": do, "order": ",".join(field["id"] for field in fields)}
    for field in fields:
        sent |= {f"p.{field['id']}.{word}": value for word, value in field.items() if word != "id"}
    return sent | {f"r.{word}": value for word, value in head.items()}


def well(*more: dict[str, str], **head: str) -> dict[str, Any]:
    """The register 水井: a code, a name, a depth, and more."""
    fields = (
        {"id": "+1", "name": "code", "zh": "编号", "kind": "text", "is_required": "on", "is_listed": "on"},
        {"id": "+2", "name": "name", "zh": "名称", "kind": "text", "is_listed": "on"},
        {"id": "+3", "zh": "井深", "en": "Depth", "kind": "number", "unit": "m", "symbol": "米", "low": "0",
         "high": "500", "is_listed": "on", "is_filter": "on"},
        *more,
    )  # fmt: skip
    return posted(*fields, **{"zh": "水井", "key": "+1", "name": "+2", "icon": "droplet", "geometry": "Point", **head})


TWICE = {"id": "+7", "zh": "取水证", "kind": "text", "is_unique": "on"}
BACKWARDS = {"like": {"jing_zhu": "person", "name": "address"}, "within": "lei_xing"}  # fields the other way round
PHOTOS = {"id": "+8", "zh": "照片", "kind": "photos"}
COST = {"id": "+9", "zh": "造价", "kind": "computed", "formula": "jing_shen * 1000", "unit": "[CNY]", "symbol": "元"}
KIND = {"id": "+4", "zh": "类型", "kind": "choice", "choices": "dug=挖井/Dug\n机井", "is_filter": "on"}
OWNER = {"id": "+5", "zh": "井主", "kind": "text", "privacy": "personal"}
STALL = {"id": "+6", "zh": "供水给", "kind": "reference", "target": "lemonade.stall"}


def kept(client: Client, sent: dict[str, Any], address: str = NEW) -> str:
    """The address of what was kept; nobody reads there that it was."""
    answer = client.post(address, sent)
    assert answer.status_code == 302, text(answer)
    client.cookies.pop("messages", None)
    return str(answer["Location"])


def row(county: County, number: int, who: access.Actor = access.ANYBODY, **data: Any) -> api.Entry:
    body = {"code": f"J{number}", "name": f"{number}号井", **data}
    return api.create(who, county.pk, WELL, body, organisation=county.pk, area=area(county, "101").code)


def test_a_register_made_by_clicking_is_what_a_pack_would_declare(county: County, client: Client) -> None:
    address = kept(client, well(KIND, OWNER, STALL, help="每口水井一行"))
    assert (address, client.get(address).status_code) == ("/declarations/registers/shui_jing/", 200)
    body = Declaration.objects.get(kind="registers", key=WELL, county=county).body
    assert body == {
        "title": "水井",
        "description": "每口水井一行",
        "x-shizhu": {
            "key": "code", "title": "name", "icon": "droplet", "geometry": "Point",
            "list": ["code", "name", "jing_shen"], "filters": ["jing_shen", "lei_xing"],
        },
        "properties": {
            "code": {"type": "string", "title": "编号"},
            "name": {"type": "string", "title": "名称"},
            "jing_shen": {
                "type": "number", "minimum": 0, "maximum": 500, "x-shizhu-unit": "m", "x-shizhu-symbol": "米",
                "title": {"zh": "井深", "en": "Depth"},
            },
            "lei_xing": {
                "type": "string", "enum": ["dug", "机井"], "x-shizhu-labels": {"dug": {"zh": "挖井", "en": "Dug"}},
                "title": "类型",
            },
            "jing_zhu": {"type": "string", "title": "井主", "x-shizhu-class": "personal"},
            "gong_shui_gei": {"type": "string", "x-shizhu-ref": "lemonade.stall", "title": "供水给"},
        },
        "required": ["code", "name"],
    }  # fmt: skip
    assert list(body["properties"]) == ["code", "name", "jing_shen", "lei_xing", "jing_zhu", "gong_shui_gei"]


TWINS = {
    "rules": "~1,~2", "d.~1.+2": "organisation", "d.~1.+7": "same", "d.~2.+5": "person", "d.~2.within": "_town",
}  # fmt: skip


def test_rules_for_duplicates_are_clicked_together_and_find_them(county: County, client: Client) -> None:
    kept(client, {**well(OWNER, TWICE), **TWINS})
    body = Declaration.objects.get(kind="registers", key=WELL, county=county).body
    assert body["x-shizhu"]["duplicates"] == [
        {"same": ["qu_shui_zheng"], "like": {"name": "organisation"}},
        {"like": {"jing_zhu": "person"}, "within": "_town"},
    ]
    for number, owner in enumerate(("张晓明", "張小明", "李丽")):
        row(county, number, jing_zhu=owner)
    traits.trace(county.pk)
    duplicates.pair(county.pk)
    assert [(pair.first.key, pair.second.key, pair.rules) for pair in Pair.objects.all()] == [("J0", "J1", [1])]
    address = "/declarations/registers/shui_jing/"
    assert [rule.how for rule in client.get(address).context["head"].rules] == [
        {"qu_shui_zheng": "same", "name": "organisation"}, {"jing_zhu": "person"},
    ]  # fmt: skip
    sent = {**again(well(OWNER, TWICE)), "read": client.get(address).context["read"]}
    kept(client, {**sent, "rules": "~2", "d.~2.jing_zhu": "person", "d.~2.within": "_area"}, address)
    body = Declaration.objects.get(kind="registers", key=WELL, county=county).body
    assert body["x-shizhu"]["duplicates"] == [{"like": {"jing_zhu": "person"}, "within": "_area"}]


def test_its_page_shows_what_was_typed_and_saving_it_again_changes_nothing(county: County, client: Client) -> None:
    address = kept(client, {**well(KIND, OWNER, STALL, TWICE, PHOTOS, COST), **TWINS})
    before = Declaration.objects.get(key=WELL)
    hints = {**before.body["x-shizhu"], "duplicates": [*before.body["x-shizhu"]["duplicates"], BACKWARDS]}
    before.body = {**before.body, "x-shizhu": hints}
    before.digest = packs.digest(before.body)
    before.save()
    packs.forget()
    steps = len(overlays.history(before))
    page = client.get(address)
    sent = {"do": "save", "read": page.context["read"], "order": ",".join(p.id for p in page.context["parts"])}
    for part in page.context["parts"]:
        for word in (
            "zh",
            "en",
            "kind",
            "help",
            "unit",
            "symbol",
            "low",
            "high",
            "formula",
            "choices",
            "target",
            "privacy",
        ):
            sent[f"p.{part.id}.{word}"] = getattr(part, word)
        sent |= {
            f"p.{part.id}.{f}": "on" for f in ("is_required", "is_listed", "is_filter", "is_unique") if getattr(part, f)
        }
    head = page.context["head"]
    sent["rules"] = ",".join(rule.id for rule in head.rules)
    for one in page.context["rules"]:
        rule = one["rule"]
        sent |= {f"d.{rule.id}.{part.id}": way for part, way, _ways in one["fields"]}
        sent |= {f"d.{rule.id}.within": rule.within}
    sent |= {f"r.{w}": getattr(head, w) for w in ("zh", "en", "help", "icon", "geometry", "key", "name")}
    kept(client, sent, address)
    assert Declaration.objects.get(key=WELL).body == before.body
    assert len(overlays.history(before)) == steps


def test_rows_lists_excel_and_the_standard_api_work_at_once(county: County, client: Client, boss: Person) -> None:
    kept(client, well())
    made = client.post(
        f"/records/{WELL}/new",
        {"code": "J1", "name": "上坝井", "jing_shen": "35.5", "_organisation": county.pk, "_area": f"{county.pk}101"},
        follow=True,
    )
    assert "35.5" in text(made)
    row(county, 2, jing_shen=80)
    assert "上坝井" in text(client.get(f"/records/{WELL}/?f.jing_shen.to=40"))
    assert "2号井" not in text(client.get(f"/records/{WELL}/?f.jing_shen.to=40"))
    assert client.get(f"/records/{WELL}/export.xlsx").status_code == 200
    items = client.get(f"/ogc/collections/{WELL}/items?jing_shen=80").json()
    assert [found["properties"]["name"] for found in items["features"]] == ["2号井"]
    assert "本县自建" in text(client.get("/records/"))


def test_the_job_makes_the_indexes_and_the_page_says_when_they_are_there(county: County, client: Client) -> None:
    address = kept(client, well())
    assert "正在后台准备" in text(client.get(address))
    assert list(ProcrastinateJob.objects.values_list("task_name", "args")) == [
        ("records.prepare", {"county": county.pk})
    ]
    api.prepare_registers()
    assert "正在后台准备" not in text(client.get(address))
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexdef FROM pg_indexes WHERE indexname LIKE 'declared_local_shui_jing_jing_shen%%'")
        ((found,),) = cursor.fetchall()
    assert f"((county_id)::text = '{county.pk}'::text)" in found
    assert api.prepare_registers() == 0


WRONG: list[tuple[dict[str, Any], str]] = [
    (well(zh=""), "请给登记簿起个名称。"),
    (well(key="+3"), "它应是人人都能看的文本。"),
    (well({"id": "+4", "zh": "", "kind": "text"}), "请给字段起个名称。"),
    (well({"id": "+4", "zh": "类型", "kind": "choice", "choices": " "}), "至少写一个选项，每行一个。"),
    (well({"id": "+4", "zh": "指向", "kind": "reference", "target": "lemonade.nothing"}), "请选择它指向什么。"),
    (well({"id": "+4", "zh": "井主", "kind": "text", "privacy": "personal", "is_filter": "on"}), "不能用来筛选"),
    (well({"id": "+4", "zh": "说明", "kind": "lines", "is_filter": "on"}), "这类字段不能用来筛选。"),
    (well({"id": "+4", "zh": "流量", "kind": "number", "unit": "瓢"}), "瓢 不是已知单位的 UCUM 代码"),
    (well({"id": "+4", "zh": "流量", "kind": "number", "low": "9", "high": "1"}), "最小值大于最大值。"),
    (well({"id": "+4", "zh": "流量", "kind": "number", "low": "多"}), "多 不是数字。"),
    (well({"id": "+4", "zh": "又一个", "kind": "text", "name": "code"}), "两个字段的内部名称相同：code"),
    (well({"id": "+4", "zh": "坏", "kind": "text", "name": "A b"}), "内部名称只能用小写字母"),
    (well({"id": "+4", "zh": "面积", "kind": "computed", "formula": "1 +"}), "不是 FEEL 公式"),
    (well({"id": "+4", "zh": "照片", "kind": "photos", "is_filter": "on"}), "这类字段不能用来筛选。"),
    (well({"id": "+4", "zh": "怪", "kind": "blob"}), "请选择类型。"),
    ({**well(), "rules": "~1", "d.~1.within": "_area"}, "至少选一个字段，说明怎样算一致。"),
    ({**well(), "rules": "~1", "d.~1.+1": "same"}, "标识字段本来就不会相同，请另选字段。"),
    ({**well(), "rules": "~1", "d.~1.+3": "person"}, "井深：只有单行文本才能按名称或地址比较。"),
    ({**well(PHOTOS), "rules": "~1", "d.~1.+8": "same"}, "照片：这类字段不能比较。"),
    ({**well(), "rules": "~1", "d.~1.+2": "person", "d.~1.within": "elsewhere"}, "请从列表中选择。"),
]  # fmt: skip


@pytest.mark.parametrize(("sent", "said"), WRONG)
def test_what_is_wrong_is_said_beside_its_field_and_nothing_is_kept(
    county: County, client: Client, sent: dict[str, Any], said: str
) -> None:
    before = testing.everything_kept()
    page = client.post(NEW, sent)
    assert (page.status_code, said in text(page)) == (422, True), text(page)
    assert 'value="编号"' in page.content.decode()
    assert testing.everything_kept() == before


def test_fields_are_added_moved_and_taken_away_without_keeping_anything(county: County, client: Client) -> None:
    before = testing.everything_kept()

    def order(do: str) -> list[str]:
        return [part.id for part in client.post(NEW, {**well(), "do": do}).context["parts"]]

    assert order("add") == ["+1", "+2", "+3", "+4"]
    assert order("up:+3") == ["+1", "+3", "+2"]
    assert order("down:+3") == order("up:+1") == order("draw") == order("up:nothing") == ["+1", "+2", "+3"]
    assert order("remove:+2") == ["+1", "+3"]

    def rules(do: str) -> list[str]:
        sent = {**well(), "rules": "~1,~2", "do": do}
        return [one["rule"].id for one in client.post(NEW, sent).context["rules"]]

    assert (rules("rule"), rules("remove:~1"), rules("add")) == (["~1", "~2", "~3"], ["~2"], ["~1", "~2"])
    assert testing.everything_kept() == before


def test_only_who_may_declare_for_the_whole_county_gets_in(county: County) -> None:
    people = [
        person(county, "records.*", username="clerk"),
        person(county, "kernel.declaration.edit", username="east", in_area="101"),
        person(county, "kernel.declaration.edit", username="stand", of="stand"),
    ]
    before = testing.everything_kept()
    for who in people:
        visitor = browser(who)
        for address in ("/declarations/", NEW, "/declarations/fields/", "/declarations/fields/lemonade.stall/"):
            assert visitor.get(address).status_code == 403, (who, address)
        assert visitor.post(NEW, well()).status_code == 403
    assert testing.everything_kept() == before
    assert browser(person(county, "kernel.declaration.edit", username="declarer")).get(NEW).status_code == 200


def test_rights_are_given_to_roles_and_taken_back(county: County, client: Client) -> None:
    maker, taster = (
        person(county, role=f"lemonade.{role}", username=role, in_area="101") for role in ("maker", "taster")
    )
    address = kept(client, {**well(), "g.lemonade.maker": ["view", "write"], "g.lemonade.taster": "view"})
    assert sorted(Grant.objects.values_list("role", "verb")) == [
        ("lemonade.maker", f"records.{WELL}.create"), ("lemonade.maker", f"records.{WELL}.edit"),
        ("lemonade.maker", f"records.{WELL}.view"), ("lemonade.taster", f"records.{WELL}.view"),
    ]  # fmt: skip
    sent = {"code": "J1", "name": "井", "_organisation": county.pk, "_area": f"{county.pk}101"}
    assert browser(maker).post(f"/records/{WELL}/new", sent).status_code == 302
    assert browser(taster).get(f"/records/{WELL}/").context["total"] == 1
    assert browser(taster).post(f"/records/{WELL}/new", {**sent, "code": "J2"}).status_code == 403
    elsewhere = {**sent, "code": "J3", "_area": f"{county.pk}102"}
    assert browser(maker).post(f"/records/{WELL}/new", elsewhere).status_code == 403
    read = Declaration.objects.get(key=WELL).digest
    kept(client, {**again(well()), "read": read, "g.lemonade.taster": ["view"]}, address)
    assert browser(maker).get(f"/records/{WELL}/").status_code == 403
    assert browser(taster).get(f"/records/{WELL}/").context["total"] == 1


def test_nobody_gives_a_post_whose_role_may_more_here_than_they_may(county: County, client: Client) -> None:
    kept(client, {**well(), "g.lemonade.taster": "view"})
    held = ("cases.case.view", "cases.patrol.walk", "records.lemonade.stall.view")  # of a maker
    giver = person(county, "kernel.person.*", *held, username="giver")
    other = person(county, "maps.map.view", username="other")
    post = {"organisation": organisation(county).pk, "area": area(county).pk, "starts": "2026-01-01"}
    address = f"/people/{other.pk}/posts"
    assert browser(giver).post(address, {**post, "role": "lemonade.taster"}).status_code == 403
    assert browser(giver).post(address, {**post, "role": "lemonade.maker"}).status_code == 302


def test_what_one_county_declares_is_nothing_in_another(county: County, client: Client) -> None:
    kept(client, {**well(), "g.lemonade.taster": "view"})
    kept(
        client,
        posted({"id": "+1", "zh": "备案号", "kind": "text", "is_listed": "on"}),
        "/declarations/fields/lemonade.stall/",
    )
    other = testing.made_up_county("990002")
    packs.sync([packs.read(TOY)])
    EnabledPack.objects.create(county=other, pack_id="lemonade")
    packs.forget()
    visitor = browser(person(other, "*", username="other"))
    for address in (f"/records/{WELL}/", "/declarations/registers/shui_jing/", f"/ogc/collections/{WELL}"):
        assert visitor.get(address).status_code == 404
    assert "水井" not in text(visitor.get("/declarations/"))
    assert "local_bei_an_hao" not in api.register_of("lemonade.stall", other.pk).fields
    assert "local_bei_an_hao" in api.register_of("lemonade.stall", county.pk).fields
    taster = access.actor(person(other, role="lemonade.taster", username="their taster"))
    assert not taster.has(f"records.{WELL}.view")
    kept(visitor, well({"id": "+4", "zh": "水质", "kind": "text"}))
    assert "shui_zhi" in api.register_of(WELL, other.pk).fields
    assert "shui_zhi" not in api.register_of(WELL, county.pk).fields
    assert indexes.missing(api.register_of(WELL, other.pk), other.pk) > 0
    api.prepare_registers()
    assert indexes.missing(api.register_of(WELL, other.pk), other.pk) == 0
    assert indexes.missing(api.register_of(WELL, county.pk), county.pk) == 0


def test_two_who_change_it_at_once_do_not_overwrite_each_other(county: County, client: Client) -> None:
    address = kept(client, well())
    before = Declaration.objects.get(key=WELL).digest
    page = client.post(address, {**well(zh="井"), "read": "0" * 64})
    assert (page.status_code, "其间有人改过它" in text(page)) == (422, True)
    assert Declaration.objects.get(key=WELL).digest == before
    assert told(page) == []
    assert Record.objects.count() == 0


def again(sent: dict[str, Any]) -> dict[str, Any]:
    """What the page sends of fields that are kept: their names are their ids."""
    names = {"+1": "code", "+2": "name", "+3": "jing_shen", "+4": "lei_xing", "+5": "jing_zhu"}
    for id_, name in names.items():
        sent = {key.replace(f"p.{id_}.", f"p.{name}."): value for key, value in sent.items()}
        sent = {key: value.replace(id_, name) if isinstance(value, str) else value for key, value in sent.items()}
    return sent


def changed(client: Client, **words: str) -> Any:
    """Save the register with some controls changed."""
    read = Declaration.objects.get(key=WELL).digest
    return client.post("/declarations/registers/shui_jing/", {**again(well(KIND)), "read": read, **words})


FORBIDDEN = [
    ({"p.jing_shen.high": "50"}, "井深 不能大于 50 · 3 条记录 3号井 J3 4号井 J4 5号井 J5"),
    ({"p.jing_shen.is_required": "on"}, "井深 改为必填，但有的记录没有填 · 1 条记录 1号井 J1"),
    ({"p.jing_shen.kind": "date"}, "井深 应填文字 · 4 条记录 2号井 J2 3号井 J3 4号井 J4 5号井 J5"),
    ({"p.lei_xing.choices": "dug"}, "类型 只能是：dug · 1 条记录 2号井 J2"),
    ({"order": "code,name,lei_xing"}, "井深 这个字段里已有内容，不能去掉 · 4 条记录"),
    ({"p.jing_shen.is_unique": "on"}, "井深 不许重复，但有的记录内容相同 · 2 条记录 3号井 J3 5号井 J5"),
    ({"r.key": "name"}, "已有记录，标识字段不能再换 · 5 条记录"),
    ({"r.name": "code"}, "已有记录，名称字段不能再换 · 5 条记录"),
]


@pytest.mark.parametrize(("words", "said"), FORBIDDEN)
def test_a_change_that_rows_forbid_is_refused_and_names_them(
    county: County, client: Client, words: dict[str, str], said: str
) -> None:
    kept(client, well(KIND))
    row(county, 1)
    row(county, 2, jing_shen=40, lei_xing="机井")
    row(county, 3, jing_shen=60)
    row(county, 4, jing_shen=70)
    row(county, 5, jing_shen=60)
    before = testing.everything_kept(), Declaration.objects.get(key=WELL).digest
    page = changed(client, **words)
    assert (page.status_code, said in text(page)) == (422, True), text(page)
    assert (testing.everything_kept(), Declaration.objects.get(key=WELL).digest) == before
    first = Record.objects.earliest("pk").pk
    assert (f'href="/records/{WELL}/{first}/"' in page.content.decode()) == ("1号井" in said or "5 条" in said)


def kept_here() -> list[Any]:
    own = Declaration.objects.filter(source="person").order_by("pk")
    return [list(rows.values()) for rows in (own, Record.objects.order_by("pk"), Grant.objects.order_by("pk"))]


def worked(page: Any) -> str:
    """Let the worker do what a post began; the page that tells how far it is."""
    address: str = page.url
    assert (page.status_code, address.startswith("/declarations/changes/")) == (302, True), text(page)
    number = int(address.strip("/").rpartition("/")[2])
    assert ProcrastinateJob.objects.filter(task_name="records.batch", args__number=number).count() == 1
    batches.run(number)
    return address


@pytest.mark.parametrize(("words", "said"), [FORBIDDEN[n] for n in (0, 2, 3)])
def test_many_rows_are_looked_at_by_a_worker_who_finds_the_same(
    county: County, client: Client, monkeypatch: pytest.MonkeyPatch, words: dict[str, str], said: str
) -> None:
    kept(client, well(KIND))
    more: dict[int, Any] = {1: {}, 2: {"jing_shen": 40, "lei_xing": "机井"}, 4: {"jing_shen": 70}}
    for number in range(1, 6):
        row(county, number, **more.get(number, {"jing_shen": 60}))
    monkeypatch.setattr(redeclaring, "AT_ONCE", 4)
    before = kept_here()
    page = changed(client, **words)
    assert "正在核对全部记录是否符合" in text(client.get(page.url))
    assert "这项声明有一处修改正在核对" in text(client.get("/declarations/registers/shui_jing/"))
    address = worked(page)
    assert client.get(f"{address}?part")["HX-Refresh"] == "true"
    assert said in text(client.get(address))
    made = Batch.objects.get()
    assert (made.state, made.done, made.total) == ("done", 5, 5)
    anew = client.get(f"/declarations/registers/shui_jing/?change={made.pk}")
    assert said in text(anew)
    (name, _dot, word), value = next(iter(words))[2:].partition("."), next(iter(words.values()))
    assert next(getattr(part, word) for part in anew.context["parts"] if part.id == name) == value
    assert kept_here() == before
    other = browser(person(county, "kernel.declaration.edit", username="other"))
    assert [who.get(address).status_code for who in (other, browser(person(county, "records.*")))] == [404, 403]
    assert other.get(f"/declarations/registers/shui_jing/?change={made.pk}").status_code == 404


def test_what_many_rows_allow_is_kept_by_the_worker_with_its_rights(
    county: County, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept(client, well(KIND))
    row(county, 1, jing_shen=40)
    row(county, 2, jing_shen=50)
    monkeypatch.setattr(redeclaring, "AT_ONCE", 1)
    assert changed(client, **{"p.jing_shen.zh": "深度"}).url == "/declarations/registers/shui_jing/"  # its name alone
    stale = changed(client, **{"p.jing_shen.high": "60", "read": "old"})
    assert (stale.status_code, Batch.objects.count()) == (422, 0)
    address = worked(changed(client, **{"p.jing_shen.high": "60", "g.lemonade.taster": "view"}))
    assert "全部记录都符合，声明已修改。" in text(client.get(address))
    declared = api.register_of(WELL, county.pk)
    assert declared.fields["jing_shen"].rules["maximum"] == 60
    assert list(declared.fields) == ["code", "name", "jing_shen", "lei_xing"]
    assert list(Grant.objects.values_list("role", "verb")) == [("lemonade.taster", f"records.{WELL}.view")]
    history = client.get(f"/declarations/registers/{WELL}/history").context["lines"]
    assert [(line["step"].action, line["step"].who) for line in history] == [
        ("changed", "boss"), ("changed", "boss"), ("created", "boss"),
    ]  # fmt: skip
    worked(client.post(f"/declarations/registers/{WELL}/restore", {"step": history[-1]["step"].number}))
    assert api.register_of(WELL, county.pk).fields["jing_shen"].rules["maximum"] == 500
    late = changed(client, **{"p.jing_shen.high": "70"})
    assert changed(client, **{"p.jing_shen.zh": "深"}).url == "/declarations/registers/shui_jing/"
    assert "其间有人改过它。" in text(client.get(worked(late)))


def test_who_lost_the_right_meanwhile_changes_nothing(
    county: County, client: Client, boss: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept(client, well(KIND))
    row(county, 1, jing_shen=40)
    monkeypatch.setattr(redeclaring, "AT_ONCE", 0)
    page = changed(client, **{"p.jing_shen.high": "60"})
    boss.posts.all().delete()
    worked(page)
    made = Batch.objects.get()
    assert (made.state, made.fault) == ("failed", "您已无权为全县声明。")
    assert api.register_of(WELL, county.pk).fields["jing_shen"].rules["maximum"] == 500


def test_rows_that_one_may_not_see_are_counted_but_not_named(county: County, client: Client) -> None:
    kept(client, well(KIND))
    row(county, 1, jing_shen=60)
    declarer = browser(person(county, "kernel.declaration.edit", username="declarer"))
    page = changed(declarer, **{"p.jing_shen.high": "50"})
    assert (page.status_code, "1 条记录" in text(page), "1号井" in text(page)) == (422, True, False)


def test_who_declares_gives_no_right_on_rows_that_they_have_not_got(county: County, client: Client) -> None:
    kept(client, {**well(KIND, OWNER), "g.lemonade.taster": "view"})
    declarer = person(county, "kernel.declaration.edit", username="declarer")
    role = declarer.posts.get().role_id
    words = {**again(well(KIND, OWNER)), "g.lemonade.taster": "view"}

    def give(who: Client, **ticked: Any) -> Any:
        read = Declaration.objects.get(key=WELL).digest
        return who.post("/declarations/registers/shui_jing/", {**words, "r.zh": "井", "read": read, **ticked})

    row(county, 1, jing_zhu="张三丰")
    before = testing.everything_kept(), sorted(Grant.objects.values_list("role", "verb"))
    page = give(browser(declarer), **{f"g.{role}": ["view", "unmask"]})
    assert (page.status_code, f"{role}: 查看, 看隐去内容: 已有记录，而您自己没有对全县的这项权利" in text(page)) == (
        422,
        True,
    ), text(page)
    assert (testing.everything_kept(), sorted(Grant.objects.values_list("role", "verb"))) == before
    assert browser(declarer).get(f"/records/{WELL}/").status_code == 403
    assert give(browser(declarer)).status_code == 302  # what roles have stays theirs
    assert sorted(Grant.objects.values_list("role", "verb")) == before[1]
    assert give(client, **{f"g.{role}": ["view"]}).status_code == 302
    assert browser(declarer).get(f"/records/{WELL}/").status_code == 200


def test_who_may_not_unmask_opens_no_private_field(county: County, client: Client) -> None:
    kept(client, well(KIND, OWNER))
    row(county, 1, jing_zhu="张三丰")
    declarer = browser(person(county, "kernel.declaration.edit", f"records.{WELL}.view", username="declarer"))
    sent = {**again(well(KIND, OWNER)), "read": Declaration.objects.get(key=WELL).digest}
    before = testing.everything_kept(), Declaration.objects.get(key=WELL).digest
    page = declarer.post("/declarations/registers/shui_jing/", {**sent, "p.jing_zhu.privacy": ""})
    said = "井主 已有记录，要让更多人看到，须有权看全县记录的隐去内容 · 1 条记录"
    assert (page.status_code, said in text(page)) == (422, True), text(page)
    assert (testing.everything_kept(), Declaration.objects.get(key=WELL).digest) == before
    more = declarer.post("/declarations/registers/shui_jing/", {**sent, "p.jing_zhu.privacy": "sensitive"})
    assert more.status_code == 302
    sent["read"] = Declaration.objects.get(key=WELL).digest
    assert client.post("/declarations/registers/shui_jing/", {**sent, "p.jing_zhu.privacy": ""}).status_code == 302


def test_what_rows_allow_is_changed_and_the_history_says_who_and_what(county: County, client: Client) -> None:
    kept(client, well(KIND))
    row(county, 1, jing_shen=40)
    assert changed(client, **{"p.jing_shen.high": "50", "p.jing_shen.zh": "深度"}).status_code == 302
    assert api.register_of(WELL, county.pk).fields["jing_shen"].title == {"zh": "深度", "en": "Depth"}
    page = client.get(f"/declarations/registers/{WELL}/history")
    assert [line["step"].action for line in page.context["lines"]] == ["changed", "created"]
    assert page.context["lines"][0]["step"].who == "boss"
    assert page.context["lines"][0]["diff"] == [
        ("-", "    maximum: 500"), ("+", "    maximum: 50"), ("-", "      zh: 井深"), ("+", "      zh: 深度"),
    ]  # fmt: skip
    first = page.context["lines"][1]["step"].number
    assert client.post(f"/declarations/registers/{WELL}/restore", {"step": first}).status_code == 302
    assert api.register_of(WELL, county.pk).fields["jing_shen"].rules["maximum"] == 500


def test_a_version_that_rows_forbid_cannot_be_taken_again(county: County, client: Client) -> None:
    kept(client, well())
    assert changed(client).status_code == 302
    row(county, 1, lei_xing="机井")
    client.get("/declarations/")  # reads what was said so far
    first = overlays.history(Declaration.objects.get(key=WELL))[0].number
    page = client.post(f"/declarations/registers/{WELL}/restore", {"step": first}, follow=True)
    assert told(page) == ["不能恢复成那样：类型 这个字段里已有内容，不能去掉 · 1"]
    assert "lei_xing" in api.register_of(WELL, county.pk).fields


def test_a_withdrawn_register_is_out_of_sight_and_comes_back_with_its_rows(county: County, client: Client) -> None:
    kept(client, well())
    entry = row(county, 1)
    withdrawn = client.post(f"/declarations/registers/{WELL}/withdraw", follow=True)
    assert told(withdrawn) == ["已停用。相关内容都保留，可以恢复。"]
    for address in (f"/records/{WELL}/", f"/records/{WELL}/{entry.id}/", f"/ogc/collections/{WELL}/items"):
        assert client.get(address).status_code == 404
    assert Record.objects.count() == 1
    client.post(f"/declarations/registers/{WELL}/restore")
    assert client.get(f"/records/{WELL}/").context["total"] == 1
    actions = [step.action for step in overlays.history(Declaration.objects.get(key=WELL))]
    assert actions == ["created", "withdrawn", "restored"]


def test_a_register_that_another_refers_to_is_not_withdrawn(county: County, client: Client) -> None:
    kept(client, well())
    kept(client, well({"id": "+4", "zh": "水井", "kind": "reference", "target": WELL}, zh="泵房"))
    page = client.post(f"/declarations/registers/{WELL}/withdraw", follow=True)
    assert told(page) == [
        f"还有别处用到，没有停用：local.beng_fang: shui_jing: 字段“水井”指向登记簿 {WELL}，但没有这个登记簿"
    ]
    assert client.get(f"/records/{WELL}/").status_code == 200


FIELDS = "/declarations/fields/lemonade.stall/"
NUMBER = {"id": "+1", "zh": "备案号", "kind": "text", "is_listed": "on", "is_filter": "on"}


def test_a_field_added_to_a_register_of_a_pack_is_everywhere_and_a_sync_leaves_it(
    county: County, client: Client, stall: Any
) -> None:
    before = dict(Declaration.objects.filter(source="pack").values_list("key", "body"))
    kept(client, posted(NUMBER), FIELDS)
    assert dict(Declaration.objects.filter(source="pack").values_list("key", "body")) == before
    entry = stall(local_bei_an_hao="BA-1")
    stall(local_bei_an_hao="BA-2")
    listed = client.get("/records/lemonade.stall/?f.local_bei_an_hao=BA-1")
    assert (listed.context["total"], "BA-1" in text(listed), "备案号" in text(listed)) == (1, True, True)
    assert "BA-1" in text(client.get(f"/records/lemonade.stall/{entry.id}/"))
    items = client.get("/ogc/collections/lemonade.stall/items?local_bei_an_hao=BA-2").json()["features"]
    assert [item["properties"]["local_bei_an_hao"] for item in items] == ["BA-2"]
    Declaration.objects.filter(source="pack", key="lemonade.stall").update(digest="old")
    packs.sync(
        [packs.LoadedPack("lemonade", TOY, {**packs.read(TOY).body, "version": "0.1.1"}, packs.read(TOY).declared)]
    )
    assert api.register_of("lemonade.stall", county.pk).fields["local_bei_an_hao"].title["zh"] == "备案号"


def test_a_pack_that_takes_the_name_later_counts_and_the_clash_is_shown(county: County, client: Client) -> None:
    kept(client, posted(NUMBER), FIELDS)
    declared = Declaration.objects.get(source="pack", key="lemonade.stall")
    declared.body["properties"]["local_bei_an_hao"] = {"type": "integer", "title": "包的"}
    declared.save()
    packs.forget()
    field = api.register_of("lemonade.stall", county.pk).fields["local_bei_an_hao"]
    assert (field.kind, field.title["zh"]) == ("integer", "包的")
    page = client.get(FIELDS)
    assert "领域包后来有了同名字段，以包的为准，您的不生效： local_bei_an_hao" in text(page)
    assert Declaration.objects.get(kind="fields").body["properties"]["local_bei_an_hao"]["type"] == "string"


def test_rows_forbid_a_change_of_added_fields_too(county: County, client: Client, stall: Any) -> None:
    kept(client, posted(NUMBER), FIELDS)
    stall(local_bei_an_hao="BA-1")
    read = Declaration.objects.get(kind="fields").digest
    page = client.post(FIELDS, {"do": "save", "order": "", "read": read})
    assert "备案号 这个字段里已有内容，不能去掉 · 1 条记录 1号摊 S001" in text(page)
    assert "local_bei_an_hao" in api.register_of("lemonade.stall", county.pk).fields


def test_a_field_of_a_pack_cannot_be_taken_over(county: County, client: Client) -> None:
    before = testing.everything_kept()
    for address, status in (("/declarations/fields/local.x/", 404), ("/declarations/fields/lemonade.nothing/", 404)):
        assert client.get(address).status_code == status
    sent = posted({**NUMBER, "name": "code"})
    assert client.post(FIELDS, {**sent, "do": "draw"}).context["preview"][-1].title == "备案号"
    assert testing.everything_kept() == before
    kept(client, sent, FIELDS)
    assert list(Declaration.objects.get(kind="fields").body["properties"]) == ["local_code"]


def test_what_no_two_may_have_alike_is_kept_so_in_this_county(county: County, client: Client) -> None:
    kept(client, well(TWICE))
    assert api.register_of(WELL, county.pk).unique == (("qu_shui_zheng",),)
    api.prepare_registers()
    row(county, 1, qu_shui_zheng="A1")
    with pytest.raises(api.Refused, match="qu_shui_zheng: A1: another record has the same"):
        row(county, 2, qu_shui_zheng="A1")
    row(county, 3, qu_shui_zheng="A2")


def test_an_added_field_may_be_one_that_no_two_have_alike(county: County, client: Client, stall: Any) -> None:
    kept(client, posted({**NUMBER, "is_unique": "on"}), FIELDS)
    api.prepare_registers()
    stall(local_bei_an_hao="BA-1")
    with pytest.raises(api.Refused, match="local_bei_an_hao: BA-1: another record has the same"):
        stall(local_bei_an_hao="BA-1")


def test_computed_fields_and_attachments_work_like_those_of_packs(county: County, client: Client) -> None:
    kept(client, well(PHOTOS, COST))
    assert row(county, 1, jing_shen=40).data["zao_jia"] == 40000
    fields = api.register_of(WELL, county.pk).fields
    assert (fields["zhao_pian"].kind, fields["zao_jia"].unit) == ("files", "元")
    assert "照片" in text(client.get(f"/records/{WELL}/new"))
