"""Templates that offices edit in Word: `{{ name }}` gives way to words, or alone in its line to tables and charts.

Only names are replaced, nothing is computed in a template: who may change one gets no further than its words.
Everything else in it (head, type, logos, notes) stays as it was drawn.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any, NamedTuple
from zipfile import BadZipFile, ZipFile

import docx
from docx.document import Document
from docx.opc.exceptions import PackageNotFoundError
from docx.oxml.ns import qn
from docx.text.paragraph import Paragraph
from docx.text.run import Run

from shizhu.kernel import official, wordlinks
from shizhu.kernel.documents import UNPRINTABLE

NAME = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")
HALF = re.compile(r"\{\{|\}\}|[｛｝]")
LONE = re.compile(r"\{\s*(\w+)\s*\}")
NUMBERED = re.compile(r"([一二三四五六七八九十]+)、")
NUMBERS = {official.chinese(number): number for number in range(1, 100)}
UNPACKED = 50_000_000  # bytes
LENGTH = 40  # of what is shown of a paragraph


class Unusable(ValueError):
    """A file that is no Word document (docx), or a damaged one."""


class Problem(NamedTuple):
    """What is wrong with a template: why, in which words, below which heading (or in `head` or `foot` of pages), and
    the name that may have been meant.

    Reasons: unknown, half, not-alone, no-block; revised and commented, what Word would still show to readers; order, a
    heading whose number does not follow on the one before.
    """

    reason: str
    text: str
    place: str = ""
    near: str = ""


def problems(content: bytes, words: Iterable[str], blocks: Iterable[str]) -> list[Problem]:
    """What is wrong with a template, in the order of its paragraphs.

    `words` may stand within a line, `blocks` only alone in a paragraph of the body. Raises Unusable.
    """
    document = _opened(content)
    known, parts = set(words), set(blocks)
    found, place, number, has_block = dict[Problem, None](), "", 0, False
    for paragraph, where in _placed(document):
        text = _text(paragraph)
        in_body = paragraph._p.getparent().tag == qn("w:body")  # noqa: SLF001
        if in_body and not where and (heading := NUMBERED.match(text.strip())):
            here = NUMBERS.get(heading[1], 0)
            if here not in {1, number + 1}:
                found[Problem("order", text[:LENGTH], place)] = None
            place, number = text[:LENGTH], here
        at = where or place
        for match in NAME.finditer(text):
            name = match[1]
            if name in parts:
                has_block = True
                if text.strip() != match[0] or not in_body or where:
                    found[Problem("not-alone", name, at)] = None
            elif name not in known:
                near = get_close_matches(name, sorted(known | parts), 1)
                found[Problem("unknown", name, at, "".join(near))] = None
        rest = NAME.sub("", text)
        if HALF.search(rest) or any(match[1] in known | parts for match in LONE.finditer(rest)):
            found[Problem("half", text.strip()[:LENGTH], at)] = None
        for reason, path in (("revised", ".//*[@w:author]"), ("commented", ".//w:commentReference")):
            if paragraph._p.xpath(path):  # noqa: SLF001
                found[Problem(reason, text.strip()[:LENGTH], at)] = None
    return list(found) if found or has_block else [Problem("no-block", "")]


def names(content: bytes) -> set[str]:
    """The names that stand in a template. Raises Unusable."""
    return {match[1] for paragraph, _where in _placed(_opened(content)) for match in NAME.finditer(_text(paragraph))}


def fill(content: bytes, words: Mapping[str, str], blocks: Mapping[str, Iterable[official.Part]]) -> bytes:
    """The template as a document, with its words and blocks in place. Raises Unusable.

    Its properties have title and issuer of the words: whoever edited the template is not named in them.
    """
    document = _opened(content)
    for paragraph, _where in _placed(document):
        _replace(paragraph, words)
    for paragraph in list(document.paragraphs):
        match = NAME.fullmatch(_text(paragraph).strip())
        if match and match[1] in blocks:
            _place(document, paragraph, blocks[match[1]])
    official.hold_signature(document)
    wordlinks.link(document)
    about = document.core_properties
    about.title = words.get("title", "").replace("\n", "")[:255]
    about.author = about.last_modified_by = words.get("issuer", "")[:255]
    about.comments = about.subject = about.keywords = ""
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


def _placed(document: Document) -> Iterator[tuple[Paragraph, str]]:
    """Every paragraph: of the body, of tables in it however deep, and with `head` or `foot` of these."""
    places: list[tuple[Any, str]] = [(document.element.body, "")]
    for section in document.sections:
        heads = section.header, section.even_page_header, section.first_page_header
        feet = section.footer, section.even_page_footer, section.first_page_footer
        for part, where in (*((one, "head") for one in heads), *((one, "foot") for one in feet)):
            if not part.is_linked_to_previous:
                places.append((part._element, where))  # noqa: SLF001  # python-docx walks no tables in tables
    for place, where in places:
        for found in place.iter(qn("w:p")):
            yield Paragraph(found, document._body), where  # noqa: SLF001


def _runs(paragraph: Paragraph) -> list[Run]:
    """The runs of a paragraph, in its links, fields and revisions too, but not of what floats beside it."""
    return [
        Run(run, paragraph)
        for run in paragraph._p.iter(qn("w:r"))  # noqa: SLF001  # python-docx leaves out those within something
        if next(run.iterancestors(qn("w:p"))) is paragraph._p  # noqa: SLF001
    ]


def _text(paragraph: Paragraph) -> str:
    return "".join(run.text for run in _runs(paragraph))


def _replace(paragraph: Paragraph, words: Mapping[str, str]) -> None:
    """Put words in the place of names; a name that Word cut into several runs takes the type of its first."""
    for match in reversed(list(NAME.finditer(_text(paragraph)))):
        if match[1] not in words:
            continue
        at, put = 0, UNPRINTABLE.sub("", words[match[1]])
        for run in _runs(paragraph):
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
    if anchor._p.xpath("./w:pPr/w:sectPr"):  # noqa: SLF001  # it ends a section: pages across, say
        for run in anchor.runs:
            anchor._p.remove(run._r)  # noqa: SLF001
    else:
        body.remove(anchor._p)  # noqa: SLF001
