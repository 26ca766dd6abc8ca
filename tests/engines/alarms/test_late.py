"""Rules on a real database: late, corrected and withdrawn readings, zones, deadlines, and a rule that changes."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.utils import timezone
from tests.engines.alarms.sent import (
    NOON,
    alarms,
    clock,
    commit,
    handle,
    hear,
    jug,
    minute,
    only,
    send,
    spans,
    told,
    url,
    waiting,
)

from shizhu.engines.alarms import api, deadlines, judging
from shizhu.engines.alarms.models import Alarm, Binding, Memory, Occurrence
from shizhu.engines.things import archive, store
from shizhu.engines.things.models import Observation
from shizhu.kernel import packs
from shizhu.kernel.models import County, Declaration

pytestmark = pytest.mark.django_db(transaction=True)
WARM = {"when": {"profile": "lemonade.jug", "property": "temperature", "above": 30, "for": "PT3M"}}
MISSING = {"when": {"profile": "lemonade.jug", "property": "temperature", "missing": "PT10M"}}


@pytest.fixture(params=[False, True], ids=["kept", "archived"])
def later(request: pytest.FixtureRequest) -> Callable[[], None]:
    """Time goes by, and with it the day into a file, or not: what comes late is judged the same."""

    def goes_by() -> None:
        if request.param:
            archive.archive(archive.day_of(NOON))
            assert Observation.objects.count() == 0

    return goes_by


@pytest.fixture
def stream(county: County) -> int:
    made = jug(county)["temperature"]
    only(county, WARM)
    return made


def test_an_alarm_that_late_data_refutes_is_withdrawn(stream: int, later: Callable[[], None]) -> None:
    send(stream, (0, 31), (1, 31), (3, 31))
    assert (alarms(), told()) == ([("open", False, "yellow", 1)], ["raised"])
    later()
    send(stream, (2, 20))
    assert (alarms(), told()) == ([("cleared", True, "yellow", 1)], ["raised", "cleared"])
    assert Alarm.objects.get().cleared_why == "withdrawn by late data"
    assert spans() == []


def test_what_late_data_shows_to_be_over_is_kept_as_past_and_told_nobody(
    stream: int, later: Callable[[], None]
) -> None:
    send(stream, (0, 31), (1, 20), (3, 31), (4, 20), (9, 20))
    assert alarms() == []
    later()
    send(stream, (1, 31))
    assert (alarms(), told(), spans()) == ([("cleared", False, "yellow", 1)], [], [(3, 4)])
    alarm = Alarm.objects.get()
    assert (alarm.since, alarm.raised_at, alarm.cleared_why) == (NOON, minute(3), "known late: it was over by then")


def test_what_late_data_shows_to_go_on_is_raised(stream: int, later: Callable[[], None]) -> None:
    send(stream, (0, 31), (1, 20), (3, 31))
    later()
    send(stream, (1, 31))
    assert (alarms(), told(), spans()) == ([("open", False, "yellow", 1)], ["raised"], [(3, None)])


def test_late_data_that_joins_two_alarms_opens_the_first_again(stream: int, later: Callable[[], None]) -> None:
    send(stream, (0, 31), (3, 31), (4, 20), (65, 31), (68, 31))
    assert alarms() == [("cleared", False, "yellow", 1), ("open", False, "yellow", 1)]
    later()
    send(stream, (4, 31), *((at, 31) for at in range(5, 65, 10)))
    assert alarms() == [("open", False, "yellow", 1), ("cleared", True, "yellow", 1)]
    assert spans() == [(3, None)]
    assert told() == ["raised", "cleared", "raised", "cleared", "changed"]


def test_a_bad_reading_judges_nothing(stream: int) -> None:
    send(stream, (0, 31), (1, 31))
    before = Memory.objects.values_list("state", flat=True).get()
    send(stream, (3, 31), verdict=2)
    assert (alarms(), Memory.objects.values_list("state", flat=True).get()) == ([], before)


def test_a_correction_and_a_withdrawal_are_judged_anew(stream: int, run: Any, later: Callable[[], None]) -> None:
    send(stream, (0, 31), (1, 31), (3, 31))
    later()
    send(stream, (3, 25))
    assert alarms() == [("cleared", True, "yellow", 1)]
    send(stream, (3, 31))
    assert (alarms()[1:], spans()) == ([("open", False, "yellow", 1)], [(3, None)])

    async def withdraw(id_: int) -> None:
        async with await psycopg.AsyncConnection.connect(url()) as connection:
            await store.withdraw(connection, [id_])

    run(withdraw(Observation.objects.filter(phenomenon_time=minute(3)).order_by("-sequence")[0].id))
    handle(*waiting())
    assert (alarms()[1:], spans()) == ([("cleared", True, "yellow", 1)], [])


def test_any_order_of_events_ends_in_the_same_alarms(county: County) -> None:
    first, second = jug(county, "a")["temperature"], jug(county, "b")["temperature"]
    only(county, WARM | {"clear": {"for": "PT2M", "margin": 1}})
    chance = random.Random(7)
    runs = [[chance.choice([20.0, 29.5, 31.0])] * chance.randint(1, 8) for _ in range(40)]
    readings = list(enumerate([value for run in runs for value in run][:60]))
    for reading in readings:
        commit(first, reading)
    handle(*waiting())
    ordered = spans()
    Occurrence.objects.all().delete()
    for reading in readings:
        commit(second, reading)
    events = waiting()
    chance.shuffle(events)
    for start in range(0, 60, 7):
        handle(*events[start : start + 7])
    assert ordered == [(10, 13), (37, 43)]
    assert spans() == ordered
    assert Alarm.objects.filter(source=f"datastream/{second}", state="open").count() <= 1


def send_at(number: float, stream: int, *readings: tuple[float, float]) -> None:
    """Committed and judged so many minutes after noon."""
    with clock(number):
        send(stream, *readings)


def test_a_source_that_falls_silent_is_missing_by_the_clock(county: County) -> None:
    stream = jug(county)["temperature"]
    only(county, MISSING)
    send_at(5, stream, (0, 20), (5, 20))
    judging.ring(minute(14))
    assert alarms() == []
    judging.ring(minute(16))
    assert (alarms(), spans()) == ([("open", False, "yellow", 1)], [(15, None)])
    judging.ring(minute(17))
    assert alarms() == [("open", False, "yellow", 1)]
    send_at(20, stream, (20, 20))
    assert spans() == [(15, 20)]
    send_at(21, stream, (12, 20))  # was on its way all the time
    assert (alarms(), spans()) == ([("cleared", True, "yellow", 1)], [])


def test_a_deadline_judges_first_what_is_committed_and_not_yet_judged(county: County) -> None:
    stream = jug(county)["temperature"]
    only(county, MISSING)
    send_at(0, stream, (0, 20))
    commit(stream, (9, 20))
    with clock(15):
        assert judging.ring() == 1
    assert alarms() == []
    with clock(16):
        handle(*waiting())
    with clock(21):
        assert judging.ring() == 1
    assert spans() == [(19, None)]


def test_nothing_is_missing_before_what_the_log_holds_is_committed(county: County) -> None:
    """Everything was down for an hour; one device goes on and sends what it kept, another is silent."""
    stream, silent = (jug(county, key)["temperature"] for key in "ab")
    only(county, MISSING)
    for one in (stream, silent):
        commit(one, (0, 20), sent=0)
    for at in (0.5, 1):
        hear(at)
    with clock(1):
        handle(*waiting())
    judging.ring(minute(61))  # the judge is up first: nobody knows what the log holds
    assert alarms() == []
    commit(stream, (9, 20), sent=9)  # it was taken by the broker before that went down
    judging.ring(minute(61.1))
    assert alarms() == []
    hear(61.2)
    judging.ring(minute(61.5))  # the log is empty, but devices are only coming back
    assert alarms() == []
    commit(stream, *((at, 20) for at in range(10, 61)), sent=61.6)
    for number in range(4):
        hear(61.7 + number / 5)
    with clock(62):
        handle(*waiting())
    with clock(62.4):
        judging.ring()
    assert [(alarm.source, alarm.is_withdrawn) for alarm in Alarm.objects.all()] == [(f"datastream/{silent}", False)]
    assert (spans(), told()) == ([(10, None)], ["raised"])


def test_a_first_reading_that_nobody_has_judged_is_no_silence(county: County) -> None:
    stream = jug(county)["temperature"]
    only(county, MISSING)
    begun = (timezone.now() - NOON) / timedelta(minutes=1)
    commit(stream, (begun + 9, 20))
    judging.ring(minute(begun + 15))
    assert alarms() == []
    judging.ring(minute(begun + 20))
    assert alarms() == [("open", False, "yellow", 1)]


@pytest.mark.parametrize("is_judged", [True, False], ids=["bit by bit", "by nobody so far"])
def test_what_waited_is_judged_as_if_it_had_come_in_its_time(county: County, *, is_judged: bool) -> None:
    """Heat of four hours, of which alarms come, and of an hour and a half, of which none do, once an outage is over."""
    stream = jug(county)["temperature"]
    only(county, {"when": {**WARM["when"], "for": "PT2H", "holds": "P1D"}})
    hot = (10, 60)
    is_warm = [any(0 <= n - start < 8 or 0 <= n - start - 20 < 3 for start in hot) for n in range(90)]
    readings = [(30.0 * n, 35 if warm else 20) for n, warm in enumerate(is_warm)]
    for first in range(0, len(readings), 3):
        commit(stream, *readings[first : first + 3])
        if is_judged:
            handle(*waiting())
        judging.ring()  # all deadlines are long past
    judging.ring(timezone.now() + 2 * judging.GRACE)
    handle(*waiting())
    assert spans() == [(30.0 * start + 120, 30.0 * start + 240) for start in hot]
    assert alarms() == [("cleared", False, "yellow", 1)] * 2
    assert told() == ["raised", "cleared"] * 2


def test_the_role_wakes_at_the_soonest_deadline(county: County, run: Any) -> None:
    stream = jug(county)["temperature"]
    only(county, MISSING)
    send(stream, (0, 20))
    due = run(deadlines.once())  # July is long past, but more may follow what came just now
    assert (alarms(), deadlines.pause(due) < 3) == ([], True)
    send_at(1, stream, (1, 20))
    assert run(deadlines.once()) is None
    assert spans() == [(11, None)]
    assert deadlines.pause(None) == 600


def test_a_zone_counts_its_sources(county: County) -> None:
    east = [jug(county, f"e{n}")["temperature"] for n in range(3)]
    west = jug(county, "w", "102")["temperature"]
    only(
        county,
        {"when": {"profile": "lemonade.jug", "property": "temperature", "zone": "town", "above": 30, "at_least": 2}},
    )
    assert sorted(Binding.objects.values_list("source", flat=True)) == ["area/990001101", "area/990001102"]
    send(west, (0, 31))
    send(east[0], (0, 31))
    assert alarms() == []
    send(east[2], (1, 31))
    alarm = Alarm.objects.get()
    assert (alarm.source, alarm.area.code, alarm.datastream) == ("area/990001101", "990001101", east[2])
    send(east[0], (2, 20))
    assert alarms() == [("cleared", False, "yellow", 1)]


def test_a_sum_of_a_zone_that_gets_a_source_goes_on_with_what_is_known(county: County) -> None:
    here = [jug(county, key)["temperature"] for key in "ab"]
    for stream in here:
        commit(stream, (0, 20))
    waiting()
    when = {"profile": "lemonade.jug", "property": "temperature", "zone": "town", "take": "sum", "below": 30}
    with clock(1):
        only(county, {"when": when})
    send_at(2, here[0], (2, 20))
    jug(county, "c")
    with clock(3):
        api.bind_all()
    send_at(4, here[1], (4, 20))
    assert alarms() == []
    send_at(5, here[0], (5, 9))
    assert spans() == [(5, None)]


def test_what_comes_late_to_a_new_rule_judges_nothing_of_before_it(county: County) -> None:
    stream = jug(county)["temperature"]
    commit(stream, *((10 * n, 31 if n % 3 else 20) for n in range(10)))
    waiting()
    with clock(100):
        only(county, {"when": WARM["when"] | {"for": "PT0S"}})
    send_at(111, stream, (110, 20))
    send_at(112, stream, (105, 20))
    assert (alarms(), spans()) == ([], [])
    send_at(113, stream, (107, 31))
    assert spans() == [(107, 110)]


def test_two_properties_of_one_thing(county: County) -> None:
    made = jug(county)
    tests = [{"property": "temperature", "above": 30}, {"property": "level", "below": 5}]
    only(county, {"when": {"profile": "lemonade.jug", "all": tests}})
    send(made["temperature"], (1, 31))
    assert alarms() == []
    send(made["level"], (0.5, 3))  # comes after a newer one of the other
    assert (alarms(), spans()) == ([("open", False, "yellow", 1)], [(1, None)])


def test_the_level_changes_in_one_alarm(county: County) -> None:
    stream = jug(county)["temperature"]
    only(
        county,
        {
            "when": {"profile": "lemonade.jug", "property": "temperature", "above": 30},
            "levels": [{"level": "red", "above": 40}],
        },
    )
    send(stream, (0, 31), (1, 41))
    assert (alarms(), told()) == ([("open", False, "red", 1)], ["raised", "changed"])
    send(stream, (2, 35))
    assert (alarms(), told()) == ([("open", False, "yellow", 1)], ["raised", "changed", "changed"])


def test_a_rule_that_changes_goes_on_with_the_alarm_that_stands(county: County, stream: int) -> None:
    send(stream, (0, 31), (3, 31))
    Declaration.objects.filter(kind="rules").update(
        body={**Declaration.objects.get(kind="rules").body, "when": WARM["when"] | {"above": 28}}
    )
    packs.forget()
    api.bind_all()
    send(stream, (4, 29))
    assert alarms() == [("open", False, "yellow", 1)]
    send(stream, (5, 27))
    assert (alarms(), spans()) == ([("cleared", False, "yellow", 1)], [(3, 5)])


@pytest.mark.parametrize(("level", "levels"), [("red", []), ("blue", []), ("orange", [{"level": "red", "above": 40}])])
def test_an_alarm_has_the_level_that_its_rule_has_now_and_ends_by_the_data(
    county: County, stream: int, level: str, levels: list[dict[str, Any]]
) -> None:
    send(stream, (0, 31), (3, 31))
    row = Declaration.objects.get(kind="rules")
    row.body |= {"level": level} | ({"levels": levels} if levels else {})
    row.save()
    packs.forget()
    api.bind_all()
    assert (alarms(), told()) == ([("open", False, level, 1)], ["raised", "changed"])
    send(stream, (4, 20))
    assert (alarms(), spans()) == ([("cleared", False, level, 1)], [(3, 4)])


def test_what_a_person_cleared_is_not_judged_anew(stream: int) -> None:
    send(stream, (0, 31), (3, 31))
    assert api.clear(Alarm.objects.get().pk, person=None, why="冰到了")
    send(stream, (2, 20))
    assert alarms() == [("cleared", False, "yellow", 1)]
    send(stream, (4, 31), (7, 31))
    assert alarms() == [("cleared", False, "yellow", 1), ("open", False, "yellow", 1)]


def test_a_judge_that_is_killed_at_any_point_loses_and_doubles_nothing(
    stream: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit(stream, (0, 31), (3, 31), (4, 20))
    (event,) = waiting()
    for place in ("apply", "refresh"):
        with monkeypatch.context() as patched:

            def fail(*_given: Any) -> None:
                raise SystemExit

            patched.setattr(judging.raising, place, fail)
            with pytest.raises(SystemExit):
                handle(event)
        assert (alarms(), told(), Occurrence.objects.count()) == ([], [], 0)
    handle(event, event)
    assert (alarms(), told(), spans()) == ([("cleared", False, "yellow", 1)], ["raised", "cleared"], [(3, 4)])
