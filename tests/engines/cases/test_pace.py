"""How fast approvals are: what ran side by side, what that saved, and how often an applicant came."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from unittest.mock import patch

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.engines.cases.test_approvals import KEY, MONDAY, applied, decide, ready, staff, who
from tests.web.pages import browser, text

from shizhu.engines.cases import acting, pace, results
from shizhu.engines.cases.models import Case, Helper, Pace
from shizhu.kernel.models import County, Person
from shizhu.lib import worktime

__all__ = ["staff"]
USUAL = worktime.hours(worktime.USUAL, UTC)
BEGIN = datetime(2026, 11, 30, 0, tzinfo=UTC)
SPANS = st.lists(st.tuples(st.integers(0, 90), st.integers(0, 60)), min_size=1, max_size=5)


@given(SPANS)
def test_saved_days_are_those_that_overlap(given: list[tuple[int, int]]) -> None:
    """Against a count by hours: each hour that n items ran at once saves n − 1 of it, one that none did costs it."""
    spans = [(BEGIN + timedelta(hours=at), BEGIN + timedelta(hours=at + long)) for at, long in given]
    whole = (BEGIN, max(end for _begin, end in spans))
    found = pace.reckoned(spans, whole, USUAL)
    saved, beside = 0.0, set[int]()
    for quarter in range(int((whole[1] - whole[0]) / timedelta(minutes=30))):
        begin = BEGIN + quarter * timedelta(minutes=30)
        here = [n for n, one in enumerate(spans) if one[0] <= begin and begin + timedelta(minutes=30) <= one[1]]
        worked = worktime.worked(begin, begin + timedelta(minutes=30), USUAL) / USUAL.day
        saved += worked * (len(here) - 1)
        beside |= set(here) if worked and len(here) > 1 else set()
    assert found["serial"] - found["elapsed"] == pytest.approx(saved)
    assert (found["items"], found["together"]) == (len(spans), len(beside))


@pytest.mark.django_db(transaction=True)
def test_closed_approvals_stand_with_what_was_saved_and_go_out_as_excel(
    county: County, staff: dict[str, Person]
) -> None:
    """The first side by side, with supplements and fetched at the window; the second refused at once."""

    def at(days: float) -> datetime:
        return MONDAY + timedelta(days=days)

    def on(days: float) -> object:
        return patch("django.utils.timezone.now", lambda: at(days))

    with on(0):  # type: ignore[attr-defined]
        case, other = applied(county), applied(county)
        acting.supplement(who(staff["taster"]), ready(case)["health"].pk, "缺")
        decide(other, staff["taster"], "health", granted=False)
    with on(1):  # type: ignore[attr-defined]
        decide(case, staff["maker"], "place")
        acting.supplied(who(staff["taster"]), ready(case)["health"].pk)
    with on(2):  # type: ignore[attr-defined]
        decide(case, staff["taster"], "health")
        acting.contribute(who(staff["taster"]), Helper.objects.get(task__case=case).pk, "好")
    with on(3):  # type: ignore[attr-defined]
        decide(case, staff["maker"], "open")
        results.deliver(who(staff["maker"]), case.pk, "window", "甲", code=results.code_of(case))
    told = {
        one.case_id: (one.items, one.together, round(one.serial, 3), round(one.elapsed, 3))
        for one in Pace.objects.all()
    }
    assert told == {case.pk: (3, 2, 4.0, 3.0), other.pk: (1, 0, 0.0, 0.0)}
    with on(4):  # type: ignore[attr-defined]
        reader = browser(staff["reader"])
        answer = reader.get("/cases/approvals/pace/?month=2026-12")
        sheet = openpyxl.load_workbook(io.BytesIO(reader.get("/cases/approvals/pace/?month=2026-12&as=xlsx").content))
        november = text(reader.get("/cases/approvals/pace/?month=2026-11"))
    page = text(answer)
    assert [
        one for one in ("100% 并联办理", "1 节省工作日", "2/3", "1 次补正（每件）", "0% 最多跑一次") if one not in page
    ] == []
    row = next(one for one in sheet.active.iter_rows(values_only=True) if one[0] == case.number)
    assert row[6:14] == ("是", 3, 2, 4, 3, 1, 1, 3)
    assert "0/1" in november
    assert case.number not in november
    assert Case.objects.filter(flow=KEY).count() == 2
    assert browser(staff["taster"]).get("/cases/approvals/pace/").status_code == 200
