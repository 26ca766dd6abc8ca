"""A response or a drill afterwards, as an official document: planned and real minutes, what was late, what happened."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any
from urllib.parse import quote

from django.http import HttpResponse
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from shizhu.engines.cases import emergencies, flows, needs
from shizhu.engines.cases.bulletins import name_of
from shizhu.engines.cases.emergencies import Line, Response
from shizhu.engines.cases.http import bulletins
from shizhu.engines.cases.http.report import happened
from shizhu.engines.cases.http.responses import response_of
from shizhu.engines.cases.logic.emergency import LEVEL_NAMES
from shizhu.engines.cases.models import DRILL, Bulletin, Case, Need
from shizhu.kernel import documents
from shizhu.kernel.documents import CHINESE, Heading, Table, day, moment
from shizhu.kernel.text import label, named
from shizhu.web.middleware import Request


def report(request: Request, number: int) -> HttpResponse:
    """The document, for those who may see the response; Chinese whoever asks, as an office files it."""
    case = response_of(request, number)
    with translation.override(CHINESE):
        content, name = _made(case)
    disposition = f"attachment; filename=\"{case.number}.docx\"; filename*=UTF-8''{quote(name)}.docx"
    return HttpResponse(content, content_type=documents.MEDIA_TYPE, headers={"Content-Disposition": disposition})


def _made(case: Case) -> tuple[bytes, str]:
    from shizhu.kernel import official  # noqa: PLC0415  # loads python-docx

    _flow, about = flows.version(case.flow, case.digest)
    name = _("After-action report of a drill") if case.origin == DRILL else _("After-action report")
    front = official.Front(
        head=f"{label(about.title)}{_('drill') if case.origin == DRILL else ''}", number=case.number,
        issuer=named(case.organisation), day=day(timezone.localdate()),
        title=f"{case.title}{name}", mark=_(bulletins.ON_PAGES[case.origin]) if case.origin else "",
    )  # fmt: skip
    return official.official(front, _parts(case, emergencies.response(case))), f"{case.number}-{name}"


def _parts(case: Case, response: Response) -> Iterator[Any]:
    yield Heading(_("What it was"))
    if case.origin == DRILL:
        yield _("This is a drill: nothing in it is real. It was run on the plan in force and measured by the minute.")
    span = {"begin": moment(case.opened_at), "minutes": round(response.clock)}
    if case.closed_at:
        ended = {**span, "end": moment(case.closed_at)}
        yield _("It began on %(begin)s, ended on %(end)s and took %(minutes)d minutes.") % ended
    else:
        yield _("It began on %(begin)s and is still running after %(minutes)d minutes.") % span
    if response.lines:
        yield from _tasks(response)
    else:
        yield _("No level is in force yet, so no task is open.")
    yield from _asked(case)
    yield from _told(case)
    yield Heading(_("Timeline"))
    yield happened(case)


def _tasks(response: Response) -> Iterator[Any]:
    """Planned and real minutes of each task, and which were late."""
    from shizhu.kernel.wordcharts import Chart, Series  # noqa: PLC0415  # beside what loads python-docx

    done = [line for line in response.lines if line.off is not None]
    yield _("Of %(all)d tasks %(done)d were done, %(in_time)d of them in time.") % {
        "all": len(response.lines), "done": response.done, "in_time": response.in_time,
    }  # fmt: skip
    yield Heading(_("Planned and real minutes"))
    measured = (f"{one}\n（{_('minutes')}）" for one in (_("Planned"), _("Real"), _("Off by")))
    heads = [_("Task"), _("Level"), _("Done by"), *measured]
    yield Table([_row(line) for line in response.lines], head=heads, widths=(4.9, 2.1, 2.4, 2, 2, 2.2))
    if done:
        series = [
            Series(_("Planned"), [round(line.planned_to, 1) for line in done]),
            Series(_("Real"), [round(line.ended or 0, 1) for line in done]),
        ]
        names = [label(line.title) for line in done]
        yield Chart("bar", names, series, _("Minute of each task since the start"), _("minutes"), height=70)
    yield Heading(_("What was late"))
    late = [line for line in response.lines if line.is_late]
    for line in late:
        yield _("%(task)s (%(who)s): %(text)s") % {
            "task": label(line.title),
            "who": line.by or "—",
            "text": _late(line),
        }
    if not late:
        yield _("Nothing was late.")


def _asked(case: Case) -> Iterator[Any]:
    """What the field asked for, and how soon it was answered."""
    rows = list(case.needs.select_related("case", "area", "asked_by", "answered_by"))
    if not rows:
        return
    yield Heading(_("Calls for help"))
    found = needs.measured(rows, case.closed_at)
    said = _(
        "%(all)d came: %(in_time)d were answered in time, %(late)d late or not in time, %(refused)d could not be met."
    )
    yield said % {"all": found.all, "in_time": found.in_time, "late": found.late, "refused": found.refused}
    if found.median is not None:
        yield _("Half of the answers came within %(minutes).0f minutes.") % {"minutes": found.median}
    heads = [
        _("What was asked"),
        _("Urgency"),
        _("Who asks"),
        _("Minute of the response"),
        _("Waited"),
        _("The answer"),
    ]
    yield Table([_need(case, one) for one in rows], head=heads, widths=(3.6, 2.6, 1.8, 1.6, 1.6, 4.4))


def _need(case: Case, one: Need) -> tuple[str, ...]:
    until = one.answered_at or case.closed_at
    waited = f"{(until - one.asked_at).total_seconds() / 60:.0f}" if until else "—"
    minute = f"{(one.asked_at - case.opened_at).total_seconds() / 60:.0f}"
    what = f"{needs.words(one)}，{needs.whither(one)}"
    return what, label(one.urgent), one.asked_by.name, minute, waited, one.answer or _("never answered")


def _told(case: Case) -> Iterator[Any]:
    """What was told of it in writing, in which minute, and by whom."""
    rows = list(Bulletin.objects.filter(case=case, state="issued").select_related("case", "author", "checker"))
    rows.sort(key=lambda one: (one.issued_at, one.pk))
    if not rows:
        return
    yield Heading(_("Bulletins and releases"))
    late = sum(
        before.next_at is not None and one.issued_at is not None and one.issued_at > before.next_at
        for before, one in pairwise(one for one in rows if one.kind == Bulletin.Kind.INTERNAL)
    )
    said = _("%(all)d were issued, the first in minute %(first)d; %(late)d came later than promised.")
    yield said % {"all": len(rows), "first": _minute(case, rows[0]), "late": late}
    confirmed = bulletins.receivers(rows)
    yield Table(
        [(*_facts(case, one), _confirmed(confirmed.get(one.pk, []))) for one in rows],
        head=[
            _("What was issued"),
            _("Minute of the response"),
            _("Author"),
            _("Checked and issued by"),
            _("confirmed"),
        ],
        widths=(6.4, 1.6, 2.4, 2.8, 2.4),
    )


def _facts(case: Case, one: Bulletin) -> tuple[str, ...]:
    checker = one.checker.name if one.checker else "—"
    return f"{name_of(one)}：{one.title}", str(_minute(case, one)), one.author.name, checker


def _confirmed(people: list[bulletins.Receiver]) -> str:
    return f"{sum(1 for who in people if who.read_at)}/{len(people)}" if people else "—"


def _minute(case: Case, one: Bulletin) -> int:
    return round(((one.issued_at or one.made_at) - case.opened_at).total_seconds() / 60)


def _row(line: Line) -> tuple[str, ...]:
    real = f"{line.ended:.0f}" if line.off is not None and line.ended is not None else "—"
    off = "—" if line.off is None else f"{line.off:+.0f}"
    level = label(LEVEL_NAMES[line.level]) if line.level else _("Order")
    return label(line.title), level, line.by or "—", f"{line.planned_to:.0f}", real, off


def _late(line: Line) -> str:
    if line.off is None:
        return _("not done")
    return _("%(minutes)d minutes late") % {"minutes": round(line.off)}
