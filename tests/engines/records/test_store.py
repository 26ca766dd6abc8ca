"""Records through the door: made, changed, withdrawn by those who may; refused whole otherwise."""

from __future__ import annotations

from typing import Any

import pghistory
import pytest
import shapely
from django.core.exceptions import PermissionDenied
from tests.fixtures import person

from shizhu.engines.records import api
from shizhu.engines.records.models import Record
from shizhu.kernel import access, packs
from shizhu.kernel.models import County, OutboxEvent

pytestmark = pytest.mark.django_db
pytest_plugins = ["tests.engines.records.stalls"]
STALL, GROWER = "lemonade.stall", "lemonade.grower"


def actor(county: County, *verbs: str, **where: Any) -> access.Actor:
    return access.actor(person(county, *verbs, **where))


def everything() -> list[tuple[Any, ...]]:
    return list(Record.objects.order_by("id").values_list("key", "data", "state", "version", "area_id"))


def test_a_record_is_kept_as_given(county: County, root: access.Actor, grower: api.Entry) -> None:
    data = {
        "code": "S001", "name": "湖边摊", "grower": "G001", "seats": 4, "inspected": "2026-01-01T08:00:00+08:00",
        "note": None,
    }  # fmt: skip
    made = api.create(
        root, county.pk, STALL, data, organisation="stand", area="990001101", geometry=shapely.Point(100.2, 30.2)
    )
    kept = api.get(root, county.pk, STALL, "S001")
    assert kept == made
    assert kept.data == {
        "code": "S001", "name": "湖边摊", "grower": "G001", "seats": 4, "inspected": "2026-01-01T00:00:00.000000Z",
    }  # fmt: skip
    assert (kept.title, kept.state, kept.version, kept.area, kept.organisation, kept.source, kept.is_simulated) == (
        "湖边摊", "open", 1, api.Place("990001101", "东镇"), api.Place("stand", "stand"), "person", False,
    )  # fmt: skip
    assert kept.geometry == shapely.Point(100.2, 30.2)
    assert Record.objects.get(pk=kept.id).sort_key == "hu bian tan"


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"code": "S1"}, ("code", "S1", "pattern")),
        ({"grower": "G999"}, ("grower", "G999", "x-shizhu-ref")),
        ({"code": "S001"}, ("code", "S001", "unique")),
    ],
)
def test_a_wrong_row_is_refused_whole(
    county: County, root: access.Actor, stall: Any, changes: dict[str, str], problem: tuple[str, str, str]
) -> None:
    stall()
    before = everything()
    with pytest.raises(api.Refused) as refused:
        api.create(
            root, county.pk, STALL, {"code": "S002", "name": "二号摊", **changes}, organisation="stand", area=county.pk
        )
    assert [(p.path, p.value, p.rule) for p in refused.value.problems] == [problem]
    assert everything() == before


@pytest.mark.parametrize(
    ("where", "path"),
    [
        ({"organisation": "nobody", "area": "990001"}, "_organisation"),
        ({"organisation": "stand", "area": "500240"}, "_area"),
        ({"organisation": "stand", "area": "990001", "state": "asleep"}, "_state"),
        ({"organisation": "stand", "area": "990001", "geometry": shapely.LineString([(0, 0), (1, 1)])}, "_geometry"),
        ({"organisation": "stand", "area": "990001", "geometry": shapely.Point(181, 0)}, "_geometry"),
        ({"organisation": "stand", "area": "990001", "geometry": shapely.Point()}, "_geometry"),
    ],
)
def test_place_state_and_geometry_are_checked(
    county: County, root: access.Actor, where: dict[str, Any], path: str
) -> None:
    with pytest.raises(api.Refused) as refused:
        api.create(root, county.pk, STALL, {"code": "S001", "name": "一号摊"}, **where)
    assert [problem.path for problem in refused.value.problems] == [path]
    assert everything() == []


def test_an_unknown_register_is_named(county: County, root: access.Actor) -> None:
    with pytest.raises(api.UnknownRegister, match=r"'lemonade.spoon'"):
        api.create(root, county.pk, "lemonade.spoon", {}, organisation="stand", area=county.pk)


def test_a_change_is_a_new_version(root: access.Actor, stall: Any) -> None:
    first = stall(seats=4, note="旧")
    second = api.update(root, first.id, {"seats": 6, "note": None}, 1, area="990001102", state="closed")
    assert (second.data, second.version, second.area.name, second.state) == (
        {"code": "S001", "name": "1号摊", "seats": 6}, 2, "西镇", "closed",
    )  # fmt: skip


def test_the_same_again_is_no_new_version(root: access.Actor, stall: Any) -> None:
    first = stall(seats=4, at=(100.2, 30.2))
    again = api.update(root, first.id, {"seats": 4.0}, 1, geometry=shapely.Point(100.2, 30.2))
    assert again == first
    assert len(api.history(root, first.id)) == 1


def test_geometry_goes_only_when_none_is_said(root: access.Actor, stall: Any) -> None:
    made = stall(at=(100.2, 30.2))
    assert api.update(root, made.id, {"seats": 1}, 1).geometry == shapely.Point(100.2, 30.2)
    assert api.update(root, made.id, {}, 2, geometry=None).geometry is None
    assert Record.objects.get(pk=made.id).box is None


def test_a_version_not_read_is_not_overwritten(root: access.Actor, stall: Any) -> None:
    made = stall(seats=4)
    api.update(root, made.id, {"seats": 5}, 1)
    before = everything()
    with pytest.raises(api.StaleRecord, match="version 1 was read, 2 is current"):
        api.update(root, made.id, {"seats": 6}, 1)
    with pytest.raises(api.StaleRecord):
        api.withdraw(root, made.id, 1)
    assert everything() == before


def test_the_key_never_changes(root: access.Actor, stall: Any) -> None:
    made = stall()
    with pytest.raises(api.Refused) as refused:
        api.update(root, made.id, {"code": "S009"}, 1)
    assert [(p.path, p.value, p.rule) for p in refused.value.problems] == [("code", "S009", "constant")]
    assert api.get_by_id(root, made.id) == made


def test_withdrawn_stays_and_comes_back(county: County, root: access.Actor, stall: Any) -> None:
    made = stall()
    gone = api.withdraw(root, made.id, 1)
    assert (gone.state, gone.version, gone.is_withdrawn) == ("withdrawn", 2, True)
    assert api.query(root, county.pk, STALL, api.Query()).total == 0
    assert api.query(root, county.pk, STALL, api.Query(has_withdrawn=True)).total == 1
    with pytest.raises(api.Refused, match="is withdrawn; restore it"):
        api.update(root, made.id, {"seats": 1}, 2, state="open")
    assert api.restore(root, made.id, 2).state == "open"
    assert api.query(root, county.pk, STALL, api.Query()).total == 1


def test_a_reference_that_ended_does_not_block_other_changes(
    county: County, root: access.Actor, grower: api.Entry, stall: Any
) -> None:
    made = stall(grower="G001")
    Record.objects.filter(pk=grower.id).delete()
    assert api.update(root, made.id, {"seats": 2}, 1).data["seats"] == 2


@pytest.mark.django_db(transaction=True)
def test_history_says_who_changed_what(county: County, root: access.Actor, stall: Any) -> None:
    clerk = person(county, "records.*", username="文书")
    made = stall(seats=4, address={"lane": "一"})
    with pghistory.context(person=clerk.pk, name=clerk.username):
        api.update(root, made.id, {"seats": 6, "address": {"lane": "二"}}, 1, area="990001102")
    with pghistory.context(name="demo"):
        api.withdraw(root, made.id, 2)
    api.restore(root, made.id, 3)
    told = api.history(root, made.id)
    assert [(c.action, c.who, c.version) for c in told] == [
        ("created", "", 1), ("changed", "文书", 2), ("withdrawn", "demo", 3), ("restored", "", 4),
    ]  # fmt: skip
    assert set(told[1].fields) == {
        api.FieldChange("seats", 4, 6),
        api.FieldChange("address.lane", "一", "二"),
        api.FieldChange("_area", "东镇", "西镇"),
    }
    assert told[2].fields == (api.FieldChange("_state", "open", "withdrawn"),)


PRIVATE = {"owner": "张三丰", "phone": "13812345678", "illness": "无"}


def test_private_fields_are_masked_without_the_right(county: County, root: access.Actor, stall: Any) -> None:
    made = stall(**PRIVATE)
    api.update(root, made.id, {"owner": "李四"}, 1)
    clerk = actor(county, "records.lemonade.stall.view")
    seen = api.get(clerk, county.pk, STALL, "S001")
    assert (seen.data["owner"], seen.data["phone"], seen.data["illness"]) == ("李**", "138****5678", "＊＊＊")
    assert seen.masked == {"owner", "phone", "illness"}
    assert api.history(clerk, made.id)[1].fields == (api.FieldChange("owner", "张**", "李**"),)
    assert api.get(root, county.pk, STALL, "S001").masked == {"owner", "phone", "illness"}
    assert Record.objects.get(pk=made.id).data["owner"] == "李四"


def test_a_masked_field_cannot_be_asked_for(county: County, stall: Any) -> None:
    stall(**PRIVATE)
    clerk = actor(county, "records.lemonade.stall.view")
    with pytest.raises(api.Cql2Error, match="owner: there is no such property"):
        api.query(clerk, county.pk, STALL, api.Query(where="owner = '张三丰'"))


@pytest.mark.parametrize("verbs", [(), ("records.lemonade.stall.view",), ("records.lemonade.grower.*",)])
def test_without_the_verb_nothing_is_written(county: County, stall: Any, verbs: tuple[str, ...]) -> None:
    made = stall(seats=4)
    before = everything()
    who = actor(county, *verbs)
    row = {"code": "S009", "name": "九号摊"}
    for attempt in (
        lambda: api.create(who, county.pk, STALL, row, organisation="stand", area="990001101"),
        lambda: api.update(who, made.id, {"seats": 5}, 1),
        lambda: api.withdraw(who, made.id, 1),
        lambda: api.restore(who, made.id, 1),
    ):
        with pytest.raises(PermissionDenied, match=r"no right records\.lemonade\.stall"):
            attempt()
    assert everything() == before


def test_a_post_reaches_its_own_town_and_department_only(county: County, stall: Any) -> None:
    made = stall(area="102", of="stand")
    before = everything()
    east = actor(county, "records.lemonade.*", in_area="101", of="stand")
    with pytest.raises(api.NoRecord):
        api.get(east, county.pk, STALL, "S001")
    with pytest.raises(api.NoRecord):
        api.history(east, made.id)
    for organisation, area in (("stand", "990001102"), ("kitchen", "990001101")):
        with pytest.raises(PermissionDenied):
            api.create(east, county.pk, STALL, {"code": "S009", "name": "九号"}, organisation=organisation, area=area)
    assert everything() == before
    own = api.create(east, county.pk, STALL, {"code": "S009", "name": "九号"}, organisation="stand", area="990001101")
    with pytest.raises(PermissionDenied):
        api.update(east, own.id, {}, 1, area="990001102")
    assert api.get(east, county.pk, STALL, "S009") == own


def test_a_pack_that_is_off_hides_its_registers(county: County, root: access.Actor, stall: Any) -> None:
    stall()
    county.packs.all().delete()
    packs.forget()
    with pytest.raises(api.UnknownRegister):
        api.query(root, county.pk, STALL, api.Query())


def test_demo_rows_come_once_in_the_order_of_their_references(county: County, root: access.Actor) -> None:
    stalls = {
        "register": STALL,
        "rows": [
            {
                "data": {"code": "S001", "name": "一号摊", "grower": "G001"}, "organisation": "stand",
                "area": "990001101", "geometry": {"type": "Point", "coordinates": [100.1, 30.1]},
            }
        ],
    }  # fmt: skip
    growers = {
        "register": GROWER,
        "rows": [{"data": {"code": "G001", "name": "果园甲"}, "organisation": county.pk, "area": county.pk}],
    }
    assert api.load_demo(county.pk, [stalls, growers]) == 2
    kept = api.get(root, county.pk, STALL, "S001")
    api.update(root, kept.id, {"seats": 9}, 1)
    assert api.load_demo(county.pk, [stalls, growers]) == 0
    kept = api.get(root, county.pk, STALL, "S001")
    assert (kept.source, kept.is_simulated, kept.data["seats"], kept.geometry) == (
        "demo", True, 9, shapely.Point(100.1, 30.1),
    )  # fmt: skip


def told() -> list[tuple[Any, ...]]:
    events = [row.envelope for row in OutboxEvent.objects.order_by("id")]
    return [
        (e["type"], e["data"]["register"], e["data"]["key"], e["data"]["state"], e["data"]["version"]) for e in events
    ]


def test_what_changed_is_told_once_without_its_values(county: County, root: access.Actor, stall: Any) -> None:
    made = stall(code="S001")
    first = told()[-1]
    OutboxEvent.objects.all().delete()
    api.update(root, made.id, {"name": made.data["name"]}, 1)
    api.update(root, made.id, {"name": "新名"}, 1)
    api.withdraw(root, made.id, 2)
    with pytest.raises(api.StaleRecord):
        api.restore(root, made.id, 2)
    event = "records.record.changed"
    assert first == (event, STALL, "S001", "open", 1)
    assert told() == [(event, STALL, "S001", "open", 2), (event, STALL, "S001", "withdrawn", 3)]
    data = OutboxEvent.objects.order_by("id").last()
    assert data is not None
    assert set(data.envelope["data"]) == {"record", "register", "key", "state", "version"}
