"""How the event log is, asked over a connection of its own.

The words of NATS's protocol are few. A socket with a deadline is closed after the question and tells at once when the
server is stopped; the client of the rest of the product waits for the server, and knows no version.
"""

from __future__ import annotations

import json
import socket
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from shizhu.kernel import log

SECONDS = 1.5
SOURCES = {"service": (log.EVENTS, log.READINGS), "ingest": (log.MQTT,)}


def state() -> dict[str, Any]:
    """State of NATS, its version, and how many messages of each stream our consumers have not done."""
    lag: dict[str, int] = {}
    version = ""
    try:
        for account, streams in SOURCES.items():
            version, answers = _ask(account, [f"$JS.API.CONSUMER.LIST.{stream}" for stream in streams])
            lag |= {stream: _waiting(answer) for stream, answer in zip(streams, answers, strict=True)}
    except (OSError, ValueError) as error:
        return {"state": "down", "reason": str(error) or type(error).__name__}
    return {"state": "ok", "version": version, "lag": lag}


def _waiting(answer: dict[str, Any]) -> int:
    """The most that one consumer has before it; 0 where there is none yet."""
    consumers = answer.get("consumers") or []
    return max((int(found["num_pending"]) + int(found["num_ack_pending"]) for found in consumers), default=0)


def _ask(account: str, subjects: list[str]) -> tuple[str, list[dict[str, Any]]]:
    """(version of the server, answers to requests without a body)."""
    address = urlsplit(settings.NATS_URL)
    user, password = settings.CONFIG.nats_login(account)
    with (
        socket.create_connection((address.hostname, address.port or 4222), SECONDS) as connection,
        connection.makefile("rwb") as wire,
    ):
        version = str(json.loads(wire.readline().removeprefix(b"INFO "))["version"])
        wire.write(b"CONNECT %s\r\n" % json.dumps({"verbose": False, "user": user, "pass": password}).encode())
        answers = []
        for number, subject in enumerate(subjects, 1):
            inbox = f"_INBOX.{user}.{number}.{connection.getsockname()[1]}"
            wire.write(f"SUB {inbox} {number}\r\nPUB {subject} {inbox} 0\r\n\r\n".encode())
            wire.flush()
            answers.append(_answer(wire))
        return version, answers


def _answer(wire: Any) -> dict[str, Any]:
    while line := wire.readline():
        word, *rest = line.split()
        if word == b"MSG":
            found: dict[str, Any] = json.loads(wire.read(int(rest[-1])))
            wire.readline()
            return found
        if word == b"-ERR":
            raise ConnectionError(line.decode().strip())
    raise ConnectionError("the event log closed the connection")
