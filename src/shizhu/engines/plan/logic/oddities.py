"""Oddities (疑点) of reported values: what looks made up. Pure; each finding is a reason to look, never a verdict.

Six rules, each with a null hypothesis that honest values fulfil; a finding needs a chance below `RARE` under it, or
a form that rounding alone cannot give:

- last-digit: 0 and 5 end values more often than they should, a fifth of whole numbers (binomial; Beber and Scacco,
  "What the Numbers Say", Political Analysis 20(2), 2012, on last digits).
- just-over: of the values within a tenth of their target a fifth of those above it lie within 2 % above (binomial; the
  idea of McCrary's density test, Journal of Econometrics 142(2), 2008).
- late-rise: a value corrected upward across its target in the last days before it is collected.
- jump: the newest step, or the last of a year, lies far out of the spread of all others (median and MAD, 7 of them).
- same-as-before: exactly the value of the year before, in figures that seldom repeat.
- too-smooth: steps (or growth rates) that are all but equal over 6 periods and more.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from math import comb
from statistics import mean, median, pstdev

LAST_DIGIT, JUST_OVER, LATE_RISE, JUMP, SAME, SMOOTH = (
    "last-digit", "just-over", "late-rise", "jump", "same-as-before", "too-smooth",
)  # fmt: skip
RARE = 0.001
FEWEST_DIGITS, FEWEST_NEAR, FEWEST_STEPS, FEWEST_SMOOTH = 15, 5, 8, 6
ROUND, FIVES = 1 / 5, 1 / 9  # of whole numbers end with 0 or 5, of decimals (which never end with 0) with 5
NEAR, OVER = 0.1, 0.02  # of the target: how near it a value counts, how little over it is just over
SHORT = timedelta(days=7)
FAR = 7  # times the spread
SPREAD = 1.4826  # MAD → standard deviation of a normal distribution
EVEN = 0.05  # the spread of steps against their mean
WORTH = 0.02  # of the median: steps smaller than this are no steps


@dataclass(frozen=True)
class Told:
    """A reported value: of what, by whom, for which period, with the target of that period; `row` names it.

    `was` is what was said before, `known_on` when this was said, `due_on` the day by which it is collected.
    """

    row: str
    what: str
    who: str
    period: str
    value: float
    target: float | None = None
    is_rising: bool = True
    was: float | None = None
    known_on: date | None = None
    due_on: date | None = None


@dataclass(frozen=True)
class Oddity:
    """What looks odd: the rule, by whom, of what ("" for several), the rows behind it, and the numbers of its reason.

    `share` of `count` values fulfil it where `usual` would; `chance` is how likely that is by accident.
    """

    rule: str
    who: str
    what: str
    rows: tuple[Told, ...]
    found: int
    count: int
    usual: float | None = None
    chance: float | None = None


def find(values: Iterable[Told]) -> list[Oddity]:
    """Everything odd in reported values, by who reported them."""
    series: defaultdict[tuple[str, str], list[Told]] = defaultdict(list)
    mine: defaultdict[str, list[Told]] = defaultdict(list)
    for one in sorted(values, key=lambda told: (told.who, told.what, told.period)):
        series[one.who, one.what].append(one)
        mine[one.who].append(one)
    found = [oddity for rows in mine.values() for oddity in (last_digit(rows), just_over(rows), same(rows)) if oddity]
    found += [oddity for rows in series.values() if (oddity := smooth(rows))]
    found += [oddity for rows in series.values() for oddity in (*jumps(rows), *late_rises(rows))]
    return sorted(found, key=lambda oddity: (oddity.who, oddity.what, oddity.rule))


def at_least(found: int, count: int, chance: float) -> float:
    """The chance of `found` or more of `count`, each with the same chance (binomial)."""
    return sum(comb(count, k) * chance**k * (1 - chance) ** (count - k) for k in range(found, count + 1))


def last_digit(rows: Sequence[Told]) -> Oddity | None:
    """Values of one reporter that end with 0 or 5 too often: of whole numbers a fifth should; of decimals, whose last
    digit as written is never 0, a ninth with 5.
    """
    whole = [one for one in rows if not _decimals(one.value) and abs(one.value) >= 10 and one.value != 100]
    broken = [one for one in rows if _decimals(one.value)]
    fives = [one for one in broken if f"{one.value:.6f}".rstrip("0").endswith("5")]
    return _rare(LAST_DIGIT, [one for one in whole if one.value % 5 == 0], len(whole), FEWEST_DIGITS, ROUND) or _rare(
        LAST_DIGIT, fives, len(broken), FEWEST_DIGITS, FIVES
    )


def just_over(rows: Sequence[Told]) -> Oddity | None:
    """Values of one reporter that lie just over their target, of those near it."""
    near = [(one, gap) for one in rows if _is_fine(one) and (gap := _gap(one)) is not None and abs(gap) <= NEAR]
    over = [one for one, gap in near if 0 <= gap <= OVER]
    return _rare(JUST_OVER, over, len(near), FEWEST_NEAR, OVER / (2 * NEAR))


def late_rises(rows: Sequence[Told]) -> list[Oddity]:
    """Values corrected across their target within a week before they are collected."""
    return [
        Oddity(LATE_RISE, one.who, one.what, (one,), 1, 1)
        for one in rows
        if one.was is not None and one.known_on and one.due_on and one.due_on - SHORT <= one.known_on <= one.due_on
        and not _reached(one, one.was) and _reached(one, one.value)
    ]  # fmt: skip


def jumps(rows: Sequence[Told]) -> list[Oddity]:
    """Steps into the newest period or the last of a year, toward the target, far out of the spread of the others."""
    steps = list(pairwise(rows))
    found = []
    for at, (before, after) in enumerate(steps):
        others = [later.value - sooner.value for number, (sooner, later) in enumerate(steps) if number != at]
        if len(steps) < FEWEST_STEPS or not (at == len(steps) - 1 or after.period.endswith(("-12", "-Q4"))):
            continue
        middle = median(others)
        least = WORTH * abs(median(one.value for one in rows))
        spread = max(SPREAD * median(abs(step - middle) for step in others), least)
        far = (after.value - before.value - middle) * (1 if after.is_rising else -1)
        if far > FAR * spread > 0:
            found.append(Oddity(JUMP, after.who, after.what, (before, after), 1, len(steps)))
    return found


def same(rows: Sequence[Told]) -> Oddity | None:
    """Values of one reporter that are exactly those of the period before: two with three figures, or one with four."""
    told = {(one.what, one.period): one for one in rows}
    pairs = [
        (one, before) for (what, period), one in told.items()
        if period.isdigit() and (before := told.get((what, f"{int(period) - 1}"))) and _figures(one.value) >= 3
    ]  # fmt: skip
    alike = [(one, before) for one, before in pairs if one.value == before.value]
    if len(alike) < 2 and not any(_figures(one.value) >= 4 for one, _before in alike):
        return None
    return Oddity(SAME, rows[0].who, "", tuple(told for pair in alike for told in pair), len(alike), len(pairs))


def smooth(rows: Sequence[Told]) -> Oddity | None:
    """A series whose steps, or growth rates, are all but equal."""
    values = [one.value for one in rows]
    steps = [after - before for before, after in pairwise(values)]
    if len(steps) < FEWEST_SMOOTH:
        return None
    unit = 10.0 ** -max(_decimals(value) for value in values)
    rates = [after / before - 1 for before, after in pairwise(values)] if min(values) > 0 else []
    even = _even(steps) and abs(mean(steps)) >= 10 * unit
    if not even and not (rates and _even(rates) and abs(mean(rates)) >= 0.01 and abs(mean(steps)) >= 10 * unit):
        return None
    return Oddity(SMOOTH, rows[0].who, rows[0].what, tuple(rows), len(steps), len(steps))


def _rare(rule: str, found: Sequence[Told], count: int, fewest: int, usual: float) -> Oddity | None:
    chance = at_least(len(found), count, usual) if count >= fewest else 1.0
    if chance >= RARE:
        return None
    whats = {one.what for one in found}
    return Oddity(
        rule, found[0].who, whats.pop() if len(whats) == 1 else "", tuple(found), len(found), count, usual, chance
    )


def _even(steps: Sequence[float]) -> bool:
    middle = mean(steps)
    return middle != 0 and pstdev(steps) / abs(middle) < EVEN


def _gap(one: Told) -> float | None:
    """How far over its target a value lies, as a share of it; less than nothing for under."""
    if not one.target:
        return None
    return (one.value - one.target) / abs(one.target) * (1 if one.is_rising else -1)


def _reached(one: Told, value: float) -> bool:
    return one.target is not None and (value >= one.target if one.is_rising else value <= one.target)


def _is_fine(one: Told) -> bool:
    """Whether values of this size could miss the target by little: one step of them is 1 % of it at most."""
    return bool(one.target) and 10.0 ** -_decimals(one.value) <= 0.01 * abs(one.target or 0)


def _decimals(value: float) -> int:
    """Decimals as they are written, at most 6."""
    return len(f"{value:.6f}".rstrip("0").partition(".")[2])


def _figures(value: float) -> int:
    """Significant figures, without zeros at the end: 3 for 12.4 and 1240."""
    return len(f"{abs(value):.6f}".rstrip("0").replace(".", "").strip("0"))
