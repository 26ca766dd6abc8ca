"""One embedded PostgreSQL for the whole run; each worker gets a database, a home and a NATS of its own."""

from __future__ import annotations

import asyncio
import fcntl
import gc
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import django
import psutil
import psycopg
import pytest
from django.conf import settings
from django.db import connection
from hypothesis import settings as hypothesis_settings
from tests.stack.stack import made_once

from shizhu.site import servers
from shizhu.site.config import Config
from shizhu.site.supervisor import free_port
from shizhu.web.translations import compile_all

hypothesis_settings.register_profile(
    "same",
    deadline=None,
    derandomize="SHIZHU_FUZZ" not in os.environ,  # `make fuzz` draws others each time
)
hypothesis_settings.load_profile("same")

MIGRATED = "migrated"  # the database that workers copy

T = TypeVar("T")
_started: list[subprocess.Popen[bytes]] = []
_home: list[Path] = []


def _until(tried: object, fault: type[Exception]) -> None:
    for _ in range(600):
        try:
            return tried()  # type: ignore[operator]
        except fault:
            time.sleep(0.05)
    raise RuntimeError("a test server did not start")


def pytest_configure(config: pytest.Config) -> None:
    """Start the servers before Django reads its settings; xdist workers inherit the first process's environment."""
    config.addinivalue_line("markers", "django_db: uses the test database")
    if "SHIZHU_TEST_HOME" not in os.environ:
        _begin()
    _own_broker(os.environ.get("PYTEST_XDIST_WORKER", "alone"))
    os.environ["DJANGO_SETTINGS_MODULE"] = "shizhu.site.settings"
    django.setup()
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # in no time; stacks hash theirs
    if config.getoption("numprocesses", None):  # a worker that inherits it reads the settings before its broker runs
        del os.environ["DJANGO_SETTINGS_MODULE"]
    config.pluginmanager.import_plugin("tests.fixtures")


@pytest.hookimpl(trylast=True)  # after they are shuffled
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Stacks first: a file that takes a minute, begun last, lets the other workers wait for its end."""
    items.sort(key=lambda item: item.get_closest_marker("stack") is None)


class _Told:
    """Says at once which test failed and by what: a run that is cut off has told what it knew."""

    def __init__(self, terminal: pytest.TerminalReporter) -> None:
        self.terminal = terminal

    @pytest.hookimpl(trylast=True)  # after its letter
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            crash = getattr(report.longrepr, "reprcrash", None)
            cause = str(crash.message if crash else report.longrepr).strip().splitlines()
            self.terminal.line(f"\n{report.when} of {report.nodeid} failed: {cause[0][:300] if cause else ''}")


def pytest_sessionstart(session: pytest.Session) -> None:
    """The first process tells of failures as they come."""
    if not hasattr(session.config, "workerinput"):
        terminal = session.config.pluginmanager.get_plugin("terminalreporter")
        session.config.pluginmanager.register(_Told(terminal))


def pytest_collection_finish() -> None:
    """The 300,000 things that imports and collection leave live to the end: never look through them for garbage."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(5000, 10, 10)


def _memory() -> str | None:
    """A file system in memory with room for homes, where there is one: to copy a database there costs a fifth."""
    folder = Path("/dev/shm")  # noqa: S108  # mkdtemp is safe there too
    if not folder.is_dir() or psutil.virtual_memory().available < 8e9:
        return None
    there = os.statvfs(folder)
    return str(folder) if there.f_bavail * there.f_frsize > 8e9 and not there.f_flag & os.ST_NOEXEC else None


def _begin() -> None:
    """What all workers share: the folder of the run, its database server, compiled messages."""
    home = Path(tempfile.mkdtemp(prefix="shizhu-test-", dir=_memory()))
    home.chmod(0o755)
    _home.append(home)
    os.environ.update(SHIZHU_TEST_HOME=str(home), SHIZHU_HOME=str(home), SHIZHU_DEMO="0")
    for name in ("DATABASE_URL", "NATS_URL", "SHIZHU_TLS_CERT", "SHIZHU_TLS_KEY", "SHIZHU_OPEN"):
        os.environ.pop(name, None)
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # stacks and commands would each compile all modules anew
    compile_all()
    launch = servers.embedded_postgres(Config.from_environment())
    with (Path(launch.command[2]) / "shizhu.conf").open("a") as conf:
        conf.write("fsync = off\nfull_page_writes = off\nmax_connections = 150\n")  # tests only
    _started.append(subprocess.Popen(launch.command, user=launch.user, stdout=-3, stderr=-3, cwd="/"))
    _until(lambda: servers.make_database(launch.url), psycopg.OperationalError)
    os.environ["DATABASE_URL"] = launch.url


def _own_broker(worker: str) -> None:
    """A broker that no other worker's gateways listen to: it would ask them about the logins of our devices."""
    home = Path(os.environ["SHIZHU_TEST_HOME"], worker)
    for folder in ("run", "files"):
        (home / folder).mkdir(parents=True)
    home.chmod(0o755)
    os.environ.update(SHIZHU_HOME=str(home), SHIZHU_MQTT_PORT=str(free_port()), SHIZHU_HJ212_PORT=str(free_port()))
    port = free_port()
    launch = servers.embedded_nats(Config.from_environment(), port)
    _started.append(subprocess.Popen(launch.command, stdout=-3, stderr=-3, cwd="/"))
    _until(lambda: socket.create_connection(("127.0.0.1", port), 1).close(), OSError)
    os.environ["NATS_URL"] = launch.url


def pytest_unconfigure() -> None:
    """Stop what was started here."""
    for process in reversed(_started):
        process.send_signal(signal.SIGINT)
        process.wait(20)
    for home in _home:
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def django_db_setup(django_db_modify_db_settings: None, request: pytest.FixtureRequest) -> None:
    """The first worker that needs a database migrates one; the others begin with a copy of it."""
    folder = Path(os.environ["SHIZHU_TEST_HOME"])
    with (folder / "migrated.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if is_made := (folder / "migrated").exists():
            connection.settings_dict["TEST"]["TEMPLATE"] = MIGRATED
        request.getfixturevalue("django_db_setup")
        if not is_made and "PYTEST_XDIST_WORKER" in os.environ:
            connection.close()
            connection.close_pool()  # type: ignore[attr-defined]
            with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as own:
                own.execute(f"CREATE DATABASE {MIGRATED} TEMPLATE {connection.settings_dict['NAME']}")
            (folder / "migrated").touch()


@pytest.fixture(scope="session")
def django_db_keepdb() -> bool:
    """Databases end with their server: dropping one fails while a thread still holds a connection to it."""
    return True


@pytest.fixture
def run() -> Callable[[Coroutine[Any, Any, T]], T]:
    """Run a coroutine to its end from a synchronous test."""
    return asyncio.run


@pytest.fixture
def home() -> Path:
    """The worker's home folder."""
    return Path(os.environ["SHIZHU_HOME"])


@pytest.fixture(scope="session")
def homes() -> Iterator[Path]:
    """A folder for homes that every user may enter, as the database's user must."""
    folder = Path(tempfile.mkdtemp(prefix="shizhu-homes-", dir=_memory()))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def bare_home() -> Path:
    """The home of a stopped stack without a demo."""
    return made_once("bare", lambda stack: stack.start("--no-demo"))
