"""Names in two languages and sort keys."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.translation import get_language
from pypinyin import lazy_pinyin


def label(value: object, language: str | None = None) -> str:
    """Text of a declared name: a string as it is, a `{zh, en}` mapping by the language in force."""
    if isinstance(value, Mapping):
        wanted = (language or get_language() or "zh")[:2]
        return str(value.get(wanted) or value.get("zh") or next(iter(value.values()), ""))
    return "" if value is None else str(value)


def sort_key(name: str) -> str:
    """Pinyin of a Chinese name, for ORDER BY (the embedded server has no ICU collation)."""
    return " ".join(lazy_pinyin(name)).lower()[:120]
