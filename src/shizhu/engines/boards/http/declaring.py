"""Pages where a county's administrator composes boards, and sees them as wall, desk and phone will show them."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.clickjacking import xframe_options_sameorigin

from shizhu.engines.boards import boards
from shizhu.engines.boards.boards import Board
from shizhu.engines.boards.declare import BOARDS, GROUPED
from shizhu.engines.boards.grid import COLUMNS, TALLEST, placed
from shizhu.engines.boards.http import drafting
from shizhu.engines.boards.http.drafting import Block, Head
from shizhu.engines.boards.http.screens import screen
from shizhu.engines.boards.http.views import laid, panels_anew
from shizhu.kernel import overlays, packs
from shizhu.kernel.datasets import Offer
from shizhu.kernel.models import Declaration
from shizhu.kernel.packs import Body
from shizhu.kernel.text import label
from shizhu.web import declaring, parts
from shizhu.web.middleware import PolicyMiddleware, Request

DRAFTS = "boards.drafts"  # in the session: id → body, of what is being composed
MOST_DRAFTS = 5
PLACES = {"wall": gettext_noop("Wall"), "desk": gettext_noop("Desk"), "phone": gettext_noop("On a phone")}
KINDS = {
    "number": gettext_noop("One number"), "bar": gettext_noop("Bars"), "line": gettext_noop("Line"),
    "area": gettext_noop("Area under a line"), "pie": gettext_noop("Pie"), "stacked": gettext_noop("Stacked bars"),
    "ranking": gettext_noop("Ranked bars"), "map": gettext_noop("Map of towns"), "table": gettext_noop("Table"),
    "list": gettext_noop("List"), "lights": gettext_noop("Lights"), "progress": gettext_noop("Progress"),
    "text": gettext_noop("Words alone"),
}  # fmt: skip
MEASURES = {
    "count": gettext_noop("How many"), "sum": gettext_noop("Sum"), "avg": gettext_noop("Mean"),
    "min": gettext_noop("Least"), "max": gettext_noop("Most"), "median": gettext_noop("Median"),
    "distinct": gettext_noop("How many different"),
}  # fmt: skip
SPANS = {
    "day": gettext_noop("Today"), "month": gettext_noop("This month"), "year": gettext_noop("This year"),
    "PT24H": gettext_noop("24 hours"), "P7D": gettext_noop("7 days"), "P30D": gettext_noop("30 days"),
    "P180D": gettext_noop("180 days"), "P365D": gettext_noop("365 days"),
}  # fmt: skip
EACHES = {"hour": gettext_noop("Hour"), "day": gettext_noop("Day"), "month": gettext_noop("Month"),
          "year": gettext_noop("Year")}  # fmt: skip
WIDTHS = {"2": gettext_noop("A third"), "3": gettext_noop("Half"), "4": gettext_noop("Two thirds"),
          "6": gettext_noop("Whole"), "1": gettext_noop("A sixth"), "5": gettext_noop("Five sixths")}  # fmt: skip
GROUPS = {
    "records": {"zh": "登记簿", "en": "Registers"}, "cases": {"zh": "案件", "en": "Cases"},
    "warnings": {"zh": "预警", "en": "Warnings"},
    "alarms": {"zh": "告警", "en": "Alarms"}, "devices": {"zh": "设备", "en": "Devices"},
    "readings": {"zh": "读数", "en": "Readings"}, "plan": {"zh": "规划", "en": "The plan"},
    "nodes": {"zh": "督查节点", "en": "Nodes of supervision"},
}  # fmt: skip


def new(request: Request) -> HttpResponse:
    """Compose a board."""
    declaring.require(request)
    if request.method != "POST":
        return _page(request, Head(), [Block("b1")], None)
    return _posted(request, None)


def page(request: Request, stem: str) -> HttpResponse:
    """Change a board of the county's own."""
    _shelf, row = declaring.found(request, BOARDS, f"{overlays.LOCAL}.{stem}")
    if request.method == "POST":
        return _posted(request, row)
    found = drafting.written(row.body, drafting.offers(request.county.pk))
    if found is None:
        return render(request, "boards/declare.html", {"row": row, "title": label(row.body["title"])})
    return _page(request, *found, row)


def _posted(request: Request, row: Declaration | None) -> HttpResponse:
    posted, known = request.POST.dict(), drafting.offers(request.county.pk)
    before = drafting.written(row.body, known) if row else None
    if row and before is None:
        raise Http404(row.key)
    ids = posted.get("order", "").split(",")
    rows = {id_: request.POST.getlist(f"s.{id_}.rows") for id_ in ids}
    head, do = drafting.head_of(posted), posted.get("do", "")
    blocks = drafting.fitted(drafting.blocks_of(posted, rows, before[1] if before else ()), known)
    if do != "save":
        return _page(request, head, drafting.moved(blocks, do), row)
    head = replace(head, problems=drafting.wrong_head(head, blocks))
    wrong = drafting.wrong(blocks, known)
    if head.problems or wrong:
        return _page(request, head, drafting.marked(blocks, wrong), row, is_refused=True)
    body = packs.json_ready(drafting.body_of(head, blocks, known, row.body if row else None))
    key = row.key if row else f"{overlays.LOCAL}.{_stem(request, head)}"
    try:
        declaring.keep(request, BOARDS, key, body, read=posted.get("read", ""))
    except (overlays.Refused, overlays.Stale) as error:
        of_blocks, others = drafting.apart(declaring.refusal(error), blocks)
        return _page(request, head, drafting.marked(blocks, of_blocks), row, refused=others, is_refused=True)
    messages.success(request, _("Saved. Whoever may open boards finds it among them; each sees what they may see."))
    return redirect("own_boards:board", key.partition(".")[2])


def _stem(request: Request, head: Head) -> str:
    return overlays.new_stem(request.county.pk, head.en if head.en.isascii() and head.en else head.zh, BOARDS)


def _page(
    request: Request, head: Head, blocks: Sequence[Block], row: Declaration | None, *, refused: Sequence[str] = (),
    is_refused: bool = False,
) -> HttpResponse:  # fmt: skip
    known = drafting.offers(request.county.pk)
    body = packs.json_ready(drafting.body_of(head, blocks, known, row.body if row else None))
    on = request.POST.get("on", "desk")
    lie = placed({block.id: block.size for block in blocks})
    context = {
        "head": head, "row": row, "refused": refused, "is_refused": is_refused, "icons": parts.pictures(drafting.ICONS),
        "blocks": [_controls(block, known, lie, blocks) for block in blocks], "sources": _sources(known),
        "order": ",".join(block.id for block in blocks), "on": on if on in PLACES else "desk",
        "places": [(key, _(title)) for key, title in PLACES.items()],
        "draft": _keep_draft(request, body) if blocks else "",
        "read": request.POST.get("read", "") or (row.digest if row else ""),
    }  # fmt: skip
    return render(request, "boards/declare.html", context, status=422 if is_refused else 200)


def _sources(known: Mapping[str, Offer]) -> list[tuple[str, list[tuple[str, str]]]]:
    """What a block may be about, by kind of dataset."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for source, offer in known.items():
        groups.setdefault(offer.query["from"], []).append((source, drafting.title_of(offer)))
    found = [(label(title), groups.pop(name)) for name, title in GROUPS.items() if name in groups]
    rest = [offer for offers in groups.values() for offer in offers]
    return [*found, (_("Others"), rest)] if rest else found


def _controls(
    block: Block, known: Mapping[str, Offer], lie: Mapping[str, Any], all_: Sequence[Block]
) -> dict[str, Any]:
    """A block with what each of its controls offers; a control that offers nothing is not shown."""
    offer = known.get(block.source)
    made: dict[str, Any] = {
        "block": block, "widths": [(key, _(title)) for key, title in WIDTHS.items()], "heights": range(1, TALLEST + 1),
        "grid": _grid(block, lie, all_), "about": drafting.title_of(offer) if offer else "",
        "kinds": [(kind, _(KINDS[kind])) for kind in dict.fromkeys([*drafting.kinds_of(offer), "text"])],
    }  # fmt: skip
    if block.kept or offer is None or block.kind == "text":
        return made
    about, columns = offer.query["from"], offer.columns
    is_list = block.kind in {"table", "list"}
    if about == "plan":
        return made
    if not (is_list and about != "readings") and not (about == "readings" and is_list):
        made["measures"] = [
            (choice, " · ".join(filter(None, (label(column.title) if column else "", _(MEASURES[name])))))
            for choice, name, column in drafting.measures_of(offer)
        ]
    if about == "readings":
        made["groups"] = [("_thing", _("Each station"))] if block.kind in {"line", "area"} else []
        made["spans"] = [] if is_list else [(key, _(title)) for key, title in SPANS.items()]
        made["eaches"] = [(key, _(title)) for key, title in EACHES.items()] if block.kind in {"line", "area"} else []
        return made
    times = [(column.name, label(column.title)) for column in columns if column.kind == "time"]
    if block.kind in GROUPED:
        made["groups"] = [(c.name, label(c.title)) for c in columns if c.kind != "number"]
        made["besides"] = made["groups"] if block.kind == "stacked" else []
        is_over_time = {block.by, block.beside} & {name for name, _title in times}
        eaches = [(key, _(title)) for key, title in EACHES.items() if key != "hour"]
        made["eaches"] = eaches if is_over_time else []
    made["times"] = times
    made["spans"] = [(key, _(title)) for key, title in SPANS.items()] if times else []
    made["columns"] = [(c.name, label(c.title), c.name in block.rows) for c in columns] if is_list else []
    made["has_where"], made["has_top"] = True, is_list or block.kind in GROUPED
    return made


def _grid(block: Block, lie: Mapping[str, Any], all_: Sequence[Block]) -> list[list[tuple[str, str, bool]]]:
    """The grid to click into: (place, number of the block that lies there, whether it is this one)."""
    cells: dict[tuple[int, int], tuple[str, bool]] = {}
    for number, one in enumerate(all_, 1):
        top, left = lie[one.id]
        for row in range(one.size.high):
            for column in range(one.size.wide):
                cells[top + row, left + column] = str(number), one.id == block.id
    last = max((row for row, _column in cells), default=0)
    return [
        [(f"{row},{column}", *cells.get((row, column), ("", False))) for column in range(COLUMNS)]
        for row in range(last + 2)
    ]


# -- as it will be seen


def _keep_draft(request: Request, body: Body) -> str:
    """Keep what is being composed for its preview; a page names its draft by the number that it was given."""
    drafts: dict[str, Body] = dict(request.session.get(DRAFTS, {}))
    id_ = request.POST.get("draft", "")
    id_ = id_ if id_ in drafts else secrets.token_hex(4)
    drafts.pop(id_, None)
    drafts[id_] = body
    request.session[DRAFTS] = dict(list(drafts.items())[-MOST_DRAFTS:])
    return id_


def _draft(request: Request, draft: str) -> Board:
    declaring.require(request)
    body = request.session.get(DRAFTS, {}).get(draft)
    if body is None:
        raise Http404(draft)
    return Board(f"{overlays.LOCAL}.draft", body)


@xframe_options_sameorigin
def preview(request: Request, draft: str) -> HttpResponse:
    """What is being composed, as a wall, a desk or a phone shows it to who composes it."""
    board = _draft(request, draft)
    context: dict[str, Any] = {
        "board": board, "boards": [board], "now": timezone.localtime(), "is_preview": True,
        "fields": boards.fields(board, request.actor, request.county.pk, wait=False),
        "panels_url": reverse("own_boards:preview_panels", args=[draft]), **laid("desk", board.body["layout"]["desk"]),
    }  # fmt: skip
    template = "boards/preview.html"
    if request.GET.get("on") == "wall":
        wanted = screen({}, board, [board])
        context |= {"screen": wanted, **laid("wall", wanted.wall), **laid("ultra", wanted.ultrawide)}
        template = "boards/wall.html"
    answer = render(request, template, context)
    answer["Content-Security-Policy"] = PolicyMiddleware.POLICY.replace(
        "frame-ancestors 'none'", "frame-ancestors 'self'"
    )
    return answer


def preview_panels(request: Request, draft: str) -> HttpResponse:
    """Panels of what is being composed, anew."""
    return panels_anew(request, _draft(request, draft))


def put_up() -> None:
    """Put up the shelf of this engine; called once by the application."""
    declaring.add(
        declaring.Shelf(
            BOARDS, {"zh": "看板", "en": "Boards"}, "layout-dashboard",
            {"zh": "选数据、选图、摆位置，大屏、桌面和手机同时成形", "en": "Choose data, charts and places"},
            "/declarations/boards/new", lambda key: f"/declarations/boards/{key.partition('.')[2]}/",
            lambda _key, body: body["title"], use=lambda key: f"/boards/{key}/", order=50,
        )
    )  # fmt: skip
