"""The demo county: simulated people and stations, seeded once, and the role that makes the stations send.

Stations send over the real protocols (MQTT, HJ 212) with a few faults, so that what a newcomer sees took the whole way.
"""

from __future__ import annotations

import asyncio
import hashlib
import importlib
import json
import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from shizhu.gateways.simulators.hj212 import Faults, Retry, Terminal, real_time
from shizhu.gateways.simulators.mqtt import Publisher
from shizhu.gateways.simulators.operator import Operator
from shizhu.lib import yamls
from shizhu.site.config import CLONE, Config
from shizhu.site.supervisor import free_port

logger = logging.getLogger(__name__)
PAST = timedelta(hours=24)
PAST_STEP = timedelta(minutes=15)
LIVE_SECONDS = 10.0
OPERATOR, OPERATOR_DELAY, OPERATOR_ANSWERS = "demo", 20.0, 0.6
EMPTY, STRANGERS = frozenset({"13900000004"}), frozenset({"13900000015"})  # telephone numbers of the demo's rows
RETRY = Retry(timeout=2.0)
FAULTS = Faults(lose=0.005, repeat=0.01, corrupt=0.003, fail=0.2)
PHYSICS = {
    "ecology.water_station": "shizhu.packs.ecology.demo.water",
    "rivers.stage_station": "shizhu.packs.rivers.demo.stage",
    "emergency.rain_gauge": "shizhu.packs.emergency.demo.rain",
}
CODES = {  # HJ 212 factor codes the simulated analyser sends
    "dissolved_oxygen": "w01009", "water_temperature": "w01010", "ph": "w01001", "conductivity": "w01014",
    "turbidity": "w01003", "permanganate_index": "w01019", "ammonia_nitrogen": "w21003", "total_phosphorus": "w21011",
    "total_nitrogen": "w21001",
}  # fmt: skip
Station = Mapping[str, Any]
Values = Callable[[Station, datetime], dict[str, float]]


def stations(county: str) -> list[dict[str, Any]]:
    """The county's simulated stations."""
    file = CLONE / "counties" / county / "demo/stations.yaml"
    found: list[dict[str, Any]] = yamls.read_own(file.read_text(encoding="utf-8")) if file.exists() else []
    return found


def password(config: Config, key: str) -> str:
    """A station's password: six digits, because that is what HJ 212 has."""
    return str(int(hashlib.sha256(f"{config.secrets['demo']}/{key}".encode()).hexdigest(), 16) % 10**6).zfill(6)


def kept(config: Config) -> dict[str, Any]:
    """What this demo keeps of itself: when it `began` (the story is told from there), the port of its `operator`."""
    known = config.demo
    made = {"began": datetime.now(UTC).isoformat(), "operator": free_port(), **known}
    if made != known:
        (config.home / "demo.json").write_text(json.dumps(made))
    return made


def began(config: Config) -> datetime:
    """When this demo was first started."""
    return datetime.fromisoformat(kept(config)["began"])


def operator(config: Config) -> Operator | None:
    """The operator for texts, calls and loudspeakers, no better than a real one; None if its port is taken."""
    try:
        return Operator(
            OPERATOR, config.secrets["demo"], report=config.address, delay=OPERATOR_DELAY, answers=OPERATOR_ANSWERS,
            port=kept(config)["operator"], empty=EMPTY, strangers=STRANGERS,
        )  # fmt: skip
    except OSError as error:
        logger.warning("the simulated operator does not run: %s", error)
        return None


def prepared(station: dict[str, Any], start: datetime) -> dict[str, Any]:
    """The station with its spills and storms as times."""
    told = {
        name: [(start - timedelta(hours=before), *rest) for before, *rest in station.get(name, ())]
        for name in ("spills", "storms")
    }
    past = [(datetime.fromisoformat(begin), *rest) for begin, *rest in station.get("past", ())]
    return {**station, **told, "past": past}


def past_moments(station: Station) -> list[datetime]:
    """When a station had sent in years before: every half hour of what happened, and once a day for weeks before it."""
    found: set[datetime] = set()
    for begin, hours, _size in station["past"]:
        found |= {begin + n * HALF_HOUR for n in range(-2, 2 * hours + 7)}
        day = begin.replace(hour=8, minute=0)
        found |= {day - timedelta(days=n) for n in range(WEEKS.days)}
    return sorted(found)


async def tell_past(found: list[Station], progress: Progress, county: str) -> None:
    """What stations measured in years before, once, as history: no rule raises an alarm of it."""
    things = importlib.import_module("shizhu.engines.things.api")
    sent = []
    for station in found:
        values: Values = importlib.import_module(PHYSICS[station["profile"]]).values
        moments = past_moments(station) if not progress.knows(f"{PAST_TOLD}/{station['key']}") else []
        for some in (moments[n : n + AT_ONCE] for n in range(0, len(moments), AT_ONCE)):
            samples = [things.Sample(name, at, value) for at in some for name, value in values(station, at).items()]
            origin = things.Origin.SIMULATED
            sent.append(
                things.Submission(things.replay.PROTOCOL, station["key"], b"", samples, [], origin, is_history=True)
            )
    if sent:
        await things.replay.publish(sent, lambda done, total: logger.info("%s: past %s of %s", county, done, total))
    for station in found:
        progress.reached(f"{PAST_TOLD}/{station['key']}", datetime.now(UTC))


HALF_HOUR, WEEKS = timedelta(minutes=30), timedelta(days=35)
AT_ONCE = 200  # readings in a message of the past
PAST_TOLD = "past"


class Progress:
    """How far each station has sent, so that a restart goes on where it stopped."""

    def __init__(self, home: Path) -> None:
        self._file = home / "demo-progress.json"
        try:
            self._last = {key: datetime.fromisoformat(text) for key, text in json.loads(self._file.read_text()).items()}
        except (OSError, ValueError):
            self._last = {}

    def start(self, key: str, now: datetime) -> datetime:
        """The first moment that still has to be sent."""
        return max(self._last.get(key, now - PAST) + PAST_STEP, now - PAST)

    def knows(self, key: str) -> bool:
        """Whether anything of it was sent."""
        return key in self._last

    def reached(self, key: str, at: datetime) -> None:
        """Everything up to `at` was sent."""
        self._last[key] = at
        part = self._file.with_suffix(".new")
        part.write_text(json.dumps({name: moment.isoformat() for name, moment in self._last.items()}))
        part.replace(self._file)


async def mqtt_station(config: Config, station: Station, values: Values, progress: Progress) -> None:
    """One station over MQTT, for ever."""
    key = station["key"]
    async with Publisher(
        config.host, config.mqtt_port, key=key, password=password(config, key), faults=FAULTS
    ) as device:

        async def send(at: datetime) -> None:
            device.publish(values(station, at), at)

        async def sent() -> None:
            await device.drained()

        await _tell(key, send, sent, progress)


async def hj212_station(config: Config, station: Station, values: Values, progress: Progress) -> None:
    """One station over HJ 212, for ever."""
    key = station["key"]
    secret, st = password(config, key), station["st"]
    address = config.host, config.hj212_port
    async with Terminal(*address, mn=key, password=secret, st=st, faults=FAULTS, retry=RETRY) as device:

        async def send(at: datetime) -> None:
            device.upload(at, real_time({CODES[name]: value for name, value in values(station, at).items()}))

        await _tell(key, send, device.deliver, progress)


async def _tell(key: str, send: Callable[[datetime], Any], sent: Callable[[], Any], progress: Progress) -> None:
    """First the past, quickly; then now, every few seconds."""
    now = datetime.now(UTC).replace(microsecond=0)
    at = progress.start(key, now)
    at -= timedelta(seconds=at.timestamp() % PAST_STEP.total_seconds())
    while at < now:
        await send(at)
        at += PAST_STEP
    await sent()
    while True:
        now = datetime.now(UTC).replace(microsecond=0)
        await send(now)
        await sent()
        progress.reached(key, now)
        await asyncio.sleep(LIVE_SECONDS)


async def run(config: Config) -> None:
    """All stations of all counties."""
    start, progress, _operator = began(config), Progress(config.home), operator(config)
    async with asyncio.TaskGroup() as group:
        for folder in sorted((CLONE / "counties").glob("*/county.yaml")):
            found = [prepared(raw, start) for raw in stations(folder.parent.name)]
            group.create_task(tell_past([one for one in found if one["past"]], progress, folder.parent.name))
            for raw, station in zip(stations(folder.parent.name), found, strict=True):
                values: Values = importlib.import_module(PHYSICS[raw["profile"]]).values
                send = mqtt_station if raw["protocol"] == "mqtt" else hj212_station
                group.create_task(send(config, station, values, progress))
