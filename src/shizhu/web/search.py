"""One search over everything one may see: engines register who finds what; the page groups, marks and narrows it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import or_
from typing import Any
from urllib.parse import urlencode

from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString, mark_safe

from shizhu.kernel.access import Actor
from shizhu.kernel.models import Area
from shizhu.web.middleware import Request

FEW, MANY = 5, 50  # hits of a kind among others, and alone
LONGEST = 100  # characters that are looked for
COUNTED = 1000  # rows of a table that are looked at
AROUND = 24  # characters shown before a mark


@dataclass(frozen=True)
class Asked:
    """What somebody looks for: `kind` is a group's key or nothing, `area` the code of an area or nothing."""

    text: str
    words: tuple[str, ...]  # its parts as they stand in texts, for marking
    kind: str = ""
    area: str = ""

    def most_of(self, kind: str) -> int:
        """How many hits of a kind are shown."""
        if not self.kind:
            return FEW
        return MANY if self.kind == kind else 0


@dataclass(frozen=True)
class Hit:
    """One thing that was found: where it leads, its name, what it says, a few words beside."""

    url: str
    title: str
    says: str = ""
    beside: tuple[str, ...] = ()
    is_simulated: bool = False


@dataclass(frozen=True)
class Group:
    """What was found of one kind. `total` counts all that the person may see; with `is_more` it is at least so many.
    `areas` counts them by the code of their area. `url` leads to a list of all.
    """

    key: str
    title: str
    icon: str
    hits: Sequence[Hit]
    total: int
    is_more: bool = False
    areas: Mapping[str, int] = field(default_factory=dict)
    url: str = ""


Finder = Callable[[Actor, str, Asked], Sequence[Group]]
_finders: list[tuple[int, Finder]] = []
_unready: list[Callable[[str], bool]] = []


def provider(find: Finder, order: int = 50, is_unready: Callable[[str], bool] | None = None) -> None:
    """Let the search find things of an engine; call it from `AppConfig.ready`. It finds what the actor may see.

    `is_unready` says of a county whether its index is still being built.
    """
    _finders.append((order, find))
    _unready.extend([is_unready] if is_unready else [])


def group(
    key: str, title: str, icon: str, rows: QuerySet[Any], fields: Sequence[str], asked: Asked,
    hit: Callable[[Any], Hit], *, area: str = "area",
) -> Group:  # fmt: skip
    """A group of rows of a table that is not large: each part of the text is in one of the fields. The rows are those
    that the person may see, in order; without fields they are narrowed to the text already. `area` is the field of
    their area, empty where they have none.
    """
    for word in asked.words if fields else ():
        rows = rows.filter(reduce(or_, (Q(**{f"{name}__icontains": word}) for name in fields)))
    if asked.area:
        rows = rows.filter(**{f"{area}__path__contains": f"{asked.area}/"}) if area else rows.none()
    found = list((rows.select_related(area) if area else rows)[: COUNTED + 1])
    areas = Counter(getattr(row, area).code for row in found) if area else {}
    hits = [hit(row) for row in found[: asked.most_of(key)]]
    return Group(key, title, icon, hits, min(len(found), COUNTED), len(found) > COUNTED, areas)


def words_of(text: str) -> tuple[str, ...]:
    """The parts of what somebody looks for."""
    return tuple(text.split())


def search(request: Request) -> HttpResponse:
    """The page: `q`, `kind`, `area`."""
    text = " ".join(request.GET.get("q", "").split())[:LONGEST]
    asked = Asked(text, words_of(text), request.GET.get("kind", ""), request.GET.get("area", ""))
    groups = _found(request, asked) if text else []
    shown = [group for group in groups if group.total and (not asked.kind or group.key == asked.kind)]
    context = {
        "asked": asked, "groups": shown, "total": sum(group.total for group in shown),
        "is_more": any(group.is_more for group in shown), "kinds": _kinds(asked, groups),
        "areas": _areas(request, asked, shown),
        "is_unready": bool(text) and any(asked_for(request.county.pk) for asked_for in _unready),
    }  # fmt: skip
    return render(request, "shizhu/search.html", context)


def _found(request: Request, asked: Asked) -> list[Group]:
    finders = [find for _order, find in sorted(_finders, key=lambda pair: pair[0])]
    return [group for find in finders for group in find(request.actor, request.county.pk, asked)]


def _link(asked: Asked, **changes: str) -> str:
    wanted = {"q": asked.text, "kind": asked.kind, "area": asked.area, **changes}
    return f"?{urlencode({name: value for name, value in wanted.items() if value})}"


def _kinds(asked: Asked, groups: Sequence[Group]) -> list[tuple[Group, str]]:
    """Each kind that was found, with the link that shows it alone, or all again."""
    return [(g, _link(asked, kind="" if g.key == asked.kind else g.key)) for g in groups if g.total]


def _areas(request: Request, asked: Asked, groups: Sequence[Group]) -> list[tuple[str, int, str, bool]]:
    """(name, how many, link, is chosen) of the towns where things were found; villages count for their town."""
    counted: dict[str, int] = {}
    for group in groups:
        for code, number in group.areas.items():
            counted[code] = counted.get(code, 0) + number
    known = {a.code: a for a in Area.objects.filter(county=request.county, code__in=counted).select_related("parent")}
    towns: dict[str, tuple[str, int]] = {}
    for code, number in counted.items():
        area = known.get(code)
        if area is None or area.level == Area.Level.COUNTY:
            continue
        town = area.parent if area.level != Area.Level.TOWN and area.parent else area
        towns[town.code] = (town.name, towns.get(town.code, ("", 0))[1] + number)
    chosen = asked.area
    return [
        (name, number, _link(asked, area="" if code == chosen else code), code == chosen)
        for code, (name, number) in sorted(towns.items(), key=lambda town: (-town[1][1], town[0]))
    ]


def marked(text: str, words: Sequence[str]) -> SafeString:
    """A text, safe for HTML, with what was looked for in `<mark>`."""
    parts = [re.escape(word) for word in sorted(words, key=len, reverse=True) if word]
    if not parts:
        return conditional_escape(text)
    pieces = re.split(f"({'|'.join(parts)})", text, flags=re.IGNORECASE)
    made = [format_html("<mark>{}</mark>", one) if n % 2 else conditional_escape(one) for n, one in enumerate(pieces)]
    return mark_safe("".join(made))  # noqa: S308  # each piece is escaped


def around(text: str, words: Sequence[str]) -> str:
    """The part of a long text where one of the words first is; nothing if none is."""
    lower = text.casefold()
    places = [place for word in words if (place := lower.find(word.casefold())) >= 0]
    if not places:
        return ""
    start = max(0, min(places) - AROUND)
    return ("…" if start else "") + " ".join(text[start : start + 4 * AROUND].split())
