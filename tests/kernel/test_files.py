"""An upload is told by its bytes, kept once by its hash, and shown to whoever may see the row it hangs on."""

from __future__ import annotations

import hashlib
import io
import threading
from pathlib import Path

import pytest
from django.db import connections
from tests.fixtures import area, organisation, person

from shizhu.kernel import access, files
from shizhu.kernel.models import County, File

pytestmark = pytest.mark.django_db
BEGINNINGS = {
    "image/jpeg": b"\xff\xd8\xff\xe0",
    "image/png": b"\x89PNG\r\n\x1a\n",
    "image/webp": b"RIFF\x24\x00\x00\x00WEBPVP8 ",
    "application/pdf": b"%PDF-1.7\n",
}


def keep(county: County, content: bytes, name: str = "a.png", town: str = "101", **rest: object) -> File:
    given = {
        "name": name,
        "organisation": organisation(county, "stand"),
        "area": area(county, town),
        "by": None,
        **rest,
    }
    return files.keep(io.BytesIO(content), **given)  # type: ignore[arg-type]


def parts(home: Path) -> list[str]:
    """Names of everything under the files folder."""
    return sorted(file.name for file in (home / "files").rglob("*") if file.is_file())


@pytest.mark.parametrize("media_type", sorted(BEGINNINGS))
def test_the_type_is_told_by_the_first_bytes(county: County, home: Path, media_type: str) -> None:
    content = BEGINNINGS[media_type] + b"the rest"
    digest = hashlib.sha256(content).hexdigest()
    kept = keep(county, content, name="../../etc/杯子.exe")
    assert (kept.name, kept.media_type, kept.size, kept.sha256) == ("杯子.exe", media_type, len(content), digest)
    assert (kept.county, kept.organisation.code, kept.area.code) == (county, "stand", "990001101")
    assert files.path_of(kept) == home / "files" / digest[:2] / digest
    assert files.path_of(kept).read_bytes() == content


@pytest.mark.parametrize(
    "content",
    [b"MZ\x90", b"<svg xmlns=''/>", b"<html>", b"RIFF\x24\x00\x00\x00WAVEfmt ", b" %PDF-1.7", b"\x89PNG"],
)
def test_anything_else_is_refused_and_not_kept(county: County, home: Path, content: bytes) -> None:
    before = parts(home)
    with pytest.raises(files.FileRefused, match=r"a\.png.*JPEG.+PNG.+WEBP.+PDF"):
        keep(county, content)
    assert (File.objects.count(), parts(home)) == (0, before)


def test_an_empty_file_is_called_empty(county: County, home: Path) -> None:
    before = parts(home)
    with pytest.raises(files.FileRefused, match=r"a\.png 是空文件"):
        keep(county, b"")
    assert (File.objects.count(), parts(home)) == (0, before)


def test_a_caller_may_allow_less(county: County) -> None:
    with pytest.raises(files.FileRefused, match=r"a\.png.*PNG"):
        keep(county, BEGINNINGS["application/pdf"], allowed=("image/png",))
    assert File.objects.count() == 0


def test_the_largest_file_is_kept_and_one_byte_more_is_refused(county: County, home: Path) -> None:
    largest = BEGINNINGS["image/png"].ljust(files.LARGEST, b"\0")
    assert keep(county, largest).size == files.LARGEST
    before = parts(home)
    with pytest.raises(files.FileRefused, match=r"a\.png.*15 MB"):
        keep(county, largest + b"\0")
    assert (File.objects.count(), parts(home)) == (1, before)


def test_the_same_bytes_lie_there_once(county: County, home: Path) -> None:
    content = BEGINNINGS["image/png"] + b"twice"
    one, two = keep(county, content), keep(county, content, name="b.png", town="102")
    assert files.path_of(one) == files.path_of(two)
    assert parts(home).count(one.sha256) == 1
    assert (one.pk == two.pk, [one.name, two.name]) == (False, ["a.png", "b.png"])


@pytest.mark.django_db(transaction=True)
def test_many_may_bring_the_same_bytes_at_once(county: County, home: Path) -> None:
    content = BEGINNINGS["image/png"] + bytes(2_000_000)

    def bring() -> None:
        keep(county, content)
        connections.close_all()

    people = [threading.Thread(target=bring) for _ in range(6)]
    for one in people:
        one.start()
    for one in people:
        one.join()
    assert File.objects.count() == 6
    assert files.path_of(File.objects.all()[0]).read_bytes() == content
    assert [name for name in parts(home) if "." in name] == []


def test_a_file_is_seen_where_its_row_is(county: County) -> None:
    kept = keep(county, BEGINNINGS["image/png"])
    near = person(county, "kernel.file.view", in_area="101", of="stand")
    for other in (person(county, "kernel.file.view", in_area="102"), person(county, "kernel.file.view", of="kitchen")):
        assert list(access.rows(File.objects.all(), access.actor(other), "kernel.file.view")) == []
    assert list(access.rows(File.objects.all(), access.actor(near), "kernel.file.view")) == [kept]
