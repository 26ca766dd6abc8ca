"""What cases wait for beside people, on a real database: times, messages, signals, jobs; once, whatever dies."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import orjson
import pytest
from django.db import connection, connections
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob
from tests.engines.cases.logic.test_bpmn_elements import ERROR, HEAD, MESSAGE, SIGNAL, event, lines, timer
from tests.fixtures import area, person
from tests.kernel.test_jobs import Run, work
from tests.web.pages import browser, text

from shizhu.engines.cases import acting, api, happening
from shizhu.engines.cases.models import Case, Entry, Task, Waiting
from shizhu.engines.notices.models import Delivery
from shizhu.kernel import access, events, packs, testing
from shizhu.kernel.models import County, Declaration, OutboxEvent

pytestmark = pytest.mark.django_db(transaction=True)
FLOW = "lemonade.bulk"
SENT: dict[str, Any] = {
    "content_type": "application/json", "headers": {"host": "testserver", "origin": "http://testserver"},
}  # fmt: skip
PROPERTIES = {"owner": "stand", "prefix": "LT", "limit": "P2D", "stages": "下单/Order,交付/Serve", "en": "Bulk"}
TOLD = "".join(f'<c:property name="{name}" value="{value}"/>' for name, value in PROPERTIES.items())
TOLD = f"<extensionElements><c:properties>{TOLD}</c:properties></extensionElements>"
KEY = '<extensionElements><c:properties><c:property name="key" value="plate"/></c:properties></extensionElements>'


def user(id_: str) -> str:
    return f'<userTask id="{id_}" name="办理" c:candidateGroups="lemonade.maker"/>'


def declared(body: str, key: str = FLOW, more: str = "") -> str:
    flow = f'{HEAD}{more}<process id="p" name="团购" isExecutable="true">{TOLD}{body}</process></definitions>'
    Declaration.objects.filter(kind="flows", key=key).update(body={"text": flow})
    packs.forget()
    return key


def opened(county: County, key: str = FLOW, **document: Any) -> Case:
    return api.open_case(api.Opening(key, "试", area(county, "101"), document))


def told() -> None:
    """Let everything that was thrown arrive."""
    consumer = next(one for one in events.consumers() if one.name == "cases.thrown")
    for row in OutboxEvent.objects.order_by("pk"):
        if row.envelope["type"] in consumer.types:
            events.handle(consumer, events.decode(orjson.dumps(row.envelope)))


def heard(of: str) -> dict[str, list[str]]:
    """Who was told, by user name → the lines of the message."""
    rows = Delivery.objects.filter(message__title__endswith=of, person__isnull=False).select_related(
        "message", "person"
    )
    return {row.person.username: [row.message.url, *row.message.text.splitlines()] for row in rows if row.person}


START, END = '<startEvent id="s"/>', '<endEvent id="e" name="交付"/>'
LATE = (
    START + user("a") + user("late") + END
    + event("boundaryEvent", "b", timer("PT1H"), 'attachedToRef="a" name="超时"')
    + lines("s>a", "a>e", "b>late", "late>e")
)  # fmt: skip


def come_due(case: Case) -> Waiting:
    """The hour is over, for the row and for the job that wakes it."""
    row = Waiting.objects.get(case=case, kind="timer")
    past = datetime.now(UTC) - timedelta(minutes=1)
    Waiting.objects.filter(pk=row.pk).update(due_at=past)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE procrastinate_jobs SET scheduled_at = now() WHERE task_name = 'cases.ring'"
            " AND args->'number' = %s::jsonb",
            [str(row.pk)],
        )
    return row


def test_a_timer_wakes_at_its_time_and_not_before(county: County, run: Run) -> None:
    declared(LATE)
    case = opened(county)
    row = Waiting.objects.get(case=case)
    job = ProcrastinateJob.objects.get(task_name="cases.ring", args__number=row.pk)
    assert job.scheduled_at == row.due_at
    assert row.due_at is not None
    assert timedelta(minutes=59) < row.due_at - case.opened_at <= timedelta(hours=1, seconds=1)
    run(work())
    assert Task.objects.get(case=case, status="ready").step == "a"
    come_due(case)
    run(work())
    assert list(Task.objects.filter(case=case).values_list("step", "status")) == [("a", "withdrawn"), ("late", "ready")]
    assert not Waiting.objects.exists()
    reader = browser(person(county, "cases.*", username="reader"))
    assert "超时 时间已到" in text(reader.get(f"/cases/{case.pk}/"))


def test_a_task_done_in_time_leaves_no_timer_that_does_anything(county: County, run: Run) -> None:
    declared(LATE)
    case = opened(county)
    maker = person(county, role="lemonade.maker", username="maker")
    number = Waiting.objects.get(case=case).pk
    api.answer(access.actor(maker), Task.objects.get(case=case).pk, {})
    before = testing.everything_kept()
    assert happening.happened(number, {}) is False
    assert testing.everything_kept() == before
    case.refresh_from_db()
    assert case.status == "closed"


DIES = """
import os, signal, django
django.setup()
from django.db import transaction
from shizhu.engines.cases import happening
with transaction.atomic():
    assert happening.happened({number}, {{}}) is True
    os.kill(os.getpid(), signal.SIGKILL)
"""


def killed(words: str) -> int:
    """What a process of these words on this database ends with."""
    address = urlparse(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}").geturl()
    environment = {**os.environ, "DATABASE_URL": address, "DJANGO_SETTINGS_MODULE": "shizhu.site.settings"}
    return subprocess.run([sys.executable, "-c", words], env=environment, check=False).returncode  # our own words


def test_a_worker_killed_in_the_middle_loses_nothing_and_does_nothing_twice(county: County, run: Run) -> None:
    declared(LATE)
    case = opened(county)
    row = come_due(case)
    before = testing.everything_kept()
    assert killed(DIES.format(number=row.pk)) == -signal.SIGKILL
    assert testing.everything_kept() == before
    run(work())
    assert [task.step for task in Task.objects.filter(case=case, status="ready")] == ["late"]
    assert happening.happened(row.pk, {}) is False
    assert Entry.objects.filter(case=case, kind="happened").count() == 1


def test_of_two_workers_at_once_one_moves_the_case(county: County) -> None:
    declared(LATE)
    row = come_due(opened(county))
    won: list[bool] = []

    def ring() -> None:
        try:
            won.append(happening.happened(row.pk, {}))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=ring) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(won) == [False, False, False, True]
    assert Task.objects.filter(step="late").count() == 1


WAITS = START + event("intermediateCatchEvent", "paid", KEY + MESSAGE, 'name="到账"') + user("a") + END
WAITS += lines("s>paid", "paid>a", "a>e")


def test_a_message_of_another_case_reaches_the_case_of_its_key(county: County) -> None:
    thrower = START + END + '<sendTask id="tell" messageRef="m"><extensionElements>'
    thrower += '<c:properties><c:property name="key" value="car"/></c:properties><c:inputOutput>'
    thrower += (
        '<c:inputParameter name="amount">${sum}</c:inputParameter></c:inputOutput></extensionElements></sendTask>'
    )
    declared(WAITS)
    first, second = opened(county, plate="A1"), opened(county, plate="A2")
    declared(thrower + lines("s>tell", "tell>e"), "lemonade.order")
    opened(county, "lemonade.order", car="A2", sum=30)
    told()
    told()
    assert list(Task.objects.values_list("case", "step")) == [(second.pk, "a")]
    second.refresh_from_db()
    assert second.state["document"]["answers"]["paid"] == {"amount": 30}
    assert Waiting.objects.get().case == first


def test_a_signal_reaches_every_case_and_one_that_cannot_go_on_says_so(county: County) -> None:
    catch = START + event("intermediateCatchEvent", "rain", SIGNAL, 'name="下雨"') + user("a") + END
    catch += '<exclusiveGateway id="x" default="x-e"/>'
    declared(catch + lines("s>rain", "rain>x", "x>a: wet", "x>e"))
    person(county, "kernel.declaration.edit", username="mender")
    good, bad = opened(county, wet=True), opened(county, wet=3)
    happening.bring(county.pk, "signal", "rain", "", {}, area(county))
    assert Task.objects.get(status="ready").case == good
    assert Waiting.objects.get().case == bad
    assert "must be true or false" in Entry.objects.get(case=bad, kind="stuck").data["why"]
    why = "顺序流“x → 办理”：'wet' 应为是或否，现为 int。"
    told = [f"/cases/{bad.pk}/", f"{bad.number} 试", why, "修正后的流程只用于以后所立案件，本案请人工跟进。"]
    assert heard("团购：案件无法继续") == {"mender": told}


def test_a_timer_that_could_not_go_on_does_so_with_what_was_answered_since(county: County, run: Run) -> None:
    fork = '<parallelGateway id="f"/><exclusiveGateway id="x" default="x-e"/>'
    late = event("intermediateCatchEvent", "b", timer("PT0S"))
    declared(START + fork + user("a") + user("late") + late + END
             + lines("s>f", "f>a", "a>e", "f>b", "b>x", "x>late: wet", "x>e", "late>e"))  # fmt: skip
    case = opened(county)
    run(work())
    assert (Entry.objects.get(kind="stuck").step, Task.objects.get().step) == ("b", "a")
    maker = person(county, role="lemonade.maker", username="maker")
    api.answer(access.actor(maker), Task.objects.get().pk, {"wet": True})
    run(work())
    assert list(Task.objects.filter(case=case).values_list("step", "status")) == [("a", "done"), ("late", "ready")]


def test_who_answers_what_the_flow_cannot_go_on_with_hears_why_and_nothing_is_kept(county: County) -> None:
    fork = '<exclusiveGateway id="x" name="湿吗" default="x-e"/>'
    declared(START + user("a") + user("b") + fork + END + lines("s>a", "a>x", "x>b: wet", "x>e", "b>e"))
    case, maker = opened(county, wet=3), browser(person(county, role="lemonade.maker", username="maker"))
    number = Task.objects.get().pk
    why = "顺序流“湿吗 → 办理”：'wet' 应为是或否，现为 int。"
    for _again in range(2):
        page = maker.post(f"/cases/tasks/{number}/", {})
        said = f"流程无法继续：{why}没有保存任何内容，请告知流程管理人员。"
        assert (page.status_code, said in unescape(text(page))) == (422, True)
    assert (Task.objects.get().status, Entry.objects.filter(case=case, kind="stuck").count()) == ("ready", 1)
    assert why[:-1] in unescape(text(maker.get(f"/cases/{case.pk}/")))


def test_a_message_over_http_reaches_cases_and_opens_them(county: County) -> None:
    declared(WAITS)
    case = opened(county, plate="A1")
    begin = event("startEvent", "s", MESSAGE) + user("a") + END + lines("s>a", "a>e")
    sender = browser(person(county, "cases.message.send", username="sender"))
    stranger = browser(person(county, "cases.case.view", username="stranger"))
    body = {"name": "paid", "key": "A1", "payload": {"amount": 5}}
    before = testing.everything_kept()
    assert stranger.post("/cases/messages", body, **SENT).status_code == 403
    refused = sender.post("/cases/messages", {"key": 3, "x": 1}, **SENT)
    assert (refused.status_code, [one["name"] for one in refused.json()["problems"]]) == (422, ["x", "key", "name"])
    assert testing.everything_kept() == before
    assert sender.post("/cases/messages", body, **SENT).json() == {"cases": [case.number], "held": [], "ended": []}
    assert sender.post("/cases/messages", body, **SENT).json() == {"cases": [], "held": [], "ended": []}
    declared(begin)
    made = sender.post("/cases/messages", {"name": "paid", "area": area(county, "101").code}, **SENT).json()["cases"]
    assert Case.objects.get(number=made[0]).area == area(county, "101")


BRINGS = """
import os, signal, django
django.setup()
from django.db import transaction
from shizhu.engines.cases import happening
with transaction.atomic():
    happening.bring_again({number})
    os.kill(os.getpid(), signal.SIGKILL)
"""
STALLS = (
    START + '<parallelGateway id="f"/>' + user("a") + user("late") + END
    + event("intermediateCatchEvent", "b", KEY + MESSAGE, 'name="到账"') + '<exclusiveGateway id="x" default="x-e"/>'
    + '<exclusiveGateway id="y" default="y-e"/><endEvent id="t"><terminateEventDefinition/></endEvent>'
    + lines("s>f", "f>a", "a>y", "y>t: stop", "y>e", "f>b", "b>x", "x>late: wet", "x>e", "late>e")
)  # fmt: skip


def test_a_message_to_a_case_that_cannot_go_on_is_kept_and_brought_once_when_it_can(county: County, run: Run) -> None:
    declared(STALLS)
    case, dropped = opened(county, plate="A1", stop=False), opened(county, plate="A2", wet=3)
    maker = access.actor(person(county, role="lemonade.maker", username="maker"))
    sender = browser(person(county, "cases.*", username="sender"))

    def post(key: str) -> dict[str, Any]:
        body = {"name": "paid", "key": key, "payload": {"amount": 5}}
        told: dict[str, Any] = sender.post("/cases/messages", body, **SENT).json()
        return told

    def ready(of: Case, step: str) -> int:
        return Task.objects.get(case=of, status="ready", step=step).pk

    assert [post("A1"), post("A1")] == [{"cases": [], "held": [case.number], "ended": []}] * 2
    run(work())
    assert (case.held.count(), list(case.entries.filter(kind="held").values_list("step", "data"))) == (
        1, [("b", {"name": "paid"})],
    )  # fmt: skip
    assert "到账 · 已送达并保留，案件能继续时即行接收" in text(sender.get(f"/cases/{case.pk}/"))
    api.answer(maker, ready(case, "a"), {"wet": True})
    before = testing.everything_kept()
    assert killed(BRINGS.format(number=case.pk)) == -signal.SIGKILL
    assert testing.everything_kept() == before
    run(work())
    happening.bring_again(case.pk)
    case.refresh_from_db()
    assert (case.state["document"]["answers"]["b"], case.held.count()) == ({"amount": 5}, 0)
    assert case.entries.filter(kind="happened").count() == 1
    api.answer(maker, ready(case, "late"), {})
    case.refresh_from_db()
    closed = f"{case.closed_at:%Y-%m-%dT%H:%M:%S.%f}+00:00"
    over = {"cases": [], "held": [], "ended": [{"case": case.number, "outcome": "done", "closed_at": closed}]}
    assert post("A1") == over
    before = testing.everything_kept()
    assert post("A1") == over
    assert testing.everything_kept() == before

    throws = '<sendTask id="tell" messageRef="m"><extensionElements><c:properties><c:property name="key" value="car"/>'
    throws += "</c:properties></extensionElements></sendTask>"
    assert post("A2")["held"] == [dropped.number]
    declared(START + throws + END + lines("s>tell", "tell>e"), "lemonade.order")
    thrower = opened(county, "lemonade.order", car="A2")
    told()
    assert [held.sent_of for held in dropped.held.all()] == [None, thrower]
    api.answer(maker, ready(dropped, "a"), {"stop": True})
    assert not dropped.held.exists()
    assert heard("消息未办理：paid") == {
        "sender": [f"/cases/{dropped.pk}/", f"{dropped.number} · 案件已办结，未再用到该消息。"],
    }  # fmt: skip
    later = opened(county, "lemonade.order", car="A2")
    told()
    for one in (thrower, later):
        assert f"消息“paid”未被接收：{dropped.number} 已结束" in text(sender.get(f"/cases/{one.pk}/"))
        assert one.entries.filter(kind="unheard").count() == 1


def test_a_flow_that_opens_no_case_keeps_none_from_a_message(county: County) -> None:
    person(county, "kernel.declaration.edit", username="mender")
    begin = event("startEvent", "s", MESSAGE)
    declared(begin + '<callActivity id="c" name="转办" calledElement="gone"/>' + END + lines("s>c", "c>e"))
    declared(begin + user("a") + END + lines("s>a", "a>e"), "lemonade.order")
    for _twice in range(2):
        happening.bring(county.pk, "message", "paid", "", {}, area(county, "101"))
    assert list(Case.objects.values_list("flow", flat=True)) == ["lemonade.order"] * 2
    told = ["/cases/", "消息“paid”", "调用活动“转办”：'gone' 没有这个流程", "该流程未设人工立案，请先安排人员处置。"]
    assert heard("团购：消息未能立案") == {"mender": told}


def test_a_job_is_done_by_a_program_outside_once(county: County) -> None:
    body = START + '<serviceTask id="print" name="打印" c:type="external" c:topic="print"/>' + user("mend") + END
    body += event("boundaryEvent", "b", ERROR, 'attachedToRef="print"')
    declared(body + lines("s>print", "print>e", "b>mend", "mend>e"))
    first, second = opened(county, pages=2), opened(county, pages=3)
    program = browser(person(county, "cases.job.do", username="printer"))
    jobs = program.get("/cases/jobs?topic=print").json()["jobs"]
    assert [(job["case"], job["document"]["pages"]) for job in jobs] == [(first.number, 2), (second.number, 3)]
    assert program.post(f"/cases/jobs/{jobs[0]['id']}", {"answer": {"ink": 1, "error": ""}}, **SENT).status_code == 204
    assert program.post(f"/cases/jobs/{jobs[0]['id']}", {"answer": {"ink": 2}}, **SENT).status_code == 404
    assert program.post(f"/cases/jobs/{jobs[1]['id']}", {"error": "E1"}, **SENT).status_code == 204
    first.refresh_from_db()
    assert (first.status, first.state["document"]["answers"]["print"]) == ("closed", {"ink": 1, "error": ""})
    reader = browser(person(county, "cases.*", username="reader"))
    assert "打印 未完成，外部程序报错“E1”" in text(reader.get(f"/cases/{second.pk}/"))
    assert Task.objects.get(status="ready").step == "mend"
    assert program.get("/cases/jobs").json() == {"jobs": []}


def test_a_called_flow_is_kept_with_the_case_that_began_on_it(county: County) -> None:
    declared(START + user("ask") + END + lines("s>ask", "ask>e"), "lemonade.order")
    declared(START + '<callActivity id="c1" calledElement="order"/>' + END + lines("s>c1", "c1>e"))
    case = opened(county)
    assert Task.objects.get(case=case).step == "c1/ask"
    declared(START + user("other") + END + lines("s>other", "other>e"), "lemonade.order")
    maker = person(county, role="lemonade.maker", username="maker")
    api.answer(access.actor(maker), Task.objects.get(case=case).pk, {})
    case.refresh_from_db()
    assert case.status == "closed"
    assert Task.objects.get(case=opened(county)).step == "c1/other"


FORGED = '<error id="forged" name="材料不实" errorCode="E7"/>'
BAD = '<endEvent id="bad" name="材料有假"><errorEventDefinition errorRef="forged"/></endEvent>'


def test_an_error_that_nothing_catches_ends_the_case_and_is_told(county: County, home: Path) -> None:
    declared(START + user("a") + BAD + lines("s>a", "a>bad"), more=FORGED)
    person(county, "kernel.declaration.edit", username="mender")
    person(county, "cases.case.approve", username="east", in_area="101", of="stand")
    person(county, "cases.case.approve", username="west", in_area="102", of="stand")
    case, maker = opened(county), browser(person(county, role="lemonade.maker", username="maker"))
    reader = browser(person(county, "cases.*", username="reader"))
    answered = maker.post(f"/cases/tasks/{Task.objects.get().pk}/", {}, follow=True)
    assert "流程出现错误，案件已结束" in text(answered)
    case.refresh_from_db()
    assert (case.status, case.ended_at, case.error) == ("closed", "bad", "E7")
    why = "结束事件“材料有假”：出现错误“材料不实 (E7)”，流程中没有处理它的环节"
    shown = unescape(text(reader.get(f"/cases/{case.pk}/")))
    assert (f"案件因错误结束 {timezone.localtime(case.closed_at):%Y-%m-%d %H:%M}" in shown, why in shown) == (
        True,
        True,
    )
    assert ("因错误结束" in text(reader.get("/cases/?status=closed")), "按期" in shown) == (True, False)
    then = "案件已就此结束，未办的事须另行办理；请在流程中补上处理该错误的环节。"
    told = [f"/cases/{case.pk}/", f"{case.number} 试", f"{why}。", then]
    assert heard("团购：案件因错误结束") == dict.fromkeys(("mender", "east", "reader"), told)
    assert OutboxEvent.objects.get(envelope__type=api.CLOSED).envelope["data"]["in_time"] is False
    found = {
        condition: [
            one["case"] for one in reader.get("/cases/", {"status": "all", "filter": condition}).context["rows"]
        ]
        for condition in ("in_time = TRUE", "outcome = 'done'", "outcome = 'error'", "closed_at <= due_at")
    }
    none: list[Case] = []
    assert found == {"in_time = TRUE": none, "outcome = 'done'": none, "outcome = 'error'": [case],
                     "closed_at <= due_at": [case]}  # fmt: skip
    (item,) = reader.get(f"/ogc/collections/cases.{case.flow}/items?f=json").json()["features"]
    assert [item["properties"][name] for name in ("outcome", "in_time", "is_late")] == ["error", False, False]


def test_who_sent_a_message_that_a_voided_case_kept_hears_that_it_was_not_taken(county: County) -> None:
    declared(STALLS)
    case = opened(county, plate="A1", stop=False)
    maker, chief = (
        access.actor(person(county, role="lemonade.maker", username="maker")),
        access.actor(person(county, "cases.*", username="chief")),
    )
    sender = browser(person(county, "cases.*", username="sender"))
    sender.post("/cases/messages", {"name": "paid", "key": "A1", "payload": {"amount": 5}}, **SENT)
    wish = acting.ask(maker, Task.objects.get(case=case, status="ready").pk, "void", "误报")
    acting.decide(chief, wish.pk, is_granted=True)
    assert not case.held.exists()
    assert heard("消息未办理：paid") == {
        "sender": [f"/cases/{case.pk}/", f"{case.number} · 案件已作废，未再用到该消息。"],
    }  # fmt: skip
