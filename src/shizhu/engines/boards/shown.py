"""A panel as a template draws it: texts in the language in force, numbers with their decimals, series for charts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from shizhu.engines.boards.panels import Answer, is_stale, level
from shizhu.kernel.datasets import Column, Result
from shizhu.kernel.packs import Body
from shizhu.kernel.text import label

CHARTS = {"bar", "line", "area", "stacked", "pie", "map"}
LEVELS = {"red", "orange", "yellow", "blue", "green", "none"}
SPARK_WIDTH, SPARK_HEIGHT = 120.0, 32.0


@dataclass(frozen=True)
class Cell:
    """One cell of the table behind a panel."""

    text: str
    is_number: bool = False
    level: str = ""


@dataclass(frozen=True)
class Line:
    """One row: cells, where it leads, share of the largest value for a bar, 0–100."""

    cells: tuple[Cell, ...]
    href: str = ""
    width: float = 0.0
    is_simulated: bool = False
    level: str = ""
    phase: str = ""


@dataclass(frozen=True)
class Shown:
    """A panel with everything its template needs; `chart` is what the chart island draws."""

    key: str
    title: str
    kind: str
    help: str = ""
    on: str = ""
    is_pending: bool = False
    is_refused: bool = False
    problem: str = ""
    text: str = ""
    value: str = ""
    unit: str = ""
    level: str = ""
    href: str = ""
    target: str = ""
    change: str = ""
    change_text: str = ""
    is_better: bool | None = None
    spark: str = ""
    heads: tuple[str, ...] = ()
    lines: tuple[Line, ...] = ()
    chart: Mapping[str, Any] | None = None
    source: str = ""
    newest: datetime | None = None
    is_stale: bool = False
    is_part: bool = False
    total: int = 0
    simulated: int = 0
    missing: Sequence[str] = field(default_factory=list)
    asked_at: datetime | None = None

    @property
    def is_all_simulated(self) -> bool:
        """Whether nothing of it was measured."""
        return bool(self.simulated) and self.simulated >= self.total


def pending(panel: Body) -> Shown:
    """A panel whose answer comes after its page."""
    return Shown(is_pending=True, **_about(panel))


def _about(panel: Body) -> dict[str, Any]:
    return {
        "key": panel["key"], "title": label(panel["title"]), "kind": panel["kind"], "help": label(panel.get("help")),
        "on": " ".join(f"only-{place}" for place in panel.get("only", [])),
    }  # fmt: skip


def shown(panel: Body, found: Answer) -> Shown:
    """The panel with its answer."""
    about = _about(panel) | {"asked_at": found.asked_at}
    if panel["kind"] == "text":
        return Shown(text=label(panel["text"]), **about)
    result = found.result
    if result is None:
        return Shown(is_refused=found.is_refused, problem=found.problem, **about)
    about |= {
        "source": label(result.source), "newest": result.newest, "total": result.looked_at,
        "simulated": result.simulated, "missing": [label(names) for names in result.missing], "href": result.href,
        "is_part": result.is_part, "is_stale": is_stale(panel, found, found.asked_at or timezone.now()),
    }  # fmt: skip
    if panel["kind"] == "number":
        return Shown(**about, **_number(panel, found, result))
    unit = label(panel.get("unit", result.measure.unit)) if result.measure.name == "value" else ""
    chart = _chart(panel, result, unit) if panel["kind"] in CHARTS else None
    return Shown(heads=_heads(result, unit), lines=_lines(panel, result), chart=chart, unit=unit, **about)


def number(value: Any, decimals: int | None = None) -> str:
    """A number with thousands apart and no more decimals than it has; a dash for none."""
    if value is None:
        return "—"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if isinstance(value, int) or float(value).is_integer():
        return f"{int(value):,}" if (decimals or 0) < 2 else f"{value:,.{decimals}f}"
    places = decimals if decimals is not None else (1 if abs(value) >= 10 else 2)
    return f"{value:,.{places}f}"


def _number(panel: Body, found: Answer, result: Result) -> dict[str, Any]:
    value, decimals = result.value, panel.get("decimals")
    known = value if isinstance(value, int | float) else None
    told: dict[str, Any] = {
        "value": number(value, decimals), "unit": label(panel.get("unit", result.measure.unit)),
        "level": level(panel, known), "spark": spark([point for _time, point in found.trend]),
    }  # fmt: skip
    if "target" in panel:
        told["target"] = number(panel["target"])
        if known is not None and panel.get("good"):
            is_met = known >= panel["target"] if panel["good"] == "rising" else known <= panel["target"]
            told["level"] = told["level"] or ("green" if is_met else "yellow")
    if panel.get("compare") and known is not None and found.before is not None:
        change = known - found.before
        told["change"] = "up" if change > 0 else "down" if change < 0 else "same"
        sign = "+" if change > 0 else "−"
        told["change_text"] = f"{sign}{number(abs(change), decimals)}" if change else _("no change")
        if panel.get("good") and change:
            told["is_better"] = (change > 0) == (panel["good"] == "rising")
    return told


def spark(values: Sequence[float | None]) -> str:
    """Points of a small line in a box of 120 × 32; nothing for fewer than two values."""
    known = [value for value in values if value is not None]
    if len(known) < 2:
        return ""
    low, high = min(known), max(known)
    step, span = SPARK_WIDTH / (len(values) - 1), (high - low) or 1.0
    return " ".join(
        f"{n * step:.1f},{SPARK_HEIGHT - 2 - (SPARK_HEIGHT - 4) * (value - low) / span:.1f}"
        for n, value in enumerate(values)
        if value is not None
    )


def _heads(result: Result, unit: str) -> tuple[str, ...]:
    heads = [_head(column) for column in result.columns]
    if result.columns and result.measure.name == "value" and unit:
        heads[-1] = f"{label(result.measure.title)} ({unit})"
    return tuple(heads)


def _head(column: Column) -> str:
    unit = label(column.unit)
    return f"{label(column.title)} ({unit})" if unit else label(column.title)


def _lines(panel: Body, result: Result) -> tuple[Line, ...]:
    numbers = [row.cells[-1] for row in result.rows if row.cells and isinstance(row.cells[-1], int | float)]
    largest = max(numbers, default=0) or 1
    made = []
    for row in result.rows:
        cells = tuple(_cell(panel, column, cell) for column, cell in zip(result.columns, row.cells, strict=True))
        last = row.cells[-1] if row.cells else None
        width = 100 * max(0, last) / largest if isinstance(last, int | float) else 0.0
        reached = next((str(key) for key in row.keys if str(key) in LEVELS), "")
        made.append(
            Line(cells, row.href, round(width, 1), row.is_simulated, reached, str(row.keys[0]) if row.keys else "")
        )
    return tuple(made)


def _cell(panel: Body, column: Column, value: Any) -> Cell:
    if isinstance(value, datetime):
        return Cell(_moment(value))
    if column.kind == "level" and str(value) in LEVELS:
        return Cell(label(LIGHTS[str(value)]), level=str(value))
    if column.kind == "number" and not isinstance(value, Mapping):
        return Cell(number(value, panel.get("decimals")), is_number=True)
    if isinstance(value, bool):
        return Cell(_("Yes") if value else _("No"))
    if column.kind == "time" and isinstance(value, str) and value.endswith("Z"):
        return Cell(_moment(datetime.fromisoformat(value)))
    return Cell("—" if value is None else label(value))


def _moment(value: datetime) -> str:
    """A time of today without its day."""
    local = timezone.localtime(value)
    return f"{local:%H:%M}" if local.date() == timezone.localdate() else f"{local:%m-%d %H:%M}"


LIGHTS = {
    "green": {"zh": "达到进度", "en": "On the way"}, "yellow": {"zh": "接近", "en": "Nearly"},
    "red": {"zh": "滞后", "en": "Behind"}, "none": {"zh": "未判断", "en": "Not judged"},
    "orange": {"zh": "橙", "en": "Orange"}, "blue": {"zh": "蓝", "en": "Blue"},
}  # fmt: skip


def chart_of(panel: Body, found: Answer) -> dict[str, Any] | None:
    """What a chart of the panel would draw; None where there is no answer."""
    if found.result is None:
        return None
    return _chart(panel, found.result, label(panel.get("unit", found.result.measure.unit)))


def _chart(panel: Body, result: Result, unit: str) -> dict[str, Any]:
    """What the island draws: categories, one series or several, the address behind each value."""
    names = list(dict.fromkeys(label(row.cells[0]) for row in result.rows))
    chart: dict[str, Any] = {"kind": panel["kind"], "unit": unit, "names": names, "decimals": panel.get("decimals")}
    if panel["kind"] == "map":
        values = [{"name": label(row.cells[0]), "value": row.cells[-1], "href": row.href} for row in result.rows]
        layers = [f"/map/layers/{key}.geojson" for key in panel.get("layers", [])]
        return chart | {"values": values, "layers": layers, "areas": "/map/areas.geojson"}
    is_many = len(result.columns) > 2
    title = label(panel["title"])
    lines: dict[str, dict[str, Any]] = {}
    for row in result.rows:
        line = lines.setdefault(label(row.cells[1]) if is_many else title, {})
        line[label(row.cells[0])] = (row.cells[-1], row.href, str(row.keys[0]) if row.keys else "")
    empty = 0 if panel["kind"] == "stacked" else None
    chart["series"] = [
        {
            "name": name, "values": [line.get(at, (empty, "", ""))[0] for at in names],
            "hrefs": [line.get(at, (None, "", ""))[1] for at in names],
            "levels": [line.get(at, (None, "", ""))[2] for at in names],
        }
        for name, line in lines.items()
    ]  # fmt: skip
    return chart
