"""One embedded PostgreSQL and one NATS for the whole run; each worker gets a database of its own."""

from __future__ import annotations

import asyncio
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
import psycopg
import pytest
from hypothesis import settings as hypothesis_settings

from shizhu.site import servers
from shizhu.site.config import Config
from shizhu.site.supervisor import free_port
from shizhu.web.translations import compile_all

hypothesis_settings.register_profile("untimed", deadline=None)  # how long an example takes is no test's business
hypothesis_settings.load_profile("untimed")

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
    """Start the servers once, before Django reads its settings; xdist workers inherit the environment."""
    config.addinivalue_line("markers", "django_db: uses the test database")
    if "SHIZHU_TEST_HOME" not in os.environ:
        home = Path(tempfile.mkdtemp(prefix="shizhu-test-"))
        home.chmod(0o755)
        _home.append(home)
        os.environ.update(SHIZHU_TEST_HOME=str(home), SHIZHU_HOME=str(home), SHIZHU_DEMO="0")
        for name in ("DATABASE_URL", "NATS_URL", "SHIZHU_TLS_CERT", "SHIZHU_TLS_KEY", "SHIZHU_OPEN"):
            os.environ.pop(name, None)
        os.environ.update(SHIZHU_MQTT_PORT=str(free_port()), SHIZHU_HJ212_PORT=str(free_port()))
        (home / "run").mkdir()
        (home / "files").mkdir()
        settings = Config.from_environment()
        compile_all()
        launch = servers.embedded_postgres(settings)
        with (Path(launch.command[2]) / "shizhu.conf").open("a") as conf:
            conf.write("fsync = off\nfull_page_writes = off\nmax_connections = 150\n")  # tests only
        _started.append(subprocess.Popen(launch.command, user=launch.user, stdout=-3, stderr=-3, cwd="/"))
        _until(lambda: servers.make_database(launch.url), psycopg.OperationalError)
        port = free_port()
        _started.append(subprocess.Popen(servers.embedded_nats(settings, port).command, stdout=-3, stderr=-3, cwd="/"))
        _until(lambda: socket.create_connection(("127.0.0.1", port), 1).close(), OSError)
        os.environ.update(DATABASE_URL=launch.url, NATS_URL=f"nats://127.0.0.1:{port}")
    os.environ["DJANGO_SETTINGS_MODULE"] = "shizhu.site.settings"
    django.setup()
    config.pluginmanager.import_plugin("tests.fixtures")


def pytest_unconfigure() -> None:
    """Stop what was started here."""
    for process in reversed(_started):
        process.send_signal(signal.SIGINT)
        process.wait(20)
    for home in _home:
        shutil.rmtree(home, ignore_errors=True)


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
    """The tests' home folder."""
    return Path(os.environ["SHIZHU_TEST_HOME"])


@pytest.fixture(scope="session")
def homes() -> Iterator[Path]:
    """A folder for homes that every user may enter, as the database's user must."""
    folder = Path(tempfile.mkdtemp(prefix="shizhu-homes-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)
