"""Whole products for benches, each in a home of this run: one without a demo, one with."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from tests.stack.stack import Stack

ROOT = Path(__file__).resolve().parent.parent
PASSWORD = "123456"  # six digits, because HJ 212 has them
LONGEST_WAIT = 90.0


@dataclass(frozen=True)
class Homes:
    """A folder that the database's user may enter."""

    folder: Path

    @contextmanager
    def stack(self, *, has_demo: bool = False, **settings: str) -> Iterator[Stack]:
        """A running stack; the next one of its kind goes on with its home."""
        made = Stack(self.folder / ("demo" if has_demo else "plain"), **settings)
        try:
            made.start(*([] if has_demo else ["--no-demo"]))
            yield made
        finally:
            made.stop()


@contextmanager
def homes(kept: Path | None = None) -> Iterator[Homes]:
    """Homes that are gone afterwards, or those of a folder, where they stay."""
    folder = kept or Path(tempfile.mkdtemp(prefix="shizhu-bench-"))
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)
    try:
        yield Homes(folder)
    finally:
        if not kept:
            shutil.rmtree(folder, ignore_errors=True)


def register(stack: Stack, keys: list[str]) -> None:
    """Register water stations in one process: a command for each would take most of the run."""
    command = [sys.executable, "-m", "bench.devices", PASSWORD, *keys]
    subprocess.run(command, env=stack.environment, cwd=ROOT, check=True, timeout=LONGEST_WAIT + len(keys))


def wait(what: str, tried: Callable[[], bool]) -> None:
    """Until it is true."""
    end = time.monotonic() + LONGEST_WAIT
    while not tried():
        if time.monotonic() > end:
            raise RuntimeError(f"{what}: not in {LONGEST_WAIT:.0f} s")
        time.sleep(0.02)


def rows(connection: psycopg.Connection) -> int:
    """Observations committed so far."""
    return int(connection.execute("SELECT count(*) FROM things_observation").fetchone()[0])
