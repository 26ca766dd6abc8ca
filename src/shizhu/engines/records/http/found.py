"""What the search of all things finds among the records: grouped by register, best first, marked where it says so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse

from shizhu.engines.records import queries, searching
from shizhu.engines.records.catalogue import registers
from shizhu.engines.records.http import shown
from shizhu.engines.records.logic import lexemes
from shizhu.engines.records.logic.register import Kind, Register
from shizhu.kernel import jobs
from shizhu.kernel.access import Actor
from shizhu.kernel.text import label
from shizhu.web import search
from shizhu.web.search import Asked, Group, Hit

KIND = "records:"


def find(who: Actor, county: str, asked: Asked) -> Sequence[Group]:
    """Groups of records, one a register; of one kind alone the others are counted too."""
    seen = {key: register for key, register in registers(county).items() if who.has(register.verb("view"))}
    found = searching.find(who, county, list(seen.values()), asked.text, asked.area)
    rows: dict[str, list[Any]] = {}
    for row in found.rows:
        rows.setdefault(row.register, []).append(row)
    return [
        _group(who, county, seen[key], of_it, asked, found.is_more)
        for key, of_it in sorted(rows.items(), key=lambda pair: -len(pair[1]))
    ]


def is_unready(county: str) -> bool:
    """Whether rows are still to be made findable."""
    return jobs.is_due("records.fill_search", county)


def _group(who: Actor, county: str, register: Register, rows: Sequence[Any], asked: Asked, is_more: bool) -> Group:
    best = searching.best(rows, asked.text)[: asked.most_of(f"{KIND}{register.key}")]
    entries = [queries.entry(row, register) for row in searching.whole(best)]
    known = shown.titles(who, county, register, entries)
    words = lexemes.words(asked.text)
    hits = [
        Hit(
            reverse("records:detail", args=[register.key, entry.id]), entry.title,
            next(_saying(register, entry, known, words), ""), (entry.key, entry.area.name), entry.is_simulated,
        )
        for entry in entries
    ]  # fmt: skip
    asked_for = {"q": asked.text, "area": asked.area}
    link = urlencode({name: value for name, value in asked_for.items() if value})
    areas: Mapping[str, int] = Counter(row.area.code for row in rows)
    return Group(
        f"{KIND}{register.key}", label(register.title), register.icon, hits, len(rows), is_more, areas,
        f"{reverse('records:list', args=[register.key])}?{link}",
    )  # fmt: skip


def _saying(register: Register, entry: Any, known: shown.Titles, words: Sequence[str]) -> Iterator[str]:
    """The fields that say what was looked for; never a masked one."""
    for item in register.fields.values():
        if item.name in {register.title_field, register.key_field} or item.privacy or item.kind == Kind.GROUP:
            continue
        text = shown.text(item, entry.data.get(item.name), known)
        if part := search.around(text, words):
            yield f"{label(item.title)}：{part}"
