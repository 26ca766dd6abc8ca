"""Pages that hand on what a county declares itself as a pack file, and take such a file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from shizhu.kernel import overlays, packs
from shizhu.kernel.models import Role
from shizhu.kernel.packs import Body
from shizhu.kernel.text import label
from shizhu.web import declaring, packing
from shizhu.web.middleware import Request
from shizhu.web.packing import Brought, Unreadable, Wish

WHY = {
    "zip": gettext_noop("It is no zip file with texts in UTF-8."),
    "large": gettext_noop("It holds more than 200 files or 2 MB."),
    "pack": gettext_noop("It holds no pack.yaml, or one that is not in order."),
    "yaml": gettext_noop("One of its files is no readable YAML."),
    "none": gettext_noop("Choose a pack file."),
    "empty": gettext_noop("It holds nothing that a county can take: registers, forms, flows, rules or boards."),
}


def _kinds() -> list[str]:
    """Kinds that both packs and counties declare."""
    return [shelf.kind for shelf in declaring.shelves() if shelf.kind in packs.kinds()]


def _rights() -> dict[str, Sequence[str]]:
    return {shelf.kind: shelf.rights for shelf in declaring.shelves()}


def export(request: Request) -> HttpResponse:
    """Choose what goes into a pack file, see what is wrong with it, and get it."""
    declaring.require(request)
    rows = [row for row in overlays.own(request.county.pk) if row.kind in _kinds() and not row.is_withdrawn]
    staying = {} if request.method == "POST" else packing.staying(request.county.pk, rows, _rights())
    chosen = {str(row) for row in rows} - set(staying)
    if request.method == "POST":
        chosen = set(request.POST.getlist("row"))
    wish = Wish(
        request.POST.get("id", "").strip(), request.POST.get("zh", "").strip(), request.POST.get("en", "").strip(),
        request.county.pk, [row for row in rows if str(row) in chosen],
    )  # fmt: skip
    wrong: dict[str, str] = {}
    made = None
    if request.method == "POST":
        wrong = _wrong(wish)
        made = None if wrong else packing.make(wish, _rights())
        if made and not made.problems:
            name = f'attachment; filename="{wish.id}.zip"'
            return HttpResponse(
                made.zipped(wish.id), content_type="application/zip", headers={"Content-Disposition": name}
            )
    context = {
        "lines": [
            (row, declaring.title(row), str(row) in chosen, declaring.say(staying.get(str(row), ""))) for row in rows
        ],
        "wish": wish, "wrong": wrong,
        "problems": list(map(declaring.say, made.problems if made else ())),
        "added": overlays.own(request.county.pk, overlays.FIELDS),
    }  # fmt: skip
    return render(request, "shizhu/pack_export.html", context, status=422 if wrong or made else 200)


def _wrong(wish: Wish) -> dict[str, str]:
    found: dict[str, str] = {}
    if not packing.ID.fullmatch(wish.id) or wish.id == overlays.LOCAL:
        found["id"] = _("Small letters, digits and _, a letter first, at most 30.")
    if not wish.zh or not wish.en:
        found["zh"] = _("Give it a name in both languages.")
    if not wish.rows:
        found["rows"] = _("Choose what goes into it.")
    return found


def bring(request: Request) -> HttpResponse:
    """Show what a pack file would bring, then take what was chosen of it."""
    declaring.require(request)
    if request.method != "POST":
        return render(request, "shizhu/pack_import.html", {})
    if request.POST.get("do") == "take":
        return _take(request)
    file = request.FILES.get("file")
    try:
        if file is None:
            return _unreadable(request, "none")
        brought = packing.read(file.read(packing.LARGEST + 1), _kinds())
    except Unreadable as error:
        return _unreadable(request, str(error))
    if not brought.bodies:
        return _unreadable(request, "empty")
    return _preview(request, brought, {})


def _unreadable(request: Request, why: str) -> HttpResponse:
    return render(request, "shizhu/pack_import.html", {"why": _(WHY[why])}, status=422)


def _preview(
    request: Request, brought: Brought, chosen: Mapping[str, str], refused: Sequence[str] = ()
) -> HttpResponse:
    taken, lines = overlays.taken(request.county.pk, brought.bodies), []
    for (kind, key), body in brought.bodies.items():
        lines.append(
            {
                "kind": declaring.shelf(kind), "key": key, "title": _title(kind, key, body),
                "is_there": (kind, key) in taken,
            }
        )  # fmt: skip
    context = {
        "brought": brought, "lines": lines, "refused": refused, "roles": declaring.roles(request.county.pk),
        "groups": [(name, label(brought.roles[name]["name"]), chosen.get(name, "")) for name in brought.groups],
        "sent": json.dumps(_dumped(brought), ensure_ascii=False),
    }  # fmt: skip
    return render(request, "shizhu/pack_import.html", context, status=422 if refused else 200)


def _title(kind: str, key: str, body: Body) -> str:
    try:
        return label(declaring.shelf(kind).title(key, body))
    except (ValueError, LookupError, TypeError):
        return key


def _dumped(brought: Brought) -> dict[str, Any]:
    return {**asdict(brought), "bodies": [[*place, body] for place, body in brought.bodies.items()]}


def _loaded(text: str) -> Brought | None:
    """What the preview sent along; None for anything else. All of it is checked again before it is kept."""
    try:
        sent = json.loads(text)
        bodies = {(str(kind), str(key)): dict(body) for kind, key, body in sent["bodies"]}
        told = {
            "id": sent["id"],
            "name": sent["name"],
            "roles": sent["roles"],
            "version": packing.VERSION,
            "engines": [],
        }
        is_pack = not list(packs.schema_errors(packs.schema_of_pack(), told)) and packs.is_storable(sent)
        is_text = all(isinstance(body["text"], str) for body in bodies.values() if set(body) == {"text"})
        return Brought(sent["id"], sent["name"], bodies, sent["roles"]) if is_pack and is_text else None
    except (ValueError, LookupError, TypeError, AttributeError):
        return None


def _said(line: str, bodies: Mapping[tuple[str, str], Body]) -> str:
    """What is wrong with what was brought, with the name of the declaration before it."""
    titles = {key: _title(kind, key, body) for (kind, key), body in bodies.items()}
    key, _colon, rest = line.partition(": ")
    if len(titles) == 1 and key not in titles:
        key, rest = next(iter(titles)), line
    return f"{titles[key]} ({key}): {declaring.say(rest)}" if key in titles else declaring.say(line)


def _take(request: Request) -> HttpResponse:
    brought = _loaded(request.POST.get("sent", ""))
    if brought is None:
        return _unreadable(request, "pack")
    known = set(Role.objects.values_list("pk", flat=True))
    chosen = {name: request.POST.get(f"role.{name}", "") for name in brought.groups}
    chosen = {name: role for name, role in chosen.items() if role in known}
    wanted = set(request.POST.getlist("row"))
    bodies = {
        (kind, key): body for (kind, key), body in packing.given(brought, chosen).items()
        if f"{kind}/{key}" in wanted and kind in _kinds() and overlays.is_own(key)
        and overlays.STEM.fullmatch(key.partition(".")[2])
    }  # fmt: skip
    if not bodies:
        return _preview(request, brought, chosen, [_("Choose what goes into it.")])
    try:
        with transaction.atomic():
            overlays.take(request.county.pk, bodies)
            for kind, key in bodies:
                given = packing.rights(brought, kind, key.partition(".")[2], declaring.shelf(kind).rights, chosen)
                if given:
                    overlays.grant(request.county.pk, f"{packs.kinds()[kind].engine}.{key}", given)
    except overlays.Refused as refused:
        return _preview(request, brought, chosen, [_said(line, bodies) for line in refused.problems])
    except overlays.Stale as stale:
        return _preview(request, brought, chosen, [_("%(key)s is there already; yours stays.") % {"key": stale}])
    for kind in {kind for kind, _key in bodies}:
        declaring.shelf(kind).changed(request.county.pk)
    messages.success(request, _("Taken: %(count)s. They are your county's own from now on.") % {"count": len(bodies)})
    return redirect("declarations")
