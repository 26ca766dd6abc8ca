"""Archived days put together by Spark, on a cluster: `files.aggregate` for more than one machine can read.

The same files, the same meaning, the same figures to the last digit. Needs the extra `spark` (pyspark) and Java 17 or
newer, which nothing else here does. What a cluster wants beside its address (memory, keys of an object store) is told
as Spark is always told it: `SPARK_CONF_DIR`, `PYSPARK_SUBMIT_ARGS`.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

from shizhu.engines.things.aggregate import Interval, ticks
from shizhu.engines.things.files import OFFSET, ZONE, Figures, Span, made, microseconds, verdicts

HALF = 1 << 32  # nine decimals are added as two whole numbers, each exact in a double
BUCKET = (
    f"unix_micros(to_utc_timestamp(date_trunc('{{each}}', from_utc_timestamp(phenomenon_time, '{ZONE}')), '{ZONE}'))"
)
AGGREGATE = f"""
WITH known AS (
  SELECT *, row_number() OVER (PARTITION BY datastream_id, phenomenon_time ORDER BY sequence DESC) AS nth
  FROM readings LEFT ANTI JOIN recalled ON datastream_id = stream AND file = name
  WHERE phenomenon_time >= timestamp_micros(:start) AND phenomenon_time < timestamp_micros(:end)
), scaled AS (
  SELECT datastream_id, {{bucket}} AS start, result, round(result * 1e9) AS whole
  FROM known WHERE nth = 1 AND result IS NOT NULL AND array_contains(:verdicts, int(verdict))
), halves AS (SELECT *, floor(whole / {HALF}) AS high FROM scaled)
SELECT datastream_id, start, count(*), sum(CAST(high AS DECIMAL(20))), sum(bigint(whole - high * {HALF}D)),
  min(result), max(result)
FROM halves GROUP BY datastream_id, start ORDER BY datastream_id, start
"""


class SparkFault(Exception):
    """Spark is not here, or could not do it; the text says what, and what to do."""


def aggregate(within: Span, step: Interval, quality: str, master: str, at: str = "") -> Iterator[Figures]:
    """By Spark at `master`; by datastream and time. `at`: where its workers find the files, if not in our folder.

    Raises SparkFault.
    """
    where = at.rstrip("/") if at else Path(within.files[0]).parent.as_uri()
    names = {file: Path(file).name for file in within.files}
    recalled = [(stream, names[file]) for stream, file in within.recalled]
    given = {"start": ticks(within.start), "end": ticks(within.end), "verdicts": verdicts(quality)}
    with _session(master) as spark:
        rows = spark.read.parquet(*(f"{where}/{name}" for name in names.values()))
        rows.selectExpr("*", "_metadata.file_name AS file").createTempView("readings")
        spark.createDataFrame(recalled, "stream BIGINT, name STRING").createTempView("recalled")
        found = spark.sql(AGGREGATE.format(bucket=_bucket(step)), given).toLocalIterator()
        yield from made(
            (stream, start, count, Decimal(f"{int(high) * HALF + low}e-9"), least, most)
            for stream, start, count, high, low, least, most in found
        )


@contextmanager
def _session(master: str) -> Iterator[Any]:
    try:
        from py4j.protocol import Py4JError  # noqa: PLC0415  # an extra that only this needs
        from pyspark.errors import PySparkException  # noqa: PLC0415
        from pyspark.sql import SparkSession  # noqa: PLC0415
    except ImportError:
        raise SparkFault("pyspark is not installed: `python3 deploy/install.py spark`, then again") from None
    if not (os.environ.get("JAVA_HOME") or shutil.which("java")):
        raise SparkFault("there is no Java: install 17 or newer (Debian: default-jre-headless), or set JAVA_HOME")
    named = SparkSession.builder.master(master).appName("shizhu history")
    plain = {"spark.ui.enabled": "false", "spark.sql.session.timeZone": "UTC", "spark.sql.ansi.enabled": "true"}
    try:
        spark = named.config(map=plain).getOrCreate()
        try:
            yield spark
        finally:
            spark.stop()
    except (PySparkException, Py4JError) as fault:
        said = str(fault).strip().splitlines()
        raise SparkFault(f"Spark at {master} could not do it: {said[0]}: see what it wrote above") from fault


def _bucket(step: Interval) -> str:
    """The beginning of the interval in microseconds, in Spark's SQL."""
    if step.calendar:
        return BUCKET.format(each=step.calendar)
    time = "unix_micros(phenomenon_time)"
    return f"{time} - ({time} + {OFFSET}) % {microseconds(step)}"
