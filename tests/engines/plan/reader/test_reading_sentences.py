"""Sentences of plans as they are written: what a value rises from, sizes that describe, values and subjects shared."""

from __future__ import annotations

import pytest
from tests.engines.plan.reader.told import in_tables, row_of, target_of, task_of
from tests.engines.plan.reader.writing import LEFT, UP, Block, Sheet, as_web, as_word

from shizhu.engines.plan.logic.opening import open_file
from shizhu.engines.plan.logic.reader import Indicator, read


def _told(sentence: str) -> list[Indicator]:
    return list(read(f"云溪县发展规划（2021—2025年）\n第二章 发展目标\n{sentence}\n").indicators)


@pytest.mark.parametrize(
    ("sentence", "told"),
    [
        ("常住人口城镇化率由2020年的41.2%提高到57%左右。", [("常住人口城镇化率", "%", 2025, 57, "about")]),
        ("比2020年增长15%，森林覆盖率稳定在46%以上。", [("森林覆盖率", "%", 2025, 46, "at_least")]),
        ("人均生产总值比2020年翻一番，达到12万元。", [("人均生产总值", "万元", 2025, 12, None)]),
        ("30户以上自然村通硬化路比例达到85%。", [("30户以上自然村通硬化路比例", "%", 2025, 85, None)]),
        ("打造3个产值超20亿元的产业集群。", [("产值超20亿元的产业集群", "个", 2025, 3, None)]),
        ("设立规模不低于5亿元的产业基金。", [("产业基金规模", "亿元", 2025, 5, "at_least")]),
        ("依托现有3家龙头企业，引进人才200名。", [("人才", "名", 2025, 200, None)]),
        ("每个村至少建1所图书室。", []),
        ("灌溉水利用系数提高到0.56以上。", [("灌溉水利用系数", None, 2025, 0.56, "at_least")]),
        ("平均受教育年限达到10.6年。", [("平均受教育年限", "年", 2025, 10.6, None)]),
        ("专业人员占比不得低于85%。", [("专业人员占比", "%", 2025, 85, "at_least")]),
        ("到 2023 年,建成泵站 9 座;管网漏损率降到 9% 以内。",
         [("泵站", "座", 2023, 9, None), ("管网漏损率", "%", 2023, 9, "at_most")]),
        ("光纤入户率、宽带覆盖率均达到100%。",
         [("光纤入户率", "%", 2025, 100, None), ("宽带覆盖率", "%", 2025, 100, None)]),
        ("绿色食品、装备制造产业产值分别达到120亿元、60亿元。",
         [("绿色食品产业产值", "亿元", 2025, 120, None), ("装备制造产业产值", "亿元", 2025, 60, None)]),
        ("到2025年,企业开办时间压缩至0.5个工作日以内，洪水预见期延长至72小时。",
         [("企业开办时间", "个工作日", 2025, 0.5, "at_most"), ("洪水预见期", "小时", 2025, 72, None)]),
        ("洪涝灾害年均损失率控制在0.4%以内。", [("洪涝灾害年均损失率", "%", 2025, 0.4, "at_most")]),
        ("培育产值过10亿元的数字企业2家。", [("产值过10亿元的数字企业", "家", 2025, 2, None)]),
        ("每年至少举办两届读书节，每学期开展一次演练。", [("读书节", "届", 2025, 2, "at_least")]),
        ("每年为1.2万名70岁以上老年人提供免费体检。", [("70岁以上老年人免费体检", "万名", 2025, 1.2, None)]),
        ("教师培训每年达到2万人次以上。", [("教师培训", "万人次", 2025, 2, "at_least")]),
        ("形成一个中心，建成两个实践基地，完善一套机制，实施一期工程。", [("实践基地", "个", 2025, 2, None)]),
        ("数字经济占 GDP 比重达到 36%。", [("数字经济占GDP比重", "%", 2025, 36, None)]),
        ("附表1 项目表", []),
        ("生产总值同比增长6%，城乡居民收入分别增长5%和6%。",
         [("生产总值同比增长", "%", 2025, 6, None), ("城镇居民收入增长", "%", 2025, 5, None),
          ("农村居民收入增长", "%", 2025, 6, None)]),
        ("全员劳动生产率从人均8.7万元提高到12万元以上。", [("全员劳动生产率", "万元", 2025, 12, "at_least")]),
        ("林地保护率、湿地保护率分别达到24%、50%以上，荒地、沙化土地面积分别净减少1.6万、3.3万亩。",
         [("林地保护率", "%", 2025, 24, None), ("湿地保护率", "%", 2025, 50, "at_least"),
          ("荒地面积减少", "万亩", 2025, 1.6, None), ("沙化土地面积减少", "万亩", 2025, 3.3, None)]),
        ("粮食播种面积稳定在35万亩以上，产量保持在13.5万吨以上。",
         [("粮食播种面积", "万亩", 2025, 35, "at_least"), ("粮食产量", "万吨", 2025, 13.5, "at_least")]),
        ("孕产妇死亡率下降到15.1/10万。", [("孕产妇死亡率", "/10万", 2025, 15.1, None)]),
        ("每千人口执业（助理）医师数由2.1人增加到3人。", [("每千人口执业（助理）医师数", "人", 2025, 3, None)]),
        ("牛、羊、家禽出栏分别达到3万头、8万只、300万羽。",
         [("牛出栏", "万头", 2025, 3, None), ("羊出栏", "万只", 2025, 8, None), ("家禽出栏", "万羽", 2025, 300, None)]),
        ("到2023年、2025年，污水集中处理率分别达到90%、95%。",
         [("污水集中处理率", "%", 2023, 90, None), ("污水集中处理率", "%", 2025, 95, None)]),
        ("建设湿地5处，面积共计1.3万平方米。",
         [("湿地", "处", 2025, 5, None), ("湿地面积", "万平方米", 2025, 1.3, None)]),
    ],
)  # fmt: skip
def test_a_sentence(sentence: str, told: list[tuple[object, ...]]) -> None:
    assert [target_of(item) for item in _told(sentence)] == told


def test_what_a_target_rises_from_is_its_base() -> None:
    (item,) = _told("高新技术企业由2020年的46家发展到100家，")
    assert (item.base.year, item.base.value, item.target.value) == (2020, 46, 100)


def test_growth_and_share_tell_how_fast_the_whole_grows() -> None:
    rows = "|1|研发经费投入增长（%）|—|—|10|\n|2|研发经费投入占地区生产总值比重（%）|0.8|1.0|—|\n"
    head = "云溪县科技规划（2021—2025年）\n表1 主要指标\n|序号|指标|2020年|2025年|年均增长（%）|\n"
    doubts = [doubt for doubt in read(head + rows).unsure if doubt.rule == "implied-growth"]
    assert [(doubt.what, doubt.place.first) for doubt in doubts] == [("研发经费投入占地区生产总值比重", 5)]
    assert "GDP grows by 5.2% a year" in doubts[0].why


STAGES: list[Block] = [
    "红湾开发区行动方案（2024—2026年）",
    "表1 主要指标",
    Sheet(
        [
            ["主要指标", "单位", "2023年", "2024年", LEFT, "2026年", LEFT],
            [UP, UP, "实绩", "目标", "增速（%）", "目标", "增速（%）"],
            ["工业总产值", "亿元", "276", "317", "15", "420", "15"],
            ["实际利用外资", "万美元", "860", "1000", "16", "1300", "15"],
        ],
        heads=2,
    ),
    Sheet(
        [
            ["任务", "2024年工作安排", "2025年工作安排", "责任单位"],
            ["标准厂房", "新建18万平方米", "新建20万平方米", "园区平台公司"],
        ]
    ),
]


def test_growth_of_each_year_and_work_of_each_year() -> None:
    for content in (as_word(STAGES), as_web(STAGES)):
        document = read(open_file("a", content).text)
        assert [row_of(item) for item in in_tables(document)] == [
            (None, "工业总产值", "亿元", None, 2023, 276, 2026, 420, 15, False),
            (None, "实际利用外资", "万美元", None, 2023, 860, 2026, 1300, 15, False),
        ]
        assert [task_of(task) for task in document.tasks] == [
            (None, "标准厂房", None, None, None, ("园区平台公司",), ())
        ]
        assert document.tasks[0].content.split("\n") == [
            "2024年工作安排：新建18万平方米", "2025年工作安排：新建20万平方米",
        ]  # fmt: skip
