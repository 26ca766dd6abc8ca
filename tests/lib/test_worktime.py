"""Working time: holidays and days worked in exchange, days and hours of work, pauses."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shizhu.lib import worktime
from shizhu.lib.standards import holidays

HERE = ZoneInfo("Asia/Shanghai")
AT = worktime.hours(worktime.USUAL, HERE)


def here(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=HERE)


@pytest.mark.parametrize(
    ("day", "is_worked"),
    [
        ("2024-02-10", False), ("2024-02-18", True), ("2024-05-11", True), ("2024-06-10", False), ("2024-12-31", True),
        ("2025-01-26", True), ("2025-01-27", True), ("2025-01-28", False), ("2025-02-04", False), ("2025-10-08", False),
        ("2025-10-11", True), ("2026-01-02", False), ("2026-01-04", True), ("2026-02-14", True), ("2026-02-23", False),
        ("2026-02-24", True), ("2026-05-09", True), ("2026-09-20", True), ("2026-10-07", False), ("2026-10-08", True),
        ("2026-11-28", False), ("2030-01-01", False), ("2030-05-02", False), ("2030-10-03", False),
        ("2030-10-04", True),
    ],
)  # fmt: skip
def test_days_of_the_notices_of_three_years_and_of_one_not_known(day: str, is_worked: bool) -> None:
    assert holidays.is_workday(date.fromisoformat(day)) is is_worked


@pytest.mark.parametrize(
    ("year", "days"), [(2024, 251), (2025, 248), (2026, 248)],
)  # fmt: skip
def test_as_many_days_are_worked_as_the_notices_leave(year: int, days: int) -> None:
    first = date(year, 1, 1)
    every = [first + timedelta(days=number) for number in range((date(year + 1, 1, 1) - first).days)]
    assert sum(map(holidays.is_workday, every)) == days


@pytest.mark.parametrize(
    ("begin", "duration", "due"),
    [
        ("2026-07-01T09:00", "P3D", "2026-07-06T17:30"),  # Wednesday: the day itself is left out, then Thu, Fri, Mon
        ("2026-07-01T23:59", "P3D", "2026-07-06T17:30"),
        ("2026-07-04T10:00", "P1D", "2026-07-06T17:30"),  # from a Saturday
        ("2026-02-13T10:00", "P1D", "2026-02-14T17:30"),  # a Saturday worked before the Spring Festival
        ("2026-02-14T10:00", "P1D", "2026-02-24T17:30"),
        ("2026-09-30T16:00", "P5D", "2026-10-13T17:30"),  # over the National Day, with Saturday 10 October
        ("2026-07-01T09:00", "P2W", "2026-07-15T17:30"),
        ("2026-07-01T09:00", "PT4H", "2026-07-01T15:00"),
        ("2026-07-01T12:30", "PT1H", "2026-07-01T15:00"),
        ("2026-07-01T17:00", "PT1H", "2026-07-02T09:00"),
        ("2026-07-03T17:30", "PT1M", "2026-07-06T08:31"),
        ("2026-07-01T09:00", "P1DT2H", "2026-07-03T10:30"),
    ],
)
def test_days_and_hours_of_work(begin: str, duration: str, due: str) -> None:
    assert worktime.after(here(begin), duration, AT) == here(due)


@pytest.mark.parametrize("duration", ["P1M", "3 days", "P", "PT"])
def test_what_is_no_duration_is_refused(duration: str) -> None:
    with pytest.raises(ValueError, match="is not an ISO 8601 duration"):
        worktime.after(here("2026-07-01T09:00"), duration, AT)


@pytest.mark.parametrize("texts", [["8:30-12:00"], ["12:00-08:30"], ["08:30-12:00", "11:00-17:00"], []])
def test_wrong_hours_are_refused(texts: list[str]) -> None:
    with pytest.raises(ValueError, match="span"):
        worktime.hours(texts, HERE)


def test_a_county_has_days_of_its_own() -> None:
    own = worktime.hours(worktime.USUAL, HERE, off=["11-18", "2026-07-03"], worked=["2026-07-04", "11-18"])
    days = ["2026-11-18", "2027-11-18", "2026-07-03", "2026-07-04", "2027-07-05"]
    assert [own.is_workday(date.fromisoformat(day)) for day in days] == [False, False, False, True, True]
    assert worktime.after(here("2026-07-01T09:00"), "P2D", own) == here("2026-07-04T17:30")
    assert worktime.after(here("2026-11-17T16:30"), "PT2H", own) == here("2026-11-19T09:30")
    for wrong in ("13-01", "11-31", "2026-02-30", "18 November", "2026-7-3", ""):
        with pytest.raises(ValueError, match="must be a day such as 11-18 of each year, or 2026-11-18"):
            worktime.hours(worktime.USUAL, HERE, off=[wrong])


def test_from_november_on_the_next_year_is_asked_for() -> None:
    last = holidays.YEARS[-1]
    assert [AT.unknown(date(last, month, 1)) for month in (10, 11)] == [None, last + 1]
    assert AT.unknown(date(last + 2, 5, 1)) == last + 2
    given = worktime.hours(worktime.USUAL, HERE, off=["11-18", f"{last + 1}-02-05"])
    assert [given.unknown(date(last, 11, 1)), given.unknown(date(last + 1, 11, 1))] == [None, last + 2]


FIRST, LAST = datetime(2024, 1, 1, tzinfo=UTC), datetime(2026, 11, 30, tzinfo=UTC)
MOMENTS = st.integers(0, int((LAST - FIRST).total_seconds())).map(lambda seconds: FIRST + timedelta(seconds=seconds))
SIZES = st.integers(0, 40 * 60).map(lambda minutes: timedelta(minutes=minutes))


@given(MOMENTS, MOMENTS, MOMENTS)
@settings(max_examples=60, deadline=None)
def test_worked_time_adds_up(one: datetime, two: datetime, three: datetime) -> None:
    a, b, c = sorted([one, two, three])
    assert worktime.worked(a, b, AT) + worktime.worked(b, c, AT) == worktime.worked(a, c, AT)
    assert worktime.worked(c, a, AT) == -worktime.worked(a, c, AT)


@given(MOMENTS, SIZES, SIZES)
@settings(max_examples=60, deadline=None)
def test_what_is_counted_forward_was_worked_and_never_goes_back(
    begin: datetime, one: timedelta, two: timedelta
) -> None:
    due = worktime.forward(begin, one, AT)
    assert worktime.worked(begin, due, AT) == one
    assert worktime.forward(due, two, AT) == worktime.forward(begin, one + two, AT)
    assert worktime.forward(begin + two, one, AT) >= due


@given(MOMENTS, st.integers(1, 20), st.lists(st.tuples(SIZES, SIZES), max_size=4))
@settings(max_examples=60, deadline=None)
def test_pauses_move_a_deadline_by_what_they_took(
    begin: datetime, days: int, pauses: list[tuple[timedelta, timedelta]]
) -> None:
    due = first = worktime.after(begin, f"P{days}D", AT)
    assert first.astimezone(HERE).strftime("%H:%M") == "17:30"
    moment, total = begin, timedelta()
    for wait, took in pauses:
        paused = moment + wait
        moment = paused + took
        later = worktime.moved(due, paused, moment, AT)
        assert later >= due
        due, total = later, total + worktime.worked(paused, moment, AT)
    assert worktime.worked(first, due, AT) == total
