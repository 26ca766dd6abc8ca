"""A declared index (`indexes/*.yaml`) as a scheme: groups and items become weights that add up to 1."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from shizhu.engines.plan.logic.evaluation import (
    CONSISTENT,
    GIVEN,
    GOAL,
    GROWTH,
    MIN_MAX,
    RISING,
    SUM,
    TOPSIS,
    WITHIN,
    Compared,
    Item,
    Scheme,
    ahp,
    evaluate,
)  # fmt: skip

Body = Mapping[str, Any]
AHP = "ahp"
METHOD = {"normalise": MIN_MAX, "weights": GIVEN, "combine": SUM}  # key → what it is where nobody says


def items(body: Body) -> Iterator[tuple[str, str, Body]]:
    """Every item as (group, key, declaration), in the order written."""
    for group, told in body["groups"].items():
        for key, item in told["items"].items():
            yield group, key, item


def scheme(body: Body) -> Scheme:
    """The scheme. Raises ValueError naming the key for weights that cannot be made of it."""
    groups = _weights(body, "groups", body["groups"], body.get("compare"))
    made = []
    for group, told in body["groups"].items():
        own = _weights(body, f"groups.{group}", told["items"], told.get("compare"))
        made += [_item(key, item, groups[group] * own[key]) for key, item in told["items"].items()]
    classes = tuple((one["name"]["zh"], float(one["from"])) for one in body.get("classes", []))
    normalise, weights, combine = (body.get(key, usual) for key, usual in METHOD.items())
    return Scheme(
        tuple(made), normalise, GIVEN if weights == AHP else weights, combine, body.get("floor", 0.0),
        body.get("least", 0.8), classes,
    )  # fmt: skip


def judged(body: Body) -> dict[str, Compared]:
    """What every AHP matrix says: `groups`, then `groups.<group>`."""
    return {place: ahp(_matrix(place, keys, pairs)) for place, (keys, pairs) in _compared(body).items()}


def _compared(body: Body) -> dict[str, tuple[list[str], Mapping[str, float]]]:
    """Per place what is compared, and the judgements of pairs."""
    told = {"groups": (list(body["groups"]), body.get("compare", {}))}
    return told | {f"groups.{key}": (list(one["items"]), one.get("compare", {})) for key, one in body["groups"].items()}


def judgements(body: Body) -> dict[str, dict[str, Any]]:
    """Per AHP matrix that was filled in: {pairs, largest, index, ratio}; nothing where weights come another way."""
    if body.get("weights") != AHP:
        return {}
    found = judged(body)
    return {
        place: {"pairs": pairs, **{name: getattr(found[place], name) for name in ("largest", "index", "ratio")}}
        for place, (_keys, pairs) in _compared(body).items()
        if pairs
    }


def check(body: Body) -> Iterator[str]:
    """Keys are there once, weights can be made, judgements are consistent, the example comes out."""
    keys = [key for _group, key, _item in items(body)]
    for key in sorted({key for key in keys if keys.count(key) > 1}):
        yield f"groups: {key}: two items have this key"
    yield from _without_meaning(body)
    lowest = [one["from"] for one in body.get("classes", [])]
    if any(one <= other for one, other in pairwise(lowest)):
        yield f"classes: {lowest}: the best comes first, and each begins lower than the one before"
    try:
        made = scheme(body)
        if body.get("weights") == AHP:
            for place, compared in judged(body).items():
                if not compared.is_consistent:
                    found = f"CR {compared.ratio:.2f}, must be below {CONSISTENT:.2f}"
                    yield f"{place}.compare: the judgements contradict each other ({found})"
        example = body["example"]
        result = evaluate(made, example["given"], example.get("base"))
    except ValueError as error:
        yield str(error)
        return
    scores = {row.subject: None if row.score is None else round(row.score, 2) for row in result.rows}
    if scores != example["expect"]:
        yield f"example: expected {example['expect']}, but the scores are {scores}"


def _without_meaning(body: Body) -> Iterator[str]:
    """What is told but not used by the method, and what the method needs and is not told."""
    normalise, weights, combine = (body.get(key, usual) for key, usual in METHOD.items())
    is_spread = normalise == MIN_MAX and combine == SUM
    spread = "only normalise: min-max with combine: sum has it"
    places: list[tuple[str, Body]] = [("", body)]
    for group, told in body["groups"].items():
        places.append((f"groups.{group}.", told))
        places += [(f"groups.{group}.items.{key}.", item) for key, item in told["items"].items()]
    unused = {
        "floor": (not is_spread, spread), "bounds": (not is_spread, spread),
        "goal": (normalise != GOAL, "only normalise: goal has it"),
        "base_year": (normalise != GROWTH, "only normalise: growth counts from a year"),
        "least": (combine == TOPSIS, "combine: topsis ranks only who has every value"),
        "weight": (weights != GIVEN, f"weights: {weights} are made, not given"),
        "compare": (weights != AHP, "only weights: ahp come from judgements"),
    }  # fmt: skip
    for place, told in places:
        yield from (
            f"{place}{key}: {told[key]}: {rule}"
            for key, (is_unused, rule) in unused.items()
            if is_unused and key in told
        )
    if normalise == GROWTH and "base_year" not in body:
        yield "base_year: normalise: growth counts from a year"
    if normalise != GROWTH and "base" in body["example"]:
        yield "example.base: only normalise: growth counts from a year"
    for group, key, item in items(body):
        place, is_within = f"groups.{group}.items.{key}", item.get("direction", RISING) == WITHIN
        for pair in ("bounds", "band"):
            low, high = item.get(pair, (0, 1))
            if low > high or (low == high and pair == "bounds"):
                yield f"{place}.{pair}: {item[pair]}: the lower comes first, and bounds differ"
        if is_within != ("band" in item):
            yield f"{place}.band: {item.get('band', 'missing')}: direction: within has a band, no other has"
        if normalise == GOAL and is_within == ("goal" in item):
            rule = "normalise: goal needs one of every item, but direction: within has its band"
            yield f"{place}.goal: {item.get('goal', 'missing')}: {rule}"


def _item(key: str, told: Body, weight: float) -> Item:
    pairs = {name: (float(told[name][0]), float(told[name][1])) for name in ("band", "bounds") if name in told}
    return Item(key, weight, told.get("direction", "rising"), told.get("goal"), **pairs)


def _weights(body: Body, place: str, told: Mapping[str, Body], pairs: Mapping[str, float] | None) -> dict[str, float]:
    if body.get("weights") == AHP:
        found = ahp(_matrix(place, list(told), pairs or {}))
        return dict(zip(told, found.weights, strict=True))
    weights = {key: float(one.get("weight", 1)) for key, one in told.items()}
    total = sum(weights.values())
    if total <= 0:
        raise ValueError(f"{place}: the weights add up to 0")
    return {key: weight / total for key, weight in weights.items()}


def _matrix(place: str, keys: Sequence[str], pairs: Mapping[str, float]) -> list[list[float]]:
    matrix = [[1.0] * len(keys) for _ in keys]
    left = {(i, j) for i in range(len(keys)) for j in range(i + 1, len(keys))}
    for name, times in pairs.items():
        first, second = name.split("/")
        if first not in keys or second not in keys or first == second:
            raise ValueError(f"{place}.compare: {name}: there are {', '.join(keys)}")
        i, j = keys.index(first), keys.index(second)
        if (min(i, j), max(i, j)) not in left:
            raise ValueError(f"{place}.compare: {name}: this pair is there twice")
        left.discard((min(i, j), max(i, j)))
        matrix[i][j], matrix[j][i] = times, 1 / times
    if left:
        i, j = min(left)
        raise ValueError(f"{place}.compare: {keys[i]}/{keys[j]}: this judgement is missing")
    return matrix
