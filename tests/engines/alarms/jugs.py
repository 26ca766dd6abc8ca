"""A jug that was too warm, and the alarm that came of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tests.fixtures import area, organisation

from shizhu.engines.alarms import api
from shizhu.engines.alarms.models import Alarm
from shizhu.engines.things import api as things
from shizhu.engines.things.models import Datastream
from shizhu.kernel import events
from shizhu.kernel.models import County

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)


def warm(county: County, key: str, town: str) -> Alarm:
    """A simulated jug of a town, 31.5 ℃ for twelve minutes."""
    wanted = things.Registration(
        key, "lemonade.jug", f"{key}号罐", organisation(county, "stand"), area(county, town), (100.2, 30.2),
        origin=things.Origin.SIMULATED,
    )  # fmt: skip
    device, _ = things.register(wanted)
    api.bind_all()
    stream = Datastream.objects.get(thing=device.thing, key="temperature").pk
    readings = [[stream, (NOON + timedelta(minutes=n)).isoformat(), 31.5, 1] for n in range(12)]
    event = events.Event(key, "things.observations.committed", "", county.pk, NOON, {"readings": readings})
    events.handle(next(c for c in events.consumers() if c.name == "alarms.judge"), event)
    return Alarm.objects.get(datastream=stream)
