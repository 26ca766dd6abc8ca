"""YAML is read as people mean it."""

from collections.abc import Callable

import pytest
import yaml

from shizhu.lib import yamls

BOTH = pytest.mark.parametrize("read", [yamls.read, yamls.read_own])


@BOTH
def test_words_times_and_codes_stay_as_they_are_written(read: Callable[[str], object]) -> None:
    text = "{on: Off, no: yes, at: 12:30, code: 010, month: '2026-07', true: false, n: -12, x: 1e3, y: .5, z: 2.50}"
    assert read(text) == {
        "on": "Off", "no": "yes", "at": "12:30", "code": "010", "month": "2026-07", True: False, "n": -12, "x": 1000.0,
        "y": 0.5, "z": 2.5,
    }  # fmt: skip


@BOTH
def test_a_key_stands_once_and_what_is_wrong_is_told_in_one_line(read: Callable[[str], object]) -> None:
    with pytest.raises(yaml.YAMLError) as twice:
        read("title: a\nlevel: red\ntitle: b\n")
    assert yamls.told(twice.value) == "line 3, column 1: 'title' stands here twice"
    with pytest.raises(yaml.YAMLError) as unquoted:
        read("series: [1 x 1h, - x 1h]\n")
    assert yamls.told(unquoted.value).startswith("line 1, column ")
    assert yamls.told(unquoted.value).endswith(f"; {yamls.HINT}")
