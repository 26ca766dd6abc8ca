"""Firmware at an edge: devices download it where they are, as they would at the county, and it comes over the line.

A line that is cut breaks a download off; a device goes on with the next part it asks for (RFC 9110 §14).
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
import ssl
import time
from collections.abc import Coroutine
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar

from django.conf import settings
from natsrpy import Nats

from shizhu.engines.things import api as things
from shizhu.kernel import log
from shizhu.lib.guesses import Guesses
from shizhu.web import authentication

logger = logging.getLogger(__name__)
T = TypeVar("T")
PATH = re.compile(r"/things/download/([0-9]{1,18})")
CHALLENGE = {"WWW-Authenticate": 'Basic realm="Shizhu", charset="UTF-8"'}


class _Refused(Exception):
    """What is told instead of a file."""

    def __init__(self, status: HTTPStatus, rule: str, **headers: str) -> None:
        super().__init__(rule)
        self.status = status
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


@dataclass
class Door:
    """Which devices there are, and the county at the other end of the line."""

    nats: Nats
    registry: things.Registry | things.KeptRegistry
    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.get_running_loop)
    guesses: Guesses = field(default_factory=Guesses)

    async def lets_in(self, key: str, password: str, host: str) -> bool:
        """Whether a device shows its own password; guesses have to wait."""
        who, now = f"{key} {host}", time.monotonic()
        if self.guesses.waits(who, now):
            return False
        device = await self.registry.device(key)
        if device is None or not device.accepts(password):
            self.guesses.failed(who, now)
            return False
        self.guesses.passed(who)
        return True

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """What it gives, asked from a thread."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result()


class _Handler(BaseHTTPRequestHandler):
    """One connection of a device."""

    door: Door
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "Shizhu", ""
    timeout = 60.0  # seconds without a byte

    def do_GET(self) -> None:
        """GET and HEAD of a file."""
        try:
            self._send(*self._asked())
        except _Refused as refused:
            body = json.dumps({"code": str(int(refused.status)), "description": str(refused)}).encode()
            headers = {"Content-Type": "application/json", "Content-Length": str(len(body)), **refused.headers}
            self._begin(refused.status, headers)
            if self.command != "HEAD":
                self.wfile.write(body)

    do_HEAD = do_GET  # noqa: N815  # the base asks for it by this name

    def _asked(self) -> tuple[things.WantedPart, things.FilePart, tuple[int, int] | None]:
        found = PATH.fullmatch(self.path)
        if found is None:
            raise _Refused(HTTPStatus.NOT_FOUND, "an edge has files for devices at /things/download/ and nothing else")
        given = [(b"authorization", self.headers.get("Authorization", "").encode())]
        shown, host = authentication.credentials(given), self.client_address[0]
        if shown.scheme != "basic" or not self.door.run(self.door.lets_in(shown.name, shown.secret, host)):
            raise _Refused(HTTPStatus.UNAUTHORIZED, "a device shows its key and password", **CHALLENGE)
        wanted = things.WantedPart(shown.name, int(found[1]))
        whole = self._part(wanted)
        try:
            span = things.file_span(self.headers.get("Range", ""), self.headers.get("If-Range", ""), whole)
        except ValueError:
            rule = f"the file has {whole.size} bytes"
            where = {"Content-Range": f"bytes */{whole.size}"}
            raise _Refused(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, rule, **where) from None
        return wanted, whole, span

    def _part(self, wanted: things.WantedPart) -> things.FilePart:
        try:
            found = self.door.run(things.ask_part(self.door.nats, wanted))
        except log.FAULTS as fault:
            logger.warning("the county is not reached for a file (%s)", fault or type(fault).__name__)
            rule = "the county does not answer: try again"
            raise _Refused(HTTPStatus.SERVICE_UNAVAILABLE, rule, Retry_After="30") from None
        if found is None:
            raise _Refused(HTTPStatus.FORBIDDEN, "this device was not told to take this file")
        return found

    def _send(self, wanted: things.WantedPart, whole: things.FilePart, span: tuple[int, int] | None) -> None:
        first, length = span or (0, whole.size)
        headers = {"Content-Type": "application/octet-stream", **things.file_headers(whole, span)}
        self._begin(HTTPStatus.PARTIAL_CONTENT if span else HTTPStatus.OK, headers)
        end = first + length if self.command != "HEAD" else first
        while first < end:
            try:
                part = self._part(things.WantedPart(wanted.device, wanted.release, first, end - first)).data
            except _Refused:
                part = b""
            if not part:  # the answer has begun: it ends too early, and the device goes on from there
                self.close_connection = True
                return
            self.wfile.write(part)
            first += len(part)

    def _begin(self, status: HTTPStatus, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Cache-Control": "private, no-transform", **headers}.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the base's name
        """Into the log of all."""
        logger.debug(format, *args)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A device that went away is nothing to tell."""
        logger.debug("a download by %s broke off", client_address)


async def serve(door: Door, address: tuple[str, int], tls: tuple[str, str]) -> None:
    """Answer devices for ever."""
    server = _Server(address, type("Handler", (_Handler,), {"door": door}))
    if tls[0]:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*tls)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    try:
        await asyncio.to_thread(server.serve_forever)
    finally:
        await asyncio.to_thread(server.shutdown)
        server.server_close()


async def run(detail: dict[str, Any]) -> None:  # nothing to tell: no database for heartbeats
    """The part of an edge's gateway role that hands on firmware."""
    config = settings.CONFIG
    async with log.connected("ingest") as nats:
        await serve(Door(nats, things.registry()), (config.host, config.port), (config.tls_cert, config.tls_key))
