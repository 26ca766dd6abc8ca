"""Photos say when and where they were taken; their copies do not."""

from __future__ import annotations

import io
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from PIL.TiffImagePlugin import IFDRational

from shizhu.kernel import images


def photo(
    path: Path,
    *,
    size: tuple[int, int] = (60, 40),
    zone: str = "",
    turned: int = 1,
    gps: Any = None,
    kind: str = "JPEG",
) -> Path:
    """A photo taken at 2026-07-01 08:30, at 108.112 E, 29.999 N unless said."""
    image = Image.new("RGB", size, "green")
    exif = Image.Exif()
    exif[0x0112] = turned
    exif[0x010F] = "相机".encode()
    details = exif.get_ifd(0x8769)
    details[0x9003] = "2026:07:01 08:30:00"
    if zone:
        details[0x9011] = zone
    north, east = ((29, 59, IFDRational(564, 10)), (108, 6, IFDRational(432, 10))) if gps is None else gps
    exif.get_ifd(0x8825).update({1: "N", 2: north, 3: "E", 4: east})
    image.save(path, kind, exif=exif)
    return path


def test_time_and_place_are_read(tmp_path: Path) -> None:
    found = images.facts(photo(tmp_path / "a.jpg"))
    assert found == images.Facts(60, 40, datetime(2026, 7, 1, 8, 30), (108.112, 29.999))  # noqa: DTZ001  # no zone in it
    zoned = images.facts(photo(tmp_path / "b.jpg", zone="+08:00"))
    assert zoned is not None
    assert zoned.taken == datetime(2026, 7, 1, 8, 30, tzinfo=timezone(timedelta(hours=8)))
    assert images.facts(photo(tmp_path / "c.png", kind="PNG")) == found


@pytest.mark.parametrize("gps", [((95, 0, 0), (1, 0, 0)), ((IFDRational(1, 0), 0, 0), (1, 0, 0))])
def test_a_place_that_is_none_is_none(tmp_path: Path, gps: Any) -> None:
    found = images.facts(photo(tmp_path / "a.jpg", gps=gps))
    assert found is not None
    assert found.position is None


@pytest.mark.parametrize("most", [0, 20])
def test_a_copy_is_upright_and_says_nothing(tmp_path: Path, most: int) -> None:
    made = images.copy(photo(tmp_path / "a.jpg", turned=6), most)
    copied = Image.open(io.BytesIO(made))
    assert copied.size == ((13, 20) if most else (40, 60))
    assert (dict(copied.getexif()), "exif" in copied.info, b"Exif" in made) == ({}, False, False)


def test_what_is_no_photo_has_neither(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "a.jpg"
    broken.write_bytes(b"\xff\xd8\xff\xe0 no more")
    assert images.facts(broken) is None
    with pytest.raises(ValueError, match="no photo that can be read"):
        images.copy(broken)
    large = photo(tmp_path / "b.jpg")
    monkeypatch.setattr(images, "LARGEST", 100)
    assert images.facts(large) is None
