"""Test cases of the DMN conformance kit are read and judged as it says, and a folder of them is run."""

from __future__ import annotations

import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from shizhu.lib import dmn
from shizhu.lib.dmn import tck

MODEL = """<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" name="m" namespace="n">
 <inputData id="i1" name="cups"><variable name="cups" typeRef="number"/></inputData>
 <decision id="d1" name="price"><variable name="price"/>
  <informationRequirement><requiredInput href="#i1"/></informationRequirement>
  <literalExpression><text>
   {sum: cups * 1.1, on: date("2026-07-01"), each: for i in 1..cups return i}</text></literalExpression>
 </decision></definitions>"""
HEAD = '<testCases xmlns="http://www.omg.org/spec/DMN/20160719/testcase" '
HEAD += 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd="http://www.w3.org/2001/XMLSchema">'


def cases(total: str, more: str = "") -> str:
    return f"""{HEAD}<modelName>m.dmn</modelName><testCase id="001"><description>a cup</description>
 <inputNode name="cups"><value xsi:type="xsd:decimal">2</value></inputNode>
 <resultNode name="price" type="decision"><expected>
  <component name="sum"><value xsi:type="xsd:decimal">{total}</value></component>
  <component name="on"><value xsi:type="xsd:date">2026-07-01</value></component>
  <component name="each"><list><item><value xsi:type="xsd:decimal">1</value></item>
   <item><value xsi:type="xsd:decimal">2</value></item></list></component>
 </expected></resultNode></testCase>{more}</testCases>"""


def test_cases_are_read_and_judged() -> None:
    name, (case,) = tck.read(cases("2.2").encode())
    assert (name, case.id, case.given) == ("m.dmn", "001", {"cups": 2.0})
    assert case.expected == {"sum": 2.2, "on": date(2026, 7, 1), "each": [1.0, 2.0]}
    model = dmn.read_model(MODEL.encode())
    assert tck.run(model, case).why == ""
    _, (wrong,) = tck.read(cases("2.3").encode())
    assert "应为 {'sum': 2.3" in tck.run(model, wrong).why


@pytest.mark.parametrize(
    ("found", "expected", "is_same"),
    [
        (0.1 + 0.2, 0.3, True), (1, 1.00000001, False), (True, 1, False), (None, None, True), (None, 0, False),
        ([1, 2], [2, 1], False), ({"a": 1, "b": 2}, {"a": 1}, True), ({"a": 1}, {"a": 1, "b": 2}, False),
        ("1", 1, False),
    ],
)  # fmt: skip
def test_values_are_compared_as_the_kit_does(found: Any, expected: Any, is_same: bool) -> None:
    assert tck.is_same(found, expected) is is_same


def test_a_year_without_a_date_of_python_fails_its_case_alone() -> None:
    far = cases("2.2").replace('"xsd:date">2026-07-01', '"xsd:date">-2026-07-01')
    _, (case,) = tck.read(far.encode())
    assert case.expected["on"] == "-2026-07-01"
    assert "应为" in tck.run(dmn.read_model(MODEL.encode()), case).why


@pytest.mark.parametrize(("total", "passes"), [("2.2", True), ("2.3", False)])
def test_what_comes_with_an_error_is_judged_by_its_value(total: str, passes: bool) -> None:
    _, (case,) = tck.read(cases(total).replace('type="decision"', 'type="decision" errorResult="true"').encode())
    assert (tck.run(dmn.read_model(MODEL.encode()), case).why == "") is passes


def far(on: str) -> tuple[dmn.Model, tck.Case]:
    model = MODEL.replace("{sum:", f"{on} /* {{sum:").replace("return i}", "return i} */")
    case = f"""{HEAD}<testCase id="1"><resultNode name="price"><expected>
     <value xsi:type="xsd:date">-2026-07-01</value></expected></resultNode></testCase></testCases>"""
    return dmn.read_model(model.encode()), tck.read(case.encode())[1][0]


@pytest.mark.parametrize(("on", "passes"), [('date("-2026-07-01")', True), ('date("-2026-07-02")', False)])
def test_a_date_before_the_year_1_is_compared_as_written(on: str, passes: bool) -> None:
    assert (tck.run(*far(on)).why == "") is passes


KNOWLEDGE = """<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" name="m" namespace="n">
 <businessKnowledgeModel id="k1" name="twice"><variable name="twice"/><encapsulatedLogic>
  <formalParameter name="cups" typeRef="number"/><literalExpression><text>cups * 2</text></literalExpression>
 </encapsulatedLogic></businessKnowledgeModel></definitions>"""


@pytest.mark.parametrize(("cups", "found"), [("3", 6), ("4", 8)])
def test_business_knowledge_is_asked_with_its_parameters(cups: str, found: int) -> None:
    _, (case,) = tck.read(
        f"""{HEAD}<testCase id="1" type="bkm" invocableName="twice">
     <inputNode name="cups"><value xsi:type="xsd:decimal">{cups}</value></inputNode>
     <resultNode name="twice"><expected><value xsi:type="xsd:decimal">6</value></expected></resultNode>
     </testCase></testCases>""".encode()
    )
    model = dmn.read_model(KNOWLEDGE.encode())
    assert dmn.decide(model, "twice", case.given).value == found
    assert tck.run(model, case).told == ("" if found == 6 else "应为 6.0，实为 8")


def test_a_folder_of_cases_is_run(tmp_path: Path) -> None:
    place = tmp_path / "level/0001-cups"
    place.mkdir(parents=True)
    (place / "m.dmn").write_text(MODEL, encoding="utf-8")
    (place / "test-01.xml").write_text(cases("2.2"), encoding="utf-8")
    (place / "other.xml").write_text("<nothing/>", encoding="utf-8")
    shizhu = Path(sys.executable).with_name("shizhu")

    def run() -> subprocess.CompletedProcess[str]:
        return subprocess.run([shizhu, "decide", tmp_path], capture_output=True, text=True, check=False, timeout=60)

    done = run()
    assert (done.returncode, done.stdout.splitlines()) == (
        0, ["level/0001-cups：1 例，通过 1", "共 1 例，通过 1，未通过 0；1 个文件夹，全部通过 1"],
    )  # fmt: skip
    (place / "test-02.xml").write_text(cases("9"), encoding="utf-8")
    (place / "test-03.xml").write_text("<testCases", encoding="utf-8")
    (place / "test-04.xml").write_text(cases("many"), encoding="utf-8")
    (place / "test-05.xml").write_text(cases("9").replace("m.dmn", "none.dmn"), encoding="utf-8")
    (place / "test-06.xml").mkdir()
    (place / "beside.dmn").mkdir()
    (place / "torn.dmn").write_text("<definitions", encoding="utf-8")
    done = run()
    lines = done.stdout.splitlines()
    assert (done.returncode, done.stderr, lines[0], lines[-1]) == (
        1, "", "level/0001-cups：6 例，通过 1", "共 6 例，通过 1，未通过 5；1 个文件夹，全部通过 0",
    )  # fmt: skip
    assert lines[1].startswith("  未通过 001 price：应为 {'sum': 9.0")
    assert lines[2].startswith("  未通过 test-03.xml：读不出测试用例（")
    assert lines[3] == "  未通过 test-04.xml：读不出测试用例（'many' is no number）"
    assert lines[4].startswith("  未通过 001 price：读不出模型（")
    assert lines[5].startswith("  未通过 test-06.xml：读不出测试用例（")
