"""What tests of pages share: a person's browser, a page as a reader has it, and a table as it is sent."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from typing import Any

import openpyxl
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from shizhu.kernel.models import Person


def browser(who: Person, language: str = "zh-hans") -> Client:
    """The browser of somebody who is logged in."""
    made = Client(headers={"accept-language": language})
    made.force_login(who)
    return made


def text(answer: Any) -> str:
    """A page's heading and main part without tags, one space between words."""
    body = re.sub(r"<script.*?</script>", "", answer.content.decode(), flags=re.DOTALL)
    parts = re.findall(r"<h1>.*?</h1>|<div class=\"alert.*?</div>|<main.*</main>", body, flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", " ".join(parts))).strip()


def told(answer: Any) -> list[str]:
    """The messages that the page after a redirect shows."""
    return [str(message) for message in answer.context["messages"]]


def saved(book: Any) -> SimpleUploadedFile:
    """A workbook as a browser sends it."""
    out = io.BytesIO()
    book.save(out)
    return SimpleUploadedFile("表.xlsx", out.getvalue())


def table(*rows: Sequence[Any]) -> SimpleUploadedFile:
    """A workbook of one sheet with these rows, as a browser sends it."""
    book = openpyxl.Workbook()
    assert book.active
    for row in rows:
        book.active.append(list(row))
    return saved(book)
