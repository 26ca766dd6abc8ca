"""Connections to addresses that people declare in the browser: no further than an administrator of the machine allows.

The address that was really reached is looked at before a byte is sent, so a name that means another address the second
time gets no further; redirects are not followed.
"""

from __future__ import annotations

import http.client
import json
import smtplib
import socket
import ssl
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

PATIENCE = 10.0  # seconds
MOST = 100_000  # bytes of an answer
SUBMISSIONS = "465"  # the port of mail servers that speak TLS from the first byte (RFC 8314, 3.3)


class NotAllowed(OSError):
    """The address is not public, and nobody listed it; the text says what to do."""


def connect(host: str, port: int) -> socket.socket:
    """A connection to an address that may be called. Raises NotAllowed, OSError."""
    made = socket.create_connection((host, port), PATIENCE)
    address = made.getpeername()[0]
    if settings.CONFIG.may_call(address, port):
        return made
    made.close()
    raise NotAllowed(f"{address} is not public: whoever runs the server lists it in SHIZHU_PRIVATE_NETWORKS")


def target(address: str) -> tuple[str, int]:
    """Host and port of an URL, or of `host:port` as mail servers are named; "" and 0 for what is not there."""
    try:
        parts = urlsplit(address if "://" in address else f"//{address}")
    except ValueError:
        return "", 0
    try:
        return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        return parts.hostname or "", 0


def post(url: str, body: bytes, headers: Mapping[str, str]) -> dict[str, Any]:
    """POST JSON, and the JSON object that comes back (empty for anything else). Raises OSError, ValueError."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("only http and https")
    host, port = target(url)
    caller = http.client.HTTPConnection(host, port)
    caller.sock = connect(host, port)
    try:
        if parts.scheme == "https":
            caller.sock = ssl.create_default_context().wrap_socket(caller.sock, server_hostname=host)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        caller.request("POST", path, body, {"Content-Type": "application/json", **headers})
        answer = caller.getresponse()
        if not 200 <= answer.status < 300:
            raise OSError(f"answers {answer.status} {answer.reason}")
        found = json.loads(answer.read(MOST) or b"{}")
    except http.client.HTTPException as error:
        raise OSError(f"answers what is no HTTP: {error!r}") from None
    finally:
        caller.close()
    return found if isinstance(found, dict) else {}


class MailServer(smtplib.SMTP):
    """A mail server at an address that may be called."""

    def _get_socket(self, host: str, port: int, _timeout: float) -> socket.socket:
        made = connect(host, port)
        if str(port) != SUBMISSIONS:
            return made
        return ssl.create_default_context().wrap_socket(made, server_hostname=host)
