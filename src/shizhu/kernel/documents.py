"""What offices' documents are made of: paragraphs, headings, tables, pictures; days and times as they write them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.utils import timezone

CHINESE = "zh-hans"  # of an office's document, whoever asks for it
MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
UNPRINTABLE = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # what XML 1.0 cannot hold


@dataclass(frozen=True)
class Heading:
    """A heading; `level` 1 or 2."""

    text: str
    level: int = 1


@dataclass(frozen=True)
class Table:
    """Rows of texts under a head; without a head the first column names what the second says."""

    rows: Sequence[Sequence[str]]
    head: Sequence[str] = ()
    widths: Sequence[float] = ()  # centimetres


@dataclass(frozen=True)
class Picture:
    """A picture with the words below it; one that cannot be drawn leaves its words."""

    content: bytes
    caption: str


Part = str | Heading | Table | Picture  # a text is a paragraph


def dated(year: int, month: int, day: int | None = None) -> str:
    """2026年11月25日, as GB/T 9704 §7.3.5.4 writes days: Arabic numbers, no noughts before them."""
    return f"{year}年{month}月{day}日" if day else f"{year}年{month}月"


def day(on: date) -> str:
    """A day as documents have it."""
    return dated(on.year, on.month, on.day)


def moment(at: datetime) -> str:
    """A moment as documents have it: 2026年11月25日18:05."""
    here = timezone.localtime(at)
    return f"{day(here)}{here:%H:%M}"
