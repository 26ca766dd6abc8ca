"""Duplicates in a register that is there, `python -m bench.pairing`, in one process: traits of all rows and pairs by
job, and what a form asks before it saves; each beside the SQL alone. Prints lines: name, value, unit, limit, its value.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable

import django

from bench.seeding import REGISTER

TIMES = 200
GROUPED = """
SELECT count(*) FROM (SELECT array_agg(record_id) FROM records_trait GROUP BY value HAVING count(*) BETWEEN 2 AND 50) g
"""
COPIED = """
CREATE TEMP TABLE copied (value bigint, record_id bigint, PRIMARY KEY (value, record_id));
INSERT INTO copied SELECT value, record_id FROM records_trait;
CREATE INDEX ON copied (record_id)
"""


def seconds(do: Callable[[], object]) -> float:
    began = time.perf_counter()
    do()
    return time.perf_counter() - began


def tell(*figure: object) -> None:
    print(*figure, sep="\t", flush=True)


def measure() -> None:
    from django.db import connection  # noqa: PLC0415  # Django must be set up first

    from shizhu.engines.records import duplicates, traits  # noqa: PLC0415
    from shizhu.engines.records.catalogue import register_of  # noqa: PLC0415
    from shizhu.engines.records.models import Pair, Record  # noqa: PLC0415
    from shizhu.kernel import access  # noqa: PLC0415
    from shizhu.kernel.models import County  # noqa: PLC0415

    county = County.objects.get().pk
    register = register_of(REGISTER, county)

    def run(sql: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(sql)

    traced = seconds(lambda: traits.trace(county))
    run("VACUUM ANALYZE records_trait, records_traced")
    paired = seconds(lambda: duplicates.pair(county))
    tell("traits of all rows by job", traced, "s", "INSERT … SELECT of the same traits", seconds(lambda: run(COPIED)))
    tell("pairs of all rows by job", paired, "s", "one GROUP BY over the traits", seconds(lambda: run(GROUPED)))
    rows = Record.objects.filter(register=REGISTER).select_related("area", "organisation").order_by("key")[:TIMES]
    asked, bare = [], []
    for row in rows:
        reader = traits.Reader(county, register)
        values = reader.traits(reader.read(row))
        asked.append(seconds(lambda row=row: duplicates.found(access.ANYBODY, register, row)))
        bare.append(seconds(lambda values=values: traits.groups(values)))
    limit = statistics.median(bare) * 1000
    tell("rows like one on a form", statistics.median(asked) * 1000, "ms", "the SQL over traits alone", limit)
    tell("pairs found", Pair.objects.count(), "", "rows", Record.objects.count())


if __name__ == "__main__":
    os.environ["DJANGO_SETTINGS_MODULE"] = "shizhu.site.settings"
    django.setup(set_prefix=False)
    measure()
