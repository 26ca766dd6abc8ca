"""What the search of all things finds among the boards."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from shizhu.engines.boards import boards
from shizhu.engines.boards.boards import VIEW, Board
from shizhu.kernel.access import Actor
from shizhu.kernel.text import label
from shizhu.web.search import Asked, Group, Hit


def find(who: Actor, county: str, asked: Asked) -> Sequence[Group]:
    """Boards whose title, purpose, fields or panels say it, in their order; none where a town is asked for."""
    if not who.has(VIEW) or asked.area:
        return []
    found = [board for board in boards.boards(county) if all(_says(_names(board), word) for word in asked.words)]
    hits = [_hit(asked, board) for board in found[: asked.most_of("boards")]]
    return [Group("boards", _("Boards"), "layout-dashboard", hits, len(found), url=reverse("boards:index"))]


def _names(board: Board) -> Iterator[Any]:
    """Everything that the board calls something."""
    yield from (board.body["title"], board.body.get("note"))
    for field in board.body["fields"]:
        yield field["title"]
        yield from (panel["title"] for panel in field["panels"])


def _says(names: Iterable[Any], word: str) -> bool:
    return any(word.casefold() in text.casefold() for name in names for text in (label(name, "zh"), label(name, "en")))


def _hit(asked: Asked, board: Board) -> Hit:
    titles = [panel["title"] for field in board.body["fields"] for panel in field["panels"]]
    inside = "、".join(label(title) for title in titles if any(_says([title], word) for word in asked.words))
    return Hit(reverse("boards:page", args=[board.key]), board.title, inside, tuple(board.field_names))
