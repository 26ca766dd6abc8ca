"""Monitoring of technology enterprises (system 141) by the public door: return, rating, warning, report."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import docx
import pytest
from tests.fixtures import person
from tests.packs.credit import credit_code
from tests.web.pages import browser, text

from shizhu.engines.plan.models import Evaluation
from shizhu.engines.records import api as records
from shizhu.kernel.models import County, Person

pytestmark = pytest.mark.django_db
pytest_plugins = ["tests.packs.innovation"]
Keep = Callable[..., records.Entry]
PAGE = "/plan/indexes/innovation.enterprise_monitoring/"
GOOD = {"employees": 100, "researchers": 20, "sales": 1000, "sales_before": 900, "rd_spending": 50, "rd_before": 40}
WARNED: dict[str | None, dict[str, Any]] = {
    "none": {}, "sales_down": {"sales": 630}, "rd_down": {"rd_spending": 20}, "no_rd": {"rd_spending": 0},
    None: {"rd_spending": None},
}  # fmt: skip


@pytest.fixture
def returned(bureau: Person, keep: Keep) -> Callable[..., records.Entry]:
    """The return of the enterprise of a letter for 2026."""

    def make(letter: str, number: int, **more: Any) -> records.Entry:
        given = {name: value for name, value in {**GOOD, **more}.items() if value is not None}
        return keep(
            "enterprise_return", code=f"B{number:05d}", title=f"企业{letter}2026年年报", enterprise=credit_code(letter),
            year=2026, **given,
        )  # fmt: skip

    return make


@pytest.fixture
def enterprises(keep: Keep) -> str:
    letters = "ABCDE"
    for letter in letters:
        keep("enterprise", credit_code=credit_code(letter), name=f"企业{letter}有限公司", kind="technology",
             recognised="2024-01-01")  # fmt: skip
    return letters


def test_an_enterprise_is_rated_from_checked_returns_and_what_is_missing_is_not_bad(
    county: County, bureau: Person, enterprises: str, keep: Keep, walk: Keep, returned: Keep
) -> None:
    walk(returned("A", 1), "submitted", "checked")
    walk(returned("B", 2, researchers=5, sales=800), "submitted", "checked")
    returned("C", 3)  # nobody checked it
    for number in (1, 2):
        keep(
            "result", code=f"C0000{number}", name="一项专利", kind="patent", achieved="2026-03-01",
            number=f"ZL{number}", enterprise=credit_code("A"),
        )  # fmt: skip
    client = browser(bureau)
    client.post(f"{PAGE}compute", {"year": 2026})
    rows = {line.name: line.row for line in client.get(f"{PAGE}?year=2026").context["lines"]}
    told = {name[2]: (row.score and round(row.score, 6), row.rank, row.class_) for name, row in rows.items()}
    none = (None, None, "")
    # by hand: A 36 + 24 + 20 × 2/4 + 20; B, with too few researchers and falling sales, 36 alone
    assert told == {"A": (90.0, 1, "A级"), "B": (36.0, 2, "C级"), "C": none, "D": none, "E": none}
    page = text(client.get(f"{PAGE}of/{credit_code('B')}?year=2026"))
    assert "研发人员占比达标" in page
    client.post(f"{PAGE}issue", {"year": 2026})
    made = Evaluation.objects.get()
    report = docx.Document(io.BytesIO(client.get(f"/plan/evaluations/{made.pk}/file.docx").content))
    said = [cell.text for table in report.tables for row in table.rows for cell in row.cells]
    assert {"企业A有限公司", "90.00", "A级"} <= set(said)


def test_a_return_warns_and_what_was_not_reported_is_not_judged(
    county: County, enterprises: str, returned: Keep
) -> None:
    made = [
        returned(letter, n, **more) for n, (letter, more) in enumerate(zip(enterprises, WARNED.values(), strict=True))
    ]
    assert [entry.data.get("warning") for entry in made] == list(WARNED)
    stranger = browser(person(county, "maps.map.view", username="stranger"))
    assert stranger.get("/records/innovation.enterprise_return/").status_code == 403
