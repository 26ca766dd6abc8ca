"""The living page of the visual language: every token and component, drawn with the styles that the product ships."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext_lazy

from shizhu.web.middleware import Request

BUILD = Path(__file__).parent / "static/build"
LEVELS = ("blue", "yellow", "orange", "red", "green")
SERIES = tuple(f"chart-{number}" for number in range(1, 7))
THEMES = ("light", "dark")
_BLOCK = re.compile(r"([^{}]+)\{([^{}]*)\}")
_TOKEN = re.compile(r"--sz-([a-z0-9-]+):\s*([^;]+);")
_COLOUR = re.compile(r"#[0-9a-f]{6}")


@dataclass(frozen=True)
class Pair:
    """A colour on a ground, with the least contrast it must have (WCAG 2.2, 1.4.3 and 1.4.11)."""

    front: str
    back: str
    least: float


def _pairs() -> tuple[Pair, ...]:
    wanted: list[tuple[str, str, float]] = [
        ("ink", "paper card sunken", 7.0),
        ("muted", "paper card sunken", 4.5),
        ("link", "paper card jade-soft", 4.5),
        ("jade", "paper card jade-soft", 4.5),
        ("on-jade", "jade", 4.5),
        ("on-gold-soft", "gold-soft", 4.5),
        ("focus", "paper card", 3.0),
        ("gold", "card", 3.0),
        ("line-strong", "paper card", 3.0),
        ("rail-ink", "rail-bg", 7.0),
        ("rail-muted", "rail-bg", 4.5),
        ("rail-gold", "rail-bg", 3.0),
        ("none-on", "none-fill", 4.5),
        ("map-ink", "map-land map-around", 4.5),
        *((level, f"card {level}-soft map-land", 3.0) for level in LEVELS),
        *((f"{level}-on", f"{level}-fill", 4.5) for level in LEVELS),
        *(("ink", f"{level}-soft", 7.0) for level in LEVELS),
        *(("red", ground, 4.5) for ground in ("card", "paper", "red-soft")),
        *((series, "card", 3.0) for series in SERIES),
    ]
    return tuple(Pair(front, back, least) for front, backs, least in wanted for back in backs.split())


PAIRS = _pairs()


@cache
def tokens() -> dict[str, dict[str, str]]:
    """Tokens by theme: `all` for those that both share, `light`, `dark`."""
    text = re.sub(r"/\*.*?\*/", "", (BUILD / "tokens.css").read_text(encoding="utf-8"), flags=re.DOTALL)
    found: dict[str, dict[str, str]] = {}
    for selector, body in _BLOCK.findall(text):
        theme = next((theme for theme in THEMES if f'"{theme}"' in selector), "all")
        found[theme] = {name: value.strip() for name, value in _TOKEN.findall(body)}
    return found


def colours(theme: str) -> dict[str, str]:
    """The colour tokens of a theme as #rrggbb."""
    return {name: value for name, value in tokens()[theme].items() if _COLOUR.fullmatch(value)}


def linear(colour: str) -> tuple[float, float, float]:
    """Linear light of a #rrggbb colour (sRGB, as WCAG 2.2 computes it)."""
    parts = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return red, green, blue


def contrast(front: str, back: str) -> float:
    """Contrast ratio of two colours, 1 to 21 (WCAG 2.2)."""
    lights = sorted(0.2126 * r + 0.7152 * g + 0.0722 * b for r, g, b in (linear(front), linear(back)))
    return (lights[1] + 0.05) / (lights[0] + 0.05)


def measured(theme: str) -> list[dict[str, Any]]:
    """Every pair with its ratio."""
    known = colours(theme)
    return [
        {"pair": pair, "front": known[pair.front], "back": known[pair.back],
         "ratio": contrast(known[pair.front], known[pair.back])}
        for pair in PAIRS
    ]  # fmt: skip


def _chart() -> dict[str, Any]:
    start = datetime(2026, 7, 1, tzinfo=UTC)
    values = [6.8, 6.5, 6.6, 6.1, 5.7, 5.2, 4.8, 4.4, 4.3, 4.9, 5.6, 6.2]
    points = [[(start + timedelta(hours=hour)).isoformat(), value, 0, 1] for hour, value in enumerate(values)]
    span = [(start + timedelta(hours=hour)).isoformat() for hour in (6, 9)]
    points[3][2] = 1
    return {"unit": "mg/L", "points": points, "limit": "≥ 5", "span": span, "raised": span[0]}


SECTIONS = (
    ("colour", gettext_lazy("Colour")), ("type", gettext_lazy("Type and space")), ("levels", gettext_lazy("Levels")),
    ("actions", gettext_lazy("Buttons and forms")), ("content", gettext_lazy("Cards and tables")),
    ("states", gettext_lazy("States")), ("data", gettext_lazy("Charts and map")), ("icons", gettext_lazy("Icons")),
    ("rules", gettext_lazy("Rules")),
)  # fmt: skip


def page(request: Request) -> HttpResponse:
    """GET /design."""
    icons = re.findall(r'<symbol id="([a-z0-9-]+)"', (BUILD / "icons.svg").read_text(encoding="utf-8"))
    shared = tokens()["all"]
    context = {
        "sections": SECTIONS,
        "themes": [{"name": theme, "colours": colours(theme), "pairs": measured(theme)} for theme in THEMES],
        "type": [(name, value) for name, value in shared.items() if name.startswith("text-")],
        "space": [(name, value) for name, value in shared.items() if name.startswith("space-")],
        "shadows": ("shadow-1", "shadow-2", "shadow-3"),
        "levels": LEVELS,
        "series": SERIES,
        "icons": sorted(icons),
        "chart": _chart(),
        "now": timezone.now(),
        "soon": timezone.now() + timedelta(hours=5, minutes=1),
        "late": timezone.now() - timedelta(days=2, minutes=1),
    }
    return render(request, "shizhu/design.html", context)
