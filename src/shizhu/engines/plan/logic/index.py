"""A declared index (`indexes/*.yaml`) as a scheme: groups and items become weights that add up to 1."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from shizhu.engines.plan.logic.evaluation import CONSISTENT, GIVEN, Compared, Item, Scheme, ahp, evaluate

Body = Mapping[str, Any]
AHP = "ahp"


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
    weights = body.get("weights", GIVEN)
    return Scheme(
        tuple(made), body.get("normalise", "min-max"), GIVEN if weights == AHP else weights,
        body.get("combine", "sum"), body.get("floor", 0.0), body.get("least", 0.8), classes,
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
    if body.get("normalise") == "growth" and "base_year" not in body:
        yield "base_year: growth counts from a year"
    lowest = [one["from"] for one in body.get("classes", [])]
    if lowest != sorted(lowest, reverse=True):
        yield "classes: the best comes first"
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
