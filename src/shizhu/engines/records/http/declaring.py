"""Pages where a county's administrator makes registers, and adds fields to those of packs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from shizhu.engines.records import indexes, redeclaring, references
from shizhu.engines.records.catalogue import KIND, clashes, merged, registers
from shizhu.engines.records.forbidding import Forbidden, forbidden
from shizhu.engines.records.http import alike, drafting
from shizhu.engines.records.http.drafting import Head
from shizhu.engines.records.http.inputs import Input, Maker
from shizhu.engines.records.logic.register import Register
from shizhu.engines.records.logic.values import MESSAGES
from shizhu.engines.records.models import Batch, Record
from shizhu.engines.records.tasks import prepare_soon
from shizhu.kernel import overlays, packs
from shizhu.kernel.models import Declaration
from shizhu.kernel.packs import Body
from shizhu.kernel.text import label
from shizhu.lib.numbers import whole
from shizhu.web import declaring, parts
from shizhu.web.middleware import Request
from shizhu.web.parts import Part

RULES = {  # of a change that rows forbid, beside those of values
    "key": {"zh": "已有记录，标识字段不能再换", "en": "there are rows: the field that identifies them cannot change"},
    "title": {"zh": "已有记录，名称字段不能再换", "en": "there are rows: the field that names them cannot change"},
    "removed": {"zh": "这个字段里已有内容，不能去掉", "en": "rows have a value in it: it cannot be taken away"},
    "geometry": {"zh": "已有记录标了另一种位置", "en": "rows have a place of another kind"},
    "state": {"zh": "已有记录处于被去掉的状态", "en": "rows are in a state that was taken away"},
    "unique": {"zh": "不许重复，但有的记录内容相同", "en": "no two may be alike, but rows are"},
    "class": {
        "zh": "已有记录，要让更多人看到，须有权看全县记录的隐去内容",
        "en": "there are rows: showing more of it needs the right to unmask rows of the whole county",
    },
    "required": {"zh": "改为必填，但有的记录没有填", "en": "it would be required, but rows have no value"},
}
FAULTS = (  # of the check of declarations, as an administrator reads them
    gettext_noop("nobody declares this register"),
    gettext_noop("no pack that is on in this county declares this register"),
    gettext_noop("there is no such field"),
    gettext_noop("may not be key, title, order, time, flow, camera or filter"),
    *references.FAULTS.values(),
)
PREFIX = "local_"  # how fields begin that a county adds to a register of a pack


def register_new(request: Request) -> HttpResponse:
    """Make a register of the county's own."""
    declaring.require(request)
    begun = [
        Part("+1", "code", _("Code"), kind="text", is_required=True, is_listed=True),
        Part("+2", "name", _("Name"), kind="text", is_required=True, is_listed=True),
    ]
    if request.method != "POST":
        return _register_page(request, Head(key="+1", name="+2"), begun, None)
    return _register_posted(request, None)


def register_page(request: Request, stem: str) -> HttpResponse:
    """Change a register of the county's own: its fields, and who may use it."""
    key = f"{overlays.LOCAL}.{stem}"
    _shelf, row = declaring.found(request, KIND, key)
    if request.method == "POST":
        return _register_posted(request, row)
    change = _typed(request, KIND, key)
    if change is not None:
        head, typed = drafting.written(change.body)
        why, refused = change.reasons, change.refused
        return _register_page(request, head, typed, row, reasons=why, refused=refused, is_refused=True)
    return _register_page(request, *drafting.written(row.body), row)


def _register_posted(request: Request, row: Declaration | None) -> HttpResponse:
    """A click among the fields, or the wish to keep it all."""
    posted, kept = request.POST.dict(), row.body if row else None
    head, typed = drafting.head_of(posted), parts.read(posted, kept["properties"] if kept else ())
    do = posted.get("do", "")
    if do != "save":
        head = replace(head, rules=alike.moved(head.rules, do))
        return _register_page(request, head, parts.moved(typed, do), row)
    offered = drafting.offer(request.county.pk)
    rules = alike.marked(head.rules, typed, head.key)
    head = replace(head, rules=rules, problems=drafting.wrong_head(head, typed))
    wrong = parts.wrong(typed, offered, drafting.wrong)
    if head.problems or wrong or any(rule.problem for rule in rules):
        return _register_page(request, head, parts.marked(typed, wrong), row, is_refused=True)
    body, read = packs.json_ready(drafting.body_of(head, typed, kept)), posted.get("read", "")
    key = row.key if row else f"{overlays.LOCAL}.{_stem(request, head)}"
    rights = declaring.wanted_rights(request, redeclaring.ACTIONS)
    try:
        later = _later(KIND, request, key, kept, body, read, rights) if kept is not None else ""
        if later:
            return redirect(later)
        with transaction.atomic():
            reasons = _reasons(request, KIND, key, kept, body)
            if not reasons:
                declaring.keep(request, KIND, key, body, read=read)
                redeclaring.give(request.actor, request.county.pk, key, rights)
    except (overlays.Refused, overlays.Stale) as error:
        return _register_page(request, head, typed, row, refused=declaring.refusal(error), is_refused=True)
    if reasons:
        return _register_page(request, head, typed, row, reasons=reasons, is_refused=True)
    messages.success(request, _("Saved. Whoever has a right to it finds it among the registers."))
    return redirect("declaring:register", key.partition(".")[2])


def _stem(request: Request, head: Head) -> str:
    return overlays.new_stem(request.county.pk, head.en if head.en.isascii() and head.en else head.zh, KIND)


def _reasons(request: Request, kind: str, key: str, old: Body | None, new: Body) -> list[Forbidden]:
    if old is None:
        return []
    before, after = redeclaring.editions(request.county.pk, kind, key, old, new)
    return forbidden(request.actor, request.county.pk, before, after)


def _later(
    kind: str, request: Request, key: str, old: Body, new: Body, read: str, rights: redeclaring.Rights | None = None
) -> str:
    """Where to see how far a worker is who looks at the rows; nothing where they are few. Raises Stale, Refused."""
    county = request.county.pk
    if not redeclaring.is_long(county, kind, key, old, new):
        return ""
    made = redeclaring.begin(request.user, request.actor, county, kind, key, new, read=read, rights=rights)
    return reverse("declaring:change", args=[made.pk])


def change_page(request: Request, number: int) -> HttpResponse:
    """A change that a worker looks at: how far it is, and what came of it; with `part` its progress alone."""
    change = _change(request, number)
    address = declaring.shelf(change.kind).address(change.key)
    (new,) = redeclaring.editions(request.county.pk, change.kind, change.key, change.body)
    context = {
        "batch": change.batch, "change": change, "address": address, "register": new, "is_refused": not change.is_kept,
        "reasons": _told(change.reasons, new), "refused": change.refused, "register_key": change.key,
    }  # fmt: skip
    if "part" not in request.GET:
        return render(request, "records/declare_change.html", context)
    answer = render(request, "records/declare_progress.html", context)
    if not change.batch.is_working:
        answer["HX-Refresh"] = "true"
    return answer


def _change(request: Request, number: int) -> redeclaring.Change:
    declaring.require(request)
    rows = Batch.objects.filter(county=request.county, person=request.user, kind=Batch.Kind.DECLARE)
    return redeclaring.change_of(get_object_or_404(rows, pk=number))


def _typed(request: Request, kind: str, key: str) -> redeclaring.Change | None:
    """What was typed and not kept, to go on from."""
    number = whole(request.GET.get("change", ""))
    if not number:
        return None
    change = _change(request, number)
    return change if (change.kind, change.key) == (kind, key) else None


def _told(reasons: Sequence[Forbidden], register: Register | None) -> list[dict[str, Any]]:
    """Reasons in words: of which field, why, how many rows, and the first of them."""
    fields = register.fields if register else {}
    return [
        {
            "field": label(fields[reason.path].title) if reason.path in fields else "",
            "why": label(reason.problem.message if reason.problem else RULES.get(reason.rule, MESSAGES["required"])),
            "total": reason.total, "rows": reason.rows, "more": reason.total - len(reason.rows),
        }
        for reason in reasons
    ]  # fmt: skip


def _register_page(
    request: Request, head: Head, typed: Sequence[Part], row: Declaration | None, *,
    reasons: Sequence[Forbidden] = (), refused: Sequence[str] = (), is_refused: bool = False,
) -> HttpResponse:  # fmt: skip
    county, key = request.county.pk, row.key if row else "local.new"
    total = Record.objects.filter(county_id=county, register=key).count() if row else 0
    body = drafting.body_of(head, typed, row.body if row else None)
    draft = drafting.preview(key, body)
    kept = Register(key, row.body) if row else None
    told = _told(reasons, kept) if kept else []
    context = {
        "head": head, "parts": typed, "offer": drafting.offer(county), "row": row, "key": key, "total": total,
        "texts": [part for part in typed if part.kind == "text"], "icons": parts.pictures(drafting.ICONS),
        "reasons": told,
        "rules": alike.offer(head.rules, typed), "most_rules": alike.MOST,
        "geometries": drafting.GEOMETRIES, "refused": refused, "is_refused": is_refused,
        "preview": _preview(request, draft) if draft else [], "draft": draft,
        "rights": _rights(request, key),
        "waiting": indexes.missing(kept, county) if kept and row and not row.is_withdrawn else 0,
        "read": request.POST.get("read", "") or (row.digest if row else ""),
    }  # fmt: skip
    context["working"] = redeclaring.working(county, KIND, key)
    return render(request, "records/declare.html", context, status=_status(request, is_refused=is_refused))


def _status(request: Request, *, is_refused: bool) -> int:
    return 422 if is_refused and request.method == "POST" else 200


def _rights(request: Request, key: str) -> list[declaring.Right]:
    """The table of rights as it is, or as it was ticked a moment ago."""
    rows = declaring.rights(request.county.pk, f"records.{key}", redeclaring.ACTIONS)
    return [row.ticked(request.POST.getlist(f"g.{row.role.pk}")) for row in rows] if request.POST else rows


def _preview(request: Request, draft: Register) -> list[Input]:
    """The form that people will fill in."""
    return Maker(request.actor, request.county.pk, {}).form(draft)


def fields_page(request: Request, register: str) -> HttpResponse:
    """Fields that the county adds to a register of a pack."""
    declaring.require(request)
    body = packs.declarations(KIND, request.county.pk).get(register)
    if body is None or overlays.is_own(register):
        raise Http404(register)
    row = overlays.find(request.county.pk, overlays.FIELDS, register)
    kept: Body = row.body if row and not row.is_withdrawn else {"properties": {}}
    change = _typed(request, overlays.FIELDS, register)
    if request.method != "POST" and change is not None:
        typed = drafting.written_fields(change.body)
        why, refused = _told(change.reasons, Register(register, merged(body, kept))), change.refused
        return _fields_page(request, register, body, typed, row, reasons=why, refused=refused, is_refused=True)
    if request.method != "POST":
        return _fields_page(request, register, body, drafting.written_fields(kept), row)
    posted = request.POST.dict()
    typed = parts.read(posted, kept["properties"])
    if posted.get("do") != "save":
        return _fields_page(request, register, body, parts.moved(typed, posted.get("do", "")), row)
    offered = drafting.offer(request.county.pk)
    wrong = parts.wrong(typed, offered, drafting.wrong, prefix=PREFIX, taken=body["properties"])
    if wrong:
        return _fields_page(request, register, body, parts.marked(typed, wrong), row, is_refused=True)
    return _keep_fields(request, register, body, typed, row)


def _keep_fields(
    request: Request, register: str, body: Body, typed: Sequence[Part], row: Declaration | None
) -> HttpResponse:
    kept: Body = row.body if row else {"properties": {}}
    names = parts.named(typed, PREFIX, body["properties"])
    added = packs.json_ready(drafting.added_of(typed, names, kept))
    old, read = Register(register, merged(body, kept)), request.POST.get("read", "")
    try:
        later = _later(overlays.FIELDS, request, register, kept, added, read)
        if later:
            return redirect(later)
        with transaction.atomic():
            reasons = _reasons(request, overlays.FIELDS, register, kept, added)
            if not reasons:
                declaring.keep(request, overlays.FIELDS, register, added, read=read)
    except (overlays.Refused, overlays.Stale) as error:
        return _fields_page(request, register, body, typed, row, refused=declaring.refusal(error), is_refused=True)
    if reasons:
        return _fields_page(request, register, body, typed, row, reasons=_told(reasons, old), is_refused=True)
    messages.success(request, _("Saved. The fields are in lists, forms, Excel and the standard API."))
    return redirect("declaring:fields", register)


def _fields_page(
    request: Request, register: str, body: Body, typed: Sequence[Part], row: Declaration | None, *,
    reasons: Sequence[Mapping[str, Any]] = (), refused: Sequence[str] = (), is_refused: bool = False,
) -> HttpResponse:  # fmt: skip
    names = parts.named(typed, PREFIX, body["properties"])
    kept: Body = row.body if row else {"properties": {}}
    whole = merged(body, drafting.added_of(typed, names, kept))
    declared = Register(register, body)
    known = registers(request.county.pk).get(register, declared)
    context = {
        "register": declared, "parts": typed, "offer": drafting.offer(request.county.pk), "row": row,
        "fixed": list(declared.fields.values()), "preview": _preview(request, Register(register, whole)),
        "refused": refused, "reasons": reasons, "is_refused": is_refused, "prefix": PREFIX,
        "clashes": clashes(body, row.body) if row and not row.is_withdrawn else [],
        "waiting": indexes.missing(known, request.county.pk) if row else 0,
        "read": request.POST.get("read", "") or (row.digest if row else ""),
    }  # fmt: skip
    context["working"] = redeclaring.working(request.county.pk, overlays.FIELDS, register)
    return render(request, "records/declare_fields.html", context, status=_status(request, is_refused=is_refused))


def choose(request: Request) -> HttpResponse:
    """Registers of packs that fields can be added to."""
    declaring.require(request)
    found = [register for key, register in registers(request.county.pk).items() if not overlays.is_own(key)]
    added = {row.key: len(row.body["properties"]) for row in overlays.own(request.county.pk, overlays.FIELDS)}
    rows = [(register, added.get(register.key, 0)) for register in found]
    return render(request, "records/declare_choose.html", {"rows": rows})


def _changed(county: str) -> None:
    """Indexes follow, in a job."""
    prepare_soon(county)


def _refuses(kind: str, request: Request, key: str, old: Body, new: Body) -> list[str]:
    """Reasons of rows against a change, in a line each."""
    (register,) = redeclaring.editions(request.county.pk, kind, key, old)
    told = _told(_reasons(request, kind, key, old, new), register)
    return [f"{line['field']} {line['why']} · {line['total']}".strip() for line in told]


def _fields_title(key: str, _body: Body) -> object:
    declared = packs.declared(KIND, key, None)
    return declared["title"] if declared else key


def put_up() -> None:
    """Put up the shelves of this engine; called once by the application."""
    registers_ = declaring.Shelf(
        KIND, {"zh": "登记簿", "en": "Registers"}, "database",
        {"zh": "字段由您定，列表、表单和接口随之而来", "en": "You say what is kept; lists and forms follow"},
        "/declarations/registers/new", lambda key: f"/declarations/registers/{key.partition('.')[2]}/",
        lambda _key, body: body["title"], use=lambda key: f"/records/{key}/", changed=_changed,
        refuses=partial(_refuses, KIND), later=partial(_later, KIND),
        rights=("view", "create", "edit", "delete", "unmask"), order=10,
    )  # fmt: skip
    added = declaring.Shelf(
        overlays.FIELDS, {"zh": "补充字段", "en": "Added fields"}, "plus",
        {"zh": "给领域包的登记簿加几个本县的字段，升级时不受影响", "en": "Your own fields on a register of a pack"},
        "/declarations/fields/", lambda key: f"/declarations/fields/{key}/", _fields_title,
        use=lambda key: f"/records/{key}/", changed=_changed, refuses=partial(_refuses, overlays.FIELDS),
        later=partial(_later, overlays.FIELDS), order=20,
    )  # fmt: skip
    for shelf in (registers_, added):
        declaring.add(shelf)
    declaring.rules(FAULTS)
