"""The registers of a county: as its packs declare them, with the fields it adds; and those it declares itself."""

from __future__ import annotations

from collections.abc import Mapping

from shizhu.engines.records.logic.register import Register
from shizhu.kernel import overlays, packs

KIND = "registers"  # the folder in a pack
HINTED = ("list", "filters")  # of x-shizhu: what added fields are added to


class UnknownRegister(LookupError):
    """No pack that is on in this county declares the register, nor does the county itself."""


_read: dict[tuple[str | None, str], tuple[packs.Body, packs.Body | None, Register]] = {}


def registers(county: str | None = None) -> Mapping[str, Register]:
    """key → register, of the county and the packs that are on in it; of all packs without one."""
    added = packs.declarations(overlays.FIELDS, county)
    return {key: _register(county, key, body, added.get(key)) for key, body in packs.declarations(KIND, county).items()}


def register_of(key: str, county: str | None = None) -> Register:
    """One register. Raises UnknownRegister."""
    body = packs.declarations(KIND, county).get(key)
    if body is None:
        raise UnknownRegister(f"register: {key!r}: nobody declares it for the county {county}")
    return _register(county, key, body, packs.declarations(overlays.FIELDS, county).get(key))


def _register(county: str | None, key: str, body: packs.Body, added: packs.Body | None) -> Register:
    kept = _read.get((county, key))
    if kept is None or kept[:2] != (body, added):
        kept = body, added, Register(key, merged(body, added) if added else body)
        _read[county, key] = kept
    return kept[2]


def merged(body: packs.Body, added: packs.Body) -> packs.Body:
    """A register with the fields that a county adds; where both declare a field, the pack's counts."""
    fresh = {name: item for name, item in added["properties"].items() if name not in body["properties"]}
    hints = dict(body["x-shizhu"])
    for word in HINTED:
        named = [name for name in added.get("x-shizhu", {}).get(word, []) if name in fresh]
        if named:
            hints[word] = [*hints.get(word, []), *named]
    groups = [group for group in added.get("x-shizhu", {}).get("unique", []) if fresh.keys() >= set(group)]
    if groups:
        hints["unique"] = [*hints.get("unique", []), *groups]
    required = [*body["required"], *(name for name in added.get("required", []) if name in fresh)]
    return {**body, "x-shizhu": hints, "properties": {**body["properties"], **fresh}, "required": required}


def clashes(body: packs.Body, added: packs.Body) -> list[str]:
    """Names that the county and, since, the pack declare: the county's field is not in force."""
    return [name for name in added["properties"] if name in body["properties"]]
