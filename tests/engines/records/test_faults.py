"""Work on many rows meets bad files, clicks in two tabs, workers thought dead, and declarations that came late."""

from __future__ import annotations

import io
import os
import zipfile
from typing import Any

import psycopg
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import OperationalError, connection, transaction
from procrastinate.contrib.django.models import ProcrastinateJob
from tests.engines.records.permits import PERMIT, browser
from tests.engines.records.test_imports import BASE, STALL, client, send, table, worked
from tests.engines.records.test_pages import text
from tests.fixtures import person

from shizhu.engines.records import api, batches, revising, searching, tables
from shizhu.engines.records.models import Batch, Misfit, Record
from shizhu.kernel import access, packs
from shizhu.kernel.models import County, Declaration, Person
from shizhu.site import servers
from shizhu.site.servers import Trouble

pytestmark = pytest.mark.django_db
pytest_plugins = ["tests.engines.records.stalls"]
__all__ = ["client"]
FAR = (
    '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row r="1"><c r="A1"'
    ' t="inlineStr"><is><t>编号</t></is></c></row><row r="20000000"><c r="A20000000" t="inlineStr"><is><t>S001</t></is>'
    "</c></row></sheetData></worksheet>"
)


def workbook(**changed: str) -> SimpleUploadedFile:
    """A small table with other parts in it: the end of a part's name → its text."""
    out = io.BytesIO()
    with zipfile.ZipFile(table([["编号", "名称"], ["S001", "一号"]])) as given, zipfile.ZipFile(out, "w") as made:
        for name in given.namelist():
            other = next((body for end, body in changed.items() if name.endswith(f"{end}.xml")), None)
            made.writestr(name, given.read(name) if other is None else other)
    return SimpleUploadedFile("表.xlsx", out.getvalue())


def declared(change: Any) -> None:
    found = Declaration.objects.get(kind="registers", key=STALL)
    change(found.body)
    found.save()
    packs.forget()


def test_a_new_matching_does_not_reach_what_is_being_written(client: Any, stall: Any) -> None:
    stall()
    batch = send(client, table([["编号", "名称", "备注"], ["S001", "新名字", "旧"]]))
    other_tab = Batch.objects.get(pk=batch.pk)
    client.post(f"{BASE}batches/{batch.pk}/write")
    asked = {**other_tab.asked, "mapping": ["code", "name", "illness"]}
    assert not batches.go(other_tab, Batch.State.CHECKING, asked=asked)
    assert worked(batch).counts == {"changed": 1}
    assert Record.objects.get().data == {"code": "S001", "name": "新名字", "note": "旧"}


def test_a_table_with_a_nul_is_refused_by_its_row(client: Any) -> None:
    start = "编号,名称\n" + "".join(f"S{number},{'长' * 100}\n" for number in range(100, 130))
    batch = send(client, SimpleUploadedFile("表.csv", f"{start}S201,二\x00号\n".encode()))
    assert (batch.state, batch.fault) == (
        "failed", "Row 32 holds a NUL, which no text has. Write that row anew and send the table again.",
    )  # fmt: skip
    soon = f"编号,名称{' ' * 5000}\nS101,二\x00号\n".encode()
    answer = client.post(f"{BASE}import", {"table": SimpleUploadedFile("表.csv", soon)})
    assert (answer.status_code, "Row 2 holds a NUL" in text(answer)) == (422, True)
    assert not Record.objects.exists()


def test_work_whose_notes_cannot_be_kept_ends_all_the_same(county: County, client: Any, monkeypatch: Any) -> None:
    batch = send(client, table([["编号", "名称"], ["S001", "一号"]]))

    def spoiled(kept: Batch, _who: access.Actor) -> None:
        kept.examples = [{"row": 1, "told": ["\x00"]}]
        with transaction.atomic():
            kept.save()

    monkeypatch.setitem(batches._kinds, Batch.Kind.IMPORT, spoiled)  # a fault of ours, made here
    client.post(f"{BASE}batches/{batch.pk}/write")
    assert worked(batch).state == "failed"


def test_a_step_without_the_right_to_it_spoils_its_row_alone(county: County, root: access.Actor, permit: Any) -> None:
    first, second = permit(), permit()
    for made in (first, second):
        api.move(root, made.id, "asked", 1)
    verbs = [f"records.{PERMIT}.{verb}" for verb in ("view", "edit", "create")]
    clerk = browser(person(county, *verbs, username="clerk"))
    rows = table([["编号", "申请人", "状态"], ["P001", "新甲", "已批准"], ["P002", "新乙", "已申请"]])
    assert clerk.post(f"/records/{PERMIT}/import", {"table": rows}).status_code == 302
    batch = worked(Batch.objects.get())
    assert (batch.state, batch.counts) == ("checked", {"wrong": 1, "changed": 1})
    assert batch.examples == [{"row": 2, "told": ["State“Granted”：is nothing you have the right to set"]}]
    clerk.post(f"/records/{PERMIT}/batches/{batch.pk}/write")
    assert worked(batch).counts == {"wrong": 1, "changed": 1}
    kept = Record.objects.order_by("key").values_list("title", "state")
    assert list(kept) == [("1号", "asked"), ("新乙", "asked")]


@pytest.mark.parametrize("limit", [{"BESIDE": 100}, {"LONGEST": 1000}])
def test_a_table_that_is_small_only_while_packed_is_refused(
    client: Any, monkeypatch: pytest.MonkeyPatch, limit: dict[str, int]
) -> None:
    for name, value in limit.items():
        monkeypatch.setattr(tables, name, value)
    answer = client.post(f"{BASE}import", {"table": workbook(sheet1=FAR)})
    if answer.status_code == 302:  # what is far away is met when it is checked
        assert worked(Batch.objects.get()).fault == "The file is too large once unpacked. Split it."
    else:
        assert (answer.status_code, "too large once unpacked" in text(answer)) == (422, True)
    assert not Record.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_work_that_another_worker_does_is_waited_for(client: Any) -> None:
    batch = send(client, table([["编号", "名称"], ["S001", "一号"]]))
    client.post(f"{BASE}batches/{batch.pk}/write")
    work = batches._work  # what a worker calls
    with psycopg.connect(**connection.get_connection_params() | {"cursor_factory": None}) as other:
        other.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"records.batch {batch.pk}"])
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '200ms'")
        with pytest.raises(OperationalError, match="lock timeout"):
            work(batch.pk)
        batch.refresh_from_db()
        assert (batch.state, Record.objects.count()) == ("writing", 0)
    work(batch.pk)
    work(batch.pk)
    batch.refresh_from_db()
    assert (batch.state, batch.counts) == ("done", {"new": 1})
    with connection.cursor() as cursor:
        cursor.execute("RESET lock_timeout")


def test_work_that_is_given_up_says_so(client: Any) -> None:
    batch = send(client, table([["编号", "名称"], ["S001", "一号"]]))
    client.post(f"{BASE}batches/{batch.pk}/write")
    batches._give_up(batch.pk)  # what a worker calls after the last try
    batch.refresh_from_db()
    assert (batch.state, batch.fault[:38]) == ("failed", "The database could not be reached. Sta")


def test_a_row_written_by_the_old_declaration_is_found_a_moment_later(county: County, stall: Any) -> None:
    made = stall(seats=12)
    revising.revise(county.pk)
    declared(lambda body: body["properties"]["seats"].update(maximum=5))
    Record.objects.filter(pk=made.id).update(state="withdrawn")  # it does not stand in the way while it is declared
    revising.revise(county.pk)
    Misfit.objects.all().delete()
    assert revising.pending(county.pk) == []
    revising.revise_fresh(county.pk)
    assert Misfit.objects.get().pk == made.id


def test_rows_that_become_alike_are_listed_and_end_nothing(county: County, stall: Any) -> None:
    for _number in range(3):
        stall()

    def change(body: dict[str, Any]) -> None:
        body["properties"]["street"]["x-shizhu-computed"] = '"甲街"'
        body["x-shizhu"]["unique"] = [["street"]]

    declared(change)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    api.prepare_registers()
    assert revising.revise(county.pk)[STALL] == (1, 2)
    assert [row.data.get("street") for row in Record.objects.order_by("key")] == ["甲街", None, None]
    assert {one["rule"] for found in Misfit.objects.all() for one in found.problems} == {"x-shizhu.unique"}


def test_the_search_says_when_it_does_not_know_all_yet(county: County, stall: Any) -> None:
    stall()
    client = browser(Person.objects.get(username="root"))
    ProcrastinateJob.objects.all().delete()
    assert "still being made ready" not in text(client.get("/search?q=1号"))
    declared(lambda body: body["properties"]["kind"]["x-shizhu-labels"]["cart"].update(zh="手推车"))
    searching.prepare()
    assert "still being made ready" in text(client.get("/search?q=1号"))
    ProcrastinateJob.objects.all().delete()
    assert "still being made ready" not in text(client.get("/search?q=1号"))


@pytest.mark.django_db(transaction=True)
def test_a_database_that_folds_no_letters_is_refused() -> None:
    url = os.environ["DATABASE_URL"]
    assert servers.check_database(url) >= 150000
    with psycopg.connect(url, autocommit=True) as other:
        name = f"c_{os.getpid()}"
        other.execute(f"CREATE DATABASE {name} TEMPLATE template0 LOCALE_PROVIDER libc LOCALE 'C'")
        try:
            with pytest.raises(Trouble, match="small from capital"):
                servers.check_database(url.replace("/shizhu?", f"/{name}?"))
        finally:
            other.execute(f"DROP DATABASE {name}")
