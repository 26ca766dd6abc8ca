"""Live values: one endpoint of server-sent events, filtered by access.

Engines register topics (a subject of the event log and a filter). One subscription per topic and process serves every
open page. Nobody depends on what is sent here: a page that missed something loads it again.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import uuid
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from natsrpy import Message, Nats

from shizhu.kernel import log
from shizhu.kernel.access import Actor
from shizhu.web import authentication

logger = logging.getLogger(__name__)
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Filter = Callable[[Any], Any | None]  # a decoded message → what this person is told of it, None for nothing
KEEPALIVE_SECONDS = 15.0
RIGHTS_SECONDS = 60.0
MOST_WAITING = 200


@dataclass(frozen=True)
class Topic:
    """`prepare` makes the filter of one person; it may look at the database."""

    name: str
    subject: str
    prepare: Callable[[Actor], Awaitable[Filter]]


_topics: list[Topic] = []


def topic(name: str, subject: str, prepare: Callable[[Actor], Awaitable[Filter]]) -> None:
    """Register a topic; call it from `AppConfig.ready`."""
    _topics.append(Topic(name, subject, prepare))


def something_happened(verb: str) -> Callable[[Actor], Awaitable[Filter]]:
    """A filter for events of an engine: whoever has the verb anywhere is told that it is time to look, not what."""

    async def prepare(who: Actor) -> Filter:
        return (lambda event: {"type": event["type"]}) if who.has(verb) else (lambda _: None)

    return prepare


@dataclass(eq=False)
class Listener:
    """One open page."""

    filters: dict[str, Filter] = field(default_factory=dict)
    waiting: asyncio.Queue[bytes] = field(default_factory=lambda: asyncio.Queue(MOST_WAITING))

    def offer(self, name: str, decoded: Any) -> None:
        """Queue what this person is told; a page that does not keep up loses the oldest."""
        told = self.filters[name](decoded) if name in self.filters else None
        if told is None:
            return
        if self.waiting.full():
            self.waiting.get_nowait()
        self.waiting.put_nowait(b"event: %s\ndata: %s\n\n" % (name.encode(), orjson.dumps(told)))


class Hub:
    """The subscriptions of this process, made when the first page opens."""

    def __init__(self) -> None:
        self.listeners: set[Listener] = set()
        self._task: asyncio.Task[None] | None = None
        self._subscribed = asyncio.Event()

    async def join(self, listener: Listener) -> None:
        """Serve this page too; returns when nothing more can pass it by."""
        self.listeners.add(listener)
        if self._task is None or self._task.done():
            self._subscribed.clear()
            self._task = asyncio.create_task(self._run())
        await self._subscribed.wait()

    async def _run(self) -> None:
        async with log.connected() as nats, contextlib.AsyncExitStack() as subscriptions:
            for subscribed in _topics:
                opened: Any = nats.subscribe(subscribed.subject, callback=self._deliver(subscribed))
                await subscriptions.enter_async_context(opened)
            await _answered(nats, subscriptions)
            self._subscribed.set()
            await asyncio.Event().wait()

    def _deliver(self, subscribed: Topic) -> Callable[[Message], Awaitable[None]]:
        async def deliver(message: Message) -> None:
            if self.listeners:
                decoded = orjson.loads(message.payload)
                for listener in list(self.listeners):
                    listener.offer(subscribed.name, decoded)

        return deliver


async def _answered(nats: Nats, subscriptions: contextlib.AsyncExitStack) -> None:
    """Until the server has done what it was told before: it takes a connection's words in order."""
    own, heard = f"_INBOX.{uuid.uuid4().hex}", asyncio.Event()

    async def hear(_: Message) -> None:
        heard.set()

    opened: Any = nats.subscribe(own, callback=hear)
    await subscriptions.enter_async_context(opened)
    await nats.publish(own, b"")
    await heard.wait()


_hub = Hub()
HEADERS = [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-store"), (b"x-accel-buffering", b"no")]


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """GET /live: who is not logged in gets 401."""
    who = await authentication.actor(authentication.credentials(scope["headers"], (scope.get("client") or ("",))[0]))
    if who is None:
        await send({"type": "http.response.start", "status": 401, "headers": list(authentication.CHALLENGE)})
        await send({"type": "http.response.body", "body": b""})
        return
    await serve(who, receive, send)


async def serve(who: Actor, receive: Receive, send: Send) -> None:
    """Answer GET /live for somebody who is logged in, until the page closes."""
    listener = Listener()
    await _filter(listener, who)
    await _hub.join(listener)
    gone = asyncio.create_task(_gone(receive))
    rights = asyncio.get_running_loop().time() + RIGHTS_SECONDS
    try:
        await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
        await send({"type": "http.response.body", "body": b"retry: 3000\n\n", "more_body": True})
        while not gone.done():
            body = await _next(listener, gone)
            if gone.done():
                break
            await send({"type": "http.response.body", "body": body, "more_body": True})
            if asyncio.get_running_loop().time() > rights:
                await _filter(listener, who)
                rights = asyncio.get_running_loop().time() + RIGHTS_SECONDS
    finally:
        gone.cancel()
        _hub.listeners.discard(listener)


async def _filter(listener: Listener, who: Actor) -> None:
    listener.filters = {subscribed.name: await subscribed.prepare(who) for subscribed in _topics}


async def _next(listener: Listener, gone: asyncio.Task[None]) -> bytes:
    """The next messages together, or a comment that keeps the line open."""
    waiting = asyncio.create_task(listener.waiting.get())
    await asyncio.wait({waiting, gone}, timeout=KEEPALIVE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
    if not waiting.done():
        waiting.cancel()
        return b": still here\n\n"
    parts = [waiting.result()]
    while not listener.waiting.empty():
        parts.append(listener.waiting.get_nowait())
    return b"".join(parts)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
