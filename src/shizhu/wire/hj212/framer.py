"""Cuts a byte stream into frames, whatever pieces it arrives in."""

import re
from dataclasses import dataclass

__all__ = ["Framer", "Garbage"]

_HEADER = re.compile(rb"##[0-9]{4}")
_HEADER_SIZE = 6
# The close of CP tells a real end from a line break inside a text; a new header ends what was cut off before it.
_FRAME_END = re.compile(rb"&&[0-9A-Fa-f]{4}\r?\n|(?=##[0-9]{4})")
_GARBAGE_END = re.compile(rb"\n|(?=##[0-9]{4})")


@dataclass(frozen=True, slots=True)
class Garbage:
    """Bytes that belong to no frame, for quarantine."""

    data: bytes


class Framer:
    """Incremental cutter: the same bytes give the same items however they are split; no byte is dropped.

    A frame starts at `##` and four digits. The buffer never holds more than `limit` bytes and a header; what grows
    longer without an end comes out as Garbage.
    """

    def __init__(self, limit: int = 10_240) -> None:
        self._limit = limit
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[bytes | Garbage]:
        """Add received bytes; returns the candidate frames and garbage that are now complete, in order."""
        self._buffer += data
        items: list[bytes | Garbage] = []
        while (item := self._next()) is not None:
            items.append(item)
        return items

    def flush(self) -> list[bytes | Garbage]:
        """Give up waiting (the line closed or fell silent): the rest, as a candidate frame if it starts like one.

        Frames without CR LF leave this way, or when the next frame begins.
        """
        rest = bytes(self._buffer)
        self._buffer.clear()
        if not rest:
            return []
        return [rest if _HEADER.match(rest) else Garbage(rest)]

    def _next(self) -> bytes | Garbage | None:
        is_frame = bool(_HEADER.match(self._buffer))
        end = _FRAME_END.search(self._buffer, _HEADER_SIZE) if is_frame else _GARBAGE_END.search(self._buffer)
        if end and end.end() <= self._limit:
            piece = self._take(end.end())
            return piece if is_frame else Garbage(piece)
        if end or len(self._buffer) >= self._limit + _HEADER_SIZE:
            return Garbage(self._take(self._limit))
        return None

    def _take(self, size: int) -> bytes:
        piece = bytes(self._buffer[:size])
        del self._buffer[:size]
        return piece
