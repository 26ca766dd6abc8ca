"""A list as an Excel file: one header row, one row per record, values typed, nothing that Excel would calculate."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime
from io import BytesIO
from itertools import islice
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter

from shizhu.engines.records.contracts import Entry
from shizhu.engines.records.http import shown
from shizhu.engines.records.http.inputs import at, flat
from shizhu.engines.records.logic.register import Field, Kind, Register
from shizhu.kernel.text import label

LARGEST = 50_000  # rows of one file
CHUNK = 1000
MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def workbook(county: str, register: Register, entries: Iterable[Entry]) -> bytes:
    """The file. Masked values stay masked; invented rows say so in the column of their source."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet(label(register.title)[:31])
    sheet.freeze_panes = "B2"
    heads = _heads(register)
    for number, head in enumerate(heads, 1):
        sheet.column_dimensions[get_column_letter(number)].width = min(40, max(12, 2 * len(head) + 2))
    sheet.append([_cell(sheet, head, is_bold=True) for head in heads])
    rows = iter(entries)
    while chunk := list(islice(rows, CHUNK)):
        known = shown.titles(county, register, chunk)
        for entry in chunk:
            sheet.append([_cell(sheet, value) for value in _values(register, entry, known)])
    out = BytesIO()
    book.save(out)
    return out.getvalue()


def _heads(register: Register) -> list[str]:
    named = [(label(item.title), label(item.unit)) for _name, item in flat(register)]
    own = [f"{title} ({unit})" if unit else title for title, unit in named]
    return [*own, _("Area"), _("Organisation"), _("State"), _("Source"), _("Changed at")]


def _values(register: Register, entry: Entry, known: shown.Titles) -> Iterator[Any]:
    for name, item in flat(register):
        value = at(entry.data, name)
        yield value if name in entry.masked else _typed(item, value, known)
    yield from (entry.area.name, entry.organisation.name, shown.state(register, entry.state))
    yield _("simulated") if entry.is_simulated else entry.source
    yield timezone.localtime(entry.updated).replace(tzinfo=None)


def _typed(item: Field, value: Any, known: shown.Titles) -> Any:
    """Numbers, dates and times as such, all else in words."""
    if value is None or (item.kind in shown.NUMBERS and not item.choices):
        return value
    if item.kind == Kind.DATE:
        return date.fromisoformat(value)
    if item.kind == Kind.TIME:
        return timezone.localtime(datetime.fromisoformat(value)).replace(tzinfo=None)
    return shown.text(item, value, known)


def _cell(sheet: Any, value: Any, *, is_bold: bool = False) -> Any:
    """A cell; a text stays a text even where it looks like a formula."""
    if isinstance(value, str):
        value = ILLEGAL_CHARACTERS_RE.sub("", value)
    cell = WriteOnlyCell(sheet, value=value)
    if isinstance(value, str):
        cell.data_type = "s"
    if is_bold:
        cell.font = Font(bold=True)
    return cell
