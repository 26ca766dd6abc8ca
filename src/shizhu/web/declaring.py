"""What the county declares itself (本县自建), in the browser: all of it on one page, its history, out of use and back.

An engine puts a shelf here for each kind that counties may declare; how one is made is the engine's own page.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.http import require_POST

from shizhu.kernel import access, overlays
from shizhu.kernel.models import Declaration, EnabledPack, Pack, Role
from shizhu.kernel.packs import Body
from shizhu.kernel.text import label
from shizhu.web import packing
from shizhu.web.middleware import Request

Names = dict[str, str]


@dataclass(frozen=True)
class Shelf:
    """A kind that counties may declare: names, where one is made ("" for nowhere) and seen, what it is called.

    `use` gives the address where people use it, `changed` is called with the county after each change, `refuses` says
    what that is kept forbids a change (request, key, body before, body after); `later` has a worker look at that
    (the same, and the digest that was read) where it takes long, and gives the address that tells how far it is.
    """

    kind: str
    name: Names
    icon: str
    help: Names
    new: str
    address: Callable[[str], str]
    title: Callable[[str, Body], object]
    use: Callable[[str], str] = lambda _key: ""
    changed: Callable[[str], None] = lambda _county: None
    refuses: Callable[[Request, str, Body, Body], list[str]] = lambda _request, _key, _old, _new: []
    later: Callable[[Request, str, Body, Body, str], str] = lambda _request, _key, _old, _new, _read: ""
    needs: Callable[[Body], Iterable[str]] = lambda _body: ()  # verbs for the whole county of who keeps one
    rights: tuple[str, ...] = ()  # the last parts of the verbs that a county grants on one
    order: int = 50


_shelves: dict[str, Shelf] = {}


def add(shelf: Shelf) -> None:
    """Put up a shelf; call it from `AppConfig.ready`."""
    _shelves[shelf.kind] = shelf


NAMED = re.compile(r"%\\\((\w+)\\\)s")  # a place in a text, as re.escape leaves it
SCHEMA = (  # how JSON Schema says what is wrong
    gettext_noop("%(value)s is not of type %(type)s"), gettext_noop("%(value)s is not one of %(known)s"),
    gettext_noop("%(name)s is a required property"), gettext_noop("%(value)s does not match %(pattern)s"),
    gettext_noop("%(names)s is not read here; known are %(known)s"),
    gettext_noop("Additional properties are not allowed (%(names)s was unexpected)"),
    gettext_noop("Additional properties are not allowed (%(names)s were unexpected)"),
    gettext_noop("%(value)s is less than the minimum of %(least)s"),
    gettext_noop("%(value)s is greater than the maximum of %(most)s"),
    gettext_noop("%(value)s is too short"), gettext_noop("%(value)s is too long"),
    gettext_noop("%(value)s should be non-empty"), gettext_noop("%(value)s has non-unique elements"),
    gettext_noop("%(value)s does not have enough properties"),
    gettext_noop("%(value)s is a dependency of %(name)s"), gettext_noop("%(value)s was expected"),
    gettext_noop("%(value)s is not valid under any of the given schemas"), gettext_noop("must be a finite number"),
)  # fmt: skip
_rules: dict[str, re.Pattern[str]] = {}


def rules(texts: Iterable[str]) -> None:
    """Let what checks say in English be read in Chinese too: how their lines end, with places such as `%(value)s` for
    what varies. Call it from `AppConfig.ready`."""
    for text in texts:
        form = NAMED.sub(r"(?P<\1>.+?)", re.escape(text))
        _rules[text] = re.compile(f"(?:^|(?<= )){form}$", re.DOTALL)


def say(line: str) -> str:
    """A line of a check with its rule in the language in force."""
    known = sorted(_rules, key=lambda text: -len(re.sub(r"%\(\w+\)s", "", text)))
    for begin in (len(re.match(r"(?:\S+: )*", line)[0]), 0):  # type: ignore[index]  # it matches always
        for text in known:
            if found := _rules[text].search(line, begin):
                told = _(text)
                return f"{line[: found.start()]}{told % found.groupdict() if found.groupdict() else told}"
    return line


rules(SCHEMA)


def refusal(error: overlays.Refused | overlays.Stale) -> list[str]:
    """What somebody reads whose change was not kept, in lines."""
    if isinstance(error, overlays.Stale):
        return [_("Somebody changed this while you were at it. Open it anew, and make your change again.")]
    return list(map(say, error.problems))


def shelves() -> list[Shelf]:
    """All shelves in their order."""
    return sorted(_shelves.values(), key=lambda shelf: shelf.order)


def shelf(kind: str) -> Shelf:
    """The shelf of a kind."""
    return _shelves[kind]


def title(row: Declaration) -> str:
    """What a declaration is called."""
    return label(_shelves[row.kind].title(row.key, row.body))


def require(request: Request) -> None:
    """Only who may declare for the whole county gets in."""
    access.require_county(request.actor, overlays.EDIT, request.county.pk)


def index(request: Request) -> HttpResponse:
    """Everything the county declares itself, by kind."""
    require(request)
    rows = overlays.own(request.county.pk)
    faults = overlays.problems(overlays.everything(request.county.pk))
    groups = [
        (shelf, [_line(shelf, row, faults) for row in rows if row.kind == shelf.kind])
        for shelf in shelves()
    ]  # fmt: skip
    return render(request, "shizhu/declarations.html", {"groups": groups, "is_empty": not rows})


def _line(shelf: Shelf, row: Declaration, faults: Mapping[tuple[str, str], list[str]]) -> dict[str, Any]:
    return {
        "row": row, "title": label(shelf.title(row.key, row.body)), "address": shelf.address(row.key),
        "use": "" if row.is_withdrawn else shelf.use(row.key),
        "faults": list(map(say, faults.get((row.kind, row.key), []))),
    }  # fmt: skip


def found(request: Request, kind: str, key: str) -> tuple[Shelf, Declaration]:
    """One of the county's own declarations with its shelf, or 404."""
    require(request)
    row = overlays.find(request.county.pk, kind, key)
    if kind not in _shelves or row is None or row.source != "person":
        raise Http404(f"{kind} {key}")
    return _shelves[kind], row


def history(request: Request, kind: str, key: str) -> HttpResponse:
    """Who changed what, line by line; each version can be taken again."""
    shelf, row = found(request, kind, key)
    steps = overlays.history(row)
    lines = [{"step": step, "diff": list(_diff(step.old, step.new)), "is_last": step is steps[-1]} for step in steps]
    context = {"shelf": shelf, "row": row, "title": label(shelf.title(key, row.body)), "lines": lines[::-1]}
    return render(request, "shizhu/declaration_history.html", {**context, "address": shelf.address(key)})


def _diff(old: Body | None, new: Body) -> Iterator[tuple[str, str]]:
    """(sign, line) of what differs; the sign is + or -."""
    import difflib  # noqa: PLC0415  # rarely needed

    before, after = (packing.written(body).splitlines() if body else [] for body in (old, new))
    for line in difflib.unified_diff(before, after, lineterm="", n=0):
        if line[:1] in "+-" and not line.startswith(("+++", "---")):
            yield line[0], line[1:]


@require_POST
def withdraw(request: Request, kind: str, key: str) -> HttpResponse:
    """Out of use; rows and cases stay."""
    shelf, _row = found(request, kind, key)
    try:
        overlays.withdraw(request.county.pk, kind, key)
    except overlays.Refused as refused:
        told = _("It is needed and was not withdrawn: %(why)s")
        messages.error(request, told % {"why": "; ".join(map(say, refused.problems))})
    else:
        shelf.changed(request.county.pk)
        messages.success(request, _("Withdrawn. What was kept with it stays, and it can be restored."))
    return redirect("declarations")


@require_POST
def restore(request: Request, kind: str, key: str) -> HttpResponse:
    """Into use again as it is, or as it was at a step of its history."""
    shelf, row = found(request, kind, key)
    number = request.POST.get("step", "")
    bodies = {str(step.number): step.new for step in overlays.history(row)}
    body = bodies.get(number, row.body)
    try:
        address = shelf.later(request, key, row.body, body, row.digest)
        if address:
            return redirect(address)
        keep(request, kind, key, body, read=row.digest, before=row.body)
    except (overlays.Refused, overlays.Stale) as error:
        messages.error(request, _("It cannot be as it was: %(why)s") % {"why": "; ".join(refusal(error))})
    else:
        messages.success(request, _("Restored."))
    return redirect(shelf.address(key))


def keep(request: Request, kind: str, key: str, body: Body, *, read: str, before: Body | None = None) -> Declaration:
    """Save and tell the engine; with `before`, ask it first whether it may be. Raises overlays.Refused, Stale."""
    wrong = _shelves[kind].refuses(request, key, before, body) if before is not None else []
    for verb in _shelves[kind].needs(body):
        if not access.has_county(request.actor, verb, request.county.pk):
            wrong.append(_("%(verb)s: whoever keeps this must have the right for the whole county") % {"verb": verb})
    if wrong:
        raise overlays.Refused(wrong)
    row = overlays.save(request.county.pk, kind, key, body, read=read)
    _shelves[kind].changed(request.county.pk)
    return row


@dataclass(frozen=True)
class Right:
    """A line of the table of rights: a role, what it has by its post anyhow, what the county gives it."""

    role: Role
    title: str
    boxes: tuple[tuple[str, bool, bool], ...]  # (right, is given, is had anyhow)

    def ticked(self, names: Collection[str]) -> Right:
        """The line with other boxes ticked; what the role has anyhow stays."""
        return replace(self, boxes=tuple((name, had or name in names, had) for name, _is_given, had in self.boxes))


def rights(county: str, prefix: str, actions: Mapping[str, tuple[str, ...]]) -> list[Right]:
    """The table of rights on one of the county's own: `actions` says which verbs a box stands for."""
    given = overlays.granted(county, prefix)
    return [
        Right(role, label(role.name) or role.pk, tuple(_box(role, given, prefix, *pair) for pair in actions.items()))
        for role in Role.objects.order_by("source", "pk")
        if role.verbs or role.pk in given
    ]  # fmt: skip


def _box(
    role: Role, given: Mapping[str, set[str]], prefix: str, name: str, verbs: tuple[str, ...]
) -> tuple[str, bool, bool]:
    had = all(any(access.covers(own, f"{prefix}.{verb}") for own in role.verbs) for verb in verbs)
    return name, had or set(verbs) <= given.get(role.pk, set()), had


def roles(county: str) -> list[tuple[str, str]]:
    """(key, name) of the roles that one may choose: not those of packs that are off in the county."""
    on = EnabledPack.objects.filter(county=county).values("pack")
    off = set(Pack.objects.exclude(pk__in=on).values_list("pk", flat=True))
    rows = [role for role in Role.objects.order_by("source", "pk") if role.pk.partition(".")[0] not in off]
    return [(role.pk, label(role.name)) for role in rows if label(role.name)]


def wanted_rights(request: Request, actions: Mapping[str, tuple[str, ...]]) -> dict[str, set[str]]:
    """role → verbs that were ticked."""
    ticked = {role: request.POST.getlist(f"g.{role}") for role in Role.objects.values_list("pk", flat=True)}
    return {
        role: {verb for name in names if name in actions for verb in actions[name]} for role, names in ticked.items()
    }
