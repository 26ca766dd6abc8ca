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


@BOTH
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\nsince: 2026-13-45", "line 2, column 8: '2026-13-45' is no timestamp that can be kept"),
        ("at: 2026-01-01T25:00:00Z", "line 1, column 5: '2026-01-01T25:00:00Z' is no timestamp that can be kept"),
        ("most: !!int abc", "line 1, column 7: 'abc' is no int that can be kept"),
        ("most: !!int ''", "line 1, column 7: '' is no int that can be kept"),
        ("ok: !!bool x", "line 1, column 5: 'x' is no bool that can be kept"),
        ("at: !!timestamp x", "line 1, column 5: 'x' is no timestamp that can be kept"),
        (f"n: {'9' * 5000}", f"line 1, column 4: '{'9' * 40}' is no int that can be kept"),
        (f"n: 0x{'f' * 6000}", f"line 1, column 4: '0x{'f' * 38}' is no int that can be kept"),
        ("2026-10-01: off", "line 1, column 1: '2026-10-01' is no text: such a key stands in quotes"),
        ("a: &x [1, *x]", "line 1, column 4: holds itself by an alias"),
    ],
)
def test_what_a_value_cannot_be_is_told_with_its_place(read: Callable[[str], object], text: str, said: str) -> None:
    with pytest.raises(yaml.YAMLError) as wrong:
        read(text)
    assert yamls.told(wrong.value) == said


@BOTH
def test_a_few_aliases_do_not_stand_for_gigabytes(read: Callable[[str], object]) -> None:
    lines = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    for before, name in zip("abcdefgh", "bcdefghi", strict=True):
        lines.append(f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]")
    with pytest.raises(yaml.YAMLError) as wrong:
        read("\n".join(lines))
    assert yamls.told(wrong.value) == "line 6, column 4: more than 200,000 values, with its aliases"
    assert read("a: &a {x: 1}\nb: [*a, *a]") == {"a": {"x": 1}, "b": [{"x": 1}, {"x": 1}]}
