"""CAP 1.2 (OASIS Common Alerting Protocol): alerts to XML and back, checked by the rules of the standard.

Colours of the county (蓝 黄 橙 红) stand for severity Minor, Moderate, Severe, Extreme. Faults name element,
value, rule.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from xml.sax.saxutils import escape

from shizhu.lib import markup

NAMESPACE = "urn:oasis:names:tc:emergency:cap:1.2"
GEOCODE = "CPEAS Geographic Code"  # what the national feed calls an area's code of 12 digits
SEVERITY = {"blue": "Minor", "yellow": "Moderate", "orange": "Severe", "red": "Extreme"}
STATUS = ("Actual", "Exercise", "System", "Test", "Draft")
MESSAGE_TYPES = ("Alert", "Update", "Cancel", "Ack", "Error")
SCOPES = ("Public", "Restricted", "Private")
CATEGORIES = (
    "Geo",
    "Met",
    "Safety",
    "Security",
    "Rescue",
    "Fire",
    "Health",
    "Env",
    "Transport",
    "Infra",
    "CBRNE",
    "Other",
)
RESPONSES = ("Shelter", "Evacuate", "Prepare", "Execute", "Avoid", "Monitor", "Assess", "AllClear", "None")
URGENCIES = ("Immediate", "Expected", "Future", "Past", "Unknown")
SEVERITIES = ("Extreme", "Severe", "Moderate", "Minor", "Unknown")
CERTAINTIES = ("Observed", "Likely", "Possible", "Unlikely", "Unknown")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[-+]\d\d:\d\d")
FORBIDDEN = re.compile(r"[\s,<&]")  # of identifier and sender (§3.2.1)
NO_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0 §2.2

Position = tuple[float, float]  # longitude, latitude


class CapError(ValueError):
    """What a message breaks: element, value, rule."""

    def __init__(self, element: str, value: object, rule: str) -> None:
        super().__init__(f"{element}: {value!r} {rule}")
        self.element, self.value, self.rule = element, value, rule


@dataclass(frozen=True)
class Area:
    """Where: words, closed rings in WGS 84, circles (centre, kilometres), codes as (name, value)."""

    description: str
    polygons: tuple[tuple[Position, ...], ...] = ()
    circles: tuple[tuple[Position, float], ...] = ()
    codes: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Info:
    """What is said in one language."""

    event: str
    urgency: str
    severity: str
    certainty: str
    categories: tuple[str, ...]
    areas: tuple[Area, ...] = ()
    language: str = "zh-CN"
    responses: tuple[str, ...] = ()
    event_codes: tuple[tuple[str, str], ...] = ()
    effective: datetime | None = None
    onset: datetime | None = None
    expires: datetime | None = None
    sender_name: str = ""
    headline: str = ""
    description: str = ""
    instruction: str = ""
    web: str = ""
    contact: str = ""
    parameters: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Reference:
    """An earlier message, as `sender,identifier,sent`."""

    sender: str
    identifier: str
    sent: datetime

    def __str__(self) -> str:
        return f"{self.sender},{self.identifier},{shown(self.sent)}"


@dataclass(frozen=True)
class Alert:
    """One message."""

    identifier: str
    sender: str
    sent: datetime
    status: str = "Actual"
    message_type: str = "Alert"
    scope: str = "Public"
    infos: tuple[Info, ...] = ()
    references: tuple[Reference, ...] = ()
    note: str = ""
    restriction: str = ""


def shown(time: datetime) -> str:
    """As the standard wants it: whole seconds and an offset; UTC is -00:00, never Z (§3.3.2)."""
    if time.tzinfo is None:
        raise CapError("time", time, "must have a zone")
    text = time.isoformat(timespec="seconds")
    return text.removesuffix("+00:00") + "-00:00" if text.endswith("+00:00") else text


def problems(alert: Alert) -> Iterator[CapError]:
    """Everything that the message breaks."""
    for name, text in (("identifier", alert.identifier), ("sender", alert.sender)):
        if not text or FORBIDDEN.search(text):
            yield CapError(name, text, "must be there, without spaces, commas, < and &")
    yield from _one_of(
        ("status", alert.status, STATUS), ("msgType", alert.message_type, MESSAGE_TYPES), ("scope", alert.scope, SCOPES)
    )
    if alert.message_type in {"Update", "Cancel", "Ack", "Error"} and not alert.references:
        yield CapError("references", "", f"must name what this {alert.message_type} is about")
    if alert.scope == "Restricted" and not alert.restriction:
        yield CapError("restriction", "", "must say for whom a restricted message is")
    if alert.message_type in {"Alert", "Update"} and not alert.infos:
        yield CapError("info", "", f"must be there in an {alert.message_type}")
    for name, text in (("note", alert.note), ("restriction", alert.restriction)):
        yield from _of_text(name, text)
    for info in alert.infos:
        yield from _of_info(info, alert.sent)


def _one_of(*told: tuple[str, str, tuple[str, ...]]) -> Iterator[CapError]:
    for name, text, allowed in told:
        if text not in allowed:
            yield CapError(name, text, f"must be one of {', '.join(allowed)}")


def _of_text(name: str, text: str) -> Iterator[CapError]:
    if found := NO_XML.search(text):
        yield CapError(name, found[0], "is a character that XML does not have")


def _of_info(info: Info, sent: datetime) -> Iterator[CapError]:
    yield from _one_of(
        ("urgency", info.urgency, URGENCIES), ("severity", info.severity, SEVERITIES),
        ("certainty", info.certainty, CERTAINTIES), *(("category", one, CATEGORIES) for one in info.categories),
        *(("responseType", one, RESPONSES) for one in info.responses),
    )  # fmt: skip
    if not info.event or not info.categories:
        yield CapError("event", info.event, "must be there, with a category")
    if info.expires is not None and info.expires <= (info.effective or sent):
        yield CapError("expires", shown(info.expires), "must be later than effective and sent")
    for name, text in (
        ("event", info.event), ("senderName", info.sender_name), ("headline", info.headline),
        ("description", info.description), ("instruction", info.instruction), ("web", info.web),
        ("contact", info.contact),
    ):  # fmt: skip
        yield from _of_text(name, text)
    for area in info.areas:
        yield from _of_area(area)


def _of_area(area: Area) -> Iterator[CapError]:
    if not area.description:
        yield CapError("areaDesc", "", "must be there")
    yield from _of_text("areaDesc", area.description)
    for ring in area.polygons:
        if len(ring) < 4 or ring[0] != ring[-1]:
            yield CapError("polygon", _ring(ring), "must have four positions or more, the last the same as the first")
    for position in (*(one for ring in area.polygons for one in ring), *(centre for centre, _ in area.circles)):
        if not (-180 <= position[0] <= 180 and -90 <= position[1] <= 90):
            yield CapError("position", _position(position), "must be latitude,longitude in degrees")


def encode(alert: Alert) -> bytes:
    """XML in UTF-8. Raises the first CapError."""
    for problem in problems(alert):
        raise problem
    parts = [
        ("identifier", alert.identifier), ("sender", alert.sender), ("sent", shown(alert.sent)),
        ("status", alert.status), ("msgType", alert.message_type), ("scope", alert.scope),
        ("restriction", alert.restriction), ("note", alert.note),
        ("references", " ".join(map(str, alert.references))),
    ]  # fmt: skip
    body = _written(parts) + "".join(f"<info>{_info(info)}</info>" for info in alert.infos)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<alert xmlns="{NAMESPACE}">{body}</alert>\n'.encode()


def _written(parts: Iterable[tuple[str, str]]) -> str:
    return "".join(f"<{name}>{escape(text)}</{name}>" for name, text in parts if text)


def _info(info: Info) -> str:
    times = [
        (name, shown(time))
        for name, time in (("effective", info.effective), ("onset", info.onset), ("expires", info.expires))
        if time
    ]
    return (
        _written([("language", info.language), *(("category", one) for one in info.categories), ("event", info.event)])
        + _written([("responseType", one) for one in info.responses])
        + _written([("urgency", info.urgency), ("severity", info.severity), ("certainty", info.certainty)])
        + _pairs("eventCode", info.event_codes)
        + _written(
            [*times, ("senderName", info.sender_name), ("headline", info.headline), ("description", info.description)]
        )
        + _written([("instruction", info.instruction), ("web", info.web), ("contact", info.contact)])
        + _pairs("parameter", info.parameters)
        + "".join(f"<area>{_area(area)}</area>" for area in info.areas)
    )


def _pairs(name: str, pairs: Iterable[tuple[str, str]]) -> str:
    return "".join(f"<{name}>{_written([('valueName', key), ('value', value)])}</{name}>" for key, value in pairs)


def _area(area: Area) -> str:
    shapes = [("polygon", _ring(ring)) for ring in area.polygons]
    shapes += [("circle", f"{_position(centre)} {radius:g}") for centre, radius in area.circles]
    return _written([("areaDesc", area.description), *shapes]) + _pairs("geocode", area.codes)


def _position(position: Position) -> str:
    """To a metre; never with an exponent, which the standard has not (§3.2.4)."""
    return ",".join(f"{degrees:.5f}".rstrip("0").rstrip(".") for degrees in position[::-1])


def _ring(ring: Iterable[Position]) -> str:
    return " ".join(map(_position, ring))


def decode(xml: bytes) -> Alert:
    """An alert as it was sent; CapError for what is no CAP 1.2 message or cannot be understood."""
    try:
        root = markup.read(xml, "an alert")
    except markup.MarkupError as error:
        raise CapError("alert", error.value, error.rule) from None
    if root.tag != f"{{{NAMESPACE}}}alert":
        raise CapError("alert", root.tag, f"must be alert of {NAMESPACE}")
    references = tuple(map(_reference, _text(root, "references").split()))
    made = Alert(
        _text(root, "identifier"), _text(root, "sender"), _time("sent", _text(root, "sent")), _text(root, "status"),
        _text(root, "msgType"), _text(root, "scope"), tuple(map(_read_info, _all(root, "info"))), references,
        _text(root, "note"), _text(root, "restriction"),
    )  # fmt: skip
    for problem in problems(made):
        raise problem
    return made


def _all(node: Any, name: str) -> list[Any]:
    found: list[Any] = node.findall(f"{{{NAMESPACE}}}{name}")
    return found


def _text(node: Any, name: str) -> str:
    return (node.findtext(f"{{{NAMESPACE}}}{name}") or "").strip()


def _time(name: str, text: str) -> datetime:
    try:
        if TIME.fullmatch(text):
            return datetime.fromisoformat(text)
    except ValueError:
        pass
    raise CapError(name, text, "must be a time with an offset, such as 2026-07-01T12:00:00+08:00")


def _maybe(node: Any, name: str) -> datetime | None:
    text = _text(node, name)
    return _time(name, text) if text else None


def _reference(text: str) -> Reference:
    parts = text.split(",")
    if len(parts) != 3:
        raise CapError("references", text, "must be sender,identifier,sent")
    return Reference(parts[0], parts[1], _time("references", parts[2]))


def _read_pairs(node: Any, name: str) -> tuple[tuple[str, str], ...]:
    return tuple((_text(one, "valueName"), _text(one, "value")) for one in _all(node, name))


def _read_info(node: Any) -> Info:
    return Info(
        _text(node, "event"), _text(node, "urgency"), _text(node, "severity"), _text(node, "certainty"),
        tuple((one.text or "").strip() for one in _all(node, "category")), tuple(map(_read_area, _all(node, "area"))),
        _text(node, "language") or "en-US", tuple((one.text or "").strip() for one in _all(node, "responseType")),
        _read_pairs(node, "eventCode"), _maybe(node, "effective"), _maybe(node, "onset"), _maybe(node, "expires"),
        _text(node, "senderName"), _text(node, "headline"), _text(node, "description"), _text(node, "instruction"),
        _text(node, "web"), _text(node, "contact"),
        _read_pairs(node, "parameter"),
    )  # fmt: skip


def _read_area(node: Any) -> Area:
    circles = []
    for one in _all(node, "circle"):
        centre, _, radius = (one.text or "").strip().partition(" ")
        circles.append((_read_position(centre), _number("circle", radius)))
    polygons = tuple(tuple(map(_read_position, (one.text or "").split())) for one in _all(node, "polygon"))
    return Area(_text(node, "areaDesc"), polygons, tuple(circles), _read_pairs(node, "geocode"))


def _read_position(text: str) -> Position:
    latitude, _, longitude = text.partition(",")
    return _number("polygon", longitude), _number("polygon", latitude)


def _number(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise CapError(name, text, "must be a number") from None
