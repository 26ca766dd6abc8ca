"""Milliseconds for a vector tile of a register of 1,000,000 points over HTTP, with the session of a page: kept (median
of 30) beside the same bytes as a static file, and made for the first time beside the aim of 1000 ms. Tiles of far
views are thinned to at most 5000 points, those of near views hold all."""

from __future__ import annotations

import random
import struct
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import psycopg
from tests.stack.stack import Stack

from bench.figures import Figure
from bench.stacks import Homes
from bench.web import Visitor

REGISTER = "ecology.section"
MANY = 1_000_000
BOX = (107.98, 29.65, 108.57, 30.54)
AIM, COLD = 50.0, 1000.0
BUILD = Path(__file__).resolve().parents[1] / "src/shizhu/web/static/build"
PLACES = {"county": (9, 211, 409), "town": (12, 1688, 3278), "village": (15, 13509, 26227)}


def run(homes: Homes, seconds: float) -> Iterator[Figure]:
    with homes.stack() as stack:
        fill(stack, MANY)
        visitor = Visitor(stack.port)
        visitor.log_in("admin", stack.password_of("admin"))
        for name, (z, row, column) in PLACES.items():
            path = f"/ogc/collections/{REGISTER}/tiles/WebMercatorQuad/{z}/{row}/{column}"
            began = time.perf_counter()
            status, body = visitor.fetch(path)
            cold = (time.perf_counter() - began) * 1000
            assert status == 200, (status, path)
            yield Figure("tiles", f"{name} made", cold, "ms", "aim", COLD)
            warm = visitor.median(path)
            yield Figure("tiles", f"{name} kept", warm, "ms", "aim", AIM)
            yield Figure("tiles", f"{name} kept", warm, "ms", "its bytes as a file", _as_file(visitor, body))


def _as_file(visitor: Visitor, body: bytes) -> float:
    """The same number of bytes from the folder of static files."""
    file = BUILD / f"bench-{zlib.crc32(body)}.bin"
    file.write_bytes(body)
    try:
        return visitor.median(f"/static/build/{file.name}")
    finally:
        file.unlink()


def fill(stack: Stack, many: int) -> None:
    """Put points at random into the register, without a history of each."""
    fate = random.Random(7)
    with psycopg.connect(stack.state["DATABASE_URL"]) as connection, connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")  # no triggers: the history is not what is measured
        county, area = cursor.execute("SELECT county_id, id FROM kernel_area WHERE level = 'county'").fetchone()
        (body,) = cursor.execute("SELECT id FROM kernel_organisation ORDER BY path LIMIT 1").fetchone()
        columns = (
            "county_id, register, key, data, title, sort_key, organisation_id, area_id, geometry, box, state, source,"
            " is_simulated, created, updated, version"
        )
        with cursor.copy(f"COPY records_record ({columns}) FROM STDIN") as copy:
            moment = "2026-01-01T00:00:00Z"
            for number in range(many):
                x, y = fate.uniform(BOX[0], BOX[2]), fate.uniform(BOX[1], BOX[3])
                wkb = struct.pack("<BIdd", 1, 1, x, y)
                copy.write_row((
                    county, REGISTER, f"B{number}", '{"target": "III"}', f"断面{number}", f"duan mian {number}", body,
                    area, wkb, f"({x},{y}),({x},{y})", "active", "import", False, moment, moment, 1,
                ))  # fmt: skip
        cursor.execute("SET session_replication_role = origin")
        connection.commit()
        cursor.execute("ANALYZE records_record")
