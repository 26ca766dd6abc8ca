"""Text for the ear: what a voice would stumble over is said as people say it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shizhu.lib import speech

TODAY = datetime(2026, 7, 1, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("预计持续到 2026-07-01 18:30。", "预计持续到今天晚上六点半。"),
        ("7 月 2 日 14:05 前转移", "七月二日下午两点零五分前转移"),
        ("2026-07-12 00:00", "七月十二号凌晨零点"),
        (
            "实测 56.40 mm，水位 514.2m，流量 1200 m³/s",
            "实测五十六点四毫米，水位五百一十四点二米，流量一千二百立方米每秒",
        ),
        ("被困请拨 119，或打023-73332222。", "被困请拨幺幺九，或打零二三七三三三二二二二。"),
        ("转移 10500 人，占 90 %", "转移一万零五百人，占百分之九十"),
        ("【演练】桥头河边院子（虚构（测试））Ⅳ级响应", "演练。桥头河边院子四级响应"),
        ("110010 户，-3.0 ℃", "十一万零一十户，负三摄氏度"),
    ],
)
def test_it_is_said_as_people_say_it(written: str, said: str) -> None:
    assert speech.aloud(written, TODAY) == said
    assert speech.unspoken(said) == ""


def test_what_no_voice_can_say_is_told() -> None:
    assert speech.unspoken("请看 App（蓝色）1 次") == "Ap（）1"


@given(st.integers(0, 10**12 - 1))
def test_a_number_can_be_read_back(value: int) -> None:
    """By the places of its digits, another way than it was made."""
    total = section = digit = 0
    for one in speech.number(value):
        if one in "十百千":
            section, digit = section + (digit or 1) * {"十": 10, "百": 100, "千": 1000}[one], 0
        elif one in "万亿":
            total, section, digit = (total + section + digit) * {"万": 10**4, "亿": 10**8}[one], 0, 0
        else:
            digit = speech.DIGITS.index(one)
    assert total + section + digit == value or value >= 10**8


@given(st.text(alphabet="水要来了，。快走"), st.text(alphabet="水要来了，。快走"))
def test_longer_takes_longer(one: str, other: str) -> None:
    assert speech.seconds(one + other) == pytest.approx(speech.seconds(one) + speech.seconds(other), abs=0.11)
