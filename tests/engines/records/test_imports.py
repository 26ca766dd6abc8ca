"""A table goes in: matched, checked, written; what is wrong comes back and goes through once corrected."""

from __future__ import annotations

import io
from datetime import UTC
from typing import Any

import pytest
import shapely
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook
from tests.engines.records.test_pages import browser, text
from tests.fixtures import area, person

from shizhu.engines.records import api, batches
from shizhu.engines.records.jobs import importing
from shizhu.engines.records.models import Batch, Record
from shizhu.kernel import access, testing
from shizhu.kernel.models import Area, County, OutboxEvent, Person, Post

pytestmark = pytest.mark.django_db
pytest_plugins = ["tests.engines.records.stalls"]
STALL = "lemonade.stall"
BASE = f"/records/{STALL}/"
MESSY = [
    ["2026年摊位普查表"],
    [
        "编号", "名　称", "类型", "供货", "座位", "价格（元）", "有遮阳", "开业日期", "电话", "饮品", "区域",
        "经度", "纬度",
    ],
    [
        "Ｓ００１", " 一号摊 ", "推车", "果园甲", "１２", "1,234.5", "是", "2026年3月1日", 13800000000, "茶、水",
        "东镇", 108.1, 30,
    ],
    ["S002", "二号摊", "亭子", "G001", 3, 2, "否", "2026/3/2", "", "", "西镇", "", ""],
    ["S003", "三号摊", "棚子", "果园乙", "很多", "", "", "2026年2月30日", "138", "", "南镇", "abc", 30],
    ["S002", "又是二号", "", "", "", "", "", "", "", "", "", "", ""],
    ["", "没有编号", "", "", "", "", "", "", "", "", "", "", ""],
]  # fmt: skip


def table(rows: list[list[Any]], name: str = "摊位.xlsx") -> SimpleUploadedFile:
    book, out = Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(row)
    book.save(out)
    return SimpleUploadedFile(name, out.getvalue())


@pytest.fixture
def client(root: access.Actor) -> Client:
    """The browser of somebody who may do everything, in English."""
    return browser(Person.objects.get(username="root"))


def send(client: Client, sent: SimpleUploadedFile) -> Batch:
    """Upload a table and let it be checked, if its columns are clear."""
    answer = client.post(f"{BASE}import", {"table": sent})
    assert answer.status_code == 302, text(answer)
    return worked(Batch.objects.latest("pk"))


def worked(batch: Batch) -> Batch:
    batches.run(batch.pk)
    batch.refresh_from_db()
    return batch


def write(client: Client, batch: Batch) -> Batch:
    client.post(f"{BASE}batches/{batch.pk}/write")
    return worked(batch)


def errors(client: Client, batch: Batch) -> list[list[Any]]:
    content = b"".join(client.get(f"{BASE}batches/{batch.pk}/made.file").streaming_content)
    return [list(row) for row in load_workbook(io.BytesIO(content)).active.iter_rows(values_only=True)]


def test_a_messy_table_is_checked_and_its_errors_go_through_once_corrected(
    county: County, client: Client, grower: api.Entry
) -> None:
    batch = send(client, table(MESSY))
    assert (batch.state, batch.counts, Record.objects.filter(register=STALL).count()) == (
        "checked", {"new": 2, "wrong": 3}, 0,
    )  # fmt: skip
    page = client.get(f"{BASE}batches/{batch.pk}/")
    assert "Write these rows 2" in text(page)
    assert [one["row"] for one in page.context["batch"].examples] == [5, 6, 7]

    batch = write(client, batch)
    assert (batch.state, batch.counts) == ("done", {"new": 2, "wrong": 3})
    first = Record.objects.get(key="S001")
    assert (first.title, first.source, first.version, first.area.name, first.organisation.name) == (
        "一号摊", "import", 1, "东镇", "县政府",
    )  # fmt: skip
    assert first.data == {
        "code": "S001", "name": "一号摊", "kind": "cart", "grower": "G001", "seats": 12, "price": 1234.5,
        "is_shaded": True, "opened": "2026-03-01", "phone": "13800000000", "drinks": ["茶", "水"],
    }  # fmt: skip
    assert (first.geometry.wkt, first.box) == ("POINT (108.1 30)", (108.1, 30.0, 108.1, 30.0))
    history = api.history(access.actor(Person.objects.get(username="root")), first.pk)
    assert [(step.who, step.action) for step in history] == [("root", "created")]
    told = OutboxEvent.objects.filter(envelope__type=api.CHANGED).order_by("id")
    assert [event.envelope["data"]["key"] for event in told] == ["G001", "S001", "S002"]

    head, *rows = errors(client, batch)
    assert head == [*MESSY[1], "What to correct"]
    assert [row[:-1] for row in rows] == [[cell if cell != "" else None for cell in row] for row in MESSY[4:]]
    assert rows[0][-1].split("\n") == [
        "Kind“棚子”：must be one of Cart、Booth",
        "Supplied by“果园乙”：is not found in Grower",
        "Seats“很多”：must be a whole number",
        "Opened on“2026年2月30日”：must be a date such as 2026-01-31",
        "Phone“138”：has the wrong form",
        "Area“南镇”：is not found in this county",
        "Longitude“abc”：must be a number",
    ]
    assert rows[1][-1] == "Code“S002”：stands in row 4 too; it may stand in one row only"
    assert "Code：is required" in rows[2][-1]

    corrected = [
        head,
        ["S003", "三号摊", "亭子", "果园甲", 5, "", "", "2026-02-28", "13800000001", "", "东镇", 108.2, 30, "旧"],
        ["S004", "又是二号", *[""] * 11, ""],
        ["S005", "没有编号", *[""] * 11, ""],
    ]  # fmt: skip
    batch = write(client, send(client, table(corrected)))
    assert (batch.state, batch.counts, batch.made) == ("done", {"new": 3}, None)
    assert Record.objects.filter(register=STALL).count() == 5
    again = send(client, table(corrected))
    assert (again.state, again.counts) == ("checked", {"same": 3})
    assert "There is nothing to write." in text(client.get(f"{BASE}batches/{again.pk}/"))
    assert "摊位.xlsx" in text(client.get(f"{BASE}batches/"))


def test_a_place_that_is_nowhere_is_told_in_its_columns(client: Client) -> None:
    rows = [["编号", "经度", "纬度"], ["S001", 300, 30], ["S002", 108, -91.5], ["S003", 181, ""]]
    batch = send(client, table(rows))
    told = [[line for line in one["told"] if "itude" in line] for one in batch.examples]
    assert told == [
        ["Longitude“300”：must not be farther from 0 than 180"],
        ["Latitude“-91.5”：must not be farther from 0 than 90"],
        ["Longitude“181”：must not be farther from 0 than 180", "Latitude：must be a number"],
    ]  # fmt: skip


def test_columns_that_do_not_match_are_asked_for_and_remembered(client: Client) -> None:
    rows = [["摊号", "叫什么", "怪列"], ["S001", "一号摊", "x"]]
    batch = send(client, table(rows))
    assert (batch.state, batch.asked["mapping"]) == ("matching", ["", "", ""])
    page = client.get(f"{BASE}batches/{batch.pk}/")
    assert "Match the columns" in page.content.decode()
    place = {"_organisation": "990001", "_area": "990001101"}
    address = f"{BASE}batches/{batch.pk}/matching"
    answer = client.post(address, {"column.0": "-", "column.1": "name", "column.2": "-", **place})
    assert (answer.status_code, "Say which column is Code" in text(answer)) == (422, True)
    answer = client.post(address, {"column.0": "code", "column.1": "code", "column.2": "-", **place})
    assert "Two columns are Code." in text(answer)
    client.post(address, {"column.0": "code", "column.1": "name", "column.2": "-", **place})
    batch = write(client, worked(Batch.objects.get(pk=batch.pk)))
    assert (batch.state, batch.counts, Record.objects.get(key="S001").area.name) == ("done", {"new": 1}, "东镇")
    batch = send(client, table([*rows, ["S002", "二号摊", ""]]))
    assert (batch.state, batch.counts) == ("checked", {"same": 1, "new": 1})


def test_the_right_sheet_is_read_with_merged_cells_in_each_row_and_codes_in_capitals(client: Client) -> None:
    book, out = Workbook(), io.BytesIO()
    book.active.title = "填报说明"
    book.active.append(["请勿修改表头"])
    hidden, sheet = book.create_sheet("选项"), book.create_sheet("摊位表")
    hidden.sheet_state = "hidden"
    for row in (["编号", "名称", "类型"], ["S009", "藏起来的", "cart"]):
        hidden.append(row)
    for row in (["全县摊位"], ["编号", "名称", "统一社会信用代码"], ["S001", "一号摊", " 91990001ma0000001r "]):
        sheet.append(row)
    sheet.append(["S002", "二号摊", None])
    sheet.append([])
    sheet.append(["S003", "三号摊", None, "cart"])
    sheet["D2"], sheet["D3"] = "类型", "booth"
    sheet.merge_cells("A1:D1")
    sheet.merge_cells("D3:D5")
    book.save(out)
    batch = write(client, send(client, SimpleUploadedFile("摊位.xlsx", out.getvalue())))
    assert (batch.state, batch.counts, batch.asked["sheet_name"]) == ("done", {"new": 3}, "摊位表")
    assert Record.objects.get(key="S001").data["licence"] == "91990001MA0000001R"
    assert [Record.objects.get(key=key).data["kind"] for key in ("S001", "S002", "S003")] == ["booth", "booth", "cart"]
    assert "摊位.xlsx · 摊位表" in text(client.get(f"{BASE}batches/{batch.pk}/"))


def two_rows(data: list[list[Any]]) -> SimpleUploadedFile:
    """Stalls under a title and heads of two rows: 地址 over 巷 and 门牌号, the others merged down."""
    book, out = Workbook(), io.BytesIO()
    sheet = book.active
    for row in [["全县摊位"], ["编号", "名称", "地址", None, "座位"], [None, None, "巷", "门牌号"], *data]:
        sheet.append(row)
    for merged in ("A1:E1", "A2:A3", "B2:B3", "C2:D2", "E2:E3"):
        sheet.merge_cells(merged)
    book.save(out)
    return SimpleUploadedFile("摊位.xlsx", out.getvalue())


def test_heads_of_two_rows_are_read_and_what_comes_back_goes_through(client: Client) -> None:
    sent = two_rows([["S001", "一号摊", "长巷", 3, 5], ["S002", "二号摊", "短巷", "很多", 6]])
    batch = write(client, send(client, sent))
    assert (batch.state, batch.counts, batch.asked["header"]) == ("done", {"new": 1, "wrong": 1}, 3)
    assert batch.asked["heads"] == ["编号", "名称", "地址/巷", "地址/门牌号", "座位"]
    assert batch.asked["mapping"] == ["code", "name", "address.lane", "address.number", "seats"]
    assert Record.objects.get(key="S001").data == {
        "code": "S001", "name": "一号摊", "address": {"lane": "长巷", "number": 3}, "seats": 5,
    }  # fmt: skip
    head, wrong = errors(client, batch)
    assert (head[:5], wrong[:5]) == (batch.asked["heads"], ["S002", "二号摊", "短巷", "很多", 6])
    assert wrong[5] == "Number“很多”：must be a whole number"
    assert send(client, table([head, ["S002", "二号摊", "短巷", 7, 6, None]])).counts == {"new": 1}


def test_heads_of_two_rows_are_read_from_csv(client: Client) -> None:
    rows = ["编号,名称,地址,,座位", ",,巷,门牌号,", "S001,一号摊,长巷,3,5", ""]
    batch = write(client, send(client, SimpleUploadedFile("t.csv", "\r\n".join(rows).encode())))
    assert (batch.counts, Record.objects.get(key="S001").data["address"]) == ({"new": 1}, {"lane": "长巷", "number": 3})


def test_a_head_over_columns_without_heads_of_their_own_is_told(client: Client) -> None:
    book, out = Workbook(), io.BytesIO()
    for row in (["编号", "名称", "备注", None], ["S001", "一号摊", "新", "靠河"], ["S002", "二号摊", "旧", None]):
        book.active.append(row)
    book.active.merge_cells("C1:D1")
    book.save(out)
    batch = send(client, SimpleUploadedFile("摊位.xlsx", out.getvalue()))
    assert (batch.state, batch.asked["mapping"]) == ("matching", ["code", "name", "note"])
    page = text(client.get(f"{BASE}batches/{batch.pk}/"))
    assert "“备注” stands over several columns, and the row beneath is no row of heads" in page


def test_areas_called_for_short_are_taken_where_one_fits_and_told(county: County, client: Client) -> None:
    root, other = area(county), testing.made_up_county("990002")
    named = [("103", "桥头镇"), ("104", "龙沙街道"), ("105", "龙沙镇"), ("106", "花厅村民委员会")]
    for within, code, name in [(root, *one) for one in named] + [(area(other), "107", "桥头乡")]:
        whole = f"{within.code}{code}"
        place = {"parent": within, "path": f"{within.path}{whole}/"}
        Area.objects.create(county=within.county, code=whole, name=name, level="town", **place)
    rows = [["S001", "一号摊", "桥头"], ["S002", "二号摊", "橋頭 "], ["S003", "三号摊", "龙沙"],
            ["S004", "四号摊", "桥头镇"], ["S005", "五号摊", "花厅村"], ["S006", "六号摊", "桥"]]  # fmt: skip
    batch = send(client, table([["编号", "名称", "区域"], *rows]))
    assert (batch.counts, batch.asked["short"]) == (
        {"new": 4, "wrong": 2},
        [["桥头", "甲县桥头镇", "990001103", 1], ["橋頭", "甲县桥头镇", "990001103", 1],
         ["花厅村", "甲县花厅村民委员会", "990001106", 1]],
    )  # fmt: skip
    told = [line for one in batch.examples for line in one["told"]]
    assert told == [
        "Area“龙沙”：means more than one; write the code: 甲县龙沙街道（990001104）、甲县龙沙镇（990001105）",
        "Area“桥”：is not found in this county",
    ]
    assert "桥头 → 甲县桥头镇 990001103 · 1" in text(client.get(f"{BASE}batches/{batch.pk}/"))
    write(client, batch)
    written = Record.objects.filter(register=STALL).order_by("key").values_list("key", "area__code")
    assert list(written) == [
        ("S001", "990001103"), ("S002", "990001103"), ("S004", "990001103"), ("S005", "990001106"),
    ]  # fmt: skip


def test_a_change_keeps_what_the_table_does_not_say(client: Client, stall: Any) -> None:
    stall(kind="cart", seats=3, owner="张三丰", note="旧")
    batch = write(client, send(client, table([["编号", "名称", "座位", "备注"], ["S001", "新名", 4, ""]])))
    row = Record.objects.get(key="S001")
    assert (batch.counts, row.version, row.title, row.source) == ({"changed": 1}, 2, "新名", "person")
    assert row.data == {"code": "S001", "name": "新名", "kind": "cart", "seats": 4, "owner": "张三丰", "note": "旧"}
    batch = send(client, table([["编号", "备注"], ["S001", ""]]))
    answer = {"column.0": "code", "column.1": "note", "clears": "on", "_organisation": "990001", "_area": "990001"}
    client.post(f"{BASE}batches/{batch.pk}/matching", answer)
    write(client, worked(batch))
    assert "note" not in Record.objects.get(key="S001").data


def test_masked_values_of_an_export_change_nothing(county: County, stall: Any) -> None:
    stall(owner="张三丰", phone="13800000000", illness="无")
    clerk = browser(person(county, f"records.{STALL}.view", f"records.{STALL}.edit"))
    sent = SimpleUploadedFile("out.xlsx", clerk.get(f"{BASE}export.xlsx").content)
    assert send(clerk, sent).counts == {"same": 1}
    assert write(clerk, send(clerk, table([["编号", "名称", "摊主"], ["S001", "改名", "张**"]]))).counts == {
        "changed": 1
    }
    assert Record.objects.get(key="S001").data["owner"] == "张三丰"


def test_rights_are_asked_for_row_by_row(county: County, stall: Any) -> None:
    stall(area="102")
    clerk = browser(person(county, f"records.{STALL}.*", in_area="101", of="stand"))
    rows = [["编号", "名称", "区域"], ["S001", "偷改", ""], ["S002", "东边", ""], ["S003", "西边", "西镇"]]
    batch = write(clerk, send(clerk, table(rows)))
    assert batch.counts == {"new": 1, "wrong": 2}
    assert list(Record.objects.filter(register=STALL).order_by("key").values_list("key", "title")) == [
        ("S001", "1号摊"), ("S002", "东边"),
    ]  # fmt: skip
    assert [row[-1] for row in errors(clerk, batch)[1:]] == [
        "Code“S001”：is used already",
        "Area“stand 西镇”：is nothing you have the right to register here",
    ]


def test_who_may_not_write_may_not_import_and_nobody_sees_the_imports_of_others(county: County, client: Client) -> None:
    batch = send(client, table([["编号", "名称"], ["S001", "一号摊"]]))
    reader = browser(person(county, f"records.{STALL}.view"))
    assert reader.post(f"{BASE}import", {"table": table(MESSY)}).status_code == 403
    other = browser(person(county, "records.*", username="other"))
    for address in ("", "progress", "given.file", "made.file"):
        assert other.get(f"{BASE}batches/{batch.pk}/{address}").status_code == 404
    assert other.post(f"{BASE}batches/{batch.pk}/write").status_code == 404
    assert worked(batch).state == "checked"
    assert "You have not imported" in text(other.get(f"{BASE}batches/"))


def test_rights_that_ended_before_the_work_began_end_it(county: County) -> None:
    clerk = person(county, f"records.{STALL}.create", f"records.{STALL}.view")
    batch = send(browser(clerk), table([["编号", "名称"], ["S001", "一号摊"]]))
    Post.objects.filter(person=clerk).delete()
    Batch.objects.filter(pk=batch.pk).update(state="writing")
    batch = worked(batch)
    assert (batch.state, batch.fault) == ("failed", "You may no longer write in this register.")
    assert not Record.objects.exists()


def test_work_that_was_killed_goes_on_where_it_had_committed(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "CHUNK", 2)
    rows = [["编号", "名称"], *([f"S{n:03}", f"{n}号"] for n in range(1, 6)), ["bad", "坏"]]
    batch = send(client, table(rows))
    write_many = importing.Many.write
    calls: list[int] = []

    def dies(self: Any, judged: Any, source: str) -> None:
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        write_many(self, judged, source)

    monkeypatch.setattr(importing.Many, "write", dies)
    client.post(f"{BASE}batches/{batch.pk}/write")
    with pytest.raises(KeyboardInterrupt):
        batches.run(batch.pk)
    batch.refresh_from_db()
    assert (batch.state, batch.done, batch.counts) == ("writing", 4, {"new": 4})
    assert "hx-get" in client.get(f"{BASE}batches/{batch.pk}/").content.decode()
    batch = worked(batch)
    assert (batch.state, batch.done, batch.counts) == ("done", 6, {"new": 5, "wrong": 1})
    assert [row[0] for row in errors(client, batch)[1:]] == ["bad"]


FILES = [
    (b"", "The table is empty."),
    (b"\xd0\xcf\x11\xe0rest", "This is the old .xls."),
    (b"PK\x03\x04broken", "The file is damaged."),
    (b"a\x00b", "This is no table."),
    (b"\xff\xff\xff", "The text is neither UTF-8 nor GB 18030."),
]


@pytest.mark.parametrize(("content", "said"), FILES)
def test_a_file_that_is_no_table_is_refused_with_what_to_do(client: Client, content: bytes, said: str) -> None:
    answer = client.post(f"{BASE}import", {"table": SimpleUploadedFile("x.xlsx", content or b"\n")})
    assert (answer.status_code, said in text(answer)) == (422, True)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_csv_is_read_whatever_its_encoding(client: Client, encoding: str) -> None:
    sent = SimpleUploadedFile("t.csv", '编号;名称;座位\r\nS001;"一;号";１２\r\n'.encode(encoding))
    batch = write(client, send(client, sent))
    assert batch.counts == {"new": 1}
    assert Record.objects.get(key="S001").data == {"code": "S001", "name": "一;号", "seats": 12}


def test_names_that_mean_several_are_told(
    county: County, client: Client, root: access.Actor, grower: api.Entry
) -> None:
    api.create(
        root, county.pk, "lemonade.grower", {"code": "G002", "name": "果园甲"}, organisation=county.pk, area=county.pk
    )
    batch = send(client, table([["编号", "名称", "供货"], ["S001", "一号摊", "果园甲"], ["S002", "二号摊", "G002"]]))
    assert batch.counts == {"wrong": 1, "new": 1}
    assert batch.examples == [
        {"row": 2, "told": ["Supplied by“果园甲”：means more than one; write the code: 果园甲（G001）、果园甲（G002）"]}
    ]


def test_a_long_list_is_exported_by_a_worker(client: Client, stall: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shizhu.engines.records.http.excel.AT_ONCE", 1)
    monkeypatch.setattr("shizhu.engines.records.http.excel.CHUNK", 2)
    for kind in ("cart", "cart", "cart", "booth"):
        stall(kind=kind)
    answer = client.get(f"{BASE}export.xlsx?f.kind=cart")
    batch = worked(Batch.objects.latest("pk"))
    assert (answer.headers["location"], batch.state, batch.done) == (f"{BASE}batches/{batch.pk}/", "done", 3)
    assert [row[0] for row in errors(client, batch)[1:]] == ["S001", "S002", "S003"]
    again = send(client, SimpleUploadedFile("x.xlsx", b"".join(client.get(f"{BASE}batches/{batch.pk}/made.file"))))
    assert again.counts == {"same": 3}


WORDS = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=12) | st.sampled_from(
    ["=1+1", "007", "1e5", "是"]
)
ROWS = st.fixed_dictionaries(
    {"name": WORDS.filter(lambda text: len(text.strip()) > 1)},
    optional={
        "kind": st.sampled_from(["cart", "booth"]), "seats": st.integers(0, 99), "street": WORDS,
        "price": st.floats(0, 1e9) | st.integers(0, 10**6), "is_shaded": st.booleans(), "note": WORDS,
        "opened": st.dates().map(str), "drinks": st.lists(WORDS, unique=True, max_size=3),
        "inspected": st.datetimes(timezones=st.just(UTC)).map(lambda at: at.isoformat()),
        "address": st.fixed_dictionaries({"lane": WORDS}, optional={"number": st.integers(1, 10**6)}),
        "owner": WORDS,
    },
)  # fmt: skip


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(ROWS, min_size=1, max_size=6), st.floats(-180, 180), st.floats(-90, 90))
def test_what_was_exported_comes_back_as_the_same(
    county: County, client: Client, root: access.Actor, rows: list[dict[str, Any]], x: float, y: float
) -> None:
    Record.objects.all().delete()
    for number, data in enumerate(rows, 1):
        api.create(
            root, county.pk, STALL, {"code": f"S{number:03}", **data}, organisation="stand", area=f"{county.pk}101",
            geometry=shapely.Point(x, y) if number % 2 else None,
        )  # fmt: skip
    batch = send(client, SimpleUploadedFile("out.xlsx", client.get(f"{BASE}export.xlsx").content))
    assert (batch.counts, batch.examples) == ({"same": len(rows)}, [])


REGULAR = "lemonade.regular"
HEADS = ["编号", "姓名", "公司", "电话", "区域"]


def regulars(client: Client, rows: list[list[Any]]) -> Batch:
    answer = client.post(f"/records/{REGULAR}/import", {"table": table([HEADS, *rows])})
    assert answer.status_code == 302, text(answer)
    return worked(Batch.objects.latest("pk"))


def test_rows_that_are_probably_there_are_listed_and_left_out_by_choice(
    county: County, client: Client, root: access.Actor
) -> None:
    data = {"code": "R001", "name": "李丽", "company": "兴农科技有限公司"}
    one = api.create(root, county.pk, REGULAR, data, organisation="stand", area=f"{county.pk}101")
    rows = [
        ["R002", "王五", "兴农科枝公司", "", "东镇"], ["R003", "赵六", "莼菜合作社", "", "东镇"],
        ["R004", "孙七", "纯菜专业合作社", "", "西镇"], ["R005", "周八", "黄连社", "", "西镇"],
        ["R001", "李丽", "兴农科技有限公司", "13800000000", "东镇"],
    ]  # fmt: skip
    batch = regulars(client, rows)
    assert (batch.state, batch.counts) == ("checked", {"new": 4, "changed": 1})
    assert [(line["row"], line["rows"], [r[1] for r in line["records"]]) for line in batch.alike] == [
        (2, [], ["R001"]), (4, [3], []),
    ]  # fmt: skip
    page = client.get(f"/records/{REGULAR}/batches/{batch.pk}/")
    assert "Probably there already" in text(page)
    assert f"/records/{REGULAR}/{one.id}/" in page.content.decode()
    client.post(f"/records/{REGULAR}/batches/{batch.pk}/write", {"leave": ["2", "5"]})
    batch = worked(batch)
    assert (batch.state, batch.counts) == ("done", {"new": 3, "changed": 1, "left": 1})
    keys = Record.objects.filter(register=REGULAR).order_by("key").values_list("key", flat=True)
    assert list(keys) == ["R001", "R003", "R004", "R005"]
    batch = regulars(client, [*rows, ["R006", "吴九", "兴农科技", "", "西镇"]])
    assert [line["row"] for line in batch.alike] == [2, 7]
    client.post(f"/records/{REGULAR}/batches/{batch.pk}/write", {"leave_all": "1"})
    assert worked(batch).counts == {"same": 4, "left": 2}


def test_an_import_says_nothing_of_hidden_rows(county: County, root: access.Actor) -> None:
    data = {"code": "R001", "name": "李丽", "company": "兴农科技有限公司"}
    api.create(root, county.pk, REGULAR, data, organisation="stand", area=f"{county.pk}102")
    east = browser(person(county, f"records.{REGULAR}.*", in_area="101", username="east"))
    batch = regulars(east, [["R002", "王五", "兴农科枝公司", "", "东镇"]])
    assert (batch.counts, batch.alike, batch.asked["alike"]) == ({"new": 1}, [], [])
    east.post(f"/records/{REGULAR}/batches/{batch.pk}/write", {"leave_all": "1", "leave": "2"})
    assert worked(batch).counts == {"new": 1}
