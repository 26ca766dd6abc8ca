"""The whole product in a home of its own, for tests: start it, kill its parts, look into its database."""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import psycopg

SHIZHU = Path(sys.executable).parent / "shizhu"
ROOT = Path(__file__).resolve().parents[2]
OWN = ("DATABASE_URL", "NATS_URL", "DJANGO_SETTINGS_MODULE", "SHIZHU_TEST_HOME", "SHIZHU_DEMO", "SHIZHU_OPEN")

WORKERS = 8  # of a run, at most
FIRST_OF_CLIENTS = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
_worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_first = random.SystemRandom().randrange(10_000, max(FIRST_OF_CLIENTS - 8_000, 20_000), WORKERS)
_ports = itertools.count(_first + _worker, WORKERS)


def own_port() -> int:
    """A loopback port that stays ours until it is bound: minutes may pass until a stack does.

    The system gives none of these to a client, nor to a server that asks for any; another worker of this run counts
    beside us.
    """
    for port in _ports:
        with socket.socket() as tried, contextlib.suppress(OSError):
            tried.bind(("127.0.0.1", port))
            return port
    raise AssertionError("counts for ever")


class Stack:
    """One stack. `home` may be fresh or used; `like` another that is stopped, so that this one goes on from there:
    what a first start makes is there already. `user` is the user id it runs as, where not our own."""

    def __init__(
        self, home: Path, *, like: Path | None = None, program: Path = SHIZHU, user: int | None = None, **settings: str
    ) -> None:
        self.home = home
        if like:
            subprocess.run(["cp", "-a", like, home], check=True)  # keeps whose files they are, as shutil does not
            _move_operator(home / "demo.json")
        self.program, self.user = program, user
        self.mqtt, self.hj212, self.port, self.edges = own_port(), own_port(), own_port(), own_port()
        self.environment = {k: v for k, v in os.environ.items() if k not in OWN} | {
            "SHIZHU_HOME": str(home), "SHIZHU_PORT": str(self.port), "SHIZHU_MQTT_PORT": str(self.mqtt),
            "SHIZHU_HJ212_PORT": str(self.hj212), "SHIZHU_EDGE_PORT": str(self.edges),
            "SHIZHU_ADMIN_PASSWORD": "correct horse battery", **settings,
        }  # fmt: skip
        self.address = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[str] | None = None
        self.printed: list[str] = []
        self._loader: subprocess.Popen[str] | None = None
        self._loading = threading.Lock()

    def start(self, *arguments: str) -> str:
        """Start; returns what was printed up to the banner's last line."""
        self.process = subprocess.Popen(
            [self.program, "up", *arguments],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            user=self.user,
            group=self.user,
            extra_groups=None if self.user is None else [],
        )
        assert self.process.stdout
        self.printed = []
        for line in self.process.stdout:
            self.printed.append(line)
            if "Ctrl-C" in line:
                break
        else:
            self.process.communicate()
            raise RuntimeError("the stack did not start:\n" + "".join(self.printed))
        os.set_blocking(self.process.stdout.fileno(), False)
        return "".join(self.printed)

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """Stop as Ctrl-C does; returns the exit code."""
        if self._loader:
            self._loader.communicate()
            self._loader = None
        if self.process is None or self.process.poll() is not None:
            return 0
        self.process.send_signal(number)
        try:
            self.process.communicate(timeout=40)
        finally:
            if self.process.poll() is None:
                self.process.kill()
        return self.process.returncode

    @property
    def state(self) -> dict[str, Any]:
        """What the supervisor says of itself."""
        told: dict[str, Any] = json.loads((self.home / "run/state.json").read_text())
        return told

    def pid(self, name: str) -> int:
        """Process id of a part."""
        return int(self.state["children"][name]["pid"])

    def kill(self, name: str) -> None:
        """kill -9, and wait until it is really gone."""
        victim = psutil.Process(self.pid(name))
        victim.kill()
        with contextlib.suppress(psutil.NoSuchProcess):
            victim.wait(10)

    def run(self, *arguments: str, code: int = 0) -> str:
        """A command against this stack."""
        done = subprocess.run(
            [SHIZHU, *arguments], env=self.environment, capture_output=True, text=True, check=False, timeout=120
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    def load(self, *words: str) -> None:
        """What `tests.stack.load` does, in one process for all that this stack is given while it runs."""
        with self._loading:
            if not self._loader:
                command, pipe = [sys.executable, "-m", "tests.stack.load"], subprocess.PIPE
                self._loader = subprocess.Popen(
                    command, env=self.environment, cwd=ROOT, stdin=pipe, stdout=pipe, text=True
                )
            assert self._loader.stdin
            assert self._loader.stdout
            print(json.dumps(words), file=self._loader.stdin, flush=True)
            assert self._loader.stdout.readline() == "done\n", words

    def do(self, task: str) -> None:
        """Have the worker do at once what it does every minute."""
        job = "ROW('default', %s, 0, NULL, NULL, '{\"timestamp\": 0}', NULL)::procrastinate_job_to_defer_v1"
        self.query(f"SELECT procrastinate_defer_jobs_v1(ARRAY[{job}])", task)

    def query(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """Rows of a query on its database; waits while the database is away."""
        for _ in range(100):
            try:
                with psycopg.connect(self.state["DATABASE_URL"], connect_timeout=5) as connection:
                    return connection.execute(sql, values).fetchall()
            except (psycopg.OperationalError, FileNotFoundError):
                time.sleep(0.2)
        raise RuntimeError("the database did not come back")

    def password_of(self, name: str) -> str:
        """The password of the administrator, or of a simulated person."""
        secrets: dict[str, str] = json.loads((self.home / "secrets.json").read_text())
        return self.environment["SHIZHU_ADMIN_PASSWORD"] if name == "admin" else secrets["demo"]

    def tail(self) -> str:
        """The end of the log, for a failed test."""
        return "\n".join((self.home / "log/shizhu.log").read_text().splitlines()[-60:])

    def add_device(
        self, key: str, profile: str = "ecology.water_station", password: str = "123456", *more: str
    ) -> None:
        """Register a device, as `shizhu device add` does."""
        self.load("device", "add", key, "--profile", profile, "--name", key, "--password", password, *more)


def _move_operator(file: Path) -> None:
    """The simulated operator of a copy has a port of its own: with one, only the first of several would hear."""
    if file.exists():
        known = json.loads(file.read_text())
        file.write_text(json.dumps({**known, "operator": own_port()}))


def until(tried: Callable[[], bool], seconds: float = 60.0) -> bool:
    """Whether it came true in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if tried():
            return True
        time.sleep(0.2)
    return False


def made_once(name: str, make: Callable[[Stack], object], like: Path | None = None) -> Path:
    """The home of a stack that `make` started, which is stopped since; the first worker that asks makes it for all."""
    folder = Path(os.environ["SHIZHU_TEST_HOME"])
    with (folder / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / name).exists():
            stack = Stack(folder / f"{name}-first", like=like)
            try:
                make(stack)
            finally:
                code = stack.stop()
            assert code == 0
            stack.home.rename(folder / name)
    return folder / name
