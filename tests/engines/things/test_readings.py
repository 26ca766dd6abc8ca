"""Whatever a device sends becomes readings that can be kept, or rejects that say why."""

from __future__ import annotations

import dataclasses
import json
import math
import struct
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from shizhu.engines.things import store
from shizhu.engines.things.http import reasons
from shizhu.engines.things.logic import readings
from shizhu.engines.things.logic.readings import KnownDevice, Reading, Reject, Sample, Stream, Submission

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
STREAM = Stream(7, 0.0, 20.0, True, "990001")
DEVICE = KnownDevice(1, "jug", 0, True, False, "", {"level": STREAM}, ("Datastreams(7)",), {"2011/level-Rtd": STREAM})
TIMES = st.one_of(
    st.datetimes().map(datetime.isoformat), st.integers(), st.text(max_size=30),
    st.sampled_from(["9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+14:00", "2026-07-01T13:00:01Z"]),
)  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10) | st.just(10**400),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
IDS = st.sampled_from([1, True, 1.5, "1\t\\N\n9\t2026-01-01T00:00:00Z", {}, [1], None, {"@iot.id": "1\t2"}])
BODIES = JSON | st.fixed_dictionaries(
    {"result": JSON},
    optional={"phenomenonTime": TIMES | JSON, "FeatureOfInterest": IDS, "parameters": JSON, "resultTime": TIMES},
)


def is_sound(found: Reading | Reject) -> bool:
    """Every cell of its row can be kept, and the row is one."""
    if isinstance(found, Reject):
        return True
    row = store._row(found)
    in_time = readings.EARLIEST <= found.time <= NOW + readings.FUTURE
    is_number = found.result is None or math.isfinite(found.result)
    return in_time and is_number and (row[:2], len(fields(row))) == (b"\x00\x0b", 11)


def fields(row: bytes) -> list[bytes | None]:
    """The cells of a row in PostgreSQL's binary form, to its last byte."""
    place, found = 2, list[bytes | None]()
    while place < len(row):
        (size,) = struct.unpack_from(">i", row, place)
        found.append(row[place + 4 : place + 4 + size] if size >= 0 else None)
        place += 4 + max(0, size)
    assert place == len(row)
    return found


@given(BODIES)
def test_any_observation(body: Any) -> None:
    found = readings.from_observation(body, STREAM, NOW, 0)
    assert is_sound(found), found


@given(st.binary(max_size=40) | JSON.map(lambda value: json.dumps(value).encode()), TIMES, JSON)
def test_any_telemetry(raw: bytes, time: Any, value: Any) -> None:
    for payload in (raw, json.dumps({"time": time, "values": {"level": value, "colour": 1}}).encode()):
        found = list(readings.from_telemetry(payload, DEVICE, NOW))
        assert [one for one in found if not is_sound(one)] == []


@pytest.mark.parametrize(
    ("body", "field", "rule"),
    [
        (5, "result", "an Observation is a JSON object with a result"),
        (["result"], "result", "an Observation is a JSON object with a result"),
        ({"result": 10**400}, "result", readings.NO_NUMBER),
        ({"result": -1.1e18}, "result", readings.NO_NUMBER),
        ({"result": 1, "phenomenonTime": "2026-07-01T13:00:01Z"}, "phenomenonTime", readings.IN_FUTURE),
        (
            {"result": 1, "phenomenonTime": "9999-12-31T23:59:59-12:00"},
            "phenomenonTime",
            "a time must lie between 1900 and 2200",
        ),
        ({"result": 1, "phenomenonTime": "昨天"}, "phenomenonTime", readings.NO_TIME),
        ({"result": 1, "phenomenonTime": 5}, "phenomenonTime", readings.NO_TIME),
        (
            {"result": 1, "FeatureOfInterest": {"@iot.id": "1\t\\N\n93\t2026-11-26T00:30:00Z"}},
            "FeatureOfInterest",
            "it is named by its @iot.id, a whole number",
        ),
    ],
)
def test_an_observation_that_cannot_be_kept(body: Any, field: str, rule: str) -> None:
    found = readings.from_observation(body, STREAM, NOW, 0)
    assert isinstance(found, Reject)
    assert (found.field, found.rule) == (field, rule)


@pytest.mark.parametrize(
    ("payload", "field", "rule"),
    [
        ('{"time": "2026', "payload", "the JSON text is cut off before its end"),
        ("", "payload", "the JSON text is cut off before its end"),
        ('{"values": {"level": 1, }}', "payload", "it is not JSON from byte 25 on"),
        ('{"values": {"level": NaN}}', "payload", "it is not JSON from byte 22 on"),
        ('{"time": "2026-07-01T08:00:00Z"}', "values", "must be present"),
        ('[{"values": {}}, {}]', "[1].values", "must be present"),
        ('{"values": [1]}', "values", "telemetry is {time, values} or a list of such"),
        ("5", "payload", "telemetry is {time, values} or a list of such"),
        ('{"values": {"level": 1e999}}', "values[...]", readings.NO_NUMBER),
        ('{"values": {"level": 3.4e38}}', "level", readings.NO_NUMBER),
        ('{"values": {"\udcff": 1}}', "payload", "text is UTF-8"),
        ('{"values": {"level": 1}, "time": "昨天"}', "time", readings.NO_TIME),
        ('{"values": {"level": 1}, "time": "2026-07-01T08"}', "time", "a time needs its zone, such as +08:00 or Z"),
        (f'{{"values": {{"level": 1}}, "time": {10**18}}}', "time", "a time must lie between 1900 and 2200"),
    ],
)  # fmt: skip
def test_telemetry_that_cannot_be_read_says_where_and_why(payload: str, field: str, rule: str) -> None:
    (found,) = readings.from_telemetry(payload.encode(errors="surrogateescape"), DEVICE, NOW)
    assert isinstance(found, Reject)
    assert (found.field, found.rule) == (field, rule)
    with translation.override("zh-hans"):
        assert reasons.in_words(rule) != rule


@pytest.mark.parametrize(("ahead", "kept"), [(timedelta(hours=1), 1), (timedelta(hours=1, seconds=1), 0)])
def test_a_packet_of_a_gateway_from_the_future(ahead: timedelta, kept: int) -> None:
    sent = Submission("hj212", "jug", b"", [Sample("2011/level-Rtd", NOW + ahead, 7.0)])
    found = list(readings.from_samples(sent, DEVICE, NOW))
    assert [isinstance(one, Reading) for one in found] == [bool(kept)]
    assert [one.rule for one in found if isinstance(one, Reject)] == [readings.IN_FUTURE] * (1 - kept)


def test_a_number_that_no_sum_can_hold_is_refused_of_a_gateway_too() -> None:
    for number in (3.4e38, -1.1e18, float("nan")):
        (found,) = readings.from_samples(
            Submission("hj212", "jug", b"", [Sample("2011/level-Rtd", NOW, number)]), DEVICE, NOW
        )
        assert found == Reject("2011/level-Rtd", str(number), readings.NO_NUMBER)


def test_what_a_profile_ignores_is_neither_reading_nor_reject() -> None:
    device = dataclasses.replace(DEVICE, ignored=("*-Rtd", "2061/*-Max"))
    sent = ("2011/level-Rtd", "2011/other-Rtd", "2061/level-Max", "2061/level-Avg", "2051/level-Max")
    found = readings.from_samples(Submission("hj212", "jug", b"", [Sample(one, NOW, 7.0) for one in sent]), device, NOW)
    assert [one.field if isinstance(one, Reject) else one.stream for one in found] == [
        7, "2061/level-Avg", "2051/level-Max",
    ]  # fmt: skip
