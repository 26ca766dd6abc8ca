"""What a county declares of its own works like what packs declare, in that county alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from tests.fixtures import area, organisation, person

from shizhu.engines.alarms import api
from shizhu.engines.things import api as things
from shizhu.kernel import access, events, packs
from shizhu.kernel.models import County, Declaration

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
HOT = {
    "title": {"zh": "本县热", "en": "Hot here"},
    "when": {"profile": "lemonade.jug", "property": "temperature", "above": 25},
    "level": "blue",
}


def test_a_rule_of_a_county_raises_its_alarm(county: County) -> None:
    Declaration.objects.create(kind="rules", key="local.hot", county=county, body=HOT, digest="x", source="person")
    packs.forget()
    wanted = things.Registration("jug-1", "lemonade.jug", "一号", organisation(county), area(county, "101"), None)
    things.register(wanted, "secret")
    api.bind_all()
    (stream,) = things.streams_of("lemonade.jug", "temperature")
    readings = [[stream.id, (NOON + timedelta(minutes=n)).isoformat(), 27.0, 0] for n in range(3)]
    consumer = next(found for found in events.consumers() if found.name == "alarms.judge")
    events.handle(consumer, events.Event("e", consumer.types[0], "", county.pk, NOON, {"readings": readings}))
    who = access.actor(person(county, "alarms.alarm.view"))
    assert [(alarm.rule, alarm.level, alarm.title["zh"]) for alarm in api.alarms(who, county.pk)] == [
        ("local.hot", "blue", "本县热")
    ]


def test_a_declaration_of_a_county_is_no_other_countys(county: County) -> None:
    Declaration.objects.create(kind="rules", key="local.hot", county=county, body=HOT, digest="x", source="person")
    County.objects.create(code="990002", name="乙县")
    packs.forget()
    assert packs.declaration("rules", "local.hot", county.pk) == HOT
    assert packs.declaration("rules", "lemonade.too_warm", "990002")["level"] == "yellow"
    for other in ("990002", None):
        with pytest.raises(KeyError):
            packs.declaration("rules", "local.hot", other)
