"""Records as features of the map: any register with a geometry, coloured by the value of a field where declared."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from shapely.geometry import mapping
from shapely.geometry.base import BaseGeometry

from shizhu.engines.maps.contracts import Asked, Chosen, Feature, Layer, Mark, Region
from shizhu.engines.records import api as records
from shizhu.kernel.access import Actor
from shizhu.kernel.packs import Body, LoadedPacks, find
from shizhu.kernel.text import label

PALETTE = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#7a5195", "#8c8c00")  # Okabe and Ito


def verb(layer: Layer) -> str:
    """The right to see the register."""
    return f"records.{layer.of}.view"


def features(who: Actor, county: str, layer: Layer, asked: Asked) -> list[Feature]:
    """One feature per record that has a place."""
    if not who.has(verb(layer)):
        return []
    register = records.register_of(layer.of, county)
    if asked.at is None or layer.is_lasting:
        entries = records.scan(who, county, layer.of, records.Query(boxes=(asked.box,) if asked.box else ()))
    else:
        entries = records.placed_at(who, county, layer.of, asked.at, asked.box)
    return list(_drawn(register, layer, entries))


def inside(who: Actor, county: str, layer: Layer, region: Region) -> Chosen:
    """The records that meet the region, however many."""
    if not who.has(verb(layer)):
        return Chosen(0, lambda _first, _most: [], lambda: iter(()))
    register, wanted = records.register_of(layer.of, county), records.Query(region=region, limit=1)

    def page(first: int, most: int) -> list[Feature]:
        found = records.query(who, county, layer.of, replace(wanted, offset=first, limit=most))
        return list(_drawn(register, layer, found.entries))

    total = records.query(who, county, layer.of, wanted).total
    return Chosen(total, page, lambda: _drawn(register, layer, records.scan(who, county, layer.of, wanted)))


def _drawn(register: records.Register, layer: Layer, entries: Iterable[records.Entry]) -> Iterator[Feature]:
    colours, shown = colours_of(register, layer), register.fields.get(layer.style.get("by", ""))
    for entry in entries:
        if entry.geometry is not None:
            yield _feature(entry, entry.geometry, layer, colours, shown, register.flow or ())


def grid(who: Actor, county: str, layer: Layer, asked: Asked, size: float) -> list[records.Cell]:
    """How many records lie where, or lay at a time past."""
    if not who.has(verb(layer)):
        return []
    if asked.at is None or layer.is_lasting:
        return records.cells(who, county, layer.of, asked.box, size)
    return records.cells_at(who, county, layer.of, asked.at, asked.box, size)


def _feature(
    entry: records.Entry, place: BaseGeometry, layer: Layer, colours: Mapping[str, str], shown: records.Field | None,
    flow: tuple[str, ...],
) -> Feature:  # fmt: skip
    value = str(entry.data.get(shown.name, "")) if shown else ""
    told: dict[str, Any] = {
        "name": entry.title,
        "where": entry.area.name,
        "text": label(shown.choices.get(value, value)) if shown else "",
        "mark": colours.get(value, layer.colour),
        "simulated": entry.is_simulated,
        "url": f"/records/{entry.register}/{entry.id}/",
    }
    nodes = tuple(str(entry.data.get(name) or "") for name in flow)
    return Feature(f"record-{entry.id}", mapping(place), told, (nodes[0], nodes[1]) if all(nodes) and nodes else None)


def colours_of(register: records.Register, layer: Layer) -> dict[str, str]:
    """value → colour: as declared, else of the palette in the order of the choices."""
    by = register.fields.get(layer.style.get("by", ""))
    if by is None:
        return {}
    declared: Mapping[str, str] = layer.style.get("colours", {})
    return dict(declared) or {value: PALETTE[n % len(PALETTE)] for n, value in enumerate(by.choices)}


def legend(county: str, layer: Layer) -> list[Mark]:
    """What the colours of the layer mean."""
    register = records.register_of(layer.of, county)
    by = register.fields.get(layer.style.get("by", ""))
    if by is None:
        return [Mark(layer.colour, "", register.geometry)]
    colours = colours_of(register, layer)
    return [Mark(colour, label(by.choices.get(value, value)), register.geometry) for value, colour in colours.items()]


def problems(body: Body, everything: LoadedPacks) -> Iterator[str]:
    """What is wrong with a layer of records: no geometry, or a colour by what is no open field."""
    declared = find(everything, "registers", body.get("of", ""))
    if declared is None:
        yield f"of: {body.get('of', '')}: a layer of records names a register"
        return
    register = records.Register(body["of"], declared)
    if not register.geometry:
        yield f"of: {body['of']}: the register has no geometry"
    by = body.get("style", {}).get("by")
    if by is None:
        return
    item = register.fields.get(by)
    if item is None or item.privacy:
        yield f"style.by: {by}: must be a field of {body['of']} that everybody may see"
    elif not item.choices and "colours" not in body["style"]:
        yield f"style.by: {by}: has no choices, so `colours` must name its values"
    elif item.choices:
        for value in body["style"].get("colours", {}):
            if value not in item.choices:
                yield f"style.colours: {value}: is not in the enum of {by}"
