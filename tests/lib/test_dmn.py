"""Decision models: every hit policy, boxed expressions, requirements, types, and files that cannot be decided."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any
from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shizhu.lib import dmn

OF_1_3 = "https://www.omg.org/spec/DMN/20191111/MODEL/"


def literal(text: str, **attributes: str) -> str:
    more = "".join(f' {name}="{value}"' for name, value in attributes.items())
    return f"<literalExpression{more}><text>{escape(text)}</text></literalExpression>"


def model(*parts: str, namespace: str = OF_1_3) -> dmn.Model:
    body = "".join(parts)
    return dmn.read_model(f'<definitions xmlns="{namespace}" name="m" namespace="n">{body}</definitions>'.encode())


def input_data(name: str, type_: str = "") -> str:
    typed = f' typeRef="{type_}"' if type_ else ""
    return f'<inputData id="i_{name}" name="{name}"><variable name="{name}"{typed}/></inputData>'


def decision(name: str, body: str, *, of: Sequence[str] = (), knows: Sequence[str] = (), type_: str = "") -> str:
    typed = f' typeRef="{type_}"' if type_ else ""
    needs = "".join(
        f'<informationRequirement><required{"Decision" if one.startswith("d_") else "Input"} href="#{one}"/>'
        "</informationRequirement>"
        for one in of
    )
    known = "".join(f'<knowledgeRequirement><requiredKnowledge href="#{one}"/></knowledgeRequirement>' for one in knows)
    return f'<decision id="d_{name}" name="{name}"><variable name="{name}"{typed}/>{needs}{known}{body}</decision>'


def table(inputs: Sequence[str], outputs: Sequence[str], rules: Sequence[Sequence[str]], **attributes: str) -> str:
    """Outputs are `name`, or `name: value, value` for those whose values have an order."""
    head = "".join(f"<input><inputExpression><text>{escape(one)}</text></inputExpression></input>" for one in inputs)
    for one in outputs:
        name, _, values = one.partition(":")
        listed = f"<outputValues><text>{escape(values.strip())}</text></outputValues>" if values else ""
        head += f'<output name="{name}">{listed}</output>'
    rows = ""
    for rule in rules:
        cells = [f"<inputEntry><text>{escape(cell)}</text></inputEntry>" for cell in rule[: len(inputs)]]
        cells += [f"<outputEntry><text>{escape(cell)}</text></outputEntry>" for cell in rule[len(inputs) :]]
        rows += f"<rule>{''.join(cells)}</rule>"
    more = "".join(f' {name}="{value}"' for name, value in attributes.items())
    return f'<decisionTable id="t"{more}>{head}{rows}</decisionTable>'


LEVELS = 'level: "red", "orange", "yellow"'
RAIN = [["> 100", '"red"'], ["> 50", '"orange"'], ["> 20", '"yellow"']]


def warned(policy: str, rain: object, rules: Sequence[Sequence[str]] = RAIN, **more: str) -> dmn.Decided:
    output = LEVELS if rules[0][-1] in LEVELS else "answer"
    made = model(
        input_data("rain"),
        decision("warning", table(["rain"], [output], rules, hitPolicy=policy, **more), of=["i_rain"]),
    )
    return dmn.decide(made, "warning", {"rain": rain})


@pytest.mark.parametrize(
    ("policy", "rain", "expected", "hit"),
    [
        ("FIRST", 120, "red", (1,)),
        ("FIRST", 30, "yellow", (3,)),
        ("FIRST", 5, None, ()),
        ("PRIORITY", 120, "red", (1, 2, 3)),
        ("RULE ORDER", 120, ["red", "orange", "yellow"], (1, 2, 3)),
        ("RULE ORDER", 5, None, ()),
        ("COLLECT", 60, ["orange", "yellow"], (2, 3)),
        ("COLLECT", 5, [], ()),
        ("UNIQUE", 30, "yellow", (3,)),
    ],
)
def test_hit_policies(policy: str, rain: int, expected: object, hit: tuple[int, ...]) -> None:
    found = warned(policy, rain)
    assert (found.value, found.hits, found.faults) == (expected, (("warning", hit),), ())


def test_priority_and_output_order_follow_the_list_of_output_values() -> None:
    turned = RAIN[::-1]
    assert warned("PRIORITY", 120, turned).value == "red"
    assert warned("OUTPUT ORDER", 120, turned).value == ["red", "orange", "yellow"]
    assert warned("FIRST", 120, turned).value == "yellow"


def test_what_a_cell_reads_and_nothing_is_called_is_told() -> None:
    cells = {"> 100": '"red"', "red": '"a"', "＞ 50": '"b"', "> rain + 1": "answer", "not(orange)": "null"}
    made = model(
        input_data("rain"), decision("warning", table(["rain"], ["answer"], [*cells.items()]), of=["i_rain"]),
        decision("some", literal("for o in [1, 2] return count(function(x) x + o)")),
        decision("kept", literal('[{a: 1}][a > 0 and b = 2]')),
    )  # fmt: skip
    assert list(dmn.unknown(made)) == [("warning 2", "red", "red"), ("warning 5", "not(orange)", "orange")]
    assert list(dmn.unreadable(made)) == [("warning 3", "＞ 50")]


def test_unique_and_any_say_why_there_is_no_answer() -> None:
    unique, any_ = warned("UNIQUE", 120), warned("ANY", 120)
    assert (unique.value, unique.faults) == (None, ("warning: 3 rules match, and one may",))
    assert (any_.value, any_.faults) == (None, ("warning: the rules that match differ",))
    assert warned("ANY", 120, [["> 1", '"red"'], ["> 2", '"red"']]).value == "red"


@pytest.mark.parametrize(("aggregation", "expected"), [("SUM", 60), ("COUNT", 3), ("MIN", 10), ("MAX", 30)])
def test_collect_with_an_aggregation(aggregation: str, expected: int) -> None:
    rules = [["> 1", "10"], ["> 2", "20"], ["> 3", "30"], ["> 100", "40"]]
    assert warned("COLLECT", 50, rules, aggregation=aggregation).value == expected
    nothing = warned("COLLECT", 0, rules, aggregation=aggregation).value
    assert nothing == (0 if aggregation == "COUNT" else None)


def test_several_outputs_and_a_default() -> None:
    body = table(
        ["level", "hour"],
        ["who", "minutes"],
        [['"red"', "[0..24)", '"county"', "30"], ['"yellow","blue"', "-", '"town"', "120"]],
    ).replace(
        '<output name="who">', '<output name="who"><defaultOutputEntry><text>"nobody"</text></defaultOutputEntry>'
    )
    made = model(input_data("level"), input_data("hour"), decision("call", body, of=["i_level", "i_hour"]))
    assert dmn.decide(made, "call", {"level": "blue", "hour": 3}).value == {"who": "town", "minutes": 120}
    assert dmn.decide(made, "call", {"level": "green", "hour": 3}).value == {"who": "nobody", "minutes": None}


def test_names_in_chinese_and_with_spaces() -> None:
    made = model(
        '<inputData id="i" name="日 雨量"><variable name="日 雨量" typeRef="number"/></inputData>',
        decision("预警", table(["日 雨量"], ["等级"], [["> 50", '"橙色"'], ["<= 50", '"无"']]), of=["i"]),
    )
    assert (made.decisions, made.inputs) == (("预警",), {"日 雨量": "number"})
    assert dmn.decide(made, "预警", {"日 雨量": 60}).value == "橙色"


NAMED = {  # where a name may stand → what is asked of orders, which hold 7 and 1 under it
    "orders[1].{} + 1": 8, "sum(orders.{})": 8, "count(orders[{} > 3])": 1, "for o in orders return o.{} * 2": [14, 2],
    "some o in orders satisfies o.{} < 3": True, "{{{}: 4, b: {} + 1}}.b": 5, "f({}: 6)": 7, "f(6)": 7,
    "if orders[1].{} in [1..9] then orders[2].{} else 0": 1, "v instance of {}": True,
}  # fmt: skip


@pytest.mark.parametrize(
    "name",
    [
        "Date and Time 2", "if needed amount", "Item 1 total", "and/or flag", "then rate", "for each price", "in stock",
        "instance of thing", "not applicable", "true cost", "a+b", "x*y", "N.A. count", "O'Neil factor", "x and 2",
        "金额（万元）", "面积-亩", "every day", "between dates",
    ],
)  # fmt: skip
def test_names_hold_words_digits_and_signs_of_feel_wherever_they_stand(name: str) -> None:
    types = f'''<itemDefinition name="t"><itemComponent name="{name}"><typeRef>number</typeRef></itemComponent>
      </itemDefinition><itemDefinition name="ts" isCollection="true"><typeRef>t</typeRef></itemDefinition>
      <itemDefinition name="{name}"><typeRef>number</typeRef></itemDefinition>'''
    function = f'''<businessKnowledgeModel id="f" name="f"><variable name="f"/><encapsulatedLogic>
      <formalParameter name="{name}"/>{literal(f"{name} + 1")}</encapsulatedLogic></businessKnowledgeModel>'''
    given = {"orders": [{name: 7}, {name: 1}], "v": 3}
    inputs = input_data("orders", "ts") + input_data("v", name)
    for text, expected in NAMED.items():
        asked = text.format(*[name] * 2)
        made = model(types, function, inputs, decision("D", literal(asked), of=["i_orders", "i_v"], knows=["f"]))
        assert (asked, list(dmn.unreadable(made)), dmn.decide(made, "D", given).value) == (asked, [], expected)


def test_a_function_and_a_loop_have_names_of_words_of_feel_and_lines_in_a_label_are_one() -> None:
    function = f"""<businessKnowledgeModel id="f" name="then&#10; rate"><variable name="then&#10; rate"/>
      <encapsulatedLogic><formalParameter name="x"/>{literal("x + 1")}</encapsulatedLogic></businessKnowledgeModel>"""
    loop = f"""<for iteratorVariable="if needed"><in>{literal("[1, 2]")}</in>
      <return>{literal("then rate(if needed) + then rate(x: 1)")}</return></for>"""
    made = model(function, decision("D", loop, knows=["f"]))
    assert (list(dmn.unreadable(made)), dmn.decide(made, "D", {}).value) == ([], [4, 5])


def test_a_decision_asks_those_it_requires_and_tells_all() -> None:
    made = model(
        input_data("depth"),
        decision("risk", literal("if depth > 2 then 3 else 1"), of=["i_depth"]),
        decision("teams", literal("risk * 2"), of=["d_risk"]),
    )
    found = dmn.decide(made, "teams", {"depth": 3})
    assert (found.value, found.decisions) == (6, {"risk": 3, "teams": 6})
    assert dmn.decide(made, "teams", {"risk": 5}).value == 10  # given, so not asked


def test_what_is_not_required_is_not_known() -> None:
    made = model(input_data("depth"), decision("risk", literal("depth")))
    found = dmn.decide(made, "risk", {"depth": 3})
    assert found.value is None
    assert [fault.partition(":")[0] for fault in found.faults] == ["risk"]


KNOWLEDGE = (
    '<businessKnowledgeModel id="k" name="fee"><variable name="fee" typeRef="number"/><encapsulatedLogic>'
    '<formalParameter name="days" typeRef="number"/>{body}</encapsulatedLogic></businessKnowledgeModel>'
)


def test_business_knowledge_called_from_feel_and_boxed() -> None:
    knowledge = KNOWLEDGE.format(body=table(["days"], ["fee"], [["<= 3", "10"], ["> 3", "days * 4"]]))
    boxed = f'<invocation>{literal("fee")}<binding><parameter name="days"/>{literal("5")}</binding></invocation>'
    made = model(
        knowledge,
        decision("short", literal("fee(2)"), knows=["k"]),
        decision("named", literal("fee(days: 5)"), knows=["k"]),
        decision("boxed", boxed, knows=["k"]),
        decision("wrong", literal('fee("many")'), knows=["k"]),
    )
    answers = [dmn.decide(made, name, {}).value for name in made.decisions]
    assert answers == [10, 20, 20, None]


def test_a_function_that_is_not_feel_is_not_run() -> None:
    knowledge = KNOWLEDGE.format(body=literal("1")).replace("<encapsulatedLogic>", '<encapsulatedLogic kind="Java">')
    found = dmn.decide(model(knowledge, decision("fee now", literal("fee(1)"), knows=["k"])), "fee now", {})
    assert found.value is None
    assert "fee: a function in Java is not run here" in found.faults


def entry(name: str, body: str) -> str:
    return f'<contextEntry><variable name="{name}"/>{body}</contextEntry>'


BOXED = {
    "context": (f"<context>{entry('a', literal('1'))}{entry('b', literal('a + 1'))}</context>", {"a": 1, "b": 2}),
    "result": (
        f"<context>{entry('a', literal('20'))}<contextEntry>{literal('a * 2')}</contextEntry></context>", 40,
    ),
    "list": (f"<list>{literal('1')}{literal('1 + 1')}</list>", [1, 2]),
    "relation": (
        '<relation><column name="town"/><column name="people"/>'
        f"<row>{literal(chr(34) + 'A' + chr(34))}{literal('5')}</row></relation>", [{"town": "A", "people": 5}],
    ),
    "function": (
        "<context>"
        + entry(
            "twice",
            f'<functionDefinition><formalParameter name="n" typeRef="number"/>{literal("n * 2")}</functionDefinition>',
        )
        + f"<contextEntry>{literal('twice(21)')}</contextEntry></context>", 42,
    ),
    "conditional": (
        f"<conditional><if>{literal('1 > 2')}</if><then>{literal('1')}</then><else>{literal('2')}</else></conditional>",
        2,
    ),
    "filter": (f"<filter><in>{literal('[1, 5, 9]')}</in><match>{literal('item > 4')}</match></filter>", [5, 9]),
    "for": (
        f'<for iteratorVariable="i"><in>{literal("1..3")}</in><return>{literal("i * i")}</return></for>',
        [1, 4, 9],
    ),
    "some": (
        f'<some iteratorVariable="i"><in>{literal("[1, 2]")}</in><satisfies>{literal("i > 1")}</satisfies></some>',
        True,
    ),
    "every": (
        f'<every iteratorVariable="i"><in>{literal("[1, 2]")}</in><satisfies>{literal("i > 1")}</satisfies></every>',
        False,
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", BOXED)
def test_boxed_expressions(kind: str) -> None:
    body, expected = BOXED[kind]
    found = dmn.decide(model(decision("d", body)), "d", {})
    assert (found.value, found.faults) == (expected, ())


def boxed(kind: str, of: str, asked: str) -> str:
    inner = {"filter": "match", "some": "satisfies", "every": "satisfies"}[kind]
    variable = ' iteratorVariable="i"' if kind != "filter" else ""
    return f"<{kind}{variable}><in>{literal(of)}</in><{inner}>{literal(asked)}</{inner}></{kind}>"


@pytest.mark.parametrize(
    "body",
    [
        f"<conditional><if>{literal('1')}</if><then>{literal('2')}</then><else>{literal('3')}</else></conditional>",
        boxed("filter", "[1, 2]", 'if item = 1 then true else "no"'),
        boxed("some", "[1, 2]", "if i = 2 then true else 1"),
        boxed("every", "[1, 2]", "if i = 2 then false else 1"),
    ],
)  # fmt: skip
def test_a_question_of_a_box_is_answered_with_true_or_false(body: str) -> None:
    found = dmn.decide(model(decision("d", body)), "d", {})
    assert found.value is None
    assert found.faults[0].endswith("is neither true nor false")


@pytest.mark.parametrize(("kind", "expected"), [("some", None), ("every", None), ("filter", [])])
def test_of_nothing_nothing_holds(kind: str, expected: object) -> None:
    assert dmn.decide(model(decision("d", boxed(kind, "null", "true"))), "d", {}).value == expected


def test_a_service_never_decides_its_inputs_and_takes_only_their_types() -> None:
    service = '<decisionService id="s" name="s"><outputDecision href="#d_told"/><inputDecision href="#d_level"/>'
    made = model(
        decision("level", literal('"red"'), type_="string"), decision("told", literal("level"), of=["d_level"]),
        f"{service}</decisionService>", decision("called", literal("s(5)"), knows=["s"]),
    )  # fmt: skip
    given = {"level": "blue"}
    assert [dmn.decide(made, "s", one).value for one in ({}, given)] == [None, "blue"]
    assert dmn.decide(made, "called", {}).value is None


@pytest.mark.parametrize(("given", "expected"), [(True, "same"), (False, "other")])
def test_a_cell_that_names_a_yes_or_no_is_compared_with_it(given: bool, expected: str) -> None:
    rules = [["wanted", '"same"'], ["not(wanted)", '"other"']]
    made = model(
        input_data("found", "boolean"), input_data("wanted", "boolean"),
        decision("d", table(["found"], ["as"], rules), of=["i_found", "i_wanted"]),
    )  # fmt: skip
    for wanted in (True, False):
        answer = dmn.decide(made, "d", {"found": given if wanted else not given, "wanted": wanted})
        assert answer.value == expected


def test_a_decision_service_hides_what_it_decides_with() -> None:
    made = model(
        input_data("depth"),
        decision("risk", literal("depth * 2"), of=["i_depth"]),
        decision("teams", literal("risk + 1"), of=["d_risk"]),
        '<decisionService id="s" name="staff"><variable name="staff"/><outputDecision href="#d_teams"/>'
        '<encapsulatedDecision href="#d_risk"/><inputData href="#i_depth"/></decisionService>',
        decision("both", literal("staff(1) + staff(2)"), knows=["s"]),
    )
    assert dmn.decide(made, "staff", {"depth": 4}).value == 9
    assert dmn.decide(made, "both", {}).value == 8


ITEMS = (
    '<itemDefinition name="tCount" isCollection="true"><typeRef>number</typeRef></itemDefinition>'
    '<itemDefinition name="tLevel"><typeRef>string</typeRef><allowedValues><text>"red","blue"</text></allowedValues>'
    "</itemDefinition>"
    '<itemDefinition name="tTown"><itemComponent name="name"><typeRef>string</typeRef></itemComponent>'
    '<itemComponent name="people"><typeRef>number</typeRef></itemComponent></itemDefinition>'
)


@pytest.mark.parametrize(
    ("type_", "text", "expected"),
    [
        ("number", "1 + 1", 2),
        ("string", "1 + 1", None),
        ("tCount", "[1, 2]", [1, 2]),
        ("tCount", "7", [7]),  # to a list of one
        ("number", "[7]", 7),  # out of one
        ("tCount", '[1, "x"]', None),
        ("tLevel", '"red"', "red"),
        ("tLevel", '"pink"', None),
        ("tTown", '{name: "A", people: 3, more: 1}', {"name": "A", "people": 3, "more": 1}),
        ("tTown", '{name: "A"}', None),
        ("date and time", 'date("2026-07-01")', dt.datetime(2026, 7, 1, tzinfo=dt.UTC)),
        ("Any", "1", 1),
    ],
)
def test_a_value_is_made_to_fit_its_type_or_null(type_: str, text: str, expected: object) -> None:
    found = dmn.decide(model(ITEMS, decision("d", literal(text), type_=type_)), "d", {})
    assert found.value == expected
    assert (found.faults == ()) == (expected is not None)


CONSTRAINED = (
    ITEMS + '<itemDefinition name="tWarm"><typeRef>tLevel</typeRef><allowedValues><text>"orange"</text></allowedValues>'
    '</itemDefinition><itemDefinition name="tFew" isCollection="true"><typeRef>number</typeRef>'
    "<typeConstraint><text>count(?) &lt; 3</text></typeConstraint></itemDefinition>"
    '<itemDefinition name="tJudge"><functionItem outputTypeRef="tLevel"><parameters name="a" typeRef="string"/>'
    "</functionItem></itemDefinition>"
)


@pytest.mark.parametrize(
    ("text", "type_", "expected"),
    [
        ('"orange"', "tWarm", "orange"),  # what it allows stands for what its base does
        ('"red"', "tWarm", None),
        ("[1, 2]", "tFew", [1, 2]),
        ("[1, 2, 3]", "tFew", None),
        ('"pink" instance of tLevel', "", True),  # of its kind, whatever is allowed
        ("[{name: 1, people: 3}] instance of list<tTown>", "", False),
        ('(function(a: tLevel) a)("red")', "", "red"),
        ('(function(a: tLevel) a)("pink")', "", None),
    ],
)
def test_types_say_what_they_allow(text: str, type_: str, expected: object) -> None:
    assert dmn.decide(model(CONSTRAINED, decision("d", literal(text), type_=type_)), "d", {}).value == expected


@pytest.mark.parametrize(
    ("policy", "attributes", "entry_", "expected"),
    [
        ("UNIQUE", "", 'typeRef="tLevel"', None),
        ("UNIQUE", 'typeRef="tLevel"', "", None),
        ("UNIQUE", 'typeRef="string"', "", "pink"),
        ("COLLECT", 'typeRef="string"', "", ["pink"]),  # where a list comes out, the type is that of its rows
    ],
)
def test_a_table_and_its_cells_have_types(policy: str, attributes: str, entry_: str, expected: object) -> None:
    rows = f'<output/><rule><outputEntry {entry_}><text>"pink"</text></outputEntry></rule>'
    body = f'<decisionTable id="t" hitPolicy="{policy}" {attributes}>{rows}</decisionTable>'
    assert dmn.decide(model(ITEMS, decision("d", body)), "d", {}).value == expected


def test_a_column_asks_what_is_there_whatever_type_an_editor_wrote_over_it() -> None:
    body = table(
        ["depth", "is_night"], ["who"], [["> 2", "true", '"town"'], ["-", "-", '"village"']], hitPolicy="FIRST"
    )
    typed = body.replace("<inputExpression>", '<inputExpression typeRef="string">')
    made = model(input_data("depth"), input_data("is_night"), decision("call", typed, of=["i_depth", "i_is_night"]))
    found = dmn.decide(made, "call", {"depth": 3, "is_night": True})
    assert (found.value, found.faults) == ("town", ())
    own = model(ITEMS, decision("call", table(['"pink"'], ["who"], [["-", '"town"']]).replace(
        "<inputExpression>", '<inputExpression typeRef="tLevel">')))  # fmt: skip
    assert dmn.decide(own, "call", {}).faults == ("call: it is not of type tLevel",)


@pytest.mark.parametrize(
    ("type_", "holds"), [("tJudge", True), ("tOther", False), ("list of tJudge", True), ("list of tOther", False)]
)
def test_instances_of_types_of_functions(type_: str, holds: bool) -> None:
    other = CONSTRAINED + '<itemDefinition name="tOther"><functionItem outputTypeRef="number"><parameters name="a"/>'
    other += "</functionItem></itemDefinition>"
    asked = type_.removeprefix("list of ")
    text = "[f] instance of list<{0}>" if asked != type_ else "f instance of {0}"
    judge = '{f: function(a: string) if a = null then "red" else a, is: ' + text.format(asked) + "}.is"
    assert dmn.decide(model(other, decision("d", literal(judge))), "d", {}).value is holds


def test_functions_of_feel_have_types_and_a_context_may_give_its_own_that_of_their_answer() -> None:
    item = '<itemDefinition name="one"><functionItem outputTypeRef="number"><parameters name="n" typeRef="number"/>'
    logic = f'<formalParameter name="f" typeRef="one"/>{literal("f(-5)")}'
    made = model(
        f"{item}</functionItem></itemDefinition>",
        f'<businessKnowledgeModel id="k" name="k"><encapsulatedLogic>{logic}</encapsulatedLogic>'
        "</businessKnowledgeModel>",
        decision("size", literal("k(abs)"), knows=["k"]),
        decision("twice", f"""<context><contextEntry><variable name="f" typeRef="string"/>
         {literal("function(a) a + a")}</contextEntry><contextEntry>{literal('f("x")')}</contextEntry></context>"""),
    )  # fmt: skip
    assert [dmn.decide(made, one, {}).value for one in ("size", "twice")] == [5, "xx"]


def test_functions_have_types_and_call_themselves() -> None:
    lambda_ = f"<context>{entry('f', literal('function(n) if n < 2 then 1 else n * f(n - 1)'))}"
    judge = KNOWLEDGE.format(body=literal('if days = "x" then "pink" else days')).replace(
        '<variable name="fee" typeRef="number"/>', '<variable name="fee" typeRef="tJudge"/>'
    )
    judge = judge.replace('name="days" typeRef="number"', 'name="days"')
    made = model(
        CONSTRAINED,
        judge,
        decision("five", f"{lambda_}<contextEntry>{literal('f(5)')}</contextEntry></context>"),
        decision("red", literal('fee("red")'), knows=["k"]),
        decision("pink", literal('fee("x")'), knows=["k"]),  # its answer is no level
        decision("number", literal("fee(1) = null"), knows=["k"]),  # its value is no text
    )
    assert [dmn.decide(made, name, {}).value for name in made.decisions] == [120, "red", None, True]


def test_a_cell_that_is_a_list_holds_for_the_list_and_what_is_in_it() -> None:
    day = dt.date(2026, 7, 1)
    rules = [["[1, 2]", '"numbers"'], ['[date("2026-07-01")]', '"day"'], ["-", '"none"']]
    found = [warned("FIRST", given, rules).value for given in ([1, 2], 2, [2, 1], day)]
    assert found == ["numbers", "numbers", "none", "day"]


def file_of(namespace: str, *parts: str, imports: Sequence[tuple[str, str]] = ()) -> bytes:
    """A model; `imports` are (name, namespace)."""
    head = "".join(f'<import name="{one}" namespace="{far}" importType="{OF_1_3}"/>' for one, far in imports)
    return f'<definitions xmlns="{OF_1_3}" namespace="{namespace}">{head}{"".join(parts)}</definitions>'.encode()


RIVER = file_of(
    "urn:river",
    ITEMS,
    input_data("depth", "number"),
    decision("risk", literal("depth * 2"), of=["i_depth"], type_="number"),
    KNOWLEDGE.format(body=literal("days * 10")),
)


def test_models_are_imported_with_their_decisions_knowledge_inputs_and_types() -> None:
    town = file_of(
        "urn:town",
        decision("risk", literal('"risk " + string(high water.risk)'), of=["urn:river#d_risk"]).replace(
            'requiredInput href="#urn', 'requiredDecision href="urn'
        ),
        imports=[("high water", "urn:river")],
    )
    county = file_of(
        "urn:county",
        decision("both", literal("{town: t.risk, river: r.risk, fee: r.fee(2)}")).replace(
            "<literal",
            '<informationRequirement><requiredDecision href="urn:town#d_risk"/></informationRequirement>'
            '<informationRequirement><requiredDecision href="urn:river#d_risk"/></informationRequirement>'
            '<knowledgeRequirement><requiredKnowledge href="urn:river#k"/></knowledgeRequirement><literal',
        ),
        decision("level", literal('"pink"'), type_="r.tLevel"),
        imports=[("t", "urn:town"), ("r", "urn:river")],
    )
    assert sorted(dmn.needed(county, [county, town, RIVER])) == sorted([town, RIVER])
    made = dmn.read_model(county, town, RIVER)
    assert (made.decisions, made.inputs) == (("both", "level"), {"depth": "number"})
    found = dmn.decide(made, "both", {"depth": 3})
    assert (found.value, found.faults) == ({"town": "risk 6", "river": 6, "fee": 20}, ())
    assert dmn.decide(made, "level", {}).value is None  # none of the values of the type imported
    with pytest.raises(dmn.DmnError, match="t: 'urn:town' is imported, and no file beside it"):
        dmn.read_model(county, RIVER)


def test_an_import_without_a_name_is_as_if_written_here_and_none_goes_in_a_circle() -> None:
    here = file_of("urn:here", decision("level", literal('"red"'), type_="tLevel"), imports=[("", "urn:river")])
    assert dmn.decide(dmn.read_model(here, RIVER), "level", {}).value == "red"
    one, other = file_of("urn:1", imports=[("o", "urn:2")]), file_of("urn:2", imports=[("o", "urn:1")])
    with pytest.raises(dmn.DmnError, match="o: 'urn:1' imports itself"):
        dmn.read_model(one, other)


def answered(*files: bytes) -> object:
    """What the decision `all` of the first file says, the others beside it."""
    return dmn.decide(dmn.read_model(files[0], *dmn.needed(files[0], files[1:])), "all", {}).value


def test_what_is_imported_without_a_name_is_part_of_the_file_however_far() -> None:
    text = '<itemDefinition name="tText"><typeRef>string</typeRef></itemDefinition>'
    risk = '<businessKnowledgeModel id="b_risk" name="risk"><variable name="risk"/><encapsulatedLogic>'
    risk += f'<formalParameter name="n"/>{literal("n * 2")}</encapsulatedLogic></businessKnowledgeModel>'
    far = file_of("urn:far", decision("stage", literal("3")), text, risk)
    near = file_of("urn:near", imports=[("", "urn:far")])
    here = file_of(
        "urn:here", decision("all", literal("[risk(stage), word]"), of=["d_stage", "d_word"], knows=["b_risk"]),
        decision("word", literal("4"), type_="tText"), imports=[("", "urn:near")],
    )  # fmt: skip
    assert answered(here, near, far) == [6, None]
    named = file_of("urn:here", decision("all", literal("up.stage"), of=["d_stage"]).replace("#d_", "urn:near#d_"),
                    imports=[("up", "urn:near")])  # fmt: skip
    assert answered(named, near, far) == 3


def test_of_one_name_what_is_written_or_imported_first_counts_in_what_is_imported_too() -> None:
    one = file_of("urn:1", decision("sum", literal("part"), of=["d_part"]), decision("part", literal('"one"')))
    two = file_of("urn:2", decision("part", literal('"two"')))
    asks = decision("all", literal("[sum, part]"), of=["d_sum", "d_part"])
    assert answered(file_of("urn:a", asks, imports=[("", "urn:1"), ("", "urn:2")]), one, two) == ["one", "one"]
    assert answered(file_of("urn:a", asks, imports=[("", "urn:2"), ("", "urn:1")]), one, two) == ["two", "two"]
    renamed = asks.replace("#d_part", "#own") + decision("part", literal('"own"')).replace('id="d_part"', 'id="own"')
    assert answered(file_of("urn:a", renamed, imports=[("", "urn:1")]), one) == ["own", "own"]


def test_files_may_import_one_another_without_a_name() -> None:
    one = file_of("urn:1", decision("all", literal("part"), of=["d_part"]), imports=[("", "urn:2")])
    two = file_of("urn:2", decision("part", literal("2")), imports=[("", "urn:1")])
    assert answered(one, one, two) == 2


def test_dates_go_in_and_come_out() -> None:
    made = model(input_data("day", "date"), decision("due", literal('day + duration("P5D")'), of=["i_day"]))
    assert dmn.decide(made, "due", {"day": dt.date(2026, 7, 1)}).value == dt.date(2026, 7, 6)


@pytest.mark.parametrize(
    "namespace",
    [
        "http://www.omg.org/spec/DMN/20151101/dmn.xsd", "http://www.omg.org/spec/DMN/20180521/MODEL/",
        "https://www.omg.org/spec/DMN/20211108/MODEL/", "https://www.omg.org/spec/DMN/20230324/MODEL/",
    ],
)  # fmt: skip
def test_files_of_every_edition(namespace: str) -> None:
    made = model(decision("d", literal("6 * 7"), type_="feel:number"), namespace=namespace)
    assert dmn.decide(made, "d", {}).value == 42


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ((decision("a", table(["1"], ["x"], [["-", "1"]], hitPolicy="BEST")),), "a: 'BEST' is no hit policy"),
        (
            (decision("a", table(["1"], ["x"], [["-"]])),),
            "a: 'rule 1' has not one cell for each input and each output of its table",
        ),
        ((decision("a", literal("1"), of=["i_gone"]),), "a: 'i_gone' is required, and there is no such element"),
        ((decision("a", literal("1"), of=["d_a"]),), "a: 'a → a' requires itself"),
        (
            tuple(decision(f"n{n}", literal("1"), of=[f"d_n{n - 1}"] if n else []) for n in range(1500, -1, -1)),
            "n1299: 201 decisions require one another: that is too deep",
        ),
        ((decision("a", literal("1", expressionLanguage="groovy")),), "a: 'groovy' is no language"),
        ((input_data("x"), input_data("x")), "x: 'i_x' is the id of more than one element"),
        ((decision("a", "<conditional/>"),), "a: 'if' is missing"),
        (
            (
                '<itemDefinition name="t"><typeRef>u</typeRef></itemDefinition>',
                '<itemDefinition name="u"><typeRef>t</typeRef></itemDefinition>',
            ),
            "t: 't → u → t' is a type that is made of itself",
        ),
        ((decision("a", "<list>" * 110 + "</list>" * 110),), "a: 101 is how deep it stands in others"),
        (
            ('<itemDefinition name="t">' + "<itemComponent>" * 110 + "</itemComponent>" * 110 + "</itemDefinition>",),
            "t: 101 is how deep it stands in others",
        ),
    ],
)
def test_what_cannot_be_decided_is_refused_by_name(parts: tuple[str, ...], said: str) -> None:
    with pytest.raises(dmn.DmnError) as refused:
        model(*parts)
    assert str(refused.value).startswith(said)


def test_many_ways_through_the_requirements_are_walked_once() -> None:
    rows = [[f"r{row}_{at}" for at in range(2)] for row in range(40)]
    before = [[], *rows]
    parts = [
        decision(name, literal("1"), of=[f"d_{n}" for n in before[at]]) for at, row in enumerate(rows) for name in row
    ]
    assert len(model(*parts).decisions) == 80


@pytest.mark.parametrize("xml", [b"", b"<a/>", b'<definitions xmlns="urn:other"/>', b"<definitions"])
def test_other_files_are_refused(xml: bytes) -> None:
    with pytest.raises(dmn.DmnError, match="^file: "):
        dmn.read_model(xml)


def test_a_dtd_is_refused_and_a_comment_is_no_text() -> None:
    file = '<!DOCTYPE a [<!ENTITY b "c">]><definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/"/>'
    with pytest.raises(dmn.DmnError, match="must be left out: a decision model has no DTD"):
        dmn.read_model(file.encode())
    body = "<literalExpression><text>6 <!-- not 9 --> * 7</text></literalExpression>"
    assert dmn.decide(model(decision("d", body)), "d", {}).value == 42


def test_which_decision_is_asked_is_written_whatever_else_its_file_has() -> None:
    body = f'name="m" namespace="n">{decision("a", literal("1"))}{decision("b", literal("2"))}</definitions>'
    for before in ("", "<!-- <definitions> is the root -->", '<?xml version="1.0"?>\n'):
        for also in ("", ' xmlns:shizhu="urn:other"'):
            xml = f'{before}<definitions xmlns="{OF_1_3}"{also} {body}'
            assert dmn.read_model(dmn.asking(xml, "d_b").encode()).answer_to("x") == "b"


def test_an_unknown_decision() -> None:
    with pytest.raises(KeyError):
        dmn.decide(model(), "d", {})


CELLS = st.sampled_from(["-", "< 10", "> 5", "[3..7]", "5", "not(5)", "< 2, > 8"])
MEANING: dict[str, Any] = {
    "-": lambda n: True, "< 10": lambda n: n < 10, "> 5": lambda n: n > 5, "[3..7]": lambda n: 3 <= n <= 7,
    "5": lambda n: n == 5, "not(5)": lambda n: n != 5, "< 2, > 8": lambda n: n < 2 or n > 8,
}  # fmt: skip


@given(st.lists(CELLS, min_size=1, max_size=6), st.integers(0, 12))
def test_a_table_collects_the_rules_whose_tests_hold(cells: list[str], number: int) -> None:
    rules = [[cell, str(at)] for at, cell in enumerate(cells)]
    expected = [at for at, cell in enumerate(cells) if MEANING[cell](number)]
    assert warned("COLLECT", number, rules).value == expected
    assert warned("FIRST", number, rules).value == (expected[0] if expected else None)
