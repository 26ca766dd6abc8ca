"""One object, one file: every section tells what its reader may see, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest
import segno
import shapely
from tests.engines.alarms.jugs import warm
from tests.engines.maps.ground import PATCH, declare, put
from tests.fixtures import area, person
from tests.web.pages import browser

from shizhu.engines.alarms import api as alarms
from shizhu.engines.alarms.models import Alarm
from shizhu.engines.cases import api as cases
from shizhu.engines.cases.models import Case, Subject
from shizhu.engines.maps import api
from shizhu.engines.records import api as records
from shizhu.engines.things.models import Thing
from shizhu.kernel import access, packs
from shizhu.kernel.access import Actor
from shizhu.kernel.models import Area, County, Person

pytest_plugins = ["tests.engines.records.stalls", "tests.engines.maps.grounds"]
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("ground")]
PHONE = "13812345678"


@pytest.fixture
def alarm(county: County) -> Alarm:
    """The jug E of the eastern town is too warm; somebody opened a case of it."""
    made = warm(county, "E", "101")
    title = {"title": "换冰"}
    cases.open_case(cases.Opening("lemonade.order", "换冰", area(county, "101"), title))
    Case.objects.update(datastream=made.datastream, alarm=made.pk)
    return made


def told(who: Actor, county: County, kind: str, number: int) -> tuple[list[str], list[str]]:
    """Titles of the sections and of the timeline."""
    found = api.dossier(who, county.pk, kind, number)
    assert found is not None
    return [one.title for one in found.sections], [event.title for event in found.events]


def sections(who: Actor, county: County, record: int) -> tuple[api.Section, ...]:
    found = api.dossier(who, county.pk, "record", record)
    assert found is not None
    return found.sections


def actor(county: County, *verbs: str, **rest: Any) -> Actor:
    return access.actor(person(county, *verbs, **rest))


def test_a_thing_has_readings_alarms_and_cases(county: County, alarm: Alarm) -> None:
    number = Thing.objects.get(name="E号罐").pk
    everything = actor(county, "*", username="all")
    assert told(everything, county, "thing", number) == (
        ["监测读数", "告警", "案件"], ["开案", "触发告警"],
    )  # fmt: skip
    sees = {
        "things.thing.view": ["监测读数"],
        "things.thing.view alarms.alarm.view": ["监测读数", "告警"],
        "things.thing.view cases.case.view": ["监测读数", "案件"],
    }
    assert {verbs: told(actor(county, *verbs.split()), county, "thing", number)[0] for verbs in sees} == sees
    assert api.dossier(actor(county, "*", in_area="102"), county.pk, "thing", number) is None
    assert api.dossier(actor(county, "alarms.*", "cases.*"), county.pk, "thing", number) is None
    assert api.dossier(everything, county.pk, "nothing", number) is None


def test_an_alarm_and_its_case_lead_to_each_other(county: County, alarm: Alarm) -> None:
    everything, case = actor(county, "*", username="all"), Case.objects.get()
    for kind, number in (("alarm", alarm.pk), ("case", case.pk)):
        assert told(everything, county, kind, number)[0] == ["监测读数", "告警", "案件"]
    alarms.clear(alarm.pk, person=None, why="测试")
    assert told(everything, county, "alarm", alarm.pk)[1][0] == "告警解除"
    no_things = actor(county, "cases.*", "maps.*")
    assert told(no_things, county, "case", case.pk) == (["案件"], ["开案"])
    assert api.dossier(no_things, county.pk, "alarm", alarm.pk) is None


def test_a_record_has_its_facts_and_what_lies_on_it(county: County, alarm: Alarm, root: Actor) -> None:
    on = put(root, county, PATCH, "甲地", "POLYGON((100.1 30.1,100.3 30.1,100.3 30.3,100.1 30.3,100.1 30.1))")
    off = put(root, county, PATCH, "乙地", "POLYGON((100.5 30.1,100.6 30.1,100.6 30.3,100.5 30.1))")
    assert told(root, county, "record", on.id) == (
        ["登记信息", "监测读数", "告警", "案件"], ["开案", "登记", "触发告警"],
    )  # fmt: skip
    assert told(root, county, "record", off.id) == (["登记信息"], ["登记"])
    reader = actor(county, f"records.{PATCH}.view")
    assert told(reader, county, "record", on.id)[0] == ["登记信息"]
    assert api.dossier(actor(county, "maps.*", "things.*"), county.pk, "record", on.id) is None
    assert api.dossier(root, "990002", "record", on.id) is None


def test_personal_fields_stay_masked_and_what_points_here_is_listed(county: County, grower: Any, stall: Any) -> None:
    one = stall(at=(100.7, 30.5), grower="G001", phone=PHONE, owner="钱多多")
    reader = actor(county, "records.*.*.view", "maps.*")
    (facts,) = sections(reader, county, one.id)
    shown = dict(facts.context["facts"])
    assert (shown["电话"], shown["摊主"], shown["供货"]) == ("138****5678", "钱**", "果园甲")
    page = browser(Person.objects.get(pk=reader.person_id)).get(f"/map/file/record-{one.id}/").content.decode()
    assert (PHONE in page, "钱多多" in page) == (False, False)
    pointing = sections(reader, county, grower.id)[1]
    assert [(title, total) for title, total, _rows in pointing.context["groups"]] == [("摊位", 1)]
    blind = actor(county, "records.lemonade.grower.view")
    assert told(blind, county, "record", grower.id)[0] == ["登记信息"]


def test_an_area_holds_what_one_sees_in_it(county: County, alarm: Alarm, stall: Any, root: Actor) -> None:
    stall(at=(100.7, 30.5))
    town = Area.objects.get(county=county, code=f"{county.pk}101").pk
    assert told(root, county, "area", town)[0] == ["监测读数", "告警", "案件", "登记资料"]
    assert told(actor(county, "maps.map.view"), county, "area", town) == ([], [])
    west = actor(county, "*", in_area="102")
    assert told(west, county, "area", town) == ([], [])


def test_who_answers_comes_with_a_phone_as_far_as_one_may_see_it(county: County, stall: Any) -> None:
    one = stall(at=(100.7, 30.5))
    keeper = person(county, "records.*.*.view", in_area="101", of="stand", username="东镇守摊人")
    other = person(county, "records.*.*.view", in_area="102", of="stand", username="西镇守摊人")
    ended = person(county, "things.*", in_area="101", of="stand", username="前任")
    ended.posts.update(ends="2026-01-02", starts="2026-01-01")
    Person.objects.filter(pk__in=[keeper.pk, other.pk, ended.pk]).update(phone=PHONE)

    def contacts(who: Actor) -> list[tuple[str, str]]:
        found = api.dossier(who, county.pk, "record", one.id)
        return [(contact.name, contact.phone) for contact in found.contacts] if found else []

    assert contacts(actor(county, "records.*.*.view")) == [("东镇守摊人", "138****5678")]
    assert contacts(actor(county, "*")) == [("东镇守摊人", PHONE)]
    assert contacts(actor(county, "records.*.*.view", "kernel.person.view", in_area="101")) == [("东镇守摊人", PHONE)]
    assert contacts(access.ANYBODY) == [("东镇守摊人", "138****5678")]


def test_pages_answer_as_the_rights_say(county: County, alarm: Alarm) -> None:
    number = Thing.objects.get(name="E号罐").pk
    reader, east = browser(person(county, "maps.*", "things.*")), browser(person(county, "*", in_area="102"))
    whole, part = (reader.get(f"/map/file/thing-{number}/{query}").content.decode() for query in ("", "?part"))
    assert ("<nav" in whole, "<nav" in part, "E号罐" in part, "告警" in part) == (True, False, True, False)
    assert 'data-box="100.2,30.2,100.2,30.2"' in part
    for client, address, status in (
        (east, f"thing-{number}", 404), (reader, f"alarm-{alarm.pk}", 404), (reader, "thing-0", 404),
        (browser(person(county, "things.*")), f"thing-{number}", 403),
    ):  # fmt: skip
        assert client.get(f"/map/file/{address}/").status_code == status


def test_an_engine_may_add_a_section(county: County, stall: Any, root: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    from shizhu.engines.maps import dossier  # noqa: PLC0415

    monkeypatch.setattr(dossier, "_tells", list(dossier._tells))
    camera = api.Section("摄像头", "camera", "maps/facts.html", {"facts": [("通道", "1")]})
    api.section(15, lambda who, subject: camera if who.has("video.camera.view") and subject.kind == "record" else None)
    one = stall(at=(100.7, 30.5))
    assert shapely.Point(100.7, 30.5).equals(one.geometry)
    assert told(root, county, "record", one.id)[0] == ["登记信息", "摄像头"]
    assert told(actor(county, "records.*.*.view"), county, "record", one.id)[0] == ["登记信息"]


CAMERA = "local.camera"


@pytest.fixture
def camera(county: County) -> None:
    """A register of cameras that may name a stall."""
    name = {"zh": "摄像头", "en": "Camera"}
    text = {"type": "string", "title": name}
    hints = {"key": "code", "title": "name", "list": ["code"], "geometry": "Point", "camera": "address"}
    stall_ = {**text, "x-shizhu-ref": "lemonade.stall"}
    properties = {"code": text, "name": text, "address": text, "of": stall_}
    body = {"title": name, "properties": properties, "required": ["code", "name"], "x-shizhu": hints}
    declare(county, "registers", CAMERA, body)
    packs.forget()


def test_cameras_that_name_an_object_or_stand_by_it_are_links(
    county: County, stall: Any, camera: None, alarm: Alarm, root: Actor
) -> None:
    one = stall(at=(100.2, 30.2011))
    put(root, county, CAMERA, "甲", "POINT(100.2 30.2)", address="https://camera.example.org/1")
    put(root, county, CAMERA, "乙", "POINT(100.9 30.9)", address="javascript:alert(1)", of=one.key)
    put(root, county, CAMERA, "丙", "POINT(100.9 30.9)", address="https://camera.example.org/3")

    def seen(who: Actor, kind: str, number: int) -> list[tuple[str, str, int | None]]:
        found = api.dossier(who, county.pk, kind, number)
        assert found is not None
        shown = [section.context["cameras"] for section in found.sections if section.title == "摄像头"]
        return [
            (each.entry.title, each.address, None if each.metres is None else round(each.metres))
            for cameras in shown for each in cameras
        ]  # fmt: skip

    assert seen(root, "record", one.id) == [("乙", "", None), ("甲", "https://camera.example.org/1", 122)]
    thing = Thing.objects.get(name="E号罐").pk
    assert seen(root, "thing", thing) == [("甲", "https://camera.example.org/1", 0)]
    assert seen(actor(county, "things.*", "records.lemonade.*"), "thing", thing) == []
    page = browser(person(county, "*", username="sees")).get(f"/map/file/record-{one.id}/").content.decode()
    assert ("https://camera.example.org/1" in page, "javascript:" in page) == (True, False)


def test_a_file_has_its_code_and_labels_hold_what_one_may_see(county: County, stall: Any, alarm: Alarm) -> None:
    first, second = stall(at=(100.7, 30.5)), stall(at=(100.2, 30.5), area="102")
    client, hers = browser(person(county, "*")), browser(person(county, "*", in_area="101"))
    code = segno.make(f"http://testserver/map/file/record-{first.id}/", error="m")
    drawn = code.svg_inline(omitsize=True, border=2, dark="#000", light="#fff")
    assert drawn in client.get(f"/map/file/record-{first.id}/").content.decode()
    assert drawn not in client.get(f"/map/file/record-{first.id}/?part").content.decode()
    asked = f"/map/labels?of=record-{first.id}&of=record-{second.id}&of=record-{first.id}&of=thing-x&of=nothing-1"
    told = [[one["subject"].title for one in each.get(asked).context["labels"]] for each in (client, hers)]
    assert told == [["1号摊", "2号摊"], ["1号摊"]]
    assert drawn in client.get(asked).content.decode()
    assert browser(person(county, "records.*", username="none")).get(asked).status_code == 403


def test_who_may_unmask_is_led_to_where_one_says_what_for(county: County, stall: Any) -> None:
    one = stall(at=(100.7, 30.5), phone=PHONE, owner="钱多多")
    for verbs, asks in (("records.*.*.view", ""), ("*", f"/records/lemonade.stall/{one.id}/")):
        (facts, *_rest) = sections(actor(county, verbs, username=verbs), county, one.id)
        assert facts.context["asks"] == asks
        assert PHONE not in str(facts.context)


def test_cases_about_a_merged_record_stand_in_the_file_of_the_survivor(county: County, root: Actor, stall: Any) -> None:
    kept, gone = stall(at=(100.7, 30.5)), stall(at=(100.7, 30.6))
    cases.open_case(cases.Opening("lemonade.order", "换冰", area(county, "102"), {"title": "换冰"}))
    Subject.objects.create(case=Case.objects.get(), register="lemonade.stall", key=gone.key)
    assert "案件" not in told(root, county, "record", kept.id)[0]
    records.merge(root, kept.id, gone.id, (1, 1), {})
    assert "案件" in told(root, county, "record", kept.id)[0]
    case = Case.objects.get()
    me = browser(Person.objects.get(username="root"))
    assert f"/cases/{case.pk}/" in me.get(f"/records/lemonade.stall/{kept.id}/").content.decode()
    assert f"/records/lemonade.stall/{kept.id}/" in me.get(f"/cases/{case.pk}/").content.decode()
