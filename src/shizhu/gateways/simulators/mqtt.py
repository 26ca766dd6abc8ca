"""A simulated MQTT device: telemetry at QoS 1, kept in order until the broker has acknowledged it; it obeys commands.

It does a command once, however often it hears of it, and answers each time. A firmware is downloaded in parts over a
line that breaks, its length and hash are verified, and some cannot be installed (`updating`).
"""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

import orjson
import paho.mqtt.client as paho

from shizhu.gateways.simulators import updating
from shizhu.gateways.simulators.hj212 import Faults

KEEPALIVE_SECONDS = 30
MOST_IN_FLIGHT = 100


@dataclass
class Counts:
    """What happened so far."""

    published: int = 0
    acknowledged: int = 0
    repeated: int = 0
    lost: int = 0
    corrupted: int = 0
    obeyed: int = 0


class Publisher:
    """One device. paho keeps what is not acknowledged and sends it again after a reconnect."""

    def __init__(
        self, host: str, port: int, *, key: str, password: str, faults: Faults | None = None, seed: int = 0
    ) -> None:
        self.key, self.faults, self.counts = key, faults or Faults(), Counts()
        self._random = random.Random(f"{seed}/{key}")  # noqa: S311  # faults to order, not secrets
        self._client = paho.Client(
            paho.CallbackAPIVersion.VERSION2, client_id=f"{key}:sim", clean_session=False, protocol=paho.MQTTv311
        )
        self._client.username_pw_set(key, password)
        self._client.max_inflight_messages_set(MOST_IN_FLIGHT)
        self._client.reconnect_delay_set(1, 20)
        self._client.on_publish = self._acknowledged
        self._client.on_connect = lambda *_: self._client.subscribe(f"cmd/{key}", qos=1)
        self._client.on_message = self._told
        self._client.on_subscribe = self._listens
        self._password = password
        self._said: dict[int, updating.Said] = {}  # what it said last of each command
        self.is_listening = False
        self._client.connect_async(host, port, KEEPALIVE_SECONDS)

    def _acknowledged(self, *_: Any) -> None:
        self.counts.acknowledged += 1

    def _listens(self, *_: object) -> None:
        self.is_listening = True

    def _told(self, _client: object, _data: object, message: paho.MQTTMessage) -> None:
        command = orjson.loads(message.payload)
        if self._random.random() < self.faults.lose:
            self.counts.lost += 1
            return
        number, parameters = command["id"], command["parameters"]
        if (known := self._said.get(number)) is not None:
            self._say(number, known)
            return
        self.counts.obeyed += 1
        self._say(number, {"state": "acknowledged"})
        if "sha256" in parameters:
            threading.Thread(target=self._update, args=(number, parameters), daemon=True).start()
        else:
            is_release = command["command"] == updating.CONFIGURE
            result = {"version": parameters["version"]} if is_release else parameters
            self._say(number, {"state": "done", "result": result})

    def _update(self, number: int, parameters: dict[str, Any]) -> None:
        chance = random.Random(f"{self.key}/{number}")  # noqa: S311  # faults to order, not secrets
        for said in updating.steps(parameters, (self.key, self._password), self.faults, chance):
            self._say(number, said)

    def _say(self, number: int, said: updating.Said) -> None:
        self._said[number] = said
        answer = orjson.dumps({"id": number, **said})
        for _ in range(1 + (self._random.random() < self.faults.repeat)):
            self._send(answer, f"cmd/{self.key}/ack")

    async def __aenter__(self) -> Self:
        self._client.loop_start()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._client.disconnect()
        await asyncio.to_thread(self._client.loop_stop)

    def publish(self, values: Mapping[str, float], at: datetime) -> None:
        """Queue one telemetry message; the faults decide what becomes of it on the way."""
        payload = orjson.dumps({"time": at, "values": dict(values)})
        if self._random.random() < self.faults.lose:
            self.counts.lost += 1
            return
        if self._random.random() < self.faults.corrupt:
            self.counts.corrupted += 1
            payload = payload[: len(payload) // 2]
        self._send(payload)
        if self._random.random() < self.faults.repeat:
            self.counts.repeated += 1
            self._send(payload)

    def _send(self, payload: bytes, topic: str = "") -> None:
        self.counts.published += 1
        self._client.publish(topic or f"d/{self.key}/telemetry", payload, qos=1)

    async def drained(self, within: float = 30.0) -> bool:
        """Wait until the broker has acknowledged everything; False if it has not in time."""
        deadline = asyncio.get_running_loop().time() + within
        while self.counts.acknowledged < self.counts.published:
            if asyncio.get_running_loop().time() > deadline:
                return False
            await asyncio.sleep(0.05)
        return True
