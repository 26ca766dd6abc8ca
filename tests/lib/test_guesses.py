"""Guesses have to wait, and the right password works again in time."""

from __future__ import annotations

from shizhu.lib import guesses


def test_waits_double_up_to_two_minutes_and_end() -> None:
    kept, now, waits = guesses.Guesses(), 1000.0, []
    for _ in range(14):
        kept.failed("a", now)
        wait = next(seconds for seconds in range(2000) if not kept.waits("a", now + seconds))
        waits.append(wait)
        now += wait
    assert waits == [0, 0, 0, 0, 15, 30, 60, *[120] * 7]
    assert not kept.waits("b", now)
    kept.passed("a")
    kept.failed("a", now)
    assert not kept.waits("a", now)


def test_what_is_kept_has_a_bound() -> None:
    kept = guesses.Guesses()
    for number in range(guesses.MOST_KEPT + 10):
        kept.failed(str(number), 0.0)
    assert len(kept._kept) == guesses.MOST_KEPT
