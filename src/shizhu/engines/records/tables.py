"""Tables that people send, row by row: Excel (.xlsx) and CSV in UTF-8 or GB 18030. Never a whole table in memory."""

from __future__ import annotations

import codecs
import csv
import io
import re
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from django.utils import timezone
from django.utils.translation import gettext as _

LARGEST = 60_000_000  # bytes of a file
UNPACKED = 1_500_000_000  # bytes of what an .xlsx holds
BESIDE = 100_000_000  # bytes of that which are read whole: all but the sheets
LONGEST = 1_048_576  # rows of a sheet
SHEETS = "xl/worksheets/"
WIDEST = 500  # columns
MOST_SHEETS = 20  # that are looked at
MEASURED = 200  # rows by which columns have their width
NARROWEST, WIDEST_SHOWN = 10, 50  # digits of a column
LOOKED_AT = 10  # rows among which the heads are looked for
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
CSV = "text/csv"
MERGED = re.compile(rb'mergeCell ref="([A-Z]{1,3})(\d{1,7}):([A-Z]{1,3})(\d{1,7})"')
LONGEST_REF = 40  # bytes of it
Cells = tuple[Any, ...]


class Unreadable(ValueError):
    """A file that is no table; the text says what to send instead."""


def _openpyxl() -> Any:
    """Loaded when the first table comes: few processes ever see one."""
    import openpyxl  # noqa: PLC0415

    return openpyxl


@dataclass(frozen=True)
class Row:
    """One row with its number as the program that made the file shows it."""

    number: int
    cells: Cells


class Merged(NamedTuple):
    """Cells that were merged into one: numbers of rows, indexes of columns, the last of each included."""

    row: int
    last_row: int
    column: int
    last_column: int


def kind_of(data: bytes) -> str:
    """XLSX or CSV, told by the content. Raises Unreadable."""
    if data.startswith(b"PK\x03\x04"):
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as packed:
                parts = packed.infolist()
        except zipfile.BadZipFile:
            raise Unreadable(_("The file is damaged. Save it again as .xlsx and send that.")) from None
        if any(part.filename == "xl/workbook.xml" for part in parts):
            beside = sum(part.file_size for part in parts if not part.filename.startswith(SHEETS))
            if sum(part.file_size for part in parts) > UNPACKED or beside > BESIDE:
                raise Unreadable(_("The file is too large once unpacked. Split it."))
            return XLSX
    if data.startswith(b"\xd0\xcf\x11\xe0"):
        raise Unreadable(_("This is the old .xls. Open it, choose “Save as”, take .xlsx, and send that."))
    if b"\x00" in data[:4096]:
        raise Unreadable(_("This is no table. Send an Excel file (.xlsx) or a CSV file."))
    encoding_of(data)
    return CSV


def encoding_of(data: bytes) -> str:
    """utf-8-sig or gb18030, whichever reads all of it. Raises Unreadable."""
    for encoding in ("utf-8-sig", "gb18030"):
        reader = codecs.getincrementaldecoder(encoding)()
        try:
            for start in range(0, len(data), 1_000_000):
                reader.decode(data[start : start + 1_000_000])
            reader.decode(b"", final=True)
        except UnicodeDecodeError:
            continue
        return encoding
    raise Unreadable(_("The text is neither UTF-8 nor GB 18030. Save the table as .xlsx and send that."))


def rows(path: Path, media_type: str, sheet: int = 0, *, is_shown: bool = False) -> Iterator[Row]:
    """Rows of a sheet that hold anything; `is_shown`: a number that is shown as 85% is that text. Raises Unreadable."""
    return _full(_xlsx(path, sheet, is_shown=is_shown) if media_type == XLSX else _csv(path), media_type)


def beginnings(path: Path, media_type: str, most: int) -> Iterator[tuple[int, str, list[Row]]]:
    """Number, name and the first full rows of each sheet that is shown; of all where none is. Raises Unreadable."""
    if media_type != XLSX:
        yield 0, "", list(islice(rows(path, media_type), most))
        return
    with _Book(path) as book:
        shown = [(n, sheet) for n, sheet in enumerate(book.worksheets) if sheet.sheet_state == "visible"]
        for number, sheet in (shown or list(enumerate(book.worksheets)))[:MOST_SHEETS]:
            yield number, sheet.title, list(islice(_full(_rows_of(sheet), media_type), most))


def top(path: Path, media_type: str, sheet: int, most: int) -> tuple[list[Row], list[Merged]]:
    """The first rows of a sheet that hold anything, and the cells among them that are merged sideways."""
    if media_type != XLSX:
        return list(islice(rows(path, media_type), most)), []
    with _Book(path) as book:
        chosen = book.worksheets[sheet]
        merged = _merged(chosen)
        found = list(islice(_full(_filled(_rows_of(chosen), merged), media_type), most))
    last = found[-1].number if found else 0
    return found, [one for one in merged if one.row <= last and one.column < one.last_column]


def _full(found: Iterator[Sequence[Any]], media_type: str) -> Iterator[Row]:
    for number, cells in enumerate(found, 1):
        kept = cells[:WIDEST]
        if media_type == XLSX and number > LONGEST:
            raise Unreadable(_("The file is too large once unpacked. Split it."))
        if any(isinstance(cell, str) and "\x00" in cell for cell in kept):
            said = _("Row %(number)d holds a NUL, which no text has. Write that row anew and send the table again.")
            raise Unreadable(said % {"number": number})
        if any(cell is not None and cell != "" for cell in kept):
            yield Row(number, tuple(kept))


def sent(file: BinaryIO, is_head: Callable[[Cells], bool] | None = None) -> Iterator[Row]:
    """Rows of a table sent with a form: of the sheet that has a row of heads among its first, else of the first sheet.

    Raises Unreadable, also for what is larger than LARGEST and where two sheets have the heads.
    """
    data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise Unreadable(_("The file is larger than 60 MB. Split it."))
    with tempfile.NamedTemporaryFile() as kept:
        kept.write(data)
        kept.flush()
        path, media_type = Path(kept.name), kind_of(data)
        yield from rows(path, media_type, _sheet_of(path, media_type, is_head) if is_head else 0, is_shown=True)


def _sheet_of(path: Path, media_type: str, is_head: Callable[[Cells], bool]) -> int:
    sheets = list(beginnings(path, media_type, LOOKED_AT))
    found = [(number, name) for number, name, first in sheets if any(is_head(row.cells) for row in first)]
    if len(found) > 1:
        told = _("The sheets %s all have the heads of this table. Put all rows on one of them and send that.")
        raise Unreadable(told % "、".join(name for _number, name in found))
    return (found or sheets)[0][0]


def length(path: Path, media_type: str, sheet: int = 0) -> int:
    """About how many rows a sheet has, for a progress bar."""
    if media_type != XLSX:
        with path.open("rb") as file:
            return sum(block.count(b"\n") for block in iter(lambda: file.read(1_000_000), b""))
    with _Book(path) as book:
        return int(book.worksheets[sheet].max_row or 0)


class _Book:
    """A workbook of which rows are read as they come; closed at the end."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> Any:
        try:
            self._file = self._path.open("rb")
            reader = _openpyxl().reader.excel.ExcelReader(self._file, read_only=True, data_only=True)
            reader.read_manifest()
            texts = reader.package.find(_openpyxl().xml.constants.SHARED_STRINGS)
            is_small = not texts or reader.archive.getinfo(texts.PartName.lstrip("/")).file_size <= BESIDE
            if is_small:
                reader.read()
            self._book = reader.wb
        except Exception as error:  # whatever is the matter with somebody's file
            raise Unreadable(_("The file cannot be read. Save it again as .xlsx and send that.")) from error
        if not is_small:
            self._file.close()
            raise Unreadable(_("The file is too large once unpacked. Split it."))
        if not self._book.worksheets:
            raise Unreadable(_("The file has no sheet with a table."))
        return self._book

    def __exit__(self, *_: object) -> None:
        self._book.close()
        self._file.close()


def _xlsx(path: Path, sheet: int, *, is_shown: bool) -> Iterator[Sequence[Any]]:
    with _Book(path) as book:
        chosen = book.worksheets[sheet]
        yield from _filled(_rows_of(chosen, is_shown=is_shown), _merged(chosen))


def _shown(cell: Any) -> Any:
    """What a cell holds, but of 0.85 shown as 85% what is shown: who typed 85% did not mean 0.85."""
    value = cell.value
    is_share = isinstance(value, int | float) and not isinstance(value, bool) and "%" in cell.number_format
    return f"{100 * value:.15g}%" if is_share else value


def _merged(sheet: Any) -> list[Merged]:
    """The cells that were merged. They stand behind all rows in the file, and a reader of rows tells none of them."""
    found: list[Merged] = []
    to_number, rest = _openpyxl().utils.column_index_from_string, b""
    with sheet._get_source() as source:  # noqa: SLF001  # the library has no other door to it
        for block in iter(lambda: source.read(1_000_000), b""):
            window, end = rest + block, 0
            for ref in MERGED.finditer(window) if b"mergeCell " in window else ():
                first, last = (to_number(ref[n].decode()) - 1 for n in (1, 3))
                found.append(Merged(int(ref[2]), int(ref[4]), first, last))
                end = ref.end()
            rest = window[max(end, len(window) - LONGEST_REF) :]
    return found


def _filled(rows: Iterator[Sequence[Any]], merged: Iterable[Merged]) -> Iterator[Sequence[Any]]:
    """The rows with the value of a merged cell in every row that has something and lies beneath it."""
    begun: dict[int, list[Merged]] = {}
    for one in merged:
        if one.row < one.last_row:
            begun.setdefault(one.row, []).append(one)
    held: dict[int, tuple[int, Any]] = {}
    for number, cells in enumerate(rows, 1):
        held = {column: one for column, one in held.items() if one[0] >= number}
        row = list(cells)
        if any(cell is not None for cell in row):
            for column, (_last, value) in held.items():
                row += [None] * (column + 1 - len(row))
                row[column] = value if row[column] is None else row[column]
        own = (one for one in begun.get(number, ()) if one.column < len(cells))
        held |= {one.column: (one.last_row, cells[one.column]) for one in own}
        yield row


def _rows_of(sheet: Any, *, is_shown: bool = False) -> Iterator[Sequence[Any]]:
    sheet.reset_dimensions()  # what a program says of the size may be wrong
    try:
        if is_shown:
            yield from ([_shown(cell) for cell in row] for row in sheet.iter_rows())
        else:
            yield from sheet.iter_rows(values_only=True)
    except Unreadable:
        raise
    except Exception as error:  # broken XML, a bad date …
        raise Unreadable(_("The file cannot be read to its end. Save it again as .xlsx.")) from error


def _csv(path: Path) -> Iterator[Sequence[str]]:
    encoding = encoding_of(path.read_bytes())
    with path.open(encoding=encoding, newline="") as file:
        first = file.read(10_000).splitlines()[:1]
        file.seek(0)
        delimiter = max(",;\t", key=(first or [""])[0].count)
        try:
            yield from csv.reader(file, delimiter=delimiter)
        except csv.Error as error:
            raise Unreadable(_("The CSV file cannot be read: %(error)s") % {"error": error}) from error


class Writer:
    """An Excel file written row by row; nothing in it is a formula, times are those of the wall clock.

    Columns are as wide as what stands in the first rows wants.
    """

    def __init__(self, title: str, heads: Sequence[str], *, marked: frozenset[int] = frozenset()) -> None:
        self._book = _openpyxl().Workbook(write_only=True)
        styles = _openpyxl().styles
        self._bold, self._fill = styles.Font(bold=True), styles.PatternFill("solid", fgColor="FFFFE5B4")
        self._sheet: Any = None
        self.sheet(title, heads, marked=marked)

    def sheet(self, title: str, heads: Sequence[str], *, marked: frozenset[int] = frozenset()) -> None:
        """Go on with another sheet."""
        self._begin()
        self._sheet = self._book.create_sheet(_sheet_name(title))
        self._sheet.freeze_panes = "B2"
        self._first: list[list[Any]] | None = []
        self._widths = [60 if n in marked else max(NARROWEST, _wide(head) + 2) for n, head in enumerate(heads)]
        self._heads = [self._cell(head, is_marked=number in marked) for number, head in enumerate(heads)]
        for cell in self._heads:
            cell.font = self._bold

    def add(self, cells: Sequence[Any], marked: frozenset[int] = frozenset()) -> None:
        """One row; the cells to look at have a colour."""
        row = [
            self._cell(value, is_marked=number in marked)
            if isinstance(value, str | date) or number in marked
            else value
            for number, value in enumerate(cells)
        ]
        if self._first is None:
            self._sheet.append(row)
            return
        self._first.append(row)
        for number, value in enumerate(cells[: len(self._widths)]):
            self._widths[number] = max(self._widths[number], min(WIDEST_SHOWN, _wide(value) + 2))
        if len(self._first) == MEASURED:
            self._begin()

    def done(self) -> bytes:
        """The file."""
        self._begin()
        out = io.BytesIO()
        self._book.save(out)
        return out.getvalue()

    def _begin(self) -> None:
        """Write the head and the first rows: the library wants the widths of columns before them."""
        if self._sheet is None or self._first is None:
            return
        for number, width in enumerate(self._widths, 1):
            self._sheet.column_dimensions[_openpyxl().utils.get_column_letter(number)].width = width
        for row in [self._heads, *self._first]:
            self._sheet.append(row)
        self._first = None

    def _cell(self, value: Any, *, is_marked: bool) -> Any:
        """A cell; a text stays a text even where it looks like a formula, a time has no zone, which Excel lacks."""
        form = None
        if isinstance(value, datetime):
            here = timezone.localtime(value) if timezone.is_aware(value) else value
            value, form = here.replace(tzinfo=None, microsecond=0), "yyyy-mm-dd hh:mm"
        cell = _openpyxl().cell.WriteOnlyCell(self._sheet, value=clean(value) if isinstance(value, str) else value)
        if isinstance(value, str):
            cell.data_type = "s"
        if form:
            cell.number_format = form
        if is_marked:
            cell.fill = self._fill
        return cell


def _wide(value: Any) -> int:
    """How wide a cell is, in digits: Chinese signs have two."""
    if isinstance(value, date):
        return len("2026-11-25 18:05" if isinstance(value, datetime) else "2026-11-25")
    lines = "" if value is None else f"{value}"
    return max(sum(1 if sign.isascii() else 2 for sign in line) for line in lines.split("\n"))


def written(title: str, heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> bytes:
    """An Excel file of one sheet: heads, and a row below them for each."""
    writer = Writer(title, heads)
    for row in rows:
        writer.add(row)
    return writer.done()


def clean(text: str) -> str:
    """What a cell can hold of a text."""
    return str(_openpyxl().cell.cell.ILLEGAL_CHARACTERS_RE.sub("", text))[:32_767]


def _sheet_name(title: str) -> str:
    return "".join(" " if letter in "[]:*?/\\" else letter for letter in title)[:31] or "1"
