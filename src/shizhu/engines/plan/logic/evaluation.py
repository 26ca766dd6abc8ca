"""Scoring and ranking (综合评价): values of many subjects become scores of 0–100, weights, ranks and classes.

Plain Python that needs nothing else, because an issued evaluation carries this file along for an outsider to run again.

Normalising (无量纲化), each to 0–100, more is better:
- `min-max` (极值法): 100·(x − lo)/(hi − lo), turned round for falling items; `floor` f makes it f + (100 − f)·share
  (功效系数法 with f = 60).
- `goal` (目标完成法): 100·x/goal, for falling items 100·goal/x, never over 100.
- `growth` (发展指数法): 100·x/base of the subject's own base year, for falling items 100·base/x; may pass 100,
  never 1000, which a falling item that is down at 0 has; what turned negative has 0.
An item that shall keep `within` a band is replaced by its distance from the band, which is falling.

Weights: as given, by entropy (熵权法), or by AHP (层次分析法, Saaty 1980) with its consistency ratio.
Combining: the weighted sum, or TOPSIS (优劣解距离法, Hwang & Yoon 1981), which makes columns of length 1 by itself:
with `min-max` it takes the values as they are, else what `goal` or `growth` made of them.

A missing value is no zero: the other weights carry the score, and below `least` of the weight there is no rank.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

RISING, FALLING, WITHIN = "rising", "falling", "within"
MIN_MAX, GOAL, GROWTH = "min-max", "goal", "growth"
GIVEN, ENTROPY = "given", "entropy"
SUM, TOPSIS = "sum", "topsis"
MOST_GROWTH = 1000.0  # ten times as good as in the base year
CONSISTENT = 0.1  # the largest consistency ratio of an AHP matrix that is accepted (Saaty)
RANDOM_INDEX = (0.0, 0.0, 0.58, 0.90, 1.12, 1.24, 1.32, 1.41, 1.45, 1.49, 1.51, 1.54, 1.56, 1.57, 1.59)  # of 1 … 15
SAME = 1e-9  # scores nearer than this are equal

Values = Mapping[str, Mapping[str, float | None]]  # subject → item → value


@dataclass(frozen=True)
class Item:
    """One item (指标): weights count relative to each other; `bounds` fix lo and hi, `goal` is what 100 stands for."""

    key: str
    weight: float = 1.0
    direction: str = RISING
    goal: float | None = None
    band: tuple[float, float] | None = None
    bounds: tuple[float, float] | None = None


@dataclass(frozen=True)
class Scheme:
    """How an index is made (评价方案); `classes` are (name, lowest score), best first."""

    items: tuple[Item, ...]
    normalise: str = MIN_MAX
    weights: str = GIVEN
    combine: str = SUM
    floor: float = 0.0
    least: float = 0.8
    classes: tuple[tuple[str, float], ...] = ()

    def as_json(self) -> dict[str, Any]:
        """As kept and handed over."""
        return asdict(self)

    @classmethod
    def of_json(cls, told: Mapping[str, Any]) -> Scheme:
        """What `as_json` wrote."""
        items = tuple(
            Item(**{**item, "band": _pair(item.get("band")), "bounds": _pair(item.get("bounds"))})
            for item in told["items"]
        )
        classes = tuple((str(name), float(lowest)) for name, lowest in told.get("classes", ()))
        return cls(**{**told, "items": items, "classes": classes})


@dataclass(frozen=True)
class Scored:
    """One subject: `parts` are its items of 0–100, `known` the share of the weight that has a value."""

    subject: str
    score: float | None
    rank: int | None
    class_: str
    known: float
    parts: Mapping[str, float | None] = field(default_factory=dict)


@dataclass(frozen=True)
class Result:
    """All subjects, best first, those without a rank last; the weights used, which add up to 1."""

    rows: tuple[Scored, ...]
    weights: Mapping[str, float]


def evaluate(scheme: Scheme, values: Values, base: Values | None = None) -> Result:
    """Scores, ranks and classes. `base` holds the base year's values for `growth`.

    Raises ValueError naming the item for a goal that is missing or not positive, and for weights that add up to 0.
    """
    parts = normalised(scheme, values, base or {})
    weights = entropy(scheme, parts) if scheme.weights == ENTROPY else given(scheme)
    known = {
        subject: math.fsum(weights[key] for key, part in row.items() if part is not None)
        for subject, row in parts.items()
    }
    whole = {subject for subject, share in known.items() if share > 0 and share >= scheme.least - SAME}
    if scheme.combine == TOPSIS:
        scores = _topsis(scheme, values, parts, weights)
    else:
        scores = {
            s: math.fsum(weights[key] * part for key, part in row.items() if part is not None) / known[s]
            for s, row in parts.items()
            if s in whole
        }
    ranks = ranked(scores)
    rows = [
        Scored(s, scores.get(s), ranks.get(s), class_of(scheme, scores.get(s)), known[s], row)
        for s, row in parts.items()
    ]
    rows.sort(key=lambda row: (row.rank is None, row.rank or 0, row.subject))
    return Result(tuple(rows), weights)


def normalised(scheme: Scheme, values: Values, base: Values) -> dict[str, dict[str, float | None]]:
    """Subject → item → 0–100 (more for `growth`), None where there is no value."""
    found: dict[str, dict[str, float | None]] = {subject: {} for subject in values}
    for item in scheme.items:
        column = {subject: _seen(item, row.get(item.key)) for subject, row in values.items()}
        if scheme.normalise == MIN_MAX:
            made = _min_max(item, column, scheme.floor)
        elif scheme.normalise == GOAL:
            made = {subject: _towards(item, value) for subject, value in column.items()}
        else:
            before = {subject: _seen(item, base.get(subject, {}).get(item.key)) for subject in values}
            made = {subject: _grown(item, value, before[subject]) for subject, value in column.items()}
        for subject, part in made.items():
            found[subject][item.key] = part
    return found


def given(scheme: Scheme) -> dict[str, float]:
    """The weights as given, made to add up to 1."""
    total = math.fsum(item.weight for item in scheme.items)
    if total <= 0 or any(item.weight < 0 for item in scheme.items):
        raise ValueError("weights: none may be negative, and they must add up to more than 0")
    return {item.key: item.weight / total for item in scheme.items}


def entropy(scheme: Scheme, parts: Mapping[str, Mapping[str, float | None]]) -> dict[str, float]:
    """Weights by entropy: an item in which the subjects differ more weighs more; all alike weigh nothing."""
    rows = [row for row in parts.values() if None not in row.values()]
    spread = {}
    for item in scheme.items:
        column = [part for row in rows if (part := row[item.key]) is not None]
        total = math.fsum(column)
        if len(column) < 2 or total <= 0:
            spread[item.key] = 0.0
            continue
        shares = [part / total for part in column]
        spread[item.key] = max(0.0, 1 + math.fsum(p * math.log(p) for p in shares if p > 0) / math.log(len(column)))
    total = math.fsum(spread.values())
    if total < SAME:  # nothing tells the subjects apart
        return {key: 1 / len(spread) for key in spread}
    return {key: value / total for key, value in spread.items()}


@dataclass(frozen=True)
class Compared:
    """Weights of an AHP matrix, and how far its judgements contradict each other: λmax, CI and CR = CI/RI."""

    weights: tuple[float, ...]
    largest: float
    index: float
    ratio: float

    @property
    def is_consistent(self) -> bool:
        """Whether the judgements may be used."""
        return self.ratio < CONSISTENT


def ahp(matrix: Sequence[Sequence[float]]) -> Compared:
    """Weights from pairwise judgements: how many times as important row i is as column j.

    Raises ValueError naming the cell unless the matrix is square, positive and reciprocal, of at most 15 rows.
    """
    size = len(matrix)
    if not 1 <= size <= len(RANDOM_INDEX):
        raise ValueError(f"a matrix has 1 to {len(RANDOM_INDEX)} rows, not {size}")
    for i, row in enumerate(matrix):
        if len(row) != size:
            raise ValueError(f"row {i + 1} has {len(row)} cells, not {size}")
        for j, cell in enumerate(row):
            if not (math.isfinite(cell) and cell > 0 and math.isclose(cell * matrix[j][i], 1, rel_tol=1e-6)):
                raise ValueError(f"row {i + 1}, column {j + 1}: {cell:g} is not 1 / {matrix[j][i]:g}")
    weights = [1 / size] * size
    for _ in range(1000):
        turned = [math.fsum(cell * weight for cell, weight in zip(row, weights, strict=True)) for row in matrix]
        total = math.fsum(turned)
        before, weights = weights, [cell / total for cell in turned]
        if max(abs(a - b) for a, b in zip(before, weights, strict=True)) < 1e-14:
            break
    turned = [math.fsum(cell * weight for cell, weight in zip(row, weights, strict=True)) for row in matrix]
    largest = math.fsum(cell / weight for cell, weight in zip(turned, weights, strict=True)) / size
    index = max(0.0, (largest - size) / (size - 1)) if size > 1 else 0.0
    chance = RANDOM_INDEX[size - 1]
    return Compared(tuple(weights), largest, index, index / chance if chance else 0.0)


def _topsis(
    scheme: Scheme, values: Values, parts: Mapping[str, Mapping[str, float | None]], weights: Mapping[str, float]
) -> dict[str, float]:
    whole = {s: row for s, row in parts.items() if None not in row.values()}
    if scheme.normalise != MIN_MAX:
        return topsis(whole, weights)
    signs = {item.key: 1 if item.direction == RISING else -1 for item in scheme.items}
    seen = {
        s: {item.key: signs[item.key] * (_seen(item, values[s].get(item.key)) or 0.0) for item in scheme.items}
        for s in whole
    }
    return topsis(seen, weights)


def topsis(parts: Mapping[str, Mapping[str, float | None]], weights: Mapping[str, float]) -> dict[str, float]:
    """100 · distance from the worst / (distance from the best + from the worst), on columns of length 1."""
    length = {key: math.sqrt(math.fsum((row[key] or 0.0) ** 2 for row in parts.values())) for key in weights}
    weighted = {
        s: {key: weight * (row[key] or 0.0) / length[key] if length[key] else 0.0 for key, weight in weights.items()}
        for s, row in parts.items()
    }
    if not weighted:
        return {}
    best = {key: max(row[key] for row in weighted.values()) for key in weights}
    worst = {key: min(row[key] for row in weighted.values()) for key in weights}
    found = {}
    for subject, row in weighted.items():
        up = math.dist([row[key] for key in weights], [best[key] for key in weights])
        down = math.dist([row[key] for key in weights], [worst[key] for key in weights])
        found[subject] = 100.0 if up + down < SAME else 100 * down / (up + down)
    return found


def ranked(scores: Mapping[str, float]) -> dict[str, int]:
    """1, 2, 2, 4: equal scores share the better rank."""
    found: dict[str, int] = {}
    last, rank = math.inf, 0
    for number, (subject, score) in enumerate(sorted(scores.items(), key=lambda pair: -pair[1]), 1):
        if last - score > SAME:
            last, rank = score, number
        found[subject] = rank
    return found


def ranked_apart(rows: Iterable[Scored], peers: Mapping[str, str]) -> dict[str, int]:
    """The rank of each subject among those of its own group (分组排名); `peers` names the group of a subject."""
    groups: dict[str, dict[str, float]] = {}
    for row in rows:
        if row.score is not None and row.subject in peers:
            groups.setdefault(peers[row.subject], {})[row.subject] = row.score
    return {subject: rank for scores in groups.values() for subject, rank in ranked(scores).items()}


def class_of(scheme: Scheme, score: float | None) -> str:
    """The first class whose lowest score is reached; empty without one."""
    if score is None:
        return ""
    return next((name for name, lowest in scheme.classes if score >= lowest - SAME), "")


@dataclass(frozen=True)
class Sensitivity:
    """What other weights would change: the best and worst rank of each subject, and per item how many ranks moved."""

    span: Mapping[str, tuple[int, int]]
    moved: Mapping[str, int]


def sensitivity(scheme: Scheme, values: Values, base: Values | None = None, by: float = 0.2) -> Sensitivity:
    """Make every weight larger and smaller by a share, one at a time, and rank anew.

    The weights varied are those that the scheme really uses, so that entropy's are varied too.
    """
    first = evaluate(scheme, values, base)
    ranks = {row.subject: row.rank for row in first.rows if row.rank is not None}
    span = {subject: (rank, rank) for subject, rank in ranks.items()}
    moved = {}
    for item in scheme.items:
        changed: set[str] = set()
        for share in (1 - by, 1 + by):
            weights = {**first.weights, item.key: first.weights[item.key] * share}
            if math.fsum(weights.values()) < SAME:
                continue
            other = evaluate(weighing(scheme, weights), values, base)
            for row in other.rows:
                if row.rank is not None and row.subject in span:
                    low, high = span[row.subject]
                    span[row.subject] = min(low, row.rank), max(high, row.rank)
                    if row.rank != ranks[row.subject]:
                        changed.add(row.subject)
        moved[item.key] = len(changed)
    return Sensitivity(span, moved)


def weighing(scheme: Scheme, weights: Mapping[str, float]) -> Scheme:
    """The scheme with these weights instead of its own."""
    items = tuple(replace(item, weight=weights.get(item.key, item.weight)) for item in scheme.items)
    return replace(scheme, items=items, weights=GIVEN)


def _seen(item: Item, value: float | None) -> float | None:
    """The value; of an item that shall keep within a band its distance from the band."""
    if value is None or not math.isfinite(value):
        return None
    if item.direction != WITHIN:
        return value
    if item.band is None:
        raise ValueError(f"{item.key}: an item that keeps within has a band")
    low, high = item.band
    return max(low - value, value - high, 0.0)


def _min_max(item: Item, column: Mapping[str, float | None], floor: float) -> dict[str, float | None]:
    known = [value for value in column.values() if value is not None]
    low, high = item.bounds or (min(known, default=0.0), max(known, default=0.0))
    made: dict[str, float | None] = {}
    for subject, value in column.items():
        if value is None:
            made[subject] = None
            continue
        share = 1.0 if high == low else min(1.0, max(0.0, (value - low) / (high - low)))
        if high != low and item.direction != RISING:
            share = 1 - share
        made[subject] = floor + (100 - floor) * share
    return made


def _towards(item: Item, value: float | None) -> float | None:
    if value is None:
        return None
    if item.direction == WITHIN:
        low, high = item.band or (0.0, 0.0)
        width = max(abs(low), abs(high)) or 1.0
        return 100 * max(0.0, 1 - value / width)
    if item.goal is None or item.goal <= 0:
        raise ValueError(f"{item.key}: goal: {item.goal}: must be more than 0")
    if item.direction == RISING:
        return 100 * min(1.0, max(0.0, value / item.goal))
    return 100.0 if value <= 0 else 100 * min(1.0, item.goal / value)


def _grown(item: Item, value: float | None, before: float | None) -> float | None:
    """Never over MOST_GROWTH, which has a falling item that is down at 0; a base of 0 has no growth."""
    if value is None or before is None:
        return None
    upper, lower = (value, before) if item.direction == RISING else (before, value)
    if item.direction != RISING and value == before:
        return 100.0
    if lower > 0:
        return min(MOST_GROWTH, max(0.0, 100 * upper / lower))
    return MOST_GROWTH if item.direction != RISING and lower == 0 < upper else None


def _pair(told: Iterable[float] | None) -> tuple[float, float] | None:
    if told is None:
        return None
    low, high = told
    return float(low), float(high)
