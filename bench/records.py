"""SHIZHU_BENCH_TABLE rows (100,000) go in and out as Excel, seconds from the click to the end: checking, writing,
exporting, checking the export, each beside openpyxl reading (for exports: writing) the same cells and no more. Then a
register of SHIZHU_BENCH_ROWS rows (1,000,000) seeded by COPY: milliseconds until the whole page is here for a county
leader, median of 15, beside the aim of 200 ms and a bare SELECT of one row by its primary key; traits and pairs of
probable duplicates by job, and what a form asks before it saves, beside the SQL alone. Parts: tables, pairs, lists."""

from __future__ import annotations

import io
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from urllib.parse import quote

import openpyxl
import psycopg
from tests.stack.stack import Stack

from bench import stacks
from bench.figures import Figure
from bench.pages import demo_password, settle
from bench.seeding import REGISTER, rows
from bench.stacks import Homes
from bench.web import Visitor
from shizhu.lib.checks import credit_code_digit

ROWS, TABLE = int(os.environ.get("SHIZHU_BENCH_ROWS", "1000000")), int(os.environ.get("SHIZHU_BENCH_TABLE", "100000"))
AIM, TIMES, EDGE = 200.0, 15, "an-edge-of-the-bench"
LIST = f"/records/{REGISTER}/"
PAGES = {
    "search, rare": f"/search?q={quote('洗新莼菜黄连')}", "search, one word": f"/search?q={quote('黄水')}",
    "search, in half of all": f"/search?q={quote('有限公司')}", "search, pinyin": "/search?q=huangshui",
    "search, code": "/search?q=91500240MB00012", "search, nothing": f"/search?q={quote('没有这样的')}",
    "search in a list": f"{LIST}?q={quote('黄水莼菜')}", "registers": "/records/", "list": LIST,
    "list, filtered": f"{LIST}?f.industry=food&f.scale=above", "list, page 150": f"{LIST}?page=150",
    "list, ordered by date": f"{LIST}?order=-recognised", "list, one town": f"{LIST}?area=500240101",
    "list, ordered by code": f"{LIST}?order=-credit_code", "list, filter that fits none": f"{LIST}?f.industry=energy",
    "home": "/", "board": "/boards/innovation.enterprises/",
}  # fmt: skip
HEADS = {
    "统一社会信用代码": "credit_code", "企业名称": "name", "类别": "kind", "领域": "industry", "规模": "scale",
    "认定日期": "recognised", "职工人数": "employees", "地址": "address", "联系电话": "phone",
    "证书编号": "certificate", "有效期至": "valid_until",
}  # fmt: skip
IMPORTED = "SELECT count(*) FROM records_record WHERE register = %s AND source = 'import'"


def run(homes: Homes, seconds: float, *only: str) -> Iterator[Figure]:
    del seconds
    with homes.stack(has_demo=True) as stack:
        settle(stack)
        for name in only or PARTS:
            yield from PARTS[name](stack)


def lists(stack: Stack) -> Iterator[Figure]:
    """Pages with all rows and their pairs behind them."""
    if _lacks(stack, "records_traced WHERE is_paired AND register = %s"):
        yield from pairs(stack)
    raw = bare(stack)
    visitor = Visitor(stack.port)  # not before: the server closes a connection that is idle for so long
    visitor.log_in("leader", demo_password(stack))
    for name, path in PAGES.items():
        took = visitor.median(path, TIMES)
        yield Figure("records", name, took, "ms", "aim", AIM)
        yield Figure("records", name, took, "ms", "bare SELECT by key", raw)


def _lacks(stack: Stack, rows: str) -> bool:
    return stack.query(f"SELECT count(*) < %s FROM {rows}", ROWS, REGISTER) == [(True,)]


def bare(stack: Stack) -> float:
    """Milliseconds of a SELECT by primary key, nothing around it."""
    taken = []
    with psycopg.connect(stack.state["DATABASE_URL"]) as connection:
        for number in range(200):
            began = time.perf_counter()
            connection.execute("SELECT * FROM records_record WHERE id = %s", [number * 37 + 100]).fetchone()
            taken.append((time.perf_counter() - began) * 1000)
    return statistics.median(taken)


def pairs(stack: Stack) -> Iterator[Figure]:
    """Traits of all rows and pairs by job, and what a form asks before it saves."""
    if _lacks(stack, "records_record WHERE register = %s"):
        seed = [sys.executable, "-m", "bench.seeding", str(ROWS)]
        subprocess.run(seed, env=stack.environment, cwd=stacks.ROOT, check=True)
    asked = [sys.executable, "-m", "bench.pairing"]
    said = subprocess.run(asked, env=stack.environment, cwd=stacks.ROOT, check=True, stdout=subprocess.PIPE, text=True)
    for line in said.stdout.splitlines():
        name, value, unit, limit, raw = line.split("\t")
        yield Figure("records", name, float(value), unit, limit, float(raw))


def tables(stack: Stack) -> Iterator[Figure]:
    """Excel in and out, as the administrator."""
    clerk = Clerk(stack)
    book = workbook(TABLE)
    raw = timed(lambda: [None for row in openpyxl.load_workbook(io.BytesIO(book), read_only=True).active.iter_rows()])
    for name, took in clerk.imported(book).items():
        yield Figure("records", f"{TABLE:,} rows in: {name}", took, "s", "openpyxl reads the cells", raw)
    if stack.query(IMPORTED, REGISTER) != [(TABLE,)]:
        raise RuntimeError(f"{TABLE} rows were sent and {stack.query(IMPORTED, REGISTER)} are there")
    took, out = clerk.exported()
    yield Figure(
        "records", f"{TABLE:,} rows out", took, "s", "openpyxl writes the cells", timed(lambda: workbook(TABLE))
    )
    took = clerk.imported(out, writes=False)["checked"]
    yield Figure("records", f"{TABLE:,} rows in again: all the same", took, "s", "openpyxl reads the cells", raw)


def timed(do: Callable[[], object]) -> float:
    began = time.monotonic()
    do()
    return time.monotonic() - began


def workbook(many: int) -> bytes:
    book = openpyxl.Workbook(write_only=True)
    sheet, out = book.create_sheet(), io.BytesIO()
    sheet.append([*HEADS])
    for number, (_key, data) in enumerate(rows(many)):
        own = data | {"credit_code": credit_code(number), "certificate": f"MA{number:08}"}
        sheet.append([own[name] for name in HEADS.values()])
    book.save(out)
    return out.getvalue()


def credit_code(number: int) -> str:
    body = f"91500240MA{number:07}"
    return body + credit_code_digit(body)


def part(field: str, name: str, content: bytes) -> bytes:
    """A form with a file in it."""
    head = f'--{EDGE}\r\nContent-Disposition: form-data; name="{field}"; filename="{name}"\r\n\r\n'
    return head.encode() + content + f"\r\n--{EDGE}--\r\n".encode()


PARTS = {"tables": tables, "pairs": pairs, "lists": lists}


class Clerk:
    """Somebody who sends tables and waits for them."""

    def __init__(self, stack: Stack) -> None:
        self._visitor = Visitor(stack.port)
        self._visitor.log_in("science", demo_password(stack))

    def imported(self, book: bytes, *, writes: bool = True) -> dict[str, float]:
        """Seconds of checking and of writing."""
        began = time.monotonic()
        address = self._visitor.led(
            f"{LIST}import", part("table", "rows.xlsx", book), f"multipart/form-data; boundary={EDGE}"
        )
        self._wait(address)
        taken = {"checked": time.monotonic() - began}
        if writes:
            began = time.monotonic()
            self._visitor.led(f"{address}write", b"")
            self._wait(address)
            taken["written"] = time.monotonic() - began
        return taken

    def exported(self) -> tuple[float, bytes]:
        began = time.monotonic()
        address = self._visitor.led(f"{LIST}export.xlsx")
        self._wait(address)
        return time.monotonic() - began, self._visitor.fetch(f"{address}made.file")[1]

    def _wait(self, address: str) -> None:
        while "hx-get" in self._visitor.ask(address)[1]:
            time.sleep(0.2)
