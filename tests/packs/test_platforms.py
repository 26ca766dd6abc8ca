"""R&D platforms (system 148) by the public door: file, yearly plan, results, evaluation, the plan's targets."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.fixtures import person
from tests.packs.credit import credit_code
from tests.web.pages import browser, text

from shizhu.engines.plan import computing
from shizhu.engines.plan.models import Indicator, Plan
from shizhu.engines.records import api as records
from shizhu.kernel.models import County, Person

pytestmark = pytest.mark.django_db
pytest_plugins = ["tests.packs.innovation"]
PLAN, RESULT = "innovation.platform_plan", "innovation.result"
Keep = Callable[..., records.Entry]
PAGE = "/plan/indexes/innovation.platform_evaluation/"


def test_a_platform_from_its_file_to_its_evaluation_and_the_targets(
    county: County, bureau: Person, keep: Keep, walk: Keep
) -> None:
    client = browser(bureau)
    for code, level in (("P0001", "municipal"), ("P0002", "county"), ("P0003", "national")):
        keep("platform", code=code, name=f"研发平台{code}", kind="laboratory", level=level, approved="2022-01-01")
    made = keep("platform_plan", code="N0001-2026", platform="P0001", year=2026, title="年度计划")
    walk(made, "submitted", "approved")
    for number, (platform, kind, day) in enumerate(
        [("P0001", "patent", "2025-02-01"), ("P0001", "transfer", "2026-03-01"), ("P0002", "paper", "2023-12-31")], 1
    ):
        more = {"income": 36, "number": "合同1"} if kind == "transfer" else {}
        keep("result", code=f"C0000{number}", name="一项成果", kind=kind, platform=platform, achieved=day, **more)
    client.post(f"{PAGE}compute", {"year": 2026})
    lines = {line.row.subject: line.row for line in client.get(f"{PAGE}?year=2026").context["lines"]}
    known = {row.subject: row for row in lines.values()}
    assert (known["P0001"].rank, known["P0002"].class_, known["P0003"].class_) == (1, "沉睡", "沉睡")
    assert "近两年成果" in text(client.get(f"{PAGE}of/P0002?year=2026"))
    plan = Plan.objects.create(county=county, code="plan", title="规划")
    for code, is_equipped in (("A", True), ("B", False), ("C", False), ("D", False)):
        keep(
            "enterprise", credit_code=credit_code(code), name=f"企业{code}有限公司", kind="technology", scale="above",
            recognised="2024-01-01", has_rd_unit=is_equipped,
        )  # fmt: skip
    for key in ("municipal_platforms", "rd_units"):
        Indicator.objects.create(plan=plan, key=key, name=key, formula=f"innovation.{key}")
    assert computing.compute_all(county.pk) == 2
    told = {row.key: row.values.latest("period").value for row in plan.indicators.all()}
    assert told == {"municipal_platforms": 2.0, "rd_units": 25.0}


def test_a_formula_over_formulas_opens_to_their_rows(county: County, bureau: Person, keep: Keep) -> None:
    recognised = {"certificate": "GR1", "valid_until": "2030-01-01"}
    for code, kind, more in (("A", "high_tech", recognised), ("B", "technology", {}), ("C", "technology", {})):
        keep(
            "enterprise",
            credit_code=credit_code(code),
            name=f"企业{code}有限公司",
            kind=kind,
            recognised="2024-01-01",
            **more,
        )
    plan = Plan.objects.create(county=county, code="plan", title="规划")
    row = Indicator.objects.create(
        plan=plan, key="share", name="比重", unit="%", formula="innovation.high_technology_share"
    )
    assert computing.compute_all(county.pk) == 1
    made = row.values.latest("period")
    assert (round(made.value or 0, 4), made.inputs) == (33.3333, {"high": 1.0, "listed": 3.0})
    client = browser(bureau)
    page = client.get(f"/plan/indicators/{row.pk}/rows/high?period={made.period}")
    [(one, inner)] = page.context["inner"]
    assert (one["of"], inner.partition("/rows/")[2]) == ("innovation.enterprise", f"high.valid?period={made.period}")
    assert "企业A有限公司" in text(client.get(inner))
    assert "企业B有限公司" not in text(client.get(inner))
    wrong = (f"rows/{name}?period={made.period}" for name in ("none", "high.none", "high.valid.none"))
    assert [client.get(f"/plan/indicators/{row.pk}/{one}").status_code for one in wrong] == [404] * 3


def test_who_has_no_right_sees_and_changes_nothing(county: County, bureau: Person) -> None:
    stranger = browser(person(county, "maps.map.view", username="stranger"))
    assert [stranger.get(page).status_code for page in (PAGE, f"/records/{RESULT}/", f"/records/{PLAN}/")] == [403] * 3
    assert stranger.post(f"{PAGE}compute", {"year": 2026}).status_code == 403
    assert records.tally(records.subject_of(RESULT, county.pk), [""]) == [{}]
