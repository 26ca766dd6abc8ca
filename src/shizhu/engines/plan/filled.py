"""Tables that somebody filled in: each row is read, or what is wrong with it is said in words."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import chain, islice
from typing import Any, BinaryIO, Generic, TypeVar

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, override

from shizhu.engines.plan.indexes import Subject
from shizhu.engines.plan.periods import FIRST_YEAR, LAST_YEAR, Period, named
from shizhu.engines.plan.typed import amount, day, narrow, said
from shizhu.engines.records import api as records
from shizhu.kernel.models import Organisation

YES = gettext_lazy("yes")
NO = ("", "否", "no", "false")
HEADS_AMONG = 10  # rows: a title may stand above the heads
CHINESE = re.compile(r"(\d{4})年(?:第?([1-4])季度|(\d{1,2})月)?")
BETWEEN = re.compile(r"[、，,;；]")


class RowError(ValueError):
    """What is wrong with a row, in words."""


Who = TypeVar("Who", Organisation, Subject)
Read = TypeVar("Read")


class Known(Generic[Who]):
    """Those a cell may name: by name, and by name and code where the name alone could mean another one."""

    def __init__(self, all_: Iterable[Who], nobody: str = "") -> None:
        self._nobody = nobody or _("%(value)s: no unit here has this name")
        self._found: dict[str, dict[str, Who]] = {}
        for one in all_:
            for text in self._ways(one):
                self._found.setdefault(_key(text), {})[one.code] = one

    @staticmethod
    def _ways(one: Who) -> tuple[str, str, str, str]:
        return one.name, f"{one.name}（{one.code}）", one.code, f"（{one.code}）"

    def cell(self, one: Who) -> str:
        """What a cell says of one, so that it is read as the same."""
        ways = (text for text in self._ways(one) if not BETWEEN.search(text) and len(self._found[_key(text)]) == 1)
        return next(ways, one.code)

    def cells(self, several: Iterable[Who]) -> str:
        """What a cell says of several."""
        return "、".join(self.cell(one) for one in several)

    def read(self, text: str) -> Who:
        """Whom a cell names. Raises RowError for nobody, and where several could be meant."""
        found = list(self._found.get(_key(text), {}).values())
        if not found:
            raise RowError(self._nobody % {"value": text or "—"})
        if len(found) > 1:
            ways = "、".join(self._ways(one)[1] for one in found)
            raise RowError(_("%(value)s: several units have this name, write %(ways)s") % {
                "value": text, "ways": ways})  # fmt: skip
        return found[0]

    def read_all(self, text: str) -> tuple[Who, ...]:
        """Whom a cell names, one after the other, each once."""
        found = [self.read(part) for part in BETWEEN.split(text) if part.strip()]
        return tuple({one.code: one for one in found}.values())


def units(county: str) -> Known[Organisation]:
    """All units of a county."""
    return Known(Organisation.objects.filter(county_id=county).select_related("area"))


def _key(text: str) -> str:
    return re.sub(r"\s", "", narrow(text)).casefold()


@dataclass(frozen=True)
class Cells:
    """The cells of a row by field; each way to read one raises RowError with head, value and rule."""

    row: int
    heads: Mapping[str, Any]
    texts: Mapping[str, str]
    units: Known[Organisation]

    def __getitem__(self, name: str) -> str:
        return self.texts.get(name, "")

    def __contains__(self, name: str) -> bool:
        return name in self.texts

    def _wrong(self, name: str, rule: str) -> RowError:
        return RowError(rule % {"field": self.heads[name], "value": self[name][:40] or "—"})

    def text(self, name: str, longest: int, *, is_needed: bool = False) -> str:
        """A text that fits."""
        if is_needed and not self[name]:
            raise RowError(_("%s is missing") % self.heads[name])
        if len(self[name]) > longest:
            raise RowError(_("%(field)s: %(value)s… is longer than %(longest)d characters") % {
                "field": self.heads[name], "value": self[name][:20], "longest": longest})  # fmt: skip
        return self[name]

    def number(self, name: str) -> float | None:
        """A number, None for none."""
        try:
            return amount(self[name])
        except ValueError:
            raise self._wrong(name, _("%(field)s: %(value)s is no number")) from None

    def year(self, name: str) -> int | None:
        """A year, None for none."""
        try:
            value = amount(narrow(self[name]).removesuffix("年"))
        except ValueError:
            value = 0.0
        if value is not None and (not value.is_integer() or not FIRST_YEAR <= value <= LAST_YEAR):
            raise self._wrong(name, _("%(field)s: %(value)s is no year"))
        return None if value is None else int(value)

    def period(self, name: str) -> Period:
        """A month, a quarter or a year, also as 2026年7月 and as the day that Excel makes of 2026-07."""
        text = narrow(self[name])
        if (found := CHINESE.fullmatch(text)) is not None:
            year, quarter, month = found.groups()
            text = f"{year}-Q{quarter}" if quarter else f"{year}-{month}" if month else year
        try:
            first = day(text)
            text = f"{first:%Y-%m}" if first.day == 1 else text
        except ValueError:
            pass
        try:
            return named(text)
        except ValueError:
            told = self[name][:20] or "—"
            raise RowError(_("%s is no period such as 2026, 2026-Q3 or 2026-07") % told) from None

    def whole(self, name: str, most: int) -> int:
        """A whole number from 0."""
        try:
            value = amount(self[name])
        except ValueError:
            value = None
        if value is None or not value.is_integer() or not 0 <= value <= most:
            raise RowError(_("%(field)s: %(value)s is no whole number from 0 to %(most)d") % {
                "field": self.heads[name], "value": self[name][:40] or "—", "most": most})  # fmt: skip
        return int(value)

    def day(self, name: str) -> date:
        """A day."""
        try:
            return day(self[name])
        except ValueError:
            raise self._wrong(name, _("%(field)s: %(value)s is no day such as 2026-12-31")) from None

    def yes(self, name: str) -> bool:
        """Yes, or no where the cell is empty or says so."""
        text = narrow(self[name]).casefold()
        if text not in {str(YES), "是", "yes", "true", "√", *NO}:
            raise self._wrong(name, _("%(field)s: %(value)s: write yes or leave it empty"))
        return text not in NO

    def measured_in(self, unit: str) -> None:
        """Refuse a value whose cell of the unit of measure says another one: nothing is converted."""
        if self["unit"] and _key(self["unit"]) != _key(unit):
            raise RowError(_("%(field)s: %(value)s: it is counted in %(unit)s, convert the value") % {
                "field": self.heads["unit"], "value": self["unit"][:20], "unit": unit or "—"})  # fmt: skip

    def unit(self, name: str) -> Organisation:
        """A unit."""
        self.text(name, 200, is_needed=True)
        return self.units.read(self[name])

    def named(self, name: str) -> str:
        """What a row is known by, written in one way."""
        if name == "unit" and self[name]:
            return self.units.cell(self.unit(name))
        if name in {"period", "year"}:
            return self.period(name).name if name == "period" else f"{self.year(name)}"
        return narrow(self[name])

    def one_of(self, name: str, choices: Mapping[Any, Any]) -> Any:
        """The key of what a cell says among choices (key → text)."""
        cell = _key(self[name])
        found = next((key for key, text in choices.items() if cell in in_each_language(text)), None)
        if found is not None:
            return found
        ways = "、".join(f"{text}" for text in choices.values() if text)
        told = {"field": self.heads[name], "value": self[name][:20] or "—", "choices": ways}
        raise RowError(_("%(field)s: %(value)s: is one of %(choices)s") % told)


def in_each_language(text: Any) -> set[str]:
    """What a cell may say for a text, in the languages of the pages."""
    found = set[str]()
    for language, _name in settings.LANGUAGES:
        with override(language):
            found.add(_key(str(text)))
    return found


def lines(
    file: BinaryIO,
    heads: Mapping[str, Any],
    known: Known[Organisation],
    line: Callable[[Cells], Read],
    optional: Sequence[str] = (),
) -> Iterator[Read | str]:
    """What `line` makes of each row; a RowError says what is wrong with one. `heads` are field → head, lazy.

    Columns are known by their heads in any language of the pages, wherever they stand; others are left alone. Raises
    records.Unreadable.
    """
    fields = {key: name for name, head in heads.items() for key in in_each_language(head)}
    needed = {name for name in heads if name not in optional}

    def found(cells: Sequence[Any]) -> list[str]:
        return [fields.get(_key(said(cell)), "") for cell in cells]

    rows = records.sent_rows(file, lambda cells: needed <= set(found(cells)))
    top = list(islice(rows, HEADS_AMONG))
    at = max(range(len(top)), key=lambda number: len(needed & set(found(top[number].cells))), default=0)
    columns = found(top[at].cells) if top else []
    lacking = [str(head) for name, head in heads.items() if name in needed - set(columns)]
    doubled = [str(heads[name]) for name in heads if columns.count(name) > 1]
    if lacking:
        yield _("The table lacks the heads %s. Take the table of this page.") % "、".join(lacking)
    elif doubled:
        yield _("The table has the heads %s twice.") % "、".join(doubled)
    for row in chain(top[at + 1 :], rows) if not lacking and not doubled else ():
        texts = [said(cell) for cell in row.cells]
        if any(texts):
            try:
                told = {name: text for name, text in zip(columns, texts, strict=False) if name}
                yield line(Cells(row.number, heads, told, known))
            except RowError as error:
                yield _("Row %(row)d: %(why)s.") % {"row": row.number, "why": error}
