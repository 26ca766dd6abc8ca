"""A running stack: a device is told what was refused of its telemetry, and only it; a part that dies comes back."""

from __future__ import annotations

import base64
import json
import os
import signal
import time
import urllib.error
import urllib.request
from typing import Any

import paho.mqtt.client as paho
import psutil
import pytest
from tests.stack.stack import Stack, until

pytestmark = pytest.mark.stack


def listening(stack: Stack, key: str, wanted: str) -> tuple[paho.Client, list[dict[str, Any]], list[int]]:
    """A device subscribed to the errors of `wanted`: what it hears, and the answer to its subscription."""
    heard: list[dict[str, Any]] = []
    granted: list[int] = []
    client = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id=key, protocol=paho.MQTTv311)
    client.username_pw_set(key, "123456")
    client.on_message = lambda _c, _u, message: heard.append(json.loads(message.payload))
    client.on_subscribe = lambda _c, _u, _m, codes, _p: granted.append(codes[0].value)
    client.on_connect = lambda c, *_: c.subscribe(f"d/{wanted}/errors", 1)
    client.connect("127.0.0.1", stack.mqtt)
    client.loop_start()
    assert until(lambda: bool(granted))
    return client, heard, granted


def test_what_is_refused_is_told_to_its_sender_alone(stack: Stack) -> None:
    stack.add_device("clumsy")
    stack.add_device("curious")
    own, heard, granted = listening(stack, "clumsy", "clumsy")
    other, overheard, refused = listening(stack, "curious", "clumsy")
    own.publish("d/clumsy/telemetry", json.dumps({"values": {"salt": 3, "ph": 7.5}}), qos=1)
    assert until(lambda: bool(heard))
    for client in (own, other):
        client.disconnect()
        client.loop_stop()
    told = [{name: value for name, value in one.items() if name != "received"} for one in heard]
    assert told == [{"field": "salt", "value": "3", "rule": "the device's profile has no such property"}]
    assert (granted, refused, overheard) == ([1], [128], [])


def test_a_device_takes_over_no_session_but_its_own(stack: Stack) -> None:
    stack.add_device("own")
    stack.add_device("own-longer")
    lost: list[int] = []
    victim, _heard, _granted = listening(stack, "own-longer", "own-longer")
    victim.on_disconnect = lambda *_: lost.append(1)
    answers: dict[str, int] = {}
    for client_id in ("own-longer", "own-2", "", "own", "own:2"):
        client = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id=client_id, protocol=paho.MQTTv311)
        client.username_pw_set("own", "123456")
        client.on_connect = lambda _c, _u, _f, reason, _p, name=client_id: answers.setdefault(name, reason.value)
        client.connect("127.0.0.1", stack.mqtt)
        client.loop_start()
        assert until(lambda name=client_id: name in answers)
        client.disconnect()
        client.loop_stop()
    assert lost == []
    victim.disconnect()
    victim.loop_stop()
    assert {name: code == 0 for name, code in answers.items()} == {
        "own-longer": False, "own-2": False, "": False, "own": True, "own:2": True,
    }  # fmt: skip


def answer(stack: Stack, key: str, password: str) -> int:
    """How the broker answers somebody who connects: 0 accepted."""
    codes: list[int] = []
    client = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id=key, protocol=paho.MQTTv311)
    client.username_pw_set(key, password)
    client.on_connect = lambda _c, _u, _f, code, _p: codes.append(code.value)
    client.connect("127.0.0.1", stack.mqtt)
    client.loop_start()
    assert until(lambda: bool(codes))
    client.disconnect()
    client.loop_stop()
    return codes[0]


def basic(stack: Stack, key: str, password: str) -> int:
    """How SensorThings over HTTP answers the same."""
    shown = base64.b64encode(f"{key}:{password}".encode()).decode()
    request = urllib.request.Request(f"{stack.address}/sta/v1.1/Things", headers={"Authorization": f"Basic {shown}"})
    try:
        with urllib.request.urlopen(request, timeout=20) as found:
            return int(found.status)
    except urllib.error.HTTPError as error:
        return int(error.code)


def test_guesses_at_six_digits_have_to_wait(stack: Stack) -> None:
    stack.add_device("guarded")
    assert until(lambda: answer(stack, "guarded", "123456") == 0)
    assert [answer(stack, "guarded", f"{guess:06}") == 0 for guess in range(5)] == [False] * 5
    assert answer(stack, "guarded", "123456") != 0  # even the right one, for fifteen seconds
    assert basic(stack, "guarded", "123456") == 403  # known at the other door, which counts for itself
    assert [basic(stack, "guarded", f"{guess:06}") for guess in range(5)] == [401] * 5
    assert basic(stack, "guarded", "123456") == 401
    assert until(lambda: answer(stack, "guarded", "123456") == 0)


def test_a_stopped_event_log_is_told_at_once(stack: Stack) -> None:
    def told() -> tuple[str, str, bool]:
        began = time.monotonic()
        try:
            with urllib.request.urlopen(f"{stack.address}/healthz", timeout=20) as answer:
                body = json.load(answer)
        except urllib.error.HTTPError as error:
            body = json.load(error)
        return body["state"], body["parts"]["event_log"]["state"], time.monotonic() - began < 8

    assert until(lambda: told() == ("ok", "ok", True)), stack.tail()
    os.kill(stack.pid("nats"), signal.SIGSTOP)
    try:
        assert told() == ("degraded", "down", True)
        assert "\n  event_log down     reason=timed out\n" in stack.run("status", code=1)
    finally:
        os.kill(stack.pid("nats"), signal.SIGCONT)
    assert until(lambda: told() == ("ok", "ok", True)), stack.tail()


def restarts(stack: Stack) -> dict[str, int]:
    return {name: child["restarts"] for name, child in stack.state["children"].items()}


def test_parts_that_die_are_started_again_and_counted_by_a_fork_server_that_died_too(stack: Stack) -> None:
    stack.add_device("patient")
    before, web = restarts(stack), stack.pid("web")
    stack.kill("forkserver")
    stack.kill("gateway")
    after = {**before, "forkserver": before["forkserver"] + 1, "gateway": before["gateway"] + 1}
    assert until(lambda: restarts(stack) == after), stack.tail()
    assert stack.pid("web") == web
    client, _heard, granted = listening(stack, "patient", "patient")
    client.disconnect()
    client.loop_stop()
    assert granted == [1]
    supervisor = psutil.Process(stack.state["pid"])
    roles = {child.name(): child.pid for child in supervisor.children() if child.name().startswith("shizhu-")}
    assert set(roles) == {"shizhu-web", "shizhu-gateway", "shizhu-ingest", "shizhu-worker"}
    assert {os.getsid(role) for role in roles.values()} == set(roles.values())
    zombie = psutil.STATUS_ZOMBIE
    assert until(lambda: [child for child in supervisor.children() if child.status() == zombie] == [])


def test_the_web_server_and_its_worker_are_started_again(stack: Stack) -> None:
    def is_answered() -> bool:
        try:
            with urllib.request.urlopen(f"{stack.address}/login", timeout=20) as page:
                return bool(page.status == 200)
        except OSError:
            return False

    (worker,) = psutil.Process(stack.pid("web")).children()
    before = restarts(stack)["web"]
    worker.kill()
    assert until(is_answered), stack.tail()
    assert restarts(stack)["web"] == before
    stack.kill("web")
    assert until(lambda: restarts(stack)["web"] == before + 1), stack.tail()
    assert until(is_answered), stack.tail()
