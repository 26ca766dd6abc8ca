"""The service hall: what is granted is a row of the register of papers, told of before it ends."""

from __future__ import annotations

import dataclasses
from datetime import date, timedelta

import pytest
from django.utils import timezone

from shizhu.engines.cases import api, testing
from shizhu.engines.cases.models import Task
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
    testing.opened(trial, "hall.restaurant")
    before = everything_kept()
    with pytest.raises(api.AnswerRefused, match=case.number):
        decided(trial, "licence", number="91500000")
    assert everything_kept() == before


def test_the_board_counts_the_applications_of_every_approval() -> None:
    trial = Hall().trial()
    flows = [item.key for item in Hall().pack.declared if item.kind == "approvals"]
    for flow in flows:
        testing.opened(trial, flow)
    (board,) = (item.body for item in Hall().pack.declared if item.kind == "boards")
    queries = {panel["key"]: panel["query"] for part in board["fields"] for panel in part["panels"]}
    who, now = access.actor(trial.root), timezone.now() + timedelta(minutes=1)
    found = {key: datasets.ask(datasets.Asked(queries[key], who, trial.county.pk, now)) for key in ("open", "accepted")}
    assert [sum(row.cells[-1] for row in one.rows) for one in found.values()] == [len(flows)] * 2
    assert [key for key, query in queries.items() if not all(f"'{flow}'" in query["where"] for flow in flows)] == []


def test_a_role_that_may_not_register_what_it_grants_is_told_at_the_check() -> None:
    pack = Hall().pack
    roles = {name: {**role, "verbs": ["cases.case.view"]} for name, role in pack.body["roles"].items()}
    weak = dataclasses.replace(pack, body={**pack.body, "roles": roles})
    (item,) = (one for one in pack.declared if one.key == "hall.restaurant" and one.kind == "approvals")
    told = list(packs.problems_of(packs.kinds()["approvals"], item, {"hall": weak}))
    assert told[0] == "items.licence: hall.market: must have the verb records.hall.paper.create"
    assert len(told) == 5
