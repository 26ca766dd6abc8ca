"""The indexes of towns (乡镇科技创新评价) and counties (创新型县对标): peers are ranked among themselves too."""

from __future__ import annotations

import io
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import docx
import pytest
from tests.web.pages import browser, text

from shizhu.engines.plan.indexes import Given, Index
from shizhu.engines.plan.models import Evaluation
from shizhu.kernel.models import Area, County, Person

pytestmark = pytest.mark.django_db
pytest_plugins = ["tests.packs.innovation"]
KEY = "innovation.town_innovation"
PAGE = f"/plan/indexes/{KEY}/"


def test_peers_have_ranks_of_their_own_on_the_page_in_word_and_in_the_package(
    county: County, bureau: Person, tmp_path: Path
) -> None:
    root = Area.objects.get(code=county.pk)
    for number, name in ((103, "南街道"), (104, "北街道"), (105, "中乡")):
        Area.objects.create(county=county, code=f"{county.pk}{number}", name=name, level="town", parent=root,
                            path=f"{root.path}{county.pk}{number}/")  # fmt: skip
    index = Index(county.pk, KEY)
    best = {"南街道": 9.0, "西镇": 8.0, "北街道": 7.0, "东镇": 6.0, "中乡": 5.0}
    given = [
        Given(item, town.code, best[town.name]) for town in index.subjects for item in index.items if item != "energy"
    ]
    index.report(2026, given, note="年报", by=None)
    client = browser(bureau)
    lines = client.get(f"{PAGE}?year=2026").context["lines"]
    ranks = [(line.name, line.row.rank, f"{line.peer} {line.apart}") for line in lines]
    assert ranks == [
        ("南街道", 1, "街道 1"), ("西镇", 2, "镇 1"), ("北街道", 3, "街道 2"), ("东镇", 4, "镇 2"), ("中乡", 5, "乡 1"),
    ]  # fmt: skip
    client.post(f"{PAGE}issue", {"year": 2026})
    made = Evaluation.objects.get()
    issued = client.get(f"/plan/evaluations/{made.pk}/")
    assert [row["apart"] for row in issued.context["rows"]] == [told for _name, _rank, told in ranks]
    report = docx.Document(io.BytesIO(client.get(f"/plan/evaluations/{made.pk}/file.docx").content))
    assert [row.cells[-1].text for row in report.tables[0].rows] == [
        "组内名次",
        *(told for _name, _rank, told in ranks),
    ]
    with zipfile.ZipFile(io.BytesIO(client.get(f"/plan/evaluations/{made.pk}/file.zip").content)) as found:
        found.extractall(tmp_path)
    run = subprocess.run([sys.executable, "rerun.py"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (run.returncode, "结果一致 the same result: 是 yes" in run.stdout) == (0, True)
    frozen = (tmp_path / "evaluation.json").read_text()
    (tmp_path / "evaluation.json").write_text(frozen.replace('"ranks":{', '"ranks":{"x":1,'))
    run = subprocess.run([sys.executable, "rerun.py"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "结果一致 the same result: 否 NO" in run.stdout


def test_counties_are_compared_that_a_register_names(county: County, bureau: Person, keep: Callable[..., Any]) -> None:
    page, client = "/plan/indexes/innovation.county_innovation/", browser(bureau)
    assert "还没有参评对象。 请先在登记簿中录入参评对象。" in text(client.get(page))
    for code, name in (("990101", "东区"), ("990201", "南县"), ("990202", "北县")):
        keep("peer_county", code=code, name=name)
    index = Index(county.pk, "innovation.county_innovation")
    values = {code: dict.fromkeys(index.items, number) for code, number in (("990101", 1.0), ("990202", 2.0))}
    first = dict.fromkeys(["fiscal", "researchers", "spending", "intensity", "high_tech", "small"], 1.0)
    values["990201"] = dict.fromkeys(index.items, 3.0) | first
    values["990101"]["energy"] = 3.0  # 北县 is best in seven of fifteen items and half way in eight, 南县 best in eight
    given = [Given(item, code, number) for code, row in values.items() for item, number in row.items()]
    index.report(2026, given, note="年报", by=bureau)
    lines = client.get(f"{page}?year=2026").context["lines"]
    assert [(line.name, round(line.row.score, 6), line.row.rank, f"{line.peer} {line.apart}") for line in lines] == [
        ("北县", 73.333333, 1, "县 1"), ("南县", 53.333333, 2, "县 2"), ("东区", 0.0, 3, "区 1"),
    ]  # fmt: skip
