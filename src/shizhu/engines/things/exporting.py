"""Readings of a station over any span as a file, out of the table and the archive alike; a worker writes it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from django.db import connection, transaction
from django.utils.translation import gettext as _

from shizhu.engines.records import api as records
from shizhu.engines.things import archive, history, queries
from shizhu.engines.things.files import FORMS, NAMED
from shizhu.engines.things.models import Datastream, Thing
from shizhu.kernel import access
from shizhu.kernel.access import Actor
from shizhu.kernel.models import Person
from shizhu.kernel.text import label

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

WORK = "things.readings"
VIEW = "things.thing.view"
MEDIA_TYPES = {"csv": "text/csv; charset=utf-8", "parquet": "application/vnd.apache.parquet"}
BOM = "\ufeff"  # Excel reads Chinese in a CSV file that begins with it
HOT = f"""
COPY (SELECT {archive.COLUMNS} FROM things_observation
  WHERE datastream_id = ANY(%s) AND phenomenon_time >= %s AND phenomenon_time < %s) TO STDOUT (FORMAT csv)
"""
STREAMS = (
    "CREATE TEMP TABLE streams AS SELECT unnest(?::BIGINT[]) AS stream, unnest(?::VARCHAR[]) AS station,"
    " unnest(?::VARCHAR[]) AS property, unnest(?::VARCHAR[]) AS title, unnest(?::VARCHAR[]) AS unit"
)
EMPTY = "CREATE TEMP TABLE known AS SELECT * FROM fresh LIMIT 0"
KNOWN = """
INSERT INTO known SELECT * FROM {source}
WHERE datastream_id IN (SELECT unnest(?::BIGINT[])) AND phenomenon_time >= ? AND phenomenon_time < ?
QUALIFY row_number() OVER (PARTITION BY datastream_id, phenomenon_time ORDER BY sequence DESC) = 1
"""
WRITE = f"""
COPY (
  SELECT station AS "{{bom}}station", property, title, unit, phenomenon_time, phenomenon_end,
    result, result_json, {NAMED}, known_at
  FROM known JOIN streams ON stream = datastream_id WHERE verdict <> 3 ORDER BY datastream_id, phenomenon_time
) TO '{{file}}' ({{form}})
"""
COUNT = "SELECT count(*) FROM known WHERE verdict <> 3"


def begin(person: Person, thing: Thing, streams: Sequence[int], first: date, last: date, form: str) -> records.Batch:
    """Have a worker write the readings of datastreams of a Thing; `last` belongs to the span."""
    asked = {"thing": thing.pk, "title": thing.name, "streams": list(streams), "from": str(first), "to": str(last)}
    kind, state = records.Batch.Kind.READINGS, records.Batch.State.WRITING
    made = records.begin_work(person, thing.county_id, WORK, kind, state, asked=asked | {"form": form})
    records.start_work(made)
    return made


def run(batch: records.Batch, who: Actor) -> None:
    """Write the file of what its person may see while it is written; begun anew after a crash."""
    asked = batch.asked
    thing = access.rows(Thing.objects.filter(county=batch.county_id, pk=asked["thing"]), who, VIEW).first()
    if thing is None:
        raise records.Unfeasible(_("You may no longer see this station."))
    streams = (
        Datastream.objects.filter(thing=thing, pk__in=asked["streams"]).order_by("pk").values_list("pk", flat=True)
    )
    start = archive.span(date.fromisoformat(asked["from"]))[0]
    end = archive.span(date.fromisoformat(asked["to"]))[1]
    with tempfile.TemporaryDirectory(dir=archive.folder(archive.SCRATCH)) as folder:
        file = Path(folder) / f"{thing.name.replace('/', '_')}-{asked['from']}-{asked['to']}.{asked['form']}"

        def told(done: int, total: int) -> None:
            records.tell_progress(batch, done, total)

        try:
            rows = write(queries.describe(streams), start, end, file, told)
        except (archive.ArchiveFault, OSError) as fault:
            said = _(
                "The file could not be written (%(fault)s). Try again later, or tell whoever runs this installation."
            )
            raise records.Unfeasible(said % {"fault": str(fault).splitlines()[0]}) from fault
        batch.made = records.keep_made(batch.person, batch.county_id, file, file.name, MEDIA_TYPES[asked["form"]])
    batch.total = batch.done = rows
    records.end_work(batch, records.Batch.State.DONE)


def write(
    streams: dict[int, queries.StreamInfo],
    start: datetime,
    end: datetime,
    file: Path,
    told: Callable[[int, int], object],
) -> int:
    """Write what is known now of the datastreams as the file's suffix says; returns rows. `told(done, all)`: parts."""
    ids = list(streams)
    form = file.suffix.removeprefix(".")
    infos = streams.values()
    columns = [ids, *([str(value) for value in column] for column in zip(
        *((one.thing_name, one.property, label(one.title), one.unit) for one in infos), strict=True
    ))]  # fmt: skip
    with archive.faults(), archive.duck() as work:
        work.execute(STREAMS, columns)
        files = _begin(work, ids, start, end)
        told(1, len(files) + 2)
        for number, (name, own) in enumerate(files.items(), 2):
            work.execute(KNOWN.format(source="read_parquet(?)"), [str(archive.folder() / name), own, start, end])
            told(number, len(files) + 2)
        given = {"bom": BOM if form == "csv" else "", "file": str(file).replace("'", "''"), "form": FORMS[form]}
        work.execute(WRITE.format(**given))
        return int(work.execute(COUNT).fetchall()[0][0])


def _begin(work: DuckDBPyConnection, ids: list[int], start: datetime, end: datetime) -> dict[str, list[int]]:
    """Take the table's rows; returns the files that hold others at that moment, each with its datastreams."""
    with tempfile.NamedTemporaryFile(dir=archive.folder(archive.SCRATCH), suffix=".csv") as file:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")  # a day may move to a file just now
            with cursor.copy(HOT, [ids, start, end]) as copy:
                for block in copy:
                    file.write(block)
            found = history.pairs(ids, start, end - timedelta(microseconds=1))
        file.flush()
        work.execute(archive.CSV, [file.name])
    work.execute(EMPTY)
    work.execute(KNOWN.format(source="fresh"), [ids, start, end])
    files: dict[str, list[int]] = {}
    for stream, name in found:
        files.setdefault(name, []).append(stream)
    return files
