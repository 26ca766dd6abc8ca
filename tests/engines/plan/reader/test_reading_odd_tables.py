"""Tables that are printed oddly: headings on two levels, totals, group rows, captions that look like headings."""

import pytest
from tests.engines.plan.reader.told import in_tables, row_of, target_of, task_of
from tests.engines.plan.reader.writing import LEFT, UP, Block, Sheet, as_pdf

from shizhu.engines.plan.logic.opening import open_file
from shizhu.engines.plan.logic.reader import PlanDocument, read

TWO_LEVELS = """某县文化规划

附表1：主要指标

|指标名称|目标||属性|
|---|---|---|---|
||2020年|2025年||
|接待游客（万人次）|320|500|预期性|
|文化馆（座）|5|9|约束性|

附表2：重点项目

|序号|项目类别|项目名称|项目业主|建设内容|建设起止年限|投资额（亿元）|
|---|---|---|---|---|---|---|
|一|文化项目（2个）| | | | |1.5|
|1|文化|图书馆新馆|县文旅局|新建1.2万平方米|2021-2023|0.9|
|2||传习所|县文旅局、县文化馆|改造8处<br>布展2处|2022-2024|0.6|
|合计||||||1.5|
"""

CROSSWISE = """某县畜牧规划（2021—2025年）

专栏1 主要指标

|主要指标|羊存栏量|良种率|每头产奶量|
|---|---|---|---|
|2020年现状|12万只|61.5%|—|
|2025年目标值|≥15万只|70%|6.2吨/头|
|属性|预期性|约束性|预期性|
"""

UNIT_OF_A_GROUP = """某县环境规划（2021—2025年）

专栏1 主要指标

|指标|2020年|2025年|累计|属性|
|---|---|---|---|---|
|主要污染物排放总量减少（%）| | | | |
|化学需氧量|—|—|〔10〕|约束性|
|氨氮|—|—|〔8〕|约束性|
|生态保护修复| | | | |
|湿地保有量（万亩）|2|2.1|—|预期性|

注：〔〕内为五年累计数。
"""

GROUPS_BY_TABS = """某县交通规划

附表2 重点项目表
序号	项目名称	建设性质	建设规模	建设年限	总投资	责任单位
（一）	公路项目
1	北环路	新建	34公里	2021-2024	48	县交通运输局
（二）	水运项目
2	码头	改建	3座	2023-2025	3.5	县港航中心
	合计				51.5
"""

CAPTION_LIKE_A_HEADING = """石桥镇绿化规划(2024—2028年)
主要指标
	序号
	指标
	2023年
	2028年
	年均增速
	（%）
	性质
	1
	林地面积（万亩）
	18.6
	18.8
	[0.2]
	约束性
[image: page2.png]
	序号
	指标
	2023年
	2028年
	年均增速
	（%）
	性质
	3
	绿化覆盖率（%）
	32.5
	保持增长

	预期性
注：[ ]内为五年累计增幅。
任务分工
任务
责任单位
时限
完成造林3200亩
镇林业站
各村
2026年12月
古树挂牌
镇林业站和镇文化站
2024年
"""

YEARS_PRINTED_LAST = """某县水利规划（2021—2025年）
表1 主要指标
序号
指标名称
单位
规划目标
属性
2023年
2025年
1
自来水普及率
%
92
95
约束性
2
水库
座
3
4
预期性
"""


def test_headings_on_two_levels_totals_and_merged_classes() -> None:
    document = read(TWO_LEVELS)
    assert [
        (item.name, item.unit, item.base.year, item.base.value, item.target.value) for item in in_tables(document)
    ] == [
        ("接待游客", "万人次", 2020, 320, 500),
        ("文化馆", "座", 2020, 5, 9),
    ]
    assert [(task.no, task.name, task.category, task.content, task.owners, task.more) for task in document.tasks] == [
        ("1", "图书馆新馆", "文化", "新建1.2万平方米", ("县文旅局",), {"投资额（亿元）": "0.9"}),
        ("2", "传习所", "文化", "改造8处布展2处", ("县文旅局", "县文化馆"), {"投资额（亿元）": "0.6"}),
    ]
    assert [(doubt.rule, doubt.what) for doubt in document.unsure] == [("class-carried", "传习所")]


def test_group_rows_by_tabs() -> None:
    document = read(GROUPS_BY_TABS)
    assert [(task.no, task.name, task.category, task.content) for task in document.tasks] == [
        ("1", "北环路", "公路项目", "34公里"),
        ("2", "码头", "水运项目", "3座"),
    ]
    assert document.unsure == ()


def test_a_caption_like_a_heading_a_repeated_header_and_bodies_on_lines() -> None:
    document = read(CAPTION_LIKE_A_HEADING)
    rows = [(item.no, item.name, item.target.value, item.growth, item.cumulative) for item in in_tables(document)]
    assert rows == [("1", "林地面积", 18.8, 0.2, True), ("3", "绿化覆盖率", None, None, False)]
    assert [(task.name, task.period.last, task.owners) for task in document.tasks] == [
        ("完成造林3200亩", 2026, ("镇林业站", "各村")),
        ("古树挂牌", 2024, ("镇林业站", "镇文化站")),
    ]


def test_years_under_a_spanning_heading_may_be_printed_last() -> None:
    rows = [
        (item.name, item.unit, item.kind, [(mark.year, mark.value) for mark in (item.base, item.target)])
        for item in in_tables(read(YEARS_PRINTED_LAST))
    ]
    assert rows == [
        ("自来水普及率", "%", "约束性", [(2023, 92), (2025, 95)]),
        ("水库", "座", "预期性", [(2023, 3), (2025, 4)]),
    ]


RULES_BETWEEN_GROUPS = """某县文化规划（2021—2025年）

表1 主要指标

┌──────┬────────────┬──────┬──────┐
│ 类别 │ 指标       │2020年│2025年│
├──────┼────────────┼──────┼──────┤
│ 文化 │ 图书馆（座）│ 2    │ 4    │
│      │ 剧场座位数 │ 800  │ 1500 │
│      │ （个）     │      │      │
├──────┼────────────┼──────┼──────┤
│ 体育 │ 球场（片） │ 30   │ 60   │
└──────┴────────────┴──────┴──────┘
"""

BREAK_IN_A_CELL = """某县审批改革方案（2024年）

附件 任务分工表

序号	重点任务	具体举措	牵头单位	配合单位	完成时限
1	压缩时限	一般项目压缩到30天以内	县审批局	县资源局
县住建局	2024年6月底
一、便民服务
2	一件事集成	上线集成服务9项	县政务中心	县公安局	2024年9月底
"""


def test_lines_between_two_rules_are_rows_of_their_own_where_each_has_values() -> None:
    told = [(row.name, row.base.value, row.target.value, row.group) for row in read(RULES_BETWEEN_GROUPS).indicators]
    assert told == [("图书馆", 2, 4, "文化"), ("剧场座位数", 800, 1500, "文化"), ("球场", 30, 60, "体育")]


def test_numbers_below_the_heading_of_the_groups_are_numbers() -> None:
    rows = "一、防洪\n1\t堤防达标率\t%\t62\t75\n2\t水闸\t座\t3\t5\n二、供水\n3\t水厂\t座\t4\t6\n"
    document = read(f"某县水利规划（2021—2025年）\n表1 主要指标\n类别\t主要指标\t单位\t2020年\t2025年\n{rows}")
    assert [(item.no, item.name, item.group) for item in in_tables(document)] == [
        ("1", "堤防达标率", "防洪"), ("2", "水闸", "防洪"), ("3", "水厂", "供水"),
    ]  # fmt: skip


def test_a_group_of_projects_with_the_sum_of_its_rows_is_no_project() -> None:
    head = "|序号|项目名称|规模（公里）|总投资（亿元）|责任单位|\n"
    rows = "|一、高速公路||62|90||\n|1|北线|62|90|县交通局|\n|二、国省道|||7.5||\n|2|东线|28|7.5|县公路中心|\n"
    tasks = read(f"某县交通规划\n\n附表1 项目表\n\n{head}{rows}").tasks
    assert [task_of(task) for task in tasks] == [
        ("1", "北线", "高速公路", None, None, ("县交通局",), ()),
        ("2", "东线", "国省道", None, None, ("县公路中心",), ()),
    ]


def test_deeds_are_tasks_whatever_each_quarter_brings() -> None:
    head = "|序号|实事名称|第一季度|第二季度|牵头单位|\n"
    (task,) = read(f"某县2025年民生实事清单\n\n{head}|1|桥梁改造|完成选址|完工|县交通局|\n").tasks
    assert (task.name, task.content, task.leads) == ("桥梁改造", "第一季度：完成选址\n第二季度：完工", ("县交通局",))


def test_a_break_inside_a_cell_does_not_end_its_row() -> None:
    assert [task_of(task) for task in read(BREAK_IN_A_CELL).tasks] == [
        ("1", "压缩时限", None, None, 2024, ("县审批局",), ("县资源局", "县住建局")),
        ("2", "一件事集成", "便民服务", None, 2024, ("县政务中心",), ("县公安局",)),
    ]


def test_names_in_one_row_and_values_in_the_next() -> None:
    assert [row_of(item) for item in in_tables(read(CROSSWISE))] == [
        (None, "羊存栏量", "万只", "预期性", 2020, 12, 2025, 15, None, False),
        (None, "良种率", "%", "约束性", 2020, 61.5, 2025, 70, None, False),
        (None, "每头产奶量", "吨/头", "预期性", 2020, None, 2025, 6.2, None, False),
    ]


def test_a_unit_printed_with_a_group_is_that_of_its_rows() -> None:
    told = [(item.name, item.unit, item.growth, item.group) for item in in_tables(read(UNIT_OF_A_GROUP))]
    assert told == [
        ("化学需氧量", "%", 10, "主要污染物排放总量减少"), ("氨氮", "%", 8, "主要污染物排放总量减少"),
        ("湿地保有量", "万亩", None, "生态保护修复"),
    ]  # fmt: skip


@pytest.mark.parametrize("rules", ["all", "three", "tight", "none"])
def test_headings_over_two_columns_of_a_pdf(rules: str) -> None:
    head = [
        ["序号", "项目名称", "规模", LEFT, "建设年限", "投资（万元）", LEFT, "责任单位"],
        [UP, UP, "单位", "数量", UP, "总投资", "其中：财政", UP],
    ]
    names = [f"{where}泵站改造" for where in "东西南北上下左右前后内外"]
    rows = [
        [str(number), name, "座", str(number), "2021—2023", str(900 + number), str(700 - number), "县水利局"]
        for number, name in enumerate(names, 1)
    ]
    blocks: list[Block] = [
        "云溪县水利规划（2021—2025年）",
        *(["统筹城乡供水，完善防洪减灾体系。"] * 30),
        "附表1 项目表",
    ]
    blocks.append(Sheet([*head, *rows], widths=(1, 4, 1.5, 1.5, 2.2, 2, 2.4, 3), heads=2))
    document = read(open_file("a.pdf", as_pdf(blocks, rules=rules)).text)
    assert [task_of(task) for task in document.tasks] == [
        (str(number), name, None, 2021, 2023, ("县水利局",), ()) for number, name in enumerate(names, 1)
    ]
    assert [task.more["总投资"] for task in document.tasks] == [str(901 + at) for at in range(len(names))]


SPANNED_ONCE = """某县环保规划（2021—2025年）

专栏1 主要指标

指标 | 2020年 | 2025年① | 属性 |
环境质量 |
空气 | 优良天数比率（%） | 91* | 93 | 约束性 |
重污染天数比率（%） | 0.5 | 0.3 | 约束性 |
水 | 优良水体比例（%） | 88 | >95 | 约束性 |
"""
YEARS_BELOW_ONE = """某县节水方案（2021—2023年）

表2 目标

指标 | 预期值 |
2021年 | 2022年 | 2023年 |
农业 | 灌溉水利用系数 | 0.72 | 0.75 | 0.78 |
节水灌溉面积比例 | 74% | 74.5% | 75% |
"""
WHOLE_AND_PARTS = """某县教育规划（2021—2025年）

| 指标 | 2020年 | 2025年 | 属性 |
| --- | --- | --- | --- |
| 1.标准班额比例（%）<br>其中：小学<br>初中 | 34.5<br>77.3 | 80<br>85 | 预期性 |
| 2.教师专科学历比例（%）<br>其中：本科及以上<br>学历比例（%） | 97<br>49 | 100<br>50 | 预期性 |
| 3.公路里程（公里） | 40 | 50 | 预期性 |
| 其中：高速公路里程 | 3 | 5 | 预期性 |
| 4.事故死亡率（人/十亿吨公里） | 0.2 | <0.3 | 约束性 |
"""
WORKS = """某县2024年民生工作方案

| 序号 | 为民办的事 | 责任单位 | 完成时限 |
| --- | --- | --- | --- |
| 1 | 新建2座人行天桥 | 县住建局 | 9月投入使用 |
| 2 | 建成综合服务中心 | 县残联 | 12月底前 |
"""
NOBODY_COULD_READ = """某县规划（2021—2025年）
第二章 发展目标
发展状况            去年            以后            备注
1.毛入园率（%）          99%            99%以上            约束性
2.标准班额比例（%）        34.5%           80%            预期性
森林覆盖率达到46%。
"""


def test_what_spans_columns_is_printed_once() -> None:
    assert [row_of(item)[1:8] for item in read(SPANNED_ONCE).indicators] == [
        ("优良天数比率", "%", "约束性", 2020, 91, 2025, 93),
        ("重污染天数比率", "%", "约束性", 2020, 0.5, 2025, 0.3),
        ("优良水体比例", "%", "约束性", 2020, 88, 2025, 95),
    ]
    below = read(YEARS_BELOW_ONE).indicators
    assert [(item.name, item.target.year, item.target.value) for item in below] == [
        ("灌溉水利用系数", 2023, 0.78), ("节水灌溉面积比例", 2023, 75),
    ]  # fmt: skip


def test_a_whole_and_its_parts_in_one_cell() -> None:
    told = [
        (item.no, item.name, item.unit, item.base.value, item.target.value) for item in in_tables(read(WHOLE_AND_PARTS))
    ]
    assert told == [
        ("1", "标准班额比例（小学）", "%", 34.5, 80),
        (None, "标准班额比例（初中）", "%", 77.3, 85),
        ("2", "教师专科学历比例", "%", 97, 100),
        (None, "其中：本科及以上学历比例", "%", 49, 50),
        ("3", "公路里程", "公里", 40, 50),
        (None, "其中：高速公路里程", "公里", 3, 5),
        ("4", "事故死亡率", "人/十亿吨公里", 0.2, 0.3),
    ]


def test_works_by_any_name_of_their_column() -> None:
    assert [(task.no, task.name, task.owners, task.period.last) for task in read(WORKS).tasks] == [
        ("1", "新建2座人行天桥", ("县住建局",), 2024), ("2", "建成综合服务中心", ("县残联",), 2024),
    ]  # fmt: skip


def test_rows_nobody_could_read_are_no_targets() -> None:
    document = read(NOBODY_COULD_READ)
    assert [(item.name, item.target.value) for item in document.indicators] == [("森林覆盖率", 46)]
    assert [(doubt.rule, doubt.place.first, doubt.place.last) for doubt in document.unsure] == [("table-unread", 3, 5)]


def test_who_answers_for_a_task_beside_its_bodies() -> None:
    told = "1.粮食产量稳定在23万吨。（责任领导：王某、李某；牵头单位：县农业农村局；责任单位：县财政局，各乡镇）\n"
    told += "2.建设水库2座。（牵头单位：县水利局；分管领导：张某；完成时限：2023年底）\n"
    tasks = read(f"某县2023年重点工作责任分解方案\n{told}").tasks
    assert [task_of(task) for task in tasks] == [
        ("1", "粮食产量稳定在23万吨", None, None, None, ("县农业农村局",), ("县财政局", "各乡镇")),
        ("2", "建设水库2座", None, None, 2023, ("县水利局",), ()),
    ]
    assert [task.more for task in tasks] == [{"责任领导": "王某、李某"}, {"分管领导": "张某"}]


def _of(*rows: str) -> PlanDocument:
    return read("\n".join(("某县产业规划（2026—2030年）", "", "附表1 清单（单位：万元）", "", *rows, "")))


def test_headings_on_three_levels() -> None:
    head = ["|序号|指标|单位|2025年|目标值|目标值|目标值|属性|", "|序号|指标|单位|2025年|2027年|2030年|2030年|属性|"]
    (item,) = _of(
        *head, "|序号|指标|单位|2025年|2027年|总量|年均增速（%）|属性|", "|1|粮食|万吨|20|20.3|21|1|约束性|"
    ).indicators
    assert row_of(item) == ("1", "粮食", "万吨", "约束性", 2025, 20, 2030, 21, 1, False)
    assert [(mark.year, mark.value) for mark in item.milestones] == [(2027, 20.3)]


@pytest.mark.parametrize(
    ("head", "row", "told", "more"),
    [
        (
            "|一级指标|二级指标|三级指标|指标值|评分标准|", "|产出指标|数量指标|公厕①|≥12座|每少1座扣1分|",
            ("公厕", "座", 2030, 12, "at_least"), {"二级指标": "数量指标", "评分标准": "每少1座扣1分"},
        ),
        ("|序号|绩效目标|指标值|权重|", "|1|满意度|90%以上|20|", ("满意度", "%", 2030, 90, "at_least"), {"权重": "20"}),
        (
            "|序号|考核指标|分值|目标值|考核办法|数据来源|", "|1|财政收入|8|9000|同上|统计局|",
            ("财政收入", "万元", 2030, 9000, None), {"分值": "8", "考核办法": "同上", "数据来源": "统计局"},
        ),
    ],
)  # fmt: skip
def test_tables_by_which_work_is_marked(head: str, row: str, told: tuple[object, ...], more: dict[str, str]) -> None:
    (item,) = _of(head, row).indicators
    assert (target_of(item), item.more) == (told, more)


def test_projects_that_investors_bring() -> None:
    head = "|序号|项目名称|投资主体|总投资|年度计划|责任领导|责任单位|进展情况|"
    rows = ("|1|冷链物流园|通达集团|600|200|王某|县商务局|在谈|", "|2|电池材料|宁川公司|900|300|李某|〃|已签约|")
    told = [(task.name, task.leads, task.more["投资主体"], task.more["责任领导"]) for task in _of(head, *rows).tasks]
    assert told == [
        ("冷链物流园", ("县商务局",), "通达集团", "王某"),
        ("电池材料", ("县商务局",), "宁川公司", "李某"),
    ]


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        (
            ("|乡镇|2026年|2027年|2028年|合计|", "|东河镇|1,200|1,500|800|3,500|", "|西岭乡|900|600|700|2,300|",
             "|南坪镇|500|—|500|1,000|", "|合计|2,600|2,100|2,100|6,800|"),
            [("2028年", 2000, 2100), ("西岭乡合计", 2200, 2300)],
        ),
        (
            ("|乡镇|造林|封山育林|完成率|", "|全县|3000|2000|90|", "|东河镇|1200|900|80|", "|西岭乡|1000|600|90|",
             "|南坪镇|800|600|95|"),
            [("封山育林", 2100, 2000)],
        ),
        (
            ("|项目|预算金额|中央资金|县级配套|", "|道路|1200|600|200|", "|饮水|800|400|200|", "|合计|2000|1000|500|"),
            [("县级配套", 400, 500)],
        ),
        (
            ("|类别|项目名称|总投资|责任单位|", "|交通|北环|100|县交通局|", "|交通|南环|200|县交通局|", "|小计||310||",
             "|水利|渠道|60|县水利局|", "|水利|水库|50|县水利局|", "|小计||110||", "|合计||410||"),
            [("总投资", 300, 310)],
        ),
    ],
)  # fmt: skip
def test_totals_below_above_and_beside_are_added_up(rows: tuple[str, ...], told: list[tuple[object, ...]]) -> None:
    found = _of(*rows).contradictions
    assert [(item.subject, *(each.value for each in item.readings)) for item in found] == told
    assert {(item.rule, item.readings[1].unit) for item in found} == {("table-sum", "万元")}


def test_one_cell_over_groups_and_names_is_no_group() -> None:
    rows = ("|污染减排|氨氮|吨|30|20|", "|森林覆盖率|森林覆盖率|%|45|46|")
    told = _of("|指标|指标|单位|2025年|2030年|", *rows).indicators
    assert [(item.name, item.group) for item in told] == [("氨氮", "污染减排"), ("森林覆盖率", None)]


@pytest.mark.parametrize("gap", ["", "\n"])
@pytest.mark.parametrize("end", ["。", ""])
def test_a_heading_below_a_table_is_no_row_of_it(gap: str, end: str) -> None:
    table = "序号\t指标名称\t单位\t2025年\t2030年\n1\t产业增加值\t亿元\t14.2\t24\n2\t基站数\t个\t640\t1200\n"
    below = f"三、重点任务\n（一）夯实数字基础设施{end}\n到2027年实现通达率达到95%以上。（责任单位：县经信委）\n"
    told = read(f"青溪县规划（2026—2030年）\n二、目标\n表1 主要指标\n{table}{gap}{below}")
    assert [row.name for row in told.indicators if row.found_in == "table"] == ["产业增加值", "基站数"]
    assert [(task.name, task.owners) for task in told.tasks] == [("夯实数字基础设施", ("县经信委",))]
    assert [doubt.place.first for doubt in told.unsure if "row" in doubt.why or "cell" in doubt.why] == []


def test_growth_in_a_column_of_levels_is_no_level() -> None:
    rows = ("|1|生产总值|120亿元|年均增长6%左右|", "|2|工业增速|5%|8%左右|", "|3|商品零售（亿元）|60|8%左右|")
    document = _of("|序号|指标|2025年完成情况|2030年目标|", *rows)
    assert [(item.unit, item.target.value, item.target.bound) for item in document.indicators] == [
        ("亿元", 6, "rise"), ("%", 8, "about"), ("亿元", 8, "rise"),
    ]  # fmt: skip
    assert {doubt.rule for doubt in document.unsure} == {"target-bound"}


def test_what_was_done_beside_what_was_planned_is_no_contradiction() -> None:
    done = ("|指标|单位|2020年|2025年规划目标|2025年预计|", "|粮食产量|万吨|100|130|128|")
    document = _of(*done, "", "附表2 主要指标", "", "|指标|单位|2025年|2030年|", "|粮食产量|万吨|128|170|")
    assert [row_of(item)[4:8] for item in document.indicators] == [(2020, 100, 2025, 130), (2025, 128, 2030, 170)]
    assert [(mark.year, mark.value) for mark in document.indicators[0].milestones] == [(2025, 128)]
    assert document.contradictions == ()


def test_a_group_set_over_several_columns_beside_its_sums_is_no_project() -> None:
    rows = (
        "|一、水利（2个）|一、水利（2个）|一、水利（2个）|190||",
        "|1|水库|新建|90|县水利局|",
        "|2|泵站|改造|100|县水利局|",
    )
    document = _of("|序号|项目名称|建设内容|总投资|责任单位|", *rows, "|合计|合计|合计|200||")
    assert [(task.no, task.name, task.category) for task in document.tasks] == [
        ("1", "水库", "水利"),
        ("2", "泵站", "水利"),
    ]
    assert [(item.subject, item.readings[0].value) for item in document.contradictions] == [("总投资", 190)]


def test_what_cells_of_an_unread_table_say_in_sentences_is_read_and_no_more() -> None:
    rows = ("|水利|到2030年，新建水库3座，<br>改造泵站12座。|水利局|", "|茶业|覆盖率≥90%|农业局|")
    document = _of("|领域|说明|牵头部门|", *rows)
    assert [target_of(item)[:4] for item in document.indicators] == [
        ("水库", "座", 2030, 3), ("改造泵站", "座", 2030, 12),
    ]  # fmt: skip
    assert {doubt.rule for doubt in document.unsure} == {"table-unread"}


@pytest.mark.parametrize(
    "rows",
    [
        ("|指标|计算单位|2025年现状|2027年近期目标|2030年远期目标|", "|旅游收入|亿元|100|120|150|"),
        ("|指标|单位|现状（2025）|近期（2027）|远期（2030）|", "|旅游收入|亿元|100|120|150|"),
        ("|年份|旅游收入（亿元）|床位（张）|", "|2025年|100|20|", "|2027年|120|30|", "|2030年|150|40|"),
    ],
)
def test_steps_on_the_way_by_any_name(rows: tuple[str, ...]) -> None:
    item = _of(*rows).indicators[0]
    assert row_of(item)[1:8] == ("旅游收入", "亿元", None, 2025, 100, 2030, 150)
    assert [(mark.year, mark.value) for mark in item.milestones] == [(2027, 120)]


def test_projects_of_which_no_more_than_place_and_money_is_told() -> None:
    (task,) = _of("|序号|项目名称|建设地点|投资额|", "|1|停车场|东河镇|12|").tasks
    assert (task.no, task.name, task.more) == ("1", "停车场", {"建设地点": "东河镇", "投资额": "12"})
