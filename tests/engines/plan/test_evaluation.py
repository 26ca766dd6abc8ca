"""Scoring and ranking: every method against a case worked by hand, and what must hold for any values."""

from __future__ import annotations

import json
import math
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shizhu.engines.plan.logic.evaluation import (
    SAME,
    Item,
    Scheme,
    Values,
    ahp,
    entropy,
    evaluate,
    ranked,
    ranked_apart,
    sensitivity,
    topsis,
    weighing,
)  # fmt: skip
from shizhu.engines.plan.logic.index import check

NUMBERS = st.floats(0, 1e6).map(lambda number: round(number, 3))
SUBJECTS = st.integers(2, 8).map(lambda n: [f"乡镇{i}" for i in range(n)])


def scheme(*items: Item, **given: Any) -> Scheme:
    return Scheme(items or (Item("a", 3), Item("b", 1, "falling")), **given)


@st.composite
def tables(draw: st.DrawFn) -> Values:
    """Two items of two to eight subjects."""
    return {subject: {"a": draw(NUMBERS), "b": draw(NUMBERS)} for subject in draw(SUBJECTS)}


def scores(made: Scheme, values: Values, base: Values | None = None) -> dict[str, float | None]:
    return {
        row.subject: None if row.score is None else round(row.score, 6) for row in evaluate(made, values, base).rows
    }


def test_min_max_turns_falling_items_round() -> None:
    values = {"甲": {"a": 10, "b": 4}, "乙": {"a": 20, "b": 8}, "丙": {"a": 15, "b": 6}}
    assert scores(scheme(), values) == {"乙": 75.0, "丙": 50.0, "甲": 25.0}
    assert scores(scheme(floor=60), values) == {"乙": 90.0, "丙": 80.0, "甲": 70.0}


def test_fixed_bounds_cut_what_lies_outside() -> None:
    made = scheme(Item("a", bounds=(0, 50)))
    assert scores(made, {"甲": {"a": 25}, "乙": {"a": 80}, "丙": {"a": -3}}) == {"乙": 100.0, "甲": 50.0, "丙": 0.0}


def test_where_all_are_alike_none_is_worse() -> None:
    assert scores(scheme(), {"甲": {"a": 5, "b": 1}, "乙": {"a": 5, "b": 1}}) == {"甲": 100.0, "乙": 100.0}


def test_goal_completion_never_passes_the_goal() -> None:
    made = scheme(Item("a", 1, goal=40), Item("b", 1, "falling", goal=3), normalise="goal")
    values = {"甲": {"a": 30, "b": 4}, "乙": {"a": 80, "b": 2}, "丙": {"a": 0, "b": 0}}
    assert scores(made, values) == {"乙": 100.0, "甲": 75.0, "丙": 50.0}


def test_growth_counts_from_the_subjects_own_base() -> None:
    made = scheme(Item("a"), normalise="growth")
    base: Values = {"甲": {"a": 100}, "乙": {"a": 0}, "丙": {"a": 50}}
    assert scores(made, {"甲": {"a": 117.05}, "乙": {"a": 9}, "丙": {"a": 45}}, base) == {
        "甲": 117.05, "丙": 90.0, "乙": None,
    }  # fmt: skip
    lost = {"甲": {"a": -20}, "乙": {"a": 50}, "丙": {"a": 45}}  # a profit that turned into a loss is nothing, no debt
    assert scores(made, lost, {**base, "乙": {"a": 100}}) == {"丙": 90.0, "乙": 50.0, "甲": 0.0}
    falling = scheme(Item("a", 1, "falling"), normalise="growth")
    assert scores(falling, {"甲": {"a": 80}, "丙": {"a": 50}}, base) == {"甲": 125.0, "丙": 100.0}
    assert scores(falling, {"甲": {"a": 0}, "乙": {"a": 0}, "丙": {"a": 4}}, base) == {
        "甲": 1000.0, "乙": 100.0, "丙": 1000.0,
    }  # fmt: skip


def test_within_a_band_is_best() -> None:
    made = scheme(Item("a", direction="within", band=(6, 9)))
    assert scores(made, {"甲": {"a": 7}, "乙": {"a": 5}, "丙": {"a": 11}}) == {"甲": 100.0, "乙": 50.0, "丙": 0.0}


def test_a_missing_value_is_no_zero() -> None:
    values: Values = {"甲": {"a": 10, "b": None}, "乙": {"a": 20, "b": 8}, "丙": {"b": 4}}
    found = {row.subject: (row.score, row.rank, row.known) for row in evaluate(scheme(least=0.7), values).rows}
    assert found == {"乙": (75.0, 1, 1.0), "甲": (0.0, 2, 0.75), "丙": (None, None, 0.25)}


def test_entropy_by_hand() -> None:
    parts = {"甲": {"a": 1.0, "b": 1.0}, "乙": {"a": 1.0, "b": 2.0}, "丙": {"a": 2.0, "b": 3.0}}
    # a: p = ¼ ¼ ½, H = 1.0397, e = 0.9464, d = 0.0536; b: p = ⅙ ⅓ ½, H = 1.0114, e = 0.9206, d = 0.0794
    found = entropy(scheme(), parts)
    assert (round(found["a"], 4), round(found["b"], 4)) == (0.4031, 0.5969)
    assert entropy(scheme(), {"甲": {"a": 1.0, "b": 5.0}, "乙": {"a": 1.0, "b": 5.0}}) == {"a": 0.5, "b": 0.5}


def test_ahp_by_hand() -> None:
    found = ahp([[1, 3, 5], [1 / 3, 1, 3], [1 / 5, 1 / 3, 1]])
    assert [round(weight, 3) for weight in found.weights] == [0.637, 0.258, 0.105]
    assert (round(found.largest, 4), round(found.index, 4), round(found.ratio, 4)) == (3.0385, 0.0193, 0.0332)
    assert found.is_consistent
    assert not ahp([[1, 9, 1 / 9], [1 / 9, 1, 9], [9, 1 / 9, 1]]).is_consistent


@pytest.mark.parametrize(
    ("matrix", "why"),
    [
        ([[1, 2], [2, 1]], "row 1, column 2: 2 is not 1 / 2"), ([[1, 2]], "row 1 has 2 cells, not 1"),
        ([[1, 0], [0, 1]], "row 1, column 2: 0 is not 1 / 0"), ([], "a matrix has 1 to 15 rows, not 0"),
    ],
)  # fmt: skip
def test_ahp_says_which_judgement_is_wrong(matrix: list[list[float]], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        ahp(matrix)


def test_topsis_by_hand() -> None:
    # columns of length 5: a = 3/5, 4/5, 0; b = 0, 4/5, 3/5; best (0.4, 0.4), worst (0, 0) with equal weights
    parts = {"甲": {"a": 3.0, "b": 0.0}, "乙": {"a": 4.0, "b": 4.0}, "丙": {"a": 0.0, "b": 3.0}}
    found = {subject: round(score, 2) for subject, score in topsis(parts, {"a": 0.5, "b": 0.5}).items()}
    up, down = math.dist((0.3, 0), (0.4, 0.4)), 0.3
    assert found == {"甲": round(100 * down / (up + down), 2), "乙": 100.0, "丙": round(100 * down / (up + down), 2)}


def test_topsis_takes_the_values_as_they_are() -> None:
    # lengths of the columns 517.20, 50.60, 22.98; p is falling and weighs a quarter, q a quarter, r a half
    made = scheme(Item("p", 0.25, "falling"), Item("q", 0.25), Item("r", 0.5), combine="topsis")
    values: Values = {
        "甲": {"p": 250.0, "q": 16.0, "r": 12.0}, "乙": {"p": 200.0, "q": 16.0, "r": 8.0},
        "丙": {"p": 300.0, "q": 32.0, "r": 16.0}, "丁": {"p": 275.0, "q": 32.0, "r": 8.0},
    }  # fmt: skip
    found = [(row.subject, round(row.score or 0, 1)) for row in evaluate(made, values).rows]
    assert found == [("丙", 79.8), ("甲", 42.9), ("丁", 31.0), ("乙", 20.2)]


def test_equal_scores_share_the_better_rank() -> None:
    assert ranked({"甲": 80, "乙": 90, "丙": 80, "丁": 70}) == {"乙": 1, "甲": 2, "丙": 2, "丁": 4}


def test_peers_are_ranked_among_themselves() -> None:
    made = scheme(Item("a", goal=100), normalise="goal")
    rows = evaluate(
        made, {"甲": {"a": 90}, "乙": {"a": 80}, "丙": {"a": 80}, "丁": {"a": 70}, "戊": {}, "己": {"a": 9}}
    ).rows
    peers = {"甲": "镇", "乙": "乡", "丙": "镇", "丁": "乡", "戊": "乡"}
    assert ranked_apart(rows, peers) == {"甲": 1, "乙": 1, "丙": 2, "丁": 2}


def test_classes_take_their_lowest_score_in() -> None:
    made = scheme(Item("a", goal=100), normalise="goal", classes=(("优", 90.0), ("良", 80.0)))
    rows = evaluate(made, {"甲": {"a": 90}, "乙": {"a": 89.9}, "丙": {"a": 10}}).rows
    assert [(row.subject, row.class_) for row in rows] == [("甲", "优"), ("乙", "良"), ("丙", "")]


def test_other_weights_turn_the_ranking() -> None:
    values = {"甲": {"a": 10, "b": 0}, "乙": {"a": 0, "b": 10}, "丙": {"a": 0, "b": 0}}
    made = scheme(Item("a", 1.0), Item("b", 1.1))
    assert [row.subject for row in evaluate(made, values).rows] == ["乙", "甲", "丙"]
    assert [row.subject for row in evaluate(weighing(made, {"a": 2}), values).rows] == ["甲", "乙", "丙"]
    found = sensitivity(made, values)
    assert (found.span, found.moved) == ({"乙": (1, 2), "甲": (1, 2), "丙": (3, 3)}, {"a": 2, "b": 2})
    assert sensitivity(made, values, by=0.01).moved == {"a": 0, "b": 0}


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (scheme(Item("a"), normalise="goal"), "a: goal: None: must be more than 0"),
        (scheme(Item("a", direction="within")), "a: an item that keeps within has a band"),
        (scheme(Item("a", 0)), "weights: none may be negative"), (scheme(Item("a", -1), Item("b", 3)), "weights: none"),
    ],
)  # fmt: skip
def test_a_scheme_that_cannot_be_computed_is_refused(made: Scheme, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        evaluate(made, {"甲": {"a": 1.0, "b": 1.0}})


@pytest.mark.parametrize("weights", ["given", "entropy"])
@pytest.mark.parametrize("combine", ["sum", "topsis"])
@given(values=tables())
def test_scores_lie_between_0_and_100_and_ranks_follow_them(weights: str, combine: str, values: Values) -> None:
    found = evaluate(scheme(weights=weights, combine=combine), values)
    assert math.isclose(math.fsum(found.weights.values()), 1)
    made = [row.score for row in found.rows if row.score is not None]
    assert len(made) == len(values)
    assert all(other - one <= SAME for one, other in pairwise(made))
    assert all(-1e-9 <= score <= 100 + 1e-9 for score in made)
    assert min(row.rank or 0 for row in found.rows) == 1


@given(values=tables(), factor=st.sampled_from([0.5, 3.0, 1000.0]), shift=st.sampled_from([0.0, 7.0]))
def test_min_max_does_not_care_for_the_unit(values: Values, factor: float, shift: float) -> None:
    other = {s: {k: None if v is None else v * factor + shift for k, v in row.items()} for s, row in values.items()}
    before, after = evaluate(scheme(), values), evaluate(scheme(), other)
    one, two = ({row.subject: row.score for row in found.rows} for found in (before, after))
    assert one.keys() == two.keys()
    assert all(math.isclose(one[s] or 0, two[s] or 0, rel_tol=1e-6, abs_tol=1e-4) for s in one)


@pytest.mark.parametrize("normalise", ["min-max", "goal", "growth"])
@given(values=tables(), more=st.floats(0.1, 1e5))
def test_who_does_better_does_not_score_worse(normalise: str, values: Values, more: float) -> None:
    made = scheme(Item("a", 3, goal=500), Item("b", 1, "falling", goal=500), normalise=normalise)
    base: Values = {subject: {"a": 10.0, "b": 10.0} for subject in values}
    subject = next(iter(values))
    better = {**values, subject: {**values[subject], "a": (values[subject]["a"] or 0) + more}}
    before, after = (
        next(row.score for row in evaluate(made, table, base).rows if row.subject == subject)
        for table in (values, better)
    )
    assert (before is None and after is None) or (after or 0) >= (before or 0) - 1e-6


@given(st.lists(st.floats(0.05, 20), min_size=1, max_size=8))
def test_ahp_finds_the_weights_behind_consistent_judgements(weights: list[float]) -> None:
    total = math.fsum(weights)
    found = ahp([[a / b for b in weights] for a in weights])
    assert all(math.isclose(one, two / total, rel_tol=1e-6) for one, two in zip(found.weights, weights, strict=True))
    assert found.ratio < 1e-6


@given(values=tables())
def test_a_scheme_written_down_gives_the_same(values: Values) -> None:
    made = Scheme((Item("a", 2, bounds=(0, 9)), Item("b", 1, "within", band=(1, 3))), floor=60, classes=(("优", 90.0),))
    again = Scheme.of_json(json.loads(json.dumps(made.as_json())))
    assert again == made
    assert evaluate(again, json.loads(json.dumps(values))) == evaluate(made, values)


def declared(item: dict[str, Any] | None = None, **given: Any) -> dict[str, Any]:
    """An index of two items as a pack declares it, and its example worked by hand."""
    names = {"zh": "名", "en": "name"}
    items = {"a": {"title": names, "unit": "个", **(item or {})}, "b": {"title": names, "unit": "个"}}
    example = {"given": {"甲": {"a": 1, "b": 1}, "乙": {"a": 2, "b": 2}}, "expect": {"甲": 0.0, "乙": 100.0}}
    return {"groups": {"all": {"title": names, "items": items}}, "example": example, **given}


A = "groups.all.items.a"
SPREAD = "only normalise: min-max with combine: sum has it"
GROUPED = [{"name": {"zh": name, "en": name}, "from": 60} for name in ("优", "良")]


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (declared(), []),
        (declared(combine="topsis"), []),
        (
            declared(combine="topsis", floor=60, least=0.7),
            [f"floor: 60: {SPREAD}", "least: 0.7: combine: topsis ranks only who has every value"],
        ),
        (declared({"bounds": [0, 9]}, combine="topsis"), [f"{A}.bounds: [0, 9]: {SPREAD}"]),
        (declared({"bounds": [2, 1]}), [f"{A}.bounds: [2, 1]: the lower comes first, and bounds differ"]),
        (
            declared({"goal": 3}, base_year=2020),
            ["base_year: 2020: only normalise: growth counts from a year", f"{A}.goal: 3: only normalise: goal has it"],
        ),
        (declared({"band": [1, 2]}), [f"{A}.band: [1, 2]: direction: within has a band, no other has"]),
        (declared({"weight": 2}, weights="entropy"), [f"{A}.weight: 2: weights: entropy are made, not given"]),
        (declared(compare={"a/b": 2}), ["compare: {'a/b': 2}: only weights: ahp come from judgements"]),
        (
            declared(classes=GROUPED),
            ["classes: [60, 60]: the best comes first, and each begins lower than the one before"],
        ),
    ],
)
def test_what_a_method_does_not_use_is_refused(body: dict[str, Any], why: list[str]) -> None:
    assert [told for told in check(body) if not told.startswith("example:")] == why


def test_what_a_method_needs_is_asked_for() -> None:
    needs = "normalise: goal needs one of every item, but direction: within has its band"
    told = declared({"direction": "within", "band": [1, 2], "goal": 5}, normalise="goal")
    assert list(check(told))[:2] == [
        f"groups.all.items.a.goal: 5: {needs}",
        f"groups.all.items.b.goal: missing: {needs}",
    ]
    growing = declared(normalise="growth")
    assert next(iter(check(growing))) == "base_year: normalise: growth counts from a year"
    contradicted = declared(weights="ahp")
    contradicted["groups"]["all"] |= {"compare": {"a/b": 9, "b/c": 9, "c/a": 9}}
    contradicted["groups"]["all"]["items"]["c"] = contradicted["groups"]["all"]["items"]["b"]
    assert next(iter(check(contradicted))) == (
        "groups.all.compare: the judgements contradict each other (CR 6.13, must be below 0.10)"
    )
