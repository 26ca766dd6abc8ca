"""The service hall: what is granted is a row of the register of papers, told of before it ends."""

from __future__ import annotations

import dataclasses
from datetime import date, timedelta

import pytest
from django.utils import timezone

from shizhu.engines.cases import api, testing
from shizhu.engines.cases.models import Case, Task
from shizhu.engines.plan import counting
from shizhu.engines.plan.periods import period_of
from shizhu.engines.records import api as records
from shizhu.kernel import access, datasets, packs
from shizhu.kernel.testing import PackTests, Trial, everything_kept

pytestmark = pytest.mark.django_db
FOOD = {"granted": True, "said": "合格", "number": "JY1", "valid_from": "2026-11-30", "valid_to": "2026-12-20"}


class Hall(PackTests):
    """The pack in a county of its own."""

    folder = packs.BUNDLED / "hall"


def decided(trial: Trial, step: str, **given: object) -> None:
    task = Task.objects.get(step=step, status="ready")
    api.answer(access.actor(trial.person(task.role)), task.pk, {**FOOD, **given})


def test_what_is_granted_is_registered_and_told_of_before_it_ends() -> None:
    trial = Hall().trial()
    case = testing.opened(trial, "hall.restaurant")
    decided(trial, "licence", number="91500000", valid_to="")
    decided(trial, "food", conditions="不含冷食类")
    decided(trial, "fire", granted=False, rule="消防法第十五条")
    rows = records.query(access.actor(trial.root), trial.county.pk, "hall.paper", records.Query(order="code")).entries
    assert [(one.key, one.data["number"], one.data.get("valid_to"), one.data["holder"]) for one in rows] == [
        (f"{case.number}-food", "JY1", "2026-12-20", "样**"), (f"{case.number}-licence", "91500000", None, "样**"),
    ]  # fmt: skip
    assert [one.organisation.code for one in rows] == ["market", "market"]
    (soon,) = records.expiring(trial.county.pk, date(2026, 12, 1))
    assert (soon.title, soon.on) == ("食品经营许可证", date(2026, 12, 20))
    assert trial.person("hall.market").pk in soon.editors
    looker, window = (access.actor(trial.person(role)) for role in ("hall.papers", "hall.window"))
    assert len(records.query(looker, trial.county.pk, "hall.paper", records.Query()).entries) == 2
    assert not window.has("records.hall.paper.view")  # of its own body alone it would see none
    testing.opened(trial, "hall.restaurant")
    before = everything_kept()
    with pytest.raises(api.AnswerRefused, match=case.number):
        decided(trial, "licence", number="91500000")
    assert everything_kept() == before


def declared(kind: str) -> dict[str, packs.Body]:
    return {item.key: item.body for item in Hall().pack.declared if item.kind == kind}


def test_the_board_and_the_indicators_count_the_applications_of_every_approval() -> None:
    trial = Hall().trial()
    refused = {"hall.restaurant": "fire", "hall.shop": "sign"}
    assert refused.keys() == declared("approvals").keys()
    for flow, step in refused.items():
        testing.opened(trial, flow)
        decided(trial, "licence", number=flow)
        decided(trial, step, granted=False, rule="条例第六条")
    for flow in refused:
        testing.opened(trial, flow)
    (board,) = declared("boards").values()
    queries = {panel["key"]: panel["query"] for part in board["fields"] for panel in part["panels"]}
    who, now = access.actor(trial.root), timezone.now() + timedelta(minutes=1)
    found = {key: datasets.ask(datasets.Asked(queries[key], who, trial.county.pk, now)) for key in ("open", "accepted")}
    assert {key: sum(row.cells[-1] for row in one.rows) for key, one in found.items()} == {"open": 2, "accepted": 4}
    inputs = {
        f"{key}.{name}": given for key, one in declared("indicators").items() for name, given in one["inputs"].items()
    }
    days = {"closed_at": {timezone.localdate()}, "due_at": {case.due_at.date() for case in Case.objects.all()}}
    months = {by: {period_of("P1M", day) for day in given} for by, given in days.items()}
    counted = {
        name: sum(counting.count(given, trial.county.pk, month) for month in months[given["by"]])
        for name, given in inputs.items()
    }
    assert counted == {
        "hall.closed_in_time.closed": 2, "hall.closed_in_time.due": 4, "hall.in_parallel.parallel": 0,
        "hall.in_parallel.several": 2, "hall.one_visit.once": 2, "hall.one_visit.closed": 2,
    }  # fmt: skip
    assert {of["of"] for of in (*queries.values(), *inputs.values())} == {"hall"}


def test_an_indicator_counts_flows_of_its_own_pack_alone() -> None:
    (item,) = (one for one in Hall().pack.declared if one.key == "hall.one_visit" and one.kind == "indicators")
    everything = {"hall": Hall().pack, "rivers": packs.read(packs.BUNDLED / "rivers")}
    for wrong in ("rivers", "hall.nothing", "nobody"):
        inputs = {**item.body["inputs"], "once": {**item.body["inputs"]["once"], "of": wrong}}
        other = dataclasses.replace(item, body={**item.body, "inputs": inputs})
        told = list(packs.problems_of(packs.kinds()["indicators"], other, everything))
        assert told == [f"inputs.once.of: {wrong}: the pack declares no such flow"]


def test_a_role_that_may_not_register_what_it_grants_is_told_at_the_check() -> None:
    pack = Hall().pack
    roles = {name: {**role, "verbs": ["cases.case.view"]} for name, role in pack.body["roles"].items()}
    weak = dataclasses.replace(pack, body={**pack.body, "roles": roles})
    (item,) = (one for one in pack.declared if one.key == "hall.restaurant" and one.kind == "approvals")
    told = list(packs.problems_of(packs.kinds()["approvals"], item, {"hall": weak}))
    assert told[0] == "items.licence: hall.market: must have the verb records.hall.paper.create"
    assert len(told) == 5
