"""The judgement of sources on event time: every kind of condition, and that order and interruption change nothing."""

from __future__ import annotations

import itertools
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fixtures import TOY

from shizhu.engines.alarms import declare
from shizhu.engines.alarms.logic.conditions import Condition, Input, NotJudged, condition_of
from shizhu.engines.alarms.logic.examples import problems
from shizhu.engines.alarms.logic.judge import Reading, State, advance, judge
from shizhu.engines.alarms.logic.late import Memory, Occurrence, matched, occurrences, remembered, take, wait
from shizhu.engines.alarms.logic.moments import ZONE, moment, time_of
from shizhu.kernel import packs

MINUTE = 60_000_000
HOUR = 60 * MINUTE
NOON = 29_000_000 * MINUTE  # some moment
JUG = {"profile": "toy.jug", "property": "level"}
WARM = {"profile": "toy.jug", "property": "warmth"}


def rule(when: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"when": {**JUG, **when}, "level": "yellow", **more}


def condition(of: dict[str, Any], inputs: int = 1, **properties: Any) -> Condition:
    return condition_of(of, [Input(**JUG, properties=properties)] * inputs)


LOW = rule({"below": 5, "for": "PT4H"}, clear={"for": "PT2H"})


def hours(*values: float | None) -> list[Reading]:
    return [(NOON + n * HOUR, 0, value, 0) for n, value in enumerate(values) if value is not None]


def told(of: dict[str, Any], *values: float | None, until: float | None = None) -> list[tuple[str | None, float]]:
    """(level, hours since noon) of every change."""
    compiled = condition(of)
    state = State(compiled, NOON)
    changes = judge(compiled, state, hours(*values))
    if until is not None:
        advance(compiled, state, NOON + round(until * HOUR), changes)
    return [(change.level, (change.at - NOON) / HOUR) for change in changes]


def test_it_is_raised_after_the_stated_time_and_not_before() -> None:
    assert told(LOW, 6, 4, 4, 4, 4) == []
    assert told(LOW, 6, 4, 4, 4, 4, 4) == [("yellow", 5)]
    assert told(LOW, 4, 4, 4, 4, 6, 4, 4, 4, 4) == []
    assert told(rule({"above": 30}), 31, 29) == [("yellow", 0), (None, 1)]


def test_it_recovers_after_the_clearing_time() -> None:
    assert told(LOW, 4, 4, 4, 4, 4, 6, 6, 6) == [("yellow", 4), (None, 7)]
    assert told(LOW, 4, 4, 4, 4, 4, 6, 6, 4, 6, 6, 6) == [("yellow", 4), (None, 10)]


def test_a_gap_starts_both_counts_anew() -> None:
    assert told(LOW, 1, None, None, None, None, 1) == []
    assert told(LOW, 4, 4, 4, None, None, 4, 4, 4, 4) == []
    assert told(LOW, 4, 4, 4, None, None, 4, 4, 4, 4, 4) == [("yellow", 9)]
    low = [4.0] * 5
    assert told(LOW, *low, 6, None, None, 6, 6) == [("yellow", 4)]
    assert told(LOW, *low, 6, None, None, 6, 6, 6) == [("yellow", 4), (None, 10)]


def test_a_value_that_holds_ends_the_time_by_the_clock() -> None:
    opened = rule({"above": 0, "for": "PT2H", "holds": "P1D"}, clear={"for": "PT1H"})
    assert told(opened, 1, until=1.9) == []
    assert told(opened, 1, until=2) == [("yellow", 2)]
    assert told(opened, 1, None, None, 0, until=9) == [("yellow", 2), (None, 4)]
    assert told(opened, 1, 0, until=9) == []


def test_a_margin_keeps_it_until_the_value_is_well_inside() -> None:
    high = rule({"above": 30}, clear={"margin": 2})
    assert told(high, 31, 29, 31, 28.1, 28, 29) == [("yellow", 0), (None, 4)]
    low = rule({"below": 5}, clear={"margin": 1})
    assert told(low, 4, 5.5, 6) == [("yellow", 0), (None, 2)]


def test_a_band_from_outside_and_from_inside() -> None:
    assert told(rule({"below": 5, "above": 9}), 4, 7, 10) == [("yellow", 0), (None, 1), ("yellow", 2)]
    assert told(rule({"inside": [5, 9]}), 4, 5, 9, 10) == [("yellow", 1), (None, 3)]


def test_change_and_rate() -> None:
    rise = rule({"take": "change", "during": "PT2H30M", "above": 3})
    assert told(rise, 1, 2, 4, 5.5, 5.6, 5.6) == [("yellow", 3), (None, 4)]
    fall = rule({"take": "rate", "per": "PT30M", "below": -1})
    assert told(fall, 9, 7.5, 4, 4) == [("yellow", 2), (None, 3)]


def test_sums_and_counts_over_time() -> None:
    rain = rule({"take": "sum", "during": "PT3H", "above": 50})
    assert told(rain, 20, 20, 20, 5, 5) == [("yellow", 2), (None, 3)]
    trips = rule({"take": "count", "during": "PT2H30M", "above": 2})
    assert told(trips, 1, 1, 1, None, 1) == [("yellow", 2), (None, 4)]


def test_a_missing_source_is_found_by_the_clock_even_if_it_never_sent() -> None:
    silent = rule({"missing": "PT3H"})
    assert told(silent, until=2.9) == []
    assert told(silent, until=3) == [("yellow", 3)]
    assert told(silent, 1, 1, until=9) == [("yellow", 4)]
    assert told(silent, 1, 1, None, None, None, None, 1, until=9) == [("yellow", 4), (None, 6), ("yellow", 9)]


def test_a_stuck_value() -> None:
    stuck = rule({"stuck": "PT3H", "tolerance": 0.1})
    assert told(stuck, 5, 5.1, 5, 5.2, 5.2, 5.2, 5.2) == [("yellow", 6)]
    assert told(stuck, 5, 5, 5, 5, 6) == [("yellow", 3), (None, 4)]


def test_levels_go_up_and_down_in_one_occurrence() -> None:
    steps = rule({"above": 10}, levels=[{"level": "red", "above": 30}, {"level": "orange", "above": 20, "for": "PT1H"}])
    changes = told(steps, 11, 21, 22, 31, 25, 15, 9)
    assert changes == [
        ("yellow", 0), ("orange", 2), ("red", 3), ("orange", 4), ("yellow", 5), (None, 6),
    ]  # fmt: skip
    compiled = condition(steps)
    (one,) = occurrences(judge(compiled, State(compiled), hours(11, 31, 9)))
    assert [level for _at, level, *_told in one.levels] == ["yellow", "red"]
    assert (one.value, one.limit) == (11, "≤ 10")


def test_a_calendar_in_the_county_s_time() -> None:
    night = rule({"above": 0}, calendar={"hours": ["22:00-06:00"], "days": ["fri"]})
    wrong = {"name": "x", "series": ["1 x 48h"], "every": "PT10M", "expect": "none"}
    assert list(problems({**night, "examples": [{**wrong, "at": "2026-07-03T00:00"}]})) == [
        "example 'x': expected none, but it says yellow (1 times)"
    ]
    good = {**wrong, "expect": "yellow", "at": "2026-07-03T23:00"}
    assert list(problems({**night, "examples": [good, {**wrong, "at": "2026-07-04T06:00"}]})) == []


@pytest.mark.parametrize(
    ("days", "judged"),
    [  # National Day of 2026 is from Thursday the 1st to Wednesday the 7th; Saturday the 10th is worked for it
        (["workday"], [30, 8, 9, 10, 12]), (["restday"], [1, 2, 3, 4, 5, 6, 7, 11]),
        (["holiday"], [1, 2, 3, 4, 5, 6, 7]), (["holiday", "sun"], [1, 2, 3, 4, 5, 6, 7, 11]),
        (["own", "workday"], [30, 5, 8, 9, 11]), (["own", "holiday"], [1, 2, 3, 4, 6, 7, 10, 12]),
    ],
)  # fmt: skip
def test_days_of_work_and_of_rest(days: list[str], judged: list[int]) -> None:
    own = {"off": ["10-12", "2026-10-10"], "worked": ["10-05", "2026-10-11"]} if days[0] == "own" else {}
    compiled = condition(rule({"above": 0}, calendar={"days": days, "hours": ["22:00-02:00"], **own}))
    begin = moment(datetime(2026, 9, 30, 12, tzinfo=ZONE))
    readings = [(begin + n * HOUR, 0, 1.0, 0) for n in range(13 * 24)]
    changes = judge(compiled, State(compiled), readings)
    opened = [time_of(one.at).astimezone(ZONE) for one in changes if one.level]
    assert [one.day for one in opened] == judged
    assert {one.hour for one in opened} == {22}
    assert {time_of(one.at).astimezone(ZONE).hour for one in changes if not one.level} == {2}


def both(*pairs: tuple[float | None, float | None]) -> list[Reading]:
    return [
        (NOON + n * HOUR, which, value, 0)
        for n, pair in enumerate(pairs)
        for which, value in enumerate(pair)
        if value is not None
    ]


def joined(when: dict[str, Any], *pairs: tuple[float | None, float | None]) -> list[tuple[str | None, float]]:
    compiled = condition_of(rule(when), [Input(**JUG), Input(**WARM)])
    changes = judge(compiled, State(compiled), both(*pairs))
    return [(change.level, (change.at - NOON) / HOUR) for change in changes]


def test_and_or_and_k_of_n() -> None:
    tests = [{"below": 5}, {"property": "warmth", "above": 30}]
    pairs = (6, 31), (4, 31), (4, 29), (6, 29)
    assert joined({"all": tests}, *pairs) == [("yellow", 1), (None, 2)]
    assert joined({"any": tests}, *pairs) == [("yellow", 0), (None, 3)]
    assert joined({"of": [*tests, {"above": 100}], "at_least": 2}, *pairs) == [("yellow", 1), (None, 2)]


def test_parts_may_last_and_be_missing() -> None:
    tests = [{"below": 5, "for": "PT1H30M"}, {"property": "warmth", "missing": "PT2H"}]
    assert joined({"all": tests}, (4, 1), (4, None), (4, None), (4, 1)) == [("yellow", 2), (None, 3)]


def test_so_many_sources_of_a_zone_at_once() -> None:
    compiled = condition(rule({"zone": "town", "below": 5, "at_least": 2}), inputs=3)
    assert [len(part) for part in (compiled.leaves, compiled.tracks)] == [3, 1]
    made = [(NOON + n * MINUTE, n, 4.0, 0) for n in range(3)] + [(NOON + 5 * MINUTE, n, 6.0, 0) for n in (0, 1)]
    changes = judge(compiled, State(compiled), made)
    assert [(c.level, (c.at - NOON) // MINUTE, c.input) for c in changes] == [("yellow", 1, 1), (None, 5, 2)]


def test_a_sum_over_a_zone_leaves_out_what_is_too_old() -> None:
    compiled = condition(rule({"zone": "town", "take": "sum", "above": 10, "gap": "PT1H"}), inputs=2)
    state = State(compiled)
    changes = judge(compiled, state, [(NOON, 0, 6.0, 0), (NOON + 30 * MINUTE, 1, 6.0, 0)])
    advance(compiled, state, NOON + 3 * HOUR, changes)
    assert [(c.level, (c.at - NOON) / MINUTE, c.value) for c in changes][:1] == [("yellow", 30, 12)]
    assert [(c.level, (c.at - NOON) // MINUTE) for c in changes] == [("yellow", 30), (None, 60)]


def zoned(when: dict[str, Any], *readings: tuple[int, int, float], inputs: int) -> list[tuple[str | None, int, Any]]:
    """(level, minutes since noon, value) of every change; readings are (minutes since noon, source, value)."""
    compiled = condition(rule({"zone": "town", **when}), inputs)
    changes = judge(compiled, State(compiled), [(NOON + at * MINUTE, n, value, 0) for at, n, value in readings])
    return [(change.level, (change.at - NOON) // MINUTE, change.value) for change in changes]


def test_a_zone_of_one_source_takes_its_newest_value_and_not_its_past() -> None:
    readings = (0, 0, 6.0), (10, 0, 6.0), (20, 0, 11.0), (30, 0, 2.0)
    for made in ("sum", "mean", "least", "most"):
        assert zoned({"take": made, "above": 10}, *readings, inputs=1) == [("yellow", 20, 11), (None, 30, 2)]
    assert zoned({"take": "count", "below": 1}, *readings, (200, 0, 2.0), inputs=1) == [
        ("yellow", 90, 0), (None, 200, 1),
    ]  # fmt: skip


def test_a_source_that_has_never_reported_is_not_counted_as_silent() -> None:
    few: dict[str, Any] = {"take": "count", "below": 2, "gap": "PT1H"}
    assert zoned(few, (0, 0, 6.0), (30, 0, 6.0), (80, 0, 6.0), inputs=2) == []
    assert zoned(few, (0, 0, 6.0), (10, 1, 6.0), (60, 0, 6.0), (80, 0, 6.0), inputs=2) == [("yellow", 70, 1)]
    one_new = (0, 0, 6.0), (10, 1, 6.0), (20, 2, 6.0), (60, 0, 6.0), (90, 0, 6.0)
    assert zoned({**few, "below": 3}, *one_new, inputs=4) == [("yellow", 80, 1)]  # 1 or 2 of 4: both are too few
    many = {"take": "count", "above": 1, "gap": "PT1H"}
    assert zoned(many, (0, 0, 6.0), (10, 1, 6.0), inputs=3) == [("yellow", 10, 2)]


def test_change_and_rate_in_a_zone_are_of_each_source() -> None:
    readings = (0, 0, 50.0), (1, 1, 90.0), (30, 0, 50.0), (31, 1, 80.0)
    assert zoned({"take": "rate", "below": -10}, *readings, inputs=2) == [("yellow", 31, -20)]
    assert zoned({"take": "rate", "above": 10}, *readings, inputs=2) == []
    assert zoned({"take": "change", "during": "PT1H", "below": -5}, *readings, inputs=2) == [("yellow", 31, -10)]


def test_a_target_class_gives_the_limit() -> None:
    worse = {"standard": "gb3838-2002", "item": "dissolved_oxygen", "target": "target_class"}
    of = rule({"worse_than": worse, "for": "PT4H"})
    (leaf,) = condition(of, target_class="III").leaves
    assert (leaf.limit.low, leaf.limit.high, leaf.gap) == (5, None, 2 * HOUR)
    assert condition(rule({"worse_than": worse, "gap": "PT5H"}), target_class="III").leaves[0].gap == 5 * HOUR
    with pytest.raises(NotJudged, match="target_class: the source has no such property"):
        condition(of)
    with pytest.raises(NotJudged, match="class 'IX'"):
        condition(of, target_class="IX")


def test_a_limit_is_what_each_station_says_of_itself() -> None:
    of = rule({"above": "warning_stage"}, levels=[{"level": "red", "above": "guarantee_stage"}])
    low, high = {"warning_stage": 5, "guarantee_stage": "7.5"}, {"warning_stage": 8, "guarantee_stage": 9}
    found = [
        [(change.level, (change.at - NOON) / HOUR) for change in judge(one, State(one), hours(4, 6, 8, 6, 4))]
        for one in (condition(of, **low), condition(of, **high))
    ]
    assert found == [[("yellow", 1), ("red", 2), ("yellow", 3), (None, 4)], []]
    for said in ({}, {"warning_stage": 5}, {**low, "guarantee_stage": "深"}, {**low, "warning_stage": float("nan")}):
        with pytest.raises(NotJudged, match="_stage: the source says no number there"):
            condition(of, **said)


def test_an_example_that_does_not_come_out_is_named() -> None:
    of = rule(
        {"above": 30, "for": "PT10M"},
        level="red",
        examples=[
            {"name": "right", "series": ["31 x 11min"], "every": "PT1M", "expect": "red"},
            {"name": "wrong", "series": ["31 x 9min"], "every": "PT1M", "expect": "red"},
            {"name": "odd", "series": ["31 for ever"], "expect": "red"},
            {"name": "other", "series": {"warmth": ["31 x 1h"]}, "expect": "red"},
        ],
    )
    assert list(problems(of)) == [
        "example 'wrong': expected red, but it says none (0 times)",
        "example 'odd': '31 for ever' is not `value x duration`, such as 4.5 x 3h, or - x 1h for no reading",
        "example 'other': series: level: the rule reads it, and the example has no series of that name",
    ]


KINDS = {
    "low": (LOW, 1),
    "holds": (rule({"above": 5, "for": "PT30M", "holds": "PT2H"}, clear={"for": "PT20M", "margin": 2}), 1),
    "missing": (rule({"missing": "PT40M"}), 1),
    "stuck": (rule({"stuck": "PT40M", "tolerance": 1}), 1),
    "sum": (rule({"take": "sum", "during": "PT1H", "above": 20}), 1),
    "rate": (rule({"take": "rate", "above": 4}), 1),
    "levels": (rule({"above": 3}, levels=[{"level": "red", "above": 7, "for": "PT10M"}]), 1),
    "calendar": (rule({"above": 5, "for": "PT10M", "holds": "PT1H"}, calendar={"hours": ["12:00-13:00"]}), 1),
    "zone": (rule({"zone": "town", "above": 5, "at_least": 2, "for": "PT10M"}), 3),
    "zone of one": (rule({"zone": "town", "take": "sum", "above": 5, "gap": "PT30M"}, clear={"for": "PT7M"}), 1),
    "zone sum": (rule({"zone": "town", "take": "sum", "above": 12, "gap": "PT30M"}, clear={"for": "PT7M"}), 3),
}
moments = st.tuples(st.integers(0, 170), st.integers(0, 2), st.integers(0, 9))


class Kept:
    """All that came in, as the database has it, and the occurrences made of what is judged."""

    def __init__(self, name: str) -> None:
        of, inputs = KINDS[name]
        self.condition = condition(of, inputs)
        self.memory = remembered(State(self.condition, NOON))
        self.known: dict[tuple[int, int], Reading] = {}
        self.found: dict[int, Occurrence] = {}
        self.numbers = itertools.count()

    def read(self, after: int, until: int) -> list[Reading]:
        return sorted(one for one in self.known.values() if after < one[0] <= until)

    def take(self, *readings: Reading) -> None:
        self.known.update({(at, n): (at, n, value, origin) for at, n, value, origin in readings})
        self.apply(take(self.condition, self.memory, sorted(readings), self.read))

    def apply(self, judged: Any) -> None:
        start = NOON - HOUR if judged.instead_of is None else judged.instead_of
        is_new = judged.instead_of is None
        old = {k: one for k, one in self.found.items() if one.raised_at > start and not is_new}
        on = [
            k for k, one in self.found.items()
            if k not in old and (one.recovered_at is None or (not is_new and one.recovered_at > start))
        ]  # fmt: skip
        going_on = self.found[on[0]] if on else None
        if going_on is not None and not is_new:
            levels = tuple(pair for pair in going_on.levels if pair[0] <= start)
            going_on = Occurrence(**{**vars(going_on), "recovered_at": None, "kept_since": None, "levels": levels})
        new = occurrences(judged.changes, going_on)
        if going_on is not None:
            self.found[on[0]] = new.pop(0)
        for key in old:
            del self.found[key]
        for key, one in matched(old, new):
            self.found[next(self.numbers) if key is None else key] = one

    def stop_and_go_on(self) -> None:
        before, newest = self.memory.dump_before(), self.memory.newest
        self.memory = Memory(State.load(self.memory.state.dump()), newest, lambda: before)

    def told(self) -> list[Occurrence]:
        return sorted(self.found.values(), key=lambda one: one.raised_at)


def readings_of(name: str, drawn: list[tuple[int, int, int]]) -> list[Reading]:
    inputs = KINDS[name][1]
    made = {(at, n % inputs): (NOON + at * MINUTE, n % inputs, float(value), 0) for at, n, value in drawn}
    return sorted(made.values())


@given(st.sampled_from(sorted(KINDS)), st.lists(moments, max_size=40), st.integers(0, 40))
def test_one_by_one_is_as_all_at_once_is_as_stopped_and_gone_on(
    name: str, drawn: list[tuple[int, int, int]], cut: int
) -> None:
    readings, (single, batch, stopped) = readings_of(name, drawn), (Kept(name) for _ in range(3))
    for reading in readings:
        single.take(reading)
    batch.take(*readings)
    for number, reading in enumerate(readings):
        stopped.take(reading)
        if number == cut:
            stopped.stop_and_go_on()
    assert single.told() == batch.told() == stopped.told()


@given(st.sampled_from(sorted(KINDS)), st.lists(moments, max_size=30), st.data())
def test_the_order_of_coming_in_changes_nothing_in_the_end(
    name: str, drawn: list[tuple[int, int, int]], data: st.DataObject
) -> None:
    readings = readings_of(name, drawn)
    ordered, shuffled = Kept(name), Kept(name)
    ordered.take(*readings)
    rest = data.draw(st.permutations(readings))
    while rest:
        size = data.draw(st.integers(1, 5))
        shuffled.take(*rest[:size])
        rest = rest[size:]
        if data.draw(st.booleans()):
            shuffled.stop_and_go_on()
    for kept in (ordered, shuffled):
        kept.apply(wait(kept.condition, kept.memory, NOON + 300 * MINUTE))
    assert [comparable(one) for one in ordered.told()] == [comparable(one) for one in shuffled.told()]


def comparable(one: Occurrence) -> Any:
    return one.since, one.raised_at, one.value, one.levels, one.recovered_at, one.kept_since


def test_what_is_later_than_the_rule_allows_changes_nothing() -> None:
    kept = Kept("low")
    kept.take(*hours(6, 4, 4, 4, 4, 4, 4, 4))
    before = kept.told()
    kept.take((NOON + 30 * MINUTE, 0, 9.0, 0))
    assert [(one.since, one.raised_at) for one in kept.told()] == [(NOON + HOUR, NOON + 5 * HOUR)]
    assert kept.told() == before
    kept.take((NOON + 90 * MINUTE, 0, 9.0, 0))
    assert [(one.since, one.raised_at) for one in kept.told()] == [(NOON + 2 * HOUR, NOON + 6 * HOUR)]


def test_a_declaration_that_cannot_be_understood_is_told_why() -> None:
    everything = {TOY.name: packs.read(TOY)}
    examples = [{"name": "x", "series": ["1 x 1h"], "expect": "none"}]
    jug = {"profile": "lemonade.jug", "property": "level"}

    def told(when: dict[str, Any], **more: Any) -> list[str]:
        return list(
            declare.check("lemonade.x", {"when": when, "level": "blue", "examples": examples, **more}, everything)
        )

    assert told({**jug, "below": 0}) == []
    assert told({**jug, "below": 0, "missing": "PT1H"}) == [
        "when: below, missing: a test says one of below, above, inside, worse_than, missing, stuck"
        " (below and above may go together)"
    ]
    assert told({**jug, "take": "sum", "above": 5}) == ["when.take: sum: must say during which time, or of which zone"]
    assert told({**jug, "zone": "town", "take": "change", "above": 5}) == [
        "when.take: change: must say during which time"
    ]
    assert told({**jug, "all": [{"below": 0}, {"above": 5}], "any": []}) == [
        "when: all, any: either one join or one test"
    ]
    assert told({**jug, "of": [{"below": 0}, {"above": 5}]}) == [
        "when.at_least: —: must say how many of the 2 parts are true"
    ]
    assert told({**jug, "below": 0}, levels=[{"level": "blue", "below": -1}]) == [
        "levels: blue, blue: each level is said once"
    ]
    assert told({**jug, "zone": {"layer": "lemonade.gone"}, "below": 0}) == [
        "when.zone.layer: lemonade.gone: no pack declares this layer"
    ]
    assert told({"profile": "other.jug", "property": "level", "below": 0}) == [
        "when.profile: other.jug: of another pack; a county joins packs (county.yaml: starts)",
        "when.profile: other.jug: no pack declares this device profile",
    ]
