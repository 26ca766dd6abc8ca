"""Packs become rows: what a folder says now, and never a change to what a county or a person made."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from tests.fixtures import TOY, person

from shizhu.kernel import access, packs
from shizhu.kernel.models import County, Declaration, EnabledPack, Pack, Role

pytestmark = pytest.mark.django_db
MAKER, TASTER = "[cases.case.view, cases.patrol.walk, records.lemonade.stall.view]", "[cases.case.view]"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the toy pack that may be changed."""
    return Path(shutil.copytree(TOY, tmp_path / "lemonade"))


def rows() -> dict[str, dict[str, Any]]:
    """kind/key → row of everything declared."""
    return {f"{row['kind']}/{row['key']}": row for row in Declaration.objects.values()}


def sync(folder: Path) -> int:
    return packs.sync([packs.read(folder)])


def edit(folder: Path, name: str, old: str, new: str) -> None:
    text = (folder / name).read_text(encoding="utf-8")
    (folder / name).write_text(text.replace(old, new), encoding="utf-8")


def test_the_first_sync_makes_every_row_and_the_second_none(folder: Path) -> None:
    declared = packs.read(folder).declared
    assert sync(folder) == 1 + len(declared) + 2
    before = rows(), list(Role.objects.values()), list(Pack.objects.values())
    assert sorted(before[0]) == sorted(f"{item.kind}/{item.key}" for item in declared)
    assert sync(folder) == 0
    assert (rows(), list(Role.objects.values()), list(Pack.objects.values())) == before


def test_a_changed_file_changes_its_row_alone(folder: Path) -> None:
    sync(folder)
    before = rows()
    edit(folder, "rules/too_warm.yaml", "above: 30", "above: 28")
    assert sync(folder) == 2  # the pack and the rule
    after = rows()
    changed = {key for key in after if after[key] != before[key]}
    assert (changed, after.keys()) == ({"rules/lemonade.too_warm"}, before.keys())
    assert after["rules/lemonade.too_warm"]["id"] == before["rules/lemonade.too_warm"]["id"]
    assert packs.declaration("rules", "lemonade.too_warm", None)["when"]["above"] == 28


def test_a_removed_file_takes_its_row_with_it(folder: Path) -> None:
    sync(folder)
    before = rows()
    (folder / "rules/too_warm.yaml").unlink()
    assert sync(folder) == 2
    del before["rules/lemonade.too_warm"]
    assert rows() == before
    with pytest.raises(KeyError):
        packs.declaration("rules", "lemonade.too_warm", None)


def test_what_a_county_or_a_person_declared_survives_every_sync(county: County, folder: Path) -> None:
    own = {"title": {"zh": "本县规则", "en": "Our rule"}}
    Declaration.objects.create(kind="rules", key="local.ours", county=county, body=own, digest="x", source="person")
    Declaration.objects.create(
        kind="rules", key="lemonade.too_warm", county=county, body=own, digest="y", source="county"
    )
    before = list(Declaration.objects.exclude(source="pack").values())
    edit(folder, "rules/too_warm.yaml", "above: 30", "above: 28")
    (folder / "rules/nearly_empty.yaml").unlink()
    sync(folder)
    sync(TOY)
    packs.forget()
    assert list(Declaration.objects.exclude(source="pack").values()) == before
    assert packs.declarations("rules", county.pk)["local.ours"] == own


def test_a_county_sees_its_own_packs_and_declarations_alone(county: County) -> None:
    other = County.objects.create(code="990002", name="乙县")
    Declaration.objects.create(kind="rules", key="local.ours", county=county, body={}, digest="x", source="person")
    packs.forget()
    assert sorted(packs.declarations("rules", county.pk)) == [
        "lemonade.nearly_empty",
        "lemonade.too_warm",
        "local.ours",
    ]
    assert packs.declarations("rules", other.pk) == {}
    EnabledPack.objects.all().delete()
    packs.forget()
    assert sorted(packs.declarations("rules", county.pk)) == ["local.ours"]


def test_a_role_gives_what_its_pack_says_now(county: County, folder: Path) -> None:
    maker = person(county, role="lemonade.maker")
    for held in (MAKER, TASTER):
        edit(folder, "pack.yaml", f"verbs: {held}", "verbs: [records.lemonade.stall.edit]")
    assert sync(folder) == 3  # the pack and two roles
    assert access.actor(maker).has("records.lemonade.stall.edit") is True
    assert access.actor(maker).has("cases.case.view") is False


def test_a_role_that_is_no_more_gives_no_right_and_keeps_its_posts(county: County, folder: Path) -> None:
    maker = person(county, role="lemonade.maker")
    edit(folder, "pack.yaml", f"  maker: {{ name: {{ zh: 制作员, en: Maker }}, verbs: {MAKER} }}\n", "")
    assert (sync(folder), sync(folder)) == (2, 0)
    assert access.actor(maker).has("cases.case.view") is False
    assert [post.role_id for post in maker.posts.all()] == ["lemonade.maker"]
    assert sync(TOY) == 2
    assert access.actor(maker).has("cases.case.view") is True


def test_a_role_that_a_person_changed_stays_as_it_is(county: County, folder: Path) -> None:
    Role.objects.filter(pk="lemonade.maker").update(verbs=["maps.map.view"], source="person")
    for held in (MAKER, TASTER):
        edit(folder, "pack.yaml", f"verbs: {held}", "verbs: [records.*]")
    sync(folder)
    assert dict(Role.objects.values_list("pk", "verbs").filter(pk__startswith="lemonade.")) == {
        "lemonade.maker": ["maps.map.view"],
        "lemonade.taster": ["records.*"],
    }


def test_declarations_keep_the_order_of_their_file(county: County) -> None:
    body = packs.declaration("things", "lemonade.jug", None)
    assert list(body) == ["title", "sensor", "shown", "properties", "commands", "updates"]


def test_what_cannot_be_read_or_does_not_belong_is_named(folder: Path) -> None:
    (folder / "rules/cold.yaml").write_text("title: [", encoding="utf-8")
    (folder / "views").mkdir()
    (folder / ".cache").mkdir()
    loaded = packs.read(folder)
    first, second = packs.problems(loaded, {"lemonade": loaded})
    assert first == (
        "lemonade/rules/cold.yaml: line 2, column 1: did not find expected node content; "
        "a text that begins with - or holds one of { } [ ] , : # stands in quotes"
    )
    assert second == f"lemonade/views: a pack may not hold this; kinds are {', '.join(sorted(packs.kinds()))}"


def test_a_file_that_older_programs_saved_or_with_a_day_that_is_none_is_named_and_the_rest_is_read(
    folder: Path,
) -> None:
    whole = len(packs.read(folder).declared)
    (folder / "rules/cold.yaml").write_bytes("title: 太冷".encode("gbk"))
    (folder / "rules/warm.yaml").write_text("since: 2026-02-30", encoding="utf-8")
    (folder / "flows/fetch.bpmn").write_bytes('<a name="太冷"/>'.encode("gbk"))
    loaded = packs.read(folder)
    assert packs.problems(loaded, {"lemonade": loaded})[:3] == [
        "lemonade/rules/cold.yaml: byte 10: is no UTF-8; save the file as UTF-8",
        "lemonade/rules/warm.yaml: line 1, column 8: '2026-02-30' is no timestamp that can be kept",
        "lemonade/flows/fetch.bpmn: byte 12: is no UTF-8; save the file as UTF-8",
    ]
    assert len(loaded.declared) == whole


def test_slips_that_would_only_show_in_a_running_case_are_named(folder: Path) -> None:
    edit(folder, "flows/order.bpmn", "answers.taste.good = true", "answers.taste.godo = true")
    edit(
        folder,
        "flows/order.bpmn",
        '<camunda:property name="en" value="Make" />',
        '<camunda:property name="stgae" value="制作" />',
    )
    edit(folder, "flows/order.bpmn", 'name="品尝" camunda', 'name="尝尝" camunda')
    edit(folder, "forms/taste.yaml", "required: [good]", "required: [good, why]")
    edit(folder, "forms/make.yaml", "x-widget: photo, ", "")
    edit(folder, "forms/taste.yaml", "type: boolean", "type: boolean, x-hlep: 甜吗")
    loaded = packs.read(folder)
    assert packs.problems(loaded, {"lemonade": loaded}) == [
        "lemonade/flows/order.bpmn: make: property 'stgae' is not read here; known are "
        "after, assign, clock, en, key, not_by, organisation, role, stage, void, with",
        "lemonade/flows/order.bpmn: yes: answers.taste.godo: the form lemonade.taste asks for no such field; "
        "it asks for good",
        "lemonade/flows/order.bpmn: taste: '尝尝' is none of the stages of the process (下单、制作、品尝、交付); "
        "name one in its property `stage`",
        "lemonade/forms/make.yaml: photos: array: a list is of photos or files (x-widget: photo, file); "
        "ask for text and split it in FEEL",
        "lemonade/forms/taste.yaml: good: 'x-hlep' is not read here; known are x-begins, x-choices, x-help, "
        "x-shizhu-ref, x-title, x-widget and the keywords of JSON Schema",
        "lemonade/forms/taste.yaml: required: why: the form has no such field: nobody could send it",
    ]


def test_an_installed_pack_is_found_by_its_entry_point(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = tmp_path / "installed"
    shutil.copytree(folder, installed / "shizhu_lemonade")
    (installed / "shizhu_lemonade/__init__.py").write_text('"""Lemonade."""\n')
    about = installed / "shizhu_lemonade-0.1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: shizhu-lemonade\nVersion: 0.1.0\n")
    (about / "entry_points.txt").write_text("[shizhu.packs]\nlemonade = shizhu_lemonade\n")
    assert "lemonade" not in packs.read_all()
    monkeypatch.syspath_prepend(installed)
    assert packs.read_all()["lemonade"].folder == installed / "shizhu_lemonade"
