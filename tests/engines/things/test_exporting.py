"""Readings of a station as a file: from table and archive alike, by a worker, for whoever may see the station."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from tests.engines.things.test_store import commit, device, stream
from tests.fixtures import person
from tests.web.pages import browser, text

from shizhu.engines.records import batches
from shizhu.engines.records.models import Batch
from shizhu.engines.things import archive
from shizhu.engines.things.logic.readings import Reading, Verdict
from shizhu.engines.things.models import Device
from shizhu.kernel import files

__all__ = ["device", "stream"]  # fixtures
pytestmark = pytest.mark.django_db(transaction=True)
FIRST = datetime(2026, 6, 30, 16, tzinfo=UTC)  # midnight of the county, the first of July
DAYS = {"from": "2026-07-01", "to": "2026-07-03"}


def at(days: float, value: float, stream: int, **more: Any) -> Reading:
    return Reading(stream, FIRST + timedelta(days=days), value, **more)


def work() -> None:
    batches.run(Batch.objects.latest("pk").pk)


@pytest.fixture
def readings(stream: int, device: Device, run: Any) -> int:
    """Of two days in files and one that was taken back; one corrected, one withdrawn as bad; one before, one after."""
    level = device.thing.datastreams.exclude(pk=stream).first().pk
    run(commit(*(at(n / 2, float(n), stream) for n in range(-1, 7)), at(0, 9.5, level)))
    for day in (1, 2, 3):
        archive.archive(date(2026, 7, day))
    run(commit(at(1.5, 33.0, stream), at(1.75, 70.0, stream, verdict=Verdict.BAD)))
    return stream


def written(client: Any, device: Device, **asked: str) -> Any:
    begun = client.post(f"/things/{device.thing_id}/export", DAYS | asked)
    assert (begun.status_code, begun.url.startswith("/things/exports/")) == (302, True)
    waiting = client.get(begun.url)
    assert f'hx-get="{begun.url}?part"' in waiting.content.decode()
    work()
    assert client.get(f"{begun.url}?part")["HX-Refresh"] == "true"
    return begun.url


def test_a_worker_writes_what_table_and_archive_know(readings: int, device: Device) -> None:
    client = browser(person(device.county, "things.thing.view"))
    url = written(client, device, stream=str(readings), form="csv")
    page = client.get(url)
    assert "7 条" in text(page)
    sent = client.get(f"{url}readings")
    assert sent["Content-Type"] == "text/csv; charset=utf-8"
    body = b"".join(sent.streaming_content).decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(body)))
    assert [(row["phenomenon_time"], float(row["result"]), row["verdict"]) for row in rows] == [
        ("2026-07-01 00:00:00+08", 0.0, "good"),
        ("2026-07-01 12:00:00+08", 1.0, "good"),
        ("2026-07-02 00:00:00+08", 2.0, "good"),
        ("2026-07-02 12:00:00+08", 33.0, "good"),
        ("2026-07-02 18:00:00+08", 70.0, "bad"),
        ("2026-07-03 00:00:00+08", 4.0, "good"),
        ("2026-07-03 12:00:00+08", 5.0, "good"),
    ]
    assert {(row["station"], row["property"], row["unit"]) for row in rows} == {("一号水罐", "temperature", "℃")}

    url = written(client, device, form="parquet")
    made = Batch.objects.order_by("-pk")[0].made
    assert made is not None
    with archive.duck() as duck:
        query = "SELECT property, count(*)::INTEGER, sum(result) FROM read_parquet(?) GROUP BY ALL ORDER BY ALL"
        assert duck.execute(query, [str(files.path_of(made))]).fetchall() == [
            ("level", 1, 9.5),
            ("temperature", 7, 115.0),
        ]


def test_who_may_not_see_the_station_gets_nothing(readings: int, device: Device) -> None:
    mine = browser(person(device.county, "things.thing.view"))
    url = written(mine, device, form="csv")
    elsewhere = browser(person(device.county, "things.thing.view", in_area="102"))
    before = Batch.objects.count()
    asked = DAYS | {"form": "csv"}
    assert elsewhere.post(f"/things/{device.thing_id}/export", asked).status_code == 403
    assert [elsewhere.get(url).status_code, elsewhere.get(f"{url}readings").status_code] == [404, 404]
    for wrong in ({"form": "xls"}, {"to": "2026-06-01"}, {"from": "soon"}, {"stream": "999999"}):
        answer = mine.post(f"/things/{device.thing_id}/export", asked | wrong, follow=True)
        assert "请选择导出内容" in text(answer)
    assert Batch.objects.count() == before


def test_who_lost_the_right_meanwhile_gets_none(readings: int, device: Device) -> None:
    who = person(device.county, "things.thing.view")
    client = browser(who)
    client.post(f"/things/{device.thing_id}/export", DAYS | {"form": "csv"})
    who.posts.all().delete()
    work()
    batch = Batch.objects.get()
    assert (batch.state, batch.made, batch.fault) == ("failed", None, "您已没有查看此监测站的权限。")
