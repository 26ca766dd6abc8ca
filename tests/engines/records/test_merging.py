"""Two rows made one: what was chosen stays, what referred to the other follows, it can be undone, and nothing leaks."""

from __future__ import annotations

import io
from typing import Any

import pytest
import shapely
from django.core.exceptions import PermissionDenied
from django.test import Client
from PIL import Image
from tests.engines.records.permits import browser, problems, stored
from tests.fixtures import person

from shizhu.engines.records import api, attachments, duplicates, merging, traits
from shizhu.engines.records.models import Merge, Pair, Record
from shizhu.kernel import access
from shizhu.kernel.models import County, OutboxEvent, Person

pytestmark = pytest.mark.django_db
pytest_plugins = ["tests.engines.records.stalls"]
REGULAR = "lemonade.regular"
LIST = f"/records/{REGULAR}/"


@pytest.fixture
def regular(county: County, root: access.Actor) -> Any:
    """Makes regulars R001, R002 …; keyword arguments become data."""
    made: list[api.Entry] = []

    def make(*, area: str = "101", of: str = "stand", by: Any = None, at: Any = None, **data: Any) -> api.Entry:
        row = {"code": f"R{len(made) + 1:03}", "name": f"{chr(0x4E00 + 700 * len(made))}某人", **data}
        place = shapely.Point(at) if at else None
        made.append(
            api.create(by or root, county.pk, REGULAR, row, organisation=of, area=f"{county.pk}{area}", geometry=place)
        )
        return made[-1]

    return make


@pytest.fixture
def client(root: access.Actor) -> Client:
    return browser(Person.objects.get(username="root"))


def pair(county: County) -> Pair:
    """The one open pair after a worker looked."""
    traits.trace(county.pk)
    duplicates.pair(county.pk)
    return Pair.objects.get(state="open")


def image(colour: str) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (8, 8), colour).save(out, "PNG")
    return out.getvalue()


def everything() -> list[Any]:
    rows = Record.objects.order_by("pk").values_list("pk", "version", "state", "data", "area", "organisation")
    return [*rows, OutboxEvent.objects.count(), Merge.objects.count()]


def test_the_survivor_has_what_was_chosen_and_the_other_leads_to_it(
    county: County, regular: Any, root: access.Actor, client: Client
) -> None:
    kept = regular(name="李丽", company="兴农科技", note="甲", phone="13800000001")
    gone = regular(
        name="李莉",
        company="兴农科技公司",
        note="乙",
        phone="13800000002",
        home="人民路1号",
        area="102",
        at=(100.2, 30.5),
    )
    chosen = {"note": "other", "phone": "other", "home": "other", "_area": "other", "_geometry": "other"}
    made = api.merge(root, kept.id, gone.id, (1, 1), chosen)
    assert (made.key, made.title, made.version, made.area.code) == ("R001", "李丽", 2, f"{county.pk}102")
    assert (made.geometry.x, made.geometry.y) == (100.2, 30.5)
    assert stored(kept.id) == {
        "code": "R001", "name": "李丽", "company": "兴农科技", "note": "乙", "phone": "13800000002",
        "home": "人民路1号",
    }  # fmt: skip
    other = Record.objects.get(pk=gone.id)
    assert (other.state, other.version, other.data["note"]) == ("withdrawn", 2, "乙")
    assert api.survivor_of(county.pk, REGULAR, "R002") == "R001"
    assert api.keys_of(county.pk, REGULAR, "R001") == ("R001", "R002")
    assert client.get(f"{LIST}key/R002").headers["Location"] == f"{LIST}{kept.id}/"
    assert "Merged into" in client.get(f"{LIST}{gone.id}/").content.decode()
    assert "Merged into this record" in client.get(f"{LIST}{kept.id}/").content.decode()
    with pytest.raises(api.Refused) as refused:
        api.restore(root, gone.id, 2)
    assert problems(refused) == [("_state", "merged")]


def test_references_follow_at_any_depth_and_come_back(county: County, regular: Any, root: access.Actor) -> None:
    kept, gone = regular(), regular()
    one = regular(friend="R002", visits=[{"day": "2026-01-01", "company": "R002"}, {"day": "2026-01-02"}])
    two, other = regular(friend="R002"), regular(friend="R001")
    api.withdraw(root, two.id, 1)
    api.merge(root, kept.id, gone.id, (1, 1), {})
    assert Record.objects.get(pk=kept.id).version == 1  # it has all it had
    assert stored(one.id)["friend"] == stored(two.id)["friend"] == "R001"
    assert stored(one.id)["visits"] == [{"day": "2026-01-01", "company": "R001"}, {"day": "2026-01-02"}]
    assert [row.version for row in Record.objects.order_by("pk")] == [1, 2, 2, 3, 1]
    pointing = [e.key for _r, _f, page in api.related(root, county.pk, REGULAR, "R001") for e in page.entries]
    assert sorted(pointing) == ["R003", "R005"]
    api.update(root, one.id, {"friend": None}, 2)
    done = api.undo(root, Merge.objects.get().pk)
    assert done == merging.Undone(is_as_before=True, returned=2, left=0)
    assert stored(one.id)["visits"][0]["company"] == stored(two.id)["friend"] == "R002"
    assert (stored(other.id)["friend"], Record.objects.get(pk=gone.id).state) == ("R001", "active")
    assert api.survivor_of(county.pk, REGULAR, "R002") is None


def test_many_references_are_left_to_a_worker(
    county: County, regular: Any, root: access.Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(merging, "AT_ONCE", 1)
    kept, gone = regular(), regular()
    rows = [regular(friend="R002"), regular(friend="R002")]
    api.merge(root, kept.id, gone.id, (1, 1), {})
    made = Merge.objects.get()
    assert (made.is_moving, [stored(row.id)["friend"] for row in rows]) == (True, ["R002", "R002"])
    with pytest.raises(api.Refused):
        api.undo(root, made.pk)
    merging._later(made.pk)  # as a worker does
    merging._later(made.pk)
    made.refresh_from_db()
    assert (made.is_moving, [stored(row.id)["friend"] for row in rows], len(made.moved)) == (False, ["R001", "R001"], 2)


def test_an_undone_merge_leaves_what_was_changed_since(county: County, regular: Any, root: access.Actor) -> None:
    kept, gone = regular(note="甲"), regular(note="乙", friend="R001")
    api.merge(root, kept.id, gone.id, (1, 1), {"note": "other", "friend": "other"})
    assert stored(kept.id) == {"code": "R001", "name": kept.title, "note": "乙"}  # it introduced not itself
    api.update(root, kept.id, {"company": "丙"}, 2)
    assert api.undo(root, Merge.objects.get().pk).is_as_before is False
    assert (stored(kept.id)["note"], Record.objects.get(pk=gone.id).state) == ("乙", "active")
    with pytest.raises(api.NoRecord):
        api.undo(root, Merge.objects.get().pk)


def test_merged_twice_leads_to_the_last_and_is_undone_from_there(
    county: County, regular: Any, root: access.Actor
) -> None:
    first, second, third = regular(), regular(), regular()
    api.merge(root, second.id, first.id, (1, 1), {})
    api.merge(root, third.id, second.id, (1, 1), {})
    assert api.survivor_of(county.pk, REGULAR, "R001") == "R003"
    assert api.keys_of(county.pk, REGULAR, "R003") == ("R003", "R002", "R001")
    inner, outer = Merge.objects.order_by("pk")
    with pytest.raises(api.Refused) as refused:
        api.undo(root, inner.pk)
    assert problems(refused) == [("_state", "merged.later")]
    api.undo(root, outer.pk), api.undo(root, inner.pk)
    assert set(Record.objects.values_list("state", flat=True)) == {"active"}
    api.merge(root, third.id, first.id, (1, Record.objects.get(pk=first.id).version), {})
    assert api.survivor_of(county.pk, REGULAR, "R001") == "R003"


def test_attachments_of_both_are_the_survivors(county: County, regular: Any, root: access.Actor) -> None:
    clerks = [access.actor(person(county, "*", username=name)) for name in ("one", "two")]
    item = api.register_of(REGULAR, county.pk).fields["papers"]
    names = [
        str(attachments.keep(who, county.pk, item, "a.png", io.BytesIO(image(colour))).pk)
        for who, colour in zip(clerks, ("red", "blue"), strict=True)
    ]
    kept = regular(by=clerks[0], papers=names[:1])
    gone = regular(by=clerks[1], papers=names[1:])
    api.merge(root, kept.id, gone.id, (1, 1), {"papers": "both"})
    assert stored(kept.id)["papers"] == names
    assert attachments.of_record(root, kept.id, names[1]) is not None


def test_who_may_not_change_both_changes_nothing(county: County, regular: Any) -> None:
    kept, gone = regular(note="甲"), regular(note="乙", area="102")
    east = access.actor(person(county, f"records.{REGULAR}.*", in_area="101", username="east"))
    reads = access.actor(person(county, f"records.{REGULAR}.view", username="reads"))
    before = everything()
    with pytest.raises(api.NoRecord) as lacking:
        api.merge(east, kept.id, gone.id, (1, 1), {})
    assert gone.title not in str(lacking.value)
    assert "R002" not in str(lacking.value)
    with pytest.raises(PermissionDenied):
        api.merge(reads, kept.id, gone.id, (1, 1), {})
    assert everything() == before


def test_a_private_value_moves_only_for_who_may_see_both_whole(county: County, regular: Any) -> None:
    kept, gone = regular(note="甲"), regular(phone="13800000002", area="102")
    clerk = person(county, f"records.{REGULAR}.view", f"records.{REGULAR}.edit", username="clerk")
    before = everything()
    with pytest.raises(api.Refused) as refused:
        api.merge(access.actor(clerk), kept.id, gone.id, (1, 1), {"phone": "other"})
    assert problems(refused) == [("phone", "right")]
    assert "138" not in str(refused.value)
    assert everything() == before
    api.merge(access.actor(clerk), kept.id, gone.id, (1, 1), {})
    assert "phone" not in stored(kept.id)


def test_stale_or_withdrawn_rows_are_not_merged(county: County, regular: Any, root: access.Actor) -> None:
    kept, gone = regular(), regular()
    api.update(root, gone.id, {"note": "改了"}, 1)
    before = everything()
    with pytest.raises(api.StaleRecord):
        api.merge(root, kept.id, gone.id, (1, 1), {})
    assert everything() == before
    api.withdraw(root, gone.id, 2)
    before = everything()
    with pytest.raises(api.Refused) as refused:
        api.merge(root, kept.id, gone.id, (1, 3), {})
    assert problems(refused) == [("_state", "withdrawn")]
    assert everything() == before


def test_what_must_be_unique_names_no_row_that_is_hidden(county: County, regular: Any, root: access.Actor) -> None:
    api.prepare_registers()
    kept, gone = regular(), regular(badge="B1")
    api.merge(root, kept.id, gone.id, (1, 1), {"badge": "other"})  # the one that goes is no obstacle
    assert stored(kept.id)["badge"] == "B1"
    hidden = regular(badge="B2", area="102", name="藏某人")
    mine = regular(area="101")
    east = access.actor(person(county, f"records.{REGULAR}.*", in_area="101", username="east"))
    with pytest.raises(api.Refused) as refused:
        api.update(east, mine.id, {"badge": "B2"}, 1)
    assert hidden.key not in str(refused.value.problems[0].message)
    clerk = access.actor(person(county, f"records.{REGULAR}.view", f"records.{REGULAR}.edit", username="clerk"))
    with pytest.raises(api.Refused) as refused:
        api.update(clerk, mine.id, {"badge": "B2"}, 1)
    assert hidden.key not in str(refused.value.problems[0].message)  # whose badge it is would say it


def test_a_pair_that_was_told_apart_is_asked_again_when_it_changes(
    county: County, regular: Any, root: access.Actor, client: Client
) -> None:
    first, _second = regular(company="兴农科技"), regular(company="兴农科枝")
    one = pair(county)
    assert client.post(f"{LIST}duplicates/{one.pk}/two").status_code == 302
    duplicates.pair_all()
    assert not Pair.objects.filter(state="open").exists()
    api.update(root, first.id, {"note": "x"}, 1)
    duplicates.pair_all()
    assert not Pair.objects.filter(state="open").exists()
    api.update(root, first.id, {"company": "兴衣科枝"}, 2)
    assert pair(county).pk == one.pk


def test_the_pages_show_both_and_merge_what_was_ticked(county: County, regular: Any, client: Client) -> None:
    first = regular(company="兴农科技", note="甲", at=(100.25, 30.5))
    second = regular(company="兴农科枝", home="人民路1号", phone="13800000002", at=(100.5, 30.25))
    one = pair(county)
    page = client.get(f"{LIST}duplicates/")
    assert [(c.first.key, c.second.key, [f.name for f in c.fields]) for c in page.context["couples"]] == [
        ("R001", "R002", ["company"])
    ]
    assert client.get(LIST).context["pairs"] == 1
    page = client.get(f"{LIST}duplicates/{one.pk}/?keep={first.id}")
    lines = {line.name: line for line in page.context["lines"]}
    assert [side.is_chosen for side in lines["note"].sides] == [True, False]
    assert [side.is_chosen for side in lines["home"].sides] == [False, True]  # the survivor has none
    assert lines["_geometry"].sides[0].cell.text == "100.25000°E 30.50000°N"
    assert "POINT" not in page.content.decode()
    turned = {line.name: line for line in client.get(f"{LIST}duplicates/{one.pk}/?keep={second.id}").context["lines"]}
    assert [side.is_chosen for side in turned["company"].sides] == [False, True]
    sent = {
        "keep": first.id,
        f"version.{first.id}": 1,
        f"version.{second.id}": 1,
        "of.home": second.id,
        "of.company": second.id,
    }
    assert client.post(f"{LIST}duplicates/{one.pk}/merge", sent).headers["Location"] == f"{LIST}{first.id}/"
    assert stored(first.id) == {
        "code": "R001", "name": first.title, "company": "兴农科枝", "note": "甲", "home": "人民路1号",
    }  # fmt: skip
    assert client.get(f"{LIST}duplicates/{one.pk}/").status_code == 404
    undone = client.post(f"{LIST}merges/{Merge.objects.get().pk}/undo", follow=True)
    assert "The record is back." in undone.content.decode()
    assert stored(first.id)["company"] == "兴农科技"
    assert pair(county).pk


def test_pairs_of_hidden_rows_or_private_fields_are_nobodys_business(county: County, regular: Any) -> None:
    regular(company="兴农科技"), regular(company="兴农科枝", area="102")
    one = pair(county)
    east = browser(person(county, f"records.{REGULAR}.*", in_area="101", username="east"))
    page = east.get(f"{LIST}duplicates/")
    assert (page.context["total"], list(page.context["couples"])) == (0, [])
    assert "兴农科枝" not in page.content.decode()
    for answer in (
        east.get(f"{LIST}duplicates/{one.pk}/"), east.post(f"{LIST}duplicates/{one.pk}/two"),
        east.post(f"{LIST}duplicates/{one.pk}/merge", {"keep": one.first_id}),
    ):  # fmt: skip
        assert answer.status_code == 404
    assert Pair.objects.get().state == "open"
    Record.objects.all().update(data={"code": "R001", "name": "甲某", "identity": "11010519491231002X", "phone": "1"})
    traits.Traced.objects.all().delete()
    private = pair(county)
    assert private.rules == [0]
    reads = browser(person(county, f"records.{REGULAR}.view", f"records.{REGULAR}.edit", username="reads"))
    assert reads.get(f"{LIST}duplicates/").context["total"] == 0
    assert reads.get(f"{LIST}duplicates/{private.pk}/").status_code == 404
    assert reads.post(f"{LIST}duplicates/{private.pk}/two").status_code == 404
    full = browser(person(county, f"records.{REGULAR}.*", username="full"))
    assert full.get(f"{LIST}duplicates/").context["total"] == 1
    assert "11010519491231002X" not in full.get(f"{LIST}duplicates/{private.pk}/").content.decode()


def test_masked_values_are_not_marked_as_same_or_other(county: County, regular: Any) -> None:
    regular(company="兴农科技", phone="13800000001"), regular(company="兴农科枝", phone="13811110001")
    one = pair(county)
    reads = browser(person(county, f"records.{REGULAR}.view", f"records.{REGULAR}.edit", username="reads"))
    lines = {line.name: line for line in reads.get(f"{LIST}duplicates/{one.pk}/").context["lines"]}
    assert (lines["phone"].differs, lines["phone"].may_choose) == (False, False)
    full = browser(person(county, f"records.{REGULAR}.*", username="full"))
    page = full.get(f"{LIST}duplicates/{one.pk}/")
    assert {line.name: line for line in page.context["lines"]}["phone"].differs
    assert "13811110001" not in page.content.decode()


def test_hidden_rows_that_refer_follow_and_are_named_nowhere(county: County, regular: Any) -> None:
    api.prepare_registers()
    kept, gone = regular(), regular()
    hidden = regular(friend="R002", kind="home", area="102", name="藏某人")
    east = access.actor(person(county, f"records.{REGULAR}.*", in_area="101", username="east"))
    api.merge(east, kept.id, gone.id, (1, 1), {})
    assert stored(hidden.id)["friend"] == "R001"
    third = regular(by=east)
    other = regular(friend="R004", kind="home", area="102", name="隐某人")  # both would be alike
    before = everything()
    with pytest.raises(api.Refused) as refused:
        api.merge(east, kept.id, third.id, (1, 1), {})
    assert problems(refused) == [("", "merged.unique")]
    told = f"{refused.value} {refused.value.problems}"
    assert not any(word in told for row in (hidden, other) for word in (row.key, row.title))
    assert everything() == before
    assert refused.value.problems[0].message["en"].startswith("records of Regular")
    nobody = merging._refused(access.NOBODY, api.register_of(REGULAR, county.pk))
    assert nobody.message["en"].startswith("records of another register")
