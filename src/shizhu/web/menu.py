"""The menu: engines add their entries, packs declare theirs; a person sees those with a right."""

from __future__ import annotations

from dataclasses import dataclass

from shizhu.kernel.access import Actor
from shizhu.kernel.models import EnabledPack
from shizhu.kernel.text import label


@dataclass(frozen=True)
class Entry:
    """One line of the menu; `name` is {zh, en}; `verb` may end in `.` for any verb that begins so.

    The first four with `on_phone` stand in the phone's bar, the others behind its last place.
    """

    name: dict[str, str]
    icon: str
    url: str
    verb: str = ""
    order: int = 50
    on_phone: bool = False

    @property
    def text(self) -> str:
        """The name in the language in force."""
        return label(self.name)


_entries: list[Entry] = []


def add(entry: Entry) -> None:
    """Add an entry; call it from `AppConfig.ready`."""
    _entries.append(entry)


def entries(who: Actor, county: str) -> list[Entry]:
    """What this actor may open."""
    found = list(_entries)
    for enabled in EnabledPack.objects.filter(county_id=county).select_related("pack").order_by("pack"):
        for item in enabled.pack.body.get("menu", []):
            found.append(Entry(item["name"], item["icon"], item["url"], item["verb"], order=60))
    return sorted((e for e in found if not e.verb or _opens(who, e.verb)), key=lambda e: e.order)


def _opens(who: Actor, verb: str) -> bool:
    return who.has_any(verb) if verb.endswith(".") else who.has(verb)
