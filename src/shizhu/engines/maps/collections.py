"""Areas and organisations of a county as collections of the OGC API, for who may see the map."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from shizhu.engines.maps import layers
from shizhu.engines.records import api as records
from shizhu.kernel.access import Actor
from shizhu.kernel.models import Area, Organisation

TEXT, YES = records.Kind.TEXT, records.Kind.BOOLEAN
LEVELS = {
    "county": {"zh": "县", "en": "county"}, "town": {"zh": "乡镇街道", "en": "town"},
    "village": {"zh": "村社区", "en": "village"},
}  # fmt: skip
AREA, BODY = '"kernel_area"', '"kernel_organisation"'


def _sees(who: Actor) -> bool:
    return who.has("maps.map.view")


def _area(row: Area, _who: Actor) -> records.Feature:
    told = {
        "code": row.code, "name": row.name, "name_en": row.name_en, "level": row.level,
        "parent": row.parent.code if row.parent else None, "source": str(row.provenance.get("source", "")),
        "synthetic": row.provenance.get("source") == "synthetic",
    }  # fmt: skip
    return records.Feature(row.code, row.name, row.geometry, _said(told))


def _organisation(row: Organisation, _who: Actor) -> records.Feature:
    told = {
        "code": row.code, "name": row.name, "name_en": row.name_en, "kind": row.kind,
        "parent": row.parent.code if row.parent else None, "area": row.area.code,
    }  # fmt: skip
    return records.Feature(row.code, row.name, None, _said(told))


def _said(told: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in told.items() if value not in {None, ""}}


def _text(name: str, zh: str, en: str) -> records.Field:
    return records.property_of(name, TEXT, zh, en)


def _column(sql: str, kind: records.Kind = TEXT) -> records.Column:
    return records.Column(f'({sql} COLLATE "C")' if kind == TEXT else f"({sql})", kind)


_SHARED = (
    _text("code", "代码", "Code"),
    _text("name", "名称", "Name"),
    _text("name_en", "英文名称", "Name in English"),
)
AREAS = records.Table(
    key="areas",
    title={"zh": "行政区划", "en": "Areas"},
    help={"zh": "县、乡镇街道和村社区", "en": "The county, its towns and villages"},
    geometry=records.ANY,
    fields=(
        *_SHARED, records.property_of("level", TEXT, "级别", "Level", choices=LEVELS),
        _text("parent", "上级代码", "Code of the one above"),
        _text("source", "边界来源", "Source of the outline"),
        records.property_of("synthetic", YES, "边界是否示意", "Outline is synthetic"),
    ),
    columns={
        **{name: _column(f"{AREA}.{name}") for name in ("code", "name", "name_en", "level")},
        "parent": _column(f"(SELECT above.code FROM kernel_area above WHERE above.id = {AREA}.parent_id)"),
        "synthetic": _column(f"coalesce({AREA}.provenance->>'source' = 'synthetic', FALSE)", YES),
    },
    filters=("code", "level", "parent"),
    table="kernel_area",
    rows=lambda county: Area.objects.filter(county_id=county).select_related("parent"),
    make=_area,
    sees=_sees,
    order=("path",),
)  # fmt: skip
ORGANISATIONS = records.Table(
    key="organisations",
    title={"zh": "组织机构", "en": "Organisations"},
    help={"zh": "县级部门、乡镇街道和单位", "en": "Departments, town governments and other bodies"},
    fields=(
        *_SHARED, _text("kind", "类型", "Kind"), _text("parent", "上级代码", "Code of the one above"),
        _text("area", "行政区划代码", "Code of the area"),
    ),
    columns={
        **{name: _column(f"{BODY}.{name}") for name in ("code", "name", "name_en", "kind")},
        "parent": _column(f"(SELECT above.code FROM kernel_organisation above WHERE above.id = {BODY}.parent_id)"),
        "area": _column(f"(SELECT code FROM kernel_area WHERE id = {BODY}.area_id)"),
    },
    filters=("code", "kind", "area"),
    table="kernel_organisation",
    rows=lambda county: Organisation.objects.filter(county_id=county).select_related("parent", "area"),
    make=_organisation,
    sees=_sees,
    order=("path",),
)  # fmt: skip


def of(_county: str) -> Iterable[Any]:
    """The same for every county."""
    return AREAS, ORGANISATIONS


def described(who: Actor, county: str) -> Iterable[records.Description]:
    """Each layer of the map as a record of the catalogue, for who may see the map and the layer."""
    for layer in layers.layers(county, who) if _sees(who) else ():
        page = ("~/map/", "about", "", "text/html")
        yield records.Description(f"layer.{layer.key}", "map", layer.title, {}, (layer.group,), (page,), is_placed=True)
