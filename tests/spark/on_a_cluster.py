"""A Spark cluster of one master and two workers puts the same archived days together as DuckDB, to the last digit.

Not among the tests of `make test`: it needs Java and 500 MB of pyspark (`make test-spark`).
"""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyspark
import pytest

from shizhu.engines.things import aggregate, archive, files, spark
from shizhu.engines.things.logic.readings import Reading, Verdict
from shizhu.engines.things.models import Datastream
from shizhu.site.supervisor import free_port
from tests.engines.things.test_store import commit, device, stream, url

__all__ = ["device", "stream"]  # fixtures
pytestmark = pytest.mark.django_db(transaction=True)
DAYS = [date(1988, 4, 16), date(1988, 4, 17), date(2026, 7, 1), date(2026, 7, 2), date(2026, 7, 3)]  # one of 23 hours
STRAIGHT = {**os.environ, "SPARK_LOCAL_IP": "127.0.0.1"}
LONGEST = 900
VERDICTS = [*[Verdict.GOOD] * 6, Verdict.SUSPECT, Verdict.BAD]


class Cluster:
    """A master and its workers, each a process of its own."""

    def __init__(self, folder: Path) -> None:
        self.port, self.web = free_port(), free_port()
        self.address, self.folder = f"spark://127.0.0.1:{self.port}", folder
        self.processes: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        self.run("master.Master", "--host", "127.0.0.1", "--port", self.port, "--webui-port", self.web)
        for number in (1, 2):
            own = "--work-dir", self.folder / f"worker-{number}", "--webui-port", free_port()
            self.run("worker.Worker", "--host", "127.0.0.1", "--cores", 1, "--memory", "1g", *own, self.address)
        until = time.monotonic() + LONGEST
        while [one["state"] for one in self.told("workers")] != ["ALIVE", "ALIVE"]:
            assert time.monotonic() < until, "the cluster did not start"
            time.sleep(0.5)

    def run(self, what: str, *arguments: object) -> None:
        program = Path(pyspark.__path__[0]) / "bin/spark-class"
        command = [program, f"org.apache.spark.deploy.{what}", *map(str, arguments)]
        self.processes.append(subprocess.Popen(command, env=STRAIGHT, stdout=-3, stderr=-3))

    def told(self, what: str) -> list[dict[str, Any]]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.web}/json/", timeout=10) as answer:
                found: list[dict[str, Any]] = json.load(answer)[what]
                return found
        except OSError:
            return []

    def stop(self) -> None:
        for process in reversed(self.processes):
            process.terminate()
            process.wait(30)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    made = Cluster(tmp_path_factory.mktemp("spark"))
    try:
        made.start()
        yield made
    finally:
        made.stop()


@pytest.fixture
def archived(stream: int, device: Any, run: Any) -> int:
    """Readings of three datastreams, of all verdicts and sizes; corrected and withdrawn ones."""
    dice = random.Random(7)
    template = Datastream.objects.get(pk=stream)
    streams = [stream, *(Datastream.objects.create(**_copied(template, f"more-{n}")).pk for n in range(2))]
    scales = {streams[0]: 10.0, streams[1]: 1e-8, streams[2]: 1e9}
    made = []
    for day in DAYS:
        start = archive.span(day)[0]
        for one in streams:
            times = [start + timedelta(seconds=dice.randrange(86_000)) for _ in range(200)]
            made += [Reading(one, at, dice.uniform(-1, 1) * scales[one], dice.choice(VERDICTS)) for at in times]
    run(commit(*made))
    run(commit(*(Reading(one.stream, one.time, (one.result or 0) + 1.25) for one in made[::9])))
    for day in DAYS:
        archive.archive(day)
    return stream


def _copied(one: Datastream, key: str) -> dict[str, Any]:
    fields = {field.attname: getattr(one, field.attname) for field in one._meta.concrete_fields}
    return {name: value for name, value in fields.items() if name != "id"} | {"key": key}


def both(cluster: Cluster, name: str, quality: str, at: str = "") -> tuple[list[files.Figures], list[files.Figures]]:
    within = files.span()
    assert within is not None
    step = aggregate.interval(name)
    by_spark = list(spark.aggregate(within, step, quality, cluster.address, at))
    return by_spark, list(files.aggregate(within, step, quality))


def test_both_say_the_same(cluster: Cluster, archived: int, run: Any, tmp_path: Path) -> None:
    for name, quality in (("PT7M", "usable"), ("P1D", "all")):
        by_spark, by_duckdb = both(cluster, name, quality)
        assert by_spark == by_duckdb
        assert len({one.stream for one in by_spark}) == 3
    shutil.copytree(archive.folder(), tmp_path / "elsewhere")
    run(commit(Reading(archived, datetime(2026, 7, 1, 3, tzinfo=UTC), 1.0)))  # its day is taken back
    by_spark, by_duckdb = both(cluster, "P1D", "good", (tmp_path / "elsewhere").as_uri() + "/")
    assert by_spark == by_duckdb
    assert [one.start.date() for one in by_spark if one.stream == archived] == [
        date(1988, 4, 15), date(1988, 4, 16), date(2026, 7, 1), date(2026, 7, 2),
    ]  # fmt: skip  # in UTC, without that of the first of July
    apps = cluster.told("completedapps")
    assert {(one["name"], one["cores"], one["state"]) for one in apps} == {("shizhu history", 2, "FINISHED")}
    assert len(apps) == 3


def shizhu(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [Path(sys.executable).parent / "shizhu", "history", "aggregate", *arguments]
    own = STRAIGHT | {"DATABASE_URL": url()} | environment
    return subprocess.run(command, env=own, capture_output=True, text=True, check=False, timeout=LONGEST)


def test_the_command_prints_the_same(cluster: Cluster, archived: int, tmp_path: Path) -> None:
    plain, by_spark = shizhu(), shizhu("--spark", cluster.address)
    assert (by_spark.returncode, by_spark.stdout) == (0, plain.stdout)
    assert len(plain.stdout.splitlines()) == 1 + 3 * len(DAYS)
    lost = shizhu("--spark", cluster.address, "--at", "file:///nowhere")
    assert (lost.returncode, lost.stdout.splitlines()) == (2, ["datastream,start,count,sum,min,max"])
    assert "Path does not exist: file:/nowhere/" in lost.stderr.splitlines()[-1]
    (tmp_path / "bin").mkdir()
    for tool in ("bash", "dirname", "env"):
        (tmp_path / "bin" / tool).symlink_to(shutil.which(tool) or tool)
    without = shizhu("--spark", cluster.address, PATH=str(tmp_path / "bin"), JAVA_HOME="")
    assert without.returncode == 2
    assert "default-jre-headless" in without.stderr.splitlines()[-1]
