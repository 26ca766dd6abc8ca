"""Documents laid out as PDF: what a row of a table says stays together."""

from __future__ import annotations

import io

import pdfplumber

from shizhu.kernel import official, pdf
from shizhu.kernel.documents import Table

TALL = 1500  # characters: several pages of a narrow column


def test_a_row_stands_on_one_page_unless_it_is_taller_than_one() -> None:
    rows = [(f"始{n}", f"{'字' * (30 + 37 * n % 90)}终{n}") for n in range(40)]
    rows.insert(25, ("高", "高" * TALL))
    front = official.Front("头", "1", "甲", "2026年1月1日", "题目")
    made = pdf.printed(official.official(front, [Table(rows, ("号", "内容"), (12, 3.6))]))
    with pdfplumber.open(io.BytesIO(made)) as document:
        pages = ["".join(page.extract_text().split()) for page in document.pages]
    assert len(pages) > 5
    torn = [n for n in range(40) if not any(f"始{n}" in page and f"终{n}" in page for page in pages)]
    assert torn == []
    assert sum(page.count("高") for page in pages) == TALL + 1
    assert all(page.startswith("号内容") for page in pages[1:-1])
