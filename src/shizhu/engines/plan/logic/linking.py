"""Which clauses may promise the same thing: proposed with what is alike, for a person to settle."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import Any

from shizhu.engines.plan.logic.reader.lines import compact, half_width
from shizhu.engines.plan.logic.reader.subjects import named_alike, overlap
from shizhu.engines.plan.logic.reader.units import comparable

QUANTITY, WORDING = "quantity", "wording"
NAMED = 0.6  # share of the shorter name that the longer has too, where value, unit and year agree
WORDED = 0.5  # share of pairs of letters that two wordings have in common
WITHIN = 0.8  # share of the shorter wording's pairs of letters that the longer has
COMMON = 25  # clauses with the same pair of letters: more say nothing
LEAST = 12  # letters of a wording that is compared
_LETTERS = re.compile(r"[^\w]")
Clause = Mapping[str, Any]  # as the reader's document has it
Sign = tuple[tuple[int, int], Mapping[str, Any]]  # (numbers of two clauses, what is alike)


@dataclass(frozen=True)
class Likeness:
    """Two clauses by key, the earlier first, and what is alike: {"sign", "one", "other", "share"}."""

    one: str
    other: str
    signs: tuple[Mapping[str, Any], ...]


def likenesses(clauses: Sequence[Clause]) -> list[Likeness]:
    """Every pair that states the same quantity, or says nearly the same."""
    found: dict[tuple[int, int], list[Mapping[str, Any]]] = defaultdict(list)
    for pair, sign in [*_quantities(clauses), *_wordings(clauses)]:
        found[pair].append(sign)
    return [
        Likeness(clauses[one]["key"], clauses[other]["key"], tuple(signs))
        for (one, other), signs in sorted(found.items())
    ]


def _quantities(clauses: Sequence[Clause]) -> list[Sign]:
    """Pairs with a quantity of the same kind, value and year under names that are alike."""
    by_unit: dict[str, list[tuple[int, Mapping[str, Any]]]] = defaultdict(list)
    for number, clause in enumerate(clauses):
        for quantity in clause.get("quantities", ()):
            if quantity["value"] is not None:
                by_unit[f"{float(quantity['value']):g}".rstrip("0").replace(".", "")].append((number, quantity))
    found: list[Sign] = []
    for same in by_unit.values():
        for (one, first), (other, second) in combinations(same, 2):
            if one != other and is_same(first, second):
                told = {"sign": QUANTITY, "one": _printed(first), "other": _printed(second)}
                found.append(((one, other), told))
    return found


def is_same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two {subject, value, unit, year} state the same quantity under names that are alike."""
    if not is_as_much(one, other):
        return False
    first, second = one["subject"], other["subject"]
    return named_alike(first, second) or (min(len(first), len(second)) > 1 and overlap(first, second) >= NAMED)


def is_as_much(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two {value, unit, year} are the same amount, whatever they are called; two years that are told agree."""
    if one["value"] is None or other["value"] is None:
        return False
    factor = comparable(one["unit"], other["unit"])
    if factor is None or abs(one["value"] * factor - other["value"]) > 1e-9 * abs(other["value"]):
        return False
    return not (one["year"] and other["year"] and one["year"] != other["year"])


def _printed(quantity: Mapping[str, Any]) -> str:
    return f"{quantity['subject']} {quantity['value']:g}{quantity['unit'] or ''}"


def _wordings(clauses: Sequence[Clause]) -> list[Sign]:
    """Pairs that have most of their pairs of letters in common."""
    letters = [_pairs(clause["text"]) for clause in clauses]
    having: dict[str, list[int]] = defaultdict(list)
    for number, own in enumerate(letters):
        for pair in own:
            having[pair].append(number)
    shared: dict[tuple[int, int], int] = defaultdict(int)
    for numbers in having.values():
        if len(numbers) <= COMMON:
            for couple in combinations(numbers, 2):
                shared[couple] += 1
    found: list[Sign] = []
    for (one, other), least in shared.items():
        if clauses[one]["kind"] == clauses[other]["kind"] == "indicator":
            continue  # names of indicators are alike, their meaning is not
        first, second = letters[one], letters[other]
        if min(len(first), len(second)) < LEAST or least * 4 < min(len(first), len(second)):
            continue
        common = len(first & second)
        share, within = 2 * common / (len(first) + len(second)), common / min(len(first), len(second))
        if share >= WORDED or within >= WITHIN:
            found.append(((one, other), {"sign": WORDING, "share": round(100 * max(share, within))}))
    return found


def _pairs(text: str) -> frozenset[str]:
    bare = _LETTERS.sub("", compact(half_width(text)))
    return frozenset(f"{one}{other}" for one, other in pairwise(bare))
