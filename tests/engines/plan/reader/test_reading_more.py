"""Bodies told without a label, bases among several years, names that begin with a digit."""

from __future__ import annotations

from shizhu.engines.plan.logic.reader import read

CARE = """和顺区养老服务三年行动计划（2024—2026年）
一、主要任务
（一）完善服务网络。建成服务中心12家。（区民政局牵头，区财政局、各街道办事处配合）
（二）提升护理能力。培训3000人次（含线上）。（区民政局、区人力社保局按职责分工负责）
（三）推进医养结合。签约率达到75%。〔区卫生健康委、区医保局〕
（四）引导社会参与（重点是企业）。
"""
YEARS = """临江市数字经济发展规划（2023—2027年）
表1 发展目标
| 序号 | 指标名称 | 2021年 | 2022年 | 2025年 | 2027年 |
|---|---|---|---|---|---|
| 1 | 5G基站数（个） | 1100 | 1850 | 3200 | 4000 |
| 2 | 电子商务交易额（亿元） | 210 | 245 | 360 | ≥450 |
"""


def test_bodies_in_brackets_without_a_label() -> None:
    assert [(task.no, task.name, task.leads, task.supports) for task in read(CARE).tasks] == [
        ("一", "完善服务网络", ("区民政局",), ("区财政局", "各街道办事处")),
        ("二", "提升护理能力", ("区民政局", "区人力社保局"), ()),
        ("三", "推进医养结合", ("区卫生健康委", "区医保局"), ()),
    ]


def test_the_base_is_the_last_year_before_the_plan() -> None:
    rows = [
        (item.name, item.base.year, item.base.value, [mark.year for mark in item.milestones], item.signs)
        for item in read(YEARS).indicators
    ]
    assert rows == [("5G基站数", 2022, 1850, [2021, 2025], ()), ("电子商务交易额", 2022, 245, [2021, 2025], ())]
