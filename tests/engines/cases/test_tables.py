"""Decisions opened in the browser: files of others come back whole, what is wrong and where, a try, a version kept."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client
from lxml import etree
from tests.engines.cases.logic.test_bpmn_elements import END, START, lines
from tests.engines.cases.test_deciding import CAMUNDA, FLOWABLE, SIGNAVIO, boss, bring, row
from tests.engines.cases.test_waits import declared, opened
from tests.fixtures import person
from tests.web.pages import browser, text

from shizhu.kernel.models import County, Declaration

__all__ = ["boss"]  # a fixture
pytestmark = pytest.mark.django_db
AT = "/declarations/decisions/"
OPEN, CHECK, TRY = f"{AT}open", f"{AT}check", f"{AT}try"
SPACE_13 = b"https://www.omg.org/spec/DMN/20191111/MODEL/"
SPACES = {
    "1.1": b"http://www.omg.org/spec/DMN/20151101/dmn.xsd", "1.2": b"http://www.omg.org/spec/DMN/20180521/MODEL/",
    "1.4": b"https://www.omg.org/spec/DMN/20211108/MODEL/", "1.5": b"https://www.omg.org/spec/DMN/20230324/MODEL/",
}  # fmt: skip


def post(client: Client, address: str, **sent: str) -> Any:
    return client.post(address, json.dumps(sent), content_type="application/json")


def settings(client: Client, address: str) -> dict[str, Any]:
    page = client.get(address)
    assert page.status_code == 200, page.content
    found: dict[str, Any] = page.context["settings"]
    return found


def told(client: Client, xml: str, stem: str = "") -> list[tuple[str, int, int, str]]:
    faults = post(client, CHECK, xml=xml, stem=stem).json()["faults"]
    return [(one["element"], one["row"], one["column"], one["text"]) for one in faults]


def sayings(content: bytes) -> list[tuple[str, str, str]]:
    """(element, attribute, value) of all that a file says, its ids and where it draws something aside."""
    found = []
    for one in etree.fromstring(content, etree.XMLParser(remove_comments=True)).iter():
        name = etree.QName(one).localname
        found += [(name, key, value) for key, value in one.attrib.items()]
        found.append((name, "", (one.text or "").strip()))
    return found


@pytest.mark.parametrize(
    "content",
    [CAMUNDA, FLOWABLE, SIGNAVIO, *(FLOWABLE.replace(SPACE_13, space) for space in SPACES.values())],
    ids=["camunda", "flowable", "signavio", *SPACES],
)
def test_a_file_of_any_editor_and_version_opens_with_all_that_is_in_it(boss: Client, content: bytes) -> None:
    page = settings(boss, bring(boss, content)["Location"] + "open")
    root = etree.fromstring(page["xml"].encode())
    assert etree.QName(root).namespace == SPACE_13.decode()
    said = sayings(page["xml"].encode())
    missing = sayings(content)
    for one in said:
        if one in missing:
            missing.remove(one)
    assert missing == []
    ids = [one.get("id") for one in root.iter() if one.get("id")]
    assert len(ids) == len(set(ids))
    model = f"{{{SPACE_13.decode()}}}"
    for name in ("decision", "rule", "input", "output", "inputEntry", "outputEntry", "informationRequirement"):
        assert [one for one in root.iter(f"{model}{name}") if not one.get("id")] == []
    drawn = {one.get("dmnElementRef") for one in root.iter() if one.get("dmnElementRef")}
    wanted = {"decision", "inputData", "knowledgeSource", "informationRequirement", "authorityRequirement"}
    assert {one.get("id") for one in root.iter() if etree.QName(one).localname in wanted} <= drawn


def test_what_is_drawn_anew_lies_apart(boss: Client) -> None:
    root = etree.fromstring(settings(boss, bring(boss, CAMUNDA)["Location"] + "open")["xml"].encode())
    boxes = [
        tuple(float(one.get(side)) for side in ("x", "y", "width", "height"))
        for one in root.iter() if etree.QName(one).localname == "Bounds"
    ]  # fmt: skip
    assert len(boxes) == 5
    for number, (x, y, width, height) in enumerate(boxes):
        for other in boxes[number + 1 :]:
            apart = x + width <= other[0] or other[0] + other[2] <= x
            assert apart or y + height <= other[1] or other[1] + other[3] <= y
    assert boxes[0] == (150, 80, 180, 80)  # as its editor drew it


def test_a_cell_is_changed_and_kept_as_a_version(boss: Client) -> None:
    address = bring(boss, CAMUNDA)["Location"] + "open"
    page = settings(boss, address)
    changed = page["xml"].replace("5 * guests", "7 * guests")
    kept = post(boss, address, xml=changed, read=page["read"]).json()
    assert kept == {"read": row().digest, "address": address}
    assert row().body == {"text": changed}
    assert "7 * guests" in text(boss.get(f"/declarations/decisions/{row().key}/history"))
    stale = post(boss, address, xml=page["xml"], read=page["read"])
    assert (stale.status_code, stale.json()["faults"][0]["text"]) == (422, "其间有人改过它。请重新打开，再改一次。")
    assert row().body == {"text": changed}


def test_a_new_one_is_kept_by_its_name(boss: Client) -> None:
    page = settings(boss, OPEN)
    assert told(boss, page["xml"]) == []
    named = page["xml"].replace('name="新建决策"', 'name="烧水"')
    assert post(boss, OPEN, xml=named, read="").json()["address"] == f"{AT}shao_shui/open"
    assert row().key == "local.shao_shui"
    assert post(boss, OPEN, xml=named, read="").json()["address"] == f"{AT}shao_shui2/open"


def test_one_of_a_pack_is_looked_at_and_kept_as_a_copy(boss: Client) -> None:
    assert f"{AT}of/lemonade.offer" in boss.get(f"{AT}new").content.decode()
    address = f"{AT}of/lemonade.offer"
    page = settings(boss, address)
    assert (page["keep"], page["read"]) == (OPEN, "")
    assert "这个决策属于业务包，不能直接改" in text(boss.get(address))
    assert boss.get(f"{AT}of/lemonade.gone").status_code == 404
    kept = post(boss, page["keep"], xml=page["xml"], read="")
    assert (kept.status_code, row().key.startswith("local.")) == (200, True)


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("5 * guests", "5 *",
         ("sugar", 1, 3, "决策“加糖”第 1 行“糖（克）”列：“5 *” 不是 FEEL 表达式：到第 4 个字符还没有写完")),
        ("[1..4]", "“四”", ("sugar", 1, 2, "决策“加糖”第 1 行“几人”列：““四”” 不是")),
        ("<text>guests</text>", "<text>guests +</text>",
         ("sugar", 0, 2, "决策“加糖”“几人”列的表头：“guests +” 不是")),
        ("if degrees", "if if degrees", ("warmth", 0, 0, "决策“冷热”：“if if degrees")),
        ("FIRST", "BEST", ("加糖", 0, 0, "决策“加糖”：“BEST” 不是命中策略：ANY")),
        ('<outputEntry id="LiteralExpression_2"><text>30</text></outputEntry>', "",
         ("加糖", 2, 0, "决策“加糖”第 2 行的单元格数与决策表的输入、输出列数不符")),
        ('<inputEntry id="UnaryTests_3"', '<inputEntry id="UnaryTests_3" expressionLanguage="juel"',
         ("加糖", 1, 2, "决策“加糖”第 1 行“几人”列：“juel” 不是这里能计算的语言")),
        ('<inputExpression id="InputExpression_2"', '<inputExpression expressionLanguage="juel" id="InputExpression_2"',
         ("加糖", 0, 2, "决策“加糖”“几人”列的表头：“juel” 不是这里能计算的语言")),
        ('"hot","cold"</text></inputValues>', '"hot",,</text></inputValues>',
         ("sugar", 0, 1, "决策“加糖”“冷热”列的表头：")),
        ('href="#warmth"', 'href="#gone"', ("加糖", 0, 0, "决策“加糖”：“gone” 被引用，但文件中没有这个元素")),
        ("5 * guests", "5 * people",
         ("sugar", 1, 3, "决策“加糖”第 1 行“糖（克）”列：“5 * people”用到了“people”")),
        ("</definitions>", "", ("", 0, 0, "不是可读的 XML")),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_decision_row_and_column(
    boss: Client, old: str, new: str, found: tuple[str, int, int, str]
) -> None:
    content = CAMUNDA.decode()
    assert old in content
    address = bring(boss, CAMUNDA)["Location"] + "open"
    wrong = content.replace(old, new, 1)
    faults = told(boss, wrong)
    assert faults[0][:3] == found[:3], faults
    assert found[3] in faults[0][3]
    is_note = "用到了" in found[3]
    kept = post(boss, address, xml=wrong, read=settings(boss, address)["read"])
    assert (kept.status_code, row().body["text"] == wrong) == ((200, True) if is_note else (422, False))


def test_a_form_where_words_are_wanted_is_nothing(boss: Client) -> None:
    assert boss.post(TRY, {"xml": CAMUNDA.decode(), "asked": "sugar"}).status_code == 422
    assert boss.post(OPEN, {"xml": CAMUNDA.decode()}).status_code == 422
    assert not Declaration.objects.filter(source="person")


def test_a_try_tells_each_decision_and_its_rows(boss: Client) -> None:
    def tried(asked: str = "sugar", xml: bytes = CAMUNDA, **given: str) -> Any:
        return post(boss, TRY, xml=xml.decode(), asked=asked, **{f"i.{name}": value for name, value in given.items()})

    answer = tried(degrees="30", guests="3").json()
    assert answer == {
        "value": "15",
        "made": [
            {"element": "sugar", "name": "加糖", "value": "15", "rows": [1]},
            {"element": "warmth", "name": "冷热", "value": "hot", "rows": []},
        ],
        "told": [],
    }
    assert [(one["name"], one["value"]) for one in tried("warmth", degrees="8").json()["made"]] == [("冷热", "cold")]
    plain = tried("cup_size", FLOWABLE, cups="20", kind="cold").json()  # a text without quotes
    assert plain["made"][0]["rows"] == [1]
    quoted = tried("cup_size", FLOWABLE.replace(b"FIRST", b"UNIQUE"), cups="20", kind='"cold"').json()
    assert quoted["told"] == [["cup_size", "Cup size：命中 2 条规则，最多只能命中一条"]]
    for given, said in (({"degrees": "30 °C"}, "30 °C"), ({"guests": "three("}, "three(")):
        refused = tried(**given)
        assert (refused.status_code, said in refused.json()["faults"][0]["text"]) == (422, True)
    assert tried("gone").json()["faults"][0]["text"] == "请选择要试算的决策。"
    unkept = tried("cup_size", FLOWABLE.replace(b'"large"', rb'"a\u0000"'), cups="20")
    assert (unkept.status_code, unkept.json()["faults"][0]["text"]) == (
        422, "决策“cup_size”：结果含有字符 U+0000，无法保存",
    )  # fmt: skip
    unread = tried(xml=CAMUNDA.replace(b"5 * guests", b"5 *"))
    assert (unread.status_code, unread.json()["faults"][0]["row"]) == (422, 1)


def test_a_date_is_tried_as_it_is_typed(boss: Client) -> None:
    xml = CAMUNDA.decode().replace(
        'name="degrees" />', 'name="degrees"><variable name="degrees" typeRef="date"/></inputData>'
    )
    xml = xml.replace("degrees &gt;= 28", "degrees &gt;= date(&quot;2026-06-01&quot;)")
    for typed, value in (("2026-07-01", "hot"), ('date("2026-05-01")', "cold"), ("", "cold")):
        assert post(boss, TRY, xml=xml, asked="warmth", **{"i.degrees": typed}).json()["value"] == value
    assert post(boss, TRY, xml=xml, asked="warmth", **{"i.degrees": "2026-13-01"}).status_code == 422


def test_a_drawing_of_no_numbers_is_drawn_anew(boss: Client) -> None:
    for odd in (b"wide", b"inf", b"nan", b"1e300"):
        xml = CAMUNDA.replace(b"<dc:Bounds", b'<dc:Bounds x="%s"' % odd, 1).replace(b'x="150"', b"", 1)
        assert b'x="%s"' % odd in xml
        page = settings(boss, bring(boss, xml)["Location"] + "open")["xml"]
        boxes = [one for one in etree.fromstring(page.encode()).iter() if etree.QName(one).localname == "Bounds"]
        assert all(abs(float(one.get("y"))) < 10_000 for one in boxes)


def test_which_of_several_is_asked_is_chosen_beside_it(boss: Client) -> None:
    twin = '<decision id="colour" name="Colour"><literalExpression><text>"blue"</text></literalExpression></decision>'
    several = FLOWABLE.decode().replace("</definitions>", f"{twin}</definitions>")
    answer = post(boss, CHECK, xml=several, stem="").json()
    assert [one["text"] for one in answer["faults"]] == [
        "有几个决策都没有被别的决策引用，请在旁边选定流程问的是哪一个。"
    ]
    assert (answer["last"], answer["asked"]) == ([["cup_size", "Cup size"], ["colour", "Colour"]], "")
    assert post(boss, OPEN, xml=several, read="").status_code == 422
    chosen = several.replace(
        "<definitions", '<definitions xmlns:shizhu="https://shizhu.example/dmn" shizhu:asked="colour"'
    )
    assert post(boss, CHECK, xml=chosen, stem="").json()["asked"] == "Colour"
    assert post(boss, OPEN, xml=chosen, read="").status_code == 200


def test_who_uses_it_and_which_cases_stay_on_the_old_one(county: County, boss: Client) -> None:
    address = bring(boss, FLOWABLE)["Location"] + "open"
    assert "还没有流程或其他决策用到它。" in text(boss.get(address))
    ask = '<businessRuleTask id="ask" name="定杯型" c:decisionRef="local.cup_size" c:resultVariable="size"/>'
    user = '<userTask id="a" c:candidateGroups="lemonade.maker"/>'
    declared(START + ask + user + END + lines("s>ask", "ask>a", "a>e"))
    opened(county, cups=25)
    said = text(boss.get(address))
    assert ("定杯型" in said, "在办案件仍按" in said or "已开的案件" in said) == (True, True), said


def test_only_who_may_declare_gets_in(county: County) -> None:
    clerk = browser(person(county, "cases.case.view", username="clerk"))
    assert [clerk.get(OPEN).status_code, post(clerk, CHECK, xml="").status_code, post(clerk, TRY).status_code,
            post(clerk, OPEN, xml=FLOWABLE.decode(), read="").status_code] == [403] * 4  # fmt: skip
    assert not Declaration.objects.filter(source="person").exists()
