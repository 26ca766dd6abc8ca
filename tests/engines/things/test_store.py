"""A batch is committed exactly once, whatever comes again, late or changed."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.db import connection
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from tests.fixtures import area, organisation

from shizhu.engines.things import api, store
from shizhu.engines.things.catalogue import Catalogue
from shizhu.engines.things.logic.readings import Reading, Reject, Verdict
from shizhu.engines.things.models import Datastream, Device, Hour, Latest, Observation, Quarantine
from shizhu.kernel.models import County, OutboxEvent

pytestmark = pytest.mark.django_db(transaction=True)
NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
WRITE = """INSERT INTO things_observation (datastream_id, phenomenon_time, result, verdict, origin)
VALUES (%s, '2026-07-01 12:00Z', 1, 0, 0)"""


def url() -> str:
    return settings.DATABASE_URL.replace("/shizhu?", f"/{connection.settings_dict['NAME']}?")


def minute(number: float) -> datetime:
    return NOON + timedelta(minutes=number)


@pytest.fixture
def device(county: County) -> Device:
    wanted = api.Registration(
        "jug-1", "lemonade.jug", "一号水罐", organisation(county, "stand"), area(county, "101"), (100.2, 30.2)
    )
    return api.register(wanted, "secret")[0]


@pytest.fixture
def stream(device: Device) -> int:
    return Datastream.objects.get(thing=device.thing, key="temperature").pk


async def commit(*readings: Reading, **rest: Any) -> store.Outcome:
    async with await psycopg.AsyncConnection.connect(url(), autocommit=True) as plain:
        catalogue = Catalogue()
        await catalogue.refresh(plain)
        return await store.commit(plain, store.Batch(list(readings), **rest), catalogue.streams)


def rows(stream: int) -> list[tuple[float, float, int]]:
    found = Observation.objects.filter(datastream=stream).order_by("phenomenon_time", "sequence")
    return [((o.phenomenon_time - NOON) / timedelta(minutes=1), o.result, o.sequence) for o in found]


async def test_the_same_again_is_a_duplicate_and_another_value_a_correction(stream: int) -> None:
    first = await commit(Reading(stream, minute(0), 7.0), Reading(stream, minute(1), 7.1))
    assert (first.committed, first.duplicates, first.corrections) == (2, 0, 0)
    again = await commit(
        Reading(stream, minute(0), 7.0), Reading(stream, minute(1), 7.5), Reading(stream, minute(2), 7.2)
    )
    assert (again.committed, again.duplicates, again.corrections) == (2, 1, 1)


async def test_another_end_is_a_correction_and_none_at_all_a_duplicate(stream: int) -> None:
    await commit(Reading(stream, minute(0), 7.0, end=minute(5)))
    longer = await commit(Reading(stream, minute(0), 7.0, end=minute(10)))
    silent = await commit(Reading(stream, minute(0), 7.0))
    assert (longer.corrections, longer.duplicates) == (1, 0)
    assert (silent.corrections, silent.duplicates) == (0, 1)


async def test_within_one_batch_too(stream: int) -> None:
    sent = [Reading(stream, minute(0), value) for value in (7.0, 7.0, 6.0, 7.0)]
    outcome = await commit(*sent)
    assert (outcome.committed, outcome.duplicates, outcome.corrections) == (3, 1, 2)


def test_every_part_of_a_reading_is_kept(stream: int, run: Any) -> None:
    result, more = '{"名": "引号\\" 反斜线\\\\ 制表\\t"}', '{"resultQuality": [1.5, null]}'
    feature = Datastream.objects.get(pk=stream).feature_id
    full = Reading(stream, minute(0), None, 1, 2, minute(5), minute(6), result, feature, more)
    run(commit(full, Reading(stream, minute(1), -0.1, result_time=minute(2))))
    kept, plain = Observation.objects.filter(datastream=stream).order_by("phenomenon_time")
    assert (kept.result, kept.result_json, kept.extra) == (None, json.loads(result), json.loads(more))
    assert (kept.verdict, kept.origin, kept.feature_id) == (1, 2, feature)
    assert (kept.phenomenon_end, kept.result_time) == (minute(5), minute(6))
    assert (plain.result, plain.result_time, plain.feature_id, plain.extra) == (-0.1, minute(2), None, None)
    latest = Latest.objects.get(datastream=stream)
    assert (latest.first_time, latest.last_end, latest.result_time) == (minute(0), minute(5), minute(2))


def test_one_key_that_is_there_leaves_the_others_new(stream: int, run: Any) -> None:
    run(commit(Reading(stream, minute(1), 7.0)))
    outcome = run(commit(*(Reading(stream, minute(n), 8.0) for n in range(3))))
    assert (outcome.committed, outcome.duplicates, outcome.corrections) == (3, 0, 1)
    assert rows(stream) == [(0, 8.0, 0), (1, 7.0, 0), (1, 8.0, 1), (2, 8.0, 0)]
    (hour,) = Hour.objects.all()
    assert (hour.count, hour.total) == (3, 24.0)


def test_an_hour_is_one_of_utc_whatever_the_zone_of_a_time(stream: int, run: Any) -> None:
    kolkata = timezone(timedelta(hours=5, minutes=30))
    run(commit(Reading(stream, minute(40).astimezone(kolkata), 6.0), Reading(stream, minute(10), 8.0)))
    assert [(hour.hour, hour.count) for hour in Hour.objects.all()] == [(NOON, 2)]


def test_history_keeps_every_sequence(stream: int, run: Any) -> None:
    run(commit(Reading(stream, minute(0), 7.0)))
    run(commit(Reading(stream, minute(0), 6.0)))
    run(commit(Reading(stream, minute(0), 6.0)))
    assert rows(stream) == [(0, 7.0, 0), (0, 6.0, 1)]


def test_late_data_never_replaces_a_newer_latest_value(stream: int, run: Any) -> None:
    run(commit(Reading(stream, minute(10), 7.0)))
    run(commit(Reading(stream, minute(3), 5.0), Reading(stream, minute(4), 5.5)))
    latest = Latest.objects.get(datastream=stream)
    assert (latest.phenomenon_time, latest.result, latest.first_time) == (minute(10), 7.0, minute(3))


def test_a_correction_of_the_latest_is_the_latest(stream: int, run: Any) -> None:
    run(commit(Reading(stream, minute(10), 7.0)))
    run(commit(Reading(stream, minute(10), 6.5)))
    assert Latest.objects.get(datastream=stream).result == 6.5


def test_an_hour_counts_good_readings_as_they_are_known_now(stream: int, run: Any) -> None:
    run(
        commit(
            Reading(stream, minute(0), 6.0),
            Reading(stream, minute(1), 8.0),
            Reading(stream, minute(2), 99.0, Verdict.BAD),
        )
    )
    run(commit(Reading(stream, minute(1), 10.0), Reading(stream, minute(61), 1.0)))
    hours = [(h.hour, h.count, h.total, h.least, h.most) for h in Hour.objects.order_by("hour")]
    assert hours == [(NOON, 2, 16.0, 6.0, 10.0), (minute(60), 1, 1.0, 1.0, 1.0)]


def test_only_watched_good_and_new_readings_are_told(stream: int, run: Any) -> None:
    OutboxEvent.objects.all().delete()
    run(commit(Reading(stream, minute(0), 6.0)))
    assert OutboxEvent.objects.count() == 0
    Datastream.objects.filter(pk=stream).update(is_watched=True)
    run(
        commit(
            Reading(stream, minute(0), 6.0),
            Reading(stream, minute(1), 7.0),
            Reading(stream, minute(2), 99.0, Verdict.BAD),
        )
    )
    told = [row.envelope["data"]["readings"] for row in OutboxEvent.objects.all()]
    assert told == [[[stream, "2026-07-01T12:01:00+00:00", 7.0, 0]]]


def test_bad_input_is_kept_with_its_reason(device: Device, run: Any) -> None:
    reject = Reject("time", "yesterday", "a time needs its zone")
    run(commit(refused=[store.Refused(NOON, "mqtt", device.pk, "jug-1", b"{}", reject)]))
    kept = Quarantine.objects.get()
    assert (kept.device, bytes(kept.payload), kept.field, kept.value, kept.rule) == (
        device,
        b"{}",
        "time",
        "yesterday",
        reject.rule,
    )
    device.refresh_from_db()
    assert device.last_error == {"field": "time", "value": "yesterday", "rule": "a time needs its zone"}


def test_a_datastream_is_there_as_long_as_an_observation_names_it(stream: int, run: Any) -> None:
    with pytest.raises(psycopg.errors.ForeignKeyViolation, match="a Datastream that is not there"):
        run(commit(Reading(stream, minute(0), 1.0), Reading(stream + 1000, minute(0), 1.0)))
    with pytest.raises(psycopg.errors.ForeignKeyViolation, match="a FeatureOfInterest that is not there"):
        run(commit(Reading(stream, minute(0), 1.0), Reading(stream, minute(1), 1.0, feature=1000)))
    assert rows(stream) == []

    with psycopg.connect(url()) as one, psycopg.connect(url()) as other:
        one.execute("DELETE FROM things_datastream WHERE id = %s", (stream,))
        other.execute("SET lock_timeout = '50ms'")
        with pytest.raises(psycopg.errors.LockNotAvailable):  # written only once it is certain that it stays
            other.execute(WRITE, (stream,))
        one.rollback()
        other.rollback()
        one.execute(WRITE, (stream,))
        other.execute("SET lock_timeout = '50ms'")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            other.execute("DELETE FROM things_datastream WHERE id = %s", (stream,))
        other.rollback()
        one.commit()
        other.execute("DELETE FROM things_datastream WHERE id = %s", (stream,))
        with pytest.raises(psycopg.errors.ForeignKeyViolation, match=f"observations still have datastream_id {stream}"):
            other.commit()
    assert rows(stream) == [(0, 1.0, 0)]


@hypothesis_settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3)), max_size=8), max_size=6))
def test_any_order_of_batches_agrees_with_a_model(stream: int, run: Any, batches: list[list[tuple[int, int]]]) -> None:
    Observation.objects.all().delete()
    Latest.objects.all().delete()
    Hour.objects.all().delete()
    model: dict[int, list[float]] = {}
    for batch in batches:
        for number, value in batch:
            history = model.setdefault(number, [])
            if not history or history[-1] != value:
                history.append(float(value))
        run(commit(*(Reading(stream, minute(number), float(value)) for number, value in batch)))
    expected = [(number, value, n) for number in sorted(model) for n, value in enumerate(model[number])]
    assert rows(stream) == expected
    now = [model[number][-1] for number in sorted(model)]
    assert [(h.count, h.total) for h in Hour.objects.all()] == ([(len(now), sum(now))] if now else [])
    assert [entry.result for entry in Latest.objects.all()] == now[-1:]
