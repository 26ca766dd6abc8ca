"""The judge and what carries cases are killed again and again under load: every alarm and every case is there, once."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import paho.mqtt.client as paho
import pytest
from tests.stack.stack import Stack, until

pytestmark = pytest.mark.stack
START, STEP = datetime(2026, 6, 1, tzinfo=UTC), timedelta(minutes=30)
MONTH = 30 * 48  # readings of a device
DEVICES, CASES, KILLS = 5, 120, 3
LONG, SHORT = 8, 3  # readings of a dip: the rule wants two hours


def dips(device: int) -> list[int]:
    """Where long dips begin, as numbers of readings: each device has another number of them."""
    return list(range(40 + device, MONTH - LONG - 20, 60 + 25 * device))


def oxygen(device: int, number: int) -> float:
    """Low in long dips, and in short ones that no alarm comes of."""
    is_low = any(0 <= number - dip < LONG or 0 <= number - dip - 20 < SHORT for dip in dips(device))
    return (3 if is_low else 8) + number % 7 / 10  # never the same for long: a stuck value would be doubtful


def expected(device: int) -> list[tuple[datetime, datetime, datetime]]:
    """(since, raised, recovered) of what the long dips must raise: `for` PT2H, and good again at once."""
    return [
        (START + STEP * dip, START + STEP * dip + timedelta(hours=2), START + STEP * (dip + LONG))
        for dip in dips(device)
    ]


def publish(stack: Stack, device: int) -> None:
    """A month of readings, each acknowledged."""
    key = f"month-{device}"
    client = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id=key, protocol=paho.MQTTv311)
    client.username_pw_set(key, "123456")
    client.max_inflight_messages_set(100)
    client.connect("127.0.0.1", stack.mqtt)
    client.loop_start()
    for number in range(MONTH):
        said = {"time": (START + STEP * number).isoformat(), "values": {"dissolved_oxygen": oxygen(device, number)}}
        sent = client.publish(f"d/{key}/telemetry", json.dumps(said), qos=1)
    sent.wait_for_publish(60)
    client.disconnect()
    client.loop_stop()


def differences(found: list[Any], everything: list[Any]) -> str:
    """What is there too much and too little, by device."""
    pairs = enumerate(zip(found, everything, strict=True))
    return str([(device, set(a) - set(b), set(b) - set(a)) for device, (a, b) in pairs if a != b])


def test_a_month_is_judged_and_every_case_goes_on_once_however_often_the_worker_is_killed(stack: Stack) -> None:
    stack.load("declare", str(DEVICES))
    load = [threading.Thread(target=publish, args=(stack, device)) for device in range(DEVICES)]
    load.append(threading.Thread(target=stack.load, args=("open", str(CASES))))
    for one in load:
        one.start()
    judged = (
        "SELECT count(*) FROM alarms_occurrence o JOIN alarms_alarm a ON a.id = o.alarm_id WHERE a.rule = 'local.low'"
    )
    total = sum(len(dips(device)) for device in range(DEVICES))
    killed = {0}
    for kill in range(KILLS):
        part = total * kill // (KILLS + 1)
        assert until(lambda enough=part: stack.query(judged)[0][0] > enough), stack.tail()
        assert until(lambda: stack.state["children"].get("worker", {"pid": 0})["pid"] not in killed), stack.tail()
        killed.add(stack.pid("worker"))
        stack.kill("worker")
    for one in load:
        one.join()

    alarms = (
        "SELECT o.since, o.raised_at, o.kept_since FROM alarms_occurrence o JOIN alarms_alarm a ON a.id = o.alarm_id "
        "JOIN things_datastream s ON s.id = o.datastream JOIN things_thing t ON t.id = s.thing_id "
        "WHERE a.rule = %s AND t.key = %s AND NOT o.is_withdrawn ORDER BY 1"
    )
    everything = [expected(device) for device in range(DEVICES)]
    for rule in ("local.low", "local.begins"):

        def found(rule: str = rule) -> list[list[tuple[datetime, datetime, datetime]]]:
            return [stack.query(alarms, rule, f"month-{device}") for device in range(DEVICES)]

        assert until(lambda found=found: found() == everything, 180), differences(found(), everything)
    counted = "SELECT rule, state, count(*) FROM alarms_alarm WHERE rule LIKE 'local.%%' GROUP BY 1, 2 ORDER BY 1"
    # a rule that starts a case keeps its alarm until the case ends; the other ends with the data, each time
    assert stack.query(counted) == [("local.begins", "open", DEVICES), ("local.low", "cleared", total)]

    cases = "SELECT flow, status, count(*) FROM cases_case WHERE flow LIKE 'local.%%' GROUP BY 1, 2 ORDER BY 1"
    done = [("local.first", "closed", CASES), ("local.second", "open", CASES + DEVICES)]
    # a job that died with its worker begins again when that has been silent for a minute
    assert until(lambda: stack.query(cases) == done, 180), f"{stack.query(cases)}\n{stack.tail()}"
    of = (
        "SELECT (state->'document'->>'of')::int FROM cases_case WHERE flow = 'local.second' AND alarm IS NULL "
        "ORDER BY 1"
    )
    assert stack.query(of) == [(number,) for number in range(CASES)]
    tasks = "SELECT count(*), count(DISTINCT case_id) FROM cases_task WHERE step = 'do' AND status = 'ready'"
    assert stack.query(tasks) == [(CASES + DEVICES, CASES + DEVICES)]
    rung = "SELECT count(*), count(DISTINCT case_id) FROM cases_entry WHERE step = 't' AND kind = 'happened'"
    assert stack.query(rung) == [(CASES, CASES)]
    assert until(lambda: stack.state["children"].get("worker", {"restarts": 0})["restarts"] >= KILLS)
