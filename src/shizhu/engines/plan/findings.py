"""What the reader found, in the reader's language: its own notes are English, with the numbers it compared."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from django.utils.translation import get_language, gettext_noop
from django.utils.translation import gettext as _

RULES = {
    "added": gettext_noop("base and what is added do not make the target"),
    "box-empty": gettext_noop("nothing could be read in this box"),
    "bracket-unexplained": gettext_noop("no note says what the bracket means"),
    "broken-character": gettext_noop("a character of this line is broken in the file: look at it there"),
    "class-carried": gettext_noop("the class was taken from the row above"),
    "direction": gettext_noop("what is to rise falls, or the other way round"),
    "empty-cell": gettext_noop("the cell is empty where other rows have a value"),
    "growth": gettext_noop("base, target and yearly growth do not fit together"),
    "growth-text-table": gettext_noop("the text and the table print different yearly growth"),
    "implied-total": gettext_noop("amount and share imply a whole that leaps"),
    "implied-growth": gettext_noop("growth and share imply how fast the whole grows"),
    "no-value": gettext_noop("no value is printed at all"),
    "number-backwards": gettext_noop("the list number goes backwards"),
    "number-doubled": gettext_noop("the list number is printed twice"),
    "number-missing": gettext_noop("no number is printed"),
    "number-skipped": gettext_noop("a list number is left out"),
    "odd-name": gettext_noop("the name reads oddly"),
    "other-year": gettext_noop("the same value is printed for different years"),
    "owner-alias": gettext_noop("perhaps a short name of the same body"),
    "owner-missing": gettext_noop("no responsible body is printed"),
    "owner-typo": gettext_noop("a character of the body's name is printed twice"),
    "owner-variant": gettext_noop("perhaps the same body under two names"),
    "page-scanned": gettext_noop("this page is a picture without text: nothing on it was read"),
    "parts": gettext_noop("the parts do not make the whole"),
    "part": gettext_noop("the part is more than the whole"),
    "percent-missing": gettext_noop("a share without its percent sign"),
    "period-unread": gettext_noop("the term names no year"),
    "rounding": gettext_noop("text and table differ by rounding only"),
    "share": gettext_noop("part, whole and share do not fit together"),
    "share-over": gettext_noop("a share of more than a hundred per cent"),
    "similar-wording": gettext_noop("worded alike, perhaps the same quantity"),
    "structure": gettext_noop("the shares do not make a hundred"),
    "table-left-out": gettext_noop("a text inside a table that fits no cell"),
    "table-other": gettext_noop("a table that is neither of indicators nor of tasks"),
    "table-sum": gettext_noop("the rows do not make the total printed"),
    "table-table": gettext_noop("two rows of tables print different values"),
    "table-unread": gettext_noop("a table that could not be read"),
    "target-below-base": gettext_noop("the target is below the base"),
    "target-bound": gettext_noop("the target is a bound or an estimate, no single number"),
    "target-twice": gettext_noop("perhaps one target in two wordings: link them, do not add them up"),
    "task-unread": gettext_noop("a line of the task that could not be read"),
    "text-table": gettext_noop("the text and the table print different values"),
    "text-text": gettext_noop("two sentences print different values"),
    "unit-conflict": gettext_noop("the value and its row print different units"),
    "unit-missing": gettext_noop("no unit is printed"),
    "words": gettext_noop("a value is words"),
    "year-order": gettext_noop("the end comes before the beginning"),
    "year-outside": gettext_noop("the year lies outside the term of the plan"),
    "year-not-printed": gettext_noop("the year is not printed"),
}


def explained(finding: Mapping[str, Any]) -> str:
    """Why something was found: the reader's note in English, else what its rule means."""
    note = str(finding.get("note") or finding.get("why") or "")
    if (get_language() or "").startswith("en") or finding.get("rule") not in RULES:
        return note
    return _(RULES[finding["rule"]])


PLACES = (
    gettext_noop("indicator %s"),
    gettext_noop("task %s"),
    gettext_noop("box %s: item %s"),
    gettext_noop("page %s"),
)
_PATTERNS = tuple((re.compile(re.escape(text).replace("%s", "(.+)")), text) for text in PLACES)


def subject(finding: Mapping[str, Any]) -> str:
    """What something was found in: printed words as they are, a numbered row in the reader's language."""
    what = str(finding.get("what", ""))
    for pattern, text in _PATTERNS:
        found = pattern.fullmatch(what)
        if found:
            return _(text) % found.groups()
    return what
