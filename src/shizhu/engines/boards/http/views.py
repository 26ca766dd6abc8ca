"""Pages: the boards one may open, one board at the desk and on the phone, the same on the wall, its panels anew."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import mark_safe

from shizhu.engines.boards import boards, rankings
from shizhu.engines.boards.boards import VIEW, Board
from shizhu.engines.boards.http.screens import screen
from shizhu.engines.boards.reports import VIEW as REPORTS
from shizhu.kernel import access
from shizhu.web.middleware import Request


def _board(request: Request, key: str) -> Board:
    try:
        found = boards.board(key, request.county.pk)
    except boards.NoBoard:
        raise Http404(key) from None
    access.require_verb(request.actor, VIEW)
    return found


def index(request: Request) -> HttpResponse:
    """The boards of the county."""
    access.require_verb(request.actor, VIEW)
    context = {
        "boards": boards.boards(request.county.pk), "may_read_reports": request.actor.has(REPORTS),
        "rankings": [
            (key, body) for key, body in rankings.rankings(request.county.pk).items()
            if all(map(request.actor.has, rankings.verbs(body)))
        ],
    }  # fmt: skip
    return render(request, "boards/index.html", context)


def _context(request: Request, board: Board) -> dict[str, Any]:
    found = boards.boards(request.county.pk)
    return {
        "board": board,
        "boards": found,
        "fields": boards.fields(board, request.actor, request.county.pk, wait=False),
        "now": timezone.localtime(),
        "panels_url": reverse("boards:panels", args=[board.key]),
    }


def page(request: Request, key: str) -> HttpResponse:
    """One board in the shell: by its desk layout, on a phone one column."""
    board = _board(request, key)
    desk = board.body.get("layout", {}).get("desk")
    return render(request, "boards/page.html", _context(request, board) | (laid("desk", desk) if desk else {}))


def laid(name: str, rows: Sequence[str]) -> dict[str, Any]:
    """A layout as CSS: areas, number of columns and rows."""
    areas = mark_safe(" ".join(f"'{row}'" for row in rows))  # noqa: S308  # keys of fields alone: packcheck
    return {name: areas, f"{name}_columns": len(rows[0].split()), f"{name}_rows": len(rows)}


def wall(request: Request, key: str) -> HttpResponse:
    """One board on a whole screen: dark, to be read from afar, by itself up to date.

    `?rotate=30` goes on to the next board after that many seconds; `?width=` and `?distance=` (metres) are the screen's
    and its readers'. It is a page like any other: somebody with a viewing post has logged in, and sees what that post
    sees.
    """
    board = _board(request, key)
    context = _context(request, board)
    wanted = screen(request.GET, board, context["boards"])
    context |= {"screen": wanted, **laid("wall", wanted.wall), **laid("ultra", wanted.ultrawide)}
    asked = request.GET.copy()
    context["following"] = f"{reverse('boards:wall', args=[wanted.following])}?{asked.urlencode()}"
    return render(request, "boards/wall.html", context)


def some_panels(request: Request, key: str) -> HttpResponse:
    """Panels anew: all, or `?only=a,b`. A wall that asks stays logged in as long as it is watched."""
    return panels_anew(request, _board(request, key))


def panels_anew(request: Request, board: Board) -> HttpResponse:
    """Panels of a board, all or `?only=a,b`, as they are now."""
    only = frozenset(filter(None, request.GET.get("only", "").split(",")))
    found = boards.fields(board, request.actor, request.county.pk, only)
    request.session.modified = True
    now, asked = timezone.localtime(), [panel.asked_at for field in found for panel in field.panels if panel.asked_at]
    age = max(((now - moment).total_seconds() for moment in asked), default=0.0)
    return render(request, "boards/panels.html", {"fields": found, "now": now, "age": f"{age:.1f}"})
