"""What engines offer to count: datasets. Whoever shows numbers (boards, reports) asks here and nowhere else.

An engine registers its dataset in `AppConfig.ready`. A question always has an actor, and the answer holds what that
actor may see: no number can be shown that its rows could not be.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from shizhu.kernel.access import Actor
from shizhu.kernel.packs import Body, LoadedPacks

Names = Mapping[str, str]  # {zh, en}


class NotYours(Exception):  # it says whose it is
    """The actor has no right to any row of this dataset."""


@dataclass(frozen=True)
class Asked:
    """A question: the declared `body`, who asks, of which county, and the moment up to which things count."""

    body: Body
    who: Actor
    county: str
    at: datetime


@dataclass(frozen=True)
class Column:
    """One column of an answer. `kind` is text, number, time or level; `unit` as printed."""

    name: str
    title: Names
    kind: str = "text"
    unit: str | Names = ""


@dataclass(frozen=True)
class Row:
    """One row: cells in the order of the columns (texts may be {zh, en}), their raw keys, and where the rows lie."""

    cells: tuple[Any, ...]
    keys: tuple[Any, ...] = ()
    href: str = ""
    is_simulated: bool = False


@dataclass(frozen=True)
class Result:
    """An answer, with all that a number owes its reader.

    `newest` time of the newest data in it · `total` rows counted · `base` rows of which the
    counted are a share, where they are one · `simulated` how many of all these are simulated or
    replayed · `missing` what is not in it, in words · `href` the list of the rows, whose count is `total` ·
    `is_part` whether the actor sees only part of the county.
    """

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    source: Names
    newest: datetime | None = None
    total: int = 0
    base: int = 0
    simulated: int = 0
    missing: tuple[Names, ...] = ()
    href: str = ""
    is_part: bool = False

    @property
    def value(self) -> Any:
        """The number of an answer that has one: the last cell of its only row."""
        return self.rows[0].cells[-1] if len(self.rows) == 1 and self.rows[0].cells else None

    @property
    def looked_at(self) -> int:
        """All rows that the answer rests on."""
        return self.base or self.total

    @property
    def measure(self) -> Column:
        """The column of the numbers: the last."""
        return self.columns[-1]


@dataclass(frozen=True)
class Offer:
    """Something that can be asked about by clicking: what a question says of it, its name, columns to choose from."""

    query: Body
    title: Names
    columns: tuple[Column, ...] = ()


@dataclass(frozen=True)
class Dataset:
    """`give` answers; `verb` is the right a question needs; `check` says what is wrong with one, a line each; `offers`
    lists what of it a county can ask about.
    """

    name: str
    give: Callable[[Asked], Result]
    verb: Callable[[Body], str]
    check: Callable[[Body, LoadedPacks], Iterable[str]] = field(default=lambda _body, _packs: ())
    offers: Callable[[str], Iterable[Offer]] = field(default=lambda _county: ())


_datasets: dict[str, Dataset] = {}


def add(dataset: Dataset) -> None:
    """Offer a dataset; call it from `AppConfig.ready`."""
    _datasets[dataset.name] = dataset


def known() -> Mapping[str, Dataset]:
    """All datasets by name."""
    return _datasets


def ask(asked: Asked) -> Result:
    """The answer as the actor may see it. Raises NotYours, KeyError for an unknown dataset, ValueError for a wrong
    question."""
    dataset = _datasets[asked.body["from"]]
    verb = dataset.verb(asked.body)
    if not asked.who.has(verb):
        raise NotYours(verb)
    return dataset.give(asked)


def sees_all(who: Actor, verb: str, county: str) -> bool:
    """Whether the actor has the verb in the whole county."""
    return who.is_unbounded or any(
        scope.county == county and scope.area_path.count("/") <= 1 and scope.organisation_path.count("/") <= 1
        for scope in who.granting(verb)
    )
