"""What people call things: areas, organisations and records by code or by name, where only one is meant."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence

from shizhu.engines.records import references
from shizhu.engines.records.catalogue import registers
from shizhu.engines.records.logic.reading import narrow
from shizhu.engines.records.models import WITHDRAWN, Record
from shizhu.engines.records.references import Choice
from shizhu.kernel import access
from shizhu.kernel.access import Actor
from shizhu.kernel.models import Area, Organisation
from shizhu.kernel.text import sort_key
from shizhu.lib import likeness

MOST = 5  # candidates that an error lists
KEPT = 50_000  # names remembered at once
COMMITTEE = re.compile("居?民委员会$")  # 黄水社区居民委员会 is called 黄水社区
Found = Mapping[str, Sequence[Choice]]  # what was typed → what it may mean


class Naming:
    """Finds what was meant, for one person in one county; remembers what it found."""

    def __init__(self, who: Actor, county: str) -> None:
        self._who, self._county = who, county
        self._known: dict[tuple[str, str], Sequence[Choice]] = {}
        self._places: dict[str, dict[str, list[Choice]]] = {}
        self._short: dict[str, list[Choice]] = {}  # how areas are called for short → which it may be

    def find(self, reference: str, typed: Collection[str]) -> Found:
        """What each text may mean: one choice where it is clear, several or none where not."""
        if len(self._known) > KEPT:
            self._known.clear()
        fresh = {text for text in typed if (reference, text) not in self._known}
        if fresh:
            found = self._asked(reference, fresh)
            self._known |= {(reference, text): found.get(text, ()) for text in fresh}
        return {text: self._known[reference, text] for text in typed}

    def _asked(self, reference: str, typed: set[str]) -> Found:
        if reference in {"kernel.area", "kernel.organisation"}:
            names = self._places.get(reference) or self._all(reference)
            short = self._short if reference == "kernel.area" else {}
            return {text: names.get(narrow(text)) or short.get(likeness.plain(text), []) for text in typed}
        kind = references.find(reference, self._county)
        if kind is None:  # nobody can resolve it yet: kept as it is
            return {text: [Choice(text, text)] for text in typed}
        found: dict[str, Sequence[Choice]] = {
            value: [Choice(value, title)]
            for value, title in references.seen(self._who, self._county, reference, typed).items()
        }
        rest = typed - found.keys()
        if rest and reference in registers(self._county):
            return {**found, **self._records(reference, rest)}
        for text in rest:
            candidates = kind.search(self._who, self._county, text, MOST + 1)
            same = [one for one in candidates if narrow(one.title) == narrow(text)]
            found[text] = same or (candidates if len(candidates) > 1 else [])
        return found

    def is_short(self, reference: str, text: str) -> bool:
        """Whether what was typed is no name of an area, but what one is called for short."""
        return reference == "kernel.area" and narrow(text) not in self._places.get(reference, {})

    def _records(self, register: str, titles: set[str]) -> Found:
        """Records by their title, of those that the person may see; the index is on its pinyin."""
        rows = Record.objects.filter(county_id=self._county, register=register).exclude(state=WITHDRAWN)
        rows = access.rows(rows, self._who, f"records.{register}.view")
        rows = rows.filter(sort_key__in={sort_key(title) for title in titles}, title__in=titles)
        found: dict[str, list[Choice]] = {}
        for key, title in rows.order_by("key").values_list("key", "title"):
            found.setdefault(title, []).append(Choice(key, title))
        return found

    def _all(self, reference: str) -> dict[str, list[Choice]]:
        """Areas or organisations by code, by name, and by their parent's name and their own; areas for short too."""
        model = Area if reference == "kernel.area" else Organisation
        made: dict[str, list[Choice]] = {}
        rows = model.objects.filter(county_id=self._county).select_related("parent").order_by("path")
        for row in rows:
            above = row.parent.name if row.parent else ""
            choice = Choice(row.code, f"{above}{row.name}" if above else row.name)
            for word in {row.code, row.name, f"{above}{row.name}", f"{above}/{row.name}", f"{above} {row.name}"}:
                made.setdefault(narrow(word), []).append(choice)
            if model is Area:
                for word in {*likeness.place_names((row.name,)), likeness.plain(COMMITTEE.sub("", row.name))}:
                    self._short.setdefault(word, []).append(choice)
        self._places[reference] = made
        return made
