"""Reports of a year and lists of duties: the year of a meeting, headings that name a year or a body, who leads."""

from __future__ import annotations

import pytest
from tests.engines.plan.reader.told import target_of, task_of

from shizhu.engines.plan.logic.reader import read

REPORT = """政府工作报告
——二〇二四年1月9日在云溪县第三届
人民代表大会第二次会议上
县长  王某某

一、2023年工作回顾
全年新增规上企业9家，粮食产量达到12万吨。

二、2024年目标任务和重点工作
全年预期目标是：地区生产总值增长6%左右；出口额占全市份额保持稳定；城镇调查失业率控制在5.2%以内。
（一）做强工业。新增规上企业12家，工业投资突破30亿元。
"""

BY_BODY = """2024年重点工作任务清单

一、云溪高新区管委会牵头任务（2项）
1.建设标准厂房6万平方米。
2.打造中药材交易中心。

二、县水利局负责的重点工作（1项）
3.整治病险水库4座，完成河道清淤。
"""


def test_a_report_is_of_the_year_of_its_meeting_and_what_was_is_no_target() -> None:
    assert [target_of(item) for item in read(REPORT).indicators] == [
        ("地区生产总值增长", "%", 2024, 6, "about"),
        ("城镇调查失业率", "%", 2024, 5.2, "at_most"),
        ("规上企业", "家", 2024, 12, None),
        ("工业投资", "亿元", 2024, 30, "at_least"),
    ]


def test_a_heading_that_looks_ahead_to_a_year_dates_the_sentences_below_it() -> None:
    plan = "云溪县发展规划（2021—2025年）\n第二章 目标\n第一节 2025年目标\n高铁站2座。\n第二节 2035年愿景\n机场1座。\n"

    assert [(item.name, item.target.year) for item in read(plan).indicators] == [("高铁站", 2025), ("机场", 2035)]


def test_items_below_a_heading_that_names_a_body_are_led_by_it() -> None:
    assert [task_of(task)[:2] + task_of(task)[5:] for task in read(BY_BODY).tasks] == [
        ("1", "建设标准厂房6万平方米", ("云溪高新区管委会",), ()),
        ("2", "打造中药材交易中心", ("云溪高新区管委会",), ()),
        ("3", "整治病险水库4座，完成河道清淤", ("县水利局",), ()),
    ]


@pytest.mark.parametrize(
    ("bodies", "leads", "supports", "last"),
    [
        ("（牵头单位：县水利局；责任单位：县财政局、临江工业园等）", ("县水利局",), ("县财政局", "临江工业园"), None),
        (
            "[牵头单位：县水利局；配合单位：县财政局、各乡镇（街道）]",
            ("县水利局",),
            ("县财政局", "各乡镇（街道）"),
            None,
        ),
        ("（责任单位：县水利局，各市、县〔区〕人民政府）", ("县水利局", "各市、县〔区〕人民政府"), (), None),
        ("（责任单位：各乡镇（街道）人民政府、县水利局）", ("各乡镇（街道）人民政府", "县水利局"), (), None),
        ("（责任股室：规划股、灌溉科）", ("规划股", "灌溉科"), (), None),
        ("（县水利局牵头，县财政局配合，2024年12月底前完成）", ("县水利局",), ("县财政局",), 2024),
        ("（县水利局牵头，各乡镇〔街道〕负责落实）", ("县水利局",), ("各乡镇〔街道〕",), None),
        ("（县水利局牵头，2024年6月底前完成）", ("县水利局",), (), 2024),
        ("（县水利局、县财政局按职责分工负责，长期推进）", ("县水利局", "县财政局"), (), None),
        ("（县水利局负责，各镇人民政府落实）", ("县水利局",), ("各镇人民政府",), None),
    ],
)
def test_bodies_behind_a_task_lead_or_help(
    bodies: str, leads: tuple[str, ...], supports: tuple[str, ...], last: int | None
) -> None:
    (task,) = read(f"云溪县水利规划（2021—2025年）\n第三章 重点任务\n1.推进渠道改造。实施渠系配套。{bodies}\n").tasks

    assert (task.name, task.leads, task.supports, task.period.last) == ("推进渠道改造", leads, supports, last)


def test_a_table_nobody_could_read_is_no_part_of_a_task() -> None:
    table = "| 甲 | 这一列没有表头而且写得很长很长很长 |\n| 乙 | 这一列没有表头而且写得很长很长很长 |\n\n"
    plan = f"云溪县水利规划（2021—2025年）\n二、重点任务\n\n{table}新建泵站8座。（责任单位：县水利局）\n"

    assert [(task.name, task.content) for task in read(plan).tasks] == [("新建泵站8座", "")]


@pytest.mark.parametrize("end", ["。（责任单位：%s）", "（责任单位：%s）", "。（%s）"])
def test_bodies_in_brackets_end_the_paragraph_of_a_text_file(end: str) -> None:
    lines = ["到2027年实现行政村光网通达率达到95%以上", "建设县级算力中心1个并投入使用，总投资3000万元"]
    units = ["县经济信息委、各乡镇（街道）人民政府", "县财政局"]
    told = "\n".join(line + end % unit for line, unit in zip(lines, units, strict=True))
    found = read(f"云溪县规划（2026—2030年）\n一、任务\n{told}\n推进一网通办，可办率达到99%。\n").clauses
    assert [clause.text.partition("（")[0].rstrip("。") for clause in found] == [*lines, "推进一网通办，可办率达到99%"]
    assert [clause.leads for clause in found[:2]] == [("县经济信息委", "各乡镇（街道）人民政府"), ("县财政局",)]


def test_an_item_may_begin_with_a_year_and_the_title_is_no_task() -> None:
    items = "1.2024年底前完成隐患排查。（责任单位：县水利局）\n2.2025年，更换闸门。（责任单位：县水利局）\n"
    tasks = read(f"云溪县水利规划（2021—2025年）\n二、任务\n（一）防汛\n{items}").tasks
    assert [(task.no, task.name) for task in tasks] == [("1", "2024年底前完成隐患排查"), ("2", "2025年，更换闸门")]
    (task,) = read("云溪县水利规划（2021—2025年）\n开展科普活动30场。\n（责任单位：县科协）\n").tasks
    assert task.name == "开展科普活动30场"
