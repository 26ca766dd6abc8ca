"""A card of one page is filled from registers, says what is missing, and is issued, printed and scanned."""

from __future__ import annotations

import io
from functools import partial
from typing import Any

import docx
import pdfplumber
import pytest
from django.test import Client
from docx.oxml.ns import qn
from tests.engines.cases.test_acting import at_once
from tests.fixtures import area, person
from tests.web.pages import browser, text, told

from shizhu.engines.cases import cards
from shizhu.engines.cases.models import CardEdition
from shizhu.engines.records import api as records
from shizhu.engines.records.models import Look
from shizhu.kernel import access, testing
from shizhu.kernel.models import Area, County, Person

pytestmark = pytest.mark.django_db(transaction=True)
pytest_plugins = ["tests.engines.records.stalls"]
KEY = "lemonade.town"
PAGE = f"/cards/{KEY}/"


@pytest.fixture
def boss(county: County) -> Person:
    return person(county, "records.*", "cases.*", username="boss")


@pytest.fixture
def town(county: County, stall: Any, permit: Any, grower: records.Entry) -> Area:
    """East has two stalls and a permit; one stall is of the county."""
    stall(kind="cart", grower="G001", seats=4, owner="钱七", phone="13900000001", at=(100.6, 30.5))
    stall(name="缺摊")
    stall(name="县摊", area="")
    permit(grower="G001", stall="S001", helpers=[{"name": "赵六", "phone": "13900000002"}, {"name": "周八"}])
    return area(county, "101")


def filled(county: County, who: access.Actor | None, town: Area) -> list[tuple[str, list[tuple[str, ...]]]]:
    made = cards.Filling(county.pk, cards.declared(county.pk)[KEY], who).fill(town)
    return [(part.title, list(part.rows)) for part in made.parts]


def test_a_card_is_filled_masked_and_says_what_is_missing(county: County, root: access.Actor, town: Area) -> None:
    assert filled(county, root, town) == [
        ("摊位", [("1号摊", "推车", "果园甲", "4", "139****0001"), ("缺摊", "—", "—", "〔缺：座位〕", "〔缺：电话〕")]),
        ("谁喊谁", [(f"{town.name} 1号：赵六（139****0002）",), (f"{town.name} 1号：周八（〔缺：手机〕）",)]),
        ("指定摊位", [("1号摊",)]),
        ("摊主", [("钱**", "139****0001"), ("—", "—")]),
        ("县里的摊", [("东镇1号摊",), ("东镇缺摊",), ("甲县县摊",)]),
        ("急", [("火警 119",)]),
    ]
    whole = filled(county, None, town)
    assert whole[0][1][0][-1] == "13900000001"
    west = cards.Filling(county.pk, cards.declared(county.pk)[KEY], root)
    assert [one.code for one in west.areas()] == [town.code]  # no permit in the west
    lacks = west.fill(area(county, "102")).missing
    assert lacks == ["摊位：没有摊位", "谁喊谁：没有帮工", "指定摊位：没有指定摊位"]


def test_an_edition_is_issued_printed_whole_and_scanned(county: County, boss: Person, town: Area) -> None:
    desk, page = browser(boss), f"{PAGE}{town.code}/"
    draft = desk.get(f"{PAGE}print?area={county.pk}&as=docx")
    printed = docx.Document(io.BytesIO(draft.content))
    said = "\n".join(one.text for one in printed.paragraphs)
    for table in printed.tables:  # where every program looks for widths, or a card has two pages
        columns = [int(one.get(qn("w:w"))) for one in table._tbl.tblGrid.gridCol_lst]
        assert [cell.width.twips for cell in table.rows[0].cells] == columns
        assert sum(columns) / 1440 * 25.4 == pytest.approx(184, abs=0.3)
    assert printed.styles.element.xpath("w:docDefaults//w:lang/@w:eastAsia") == ["zh-CN"]
    assert "草稿，未发布" in said
    assert "13900000002" not in said
    issued = told(desk.post(page, {"reason": "汛期张贴"}, follow=True))
    edition = CardEdition.objects.get()
    assert issued == [f"已发布第 {edition.number} 版，请打印张贴。"]
    opened = {(one.record.key, tuple(one.fields), one.purpose, one.reason) for one in Look.objects.all()}
    assert opened == {
        ("S001", ("owner", "phone"), "emergency", "汛期张贴"), ("P001", ("helpers.phone",), "emergency", "汛期张贴"),
    }  # fmt: skip
    made = desk.get(f"{PAGE}print?area={county.pk}&as=pdf")
    with pdfplumber.open(io.BytesIO(made.content)) as document:
        words = ["".join(one.extract_text().split()) for one in document.pages]
        assert [len(one.images) for one in document.pages] == [1]
    assert len(words) == 1  # one page for one town
    for wanted in (f"第{edition.number}版", "赵六（13900000002）", "钱七", "〔缺：座位〕", "火警119"):
        assert wanted in words[0]
    public = Client().get(f"/r/card/{edition.token}")
    shown = text(public)
    assert ("13900000002" in shown, "钱七" in shown, public.headers["X-Robots-Tag"]) == (True, False, "noindex")
    assert 'href="tel:13900000002"' in public.content.decode()
    assert "情况有变动" not in shown
    assert "登记已变动" not in text(desk.get(PAGE))
    stall = records.get(access.actor(boss), county.pk, "lemonade.stall", "S001")
    records.update(access.actor(boss), stall.id, {"seats": 5}, version=stall.version)
    assert "情况有变动" in text(Client().get(f"/r/card/{edition.token}"))
    assert "登记已变动" in text(desk.get(PAGE))
    desk.post(page, {"reason": "汛期张贴"})
    new, old = CardEdition.objects.all()
    assert (new.number.partition(".")[2], old.number.partition(".")[2], new.token) == ("2", "1", old.token)
    assert Client().get("/r/card/nothing").status_code == 404


def test_who_may_not_open_numbers_issues_nothing(county: County, boss: Person, town: Area) -> None:
    looks = person(county, "records.*.*.view", "cases.card.*", username="looks")
    other = person(county, "records.*", "cases.card.*", username="other", in_area="102")
    sees = person(county, "records.*", "cases.card.view", username="sees")
    before, page = testing.everything_kept(), f"{PAGE}{town.code}/"
    refused = told(browser(looks).post(page, {"reason": "汛期张贴"}, follow=True))
    assert refused[0].startswith("卡上要印“1号摊”的电话，您无权查看")
    assert browser(sees).post(page, {"reason": "汛期张贴"}).status_code == 403
    assert browser(other).get(page).status_code == 404
    assert browser(other).get(f"{PAGE}print?area={town.code}").status_code == 404
    assert told(browser(boss).post(page, {"reason": " 汛 "}, follow=True)) == ["请写明发布这张卡的用途。"]
    assert testing.everything_kept() == before


def test_large_numbers_and_several_choices_are_said_whole(
    county: County, root: access.Actor, town: Area, permit: Any
) -> None:
    permit(days=["sat", "feast"], seats=1234567, fire_plan="有")
    part = {"from": "lemonade.permit", "title": {"zh": "日子"}, "columns": ["applicant", "days", "seats"]}
    card = {**cards.declared(county.pk)[KEY], "parts": [part]}
    for who in (root, None):
        made = cards.Filling(county.pk, card, who).fill(town)
        assert made.parts[0].rows == (("1号", "—", "—"), ("2号", "周六、节日", "1234567"))


def test_two_first_editions_at_once_are_two(county: County, boss: Person, town: Area) -> None:
    who = access.actor(boss)
    moves = [partial(cards.issue, who, county.pk, KEY, town, "打印挂牌") for _ in range(2)]
    assert at_once(*moves) == ["done", "done"]
    assert len(set(CardEdition.objects.values_list("token", flat=True))) == 1
