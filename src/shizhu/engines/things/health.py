"""How devices are: state, share of hours they were heard in, and what is wrong with them, with what to do.

All is reckoned from what is stored, when it is asked for, with as many queries for a thousand devices as for one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from statistics import median
from typing import Any

from django.db import connection
from django.db.models import Count, Max, Min
from django.utils import timezone
from django.utils.translation import gettext as _

from shizhu.engines.things import queries
from shizhu.engines.things.datasets import SILENT_AFTER
from shizhu.engines.things.logic.readings import Verdict
from shizhu.engines.things.models import Datastream, Device, Hour, Latest, Quarantine, ServiceRecord
from shizhu.kernel import packs
from shizhu.kernel.text import spoken
from shizhu.lib.times import parse_duration

LATE_AFTER = 3  # expected intervals
DAY = timedelta(days=1)
AHEAD, BEHIND = timedelta(minutes=1), timedelta(minutes=15)  # of a clock
LOOKED_AT = 50  # readings of which the median delay counts
USUAL = timedelta(days=7)
POWERS = (10.0, 100.0, 1000.0, 0.1, 0.01, 0.001)
NEAR = 0.25  # of a power of ten, as a share of it
FEW_HOURS = 0.9  # heard in a smaller share of the hours is a gap
LOW_BATTERY = 20.0  # per cent
MANY_REFUSED = 10  # a day
SOON = timedelta(days=30)  # before a calibration ends
BATTERY = "battery"
STATES = ("online", "late", "silent", "off")

HOURS = """
SELECT s.thing_id, count(DISTINCT h.hour) FROM things_hour h JOIN things_datastream s ON s.id = h.datastream_id
WHERE s.thing_id = ANY(%s) AND h.hour >= %s AND h.hour < %s GROUP BY 1
"""
FIRST = """
SELECT s.thing_id, min(l.first_time) FROM things_latest l JOIN things_datastream s ON s.id = l.datastream_id
WHERE s.thing_id = ANY(%s) GROUP BY 1
"""


@dataclass(frozen=True)
class Finding:
    """What is wrong with a device, and what to do about it, in the reader's words."""

    kind: str
    what: str
    to_do: str


@dataclass
class Health:
    """How one device is. `rate` is the share of the last day's hours with a good reading, None before the first one."""

    state: str
    rate: float | None = None
    findings: list[Finding] = field(default_factory=list)


def state(device: Device, profile: Mapping[str, Any], at: datetime) -> str:
    """online, late (three expected intervals without a word), silent (an hour) or off."""
    if not device.is_enabled:
        return "off"
    if device.last_seen is None or at - device.last_seen > SILENT_AFTER:
        return "silent"
    expected = interval(profile)
    return "late" if expected and at - device.last_seen > LATE_AFTER * expected else "online"


def interval(profile: Mapping[str, Any]) -> timedelta | None:
    """How often the device should send: the shortest interval of its properties."""
    declared = (item["interval"] for item in profile.get("properties", {}).values() if "interval" in item)
    return min(map(parse_duration, declared), default=None)


def rates(things: Sequence[int], start: datetime, end: datetime) -> dict[int, float]:
    """Share of the full hours of a span in which each Thing had a good reading; from its first one on."""
    whole = timedelta(hours=1)
    begin = start.replace(minute=0, second=0, microsecond=0)
    stop = end.replace(minute=0, second=0, microsecond=0)
    with connection.cursor() as cursor:
        cursor.execute(FIRST, [list(things)])
        first = {thing: max(begin, at.replace(minute=0, second=0, microsecond=0)) for thing, at in cursor.fetchall()}
        cursor.execute(HOURS, [list(things), begin, stop])
        heard = dict(cursor.fetchall())
    return {
        thing: min(1.0, heard.get(thing, 0) / hours)
        for thing, since in first.items()
        if (hours := round((stop - since) / whole)) > 0
    }


def look(devices: Sequence[Device], county: str, at: datetime | None = None) -> dict[int, Health]:
    """How devices are, by their id."""
    moment = at or timezone.now()
    profiles = packs.declarations("things", county)
    things = [device.thing_id for device in devices]
    shares = rates(things, moment - DAY, moment)
    found = {
        device.pk: Health(state(device, profiles.get(device.profile, {}), moment), shares.get(device.thing_id))
        for device in devices
    }
    latest = _latest(things)
    refused = dict(
        Quarantine.objects.filter(device__in=devices, received__gte=moment - DAY)
        .values_list("device")
        .annotate(number=Count("id"))
    )
    ends = dict(
        ServiceRecord.objects.filter(device__in=devices, valid_until__isnull=False)
        .values_list("device")
        .annotate(last=Max("valid_until"))
    )
    usual = _usual([row.datastream_id for rows in latest.values() for row in rows], moment)
    for device in devices:
        health, rows = found[device.pk], latest.get(device.thing_id, [])
        if health.state == "off":
            continue
        health.findings += [
            *_silence(device, health, moment),
            *_clock(rows),
            *_units(rows, usual),
            *_gaps(health),
            *_battery(rows),
            *_refused(refused.get(device.pk, 0)),
            *_calibration(ends.get(device.pk), moment),
        ]
    return found


def _latest(things: Iterable[int]) -> dict[int, list[Latest]]:
    by_thing: dict[int, list[Latest]] = defaultdict(list)
    for row in Latest.objects.filter(datastream__thing__in=list(things)).select_related("datastream"):
        by_thing[row.datastream.thing_id].append(row)
    return by_thing


def _silence(device: Device, health: Health, at: datetime) -> Iterable[Finding]:
    if device.last_seen is None:
        yield Finding(
            "no-data", _("It has never sent anything."),
            _("Check key and password in the device, its network, and the quarantine for a wrong key."),
        )  # fmt: skip
    elif health.state == "silent":
        hours = max(1, round((at - device.last_seen) / timedelta(hours=1)))
        yield Finding(
            "no-data", _("No data for %(hours)d hours.") % {"hours": hours},
            _("Check power and network at the site; the last packet shows what it sent before."),
        )  # fmt: skip


def _clock(rows: Sequence[Latest]) -> Iterable[Finding]:
    """Received − phenomenon time: of the stream that comes fastest, the median of its last readings."""
    if not rows:
        return
    quickest = min(rows, key=lambda row: row.known_at - row.phenomenon_time)
    delay = quickest.known_at - quickest.phenomenon_time
    if -AHEAD <= delay <= BEHIND:
        return
    last = queries.last(quickest.datastream_id, LOOKED_AT)
    delays = [(point.known_at - point.time).total_seconds() for point in last]
    middle = timedelta(seconds=median(delays))
    if middle < -AHEAD:
        what = _("Its clock is about %(span)s ahead.")
    elif middle > BEHIND:
        what = _("Its times are about %(span)s old when they arrive.")
    else:
        return
    now = timezone.now()
    about = timedelta(minutes=round(abs(middle) / timedelta(minutes=1)))
    span = spoken(now - about, now).replace("\xa0", " ")
    to_do = _("Set its clock. If the clock is right, it sends late or from a store.")
    yield Finding("clock", what % {"span": span}, to_do)


def _usual(streams: Sequence[int], at: datetime) -> dict[int, tuple[float, float]]:
    """The least and the most of the last week's good readings, by datastream; none where they are nought or less."""
    rows = Hour.objects.filter(datastream__in=streams, hour__gte=at - USUAL).values_list("datastream")
    found = rows.annotate(low=Min("least"), high=Max("most"))
    return {pk: (least, most) for pk, least, most in found if least > 0}


def _units(rows: Sequence[Latest], usual: Mapping[int, tuple[float, float]]) -> Iterable[Finding]:
    """A value that would be usual if it were divided by a power of ten, and is far from all that was usual."""
    for row in rows:
        if row.result is None or row.datastream_id not in usual or row.verdict == Verdict.GOOD:
            continue
        least, most = usual[row.datastream_id]
        for power in POWERS:
            scaled = row.result / power
            if least * (1 - NEAR) <= scaled <= most * (1 + NEAR) and not least <= row.result <= most:
                unit = row.datastream.unit_of_measurement.get("symbol", "")
                what = _("%(name)s is %(value)g %(unit)s, %(power)g times the usual: a wrong unit is suspected.") % {
                    "name": row.datastream.name, "value": row.result, "unit": unit, "power": power,
                }  # fmt: skip
                yield Finding("unit", what, _("Compare unit and decimal point in the device with the profile."))
                break


def _gaps(health: Health) -> Iterable[Finding]:
    if health.rate is not None and health.rate < FEW_HOURS and health.state != "silent":
        share = round(100 * health.rate)
        yield Finding(
            "gaps", _("In the last day it was heard in %(share)d %% of the hours only.") % {"share": share},
            _("Look at signal and power at the times that are missing in the chart."),
        )  # fmt: skip


def _battery(rows: Sequence[Latest]) -> Iterable[Finding]:
    for row in rows:
        if row.datastream.key == BATTERY and row.result is not None and row.result < LOW_BATTERY:
            what = _("Its battery is at %(level)g %%.") % {"level": row.result}
            yield Finding("battery", what, _("Change or charge the battery on the next visit."))


def _refused(number: int) -> Iterable[Finding]:
    if number >= MANY_REFUSED:
        yield Finding(
            "refused", _("%(number)d inputs of the last day were refused.") % {"number": number},
            _("The quarantine says for each which rule it breaks; most have one cause."),
        )  # fmt: skip


def _calibration(ends: Any, at: datetime) -> Iterable[Finding]:
    if ends is not None and ends < timezone.localdate(at) + SOON:
        yield Finding(
            "calibration", _("Its calibration is valid until %(day)s.") % {"day": f"{ends:%Y-%m-%d}"},
            _("Have it calibrated and enter the new certificate."),
        )  # fmt: skip


def unit_history(thing: int) -> list[dict[str, Any]]:
    """When a unit of a datastream was changed: time, name, before and after, newest first."""
    events = Datastream.pgh_event_model.objects.filter(thing_id=thing).order_by("pgh_obj_id", "pgh_id")  # type: ignore[attr-defined]
    found, before = list[dict[str, Any]](), dict[int, str]()
    for event in events:
        symbol = event.unit_of_measurement.get("symbol", "")
        known = before.get(event.pgh_obj_id)
        if known is not None and known != symbol:
            found.append({"at": event.pgh_created_at, "name": event.name, "before": known, "after": symbol})
        before[event.pgh_obj_id] = symbol
    return sorted(found, key=lambda row: row["at"], reverse=True)
