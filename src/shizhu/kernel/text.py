"""Names in two languages and sort keys."""

from __future__ import annotations

import importlib
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from functools import cache, lru_cache
from typing import Any, Protocol, TypeVar

from django.utils.html import avoid_wrapping
from django.utils.timesince import timesince
from django.utils.translation import get_language, ngettext_lazy

SPANS: dict[str, Any] = {  # Django's own Chinese has 1 月 and 6 日, which are dates
    "year": ngettext_lazy("%(num)d year", "%(num)d years", "num"),
    "month": ngettext_lazy("%(num)d month", "%(num)d months", "num"),
    "week": ngettext_lazy("%(num)d week", "%(num)d weeks", "num"),
    "day": ngettext_lazy("%(num)d day", "%(num)d days", "num"),
    "hour": ngettext_lazy("%(num)d hour", "%(num)d hours", "num"),
    "minute": ngettext_lazy("%(num)d minute", "%(num)d minutes", "num"),
}
DAYS_SAID = 60
ISO = re.compile(  # of whole units
    r"P(?:(?P<year>\d+)Y)?(?:(?P<month>\d+)M)?(?:(?P<week>\d+)W)?(?:(?P<day>\d+)D)?"
    r"(?:T(?:(?P<hour>\d+)H)?(?:(?P<minute>\d+)M)?)?"
)


def spoken(begin: datetime, end: datetime, depth: int = 1) -> str:
    """How long it is from one moment to a later one, in the largest units, as people say it.

    In one unit alone weeks and one month leave too much unsaid of a deadline: up to two months they are days.
    """
    days = (end - begin).days
    if depth == 1 and 1 <= days < DAYS_SAID:
        return avoid_wrapping(SPANS["day"] % {"num": days})
    return timesince(begin, end, time_strings=SPANS, depth=depth)


def in_words(duration: str) -> str:
    """A duration of ISO 8601 as people say it (`P7D`: 7 days); what is none, and one of mixed units, as it stands."""
    found = ISO.fullmatch(duration)
    parts = [(unit, number) for unit, number in found.groupdict().items() if number] if found else []
    return SPANS[parts[0][0]] % {"num": int(parts[0][1])} if len(parts) == 1 else duration


def label(value: object, language: str | None = None) -> str:
    """Text of a declared name: a string as it is, a `{zh, en}` mapping by the language in force."""
    if isinstance(value, Mapping):
        wanted = (language or get_language() or "zh")[:2]
        return str(value.get(wanted) or value.get("zh") or next(iter(value.values()), ""))
    return "" if value is None else str(value)


class Named(Protocol):
    """A county, an area or an organisation."""

    name: str
    name_en: str


class Coded(Named, Protocol):
    """An area or an organisation."""

    code: str


T = TypeVar("T", bound=Coded)


def named(row: Named) -> str:
    """The name of a place or body in the language in force; the Chinese one where nobody gave an English one."""
    return label({"zh": row.name, "en": row.name_en})


def told_apart(rows: Iterable[T]) -> list[tuple[T, str]]:
    """Each row with its name, and with its code too where several of them have the name."""
    names = [(row, named(row)) for row in rows]
    several = {name for name, number in Counter(name for _row, name in names).items() if number > 1}
    return [(row, f"{name}（{row.code}）" if name in several else name) for row, name in names]


@cache
def _pinyin() -> Callable[[str], list[str]]:
    """Loaded when the first name is written: its dictionary takes 11 MB, and 57 MB with the phrases left out here."""
    os.environ.setdefault("PYPINYIN_NO_PHRASES", "true")
    reader: Callable[[str], list[str]] = importlib.import_module("pypinyin").lazy_pinyin
    return reader


@lru_cache(10_000)
def syllables(name: str) -> tuple[str, ...]:
    """Pinyin of a Chinese name, character by character; what is not Chinese stays together."""
    return tuple(_pinyin()(name))


def sort_key(name: str) -> str:
    """Pinyin of a Chinese name, for ORDER BY (the embedded server has no ICU collation)."""
    return " ".join(syllables(name)).lower()[:120]


def moment_sql(moment: datetime) -> str:
    """A moment as an SQL constant."""
    return f"'{moment.astimezone(UTC).isoformat()}'::timestamptz"


def time_sql(column: str) -> str:
    """A timestamp column as the fixed-width UTC text that conditions compare."""
    return f"""to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""


def text_sql(text: str) -> str:
    """A text as an SQL constant of a statement that has parameters."""
    return "'{}'".format(text.replace("'", "''").replace("%", "%%"))
