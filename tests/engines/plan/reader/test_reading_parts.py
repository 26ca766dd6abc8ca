"""Values, terms, owners and wordings one by one, and the shape of the JSON."""

import pytest
from tests.engines.plan.reader.told import in_tables

from shizhu.engines.plan.logic.reader import read
from shizhu.engines.plan.logic.reader.document import Period, Place
from shizhu.engines.plan.logic.reader.owners import is_one_edit, owner_doubts, read_shares, split_owners
from shizhu.engines.plan.logic.reader.subjects import same, similar
from shizhu.engines.plan.logic.reader.units import comparable
from shizhu.engines.plan.logic.reader.values import read_value
from shizhu.engines.plan.logic.reader.years import period_of, span_of


@pytest.mark.parametrize(
    ("text", "unit", "value", "bound"),
    [
        ("6.5", None, 6.5, None),
        ("【57】", "个", 57, None),
        ("［57］", "个", 57, None),
        ("－", None, None, None),
        ("——", None, None, None),
        ("", None, None, None),
        ("≥95", "%", 95, "at_least"),
        ("95以上", "%", 95, "at_least"),
        ("不低于 3 个", "个", 3, "at_least"),
        (">3.5", None, 3.5, "at_least"),
        ("＜5.5", None, 5.5, "at_most"),
        ("达到100%", None, 100, "reach"),
        ("12.5左右", None, 12.5, "about"),
        ("8%左右", None, 8, "about"),
        ("1.2万", "人", 12000, None),
        ("1.2万", "万人", 1.2, None),
        ("3.5亿元", "万元", 35000, None),
        ("3—5个", "个", 3, "range"),
        ("12,345", None, 12345, None),
        ("３．２", None, 3.2, None),
        ("百分之十五", None, 15, None),
        ("完成市下达目标", None, None, "words"),
        ("全市前10名", None, None, "words"),
        ("下降13.5%", None, 13.5, "fall"),
    ],
)
def test_printed_values(text: str, unit: str | None, value: float | None, bound: str | None) -> None:
    printed = read_value(text, unit)
    assert (printed.value, printed.bound) == (value, bound)


@pytest.mark.parametrize(
    ("text", "heading", "expected"),
    [
        ("2021年至2025年", "建设期限", (2021, 2025)),
        ("2022-2024", "起止年限", (2022, 2024)),
        ("2021—25年", "建设年限", (2021, 2025)),
        ("2021.3—2023.12", "建设年限", (2021, 2023)),
        ("2023年底前", "进度安排", (None, 2023)),
        ("2023年", "完成时限", (None, 2023)),
        ("2023年", "建设年限", (2023, 2023)),
        ("2022年起", "建设年限", (2022, None)),
        ("“十四五”期间", "时间安排", (2021, 2025)),
        ("二〇二三年", "建设年限", (2023, 2023)),
        ("长期坚持", "完成时限", (None, None)),
    ],
)
def test_terms(text: str, heading: str, expected: tuple[int | None, int | None]) -> None:
    assert period_of(text, heading) == Period(text, *expected)


def test_span_of_a_title() -> None:
    assert span_of("某县水利发展“十五五”规划") == (2026, 2030)
    assert span_of("某县水利发展规划（2023—2027年）") == (2023, 2027)
    assert span_of("某县水利发展规划") is None


@pytest.mark.parametrize(
    ("text", "owners"),
    [
        ("县水利局、县林业局，县财政局；县教育局", ("县水利局", "县林业局", "县财政局", "县教育局")),
        ("县住房和城乡建设局", ("县住房和城乡建设局",)),
        ("县人力资源和社会保障局和县教育局", ("县人力资源和社会保障局", "县教育局")),
        ("县粮食和物资储备中心", ("县粮食和物资储备中心",)),
        ("县民政局及各乡镇人民政府", ("县民政局", "各乡镇人民政府")),
        ("有关乡镇（街道、园区）、相关企业", ("有关乡镇（街道、园区）", "相关企业")),
        ("县水利局 县林业局", ("县水利局", "县林业局")),
        ("县水利局/县林业局", ("县水利局", "县林业局")),
        ("—", ()),
    ],
)
def test_lists_of_owners(text: str, owners: tuple[str, ...]) -> None:
    assert split_owners(text) == owners


def test_labels_part_leads_from_supports() -> None:
    shares = read_shares(["牵头单位：县水利局；配合单位：县财政局、县林业局"], [])
    assert (shares.leads, shares.supports) == (("县水利局",), ("县财政局", "县林业局"))


def test_only_likely_typing_errors_are_listed() -> None:
    names = [
        "县民政局",
        "县财政局",
        "县教育局",
        "县体育局",
        "县水利局局",
        "县水利局",
        "县商务局",
        "县商务局",
        "县商物局",
    ]
    found = [(doubt.rule, doubt.what) for doubt in owner_doubts([(name, Place(1, 1)) for name in names])]
    assert found == [("owner-typo", "县水利局局"), ("owner-variant", "县商物局")]


def test_one_edit() -> None:
    assert is_one_edit("县水利局", "县利水局")
    assert is_one_edit("县水利", "县水利局")
    assert not is_one_edit("县水利局", "县水利局")
    assert not is_one_edit("县水利局", "县林业局")


@pytest.mark.parametrize(
    ("one", "other", "verdict"),
    [
        ("全社会研发经费支出占地区生产总值的比重", "R&D经费投入强度", "same"),
        ("每万人口发明专利拥有量", "万人发明专利", "same"),
        ("规上工业总产值", "规模以上工业总产值", "same"),
        ("市级以上创新平台数量", "市级创新平台", "similar"),
        ("省级创新平台", "市级创新平台", "other"),
        ("建有食堂的学校占比", "建有操场的学校占比", "other"),
        ("城镇居民人均可支配收入", "农村居民人均可支配收入", "other"),
    ],
)
def test_wordings(one: str, other: str, verdict: str) -> None:
    found = "same" if same(one, other) else "similar" if similar(one, other) else "other"
    assert found == verdict


TABLE = """某县规划（2021—2025年）

一、发展基础
{basis}

二、发展目标
{goal}

| 序号 | 指标 | 单位 | 2020年 | 2025年 | 年均增长 |
|---|---|---|---|---|---|
| 1 | 茶叶产值 | 亿元 | 12.5 | 20 | {growth} |
| 2 | 茶叶企业 | 家 | 〔40〕 | 〔60〕 | － |
| 3 | 机采茶园占比 | % | 35 | 50 | － |

注：{note}
"""


def rules(basis: str = "", goal: str = "", growth: str = "9.9", note: str = "〔〕内为累计数。") -> list[str]:
    document = read(TABLE.format(basis=basis, goal=goal, growth=growth, note=note))
    return [item.rule for item in document.contradictions]


@pytest.mark.parametrize(
    ("basis", "goal", "expected"),
    [
        ("2020年，茶叶产值达到12.5亿元，茶叶企业40家。", "", []),
        ("2020年，茶叶产值达到12.46亿元。", "", []),
        ("2020年，茶叶产值达到12.9亿元。", "", ["text-table"]),
        ("2020年，茶叶产值达到12亿元。", "", ["text-table"]),
        ("2020年，茶叶产值达到13亿元。", "", []),
        ("2020年，茶叶产值12900万元。", "", ["text-table"]),
        ("2015年，茶叶产值达到6亿元。", "", []),
        ("茶叶企业由2015年的18家增加到2020年的44家。", "", ["text-table"]),
        ("全县茶叶企业38家。", "", ["text-table"]),
        ("", "茶叶企业达到60家以上，新增茶叶企业20家。", []),
        ("", "到2023年，茶叶企业达到60家。", ["other-year"]),
        ("", "茶叶产值、茶叶企业分别达到20亿元、65家。", ["text-table"]),
        ("", "装有喷灌的茶园占比达到70%。", []),
        ("全县茶农800户，其中大户920户。", "", ["part"]),
        ("全县茶农800户，合作社社员120户，占15%。", "", []),
        ("全县茶农800户，合作社社员120户，占25%。", "", ["share"]),
    ],
)
def test_text_against_table(basis: str, goal: str, expected: list[str]) -> None:
    assert rules(basis, goal) == expected


@pytest.mark.parametrize(
    ("sentence", "contradictions", "doubts"),
    [
        ("高速公路由120公里增加到100公里。", ["direction"], []),
        ("油茶面积由8000亩增加到1.2万亩，办理时间由9天缩短到3天。", [], []),
        ("贫困率由2%下降到3%。", ["direction"], []),
        ("三次产业结构调整为10：46：48。", ["structure"], []),
        ("三次产业结构由9:45:46调整为8.3:46.4:45.2。", [], []),
        ("估算总投资38.7亿元。其中，水类9项、投资30亿元；土类2项、投资7.7亿元。", [], []),
        ("项目11项，总投资38.7亿元。其中，水类9项、投资30亿元；土类2项、投资8.7亿元。", [], []),
        ("项目11项，总投资38.7亿元。其中，水类9项、投资30亿元；土类2项、投资7.7亿元。", ["parts"], []),
        ("总投资12.6亿元，其中2021年2.1亿元、2022年10.5亿元。", [], []),
        ("总投资12.6亿元，其中2021年2.1亿元、2022年10.9亿元。", ["parts"], []),
        ("改造1200家，其中2023年300家、2024年400家、2025年450家。", ["parts"], []),
        ("企业达到500家，其中2023年达到300家、2024年达到400家、2025年达到500家。", [], []),
        ("用于农业比例不低于10%，力争到2025年达到15%以上。", [], []),
        ("自来水普及率达到105%，高中阶段毛入学率达到103%。", [], ["share-over"]),
    ],
)
def test_values_that_cannot_hold(sentence: str, contradictions: list[str], doubts: list[str]) -> None:
    document = read(f"云溪县发展规划（2021—2025年）\n第二章 发展目标\n{sentence}\n")
    assert [item.rule for item in document.contradictions] == contradictions
    assert [item.rule for item in document.unsure if item.rule != "target-bound"] == doubts


def test_kinds_have_their_usual_names_and_a_target_below_the_base_is_told() -> None:
    rows = "|1|自来水普及率（%）|90|85|★约束性|\n|2|客车（辆）|9|8|预期性指标|\n|3|渡口（个）|9|8|县定|\n"
    document = read(f"云溪县水利规划（2021—2025年）\n表1 主要指标\n|序号|指标|2020年|2025年|属性|\n{rows}")
    assert [item.kind for item in document.indicators] == ["约束性", "预期性", "县定"]
    assert [(item.what, item.rule) for item in document.unsure] == [("自来水普及率", "target-below-base")]


def test_the_caption_of_a_list_tells_the_year_of_its_months() -> None:
    head = "云溪县应急规划（2021—2025年）\n2024年任务清单\n|序号|任务|责任单位|完成时限|\n"
    (task,) = read(f"{head}|1|隐患排查|县应急局/县消防救援大队|6月底|\n").tasks
    assert (task.owners, task.period.last) == (("县应急局", "县消防救援大队"), 2024)


@pytest.mark.parametrize(("told", "rules"), [(600, []), (620, ["text-table"])])
def test_what_the_years_of_a_row_make_is_no_other_value(told: int, rules: list[str]) -> None:
    rows = "|指标|单位|2023年|2024年|2025年|2026年|\n|工业投资|亿元|170|185|200|215|\n"
    head = "云溪县工业行动计划（2024—2026年）\n一、目标\n"
    document = read(f"{head}三年累计完成工业投资{told}亿元以上。\n表1 主要指标\n{rows}")
    assert [item.rule for item in document.contradictions] == rules


def test_a_title_below_the_bodies_that_issue_it() -> None:
    document = read("中共云溪县委 云溪县人民政府\n关于推进乡村振兴的实施方案（2025—2027年）\n一、目标\n建成泵站9座。\n")
    assert document.title.endswith("县人民政府关于推进乡村振兴的实施方案（2025—2027年）")
    assert [(item.name, item.target.year) for item in document.indicators] == [("泵站", 2027)]


def test_growth_must_fit_both_ends() -> None:
    assert rules(growth="9.9") == []
    assert rules(growth="4.5") == ["growth"]
    document = read(TABLE.format(basis="", goal="茶叶产值年均增长9%。", growth="[7.5]", note=""))
    assert ([item.growth_is_total for item in in_tables(document)], document.contradictions) == (
        [True, False, False],
        (),
    )


def test_a_target_with_another_limit_in_the_text_is_asked_about() -> None:
    document = read(TABLE.format(basis="", goal="茶叶产值达到18亿元以上。", growth="－", note=""))
    told = [(item.what, item.place.first) for item in document.unsure if item.rule == "bound"]
    assert (told, document.contradictions) == ([("茶叶产值", 7)], ())


def test_a_target_in_other_words_than_a_row_of_one_value_is_asked_about() -> None:
    document = read(
        TABLE.format(basis="全县茶叶产值年均增长3%。", goal="茶类企业达到60家。", growth="9.9", note="〔〕内为累计数。")
    )
    assert [(item.rule, item.what) for item in document.unsure] == [("target-twice", "茶类企业")]
    assert document.contradictions == ()  # how fast it grew is not how fast it is to grow


def test_words_between_the_rows_are_groups_and_ratios_no_growth() -> None:
    rows = "学前教育\n1 入园率 % 91 95\n2 入园人数 万人 3 4\n高等教育\n3 毛入学率 % 50 60\n合计 7 8 9 10 11 12\n"
    document = read(f"云溪县教育规划（2021—2025年）\n表1 主要指标\n序号 指标 单位 2020年 2025年\n{rows}")
    assert [(item.name, item.group) for item in in_tables(document)] == [
        ("入园率", "学前教育"), ("入园人数", "学前教育"), ("毛入学率", "高等教育"),
    ]  # fmt: skip
    head = "序号\n指标\n单位\n2020年\n2025年\n年均增速\n属性\n"
    cells = "1\n入园率\n%\n91\n95\n—\n预期性\n2\n产值之比\n—\n1.9:1\n2.4:1\n\n预期性\n"
    document = read(f"云溪县农业规划（2021—2025年）\n专栏1 主要指标\n{head}{cells}")
    assert [(item.base.value, item.target.value, item.growth) for item in in_tables(document)] == [
        (91, 95, None), (1.9, 2.4, None),
    ]  # fmt: skip


def test_units_of_one_measure_and_a_box_below_a_label() -> None:
    rows = "|1|人均场地面积|m2|1.9|2.6|\n|2|人均藏书|册/人|0.6|1|\n|3|吞吐能力|万吨|3|5|\n"
    work = "（1）修路。修路3公里。牵头单位：县交通局；配合单位：县发改局\n"
    text = f"人均场地面积达到2.6平方米，人均藏书达到1册，吞吐能力达到6万吨/年。\n{work}"
    head = "云溪县规划（2021—2025年）\n表1 主要指标\n|序号|指标|单位|2020年|2025年|\n"
    document = read(f"{head}{rows}第三章 任务\n{text} 专栏3-1 重大项目\n■ 水厂：日供水2万吨。\n")
    assert [(item.name, len(item.mentions)) for item in in_tables(document)] == [
        ("人均场地面积", 1), ("人均藏书", 1), ("吞吐能力", 1),
    ]  # fmt: skip
    assert [item.subject for item in document.contradictions] == ["吞吐能力"]
    assert ([task.owners for task in document.tasks], [box.no for box in document.boxes]) == (
        [("县交通局", "县发改局")], ["3-1"],
    )  # fmt: skip


def test_sentences_with_bodies_have_them_beside_a_table_of_tasks() -> None:
    rows = "|1|修桥|建桥2座|县交通局|\n|2|造林|造林5万亩|县林业局|\n|3|清河|清淤8公里|县水利局|\n"
    head = "附件 任务分工表\n|序号|任务名称|主要内容|责任单位|\n|---|---|---|---|\n"
    first = "新建公路30公里。责任单位：县交通局、县公安局。\n"
    second = "到2025年建成水库2座。（牵头单位：县水利局、责任单位：县财政局）\n"

    def told(text: str) -> list[object]:
        document = read(f"云溪县规划（2021—2025年）\n第三章 任务\n一、修路\n{text}{head}{rows}")
        clauses = [clause for clause in document.clauses if clause.kind == "text"]
        return [len(document.tasks), *((clause.leads, clause.supports, clause.row) for clause in clauses)]

    assert told(second) == [3, (("县水利局",), ("县财政局",), "")]
    assert told(first + second) == [  # several of them are tasks of their own
        5, (("县交通局", "县公安局"), (), "task-01"), (("县水利局",), ("县财政局",), "task-02"),
    ]  # fmt: skip


def test_numbers_of_another_script_begin_a_new_count() -> None:
    rows = "1.修路。（县交通局负责）\n2.修桥。（县水利局负责）\n（二）造林\n造林两万亩。（县林业局负责）\n"
    document = read(f"云溪县规划（2021—2025年）\n第三章 重点任务\n（一）建设\n{rows}")
    assert [task.no for task in document.tasks] == ["1", "2", "二"]
    assert [item.rule for item in document.unsure if item.rule.startswith("number-")] == []


def test_a_note_says_what_a_bracket_means() -> None:
    document = read(TABLE.format(basis="", goal="", growth="－", note="〔〕内为2019年数据。"))
    item = in_tables(document)[1]
    assert (item.cumulative, item.base.year, item.base.value) == (False, 2019, 40)


def test_json_has_the_agreed_shape() -> None:
    text = TABLE.format(basis="2020年，茶叶产值达到12.9亿元。", goal="", growth="－", note="〔〕内为累计数。")
    found = read(text + "\n专栏1 要点\n1. 仓储。建设3座。\n").as_json()
    assert found["title"] == "某县规划（2021—2025年）"
    assert found["indicators"][1] == {  # type: ignore[index]
        "key": "indicator-02", "no": "2", "name": "茶叶企业", "unit": "家", "kind": None,
        "base": {"year": 2020, "value": 40, "text": "〔40〕", "bound": None, "low": None, "high": None,
                 "place": {"from": 12, "to": 12}},
        "target": {"year": 2025, "value": 60, "text": "〔60〕", "bound": None, "low": None, "high": None,
                   "place": {"from": 12, "to": 12}},
        "growth": None, "cumulative": True, "place": {"from": 12, "to": 12}, "growth_text": "－", "growth_bound": None,
        "growth_is_total": False, "group": None, "milestones": [], "owners": [], "more": {}, "table": "",
        "found_in": "table", "mentions": [], "confidence": 0.98, "signs": [],
    }  # fmt: skip
    assert found["boxes"] == [
        {
            "key": "box-01", "no": "1", "title": "要点", "place": {"from": 17, "to": 18}, "text": "", "holds": "items",
            "items": [{"no": "1", "title": "仓储", "text": "建设3座。", "place": {"from": 18, "to": 18}}],
        }
    ]  # fmt: skip
    told = {"value": 12.9, "unit": "亿元", "year": 2020, "place": {"from": 4, "to": 4}, "text": "茶叶产值达到12.9亿元"}
    printed = {"value": 12.5, "unit": "亿元", "year": 2020, "place": {"from": 11, "to": 11}, "text": "12.5"}
    note = "the text and the table print different values"
    assert found["contradictions"] == [
        {"subject": "茶叶产值", "readings": [told, printed], "note": note, "rule": "text-table"}
    ]


@pytest.mark.parametrize(
    ("one", "other", "factor"),
    [
        ("亿m³", "万立方米", 10000), ("μg/m³", "微克/立方米", 1), ("km²", "公顷", 100), ("万公顷", "万亩", 15),
        ("MW", "万千瓦", 0.1), ("千瓦", "万千瓦", 0.0001), ("t/日", "吨/日", 1), ("吨标煤", "吨标准煤", 1),
        ("公里", "平方公里", None),
    ],
)  # fmt: skip
def test_units_of_several_names(one: str, other: str, factor: float | None) -> None:
    assert comparable(one, other) == (factor if factor is None else pytest.approx(factor))
