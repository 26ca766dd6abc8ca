"""Rows in PostgreSQL's binary COPY form (manual of COPY, "Binary Format"): cheaper than text on both sides."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

NULL = struct.pack(">i", -1)
HEAD = b"PGCOPY\n\xff\r\n\0" + bytes(8)  # signature, no flags, no extension
TAIL = struct.pack(">h", -1)
EPOCH, MICROSECOND = datetime(2000, 1, 1, tzinfo=UTC), timedelta(microseconds=1)
_FIELDS = struct.Struct(">h")
_LENGTHS, _TYPES = {"h": 2, "q": 8, "d": 8}, {"h": ">i2", "q": ">i8", "d": ">f8"}
_SMALLINT, _BIGINT, _DOUBLE = struct.Struct(">ih"), struct.Struct(">iq"), struct.Struct(">id")


def table(rows: Iterable[bytes]) -> bytes:
    """All that COPY reads."""
    return b"".join((HEAD, *rows, TAIL))


def row(*fields: bytes) -> bytes:
    """One row."""
    return b"".join((_FIELDS.pack(len(fields)), *fields))


def column_table(form: str, columns: Iterable[NDArray[np.generic]]) -> bytes:
    """All that COPY reads, of columns that are nowhere NULL. `form` says what a row has in order: q, d, h for bigint,
    double precision, smallint, and - for a field that is NULL in every row.
    """
    given = [*columns]
    types = [("n", ">i2")]
    for place, letter in enumerate(form):
        types += [(f"l{place}", ">i4"), *([(f"v{place}", _TYPES[letter])] if letter in _TYPES else [])]
    rows = np.empty(len(given[0]), np.dtype(types))
    rows["n"] = len(form)
    for place, letter in enumerate(form):
        rows[f"l{place}"] = _LENGTHS.get(letter, -1)
        if letter in _TYPES:
            rows[f"v{place}"] = given.pop(0)
    return table((rows.tobytes(),))


def smallint(value: int) -> bytes:
    """Two bytes."""
    return _SMALLINT.pack(2, value)


def bigint(value: int | None) -> bytes:
    """Eight bytes."""
    return NULL if value is None else _BIGINT.pack(8, value)


def double(value: float | None) -> bytes:
    """IEEE 754."""
    return NULL if value is None else _DOUBLE.pack(8, value)


def moment(value: datetime) -> int:
    """Microseconds since 2000."""
    return (value - EPOCH) // MICROSECOND


def timestamp(value: datetime | None) -> bytes:
    """A `timestamptz`."""
    return NULL if value is None else _BIGINT.pack(8, moment(value))


def jsonb(value: str | None) -> bytes:
    """JSON text in the first version of the form of `jsonb`."""
    if value is None:
        return NULL
    text = value.encode()
    return struct.pack(">ib", len(text) + 1, 1) + text
