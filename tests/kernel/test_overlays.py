"""What a county declares itself is kept apart from packs, checked like them, never lost, and of that county alone."""

from __future__ import annotations

from typing import Any

import pytest
from tests.fixtures import TOY, person

from shizhu.kernel import access, overlays, packs, testing
from shizhu.kernel.models import County, Declaration, Grant, Role

pytestmark = pytest.mark.django_db
WELL: dict[str, Any] = {
    "title": "水井",
    "x-shizhu": {"key": "code", "list": ["code"]},
    "properties": {"code": {"type": "string"}, "grower": {"type": "string", "x-shizhu-ref": "lemonade.grower"}},
    "required": ["code"],
}
PUMP = {**WELL, "title": "泵", "properties": {**WELL["properties"], "well": {"x-shizhu-ref": "local.well"}}}


def save(county: County, name: str, body: dict[str, Any], read: str = "") -> Declaration:
    return overlays.save(county.pk, "registers", f"local.{name}", body, read=read)


def test_it_is_read_before_what_packs_declare_and_no_sync_touches_it(county: County) -> None:
    made = save(county, "well", WELL)
    before = Declaration.objects.filter(pk=made.pk).values().get()
    Declaration.objects.filter(source="pack").update(digest="old")
    packs.sync(
        [packs.LoadedPack("lemonade", TOY, {**packs.read(TOY).body, "version": "9.0.0"}, packs.read(TOY).declared)]
    )
    assert Declaration.objects.filter(pk=made.pk).values().get() == before
    assert packs.declaration("registers", "local.well", county.pk) == WELL
    assert "local.well" not in packs.declarations("registers", None)


def test_it_obeys_the_check_of_packs_and_nothing_is_kept_otherwise(county: County) -> None:
    before = testing.everything_kept()
    wrong = {**WELL, "required": ["nothing"]}
    with pytest.raises(overlays.Refused, match="required: nothing: there is no such field"):
        save(county, "well", wrong)
    with pytest.raises(overlays.Refused, match="the register local.well, which nobody declares"):
        save(county, "pump", PUMP)
    assert testing.everything_kept() == before


def test_several_that_refer_to_each_other_are_taken_together_or_not_at_all(county: County) -> None:
    before = testing.everything_kept()
    with pytest.raises(overlays.Refused, match=r"local\.pump"):
        overlays.take(county.pk, {("registers", "local.pump"): PUMP, ("registers", "local.other"): WELL})
    assert testing.everything_kept() == before
    overlays.take(county.pk, {("registers", "local.pump"): PUMP, ("registers", "local.well"): WELL})
    assert sorted(row.key for row in overlays.own(county.pk)) == ["local.pump", "local.well"]
    with pytest.raises(overlays.Stale):
        overlays.take(county.pk, {("registers", "local.well"): WELL})


def test_nobody_writes_over_a_version_they_have_not_read(county: County) -> None:
    first = save(county, "well", WELL).digest
    second = save(county, "well", {**WELL, "title": "井"}, first).digest
    for read in ("", first):
        with pytest.raises(overlays.Stale):
            save(county, "well", {**WELL, "title": "别的"}, read)
    assert Declaration.objects.get(key="local.well").digest == second


def test_it_is_withdrawn_unless_needed_and_its_history_tells_all(county: County) -> None:
    made = save(county, "well", WELL)
    save(county, "pump", PUMP)
    with pytest.raises(
        overlays.Refused,
        match=r"local\.pump: well: the field “.+” points at the register local\.well, which nobody declares",
    ):
        overlays.withdraw(county.pk, "registers", "local.well")
    overlays.withdraw(county.pk, "registers", "local.pump")
    overlays.withdraw(county.pk, "registers", "local.well")
    assert packs.declarations("registers", county.pk).keys() == packs.declarations("registers", None).keys()
    save(county, "well", {**WELL, "title": "井"}, made.digest)
    steps = overlays.history(Declaration.objects.get(key="local.well"))
    assert [(step.action, step.new["title"]) for step in steps] == [
        ("created", "水井"), ("withdrawn", "水井"), ("restored", "井"),
    ]  # fmt: skip
    assert [step.old and step.old["title"] for step in steps] == [None, "水井", "水井"]


def test_a_fault_that_was_there_before_forbids_nothing_else(county: County) -> None:
    save(county, "well", WELL)
    county.packs.all().delete()
    packs.forget()
    assert overlays.problems(overlays.everything(county.pk)).keys() == {("registers", "local.well")}
    save(county, "other", {**WELL, "properties": {"code": {"type": "string"}}})


def test_a_grant_holds_in_its_county_on_its_own_things_alone(county: County) -> None:
    other = testing.made_up_county("990002")
    here = person(county, role="lemonade.maker", username="here", in_area="101")
    there = person(other, role="lemonade.maker", username="there")
    overlays.grant(county.pk, "records.local.well", {"lemonade.maker": {"view", "edit"}})
    assert access.actor(here).has("records.local.well.view")
    assert not access.actor(there).has("records.local.well.view")
    assert "records.local.well.view" not in Role.objects.get(pk="lemonade.maker").verbs
    overlays.grant(county.pk, "records.local.well", {"lemonade.maker": {"view"}, "lemonade.taster": {"view"}})
    assert overlays.granted(county.pk, "records.local.well") == {
        "lemonade.maker": {"view"},
        "lemonade.taster": {"view"},
    }
    assert not access.actor(here).has("records.local.well.edit")
    for prefix in ("records.lemonade.stall", "kernel.person", "records.local"):
        with pytest.raises(ValueError, match="on what it declares itself alone"):
            overlays.grant(county.pk, prefix, {"lemonade.maker": {"view"}})
    labels = Grant.pgh_event_model.objects.order_by("pgh_id").values_list("pgh_label", "verb")  # type: ignore[attr-defined]
    assert list(labels)[-2:] == [
        ("delete", "records.local.well.edit"), ("insert", "records.local.well.view"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("where", "has"), [({}, True), ({"in_area": "101"}, False), ({"of": "stand"}, False)], ids=["all", "town", "stand"]
)
def test_a_right_for_the_whole_county_is_held_at_both_its_roots(
    county: County, where: dict[str, str], *, has: bool
) -> None:
    who = access.actor(person(county, overlays.EDIT, username="who", **where))
    assert access.has_county(who, overlays.EDIT, county.pk) is has
    assert not access.has_county(who, overlays.EDIT, "990002")
    assert not access.has_county(access.ANYBODY, overlays.EDIT, county.pk)


def test_a_free_name_is_made_of_pinyin() -> None:
    assert overlays.free_stem("水井", (), "x") == "shui_jing"
    assert overlays.free_stem("水井", {"shui_jing"}, "x") == "shui_jing2"
    assert overlays.free_stem("12号", (), "field") == "field"
    assert overlays.STEM.fullmatch(overlays.free_stem("很" * 60, (), "x"))
