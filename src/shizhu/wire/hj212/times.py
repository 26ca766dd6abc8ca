"""Times on the wire: China time without a zone (HJ 212-2017 §6.3.3); UTC everywhere else."""

import re
from datetime import UTC, datetime, timedelta, timezone

__all__ = ["format_qn", "format_time", "parse_qn", "parse_time"]

_CHINA = timezone(timedelta(hours=8))


def format_time(moment: datetime) -> str:
    """An aware time as YYYYMMDDhhmmss, China time."""
    return moment.astimezone(_CHINA).strftime("%Y%m%d%H%M%S")


def parse_time(text: str) -> datetime:
    """YYYYMMDDhhmmss of China time as an aware time in UTC; raises ValueError."""
    if not re.fullmatch(r"[0-9]{14}", text):
        raise ValueError(f"{text!r} is not 14 digits YYYYMMDDhhmmss")
    return datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=_CHINA).astimezone(UTC)


def format_qn(moment: datetime) -> str:
    """An aware time as request number (请求编码): YYYYMMDDhhmmsszzz, milliseconds, China time."""
    return f"{format_time(moment)}{moment.microsecond // 1000:03d}"


def parse_qn(text: str) -> datetime:
    """The time a request number names, aware, in UTC; raises ValueError."""
    return parse_time(text[:-3]) + timedelta(milliseconds=int(text[-3:]))
