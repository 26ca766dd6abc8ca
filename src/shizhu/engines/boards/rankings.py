"""Rankings (评价): towns, units, posts, people or parts by numbers of a month, weighed into a score that opens.

Every number is a question to a dataset, asked as whoever looks may see it; each leads to the list of its rows. The
score is the weighed mean of shares between 0 and 1, in points of 100; a share that is null does not weigh.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cached_property
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from shizhu.engines.boards import panels
from shizhu.engines.boards.declare import RANKINGS
from shizhu.engines.boards.shown import number
from shizhu.kernel import packs, spans
from shizhu.kernel.access import Actor
from shizhu.kernel.datasets import Result
from shizhu.kernel.packs import Body
from shizhu.kernel.text import label
from shizhu.lib import feel

ADDED = {"count", "sum", "distinct"}  # nothing there is nought, not unknown


@dataclass(frozen=True)
class Cell:
    """One number: its value, as it is printed, and the list of its rows."""

    value: Any
    text: str
    href: str = ""


@dataclass(frozen=True)
class Row:
    """Who is ranked: numbers, points of each weighed share (None: does not weigh), score, grade and why."""

    key: Any
    name: str
    cells: tuple[Cell, ...]
    points: tuple[float | None, ...]
    score: float | None
    grade: str = ""
    level: str = ""
    why: str = ""
    place: int | None = None


class NoRanking(LookupError):
    """The county declares no ranking, or no view of it, of that key."""


def rankings(county: str) -> dict[str, Body]:
    """The rankings of a county, in their order."""
    found = packs.declarations(RANKINGS, county)
    return dict(sorted(found.items(), key=lambda pair: (pair[1].get("order", 50), pair[0])))


def verbs(body: Body) -> set[str]:
    """The rights that its numbers ask for."""
    return panels.verbs(one for view in body["views"] for one in view["numbers"])


def end_of(month: date) -> datetime:
    """Up to when a month counts: its end, and until now in the one that runs."""
    return min(spans.of_month(month).end, timezone.now())


class Ranking:
    """One view of a ranking as of a moment. Raises NoRanking; PermissionError where a number is refused."""

    def __init__(self, key: str, view: str, who: Actor, county: str, at: datetime) -> None:
        body = rankings(county).get(key)
        found = next((one for one in body["views"] if view in ("", one["key"])), None) if body else None
        if body is None or found is None:
            raise NoRanking(key)
        self.body, self.view, self.at = body, found, at
        self._answers = [panels.ask(one, who, county, at) for one in found["numbers"]]
        if any(answer.is_refused for answer in self._answers):
            raise PermissionError(key)
        self.problems = [answer.problem for answer in self._answers if answer.problem]

    @property
    def heads(self) -> list[str]:
        """Of the numbers, with their units."""
        return [titled(one) for one in self.view["numbers"]]

    @property
    def weights(self) -> list[tuple[str, float, str]]:
        """(what is weighed, its share of the whole in per cent, the formula) of the score."""
        whole = sum(one["weight"] for one in self.view.get("scores", []))
        return [(label(one["title"]), 100 * one["weight"] / whole, one["value"]) for one in self.view.get("scores", [])]

    @property
    def results(self) -> list[Result]:
        """The answers behind the numbers."""
        return [answer.result for answer in self._answers if answer.result is not None]

    @property
    def is_part(self) -> bool:
        """Whether who looks sees only part of the county."""
        return any(result.is_part for result in self.results)

    @property
    def is_simulated(self) -> bool:
        """Whether anything of it is invented."""
        return any(result.simulated for result in self.results)

    @cached_property
    def rows(self) -> list[Row]:
        """Everybody with any number, the best first; without a score last."""
        keys = list(dict.fromkeys(key for column in self._columns for key in column))
        if not keys:
            return []
        given = [self._inputs(key) for key in keys]
        shares = [feel.evaluate_each(one["value"], given) for one in self.view.get("scores", [])]
        whys = feel.evaluate_each(self.view["why"], given) if "why" in self.view else [""] * len(keys)
        made = [self._row(key, [one[n] for one in shares], whys[n]) for n, key in enumerate(keys)]
        scored = sorted((row.score for row in made if row.score is not None), reverse=True)
        placed = [_placed(row, scored) for row in made]
        placed.sort(key=lambda row: (row.place is None, row.place or 0, row.name))
        return placed[: self.view.get("top", 500)]

    @cached_property
    def _columns(self) -> list[dict[Any, tuple[Any, str, Any]]]:
        """key → (value, list of its rows, label of a second key) of each number."""
        found = []
        for answer in self._answers:
            column: dict[Any, tuple[Any, str, Any]] = {}
            for row in answer.result.rows if answer.result else ():
                key, value = row.keys[0] if row.keys else None, row.cells[-1]
                if key in (None, "") or value is None:
                    continue
                beside = label(row.cells[1]) if len(row.keys) > 1 else None
                if key not in column or value > column[key][0]:
                    column[key] = (value, row.href, beside)
            found.append(column)
        return found

    @cached_property
    def _names(self) -> dict[Any, str]:
        """As the answers call them; as the number `named` has beside its value, where one is."""
        found = {
            row.keys[0]: label(row.cells[0])
            for result in self.results for row in result.rows if row.keys
        }  # fmt: skip
        for one, answer in zip(self.view["numbers"], self._answers, strict=True):
            if one["key"] == self.view.get("named") and answer.result:
                found |= {row.keys[0]: label(row.cells[1]) for row in answer.result.rows if len(row.keys) > 1}
        return found

    def _inputs(self, key: Any) -> dict[str, Any]:
        """What formulas read: each number by its name, and as `<name>_of` what stands beside it."""
        given: dict[str, Any] = {}
        for one, column in zip(self.view["numbers"], self._columns, strict=True):
            value, _href, beside = column.get(key, (_nothing(one), "", None))
            given[one["key"]] = value
            given[f"{one['key']}_of"] = beside
        return given

    def _row(self, key: Any, shares: Sequence[Any], why: Any) -> Row:
        cells = []
        for one, column in zip(self.view["numbers"], self._columns, strict=True):
            value, href, beside = column.get(key, (_nothing(one), "", None))
            text = number(value, one.get("decimals"))
            cells.append(Cell(value, f"{beside} {text}" if one.get("beside") and beside else text, href))
        weights = [one["weight"] for one in self.view.get("scores", [])]
        known = [
            (weight, min(1.0, max(0.0, float(share))))
            for weight, share in zip(weights, shares, strict=True) if _is_number(share)
        ]  # fmt: skip
        whole = sum(weight for weight, _share in known)
        points = tuple(
            100 * weight * min(1.0, max(0.0, float(share))) / whole if _is_number(share) else None
            for weight, share in zip(weights, shares, strict=True)
        )
        score = round(100 * sum(weight * share for weight, share in known) / whole, 1) if whole else None
        grade = next((one for one in self.body.get("grades", []) if score is not None and score >= one["least"]), None)
        return Row(
            key, self._names.get(key, str(key)), tuple(cells), points, score,
            label(grade["title"]) if grade else "", grade["level"] if grade else "", str(why or ""),
        )  # fmt: skip

    def sorted(self, by: str) -> list[Row]:
        """By the score, or by a number (`key`, with `-` the largest first)."""
        keys = [one["key"] for one in self.view["numbers"]]
        if by.removeprefix("-") not in keys:
            return self.rows
        place = keys.index(by.removeprefix("-"))
        known = [row for row in self.rows if row.cells[place].value is not None]
        known.sort(key=lambda row: row.cells[place].value, reverse=by.startswith("-"))
        return [*known, *(row for row in self.rows if row.cells[place].value is None)]

    def table(self) -> tuple[list[str], list[list[Any]]]:
        """(heads, rows) as Excel and Word have them; numbers as numbers."""
        heads = [_("Place"), label(self.view["what"]), *self.heads]
        heads += [f"{title} ({weight:g}%)" for title, weight, _formula in self.weights]
        heads += ([_("Score"), _("Grade")] if self.weights else []) + ([_("Reasons")] if "why" in self.view else [])
        return heads, [self._printed(row) for row in self.rows]

    def _printed(self, row: Row) -> list[Any]:
        made: list[Any] = [row.place, row.name]
        made += [cell.text if isinstance(cell.value, str) else _rounded(cell.value) for cell in row.cells]
        made += [_rounded(point) for point in row.points]
        made += [row.score, row.grade] if self.weights else []
        return [*made, row.why] if "why" in self.view else made

    def told(self) -> Iterator[str]:
        """The formula in words and as it is computed, and the grades."""
        if "told" in self.view:
            yield label(self.view["told"])
        names = "；".join(f"{one['key']} = {label(one['title'])}" for one in self.view["numbers"])
        for title, weight, formula in self.weights:
            yield _("%(title)s weighs %(weight)s%%: %(formula)s.") % {
                "title": title, "weight": f"{weight:g}", "formula": formula,
            }  # fmt: skip
        if self.weights:
            yield _("The score is the weighed mean of these shares times 100; one without an answer does not weigh.")
            yield _("In it %(names)s.") % {"names": names}
        if grades := self.body.get("grades"):
            yield "；".join(
                _("%(grade)s from %(least)s") % {"grade": label(g["title"]), "least": g["least"]} for g in grades
            )


def titled(one: Mapping[str, Any]) -> str:
    """The head of a number."""
    unit = label(one.get("unit"))
    return f"{label(one['title'])} ({unit})" if unit else label(one["title"])


def _nothing(one: Body) -> Any:
    return 0 if one["query"].get("measure", "count") in ADDED else None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _rounded(value: Any) -> Any:
    return round(value, 1) if isinstance(value, float) else value


def _placed(row: Row, scored: Sequence[float]) -> Row:
    return row if row.score is None else replace(row, place=1 + scored.index(row.score))
