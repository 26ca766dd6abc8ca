"""Pages that write: a new record, changing one, withdrawing it. What was typed is never lost to an error."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST
from shapely.geometry.base import BaseGeometry

from shizhu.engines.records import duplicates, queries, references, revising, store
from shizhu.engines.records.attachments import FILES
from shizhu.engines.records.contracts import Change, Entry, Refused, StaleRecord
from shizhu.engines.records.duplicates import Alike
from shizhu.engines.records.http import inputs, pages, shown
from shizhu.engines.records.http.attached import take
from shizhu.engines.records.http.inputs import JOINT, MOST, Input, Maker, Typed
from shizhu.engines.records.logic import places, values
from shizhu.engines.records.logic.register import COMPARABLE, LINE, Register
from shizhu.engines.records.logic.values import Problem, problem
from shizhu.engines.records.models import Record
from shizhu.engines.records.references import Choice
from shizhu.kernel.text import label
from shizhu.lib.numbers import whole
from shizhu.web.middleware import Request


@dataclass(frozen=True)
class Form:
    """What the page of a form shows: what was typed, the version it is about, what is wrong, what others changed."""

    typed: Typed
    version: int = 0
    problems: tuple[Problem, ...] = ()
    others: tuple[Change, ...] = field(default=())
    was_tried: bool = False  # to save it: what is wrong is told while it is mended
    alike: tuple[Alike, ...] = ()  # rows that are perhaps this one


def new(request: Request, register: str) -> HttpResponse:
    """Register a new record."""
    declared = pages.found(request, register, "create")
    if request.method != "POST":
        return _page(request, declared, Form(_first(request, declared)))
    typed, faults = _sent(request, declared)
    if "_act" in typed:
        return _page(request, declared, _acted(declared, typed, faults))
    typed = inputs.applying(declared, inputs.compact(typed))
    if faults:
        return _page(request, declared, Form(typed, problems=faults))
    try:
        with transaction.atomic():
            entry = store.create(
                request.actor, request.county.pk, register, inputs.read(declared, typed),
                organisation=typed.get("_organisation", ""), area=typed.get("_area", ""), state=typed.get("_state", ""),
                geometry=_geometry(declared, typed),
            )  # fmt: skip
            alike = _unseen(request, declared, entry.id, typed)
            transaction.set_rollback(bool(alike))  # it is asked first; the second click keeps it
    except Refused as refused:
        return _page(request, declared, Form(typed, problems=refused.problems))
    if alike:
        return _page(request, declared, Form(typed, alike=alike))
    messages.success(request, _("Registered."))
    return _to(entry)


def edit(request: Request, register: str, number: int) -> HttpResponse:
    """Change a record, if nobody else did since it was opened."""
    declared = pages.found(request, register, "edit")
    entry = pages.entry_of(request, declared, number)
    current = _written(declared, entry)
    if request.method != "POST":
        wrong = revising.problems_of(entry.id)
        return _page(request, declared, Form(current, entry.version, wrong, was_tried=bool(wrong)), entry)
    typed, faults = _sent(request, declared)
    version = whole(typed.get("version", ""))
    if "_act" in typed:
        return _page(request, declared, _acted(declared, typed, faults, version, entry.masked), entry)
    typed = inputs.applying(declared, inputs.compact(typed))
    if faults:
        return _page(request, declared, Form(typed, version, faults), entry)
    try:
        with transaction.atomic():
            near = frozenset(one.entry.id for one in _alike(request, declared, entry.id))
            changed = _update(request, declared, entry, typed, version)
            alike = _unseen(request, declared, entry.id, typed, near)
            transaction.set_rollback(bool(alike))
    except Refused as refused:
        return _page(request, declared, Form(typed, version, refused.problems), entry)
    except StaleRecord as stale:
        others = tuple(step for step in queries.history(request.actor, entry.id) if step.version > version)
        before = inputs.written(declared, queries.written_at(request.actor, entry.id, version))
        mine = inputs.differing(declared, typed, before)
        roots = tuple(name.removesuffix(inputs.COUNT) for name in mine if name.endswith(f".{inputs.COUNT}"))
        merged = {name: value for name, value in current.items() if not name.startswith(roots)} | mine
        return _page(request, declared, Form(merged, stale.current, others=others), entry)
    if alike:
        return _page(request, declared, Form(typed, version, alike=alike), entry)
    messages.success(request, _("Saved.") if changed.version > version else _("Nothing was changed."))
    return _to(changed)


def _alike(request: Request, register: Register, number: int) -> list[Alike]:
    """Rows that are perhaps this one."""
    if not register.hints.get("duplicates"):
        return []
    row = Record.objects.select_related("area").get(pk=number)
    return duplicates.found(request.actor, register, row)


def _unseen(
    request: Request, register: Register, number: int, typed: Typed, before: frozenset[int] = frozenset()
) -> tuple[Alike, ...]:
    """Rows that are perhaps the one just written, if the page did not know them all before.

    If it did, who saved it nevertheless has said that it is none of those that the page named.
    """
    known = [told for one in typed.get("_known", "").split(",") if (told := whole(one))]
    found = [one for one in _alike(request, register, number) if one.entry.id not in before]
    if {one.entry.id for one in found}.difference(known):
        return tuple(found)
    duplicates.another(request.actor, register, number, known[: duplicates.SHOWN])
    return ()


def _sent(request: Request, register: Register) -> tuple[dict[str, str], tuple[Problem, ...]]:
    """What was typed, with the ids of what was uploaded, and what was wrong with an upload."""
    typed = inputs.tidy(register, inputs.sent(request.POST))
    taken = list(take(request.actor, request.county.pk, register, request.FILES, lambda n: inputs.NUMBER.sub("", n)))
    kept = [(one.name, one.file_id) for one in taken if one.file_id]
    return inputs.with_uploads(register, typed, kept), tuple(one.problem for one in taken if one.problem)


def _acted(
    register: Register, typed: Typed, faults: tuple[Problem, ...], version: int = 0, masked: Collection[str] = ()
) -> Form:
    """The form after one of its buttons, or after something was typed that others follow from. Nothing is saved."""
    made = inputs.acted(register, typed, typed["_act"])
    if "_tried" not in typed:
        return Form(made, version, faults, was_tried=bool(faults))
    data = values.canonical(register, inputs.read(register, inputs.applying(register, made)))
    found = [p for p in values.problems(register, data) if p.path not in masked and p.rule != "x-shizhu-computed"]
    return Form(made, version, (*faults, *found), was_tried=True)


def _written(register: Register, entry: Entry) -> dict[str, str]:
    return {**inputs.written(register, entry.data, entry.masked), **inputs.written_places(entry)}


def _to(entry: Entry) -> HttpResponse:
    return HttpResponseRedirect(reverse("records:detail", args=[entry.register, entry.id]))


def _first(request: Request, register: Register) -> Typed:
    """A new record begins with the next free key, the declared defaults and what the address says of its fields, where
    the person's first post that may create it is.
    """
    fields = dict(inputs.flat(register))
    typed = {
        n: inputs.written_one(item, item.rules["default"]) for n, item in fields.items() if "default" in item.rules
    }
    typed[register.key_field] = typed.get(register.key_field) or store.next_key(register, request.county.pk)
    typed |= {
        n: str(text)[:LINE] for n, text in request.GET.dict().items() if n in fields and fields[n].kind in COMPARABLE
    }
    organisation, area = store.first_place(request.actor, request.county.pk, register)
    return {**typed, "_organisation": organisation, "_area": area}


def _geometry(register: Register, typed: Typed) -> BaseGeometry | None:
    """The geometry that was typed; Refused if it is none."""
    text = typed.get("_geometry", "")
    try:
        return places.read(text, register.geometry)
    except ValueError:
        raise Refused((problem("_geometry", text, "geometry", register.geometry),)) from None


def _update(request: Request, register: Register, entry: Entry, typed: Typed, version: int) -> Entry:
    """Send only what differs from what the page showed, so that a masked field left empty stays as it is."""
    current = _written(register, entry)
    differing = inputs.differing(register, typed, current)
    gone = {name: None for name in entry.data if name not in register.fields and typed.get(f"_gone.{name}")}
    return store.update(
        request.actor, entry.id, {**inputs.read(register, differing), **gone}, version,
        geometry=_geometry(register, typed) if "_geometry" in differing else store.KEEP,
        organisation=differing.get("_organisation", ""), area=differing.get("_area", ""),
        state=differing.get("_state", ""),
    )  # fmt: skip


def _page(request: Request, register: Register, form: Form, entry: Entry | None = None) -> HttpResponse:
    masked = {path: str(inputs.at(entry.data, path) or "") for path in entry.masked} if entry else {}
    maker = Maker(request.actor, request.county.pk, form.typed, form.problems, masked, entry.id if entry else 0)
    made = maker.form(register, register.key_field if entry else "")
    names = {control.name for one in made for control in one.leaves}
    names |= {"_geometry", "_area", "_organisation", "_state"}
    context = {
        "register": register, "entry": entry, "form": form, "inputs": made, "places": _places(maker, register),
        "alike": form.alike[: duplicates.SHOWN], "more_alike": len(form.alike[duplicates.SHOWN :]),
        "known": ",".join(str(one.entry.id) for one in form.alike),
        "geometry": form.typed.get("_geometry", ""), "geometry_problems": maker.told("_geometry"),
        "elsewhere": [p for p in form.problems if not names & {p.path, p.path.rpartition(".")[0]}],
        "gone": [name for name in entry.data if name not in register.fields] if entry else [],
        "has_files": any(item.kind in FILES for _path, item in register.everything),
        "others": list(shown.steps(request.actor, request.county.pk, register, form.others)), "masked": sorted(masked),
        "may_map": request.actor.has("maps.map.view"),
    }  # fmt: skip
    return render(
        request,
        "records/form.html",
        context,
        status=422 if (form.problems and not form.was_tried) or form.others else 200,
    )


def _places(maker: Maker, register: Register) -> list[Input]:
    """Whose the record is, where, and in which state."""
    made = [
        maker.place("_organisation", _("Organisation"), "kernel.organisation"),
        maker.place("_area", _("Area"), "kernel.area"),
    ]
    if len(register.states) > 1 and not register.transitions:
        states = tuple(Choice(key, label(names)) for key, names in register.states.items())
        chosen = maker.typed.get("_state", "") or states[0].value
        made.append(
            Input(
                "_state", _("State"), "select", chosen, is_required=True, choices=states, problems=maker.told("_state")
            )
        )
    return made


def choices(request: Request, register: str, name: str) -> HttpResponse:
    """What a field may refer to, for what has been typed so far: options of a data list."""
    declared = pages.found(request, register, "view")
    own: Mapping[str, str] = {"_organisation": "kernel.organisation", "_area": "kernel.area"}
    bare = inputs.NUMBER.sub("", name.removeprefix("f."))
    item = dict(declared.everything).get(bare)
    reference = own.get(bare) or (item.reference if item else "")
    kind = references.find(reference, request.county.pk) if reference else None
    if kind is None:
        raise Http404(name)
    if item:
        given = inputs.tidy(declared, request.GET.dict())
        names = {other: inputs.beside_it(name, other) for other in item.depends.values()}
        kind = kind.of(item, {other: given.get(control, "") for other, control in names.items()})
    typed = request.GET.get(name, "").strip().rsplit(JOINT, 1)[-1]
    found = kind.search(request.actor, request.county.pk, typed, MOST)
    return render(request, "records/choices.html", {"choices": found, "joint": JOINT})


@require_POST
def withdraw(request: Request, register: str, number: int) -> HttpResponse:
    """Take a record out of use."""
    return _move(request, register, number, store.withdraw, _("Withdrawn. It can be restored; its history stays."))


@require_POST
def restore(request: Request, register: str, number: int) -> HttpResponse:
    """Put a withdrawn record into use again."""
    return _move(request, register, number, store.restore, _("Restored."))


@require_POST
def step(request: Request, register: str, number: int) -> HttpResponse:
    """Take a record into another state."""
    declared = pages.found(request, register)
    state = request.POST.get("state", "")
    name = label(declared.states.get(state, state))
    return _move(
        request, register, number, lambda who, record, version: store.move(who, record, state, version),
        _("The state is now: %s") % name, "view",
    )  # fmt: skip


def _move(request: Request, register: str, number: int, act: Any, done: str, verb: str = "delete") -> HttpResponse:
    declared = pages.found(request, register, verb)
    entry = pages.entry_of(request, declared, number)
    try:
        act(request.actor, entry.id, whole(request.POST.get("version", "")))
    except StaleRecord:
        messages.error(request, _("Somebody changed this record since you opened it. Look at it again first."))
    except Refused as refused:
        messages.error(request, " ".join(label(found.message) for found in refused.problems))
    else:
        messages.success(request, done)
    return _to(entry)
