"""Which column of a table is which field: by name, by title in either language, or as somebody said before."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from shizhu.engines.records.logic.reading import narrow, plain
from shizhu.engines.records.logic.register import Names

IGNORED = "-"  # the column is left out
UNIT = re.compile(r"[(\[（【].*?[)\]）】]$")


@dataclass(frozen=True)
class Target:
    """Where a column may go: a field's path, or `_area`, `_organisation`, `_state`, `_geometry` and the like."""

    name: str
    title: Names
    others: tuple[str, ...] = ()  # further heads that mean it
    is_required: bool = False


def bare(head: object) -> str:
    """A head without what does not matter: width, case, blanks, a star, a unit in brackets."""
    text = re.sub(r"[\s*＊]+", "", narrow(str(head or ""))).casefold()
    return UNIT.sub("", text) or text


def matched(
    heads: Sequence[object], targets: Iterable[Target], known: Mapping[str, str], lower: Sequence[str] = ()
) -> list[str]:
    """For each head a target's name, IGNORED, or nothing. What somebody said before (bare head → name) goes first.

    `lower` are the heads by their lowest row alone, which count where the whole says nothing and only one has them.
    """
    names = {target.name: target for target in targets}
    found = [_known(bare(head), names, known) for head in heads]
    words = _words(names.values())
    for texts in (heads, ["" if lower.count(text) > 1 else text for text in lower]):
        for number, text in enumerate(texts):
            wanted = words.get(bare(text), "")
            if not found[number] and wanted not in found:
                found[number] = wanted
    return found


def _known(head: str, names: Mapping[str, Target], known: Mapping[str, str]) -> str:
    name = known.get(head, "")
    return name if name in names or name == IGNORED else ""


def _words(targets: Iterable[Target]) -> dict[str, str]:
    """bare head → target, where only one is meant."""
    found: dict[str, str] = {}
    for target in targets:
        for word in {bare(word) for word in (target.name, *target.title.values(), *target.others)}:
            found[word] = "" if word in found else target.name
    return found


def first(rows: Sequence[Sequence[object]], targets: Sequence[Target]) -> int:
    """Which of the first rows holds the heads: the one that names most fields, at the latest the first full one."""
    scores = [sum(bool(name) for name in matched(row, targets, {})) for row in rows]
    best = max(scores, default=0)
    if best:
        return scores.index(best)
    return next((n for n, row in enumerate(rows) if sum(cell not in {None, ""} for cell in row) > 1), 0)


Span = tuple[int, int]  # columns, the last included
JOINT = "/"


@dataclass(frozen=True)
class Head:
    """Where the heads stand: the index of their last row, what they say, and which are over columns without a head."""

    at: int
    titles: list[str]  # of several rows as 地址/乡镇
    lower: list[str]  # the same by the lowest row alone: 乡镇
    wide: list[str]


def found(rows: Sequence[Sequence[object]], merged: Mapping[int, Sequence[Span]], targets: Sequence[Target]) -> Head:
    """The heads among the first rows of a table; `merged` are the spans of cells merged sideways, by index of a row.

    Heads may take several rows: under a cell over several columns each has its own, beneath the others stands nothing.
    """
    texts = [[plain(cell) for cell in row] for row in rows]
    groups = [_groups(texts, n, merged.get(n, ()), targets) for n in range(len(texts) - 1)]
    at = first(rows, targets)
    while at < len(groups) and groups[at]:
        at += 1
    top = at
    while top and groups[top - 1]:
        top -= 1
    width = max(map(len, texts[top : at + 1]))
    columns: list[list[str]] = [[] for _ in range(width)]
    for n in range(top, at + 1):
        for column, text in enumerate(_spread(texts[n], groups[n] if n < at else [])):
            if text and text not in columns[column][-1:]:
                columns[column].append(text)
    while columns and not columns[-1]:
        columns.pop()
    wide = [
        texts[at][start] for start, end in merged.get(at, ())
        if any(any(row[start + 1 : end + 1]) for row in texts[at + 1 :])
    ]  # fmt: skip
    return Head(at, [JOINT.join(parts) for parts in columns], [(parts or [""])[-1] for parts in columns], wide)


def _groups(
    texts: Sequence[Sequence[str]], n: int, merged: Sequence[Span], targets: Sequence[Target]
) -> Sequence[Span]:
    """The spans of a row whose columns have heads of their own in the next row; none where that is no row of heads."""
    upper, lower = texts[n], texts[n + 1]
    filled = [column for column, text in enumerate(lower) if text]
    spans = merged or _open(upper, lower)
    inside = {column for start, end in spans for column in range(start, end + 1)}
    told = sorted({*filled, *(column for column, text in enumerate(upper) if text)})
    if not inside & set(filled) or any(start <= told[0] and told[-1] <= end for start, end in spans):
        return ()  # the last is a title over the whole table
    if any(lower[column] != (upper[column] if column < len(upper) else "") for column in set(filled) - inside):
        return ()
    if not merged:  # nothing says so but the words themselves
        named = matched([lower[column] for column in sorted(inside)], targets, {})
        is_beside = any(text for column, text in enumerate(upper) if column not in inside)
        return spans if any(named) and is_beside else ()
    return spans


def _open(upper: Sequence[str], lower: Sequence[str]) -> list[Span]:
    """Where a text is followed by empty cells, and beneath all of them stands something."""
    found: list[Span] = []
    for start, text in enumerate(upper):
        end = start
        while text and end + 1 < len(lower) and lower[end + 1] and not "".join(upper[end + 1 : end + 2]):
            end += 1
        if end > start and lower[start]:
            found.append((start, end))
    return found


def _spread(texts: Sequence[str], spans: Sequence[Span]) -> list[str]:
    """A row of heads with those of several columns over each of them."""
    made = list(texts)
    for start, end in spans:
        made += [""] * (end + 1 - len(made))
        made[start : end + 1] = [made[start]] * (end + 1 - start)
    return made
