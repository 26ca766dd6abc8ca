"""A board as an administrator clicks it together: blocks of a question, how it is drawn and where; and back again.

A block is a field of the board with one panel of the same name. What a page cannot show of a panel (levels, trends,
shares) is taken over from the version that is kept; a question it cannot show at all stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from django.utils.translation import gettext as _

from shizhu.engines.boards.declare import GROUPED
from shizhu.engines.boards.grid import COLUMNS, TALLEST, Size, areas, sizes
from shizhu.kernel import datasets
from shizhu.kernel.datasets import Column, Offer
from shizhu.kernel.packs import Body
from shizhu.kernel.text import label
from shizhu.lib.numbers import whole
from shizhu.web import parts
from shizhu.web.parts import Posted, written_title

HEAD = ("zh", "en", "note", "icon")
ICONS = (
    "layout-dashboard", "map", "droplet", "leaf", "bell", "briefcase", "target", "antenna", "bulb", "users",
    "building-community", "route", "tool", "activity",
)  # fmt: skip
WORDS = (
    "zh", "en", "kind", "source", "measure", "by", "beside", "each", "time", "span", "where", "top", "wide", "high",
    "at", "text",
)  # fmt: skip
COUNTED = ("number", "bar", "line", "area", "pie", "stacked", "ranking", "map", "table", "list")
KINDS: Mapping[str, tuple[str, ...]] = {  # how an answer of a dataset can be drawn, where it is not by counting rows
    "readings": ("number", "line", "area", "bar", "ranking", "table"),
    "indicators": ("number", "lights", "progress", "table"),
    "tasks": ("number", "table"), "": ("text",),
}  # fmt: skip
OVER = ("avg", "min", "max")
OF_NUMBER = ("sum", "avg", "min", "max", "median")
OWN = {"key", "title", "kind", "query", "text"}  # words of a panel that the page sets
FALLING = {"bar", "pie", "ranking"}
EACHES, SPANS = ("hour", "day", "month", "year"), ("day", "month", "year", "PT24H", "P7D", "P30D", "P180D", "P365D")
TEXT = "text"


@dataclass(frozen=True)
class Head:
    """What is typed about a board itself."""

    zh: str = ""
    en: str = ""
    note: str = ""
    icon: str = "layout-dashboard"
    problems: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Block:
    """One block as it is typed. `kept` is its panel where the page cannot show the question; `at` is row,column."""

    id: str
    zh: str = ""
    en: str = ""
    kind: str = "number"
    source: str = ""
    measure: str = "count"
    by: str = ""
    beside: str = ""
    each: str = ""
    time: str = ""
    span: str = ""
    where: str = ""
    top: str = ""
    wide: str = "2"
    high: str = "1"
    at: str = ""
    text: str = ""
    rows: tuple[str, ...] = ()
    kept: Body | None = None
    problems: tuple[str, ...] = ()

    @property
    def size(self) -> Size:
        """Its rectangle; what is no size counts as the usual one."""
        place = re.fullmatch(r"(\d{1,2}),(\d)", self.at)
        wide = int(self.wide) if self.wide in _numbers(COLUMNS) else 2
        high = int(self.high) if self.high in _numbers(TALLEST) else 1
        return Size(wide, high, (int(place[1]), int(place[2])) if place else None)


def _numbers(most: int) -> list[str]:
    return [str(number) for number in range(1, most + 1)]


def source_of(query: Body) -> str:
    """What a question is about, as a choice of the page."""
    return "|".join(query.get(word, "") for word in ("from", "of", "property"))


def offers(county: str) -> dict[str, Offer]:
    """source → what of it one may ask about."""
    every = (offer for dataset in datasets.known().values() for offer in dataset.offers(county))
    return {source_of(offer.query): offer for offer in every}


def kinds_of(offer: Offer | None) -> tuple[str, ...]:
    """How answers of a source can be drawn."""
    if offer is None:
        return KINDS[""]
    about = offer.query["of"] if offer.query["from"] == "plan" else offer.query["from"]
    return KINDS.get(about, COUNTED)


def measures_of(offer: Offer) -> list[tuple[str, str, Column | None]]:
    """(choice, measure, column) of what can be counted."""
    if offer.query["from"] == "readings":
        return [(name, name, None) for name in OVER]
    found: list[tuple[str, str, Column | None]] = [("count", "count", None)]
    for column in offer.columns if offer.query["from"] != "plan" else ():
        if column.kind == "number":
            found += [(f"{name}:{column.name}", name, column) for name in OF_NUMBER]
        elif column.name != "_town":
            found.append((f"distinct:{column.name}", "distinct", column))
    return found


# -- from what was typed


def head_of(posted: Posted) -> Head:
    """The head as it was typed."""
    zh, en, note, icon = (posted.get(f"r.{word}", "").strip() for word in HEAD)
    return Head(zh, en, note, icon)


def blocks_of(posted: Posted, rows: Mapping[str, Sequence[str]], before: Iterable[Block]) -> list[Block]:
    """The blocks as they were typed; `rows` has the columns ticked for each, `before` those that are kept."""
    kept = {block.id: block for block in before if block.kept}
    return [_block(posted, id_, tuple(rows.get(id_, ())), kept.get(id_)) for id_ in parts.ids(posted)]


def _block(posted: Posted, id_: str, rows: tuple[str, ...], kept: Block | None) -> Block:
    words: dict[str, Any] = {word: posted.get(f"s.{id_}.{word}", "").strip() for word in WORDS}
    if kept:
        words |= {word: getattr(kept, word) for word in ("kind", "source")}
    return Block(id_, **words, rows=rows, kept=kept.kept if kept else None)


def moved(blocks: Sequence[Block], do: str) -> list[Block]:
    """The blocks after a click: `add`, `remove:`, `up:`, `down:<id>`, `put:<id>:<row>,<column>` or `put:<id>:`."""
    what, _colon, rest = do.partition(":")
    if what == "add":
        numbers = [int(block.id[1:]) for block in blocks if re.fullmatch(r"b\d{1,4}", block.id)]
        return [*blocks, Block(f"b{max(numbers, default=0) + 1}")]
    if what == "put":
        id_, _colon, at = rest.partition(":")
        return [replace(block, at=at) if block.id == id_ else block for block in blocks]
    return parts.rearranged(blocks, [block.id for block in blocks], do)


def fitted(blocks: Iterable[Block], known: Mapping[str, Offer]) -> list[Block]:
    """Blocks whose choices belong to their source: what another source had is let go."""
    return [_fitted(block, known.get(block.source)) for block in blocks]


def _fitted(block: Block, offer: Offer | None) -> Block:
    if block.kept or (offer is None and block.kind == TEXT):
        return block
    kinds = kinds_of(offer) if offer else (block.kind, TEXT)
    kind = block.kind if block.kind in {*kinds, TEXT} else kinds[0]
    if offer is None:
        return replace(block, kind=kind)
    names, measures = {column.name for column in offer.columns}, [choice for choice, _m, _c in measures_of(offer)]
    times = [column.name for column in offer.columns if column.kind == "time"]
    return replace(
        block, kind=kind, measure=block.measure if block.measure in measures else measures[0],
        by=block.by if block.by in names else "", beside=block.beside if block.beside in names else "",
        time=block.time if block.time in times else next(iter(times), ""), each=block.each or _each(offer),
        rows=tuple(name for name in block.rows if name in names),
    )  # fmt: skip


def _each(offer: Offer) -> str:
    return "hour" if offer.query["from"] == "readings" else "month"


# -- the declaration, and back


def query_of(block: Block, offer: Offer) -> Body:
    """The question of a block."""
    about, made = offer.query["from"], dict(offer.query)
    number = whole(block.top)
    top: Body = {"top": number} if number else {}
    if about == "readings":
        return made | _of_readings(block)
    if about == "plan":
        shown = {"lights": {"by": ["light"]}, "progress": {"rows": ["name"]} | top, "table": {"rows": ["name"]} | top}
        return made | shown.get(block.kind, {})
    columns = {column.name: column for column in offer.columns}
    if block.where:
        made["where"] = block.where
    if block.span and block.time:
        made["during"] = {"time": block.time, "span": block.span}
    if block.kind in {"table", "list"}:
        newest = {"order": f"-{block.time}"} if block.time else {}
        return made | {"rows": list(block.rows)} | newest | top
    measure, _colon, name = block.measure.partition(":")
    made |= {"measure": measure, "field": name} if name else {}
    by = ["_town"] if block.kind == "map" else _groups(block)
    made |= {"by": by} if by else {}
    is_time = [name in columns and columns[name].kind == "time" for name in by]
    made |= {"each": block.each or "month"} if any(is_time) else {}
    falls = block.kind in FALLING and not any(is_time)
    return made | ({"order": "-value"} if falls else {}) | (top if by else {})


def _groups(block: Block) -> list[str]:
    if block.kind not in GROUPED:
        return []
    return [name for name in (block.by, block.beside if block.kind == "stacked" else "") if name]


def _of_readings(block: Block) -> Body:
    if block.kind == "table":
        return {"measure": "latest"}
    made: Body = {"measure": block.measure, "during": {"span": block.span or "PT24H"}}
    if block.kind in {"line", "area"}:
        return made | ({"by": ["_thing"]} if block.by else {}) | {"each": block.each or "hour"}
    return made | ({"by": ["_thing"]} if block.kind in {"bar", "ranking"} else {})


def panel_of(block: Block, offer: Offer | None, key: str, kept: Body) -> Body:
    """The panel of a block, over the one that is kept."""
    rest = {word: value for word, value in kept.items() if word not in OWN}
    made: Body = {"key": key, "title": _names(block.zh, block.en), "kind": block.kind}
    if block.kept:
        own: Body = {word: block.kept[word] for word in ("kind", "query", "text") if word in block.kept}
        return {**made, **own, **rest}
    if block.kind == TEXT or offer is None:
        return {**made, "kind": TEXT, "text": _names(block.text, "")}
    same = kept.get("kind") == block.kind
    return {**made, "query": query_of(block, offer), **(rest if same else {})}


def _names(zh: str, en: str) -> dict[str, str]:
    return {"zh": zh or "…", "en": en or zh or "…"}


def body_of(head: Head, blocks: Sequence[Block], known: Mapping[str, Offer], kept: Body | None = None) -> Body:
    """The declaration that was typed, over the one that is kept."""
    before = {one["key"]: one for one in kept["fields"]} if kept else {}
    fields = []
    for block in blocks:
        old = before.get(block.id, {"panels": [{"key": block.id}]})
        panel = old["panels"][0]
        rest = {word: value for word, value in old.items() if word not in {"key", "title", "panels"}}
        made = panel_of(block, known.get(block.source), panel["key"], panel)
        fields.append({"key": block.id, "title": _names(block.zh, block.en), **rest, "panels": [made]})
    rows = areas({block.id: block.size for block in blocks})
    rest = {
        word: value for word, value in (kept or {}).items() if word not in {"title", "note", "icon", "fields", "layout"}
    }
    note = {"note": _names(head.note, "")} if head.note else {}
    return {
        "title": _names(head.zh, head.en), **note, "icon": head.icon or "layout-dashboard", **rest,
        "layout": {"wall": rows, "desk": rows}, "fields": fields,
    }  # fmt: skip


def written(body: Body, known: Mapping[str, Offer]) -> tuple[Head, list[Block]] | None:
    """A declaration as it would be typed; None for one that no page can show. A block whose question a page cannot show
    keeps its panel.
    """
    zh, en = written_title(body["title"])
    head = Head(zh, en, written_title(body.get("note"))[0], body.get("icon", "layout-dashboard"))
    keys = [one["key"] for one in body["fields"]]
    layout = body.get("layout", {})
    rows = layout.get("desk") or layout.get("wall")
    lie = sizes(rows, keys) if rows else dict.fromkeys(keys, Size(2, 1))
    if lie is None or any(len(one["panels"]) != 1 for one in body["fields"]):
        return None
    return head, [_settled(_written(one, lie[one["key"]]), one["panels"][0], known) for one in body["fields"]]


def _written(one: Body, size: Size) -> Block:
    panel: Body = one["panels"][0]
    zh, en = written_title(one["title"])
    at = f"{size.at[0]},{size.at[1]}" if size.at else ""
    block = Block(one["key"], zh, en, panel["kind"], wide=str(size.wide), high=str(size.high), at=at)
    if panel["kind"] == TEXT:
        return replace(block, text=written_title(panel["text"])[0])
    query = panel["query"]
    measure, name = query.get("measure", "count"), query.get("field", "")
    by = [*query.get("by", []), "", ""]
    return replace(
        block, source=source_of(query), measure=f"{measure}:{name}" if name else measure, by=by[0], beside=by[1],
        each=query.get("each", ""), time=query.get("during", {}).get("time", "") or query.get("order", "").lstrip("-"),
        span=query.get("during", {}).get("span", ""), where=query.get("where", ""), top=str(query.get("top", "")),
        rows=tuple(query.get("rows", ())),
    )  # fmt: skip


def _settled(block: Block, panel: Body, known: Mapping[str, Offer]) -> Block:
    offer = known.get(block.source)
    fitting = _fitted(block, offer)
    asked = {word: value for word, value in panel.get("query", {}).items() if (word, value) != ("measure", "count")}
    is_shown = panel["kind"] == TEXT or (offer is not None and query_of(fitting, offer) == asked)
    return fitting if is_shown else replace(block, kept=panel)


# -- what is wrong


def wrong_head(head: Head, blocks: Sequence[Block]) -> dict[str, str]:
    """What is wrong with the head, by word."""
    found = {} if head.zh else {"zh": _("Give the board a name.")}
    if head.icon not in ICONS:
        found["icon"] = _("Choose one of the list.")
    if not blocks:
        found["blocks"] = _("Add at least one block.")
    return found


def wrong(blocks: Sequence[Block], known: Mapping[str, Offer]) -> dict[str, list[str]]:
    """What is wrong with blocks, by id."""
    found = {block.id: list(_wrong(block, known.get(block.source))) for block in blocks}
    return {id_: lines for id_, lines in found.items() if lines}


def _wrong(block: Block, offer: Offer | None) -> Iterator[str]:
    if not block.zh:
        yield _("Give the block a name.")
    if block.kept:
        return
    if block.kind == TEXT:
        if not block.text:
            yield _("Write what it shall say.")
        return
    if offer is None:
        yield _("Choose what it is about.")
        return
    if block.kind in GROUPED and offer.query["from"] not in {"readings", "plan"} and not block.by:
        yield _("Choose what it is put together by.")
    if block.kind in {"table", "list"} and offer.query["from"] not in {"readings", "plan"} and not block.rows:
        yield _("Choose at least one column.")
    if block.span and block.span not in SPANS:
        yield _("Choose one of the list.")
    if block.top and not 1 <= whole(block.top) <= 200:
        yield _("A whole number from 1 to 200, or nothing.")


PLACE = re.compile(r"fields\[(\d+)\]\.panels\[0\]\.(?:query\.)?")


def apart(lines: Iterable[str], blocks: Sequence[Block]) -> tuple[dict[str, list[str]], list[str]]:
    """Lines of the check of declarations: those of a block by its id, and the others."""
    by_block: dict[str, list[str]] = {}
    others = []
    for line in lines:
        place = PLACE.match(line)
        if place and int(place[1]) < len(blocks):
            by_block.setdefault(blocks[int(place[1])].id, []).append(line[place.end() :])
        else:
            others.append(line)
    return by_block, others


def marked(blocks: Iterable[Block], problems: Mapping[str, Sequence[str]]) -> list[Block]:
    """The blocks with what is wrong with each."""
    return [replace(block, problems=tuple(problems.get(block.id, ()))) for block in blocks]


def title_of(offer: Offer) -> str:
    """What a source is called."""
    return label(offer.title)
