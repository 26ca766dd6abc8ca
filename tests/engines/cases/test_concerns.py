"""What residents report by a label without a login: once however often, known ones joined, told to the link alone."""

from __future__ import annotations

import asyncio
import io
import re
import uuid
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import shapely
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from PIL import Image
from tests.engines.alarms.jugs import warm
from tests.engines.cases.test_acting import at_once
from tests.fixtures import CODE, area, person
from tests.web.pages import browser, text, told

from shizhu.engines.alarms import api as alarms
from shizhu.engines.cases import acting, actions, concerns, desks
from shizhu.engines.cases.models import Attachment, Case, CasePlace, Concern, Entry, Label, Task
from shizhu.engines.records import api as records
from shizhu.kernel import access, events, files, images, testing
from shizhu.kernel.models import County, File, Person
from shizhu.web import bodies

pytestmark = pytest.mark.django_db(transaction=True)
STALL, STREET = "lemonade.stalls", "lemonade.street"
BRIDGE, NEXT_DOOR, FAR = (100.7, 30.5), (100.7002, 30.5), (100.72, 30.5)
SECRET = re.compile(r"/r/s/([0-9a-f]{32})")


@pytest.fixture
def staff(county: County) -> dict[str, Person]:
    made = {
        "maker": person(county, role="lemonade.maker", username="苏木匠", in_area="101", of="stand"),
        "office": person(county, "cases.*", "records.*.*.*", username="office"),
        "viewer": person(county, "cases.case.view", "cases.label.view", username="viewer"),
        "stranger": person(county, "alarms.alarm.view", username="stranger"),
    }
    data = {"code": "S001", "name": "桥头摊", "phone": "13900001111"}
    town = area(county, "101").code
    records.create(
        access.actor(made["office"]), county.pk, "lemonade.stall", data, organisation="stand", area=town,
        geometry=shapely.Point(BRIDGE),
    )  # fmt: skip
    return made


@pytest.fixture
def label(county: County, staff: dict[str, Person]) -> Label:
    return desks.make(access.actor(staff["office"]), county.pk, desks.desks(county.pk)[STALL], key="S001")


@pytest.fixture
def wall(county: County, staff: dict[str, Person]) -> Label:
    """A label for the whole county: who reports says where."""
    who, desk = access.actor(staff["office"]), desks.desks(county.pk)[STREET]
    return desks.make(who, county.pk, desk, name="县里哪儿都行", area=area(county))


class Phone:
    """A resident's phone without a login."""

    def __init__(self, address: str = "10.1.1.1", language: str = "zh-hans") -> None:
        self.client = Client(REMOTE_ADDR=address, headers={"accept-language": language})

    def send(self, label: Label, **fields: Any) -> Any:
        """As the page's script does."""
        given = {"id": str(uuid.uuid4()), "kind": "dirty", **fields}
        return self.client.post(f"/r/{label.code}", given, headers={"accept": "application/json"})

    def report(self, label: Label, **fields: Any) -> str:
        """The address of the receipt."""
        answer = self.send(label, **fields)
        assert answer.status_code == 201, answer.content
        url: str = answer.json()["url"]
        return url

    def page(self, address: str) -> Any:
        return self.client.get(address)


def photo(colour: str = "#3a7d6b", *, at: tuple[float, float] | None = None, size: int = 40) -> SimpleUploadedFile:
    """A photo with the position that a camera would write: whole degrees and minutes."""
    exif = Image.Exif()
    exif[0x010F] = "Maker of cameras"
    if at:
        minutes = [divmod(round(part * 600), 600) for part in at]
        (east, east_min), (north, north_min) = minutes
        exif.get_ifd(0x8825).update(
            {1: "N", 2: (float(north), north_min / 10, 0.0), 3: "E", 4: (float(east), east_min / 10, 0.0)}
        )
    made = io.BytesIO()
    Image.new("RGB", (size, size), colour).save(made, "JPEG", exif=exif)
    return SimpleUploadedFile("a.jpg", made.getvalue(), "image/jpeg")


def answer(case: Case, who: Person, **given: Any) -> Case:
    task = Task.objects.get(case=case, status="ready")
    pictures = [actions.Upload("photos", "after.jpg", io.BytesIO(one)) for one in given.pop("photos", [])]
    return actions.answer(access.actor(who), task.pk, given, pictures)


def kept() -> tuple[int, ...]:
    return tuple(model.objects.count() for model in (Case, Concern, Entry, File, Attachment, CasePlace))


def test_a_scan_tells_the_object_and_three_taps_open_a_case(label: Label, staff: dict[str, Person]) -> None:
    page = Phone().page(f"/r/{label.code.lower()}")
    shown = text(page)
    assert all(word in shown for word in ("桥头摊", "东镇", "stand", "脏了", "坏了"))
    assert "1390000" not in page.content.decode()
    assert not page.cookies

    sent = {"id": str(uuid.uuid4()), "kind": "dirty", "words": "地上都是糖水", "photos": [photo(at=BRIDGE)]}
    answer_ = Phone().client.post(f"/r/{label.code}", sent)  # as a browser without scripts does
    case, concern = Case.objects.get(), Concern.objects.get()
    assert (answer_.status_code, SECRET.fullmatch(answer_["Location"]) is not None) == (303, True)
    assert (case.title, case.area.name, case.opened_by, case.state["document"]["source"]) == (
        "桥头摊 脏了", "东镇", None, "resident",
    )  # fmt: skip
    assert [(one.register, one.key) for one in case.subjects.all()] == [("lemonade.stall", "S001")]
    assert (case.place.longitude, case.place.latitude) == BRIDGE
    assert (concern.is_first, concern.case, concern.number) == (True, case, f"SQ-{timezone.localdate().year}-0001")
    assert concern.secret not in answer_["Location"]

    desk = browser(staff["maker"])
    detail = text(desk.get(f"/cases/{case.pk}/"))
    assert "群众上报" in detail
    assert "地上都是糖水" in detail
    task = Task.objects.get(status="ready")
    assert "地上都是糖水" in text(desk.get(f"/cases/tasks/{task.pk}/"))
    (mine,) = desk.get("/field/api/state").json()["tasks"]
    assert mine["lines"] == ["地上都是糖水", "群众反映 · 照片 1 张"]
    assert mine["place"]["coordinates"] == list(BRIDGE)
    picture = b"".join(desk.get(f"/cases/files/{Attachment.objects.get().file_id}").streaming_content)
    assert images.facts(io.BytesIO(picture)) == images.Facts(40, 40)


def test_the_link_alone_tells_how_it_goes_without_names_of_persons(label: Label, staff: dict[str, Person]) -> None:
    phone = Phone()
    address = phone.report(label, words="糖水", phone="13712345678", photos=[photo()])
    case = Case.objects.get()

    def seen() -> str:
        page = phone.page(address)
        assert (page.status_code, page["Cache-Control"], page["X-Robots-Tag"]) == (200, "private, no-store", "noindex")
        for private in ("苏木匠", "13712345678", "13900001111", "别外传"):
            assert private not in page.content.decode()
        now = re.search(r'aria-current="step">(.*?)<', page.content.decode())
        assert now
        return now.group(1)

    assert seen() == "已收到"
    answer(case, staff["maker"])
    assert seen() == "办理中"
    after = photo("#ffffff", at=BRIDGE).read()
    answer(case, staff["maker"], result="已冲洗干净", note="别外传", photos=[after])
    assert seen() == "已结案"
    assert "已冲洗干净" in text(phone.page(address))
    case.refresh_from_db()
    Case.objects.update(state=case.state | {"error": "E7"})
    assert "办理流程中断，未有结果，已告知承办单位。" in text(phone.page(address))

    result = Attachment.objects.get(task__step="mend").file
    shown = phone.page(f"{address}/{result.pk}")
    assert images.facts(io.BytesIO(shown.content)).position is None  # type: ignore[union-attr]
    hidden = files.store(
        after, name="b.jpg", media_type="image/jpeg", organisation=case.organisation, area=case.area, by=None
    )
    assert phone.page(f"{address}/{hidden.pk}").status_code == 404
    wrong = address[:-1] + ("0" if address[-1] != "0" else "1")
    for other in (wrong, f"{wrong}/{result.pk}"):
        page = phone.page(other)
        assert page.status_code == 404
        assert "糖水" not in page.content.decode()
    for path in (f"/cases/{case.pk}/", f"/cases/files/{result.pk}", "/labels/"):
        assert phone.page(path)["Location"].startswith("/login")
        assert browser(staff["stranger"]).get(path).status_code == 403


def test_who_reported_reads_why_it_is_void_and_may_dispute_it(label: Label, staff: dict[str, Person]) -> None:
    phone = Phone()
    address = phone.report(label, words="糖水")
    case = Case.objects.get()
    task = Task.objects.get(status="ready")
    wish = acting.ask(access.actor(staff["maker"]), task.pk, "void", "到场查看未发现糖水")
    acting.decide(access.actor(staff["office"]), wish.pk, is_granted=True)
    page = text(phone.page(address))
    assert [one for one in ("已作废：到场查看未发现糖水", "您同意吗") if one not in page] == []
    assert "已结案" not in page
    phone.client.post(address, {"act": "dispute", "words": "还在"})
    again = Case.objects.get(status="open")
    assert (again.title, again.state["document"]["again"]) == (f"复核 {case.title}", case.number)


def test_photos_are_kept_without_exif_and_their_position_is_used(wall: Label) -> None:
    Phone().report(wall, photos=[photo(at=BRIDGE)])
    kept_file = File.objects.get()
    data = files.path_of(kept_file).read_bytes()
    assert (b"Maker of cameras" in data, images.facts(io.BytesIO(data)).position) == (False, None)  # type: ignore[union-attr]
    place = CasePlace.objects.get()
    assert (round(place.longitude, 4), round(place.latitude, 4), Case.objects.get().area.name) == (*BRIDGE, "东镇")


def test_where_it_is_must_be_told_where_the_label_does_not(wall: Label, county: County) -> None:
    before = kept()
    for fields in ({}, {"longitude": "120", "latitude": "30"}, {"longitude": "x", "latitude": "30"}):
        refused = Phone().send(wall, **fields)
        assert (refused.status_code, refused.json()["problems"]) == (422, {"area": "请选择所在乡镇。"})
    assert kept() == before
    Phone().report(wall, longitude="100.2", latitude="30.5", accuracy="12")
    Phone().report(wall, area=f"{county.pk}101")
    assert [(case.area.name, hasattr(case, "place")) for case in Case.objects.order_by("pk")] == [
        ("西镇", True), ("东镇", False),
    ]  # fmt: skip


def test_a_repeat_is_one_and_two_phones_with_one_id_do_not_mix(label: Label) -> None:
    same = {"id": str(uuid.uuid4()), "kind": "dirty", "words": "糖水"}
    answers: list[Any] = []
    at_once(*[lambda: answers.append(Phone().send(label, **same)) for _ in range(4)])
    assert {(one.status_code, one.json()["url"]) for one in answers} == {(201, answers[0].json()["url"])}
    assert (Case.objects.count(), Concern.objects.count()) == (1, 1)
    before = kept()
    other = Phone("10.9.9.9").send(label, **{**same, "words": "另一件事"})
    assert other.status_code == 409
    assert "url" not in other.json()
    assert "糖水" not in other.content.decode()
    assert kept() == before


def test_two_of_the_same_at_once_are_one_case_that_both_follow(label: Label, staff: dict[str, Person]) -> None:
    found: list[str] = []
    done = at_once(
        *[
            lambda n=n: found.append(Phone(f"10.1.1.{n}").report(label, words=f"第{n}人", photos=[photo()]))
            for n in (1, 2)
        ]  # type: ignore[misc]
    )
    assert done == ["done", "done"]
    case = Case.objects.get()
    assert sorted(Concern.objects.values_list("is_first", flat=True)) == [False, True]
    assert Attachment.objects.filter(case=case).count() == 2
    second = Concern.objects.get(is_first=False)
    page = Phone().page(f"/r/s/{concerns.secret_of(second.pk)}").content.decode()
    first_words = Entry.objects.get(kind="reported", data__concern=Concern.objects.get(is_first=True).number).data[
        "said"
    ]
    assert "已关联到该事项" in page
    assert first_words not in page  # what others wrote is theirs
    staff_page = text(browser(staff["maker"]).get(f"/cases/{case.pk}/"))
    assert "第1人" in staff_page
    assert "第2人" in staff_page


def test_what_is_known_near_by_is_joined_while_it_is_open(wall: Label, label: Label, staff: dict[str, Person]) -> None:
    def at(place: tuple[float, float], kind: str = "dirty") -> Case:
        address = Phone().report(wall, kind=kind, longitude=str(place[0]), latitude=str(place[1]))
        found = concerns.by_secret(address.rsplit("/", 1)[1])
        assert found
        return found.case

    first = at(NEXT_DOOR)
    assert at(BRIDGE) == first  # 19 m
    assert at(FAR) != first
    assert at(NEXT_DOOR, "broken") != first
    Phone().report(label)  # another label at the same place, near enough
    assert Concern.objects.get(label=label).case == first
    answer(first, staff["maker"])
    answer(first, staff["maker"], result="好了")
    assert at(NEXT_DOOR) != first


def test_an_alarm_and_reports_of_one_place_are_one_case_and_none_is_dropped(
    county: County, staff: dict[str, Person]
) -> None:
    jug = warm(county, "E", "101")
    near = desks.make(
        access.actor(staff["office"]), county.pk, desks.desks(county.pk)[STREET], name="罐边",
        area=area(county, "101"), point=(100.2, 30.2),
    )  # fmt: skip
    event = events.Event(
        "1", alarms.RAISED, str(jug.pk), county.pk, timezone.now(),
        {"alarm": jug.pk, "area": jug.area_id, "starts": "lemonade.mishap", "origin": 1},
    )  # fmt: skip
    start = next(one for one in events.consumers() if one.name == "cases.start")
    events.handle(start, event)
    case = Case.objects.get()
    assert (case.alarm, case.place.longitude, case.place.latitude) == (jug.pk, 100.2, 30.2)
    Phone().report(near, words="罐子是热的")
    assert [(one.case, one.is_first) for one in Concern.objects.all()] == [(case, False)]
    Case.objects.update(status="closed", closed_at=timezone.now(), alarm=None)
    Phone().report(near, words="又热了", kind="broken")
    events.handle(start, replace(event, id="2"))  # the alarm is simulated: it joins no real case, and begins its own
    real, own = Case.objects.filter(status="open").order_by("pk")
    assert (real.origin, own.alarm, Entry.objects.filter(kind="joined").count()) == (0, jug.pk, 0)
    own.delete()
    Case.objects.filter(pk=real.pk).update(origin=1)
    events.handle(start, replace(event, id="3"))
    later = Case.objects.get(status="open")
    assert Entry.objects.get(kind="joined").data["alarm"] == jug.pk
    office = browser(staff["office"])
    assert office.get(f"/cases/of-alarm/{jug.pk}")["Location"] == f"/cases/{later.pk}/"
    assert "告警并入" in text(office.get(f"/cases/{later.pk}/"))


def test_limits_hold_and_nothing_is_kept(label: Label, wall: Label, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(concerns, "FROM_ADDRESS", 2)
    monkeypatch.setattr(concerns, "AT_LABEL", 3)
    phone = Phone("10.2.2.2")
    phone.report(label)
    phone.report(label)
    before = kept()
    refused = phone.send(label)
    assert (refused.status_code, refused["Retry-After"]) == (429, "3600")
    with monkeypatch.context() as patch:
        patch.setattr(images, "copy", lambda *_: pytest.fail("a photo was unpacked"))
        assert phone.send(label, photos=[photo()]).status_code == 429
    assert kept() == before
    assert "10.2.2.2" not in str(list(Concern.objects.values()))
    Phone("10.3.3.3").report(label)
    assert Phone("10.4.4.4").send(label).status_code == 429
    Concern.objects.update(made_at=timezone.now() - timedelta(minutes=61))
    phone.report(label)

    before = kept()
    text_file = SimpleUploadedFile("a.jpg", b"<script>", "image/jpeg")
    torn = SimpleUploadedFile("a.jpg", photo(size=400).read()[:300], "image/jpeg")
    monkeypatch.setattr(concerns, "FROM_ADDRESS", 99)
    for fields, name in (
        ({"kind": "none"}, "kind"), ({"kind": ""}, "kind"),
        ({"words": "字" * 201}, "words"), ({"phone": "1" * 31}, "phone"),
        ({"photos": [text_file]}, "photos"), ({"photos": [torn]}, "photos"),
        ({"photos": [photo("#100000"), photo("#200000"), photo("#300000")]}, "photos"),
        ({"id": "7"}, ""), ({"website": "http://spam"}, ""),
    ):  # fmt: skip
        answer_ = Phone().send(label, **fields)
        assert (answer_.status_code, list(answer_.json()["problems"])) == (422, [name]), fields
    assert kept() == before


@pytest.mark.parametrize(
    ("path", "length", "status"),
    [
        ("/r/ABC", b"64000001", 413),
        ("/r/ABC", b"", 411),
        ("/open311/v2/requests.json", b"-1", 411),
        ("/r/ABC", b"9", 0),
        ("/messages/receipt/1/", b"1000001", 413),
        ("/login", b"1000001", 413),
        ("/login", b"900", 0),
        ("/cases/", b"64000001", 0),  # after the login
    ],
)
def test_what_is_too_much_is_refused_before_it_is_read(path: str, length: bytes, status: int) -> None:
    answered: list[int] = []

    async def send(message: dict[str, Any]) -> None:
        answered.extend([message["status"]] if "status" in message else [])

    scope = {"type": "http", "method": "POST", "path": path, "headers": [(b"content-length", length)] if length else []}
    assert asyncio.run(bodies.is_refused(scope, send)) is (status > 0)
    assert answered == ([status] if status else [])


def test_the_result_is_confirmed_or_handled_again(label: Label, staff: dict[str, Person]) -> None:
    phone = Phone()
    address = phone.report(label, words="糖水")
    first = Case.objects.get()
    assert phone.client.post(address, {"act": "confirm", "score": "5"}).status_code == 422  # not done yet
    phone.client.post(address, {"act": "add", "words": "还有碎玻璃", "photos": [photo()]})
    assert "还有碎玻璃" in text(browser(staff["maker"]).get(f"/cases/{first.pk}/"))
    answer(first, staff["maker"])
    answer(first, staff["maker"], result="冲了")
    assert phone.client.post(address, {"act": "add", "words": "晚了"}).status_code == 422
    assert phone.client.post(address, {"act": "dispute", "words": " "}).status_code == 422

    phone.client.post(address, {"act": "dispute", "words": "还是黏"})
    second = Case.objects.exclude(pk=first.pk).get()
    assert (second.title, second.status, second.place.longitude) == ("复核 桥头摊 脏了", "open", BRIDGE[0])
    assert "还是黏" in second.state["document"]["description"]
    assert [one.key for one in second.subjects.all()] == ["S001"]
    assert "办理中" in text(phone.page(address))
    answer(second, staff["maker"])
    answer(second, staff["maker"], result="重新冲洗")
    assert phone.client.post(address, {"act": "confirm", "score": "4"}).status_code == 303
    assert phone.client.post(address, {"act": "dispute", "words": "又黏"}).status_code == 422  # said already
    concern = Concern.objects.get()
    assert (concern.verdict, concern.score, concern.disputes, Case.objects.count()) == ("confirmed", 4, 1, 2)
    assert "群众已确认" in text(browser(staff["maker"]).get(f"/cases/{second.pk}/"))


def test_a_phone_number_is_masked_looked_at_for_a_purpose_and_goes(label: Label, staff: dict[str, Person]) -> None:
    Phone().report(label, phone="13712345678")
    case, concern = Case.objects.get(), Concern.objects.get()
    page, look = f"/cases/{case.pk}/", f"/cases/{case.pk}/concerns/{concern.number}/phone"
    for name in ("office", "viewer"):
        shown = browser(staff[name]).get(page).content.decode()
        assert ("137****5678" in shown, "13712345678" in shown) == (True, False)
    asked = {"purpose": "contact", "reason": "约时间"}
    assert browser(staff["viewer"]).post(look, asked).status_code == 403
    assert told(browser(staff["office"]).post(look, {"purpose": "contact"}, follow=True)) != []
    assert Entry.objects.filter(kind="looked").count() == 0
    assert "13712345678" in browser(staff["office"]).post(look, asked).content.decode()
    assert Entry.objects.get(kind="looked").person == staff["office"]
    Case.objects.update(status="closed", closed_at=timezone.now() - timedelta(days=29))
    concerns.forget()
    assert Concern.objects.get().phone == "13712345678"
    Case.objects.update(closed_at=timezone.now() - timedelta(days=31))
    concerns.forget()
    assert Concern.objects.get().phone == ""


def test_labels_are_made_printed_replaced_and_withdrawn(county: County, staff: dict[str, Person], label: Label) -> None:
    office = browser(staff["office"])
    who = access.actor(staff["office"])
    data = {"code": "S002", "name": "河边摊"}
    records.create(who, county.pk, "lemonade.stall", data, organisation="stand", area=f"{county.pk}102", geometry=None)
    assert told(office.post("/labels/new", {"desk": STALL}, follow=True)) == ["已生成码牌 1 块"]
    assert Label.objects.get(key="S002").area.name == "西镇"
    assert told(office.post("/labels/new", {"desk": STALL}, follow=True)) == ["您管理的对象都已有码牌。"]
    assert told(office.post("/labels/new", {"desk": STREET, "name": "东街口"}, follow=True)) != []
    Phone().report(label)
    listed = office.get(f"/labels/?desk={STALL}").context["rows"]
    assert [(row["title"], row["label"].total, row["label"].waiting) for row in listed] == [
        ("桥头摊", 1, 1), ("河边摊", 0, 0),
    ]  # fmt: skip
    sheet = office.get(f"/labels/sheet?of={label.pk}").content.decode()
    assert label.code in sheet
    assert sheet.count('class="device-label"') == 1

    before = list(Label.objects.order_by("pk").values_list("withdrawn_at", "replaced_by"))
    act = f"/labels/{label.pk}/act"
    for name in ("viewer", "stranger"):
        assert browser(staff[name]).post(act, {"act": "withdraw"}).status_code in {403, 404}
        assert browser(staff[name]).post("/labels/new", {"desk": STALL}).status_code in {302, 403}
    assert list(Label.objects.order_by("pk").values_list("withdrawn_at", "replaced_by")) == before
    office.post(act, {"act": "replace"})
    label.refresh_from_db()
    new = label.replaced_by
    assert new is not None
    assert Phone().page(f"/r/{label.code}")["Location"] == f"/r/{new.code}"
    Phone().report(label, kind="broken")  # a page of the old code that was kept on a phone
    assert Concern.objects.get(kind="broken").label == new
    office.post(f"/labels/{new.pk}/act", {"act": "withdraw"})
    before_ = kept()
    gone = Phone().page(f"/r/{new.code}")
    assert (gone.status_code, "已停用" in text(gone), "stand" in text(gone)) == (410, True, True)
    assert Phone().send(new).status_code == 410
    unknown = Phone().page("/r/ZZZZZZZ")
    assert (unknown.status_code, "没有这个编号的码牌" in text(unknown)) == (404, True)
    assert kept() == before_


def test_nobody_of_another_county_sees_or_changes_a_label(county: County, label: Label) -> None:
    other = testing.made_up_county("500998")
    outsider = browser(person(other, "cases.*", "records.*.*.*", username="outsider"))
    Phone().report(label)
    case, concern = Case.objects.get(), Concern.objects.get()
    before = kept(), list(Label.objects.values_list("withdrawn_at", flat=True))
    assert outsider.get("/labels/").context["rows"] == []
    assert label.code not in outsider.get(f"/labels/sheet?of={label.pk}").content.decode()
    assert outsider.post(f"/labels/{label.pk}/act", {"act": "withdraw"}).status_code == 404
    assert outsider.get(f"/cases/{case.pk}/").status_code == 403
    look = f"/cases/{case.pk}/concerns/{concern.number}/phone"
    assert outsider.post(look, {"purpose": "contact", "reason": "x"}).status_code == 404
    assert (kept(), list(Label.objects.values_list("withdrawn_at", flat=True))) == before
    assert (label.county_id, case.county_id) == (CODE, CODE)


def test_other_programs_report_by_georeport(wall: Label, label: Label, staff: dict[str, Person]) -> None:
    phone, api = Phone(), "/open311/v2"
    codes = {one["service_code"]: one["service_name"] for one in phone.page(f"{api}/services.json").json()}
    assert codes[f"{STREET}.dirty"] == "脏了"
    sent = {
        "service_code": f"{STREET}.dirty",
        "lat": "30.5",
        "long": "100.72",
        "description": "一地糖水",
        "phone": "137",
    }
    made = phone.client.post(f"{api}/requests.json", sent)
    (told_,) = made.json()
    shown = phone.page(f"{api}/requests/{told_['service_request_id']}.json").json()
    assert (made.status_code, shown[0]["status"], shown[0]["description"], shown[0]["lat"]) == (
        201, "open", "一地糖水", 30.5,
    )  # fmt: skip
    assert phone.page(f"{api}/requests.json?service_request_id={told_['service_request_id']}").json() == shown
    assert phone.client.post(f"{api}/requests.json", sent).json()[0]["service_notice"] != ""
    at_stall = {"service_code": f"{STALL}.broken", "address_id": label.code}
    assert phone.client.post(f"{api}/requests.json", at_stall).status_code == 201
    before = kept()
    for wrong, status in (
        ({}, 400), ({"service_code": "x"}, 404), ({"service_code": f"{STALL}.broken"}, 400),
        ({**at_stall, "address_id": wall.code}, 400), ({**sent, "lat": "x"}, 400),
        ({**sent, "jurisdiction_id": "1"}, 404),
    ):  # fmt: skip
        answer_ = phone.client.post(f"{api}/requests.json", wrong)
        assert (answer_.status_code, answer_.json()[0]["code"]) == (status, status), wrong
    assert [phone.page(f"{api}/{path}").status_code for path in ("requests.json", "requests/0.json")] == [400, 404]
    assert kept() == before


def test_other_programs_send_photos_and_get_one_back(label: Label, staff: dict[str, Person]) -> None:
    phone, api = Phone(), "/open311/v2"
    sent = {"service_code": f"{STALL}.dirty", "address_id": label.code}
    before = kept()
    no_photo = SimpleUploadedFile("a.jpg", b"no photo", "image/jpeg")
    for media, words in (([no_photo], "media: "), ([photo() for _ in range(7)], "media: ")):
        refused = phone.client.post(f"{api}/requests.json", {**sent, "media": media})
        assert (refused.status_code, refused.json()[0]["description"].startswith(words)) == (400, True)
    assert kept() == before

    media_url = "http://192.0.2.1/a.jpg"
    made = phone.client.post(f"{api}/requests.json", {**sent, "media": [photo(at=BRIDGE)], "media_url": media_url})
    (told_,) = made.json()
    assert (made.status_code, told_["service_notice"].startswith("media_url：")) == (201, True)
    request = f"{api}/requests/{told_['service_request_id']}.json"
    own = phone.page(request).json()[0]["media_url"]
    shown = phone.page(own)
    assert images.facts(io.BytesIO(shown.content)) == images.Facts(40, 40)
    case = Case.objects.get()
    answer(case, staff["maker"])
    answer(case, staff["maker"], result="干净了", photos=[photo("#ffffff").read()])
    result = phone.page(request).json()[0]["media_url"]
    assert result.endswith(str(Attachment.objects.get(task__step="mend").file_id))
    assert phone.page(own).status_code == phone.page(result).status_code == 200
