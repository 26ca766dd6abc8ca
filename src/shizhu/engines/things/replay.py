"""Replay a table into the event log: the same way as any gateway, marked replayed.

By default it is history: stored, but no rule judges it. As live, its times are moved so that the last one is now, and
rules judge it as if it happened.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from shizhu.engines.things.devices import Registration, register
from shizhu.engines.things.logic.readings import Origin, Sample, Submission
from shizhu.engines.things.logic.tables import Row, read
from shizhu.engines.things.models import LogPosition, Thing
from shizhu.kernel import log
from shizhu.kernel.models import Area, County, Organisation

PROTOCOL = "replay"
TOLD_EVERY = 500


def load(file: Path, mapping: Mapping[str, Any]) -> list[Row]:
    """All rows of the table; UnicodeDecodeError or TableRefused where it does not fit."""
    with file.open(encoding=mapping.get("encoding", "utf-8-sig"), newline="") as lines:
        return list(read(lines, mapping))


def stations(rows: Iterable[Row], mapping: Mapping[str, Any], county: County) -> dict[str, str]:
    """Device keys of the table's stations; those the county does not know are registered without a place."""
    known: dict[str, str] = dict(mapping["station"].get("known", {}))
    organisation = Organisation.objects.get(county=county, code=mapping.get("organisation", county.pk))
    root = Area.objects.get(county=county, level=Area.Level.COUNTY)
    for name in sorted({row.station for row in rows if row.station} - known.keys()):
        thing = Thing.objects.filter(county=county, name=name, devices__profile=mapping["profile"]).first()
        if thing and thing.key:
            known[name] = thing.key
            continue
        key = f"{mapping.get('prefix', 'TAB')}-{hashlib.sha256(name.encode()).hexdigest()[:10]}"
        properties = mapping.get("properties", {})
        wanted = Registration(key, mapping["profile"], name, organisation, root, None, Origin.REPLAYED, "", properties)
        register(wanted)
        known[name] = key
    return known


def submissions(rows: list[Row], keys: Mapping[str, str], *, is_live: bool) -> list[Submission]:
    """One submission a row; as live, every time is moved by the same span."""
    times = [sample.time for row in rows for sample in row.samples]
    shift = datetime.now(UTC) - max(times) if is_live and times else timedelta()
    return [
        Submission(
            PROTOCOL,
            keys.get(row.station, row.station),
            row.text.encode(),
            [Sample(sample.channel, sample.time + shift, sample.number) for sample in row.samples],
            list(row.rejects),
            Origin.REPLAYED,
            not is_live,
        )
        for row in rows
    ]


async def publish(sent: list[Submission], told: Callable[[int, int], None]) -> int:
    """Put everything into the log, in order; returns the last sequence. `told(done, all)` shows progress.

    One after the other: together they would reach the log in any order.
    """
    last = 0
    async with log.connected() as nats:
        jetstream = await nats.jetstream()
        await log.stream(jetstream, log.READINGS)
        for number, one in enumerate(sent, 1):
            made = await jetstream.publish(f"in.{PROTOCOL}.table", msgspec.json.encode(one), wait=True)
            last = made.sequence
            if number % TOLD_EVERY == 0 or number == len(sent):
                told(number, len(sent))
    return last


def committed() -> int:
    """How far ingest has committed what gateways wrote."""
    position = LogPosition.objects.filter(pk=log.READINGS).first()
    return position.sequence if position else 0


def publish_all(sent: list[Submission], told: Callable[[int, int], None]) -> int:
    """`publish` for callers without a loop."""
    return asyncio.run(publish(sent, told))
