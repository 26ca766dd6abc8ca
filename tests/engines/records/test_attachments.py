"""Attachments: told by their bytes, hung on records by who brought them, sent to who may see the record."""

from __future__ import annotations

import io
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from PIL import Image
from tests.engines.records.permits import PERMIT, browser, problems, stored
from tests.fixtures import person

from shizhu.engines.records import api, batches
from shizhu.engines.records.models import Batch
from shizhu.kernel import access, files
from shizhu.kernel.models import County, File, Person

pytestmark = pytest.mark.django_db
pytest_plugins = ["tests.engines.records.stalls"]
LIST = f"/records/{PERMIT}/"
PDF = b"%PDF-1.7\n"
NEW = {"code": "P001", "applicant": "甲", "kind": "cart", "_area": "990001101", "_organisation": "stand"}


@pytest.fixture
def client(county: County, root: access.Actor) -> Client:
    return browser(Person.objects.get(username="root"))


def photo(name: str = "摊位.jpg", colour: str = "green") -> SimpleUploadedFile:
    out = io.BytesIO()
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9003] = "2026:07:01 08:30:00"
    exif.get_ifd(0x8825).update({1: "N", 2: (29, 59, 56), 3: "E", 4: (108, 6, 43)})
    Image.new("RGB", (400, 300), colour).save(out, "JPEG", exif=exif)
    return SimpleUploadedFile(name, out.getvalue())


def paper(content: bytes = PDF, name: str = "申请.pdf") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content, content_type="image/jpeg")


def status_of(client: Client, address: str) -> int:
    answer = client.get(address)
    if answer.streaming:
        b"".join(answer)  # or its file stays open
    return answer.status_code


def inputs(answer: Any) -> dict[str, Any]:
    return {leaf.name: leaf for made in answer.context["inputs"] for leaf in made.leaves}


def test_a_form_keeps_photo_and_papers(county: County, client: Client, root: access.Actor) -> None:
    sent = {**NEW, "photo": photo(), "papers": [paper(), paper(PDF + b"2", "二.pdf")]}
    assert client.post(f"{LIST}new", sent).status_code == 302
    made = api.get(root, county.pk, PERMIT, "P001")
    files = {file.name: file for file in File.objects.all()}
    assert made.data["photo"] == str(files["摊位.jpg"].pk)
    assert made.data["papers"] == [str(files[name].pk) for name in ("申请.pdf", "二.pdf")]
    page = client.get(f"{LIST}{made.id}/").content.decode()
    assert all(text in page for text in ("taken", "2026-07-01 08:30", "108.11194, 29.99889", "二.pdf"))
    place = f"{LIST}{made.id}/files/"
    whole = client.get(f"{place}{made.data['photo']}")
    assert (whole.headers["content-type"], b"Exif" in b"".join(whole)) == ("image/jpeg", True)
    for wanted, size in (("copy", (400, 300)), ("thumb", (320, 240))):
        plain = client.get(f"{place}{made.data['photo']}?as={wanted}").content
        assert (Image.open(io.BytesIO(plain)).size, b"Exif" in plain) == (size, False)
    document = client.get(f"{place}{made.data['papers'][0]}?as=thumb")
    assert (b"".join(document), document.headers["content-disposition"].split(";")[0]) == (PDF, "attachment")


def test_uploads_stay_with_the_form_until_it_is_right(county: County, client: Client, root: access.Actor) -> None:
    answer = client.post(f"{LIST}new", {**NEW, "code": "X", "photo": photo(), "papers": [paper()]})
    seen = inputs(answer)
    assert (answer.status_code, [f.name for f in seen["papers"].files]) == (422, ["申请.pdf"])
    assert status_of(client, seen["photo"].files[0].url) == 200
    more = {**NEW, "photo": seen["photo"].value, "papers": ["", seen["papers"].value], "_act": "refresh"}
    answer = client.post(
        f"{LIST}new", {**more, "papers": ["", seen["papers"].value]} | {"papers": seen["papers"].value}
    )
    sent = {name: one.value for name, one in inputs(answer).items() if name in {"photo", "papers"}}
    dropped = client.post(f"{LIST}new", {**NEW, **sent, "_act": f"drop:papers:{sent['papers']}"})
    assert inputs(dropped)["papers"].value == ""
    assert client.post(f"{LIST}new", {**NEW, **sent}).status_code == 302
    made = api.get(root, county.pk, PERMIT, "P001")
    assert (made.data["photo"], made.data["papers"]) == (sent["photo"], [sent["papers"]])


@pytest.mark.parametrize(
    ("field", "content", "told"),
    [
        ("photo", PDF, "申请.pdf is none of JPEG, PNG. Send one of these."),
        ("papers", b"MZ\x90", "申请.pdf is none of PDF, JPEG. Send one of these."),
        ("papers", PDF + bytes(2_000_000), "申请.pdf is larger than 2 MB. Send a smaller one."),
    ],
)
def test_a_file_is_told_by_its_bytes(client: Client, field: str, content: bytes, told: str) -> None:
    for act in ({}, {"_act": "refresh"}):
        answer = client.post(f"{LIST}new", {**NEW, field: paper(content), **act})
        assert inputs(answer)[field].problems == (told,)
    assert File.objects.count() == 0


def test_too_many_are_refused(client: Client) -> None:
    answer = client.post(f"{LIST}new", {**NEW, "papers": [paper(PDF + bytes([n])) for n in range(4)]})
    assert inputs(answer)["papers"].problems == ("may have at most 3 items",)


def test_a_stranger_sees_no_file_and_hangs_none_on_a_record(county: County, client: Client, permit: Any) -> None:
    client.post(f"{LIST}new", {**NEW, "photo": photo()})
    made = api.get(access.actor(Person.objects.get(username="root")), county.pk, PERMIT, "P001")
    file, waiting = made.data["photo"], "papers"
    upload = inputs(client.post(f"{LIST}new", {**NEW, "_act": "refresh", waiting: paper()}))[waiting].value
    west = person(county, f"records.{PERMIT}.*", in_area="102")
    viewer = person(county, f"records.{PERMIT}.view", "records.lemonade.grower.*")
    for who, address, status in (
        (west, f"{LIST}{made.id}/files/{file}", 404), (west, f"{LIST}files/{file}", 404),
        (west, f"{LIST}files/{upload}", 404), (viewer, f"{LIST}{made.id}/files/{file}", 200),
        (viewer, f"{LIST}files/{file}", 404), (viewer, f"{LIST}{made.id}/files/{upload}", 404),
        (viewer, f"{LIST}{made.id}/files/{uuid.uuid4()}", 404),
        (person(county, "cases.*"), f"{LIST}{made.id}/files/{file}", 403),
    ):  # fmt: skip
        assert (address, status_of(browser(who), address)) == (address, status)
    before = stored(made.id)
    for stolen in (file, str(uuid.uuid4()), "x"):
        with pytest.raises(api.Refused) as refused:
            permit(by=access.actor(west), area="102", code="P009", photo=stolen)
        assert problems(refused) == [("photo", "format" if stolen == "x" else "x-shizhu-file")]
    form = browser(west).post(f"{LIST}new", {**NEW, "photo": file, "papers": upload, "_act": "refresh"})
    assert [inputs(form)[name].files for name in ("photo", "papers")] == [(), ()]
    assert stored(made.id) == before


def test_a_file_of_another_field_is_held_to_the_rules_of_this_one(client: Client, permit: Any, root: Any) -> None:
    upload = inputs(client.post(f"{LIST}new", {**NEW, "_act": "refresh", "papers": paper()}))["papers"].value
    with pytest.raises(api.Refused) as refused:
        permit(photo=upload)
    assert [(p.path, p.rule, p.message["en"]) for p in refused.value.problems] == [
        ("photo", "x-shizhu-file.types", "must be JPEG, PNG")
    ]


def test_an_old_photo_comes_back_with_its_version(county: County, client: Client, root: access.Actor) -> None:
    client.post(f"{LIST}new", {**NEW, "photo": photo()})
    made = api.get(root, county.pk, PERMIT, "P001")
    api.update(root, made.id, {"photo": None}, 1)
    other = access.actor(person(county, f"records.{PERMIT}.*"))
    assert api.revert(other, made.id, 1, 2).data["photo"] == made.data["photo"]


def test_a_published_copy_needs_the_record_too(home: Path, county: County, client: Client, root: access.Actor) -> None:
    client.post(f"{LIST}new", {**NEW, "photo": photo(colour="red")})
    made = api.get(root, county.pk, PERMIT, "P001")
    file = File.objects.get(pk=made.data["photo"])
    (home / "files" / file.sha256[:2] / file.sha256).write_bytes(b"\xff\xd8\xff broken")
    assert client.get(f"{LIST}{made.id}/files/{file.pk}?as=copy").status_code == 404
    assert client.get(f"{LIST}{made.id}/").status_code == 200


def test_uploads_that_nothing_names_are_swept_after_a_day(county: County, client: Client, root: access.Actor) -> None:
    assert (
        client.post(
            f"{LIST}new", {**NEW, "photo": photo(), "papers": [paper(), paper(PDF + b"2", "二.pdf")]}
        ).status_code
        == 302
    )
    made = api.get(root, county.pk, PERMIT, "P001")
    api.update(root, made.id, {"photo": None}, 1)  # an earlier version still names it
    kept = set(File.objects.values_list("pk", flat=True))
    organisation = File.objects.all()[0].organisation
    place = {"organisation": organisation, "area": organisation.area, "by": None}
    unused = files.store(b"nobody's", name="无.pdf", media_type="application/pdf", **place)
    twin = files.store(PDF, name="同.pdf", media_type="application/pdf", **place)  # the same bytes as one that is used
    fresh = files.store(b"just now", name="新.pdf", media_type="application/pdf", **place)
    assert files.sweep() == 0
    File.objects.exclude(pk=fresh.pk).update(created=timezone.now() - timedelta(hours=25))
    assert (files.sweep(), files.sweep()) == (2, 0)
    assert set(File.objects.values_list("pk", flat=True)) == kept | {fresh.pk}
    assert (files.path_of(unused).exists(), files.path_of(twin).exists()) == (False, True)
    assert all(files.path_of(file).exists() for file in File.objects.all())


def test_a_file_of_a_batch_is_in_use(county: County, root: access.Actor) -> None:
    who = Person.objects.get(username="root")
    given = batches.keep(who, county.pk, b"a table", "表.csv", "text/csv")
    batches.begin(who, county.pk, PERMIT, Batch.Kind.IMPORT, Batch.State.DONE, given=given)
    File.objects.update(created=timezone.now() - timedelta(days=9))
    assert (files.sweep(), File.objects.get().pk) == (0, given.pk)
