"""When a timer that comes again falls due: a repeating interval of ISO 8601, or a schedule as cron has it."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, TypeAlias

from croniter import croniter

from shizhu.lib.times import months_on

Add: TypeAlias = Callable[[datetime, str], datetime]  # the moment a duration after another

DURATION = r"P(?!$)(?:\d+Y)?(?:\d+M)?(?:\d+W)?(?:\d+D)?(?:T(?=\d)(?:\d+H)?(?:\d+M)?(?:\d+(?:\.\d+)?S)?)?"
MOMENT = r"\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d|@\S+)?)?"
CYCLE = re.compile(rf"R(?P<times>\d*)/(?:(?P<begin>{MOMENT})/)?(?P<every>{DURATION})(?:/(?P<end>{MOMENT}))?")
CRON = re.compile(r"@\w+|([\d*?/,#LW-]|[A-Za-z]{3})+(\s+([\d*?/,#LW-]|[A-Za-z]{3})+){4,6}")
NUMBERED = re.compile(r"[0-7]([-,/#L]|$)")  # a day of the week by its number
MOST = 10_000  # repetitions that may lie behind us when a timer begins


def fault_of_cron(text: str) -> str:
    """Why a schedule is not run, nothing where it is: five fields of cron, or six or seven with seconds (Quartz)."""
    fields = text.split()
    if len(fields) > 5 and NUMBERED.match(fields[5]):  # 1 is Sunday in Quartz and Monday in Spring
        return "names a day of the week by a number, which engines count differently: write MON to SUN"
    return "" if croniter.is_valid(text, second_at_beginning=True) else "is no schedule that can be read"


def moment_of(text: str, zone: tzinfo | None) -> datetime:
    """A moment of ISO 8601; one that names no zone lies in this one. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


def later(moment: datetime, duration: str, add: Add) -> datetime:
    """The moment a duration after another: its years and months by the calendar, the rest as the clock counts.

    Their last day ends as the clock has it: in working time with its hours, on the next workday where it is none
    (民法典 §203).
    """
    then, rest = months_on(moment, duration)
    return add(then, rest) if rest else add(then - timedelta(days=1), "P1D")


def first(text: str, now: datetime, add: Add) -> dict[str, Any] | None:
    """`due`, `every`, how often it is `left` (-1: without end) and `until`, as JSON; None if it never comes.

    Of repetitions that lie behind us only the last may still come. Raises ValueError for what is no cycle.
    """
    if CRON.fullmatch(text):
        return {"due": _scheduled(text, now).astimezone(UTC).isoformat(), "every": text, "left": -1}
    found = CYCLE.fullmatch(text)
    if not found:
        raise ValueError("must be a cycle of ISO 8601 such as R3/PT24H")
    every, left = found["every"], int(found["times"] or -1)
    due = moment_of(found["begin"], now.tzinfo) if found["begin"] else later(now, every, add)
    for _behind in range(MOST):
        if due >= now or left == 1:
            break
        due, left = later(due, every, add), left - 1 if left > 0 else left
    else:
        raise ValueError("began too long ago")
    spec = {"due": due.astimezone(UTC).isoformat(), "every": every, "left": left}
    if found["end"]:
        spec["until"] = moment_of(found["end"], now.tzinfo).astimezone(UTC).isoformat()
    return spec if left and _is_in_time(spec) else None


def following(spec: dict[str, Any], now: datetime, add: Add) -> dict[str, Any] | None:
    """What a timer that has just come waits for next; None where it was the last time."""
    left = spec.get("left", 1) - 1
    if left == 0:
        return None
    since = datetime.fromisoformat(spec["due"]).astimezone(now.tzinfo)
    is_cron = CRON.fullmatch(spec["every"]) is not None
    due = _scheduled(spec["every"], max(since, now)) if is_cron else later(since, spec["every"], add)
    again = {**spec, "left": left, "due": due.astimezone(UTC).isoformat()}
    return again if _is_in_time(again) else None


def _is_in_time(spec: dict[str, Any]) -> bool:
    return datetime.fromisoformat(spec["due"]) <= datetime.fromisoformat(spec.get("until", spec["due"]))


def _scheduled(text: str, after: datetime) -> datetime:
    found: datetime = croniter(text, after, second_at_beginning=True).get_next(datetime)
    return found
