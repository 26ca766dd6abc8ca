"""Rows that are probably one (疑似重复): looked for when a row is written, kept as pairs until somebody decides.

Nobody learns of a row that they may not see. That two rows are alike by a private field is told to who may unmask both.
"""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from django.db import connection, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from shizhu.engines.records import traits
from shizhu.engines.records.contracts import Entry, NoRecord
from shizhu.engines.records.logic import duplicates as logic
from shizhu.engines.records.logic.duplicates import Reading, Rule
from shizhu.engines.records.logic.register import Field, Register
from shizhu.engines.records.models import WITHDRAWN, Pair, Record, Traced
from shizhu.engines.records.queries import entry
from shizhu.engines.records.spatial import true
from shizhu.engines.records.traits import Reader
from shizhu.kernel import access, datasets, jobs
from shizhu.kernel.access import Actor
from shizhu.kernel.models import Area, County, Organisation

CHUNK = 500
SHOWN = 5  # rows that a warning names
COUNTED = 1000  # pairs up to which a page counts
State = Pair.State
OTHERS = """
SELECT array_agg(hit.record_id) FROM (SELECT DISTINCT value FROM records_trait WHERE record_id = ANY(%s)) asked
CROSS JOIN LATERAL (SELECT record_id FROM records_trait had WHERE had.value = asked.value LIMIT %s) hit
GROUP BY asked.value HAVING count(*) BETWEEN 2 AND %s
"""
KEEP = """
INSERT INTO records_pair AS old (county_id, register, first_id, second_id, rules, digest, state, found)
SELECT %s, %s, new.first, new.second, new.rules::jsonb, new.digest, 'open', now()
FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::bigint[]) AS new (first, second, rules, digest)
ON CONFLICT (first_id, second_id) DO UPDATE SET rules = EXCLUDED.rules, digest = EXCLUDED.digest, state = 'open',
found = now(), decided = NULL, person_id = NULL
WHERE old.state = 'open' OR old.digest <> EXCLUDED.digest
"""


@dataclass(frozen=True)
class Alike:
    """A row that is probably there already, as the actor may see it, and the fields that say so."""

    entry: Entry
    fields: tuple[Field, ...]


def found(who: Actor, register: Register, row: Record) -> list[Alike]:
    """Rows in use that may be this one (saved or not), of those that the actor may see; not those told apart."""
    reader = Reader(row.county_id, register)
    own = reader.read(row)
    numbers = {number for group in traits.groups(reader.traits(own)) for number in group} - {row.pk}
    if row.pk:
        numbers -= _told_apart(row.pk, reader.traits(own))
    rows = _visible(who, register, numbers) if numbers else []
    told = []
    for other in rows:
        rules = _told(who, register, traits.shared(reader.rules, own, reader.read(other)), [other])
        told += [Alike(entry(other, register), fields_of(rules))] if rules else []
    return told


def _told_apart(number: int, own: Iterable[int]) -> set[int]:
    """Rows of which somebody said that they are not this one, while nothing that matters changed since."""
    mine = logic.together(own)
    pairs = Pair.objects.filter(Q(first=number) | Q(second=number), state=State.TWO)
    apart = {pair.first_id + pair.second_id - number: pair.digest for pair in pairs}
    others = dict(Traced.objects.filter(pk__in=apart).values_list("pk", "digest"))
    return {pk for pk, digest in apart.items() if pk in others and logic.together([mine, others[pk]]) == digest}


def _visible(who: Actor, register: Register, numbers: Collection[int]) -> QuerySet[Record]:
    rows = Record.objects.filter(pk__in=numbers, register=register.key).exclude(state=WITHDRAWN)
    return (
        access.rows(rows, who, register.verb("view")).select_related("organisation", "area").order_by("sort_key", "pk")
    )


def _told(who: Actor, register: Register, rules: Iterable[Rule], rows: Sequence[Record]) -> list[Rule]:
    """The rules that the actor may know to hold of these rows."""
    return [rule for rule in rules if not rule.private or all(may_unmask(who, register, row) for row in rows)]


def may_unmask(who: Actor, register: Register, row: Record) -> bool:
    """Whether the actor may be told what follows from a row's private fields."""
    verb = register.verb("unmask")
    return access.may(who, verb, county=row.county_id, organisation=row.organisation, area=row.area)


def fields_of(rules: Iterable[Rule]) -> tuple[Field, ...]:
    """The fields that several rules look at, each once."""
    return tuple({item.name: item for rule in rules for item in rule.fields}.values())


class Known:
    """Looks for the rows of a table before they are there: in the register, and among themselves.

    Of each row it keeps 16 bytes a trait and the values that rules look at, so that a table may be long.
    """

    def __init__(self, who: Actor, county: str, register: Register) -> None:
        self._who, self._county, self._register = who, county, register
        self._reader = Reader(county, register)
        self._names = {item.name for rule in self._reader.rules for item in rule.fields} | {register.title_field}
        self._traits, self._numbers = array("q"), array("q")
        self._kept: dict[int, tuple[dict[str, Any], Area, Organisation]] = {}

    def look(self, rows: Mapping[int, tuple[Record, Record | None]]) -> dict[int, list[Record]]:
        """Number in the table → records that the row is alike and that the actor may see.

        A row comes as it shall be, and as it is: one whose traits stay is not asked about again.
        """
        readings, values = {}, {}
        for number, (row, before) in rows.items() if self._reader.rules else ():
            reading = self._reader.read(row)
            traits_of = self._reader.traits(reading)
            if before is None or self._reader.traits(self._reader.read(before)) != traits_of:
                readings[number], values[number] = reading, traits_of
                self._traits.extend(traits_of)
                self._numbers.extend([number] * len(traits_of))
                self._kept[number] = {n: row.data.get(n) for n in self._names}, row.area, row.organisation
        there = self._there(values)
        made = {
            number: [
                other for other, read in there.get(number, {}).values()
                if other.pk != rows[number][0].pk and self._may_tell(reading, read, other)
            ]
            for number, reading in readings.items()
        }  # fmt: skip
        return {number: found for number, found in made.items() if found}

    def _may_tell(self, one: Mapping[int, Reading], other: Mapping[int, Reading], row: Record) -> bool:
        return bool(_told(self._who, self._register, traits.shared(self._reader.rules, one, other), [row]))

    def _there(self, values: Mapping[int, set[int]]) -> dict[int, dict[int, tuple[Record, Mapping[int, Reading]]]]:
        """Number of a row → the records that share a trait with it and that the actor may see."""
        asked = sorted({value for several in values.values() for value in several})
        by_value = {value: group for value, group in zip(asked, _each(asked), strict=True) if group}
        numbers = {number for group in by_value.values() for number in group}
        rows = {row.pk: (row, self._reader.read(row)) for row in _visible(self._who, self._register, numbers)}
        return {
            number: {pk: rows[pk] for value in several for pk in by_value.get(value, ()) if pk in rows}
            for number, several in values.items()
        }

    def among(self) -> dict[int, list[int]]:
        """Number of a row → the rows before it in the table that it is alike."""
        near: set[tuple[int, int]] = set()
        values, numbers = np.frombuffer(self._traits, dtype="int64"), np.frombuffer(self._numbers, dtype="int64")
        order = np.lexsort((numbers, values))
        edges = np.flatnonzero(np.diff(values[order])) + 1
        for group in np.split(numbers[order], edges):
            if 1 < len(group) <= traits.MOST:
                near.update(combinations(group.tolist(), 2))
        readings = {number: self._read(number) for number in {number for couple in near for number in couple}}
        made: dict[int, list[int]] = {}
        for first, second in sorted(near):
            if traits.shared(self._reader.rules, readings[first], readings[second]):
                made.setdefault(second, []).append(first)
        return made

    def _read(self, number: int) -> Mapping[int, Reading]:
        data, area, organisation = self._kept[number]
        return self._reader.read(Record(county_id=self._county, data=data, area=area, organisation=organisation))

    def title(self, number: int) -> str:
        """What a row of the table is called."""
        return str(self._kept[number][0].get(self._register.title_field, ""))


EACH = """
SELECT ARRAY(SELECT record_id FROM records_trait had WHERE had.value = asked.value LIMIT %s)
FROM unnest(%s::bigint[]) WITH ORDINALITY AS asked (value, place) ORDER BY place
"""


def _each(values: Sequence[int]) -> Iterator[list[int]]:
    """Records that have each trait; none where too many do."""
    with connection.cursor() as cursor:
        cursor.execute(EACH, [traits.MOST + 1, list(values)])
        for (numbers,) in cursor.fetchall():
            yield numbers if len(numbers) <= traits.MOST else []


def pair(county: str) -> int:
    """Look for rows that are alike those that were written since; returns how many pairs were found."""
    return sum(_pair(county, register) for register in traits.with_rules(county))


def _pair(county: str, register: Register) -> int:
    made, reader = 0, Reader(county, register)
    waiting = Traced.objects.filter(county=county, register=register.key, is_paired=False).order_by("pk")
    while True:
        with transaction.atomic():
            fresh = dict(waiting.select_for_update(skip_locked=True).values_list("pk", "digest")[:CHUNK])
            if not fresh:
                return made
            made += _keep(county, register, list(_alike(register, reader, fresh)))
            Traced.objects.filter(pk__in=fresh).update(is_paired=True)


def _alike(register: Register, reader: Reader, fresh: Collection[int]) -> Iterator[tuple[int, int, list[int]]]:
    """(lower number, higher number, rules) of pairs of which at least one row is among the fresh ones."""
    with connection.cursor() as cursor:
        cursor.execute(OTHERS, [list(fresh), traits.MOST + 1, traits.MOST])
        together = {
            couple for (group,) in cursor.fetchall() for couple in combinations(sorted(group), 2)
            if couple[0] in fresh or couple[1] in fresh
        }  # fmt: skip
    numbers = {number for couple in together for number in couple}
    rows = Record.objects.filter(pk__in=numbers, register=register.key).exclude(state=WITHDRAWN)
    read = {row.pk: reader.read(row) for row in rows.select_related("area")}
    for one, other in sorted(together):
        if one in read and other in read:
            rules = traits.shared(reader.rules, read[one], read[other])
            if rules:
                yield one, other, [rule.number for rule in rules]


def _keep(county: str, register: Register, couples: Sequence[tuple[int, int, list[int]]]) -> int:
    numbers = {number for one, other, _rules in couples for number in (one, other)}
    digests = dict(Traced.objects.filter(pk__in=numbers).values_list("pk", "digest"))
    good = [couple for couple in couples if couple[0] in digests and couple[1] in digests]
    with connection.cursor() as cursor:
        cursor.execute(KEEP, [
            county, register.key, [one for one, _o, _r in good], [other for _o, other, _r in good],
            [str(rules) for _o, _p, rules in good],
            [logic.together([digests[one], digests[other]]) for one, other, _rules in good],
        ])  # fmt: skip
        return cursor.rowcount if good else 0


def _again(county: str) -> None:
    traits.trace(county)
    pair(county)


pair_soon = jobs.soon("records.pair", _again)


def pair_all() -> None:
    """Every county, every night: also what nobody asked for."""
    for county in County.objects.values_list("pk", flat=True):
        _again(county)


def prepare() -> int:
    """Have a worker make traits and pairs anew where rules changed; returns of how many registers."""
    changed = {county: len(traits.pending(county)) for county in County.objects.values_list("pk", flat=True)}
    for county in (county for county, number in changed.items() if number):
        pair_soon(county)
    return sum(changed.values())


def written(register: Register, rows: Sequence[Record]) -> None:
    """Rows were written: keep their traits, and have them compared with the others soon."""
    if rows and register.hints.get("duplicates"):
        traits.keep(register, rows)
        pair_soon(rows[0].county_id)


def pairs(who: Actor, county: str, register: Register) -> QuerySet[Pair]:
    """The open pairs of which the actor may see both rows, newest first; by private rules, if they may unmask
    both.
    """
    rows = Pair.objects.filter(county=county, register=register.key, state=State.OPEN)
    if not traits.is_current(register, county):
        return rows.none()  # numbers of other rules
    private = [rule.number for rule in logic.rules(register) if rule.private]
    seen, opened = (
        [_among(who, county, register, action, side) for side in ("first", "second")] for action in ("view", "unmask")
    )
    by_public = Q(true("NOT rules <@ %s::jsonb", (str(private),)))
    rows = rows.filter(*seen).filter(by_public | (opened[0] & opened[1]))
    return rows.order_by("-pk")


def _among(who: Actor, county: str, register: Register, action: str, side: str) -> Q:
    """Pairs whose row on that side the actor may do this to; who may to all rows need not look at each."""
    verb = register.verb(action)
    if datasets.sees_all(who, verb, county):
        return Q(true("TRUE", ()))
    predicate = access.visible(who, verb, "seen")
    sql = (
        f"EXISTS (SELECT 1 FROM records_record seen WHERE seen.id = records_pair.{side}_id AND seen.register = %s"
        f" AND {predicate.sql})"
    )
    return Q(true(sql, (register.key, *predicate.params)))


def count(who: Actor, county: str, register: Register) -> int:
    """How many open pairs the actor may see; at most COUNTED + 1."""
    if not register.hints.get("duplicates"):
        return 0
    return pairs(who, county, register).order_by()[: COUNTED + 1].count()


@dataclass(frozen=True)
class Couple:
    """A pair as the actor may see it: both rows, and the fields that say they may be one."""

    pair: Pair
    first: Entry
    second: Entry
    fields: tuple[Field, ...]


def couples(who: Actor, register: Register, among: Sequence[Pair]) -> list[Couple]:
    """Pairs that the actor may see, with their rows."""
    numbers = {number for one in among for number in (one.first_id, one.second_id)}
    rows = Record.objects.filter(pk__in=numbers).select_related("organisation", "area").in_bulk()
    rules = logic.rules(register)
    made = []
    for one in among:
        sides = [rows[one.first_id], rows[one.second_id]]
        told = _told(who, register, [rules[number] for number in one.rules if number < len(rules)], sides)
        made.append(Couple(one, entry(sides[0], register), entry(sides[1], register), fields_of(told)))
    return made


def couple(who: Actor, county: str, register: Register, number: int) -> Couple:
    """One open pair. Raises NoRecord where there is none that the actor may see."""
    one = pairs(who, county, register).filter(pk=number).first()
    if one is None:
        raise NoRecord(f"pair: {number}: there is none that {who.name or 'nobody'} may see")
    return couples(who, register, [one])[0]


@transaction.atomic
def tell_apart(who: Actor, county: str, register: Register, number: int) -> None:
    """They are two: asked no more until what they have in common changes. Needs the verb `edit` on both.

    Raises NoRecord, PermissionDenied.
    """
    one = couple(who, county, register, number).pair
    for row in Record.objects.filter(pk__in=[one.first_id, one.second_id]).select_related("organisation", "area"):
        access.require(who, register.verb("edit"), row)
    held = Pair.objects.select_for_update().get(pk=one.pk)
    held.state, held.decided, held.person_id = State.TWO, timezone.now(), who.person_id
    held.save(update_fields=["state", "decided", "person"])


def another(who: Actor, register: Register, number: int, named: Collection[int]) -> None:
    """Who was warned of the named rows says that this one is another: those that it is alike are told apart.

    As with `tell_apart`, what they may not edit stays for others to decide.
    """
    rows = Record.objects.filter(pk__in={number, *named}).select_related("organisation", "area")
    mine = set(access.rows(rows, who, register.verb("edit")).values_list("pk", flat=True))
    if number not in mine:
        return
    county = rows.get(pk=number).county_id
    couples = [one for one in _alike(register, Reader(county, register), {number}) if mine.issuperset(one[:2])]
    _keep(county, register, couples)
    told = {one + other - number for one, other, _rules in couples}
    pairs = Pair.objects.filter(Q(first=number, second__in=told) | Q(second=number, first__in=told), state=State.OPEN)
    pairs.update(state=State.TWO, decided=timezone.now(), person=who.person_id)
