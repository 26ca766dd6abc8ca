"""Items of a parallel approval that are needed only where its application says so."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from typing import Any

import docx
import pytest
from tests.engines.cases.test_approvals import decide, ready
from tests.fixtures import TOY, area, person
from tests.web.pages import browser, text, told

from shizhu.engines.cases import api, approvals, results
from shizhu.engines.cases.logic import parse
from shizhu.engines.cases.logic.approval import written
from shizhu.engines.cases.models import Case, Task
from shizhu.kernel import packs, testing
from shizhu.kernel.models import County, Person

pytestmark = pytest.mark.django_db
KEY = "lemonade.night_stall"


@pytest.fixture
def staff(county: County) -> dict[str, Person]:
    return {
        "maker": person(county, role="lemonade.maker", username="maker"),
        "taster": person(county, role="lemonade.taster", username="taster", of="kitchen"),
    }


def applied(county: County, **told: Any) -> Case:
    return api.open_case(api.Opening(KEY, "夜摊", area(county, "101"), {"source": "person", **told}))


def states(case: Case) -> dict[str, str]:
    return {line.item.id: line.state for line in approvals.standing(Case.objects.get(pk=case.pk)).lines}


@pytest.mark.parametrize(
    ("told", "path", "serial", "parallel"),
    [
        ({"size": 12, "lamp": True}, ("fire", "light", "open"), 18, 15),
        ({"size": 12, "lamp": False}, ("fire", "open"), 14, 11),
        ({"size": 9.5, "lamp": True}, ("light", "open"), 9, 6),
        ({"size": 9.5, "lamp": False}, ("place", "open"), 5, 5),
        ({}, ("fire", "light", "open"), 18, 15),  # what nobody said leaves nothing out
    ],
)
def test_days_and_critical_path_are_of_the_items_that_are_needed(
    county: County, staff: dict[str, Person], told: dict[str, Any], path: tuple[str, ...], serial: int, parallel: int
) -> None:
    case = applied(county, **told)
    standing = approvals.standing(case)
    assert (standing.path, standing.serial, standing.parallel) == (path, serial, parallel)
    assert standing.likely is not None
    assert set(ready(case)) == {"place", *path[:1]}


def test_an_item_that_is_not_needed_is_left_out_with_its_reason(county: County, staff: dict[str, Person]) -> None:
    small = applied(county, size=9.5, lamp=False, applicant="某某")
    assert states(small) == {"place": "ready", "fire": "left_out", "light": "left_out", "open": "ahead"}
    clerk = browser(staff["maker"])
    answer = clerk.get(f"/cases/{small.pk}/approval/")
    assert [text(answer).count(f"无需办理 仅在{one}时需要") for one in ("面积不小于 10 平方米", "要点灯")] == [1, 1]
    ways = [[way["css"] for way in drawing["ways"]] for drawing in answer.context["drawings"]]
    assert ways == [["is-passed"] * 3 + ["is-critical"] * 3] * 2
    lit = clerk.get(f"/cases/{applied(county, size=9.5, lamp=True).pk}/approval/")
    ways = [sorted(way["css"] for way in drawing["ways"]) for drawing in lit.context["drawings"]]
    assert ways == [["is-critical"] * 4 + ["is-passed", "plain"]] * 2  # it leads over what is left out
    applicant = f"/r/a/{results.secret_of(small)}"
    assert "消防 kitchen 无需办理 仅在面积不小于 10 平方米时需要" in text(clerk.get(applicant))
    for step in ("place", "open"):
        decide(small, staff["maker"], step)
    small.refresh_from_db()
    assert (small.status, small.ended_at) == ("closed", "granted")
    assert list(Task.objects.filter(case=small).order_by("pk").values_list("step", flat=True)) == ["place", "open"]
    assert [one.state for one in results.result_set(small)] == ["granted", "left_out", "left_out", "granted"]
    assert text(clerk.get(applicant)).count("消防") == 1  # and none among the results
    archive = zipfile.ZipFile(io.BytesIO(clerk.get(f"/cases/{small.pk}/results.zip").content))
    listed = docx.Document(io.BytesIO(archive.read(archive.namelist()[0])))
    assert "消防：仅在面积不小于 10 平方米时需要；照明：仅在要点灯时需要。" in [one.text for one in listed.paragraphs]


def test_the_end_is_told_once_all_have_come_to_it(county: County, staff: dict[str, Person]) -> None:
    """Two items that nothing waits for: the one that is done first is not the end."""
    toy = packs.read(TOY)
    body = next(item.body for item in toy.declared if (item.kind, item.key) == ("approvals", KEY))
    items = {
        id_: {**item, "after": [one for one in item.get("after", ()) if one != "light"]}
        for id_, item in body["items"].items()
    }
    flow = parse(written(KEY, {**body, "items": items}).encode(), key=KEY)
    (end,) = [node for node in flow.scope.nodes if node.step.id == "granted"]
    assert [line.source for line in flow.scope.lines if line.target == end.step.id] == ["all"]


def test_a_form_to_begin_with_has_no_field_called_as_what_every_case_has() -> None:
    """A field `area` would have the town's value, and the town the field's."""
    toy = packs.read(TOY)
    form = next(item for item in toy.declared if (item.kind, item.key) == ("forms", "lemonade.order"))
    more = {
        **form.body["properties"],
        "area": {"x-title": "面积", "type": "number"},
        "source": form.body["properties"]["title"],
    }
    changed = replace(form, body={**form.body, "properties": more})
    other = replace(toy, declared=tuple(changed if one is form else one for one in toy.declared))
    flow = next(item for item in toy.declared if (item.kind, item.key) == ("flows", "lemonade.order"))
    rule = "every case has something of this name; call the field otherwise"
    assert packs.problems_of(packs.kinds()["flows"], flow, {"lemonade": other}) == [
        f"order_in: lemonade.order: {name}: {rule}" for name in ("area", "source")
    ]


def test_the_window_is_asked_for_what_decides_it(county: County, staff: dict[str, Person]) -> None:
    clerk = browser(staff["maker"])
    assert "4 个审批事项，其中 2 项视情况办理" in text(clerk.get("/cases/approvals/"))
    page = text(clerk.get(f"/cases/new/{KEY}/"))
    assert "受理 · 开夜间摊位" in page
    asked = ("面积（平方米）", "要点灯", "消防：平面图", "仅在面积不小于 10 平方米时需要")
    assert [one for one in asked if one not in page] == []
    sent = {"area": area(county, "101").code, "title": "夜摊", "applicant": "某某", "size": "9.5"}
    before = testing.everything_kept()
    assert "要点灯" in text(clerk.post(f"/cases/new/{KEY}/", sent))
    assert testing.everything_kept() == before
    answer = clerk.post(f"/cases/new/{KEY}/", {**sent, "lamp": "yes"}, follow=True)
    assert told(answer) == [f"已受理，编号 {Case.objects.get().number}。"]
    assert states(Case.objects.get()) == {"place": "ready", "fire": "left_out", "light": "ready", "open": "ahead"}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            {"asks": {"size": {"x-title": "面积", "type": "number"}}},
            "items.light.when.that: lamp: `asks` has no such field",
        ),
        ({"asks": None}, "items.fire.when.that: size: `asks` has no such field"),
        ({"that": "size >="}, "items.fire.when.that: "),
        ({"that": "lamp"}, "asks.size: no item depends on it"),
        ({"more": {"title": {"x-title": "名", "type": "string"}}}, "asks.title: is the name of something else"),
        ({"only": ["fire", "light"]}, "items: one at least must be needed always, without `when`"),
    ],
)  # fmt: skip
def test_a_condition_that_does_not_fit_is_told_with_its_place(change: dict[str, Any], told: str) -> None:
    toy = packs.read(TOY)
    body = next(item.body for item in toy.declared if (item.kind, item.key) == ("approvals", KEY))
    items = {id_: {**item} for id_, item in body["items"].items() if id_ in change.get("only", body["items"])}
    if "that" in change:
        items["fire"] = {**items["fire"], "when": {**items["fire"]["when"], "that": change["that"]}}
    asks = {**(change.get("asks", body["asks"]) or {}), **change.get("more", {})}
    made = {**body, "asks": asks, "items": items}
    item = packs.Declared("approvals", KEY, made if asks else {k: v for k, v in made.items() if k != "asks"}, "x.yaml")
    assert any(one.startswith(told) for one in packs.problems_of(packs.kinds()["approvals"], item, {"lemonade": toy}))
