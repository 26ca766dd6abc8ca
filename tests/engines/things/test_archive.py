"""Closed days move to files whole, whatever happens meanwhile, and what comes later is taken in."""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.utils import timezone
from tests.engines.things.test_store import NOON, commit, device, minute, rows, stream, url

from shizhu.engines.things import api, archive, store
from shizhu.engines.things.logic.readings import Reading, Verdict
from shizhu.engines.things.models import ArchivedDay, Day, Hour, Latest, Observation
from shizhu.site.commands import history

__all__ = ["device", "stream"]  # fixtures
pytestmark = pytest.mark.django_db(transaction=True)
DAY = date(2026, 7, 1)
KILLED = """
import os, signal, sys
import django
django.setup(set_prefix=False)
from datetime import date
from shizhu.engines.things import archive
step, when = sys.argv[1:]
whole = getattr(archive, step)
def killed(*values, **named):
    if when == "after":
        whole(*values, **named)
    os.kill(os.getpid(), signal.SIGKILL)
setattr(archive, step, killed)
archive.archive(date(2026, 7, 1))
"""


async def withdrawn(key: tuple[int, datetime]) -> None:
    async with await psycopg.AsyncConnection.connect(url(), autocommit=True) as plain, plain.transaction():
        query = "SELECT id FROM things_observation WHERE datastream_id = %s AND phenomenon_time = %s"
        (id_,) = await (await plain.execute(query, key)).fetchone()
        await store.withdraw(plain, [id_])


def held() -> list[tuple[Any, ...]]:
    """Rows of the day's file: stream, minutes after noon, sequence, result."""
    file = archive.path(ArchivedDay.objects.get(pk=DAY))
    with archive.duck() as work:
        found = work.execute(
            "SELECT datastream_id, epoch_us(phenomenon_time), sequence, result FROM read_parquet(?) ORDER BY ALL",
            [file],
        ).fetchall()
    return [(ds, (archive.moment(us) - NOON) / timedelta(minutes=1), seq, result) for ds, us, seq, result in found]


def test_a_day_moves_to_its_file_whole(stream: int, run: Any) -> None:
    late = Reading(stream, minute(12 * 60), 8.0)  # midnight of the county is 16:00 UTC: the next day
    run(commit(Reading(stream, minute(0), 7.0, extra='{"parameters": {"a": "x,\\"y\\""}}'), late))
    run(commit(Reading(stream, minute(0), 7.5), Reading(stream, minute(1), 99.0, Verdict.BAD)))
    whole = list(Observation.objects.order_by("phenomenon_time", "sequence").values())
    assert archive.archive(DAY) == 3
    assert rows(stream) == [(12 * 60, 8.0, 0)]
    file = archive.path(ArchivedDay.objects.get())
    with archive.duck() as work:
        columns = ", ".join(archive.NAMES)
        kept = work.execute(
            f"SELECT id, known_at::varchar, extra, reason, result FROM (SELECT {columns} FROM read_parquet(?))"
            " ORDER BY phenomenon_time, sequence", [file]
        ).fetchall()  # fmt: skip
    assert [row[0] for row in kept] == [o["id"] for o in whole[:3]]
    assert [datetime.fromisoformat(row[1] + ":00") for row in kept] == [o["known_at"] for o in whole[:3]]
    assert kept[0][2] == '{"parameters": {"a": "x,\\"y\\""}}'
    assert kept[2][3] is not None
    day = Day.objects.get()
    assert (day.datastream_id, day.day, day.count, day.total, day.least, day.most, day.readings) == (
        stream, DAY, 1, 7.5, 7.5, 7.5, 2,
    )  # fmt: skip


def test_what_comes_later_is_taken_in_once_and_corrects(stream: int, device: Any, run: Any) -> None:
    other = device.thing.datastreams.exclude(pk=stream).first().pk
    run(commit(*(Reading(stream, minute(n), float(n)) for n in range(3)), Reading(other, minute(0), 1.0)))
    archive.archive(DAY)
    again = [Reading(stream, minute(0), 0.0), Reading(stream, minute(1), 5.0), Reading(stream, minute(9), 9.0)]
    outcome = run(commit(*again))
    assert (outcome.committed, outcome.duplicates, outcome.corrections) == (2, 1, 1)
    assert rows(stream) == [(0, 0.0, 0), (1, 1.0, 0), (1, 5.0, 1), (2, 2.0, 0), (9, 9.0, 0)]  # taken back
    assert rows(other) == []
    assert Hour.objects.get(datastream=stream).total == 16.0
    assert archive.touched() == [DAY]
    old = archive.path(ArchivedDay.objects.get())
    os.utime(old, (0, 0))
    assert archive.archive(DAY) == 6
    archive.sweep()
    assert [row for row in held() if row[0] == stream] == [
        (stream, 0, 0, 0.0),
        (stream, 1, 0, 1.0),
        (stream, 1, 1, 5.0),
        (stream, 2, 0, 2.0),
        (stream, 9, 0, 9.0),
    ]
    assert (rows(stream), archive.touched()) == ([], [])
    assert (other, 0, 0, 1.0) in held()
    assert Hour.objects.get(datastream=stream).total == 16.0
    assert (Day.objects.get(datastream=stream).readings, Day.objects.get(datastream=stream).rows) == (4, 5)
    assert Path(old).exists()  # for whoever reads it just now
    os.utime(old, (0, 0))
    archive.sweep()
    assert not Path(old).exists()
    assert len(held()) == 6


def test_the_latest_value_is_found_in_a_file_when_newer_ones_are_withdrawn(stream: int, run: Any) -> None:
    run(commit(Reading(stream, minute(0), 1.0), Reading(stream, minute(5), 2.0, end=minute(7))))
    run(commit(Reading(stream, minute(60 * 24), 3.0)))
    archive.archive(DAY)
    run(withdrawn(Observation.objects.get(datastream=stream).pk[:2]))
    latest = Latest.objects.get(datastream=stream)
    assert (latest.result, latest.first_time, latest.last_end) == (2.0, minute(0), minute(7))


def test_a_file_that_does_not_hold_what_was_written_changes_nothing(
    stream: int, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(commit(Reading(stream, minute(0), 1.0), Reading(stream, minute(1), 2.0)))
    write = archive._write

    def torn(work: Any, table: str, file: Path) -> None:
        write(work, f"(SELECT * FROM {table} LIMIT 1)", file)

    monkeypatch.setattr(archive, "_write", torn)
    with pytest.raises(archive.ArchiveFault, match="should hold"):
        archive.archive(DAY)
    assert (len(rows(stream)), ArchivedDay.objects.count(), Day.objects.count()) == (2, 0, 0)


@pytest.mark.parametrize(
    ("step", "when"),
    [("_load", "after"), ("_write", "before"), ("_write", "after"), ("_drop", "after"), ("_roll_up", "after")],
)
def test_whoever_is_killed_loses_and_doubles_nothing(stream: int, run: Any, step: str, when: str) -> None:
    run(commit(*(Reading(stream, minute(n), float(n)) for n in range(50))))
    archive.archive(DAY)
    run(commit(*(Reading(stream, minute(n), float(n)) for n in range(40, 60))))
    before = held(), rows(stream)
    assert len(before[1]) == 60
    environment = os.environ | {"DATABASE_URL": url(), "DJANGO_SETTINGS_MODULE": "shizhu.site.settings"}
    done = subprocess.run([sys.executable, "-c", KILLED, step, when], env=environment, check=False)
    assert done.returncode == -9
    assert (held(), rows(stream)) == before
    assert archive.archive(DAY) == 60
    assert (held(), rows(stream)) == ([(stream, n, 0, float(n)) for n in range(60)], [])


def test_the_night_takes_closed_days_alone(stream: int, run: Any, settings: Any) -> None:
    today = timezone.now().replace(minute=0, second=0, microsecond=0)
    for days in (0, 1, 29, 31, 33):
        run(commit(Reading(stream, today - timedelta(days=days), 1.0)))
    expected = [archive.day_of(today - timedelta(days=days)) for days in (33, 31)]
    assert archive.due(timezone.now(), settings.CONFIG.hot_days) == expected
    archive.night()
    assert list(ArchivedDay.objects.order_by("day").values_list("day", flat=True)) == expected
    assert Observation.objects.count() == 3


def test_a_deleted_datastream_leaves_the_file_when_it_is_written_anew(stream: int, device: Any, run: Any) -> None:
    other = device.thing.datastreams.exclude(pk=stream).first()
    run(commit(Reading(stream, minute(0), 1.0), Reading(other.pk, minute(0), 2.0)))
    archive.archive(DAY)
    other.delete()
    run(commit(Reading(stream, minute(1), 3.0)))
    assert archive.archive(DAY) == 2
    assert held() == [(stream, 0, 0, 1.0), (stream, 1, 0, 3.0)]


def test_days_are_the_countys() -> None:
    assert archive.day_of(datetime(2026, 6, 30, 16, tzinfo=UTC)) == DAY
    assert archive.span(DAY) == (datetime(2026, 6, 30, 16, tzinfo=UTC), datetime(2026, 7, 1, 16, tzinfo=UTC))
    assert settings.CONFIG.hot_days == 30


FULL = """
import resource
import django
django.setup(set_prefix=False)
from datetime import date
from shizhu.engines.things import archive
archive.folder()
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))  # no file becomes longer, as on a full disk
archive.archive_days([date(2026, 7, 1)])
"""


@pytest.mark.parametrize("number", [1, 200])
def test_a_full_disk_changes_nothing_and_is_told(stream: int, run: Any, number: int, tmp_path: Path) -> None:
    run(commit(*(Reading(stream, minute(n / 10), float(n)) for n in range(number))))
    environment = os.environ | {"DATABASE_URL": url(), "DJANGO_SETTINGS_MODULE": "shizhu.site.settings"}
    environment["SHIZHU_HOME"] = str(tmp_path)
    done = subprocess.run([sys.executable, "-c", FULL], env=environment, check=False, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert (len(rows(stream)), ArchivedDay.objects.count(), Day.objects.count()) == (number, 0, 0)
    assert [*(tmp_path / "history").iterdir()] == []
    told = archive.state()
    assert (told["state"], told["done"], told["fault"][:12]) == ("degraded", "0/1", "2026-07-01: ")
    archive.archive_days([DAY])
    assert (archive.state()["state"], archive.state()["rows"]) == ("ok", number)
    assert [(day["day"], day["rows"]) for day in archive.listed()] == [("2026-07-01", number)]


def test_a_file_that_is_not_as_it_was_written_is_named(stream: int, run: Any, capsys: Any) -> None:
    days = [DAY + timedelta(days=n) for n in range(5)]
    run(commit(*(Reading(stream, minute(60 * 24 * n), float(n)) for n in range(5))))
    for day in days:
        archive.archive(day)
    files = {day: Path(archive.path(ArchivedDay.objects.get(pk=day))) for day in days}
    ArchivedDay.objects.filter(pk__in=days[3:]).update(sha256="")  # as if written before hashes were kept
    shutil.copy(files[days[0]], files[days[1]])
    files[days[2]].unlink()
    files[days[4]].write_bytes(b"PAR1")
    for _ in range(2):
        assert history.check(api, argparse.Namespace()) == 1
        said = [line.partition(":")[0] for line in capsys.readouterr().out.splitlines()]
        broken = "does not hold what was written into it"
        assert said == [
            f"history/{files[days[1]].name} {broken}",
            f"history/{files[days[2]].name} is missing",
            f"history/{files[days[4]].name} {broken}",
            "2 of 5 files hold what was written",
        ]
    assert ArchivedDay.objects.get(pk=days[3]).sha256 == hashlib.sha256(files[days[3]].read_bytes()).hexdigest()


def test_a_day_that_may_change_yet_is_refused() -> None:
    today = archive.day_of(timezone.now())
    with pytest.raises(archive.ArchiveFault, match="2 days after its end"):
        archive.archive_days([DAY, today])
    assert archive.state() == {"state": "ok", "days": 0}
