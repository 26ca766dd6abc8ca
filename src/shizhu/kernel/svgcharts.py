"""Charts as SVG, for paper: the same numbers, kinds and colours that Word's own charts have."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from html import escape
from math import ceil, floor, log10

from shizhu.kernel.wordcharts import LINES, PIE, Chart, Series, colour

FONT = "Noto Sans CJK SC, Source Han Sans SC, WenQuanYi Zen Hei, SimHei, sans-serif"
SCALE = 4.0  # units a millimetre
TEXT = 12.0  # units: three millimetres


def drawn(chart: Chart) -> str:
    """A bar, ranking or line chart, of its size; a pie is drawn as a ranking, which paper without colours reads too."""
    width, height = chart.width * SCALE, chart.height * SCALE
    is_lying = chart.kind in {"ranking", PIE}
    body = "".join(_ranking(chart, width, height) if is_lying else _upright(chart, width, height))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" '
        f'height="{height:g}" font-family="{FONT}" font-size="{TEXT:g}" fill="#222">{body}</svg>'
    )


def _text(x: float, y: float, text: str, anchor: str = "middle") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _scale(chart: Chart) -> list[float]:
    """Round steps from the lowest to the highest value; bars begin at 0."""
    values = [value for one in chart.series for value in one.values if value is not None] or [0.0]
    low, high = min(values), max(values)
    if chart.kind not in LINES:
        low, high = min(0.0, low), max(0.0, high)
    if low == high:
        high = low + 1
    rough = (high - low) / 4
    unit = 10 ** floor(log10(rough))
    step = next(unit * factor for factor in (1, 2, 5, 10) if unit * factor >= rough)
    first, last = floor(low / step), ceil(high / step)
    return [step * number for number in range(first, last + 1)]


def _legend(chart: Chart, width: float, height: float) -> Iterator[str]:
    if len(chart.series) < 2:
        return
    x = width / 2 - 60 * len(chart.series)
    for number, one in enumerate(chart.series):
        yield f'<rect x="{x:.1f}" y="{height - 14:.1f}" width="14" height="9" fill="#{colour(number)}"/>'
        yield _text(x + 20, height - 5, one.name, "start")
        x += 120


def _upright(chart: Chart, width: float, height: float) -> Iterator[str]:
    left, top, bottom = 56.0, 20.0, 46.0 if len(chart.series) > 1 else 28.0
    ticks = _scale(chart)
    low, high = ticks[0], ticks[-1]
    tall, step = height - top - bottom, (width - left - 12) / max(1, len(chart.names))

    def at(value: float) -> float:
        return top + tall * (high - value) / (high - low)

    for tick in ticks:
        y = at(tick)
        yield f'<path d="M{left} {y:.1f}H{width - 12:.1f}" stroke="#d9d9d9"/>'
        yield _text(left - 6, y + 4, f"{tick:g}", "end")
    every = ceil(len(chart.names) / 14)
    for number, name in enumerate(chart.names):
        if number % every == 0:
            yield _text(left + step * (number + 0.5), height - bottom + 17, name)
    if chart.kind in LINES:
        for number, one in enumerate(chart.series):
            yield from _line(one, number, left, step, at)
    else:
        share = 0.6 / len(chart.series)
        for number, one in enumerate(chart.series):
            for place, value in enumerate(one.values):
                if value is None:
                    continue
                x, y, zero = left + step * (place + 0.2 + share * number), at(value), at(0)
                tall_bar = abs(zero - y)
                yield (
                    f'<rect x="{x:.1f}" y="{min(y, zero):.1f}" width="{step * share:.1f}" height="{tall_bar:.1f}" '
                    f'fill="#{colour(number)}"/>'
                )
                if len(chart.series) == 1:
                    yield _text(x + step * share / 2, min(y, zero) - 4, f"{value:g}")
    yield from _legend(chart, width, height)


def _line(one: Series, number: int, left: float, step: float, at: Callable[[float], float]) -> Iterator[str]:
    points = [(left + step * (n + 0.5), at(value)) for n, value in enumerate(one.values) if value is not None]
    way = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    dash = ' stroke-dasharray="7 5"' if number else ""
    yield f'<polyline points="{way}" fill="none" stroke="#{colour(number)}" stroke-width="2.5"{dash}/>'
    for x, y in points:
        yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="#{colour(number)}"/>'


def _ranking(chart: Chart, width: float, height: float) -> Iterator[str]:
    one = chart.series[0]
    left = min(width * 0.45, 20 + TEXT * max(map(len, chart.names), default=4))
    most = max([abs(value) for value in one.values if value is not None] or [1.0]) or 1.0
    step = (height - 10) / max(1, len(chart.names))
    for number, (name, value) in enumerate(zip(chart.names, one.values, strict=True)):
        y = 5 + step * number
        yield _text(left - 8, y + step / 2 + 4, _short(name, left), "end")
        if value is None:
            continue
        long = (width - left - 70) * max(0.0, value) / most
        yield (
            f'<rect x="{left:.1f}" y="{y + step * 0.2:.1f}" width="{long:.1f}" height="{step * 0.6:.1f}" '
            f'fill="#{colour(0)}"/>'
        )
        yield _text(left + long + 6, y + step / 2 + 4, f"{value:g}", "start")


def _short(name: str, width: float) -> str:
    most = max(4, int((width - 12) / TEXT))
    return name if len(name) <= most else name[: most - 1] + "…"
