"""What a plan says, as values: the result of reading one, with the lines where each thing is printed."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, is_dataclass


@dataclass(frozen=True, order=True)
class Place:
    """First and last line of something in the text, counted from 1."""

    first: int = field(metadata={"json": "from"})
    last: int = field(metadata={"json": "to"})

    def join(self, other: Place) -> Place:
        """Return the span that covers both places."""
        return Place(min(self.first, other.first), max(self.last, other.last))


@dataclass(frozen=True)
class Reading:
    """One printed value: its year, the number (None for a dash, an empty cell or words) and the text as printed.

    `bound` is how the number is meant: "at_least", "at_most", "about", "range", "words", or None for exactly so.
    A range keeps its lower end as `value` and both ends in `low` and `high`.
    """

    year: int | None = None
    value: float | int | None = None
    text: str | None = None
    bound: str | None = None
    low: float | int | None = None
    high: float | int | None = None
    place: Place | None = None


@dataclass(frozen=True)
class Indicator:
    """One row of an indicator table (指标), or a target that a sentence states.

    `kind` is 约束性 or 预期性 as printed, or "yearly" for a sentence that promises so much every year (每年培育5家),
    which is no total. `no` is the printed number, `key` our own. `confidence` is the share of readings with the same
    signs that were right on the plans the reader is tried on.
    """

    key: str
    no: str | None
    name: str
    unit: str | None
    kind: str | None
    base: Reading
    target: Reading
    growth: float | int | None
    cumulative: bool
    place: Place
    growth_text: str | None = None
    growth_bound: str | None = None
    growth_is_total: bool = False  # the growth column prints a total over the years, not a yearly rate
    group: str | None = None
    milestones: tuple[Reading, ...] = ()
    owners: tuple[str, ...] = ()
    more: dict[str, str] = field(default_factory=dict)
    table: str = ""
    found_in: str = "table"  # or "sentence"
    mentions: tuple[Place, ...] = ()  # other places that state the same target
    confidence: float = 0.0
    signs: tuple[str, ...] = ()  # what lowers the confidence


@dataclass(frozen=True)
class Period:
    """A term as printed (建设期限), with its first and last year where they can be told."""

    text: str | None = None
    first: int | None = field(default=None, metadata={"json": "from"})
    last: int | None = field(default=None, metadata={"json": "to"})


@dataclass(frozen=True)
class Task:
    """One row of a task or project table (重点任务): owners as printed, leads and supports where columns tell them."""

    key: str
    no: str | None
    name: str
    content: str
    category: str | None = field(metadata={"json": "class"})
    period: Period
    owners: tuple[str, ...]
    place: Place
    leads: tuple[str, ...] = ()
    supports: tuple[str, ...] = ()
    more: dict[str, str] = field(default_factory=dict)
    table: str = ""
    confidence: float = 0.0
    signs: tuple[str, ...] = ()


@dataclass(frozen=True)
class BoxItem:
    """One entry of a box: its printed number or sign, its title and the text after the title."""

    no: str | None
    title: str
    text: str
    place: Place


@dataclass(frozen=True)
class Box:
    """One box (专栏) and its entries; a box that holds a table has none."""

    key: str
    no: str | None
    title: str
    items: tuple[BoxItem, ...]
    place: Place
    text: str = ""
    holds: str = "items"


@dataclass(frozen=True)
class Statement:
    """One statement of a quantity, in a sentence or in a table cell."""

    value: float | int | None
    unit: str | None
    year: int | None
    place: Place
    text: str


@dataclass(frozen=True)
class Contradiction:
    """The same quantity stated in ways that cannot both hold; `rule` names the check that found it."""

    subject: str
    readings: tuple[Statement, ...]
    note: str
    rule: str


@dataclass(frozen=True)
class Doubt:
    """Something that a person should look at: what is printed, why it is listed, and where it stands."""

    what: str
    why: str
    place: Place
    rule: str


@dataclass(frozen=True)
class Quantity:
    """What a clause says of how much, by when; `bound` as in Reading."""

    subject: str
    value: float | int | None
    unit: str | None
    year: int | None
    bound: str | None = None


@dataclass(frozen=True)
class Clause:
    """Something that the plan promises (条款): a sentence (`text`), one in a box (`box`), a row of a table (`task`,
    `indicator`) whose key `row` is. `headings` are those above it as printed, the widest first.
    """

    key: str
    kind: str
    text: str
    headings: tuple[str, ...]
    place: Place
    quantities: tuple[Quantity, ...] = ()
    leads: tuple[str, ...] = ()
    supports: tuple[str, ...] = ()
    row: str = ""


@dataclass(frozen=True)
class PlanDocument:
    """A plan as structured facts."""

    title: str
    indicators: tuple[Indicator, ...]
    tasks: tuple[Task, ...]
    boxes: tuple[Box, ...]
    contradictions: tuple[Contradiction, ...]
    unsure: tuple[Doubt, ...]
    clauses: tuple[Clause, ...] = ()

    def as_json(self) -> dict[str, object]:
        """Return the document as plain lists and dicts, ready for a JSON encoder."""
        return {item.name: _plain(getattr(self, item.name)) for item in fields(self)}


def _plain(value: object) -> object:
    if isinstance(value, tuple):
        return [_plain(entry) for entry in value]
    if is_dataclass(value):
        return {item.metadata.get("json", item.name): _plain(getattr(value, item.name)) for item in fields(value)}
    return value
