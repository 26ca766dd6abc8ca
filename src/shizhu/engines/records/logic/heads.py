"""Which column of a table is which field: by name, by title in either language, or as somebody said before."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from shizhu.engines.records.logic.reading import narrow
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


def matched(heads: Sequence[object], targets: Iterable[Target], known: Mapping[str, str]) -> list[str]:
    """For each head a target's name, IGNORED, or nothing. What somebody said before (bare head → name) goes first."""
    names = {target.name: target for target in targets}
    found = [_known(bare(head), names, known) for head in heads]
    words = _words(names.values())
    for number, head in enumerate(heads):
        wanted = words.get(bare(head), "")
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
