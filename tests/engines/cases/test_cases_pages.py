"""Pages of cases: reported, answered on a phone, checked; wrong answers and wrong people change nothing."""

from __future__ import annotations

import io
import re
from datetime import datetime, timedelta
from typing import Any

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from tests.fixtures import area, person
from tests.web.pages import browser, text, told

from shizhu.engines.cases import api
from shizhu.engines.cases.models import Attachment, Case, Entry, Task
from shizhu.kernel import access, files
from shizhu.kernel.models import County, File, OutboxEvent, Person

pytestmark = pytest.mark.django_db
PNG = b"\x89PNG\r\n\x1a\n" + b"picture"
NEW = "/cases/new/lemonade.order/"


@pytest.fixture
def staff(county: County) -> dict[str, Person]:
    return {
        "east": person(county, role="lemonade.maker", username="east", in_area="101", of="stand"),
        "west": person(county, role="lemonade.maker", username="west", in_area="102", of="stand"),
        "taster": person(county, role="lemonade.taster", username="taster", of="stand"),
        "viewer": person(county, "alarms.alarm.view", username="viewer"),
    }


@pytest.fixture
def case(county: County, staff: dict[str, Person]) -> Case:
    return api.open_case(api.Opening("lemonade.order", "三杯", area(county, "101"), {"title": "三杯"}))


def task(case: Case) -> str:
    return f"/cases/tasks/{Task.objects.get(case=case, status='ready').pk}/"


def picture(name: str = "a.png", content: bytes = PNG) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content, "image/png")


def state() -> tuple[Any, ...]:
    counts = [model.objects.count() for model in (Case, Entry, File, Attachment, OutboxEvent)]
    tasks = list(Task.objects.order_by("pk").values_list("status", "done_by", "answer"))
    return counts, tasks, list(Case.objects.values_list("status", "stage"))


def problems(answer: Any) -> dict[str, str]:
    return {field.name: field.problem for field in answer.context["fields"] if field.problem}


def test_the_search_finds_the_cases_one_may_see(case: Case, staff: dict[str, Person]) -> None:
    for asked in ("三杯", case.number[-6:]):
        found = {name: browser(who).get(f"/search?q={asked}").context["total"] for name, who in staff.items()}
        assert found == {"east": 1, "west": 0, "taster": 1, "viewer": 0}


def test_the_list_shows_the_deadline_that_comes_first_with_the_name_of_its_step(
    county: County, case: Case, staff: dict[str, Person]
) -> None:
    east, now = browser(staff["east"]), timezone.now() + timedelta(minutes=1, seconds=30)

    def deadline(who: Client) -> str:
        cell = re.search(r'data-label="期限">(.*?)</td>', who.get("/cases/").content.decode())
        assert cell is not None
        return re.sub(r"<time class=\"text-(\w+)[^>]*>([^<]*)</time>", r"\1: \2", cell[1]).replace("\xa0", " ")

    first = Task.objects.get()
    Task.objects.update(due_at=now + timedelta(hours=2))
    sooner = {"token": "t", "step": "taste", "role": "lemonade.taster", "created": now, "due_at": now}
    other = Task.objects.create(case=case, **sooner)
    assert deadline(east) == "制作 secondary: 还剩 2 小时"
    assert deadline(browser(staff["taster"])) == "品尝 secondary: 还剩 1 分钟"
    other.delete()
    Task.objects.filter(pk=first.pk).update(due_at=now - timedelta(hours=3))
    assert deadline(east) == "制作 danger: 已超 2 小时"
    Case.objects.update(due_at=now - timedelta(hours=5))
    assert deadline(east) == "danger: 已超 4 小时"
    counts = []
    for _ in range(2):
        with CaptureQueriesContext(connection) as asked:
            east.get("/cases/?filter=is_open=TRUE")
        counts.append(len(asked))
        api.open_case(api.Opening("lemonade.order", "四杯", area(county, "101"), {"title": "四杯"}))
    assert counts[0] == counts[1]


def test_a_list_is_narrowed_counted_above_and_taken_away_as_it_is_asked_for(
    county: County, case: Case, staff: dict[str, Person]
) -> None:
    now, far = timezone.now(), timedelta(days=9)
    late, soon, paused, closed = (
        api.open_case(api.Opening("lemonade.order", title, area(county, town), {"title": title}))
        for title, town in (("迟杯", "101"), ("急杯", "102"), ("停杯", "102"), ("旧杯", "101"))
    )
    changes: dict[int, dict[str, Any]] = {
        case.pk: {"due_at": now + far}, late.pk: {"due_at": now - timedelta(hours=1)},
        soon.pk: {"due_at": now + timedelta(hours=5)}, paused.pk: {"due_at": now, "paused_at": now - far},
        closed.pk: {"closed_at": now, "due_at": now - far, "status": "closed"},
    }  # fmt: skip
    for number, change in changes.items():
        Case.objects.filter(pk=number).update(**change)
    reader = browser(person(county, "cases.case.view", username="reader"))
    page = reader.get("/cases/")
    assert [(name, count) for name, count, _level, _query in page.context["tiles"]] == [
        ("在办", 4), ("已超期", 1), ("一天内到期", 1), ("时限暂停", 1),
    ]  # fmt: skip
    named = {case.pk: "三杯", late.pk: "迟杯", soon.pk: "急杯", paused.pk: "停杯", closed.pk: "旧杯"}
    for asked, titles in (
        ("due=late", {"迟杯"}), ("due=soon", {"急杯"}), ("due=paused", {"停杯"}), ("flow=lemonade.none", set()),
        ("status=all&due=late", {"迟杯", "旧杯"}), (f"town={county.pk}102", {"急杯", "停杯"}), ("q=急", {"急杯"}),
        (f"q={late.number}", {"迟杯"}), ("flow=lemonade.order&status=closed", {"旧杯"}),
        (f"status=all&q=杯&town={county.pk}101", {"三杯", "迟杯", "旧杯"}),
    ):  # fmt: skip
        found = reader.get(f"/cases/?{asked}")
        assert {named[row["case"].pk] for row in found.context["rows"]} == titles, asked
        rows = list(openpyxl.load_workbook(io.BytesIO(reader.get(f"/cases/table.xlsx?{asked}").content)).active.values)
        assert {row[2] for row in rows[1:]} == titles, asked
    assert "没有符合条件的案件" in text(reader.get("/cases/?q=没有"))
    sheet = openpyxl.load_workbook(io.BytesIO(reader.get("/cases/table.xlsx?status=closed").content)).active
    assert sheet["H2"].number_format == "yyyy-mm-dd hh:mm"  # times to be sorted and counted with
    assert sheet.column_dimensions["H"].width >= 16
    head, row = sheet.values
    assert dict(zip(head, row, strict=True)) == {
        "编号": closed.number, "事项": "订单", "标题": "旧杯", "乡镇": "东镇", "主管单位": "stand", "环节": "制作",
        "责任人": "east", "开案时间": moment(closed.opened_at), "期限": moment(now - far), "结案时间": moment(now),
        "结果": "超期", "模拟": None,
    }  # fmt: skip
    near = browser(person(county, "cases.case.view", username="near", in_area="102"))
    assert [count for _name, count, _level, _query in near.get("/cases/").context["tiles"]] == [2, 0, 1, 1]
    assert browser(staff["viewer"]).get("/cases/table.xlsx").status_code == 403


def moment(at: datetime) -> datetime:
    return timezone.localtime(at).replace(tzinfo=None, microsecond=0)


def test_a_report_opens_a_case(county: County, staff: dict[str, Person]) -> None:
    page = browser(staff["east"]).post(NEW, {"area": f"{county.pk}101", "title": "五杯", "cups": "5"}, follow=True)
    made = Case.objects.get()
    assert page.redirect_chain == [(f"/cases/{made.pk}/", 302)]
    assert told(page) == [f"已上报，编号 {made.number}。"]
    assert (made.title, made.area.name, made.opened_by, made.state["document"]["cups"]) == (
        "五杯", "东镇", staff["east"], 5,
    )  # fmt: skip


def test_a_wrong_report_says_what_is_wrong_and_keeps_what_was_typed(county: County, staff: dict[str, Person]) -> None:
    before = state()
    sent = {"area": f"{county.pk}101", "title": "杯", "cups": "many"}
    page = browser(staff["east"]).post(NEW, sent)
    assert (page.status_code, problems(page)) == (422, {"title": "至少写 2 个字。", "cups": "应填整数。"})
    assert [(f.name, f.value) for f in page.context["fields"]] == [("title", "杯"), ("cups", "many")]
    assert (page.context["chosen"], state()) == (sent["area"], before)
    english = browser(staff["east"], "en").post(NEW, {"area": sent["area"], "cups": "0"})
    assert problems(english) == {"title": "This must be answered.", "cups": "It must not be below 1."}
    assert state() == before


def test_a_report_is_for_ones_own_towns(county: County, staff: dict[str, Person]) -> None:
    before = state()
    page = browser(staff["east"]).get(NEW)
    assert [town.name for town in page.context["areas"]] == ["东镇"]
    other = browser(staff["east"]).post(NEW, {"area": f"{county.pk}102", "title": "五杯"})
    assert (other.status_code, other.context["problems"]) == (422, {"area": "请选择所在乡镇。"})
    for name in ("taster", "viewer"):
        assert browser(staff[name]).get(NEW).status_code == 403
        assert browser(staff[name]).post(NEW, {"area": f"{county.pk}101", "title": "五杯"}).status_code == 403
    assert browser(staff["east"]).get("/cases/new/lemonade.nothing/").status_code == 404
    assert state() == before


def test_a_task_is_answered_with_a_photo_and_checked_by_the_next(case: Case, staff: dict[str, Person]) -> None:
    east, taster = browser(staff["east"]), browser(staff["taster"])
    assert [item["case"] for item in east.get("/").context["cards"][0].context["tasks"]] == [case]
    page = east.post(task(case), {"sugar": "some", "photos": [picture(), picture("b.png")]}, follow=True)
    assert (page.redirect_chain, told(page)) == ([(f"/cases/{case.pk}/", 302)], ["已提交，案件进入下一步。"])
    check = taster.get(task(case))
    shown = text(check)
    assert [part for part in ("制作 · 已办", "east", "微糖") if part not in shown] == []
    assert check.content.decode().count('<img src="/cases/files/') == 2
    assert told(taster.post(task(case), {"good": "yes"}, follow=True)) == ["已提交，案件已结案。"]
    case.refresh_from_db()
    assert (case.status, case.ended_at) == ("closed", "served")


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ({"photos": [picture()]}, {"sugar": "此项必填。"}),
        ({"sugar": "much", "photos": [picture()]}, {"sugar": "请从列表中选择。"}),
        ({"sugar": "some"}, {"photos": "此项必填。"}),
        (
            {"sugar": "some", "photos": [picture("a.pdf", b"%PDF-1.7")]},
            {"photos": "a.pdf 不是 JPEG、PNG、WEBP 格式，请换成这些格式。"},
        ),
        (
            {"sugar": "some", "photos": [picture(), picture("b.png", b"MZ...")]},
            {"photos": "b.png 不是 JPEG、PNG、WEBP 格式，请换成这些格式。"},
        ),
    ],
)
def test_a_wrong_answer_is_refused_in_plain_words(
    case: Case, staff: dict[str, Person], sent: dict[str, Any], expected: dict[str, str]
) -> None:
    for given in sent.get("photos", []):
        given.seek(0)
    before = state()
    page = browser(staff["east"]).post(task(case), sent)
    assert (page.status_code, problems(page)) == (422, expected)
    assert [part for part in ("有的内容没填或填错了", "请重新选择照片") if part not in text(page)] == []
    assert state() == before


def test_a_photo_that_is_too_large_is_refused(
    case: Case, staff: dict[str, Person], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "LARGEST", 1_000_000)
    before = state()
    sent = {"sugar": "some", "photos": [picture("big.png", PNG + b"0" * 1_000_000)]}
    page = browser(staff["east"]).post(task(case), sent)
    assert (page.status_code, problems(page)) == (422, {"photos": "big.png 超过 1 MB，请换一个小的。"})
    assert state() == before


def test_a_choice_of_yes_or_no_must_be_made(case: Case, staff: dict[str, Person]) -> None:
    browser(staff["east"]).post(task(case), {"sugar": "none", "photos": [picture()]})
    before = state()
    taster = browser(staff["taster"])
    for sent, expected in (({}, "此项必填。"), ({"good": "maybe"}, "请选“是”或“否”。")):
        page = taster.post(task(case), sent)
        assert (page.status_code, problems(page)) == (422, {"good": expected})
    assert state() == before


def test_who_comes_second_is_told_and_changes_nothing(case: Case, staff: dict[str, Person]) -> None:
    address = task(case)
    first, second = browser(staff["east"]), browser(staff["east"])
    assert [client.get(address).status_code for client in (first, second)] == [200, 200]
    first.post(address, {"sugar": "some", "photos": [picture()]})
    before = state()
    page = second.post(address, {"sugar": "none", "photos": [picture()]}, follow=True)
    assert page.redirect_chain == [(f"/cases/{case.pk}/", 302)]
    when = timezone.localtime(Task.objects.get(status="done").done_at).strftime("%m-%d %H:%M")
    assert told(page) == [f"这项任务已由他人办理：east, {when}。您填的内容没有保存。"]
    assert state() == before
    assert second.get(address, follow=True).redirect_chain == [(f"/cases/{case.pk}/", 302)]


def test_a_task_the_case_went_on_without_says_so(case: Case, staff: dict[str, Person]) -> None:
    address = task(case)
    Task.objects.update(status=Task.Status.WITHDRAWN)
    before = state()
    page = browser(staff["east"]).post(address, {"sugar": "none", "photos": [picture()]}, follow=True)
    assert told(page) == ["案件已越过这项任务。您填的内容没有保存。"]
    assert state() == before


def test_the_wrong_people_may_neither_look_nor_answer(case: Case, staff: dict[str, Person]) -> None:
    before = state()
    address = task(case)
    for name in ("west", "taster", "viewer"):
        client = browser(staff[name])
        assert client.get(address).status_code == 403
        assert client.post(address, {"sugar": "some", "photos": [picture()]}).status_code == 403
    for name in ("west", "viewer"):
        assert browser(staff[name]).get(f"/cases/{case.pk}/").status_code == 403
    assert browser(staff["viewer"]).get("/cases/").status_code == 403
    assert browser(staff["viewer"]).get("/cases/of-alarm/1").status_code == 403
    assert state() == before


def test_lists_hold_what_one_may_see_by_state(county: County, case: Case, staff: dict[str, Person]) -> None:
    far = api.open_case(api.Opening("lemonade.order", "西边的", area(county, "102"), {"title": "西边的"}))
    east, taster = browser(staff["east"]), browser(staff["taster"])
    listed = {
        (name, asked): [row["case"].title for row in client.get(f"/cases/{asked}").context["rows"]]
        for name, client in (("east", east), ("taster", taster))
        for asked in ("", "?status=closed", "?status=all", "?status=nonsense&page=x")
    }
    assert listed == {
        ("east", ""): ["三杯"], ("east", "?status=closed"): [], ("east", "?status=all"): ["三杯"],
        ("east", "?status=nonsense&page=x"): [], ("taster", ""): ["西边的", "三杯"], ("taster", "?status=closed"): [],
        ("taster", "?status=all"): ["西边的", "三杯"], ("taster", "?status=nonsense&page=x"): [],
    }  # fmt: skip
    assert far.pk > case.pk


def test_a_file_is_for_those_who_see_the_case(case: Case, staff: dict[str, Person]) -> None:
    browser(staff["east"]).post(task(case), {"sugar": "some", "photos": [picture("桶.png")]})
    address = f"/cases/files/{Attachment.objects.get().file_id}"
    answer = browser(staff["taster"]).get(address)
    assert (answer.status_code, b"".join(answer.streaming_content), answer["Content-Type"]) == (200, PNG, "image/png")
    assert (answer["Content-Security-Policy"], answer["X-Content-Type-Options"]) == ("sandbox", "nosniff")
    for name in ("west", "viewer"):
        assert browser(staff[name]).get(address).status_code == 403
    assert browser(staff["taster"]).get("/cases/files/00000000-0000-0000-0000-000000000000").status_code == 404


def test_the_timeline_tells_every_step_in_both_languages(case: Case, staff: dict[str, Person]) -> None:
    api.answer(
        access.actor(staff["east"]), Task.objects.get(status="ready").pk, {"sugar": "some"},
        [api.Upload("photos", "a.png", io.BytesIO(PNG))],
    )  # fmt: skip
    api.answer(access.actor(staff["taster"]), Task.objects.get(status="ready").pk, {"good": True})
    page = browser(staff["taster"]).get(f"/cases/{case.pk}/")
    assert [(line.kind, (line.data["name"] or {}).get("zh")) for line in page.context["lines"]] == [
        ("opened", None), ("passed", "下单"), ("given", "制作"), ("done", "制作"), ("given", "品尝"), ("done", "品尝"),
        ("passed", "交付"), ("closed", "交付"),
    ]  # fmt: skip
    parts = ["开案", "制作 派给 east", "糖 微糖", "品尝 · 已办", "好喝吗 是", "结案", "按期"]
    assert [part for part in parts if part not in text(page)] == []
    english = text(browser(staff["taster"], "en").get(f"/cases/{case.pk}/"))
    parts = [
        "Case opened",
        "Make given to east",
        "Sugar some",
        "Taste · done",
        "Is it good yes",
        "Case closed",
        "in time",
    ]
    assert [part for part in parts if part not in english] == []
    assert [stage["state"] for stage in page.context["stages"]] == ["done"] * 4
