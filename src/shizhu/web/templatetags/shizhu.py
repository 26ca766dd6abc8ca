"""Template tags used on every page."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from django import template
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from shizhu.kernel import text
from shizhu.lib import speech
from shizhu.web import search

register = template.Library()
BUILD = Path(__file__).parent.parent / "static/build"


@cache
def _manifest() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((BUILD / "manifest.json").read_text())
    return loaded


def _styles(entry: dict[str, Any]) -> list[str]:
    styles = list(entry.get("css", []))
    for imported in entry.get("imports", []):
        styles += _manifest()[imported].get("css", [])
    return styles


@register.simple_tag
def island(name: str) -> SafeString:
    """Script and styles of a front-end entry: `main`, `map`, `chart`."""
    entry = _manifest()[f"src/{name}.ts"]
    links = format_html_join(
        "", '<link rel="stylesheet" href="{}">', ((static(f"build/{css}"),) for css in _styles(entry))
    )
    return format_html('{}<script type="module" src="{}"></script>', links, static(f"build/{entry['file']}"))


def files(name: str) -> list[str]:
    """Addresses of all that a front-end entry loads at once, for a page that works without a network."""
    entry = _manifest()[f"src/{name}.ts"]
    scripts = [entry["file"], *(_manifest()[imported]["file"] for imported in entry.get("imports", []))]
    return [static(f"build/{file}") for file in (*scripts, *_styles(entry), "icons.svg")]


@register.simple_tag
@lru_cache(maxsize=1000)  # a page has a hundred
def icon(name: str, css: str = "") -> SafeString:
    """An icon of the sprite."""
    return format_html(
        '<svg class="icon {}" aria-hidden="true"><use href="{}#{}"/></svg>', css, static("build/icons.svg"), name
    )


@register.filter
def label(value: object) -> str:
    """A declared name in the language in force."""
    return text.label(value)


@register.filter
def named(row: text.Named | None) -> str:
    """The name of a county, an area or an organisation in the language in force."""
    return text.named(row) if row else ""


@register.filter
def told_apart(rows: Iterable[text.Coded]) -> list[tuple[text.Coded, str]]:
    """Rows to choose among, each with a name that no other of them has."""
    return text.told_apart(rows)


@register.filter
def since(moment: datetime | None) -> str:
    """How long ago, in words; the exact time on hover."""
    if not moment:
        return "—"
    if timezone.now() - moment < timedelta(minutes=1):
        return _time(moment, _("just now"))
    return _time(moment, _("%(span)s ago") % {"span": text.spoken(moment, timezone.now())})


@register.filter
def until(moment: datetime | None) -> str:
    """Time left until a deadline, or how late it is."""
    if not moment:
        return "—"
    if moment >= timezone.now():
        return _time(moment, _("%(span)s left") % {"span": text.spoken(timezone.now(), moment)}, "text-secondary")
    return _time(moment, _("%(span)s late") % {"span": text.spoken(moment, timezone.now())}, "text-danger fw-bold")


def _time(moment: datetime, words: str, css: str = "") -> SafeString:
    local = timezone.localtime(moment)
    return format_html(
        '<time class="{}" datetime="{}" title="{}">{}</time>',
        css,
        local.isoformat(),
        local.strftime("%Y-%m-%d %H:%M:%S"),
        words,
    )


@register.filter
def moment(value: datetime | None) -> str:
    """A time of day in the county."""
    return "—" if not value else timezone.localtime(value).strftime("%Y-%m-%d %H:%M")


@register.filter
def span(value: timedelta | None) -> str:
    """How long, as `0:02:03`: hours always, or minutes are read as hours. Negative with a minus, none a dash."""
    if value is None:
        return "—"
    seconds = abs(round(value.total_seconds()))
    hours, rest = divmod(seconds, 3600)
    text = f"{hours}:{rest // 60:02}:{rest % 60:02}"
    return f"-{text}" if value < timedelta() else text


@register.filter
def speaking(text: str) -> float:
    """How many seconds a text takes to be read out."""
    return round(speech.seconds(text))


@register.filter
def number(value: object) -> str:
    """A number without a tail of noise; a dash for none."""
    if value is None or value == "":
        return "—"
    if not isinstance(value, float):
        return str(value)
    return f"{value:.2f}".rstrip("0").rstrip(".") if abs(value) >= 10 else f"{value:.3g}"


@register.filter
def marked(value: str, words: tuple[str, ...]) -> SafeString:
    """A text with what was looked for in `<mark>`."""
    return search.marked(value, words)


@register.filter
def as_json(value: object, element: str) -> SafeString:
    """JSON in a script element, safe in HTML."""
    escaped = json.dumps(value, ensure_ascii=False, default=str).replace("<", "\\u003c")
    return mark_safe(f'<script type="application/json" id="{element}">{escaped}</script>')  # noqa: S308  # "<" is escaped
