"""Traits of rows: what those have in common that are probably one. Whoever writes a row writes them; when rules or
names of places change, a worker makes all of them anew.

A trait that more than MOST rows share says nothing, and is left in SQL.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from django.db import connection, transaction
from django.db.models import QuerySet

from shizhu.engines.records.catalogue import registers
from shizhu.engines.records.logic import duplicates
from shizhu.engines.records.logic.duplicates import Facts, Reading, Rule
from shizhu.engines.records.logic.register import Register
from shizhu.engines.records.models import WITHDRAWN, Indexed, Pair, Record, Traced, Trait
from shizhu.kernel.models import Area, County
from shizhu.kernel.text import syllables
from shizhu.lib import likeness

MOST = 50  # rows that share a trait; more have it in common with everybody
CHUNK = 500
GROUPS = """
SELECT array_agg(hit.record_id) FROM unnest(%s::bigint[]) AS asked (value) CROSS JOIN LATERAL (
  SELECT record_id FROM records_trait had WHERE had.value = asked.value LIMIT %s
) hit GROUP BY asked.value HAVING count(*) <= %s
"""
REMAINING = """
SELECT r.id FROM records_record r WHERE r.county_id = %s AND r.register = %s AND r.state <> %s AND r.id > %s
AND NOT EXISTS (SELECT 1 FROM records_traced t WHERE t.record_id = r.id) ORDER BY r.id LIMIT %s
"""


@cache
def sound(letter: str) -> str:
    """The syllable of a character; of anything else itself."""
    return "".join(syllables(letter))


class Reader:
    """Reads rows of one register in one county by its rules."""

    def __init__(self, county: str, register: Register) -> None:
        self.rules = duplicates.rules(register)
        self._above = above(county) if self.rules else ()
        edition = duplicates.edition(register, self._above)
        self._key = f"{county} {register.key} {edition}"
        self._has_addresses = any(kind == likeness.ADDRESS for rule in self.rules for _item, kind in rule.like)
        self._names: dict[str, str] = {}

    def read(self, row: Record) -> Mapping[int, Reading]:
        """Rule → the row as it reads it; rules whose values the row lacks are left out. The row needs its area."""
        facts = self._facts(row)
        found = ((rule.number, duplicates.read(rule, facts, sound)) for rule in self.rules)
        return {number: reading for number, reading in found if reading}

    def traits(self, readings: Mapping[int, Reading]) -> set[int]:
        """What the row shares with those it is alike."""
        return {
            trait
            for number, reading in readings.items()
            for trait in duplicates.traits(self._key, self.rules[number], reading)
        }

    def _facts(self, row: Record) -> Facts:
        codes = row.area.path.strip("/").split("/")
        around = self._around(row.county_id, codes) if self._has_addresses else ()
        town = codes[1] if len(codes) > 1 else ""
        return Facts(row.data, codes[-1], town, str(row.organisation_id), self._above, (*self._above, *around))

    def _around(self, county: str, codes: Sequence[str]) -> tuple[str, ...]:
        if not self._names:
            self._names = dict(Area.objects.filter(county=county).values_list("code", "name"))
        return tuple(self._names[code] for code in codes if code in self._names)


def above(county: str) -> tuple[str, ...]:
    """Names of the county and of what it lies in."""
    found = County.objects.get(pk=county)
    return (*found.settings.get("above", []), found.name)


def shared(rules: Iterable[Rule], one: Mapping[int, Reading], other: Mapping[int, Reading]) -> list[Rule]:
    """The rules by which two rows are alike."""
    return [
        r for r in rules if r.number in one and r.number in other and duplicates.alike(one[r.number], other[r.number])
    ]


def groups(values: Collection[int]) -> list[list[int]]:
    """Numbers of rows that share a trait, for each trait that at most MOST rows have."""
    with connection.cursor() as cursor:
        cursor.execute(GROUPS, [list(values), MOST + 1, MOST])
        return [numbers for (numbers,) in cursor.fetchall()]


def keep(register: Register, rows: Sequence[Record]) -> None:
    """Keep the traits of rows that were written; what is withdrawn has none. Each row needs its area."""
    if not rows or not register.hints.get("duplicates"):
        return
    reader = Reader(rows[0].county_id, register)
    wanted = {row.pk: reader.traits(reader.read(row)) if row.state != WITHDRAWN else None for row in rows}
    _write(register, rows[0].county_id, wanted)


def _write(register: Register, county: str, wanted: Mapping[int, set[int] | None]) -> None:
    known = dict(Traced.objects.filter(pk__in=wanted).values_list("pk", "digest"))
    digests = {pk: duplicates.together(traits) for pk, traits in wanted.items() if traits is not None}
    changed = [pk for pk in wanted if known.get(pk) != digests.get(pk)]
    if not changed:
        return
    lines = [(trait, pk) for pk in changed for trait in wanted[pk] or ()]
    there = [pk for pk in changed if pk in known]
    with transaction.atomic(), connection.cursor() as cursor:
        if there:
            cursor.execute("DELETE FROM records_trait WHERE record_id = ANY(%s)", [there])
            cursor.execute("DELETE FROM records_traced WHERE record_id = ANY(%s)", [there])
            cursor.execute(
                "DELETE FROM records_pair WHERE state = %s AND (first_id = ANY(%s) OR second_id = ANY(%s))",
                [Pair.State.OPEN, there, there],
            )
        cursor.execute(
            "INSERT INTO records_trait (value, record_id) SELECT * FROM unnest(%s::bigint[], %s::bigint[])"
            " ON CONFLICT DO NOTHING",
            [[line[0] for line in lines], [line[1] for line in lines]],
        )
        marked = [pk for pk in changed if pk in digests]
        cursor.execute(
            "INSERT INTO records_traced (record_id, county_id, register, digest, is_paired)"
            " SELECT id, %s, %s, digest, FALSE FROM unnest(%s::bigint[], %s::bigint[]) AS new (id, digest)"
            " ON CONFLICT DO NOTHING",
            [county, register.key, marked, [digests[pk] for pk in marked]],
        )


def with_rules(county: str) -> list[Register]:
    """The registers of a county that say which rows may be one."""
    return [register for register in registers(county).values() if register.hints.get("duplicates")]


def is_current(register: Register, county: str) -> bool:
    """Whether the traits that are kept follow the rules of today."""
    known = Indexed.objects.filter(county=county, register=register.key).values_list("traits", flat=True).first()
    return known == duplicates.edition(register, above(county))


def pending(county: str) -> list[Register]:
    """Registers whose traits are of other rules than today's, also those that have none any more."""
    known = dict(Indexed.objects.filter(county=county).values_list("register", "traits"))
    places = above(county)
    return [r for r in registers(county).values() if known.get(r.key, "") != duplicates.edition(r, places)]


def trace(county: str) -> int:
    """Make anew what follows other rules, and what is missing; returns of how many rows."""
    for register in pending(county):
        with transaction.atomic():
            rows = Record.objects.filter(county=county, register=register.key).values("pk")
            Trait.objects.filter(record__in=rows).delete()
            Traced.objects.filter(record__in=rows).delete()
            Pair.objects.filter(county=county, register=register.key, state=Pair.State.OPEN).delete()
            edition = duplicates.edition(register, above(county))
            Indexed.objects.update_or_create(county_id=county, register=register.key, defaults={"traits": edition})
    return sum(_trace(county, register) for register in with_rules(county))


def _trace(county: str, register: Register) -> int:
    done = last = 0
    reader = Reader(county, register)
    while numbers := _remaining(county, register.key, last):
        with transaction.atomic():  # whoever writes a row meanwhile waits, and writes its traits after us
            rows = list(_held(numbers))
            _write(register, county, {row.pk: reader.traits(reader.read(row)) for row in rows})
        done, last = done + len(rows), numbers[-1]
    return done


def _held(numbers: Sequence[int]) -> QuerySet[Record]:
    rows = Record.objects.filter(pk__in=numbers).exclude(state=WITHDRAWN).order_by("pk")
    return rows.select_related("area").select_for_update(of=("self",), no_key=True)


def _remaining(county: str, register: str, last: int) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(REMAINING, [county, register, WITHDRAWN, last, CHUNK])
        return [number for (number,) in cursor.fetchall()]


@dataclass(frozen=True)
class Progress:
    """How many rows were compared with the others, of how many."""

    done: int
    total: int

    @property
    def percent(self) -> int:
        """Rounded down."""
        return 100 * self.done // self.total if self.total else 100


def progress(register: Register, county: str) -> Progress | None:
    """How far the work of the moment is; None where there is none."""
    rows = Traced.objects.filter(county=county, register=register.key)
    waiting = rows.filter(is_paired=False)
    if is_current(register, county) and not waiting.exists():
        return None
    total = Record.objects.filter(county=county, register=register.key).exclude(state=WITHDRAWN).count()
    return Progress(rows.count() - waiting.count(), total)
