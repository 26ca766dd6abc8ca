"""Invented plans of different kinds read the same from text in five layouts, Word, PDF and a page of the web."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from tests.engines.plan.reader.invented import PLANS
from tests.engines.plan.reader.told import box_of, in_tables, row_of, target_of, task_of
from tests.engines.plan.reader.writing import LAYOUTS, Block, as_pdf, as_text, as_web, as_word

from shizhu.engines.plan.logic.opening import open_file
from shizhu.engines.plan.logic.reader import read

FORMS: dict[str, Callable[[Sequence[Block]], bytes]] = {
    "docx": as_word,
    "pdf": lambda blocks: as_pdf(blocks, head="征求意见稿"),
    "three rules": lambda blocks: as_pdf(blocks, head="征求意见稿", rules="three"),
    "tight": lambda blocks: as_pdf(blocks, rules="tight"),
    "none": lambda blocks: as_pdf(blocks, rules="none"),
    "web": as_web,
    **{layout: lambda blocks, layout=layout: as_text(blocks, layout).encode() for layout in LAYOUTS},
}


READ_IN = [(name, form) for name, plan in PLANS.items() for form in FORMS if form not in getattr(plan, "NOT_IN", ())]


@pytest.mark.parametrize(("name", "form"), READ_IN)
def test_a_plan_reads_the_same_in_every_form(name: str, form: str) -> None:
    plan = PLANS[name]
    document = read(open_file(name, FORMS[form](plan.BLOCKS)).text)
    assert [row_of(item) for item in in_tables(document)] == plan.INDICATORS
    sentences = [target_of(item) for item in document.indicators if item.found_in == "sentence"]
    assert sorted(sentences, key=str) == sorted(plan.TARGETS, key=str)
    assert [task_of(task) for task in document.tasks] == plan.TASKS
    assert [box_of(box) for box in document.boxes] == plan.BOXES
    assert [(item.rule, item.subject) for item in document.contradictions] == plan.CONTRADICTIONS
    doubts = [(doubt.rule, doubt.what) for doubt in document.unsure]
    assert [told for told in plan.UNSURE if told not in doubts] == []


def test_every_fact_keeps_its_place() -> None:
    opened = open_file("baisha", as_word(PLANS["baisha_ecology"].BLOCKS))
    lines = opened.text.split("\n")
    document = read(opened.text)
    for item in document.indicators:
        around = "".join(lines[item.place.first - 1 : item.place.last])
        assert item.name.split("（")[0] in around.replace("<br>", "") or item.found_in == "sentence"
        assert str(item.target.text or "") in around.replace("(", "（") or item.found_in == "sentence"
    values = [mark.value for item in in_tables(document) for mark in item.milestones]
    assert values == PLANS["baisha_ecology"].MILESTONES
