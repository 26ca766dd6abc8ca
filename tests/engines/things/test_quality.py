"""Every reading gets its verdict and the reason before it is committed, from its range and the readings before it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from statistics import median
from typing import Any

import pytest
from django.db import connection
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from tests.engines.things.test_store import commit, minute
from tests.fixtures import area, organisation

from shizhu.engines.things import api, store
from shizhu.engines.things.logic import quality
from shizhu.engines.things.logic.readings import Reading, Verdict
from shizhu.engines.things.models import Datastream, Hour, Latest, Observation, Thing
from shizhu.kernel.models import County, OutboxEvent

pytestmark = pytest.mark.django_db(transaction=True)
GOOD, SUSPECT, BAD = Verdict.GOOD, Verdict.SUSPECT, Verdict.BAD


@pytest.fixture
def stream(county: County) -> int:
    """Pressure: 0–500, at most 10 a minute, 30 from the median, the same for an hour at most."""
    wanted = api.Registration(
        "jug-1", "lemonade.jug", "一号水罐", organisation(county, "stand"), area(county, "101"), (100.2, 30.2)
    )
    return Datastream.objects.get(thing=api.register(wanted, "secret")[0].thing, key="pressure").pk


@pytest.fixture
def checks(stream: int) -> Any:
    """Change what the datastream declares."""
    return lambda **declared: Datastream.objects.filter(pk=stream).update(checks=declared)


def verdicts(stream: int) -> list[tuple[float, int, Any]]:
    rows = Observation.objects.filter(datastream=stream).order_by("phenomenon_time", "sequence")
    return [(o.result, o.verdict, o.reason) for o in rows]


def test_outside_the_range_is_bad_with_value_and_limit(stream: int, run: Any) -> None:
    run(commit(Reading(stream, minute(0), 501.0, BAD)))
    told = {"rule": "range", "value": 501.0, "limit": [0.0, 500.0]}
    assert verdicts(stream) == [(501.0, BAD, told)]
    latest = Latest.objects.get(datastream=stream)
    assert (latest.verdict, latest.reason) == (BAD, told)


def test_what_the_device_doubts_says_so(stream: int, run: Any) -> None:
    run(commit(Reading(stream, minute(0), 100.0, SUSPECT)))
    assert verdicts(stream) == [(100.0, SUSPECT, {"rule": "device"})]


@pytest.mark.parametrize("is_split", [False, True])
def test_too_fast_a_change_since_the_last_good_reading_is_suspect(stream: int, run: Any, is_split: bool) -> None:
    sent = [Reading(stream, minute(n), value) for n, value in ((0, 100.0), (2, 119.0), (4, 150.0), (6, 121.0))]
    for part in [[one] for one in sent] if is_split else [sent]:
        run(commit(*part))
    told = {"rule": "rate", "value": 15.5, "limit": 10, "per": "PT1M"}
    assert verdicts(stream) == [(100, GOOD, None), (119, GOOD, None), (150, SUSPECT, told), (121, GOOD, None)]


def test_far_from_the_median_is_suspect_until_the_new_level_is_the_usual_one(
    stream: int, run: Any, checks: Any
) -> None:
    checks(spike=30)
    values = (100.0, 101.0, 99.0, 140.0, 100.0, 140.0, 140.0, 140.0)
    run(commit(*(Reading(stream, minute(n), value) for n, value in enumerate(values))))
    assert [verdict for _, verdict, _ in verdicts(stream)] == [GOOD, GOOD, GOOD, SUSPECT, GOOD, SUSPECT, SUSPECT, GOOD]
    assert verdicts(stream)[3] == (140, SUSPECT, {"rule": "spike", "value": 40, "limit": 30})


@pytest.mark.parametrize("is_split", [False, True])
def test_the_same_value_for_too_long_is_suspect(stream: int, run: Any, is_split: bool) -> None:
    sent = [Reading(stream, minute(n), 100.0 if n else 99.0) for n in range(0, 90, 20)]
    for part in [[one] for one in sent] if is_split else [sent]:
        run(commit(*part))
    told = {"rule": "stuck", "value": "PT1H", "limit": "PT1H"}
    assert verdicts(stream)[-2:] == [(100, GOOD, None), (100, SUSPECT, told)]
    run(commit(Reading(stream, minute(100), 100.1)))
    assert verdicts(stream)[-1] == (100.1, GOOD, None)


def test_the_first_and_one_after_a_long_silence_are_not_compared(stream: int, run: Any) -> None:
    run(commit(Reading(stream, minute(0), 10.0)))
    run(commit(Reading(stream, minute(0) + timedelta(days=1, minutes=1), 400.0)))
    assert verdicts(stream) == [(10, GOOD, None), (400, GOOD, None)]


def test_a_late_reading_is_judged_by_what_came_before_it_in_time(stream: int, run: Any) -> None:
    run(commit(Reading(stream, minute(0), 100.0), Reading(stream, minute(30), 130.0)))
    run(commit(Reading(stream, minute(2), 140.0), Reading(stream, minute(4), 102.0), Reading(stream, minute(1), 100.0)))
    told = {"rule": "rate", "value": 20.0, "limit": 10, "per": "PT1M"}
    assert [row[:2] for row in verdicts(stream)] == [
        (100, GOOD), (100, GOOD), (140, SUSPECT), (102, GOOD), (130, GOOD),
    ]  # fmt: skip
    assert verdicts(stream)[2][2] == told


def test_neighbours_are_found_along_the_key_whatever_is_known_of_the_table(stream: int, run: Any) -> None:
    run(commit(*(Reading(stream, minute(n), 100.0 + n % 2) for n in range(3000))))
    for known in ("", "ANALYZE things_observation"):
        with connection.cursor() as cursor:
            if known:
                cursor.execute(known)
            cursor.execute(f"EXPLAIN {store.BEFORE}", ([stream], [minute(3000)]))
            told = "\n".join(line for (line,) in cursor.fetchall())
        assert "Index Scan Backward using things_observation_pkey" in told
        assert "Sort" not in told


def test_no_rule_sees_a_suspect_reading_and_no_rollup_counts_it(stream: int, run: Any) -> None:
    Datastream.objects.filter(pk=stream).update(is_watched=True)
    OutboxEvent.objects.all().delete()
    run(commit(Reading(stream, minute(0), 100.0), Reading(stream, minute(1), 200.0)))
    told = [row.envelope["data"]["readings"] for row in OutboxEvent.objects.all()]
    assert told == [[[stream, "2026-07-01T12:00:00+00:00", 100.0, 0]]]
    assert [(h.count, h.total) for h in Hour.objects.all()] == [(1, 100.0)]


def test_a_changed_profile_reaches_the_catalogue_by_registering_again(stream: int, run: Any, county: County) -> None:
    assert Datastream.objects.get(pk=stream).checks == {
        "rate": {"most": 10, "per": "PT1M"}, "spike": 30, "stuck": "PT1H", "interval": "PT5M",
    }  # fmt: skip
    thing = Thing.objects.get(key="jug-1")
    assert Datastream.objects.get(thing=thing, key="temperature").checks is None


def model(sent: list[tuple[int, int]]) -> dict[int, int]:
    """Verdicts by time, one reading after the other: the plainest way to say the same."""
    known: dict[int, tuple[float, int]] = {}
    for time, value in sent:
        if time in known:
            continue
        before = [(t, *known[t]) for t in sorted(known) if t < time and time - t <= 24 * 60][-5:]
        verdict = GOOD
        good = [(t, v) for t, v, judged in before if judged == GOOD]
        if good and abs(value - good[-1][1]) / (time - good[-1][0]) > 10:
            verdict = SUSPECT
        if len(before) >= 3 and abs(value - median(v for _, v, _ in before)) > 30:
            verdict = SUSPECT
        known[time] = float(value), verdict
    return {time: verdict for time, (_, verdict) in known.items()}


@hypothesis_settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 90)), max_size=25, unique_by=lambda pair: pair[0]),
    st.lists(st.integers(0, 25), max_size=4),
)
def test_verdicts_depend_on_the_order_of_the_log_alone_not_on_batches(
    stream: int, run: Any, checks: Any, sent: list[tuple[int, int]], cuts: list[int]
) -> None:
    checks(rate={"most": 10, "per": "PT1M"}, spike=30)
    Observation.objects.all().delete()
    Latest.objects.all().delete()
    edges = [0, *sorted(cuts), len(sent)]
    for start, end in pairwise(edges):
        run(commit(*(Reading(stream, minute(time), float(value)) for time, value in sent[start:end])))
    found = {
        round((o.phenomenon_time - minute(0)) / timedelta(minutes=1)): o.verdict for o in Observation.objects.all()
    }
    assert found == model(sent)


@hypothesis_settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.integers(1, 40), st.integers(0, 1)), max_size=12), st.lists(st.integers(0, 12), max_size=3)
)
def test_in_order_a_reading_is_stuck_when_its_value_has_stood_for_an_hour(
    stream: int, run: Any, checks: Any, sent: list[tuple[int, int]], cuts: list[int]
) -> None:
    checks(stuck="PT1H")
    Observation.objects.all().delete()
    Latest.objects.all().delete()
    at, since, known, readings, wanted = 0, 0, -1, [], []
    for step, value in sent:
        at += step
        since, known = (since if value == known else at), value
        readings.append(Reading(stream, minute(at), float(value)))
        wanted.append(SUSPECT if at - since >= 60 else GOOD)
    for start, end in pairwise([0, *sorted(cuts), len(sent)]):
        run(commit(*readings[start:end]))
    assert [verdict for _, verdict, _ in verdicts(stream)] == wanted


@pytest.mark.parametrize(
    ("span", "text"),
    [(timedelta(hours=26, minutes=5), "PT26H5M"), (timedelta(seconds=61), "PT1M1S"), (timedelta(), "PT0S")],
)
def test_a_duration_is_told_as_iso_8601(span: timedelta, text: str) -> None:
    assert quality.shown(span) == text


def test_nothing_declared_is_nothing_to_check() -> None:
    assert quality.checks({}) is None
    found = quality.checks({"interval": "PT5M"})
    assert found is not None
    assert not found.needs_neighbours
    assert datetime(2026, 1, 1, tzinfo=UTC) + (found.interval or timedelta()) == datetime(2026, 1, 1, 0, 5, tzinfo=UTC)
