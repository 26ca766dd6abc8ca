"""HJ 212 over TCP: decode, put into the event log, and only then answer the terminal."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator
from typing import Any

import msgspec
from django.conf import settings
from natsrpy.js import JetStream

from shizhu.engines.things import api as things
from shizhu.kernel import log
from shizhu.lib.guesses import Guesses
from shizhu.wire import hj212

logger = logging.getLogger(__name__)
UPLOADS = {"2011", "2051", "2061", "2031"}
NOTIFICATIONS = {"1013", "2081", "3015", "3019"}  # the terminal tells, we confirm with 9013
IDLE_SECONDS = 1800.0
CHUNK = 16_384
PROTOCOL = "hj212"
NO_FRAME = "a frame is ##, four digits, the data segment, four hex digits of CRC, CR LF"
_guesses = Guesses()  # six digits are few
_lines: dict[str, set[asyncio.StreamWriter]] = {}  # open ones by the MN that was let in


def hang_up(mn: str) -> int:
    """Close the lines of a terminal; returns how many."""
    lines = _lines.pop(mn, set())
    for line in lines:
        line.close()
    return len(lines)


class Session:
    """One terminal's connection."""

    def __init__(
        self, jetstream: JetStream, registry: things.Registry | things.KeptRegistry, peer: str, detail: dict[str, Any]
    ) -> None:
        self.jetstream = jetstream
        self.registry = registry
        self.peer = peer
        self.host = peer.partition(",")[0]
        self.detail = detail
        self.framer = hj212.Framer()
        self.terminals: set[str] = set()  # MNs that were let in over this line

    async def receive(self, data: bytes) -> AsyncIterator[bytes]:
        """Answers to send for what came in."""
        for piece in self.framer.feed(data):
            if isinstance(piece, hj212.Garbage):
                await self._keep_bad(piece.data, [("frame", shown(piece.data), NO_FRAME)])
                continue
            reply = await self._frame(piece)
            if reply:
                yield hj212.encode(reply)

    async def _frame(self, frame: bytes) -> hj212.Packet | None:
        try:
            decoded = hj212.decode(frame, hj212.LENIENT)
        except hj212.FrameError as error:
            await self._keep_bad(frame, [(error.field, error.value, error.rule)])
            return None
        packet = decoded.packet
        terminal = await self.registry.device(packet.mn)
        who, now = f"{packet.mn} {self.host}", time.monotonic()
        if _guesses.waits(who, now):
            await self._keep_bad(frame, [("PW", "", "after wrong passwords a terminal has to wait")], packet.mn)
            return None
        if terminal is None or not terminal.accepts(packet.pw):
            _guesses.failed(who, now)
            rule = "MN and PW must be those of a registered, enabled device"
            await self._keep_bad(frame, [("MN", packet.mn, rule)], packet.mn)
            return None
        _guesses.passed(who)
        if decoded.remarks and not terminal.is_lenient:
            first = decoded.remarks[0]
            await self._keep_bad(frame, [(first.field, first.value, first.rule)], packet.mn)
            return None
        return await self._accept(frame, packet)

    async def _accept(self, frame: bytes, packet: hj212.Packet) -> hj212.Packet | None:
        """Log an upload; the answer to it. What is neither upload nor notification is kept and not answered."""
        self.terminals.add(packet.mn)
        if packet.cn in NOTIFICATIONS:
            await self._log(things.Submission(PROTOCOL, packet.mn, frame), packet)
            return hj212.notify_answer(packet)
        if packet.cn not in UPLOADS:
            await self._keep_bad(frame, [("CN", packet.cn, "uploads understood are 2011, 2031, 2051, 2061")], packet.mn)
            return None
        samples, rejects = read(packet)
        await self._log(things.Submission(PROTOCOL, packet.mn, frame, samples, rejects), packet)
        self.detail["uploads"] = self.detail.get("uploads", 0) + 1
        return hj212.data_answer(packet) if packet.wants_answer else None

    async def _keep_bad(self, data: bytes, rejects: list[tuple[str, str, str]], sender: str = "") -> None:
        self.detail["refused"] = self.detail.get("refused", 0) + 1
        await self._log(things.Submission(PROTOCOL, sender or self.peer, data, [], rejects), None)

    async def _log(self, submission: things.Submission, packet: hj212.Packet | None) -> None:
        """Returns when the log has it: only then may the terminal be answered."""
        subject = f"in.{PROTOCOL}.{packet.mn if packet else 'refused'}"
        payload = msgspec.json.encode(submission)
        await log.patiently("gateway", lambda: self.jetstream.publish(subject, payload, wait=True))


def read(packet: hj212.Packet) -> tuple[list[things.Sample], list[tuple[str, str, str]]]:
    """The values of an upload, by channel, and what is wrong in it."""
    extracted = hj212.values(packet)
    samples = [
        things.Sample(f"{packet.cn}/{v.code}-{v.statistic}", v.time, v.number, v.mark not in {None, "N"})
        for v in extracted.values
    ]
    return samples, [(remark.field, remark.value, remark.rule) for remark in extracted.problems]


def shown(data: bytes) -> str:
    """The beginning of bytes as text."""
    return data[:80].decode(errors="replace")


async def run(detail: dict[str, Any]) -> None:
    """The HJ 212 half of the gateway role."""
    config = settings.CONFIG
    async with log.connected() as nats:
        jetstream = await nats.jetstream()
        registry = things.registry()
        await log.stream(jetstream, log.READINGS)

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            session = Session(jetstream, registry, str(writer.get_extra_info("peername")), detail)
            detail["connections"] = detail.get("connections", 0) + 1
            # Cancelled: the process ends, and asyncio (3.11) would print a traceback for every open line.
            with contextlib.suppress(ConnectionError, TimeoutError, asyncio.CancelledError):
                while data := await asyncio.wait_for(reader.read(CHUNK), IDLE_SECONDS):
                    async for reply in session.receive(data):
                        writer.write(reply)
                    for terminal in session.terminals:
                        _lines.setdefault(terminal, set()).add(writer)
                    await writer.drain()
            detail["connections"] -= 1
            for terminal in session.terminals:
                _lines.get(terminal, set()).discard(writer)
            writer.close()

        server = await asyncio.start_server(serve, config.host, config.hj212_port)
        async with contextlib.aclosing(registry), server:
            await server.serve_forever()
