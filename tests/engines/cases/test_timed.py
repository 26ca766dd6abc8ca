"""Flows that a time begins: a case each time, once whatever dies, on the flow as it is then."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from html import unescape
from urllib.parse import urlparse

import pytest
from django.db import connection, connections
from tests.engines.cases.logic.test_bpmn_elements import MESSAGE, event, lines, timer
from tests.engines.cases.test_waits import END, declared, user
from tests.fixtures import area, person
from tests.web.pages import browser, text

from shizhu.engines.cases import declare, timed
from shizhu.engines.cases.models import Case, Entry, Task, TimerStart
from shizhu.engines.notices.models import Message
from shizhu.kernel import overlays, packs, testing
from shizhu.kernel.models import County, Declaration

pytestmark = pytest.mark.django_db(transaction=True)
NOW = datetime(2026, 7, 1, 0, 30, tzinfo=UTC)  # a Wednesday, 08:30 in the county
DAY = timedelta(days=1)
NINE = "0 9 * * *"


def begun_by(when: str, tag: str = "timeCycle", step: str = "a") -> str:
    return declared(event("startEvent", "s", timer(when, tag)) + user(step) + END + lines(f"s>{step}", f"{step}>e"))


def opened() -> list[str]:
    return list(Case.objects.order_by("pk").values_list("title", flat=True))


@pytest.mark.parametrize(
    ("when", "tag", "times"),
    [
        (NINE, "timeCycle", ["01 09:00", "02 09:00", "03 09:00"]),
        ("0 0 9 ? * MON-WED", "timeCycle", ["01 09:00"]),
        ("R2/PT24H", "timeCycle", ["02 08:30", "03 08:30"]),
        ("R/2026-06-01T10:00/P1D", "timeCycle", ["01 10:00", "02 10:00", "03 10:00"]),
        ("2026-07-02T10:00", "timeDate", ["02 10:00"]),
        ("2026-06-30T10:00", "timeDate", []),
        ("PT36H", "timeDuration", ["02 20:30"]),
    ],
)  # fmt: skip
def test_each_time_opens_a_case_that_says_so(county: County, when: str, tag: str, times: list[str]) -> None:
    begun_by(when, tag)
    for minutes in range(0, 3 * 24 * 60, 30):
        timed.every_minute(NOW + timedelta(minutes=minutes))
    assert opened() == [f"团购 2026-07-{one}" for one in times]
    assert {case.area for case in Case.objects.all()} <= {area(county)}
    assert set(Task.objects.values_list("step", "status")) <= {("a", "ready")}
    reader = browser(person(county, "cases.*", username="reader"))
    for case, one in zip(Case.objects.order_by("pk"), times, strict=True):
        assert f"定时自动立案，应于 2026-07-{one}" in text(reader.get(f"/cases/{case.pk}/"))


def test_of_times_that_were_missed_the_last_is_made_up_for(county: County) -> None:
    begun_by("R5/PT1H")
    timed.every_minute(NOW)
    assert timed.every_minute(NOW + timedelta(minutes=59)) == 0
    assert (timed.every_minute(NOW + timedelta(hours=3, minutes=20)), opened()) == (1, ["团购 2026-07-01 11:30"])
    assert timed.every_minute(NOW + timedelta(hours=3, minutes=21)) == 0
    assert (timed.every_minute(NOW + 3 * DAY), opened()[1:]) == (1, ["团购 2026-07-01 13:30"])
    assert timed.every_minute(NOW + 9 * DAY) == 0


def test_the_flow_of_today_is_begun_and_one_that_is_gone_begins_no_more(county: County) -> None:
    begun_by(NINE)
    timed.every_minute(NOW)
    begun_by(NINE, step="b")
    timed.every_minute(NOW + DAY)
    assert list(Task.objects.values_list("step", flat=True)) == ["b"]
    begun_by("0 10 * * *")
    timed.every_minute(NOW + DAY)
    assert TimerStart.objects.get().due_at == NOW + DAY + timedelta(hours=1, minutes=30)
    declared(event("startEvent", "s", MESSAGE) + user("a") + END + lines("s>a", "a>e"))
    timed.every_minute(NOW + 5 * DAY)
    assert (len(opened()), TimerStart.objects.exists()) == (1, False)


DIES = """
import os, signal, django
django.setup()
from datetime import datetime
from django.db import transaction
from shizhu.engines.cases import timed
with transaction.atomic():
    assert timed.every_minute(datetime.fromisoformat("{at}")) == 1
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_worker_killed_in_the_middle_opens_one_case_in_the_end(county: County) -> None:
    begun_by(NINE)
    timed.every_minute(NOW)
    before = testing.everything_kept()
    address = urlparse(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}").geturl()
    environment = {**os.environ, "DATABASE_URL": address, "DJANGO_SETTINGS_MODULE": "shizhu.site.settings"}
    died = subprocess.run(  # our own words
        [sys.executable, "-c", DIES.format(at=NOW + DAY)], env=environment, check=False, capture_output=True
    )
    assert died.returncode == -signal.SIGKILL, died.stderr.decode()[-500:]
    assert testing.everything_kept() == before
    assert [timed.every_minute(NOW + DAY) for _again in range(2)] == [1, 0]
    assert Entry.objects.filter(kind="opened").count() == 1


def test_of_several_at_once_one_opens_the_case(county: County) -> None:
    begun_by(NINE)
    timed.every_minute(NOW)
    made: list[int] = []

    def look() -> None:
        try:
            made.append(timed.every_minute(NOW + DAY))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (sorted(made), len(opened())) == ([0, 0, 0, 1], 1)


def test_a_case_that_cannot_begin_is_tried_again_and_keeps_no_other_from_beginning(county: County) -> None:
    start = event("startEvent", "s", timer(NINE, "timeCycle"))
    declared(start + '<exclusiveGateway id="x"/>' + user("a") + END + lines("s>x", "x>a: wet", "x>e: not(wet)", "a>e"))
    timed.every_minute(NOW)
    assert (timed.every_minute(NOW + DAY), opened()) == (0, [])
    begun_by(NINE)
    assert (timed.every_minute(NOW + DAY + timedelta(minutes=1)), opened()) == (1, ["团购 2026-07-01 09:00"])


def test_a_timer_that_needs_a_case_to_be_read_is_refused(county: County) -> None:
    key = begun_by("=hours", "timeDuration")
    body = packs.declaration("flows", key, county.pk)
    found = list(declare.check_flow(key, body, overlays.everything(county.pk)))
    assert "s: 'hours' must be an ISO 8601 duration, it is None" in found


def own(body: str) -> str:
    """A flow that the county made itself, as its page has it."""
    text_of = Declaration.objects.get(kind="flows", key=begun_by(NINE)).body["text"]
    flow = re.sub(r"(</extensionElements>)<startEvent.*</process>", rf"\1{body}</process>", text_of, flags=re.DOTALL)
    Declaration.objects.update_or_create(
        county_id="990001", kind="flows", key="local.tea", defaults={"source": "person", "body": {"text": flow}}
    )
    declared(event("startEvent", "s", MESSAGE) + user("a") + END + lines("s>a", "a>e"))
    return "/declarations/flows/tea/"


def test_who_can_mend_a_flow_that_opens_no_case_is_told_once_and_its_page_says_why(county: County) -> None:
    mender = person(county, "kernel.declaration.edit", username="mender")
    chief = person(county, "cases.*", username="chief")
    person(county, "cases.case.view", username="reader")
    start = event("startEvent", "s", timer(NINE, "timeCycle"))
    page = own(
        start + '<exclusiveGateway id="x"/>' + user("a") + END + lines("s>x", "x>a: wet", "x>e: not(wet)", "a>e")
    )
    timed.every_minute(NOW)
    assert "下次立案 2026-07-01 09:00" in text(browser(mender).get(page))
    for minutes in (0, 1, 2):
        assert timed.every_minute(NOW + timedelta(minutes=30 + minutes)) == 0
    told = Message.objects.order_by("pk")
    assert [(one.title, one.url, [d.person for d in one.deliveries.all()]) for one in told] == [
        ("团购：定时立案失败", page, [mender]), ("团购：定时立案失败", "", [chief]),
    ]  # fmt: skip
    why = "顺序流“x → 办理”：'wet' 应为是或否，现为 null"
    assert why in told[0].text
    assert f"自 2026-07-01 09:00 起无法立案：{why}。每分钟自动重试" in unescape(text(browser(mender).get(page)))
    own(start + user("a") + END + lines("s>a", "a>e"))
    assert (timed.every_minute(NOW + timedelta(minutes=33)), told.count()) == (1, 2)
    case = Case.objects.get()
    seen = browser(mender).get(page)
    assert f"下次立案 2026-07-02 09:00 · 上次立案 2026-07-01 09:00 {case.number}" in text(seen)
    assert f'href="/cases/{case.pk}/"' in seen.content.decode()
    assert "无法立案" not in text(seen)
    assert text(seen).startswith("团购 ")


def test_a_time_that_is_over_and_one_that_cannot_be_worked_out_are_told_apart(county: County) -> None:
    mender = person(county, "kernel.declaration.edit", username="mender")
    page = own(event("startEvent", "s", timer("2026-06-30T10:00", "timeDate")) + user("a") + END + lines("s>a", "a>e"))
    timed.every_minute(NOW)
    assert ("已结束，不再立案" in text(browser(mender).get(page)), Message.objects.count()) == (True, 0)
    own(event("startEvent", "s", timer("=when", "timeDate")) + user("a") + END + lines("s>a", "a>e"))
    for minutes in (1, 2):
        timed.every_minute(NOW + timedelta(minutes=minutes))
    assert "算不出立案时间。 自 2026-07-01 08:31 起无法立案：开始事件 s：None 应为 ISO 8601 时刻" in text(
        browser(mender).get(page)
    )
    assert [one.title for one in Message.objects.filter(url=page)] == ["团购：定时立案失败"]
