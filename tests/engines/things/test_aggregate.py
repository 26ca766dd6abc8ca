"""Readings put together and thinned: out of rollups or of the readings, the same; what is missing stays missing."""

from __future__ import annotations

import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.engines.things.sta.service import Service
from tests.engines.things.test_store import commit, device, stream
from tests.fixtures import person
from tests.web.pages import browser, text

from shizhu.engines.things import aggregate, archive, files, spark
from shizhu.engines.things.logic.readings import Reading, Verdict
from shizhu.engines.things.logic.thinning import lttb
from shizhu.engines.things.models import Datastream, Hour

__all__ = ["device", "stream"]  # fixtures
pytestmark = pytest.mark.django_db(transaction=True)
pytest_plugins = ["tests.engines.things.sta.fixtures"]
DAYS = [date(2026, 7, 1), date(2026, 7, 2)]
START, END = datetime(2026, 6, 30, 16, tzinfo=UTC), datetime(2026, 7, 3, 16, tzinfo=UTC)  # three days of the county


@pytest.fixture
def readings(stream: int, run: Any) -> int:
    """Three days, one reading in ten minutes without two hours of the second; corrected, withdrawn and bad ones."""
    made = [Reading(stream, START + timedelta(minutes=10 * n), n / 8) for n in range(432) if not 180 <= n < 192]
    run(commit(*made))
    run(commit(Reading(stream, START, 100.0), Reading(stream, START + timedelta(minutes=5), 7e6, Verdict.BAD)))
    run(commit(Reading(stream, START + timedelta(minutes=15), 50.5, Verdict.SUSPECT)))
    return stream


def told(found: list[aggregate.Bucket]) -> list[Any]:
    return [(one.start.astimezone(UTC), one.count, one.figures, one.expected) for one in found]


def every_answer(stream: int) -> list[Any]:
    asked = [
        (name, start, quality, functions)
        for name in ("PT1H", "PT3H", "P1D", "P1M", "P1Y", "PT7M", "PT45M", "P2D")
        for start in (START, START + timedelta(minutes=7))
        for quality in aggregate.QUALITIES
        for functions in (["mean", "min", "max", "sum"], [*aggregate.FUNCTIONS])
    ]
    return [
        told(aggregate.aggregate(stream, start, END, aggregate.interval(name), functions, quality))
        for name, start, quality, functions in asked
    ]


def test_days_are_the_countys_and_hours_come_from_rollups(readings: int) -> None:
    first, second, _third = aggregate.aggregate(readings, START, END, aggregate.interval("P1D"), ["mean", "min", "max"])
    assert (first.start, first.end, first.count) == (START, START + timedelta(days=1), 144)
    numbers = [100.0, *(n / 8 for n in range(1, 144))]
    assert first.figures == {"mean": float(f"{sum(numbers) / 144:.12g}"), "min": 0.125, "max": 100.0}
    assert second.count == 132
    Hour.objects.update(total=0)
    (again, *_) = aggregate.aggregate(readings, START, END, aggregate.interval("P1D"), ["mean"])
    assert again.figures == {"mean": 0.0}  # of the rollups
    (exact, *_) = aggregate.aggregate(readings, START, END, aggregate.interval("P1D"), ["mean", "first", "last"])
    assert exact.figures == {"mean": first.figures["mean"], "first": 100.0, "last": 143 / 8}


def test_rollups_and_readings_say_the_same(readings: int) -> None:
    for name in ("PT1H", "PT3H", "P1D", "P1M"):
        rolled = aggregate.aggregate(readings, START, END, aggregate.interval(name), ["sum", "mean", "min", "max"])
        exact = aggregate.aggregate(
            readings, START, END, aggregate.interval(name), ["sum", "mean", "min", "max", "last"]
        )
        assert [(one.start, one.count) for one in rolled] == [(one.start, one.count) for one in exact]
        assert [one.figures | {"last": two.figures["last"]} for one, two in zip(rolled, exact, strict=True)] == [
            two.figures for two in exact
        ]


def test_archived_days_give_the_same(readings: int) -> None:
    before = (
        every_answer(readings),
        aggregate.thinned(readings, START, END, 50),
        aggregate.presence(readings, START, END),
    )
    for day in DAYS:
        archive.archive(day)
    after = (
        every_answer(readings),
        aggregate.thinned(readings, START, END, 50),
        aggregate.presence(readings, START, END),
    )
    assert after == before


def test_whole_files_say_the_same(readings: int, run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for day in DAYS:
        archive.archive(day)
    within = files.span(DAYS[0], DAYS[1])
    assert within is not None
    for name in ("PT1H", "P1D", "PT7M", "P1M"):
        for quality in aggregate.QUALITIES:
            step = aggregate.interval(name)
            own = aggregate.aggregate(readings, within.start, within.end, step, ["sum", "min", "max"], quality)
            told = [
                (f.start, f.count, {"sum": float(f.total), "min": f.least, "max": f.most})
                for f in files.aggregate(within, step, quality)
                if f.stream == readings
            ]
            assert told == [(one.start, one.count, one.figures) for one in own]
    monkeypatch.setitem(sys.modules, "pyspark.errors", None)
    with pytest.raises(spark.SparkFault, match="pyspark is not installed: `python3 deploy/install.py spark`"):
        list(spark.aggregate(within, step, quality, "local[1]"))
    days: list[tuple[int, int]] = []
    count = files.export(within, str(tmp_path / "out.csv"), "csv", lambda done, total: days.append((done, total)))
    lines = (tmp_path / "out.csv").read_text().splitlines()
    assert (count, days) == (len(lines) - 1, [(1, 2), (2, 2)])
    assert lines[0].startswith("datastream_id,phenomenon_time,")
    run(commit(Reading(readings, START, 1.0)))  # takes its day back: the file's rows of it count no more
    again = files.span(DAYS[0], DAYS[0])
    assert again is not None
    assert [one for one in files.aggregate(again, aggregate.interval("P1D")) if one.stream == readings] == []
    assert files.span(date(2020, 1, 1), date(2020, 1, 2)) is None


def test_a_day_of_summer_time_is_an_hour_shorter(stream: int, run: Any) -> None:
    begin = datetime(1988, 4, 16, 16, tzinfo=UTC)  # clocks went forward on the 17th
    run(commit(*(Reading(stream, begin + timedelta(hours=n), 1.0) for n in range(47))))
    for functions in (["sum"], ["sum", "first"]):
        found = aggregate.aggregate(stream, begin, begin + timedelta(days=3), aggregate.interval("P1D"), functions)
        assert [one.count for one in found] == [23, 24]


def test_what_is_missing_is_told_and_not_filled(readings: int) -> None:
    assert aggregate.presence(readings, START, END) is None  # nobody knows how often
    Datastream.objects.filter(pk=readings).update(checks={"interval": "PT10M"})
    found = aggregate.presence(readings, START, END)
    assert found is not None
    gap = START + timedelta(minutes=1790), START + timedelta(minutes=1920)
    assert (found.there, found.expected, found.gaps) == (422, 432, [gap])
    hours = aggregate.aggregate(readings, START, END, aggregate.interval("PT1H"), ["count"])
    assert len(hours) == 70  # two have none
    assert {one.completeness for one in hours} == {1.0}
    _, second, _ = aggregate.aggregate(readings, START, END, aggregate.interval("P1D"), ["count"])
    assert (second.expected, second.completeness) == (144, 0.9167)


@pytest.mark.parametrize(
    ("asked", "fault"),
    [
        (("PT0S", ["mean"], "good"), "interval: 'PT0S'"),
        (("soon", ["mean"], "good"), "interval: 'soon'"),
        (("PT1H", ["median"], "good"), "function: 'median'"),
        (("PT1H", ["mean"], "fine"), "quality: 'fine'"),
        (("PT1S", ["mean"], "good"), "more than 50000"),
    ],
)
def test_what_cannot_be_answered_is_refused(stream: int, asked: tuple[str, list[str], str], fault: str) -> None:
    name, functions, quality = asked
    with pytest.raises(aggregate.AggregateFault, match=fault):
        aggregate.aggregate(stream, START, END, aggregate.interval(name), functions, quality)


@given(st.lists(st.floats(-1e6, 1e6), max_size=200), st.integers(3, 60))
def test_thinned_are_some_of_the_readings_in_order(numbers: list[float], points: int) -> None:
    chosen = lttb(np.arange(len(numbers)) * 60_000_000, np.array(numbers), points)
    assert list(chosen) == sorted(set(chosen.tolist()))
    assert len(chosen) == min(points, len(numbers))
    if numbers:
        assert (chosen[0], chosen[-1]) == (0, len(numbers) - 1)


def test_a_spike_is_among_the_thinned() -> None:
    numbers = np.zeros(10_000)
    numbers[7777] = 9.0
    assert 7777 in lttb(np.arange(10_000), numbers, 50)


def test_over_sensorthings(readings: int, service: Service) -> None:
    path = f"Datastreams({readings})/Observations?$apply="
    day = service.get(f"{path}interval(P1D,count,max)&$filter=phenomenonTime%20lt%202026-07-01T16:00:00Z")
    assert day.value == [{"phenomenonTime": "2026-06-30T16:00:00Z/2026-07-01T16:00:00Z", "count": 144, "max": 100.0}]
    bad = service.get(f"{path}interval(P1D,max,quality=all)&$filter=phenomenonTime%20lt%202026-07-01T16:00:00Z")
    assert bad.all("max") == [7e6]
    csv = service.get(f"{path}interval(P1D,sum)&$resultFormat=csv")
    assert csv.body.decode().splitlines()[0] == "phenomenonTime,sum"
    few = service.get(f"{path}lttb(20)").value
    assert (len(few), few[0]) == (20, {"phenomenonTime": "2026-06-30T16:00:00Z", "result": 100.0})
    for query, fault in [
        ("median(P1D)", "must be interval"), ("interval(P1D,median)", "function: 'median'"),
        ("lttb(2)", "from 3 to"), ("lttb(20)&$top=5", "$top: only $filter and $resultFormat"),
        ("lttb(20)&$filter=result%20gt%201", "it may bound phenomenonTime"),
        ("lttb(20)&$resultFormat=GeoJSON", "it may be csv"),
    ]:  # fmt: skip
        answer = service.get(path + query)
        assert (answer.status, fault in answer.json["message"]) == (400, True), answer.json
    assert service.get("Observations?$apply=lttb(20)").status == 400
    assert service.get("Datastreams(999999)/Observations?$apply=lttb(20)").status == 404


def test_only_who_may_see_it(readings: int, closed: Service) -> None:
    assert closed.get(f"Datastreams({readings})/Observations?$apply=lttb(20)").status == 401


def test_the_page_marks_gaps(readings: int, device: Any) -> None:
    Datastream.objects.filter(pk=readings).update(checks={"interval": "PT10M"})
    page = browser(person(device.county, "things.*")).get(
        f"/things/{device.thing_id}/?stream={readings}&from=2026-07-01&to=2026-07-03"
    )
    chart = page.context["chart"]
    gap = [(START + timedelta(minutes=n)).isoformat() for n in (1790, 1920)]
    assert chart["gaps"] == [gap]
    assert chart["presence"] == {
        "there": 422, "expected": 432, "share": 97.6, "told": "完整率 97.6 %", "counts": "应有 432 个读数，实有 422 个",
    }  # fmt: skip
    assert "完整率 97.6 %" in text(page)
