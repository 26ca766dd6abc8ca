"""Charts as Word has them: DrawingML (ISO/IEC 29500-1, 21.2) with their numbers in a workbook, to be edited in place.

Nothing is rasterised here: the reader's Word or WPS draws, in its own fonts. No library is needed for it.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

COLOURS = ("0F6E66", "CA640C", "2267BE", "803A83", "7B992D", "2A89D1")  # the series of the pages, in their order
DASHES = ("solid", "dash", "sysDot", "dashDot", "lgDash", "sysDash")
LINES, PIE = ("line", "area"), "pie"
CHART_TYPE = "application/vnd.openxmlformats-officedocument.drawingml.chart+xml"
BOOK_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
RELATION = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
CHART = "http://schemas.openxmlformats.org/drawingml/2006/chart"
MAIN = "http://schemas.openxmlformats.org/drawingml/2006/main"
ZERO = '<c:min val="0"/>'  # bars and areas are as long as what they stand for
FEW = 8  # counted: each has a line of its own
EMU = 36000  # a millimetre


@dataclass(frozen=True)
class Series:
    """One line of numbers; None where there is none."""

    name: str
    values: Sequence[float | None]


@dataclass(frozen=True)
class Chart:
    """A chart: `kind` bar, stacked, ranking, line, area or pie; what is said of it stands below."""

    kind: str
    names: Sequence[str]
    series: Sequence[Series]
    caption: str
    unit: str = ""
    width: float = 150  # millimetres
    height: float = 62


def workbook(chart: Chart) -> bytes:
    """The numbers as a workbook: names in the first column, a column a series."""
    from openpyxl import Workbook  # noqa: PLC0415  # heavy, and needed here alone

    book = Workbook(write_only=True)
    sheet = book.create_sheet("Sheet1")
    sheet.append(["", *(series.name for series in chart.series)])
    for number, name in enumerate(chart.names):
        sheet.append([name, *(series.values[number] for series in chart.series)])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def chart_xml(chart: Chart) -> bytes:
    """The chart's part."""
    many = len(chart.series) > 1
    plot = _pie(chart) if chart.kind == PIE else _lines(chart) if chart.kind in LINES else _bars(chart)
    legend = '<c:legend><c:legendPos val="b"/><c:overlay val="0"/></c:legend>' if many or chart.kind == PIE else ""
    return (
        f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?><c:chartSpace xmlns:c="{CHART}" xmlns:a="{MAIN}" '
        f'xmlns:r="{RELATION}"><c:roundedCorners val="0"/><c:chart><c:autoTitleDeleted val="1"/><c:plotArea>'
        f'<c:layout/>{plot}</c:plotArea>{legend}<c:plotVisOnly val="1"/><c:dispBlanksAs val="gap"/></c:chart>'
        '<c:txPr><a:bodyPr/><a:lstStyle/><a:p><a:pPr><a:defRPr sz="1000"><a:latin typeface="Times New Roman"/>'
        '<a:ea typeface="仿宋_GB2312"/></a:defRPr></a:pPr><a:endParaRPr lang="zh-CN"/></a:p></c:txPr>'
        '<c:externalData r:id="rId1"><c:autoUpdate val="0"/></c:externalData></c:chartSpace>'
    ).encode()


def _bars(chart: Chart) -> str:
    is_lying = chart.kind == "ranking"
    grouping = "stacked" if chart.kind == "stacked" else "clustered"
    labels = _labels() if len(chart.series) == 1 else ""
    series = "".join(
        f'{_head(n, one)}{_fill(n)}<c:invertIfNegative val="0"/>{labels}{_data(chart, n)}</c:ser>'
        for n, one in enumerate(chart.series)
    )
    overlap = '<c:overlap val="100"/>' if grouping == "stacked" else ""
    return (
        f'<c:barChart><c:barDir val="{"bar" if is_lying else "col"}"/><c:grouping val="{grouping}"/>'
        f'<c:varyColors val="0"/>{series}<c:gapWidth val="60"/>{overlap}<c:axId val="1"/><c:axId val="2"/>'
        f"</c:barChart>{_axes(chart, is_lying=is_lying)}"
    )


def _marker(n: int) -> str:
    """A dot on each value of a drawn-through line, so that a value without neighbours is seen; none on a dashed one."""
    if DASHES[n % len(DASHES)] != "solid":
        return '<c:marker><c:symbol val="none"/></c:marker>'
    fill = f'<a:solidFill><a:srgbClr val="{colour(n)}"/></a:solidFill>'
    return f'<c:marker><c:symbol val="circle"/><c:size val="5"/><c:spPr>{fill}<a:ln>{fill}</a:ln></c:spPr></c:marker>'


def _lines(chart: Chart) -> str:
    series = "".join(
        f'{_head(n, one)}<c:spPr><a:ln w="22225"><a:solidFill><a:srgbClr val="{colour(n)}"/></a:solidFill>'
        f'<a:prstDash val="{DASHES[n % len(DASHES)]}"/></a:ln></c:spPr>{_marker(n)}'
        f'{_data(chart, n)}<c:smooth val="0"/></c:ser>'
        for n, one in enumerate(chart.series)
    )
    return (
        f'<c:lineChart><c:grouping val="standard"/><c:varyColors val="0"/>{series}<c:marker val="1"/>'
        f'<c:axId val="1"/><c:axId val="2"/></c:lineChart>{_axes(chart, is_lying=False)}'
    )


def _pie(chart: Chart) -> str:
    points = "".join(
        f'<c:dPt><c:idx val="{n}"/><c:bubble3D val="0"/>{_fill(n)}</c:dPt>' for n in range(len(chart.names))
    )
    return (
        f'<c:pieChart><c:varyColors val="1"/>{_head(0, chart.series[0])}{points}{_labels()}{_data(chart, 0)}</c:ser>'
        '<c:firstSliceAng val="0"/></c:pieChart>'
    )


def colour(number: int) -> str:
    """Of a series, in hexadecimal digits."""
    return COLOURS[number % len(COLOURS)]


def _fill(number: int) -> str:
    return f'<c:spPr><a:solidFill><a:srgbClr val="{colour(number)}"/></a:solidFill></c:spPr>'


def _labels() -> str:
    off = "".join(f'<c:{name} val="0"/>' for name in ("showCatName", "showSerName", "showPercent", "showBubbleSize"))
    return f'<c:dLbls><c:showLegendKey val="0"/><c:showVal val="1"/>{off}</c:dLbls>'


def _head(number: int, series: Series) -> str:
    cell = f"Sheet1!${_letter(number + 1)}$1"
    return (
        f'<c:ser><c:idx val="{number}"/><c:order val="{number}"/><c:tx><c:strRef><c:f>{cell}</c:f><c:strCache>'
        f'<c:ptCount val="1"/><c:pt idx="0"><c:v>{escape(series.name)}</c:v></c:pt></c:strCache></c:strRef></c:tx>'
    )


def _data(chart: Chart, number: int) -> str:
    last, letter = len(chart.names) + 1, _letter(number + 1)
    names = "".join(f'<c:pt idx="{n}"><c:v>{escape(name)}</c:v></c:pt>' for n, name in enumerate(chart.names))
    values = "".join(
        f'<c:pt idx="{n}"><c:v>{value!r}</c:v></c:pt>'
        for n, value in enumerate(chart.series[number].values)
        if value is not None
    )
    count = f'<c:ptCount val="{len(chart.names)}"/>'
    return (
        f"<c:cat><c:strRef><c:f>Sheet1!$A$2:$A${last}</c:f><c:strCache>{count}{names}</c:strCache></c:strRef></c:cat>"
        f"<c:val><c:numRef><c:f>Sheet1!${letter}$2:${letter}${last}</c:f><c:numCache><c:formatCode>General"
        f"</c:formatCode>{count}{values}</c:numCache></c:numRef></c:val>"
    )


def _letter(number: int) -> str:
    """A, B … Z, AA of a spreadsheet."""
    text = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, 26)
        text = chr(65 + rest) + text
    return text


def _steps(chart: Chart) -> tuple[str, str]:
    """Of what is counted in wholes: the largest that an empty axis shows, and steps of one where few were counted."""
    values = [value for series in chart.series for value in series.values if value is not None]
    if any(value != int(value) for value in values):
        return "", ""
    most = max(values, default=0)
    return "" if most else '<c:max val="1"/>', '<c:majorUnit val="1"/>' if most <= FEW else ""


def _axes(chart: Chart, *, is_lying: bool) -> str:
    most, unit = _steps(chart)
    least = "" if chart.kind == "line" or any((v or 0) < 0 for s in chart.series for v in s.values) else ZERO
    places = ("l", "b") if is_lying else ("b", "l")
    turned = "maxMin" if is_lying else "minMax"
    line = '<a:ln w="6350"><a:solidFill><a:srgbClr val="D9D9D9"/></a:solidFill></a:ln>'
    grid = f"<c:majorGridlines><c:spPr>{line}</c:spPr></c:majorGridlines>"
    ticks = '<c:majorTickMark val="none"/><c:minorTickMark val="none"/><c:tickLblPos val="low"/>'
    return (
        f'<c:catAx><c:axId val="1"/><c:scaling><c:orientation val="{turned}"/></c:scaling><c:delete val="0"/>'
        f'<c:axPos val="{places[0]}"/><c:numFmt formatCode="General" sourceLinked="0"/>{ticks}<c:crossAx val="2"/>'
        f'<c:crosses val="autoZero"/></c:catAx><c:valAx><c:axId val="2"/><c:scaling><c:orientation val="minMax"/>'
        f'{most}{least}</c:scaling><c:delete val="0"/><c:axPos val="{places[1]}"/>{grid}<c:numFmt formatCode="General" '
        f'sourceLinked="0"/>{ticks}<c:crossAx val="1"/><c:crosses val="{"max" if is_lying else "autoZero"}"/>'
        f'<c:crossBetween val="between"/>{unit}</c:valAx>'
    )


def drawing(chart: Chart, relation: str, number: int) -> str:
    """The run that places the chart, with its words for who cannot see it."""
    return (
        '<w:r xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" '
        'xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing"><w:drawing>'
        f'<wp:inline distT="0" distB="0" distL="0" distR="0"><wp:extent cx="{round(chart.width * EMU)}" '
        f'cy="{round(chart.height * EMU)}"/><wp:docPr id="{number}" name="Chart {number}" '
        f'descr={quoteattr(chart.caption)}/><wp:cNvGraphicFramePr/><a:graphic xmlns:a="{MAIN}">'
        f'<a:graphicData uri="{CHART}"><c:chart xmlns:c="{CHART}" xmlns:r="{RELATION}" r:id="{relation}"/>'
        "</a:graphicData></a:graphic></wp:inline></w:drawing></w:r>"
    )
