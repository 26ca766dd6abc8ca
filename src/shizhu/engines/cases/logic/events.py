"""What events of a file wait for and throw (BPMN 2.0, 10.4)."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any, TypeAlias

from shizhu.engines.cases.logic.book import Book
from shizhu.engines.cases.logic.flow import Event, FlowError
from shizhu.engines.cases.logic.timers import CRON, CYCLE, DURATION, MOMENT, fault_of_cron
from shizhu.engines.cases.logic.vendors import BPMN, feel_of, first, told, value_of

Element: TypeAlias = Any
DEFINITION = "EventDefinition"
TIMERS = {"timeDate": "date", "timeDuration": "duration", "timeCycle": "cycle"}
SPAN = re.compile(r"(?=\d)(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?")  # of jBPM: 1d12h, 500ms
NO_TIME = {
    "date": "must be a date of ISO 8601 such as %(example)s, or FEEL after “=”",
    "duration": "must be a duration of ISO 8601 such as %(example)s, or FEEL after “=”",
    "cycle": "must be a cycle of ISO 8601 such as %(example)s, or FEEL after “=”",
}
FORMS = {
    "date": (re.compile(MOMENT), "2026-07-01T09:00:00"),
    "duration": (re.compile(DURATION), "PT24H"),
    "cycle": (CYCLE, "R3/PT24H"),
}
NAMED = {"message": "messageRef", "signal": "signalRef", "error": "errorRef", "escalation": "escalationRef"}
CODES = {"error": "errorCode", "escalation": "escalationCode"}


def event_of(element: Element, book: Book) -> Event | None:
    """What an event, a send or a receive task waits for or throws; None for nothing."""
    id_, name, kind = element.get("id"), element.get("name", ""), element.tag.removeprefix(BPMN)
    if kind in {"sendTask", "receiveTask"}:
        return _task(element, book, is_needed=kind == "receiveTask")
    found = [child for child in element if isinstance(child.tag, str) and child.tag.endswith(DEFINITION)]
    for reference in element.findall(f"{BPMN}eventDefinitionRef"):
        referred = book.refer(reference.text)
        if referred is None:
            raise FlowError(id_, reference.text, "is no event definition of this file", name)
        found.append(referred)
    if len(found) > 1:
        raise FlowError(id_, len(found), "event definitions: an event has one here", name)
    if not found:
        if kind in {"intermediateCatchEvent", "boundaryEvent"}:
            raise FlowError(id_, kind, "must say what it waits for", name)
        return None
    return _event(element, found[0], book)


def _task(element: Element, book: Book, *, is_needed: bool) -> Event | None:
    reference = element.get("messageRef")
    message = book.refer(reference)
    if reference and message is None:
        raise FlowError(element.get("id"), reference, "is no message of this file", element.get("name", ""))
    if message is None and not is_needed:
        return None
    return Event("message", _called(element, message), _key(element, message))


def _event(element: Element, definition: Element, book: Book) -> Event:
    id_, name = element.get("id"), element.get("name", "")
    kind = definition.tag.removeprefix(BPMN).removesuffix(DEFINITION)
    if kind in {"terminate", "cancel"}:
        return Event(kind)
    if kind == "link":
        return Event(kind, definition.get("name") or name)
    if kind == "conditional":
        text = feel_of(id_, "".join(definition.itertext()), name)
        if not text:
            raise FlowError(id_, "", "must say the condition it waits for", name)
        return Event("condition", expression=text)
    if kind == "timer":
        return _timer(element, definition)
    if kind == "compensate":
        activity = definition.get("activityRef")
        referred = book.refer(activity)
        if activity and referred is None:
            raise FlowError(id_, activity, "is no activity of this file", name)
        return Event("compensation", "" if referred is None else referred.get("id"))
    if kind not in NAMED:
        raise FlowError(id_, kind, "is not supported yet", name)
    reference = definition.get(NAMED[kind])
    referred = book.refer(reference)
    if reference and referred is None:
        raise FlowError(id_, reference, f"is no {kind} of this file", name)
    if kind in CODES:
        code = "" if referred is None else referred.get(CODES[kind]) or referred.get("name") or referred.get("id")
        return Event(kind, code, title="" if referred is None else referred.get("name", ""))
    return Event(kind, _called(element, referred), _key(element, referred) if kind == "message" else "")


def _called(element: Element, referred: Element | None) -> str:
    """The name of a message or signal; an event that refers to none is its own."""
    said = "" if referred is None else referred.get("name") or referred.get("id")
    return str(said or element.get("name") or element.get("id"))


def _key(element: Element, message: Element | None) -> str:
    """FEEL of what tells one message from others of its name."""
    text = told(element).get("key", "")
    if not text and message is not None:
        text = first(message, "subscription", "correlationKey")
    return feel_of(element.get("id"), text, element.get("name", "")) if text else ""


def _iso(days: int, hours: int, minutes: int, seconds: int, thousandths: int) -> str:
    return f"P{days}DT{hours}H{minutes}M{Decimal(seconds) + Decimal(thousandths) / 1000}S"


def _timer(element: Element, definition: Element) -> Event:
    id_, name = element.get("id"), element.get("name", "")
    for tag, timer in TIMERS.items():
        part = definition.find(f"{BPMN}{tag}")
        text = "" if part is None else "".join(part.itertext()).strip()
        if not text:
            continue
        pattern, example = FORMS[timer]
        if timer != "date" and (span := SPAN.fullmatch(text)):
            text = _iso(*(int(part or 0) for part in span.groups()))
            text = text if timer == "duration" else f"R/{text}"
        is_cron = timer == "cycle" and CRON.fullmatch(text) is not None
        if is_cron and (fault := fault_of_cron(text)):
            raise FlowError(id_, text, fault, name)
        expression = value_of(id_, text, name)
        if expression == json.dumps(text, ensure_ascii=False) and not is_cron and not pattern.fullmatch(text):
            raise FlowError(id_, text, NO_TIME[timer], name, example=example)
        return Event("timer", timer=timer, expression=expression)
    raise FlowError(id_, "timer", "must say when: a date, a duration or a cycle", name)
