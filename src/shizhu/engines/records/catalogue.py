"""The registers of a county, as its packs declare them."""

from __future__ import annotations

from collections.abc import Mapping

from shizhu.engines.records.logic.register import Register
from shizhu.kernel import packs

KIND = "registers"  # the folder in a pack


class UnknownRegister(LookupError):
    """No pack that is on in this county declares the register."""


_read: dict[str, Register] = {}


def registers(county: str | None = None) -> Mapping[str, Register]:
    """key → register, of the packs that are on in the county; of all packs without one."""
    return {key: _register(key, body) for key, body in packs.declarations(KIND, county).items()}


def register_of(key: str, county: str | None = None) -> Register:
    """One register. Raises UnknownRegister."""
    body = packs.declarations(KIND, county).get(key)
    if body is None:
        raise UnknownRegister(f"register: {key!r}: no pack of county {county} declares it")
    return _register(key, body)


def _register(key: str, body: packs.Body) -> Register:
    kept = _read.get(key)
    if kept is None or kept.body != body:
        kept = _read[key] = Register(key, body)
    return kept
