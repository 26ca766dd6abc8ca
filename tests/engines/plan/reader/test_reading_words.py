"""Shares and multiples in words, and what is to come every year anew."""

from __future__ import annotations

import pytest
from tests.engines.plan.reader.invented import PLANS
from tests.engines.plan.reader.told import in_tables, target_of, task_of
from tests.engines.plan.reader.writing import Sheet, as_pdf, as_text

from shizhu.engines.plan.logic.opening import open_file
from shizhu.engines.plan.logic.reader import Indicator, read
from shizhu.engines.plan.logic.reader.worded import worded

HEAD = "云溪县发展规划（2021—2025年）\n"


def _told(sentence: str) -> list[Indicator]:
    return list(read(f"{HEAD}第二章 发展目标\n{sentence}\n").indicators)


@pytest.mark.parametrize(
    ("sentence", "told"),
    [
        ("农业总产值比2020年增长三分之一。", [("农业总产值增长", "%", 2025, 33.3, None)]),
        ("营业收入翻一番，接待人数翻两番。",
         [("营业收入增长", "%", 2025, 100, None), ("接待人数增长", "%", 2025, 300, None)]),
        ("软件业务收入在2020年基础上翻番。", [("软件业务收入增长", "%", 2025, 100, None)]),
        ("专利授权量增加两倍。", [("专利授权量增加", "%", 2025, 200, None)]),
        ("良种覆盖率超过九成五，就诊率达到八成。",
         [("良种覆盖率", "%", 2025, 95, "at_least"), ("就诊率", "%", 2025, 80, None)]),
        ("过早死亡率比2020年下降一成。", [("过早死亡率下降", "%", 2025, 10, None)]),
        ("加入合作社的农户过半。", [("加入合作社的农户", "%", 2025, 50, "at_least")]),
        ("一半以上的行政村通公交，三分之二的学校建成食堂。",
         [("行政村通公交占比", "%", 2025, 50, "at_least"), ("学校建成食堂占比", "%", 2025, 66.7, None)]),
        ("四分之三以上的村集体收入超过15万元。", [("村集体收入超过15万元占比", "%", 2025, 75, "at_least")]),
        ("绿化率不低于百分之四十。", [("绿化率", "%", 2025, 40, "at_least")]),
        ("人均收入比2020年翻一番，达到5万元。", [("人均收入", "万元", 2025, 5, None)]),
        ("经历过半年试点，形成一批成果，三成服务一成不变。", []),
    ],
)  # fmt: skip
def test_shares_and_multiples_in_words(sentence: str, told: list[tuple[object, ...]]) -> None:
    assert [target_of(item) for item in _told(sentence)] == told


@pytest.mark.parametrize(
    ("sentence", "told"),
    [
        ("每年培育龙头企业5家，每年举办对接活动2场。", [("龙头企业", 5, "yearly"), ("对接活动", 2, "yearly")]),
        ("每年新增认证产品8个，五年共新增40个。", [("认证产品", 8, "yearly"), ("认证产品", 40, None)]),
        ("每年招录全科医生40—50名，到2025年累计培养200名以上。",
         [("全科医生", 40, "yearly"), ("全科医生", 200, None)]),
        ("每年打造场景不少于10个、引育人才300人，新建基站120座。",
         [("场景", 10, "yearly"), ("人才", 300, "yearly"), ("基站", 120, None)]),
        ("县财政每年安排专项资金2000万元。", [("专项资金", 2000, "yearly")]),
        ("单位产值能耗每年下降2.5%，累计下降12%。",
         [("单位产值能耗下降", 2.5, "yearly"), ("单位产值能耗下降", 12, None)]),
        ("年均每百万人口因自然灾害死亡率小于1。", [("年均每百万人口因自然灾害死亡率", 1, None)]),
        ("教育经费每年增长10%，每月巡查3次，平均每年级2个班。", [("教育经费年均增长", 10, None)]),
    ],
)  # fmt: skip
def test_what_comes_every_year_is_no_total(sentence: str, told: list[tuple[object, ...]]) -> None:
    found = _told(sentence)
    assert [(item.name, item.target.value, item.kind) for item in found] == told
    assert not any(item.cumulative for item in found)


@pytest.mark.parametrize("name", [name for name, plan in PLANS.items() if hasattr(plan, "YEARLY")])
def test_yearly_flows_of_whole_plans(name: str) -> None:
    found = read(as_text(PLANS[name].BLOCKS)).indicators
    assert [(item.name, item.target.value) for item in found if item.kind == "yearly"] == PLANS[name].YEARLY


def test_cells_in_words_are_reckoned() -> None:
    rows = "|1|加工产值（亿元）|42|翻一番|\n|2|签约率（%）|31|过半|\n|3|达标率（%）|60|九成以上|\n|4|口碑|好|翻一番|\n"
    document = read(f"{HEAD}表1 主要指标\n|序号|指标|2020年|2025年|\n{rows}第二章 目标\n到2025年，加工产值翻一番。\n")
    told = [(item.name, item.target.value, item.target.bound, item.target.text) for item in in_tables(document)]
    assert told == [
        ("加工产值", 84, "words", "翻一番"), ("签约率", 50, "at_least", "过半"), ("达标率", 90, "at_least", "九成以上"),
        ("口碑", None, "words", "翻一番"),
    ]  # fmt: skip
    assert [item.name for item in document.indicators if item.found_in == "sentence"] == []
    assert ("target-bound", "加工产值") in [(doubt.rule, doubt.what) for doubt in document.unsure]


def test_where_words_stand() -> None:
    text = "超过三分之二，约八成半"
    assert [(text[one.start : one.end], one.value, one.after) for one in worded(text)] == [
        ("三分之二", 66.7, None), ("八成半", 85, None),
    ]  # fmt: skip


GROUPED = Sheet(
    [
        ["编号", "项目", "建设内容", "起止年限", "责任部门"],
        ["（一）", "算力设施类", "", "", ""],
        [
            "1",
            "智算中心",
            "建设机房2.6万平方米，配套变电设施和冷却系统",
            "2024—2025",
            "区经信委（牵头）、区规划自然资源局",
        ],
        ["2", "边缘节点", "布设节点30个", "2025—2026", "区大数据局 区科技局"],
        ["（二）", "产业园区类", "", "", ""],
        ["3", "文创园", "改造楼宇4栋", "2024—2026", "区文旅委、江湾街道等"],
        ["4", "软件园", "新建楼宇12万平方米", "2023—2026", "高新区管委会"],
    ],
    widths=(1.2, 3, 4, 2, 3),
)


@pytest.mark.parametrize("rules", ["all", "three", "tight", "none"])
def test_groups_of_rows_without_rules_in_tight_lines(rules: str) -> None:
    blocks = ["澜岸区行动计划（2023—2026年）", "附表 重点项目清单", GROUPED]
    document = read(open_file("a.pdf", as_pdf(blocks, rules=rules)).text)
    assert [task_of(task) for task in document.tasks] == [
        ("1", "智算中心", "算力设施类", 2024, 2025, ("区经信委",), ("区规划自然资源局",)),
        ("2", "边缘节点", "算力设施类", 2025, 2026, ("区大数据局", "区科技局"), ()),
        ("3", "文创园", "产业园区类", 2024, 2026, ("区文旅委", "江湾街道"), ()),
        ("4", "软件园", "产业园区类", 2023, 2026, ("高新区管委会",), ()),
    ]
