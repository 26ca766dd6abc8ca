"""An edge that is not reached raises one alarm, ends it by itself, and its devices are not told of one by one."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from tests.engines.alarms.sent import alarms, clock, jug, minute, only, send, told
from tests.fixtures import area, person
from tests.web.pages import browser, text

from shizhu.engines.alarms import caring, edges, judging
from shizhu.engines.alarms.models import Act, Alarm
from shizhu.engines.things import api as things
from shizhu.engines.things.models import Device, EdgeLine, Thing
from shizhu.kernel.models import County, Heartbeat
from shizhu.site import edges as files

pytestmark = pytest.mark.django_db(transaction=True)
MISSING = {"when": {"profile": "lemonade.jug", "property": "temperature", "missing": "PT10M"}}


@pytest.fixture(autouse=True)
def edge(county: County, settings: Any, tmp_path: Path) -> Path:
    """The county has an edge named east in the town 101."""
    settings.CONFIG = dataclasses.replace(settings.CONFIG, home=tmp_path)
    files.keep(tmp_path, {"east": files.Edge("east", county.pk, area(county, "101").code, "link", "login")})
    return tmp_path


def look(at: float, *, is_reached: bool | None, beat: float | None = None, behind: int = 0) -> None:
    """Ingest says whether the edge is reached (None: it never was), and the minute passes."""
    said = {} if is_reached is None else {"is_reached": is_reached, "behind": behind}
    detail = dict.fromkeys((f"{one}@east" for one in things.EDGE_STREAMS), said)
    seen = {"at": minute(at if beat is None else beat), "pid": 1, "version": "1", "detail": detail}
    Heartbeat.objects.update_or_create(role="ingest", defaults=seen)
    with clock(at):
        edges.every_minute()


def test_an_edge_that_is_lost_raises_an_alarm_that_ends_when_it_is_back(county: County, edge: Path) -> None:
    for at in range(8):
        look(at, is_reached=at < 2)
    assert (alarms(), told()) == ([("open", False, "orange", 1)], ["raised"])
    alarm = Alarm.objects.get()
    assert (alarm.since, alarm.raised_at, alarm.area) == (minute(1), minute(7), area(county, "101"))
    reader = browser(person(county, "alarms.*", "things.*", username="reader"))
    for address in ("/alarms/", f"/alarms/{alarm.pk}/", "/", f"/things/{Thing.objects.get(key='edge/east').pk}/"):
        page = reader.get(address)
        assert (page.status_code, "边缘节点 east" in text(page)) == (200, True)
    assert "检查该乡镇边缘节点的电源" in text(reader.get(f"/alarms/{alarm.pk}/"))
    for address in ("/alarms/load/?month=2026-07", "/search?q=失联"):
        assert "边缘节点失联" in text(reader.get(address)).replace("点 失", "点失")  # what was searched for is marked
    look(8, is_reached=False)
    assert alarms() == [("open", False, "orange", 1)]
    look(9, is_reached=True)
    assert (alarms(), told()) == ([("cleared", False, "orange", 1)], ["raised", "cleared"])
    look(10, is_reached=True)
    for at in range(11, 17):
        look(at, is_reached=False)
    assert (alarms(), told()[2:]) == ([("open", False, "orange", 2)], ["changed"])  # the same, once more
    files.keep(edge, {})
    look(17, is_reached=None)
    assert [state for state, *_rest in alarms()] == ["cleared"]
    assert not EdgeLine.objects.exists()


def test_while_nobody_looks_nobody_knows(county: County) -> None:
    look(0, is_reached=True)
    look(1, is_reached=False)
    for at in range(2, 60, 2):
        look(at, is_reached=False, beat=1)
    for at in range(60, 65):
        look(at, is_reached=False)
    assert alarms() == []
    look(65, is_reached=False)
    assert [(one.since, one.raised_at) for one in Alarm.objects.all()] == [(minute(0), minute(65))]


def test_an_edge_that_was_never_here_is_not_waited_for(county: County) -> None:
    for at in range(10):
        look(at, is_reached=None)
    assert (alarms(), EdgeLine.objects.exists()) == ([], False)


def test_devices_of_a_lost_edge_are_silent_and_of_its_cause_and_told_when_it_is_back_without_them(
    county: County,
) -> None:
    behind, early, other, elsewhere = (jug(county, key)["temperature"] for key in ("behind", "early", "other", "far"))
    Thing.objects.filter(key="far").update(area=area(county, "102"))
    with clock(-1):
        only(county, MISSING)
    with clock(1):
        send(early, (-6, 20))
        for stream in (behind, other, elsewhere):
            send(stream, (0, 20))
    look(1, is_reached=True)
    look(2, is_reached=False)
    with clock(5):
        judging.ring()
    Device.objects.filter(key="other").update(last_seen=minute(3))  # it has another way
    for at in range(3, 13):
        look(at, is_reached=False)
    with clock(12):
        judging.ring()
    by_stream = {one.datastream: one for one in Alarm.objects.all()}
    (lost,) = [one for one in by_stream.values() if one.rule == "things.edge_lost"]
    found = {name: (one.suppressed, one.root) for name, one in (
        (name, by_stream[stream]) for name, stream in
        (("behind", behind), ("early", early), ("other", other), ("elsewhere", elsewhere))
    )}  # fmt: skip
    assert found == {
        "behind": ("parent", lost), "early": ("parent", lost), "other": ("", lost), "elsewhere": ("", None),
    }  # fmt: skip
    assert told().count("raised") == 3
    assert caring.every_minute(minute(12)) == (0, 0)
    look(13, is_reached=True, behind=20_000)  # what it kept is on its way
    assert caring.every_minute(minute(13.5)) == (0, 0)
    assert caring.every_minute(minute(15)) == (0, 0)
    look(14, is_reached=True)
    assert caring.every_minute(minute(14))[0] == 2
    assert {one.alarm.datastream for one in Act.objects.filter(kind="told")} == {behind, early}


def test_devices_of_an_edge_that_is_away_for_a_moment_are_waited_for_when_it_is_back(county: County) -> None:
    stored, silent = (jug(county, key)["temperature"] for key in ("stored", "silent"))
    with clock(-1):
        only(county, {"when": MISSING["when"] | {"missing": "PT2M"}})
    with clock(1):
        for stream in (stored, silent):
            send(stream, (1, 20))
    look(1, is_reached=True)
    look(2, is_reached=False)
    with clock(3.5):
        judging.ring()
    assert {one.suppressed for one in Alarm.objects.all()} == {"parent"}
    look(4, is_reached=False, beat=2.9)
    assert caring.every_minute(minute(4)) == (0, 0)  # ingest says nothing: nobody knows
    look(5, is_reached=True)
    assert caring.every_minute(minute(5)) == (0, 0)
    with clock(5.5):
        send(stored, *((at, 20) for at in (2, 3, 4, 5)))
    look(6, is_reached=True)
    assert caring.every_minute(minute(6.5))[0] == 1
    assert [act.alarm.datastream for act in Act.objects.all()] == [silent]
    assert (alarms(), told()) == (
        [("cleared", True, "yellow", 1), ("open", False, "yellow", 1)], ["cleared", "raised"],
    )  # fmt: skip


def test_devices_of_an_edge_that_was_seen_a_minute_before_it_is_back_are_waited_for_too(county: County) -> None:
    silent = jug(county, "silent")["temperature"]
    with clock(-1):
        only(county, {"when": MISSING["when"] | {"missing": "PT1M"}})
    with clock(1):
        send(silent, (1, 20))
    look(1, is_reached=True)
    look(2, is_reached=False)
    with clock(2.2):
        judging.ring()
    assert [one.suppressed for one in Alarm.objects.all()] == ["parent"]
    look(2.3, is_reached=True)
    assert caring.every_minute(minute(2.4)) == (0, 0)
    look(3.4, is_reached=True)
    assert caring.every_minute(minute(3.4))[0] == 1
