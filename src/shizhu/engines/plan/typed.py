"""What people type into forms and tables: whole numbers, amounts, and what a cell says."""

from __future__ import annotations

import re
from datetime import date
from math import isclose, isfinite

from shizhu.lib import numbers
from shizhu.lib.widths import NARROW

DAY = re.compile(r"(\d{4})(?:年|[-/.])(\d{1,2})(?:月|[-/.])(\d{1,2})日?(?:[ T]\d\d:\d\d.*)?")
MOST = 1e15  # of a value: no county has more of anything
NOTHING = ("", "—", "-")


def whole(text: str, otherwise: int = 0) -> int:
    """The whole number a text says; another for none, and for one that is longer than any of ours."""
    return numbers.whole(text, otherwise, digits=9)


def finite(text: str) -> float:
    """The number a text says; ValueError for none, and for what is no finite one."""
    value = float(text)
    if not isfinite(value):
        raise ValueError(text)
    return value


def amount(text: str) -> float | None:
    """The number a text says, thousands apart or not, None for nothing; ValueError for none, and for more than MOST."""
    bare = narrow(text).replace(",", "")
    if bare in NOTHING:
        return None
    value = finite(bare)
    if abs(value) > MOST:
        raise ValueError(text)
    return value


def narrow(text: str) -> str:
    """Full-width digits, letters and signs as narrow ones, blanks away at the ends."""
    return text.translate(NARROW).strip()


def day(text: str) -> date:
    """The day a text says: 2026-12-31, 2026/1/5, 2026.1.5, 2026年1月5日; ValueError for anything else."""
    found = DAY.fullmatch(narrow(text))
    if found is None:
        raise ValueError(text)
    return date(*(int(part) for part in found.groups()))


def same(one: object, other: object) -> bool:
    """Whether two values are one; numbers as a cell of a table holds: 16 digits are written, 15 last."""
    if isinstance(one, float) and isinstance(other, float):
        return isclose(one, other, rel_tol=1e-15) or f"{one:.15g}" == f"{other:.15g}"
    if isinstance(one, str) and isinstance(other, str):
        return one.strip() == other.strip()  # a cell is read without what surrounds it
    return one == other


def said(cell: object) -> str:
    """What a cell of a table says to who reads it: 2026, also where the file has 2026.0 or 2.026E3."""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return "" if cell is None else str(cell).strip()
