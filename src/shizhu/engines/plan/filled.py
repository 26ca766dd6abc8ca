"""Tables that somebody filled in: each row is read, or what is wrong with it is said in words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import BinaryIO, TypeVar

from django.utils.translation import gettext as _

from shizhu.engines.plan.typed import said
from shizhu.engines.records import api as records

Read = TypeVar("Read")


def lines(file: BinaryIO, heads: Sequence[str], line: Callable[[list[str]], Read]) -> Iterator[Read | str]:
    """What `line` makes of the cells of each row, as many as there are heads; a ValueError says what is wrong with one.

    Raises records.Unreadable.
    """
    rows, many = records.sent_rows(file), len(heads)
    first = next(rows, None)
    if first is None or [said(cell) for cell in first.cells[:many]] != list(heads):
        yield _("Row 1 has none of the heads %s. Take the table of this page.") % "、".join(heads)
        return
    for row in rows:
        cells = [said(cell) for cell in [*row.cells, *([None] * many)][:many]]
        try:
            yield line(cells)
        except ValueError as error:
            yield _("Row %(row)d: %(why)s.") % {"row": row.number, "why": error}
