"""Messages of one source of the log in their order, whatever was killed in between.

A batch is acknowledged by its last message, which covers all before it, so nothing may be handed on while an older
message is still on its way: after a restart of anybody the log gives new messages at once and those that were out
before only after `ACK_WAIT`. Such a moment shows as a jump in the consumer's own count. Then everything is held until
what is held is all that the log counts as outstanding.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from operator import attrgetter

from natsrpy import Nats

from shizhu.engines.things.logic.readings import MICROSECOND
from shizhu.kernel import log
from shizhu.kernel.pulling import Message, Pull

logger = logging.getLogger(__name__)
ACK_WAIT = timedelta(seconds=5)
LEAST, MOST = 500, 10_000  # messages asked for: what a rush brings shares one commit …
MOST_BYTES = 4 * 2**20  # … and large ones come in smaller batches, so that memory stays small and a commit short
MOST_OUTSTANDING = 20_000
RUSH = 2_000  # from so many on, what is committed is taken out of the log at once
WAIT_SECONDS = 5.0
PATIENCE_SECONDS = 60.0
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SEQUENCE, PAYLOAD = attrgetter("stream_sequence"), attrgetter("payload")


@dataclass
class Position:
    """How far a source is committed, and the last receive time given to a message without one."""

    sequence: int = 0
    published: datetime = EPOCH
    last_untimed: datetime = EPOCH

    def covers(self, message: Message) -> bool:
        """Whether the message is committed. Both must hold: a log that lost its tail uses sequences again."""
        return message.stream_sequence <= self.sequence and message.published <= self.published

    def untimed(self, message: Message) -> datetime:
        """A distinct receive time."""
        published = message.published
        self.last_untimed = published if published > self.last_untimed else self.last_untimed + MICROSECOND
        return self.last_untimed


@dataclass
class Delivery:
    """What the log has given and nobody has acknowledged."""

    nats: Nats
    pull: Pull
    besides: Sequence[str] | None = None  # who else reads the stream; None: nothing is taken out of it at once
    held: list[Message] = field(default_factory=list)  # in order, none twice
    is_settled: bool = False
    _most: int = LEAST
    _ahead: asyncio.Task[list[Message]] | None = None  # asked for while what is held is committed
    _next: int = 0
    _since: float = 0.0

    def unsettle(self) -> None:
        """Something went wrong: look again at what is outstanding."""
        self.is_settled = False

    async def batch(self) -> list[Message]:
        """The next messages in order; empty if there are none, or not all of them yet."""
        wait = WAIT_SECONDS if self.is_settled and not self.held else 0.2
        ahead, self._ahead = self._ahead, None
        fetched = await (ahead or self.pull.fetch(self._most, wait))
        given = [*self.held, *fetched]
        if self.held or not self.is_settled:  # some may have come again
            given = list({message.stream_sequence: message for message in given}.values())
        self.held = sorted(given, key=SEQUENCE)
        if fetched:
            first, last = fetched[0].consumer_sequence, fetched[-1].consumer_sequence
            is_next = first == self._next and last == self._next + len(fetched) - 1
            self.is_settled = self.is_settled and is_next
            self._next = last + 1
            fitting = MOST_BYTES * len(fetched) // max(1, sum(map(len, map(PAYLOAD, fetched))))
            self._most = max(LEAST, min(MOST, fitting, 2 * self._most))
        if not self.is_settled and not await self._settle():
            return []
        return self.held

    def look_ahead(self, told: Callable[[list[Message]], None]) -> None:
        """Ask for more while what is held is committed, and tell what comes."""

        async def ask() -> list[Message]:
            fetched = await self.pull.fetch(self._most, WAIT_SECONDS)
            if fetched:
                told(fetched)
            return fetched

        self._ahead = asyncio.create_task(ask())

    async def aclose(self) -> None:
        """Ask for nothing more; what was asked for ahead comes again to whoever asks next."""
        if self._ahead is not None:
            self._ahead.cancel()
            await asyncio.gather(self._ahead, return_exceptions=True)
            self._ahead = None
        self.pull.close()

    async def _settle(self) -> bool:
        """Whether everything outstanding is held."""
        self._since = self._since or time.monotonic()
        outstanding = await self._outstanding()
        if outstanding is None:
            return False
        if outstanding > len(self.held):
            if time.monotonic() - self._since < PATIENCE_SECONDS:
                await asyncio.sleep(0.1)
                return False
            logger.error("%d messages did not come again; going on without them", outstanding - len(self.held))
        self._since, self.is_settled = 0.0, True
        return True

    async def _outstanding(self) -> int | None:
        """How many messages the log has given out and not had acknowledged; None if it does not answer."""
        try:
            subject = f"$JS.API.CONSUMER.INFO.{self.pull.stream_name}.{self.pull.name}"
            told = json.loads((await self.nats.request(subject, b"")).payload)
            return int(told["num_ack_pending"])
        except (*log.FAULTS, KeyError, ValueError):
            await asyncio.sleep(0.3)
            return None

    async def is_done(self) -> bool:
        """Whether the log has nothing more; False too if it does not answer."""
        with contextlib.suppress(*log.FAULTS):
            return await log.is_done(self.nats, self.pull.stream_name, self.pull.name)
        return False

    async def acknowledge(self, last: Message) -> None:
        """Everything up to `last` is committed."""
        covered = last.stream_sequence
        is_all = self.held and self.held[-1] is last
        left = [] if is_all else [message for message in self.held if message.stream_sequence > covered]
        if self.besides is not None and len(self.held) - len(left) >= RUSH:
            await log.take_away(self.nats, self.pull.stream_name, covered, self.besides)
        self.pull.acknowledge(last)
        self.held = left
