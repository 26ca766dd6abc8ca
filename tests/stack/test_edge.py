"""An edge in a town goes on without the county: what devices were told is kept arrives later, in order, once."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import shutil
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import paho.mqtt.client as paho
import pytest
from tests.stack.stack import Stack, until
from tests.stack.test_nothing_lost import START, Device, committed, expected

from shizhu.gateways.simulators.hj212 import Retry, Terminal, real_time

pytestmark = pytest.mark.stack
TOWN, ELSEWHERE = "500240103", "500240001"


class Link:
    """The line between town and county: a forwarder that can be cut."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._open: list[socket.socket] = []
        self._times_cut = 0
        self._listener: socket.socket | None = None
        self.port = 0
        self.join()

    def join(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def cut(self) -> None:
        assert self._listener
        self._times_cut += 1
        for line in [self._listener, *self._open]:
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._open.clear()

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = listener.accept()
                try:
                    far = socket.create_connection(("127.0.0.1", self._target))
                except OSError:
                    near.close()
                    continue
                self._open += [near, far]
                for source, sink in ((near, far), (far, near)):
                    threading.Thread(target=self._carry, args=(source, sink, self._times_cut), daemon=True).start()

    def _carry(self, source: socket.socket, sink: socket.socket, times_cut: int) -> None:
        with contextlib.suppress(OSError):
            while (data := source.recv(65536)) and times_cut == self._times_cut:
                sink.sendall(data)
        for line in (source, sink):
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
        source.close()


class Town:
    """A county with an edge behind a line that can be cut."""

    def __init__(self, county: Stack, edge: Stack, link: Link, file: Path) -> None:
        self.county, self.edge, self.link, self.file = county, edge, link, file

    def add(self, key: str, area: str = TOWN) -> None:
        """A device that the edge lets in."""
        self.county.add_device(key, "ecology.water_station", "123456", "--area", area)
        told = self.edge.home / "devices.json"
        if area == TOWN:
            assert until(lambda: told.exists() and f'"{key}"' in told.read_text()), self.edge.tail()


@pytest.fixture(scope="module")
def town(homes: Path, bare_home: Path) -> Iterator[Town]:
    county = Stack(homes / "edge-county", like=bare_home)
    county.start("--no-demo")
    link = Link(county.edges)
    file = homes / "town1.edge"
    edge = Stack(homes / "edge-town")
    told = ("--address", f"127.0.0.1:{link.port}", "--web", edge.address, "--file", str(file))
    said = county.run("edge", "add", "town1", "--area", TOWN, *told)
    assert said == f"{file}: take it to the machine in the town and start `shizhu up --edge town1.edge` there\n"
    assert county.run("edge", "list") == f"town1 500240 {TOWN}\n"
    edge.start("--edge", str(file))
    assert set(edge.state["children"]) == {"nats", "forkserver", "gateway"}
    yield Town(county, edge, link, file)
    link.cut()
    assert edge.stop() == 0
    assert county.stop() == 0


def test_a_cut_line_loses_nothing(town: Town) -> None:
    town.add("cut")
    device = Device(town.edge, "cut")
    device.publish(500)
    assert until(lambda: len(committed(town.county, "cut")) == 500), town.county.tail()
    town.link.cut()
    publishing = threading.Thread(target=device.publish, args=(4000, 0.02))
    publishing.start()
    assert until(lambda: device.acknowledged > 2000)
    town.edge.kill("nats")
    publishing.join()
    assert until(lambda: device.acknowledged >= 4500), f"{device.acknowledged} acknowledged"
    device.close()
    assert len(committed(town.county, "cut")) == 500
    town.link.join()
    assert until(lambda: len(committed(town.county, "cut")) >= 4000, 120), town.county.tail()
    assert committed(town.county, "cut") == expected(4000)


async def test_a_terminal_is_answered_without_the_county(town: Town) -> None:
    key = "202600000000000000000055"
    await asyncio.to_thread(town.add, key)
    town.link.cut()
    retry = Retry(timeout=3.0, resends=5)
    async with Terminal("127.0.0.1", town.edge.hj212, mn=key, password="123456", st="21", retry=retry) as terminal:
        for second in range(200):
            terminal.upload(START + timedelta(seconds=second), real_time({"w01009": second % 90 / 10}))
        await asyncio.wait_for(terminal.deliver(), 60)
        assert (terminal.counts.answered, terminal.counts.failed) == (200, 0)
    town.link.join()
    assert await asyncio.to_thread(until, lambda: len(committed(town.county, key)) >= 200, 120), town.county.tail()
    assert committed(town.county, key) == expected(200)


def test_a_cut_line_is_one_alarm_that_ends_with_it_and_of_devices_behind_it_nobody_is_told(town: Town) -> None:
    """Told is only what is the matter: the device went on sending, to the edge."""
    town.county.add_device("rain", "emergency.rain_gauge", "123456", "--area", TOWN)
    told = town.edge.home / "devices.json"
    assert until(lambda: '"rain"' in told.read_text()), town.edge.tail()
    device, over = Device(town.edge, "rain"), threading.Event()
    sent = threading.Thread(target=rain, args=(device, over))
    sent.start()
    readings = "SELECT count(*) FROM things_latest l JOIN things_datastream s ON s.id = l.datastream_id"
    assert until(lambda: town.county.query(f"{readings} WHERE s.key = 'rain'") == [(1,)]), town.county.tail()
    town.county.load("watch", "30")
    town.link.cut()
    lines = "SELECT key FROM things_edgeline WHERE away_since IS NOT NULL"
    assert until(lambda: looked(town.county) and town.county.query(lines) == [("town1",)]), town.county.tail()
    for column in ("things_edgeline SET away_since = away_since", "things_device SET last_seen = last_seen"):
        town.county.query(f"UPDATE {column} - interval '6 minutes' RETURNING 1")
    alarms = """SELECT a.rule, a.state, a.is_withdrawn, a.suppressed, r.rule
        FROM alarms_alarm a LEFT JOIN alarms_alarm r ON r.id = a.root_id ORDER BY a.rule DESC"""
    lost, silent = ("things.edge_lost", "open", False, "", None), ("local.silent", "open", False, "parent")
    found = [lost, (*silent, "things.edge_lost")]
    assert until(lambda: looked(town.county) and town.county.query(alarms) == found, 120), town.county.query(alarms)
    town.link.join()
    ended = [("things.edge_lost", "cleared", False, "", None), ("local.silent", "cleared", True, "parent", lost[0])]
    assert until(lambda: looked(town.county) and town.county.query(alarms) == ended, 120), town.county.query(alarms)
    over.set()
    sent.join()
    device.close()
    notices = "SELECT level, title FROM notices_message ORDER BY id"
    assert town.county.query(notices) == [("orange", "边缘节点 town1 · 边缘节点失联")]


def rain(device: Device, over: threading.Event) -> None:
    """It rains, a reading each second at the time it is received."""
    fallen = 0.0
    while not over.wait(1):
        fallen += 0.2
        device.client.publish(f"d/{device.key}/telemetry", json.dumps({"values": {"rain": fallen}}), qos=1)


def looked(county: Stack) -> bool:
    """The county looks at its lines, and tells people of what is suppressed no more."""
    for task in ("alarms.look_at_edges", "alarms.every_minute"):
        county.do(task)
    time.sleep(1)
    return True


def test_an_edge_that_starts_without_the_county_lets_its_devices_in(town: Town) -> None:
    town.add("early")
    town.link.cut()
    assert town.edge.stop() == 0
    (town.edge.home / "run/county").unlink()  # it was reached a moment ago
    town.edge.start("--edge", str(town.file))
    assert "away" in town.edge.run("status", code=1)
    device = Device(town.edge, "early")
    device.publish(100)
    assert until(lambda: device.acknowledged >= 100), town.edge.tail()
    device.close()
    town.link.join()
    assert until(lambda: len(committed(town.county, "early")) >= 100, 120), town.county.tail()
    assert committed(town.county, "early") == expected(100)
    assert until((town.edge.home / "run/county").exists, 30)  # it asks the county every few seconds
    assert json.loads(town.edge.run("status", "--json"))["parts"]["county"]["state"] == "ok"


def download(stack: Stack, key: str, password: str = "123456") -> int:
    """What a device hears that asks for a firmware which it was not told to take."""
    shown = base64.b64encode(f"{key}:{password}".encode()).decode()
    asked = urllib.request.Request(f"{stack.address}/things/download/1", headers={"Authorization": f"Basic {shown}"})
    try:
        with urllib.request.urlopen(asked, timeout=30) as answered:
            return int(answered.status)
    except urllib.error.HTTPError as error:
        return int(error.code)


def test_an_edge_asks_the_county_for_firmware(town: Town) -> None:
    town.add("takes")
    assert (download(town.edge, "takes"), download(town.edge, "takes", "wrong")) == (403, 401)
    town.link.cut()
    assert download(town.edge, "takes") == 503
    town.link.join()
    assert until(lambda: download(town.edge, "takes") == 403, 60), town.edge.tail()


def answer(stack: Stack, key: str) -> int:
    """What the broker says to a login."""
    answers: list[int] = []
    client = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id=key, protocol=paho.MQTTv311)
    client.username_pw_set(key, "123456")
    client.on_connect = lambda _c, _u, _f, reason, _p: answers.append(reason.value)
    client.connect("127.0.0.1", stack.mqtt)
    client.loop_start()
    assert until(lambda: len(answers) > 0)
    client.loop_stop()
    return answers[0]


class Connected:
    """A device that is connected and only listens: it does not come back by itself."""

    def __init__(self, stack: Stack, key: str) -> None:
        self.codes, self.is_out = list[int](), False
        self._client = paho.Client(
            paho.CallbackAPIVersion.VERSION2, client_id=key, protocol=paho.MQTTv311, reconnect_on_failure=False
        )
        self._client.username_pw_set(key, "123456")
        self._client.on_connect = lambda _c, _u, _f, reason, _p: self.codes.append(reason.value)
        self._client.on_disconnect = self._left
        self._client.connect("127.0.0.1", stack.mqtt, 30)
        self._client.loop_start()
        assert until(lambda: self.codes == [0])

    def _left(self, *_: object) -> None:
        self.is_out = True

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


def test_who_is_switched_off_at_the_county_is_out_at_the_edge(town: Town) -> None:
    for key in ("outside", "inside", "changed"):
        town.add(key)
    off, on, changed = (Connected(town.edge, key) for key in ("outside", "inside", "changed"))
    town.county.load("device", "off", "outside")
    assert until(lambda: off.is_out, 20), town.edge.tail()
    assert answer(town.edge, "outside") != 0
    assert (on.is_out, changed.is_out) == (False, False)
    town.link.cut()
    town.county.load("device", "off", "inside")
    town.county.add_device("changed", "ecology.water_station", "654321", "--area", TOWN)
    assert not until(lambda: on.is_out or changed.is_out, 7)  # it cannot have heard of it
    town.link.join()
    assert until(lambda: on.is_out and changed.is_out, 60), town.edge.tail()
    assert (answer(town.edge, "inside") != 0, answer(town.edge, "changed") != 0) == (True, True)
    town.county.load("device", "on", "outside")
    assert until(lambda: answer(town.edge, "outside") == 0, 20), town.edge.tail()
    for one in (off, on, changed):
        one.close()


def test_a_device_of_another_town_is_not_let_in(town: Town) -> None:
    town.add("elsewhere", ELSEWHERE)
    town.add("here")
    assert answer(town.edge, "here") == 0
    assert answer(town.edge, "elsewhere") != 0


def test_what_an_edge_says_of_another_towns_device_is_refused_and_kept(town: Town) -> None:
    """Whoever holds the town's machine may write into its log what they like."""
    town.add("far", ELSEWHERE)
    town.add("near")
    kept = "SELECT field, value, rule FROM things_quarantine WHERE sender = 'far'"
    passes = town.edge.home / "devices.json"
    told = json.loads(passes.read_text())
    town.link.cut()
    passes.write_text(json.dumps([*told, ["far", told[0][1], False, []]]))  # every password here is the same
    device = Device(town.edge, "far")
    device.publish(1)
    assert until(lambda: device.acknowledged == 1), town.edge.tail()
    device.close()
    town.link.join()
    assert until(lambda: bool(town.county.query(kept)), 120), town.county.tail()
    rule = "a device must be registered and enabled before it sends"
    assert town.county.query(kept) == [("device", "far", rule)]
    assert committed(town.county, "far") == []


def test_an_edge_that_lost_its_disk_begins_anew(town: Town) -> None:
    town.add("anew")
    device = Device(town.edge, "anew")
    device.publish(50)
    assert until(lambda: len(committed(town.county, "anew")) == 50, 120), town.county.tail()
    device.close()
    town.edge.stop()
    shutil.rmtree(town.edge.home)
    town.edge.start("--edge", str(town.file))
    town.add("newer")
    device = Device(town.edge, "newer")
    device.publish(50)
    assert until(lambda: device.acknowledged >= 50), town.edge.tail()
    device.close()
    assert until(lambda: len(committed(town.county, "newer")) == 50, 120), town.county.tail()
    assert committed(town.county, "newer") == expected(50)
    assert committed(town.county, "anew") == expected(50)
