"""Numbers by which a person is known are masked in free text, and no others."""

from __future__ import annotations

import pytest

from shizhu.lib.personal import MASK, masked, masked_in


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("问周某某13800138000，", f"问周某某{MASK}，"),
        ("１３８００１３８０００", MASK),
        ("+86 138-0013-8000", MASK),
        ("（023）73331234转6", MASK),
        ("023-73331234、023-73335678", f"{MASK}、{MASK}"),
        ("联系电话：73331234", f"联系电话{MASK}"),
        ("身份证11010519491231002x。", f"身份证{MASK}。"),
        ("卡6222 0212 3456 7890 128", f"卡{MASK}"),
        ("zhou@example.com.cn", MASK),
    ],
)
def test_what_names_a_person_is_masked(text: str, told: str) -> None:
    assert masked(text) == told


@pytest.mark.parametrize(
    "text",
    [
        "2025年2600户、9800人，2021—2025年", "投资138001380001万元", "0.13800138000", "安装电话3000000部",
        "110105194912310021", "6222021234567890120", "2026-11-28T09:24:29+00:00", "914403001922038216",
        "渝科局发〔2026〕32号", "13800138000".center(64, "a"), "",
    ],
)  # fmt: skip
def test_other_numbers_stay(text: str) -> None:
    assert masked(text) == text


def test_data_is_masked_however_deep_and_keeps_its_shape() -> None:
    told = {"13800138000": [1, None, {"a": ("13800138000", 13800138000)}]}
    assert masked_in(told) == {"13800138000": [1, None, {"a": [MASK, 13800138000]}]}
