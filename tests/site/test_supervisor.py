"""What the supervisor says must not hold up what it does."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
from functools import partial
from pathlib import Path

import psutil
from tests.stack.stack import until

from shizhu.site.supervisor import Child, Log, execute

SAY = """
import sys
from pathlib import Path
from shizhu.site.supervisor import Log
log = Log(Path(sys.argv[1]))
for number in range(3000):
    log.write("web", f"{number} " + "x" * 100)
"""


def test_a_terminal_that_is_paused_stops_nothing(tmp_path: Path) -> None:
    speaking = subprocess.Popen([sys.executable, "-c", SAY, tmp_path], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert speaking.wait(30) == 0  # nobody has read a line: a pipe holds 64 KB of 330
    assert speaking.stdout is not None
    assert speaking.stderr is not None
    assert speaking.stderr.read() == b""
    speaking.stdout.close()
    speaking.stderr.close()
    kept = (tmp_path / "shizhu.log").read_text().splitlines()
    assert [line.split()[2] for line in kept] == [str(number) for number in range(3000)]


def test_a_terminal_that_is_read_shows_every_line(tmp_path: Path) -> None:
    code = f"{SAY}\nimport time\ntime.sleep(1)"
    done = subprocess.run([sys.executable, "-c", code, tmp_path], capture_output=True, text=True, check=True)
    assert done.stdout == (tmp_path / "shizhu.log").read_text()


TRIED = """
import sys
from pathlib import Path
from shizhu.site.supervisor import Log
log = Log(Path(sys.argv[1]))
log.write("postgres", 'ERROR:  duplicate key value violates unique constraint "things_observation_pkey"')
log.write("postgres", "DETAIL:  Key (datastream_id, phenomenon_time, sequence)=(1, 2, 0) already exists.")
log.write("postgres", "CONTEXT:  COPY things_observation, line 1")
log.write("postgres", "STATEMENT:  COPY things_observation (datastream_id) FROM STDIN (FORMAT binary)")
log.write("postgres", 'ERROR:  duplicate key value violates unique constraint "thing_key"')
import time
time.sleep(1)
"""


def test_a_reading_that_is_there_already_is_told_to_the_file_alone(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", TRIED, tmp_path], capture_output=True, text=True, check=True)
    assert len((tmp_path / "shizhu.log").read_text().splitlines()) == 5
    assert [line.split("ERROR: ")[1] for line in done.stdout.splitlines()] == [
        ' duplicate key value violates unique constraint "thing_key"'
    ]


async def test_what_a_killed_parent_left_does_not_hide_its_death(tmp_path: Path) -> None:
    command = ["bash", "-c", f"sleep 600 & echo $! >> {tmp_path}/worker; sleep 600"]
    child = Child("web", partial(execute, command, {}), Log(tmp_path))
    workers = tmp_path / "worker"
    await child.start()
    assert await asyncio.to_thread(until, lambda: workers.exists() and bool(workers.read_text()))
    assert child.process is not None
    child.process.kill()
    assert await asyncio.to_thread(until, lambda: child.restarts == 1)
    with contextlib.suppress(psutil.NoSuchProcess):  # or its new parent has not collected it yet
        assert psutil.Process(int(workers.read_text().split()[0])).status() == psutil.STATUS_ZOMBIE
    await child.stop()
