"""Cases on a real database: opened, carried by the right people, closed, each move once."""

from __future__ import annotations

import io
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connections
from django.test import Client
from django.utils import timezone
from tests.engines.cases.logic.test_bpmn_elements import lines
from tests.engines.cases.test_waits import BAD, FORGED, START, declared
from tests.fixtures import area, organisation, person

from shizhu.engines.alarms import api as alarms
from shizhu.engines.alarms.models import Alarm, PublicWarning, WarningMessage
from shizhu.engines.cases import api, timeline
from shizhu.engines.cases.models import Attachment, Case, Entry, FlowVersion, Task
from shizhu.engines.notices.models import Message
from shizhu.engines.things import api as things
from shizhu.engines.things.models import Datastream
from shizhu.kernel import access, events, packs
from shizhu.kernel.files import path_of
from shizhu.kernel.models import County, Declaration, File, OutboxEvent, Person

pytestmark = pytest.mark.django_db(transaction=True)
NO_ROLE = "用户任务“制作”：必须指定办理角色"
PNG = b"\x89PNG\r\n\x1a\n" + b"picture"


@pytest.fixture
def staff(county: County) -> dict[str, Person]:
    return {
        "east": person(county, role="lemonade.maker", username="east", in_area="101", of="stand"),
        "west": person(county, role="lemonade.maker", username="west", in_area="102", of="stand"),
        "chief": person(county, role="lemonade.maker", username="chief", of="stand"),
        "taster": person(county, role="lemonade.taster", username="taster", of="stand"),
    }


def opened(county: County, **document: Any) -> Case:
    document = {"title": "三杯", **document}
    return api.open_case(api.Opening("lemonade.order", document["title"], area(county, "101"), document))


def ready(case: Case) -> Task:
    return Task.objects.get(case=case, status="ready")


def photo(name: str = "a.png", content: bytes = PNG) -> api.Upload:
    return api.Upload("photos", name, io.BytesIO(content))


def make(case: Case, who: Person, **answer: Any) -> Case:
    return api.answer(access.actor(who), ready(case).pk, {"sugar": "some", **answer}, [photo()])


def taste(case: Case, who: Person, good: bool) -> Case:
    return api.answer(access.actor(who), ready(case).pk, {"good": good})


def snapshot() -> tuple[int, ...]:
    return tuple(model.objects.count() for model in (Case, Task, Entry, File, Attachment, OutboxEvent))


def test_the_nearest_holder_of_the_role_gets_the_task_with_a_deadline(county: County, staff: dict[str, Person]) -> None:
    task = ready(opened(county))
    assert (task.step, task.assignee) == ("make", staff["east"])
    assert task.due_at == task.created + timedelta(hours=2)


def test_without_a_holder_near_by_it_goes_to_the_next_level(county: County, staff: dict[str, Person]) -> None:
    staff["east"].posts.all().delete()
    assert ready(opened(county)).assignee == staff["chief"]


def test_a_case_goes_its_way_and_closes(county: County, staff: dict[str, Person]) -> None:
    case = opened(county)
    assert case.number == f"LM-{datetime.now(UTC):%Y}-0001"
    make(case, staff["east"])
    taste(case, staff["taster"], good=False)
    assert [t.status for t in case.tasks.all()] == ["done", "done", "ready"]
    make(case, staff["east"])
    taste(case, staff["taster"], good=True)
    case.refresh_from_db()
    assert (case.status, case.stage, case.ended_at) == ("closed", 3, "served")
    kinds = [entry.kind for entry in case.entries.all()]
    assert kinds == ["opened", "passed", *["given", "done"] * 4, "passed", "closed"]
    types = [row.envelope["type"] for row in OutboxEvent.objects.order_by("pk")]
    assert types == [api.OPENED, *[api.TASK_READY] * 4, api.CLOSED]


def test_only_the_assignee_may_answer(county: County, staff: dict[str, Person]) -> None:
    case = opened(county)
    before = snapshot()
    for name in ("west", "chief", "taster"):
        with pytest.raises(PermissionDenied):
            make(case, staff[name])
    assert snapshot() == before


@pytest.mark.parametrize(
    ("answer", "uploads", "problems"),
    [
        ({}, [photo()], {"sugar"}),
        ({"sugar": "much"}, [photo()], {"sugar"}),
        ({"sugar": "some"}, [], {"photos"}),
        ({"sugar": "some"}, [photo("a.exe", b"MZ...")], {"photos"}),
    ],
)
def test_a_wrong_answer_names_the_field_and_changes_nothing(
    county: County, staff: dict[str, Person], answer: dict[str, Any], uploads: list[api.Upload], problems: set[str]
) -> None:
    case = opened(county)
    before = snapshot()
    with pytest.raises(api.AnswerRefused) as caught:
        api.answer(access.actor(staff["east"]), ready(case).pk, answer, uploads)
    assert set(caught.value.problems) == problems
    assert snapshot() == before


def test_of_two_at_once_one_wins_and_the_other_is_told(county: County, staff: dict[str, Person]) -> None:
    task = ready(opened(county)).pk
    told: list[str] = []

    def race() -> None:
        try:
            api.answer(access.actor(staff["east"]), task, {"sugar": "some"}, [photo()])
            told.append("won")
        except api.TaskGone as gone:
            told.append(str(gone)[:4])
        connections.close_all()

    racers = [threading.Thread(target=race) for _ in range(5)]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join()
    assert sorted(told) == ["east"] * 4 + ["won"]
    assert Entry.objects.filter(kind="done").count() == 1
    assert Task.objects.filter(status="ready").count() == 1


def test_a_running_case_ends_on_the_flow_it_began_with(county: County, staff: dict[str, Person]) -> None:
    case = opened(county)
    declared = Declaration.objects.get(kind="flows", key="lemonade.order")
    declared.body = {"text": declared.body["text"].replace('name="品尝"', 'name="试喝"')}
    declared.save()
    packs.forget()
    make(case, staff["east"])
    assert FlowVersion.objects.count() == 1
    opened(county)
    assert FlowVersion.objects.count() == 2
    assert [line.data["name"]["zh"] for line in timeline.timeline(case) if line.kind == "given"] == ["制作", "品尝"]


def test_numbers_are_given_without_gaps_or_doubles(county: County, staff: dict[str, Person]) -> None:
    def race() -> None:
        opened(county)
        connections.close_all()

    racers = [threading.Thread(target=race) for _ in range(6)]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join()
    assert sorted(int(case.number[-4:]) for case in Case.objects.all()) == [1, 2, 3, 4, 5, 6]


@pytest.fixture
def alarm(county: County, staff: dict[str, Person]) -> Alarm:
    wanted = things.Registration(
        "jug-1", "lemonade.jug", "一号水罐", organisation(county, "stand"), area(county, "101"), (100.2, 30.2)
    )
    device, _ = things.register(wanted)
    alarms.bind_all()
    stream = Datastream.objects.get(thing=device.thing, key="level").pk
    start = datetime(2026, 7, 1, 12, tzinfo=UTC)
    readings = [[stream, (start + timedelta(minutes=n)).isoformat(), 3.0, 1] for n in range(12)]
    event = events.Event("e", "things.observations.committed", "", county.pk, start, {"readings": readings})
    handle("alarms.judge", event)
    return Alarm.objects.get()


def handle(consumer: str, event: events.Event) -> bool:
    return events.handle(next(c for c in events.consumers() if c.name == consumer), event)


def raised(alarm: Alarm) -> events.Event:
    row = OutboxEvent.objects.get(envelope__type="alarms.alarm.raised")
    return events.Event(
        row.envelope["id"], "alarms.alarm.raised", str(alarm.pk), alarm.county_id, alarm.since, row.envelope["data"]
    )


def test_an_alarm_starts_one_case_that_clears_it(alarm: Alarm, county: County, staff: dict[str, Person]) -> None:
    assert handle("cases.start", raised(alarm))
    assert not handle("cases.start", raised(alarm))
    case = Case.objects.get()
    assert (case.alarm, case.area, case.origin) == (alarm.pk, area(county, "101"), 1)
    make(case, staff["east"])
    alarm.refresh_from_db()
    assert alarm.state == "open"
    taste(case, staff["taster"], good=True)
    alarm.refresh_from_db()
    assert (alarm.state, alarm.cleared_why) == ("cleared", f"订单 {case.number}")
    assert [line.kind for line in timeline.timeline(case)][:4] == ["broken", "alarm", "opened", "passed"]


def test_an_alarm_whose_flow_opens_no_case_is_told_to_who_can_mend_it(alarm: Alarm, county: County) -> None:
    mender = person(county, "kernel.declaration.edit", username="mender")
    told = raised(alarm)
    told.data["starts"] = "local.gone"
    assert (handle("cases.start", told), Case.objects.count()) == (True, 0)
    message, *others = Message.objects.filter(title="local.gone：未能立案").order_by("pk")
    assert (message.url, [one.person for one in message.deliveries.all()]) == (f"/alarms/{alarm.pk}/", [mender])
    assert [one.url for one in others] == [message.url]  # whoever approves its cases
    assert message.text.splitlines()[1:] == ["local.gone: 没有这个流程", "修正流程后，请从该告警的页面人工立案。"]


def test_an_alarm_whose_case_ended_by_an_error_stays_open(alarm: Alarm, county: County) -> None:
    declared(START + BAD + lines("s>bad"), "lemonade.order", more=FORGED)
    assert handle("cases.start", raised(alarm))
    alarm.refresh_from_db()
    assert (Case.objects.get().status, Case.objects.get().error, alarm.state) == ("closed", "E7", "open")


def login(who: Person) -> Client:
    client = Client()
    client.force_login(who)
    return client


def test_the_pages_carry_a_case_from_report_to_close(county: County, staff: dict[str, Person], home: Path) -> None:
    maker, taster = login(staff["east"]), login(staff["taster"])
    page = maker.post("/cases/new/lemonade.order/", {"area": "990001101", "title": "两杯", "cups": "2"}, follow=True)
    assert page.status_code == 200
    case = Case.objects.get()
    assert case.opened_by == staff["east"]
    picture = SimpleUploadedFile("杯子.png", PNG, "image/png")
    maker.post(f"/cases/tasks/{ready(case).pk}/", {"sugar": "none", "photos": picture})
    taster.post(f"/cases/tasks/{ready(case).pk}/", {"good": "yes"})
    shown = taster.get(f"/cases/{case.pk}/").content.decode()
    assert "无糖" in shown
    assert "杯子.png" in shown
    kept = Attachment.objects.get().file
    assert path_of(kept).read_bytes() == PNG
    assert path_of(kept).is_relative_to(home)
    sent = taster.get(f"/cases/files/{kept.pk}")
    assert (sent.headers["Content-Type"], sent.getvalue()) == ("image/png", PNG)
    sent.close()


def test_a_missing_answer_is_said_beside_its_field(county: County, staff: dict[str, Person]) -> None:
    case = opened(county)
    page = login(staff["east"]).post(f"/cases/tasks/{ready(case).pk}/", {"sugar": "none"})
    assert page.status_code == 422
    assert ready(case).step == "make"


def test_who_has_no_part_in_a_case_sees_nothing_of_it(county: County, staff: dict[str, Person]) -> None:
    case = opened(county)
    make(case, staff["east"])
    before = snapshot()
    stranger = login(staff["west"])
    kept = Attachment.objects.get().file_id
    for address in (f"/cases/{case.pk}/", f"/cases/files/{kept}", f"/cases/tasks/{ready(case).pk}/"):
        assert stranger.get(address).status_code == 403
    assert stranger.post(f"/cases/tasks/{ready(case).pk}/", {"good": "yes"}).status_code == 403
    assert stranger.post("/cases/new/lemonade.order/", {"area": "990001101", "title": "两杯"}).status_code == 422
    assert Client().get(f"/cases/{case.pk}/").status_code == 302
    assert snapshot() == before


def test_a_warning_starts_the_case_that_the_county_says_once(county: County) -> None:
    county.settings = {**county.settings, "warnings": {"starts": {"lemonade.heat": "lemonade.order"}}}
    county.save()
    town, writer, chief = area(county, "101"), person(county, username="writer"), person(county, username="chief")
    said = {"event": {"zh": "高温", "en": "Heat"}, "headline": {"zh": "高温红色预警", "en": "Heat"}}
    now = timezone.now()
    own = {"organisation": organisation(county), "area": town, "level": "red", "state": "current"}
    warning = PublicWarning.objects.create(
        county=county, kind="lemonade.heat", event=said["event"], issued_at=now, expires_at=now, origin=3, **own
    )
    WarningMessage.objects.create(
        warning=warning, kind="alert", state="issued", content=said, author=writer, approver=chief, identifier="a",
        sent=now, xml=b"x",
    )  # fmt: skip
    event = events.Event("w", "alarms.warning.issued", str(warning.pk), county.pk, now, {"warning": warning.pk})
    assert handle("cases.warned", event)
    assert not handle("cases.warned", event)
    case = Case.objects.get()
    assert (case.flow, case.area, case.title) == ("lemonade.order", town, "【演练】东镇 高温红色预警")
    client = Client()
    client.force_login(person(county, "cases.case.view"))
    page = client.get(f"/cases/{case.pk}/").content.decode()
    assert f'<dd><a href="/alarms/warnings/{warning.pk}/">查看预警信息</a></dd>' in page
    mender = person(county, "kernel.declaration.edit", username="mender")
    wrong = Declaration.objects.get(kind="flows", key="lemonade.order")
    for number, (starter, fault) in enumerate((("lemonade.maker", "其归属单位不是本县的单位。"), ("", NO_ROLE))):
        text = wrong.body["text"].replace('name="owner" value="stand"', 'name="owner" value="gone"')
        wrong.body = {"text": text if starter else text.replace('Groups="lemonade.maker"', 'Groups=""')}
        wrong.save()
        packs.forget()
        Message.objects.all().delete()
        again = events.Event(f"u{number}", event.type, "", county.pk, now, {"warning": warning.pk})
        assert handle("cases.warned", again)
        message = Message.objects.get(deliveries__person=mender)
        then = "修正流程后，请到“案件”页面人工立案。" if starter else "该流程未设人工立案，请先安排人员处置。"
        told = ["东镇 高温红色预警", fault, then]
        assert (message.url, message.text.splitlines()) == (f"/alarms/warnings/{warning.pk}/", told)
    county.settings["warnings"] = {}
    county.save()
    handle("cases.warned", events.Event("v", event.type, "", county.pk, now, {"warning": warning.pk}))
    assert Case.objects.count() == 1


def test_a_flow_with_a_fault_takes_no_page_with_it(county: County, staff: dict[str, Person]) -> None:
    wrong = Declaration.objects.get(kind="flows", key="lemonade.order")
    wrong.body = {"text": wrong.body["text"].replace('candidateGroups="lemonade.maker"', 'candidateGroups=""')}
    wrong.save()
    packs.forget()
    maker = login(staff["east"])
    assert maker.get("/cases/").status_code == 200
    page = maker.get("/cases/new/lemonade.order/", follow=True)
    assert [str(one) for one in page.context["messages"]] == [f"该流程有误，修正前不能立案：{NO_ROLE}"]
