"""GB 3838-2002 环境质量标准·地表水 (surface water), table 1: limits of the basic items by class I–V.

In force since 2002-06-01. Evaluation is by single factor: a section's class is that of its worst item (§5.1).
Dissolved oxygen of class I is 7.5 mg/L or 90 % saturation; the fixed value is used here.
"""

from __future__ import annotations

from shizhu.lib.standards.limits import Limit

CLASSES = ("I", "II", "III", "IV", "V")
WORSE = "VI"  # 劣Ⅴ: worse than class V
_AT_MOST = {  # mg/L; coliforms per litre
    "permanganate_index": (2, 4, 6, 10, 15),
    "chemical_oxygen_demand": (15, 15, 20, 30, 40),
    "biochemical_oxygen_demand": (3, 3, 4, 6, 10),
    "ammonia_nitrogen": (0.15, 0.5, 1, 1.5, 2),
    "total_phosphorus": (0.02, 0.1, 0.2, 0.3, 0.4),  # rivers
    "total_phosphorus_lake": (0.01, 0.025, 0.05, 0.1, 0.2),
    "total_nitrogen_lake": (0.2, 0.5, 1, 1.5, 2),  # lakes and reservoirs only
    "copper": (0.01, 1, 1, 1, 1),
    "zinc": (0.05, 1, 1, 2, 2),
    "fluoride": (1, 1, 1, 1.5, 1.5),
    "selenium": (0.01, 0.01, 0.01, 0.02, 0.02),
    "arsenic": (0.05, 0.05, 0.05, 0.1, 0.1),
    "mercury": (0.00005, 0.00005, 0.0001, 0.001, 0.001),
    "cadmium": (0.001, 0.005, 0.005, 0.005, 0.01),
    "chromium_vi": (0.01, 0.05, 0.05, 0.05, 0.1),
    "lead": (0.01, 0.01, 0.05, 0.05, 0.1),
    "cyanide": (0.005, 0.05, 0.2, 0.2, 0.2),
    "volatile_phenols": (0.002, 0.002, 0.005, 0.01, 0.1),
    "petroleum": (0.05, 0.05, 0.05, 0.5, 1),
    "anionic_surfactants": (0.2, 0.2, 0.2, 0.3, 0.3),
    "sulfide": (0.05, 0.1, 0.2, 0.5, 1),
    "faecal_coliforms": (200, 2000, 10000, 20000, 40000),
}
_AT_LEAST = {"dissolved_oxygen": (7.5, 6, 5, 3, 2)}
ITEMS = (*_AT_LEAST, *_AT_MOST, "ph")


def limit(item: str, level: str) -> Limit:
    """The limit of an item for a class (I–V). KeyError names an unknown item or class."""
    if level not in CLASSES:
        raise KeyError(f"class {level!r}: GB 3838-2002 has {', '.join(CLASSES)}")
    place = CLASSES.index(level)
    if item == "ph":
        return Limit(6, 9)
    if item in _AT_LEAST:
        return Limit(low=_AT_LEAST[item][place])
    if item in _AT_MOST:
        return Limit(high=_AT_MOST[item][place])
    raise KeyError(f"item {item!r}: not in table 1 of GB 3838-2002")


def class_of(item: str, value: float) -> str:
    """The best class whose limit the value keeps; VI (劣Ⅴ) if none."""
    return next((level for level in CLASSES if limit(item, level).is_kept_by(value)), WORSE)


def section_class(values: dict[str, float]) -> str:
    """Class of a section: the worst of its items. ValueError without a single item."""
    if not values:
        raise ValueError("a class needs at least one item")
    order = [*CLASSES, WORSE]
    return max((class_of(item, value) for item, value in values.items()), key=order.index)
