"""A small drawn picture for simulated photos: a river bank in flat colours, told apart by a number."""

from __future__ import annotations

import math
import struct
import zlib

WIDTH, HEIGHT = 320, 200


def drawn(number: int) -> bytes:
    """A PNG: sky, hills, water, and as many stripes in a corner as the number says."""
    rows = b"".join(b"\0" + bytes(_row(y, number)) for y in range(HEIGHT))
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(rows, 9)) + _chunk(b"IEND", b"")
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _row(y: int, number: int) -> list[int]:
    pixels: list[int] = []
    for x in range(WIDTH):
        hill = 70 + 22 * math.sin((x + 40 * number) / 47) + 9 * math.sin((x + 17 * number) / 13)
        bank = 130 + 12 * math.sin((x + 23 * number) / 61)
        if x < 8 * (number % 12) and y < 10:
            pixels += [217, 164, 65] if x % 8 < 5 else [240, 236, 225]
        elif y < hill:
            pixels += [214 - y // 4, 230 - y // 6, 238]
        elif y < bank:
            pixels += [86 + (y * 3 + x) % 9, 128 + (x * 7 + y) % 11, 92]
        else:
            pixels += [70 + (x + y * 5) % 7, 130 + (y * 3) % 9, 140 + (x * 3) % 8]
    return pixels
