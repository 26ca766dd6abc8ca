"""Which rows of a register may be one thing twice (疑似重复), by the rules that its declaration gives.

A rule is {same, like, within}: fields that agree after normalising, fields that are alike, and what both rows lie in. A
row has traits by each rule, numbers of 64 bits; rows that are alike by a rule share one of them, so that an index finds
who comes into question. Whether they are alike is then decided here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from shizhu.engines.records.logic.register import Body, Field, Kind, Register
from shizhu.lib import checks, likeness
from shizhu.lib.likeness import Sound, Writing

AREA, TOWN, ORGANISATION = OWN = ("_area", "_town", "_organisation")
CODES = {"gb11643": checks.resident_number_of, "gb32100": checks.credit_code_of}


@dataclass(frozen=True)
class Rule:
    """One way in which two rows may be one; `like` has how each field is read, `within` a field or one of OWN."""

    number: int
    same: tuple[Field, ...]
    like: tuple[tuple[Field, str], ...]
    within: str
    lies_in: Field | None = None

    @property
    def fields(self) -> tuple[Field, ...]:
        """Every field it looks at."""
        asked = (*self.same, *(item for item, _kind in self.like))
        return (*asked, self.lies_in) if self.lies_in else asked

    @cached_property
    def is_told(self) -> bool:
        """Whether what is the same tells enough for an index: a text that people write, not one of a few choices."""
        return any(item.kind == Kind.TEXT and not item.choices and not item.reference for item in self.same)

    @cached_property
    def private(self) -> frozenset[str]:
        """Names of the private fields among them: that two rows are alike by this rule says something of these."""
        return frozenset(item.name for item in self.fields if item.privacy)


@dataclass(frozen=True)
class Facts:
    """What of a row the rules look at: its data, codes of where it is, names of the places above it and around it."""

    data: Body
    area: str
    town: str
    organisation: str
    above: tuple[str, ...]  # names at whose head a name may be written: of the county and what it lies in
    around: tuple[str, ...]  # the same, and of the row's own areas: for addresses


@dataclass(frozen=True)
class Reading:
    """A row as one rule reads it."""

    same: tuple[str, ...]
    like: tuple[Writing, ...]


def rules(register: Register) -> tuple[Rule, ...]:
    """The rules of a register; none where it declares none."""
    found = []
    for number, body in enumerate(register.hints.get("duplicates", [])):
        within = str(body.get("within", ""))
        found.append(
            Rule(
                number,
                tuple(register.fields[name] for name in body.get("same", [])),
                tuple((register.fields[name], kind) for name, kind in body.get("like", {}).items()),
                within,
                register.fields.get(within),
            )
        )
    return tuple(found)


def edition(register: Register, places: Sequence[str]) -> str:
    """What decides about traits: other rules, other checks of fields or other names of places make all of them anew."""
    told = [
        (rule.within, [(item.name, kind) for item, kind in rule.like],
         [(item.name, item.kind, item.rules.get("x-shizhu-check"), item.privacy) for item in rule.fields])
        for rule in rules(register)
    ]  # fmt: skip
    return hashlib.sha256(repr(("1", told, sorted(places))).encode()).hexdigest()[:16] if told else ""


def read(rule: Rule, facts: Facts, sound: Sound) -> Reading | None:
    """A row as a rule reads it; None where a value is missing or says nothing."""
    same = [_same(item, facts.data.get(item.name)) for item in rule.same]
    if rule.lies_in:
        same.append(_same(rule.lies_in, facts.data.get(rule.within)))
    elif rule.within:
        same.append({AREA: facts.area, TOWN: facts.town, ORGANISATION: facts.organisation}[rule.within])
    if not all(same):
        return None
    like = []
    for item, kind in rule.like:
        places = facts.around if kind == likeness.ADDRESS else facts.above
        writing = likeness.read(kind, str(facts.data.get(item.name) or ""), likeness.place_names(places), sound)
        if writing is None:
            return None
        like.append(writing)
    return Reading(tuple(same), tuple(like))


def _same(item: Field, value: Any) -> str:
    """A value as two rows must have it; nothing where it says nothing."""
    if value is None or isinstance(value, list | Mapping):
        return ""
    check = CODES.get(item.rules.get("x-shizhu-check", ""))
    if check:
        return check(str(value))
    is_text = item.kind == Kind.TEXT and not item.choices and not item.reference
    return likeness.same_text(str(value)) if is_text else str(value)


def alike(one: Reading, other: Reading) -> bool:
    """Whether the rule that read both says that they may be one."""
    return one.same == other.same and all(likeness.alike(*pair) for pair in zip(one.like, other.like, strict=True))


def traits(key: str, rule: Rule, reading: Reading) -> set[int]:
    """Numbers of which rows that are alike share one; `key` says of which county and register, in which edition."""
    heads = likeness.facets(reading.like[0]) if reading.like and not rule.is_told else {""}
    return {_digest(key, str(rule.number), *reading.same, head) for head in heads}


def _digest(*parts: str) -> int:
    told = "\0".join(parts).encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(told, digest_size=8).digest(), signed=True)


def together(numbers: Iterable[int]) -> int:
    """One number for several, in any order."""
    return _digest(*(str(one) for one in sorted(numbers)))
