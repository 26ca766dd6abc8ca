"""The canonical reading, and the forms in which readings reach us.

Three forms: a `Submission` of one of our gateways (already decoded by its wire codec), telemetry JSON a device
publishes over MQTT, and a SensorThings Observation. All become `Reading`s, or `Reject`s that name field, value, rule.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

import msgspec

from shizhu.engines.things.logic.quality import Checks

MICROSECOND = timedelta(microseconds=1)
FUTURE = timedelta(hours=1)  # a clock may be that far ahead before its times are refused
EARLIEST, LAST = datetime(1900, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)  # what a time can be at all
IN_FUTURE = "a reading's time must not lie in the future"
LARGEST = 1e18  # of a result: sums of nine decimals over archived days are exact, and no sum overflows
NO_NUMBER = "a result must be a number between -1e18 and 1e18"
BEYOND = f"a time must lie between {EARLIEST:%Y} and {LAST:%Y}"
NO_TIME = "times are ISO 8601 with zone, such as 2026-06-01T08:00:00+08:00"


class Verdict(IntEnum):
    """Quality of one reading, decided before any rule sees it."""

    GOOD = 0
    SUSPECT = 1
    BAD = 2
    WITHDRAWN = 3  # taken back: the row only says that what was known before holds no more


GOOD = Verdict.GOOD  # looked up for every reading


class Origin(IntEnum):
    """Where a reading came from; shown with it everywhere."""

    MEASURED = 0
    SIMULATED = 1
    REPLAYED = 2


DRILL = 3  # beside them: of a case or a warning that is practised (演练); no reading has it


class Reading(NamedTuple):
    """One result for one datastream. `result_json` is a JSON text, for results that are not numbers."""

    stream: int
    time: datetime
    result: float | None
    verdict: int = Verdict.GOOD
    origin: int = Origin.MEASURED
    end: datetime | None = None
    result_time: datetime | None = None
    result_json: str | None = None
    feature: int | None = None
    extra: str | None = None
    is_history: bool = False  # loaded from the past: stored, but no rule judges it
    reason: str | None = None  # JSON: which rule a reading that is not good broke, value, limit


@dataclass(frozen=True)
class Reject:
    """Something that cannot become a reading: which field, its value, the rule it breaks."""

    field: str
    value: str
    rule: str


class Sample(msgspec.Struct, array_like=True, frozen=True):
    """One value a gateway has decoded: the profile's channel, time, number, whether the device itself doubts it."""

    channel: str
    time: datetime
    number: float
    is_doubted: bool = False


class Submission(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a gateway puts into the event log: the raw packet and what its codec made of it."""

    protocol: str
    device: str
    raw: bytes
    samples: list[Sample] = []
    rejects: list[tuple[str, str, str]] = []
    origin: int | None = None
    is_history: bool = False


OM = "http://www.opengis.net/def/observationType/OGC-OM/2.0/"
TAKES: Mapping[str, tuple[tuple[type, ...], str]] = {  # what a component of that observationType may be (18-088 §8.2.4)
    f"{OM}OM_Measurement": ((int, float), "a number"),
    f"{OM}OM_CountObservation": ((int,), "a whole number"),
    f"{OM}OM_TruthObservation": ((bool,), "true or false"),
    f"{OM}OM_CategoryObservation": ((str,), "text"),
}


class Component(NamedTuple):
    """One value of a MultiDatastream's result: its observationType, and its range if one is known."""

    type: str
    lowest: float | None
    highest: float | None

    def takes(self, value: Any) -> bool:
        """Whether it may be that value; null says that this one was not observed."""
        types, _ = TAKES.get(self.type, ((object,), ""))
        return value is None or (isinstance(value, types) and (type(value) is not bool or not {int} & {*types}))

    def verdict(self, value: Any) -> Verdict:
        """BAD outside the range."""
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return in_range(value, self.lowest, self.highest) if is_number else Verdict.GOOD


def in_range(number: float, lowest: float | None, highest: float | None) -> Verdict:
    """BAD outside the range."""
    if (lowest is None or number >= lowest) and (highest is None or number <= highest):
        return GOOD
    return Verdict.BAD


@dataclass(frozen=True, slots=True)
class Stream:
    """What decoding needs to know of a datastream; a MultiDatastream has components."""

    id: int
    lowest: float | None
    highest: float | None
    is_watched: bool
    county: str
    checks: Checks | None = None  # against the readings before
    components: tuple[Component, ...] = ()

    def verdict(self, number: float) -> Verdict:
        """BAD outside the range."""
        return in_range(number, self.lowest, self.highest)


@dataclass(frozen=True, slots=True)
class KnownDevice:
    """What decoding needs to know of a device: its datastreams by property and by channel of its codec."""

    id: int
    key: str
    origin: int
    is_enabled: bool
    is_lenient: bool
    secret: str  # SHA-256 of the password
    streams: Mapping[str, Stream]
    named: tuple[str, ...] = ()  # all of its Thing, as Datastreams(7) or MultiDatastreams(8)
    channels: Mapping[str, Stream] = field(default_factory=dict)
    ignored: tuple[str, ...] = ()  # patterns of channels the profile leaves out on purpose

    def accepts(self, password: str) -> bool:
        """Whether the password is the device's."""
        return hmac.compare_digest(self.secret, digest(password))

    @property
    def mark(self) -> str:
        """Tells a login with this password from one with another."""
        return digest(self.secret)[:8]


def digest(secret: str) -> str:
    """How a password is kept: SHA-256, because those we make are long and random."""
    return hashlib.sha256(secret.encode()).hexdigest()


class _Telemetry(msgspec.Struct):
    values: dict[str, float | int | bool | str | None]
    time: str | int | None = None


_telemetry = msgspec.json.Decoder(_Telemetry | list[_Telemetry])
_submission = msgspec.json.Decoder(Submission)
Decoded = list[Reading | Reject]
NUMBER = (float, int)
_reading = tuple.__new__  # without the arguments by name, which take twice as long
MERELY = (None, None, None, None, None, False, None)  # what a Reading that is only a number has beyond its origin


def submission(payload: bytes) -> Submission:
    """Read what a gateway of ours wrote."""
    return _submission.decode(payload)


def parse_time(value: str | int) -> datetime:
    """ISO 8601 with zone, or milliseconds since 1970. ValueError says which rule was broken."""
    try:
        moment = datetime.fromtimestamp(value / 1000, UTC) if isinstance(value, int) else datetime.fromisoformat(value)
    except (OverflowError, OSError, ValueError) as error:
        raise ValueError(BEYOND if isinstance(value, int) else NO_TIME) from error
    if moment.tzinfo is None:
        raise ValueError("a time needs its zone, such as +08:00 or Z")
    if EARLIEST <= moment < LAST:
        return moment
    raise ValueError(BEYOND)


def parse_span(value: str) -> tuple[datetime, datetime | None]:
    """A SensorThings time: an instant, or `begin/end`."""
    begin, _, end = value.partition("/")
    start, stop = parse_time(begin), parse_time(end) if end else None
    if stop is not None and stop < start:
        raise ValueError("an interval must not end before it begins")
    return start, stop


def from_samples(sent: Submission, device: KnownDevice | None, received: datetime) -> Decoded:
    """Readings of a gateway's submission."""
    return list(_from_samples(sent, device, received))


def _from_samples(sent: Submission, device: KnownDevice | None, received: datetime) -> Iterator[Reading | Reject]:
    for refused in sent.rejects:
        yield Reject(*refused)
    if device is None:
        if sent.samples:
            yield Reject("device", sent.device, "a device must be registered before it sends")
        return
    origin = device.origin if sent.origin is None else sent.origin
    for sample in sent.samples:
        stream = device.channels.get(sample.channel) or device.streams.get(sample.channel)
        if stream is None:
            if not any(fnmatchcase(sample.channel, pattern) for pattern in device.ignored):
                yield Reject(sample.channel, str(sample.number), "the device's profile has no such channel")
        elif not -LARGEST <= sample.number <= LARGEST:
            yield Reject(sample.channel, str(sample.number), NO_NUMBER)
        elif not EARLIEST <= sample.time <= received + FUTURE:
            yield Reject("time", sample.time.isoformat(), IN_FUTURE)
        else:
            verdict = max(Verdict.SUSPECT if sample.is_doubted else Verdict.GOOD, stream.verdict(sample.number))
            yield Reading(stream.id, sample.time, sample.number, verdict, origin, is_history=sent.is_history)


def from_telemetry(payload: bytes, device: KnownDevice, received: datetime) -> Decoded:
    """Readings of `{"time": "...", "values": {"property": number}}`, or of a list of such."""
    try:
        decoded = _telemetry.decode(payload)
    except (msgspec.DecodeError, ValueError) as error:
        return [_no_telemetry(error, payload)]
    found: Decoded = []
    streams, origin = device.streams, device.origin
    for item in decoded if isinstance(decoded, list) else (decoded,):
        time = received
        if item.time is not None:
            try:
                time = parse_time(item.time)
            except ValueError as error:
                found.append(Reject("time", str(item.time), str(error)))
                continue
            if time > received and time > received + FUTURE:
                found.append(Reject("time", str(item.time), IN_FUTURE))
                continue
        for name, value in item.values.items():
            stream = streams.get(name)
            if stream is None or type(value) is not float or not -LARGEST <= value <= LARGEST:
                found.append(_telemetry_value(name, value, time, device))
            else:  # as nearly always
                verdict = in_range(value, stream.lowest, stream.highest)
                found.append(_reading(Reading, (stream.id, time, value, verdict, origin, *MERELY)))
    return found


def _no_telemetry(error: Exception, payload: bytes) -> Reject:
    """What is wrong with it, and where, from what the decoder says."""
    told, field = str(error), "payload"
    if place := re.search(r" - at `\$\.?(\S+)`", told):
        field = place[1]
    if "truncated" in told:
        return Reject(field, shown(payload), "the JSON text is cut off before its end")
    if byte := re.search(r"malformed.*\(byte (\d+)\)", told):
        return Reject(field, shown(payload), f"it is not JSON from byte {int(byte[1]) + 1} on")
    if missing := re.search(r"missing required field `(\w+)`", told):
        return Reject(f"{place[1]}.{missing[1]}" if place else missing[1], shown(payload), "must be present")
    if isinstance(error, UnicodeDecodeError):
        return Reject(field, shown(payload), "text is UTF-8")
    if "out of range" in told:
        return Reject(field, shown(payload), NO_NUMBER)
    return Reject(field, shown(payload), "telemetry is {time, values} or a list of such")


def _telemetry_value(name: str, value: object, time: datetime, device: KnownDevice) -> Reading | Reject:
    stream = device.streams.get(name)
    if stream is None:
        return Reject(name, str(value), "the device's profile has no such property")
    if not isinstance(value, NUMBER) or isinstance(value, bool):
        return Reject(name, str(value), "a result of this property must be a number")
    number = finite(value)
    if number is None:
        return Reject(name, shown(repr(value).encode()), NO_NUMBER)
    return Reading(stream.id, time, number, in_range(number, stream.lowest, stream.highest), device.origin)


def finite(value: float) -> float | None:
    """The number as it is kept, None if it is none or too large."""
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if -LARGEST <= number <= LARGEST else None


def from_observation(body: Mapping[str, Any], stream: Stream, received: datetime, origin: int) -> Reading | Reject:
    """One SensorThings Observation (OGC 18-088 §8.2.7)."""
    if not isinstance(body, Mapping) or "result" not in body:
        return Reject("result", "", "an Observation is a JSON object with a result")
    extra = {name: body[name] for name in ("validTime", "resultQuality", "parameters") if body.get(name) is not None}
    try:
        time, end = parse_span(body["phenomenonTime"]) if body.get("phenomenonTime") else (received, None)
        result_time = parse_time(body["resultTime"]) if body.get("resultTime") else None
    except (ValueError, TypeError, AttributeError) as error:
        rule = str(error) if isinstance(error, ValueError) else NO_TIME
        return Reject("phenomenonTime", str(body.get("phenomenonTime")), rule)
    if time > received + FUTURE:
        return Reject("phenomenonTime", str(body["phenomenonTime"]), IN_FUTURE)
    feature = body.get("FeatureOfInterest")
    named = feature.get("@iot.id") if isinstance(feature, Mapping) else feature
    if named is not None and (not isinstance(named, int) or isinstance(named, bool)):
        return Reject("FeatureOfInterest", shown(repr(named).encode()), "it is named by its @iot.id, a whole number")
    result = body["result"]
    is_number = isinstance(result, int | float) and not isinstance(result, bool)
    number = finite(result) if is_number else None
    if is_number and number is None:
        return Reject("result", shown(repr(result).encode()), NO_NUMBER)
    verdict, reason = Verdict.GOOD if number is None else stream.verdict(number), None
    if stream.components:
        rule = _misfit(result, stream.components)
        if rule:
            return Reject("result", shown(repr(result).encode()), rule)
        verdicts = [one.verdict(value) for one, value in zip(stream.components, result, strict=True)]
        verdict = max(verdicts)
        reason = _why(result, stream.components, verdicts) if verdict else None
    return Reading(
        stream.id,
        time,
        number,
        verdict,
        origin,
        end,
        result_time,
        None if is_number else msgspec.json.encode(result).decode(),
        named,
        msgspec.json.encode(extra).decode() if extra else None,
        reason=reason,
    )


def _why(result: list[Any], components: tuple[Component, ...], verdicts: list[Verdict]) -> str:
    """Why a reading of a MultiDatastream is not good: the first value out of its range, and the verdict on each."""
    first = verdicts.index(Verdict.BAD)
    one, each = components[first], [verdict.name.lower() for verdict in verdicts]
    told = {"rule": "range", "value": result[first], "limit": [one.lowest, one.highest], "components": each}
    return msgspec.json.encode(told).decode()


def _misfit(result: Any, components: tuple[Component, ...]) -> str:
    """The rule that the result of a MultiDatastream breaks, or nothing (18-088, req/multi-datastream)."""
    if not isinstance(result, list) or len(result) != len(components):
        return f"a result of this MultiDatastream is a list of {len(components)}, one for each ObservedProperty"
    for number, (one, value) in enumerate(zip(components, result, strict=True), 1):
        if not one.takes(value):
            return f"value {number} of the result must be {TAKES[one.type][1]}, or null"
    return ""


def shown(payload: bytes) -> str:
    """The beginning of a payload as text."""
    return payload[:200].decode(errors="replace")
