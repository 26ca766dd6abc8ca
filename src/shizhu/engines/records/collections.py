"""What OGC API shows as collections: every register, and what other engines add by `add_collections`.

A collection finds its features for somebody; `Table` does so for rows of the database, with CQL2, areas and order.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from typing import Any

import shapely
from django.db.models import Max, Q, QuerySet
from django.db.models.expressions import RawSQL
from django.urls import reverse
from shapely.geometry.base import BaseGeometry

from shizhu.engines.records import paging, queries, searching, spatial
from shizhu.engines.records.catalogue import UnknownRegister, registers
from shizhu.engines.records.contracts import NoRecord
from shizhu.engines.records.logic.columns import columns, own_columns
from shizhu.engines.records.logic.cql2 import Every, Expression
from shizhu.engines.records.logic.cql2_sql import Column, Columns, compiled
from shizhu.engines.records.logic.register import Field, Kind, Names, Register
from shizhu.engines.records.models import WITHDRAWN, Record
from shizhu.engines.records.references import matching
from shizhu.engines.records.spatial import Spot
from shizhu.kernel import access
from shizhu.kernel.access import Actor

ALL = Every(())
ANY = "Geometry"  # a collection whose features have geometries of several kinds


@dataclass(frozen=True)
class Feature:
    """One thing of a collection, as its reader may see it; `page` is where people read of it.

    `members` stand beside the properties in GeoJSON, `links` are (path below the landing page, relation, title, type).
    """

    id: str
    title: str
    geometry: BaseGeometry | None
    properties: Mapping[str, Any]
    version: int = 0
    updated: datetime | None = None
    page: str = ""
    members: Mapping[str, Any] = field(default_factory=dict)
    links: tuple[tuple[str, str, str, str], ...] = ()


@dataclass(frozen=True)
class Wanted:
    """Which features, in which order: `windows` is where they lie (what has no place counts too), `order` are
    properties, each with whether it is turned round.
    """

    where: Expression = ALL
    windows: tuple[BaseGeometry, ...] = ()
    search: str = ""
    order: tuple[tuple[str, bool], ...] = ()
    extra: Mapping[str, str] = field(default_factory=dict)  # parameters that only this collection has
    offset: int = 0
    limit: int = 100
    after: str = ""  # a place: features that come after it, or before it
    before: str = ""


@dataclass(frozen=True)
class Found:
    """Some features and how many there are in all; `after` and `before` are the places where the pages beside begin and
    end, "" where there is none, None where pages are told by number alone.
    """

    features: tuple[Feature, ...]
    total: int
    after: str | None = None
    before: str | None = None


@dataclass(frozen=True, kw_only=True)
class Collection(ABC):
    """A named set of features. `fields` are the properties, `columns` those a condition may name (with those every row
    has); `filters` are offered as parameters; `geometry` is Point, LineString, Polygon, ANY or nothing.
    """

    key: str
    title: Names
    help: Names = field(default_factory=dict)
    geometry: str = ""
    fields: tuple[Field, ...] = ()
    own: tuple[Field, ...] = ()  # properties that nobody writes as fields; their names begin with an underscore
    columns: Columns = field(default_factory=dict)
    filters: tuple[str, ...] = ()
    time_field: str = ""
    item_type: str = "feature"
    is_searched: bool = False  # whether `q` is offered
    extra: tuple[str, ...] = ()  # parameters that only this collection has
    pack: str = ""  # whose data they are
    register: Register | None = None  # the one whose records may be written
    closed: Names = field(default_factory=dict)  # why nobody writes here, and where they do

    @abstractmethod
    def is_seen(self, who: Actor) -> bool:
        """Whether the actor may see it at all."""

    @abstractmethod
    def find(self, who: Actor, county: str, wanted: Wanted) -> Found:
        """The features that the actor may see. Raises Cql2Error."""

    @abstractmethod
    def get(self, who: Actor, county: str, key: str) -> Feature:
        """One of them. Raises NoRecord."""

    @property
    def named(self) -> Mapping[str, Field]:
        """All properties by name."""
        return {item.name: item for item in (*self.fields, *self.own)}

    @cached_property
    def queried(self) -> Mapping[str, Field]:
        """Those of `columns` that are properties, or stand within one: by path, called by the whole of it."""
        return {path: item for path, item in _deep((*self.fields, *self.own)) if path in self.columns}


def _deep(fields: Iterable[Field], within: Field | None = None, prefix: str = "") -> Iterator[tuple[str, Field]]:
    for item in fields:
        said = (
            {language: f"{within.title[language]} · {name}" for language, name in item.title.items()} if within else {}
        )
        told = replace(item, title=said or item.title)
        yield f"{prefix}{item.name}", told
        yield from _deep(item.fields, told, f"{prefix}{item.name}.")


@dataclass(frozen=True, kw_only=True)
class Table(Collection):
    """Rows of the database: `rows` gives all of a county, `verb` says who sees which (the table has county,
    organisation and area; without a verb `sees` decides for all of them), `make` makes a feature of one.
    """

    table: str
    rows: Callable[[str], QuerySet[Any]]
    make: Callable[[Any, Actor], Feature]
    place: Spot | None = None  # where its rows are, of a table that has no `box` and `geometry` of its own
    verb: str = ""
    sees: Callable[[Actor], bool] | None = None
    key_field: str = "code"
    order: tuple[str, ...] = ("pk",)
    revision: Callable[[str], Any] = lambda _county: None  # what changes when any row of the county does

    @property
    def spot(self) -> Spot:
        """Where its rows are."""
        return self.place or spatial.spot(self.table)

    def is_seen(self, who: Actor) -> bool:
        """By the verb."""
        return self.sees(who) if self.sees else who.has(self.verb)

    def visible(self, who: Actor, county: str) -> QuerySet[Any]:
        """The rows that the actor may see."""
        if self.verb:
            return access.rows(self.rows(county), who, self.verb)
        return self.rows(county) if self.is_seen(who) else self.rows(county).none()

    def scope(self, who: Actor) -> tuple[Any, ...]:
        """What of the actor decides which rows are visible: the same for all who see the same."""
        predicate = access.visible(who, self.verb, "t") if self.verb else None
        return (predicate.sql, predicate.params) if predicate else ("", ())

    def selected(self, who: Actor, county: str, wanted: Wanted) -> QuerySet[Any]:
        """The rows that are wanted, in no order."""
        rows = self.visible(who, county)
        if wanted.search:
            found = searching.matching(wanted.search, [self.register.key]) if self.register else matching(wanted.search)
            rows = rows.filter(found)
        place = spatial.space(rows, self.spot) if self.geometry else None
        if wanted.where != ALL:
            rows = rows.filter(spatial.true(*compiled(wanted.where, self.columns, place)))
        if wanted.windows and self.geometry:
            within = Q(spatial.true(f"NOT {self.spot.is_placed}", ()))
            for window in wanted.windows:
                within |= Q(spatial.true(*spatial.meeting(rows, self.spot, "intersects", window)))
            rows = rows.filter(within)
        return rows

    def find(self, who: Actor, county: str, wanted: Wanted) -> Found:
        """One page. Raises NoPlace."""
        rows = self.selected(who, county, wanted)
        keys = [*(self._key(name, is_turned=turned) for name, turned in wanted.order), *self._keys(rows.model)]
        is_back = bool(wanted.before)
        given = wanted.before or wanted.after
        place = paging.read(given, keys) if given else None
        found = paging.page(rows, keys, place, wanted.limit + 1, offset=wanted.offset, back=is_back)
        is_more = len(found) > wanted.limit
        page = found[-wanted.limit :] if is_back else found[: wanted.limit]
        has_after, has_before = (True, is_more) if is_back else (is_more, bool(place or wanted.offset))
        return Found(
            tuple(self.make(row, who) for row in page),
            rows.count(),
            paging.written(page[-1], keys) if page and has_after else "",
            paging.written(page[0], keys) if page and has_before else "",
        )

    def _key(self, name: str, *, is_turned: bool) -> paging.Key:
        return paging.Key(self.columns[name].sql, is_turned, is_nullable=True)

    def _keys(self, model: Any) -> Iterator[paging.Key]:
        """What always orders its rows, last."""
        for name in self.order:
            item = model._meta.pk if name == "pk" else model._meta.get_field(name.removeprefix("-"))  # noqa: SLF001  # public in Django
            yield paging.Key(f'"{model._meta.db_table}"."{item.column}"', name.startswith("-"))  # noqa: SLF001

    def get(self, who: Actor, county: str, key: str) -> Feature:
        """By its id."""
        try:
            row = self.visible(who, county).filter(**{self.key_field: key}).first()
        except ValueError:  # a word where the id is a number
            row = None
        if row is None:
            raise NoRecord(f"{self.key}: {key}: there is none that {who.name or 'nobody'} may see")
        return self.make(row, who)


def own_field(name: str, kind: Kind, zh: str, en: str, **more: Any) -> Field:
    """A property that no register declares."""
    return Field(name, kind, {"zh": zh, "en": en}, {}, is_required=False, rules={}, **more)


def by_columns(
    *, rows: Callable[[str], QuerySet[Any]], fields: tuple[Field, ...], columns: Columns, place: Spot, named: str,
    page: str, **more: Any,
) -> Table:  # fmt: skip
    """A table that nobody writes through the API: each property is what a condition compares. `named` is the column
    that names a feature, `page` what stands before its number in the address where people read of it.
    """
    aliases = {f"told{number}": item.name for number, item in enumerate(fields)}
    key_field = more.get("key_field", "pk")

    def told(county: str) -> QuerySet[Any]:
        values = {alias: RawSQL(columns[name].sql, ()) for alias, name in aliases.items()}  # noqa: S611  # declared
        found: QuerySet[Any] = rows(county).annotate(told_place=place.wkb, **values)
        return found

    def make(row: Any, _who: Actor) -> Feature:
        values = {name: _plain(getattr(row, alias)) for alias, name in aliases.items()}
        held = {name: value for name, value in values.items() if value is not None}
        shape = shapely.from_wkb(bytes(row.told_place)) if row.told_place is not None else None
        key = str(getattr(row, key_field))
        return Feature(key, str(held.get(named, key)), shape, held, page=f"{page}{row.pk}/")

    return Table(rows=told, make=make, fields=fields, columns=columns, place=place, **{"key_field": key_field, **more})


def _plain(value: Any) -> Any:
    """A number of SQL as JSON has it."""
    if isinstance(value, Decimal):
        if not value.is_finite():
            return None
        return int(value) if value == value.to_integral_value() else float(value)
    return value


OWN = (
    own_field("_title", Kind.TEXT, "标题", "Title"), own_field("_state", Kind.TEXT, "状态", "State"),
    own_field("_area", Kind.TEXT, "行政区划代码", "Code of the area"),
    own_field("_organisation", Kind.TEXT, "组织机构代码", "Code of the organisation"),
    own_field("_source", Kind.TEXT, "来源", "Source"), own_field("_simulated", Kind.BOOLEAN, "是否模拟", "Simulated"),
    own_field("_created", Kind.TIME, "登记时间", "Registered at"),
    own_field("_updated", Kind.TIME, "更新时间", "Changed at"),
)  # fmt: skip
WHOSE = tuple(item for item in OWN if item.name in {"_area", "_organisation", "_simulated"})


def whose(table: str, simulated: str) -> Columns:
    """The columns of WHOSE: whose a row is, where it is, and whether it is simulated (SQL of ours)."""
    return {**own_columns(table, "_area", "_organisation"), "_simulated": Column(f"({simulated})", Kind.BOOLEAN)}


Source = Callable[[str], Iterable[Collection]]  # county → collections
_sources: list[Source] = []


def add_collections(source: Source) -> None:
    """Let another engine show collections; call it from `AppConfig.ready`."""
    _sources.append(source)


def collections(county: str, who: Actor) -> dict[str, Collection]:
    """key → collection, of those that the actor may see; registers first."""
    found: dict[str, Collection] = {key: of_register(register) for key, register in registers(county).items()}
    for source in _sources:
        found |= {made.key: made for made in source(county)}
    return {key: made for key, made in found.items() if made.is_seen(who)}


def collection_of(key: str, county: str, who: Actor) -> Collection:
    """One collection. Raises UnknownRegister for one that is not there or that the actor may not see."""
    found = collections(county, who).get(key)
    if found is None:
        raise UnknownRegister(f"collection: {key!r}: there is none in county {county}")
    return found


_made: dict[str, tuple[Register, Collection]] = {}


def of_register(register: Register) -> Collection:
    """A register as a collection: an item's id is the record's key, private fields are masked and never compared."""
    kept = _made.get(register.key)
    if kept is None or kept[0] is not register:
        kept = _made[register.key] = register, _of_register(register)
    return kept[1]


def _of_register(register: Register) -> Collection:
    def rows(county: str) -> QuerySet[Record]:
        found = Record.objects.filter(county_id=county, register=register.key).exclude(state=WITHDRAWN)
        return found.prefetch_related("organisation", "area")

    return Table(
        key=register.key,
        title=register.title,
        help=register.help,
        geometry=register.geometry,
        fields=tuple(register.fields.values()),
        own=OWN,
        columns=columns(register, queries.TABLE, with_private=False),
        filters=tuple(item.name for item in register.filters),
        time_field=register.time_field,
        is_searched=True,
        pack=register.pack,
        register=register,
        table=queries.TABLE,
        rows=rows,
        make=lambda row, _who: of_entry(queries.entry(row, register)),
        verb=register.verb("view"),
        key_field="key",
        order=("sort_key", "id"),
        revision=lambda county: _newest(register.key, county),
    )


def _newest(register: str, county: str) -> datetime | None:
    """When a record was last changed, withdrawn ones too; an index has it."""
    found: datetime | None = Record.objects.filter(county_id=county, register=register).aggregate(at=Max("updated"))[
        "at"
    ]
    return found


def of_entry(entry: Any) -> Feature:
    """A record as a feature."""
    own = {
        "_title": entry.title, "_state": entry.state, "_area": entry.area.code,
        "_organisation": entry.organisation.code, "_source": entry.source, "_simulated": entry.is_simulated,
        "_created": entry.created, "_updated": entry.updated,
    }  # fmt: skip
    page = reverse("records:detail", args=[entry.register, entry.id])
    return Feature(entry.key, entry.title, entry.geometry, {**entry.data, **own}, entry.version, entry.updated, page)
