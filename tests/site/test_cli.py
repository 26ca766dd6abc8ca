"""The `shizhu` command: output that is not read to the end, a home that is not made yet."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from tests.stack.stack import SHIZHU


@pytest.mark.parametrize(
    "words", [("schema", "rivers.reach"), ("plan", "read", "tests/engines/plan/reader/plans/yunqi.txt", "--json")]
)
def test_a_closed_pipe_is_no_fault(words: tuple[str, ...]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run([SHIZHU, *words], stdout=writing, stderr=subprocess.PIPE, check=False, timeout=60)
    os.close(writing)
    assert (done.returncode, done.stderr.decode()) == (141, "")


def test_the_configuration_of_nats_needs_no_home_yet(tmp_path: Path) -> None:
    environment = {**os.environ, "SHIZHU_HOME": str(tmp_path / "home")}
    done = subprocess.run(
        [SHIZHU, "nats-config"], env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stderr, "accounts {" in done.stdout) == (0, "", True)
    again = subprocess.run(
        [SHIZHU, "nats-config"], env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert again.stdout == done.stdout


WARNING = """<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" name="m" namespace="n">
<inputData id="i" name="rain"><variable name="rain" typeRef="number"/></inputData>
<inputData id="j" name="day"><variable name="day" typeRef="date"/></inputData>
<decision id="a" name="level"><informationRequirement><requiredInput href="#i"/></informationRequirement>
<decisionTable id="t"><input><inputExpression><text>rain</text></inputExpression></input><output name="level"/>
<rule><inputEntry><text>&gt; 50</text></inputEntry><outputEntry><text>"橙色"</text></outputEntry></rule></decisionTable>
</decision>
<decision id="b" name="until"><informationRequirement><requiredInput href="#j"/></informationRequirement>
<literalExpression><text>day + duration("P1D")</text></literalExpression></decision></definitions>"""


def decided(tmp_path: Path, *words: str, given: str = "") -> subprocess.CompletedProcess[str]:
    file = tmp_path / "warning.dmn"
    file.write_text(WARNING)
    return subprocess.run(
        [SHIZHU, "decide", file, *words], input=given, capture_output=True, text=True, check=False, timeout=60
    )


def test_a_decision_from_the_command_line(tmp_path: Path) -> None:
    done = decided(tmp_path, "--given", "-", given='{"rain": 60, "day": "2026-07-01"}')
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == {
        "level": {"value": "橙色", "hits": [["level", [1]]], "faults": []},
        "until": {"value": "2026-07-02", "hits": [], "faults": []},
    }


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--ask", "none"), 2, "has no decision none: it has level, until"),
        (("--given", "{"), 2, "--given is no JSON"),
        (("--ask", "level", "--given", '{"rain": "much"}'), 1, "rain: it is not of type number"),
    ],
)
def test_a_decision_that_cannot_be_made_says_why(tmp_path: Path, words: tuple[str, ...], code: int, said: str) -> None:
    done = decided(tmp_path, *words)
    assert done.returncode == code
    assert said in done.stdout + done.stderr
