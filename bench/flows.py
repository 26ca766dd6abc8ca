"""Decisions a second by a table of 8 rules through `shizhu.lib.dmn`, beside a bare `eval` of the same V8 and plain
feelin in node for the same cells; steps of cases a second (a task answered, FEEL at a gateway, the next task, timeline
and event in one transaction), one after another, beside one INSERT and its commit on the same PostgreSQL."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import psycopg

from bench import feel, stacks
from bench.figures import Figure
from bench.stacks import Homes

CASES = 20
GIVEN = {"降雨": 60, "水位": 182.5}
RULES = [
    (f"[{rain}..{rain + 25})", test, f'"{level}{place}"')
    for level, rain in enumerate((0, 25, 50, 75), 1) for place, test in (("低", "< 182"), ("高", ">= 182"))
]  # fmt: skip
DMN = f"""<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="d" name="bench" namespace="urn:bench">
<inputData id="r" name="降雨"><variable name="降雨" typeRef="number"/></inputData>
<inputData id="w" name="水位"><variable name="水位" typeRef="number"/></inputData>
<decision id="level" name="level"><informationRequirement><requiredInput href="#r"/></informationRequirement>
<informationRequirement><requiredInput href="#w"/></informationRequirement><decisionTable hitPolicy="UNIQUE">
<input><inputExpression><text>降雨</text></inputExpression></input>
<input><inputExpression><text>水位</text></inputExpression></input><output/>{
    "".join(
        "<rule>"
        + "".join(f"<inputEntry><text><![CDATA[{test}]]></text></inputEntry>" for test in tests)
        + f"<outputEntry><text>{said}</text></outputEntry></rule>"
        for *tests, said in RULES
    )
}</decisionTable></decision></definitions>"""
CELLS = """
import { evaluate, unaryTest } from "./frontend/node_modules/feelin/dist/index.js";
const [rules, given, seconds] = JSON.parse(process.argv[1]), values = Object.values(given);
const decide = () => {
  const hit = rules.filter((rule) => values.every((value, at) => unaryTest(rule[at], { ...given, "?": value }).value));
  return hit.length === 1 ? evaluate(hit[0][2], given).value : null;
};
if (decide() !== "3高") throw new Error(String(decide()));
const end = performance.now() + seconds * 1000;
let done = 0;
for (; performance.now() < end; done++) decide();
console.log(done / seconds);
"""
FLOW = """<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" targetNamespace="urn:bench"
 xmlns:c="http://camunda.org/schema/1.0/bpmn"><process id="bench" name="bench" isExecutable="true"><startEvent id="s"/>
<userTask id="a" name="Look" c:assignee="bench"/><exclusiveGateway id="x" default="again"/><endEvent id="e"/>
<sequenceFlow id="f" sourceRef="s" targetRef="a"/><sequenceFlow id="g" sourceRef="a" targetRef="x"/>
<sequenceFlow id="again" sourceRef="x" targetRef="a"/><sequenceFlow id="h" sourceRef="x" targetRef="e">
<conditionExpression>rounds &lt; count(answers)</conditionExpression></sequenceFlow></process></definitions>"""


def run(homes: Homes, seconds: float) -> Iterator[Figure]:
    cells = ["node", "--input-type=module", "-e", CELLS, json.dumps([RULES, GIVEN, seconds])]
    plain = float(subprocess.run(cells, cwd=stacks.ROOT, check=True, capture_output=True, text=True).stdout)
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as other:  # one V8 in a process
        bare = other.submit(feel.raw, seconds).result()
    with homes.stack() as stack:
        command = [sys.executable, "-m", "bench.flows", str(seconds)]
        environment = stack.environment | {"DJANGO_SETTINGS_MODULE": "shizhu.site.settings"}
        done = subprocess.run(command, env=environment, cwd=stacks.ROOT, check=True, capture_output=True, text=True)
        told = json.loads(done.stdout)
        with psycopg.connect(stack.state["DATABASE_URL"], autocommit=True) as database:
            database.execute("CREATE TABLE bench_row (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, data jsonb)")
            rows = feel.rate(lambda: database.execute("INSERT INTO bench_row (data) VALUES ('{}')"), seconds)
    for beside, limit in (("bare eval of 1 + 1", bare), ("plain feelin", plain)):
        yield Figure("flows", "decisions by a table of 8 rules", told["decisions"], "decisions/s", beside, limit)
    yield Figure("flows", "steps of cases", told["steps"], "steps/s", "one INSERT and commit", rows)


def measured(seconds: float) -> dict[str, float]:
    """In the stack's environment: what was done → how often a second."""
    import django  # noqa: PLC0415  # settings are read from the environment of the stack

    django.setup(set_prefix=False)
    from tests.fixtures import area, person  # noqa: PLC0415  # apps must be loaded first

    from shizhu.engines.cases import api  # noqa: PLC0415
    from shizhu.engines.cases.models import Case, Task  # noqa: PLC0415
    from shizhu.kernel import access, packs  # noqa: PLC0415
    from shizhu.kernel.models import County, Declaration  # noqa: PLC0415
    from shizhu.lib import dmn  # noqa: PLC0415

    model = dmn.read_model(DMN.encode())
    if dmn.decide(model, "level", GIVEN).value != "3高":
        raise RuntimeError("the table decides otherwise")
    county = County.objects.get()
    Declaration.objects.create(
        kind="flows", key="local.bench", county=county, body={"text": FLOW}, digest="bench", source="person"
    )
    packs.forget()
    who = access.actor(person(county, "cases.case.view", username="bench"))
    opening: Any = api.Opening("local.bench", "bench", area(county), {"rounds": 1_000_000})
    turns = itertools.cycle([api.open_case(opening).pk for _ in range(CASES)])

    def step() -> None:
        api.answer(who, Task.objects.get(case=next(turns), status=Task.Status.READY).pk, {})

    told = {
        "decisions": feel.rate(lambda: dmn.decide(model, "level", GIVEN), seconds),
        "steps": feel.rate(step, seconds),
    }
    if Case.objects.filter(status=Case.Status.OPEN).count() != CASES:
        raise RuntimeError("a case has ended")
    return told


if __name__ == "__main__":
    print(json.dumps(measured(float(sys.argv[1]))))
