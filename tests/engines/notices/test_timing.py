"""When something may be sent, and whose signature counts."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

from shizhu.engines.notices.logic import signing, timing
from shizhu.engines.notices.logic.timing import Wishes

NIGHT = datetime(2026, 7, 1, 15, tzinfo=UTC)  # 23:00 in the county
QUIET = Wishes(time(22), time(7))


def hours(wishes: Wishes, level: str, now: datetime = NIGHT) -> float:
    return (timing.due(wishes, level, now) - now) / timedelta(hours=1)


def test_quiet_hours_hold_back_what_is_not_loud() -> None:
    assert [hours(QUIET, level) for level in ("", "blue", "yellow", "orange", "red")] == [8, 8, 8, 0, 0]
    assert hours(QUIET, "blue", NIGHT + timedelta(hours=8)) == 0
    assert hours(QUIET, "blue", NIGHT - timedelta(hours=2)) == 0
    assert hours(Wishes(time(12), time(14)), "blue") == 0


def test_a_digest_comes_once_a_day() -> None:
    assert [hours(Wishes(digest_at=time(8)), level) for level in ("blue", "red")] == [9, 0]


def test_tries_come_further_apart_and_end() -> None:
    assert [timing.again(n) for n in (1, 5, 6)] == [timedelta(minutes=1), timedelta(hours=4), None]


def test_a_signature_is_of_secret_time_and_body() -> None:
    now = str(int(NIGHT.timestamp()))
    made = signing.sign("s", now, b"{}")
    assert signing.is_signed("s", now, b"{}", made, NIGHT)
    assert not signing.is_signed("t", now, b"{}", made, NIGHT)
    assert not signing.is_signed("s", now, b"{ }", made, NIGHT)
    assert not signing.is_signed("s", now, b"{}", made, NIGHT + timedelta(minutes=6))
    assert not signing.is_signed("s", "now", b"{}", signing.sign("s", "now", b"{}"), NIGHT)
