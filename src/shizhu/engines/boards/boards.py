"""The boards of a county, and what of them somebody may open."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from shizhu.engines.boards import panels, shown
from shizhu.engines.boards.declare import BOARDS
from shizhu.engines.boards.shown import Shown
from shizhu.kernel import overlays, packs
from shizhu.kernel.access import Actor
from shizhu.kernel.packs import Body
from shizhu.kernel.text import label

VIEW = "boards.board.view"
BUDGET = 0.1  # seconds that a page gives to panels nobody knows the cost of


class NoBoard(LookupError):
    """The county has no board of that key."""


@dataclass(frozen=True)
class Board:
    """One board as declared."""

    key: str
    body: Body

    @property
    def title(self) -> str:
        """Its name in the language in force."""
        return label(self.body["title"])

    @property
    def note(self) -> str:
        """What it is for."""
        return label(self.body.get("note"))

    @property
    def icon(self) -> str:
        """Icon of the sprite."""
        return str(self.body.get("icon", "layout-dashboard"))

    @property
    def field_names(self) -> list[str]:
        """Names of its fields."""
        return [label(field["title"]) for field in self.body["fields"]]

    def panel(self, key: str) -> Body | None:
        """One of its panels."""
        return next((p for field in self.body["fields"] for p in field["panels"] if p["key"] == key), None)


@dataclass(frozen=True)
class Field:
    """A field of a board with its panels as shown."""

    key: str
    title: str
    icon: str
    panels: tuple[Shown, ...]

    @property
    def numbers(self) -> list[Shown]:
        """Its numbers, which stand side by side."""
        return [panel for panel in self.panels if panel.kind == "number"]

    @property
    def others(self) -> list[Shown]:
        """What stands below them."""
        return [panel for panel in self.panels if panel.kind != "number"]

    @property
    def is_alone(self) -> bool:
        """Whether it is one panel of the same name, which then stands once."""
        return [panel.title for panel in self.panels] == [self.title]

    @property
    def oldest(self) -> datetime | None:
        """When the least fresh of its panels was true."""
        return min((panel.newest for panel in self.panels if panel.newest), default=None)

    @property
    def sources(self) -> str:
        """Where its numbers come from."""
        return "、".join(dict.fromkeys(panel.source for panel in self.panels if panel.source))

    @property
    def is_stale(self) -> bool:
        """Whether anything of it is older than it may be."""
        return any(panel.is_stale for panel in self.panels)

    @property
    def is_simulated(self) -> bool:
        """Whether anything of it is invented."""
        return any(panel.simulated for panel in self.panels)


def boards(county: str) -> list[Board]:
    """The boards of a county, in their order; the county's own first."""
    found = [Board(key, body) for key, body in packs.declarations(BOARDS, county).items()]
    own = packs.COUNTY, overlays.LOCAL
    return sorted(
        found, key=lambda board: (board.key.partition(".")[0] not in own, board.body.get("order", 50), board.key)
    )


def board(key: str, county: str) -> Board:
    """One board. Raises NoBoard."""
    body: Mapping[str, Body] = packs.declarations(BOARDS, county)
    if key not in body:
        raise NoBoard(key)
    return Board(key, body[key])


def fields(
    board: Board, who: Actor, county: str, only: frozenset[str] = frozenset(), *, wait: bool = True
) -> list[Field]:
    """The fields with their panels as the actor may see them, all or only some panels.

    With `wait` off, what was slow the last time is left to come later, and so is what nobody asked for yet once the
    page has taken its time.
    """
    made, until = [], time.monotonic() + BUDGET
    for field in board.body["fields"]:
        chosen = [panel for panel in field["panels"] if not only or panel["key"] in only]
        own = tuple(_shown(panel, who, county, until=None if wait else until) for panel in chosen)
        made.append(Field(field["key"], label(field["title"]), field.get("icon", "activity"), own))
    return made


def _shown(panel: Body, who: Actor, county: str, *, until: float | None) -> Shown:
    is_here = until is None or panels.remembered(panel, who, county) is not None
    if until is not None and not is_here:
        cost = panels.cost(panel, county)
        is_here = time.monotonic() < until if cost is None else cost <= panels.SLOW
    return shown.shown(panel, panels.answer(panel, who, county)) if is_here else shown.pending(panel)
