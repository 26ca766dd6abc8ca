"""Whatever is killed, every reading that was acknowledged is committed exactly once."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import struct
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import paho.mqtt.client as paho
import pytest
from tests.stack.stack import Stack, until

from shizhu.gateways.simulators.hj212 import Faults, Retry, Terminal, real_time
from shizhu.wire import hj212

pytestmark = pytest.mark.stack
START = datetime(2026, 6, 1, tzinfo=UTC)
NUMBER = 4000
RECORDED = Path(__file__).with_name("recorded.hj212")
VICTIMS = ("ingest", "nats", "postgres")


def committed(stack: Stack, key: str) -> list[tuple[int, float, int]]:
    """(second, result, sequence) of a device's dissolved oxygen, in order."""
    rows = stack.query(
        "SELECT o.phenomenon_time, o.result, o.sequence FROM things_observation o "
        "JOIN things_datastream s ON s.id = o.datastream_id JOIN things_thing t ON t.id = s.thing_id "
        "WHERE t.key = %s AND s.key = 'dissolved_oxygen' ORDER BY 1, 3",
        key,
    )
    return [(round((time_ - START) / timedelta(seconds=1)), result, sequence) for time_, result, sequence in rows]


def expected(number: int = NUMBER) -> list[tuple[int, float, int]]:
    return [(second, second % 90 / 10, 0) for second in range(number)]


class Device:
    """An MQTT device that keeps what is not acknowledged and publishes while the broker dies under it."""

    def __init__(self, stack: Stack, key: str) -> None:
        self.key, self.acknowledged = key, 0
        self.client = paho.Client(
            paho.CallbackAPIVersion.VERSION2, client_id=key, clean_session=False, protocol=paho.MQTTv311
        )
        self.client.username_pw_set(key, "123456")
        self.client.max_inflight_messages_set(200)
        self.client.reconnect_delay_set(1, 2)
        self.client.on_publish = self._count
        self.client.connect_async("127.0.0.1", stack.mqtt, 10)
        self.client.loop_start()

    def _count(self, *_: object) -> None:
        self.acknowledged += 1

    def publish(self, number: int, pause: float = 0.0) -> None:
        for second in range(number):
            at = START + timedelta(seconds=second)
            payload = {"time": at.isoformat(), "values": {"dissolved_oxygen": second % 90 / 10}}
            self.client.publish(f"d/{self.key}/telemetry", json.dumps(payload), qos=1)
            if pause and second % 50 == 0:
                time.sleep(pause)

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


@pytest.mark.parametrize("victim", VICTIMS)
def test_mqtt_qos_1_with_a_part_killed_in_the_middle(stack: Stack, victim: str) -> None:
    key = f"mqtt-{victim}"
    stack.add_device(key)
    device = Device(stack, key)
    publishing = threading.Thread(target=device.publish, args=(NUMBER, 0.04))
    publishing.start()
    assert until(lambda: device.acknowledged > NUMBER // 4)
    stack.kill(victim)
    publishing.join()
    assert until(lambda: device.acknowledged >= NUMBER), f"{device.acknowledged} of {NUMBER} acknowledged"
    device.close()
    assert until(lambda: len(committed(stack, key)) >= NUMBER), stack.tail()
    assert committed(stack, key) == expected()


@pytest.mark.parametrize("victim", VICTIMS)
async def test_hj212_with_a_part_killed_in_the_middle(stack: Stack, victim: str) -> None:
    number, key = 1200, f"2026000000000000000000{VICTIMS.index(victim):02}"
    await asyncio.to_thread(stack.add_device, key)
    retry = Retry(timeout=6.0, resends=20)
    async with Terminal("127.0.0.1", stack.hj212, mn=key, password="123456", st="21", retry=retry) as terminal:
        for second in range(number):
            terminal.upload(START + timedelta(seconds=second), real_time({"w01009": second % 90 / 10}))
        delivering = asyncio.create_task(terminal.deliver())
        while terminal.counts.answered < number // 4:  # noqa: ASYNC110  # the simulator has no event for it
            await asyncio.sleep(0.01)
        await asyncio.to_thread(stack.kill, victim)
        await asyncio.wait_for(delivering, 120)
        assert (terminal.counts.answered, terminal.counts.failed) == (number, 0)
    assert await asyncio.to_thread(until, lambda: len(committed(stack, key)) >= number)
    assert committed(stack, key) == expected(number)


async def test_a_terminal_that_repeats_and_corrupts_is_counted_exactly(stack: Stack) -> None:
    number, key = 300, "202600000000000000000099"
    await asyncio.to_thread(stack.add_device, key)
    faults = Faults(lose=0.03, repeat=0.1, corrupt=0.05)
    retry = Retry(timeout=0.5, resends=30)
    async with Terminal(
        "127.0.0.1", stack.hj212, mn=key, password="123456", st="21", faults=faults, retry=retry, seed=3
    ) as one:
        for second in range(number):
            one.upload(START + timedelta(seconds=second), real_time({"w01009": second % 90 / 10}))
        await asyncio.wait_for(one.deliver(), 120)
    assert await asyncio.to_thread(until, lambda: len(committed(stack, key)) >= number)
    assert committed(stack, key) == expected(number)
    bad = stack.query(
        "SELECT count(*) FROM things_quarantine WHERE protocol = 'hj212' AND payload LIKE %s",
        b"%" + key.encode() + b"%",
    )
    assert bad[0][0] > 0


def test_acknowledged_while_ingest_is_stopped_is_committed_when_it_goes_on(stack: Stack) -> None:
    stack.add_device("mqtt-stopped")
    pid = stack.pid("ingest")
    os.kill(pid, signal.SIGSTOP)
    device = Device(stack, "mqtt-stopped")
    device.publish(1000)
    assert until(lambda: device.acknowledged >= 1000)
    device.close()
    assert committed(stack, "mqtt-stopped") == []
    os.kill(pid, signal.SIGCONT)
    assert until(lambda: len(committed(stack, "mqtt-stopped")) >= 1000)
    assert committed(stack, "mqtt-stopped") == expected(1000)
    heard = "SELECT heard > published FROM things_logposition WHERE source = '$MQTT_msgs'"
    assert until(lambda: stack.query(heard) == [(True,)]), stack.tail()  # the log is empty: nobody need wait for it


def packet(kind: int, body: bytes) -> bytes:
    """An MQTT 3.1.1 control packet below 128 bytes of body, or below 16 KiB."""
    length = bytes([len(body)]) if len(body) < 128 else bytes([len(body) % 128 | 128, len(body) // 128])
    return bytes([kind]) + length + body


def text(value: str) -> bytes:
    return struct.pack(">H", len(value)) + value.encode()


def say(stack: Stack, connect: bytes, publish: bytes, is_together: bool) -> bool:
    """Connect and publish over a bare socket; False if the login was refused (the callout may be reconnecting)."""
    with socket.create_connection(("127.0.0.1", stack.mqtt), 10) as line:
        line.sendall(connect + publish if is_together else connect)
        if line.recv(4) != b"\x20\x02\x00\x00":
            return False
        if not is_together:
            line.sendall(publish)
        return line.recv(4) == b"\x40\x02\x00\x01"


@pytest.mark.parametrize("is_together", [True, False])
def test_a_publish_in_one_segment_with_its_connect_is_committed(stack: Stack, is_together: bool) -> None:
    key = f"raw-{is_together}"
    stack.add_device(key)
    connect = packet(0x10, text("MQTT") + b"\x04\xc2\x00\x1e" + text(key) + text(key) + text("123456"))
    payload = json.dumps({"time": START.isoformat(), "values": {"dissolved_oxygen": 0.0}}).encode()
    publish = packet(0x32, text(f"d/{key}/telemetry") + b"\x00\x01" + payload)
    assert until(lambda: say(stack, connect, publish, is_together)), stack.tail()
    assert until(lambda: committed(stack, key) == expected(1)), stack.tail()


def test_a_device_may_not_speak_for_another(stack: Stack) -> None:
    stack.add_device("quiet")
    stack.add_device("loud")
    device = Device(stack, "loud")
    device.client.publish("d/quiet/telemetry", json.dumps({"values": {"dissolved_oxygen": 1.0}}), qos=1)
    device.publish(1)
    assert until(lambda: committed(stack, "loud") == expected(1)), stack.tail()
    device.close()
    assert committed(stack, "quiet") == []


def test_a_wrong_password_or_a_switched_off_device_is_refused(stack: Stack) -> None:
    told = ("--profile", "ecology.water_station", "--name", "off-one", "--password", "123456")
    assert stack.run("device", "add", "off-one", *told) == "off-one 123456\n"
    stack.run("device", "off", "off-one")
    answers: list[int] = []
    for key, password in (("off-one", "123456"), ("mqtt-none", "123456")):
        client = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id=key, protocol=paho.MQTTv311)
        client.username_pw_set(key, password)
        client.on_connect = lambda _c, _u, _f, reason, _p: answers.append(reason.value)
        client.connect("127.0.0.1", stack.mqtt)
        client.loop_start()
        assert until(lambda: len(answers) > 0)
        client.loop_stop()
        assert answers.pop() != 0
        answers.clear()


def test_recorded_frames_over_the_wire(stack: Stack) -> None:
    """Six real-time uploads, one of them twice, an hour; a modem's words, a wrong CRC, an unknown terminal.

    Of the hour the mean is a reading; Min and Max are ignored by the profile, so nothing of them is in quarantine.
    """
    key = "202600000000000000000077"
    stack.add_device(key)
    said = stack.run("replay", str(RECORDED), code=1)
    told, bar = said.split("\n", 1)
    assert told == (
        "11 pieces sent, 8 answered, 1 not answered though they asked; "
        "what was refused is in quarantine with the reason"
    )
    assert [step.rsplit(" ", 1)[-1] for step in bar.splitlines()] == [f"{done}/11" for done in range(12)]
    hours = [(at.hour, result) for at, result in values_of(stack, key, "dissolved_oxygen")]
    assert hours == [(hour, 6 + hour / 10) for hour in range(6)]
    assert [(at.hour, result) for at, result in values_of(stack, key, "dissolved_oxygen_hourly")] == [(5, 6.2)]
    kept = stack.query(
        "SELECT field, value, count(*) FROM things_quarantine WHERE payload LIKE ANY(%s) GROUP BY 1, 2 ORDER BY 1",
        [b"+CSQ%", f"%{key}%".encode(), b"%202600000000000000000078%"],
    )
    assert kept == [
        ("CRC", "E980", 1),
        ("MN", "202600000000000000000078", 3),
        ("frame", "+CSQ: 17,99\r\n", 1),
    ]


def test_recorded_frames_of_nobody_we_know_stop_early(stack: Stack, tmp_path: Path) -> None:
    key = "202600000000000000000076"
    frames = RECORDED.read_bytes().splitlines(keepends=True)[:3]
    unknown = [hj212.encode(replace(hj212.decode(frame).packet, mn=key)) for frame in frames]
    file = tmp_path / "unknown.hj212"
    file.write_bytes(b"".join(unknown * 4))
    said = stack.run("replay", str(file), code=1)
    told, *bar, why = said.splitlines()
    assert told.startswith("3 pieces sent, 0 answered, 3 not answered though they asked; ")
    assert [step.rsplit(" ", 1)[-1] for step in bar] == ["0/12", "1/12", "2/12"]
    assert why == f"shizhu: MN {key} is not answered: register it by `shizhu device add`, or check its password"
    # nobody we know, and after five such tries somebody who has to wait
    kept = "SELECT count(*) FROM things_quarantine WHERE payload LIKE %s AND field IN ('MN', 'PW')"
    assert until(lambda: stack.query(kept, f"%{key}%".encode()) == [(9,)])


def values_of(stack: Stack, thing: str, stream: str) -> list[tuple[datetime, float]]:
    return stack.query(
        "SELECT o.phenomenon_time, o.result FROM things_observation o "
        "JOIN things_datastream s ON s.id = o.datastream_id JOIN things_thing t ON t.id = s.thing_id "
        "WHERE t.key = %s AND s.key = %s ORDER BY 1",
        thing, stream,
    )  # fmt: skip


CELLS = r"1\t\\N\n1\t2026-06-01T00:00:00Z\t\\N\t\\N\t0.6\t\\N\t0\t0\t\\N"  # a second row, if cells were not checked
NASTY = [
    "5", '"result"', '["result"]', "null", '{"result": 1, "FeatureOfInterest": null, "phenomenonTime": 3}',
    f'{{"result": 1, "FeatureOfInterest": {{"@iot.id": "{CELLS}"}}}}',
    '{"result": 1, "phenomenonTime": "9999-12-31T23:59:59-12:00"}',
    '{"result": 1, "phenomenonTime": "2099-01-01T00:00:00Z"}',
    f'{{"result": {"9" * 400}}}', '{"result": 1, "FeatureOfInterest": {"@iot.id": 123456789}}', r'{"result": "\u0000"}',
]  # fmt: skip
NASTY_TELEMETRY = [
    f'{{"values": {{"ph": {"9" * 400}}}}}',
    '{"values": 3}',
    '{"time": 99999999999999999, "values": {"ph": 7}}',
]


def test_no_message_stops_or_changes_others(stack: Stack) -> None:
    stack.add_device("rude")
    stack.add_device("polite")
    rude, polite = Device(stack, "rude"), Device(stack, "polite")
    own = stack.query(
        "SELECT s.id FROM things_datastream s JOIN things_thing t ON t.id = s.thing_id "
        "WHERE t.key = 'rude' AND s.key = 'dissolved_oxygen'"
    )[0][0]
    kept = "SELECT (SELECT count(*) FROM things_observation), (SELECT count(*) FROM things_quarantine)"
    before = stack.query(kept)[0]
    for payload in NASTY:
        rude.client.publish(f"v1.1/Datastreams({own})/Observations", payload, qos=1)
    for payload in NASTY_TELEMETRY:
        rude.client.publish("d/rude/telemetry", payload, qos=1)
    total = len(NASTY) + len(NASTY_TELEMETRY)
    assert until(lambda: rude.acknowledged == total)
    polite.publish(10)
    assert until(lambda: committed(stack, "polite") == expected(10)), stack.tail()
    assert until(lambda: stack.query(kept)[0] == (before[0] + 10, before[1] + total)), stack.tail()
    assert committed(stack, "rude") == []
    stack.run("device", "off", "rude")
    assert until(lambda: not rude.client.is_connected()), stack.tail()
    rude.client.publish(f"v1.1/Datastreams({own})/Observations", '{"result": 5.5}', qos=1)
    polite.client.publish("d/polite/telemetry", '{"values": 3}', qos=1)  # after it, what the other said would be there
    assert until(lambda: stack.query(kept)[0] == (before[0] + 10, before[1] + total + 1)), stack.tail()
    for device in (rude, polite):
        device.close()
