"""GB 3838-2002 table 1: values at and beside the limits."""

from __future__ import annotations

import pytest

from shizhu.lib.standards import gb3838, limit


@pytest.mark.parametrize(
    ("item", "value", "level"),
    [
        ("dissolved_oxygen", 7.5, "I"),
        ("dissolved_oxygen", 7.4, "II"),
        ("dissolved_oxygen", 5.0, "III"),
        ("dissolved_oxygen", 4.99, "IV"),
        ("dissolved_oxygen", 1.9, "VI"),
        ("ammonia_nitrogen", 0.15, "I"),
        ("ammonia_nitrogen", 1.01, "IV"),
        ("total_phosphorus", 0.41, "VI"),
        ("ph", 7.0, "I"),
        ("ph", 9.3, "VI"),
    ],
)
def test_class_of_one_item(item: str, value: float, level: str) -> None:
    assert gb3838.class_of(item, value) == level


def test_a_section_is_as_bad_as_its_worst_item() -> None:
    assert gb3838.section_class({"dissolved_oxygen": 8.0, "permanganate_index": 4.2, "total_phosphorus": 0.09}) == "III"
    with pytest.raises(ValueError, match="at least one item"):
        gb3838.section_class({})


def test_limits_never_get_stricter_with_a_worse_class() -> None:
    for item in gb3838.ITEMS:
        limits = [gb3838.limit(item, level) for level in gb3838.CLASSES]
        lows = [found.low for found in limits if found.low is not None]
        highs = [found.high for found in limits if found.high is not None]
        assert lows == sorted(lows, reverse=True)
        assert highs == sorted(highs)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("gb3838-2002", "dissolved_oxygen", "VI"), "class 'VI'"),
        (("gb3838-2002", "sugar", "I"), "item 'sugar'"),
        (("gb9999", "sugar", "I"), "standard 'gb9999'"),
    ],
)
def test_an_unknown_word_is_named(arguments: tuple[str, str, str], words: str) -> None:
    with pytest.raises(KeyError, match=words):
        limit(*arguments)
