"""A case goes into the file as a Word document, for those who may see it."""

from __future__ import annotations

import io
import re

import docx
import pytest
from django.test import Client
from tests.fixtures import area, person

from shizhu.engines.cases import api
from shizhu.engines.cases.models import Task
from shizhu.kernel import access
from shizhu.kernel.models import County, Person
from shizhu.site.picture import drawn

pytestmark = pytest.mark.django_db


def login(who: Person, language: str = "zh-hans") -> Client:
    client = Client(headers={"accept-language": language})
    client.force_login(who)
    return client


@pytest.fixture
def maker(county: County) -> Person:
    return person(county, role="lemonade.maker", username="maker", in_area="101", of="stand")


@pytest.fixture
def address(county: County, maker: Person) -> str:
    """The report of a case whose first task is done, with a picture."""
    person(county, role="lemonade.taster", username="taster", of="stand")
    document = {"title": "三杯", "description": "少放冰"}
    case = api.open_case(api.Opening("lemonade.order", "三杯", area(county, "101"), document, by=maker, origin=1))
    picture = api.Upload("photos", "杯子.png", io.BytesIO(drawn(1)))
    api.answer(access.actor(maker), Task.objects.get(case=case).pk, {"sugar": "some"}, [picture])
    return f"/cases/{case.pk}/report.docx"


def test_the_report_tells_the_case(address: str, maker: Person) -> None:
    answer = login(maker).get(address)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].endswith("wordprocessingml.document")
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="LM-20')
    document = docx.Document(io.BytesIO(answer.content))
    assert document.paragraphs[0].text == "三杯案件档案"
    facts, lines = ([[cell.text for cell in row.cells] for row in table.rows] for table in document.tables)
    assert [row[0] for row in facts] == ["编号", "类别", "环节", "乡镇", "主管单位", "开案时间", "期限"]
    assert facts[1][1] == "订单（模拟）"
    assert re.fullmatch(r"20\d\d年1?\d月[1-3]?\d日\d\d:\d\d · maker", facts[5][1])
    assert lines[0] == ["时间", "发生了什么"]
    assert [told for _at, told in lines[1:]] == [
        "开案\nmaker\n少放冰",
        "下单",
        "制作 派给 maker",
        "制作 · 已办 maker\n糖：微糖",
        "品尝 派给 taster",
    ]
    assert len(document.inline_shapes) == 1
    caption = [one.text for one in document.paragraphs if one.text][-1]
    assert re.fullmatch(r"杯子\.png · 20\d\d年1?\d月[1-3]?\d日\d\d:\d\d · maker", caption)
    assert [one.text for one in document.sections[0].header.paragraphs] == ["模拟数据"]
    document = docx.Document(io.BytesIO(login(maker, "en").get(address).content))  # Chinese whoever asks
    assert document.paragraphs[0].text == "三杯案件档案"


def test_who_may_not_see_the_case_gets_no_report(address: str, county: County) -> None:
    far = person(county, "cases.case.view", username="far", in_area="102")
    assert login(far).get(address).status_code == 403
    assert Client().get(address).status_code == 302
    assert login(far).get("/cases/999999/report.docx").status_code == 404


def test_the_page_links_to_the_report_and_shows_what_came_with_the_case(county: County, maker: Person) -> None:
    picture = api.Upload("photos", "桥下.png", io.BytesIO(drawn(2)))
    document = {"title": "三杯", "source": "person"}
    case = api.open_case(
        api.Opening("lemonade.order", "三杯", area(county, "101"), document, by=maker, uploads=[picture])
    )
    page = login(maker).get(f"/cases/{case.pk}/").content.decode()
    assert f'href="/cases/{case.pk}/report.docx"' in page
    assert 'alt="桥下.png"' in page
