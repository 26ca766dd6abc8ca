"""What data there is (OGC API – Records, 20-004r1): a record for each collection, and for what other engines add.

A record says what something is, where, who keeps it, how fresh it is and where it can be had; the terms are those of
DCAT 3 as OGC writes them in GeoJSON. Only what somebody may see is described to them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import shapely
from shapely.geometry.base import BaseGeometry

from shizhu.engines.records.collections import ANY, Collection, Feature, Found, Table, Wanted, collections, own_field
from shizhu.engines.records.contracts import NoRecord
from shizhu.engines.records.licences import Licence, licences
from shizhu.engines.records.logic.register import Kind, Names
from shizhu.kernel.access import Actor
from shizhu.kernel.models import Area, Organisation, Pack
from shizhu.kernel.text import label

KEY = "catalogue"
KINDS: Mapping[str, Names] = {"dataset": {"zh": "数据集", "en": "dataset"}, "map": {"zh": "地图", "en": "map"}}
REL = "http://www.opengis.net/def/rel/ogc/1.0/"
CONFORMS = "http://www.opengis.net/spec/ogcapi-records-1/1.0/req/record-core"
GEOJSON, JSON, HTML = "application/geo+json", "application/json", "text/html"
Link = tuple[str, str, str, str]  # path below the landing page or whole address, relation, title, media type


@dataclass(frozen=True)
class Description:
    """Something that can be had: `kind` is dataset, map or service; `keywords` are {zh, en}."""

    key: str
    kind: str
    title: Names
    help: Names
    keywords: tuple[Names, ...] = ()
    links: tuple[Link, ...] = ()
    pack: str = ""  # whose licence counts
    updated: datetime | None = None
    is_placed: bool = False


Source = Callable[[Actor, str], Iterable[Description]]
_sources: list[Source] = []


def add_descriptions(source: Source) -> None:
    """Let another engine describe what it has; call it from `AppConfig.ready`."""
    _sources.append(source)


@dataclass(frozen=True, kw_only=True)
class Catalogue(Collection):
    """The records as a collection."""

    def is_seen(self, who: Actor) -> bool:
        """By whoever sees anything that is described."""
        return bool(who.is_unbounded or who.scopes)

    def find(self, who: Actor, county: str, wanted: Wanted) -> Found:
        """Those that have a word (`q`: one of several with commas), a type, an id, a place."""
        terms = [term.strip().lower() for term in wanted.search.split(",") if term.strip()]
        kinds, ids = (set(filter(None, wanted.extra.get(name, "").split(","))) for name in ("type", "ids"))
        found = [
            one
            for one in _features(who, county)
            if (not terms or any(term in _words(one) for term in terms))
            and (not kinds or one.properties["type"] in kinds)
            and (not ids or one.id in ids)
            and _meets(one.geometry, wanted.windows)
        ]
        return Found(tuple(found[wanted.offset : wanted.offset + wanted.limit]), len(found))

    def get(self, who: Actor, county: str, key: str) -> Feature:
        """By its id."""
        for one in _features(who, county):
            if one.id == key:
                return one
        raise NoRecord(f"{KEY}: {key}: there is none that {who.name or 'nobody'} may see")


CATALOGUE = Catalogue(
    key=KEY,
    title={"zh": "数据目录", "en": "Catalogue"},
    help={"zh": "本县有哪些数据、在哪里取", "en": "What data the county has, and where to get it"},
    geometry=ANY,
    fields=tuple(
        own_field(name, kind, zh, en, choices=KINDS if name == "type" else {})
        for name, kind, zh, en in (
            ("title", Kind.TEXT, "标题", "Title"), ("type", Kind.TEXT, "类型", "Type"),
            ("description", Kind.TEXT, "说明", "Description"), ("keywords", Kind.LIST, "关键词", "Keywords"),
            ("updated", Kind.TIME, "更新时间", "Changed at"), ("contacts", Kind.ROWS, "联系方式", "Contacts"),
            ("language", Kind.GROUP, "语言", "Language"),
            ("license", Kind.TEXT, "许可", "Licence"),
            ("formats", Kind.ROWS, "格式", "Formats"), ("languages", Kind.ROWS, "其他语言", "Other languages"),
        )
    ),
    item_type="record",
    is_searched=True,
    extra=("type", "ids"),
)  # fmt: skip


def _features(who: Actor, county: str) -> list[Feature]:
    """All that the actor may see, by title."""
    root = Area.objects.filter(county_id=county, code=county).first()
    keeper = Organisation.objects.filter(county_id=county).order_by("path").first()
    box: Any = root.box if root else None
    place = shapely.box(*box) if box else None
    described = [*_of_collections(who, county), *(one for source in _sources for one in source(who, county))]
    known = licences(county)
    made = (_feature(one, place if one.is_placed else None, keeper, known.of(one.pack)) for one in described)
    return sorted(made, key=lambda one: one.id)


def _of_collections(who: Actor, county: str) -> Iterable[Description]:
    names = dict(Pack.objects.values_list("pk", "name"))
    for one in collections(county, who).values():
        if one.item_type != "feature":
            continue
        path = f"/collections/{one.key}"
        links: tuple[Link, ...] = (
            (path, f"{REL}data-meta", "", JSON), (f"{path}/items", "item", "GeoJSON", GEOJSON),
            (f"{path}/items?f=html", "alternate", "", HTML),
            (f"{path}/schema", f"{REL}schema", "", "application/schema+json"),
        )  # fmt: skip
        register = one.register
        keywords: tuple[Names, ...] = (names[register.pack],) if register and register.pack in names else ()
        newest = one.revision(county) if isinstance(one, Table) else None
        updated = newest if isinstance(newest, datetime) else None
        yield Description(
            one.key, "dataset", one.title, one.help, keywords, links, one.pack, updated, bool(one.geometry)
        )


def _feature(
    one: Description, place: BaseGeometry | None, keeper: Organisation | None, licence: Licence | None
) -> Feature:
    properties: dict[str, Any] = {
        "type": one.kind,
        "title": label(one.title),
        "description": label(one.help),
        "keywords": [label(word) for word in one.keywords],
        "language": {"code": label({"zh": "zh", "en": "en"})},
        "languages": [{"code": "zh", "name": "中文"}, {"code": "en", "name": "English"}],
        "formats": [{"mediaType": media_type} for media_type in dict.fromkeys(link[3] for link in one.links)],
        "contacts": [{"organization": keeper.name, "roles": ["publisher"]}] if keeper else [],
    }
    links = one.links
    if licence:
        properties["license"] = licence.spdx
        links = (*links, (licence.url, "license", label(licence.name), HTML))
    if one.updated:
        properties["updated"] = one.updated
    members: Mapping[str, Any] = {"time": None, "conformsTo": [CONFORMS]}
    return Feature(one.key, label(one.title), place, properties, members=members, links=links, updated=one.updated)


def _words(one: Feature) -> str:
    held = one.properties
    return " ".join([one.id, held["title"], held["description"], *held["keywords"]]).lower()


def _meets(place: BaseGeometry | None, windows: tuple[BaseGeometry, ...]) -> bool:
    return not windows or place is None or any(place.intersects(window) for window in windows)
