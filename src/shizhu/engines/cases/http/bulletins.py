"""Pages of bulletins and public releases: written, checked, issued, with receipts, as a Word file; and what everybody
may read of them without a login.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.http import require_POST, require_safe

from shizhu.engines.cases import bulletins
from shizhu.engines.cases.acting import CannotNow
from shizhu.engines.cases.bulletins import DRAFT, IMPRINT, MARKS, Kind, State, Written
from shizhu.engines.cases.http.responses import response_of
from shizhu.engines.cases.models import DRILL, Bulletin, Case
from shizhu.engines.notices import api as notices
from shizhu.kernel import documents
from shizhu.kernel.documents import CHINESE, Heading, day, moment
from shizhu.kernel.models import Person
from shizhu.kernel.text import label, named
from shizhu.lib.numbers import whole
from shizhu.lib.times import typed
from shizhu.web.middleware import Request

HEADING = re.compile(r"[一二三四五六七八九十]+、")
ON_PAGES = {1: gettext_noop("Simulated data"), 2: gettext_noop("Replayed data"), DRILL: gettext_noop("Drill")}
PUBLIC = {"Cache-Control": "public, max-age=30"}
ROWS = Bulletin.objects.select_related(
    "case__organisation", "case__area", "case__county", "author", "checker", "corrects"
)


@dataclass(frozen=True)
class Receiver:
    """Somebody to whom a bulletin went, and when they confirmed it, by whatever way."""

    name: str
    read_at: datetime | None


def _of(request: Request, number: int) -> Bulletin:
    """One that the person may see. Raises Http404, PermissionDenied."""
    one = get_object_or_404(ROWS, pk=number, case__county=request.county)
    if not bulletins.may_see(request.actor, one):
        raise PermissionDenied(f"{request.actor.name or 'nobody'} may not see bulletin {number}")
    return one


@require_POST
def new(request: Request, number: int) -> HttpResponse:
    """POST: begin the next number, or go on with the one that is being written."""
    case = response_of(request, number)
    kind = request.POST.get("kind", "")
    if kind not in Kind.values:
        raise Http404(kind)
    try:
        made = bulletins.begin(request.actor, case.pk, kind, whole(request.POST.get("corrects", "")) or None)
    except CannotNow as error:
        messages.warning(request, str(error))
        return redirect("cases:command", case.pk)
    return redirect("cases:bulletin", made.pk)


def page(request: Request, number: int) -> HttpResponse:
    """One: the form while it is a draft, else as it is read; what does not fit is said, and nothing is changed."""
    one = _of(request, number)
    typed_in: Written | None = None
    if request.method == "POST":
        try:
            if (answer := _done(request, one)) is not None:
                return answer
        except CannotNow as error:
            messages.warning(request, str(error))
            typed_in = _written(request, one) if request.POST.get("do") in {"save", "send"} else None
        else:
            return redirect("cases:bulletin", number)
        one = _of(request, number)
    return render(request, "cases/bulletin.html", _context(request, one, typed_in), status=422 if typed_in else 200)


def _done(request: Request, one: Bulletin) -> HttpResponse | None:
    """Do what was pressed; where the page is gone with it, the answer."""
    who, do, version = request.actor, request.POST.get("do", ""), whole(request.POST.get("version", ""))
    if do in {"save", "send"}:
        bulletins.change(who, one.pk, version, _written(request, one), is_ready=do == "send")
        messages.success(request, _("Sent for checking.") if do == "send" else _("Saved."))
    elif do == "back":
        bulletins.give_back(who, one.pk, version, request.POST.get("why", ""))
        messages.success(request, _("It is a draft again."))
    elif do == "issue":
        bulletins.issue(who, one.pk, version)
        messages.success(request, _("Issued."))
    elif do == "drop":
        bulletins.drop(who, one.pk, version)
        messages.success(request, _("Put away. Its number is free again."))
        return redirect("cases:command", one.case_id)
    else:
        raise CannotNow(_("Choose what to do."))
    return None


def _written(request: Request, one: Bulletin) -> Written:
    given, next_at = request.POST, None
    if given.get("next_at"):
        try:
            next_at = typed(given["next_at"], timezone.get_current_timezone())
        except ValueError:
            raise CannotNow(_("Choose a time to come for the next one.")) from None
    is_internal = one.kind == Kind.INTERNAL
    return Written(
        given.get("title", ""), given.get("text", "").replace("\r\n", "\n"),
        {name: given.get(name, "") for name in IMPRINT} if is_internal else {},
        tuple(map(whole, given.getlist("receivers"))) if is_internal else (), next_at if is_internal else None,
    )  # fmt: skip


def _context(request: Request, one: Bulletin, written: Written | None) -> dict[str, object]:
    case, who = one.case, request.actor
    body = bulletins.declared(case, one.kind) or {}
    may_write = one.state == State.DRAFT and bulletins.may(who, DRAFT, case)
    shown = written or Written(one.title, one.text, one.imprint, tuple(one.receivers), one.next_at)
    titles = {"report": _("Report to"), "send": _("Send to"), "copy": _("Copies to")}
    people = [*bulletins.proposed(case, one.kind), *bulletins.chosen(case, shown.receivers)]
    newer = one.corrected_by.filter(state=State.ISSUED).first()
    return {
        "one": one, "case": case, "name": bulletins.name_of(one), "is_public": one.kind == Kind.PUBLIC,
        "issuer": label(body.get("issuer")) or named(case.organisation), "lines": lines(one.text),
        "shown": shown, "may_write": may_write, "may_issue": bulletins.may_issue(who, one),
        "is_mine": one.author_id == who.person_id, "newer": newer,
        "may_correct": one.state == State.ISSUED and newer is None and bulletins.may(who, DRAFT, case),
        "imprint": [(name, title, shown.imprint.get(name, "")) for name, title in titles.items()],
        "people": [(person, person.pk in shown.receivers) for person in {one.pk: one for one in people}.values()],
        "receivers": receivers([one]).get(one.pk, []), "is_outside": one.kind == Kind.PUBLIC and case.origin != DRILL,
    }  # fmt: skip


def lines(text: str) -> list[tuple[bool, str]]:
    """The lines of a text, and whether each is a heading."""
    return [(bool(HEADING.match(line)), line.strip()) for line in text.split("\n") if line.strip()]


def receivers(rows: Iterable[Bulletin]) -> dict[int, list[Receiver]]:
    """Of each of these that went out to whom it went, and what became of it; by name."""
    of = {one.notice: one.pk for one in rows if one.notice is not None}
    found: dict[int, list[Receiver]] = {}
    for notice, number in of.items():
        told: dict[int, list[notices.Receipt]] = defaultdict(list)
        for receipt in notices.receipts([notice]):
            told[receipt.person or 0].append(receipt)
        people = Person.objects.filter(pk__in=told).order_by("sort_key", "pk")
        found[number] = [
            Receiver(person.name, min((r.read_at for r in told[person.pk] if r.read_at), default=None))
            for person in people
        ]
    return found


def listed(request: Request, case: Case) -> dict[str, object]:
    """What the command post shows: those issued with author, checker and receipts, and what is being written."""
    may_write = bulletins.may(request.actor, DRAFT, case)
    rows = list(ROWS.filter(case=case).exclude(state=State.DROPPED).order_by("-made_at", "-pk"))
    seen = [one for one in rows if bulletins.may_see(request.actor, one)]
    told = receivers(seen)
    newer = {one.corrects_id: one for one in rows if one.state == State.ISSUED and one.corrects_id}
    titles = {Kind.INTERNAL: _("Write a bulletin"), Kind.PUBLIC: _("Write a public release")}
    lines_of = [
        {
            "one": one, "name": bulletins.name_of(one), "told": len(told.get(one.pk, ())),
            "read": sum(1 for who in told.get(one.pk, ()) if who.read_at), "newer": newer.get(one.pk),
        }
        for one in seen
    ]  # fmt: skip
    kinds = [
        (kind, title) for kind, title in titles.items() if may_write and bulletins.declared(case, kind) is not None
    ]
    return {"rows": lines_of, "kinds": kinds, "late": bulletins.late(case), "next": _next(case, rows)}


def _next(case: Case, rows: list[Bulletin]) -> datetime | None:
    """By when the next bulletin is promised, while the response runs."""
    issued = [one for one in rows if one.kind == Kind.INTERNAL and one.state == State.ISSUED]
    newest = max(issued, key=lambda one: one.number, default=None)
    return newest.next_at if newest is not None and case.status == Case.Status.OPEN else None


def file(request: Request, number: int) -> HttpResponse:
    """The Word file in the form of an internal bulletin (简报), Chinese whoever asks; a draft says that it is one."""
    one = _of(request, number)
    with translation.override(CHINESE):
        content = written(one)
    name = f"{MARKS.get(one.case.origin, '')}{bulletins.name_of(one)}"
    disposition = f"attachment; filename=\"{one.case.number}-{one.number}.docx\"; filename*=UTF-8''{quote(name)}.docx"
    return HttpResponse(content, content_type=documents.MEDIA_TYPE, headers={"Content-Disposition": disposition})


def written(one: Bulletin) -> bytes:
    """The file: red head, 第N期, issuing body and day, text, and the imprint with 报, 送, 发."""
    from shizhu.kernel import official  # noqa: PLC0415  # loads python-docx

    body, case = bulletins.declared(one.case, one.kind) or {}, one.case
    marks = [_(ON_PAGES[case.origin])] if case.origin in ON_PAGES else []
    marks += [] if one.state == State.ISSUED else [_("Draft, not issued")]
    front = official.Front(
        head=label(body.get("head", one.title)), number=f"（第{one.number}期）",
        issuer=label(body.get("issuer")) or named(case.organisation),
        day=day(timezone.localtime(one.issued_at or one.made_at)), title=f"{MARKS.get(case.origin, '')}{one.title}",
        mark=" · ".join(marks),
    )  # fmt: skip
    return official.official(front, _parts(one), imprint=list(_imprint(one)))


def _parts(one: Bulletin) -> Iterator[str | Heading]:
    if one.corrects is not None and one.corrects.issued_at is not None:
        yield _("This corrects no. %(number)d of %(day)s.") % {
            "number": one.corrects.number, "day": moment(one.corrects.issued_at),
        }  # fmt: skip
    for is_heading, text in lines(one.text):
        yield Heading(HEADING.sub("", text, count=1)) if is_heading else text


def _imprint(one: Bulletin) -> Iterator[str]:
    for sign, name in (("报", "report"), ("送", "send"), ("发", "copy")):
        if one.imprint.get(name):
            yield f"{sign}：{one.imprint[name]}"
    checked = f"审核签发：{one.checker.name}" if one.checker else "审核签发：（未签发）"
    when = f"　{moment(one.issued_at)}印发" if one.issued_at else ""
    yield f"编辑：{one.author.name}　{checked}{when}"


@require_safe
def published(request: HttpRequest) -> HttpResponse:
    """GET /releases/: what was released to the public, for everybody; `?county=` one county alone."""
    rows = [(one, _newer(one)) for one in bulletins.published(request.GET.get("county", ""))]
    return _open(render(request, "cases/releases.html", {"rows": rows}))


@require_safe
def release(request: HttpRequest, number: int) -> HttpResponse:
    """GET /releases/7/: one, as it was issued; a later one that corrects it is named above it."""
    one = get_object_or_404(ROWS, pk=number, kind=Kind.PUBLIC, state=State.ISSUED)
    if one.case.origin == DRILL:
        raise Http404(number)
    body = bulletins.declared(one.case, one.kind) or {}
    context = {
        "one": one, "case": one.case, "newer": _newer(one), "lines": lines(one.text),
        "issuer": label(body.get("issuer")) or named(one.case.organisation),
    }  # fmt: skip
    return _open(render(request, "cases/release.html", context))


def _newer(one: Bulletin) -> Bulletin | None:
    return next((row for row in one.corrected_by.all() if row.state == State.ISSUED), None)


def _open(answer: HttpResponse) -> HttpResponse:
    for name, value in {**PUBLIC, "Vary": "Accept-Language, Cookie"}.items():
        answer[name] = value
    return answer
