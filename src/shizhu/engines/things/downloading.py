"""The file of a firmware for devices that were told to take it, in parts: from the county, or by way of their edge.

An edge has neither database nor files. It knows its devices' credentials, and asks the county for each part over its
line; the county looks each time whether the device is the edge's own and was told to take the file.
"""

from __future__ import annotations

import base64
import logging
import re

import msgspec
import psycopg
from django.db import DatabaseError
from natsrpy import Message, Nats

from shizhu.engines.things.catalogue import Registry
from shizhu.engines.things.commanding import HEARD
from shizhu.engines.things.models import Target
from shizhu.kernel import files
from shizhu.kernel.models import File
from shizhu.kernel.threads import in_thread

logger = logging.getLogger(__name__)
ASKED = "edge.firmware"  # an edge asks the county for a part of a file
MOST = 256 * 1024  # bytes of a part: the log takes messages of 1 MB
RANGE = re.compile(r"bytes=([0-9]{0,15})-([0-9]{0,15})")
Span = tuple[int, int]  # first byte, length


class Wanted(msgspec.Struct, array_like=True, frozen=True):
    """The part of a release's file that a device asks for."""

    device: str
    release: int
    first: int = 0
    length: int = 0


class Part(msgspec.Struct, array_like=True, frozen=True):
    """What there is of it: length and SHA-256 of the whole file, the bytes."""

    size: int
    sha256: str
    data: bytes = b""


def told(device: str, release: int) -> File | None:
    """The file, if the device was told to take it and has not ended yet."""
    found = Target.objects.filter(device__key=device, release=release, command__state__in=HEARD)
    target = found.select_related("release__file").first()
    return target.release.file if target else None


def span(asked: str, if_range: str, part: Part) -> Span | None:
    """What a Range header asks for; None: all, as of several ranges, other units or another file than `If-Range` names.

    Raises ValueError where the file has none of it.
    """
    found = RANGE.fullmatch(asked.strip())
    if found is None or not (found[1] or found[2]) or if_range not in {"", _tag(part)}:
        return None
    if not found[1]:
        first, last = max(0, part.size - int(found[2])), part.size - 1
    else:
        first, last = int(found[1]), min(int(found[2] or part.size), part.size - 1)
        if found[2] and int(found[2]) < first:
            return None
    if first >= part.size:
        raise ValueError(asked)
    return first, last - first + 1


def headers(part: Part, asked: Span | None) -> dict[str, str]:
    """What goes before the bytes (RFC 9110 §14, RFC 9530)."""
    first, length = asked or (0, part.size)
    made = {
        "Accept-Ranges": "bytes", "ETag": _tag(part), "Content-Length": str(length),
        "Repr-Digest": f"sha-256=:{base64.b64encode(bytes.fromhex(part.sha256)).decode()}:",
    }  # fmt: skip
    return {**made, "Content-Range": f"bytes {first}-{first + length - 1}/{part.size}"} if asked else made


def _tag(part: Part) -> str:
    return f'"{part.sha256}"'


def _part(wanted: Wanted) -> Part | None:
    file = told(wanted.device, wanted.release)
    if file is None:
        return None
    with files.path_of(file).open("rb") as content:
        content.seek(wanted.first)
        return Part(file.size, file.sha256, content.read(min(wanted.length, MOST)))


async def give(nats: Nats, registry: Registry, message: Message) -> None:
    """Answer an edge; `registry` has its own devices. While the database is away nothing is said."""
    try:
        wanted = msgspec.msgpack.decode(message.payload, type=Wanted)
        is_own = await registry.device(wanted.device) is not None
        found = await in_thread(_part)(wanted) if is_own else None
    except (msgspec.DecodeError, DatabaseError, psycopg.OperationalError, OSError) as error:
        logger.warning("an edge asks for a firmware and is not answered: %s", error)
        return
    if message.reply:
        await nats.publish(message.reply, msgspec.msgpack.encode(found))


async def ask(nats: Nats, wanted: Wanted) -> Part | None:
    """At an edge: the part; None if the device was not told to take the file. Raises log.FAULTS without the county."""
    answer = (await nats.request(ASKED, msgspec.msgpack.encode(wanted))).payload
    return msgspec.msgpack.decode(answer, type=Part | None)
