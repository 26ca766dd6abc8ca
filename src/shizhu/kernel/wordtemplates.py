"""Templates that offices edit in Word: `{{ name }}` gives way to words, or alone in its line to tables and charts.

Only names are replaced, nothing is computed in a template: who may change one gets no further than its words.
Everything else in it (head, type, logos, notes) stays as it was drawn.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from zipfile import BadZipFile, ZipFile

import docx
from docx.document import Document
from docx.opc.exceptions import PackageNotFoundError
from docx.oxml.ns import qn
from docx.text.paragraph import Paragraph

from shizhu.kernel import official, wordlinks
from shizhu.kernel.documents import UNPRINTABLE

NAME = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")
HALF = re.compile(r"\{\{|\}\}")
UNPACKED = 50_000_000  # bytes


class Unusable(ValueError):
    """A file that is no Word document (docx), or a damaged one."""


def problems(content: bytes, words: Iterable[str], blocks: Iterable[str]) -> list[tuple[str, str]]:
    """What is wrong with a template: (reason, text) with reason unknown, half, not-alone or no-block.

    `words` may stand within a line, `blocks` only alone in a paragraph of the body. Raises Unusable.
    """
    document = _opened(content)
    known, parts, found = set(words), set(blocks), list[tuple[str, str]]()
    has_block = False
    for paragraph in _paragraphs(document):
        text = paragraph.text
        for match in NAME.finditer(text):
            name = match[1]
            if name in parts:
                has_block = True
                in_body = paragraph._p.getparent().tag == qn("w:body")  # noqa: SLF001
                if text.strip() != match[0] or not in_body:
                    found.append(("not-alone", name))
            elif name not in known:
                found.append(("unknown", name))
        if HALF.search(NAME.sub("", text)):
            found.append(("half", text.strip()[:60]))
    return found if found or has_block else [("no-block", "")]


def fill(content: bytes, words: Mapping[str, str], blocks: Mapping[str, Iterable[official.Part]]) -> bytes:
    """The template as a document, with its words and blocks in place. Raises Unusable."""
    document = _opened(content)
    for paragraph in _paragraphs(document):
        _replace(paragraph, words)
    for paragraph in list(document.paragraphs):
        match = NAME.fullmatch(paragraph.text.strip())
        if match and match[1] in blocks:
            _place(document, paragraph, blocks[match[1]])
    official.hold_signature(document)
    wordlinks.link(document)
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def _opened(content: bytes) -> Document:
    try:
        with ZipFile(io.BytesIO(content)) as packed:
            if sum(part.file_size for part in packed.infolist()) > UNPACKED:
                raise Unusable("too large")
        return docx.Document(io.BytesIO(content))
    except (PackageNotFoundError, BadZipFile, KeyError, ValueError, SyntaxError) as error:
        raise Unusable(str(error)) from error


def _paragraphs(document: Document) -> Iterator[Paragraph]:
    """Every paragraph: of the body, of tables in it however deep, of heads and feet."""
    places: list[Any] = [document.element.body]
    for section in document.sections:
        for part in (
            section.header, section.footer, section.even_page_header, section.even_page_footer,
            section.first_page_header, section.first_page_footer,
        ):  # fmt: skip
            if not part.is_linked_to_previous:
                places.append(part._element)  # noqa: SLF001  # python-docx walks no tables in tables
    for place in places:
        for found in place.iter(qn("w:p")):
            yield Paragraph(found, document._body)  # noqa: SLF001


def _replace(paragraph: Paragraph, words: Mapping[str, str]) -> None:
    """Put words in the place of names; a name that Word cut into several runs takes the type of its first."""
    for match in reversed(list(NAME.finditer(paragraph.text))):
        if match[1] not in words:
            continue
        at, put = 0, UNPRINTABLE.sub("", words[match[1]])
        for run in paragraph.runs:
            text, begins = run.text, at
            at += len(text)
            first, last = max(match.start(), begins) - begins, min(match.end(), at) - begins
            if first < last:
                run.text = text[:first] + put + text[last:]
                put = ""


def _place(document: Document, anchor: Paragraph, parts: Iterable[official.Part]) -> None:
    """Parts in the place of a paragraph."""
    body: Any = document.element.body
    before = len(body)
    official.add(document, parts)
    end = body[-1] if body[-1].tag == qn("w:sectPr") else None
    made = list(body)[before - (end is not None) : len(body) - (end is not None)]
    for element in made:
        anchor._p.addprevious(element)  # noqa: SLF001
    body.remove(anchor._p)  # noqa: SLF001
