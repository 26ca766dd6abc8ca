"""Pages where a county's administrator makes registers, and adds fields to those of packs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from shizhu.engines.records import indexes
from shizhu.engines.records.catalogue import KIND, clashes, merged, registers
from shizhu.engines.records.forbidding import Forbidden, forbidden
from shizhu.engines.records.http import drafting
from shizhu.engines.records.http.drafting import Head
from shizhu.engines.records.http.inputs import Input, Maker
from shizhu.engines.records.logic.register import Register
from shizhu.engines.records.logic.values import MESSAGES
from shizhu.engines.records.models import Record
from shizhu.engines.records.tasks import prepare_soon
from shizhu.kernel import access, overlays, packs
from shizhu.kernel.models import Declaration, Role
from shizhu.kernel.packs import Body
from shizhu.kernel.text import label
from shizhu.web import declaring, parts
from shizhu.web.middleware import Request
from shizhu.web.parts import Part

ACTIONS = {"view": ("view",), "write": ("create", "edit"), "delete": ("delete",), "unmask": ("unmask",)}
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
RIGHTS = {"view": gettext_noop("See"), "write": gettext_noop("Write"), "delete": gettext_noop("Withdraw"),
          "unmask": gettext_noop("Unmask")}  # fmt: skip
FAULTS = (  # of the check of declarations, as an administrator reads them
    gettext_noop("nobody declares this register"),
    gettext_noop("no pack that is on in this county declares this register"),
    gettext_noop("there is no such field"),
    gettext_noop("may not be key, title, order, time, flow, camera or filter"),
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
    if request.method != "POST":
        return _register_page(request, *drafting.written(row.body), row)
    return _register_posted(request, row)


def _register_posted(request: Request, row: Declaration | None) -> HttpResponse:
    """A click among the fields, or the wish to keep it all."""
    posted, kept = request.POST.dict(), row.body if row else None
    head, typed = drafting.head_of(posted), parts.read(posted, kept["properties"] if kept else ())
    do = posted.get("do", "")
    if do != "save":
        return _register_page(request, head, parts.moved(typed, do), row)
    offered = drafting.offer(request.county.pk)
    head = replace(head, problems=drafting.wrong_head(head, typed))
    wrong = parts.wrong(typed, offered, drafting.wrong)
    if head.problems or wrong:
        return _register_page(request, head, parts.marked(typed, wrong), row, is_refused=True)
    body = packs.json_ready(drafting.body_of(head, typed, kept))
    key = row.key if row else f"{overlays.LOCAL}.{_stem(request, head)}"
    try:
        with transaction.atomic():
            reasons = _reasons(request, key, kept, body)
            if not reasons:
                declaring.keep(request, KIND, key, body, read=posted.get("read", ""))
                _grant(request, key)
    except (overlays.Refused, overlays.Stale) as error:
        return _register_page(request, head, typed, row, refused=declaring.refusal(error), is_refused=True)
    if reasons:
        return _register_page(request, head, typed, row, reasons=reasons, is_refused=True)
    messages.success(request, _("Saved. Whoever has a right to it finds it among the registers."))
    return redirect("declaring:register", key.partition(".")[2])


def _grant(request: Request, key: str) -> None:
    """Give the rights that were ticked; on rows that are there, only those one has for the whole county oneself."""
    county, prefix, wanted = request.county.pk, f"records.{key}", declaring.wanted_rights(request, ACTIONS)
    if Record.objects.filter(county_id=county, register=key).exists():
        given, lines = overlays.granted(county, prefix), []
        for role in Role.objects.filter(pk__in=wanted).order_by("source", "pk"):
            more = wanted[role.pk] - given.get(role.pk, set())
            lacking = {verb for verb in more if not access.has_county(request.actor, f"{prefix}.{verb}", county)}
            names = [_(RIGHTS[name]) for name, verbs in ACTIONS.items() if lacking.intersection(verbs)]
            if names:
                rule = _("there are records, and you have not got this right for the whole county yourself")
                lines.append(f"{label(role.name) or role.pk}: {', '.join(names)}: {rule}")
        if lines:
            raise overlays.Refused(lines)
    overlays.grant(county, prefix, wanted)


def _stem(request: Request, head: Head) -> str:
    taken = {row.key.partition(".")[2] for row in overlays.own(request.county.pk, KIND)}
    return overlays.free_stem(head.en if head.en.isascii() and head.en else head.zh, taken, "register")


def _reasons(request: Request, key: str, old: Body | None, new: Body) -> list[Forbidden]:
    if old is None:
        return []
    return forbidden(request.actor, request.county.pk, Register(key, old), Register(key, new))


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
        "texts": [part for part in typed if part.kind == "text"], "icons": drafting.ICONS, "reasons": told,
        "geometries": drafting.GEOMETRIES, "refused": refused, "is_refused": is_refused,
        "preview": _preview(request, draft) if draft else [], "draft": draft,
        "rights": _rights(request, key),
        "waiting": indexes.missing(kept, county) if kept and row and not row.is_withdrawn else 0,
        "read": request.POST.get("read", "") or (row.digest if row else ""),
    }  # fmt: skip
    return render(request, "records/declare.html", context, status=422 if is_refused else 200)


def _rights(request: Request, key: str) -> list[declaring.Right]:
    """The table of rights as it is, or as it was ticked a moment ago."""
    rows = declaring.rights(request.county.pk, f"records.{key}", ACTIONS)
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
    old, new = (Register(register, merged(body, extra)) for extra in (kept, added))
    try:
        with transaction.atomic():
            reasons = forbidden(request.actor, request.county.pk, old, new)
            if not reasons:
                declaring.keep(request, overlays.FIELDS, register, added, read=request.POST.get("read", ""))
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
    return render(request, "records/declare_fields.html", context, status=422 if is_refused else 200)


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


def _refuses(request: Request, key: str, old: Body, new: Body) -> list[str]:
    """Reasons of rows against a change, in a line each."""
    if packs.declarations(KIND, request.county.pk).get(key) and not overlays.is_own(key):
        base = packs.declarations(KIND, request.county.pk)[key]
        old, new = merged(base, old), merged(base, new)
    told = _told(_reasons(request, key, old, new), Register(key, old))
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
        lambda _key, body: body["title"], use=lambda key: f"/records/{key}/", changed=_changed, refuses=_refuses,
        rights=("view", "create", "edit", "delete", "unmask"), order=10,
    )  # fmt: skip
    added = declaring.Shelf(
        overlays.FIELDS, {"zh": "补充字段", "en": "Added fields"}, "plus",
        {"zh": "给领域包的登记簿加几个本县的字段，升级时不受影响", "en": "Your own fields on a register of a pack"},
        "/declarations/fields/", lambda key: f"/declarations/fields/{key}/", _fields_title,
        use=lambda key: f"/records/{key}/", changed=_changed, refuses=_refuses, order=20,
    )  # fmt: skip
    for shelf in (registers_, added):
        declaring.add(shelf)
    declaring.rules(FAULTS)
