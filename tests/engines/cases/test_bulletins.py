"""Bulletins and public releases of a response: drafted from the case, checked by another, never changed once issued."""

from __future__ import annotations

import io
import time
from datetime import timedelta
from functools import partial
from typing import Any

import docx
import pytest
from django.db import InternalError, ProgrammingError, transaction
from django.test import Client
from django.utils import timezone
from tests.engines.cases.test_acting import at_once
from tests.engines.cases.test_emergencies import began, decide, done, staff, who  # noqa: F401  # a fixture
from tests.engines.cases.test_stock import row
from tests.fixtures import person
from tests.web.pages import browser, text, told

from shizhu.engines.cases import bulletins
from shizhu.engines.cases.models import DRILL, Bulletin, Case
from shizhu.engines.notices.models import Message
from shizhu.kernel import testing
from shizhu.kernel.models import County, OutboxEvent, Person

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def desk(county: County, staff: dict[str, Person]) -> dict[str, Person]:  # noqa: F811
    draft = ("cases.case.view", "cases.bulletin.draft", "records.lemonade.stall.*")
    issue = ("cases.case.view", "cases.bulletin.*", "cases.release.issue")
    made = {"writer": person(county, *draft, username="writer"), "boss": person(county, *issue, username="boss")}
    return {**staff, **made}


def new(by: Person, case: Case, kind: str = "internal", **more: Any) -> Bulletin:
    answer = browser(by).post(f"/cases/{case.pk}/bulletins/new", {"kind": kind, **more})
    return Bulletin.objects.get(pk=answer.headers["Location"].rstrip("/").rpartition("/")[2])


def do(by: Person, one: Bulletin, what: str, **more: Any) -> Any:
    one.refresh_from_db()
    shown = {"title": one.title, "text": one.text, "receivers": one.receivers, "report": one.imprint.get("report", "")}
    sent = {**shown, "version": one.version, "do": what, **more}
    return browser(by).post(f"/cases/bulletins/{one.pk}/", sent, follow=True)


def issued(desk: dict[str, Person], one: Bulletin, **more: Any) -> Bulletin:
    do(desk["writer"], one, "send", **more)
    assert told(do(desk["boss"], one, "issue"))[0] == "已签发。"
    return Bulletin.objects.get(pk=one.pk)


def notice(key: str) -> tuple[str, set[str]]:
    """What a notice says, and whom it told."""
    found = Message.objects.get(key__startswith="bulletin/", key__endswith=key)
    return found.title, set(found.deliveries.values_list("person__username", flat=True))


def file_of(by: Person, one: Bulletin) -> tuple[list[str], str]:
    made = docx.Document(io.BytesIO(browser(by).get(f"/cases/bulletins/{one.pk}/file.docx").content))
    headers = {made.sections[0].header.paragraphs[0].text, made.sections[0].even_page_header.paragraphs[0].text}
    imprint = [row.cells[0].text for row in made.tables[-1].rows]
    return [*(one.text for one in made.paragraphs if one.text), *imprint], "|".join(sorted(headers))


def test_a_bulletin_is_drafted_from_the_case_and_issued_by_another(county: County, desk: dict[str, Person]) -> None:
    root = person(county, "records.*", username="root")
    case = began(county, "III")
    for code, seats in (("S001", 3), ("S002", 4)):
        shop = {"code": code, "name": f"摊{code}", "kind": "cart", "seats": seats, "street": case.number}
        row(root, county, "lemonade.stall", shop, "101")
    done(case, desk["chief"], "count")
    one = new(desk["writer"], case)
    at = f"{timezone.localtime(case.opened_at):%H:%M}"
    lines = one.text.split("\n")
    assert (one.number, one.title, set(one.receivers)) == (1, "断糖应急响应情况", {desk["chief"].pk, desk["taster"].pk})
    assert lines[0] == "一、响应情况"
    assert (lines[1].startswith("断糖："), f"{at}起执行Ⅲ级响应" in lines[1]) == (True, True)
    assert lines[2:6] == [
        "二、告警和预警", "目前没有未解除的告警，也没有生效的预警。",
        "三、任务落实", "预案任务和指令共 3 项：已完成 1 项，办理中 2 项；未完成的有 0 项超时。",
    ]  # fmt: skip
    assert lines[6:8] == ["已完成：清点存糖（办好了）。", "办理中：告知客人（taster）；向邻摊借糖（chief）。"]
    assert lines[8:14] == [
        "四、队伍和物资", "尚未调用应急物资。", "五、险情和灾情",
        "摊位（1 个区域合计）：座位 4。", "S001，摊S001。", "S002，摊S002。",
    ]  # fmt: skip
    page = browser(desk["writer"]).get(f"/cases/{case.pk}/command/")
    assert "摊位（1 个区域合计）：座位 4。" in text(page)
    further = f"street={case.number}&amp;opened={timezone.localdate()}"
    assert f'href="/records/lemonade.stall/new?{further}"' in page.content.decode()
    blank, filled = (
        browser(desk["writer"]).get("/records/lemonade.stall/new", asked).content.decode().count(f'"{case.number}"')
        for asked in ({"other": case.number}, {"street": case.number})
    )
    assert (blank, filled) == (0, 1)
    assert new(desk["writer"], case).pk == one.pk  # goes on with it
    assert told(do(desk["writer"], one, "save", receivers=[])) == ["请选择报送对象。"]
    do(desk["writer"], one, "send", text="一、响应情况\n还剩一包糖。")
    assert notice("checking/2") == ("请审核：断糖简报第1期", {"boss"})
    assert told(do(desk["writer"], one, "issue")) == ["起草人不能签发，须由另一人审核签发。"]
    assert told(do(desk["boss"], one, "back")) == ["请写明需要修改什么。"]
    do(desk["boss"], one, "back", why="写明几时没糖")
    assert "退回修改： 写明几时没糖" in text(browser(desk["writer"]).get(f"/cases/bulletins/{one.pk}/"))
    soon = timezone.localtime() + timedelta(seconds=2)
    do(desk["writer"], one, "send", text="一、响应情况\n还剩一包糖，十点没糖。", next_at=f"{soon:%Y-%m-%dT%H:%M:%S}")
    one.refresh_from_db()
    assert told(do(desk["boss"], one, "issue", version=one.version - 1)) == [
        "他人刚刚修改过，请重新阅读；本次未作任何改动。"
    ]
    assert browser(desk["outsider"]).get(f"/cases/bulletins/{one.pk}/").status_code == 403
    assert browser(desk["reader"]).get(f"/cases/bulletins/{one.pk}/").status_code == 403  # sees the case, no draft
    moves = [partial(bulletins.issue, who(desk["boss"]), one.pk, one.version)] * 2
    assert sorted(at_once(*moves)) == ["CannotNow", "done"]
    assert notice("issued") == ("断糖简报第1期：断糖应急响应情况", {"chief", "taster"})
    assert OutboxEvent.objects.filter(subject__endswith="cases.bulletin.issued").count() == 1
    with pytest.raises((InternalError, ProgrammingError), match="Cannot update"), transaction.atomic():
        Bulletin.objects.filter(pk=one.pk).update(text="糖多的是")
    message = Message.objects.get(key__endswith="issued")
    browser(desk["taster"]).post(f"/messages/{message.pk}/")
    page = text(browser(desk["reader"]).get(f"/cases/{case.pk}/command/"))
    assert "断糖简报第1期 writer → boss" in page
    assert "1/2 已回执" in page
    words, header = file_of(desk["taster"], one)
    assert words[:3] == ["断糖简报", "（第1期）", f"摊主办公室\t{soon.year}年{soon.month}月{soon.day}日"]
    assert words[3:6] == ["断糖应急响应情况", "一、响应情况", "还剩一包糖，十点没糖。"]
    assert words[6] == "报：摊主、县政府"
    assert words[-1].startswith("编辑：writer　审核签发：boss")
    assert header == ""
    time.sleep(max(0.0, (soon - timezone.localtime()).total_seconds()))
    bulletins.overdue(one.pk)
    bulletins.overdue(one.pk)
    assert notice("overdue") == ("断糖应急响应情况：第2期简报到时未发", {"writer", "boss"})
    assert "下一期已超时，应于" in text(browser(desk["reader"]).get(f"/cases/{case.pk}/command/"))
    done(case, desk["taster"], "tell")
    two = issued(desk, new(desk["writer"], case))
    assert (two.number, "上期以来完成：告知客人（办好了）。" in two.text, "清点存糖" in two.text) == (2, True, False)
    decide(case, desk["chief"], "end")
    last = new(desk["writer"], case)
    assert (last.number, last.next_at, last.text.split("\n")[-1]) == (3, None, "本期为最后一期。")
    do(desk["writer"], last, "drop")
    answer = browser(desk["reader"]).get(f"/cases/{case.pk}/command/report.docx")
    report = docx.Document(io.BytesIO(answer.content))
    assert "共签发 2 期，首期在第 0 分钟；晚于承诺时间 1 期。" in [one.text for one in report.paragraphs]
    table = next(made for made in report.tables if made.rows[0].cells[0].text == "签发内容")
    assert [cell.text for cell in table.rows[1].cells] == [
        "断糖简报第1期：断糖应急响应情况", "0", "writer", "boss", "1/2",
    ]  # fmt: skip


def test_the_public_sees_a_release_once_it_is_approved_and_what_corrects_it(
    county: County, desk: dict[str, Person]
) -> None:
    case = began(county, "IV")
    one = new(desk["writer"], case, "public")
    assert one.text.split("\n")[-1] == "请自带糖。"
    do(desk["writer"], one, "send")
    outside = Client(headers={"accept-language": "zh-hans"})
    assert outside.get(f"/releases/{one.pk}/").status_code == 404
    assert "暂无发布。" in text(outside.get("/releases/"))
    only_inside = person(county, "cases.case.view", "cases.bulletin.*", username="inside")
    assert do(only_inside, one, "issue").status_code == 403
    do(desk["boss"], one, "issue")
    assert "关于断糖的情况通报" in text(outside.get("/releases/", {"county": county.pk}))
    assert "关于断糖的情况通报" not in text(outside.get("/releases/", {"county": "1"}))
    assert "出下一期更正" in text(browser(desk["writer"]).get(f"/cases/bulletins/{one.pk}/"))
    two = issued(desk, new(desk["writer"], case, "public", corrects=one.pk), title="更正：糖已到")
    assert "出下一期更正" not in text(browser(desk["writer"]).get(f"/cases/bulletins/{one.pk}/"))
    page = text(outside.get(f"/releases/{one.pk}/"))
    assert ("请自带糖。" in page, "本期内容已被更正。 更正：糖已到" in page) == (True, True)
    assert "本信息更正此前发布的： 关于断糖的情况通报" in text(outside.get(f"/releases/{two.pk}/"))
    refused = browser(desk["writer"]).post(
        f"/cases/{case.pk}/bulletins/new", {"kind": "public", "corrects": 99}, follow=True
    )
    assert told(refused) == ["只能更正已签发的信息。"]


def test_a_drill_says_so_everywhere_and_never_to_the_public(county: County, desk: dict[str, Person]) -> None:
    case = began(county, "III", DRILL)
    inside, outside = issued(desk, new(desk["writer"], case)), issued(desk, new(desk["writer"], case, "public"))
    assert notice("issued")[0] == "【演练】断糖简报第1期：断糖应急响应情况"
    words, header = file_of(desk["chief"], inside)
    assert (words[3], header) == ("【演练】断糖应急响应情况", "演练")
    assert "以下内容并非真实（演练）。" in words
    assert "演练 · 内容均非真实" in text(browser(desk["chief"]).get(f"/cases/bulletins/{inside.pk}/"))
    assert Client().get(f"/releases/{outside.pk}/").status_code == 404
    assert "断糖" not in text(Client().get("/releases/"))
    made_up = began(county, "III", 1)
    shown = issued(desk, new(desk["writer"], made_up, "public"))
    page = text(Client(headers={"accept-language": "zh-hans"}).get(f"/releases/{shown.pk}/"))
    assert "模拟 这是演示用的模拟信息，并未真实发生。" in page


def test_a_bulletin_goes_to_nobody_of_another_county(county: County, desk: dict[str, Person]) -> None:
    away = testing.made_up_county("990002")
    stranger = person(away, username="stranger")
    Person.objects.filter(pk=stranger.pk).update(name="外县王")
    one = new(desk["writer"], began(county))
    page = do(desk["writer"], one, "save", receivers=[desk["boss"].pk, stranger.pk])
    assert "外县王" not in page.content.decode()
    one.refresh_from_db()
    assert one.receivers == [desk["boss"].pk]
    page = do(desk["writer"], one, "save", title="", receivers=[stranger.pk])
    assert (page.status_code, "外县王" in page.content.decode()) == (422, False)
