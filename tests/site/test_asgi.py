"""What is streamed leaves as it is read."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

from django.http import StreamingHttpResponse

from shizhu.site import asgi


def test_a_file_is_sent_part_by_part() -> None:
    told: list[str] = []

    def parts() -> Iterator[bytes]:
        for number in range(3):
            told.append(f"read {number}")
            yield b"%d" % number

    async def send(message: dict[str, Any]) -> None:
        if message.get("body"):
            told.append(f"sent {message['body'].decode()}")

    asyncio.run(asgi.pages.send_response(StreamingHttpResponse(parts()), send))
    assert told == ["read 0", "sent 0", "read 1", "sent 1", "read 2", "sent 2"]
