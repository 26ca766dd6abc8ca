"""Steady: full rate for minutes, and in the middle the database stands still.

`python -m bench.steady [--minutes N] [--stop SECONDS]`. Four devices publish one reading a message as fast as the
broker acknowledges. After half of the time every process of PostgreSQL is stopped for a minute (SIGSTOP), and goes on.
Printed: the memory of ingest (resident) before, in each tenth of the time and after, and how long it took until all
was committed. Every reading must be there once, and ingest must have stayed below 400 MB, or it fails.
"""

from __future__ import annotations

import argparse
import signal
import sys
import threading
import time
from dataclasses import dataclass, field

import psutil
import psycopg
from tests.stack.stack import Stack

from bench import publisher, stacks
from bench.mqtt import REACHED

MOST, TENTHS, PAUSE = 400.0, 10, 0.5
KEYS = [f"steady-{number}" for number in range(4)]


@dataclass
class Watch:
    """Memory of ingest while it runs: (seconds, megabytes)."""

    stack: Stack
    held: list[tuple[float, float]] = field(default_factory=list)
    is_over: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Until it is over."""
        began = time.monotonic()
        while not self.is_over.wait(PAUSE):
            self.held.append((time.monotonic() - began, self.now))

    @property
    def now(self) -> float:
        """Megabytes."""
        return float(psutil.Process(self.stack.pid("ingest")).memory_info().rss / 1e6)


def stand_still(stack: Stack, after: float, seconds: float) -> None:
    """Stop the database, and let it go on."""
    time.sleep(after)
    postmaster = psutil.Process(stack.pid("postgres"))
    stopped = [postmaster, *postmaster.children(recursive=True)]
    for process in stopped:
        process.send_signal(signal.SIGSTOP)
    time.sleep(seconds)
    for process in stopped:
        process.send_signal(signal.SIGCONT)


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="bench.steady", description="Full rate for minutes; the database stands still."
    )
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--stop", type=float, default=60.0, help="seconds the database stands still (default: 60)")
    options = parser.parse_args()
    seconds = 60 * options.minutes
    with stacks.homes() as homes, homes.stack() as stack:
        stacks.register(stack, KEYS)
        watch = Watch(stack)
        before = watch.now
        threading.Thread(target=watch.run, daemon=True).start()
        threading.Thread(target=stand_still, args=(stack, seconds / 2, options.stop), daemon=True).start()
        sent, took = publisher.blast(stack.mqtt, stacks.PASSWORD, KEYS, seconds)
        began = time.monotonic()
        count = sum(sent.values())
        with psycopg.connect(stack.state["DATABASE_URL"], autocommit=True) as database:
            waiting = count - stacks.rows(database)
            for key, number in sent.items():
                while database.execute(REACHED, (key, publisher.time_of(number - 1))).fetchone() != (1,):
                    time.sleep(PAUSE)
            caught = time.monotonic() - began
            watch.is_over.set()
            rows = stacks.rows(database)
    print(f"{count} readings acknowledged in {took:.0f} s ({count / took:.0f} a second), the database stopped for")
    print(f"{options.stop:.0f} s of them; {waiting} were not committed then, all were {caught:.0f} s later")
    last = watch.held[-1][0]
    for tenth in range(TENTHS):
        own = [held for at, held in watch.held if tenth * last / TENTHS <= at <= (tenth + 1) * last / TENTHS]
        print(f"memory of ingest until {(tenth + 1) * last / TENTHS:.0f} s: {min(own):.0f} to {max(own):.0f} MB")
    most = max(held for _, held in watch.held)
    print(f"before {before:.0f} MB, most {most:.0f} MB; {rows} rows")
    if rows != count or most >= MOST:
        print(f"wrong: {count} rows were expected, and less than {MOST:.0f} MB", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
