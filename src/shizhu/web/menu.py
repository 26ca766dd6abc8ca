"""The menu: engines add their entries, packs declare theirs; a person sees those with a right."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from shizhu.kernel.access import Actor
from shizhu.kernel.models import EnabledPack
from shizhu.kernel.text import label

FEW = 16  # entries that stand open all at once
KEYS = {
    "/": "h", "/map/": "m", "/plan/": "p", "/alarms/": "a", "/cases/": "c", "/things/": "s", "/records/": "r",
    "/notices/": "n", "/boards/": "b",
}  # fmt: skip


@dataclass(frozen=True)
class Entry:
    """One line of the menu; `name` is {zh, en}; `verb` may end in `.` for any verb that begins so.

    The first five with `on_phone`, and where there are fewer the first others, stand in the phone's bar, the rest
    behind its last place. Without a `group` an entry of an order below 60 is daily work, one of 70 or more is
    management.
    """

    name: dict[str, str]
    icon: str
    url: str
    verb: str = ""
    order: int = 50
    on_phone: bool = False
    group: str = ""

    @property
    def text(self) -> str:
        """The name in the language in force."""
        return label(self.name)

    @property
    def words(self) -> str:
        """What it is found by."""
        return " ".join(self.name.values()).lower()

    @property
    def key(self) -> str:
        """The letter that opens it after `g`; empty for most."""
        return KEYS.get(self.url, "")


@dataclass(frozen=True)
class Group:
    """Entries under one heading; a pack with several entries has one of its own."""

    key: str
    name: str | Promise
    entries: list[Entry] = field(default_factory=list)
    is_open: bool = True


NAMES = {
    "stars": gettext_lazy("Favourites"),
    "daily": gettext_lazy("Daily work"),
    "domains": gettext_lazy("Domains"),
    "manage": gettext_lazy("Data and management"),
}
_entries: list[Entry] = []


def add(entry: Entry) -> None:
    """Add an entry; call it from `AppConfig.ready`."""
    _entries.append(entry)


def entries(who: Actor, county: str) -> list[Entry]:
    """What this actor may open."""
    found = list(_entries)
    for enabled in EnabledPack.objects.filter(county_id=county).select_related("pack").order_by("pack"):
        declared = enabled.pack.body.get("menu", [])
        group = label(enabled.pack.body["name"]) if len(declared) > 1 else "domains"
        for item in declared:
            found.append(Entry(item["name"], item["icon"], item["url"], item["verb"], order=60, group=group))
    return sorted((e for e in found if not e.verb or _opens(who, e.verb)), key=lambda e: e.order)


def _opens(who: Actor, verb: str) -> bool:
    return who.has_any(verb) if verb.endswith(".") else who.has(verb)


def current(found: Iterable[Entry], path: str) -> str:
    """The address of the entry that a page lies below; empty for none."""
    below = [e.url for e in found if path == e.url or (e.url != "/" and path.startswith(e.url.partition("?")[0]))]
    return max(below, key=len, default="")


def grouped(found: list[Entry], stars: Iterable[str], here: str) -> list[Group]:
    """Entries under their headings, favourites first. Where there are many, only the groups in use stand open."""
    groups: dict[str, list[Entry]] = {}
    chosen = set(stars)
    groups["stars"] = [entry for entry in found if entry.url in chosen]
    for entry in found:
        key = entry.group or ("daily" if entry.order < 60 else "domains" if entry.order < 70 else "manage")
        groups.setdefault(key, []).append(entry)
    is_few = len(found) <= FEW
    return [
        Group(
            key, NAMES.get(key, key), listed, is_few or key in {"stars", "daily"} or any(e.url == here for e in listed)
        )
        for key, listed in groups.items()
        if listed
    ]
