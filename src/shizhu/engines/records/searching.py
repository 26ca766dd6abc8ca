"""Records found by what they say: lexemes beside each row, kept by whoever writes it, in one GIN index."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db import connection, transaction
from django.db.models import Q, QuerySet

from shizhu.engines.records.catalogue import registers
from shizhu.engines.records.logic import lexemes
from shizhu.engines.records.logic.register import Register
from shizhu.engines.records.models import WITHDRAWN, Indexed, Record
from shizhu.engines.records.spatial import true
from shizhu.kernel import access, jobs
from shizhu.kernel.access import Actor
from shizhu.kernel.models import County
from shizhu.kernel.text import sort_key, syllables

TABLE = "records_record"
CHUNK = 500
MOST = 1000  # rows that a search looks at; what more there are is said, not counted
HEAD = 50  # of too many, those that begin so
EDITION = "1"  # of how lexemes are made: another one makes all of them anew


def vector(register: Register, row: Record) -> str:
    """The lexemes of a row as a tsvector."""
    found = [lexemes.plain(row.key)[: lexemes.WORD], *lexemes.of_text(row.key), *lexemes.of_text(row.title)]
    found += [*lexemes.of_title(syllables(row.title)), *lexemes.of_row(register, row.data)]
    return lexemes.vector([*found, *lexemes.places(row.register, row.area.path)])


def matching(text: str, among: Iterable[str] = (), areas: Iterable[str] = ()) -> Q:
    """Rows that say all parts of a text; nothing to look for lets all through, only signs none.

    `among` are registers and `areas` codes: they narrow what the index reads, rights are asked for beside it.
    """
    if not text.strip():
        return Q()
    wanted = lexemes.query(text)
    if not wanted:
        return Q(pk__in=())
    narrowed = lexemes.narrowed(wanted, [lexemes.of_register(key) for key in among], map(lexemes.of_area, areas))
    return Q(true(f'"{TABLE}".search @@ %s::tsquery', (narrowed,)))


def prepare() -> int:
    """See that lexemes are made anew where what is public of a register has changed; returns of how many registers.

    They are taken away at once: what is private now must not be found for a moment longer. A worker makes them anew.
    """
    known = {
        (county, key): digest for county, key, digest in Indexed.objects.values_list("county", "register", "digest")
    }
    changed = [
        (county, key, digest)
        for county in County.objects.values_list("pk", flat=True)
        for key, digest in ((key, _digest(register)) for key, register in registers(county).items())
        if known.get((county, key)) != digest
    ]
    for county, key, digest in changed:
        with transaction.atomic():
            rows = Record.objects.filter(county=county, register=key, search__isnull=False)
            rows.update(search=None)
            Indexed.objects.update_or_create(county_id=county, register=key, defaults={"digest": digest})
    for county in {county for county, _key, _digest in changed}:
        fill_soon(county)
    return len(changed)


def fill(county: str) -> int:
    """Make the lexemes that are missing; returns of how many rows."""
    return sum(_fill(county, register) for register in registers(county).values())


fill_soon = jobs.soon("records.fill_search", fill)


def _digest(register: Register) -> str:
    """What of a declaration decides about lexemes."""
    facts = [(path, item.kind, item.privacy, sorted(item.choices.items())) for path, item in register.everything]
    return hashlib.sha256(repr((EDITION, facts)).encode()).hexdigest()[:16]


def _fill(county: str, register: Register) -> int:
    done = 0
    while rows := list(_empty(county, register.key)):
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                "UPDATE records_record old SET search = new.search::tsvector"
                " FROM unnest(%s::bigint[], %s::text[]) AS new (id, search) WHERE old.id = new.id",
                [[row.pk for row in rows], [vector(register, row) for row in rows]],
            )
        done += len(rows)
    return done


def _empty(county: str, register: str) -> QuerySet[Record]:
    rows = Record.objects.filter(county=county, register=register, search__isnull=True)
    return rows.select_related("area")[:CHUNK]


@dataclass(frozen=True)
class Found:
    """Rows that say what is looked for, in no order, and whether there are more than were read."""

    rows: Sequence[Record]
    is_more: bool


def find(who: Actor, county: str, among: Iterable[Register], text: str, area: str = "") -> Found:
    """Rows of several registers that the actor may see, at most MOST; those whose title begins so are among them."""
    groups: dict[access.Predicate, list[str]] = {}
    scopes: dict[access.Predicate, frozenset[str]] = {}
    for register in among:
        predicate = access.visible(who, register.verb("view"), f'"{TABLE}"')
        groups.setdefault(predicate, []).append(register.key)
        scopes[predicate] = _areas(who, register.verb("view"), county)
    rows: dict[int, Record] = {}
    is_more = False
    for predicate, keys in groups.items():
        areas = [area] if area else scopes[predicate]
        visible = _light(county, keys).filter(true(predicate.sql, predicate.params))
        found = list(visible.filter(matching(text, keys, areas)).order_by()[: MOST + 1])
        is_more = is_more or len(found) > MOST
        if len(found) > MOST:  # too many to look at all: those that begin so are the likeliest
            found += visible.filter(matching(text, keys, areas), _beginning(text))[:HEAD]
        rows |= {row.pk: row for row in found}
    return Found(list(rows.values())[:MOST], is_more) if len(rows) <= MOST else Found(list(rows.values()), True)


def _light(county: str, keys: Sequence[str]) -> QuerySet[Record]:
    rows = Record.objects.filter(county_id=county, register__in=keys).exclude(state=WITHDRAWN).select_related("area")
    return rows.only("register", "key", "title", "sort_key", "area__code", "area__name")


def _areas(who: Actor, verb: str, county: str) -> frozenset[str]:
    """Below which areas the actor sees anything at all; nothing said where it is the whole county."""
    paths = [] if who.is_unbounded else [s.area_path for s in who.granting(verb) if s.county == county]
    codes = {path.strip("/").rpartition("/")[2] for path in paths}
    return frozenset() if county in codes else frozenset(codes)


def _beginning(text: str) -> Q:
    """Rows whose title in pinyin begins with the text's: the index on the order of lists serves it."""
    start = sort_key(text)
    return Q(sort_key__gte=start, sort_key__lt=start + "\U0010ffff")


def best(rows: Iterable[Record], text: str) -> list[Record]:
    """Best first: key or title is the text, begins with it, has it, or has its parts somewhere."""
    wanted = lexemes.plain(text).replace(" ", "")

    def rank(row: Record) -> tuple[int, int, str, int]:
        title, key = lexemes.plain(row.title), lexemes.plain(row.key)
        if wanted in {title, key}:
            place = 0
        elif title.startswith(wanted) or key.startswith(wanted):
            place = 1
        else:
            place = 2 if wanted in title or wanted in row.sort_key.replace(" ", "") else 3
        return place, len(title), row.sort_key, row.pk

    return sorted(rows, key=rank)


def whole(rows: Sequence[Record]) -> list[Record]:
    """The same rows with everything they hold."""
    found = Record.objects.select_related("organisation", "area").in_bulk([row.pk for row in rows])
    return [found[row.pk] for row in rows if row.pk in found]
