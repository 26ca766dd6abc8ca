"""A sample that anybody can draw again: what comes first when names are ordered by their hash with the seed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from math import ceil


def order_of(seed: str, name: str) -> str:
    """The place of a name: SHA-256 of "<seed> <name>" in UTF-8, in hexadecimal."""
    return hashlib.sha256(f"{seed} {name}".encode()).hexdigest()


def draw(seed: str, names: Iterable[str], percent: int) -> list[str]:
    """So many per cent of the names, at least one where there are any."""
    ordered = sorted(set(names), key=lambda name: order_of(seed, name))
    return ordered[: ceil(len(ordered) * percent / 100)]


def quarter_of(year: int, month: int) -> str:
    """2026Q3."""
    return f"{year}Q{(month + 2) // 3}"
