"""What a phone sends from the field: once, however often, in whatever order and pieces; conflicts are told."""

from __future__ import annotations

import hashlib
import io
import json
import uuid
from typing import Any

import pytest
from django.test import Client
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, multiple, rule, run_state_machine_as_test
from tests.fixtures import area, person
from tests.web.pages import browser, text

from shizhu.engines.cases import acting, api
from shizhu.engines.cases.http.field import ANSWER, PHOTOS, PLACE, READ, TRACK
from shizhu.engines.cases.models import Attachment, Case, CasePlace, Deed, Entry, Photo, Piece, Task
from shizhu.kernel import access, files
from shizhu.kernel.models import County, File, OutboxEvent, Person

pytestmark = pytest.mark.django_db
JPEG = b"\xff\xd8\xff" + bytes(range(256)) * 4
HERE = {"longitude": 108.1, "latitude": 30.0, "accuracy": 8.5}
NOON = "2026-11-26T12:00:00+08:00"


@pytest.fixture
def staff(county: County) -> dict[str, Person]:
    return {
        "east": person(county, role="lemonade.maker", username="east", in_area="101", of="stand"),
        "mate": person(county, role="lemonade.maker", username="mate", in_area="101", of="stand"),
        "west": person(county, role="lemonade.maker", username="west", in_area="102", of="stand"),
        "chief": person(county, "cases.*", username="chief"),
        "stranger": person(county, "alarms.alarm.view", username="stranger"),
    }


@pytest.fixture
def case(county: County, staff: dict[str, Person]) -> Case:
    return api.open_case(api.Opening("lemonade.order", "三杯", area(county, "101"), {"title": "三杯"}))


class Phone:
    """Somebody's phone: it sends as the page does."""

    def __init__(self, who: Person) -> None:
        self.who, self.client = who, browser(who)

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        data = body if isinstance(body, bytes) else json.dumps(body)
        kind = "application/offset+octet-stream" if isinstance(body, bytes) else "application/json"
        sent = {"host": "testserver", "origin": "http://testserver", **headers}
        return self.client.generic(method, f"/field/api/{path}", data, content_type=kind, headers=sent)

    def state(self) -> Any:
        return self.client.get("/field/api/state").json()

    def deed(self, kind: str, id_: str = "", **body: Any) -> Any:
        return self.send("POST", "deeds", self.written(kind, id_, **body))

    def written(self, kind: str, id_: str = "", **body: Any) -> dict[str, Any]:
        return {"id": id_ or str(uuid.uuid4()), "kind": kind, "at": NOON, "person": self.who.pk, **body}

    def announce(self, data: bytes = JPEG, id_: str = "", **more: Any) -> str:
        id_ = id_ or str(uuid.uuid4())
        about = {"name": "a.jpg", "size": len(data), "sha256": hashlib.sha256(data).hexdigest(), **more}
        assert self.send("PUT", f"photos/{id_}", about).status_code == 200
        return id_

    def bring(self, id_: str, offset: int, data: bytes) -> Any:
        return self.send("PATCH", f"photos/{id_}", data, **{"upload-offset": str(offset)})

    def photo(self, data: bytes = JPEG, **more: Any) -> str:
        id_ = self.announce(data, **more)
        assert self.bring(id_, 0, data).json()["offset"] == len(data)
        return id_


def kept() -> list[int]:
    """Rows of everything that the field may change."""
    models = (Attachment, Case, CasePlace, Deed, Entry, File, OutboxEvent, Photo, Piece)
    done = Task.objects.filter(status="done").count()
    return [done, *(model.objects.count() for model in models)]


def make(case: Case) -> int:
    return int(Task.objects.get(case=case, step="make").pk)


def test_a_phone_takes_along_what_it_needs(case: Case, staff: dict[str, Person]) -> None:
    shot, paper = (
        files.keep(io.BytesIO(data), name=name, organisation=case.organisation, area=case.area, by=None)
        for name, data in (("a.jpg", JPEG), ("a.pdf", b"%PDF-1.7"))
    )
    case.attachments.bulk_create([Attachment(case=case, file=paper), Attachment(case=case, file=shot)])
    told = Phone(staff["east"]).state()
    assert (told["person"], told["language"]) == ({"id": staff["east"].pk, "name": "east"}, "zh-hans")
    [task] = told["tasks"]
    assert task["photos"] == [f"/cases/files/{shot.pk}"]
    assert (task["title"], task["step"], task["area"], task["is_rough"]) == ("三杯", "制作", "东镇", True)
    assert [(f["name"], f["widget"], f["is_required"], f["choices"]) for f in task["form"]["fields"]] == [
        ("sugar", "choice", True, [["none", "无糖"], ["some", "微糖"]]), ("photos", "photo", True, []),
    ]  # fmt: skip
    starts = {s["flow"]: [a["name"] for a in s["areas"]] for s in told["starts"]}
    assert starts["lemonade.order"] == ["东镇"]
    assert [Phone(staff[name]).state()["tasks"] for name in ("west", "stranger")] == [[], []]


def test_an_answer_with_a_photo_counts_once_however_often_it_is_sent(case: Case, staff: dict[str, Person]) -> None:
    phone = Phone(staff["east"])
    photo = phone.photo(taken_at="2026-11-26T11:58:00+08:00", place=HERE)
    written = phone.written("answer", task=make(case), answer={"sugar": "some"}, photos={"photos": [photo]})
    first, after = phone.send("POST", "deeds", written), kept()
    again = phone.send("POST", "deeds", written)
    assert (first.status_code, first.json()["outcome"], first.json()["number"]) == (200, "done", case.number)
    assert (again.json(), kept()) == (first.json(), after)
    row = Photo.objects.get()
    assert (row.longitude, row.file, Piece.objects.count()) == (108.1, Attachment.objects.get().file, 0)
    other = phone.send("POST", "deeds", {**written, "answer": {"sugar": "none"}})
    assert (other.status_code, other.json()["code"], kept()) == (409, "IdTaken", after)
    assert "拍摄于 2026-11-26 11:58 108.10000, " in text(browser(staff["chief"]).get(f"/cases/{case.pk}/"))


def test_a_report_lies_where_it_was_seen(county: County, staff: dict[str, Person]) -> None:
    town = area(county, "101")
    middle = town.geometry.representative_point() if town.geometry else None
    where = {"longitude": middle.x, "latitude": middle.y, "accuracy": 5} if middle else HERE
    phone = Phone(staff["east"])
    told = phone.deed("report", flow="lemonade.order", answer={"title": "坏了"}, place=where, area=town.code).json()
    made = Case.objects.get(pk=told["case"])
    assert (told["outcome"], made.area, made.opened_by, made.place.accuracy) == (
        "done",
        town,
        staff["east"],
        where["accuracy"],
    )
    wrong = phone.deed("report", flow="lemonade.order", answer={"title": "坏"}, area=town.code).json()
    assert (wrong["outcome"], wrong["problems"]) == ("refused", {"title": "至少写 2 个字。"})
    nowhere = phone.deed("report", flow="lemonade.order", answer={"title": "坏了"}, area=f"{county.pk}102").json()
    assert (nowhere["outcome"], nowhere["problems"]) == ("refused", {"area": "请选择所在乡镇。"})
    assert Case.objects.count() == 1


def test_conflicts_are_told_and_what_was_written_goes_on_as_a_remark(case: Case, staff: dict[str, Person]) -> None:
    east, mate, task = Phone(staff["east"]), Phone(staff["mate"]), make(case)
    photo = east.photo()
    mine = east.written("answer", task=task, answer={"sugar": "some"}, photos={"photos": [photo]})
    acting.hand_over(access.actor(staff["chief"]), task, staff["mate"])
    handed = east.send("POST", "deeds", mine).json()
    assert (handed["outcome"], handed["reason"], "mate" in handed["text"]) == ("conflict", "handed", True)
    done = mate.deed("answer", task=task, answer={"sugar": "none"}, photos={"photos": [mate.photo()]}).json()
    assert done["outcome"] == "done"
    Task.objects.filter(pk=task).update(assignee=None)
    late = east.deed("answer", task=task, answer={"sugar": "some"}, photos={"photos": [photo]}).json()
    assert (late["reason"], late["text"].startswith("mate, ")) == ("answered", False)
    assert "mate" in late["text"]
    assert east.send("POST", "deeds", mine).json() == handed
    remark = east.deed("remark", case=case.pk, text="我到过现场", photos={"photos": [photo]}).json()
    assert remark["outcome"] == "done"
    page = browser(staff["chief"]).get(f"/cases/{case.pk}/")
    assert "我到过现场" in text(page)
    assert page.content.decode().count(f"/cases/files/{Photo.objects.get(pk=photo).file_id}") == 2


def test_a_case_that_ended_meanwhile_is_said_to_be_closed(case: Case, staff: dict[str, Person]) -> None:
    Task.objects.update(status="withdrawn")
    phone = Phone(staff["east"])
    asked = {"task": make(case), "answer": {"sugar": "some"}, "photos": {"photos": [phone.photo()]}}
    assert phone.deed("answer", **asked).json()["reason"] == "withdrawn"
    Case.objects.update(status="closed", closed_at="2026-11-26T00:00:00Z")
    assert phone.deed("answer", **asked).json()["reason"] == "closed"


def test_nobody_does_in_the_field_what_they_may_not_do_at_the_desk(
    county: County, case: Case, staff: dict[str, Person]
) -> None:
    photo, before = Phone(staff["east"]).photo(), kept()
    task = {"task": make(case), "answer": {"sugar": "some"}}
    town = area(county, "101").code
    for name in ("west", "stranger"):
        phone = Phone(staff[name])
        assert phone.deed("answer", **task).status_code == 403
        assert phone.deed("remark", case=case.pk, text="看看").status_code == 403
        assert phone.deed("answer", **task, photos={"photos": [photo]}).status_code in {403, 409}
        assert phone.client.get(f"/field/api/photos/{photo}").status_code == 404
        assert phone.bring(photo, 0, b"x").status_code == 404
    assert (
        Phone(staff["stranger"]).deed("report", flow="lemonade.order", answer={"title": "三杯"}, area=town).status_code
        == 403
    )
    east = Phone(staff["east"])
    stolen = {**east.written("answer", **task), "person": staff["mate"].pk}
    assert east.send("POST", "deeds", stolen).json()["code"] == "OtherPerson"
    foreign = east.send("POST", "deeds", east.written("answer", **task), origin="http://elsewhere.example")
    assert (foreign.status_code, east.client.post("/field/api/deeds", {}).status_code) == (403, 403)
    for path in ("state", f"photos/{photo}"):
        assert Client().get(f"/field/api/{path}").status_code == 401
    assert kept() == before


@pytest.mark.parametrize(
    ("changed", "field", "rule"),
    [
        ({"id": "x"}, "id", "a UUID"), ({"kind": "steal"}, "kind", f"one of {', '.join(READ)}"),
        ({"at": "2026-11-26T12:00:00"}, "at", "a time with its zone (ISO 8601)"),
        ({"task": -1}, "task", "the number of a task"), ({"task": None}, "task", "required"),
        ({"answer": {"a": []}}, "answer", ANSWER), ({"photos": {"a": ["b"]}}, "photos", PHOTOS),
        ({"more": 1}, "more", "unknown"),
        ({"kind": "report", "place": {**HERE, "accuracy": "nan"}}, "place", PLACE),
        ({"kind": "patrol", "track": [[108.1, 30.0, 0, "nan"]]}, "track", TRACK),
    ],
)  # fmt: skip
def test_bad_input_names_field_and_rule(
    case: Case, staff: dict[str, Person], changed: dict[str, Any], field: str, rule: str
) -> None:
    phone, before = Phone(staff["east"]), kept()
    body = {**phone.written("answer", task=make(case), answer={"sugar": "some"}), **changed}
    answer = phone.send("POST", "deeds", body)
    found = [(wrong["name"], wrong["rule"]) for wrong in answer.json()["problems"]]
    assert (answer.status_code, (field, rule) in found, kept()) == (422, True, before)


def test_a_photo_is_whole_or_not_there(case: Case, staff: dict[str, Person]) -> None:
    phone = Phone(staff["east"])
    for data, told, why in ((b"MZ" + JPEG, b"MZ" + JPEG, "none of"), (JPEG, JPEG[:-1] + b"?", "sha256")):
        id_ = phone.announce(told)
        wrong = phone.bring(id_, 0, data)
        assert (wrong.status_code, why in wrong.json()["detail"], wrong["Upload-Offset"]) == (422, True, "0")
        assert (
            phone.deed("answer", task=make(case), answer={"sugar": "some"}, photos={"photos": [id_]}).json()["code"]
            == "PhotosMissing"
        )
    half = phone.announce()
    phone.bring(half, 0, JPEG[:100])
    assert phone.bring(half, 100, JPEG).status_code == 422
    assert phone.send("PUT", f"photos/{half}", {"name": "a", "size": 5, "sha256": "0" * 64}).status_code == 422
    assert (
        phone.send("PUT", f"photos/{uuid.uuid4()}", {"name": "a", "size": 10**8, "sha256": "0" * 64}).status_code == 422
    )
    assert (phone.client.get(f"/field/api/photos/{half}").json()["offset"], Deed.objects.count()) == (100, 0)


class Field(RuleBasedStateMachine):
    """A phone on a bad network: pieces are cut, repeated and lost, deeds come twice and in any order."""

    staff: dict[str, Person]
    county: County
    photos, deeds = Bundle("photos"), Bundle("deeds")

    def __init__(self) -> None:
        super().__init__()
        Deed.objects.all().delete()  # what a run before left
        Photo.objects.filter(file=None).delete()
        Task.objects.filter(status="done").delete()
        self.phone = Phone(self.staff["east"])
        self.stored: dict[str, int] = {}
        self.bytes: dict[str, bytes] = {}
        self.answers: dict[str, Any] = {}
        self.written: dict[str, dict[str, Any]] = {}
        self.before = Case.objects.count()

    @rule(target=photos, filler=st.binary(min_size=1, max_size=40))
    def take(self, filler: bytes) -> str:
        id_ = self.phone.announce(JPEG[:3] + filler)
        self.bytes[id_], self.stored[id_] = JPEG[:3] + filler, 0
        return id_

    @rule(id_=photos, offset=st.integers(0, 45), length=st.integers(1, 45))
    def bring(self, id_: str, offset: int, length: int) -> None:
        data, at = self.bytes[id_], self.stored[id_]
        piece = data[offset : offset + length]
        answer = self.phone.bring(id_, offset, piece)
        if offset == at and piece:
            self.stored[id_] = at + len(piece)
            assert answer.json()["offset"] == self.stored[id_]
        elif piece:
            assert (answer.status_code, answer["Upload-Offset"]) == (409, str(at))

    @rule(id_=photos)
    def go_on(self, id_: str) -> None:
        at = self.phone.client.get(f"/field/api/photos/{id_}").json()["offset"]
        assert at == self.stored[id_]
        rest = self.bytes[id_][at:]
        if rest:
            assert self.phone.bring(id_, at, rest).json()["offset"] == len(self.bytes[id_])
            self.stored[id_] = len(self.bytes[id_])
        assert self.phone.announce(self.bytes[id_], id_) == id_

    @rule(target=deeds, title=st.sampled_from(["三杯", "杯", "五杯水"]))
    def write_report(self, title: str) -> str:
        town = area(self.county, "101").code
        made = self.phone.written("report", flow="lemonade.order", answer={"title": title}, area=town)
        self.written[made["id"]] = made
        return str(made["id"])

    @rule(target=deeds, photo=photos, sugar=st.sampled_from(["some", "none", "much"]))
    def write_answer(self, photo: str, sugar: str) -> Any:
        task = Task.objects.filter(step="make", case__place=None).order_by("pk").first()
        if task is None:
            return multiple()
        made = self.phone.written("answer", task=task.pk, answer={"sugar": sugar}, photos={"photos": [photo]})
        self.written[made["id"]] = made
        return str(made["id"])

    @rule(id_=deeds)
    def send(self, id_: str) -> None:
        made = self.written[id_]
        before = kept()
        answer = self.phone.send("POST", "deeds", made)
        missing = [one for one in made.get("photos", {}).get("photos", []) if self.stored[one] < len(self.bytes[one])]
        if id_ in self.answers:
            assert (answer.json(), kept()) == (self.answers[id_], before)
        elif missing:
            assert (answer.status_code, answer.json()["code"], kept()) == (409, "PhotosMissing", before)
        else:
            assert answer.status_code == 200
            self.answers[id_] = answer.json()

    @invariant()
    def each_thing_is_there_once(self) -> None:
        done = [self.written[id_]["kind"] for id_, told in self.answers.items() if told["outcome"] == "done"]
        assert Case.objects.count() - self.before == done.count("report")
        assert Task.objects.filter(status="done", done_by=self.phone.who).count() == done.count("answer")
        assert Deed.objects.filter(pk__in=self.written).count() == len(self.answers)
        told = [t for t in self.answers.values() if t["outcome"] == "conflict"]
        assert {t["reason"] for t in told} <= {"answered"}


def test_everything_arrives_once_over_a_bad_network(county: County, case: Case, staff: dict[str, Person]) -> None:
    Field.county, Field.staff = county, staff
    run_state_machine_as_test(
        Field,
        settings=settings(
            max_examples=12, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
