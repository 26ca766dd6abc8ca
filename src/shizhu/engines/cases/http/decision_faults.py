"""What is wrong with a decision's file, by decision, row and column: alike where it is brought and where drawn."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from shizhu.engines.cases import flows
from shizhu.engines.cases.logic.rules import unread
from shizhu.lib import dmn, feel
from shizhu.web.middleware import Request

WHOLE = dmn.Cell("", "")
UNANSWERED = (
    gettext_noop("takes longer than 200 ms"),
    gettext_noop("takes longer than 2000 ms"),
    gettext_noop("needs more than 64 MB of memory"),
    gettext_noop("Maximum call stack size exceeded"),
    gettext_noop("its value is nested deeper than 100"),
    gettext_noop("its value is no text that can be kept, or nested too deep"),
    gettext_noop("its value holds the character U+0000, which is kept nowhere"),
    gettext_noop("its value has the name @feel, which is taken"),
)


def fault(cell: dmn.Cell, told: str, level: str = "error") -> dict[str, Any]:
    """What is wrong at a place: its decision, row and column, in words too."""
    words = {"decision": cell.name, "row": cell.row, "column": cell.title or cell.column, "told": told}
    if cell.row and cell.column:
        text = _("“%(decision)s”, row %(row)s, column “%(column)s”: %(told)s") % words
    elif cell.row:
        text = _("“%(decision)s”, row %(row)s: %(told)s") % words
    elif cell.column:
        text = _("“%(decision)s”, head of column “%(column)s”: %(told)s") % words
    elif cell.name:
        text = _("“%(decision)s”: %(told)s") % words
    else:
        text = told
    return {
        "element": cell.id or cell.name, "row": cell.row, "column": cell.column, "level": level,
        "text": text.replace("：的", "的"),
    }  # fmt: skip


def model_of(request: Request, text: str) -> dmn.Model:
    """The model of a file beside those the county has. Raises DmnError."""
    return flows.model_of({"text": text}, request.county.pk)


def faults_of(request: Request, text: str, stem: str) -> list[dict[str, Any]]:
    """What is wrong with a file, by decision, row and column, and what is odd."""
    try:
        model = model_of(request, text)
    except dmn.DmnError as error:
        value = "" if error.value in {0, f"rule {error.row}"} else f"“{error.value}” "
        name = "" if error.element == "file" else error.element
        cell = dmn.Cell("", name, error.row, error.column, error.title)
        return [fault(cell, f"{value}{_(error.rule)}")]
    found = []
    for one in dmn.findings(model):
        if one.error:
            rule, told = unread(one.error)
            found.append(fault(one.cell, f"“{one.text}” {_(rule) % told}"))
        else:
            words = {"text": one.text, "name": one.name}
            told_ = _("“%(text)s” reads “%(name)s”, which nothing here is called: a text stands in quotes.") % words
            found.append(fault(one.cell, told_, "note"))
    if not model.decisions:
        found.append(fault(WHOLE, _("There is no decision in it.")))
    elif model.answer_to(stem) is None:
        told_ = _("Several of its decisions are required by no other: choose beside which one flows are answered with.")
        found.append(fault(WHOLE, told_))
    return found


def unanswered(asked: str, error: feel.FeelError) -> dict[str, Any]:
    """Why a decision is not made of the values given."""
    return fault(dmn.Cell("", asked), _(error.rule))
