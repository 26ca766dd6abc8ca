"""National rules, one file each, found by name; a rule that changed keeps both editions."""

from __future__ import annotations

from collections.abc import Callable

from shizhu.lib.standards import gb3838
from shizhu.lib.standards.limits import Limit

LIMITS: dict[str, Callable[[str, str], Limit]] = {"gb3838-2002": gb3838.limit}
ITEMS, CLASSES = {"gb3838-2002": gb3838.ITEMS}, {"gb3838-2002": gb3838.CLASSES}  # classes from the best on


def limit(standard: str, item: str, level: str) -> Limit:
    """The limit of an item at a level (class) of a standard; KeyError names what is not known."""
    if standard not in LIMITS:
        raise KeyError(f"standard {standard!r}: known are {', '.join(sorted(LIMITS))}")
    return LIMITS[standard](item, level)


def of_item(item: str) -> str:
    """The standard that has limits of an item by class; empty if there is none."""
    return next((name for name, items in ITEMS.items() if item in items), "")
