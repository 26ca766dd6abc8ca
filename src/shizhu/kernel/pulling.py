"""A durable pull consumer of NATS JetStream, read straight off the socket.

The client library makes objects of the headers of each message and hands it from thread to thread, which is felt where
all readings of a county come through one consumer (decision 24). Spoken are the parts of the
NATS client protocol (docs.nats.io, 2.15) that such a consumer needs: CONNECT, SUB, PUB, MSG, HMSG, PING. A request asks
for what there is or, if there is nothing, waits for the first; a status ends it.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from datetime import UTC, datetime
from typing import NamedTuple

import orjson

logger = logging.getLogger(__name__)
ENDS = {b"404", b"408"}  # nothing more, the time is over
LATE_SECONDS, RETRY_SECONDS = 3.0, 0.5
MOST_SUBJECTS = 100_000  # kept as text
_new = tuple.__new__  # without the arguments by name, which take twice as long


class Message(NamedTuple):
    """What the log has given."""

    subject: str
    payload: bytes
    stream_sequence: int
    nanoseconds: int  # since 1970, when the log took it
    reply: bytes

    @property
    def published(self) -> datetime:
        """When the log took it, to the microsecond."""
        return datetime.fromtimestamp(self.nanoseconds // 1000 / 1e6, UTC)  # exact until the year 2242

    @property
    def consumer_sequence(self) -> int:
        """How many the consumer had been given then."""
        return int(_counts(self.reply)[1])

    @property
    def pending(self) -> int:
        """How many more there were for the consumer then."""
        return int(_counts(self.reply)[3])


def _counts(reply: bytes) -> list[bytes]:
    """Stream sequence, consumer sequence, nanoseconds, pending of `$JS.ACK.…`, with or without a domain."""
    if reply.count(b".") == 8:
        return reply.rsplit(b".", 4)[1:]
    return reply.split(b".")[7:11]


class Pull:
    """A consumer of one stream; its line is made when it is needed, and anew after it broke.

    What was given and not acknowledged before that comes again.
    """

    def __init__(self, address: tuple[str, int], login: tuple[str, str], stream_name: str, name: str) -> None:
        self.stream_name, self.name = stream_name, name
        self._address, self._login = address, login
        self._line: _Line | None = None

    async def fetch(self, most: int, wait: float) -> list[Message]:
        """Up to `most` messages in the order of the consumer, as soon as there are some; none after `wait` seconds, or
        where the log does not answer. One call at a time.
        """
        body = orjson.dumps({"batch": most, "expires": int(wait * 1e9), "no_wait": True})
        try:
            async with asyncio.timeout(wait + LATE_SECONDS):
                if self._line is None or self._line.is_lost:
                    self._line = await self._connected()
                subject = f"$JS.API.CONSUMER.MSG.NEXT.{self.stream_name}.{self.name}".encode()
                return await self._line.ask(most, subject, body)
        except (TimeoutError, OSError) as error:
            logger.warning("the event log does not answer (%s); trying again", error or type(error).__name__)
            self.close()
            await asyncio.sleep(RETRY_SECONDS)
            return []

    def acknowledge(self, message: Message) -> None:
        """It is done with, and if the consumer acknowledges so, all before it."""
        if self._line is None or self._line.is_lost:
            raise ConnectionResetError("the line to the log is broken")
        self._line.publish(message.reply, b"+ACK")

    def close(self) -> None:
        """Break the line."""
        if self._line is not None:
            self._line.transport.abort()
        self._line = None

    async def _connected(self) -> _Line:
        _, line = await asyncio.get_running_loop().create_connection(_Line, *self._address)
        user, password = self._login
        told = {
            "user": user,
            "pass": password,
            "headers": True,
            "no_responders": True,
            "verbose": False,
            "lang": "py",
            "name": self.name,
        }
        line.transport.write(b"CONNECT %s\r\nSUB %s 1\r\n" % (orjson.dumps(told), line.inbox))
        return line


class _Line(asyncio.Protocol):
    """One connection."""

    transport: asyncio.Transport

    def __init__(self) -> None:
        self.inbox = f"_INBOX.{secrets.token_hex(12)}".encode()
        self.is_lost = False
        self._rest = b""
        self._found: list[Message] = []
        self._most = 0
        self._asked: asyncio.Future[None] | None = None
        self._subjects: dict[bytes, str] = {}

    async def ask(self, most: int, subject: bytes, body: bytes) -> list[Message]:
        """What the broker gives for one request; of one that was given up, what came since too."""
        self._most, self._asked = most, asyncio.get_running_loop().create_future()
        self.publish(subject + b" " + self.inbox, body)
        try:
            await self._asked
        finally:
            self._asked = None
        found, self._found = self._found, []
        return found

    def publish(self, subject: bytes, body: bytes) -> None:
        """Send; `subject` with where an answer goes, if one is wanted."""
        self.transport.write(b"PUB %s %d\r\n%s\r\n" % (subject, len(body), body))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It begins."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over."""
        self.is_lost = True
        self._end(exc or ConnectionResetError("the log has broken the line"))

    def data_received(self, data: bytes) -> None:
        """Take what is whole of it."""
        data = self._rest + data if self._rest else data
        at, put, subjects = 0, self._found.append, self._subjects
        while (eol := data.find(b"\r\n", at)) >= 0:
            line = data[at:eol].split(b" ")
            if line[0] != b"HMSG" and line[0] != b"MSG":
                self._other(data[at:eol])
                at = eol + 2
                continue
            start, stop = eol + 2, eol + 2 + int(line[-1])
            if len(data) < stop + 2:
                break
            at = stop + 2
            if line[1] == self.inbox:
                self._status(data[start:stop])
                continue
            if line[0] == b"HMSG":
                start += int(line[-2])
            subject = subjects.get(line[1])
            if subject is None:
                if len(subjects) >= MOST_SUBJECTS:
                    subjects.clear()
                subject = subjects[line[1]] = line[1].decode(errors="replace")
            sequence, _, nanoseconds, _ = _counts(line[3])
            put(_new(Message, (subject, data[start:stop], int(sequence), int(nanoseconds), line[3])))
        self._rest = data[at:]
        if len(self._found) >= self._most:
            self._end()

    def _status(self, head: bytes) -> None:
        is_end = head[9:12] in ENDS  # NATS/1.0 404 No Messages
        self._end(None if is_end else ConnectionError(head.split(b"\r\n")[0].decode(errors="replace")))

    def _other(self, line: bytes) -> None:
        if line == b"PING":
            self.transport.write(b"PONG\r\n")
        elif line.startswith(b"-ERR"):
            self._end(ConnectionRefusedError(line.decode(errors="replace")))

    def _end(self, fault: Exception | None = None) -> None:
        if self._asked is not None and not self._asked.done():
            if fault is None:
                self._asked.set_result(None)
            else:
                self._asked.set_exception(fault)
