"""An index of a county: values computed and reported, other weights tried, results frozen and computed again."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import docx
import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from tests.fixtures import person
from tests.web.pages import browser, table, text, told

from shizhu.engines.plan import issuing
from shizhu.engines.plan.indexes import Given, Index
from shizhu.engines.plan.models import Evaluation, Measure
from shizhu.engines.records import api as records
from shizhu.kernel import access, packs, testing
from shizhu.kernel.models import Area, County, Declaration, EnabledPack

pytestmark = pytest.mark.django_db
pytest_plugins = ["tests.engines.records.stalls"]
KEY = "lemonade.street"
PAGE = f"/plan/indexes/{KEY}/"
VIEW, EDIT, ISSUE = "plan.plan.view", "plan.plan.edit", "plan.evaluation.issue"


@pytest.fixture
def towns(county: County) -> list[Area]:
    return list(Area.objects.filter(county=county, level="town").order_by("code"))


@pytest.fixture
def filled(county: County, towns: list[Area]) -> Index:
    """Every town has all values: the first does best in everything."""
    index = Index(county.pk, KEY)
    for number, town in enumerate(towns):
        given = [
            Given("shaded", town.code, 90.0 - number), Given("cups", town.code, 50.0 - number),
            Given("waste", town.code, 1.0 + number),
        ]  # fmt: skip
        index.report(2026, given, note="普查", by=None)
    return index


def ranks(page: Any) -> list[tuple[int | None, str]]:
    return [(line.row.rank, line.name) for line in page.context["lines"]]


def test_a_formula_counts_the_rows_of_each_town(county: County, towns: list[Area], stall: Any) -> None:
    stall(is_shaded=True, area=towns[0].code[6:])
    stall(is_shaded=False, area=towns[0].code[6:])
    stall(is_shaded=True, area=towns[1].code[6:])
    index = Index(county.pk, KEY)
    assert index.compute(2026) == 2
    known = {(row.subject, row.value, row.source) for row in index.measures(2026)}
    assert known == {(towns[0].code, 50.0, "formula"), (towns[1].code, 100.0, "formula")}
    assert index.compute(2026) == 0


def test_rows_of_a_register_are_compared_by_who_names_them(county: County, root: access.Actor, stall: Any) -> None:
    for number in (1, 2, 3):
        data = {"code": f"G00{number}", "name": f"果园{number}"}
        records.create(root, county.pk, "lemonade.grower", data, organisation=county.pk, area=county.pk)
    for grower, is_shaded in (("G001", True), ("G001", False), ("G002", True)):
        stall(grower=grower, is_shaded=is_shaded)
    index = Index(county.pk, "lemonade.growers")
    assert [(one.code, one.name) for one in index.subjects] == [("G001", "果园1"), ("G002", "果园2"), ("G003", "果园3")]
    assert index.compute(2026) == 2
    assert {row.subject: row.value for row in index.measures(2026)} == {"G001": 50.0, "G002": 100.0}
    page = "/plan/indexes/lemonade.growers/"
    allowed = browser(person(county, VIEW, "records.lemonade.grower.view"))
    assert ranks(allowed.get(f"{page}?year=2026"))[:2] == [(1, "果园2"), (2, "果园1")]
    assert "种植户评价" in text(allowed.get("/plan/indexes/"))
    without = browser(person(county, VIEW, username="without"))
    assert without.get(page).status_code == 403
    assert "种植户评价" not in text(without.get("/plan/indexes/"))


def test_a_revision_is_a_new_row_and_the_newest_counts(filled: Index, towns: list[Area]) -> None:
    before = Measure.objects.count()
    assert filled.report(2026, [Given("cups", towns[0].code, 50.0)], note="", by=None) == 0
    assert filled.report(2026, [Given("cups", towns[0].code, 7.0)], note="更正", by=None) == 1
    assert Measure.objects.count() == before + 1
    assert filled.values(filled.measures(2026))[towns[0].code]["cups"] == 7.0


def test_the_ranking_and_other_weights(county: County, filled: Index, towns: list[Area]) -> None:
    filled.report(2026, [Given("waste", towns[0].code, 99.0)], note="", by=None)
    client = browser(person(county, VIEW))
    declared = client.get(PAGE)
    assert ranks(declared)[0] == (1, towns[0].name)
    tried = client.get(f"{PAGE}?w.waste=90&w.cups=5&w.shaded=5")
    assert ranks(tried)[0] == (1, towns[1].name)
    close = client.get(f"{PAGE}?w.waste=47&w.cups=45&w.shaded=8")  # 53 to 47 points: a fifth of a weight may turn them
    assert {line.name: line.span for line in close.context["lines"]} == {one.name: (1, 2) for one in towns}
    moved = {item["key"]: item["moved"] for group in close.context["weights"] for item in group["items"]}
    assert moved == {"shaded": 0, "cups": 2, "waste": 2}
    assert next(line for line in tried.context["lines"] if line.name == towns[0].name).moved < 0
    assert "正在试算其他权重，结果不会保存" in text(tried)
    assert ranks(client.get(PAGE)) == ranks(declared)


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ("w.cups=-1", "卖出：-1：权重应是不小于 0 的数"), ("w.cups=x", "卖出：x：权重"),
        ("w.cups=0&w.waste=0&w.shaded=0", "权重合计为 0"),
    ],
)  # fmt: skip
def test_weights_that_are_none(county: County, filled: Index, asked: str, why: str) -> None:
    page = browser(person(county, VIEW)).get(f"{PAGE}?{asked}")
    assert why in text(page)
    assert ranks(page)[0][0] == 1


def test_a_subject_sees_where_its_points_are_lost(county: County, filled: Index, towns: list[Area]) -> None:
    page = browser(person(county, VIEW)).get(f"{PAGE}of/{towns[-1].code}")
    assert (page.context["row"].rank, page.context["row"].score) == (len(towns), 0.0)
    assert [(item["title"]["zh"], round(item["lost"], 6)) for item in page.context["items"]] == [
        ("有遮阳的占比", 40.0), ("卖出", 40.0), ("倒掉", 20.0),
    ]  # fmt: skip
    assert browser(person(county, VIEW)).get(f"{PAGE}of/nobody").status_code == 404


def test_the_table_goes_out_is_filled_and_comes_back(county: County, towns: list[Area]) -> None:
    client = browser(person(county, VIEW, EDIT))
    sheet = openpyxl.load_workbook(io.BytesIO(client.get(f"{PAGE}data?year=2026&as=xlsx").content)).active
    rows = [list(row) for row in sheet.iter_rows(values_only=True)]
    assert rows[0] == ["编号", "名称", "卖出（杯）", "倒掉（升）"]
    assert [row[0] for row in rows[1:]] == [town.code for town in towns]
    rows[1][2:] = [12, "3.5"]
    sent = client.post(f"{PAGE}fill", {"year": 2026, "note": "年报", "table": table(*rows)}, follow=True)
    assert told(sent) == ["已保存 2 个数值。"]
    found = {(row.item, row.value, row.note) for row in Measure.objects.filter(subject=towns[0].code)}
    assert found == {("cups", 12.0, "年报"), ("waste", 3.5, "年报")}


def test_a_table_with_a_wrong_cell_is_not_kept_at_all(county: County, towns: list[Area]) -> None:
    client = browser(person(county, VIEW, EDIT))
    rows = [
        ["编号", "名称", "卖出（杯）", "倒掉（升）"], [towns[0].code, "", 5], [towns[1].code, "", "很多"],
        ["999", "", 1],
        [towns[0].code, "", 6],
    ]  # fmt: skip
    page = client.post(f"{PAGE}fill", {"year": 2026, "note": "年报", "table": table(*rows)}, follow=True)
    assert told(page) == ["没有保存：有 3 处需要改正。"]
    wrong = [
        "第 3 行：卖出（杯）：很多 不是数字。",
        "第 4 行：999：没有这个代码的评价对象。",
        f"第 5 行：{towns[0].code} 重复出现。",
    ]
    assert page.context["problems"] == wrong
    assert not Measure.objects.exists()


def test_who_may_only_look_changes_nothing(county: County, filled: Index, towns: list[Area]) -> None:
    client, before = browser(person(county, VIEW)), Measure.objects.count()
    sent = table(["编码", "名称", "卖出（杯）"], [towns[0].code, "", 5])
    for address, body in (("fill", {"note": "x", "table": sent}), ("compute", {}), ("issue", {})):
        assert client.post(f"{PAGE}{address}", {"year": 2026, **body}).status_code == 403
    assert (Measure.objects.count(), Evaluation.objects.count()) == (before, 0)
    stranger = browser(person(county, "maps.map.view"))
    for address in ("/plan/indexes/", PAGE, f"{PAGE}data", f"{PAGE}of/{towns[0].code}"):
        assert stranger.get(address).status_code == 403


def test_another_county_sees_none_of_it(county: County, filled: Index) -> None:
    other_county = testing.made_up_county("990200")
    EnabledPack.objects.create(county=other_county, pack_id="lemonade")
    packs.forget()
    made = browser(person(county, VIEW, ISSUE)).post(f"{PAGE}issue", {"year": 2026})
    client = browser(person(other_county, VIEW))
    assert client.get(made["Location"]).status_code == 404
    page = client.get(f"{PAGE}?year=2026")
    assert {line.row.rank for line in page.context["lines"]} == {None}


def test_what_is_issued_stays_and_is_computed_again_elsewhere(
    county: County, filled: Index, towns: list[Area], tmp_path: Path
) -> None:
    client = browser(person(county, VIEW, EDIT, ISSUE))
    seen, looked = client.get(f"{PAGE}?year=2026").context["seen"], Measure.objects.latest("pk")
    changed = Measure.objects.create(**{**Measure.objects.filter(pk=looked.pk).values().get(), "id": None, "value": 1})
    late = client.post(f"{PAGE}issue", {"year": 2026, "seen": seen}, follow=True)
    assert told(late) == ["您查看后数据已变，未印发，请重新查看结果。"]
    assert Evaluation.objects.count() == 0
    changed.delete()
    page = client.post(f"{PAGE}issue", {"year": 2026, "note": "年度", "seen": seen}, follow=True)
    made = Evaluation.objects.get()
    filled.report(2026, [Given("cups", towns[0].code, 0.0)], note="", by=None)
    assert client.get(f"/plan/evaluations/{made.pk}/").context["rows"] == page.context["rows"]
    assert page.context["rows"][0]["name"] == towns[0].name
    packed = client.get(f"/plan/evaluations/{made.pk}/file.zip").content
    with zipfile.ZipFile(io.BytesIO(packed)) as found:
        found.extractall(tmp_path)
    assert (tmp_path / "SHA256").read_text().strip() == made.digest
    assert client.get(f"/plan/evaluations/{made.pk}/file.zip").content == packed
    pack = {one.name: one.read_bytes() for one in tmp_path.iterdir()}

    def run() -> tuple[int, list[str]]:
        """The exit code and the answers: without the ranking, and without what goes before a yes or no."""
        told = subprocess.run([sys.executable, "rerun.py"], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert told.stderr == ""
        return told.returncode, [line.partition(": ")[2] for line in told.stdout.splitlines() if ": " in line]

    def fresh(**changed: str) -> None:
        for one in tmp_path.iterdir():
            one.unlink()
        for name, content in {
            **pack,
            **{name.replace("_", "."): body.encode() for name, body in changed.items()},
        }.items():
            (tmp_path / name).write_bytes(content)

    yes = "是 yes"
    assert run() == (0, [yes] * 5 + [made.digest])
    csv, method, whole = (pack[name].decode() for name in ("data.csv", "evaluation.py", "evaluation.json"))
    fresh(data_csv=csv.replace(",50.0,", ",50.5,"))
    assert run() == (1, [yes, yes, "否 NO：第 2 行 row 2", yes, yes, made.digest])
    fresh(evaluation_py=method + "# changed\n")
    assert run() == (1, [yes, yes, yes, "否 NO：evaluation.py", yes, made.digest])
    fresh(evaluation_py="no method")
    code, answers = run()
    assert (code, answers[3], answers[4][:20]) == (1, "否 NO：evaluation.py", "否 NO：SyntaxError: in")
    changed = json.loads(whole)
    changed["result"]["rows"][1]["score"] += 1
    other = issuing.canonical(changed).decode()
    hashed = hashlib.sha256(other.encode()).hexdigest()
    fresh(evaluation_json=other)
    assert run() == (1, [yes, f"否 NO：{hashed}", yes, yes, f"否 NO：{towns[1].name}", hashed])
    fresh(evaluation_json=other, SHA256=hashed)  # whoever changes both is found by the result, and by the page
    assert run() == (1, [yes, yes, yes, yes, f"否 NO：{towns[1].name}", hashed])
    fresh(more_txt="x")
    assert run() == (1, ["否 NO：多余 extra more.txt", yes, yes, yes, yes, made.digest])
    fresh()
    (tmp_path / "data.csv").unlink()
    assert run() == (1, ["否 NO：缺少 missing data.csv"])
    made.frozen.pop("method")  # as it was issued before methods were frozen
    made.digest = issuing.digest(made.frozen)
    with zipfile.ZipFile(io.BytesIO(issuing.package(made))) as found:
        found.extractall(tmp_path)
    assert run() == (0, [yes, yes, yes, yes, made.digest])


def test_a_table_that_comes_back_as_it_went_is_no_report(county: County, towns: list[Area]) -> None:
    given = [Given("cups", town.code, 0.1 + 0.2) for town in towns]
    Index(county.pk, KEY).report(2026, given, note="模拟", by=None, is_simulated=True)
    client, before = browser(person(county, VIEW, EDIT)), testing.everything_kept()
    sheet = client.get(f"{PAGE}data?year=2026&as=xlsx").content
    sent = {"year": 2026, "note": "年报", "table": SimpleUploadedFile("t.xlsx", sheet)}
    assert told(client.post(f"{PAGE}fill", sent, follow=True)) == ["已保存 0 个数值。"]
    assert testing.everything_kept() == before


def test_values_of_towns_and_items_that_are_no_more_are_left_out(
    county: County, filled: Index, towns: list[Area]
) -> None:
    gone = [{"item": "cups", "subject": "gone"}, {"item": "gone", "subject": towns[0].code}]
    for names in gone:
        Measure.objects.create(county=county, index=KEY, year=2026, value=1000.0, source="reported", **names)
    client = browser(person(county, VIEW, EDIT, ISSUE))
    assert ranks(client.get(PAGE))[0] == (1, towns[0].name)
    client.post(f"{PAGE}issue", {"year": 2026})
    made = Evaluation.objects.get()
    assert 1000.0 not in [row["value"] for row in made.frozen["data"]]
    assert client.get(f"/plan/evaluations/{made.pk}/file.zip").status_code == 200


def test_a_year_that_is_none_gives_the_newest(county: County, filled: Index) -> None:
    client = browser(person(county, VIEW))
    assert [client.get(f"{PAGE}?year={told}").context["year"] for told in ("²", "1", "x")] == [2026] * 3


@pytest.mark.parametrize(
    ("given", "values"),
    [
        ({"combine": "topsis"}, "直接采用原值，各项数值列按向量归一化（长度为 1）。"),
        (
            {"normalise": "growth", "base_year": 2024},
            "各项数值与基年相比，基年为 100；最高 1000，如逆向指标降到 0 或进入区间。",
        ),
    ],
)
def test_how_it_is_scored_is_told(county: County, towns: list[Area], given: dict[str, Any], values: str) -> None:
    item = {"unit": "个"}
    items = {key: {"title": {"zh": key, "en": key}, **item} for key in "abc"}
    groups = {
        "one": {"title": {"zh": "摊位", "en": "Stalls"}, "compare": {"a/b": 2, "a/c": 4, "b/c": 3}, "items": items}
    }
    body = {
        "title": {"zh": "判断", "en": "Judged"},
        "source": "乙",
        "subjects": "towns",
        "weights": "ahp",
        "groups": groups,
        **given,
    }
    Declaration.objects.create(
        kind="indexes", key="local.judged", county=county, body=body, digest="1", source="person"
    )
    packs.forget()
    index = Index(county.pk, "local.judged")
    for number, town in enumerate(towns):
        for year in (2024, 2026):
            index.report(year, [Given(key, town.code, float(number + 1)) for key in "abc"], note="", by=None)
    client = browser(person(county, VIEW, ISSUE))
    said = "判断矩阵一致性：摊位 λmax 3.018，CI 0.009，CR 0.016（CR 小于 0.1 为一致）。"
    page = text(client.get("/plan/indexes/local.judged/?year=2026"))
    assert said in page
    assert values in page
    made = client.post("/plan/indexes/local.judged/issue", {"year": 2026})
    document = docx.Document(io.BytesIO(client.get(f"{made['Location']}file.docx").content))
    word = "".join(part.text for part in document.paragraphs)
    assert said in word
    assert values in word
    assert Evaluation.objects.get().frozen["compare"]["groups.one"]["pairs"] == groups["one"]["compare"]


def test_the_package_names_nobody(county: County, filled: Index, towns: list[Area]) -> None:
    reporter = person(county, VIEW, EDIT)
    filled.report(2026, [Given("cups", towns[0].code, 8.0)], note="年报，问李某某", by=reporter)
    client = browser(person(county, VIEW, ISSUE))
    assert "填报时写的说明不进入复核包" in text(client.get(f"{PAGE}?year=2026"))
    made = client.post(f"{PAGE}issue", {"year": 2026})
    packed = client.get(f"{made['Location']}file.zip").content
    with zipfile.ZipFile(io.BytesIO(packed)) as found:
        everything = b"".join(found.read(name) for name in found.namelist())
    assert reporter.name.encode() not in everything
    assert reporter.username.encode() not in everything
    assert "李某某".encode() not in everything


def test_the_report_in_word_says_who_is_first_and_how_to_check(
    county: County, filled: Index, towns: list[Area]
) -> None:
    client = browser(person(county, VIEW, ISSUE))
    made = client.post(f"{PAGE}issue", {"year": 2026})
    document = docx.Document(io.BytesIO(client.get(f"{made['Location']}file.docx").content))
    said = "\n".join(part.text for part in document.paragraphs)
    assert f"第一名是{towns[0].name}，得分 100.00。" in said
    assert Evaluation.objects.get().digest in said
    assert [cell.text for cell in document.tables[0].rows[1].cells] == ["1", towns[0].name, "100.00", "优"]


def test_nothing_is_issued_without_values(county: County) -> None:
    client = browser(person(county, VIEW, ISSUE))
    page = client.post(f"{PAGE}issue", {"year": 2026}, follow=True)
    assert told(page) == ["数据还不够，暂时无法排名。请先填报数据。"]
    assert not Evaluation.objects.exists()
