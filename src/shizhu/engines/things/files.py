"""All archived days at once: put together by DuckDB (`spark.py`: by Spark), or exported.

Both read the same files with the same meaning: of each key the last sequence, good ones alone unless asked; a
datastream whose day was taken back into the database is left out. Sums are exact to nine decimals, so that figures do
not depend on the order in which they are added.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shizhu.engines.things import archive
from shizhu.engines.things.aggregate import QUALITIES, Interval
from shizhu.engines.things.models import ArchivedDay, Day

if TYPE_CHECKING:
    from decimal import Decimal

    from duckdb import DuckDBPyConnection

ZONE, OFFSET = "Asia/Shanghai", 8 * 3600 * 1_000_000
DAY_BUCKET = f"date_trunc('{{each}}', phenomenon_time AT TIME ZONE '{ZONE}') AT TIME ZONE '{ZONE}'"
FORMS = {"csv": "FORMAT csv, HEADER true", "parquet": "FORMAT parquet, COMPRESSION zstd"}
KNOWN = """
SELECT * EXCLUDE (filename)
FROM read_parquet(?, filename = true) ANTI JOIN recalled USING (datastream_id, filename)
WHERE phenomenon_time >= ? AND phenomenon_time < ?
QUALIFY row_number() OVER (PARTITION BY datastream_id, phenomenon_time ORDER BY sequence DESC) = 1
"""
NAMED = """['good', 'suspect', 'bad'][verdict + 1] AS verdict,
       ['measured', 'simulated', 'replayed'][origin + 1] AS origin"""
EXPORTED = f"""
SELECT datastream_id, phenomenon_time, phenomenon_end, result_time, result, result_json,
       {NAMED}, known_at FROM ({KNOWN}) WHERE verdict <> 3
"""
AGGREGATE = f"""
SELECT datastream_id, epoch_us({{bucket}}) AS start, count(*), sum(result::DECIMAL(28, 9)), min(result), max(result)
FROM ({KNOWN}) WHERE result IS NOT NULL AND list_contains(?::INTEGER[], verdict) GROUP BY ALL ORDER BY ALL
"""


@dataclass(frozen=True)
class Figures:
    """Readings of a datastream in one interval."""

    stream: int
    start: datetime
    count: int
    total: Decimal
    least: float
    most: float


@dataclass(frozen=True)
class Span:
    """Archived days of a span: their files, and (datastream, file) that count no more. `last` belongs to it."""

    files: list[str]
    recalled: list[tuple[int, str]]
    start: datetime
    end: datetime


def span(first: date | None = None, last: date | None = None) -> Span | None:
    """The archived days from `first` to `last`; None if there are none."""
    days = ArchivedDay.objects.order_by("day")
    days = days.filter(day__gte=first) if first else days
    days = days.filter(day__lte=last) if last else days
    files = {day.day: archive.path(day) for day in days}
    if not files:
        return None
    recalled = Day.objects.filter(day__in=files, is_recalled=True).values_list("datastream_id", "day")
    void = [(stream, files[day]) for stream, day in recalled]
    return Span([*files.values()], void, archive.span(min(files))[0], archive.span(max(files))[1])


def aggregate(within: Span, step: Interval, quality: str = "good") -> Iterator[Figures]:
    """By DuckDB; by datastream and time. Raises ArchiveFault."""
    with archive.faults(), archive.duck() as work:
        _recalled(work, within)
        query = AGGREGATE.format(bucket=bucket(step))
        found = work.execute(query, [within.files, within.start, within.end, verdicts(quality)])
        while rows := found.fetchmany(10_000):
            yield from made(rows)


def export(within: Span, target: str, form: str, told: Callable[[int, int], object]) -> int:
    """Write what is known now of the span's readings as `csv` or `parquet`; returns rows. `told(done, all)`: days.

    OSError, ArchiveFault: then there is no file.
    """
    part, total = Path(f"{target}.part"), len(within.files)
    with archive.faults(), archive.duck() as work:
        _recalled(work, within)
        for done, file in enumerate(within.files, 1):
            verb = "INSERT INTO known" if done > 1 else "CREATE TEMP TABLE known AS"
            work.execute(f"{verb} {EXPORTED}", [[file], within.start, within.end])
            told(done, total)
        name = str(part).replace("'", "''")
        try:
            work.execute(f"COPY (FROM known ORDER BY datastream_id, phenomenon_time) TO '{name}' ({FORMS[form]})")
        except BaseException:
            part.unlink(missing_ok=True)
            raise
        rows = int(work.execute("SELECT count(*) FROM known").fetchall()[0][0])
    part.replace(target)
    return rows


def _recalled(work: DuckDBPyConnection, within: Span) -> None:
    streams, names = [stream for stream, _ in within.recalled], [name for _, name in within.recalled]
    recalled = "SELECT unnest(?::BIGINT[]) AS datastream_id, unnest(?::VARCHAR[]) AS filename"
    work.execute(f"CREATE TEMP TABLE recalled AS {recalled}", [streams, names])


def made(rows: Iterable[Sequence[Any]]) -> Iterator[Figures]:
    """Rows of either engine."""
    for stream, start, *figures in rows:
        yield Figures(int(stream), archive.moment(int(start)), *figures)


def verdicts(quality: str) -> list[int]:
    """The verdicts of a quality."""
    return [int(verdict) for verdict in QUALITIES[quality]]


def bucket(step: Interval) -> str:
    """The beginning of the interval, in DuckDB's SQL."""
    if step.calendar:
        return DAY_BUCKET.format(each=step.calendar)
    return (
        f"make_timestamptz(epoch_us(phenomenon_time) - (epoch_us(phenomenon_time) + {OFFSET}) % {microseconds(step)})"
    )


def microseconds(step: Interval) -> int:
    """Of a fixed interval."""
    return step.fixed // timedelta(microseconds=1)
