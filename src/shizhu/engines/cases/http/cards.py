"""Pages of cards (明白卡): which areas have one, a card as it lives, printed ones, and the page behind a QR code."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from shizhu.engines.cases import cards
from shizhu.engines.cases.cards import MISSING, VIEW, CannotIssue, Filled, Filling, Part
from shizhu.engines.cases.http import door
from shizhu.engines.cases.models import CardEdition
from shizhu.kernel import access
from shizhu.kernel.models import Area
from shizhu.kernel.packs import Body
from shizhu.kernel.text import label
from shizhu.web.codes import qr
from shizhu.web.middleware import Request

PIECE = re.compile(rf"{MISSING}[^〕]*〕|(?<![\d*-])(?:1[3-9]\d{{9}}|0\d{{2,3}}-?\d{{7,8}}|[2-9]\d{{6,7}})(?![\d*-])")


def index(request: Request) -> HttpResponse:
    """The cards of the county; of one kind alone, that."""
    access.require_verb(request.actor, VIEW)
    found = cards.declared(request.county.pk)
    if not found:
        raise Http404
    return redirect("cards:list", next(iter(found)))


def _body(request: Request, key: str) -> Body:
    access.require_verb(request.actor, VIEW)
    body = cards.declared(request.county.pk).get(key)
    if body is None:
        raise Http404(key)
    return body


def _shown(parts: Iterable[Part]) -> list[dict[str, Any]]:
    """Parts as pages show them: numbers of telephones apart, to be called, and what is missing."""

    def pieces(text: str) -> list[tuple[str, str]]:
        kinds = [(piece, "missing" if piece.startswith(MISSING) else "phone") for piece in PIECE.findall(text)]
        rest = PIECE.split(text)
        found = [(rest[0], "")]
        for piece, after in zip(kinds, rest[1:], strict=True):
            found += [piece, (after, "")]
        return [one for one in found if one[0]]

    return [
        {"title": part.title, "head": part.head, "is_private": part.is_private, "rows": [
            [(part.head[n] if part.head else "", pieces(text)) for n, text in enumerate(row)] for row in part.rows
        ]}
        for part in parts
    ]  # fmt: skip


def _towns(request: Request, areas: Iterable[Area]) -> list[tuple[Area, list[Area]]]:
    """Areas by the town they lie in."""
    towns = Area.objects.towns(request.county)
    listed = list(areas)
    grouped = [(town, [area for area in listed if area.path.startswith(town.path)]) for town in towns]
    return [(town, inside) for town, inside in grouped if inside]


def listed(request: Request, key: str) -> HttpResponse:
    """Every area that needs a card, by town: its edition, whether the registers changed since, what is missing."""
    body, county = _body(request, key), request.county.pk
    editions, masked, whole = (
        cards.newest(county, key),
        Filling(county, body, request.actor),
        Filling(county, body, None),
    )
    seen = [area for area in masked.areas() if cards.may_view(request.actor, area)]
    groups = []
    for town, inside in _towns(request, seen):
        lines = []
        for area in inside:
            edition = editions.get(area.pk)
            filled = masked.fill(area)
            lines.append({
                "area": area, "edition": edition, "missing": filled.missing, "is_simulated": filled.is_simulated,
                "is_stale": edition is not None and whole.fill(area).digest != edition.digest,
            })  # fmt: skip
        groups.append({"town": town, "lines": lines, "issued": sum(line["edition"] is not None for line in lines)})
    return render(request, "cases/cards.html", {"key": key, "body": body, "groups": groups})


def _area(request: Request, key: str, code: str) -> tuple[Body, Area]:
    body = _body(request, key)
    area = get_object_or_404(Area, county=request.county, code=code, level=body["level"])
    if not cards.may_view(request.actor, area):
        raise Http404(code)
    return body, area


def page(request: Request, key: str, code: str) -> HttpResponse:
    """A card as it lives, and the form that issues it; POST issues."""
    body, area = _area(request, key, code)
    if request.method == "POST":
        return _issued(request, key, area)
    edition = cards.newest(request.county.pk, key).get(area.pk)
    filled = Filling(request.county.pk, body, request.actor).fill(area)
    is_stale = edition and Filling(request.county.pk, body, None, area).fill(area).digest != edition.digest
    context = {
        "key": key, "body": body, "area": area, "town": area.parent, "filled": filled, "edition": edition,
        "is_stale": is_stale, "may_issue": cards.may_issue(request.actor, area), "parts": _shown(filled.parts),
        "code": qr(_address(edition)) if edition else "", "address": _address(edition) if edition else "",
    }  # fmt: skip
    return render(request, "cases/card_page.html", context)


def _issued(request: Request, key: str, area: Area) -> HttpResponse:
    try:
        made = cards.issue(request.actor, request.county.pk, key, area, request.POST.get("reason", ""))
    except CannotIssue as error:
        messages.warning(request, str(error))
    else:
        messages.success(request, _("Issued as edition %s. Print it and hang it up.") % made.number)
    return redirect("cards:page", key, area.code)


def _address(edition: CardEdition) -> str:
    return f"{settings.CONFIG.public_address}{reverse('door:card', args=[edition.token])}"


def printed(request: Request, key: str) -> HttpResponse:
    """The cards of an area, or of all in a town, as Word or PDF: editions for who may issue them, drafts for others."""
    body, county = _body(request, key), request.county.pk
    whose = get_object_or_404(Area, county=county, code=request.GET.get("area", ""))
    filling = Filling(county, body, request.actor)
    areas = [one for one in filling.areas() if one.path.startswith(whose.path) and cards.may_view(request.actor, one)]
    if not areas:
        raise Http404
    from shizhu.kernel import documents, onepage, pdf  # noqa: PLC0415  # loads python-docx

    editions = cards.newest(county, key)
    with translation.override(cards.CHINESE):
        sheets = [_sheet(request, body, area, editions.get(area.pk), filling.fill(area)) for area in areas]
        name = f"{whose.name}{label(body['title'])}"
    try:
        is_word = request.GET.get("as") == "docx"
        content = (onepage.word if is_word else onepage.printed)(sheets, mark=MISSING)
    except pdf.NoFont:
        messages.warning(request, _("The server has no Chinese font: take the Word document."))
        return redirect("cards:list", key)
    ending, media = ("docx", documents.MEDIA_TYPE) if is_word else ("pdf", pdf.MEDIA_TYPE)
    disposition = f"attachment; filename=\"card-{whose.code}.{ending}\"; filename*=UTF-8''{quote(name)}.{ending}"
    return HttpResponse(content, content_type=media, headers={"Content-Disposition": disposition})


def _sheet(request: Request, body: Body, area: Area, edition: CardEdition | None, filled: Filled) -> Any:
    from shizhu.engines.cases import cardpicture  # noqa: PLC0415  # few people print a card
    from shizhu.kernel.onepage import Block, Sheet  # noqa: PLC0415  # loads python-docx

    is_edition = edition is not None and cards.may_issue(request.actor, area)
    parts = cards.parts_of(edition) if edition is not None and is_edition else filled.parts
    is_simulated = edition.is_simulated if edition is not None and is_edition else filled.is_simulated
    numbered = [
        (register == body["of"], f"{number}", shape)
        for number, (register, _title, shape) in enumerate(filled.shapes, 1)
    ]
    legend = "；".join(f"{number} {title}" for number, (_register, title, _shape) in enumerate(filled.shapes, 1))
    which = (
        f"第 {edition.number} 版　{timezone.localtime(edition.issued_at):%Y-%m-%d} 发布"
        if edition is not None and is_edition
        else f"草稿，未发布　{timezone.localdate()}　电话只显示一部分"
    )
    below = [f"示意图：上北下南，红色是危险区，绿色是避难场所等地点。{legend}"] if legend else []
    if edition is not None:
        below.append("扫右下角二维码看最新的明白卡。")
    title = f"{'【模拟】' if is_simulated else ''}{area.name}{label(body['title'])}"
    under = f"{request.county.name}{area.parent.name if area.parent else ''}　{which}"
    blocks = [Block(part.title, part.rows, part.head) for part in parts]
    picture = cardpicture.strip(numbered, area.geometry, _address(edition) if edition is not None else "")
    return Sheet(title, under, blocks, picture, below)


def scanned(request: Request, token: str) -> HttpResponse:
    """Without a login: the newest edition of a card, but for its private parts."""
    edition = CardEdition.objects.filter(token=token).select_related("area__parent", "county").first()
    body = cards.declared(edition.county_id).get(edition.key) if edition else None
    if edition is None or body is None:
        return render(request, "cases/door/gone.html", {"typed": ""}, status=404)
    request.county = edition.county
    whole = Filling(edition.county_id, body, None, edition.area).fill(edition.area)
    context = {
        "edition": edition, "body": body, "area": edition.area, "parts": _shown(cards.public(cards.parts_of(edition))),
        "is_stale": whole.digest != edition.digest, "county": edition.county, "words": door.words(),
    }  # fmt: skip
    answer = render(request, "cases/door/card.html", context)
    answer["X-Robots-Tag"], answer["Cache-Control"], answer["Referrer-Policy"] = "noindex", "no-cache", "no-referrer"
    return answer
