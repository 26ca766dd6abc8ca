"""A checkup finds what does not fit together, tells nobody of what they may not see, and counts by town."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any

import openpyxl
import pytest
from django.utils import timezone
from tests.fixtures import area, organisation, person
from tests.web.pages import browser, text

from shizhu.engines.cases import checkups
from shizhu.engines.cases.models import Called, RollCall
from shizhu.engines.records import api as records
from shizhu.kernel import access
from shizhu.kernel.models import County, Person

pytestmark = pytest.mark.django_db
pytest_plugins = ["tests.engines.records.stalls"]
KEY = "lemonade.stands"
DEAD, CHANGED = "13900000004", "13900000005"


@pytest.fixture
def boss(county: County) -> Person:
    person(county, role="lemonade.maker", username="maker")
    return person(county, "records.*", "cases.*", username="boss")


def found(who: access.Actor, county: County) -> list[tuple[str, str, str, list[tuple[str, str]]]]:
    return [
        (one.check, one.title, one.text, [(side.who, side.value) for side in one.sides])
        for one in checkups.findings(who, county.pk, KEY)
    ]


@pytest.fixture
def muddle(county: County, stall: Any, permit: Any, grower: records.Entry, root: access.Actor) -> list[records.Entry]:
    """Two permits of two towns count on one stall; a drink is called otherwise; a number is dead; a date is over."""
    stalls = [stall(seats=10, grower="G001", phone=DEAD), stall(opened="2020-01-01", phone="13900000001")]
    drinks = [{"name": "柠檬水", "grower": "G001"}]
    permits = [
        permit(seats=6, grower="G001", stall="S001", drinks=drinks, helpers=[{"name": "赵", "phone": CHANGED}]),
        permit(seats=7, grower="G001", stall="S001", area="102"),
    ]
    test = RollCall.objects.create(
        county=county, key="lemonade.helpers", record=permits[0].id, title="1号", organisation=organisation(county),
        area=area(county, "101"), batch="b", words="测试", begun_at=timezone.now(), next_at=timezone.now(),
        ended_at=timezone.now(),
    )  # fmt: skip
    for record, register, number in (
        (stalls[0].id, "lemonade.stall", DEAD),
        (permits[0].id, "lemonade.permit", CHANGED),
    ):
        Called.objects.create(
            rollcall=test, record=record, register=register, of="", duty="摊主", name="钱", address=number,
            result="empty",
        )  # fmt: skip
    helpers = [{"name": "赵", "phone": "13900000009"}]  # the number is another one since
    records.update(root, permits[0].id, {"helpers": helpers}, version=permits[0].version)
    return permits


def test_what_does_not_fit_is_found_with_both_sides(county: County, boss: Person, muddle: list[records.Entry]) -> None:
    day, who = timezone.localdate(), access.actor(boss)
    east, west, top = (area(county, code).name for code in ("101", "102", ""))
    granted = records.get(who, county.pk, "lemonade.permit", "P002")
    for state in ("asked", "granted"):
        granted = records.move(who, granted.id, state, granted.version)
    assert found(who, county) == [
        ("names", "果园甲", "名称", [(f"{top} 果园甲", "果园甲"), (f"{east} 1号", "柠檬水")]),
        ("full", "1号摊", "2 个地方共 13 人安排到这里，只能容纳 10 人", [(f"{east} 1号", "6"), (f"{west} 2号", "7")]),
        ("phones", "1号摊", f"摊主 钱 139****0004：空号（{day}）", []),
        ("phones", "2号", "联系人超过 100 天没有拨测", []),
        ("closing", "2号摊", "已于 2020-01-01 到期", []),
        ("posts", "断糖预案", "没有人担任“品尝员”：告知客人", []),
        ("cards", east, "没有发布明白卡，缺 1 项", []),
        ("cards", west, "没有发布明白卡，缺 2 项", []),
    ]
    RollCall.objects.update(begun_at=timezone.now() - timedelta(days=101))
    assert [line[1] for line in found(who, county) if line[0] == "phones"] == ["1号摊", "2号"]
    page = browser(boss).get(f"/checkups/{KEY}/?check=full")
    shown = text(page)
    assert "1号摊 模拟" not in shown
    assert ("坐不下 1 换个摊位" in shown, "叫法不一 1 改成一样" in shown) == (True, False)
    inside = text(browser(boss).get(f"/checkups/{KEY}/?town={county.pk}102"))
    assert ("打不通 1 核实号码 2号" in inside, "换个摊位" in inside) == (True, False)
    book = openpyxl.load_workbook(io.BytesIO(browser(boss).get(f"/checkups/{KEY}/?as=xlsx").content))
    towns, listed = ([list(row) for row in sheet.iter_rows(values_only=True)] for sheet in book)
    assert towns[0] == ["乡镇", "全部", "叫法不一", "坐不下", "打不通", "要停业", "没有人", "没有卡"]
    assert towns[1:] == [[east, 4, 0, 1, 1, 1, 0, 1], [top, 2, 1, 0, 0, 0, 1, 0], [west, 2, 0, 0, 1, 0, 0, 1]]
    assert len(listed) == 9
    assert listed[2][4] == f"{east} 1号：6\n{west} 2号：7"


def test_nobody_is_told_of_what_they_may_not_see(county: County, boss: Person, muddle: list[records.Entry]) -> None:
    clerk = person(county, "records.*", "cases.checkup.view", username="clerk", in_area="101")
    east = area(county, "101").name
    told = found(access.actor(clerk), county)
    full = next(line for line in told if line[0] == "full")
    assert full[3] == [(f"{east} 1号", "6"), ("其他", "7")]  # the other town's as a number alone
    assert [line for line in told if "2号" in {line[1], *(who for who, _value in line[3])}] == []
    assert [line[1] for line in told if line[0] == "cards"] == [east]
    nobody = person(county, "records.*", username="nobody")
    assert browser(nobody).get(f"/checkups/{KEY}/").status_code == 403
    assert browser(boss).get("/checkups/lemonade.none/").status_code == 404
