"""Decision files of other editors: brought on a page, tried there, asked by flows; what is wrong is named."""

from __future__ import annotations

from html import unescape
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from tests.engines.cases.logic.test_bpmn_elements import END, START, lines
from tests.engines.cases.test_waits import declared, opened
from tests.fixtures import person
from tests.web.pages import browser, text

from shizhu.kernel import testing
from shizhu.kernel.models import County, Declaration

pytestmark = pytest.mark.django_db
FILES, NEW = Path(__file__).with_name("files"), "/declarations/decisions/new"
# As Camunda Modeler writes (DMN 1.3, its drawing, a knowledge source), Flowable (CDATA, no input data) and Signavio
# (DMN 1.2, a prefix for everything, types of its own, another encoding).
CAMUNDA, FLOWABLE, SIGNAVIO = ((FILES / f"{name}.dmn").read_bytes() for name in ("camunda", "flowable", "signavio"))


@pytest.fixture
def boss(county: County) -> Client:
    return browser(person(county, "*", username="boss"))


def bring(client: Client, content: bytes, address: str = NEW, **sent: str) -> Any:
    return client.post(address, {"do": "upload", "file": SimpleUploadedFile("x.dmn", content), **sent})


def row() -> Declaration:
    return Declaration.objects.get(kind="decisions", source="person")


@pytest.mark.parametrize(
    ("content", "stem", "typed", "said"),
    [
        (CAMUNDA, "ning_meng_shui_pei_liao", {"degrees": "30", "guests": "3"}, "15 依据规则 加糖 1"),
        (CAMUNDA, "ning_meng_shui_pei_liao", {"degrees": "8"}, "30 依据规则 加糖 2"),
        (SIGNAVIO, "pr_fung", {"güte": '"gut"', "punkte": "50"}, "true 依据规则 Urteil 1"),
        (SIGNAVIO, "pr_fung", {"güte": '"gut"', "punkte": "49"}, "null"),
        (FLOWABLE, "cup_size", {"cups": "20"}, '"large" 依据规则 Cup size 1'),
    ],
)
def test_files_of_common_editors_decide(
    boss: Client, content: bytes, stem: str, typed: dict[str, str], said: str
) -> None:
    made = bring(boss, content)
    assert made.status_code == 302, text(made)
    assert made["Location"] == f"/declarations/decisions/{stem}/"
    page = boss.post(made["Location"], {"do": "try", **{f"i.{name}": value for name, value in typed.items()}})
    assert said in unescape(text(page))
    assert [name for name in ("number", "string", "boolean", "Any") if f">{name}<" in page.content.decode()] == []
    assert f"local.{stem}" in boss.get("/declarations/").content.decode()


@pytest.mark.parametrize(
    ("old", "new", "typed", "said"),
    [
        ("FIRST", "UNIQUE", {"cups": "20", "kind": '"cold"'}, "Cup size：命中 2 条规则，最多只能命中一条"),
        ("FIRST", "ANY", {"cups": "20", "kind": '"cold"'}, "Cup size：命中的规则结果不一致"),
        ('CDATA["large"]', "CDATA[10]", {"cups": "20"}, "Cup size：不是文本类型"),
        (
            'CDATA["large"]',
            'CDATA["huge"]',
            {"cups": "20"},
            'Cup size："huge" 不在允许值 "small","large" 之中',
        ),
    ],
)
def test_why_nothing_is_decided_is_said_in_chinese(
    boss: Client, old: str, new: str, typed: dict[str, str], said: str
) -> None:
    made = bring(boss, FLOWABLE.decode().replace(old, new).encode())
    page = boss.post(made["Location"], {"do": "try", **{f"i.{name}": value for name, value in typed.items()}})
    assert said in unescape(text(page)), text(page)


def test_what_a_cell_reads_and_nothing_is_called_is_told_on_the_page(boss: Client) -> None:
    page = boss.get(bring(boss, FLOWABLE.decode().replace('CDATA["large"]', "CDATA[large]").encode())["Location"])
    assert "Cup size 1：“large”用到了“large”，文件里没有叫这个名称的输入、决策或字段" in unescape(text(page))


def test_the_file_is_kept_whole_with_what_nobody_decides_by(boss: Client) -> None:
    bring(boss, CAMUNDA)
    assert row().body == {"text": CAMUNDA.decode()}
    assert boss.get(f"/declarations/decisions/{row().stem}/file.dmn").content == CAMUNDA
    Declaration.objects.filter(source="person").delete()
    bring(boss, SIGNAVIO)
    kept = row().body["text"]
    assert [part for part in ("Prüfung", "textAnnotation", "signavioMetaData", "association") if part not in kept] == []


def test_which_of_several_last_decisions_is_asked_is_chosen_and_kept_with_the_file(
    county: County, boss: Client
) -> None:
    twin = '<decision id="colour" name="Colour"><literalExpression><text>"blue"</text></literalExpression></decision>'
    several = FLOWABLE.decode().replace("</definitions>", f"<!-- two -->{twin}</definitions>")
    several = several.replace('id="cup_size" name="Cup size"', 'id="size" name="Size of a cup"').encode()
    assert b"Size of a cup" in several
    page = bring(boss, several)
    assert (page.status_code, "这个文件要回答的是哪个决策？" in text(page)) == (200, True)
    assert not Declaration.objects.filter(source="person")
    sent = {"do": "upload", "kept": page.context["kept"]}
    assert boss.post(NEW, {**sent, "asked": "gone"}).context["choices"] == {"size": "Size of a cup", "colour": "Colour"}
    assert boss.post(NEW, {**sent, "kept": "x", "asked": "size"}).status_code == 422
    made = boss.post(NEW, {**sent, "asked": "size"})
    address = made["Location"]
    assert '"large" 依据规则' in unescape(text(boss.post(address, {"do": "try", "i.cups": "20"})))
    told = ' xmlns:shizhu="https://shizhu.example/dmn" shizhu:asked="size"'
    assert row().body["text"].replace(told, "") == several.decode()
    changed = several.replace(b">= 20", b">= 30")
    assert bring(boss, changed, address, read=row().digest).status_code == 302  # the same is asked of a new version
    assert "null" in text(boss.post(address, {"do": "try", "i.cups": "20"}))
    wrong = row().body["text"].replace('asked="size"', 'asked="gone"').encode()
    refused = bring(boss, wrong, address, read=row().digest)
    assert (refused.status_code, "“gone” 被引用，但文件中没有这个元素" in unescape(text(refused))) == (422, True)


def test_a_flow_asks_a_decision_of_the_county(county: County, boss: Client) -> None:
    bring(boss, FLOWABLE)
    ask = '<businessRuleTask id="ask" c:decisionRef="local.cup_size" c:resultVariable="size"/>'
    user = '<userTask id="a" c:candidateGroups="lemonade.maker"/>'
    declared(START + ask + user + END + lines("s>ask", "ask>a", "a>e"))
    assert opened(county, cups=25).state["document"]["size"] == "large"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('CDATA["cold"]', 'CDATA[== "cold"]', '“Cup size”第 2 行'),
        ("FIRST", "BEST", "决策“Cup size”：“BEST” 不是命中策略：ANY"),
        ("<text>cups</text>", "<text>cups &gt;</text>", "“cups >” "),
        ("<decisionTable",
         '<informationRequirement><requiredInput href="#gone"/></informationRequirement><decisionTable',
         "决策“Cup size”：“gone” 被引用，但文件中没有这个元素"),
        ("</definitions>", "", "不是可读的 XML"),
        ('<inputEntry id="inputEntry_1_1"><text><![CDATA[>= 20]]></text></inputEntry>', "",
         "决策“Cup size”第 1 行的单元格数与决策表的输入、输出列数不符"),
        ("</definitions>", '<decision id="cup_size" name="Twin"/></definitions>',
         "决策“Cup size”：“cup_size” 是多个元素的编号"),
        ("https://www.omg.org/spec/DMN/20191111/MODEL/", "urn:other", "不是 DMN 文件"),
        ("</definitions>", '<itemDefinition name="t"><typeRef>t</typeRef></itemDefinition></definitions>',
         "“t → t” 是引用了自己的类型"),
        ("</definitions>", f'<decision id="d">{"<list>" * 120}{"</list>" * 120}</decision></definitions>',
         "是它外面的层数，嵌套过深"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_refused_with_its_element(boss: Client, old: str, new: str, said: str) -> None:
    assert old in FLOWABLE.decode()
    before = testing.everything_kept(), Declaration.objects.count()
    page = bring(boss, FLOWABLE.decode().replace(old, new).encode())
    assert (page.status_code, said in unescape(text(page))) == (422, True), text(page)
    assert (testing.everything_kept(), Declaration.objects.count()) == before


def test_a_version_goes_over_the_one_that_was_read_only(county: County, boss: Client) -> None:
    address = bring(boss, FLOWABLE)["Location"]
    first = row().digest
    changed = FLOWABLE.replace(b">= 20", b">= 30")
    assert bring(boss, changed, address, read="other").status_code == 422
    assert row().digest == first
    assert bring(boss, changed, address, read=first).status_code == 302
    assert ">= 30" in row().body["text"]
    for name, verbs in (("clerk", ("cases.*",)), ("nobody", ("maps.map.view",))):
        other = browser(person(county, *verbs, username=name))
        assert [bring(other, FLOWABLE, where).status_code for where in (NEW, address)] == [403, 403]
        assert other.get(f"{address}file.dmn").status_code == 403
    assert Declaration.objects.filter(kind="decisions", source="person").count() == 1
