"""`shizhu status` says what /healthz answers, whatever that is; and /healthz answers JSON whatever is away."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client

from shizhu.kernel.models import County

PAGE = b"<html><head><style>a {}</style><title>Away</title></head><body><h1>The database\n is away</h1></body></html>"
REPORT = {"state": "ok", "parts": {"database": {"state": "ok", "version": "18.6"}}, "version": "1"}


def http(status: str, body: bytes, media: str = "Content-Type: text/html\r\n", length: int | None = None) -> bytes:
    head = f"HTTP/1.1 {status}\r\n{media}Content-Length: {len(body) if length is None else length}\r\n\r\n"
    return head.encode() + body


@contextmanager
def answering(answer: bytes) -> Iterator[str]:
    """The address of a server that says this to whoever asks, and hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            try:
                while True:
                    line, _ = listener.accept()
                    with line:
                        line.recv(65536)
                        line.sendall(answer)
            except OSError:
                pass

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)


def status(home: Path, address: str, *options: str) -> tuple[int, str]:
    state = {"pid": os.getpid(), "address": address, "edge": "", "children": {}}
    (home / "run").mkdir(exist_ok=True)
    (home / "run/state.json").write_text(json.dumps(state))
    command = [str(Path(sys.executable).with_name("shizhu")), "status", *options]
    done = subprocess.run(
        command, env={**os.environ, "SHIZHU_HOME": str(home)}, capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    return done.returncode, done.stdout


@pytest.mark.parametrize(
    ("answer", "state", "reason"),
    [
        (http("503 Service Unavailable", PAGE), "degraded",
         "/healthz answers 503, text/html, where JSON is expected: Away The database is away"),
        (http("500 Internal Server Error", b"", ""), "degraded",
         "/healthz answers 500, no Content-Type, where JSON is expected, and nothing more"),
        (http("200 OK", b"\xff fine"), "degraded",
         "/healthz answers 200, text/html, where JSON is expected: \ufffd fine"),
        (http("503 Service Unavailable", b"[1]", "Content-Type: application/json\r\n"), "degraded",
         "/healthz answers 503, application/json, where JSON is expected: [1]"),
        (http("503 Service Unavailable", b"{", length=500), "down", "IncompleteRead(1 bytes read, 499 more expected)"),
        (b"SSH-2.0-other\r\n", "down", "SSH-2.0-other"),
        (b"", "down", "Remote end closed connection without response"),
    ],
)  # fmt: skip
def test_an_answer_that_is_no_report_is_told_as_it_came(tmp_path: Path, answer: bytes, state: str, reason: str) -> None:
    with answering(answer) as address:
        code, said = status(tmp_path, address, "--json")
        told = json.loads(said)
        assert (code, told["state"], told["reason"], told["parts"]) == (1, state, reason, {})
        code, said = status(tmp_path, address)
    assert code == 1
    assert said.splitlines()[0].startswith(f"{state}   {address}   ")
    assert said.splitlines()[1] == f"  {reason}"


def test_a_report_is_told_whatever_its_status(tmp_path: Path) -> None:
    body = json.dumps({**REPORT, "state": "degraded"}).encode()
    with answering(http("503 Service Unavailable", body, "Content-Type: application/json\r\n")) as address:
        code, said = status(tmp_path, address)
    assert (code, said.splitlines()[1:]) == (1, ["  database  ok       version=18.6"])
    with answering(http("200 OK", json.dumps(REPORT).encode())) as address:
        assert status(tmp_path, address)[0] == 0


@pytest.mark.django_db(transaction=True)
def test_healthz_is_json_while_tables_are_missing_or_the_database_goes_away(county: County) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE kernel_heartbeat RENAME TO kernel_heartbeat_away")
    try:
        answer = Client().get("/healthz")
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE kernel_heartbeat_away RENAME TO kernel_heartbeat")
    told = answer.json()
    assert (answer.status_code, told["state"], told["parts"]["database"]["state"]) == (503, "degraded", "down")
    assert "kernel_heartbeat" in told["parts"]["database"]["reason"]
    connection.ensure_connection()
    assert connection.connection
    connection.connection.close()  # as one that the server has ended
    try:
        answer = Client().get("/healthz")
    finally:
        connection.close()
    told = answer.json()
    assert (answer.status_code, told["parts"]["database"]) == (
        503,
        {"state": "down", "reason": "the connection is closed"},
    )
    assert Client().get("/healthz").json()["parts"]["database"]["state"] == "ok"
