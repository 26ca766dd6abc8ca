"""A case as a Word document for the file (案件档案): facts, what happened, pictures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from shizhu.engines.cases import flows
from shizhu.engines.cases.assignment import require_seen
from shizhu.engines.cases.http.bulletins import ON_PAGES
from shizhu.engines.cases.models import DRILL, Attachment, Case
from shizhu.engines.cases.timeline import Line, timeline
from shizhu.kernel import documents, files
from shizhu.kernel.documents import CHINESE, Heading, Part, Picture, Table, moment
from shizhu.kernel.text import label, named
from shizhu.web.middleware import Request

ORIGINS = {1: gettext_noop("simulated"), 2: gettext_noop("replayed"), DRILL: gettext_noop("drill")}
ENDS = {"closed": gettext_noop("Case closed"), "cleared": gettext_noop("Alarm cleared with the case")}


def report(request: Request, number: int) -> HttpResponse:
    """The document, for those who may see the case; Chinese whoever asks, as an office files it."""
    rows = Case.objects.select_related("county", "organisation", "area", "opened_by")
    case = get_object_or_404(rows, pk=number)
    require_seen(request.actor, case)
    with translation.override(CHINESE):
        content, name = _made(case), f"{_('Case file')}-{case.number}.docx"
    disposition = f"attachment; filename=\"{case.number}.docx\"; filename*=UTF-8''{quote(name)}"
    return HttpResponse(content, content_type=documents.MEDIA_TYPE, headers={"Content-Disposition": disposition})


def _made(case: Case) -> bytes:
    from shizhu.kernel import official  # noqa: PLC0415  # loads python-docx

    return official.filed(
        f"{case.title}{_('Case file')}", _parts(case), source=f"{named(case.organisation)} {case.number}",
        mark=_(ON_PAGES[case.origin]) if case.origin else "",
    )  # fmt: skip


def _parts(case: Case) -> Iterator[Part]:
    yield Heading(_("Facts"))
    yield Table(list(_facts(case)), widths=(4, 12))
    yield Heading(_("Timeline"))
    yield happened(case)
    pictures = Attachment.objects.filter(case=case).select_related("file", "file__created_by").order_by("pk")
    if pictures:
        yield Heading(_("Files"))
    for picture in pictures:
        file = picture.file
        by = f" · {file.created_by.name}" if file.created_by else ""
        yield Picture(files.path_of(file).read_bytes(), f"{file.name} · {moment(file.created)}{by}")


def happened(case: Case) -> Table:
    """The timeline as a table."""
    rows = [(moment(line.at), told(line)) for line in timeline(case)]
    return Table(rows, head=[_("Time"), _("What happened")], widths=(5, 10.6))


def _facts(case: Case) -> Iterator[tuple[str, str]]:
    _flow, about = flows.version(case.flow, case.digest)
    yield _("Number"), case.number
    yield _("Kind"), f"{label(about.title)}{_origin(case.origin)}"
    yield _("Stage"), label(about.stages[case.stage])
    yield _("Town"), named(case.area)
    yield _("In charge"), named(case.organisation)
    yield _("Opened"), f"{moment(case.opened_at)}{f' · {case.opened_by.name}' if case.opened_by else ''}"
    yield _("Deadline"), moment(case.due_at)
    if case.closed_at:
        kept = _("void") if case.is_void else _("in time") if case.in_time else _("late")
        yield _("Closed"), f"{moment(case.closed_at)} {kept if case.error is None else _('ended by an error')}"


def told(line: Line) -> str:
    """A line of the timeline as text."""
    data = line.data
    match line.kind:
        case "packet":
            packet = data["packet"]  # whole in the event log and on the page
            came = f"{_('received')} {moment(packet.known_at)}"
            return f"{_('First packet')}\n{came} · {_('event log')} {packet.source} #{packet.sequence}"
        case "broken":
            unit, limit = data["stream"].unit, data["alarm"].limit
            head = f"{label(data['stream'].title)} {_('breaks the limit')}{_origin(data['alarm'].origin)}"
            return f"{head}\n{data['stream'].thing_name} · {_('limit')} {limit} {unit}"
        case "alarm":
            return f"{_('Alarm raised')}\n{label(data['alarm'].title)} · {data['alarm'].value:g} {data['stream'].unit}"
        case "opened":
            told = [
                _("Case opened"),
                data["person"] and data["person"].name,
                data["due"] and f"{_('by the clock, for')} {moment(data['due'])}",
                data["entry"].data["document"].get("description"),
            ]
            return "\n".join(filter(None, told))
        case "given":
            return f"{label(data['name'])} {_('given to')} {'、'.join(data['entry'].data['people']) or '—'}"
        case "done":
            answers = [f"{label(title)}：{label(value)}" for title, value in data["answer"]]
            return "\n".join([f"{label(data['name'])} · {_('done')} {data['person'].name}", *answers])
        case "closed":
            return _closed(data)
    return _(ENDS[line.kind]) if line.kind in ENDS else _moved(line)


def _closed(data: Mapping[str, Any]) -> str:
    if "why" in data:
        return f"{_('Case ended by an error')}\n{data['why']}"
    void = data["entry"].data.get("void")
    return _(ENDS["closed"]) if void is None else f"{_('Case voided')}\n{void}".strip()


def _moved(line: Line) -> str:
    """What somebody did beside the tasks, or what happened to the case."""
    data = line.data
    person, entry = data["person"].name if data["person"] else "", data["entry"].data
    if "decided" in data:
        said = " · ".join(f"{name} {label(value)}".strip() for name, value in data["decided"])
        return f"{label(data['name'])}\n{said}"
    if "acted" in data:
        return f"{data['acted']} {person} {entry.get('why', '')}".strip()
    if line.kind == "happened" and person:
        return f"{label(data['name'])} {person} → {entry['answer'].get('to', '')}\n{entry['answer'].get('text', '')}"
    return label(data["name"])


def _origin(origin: int) -> str:
    return f"（{_(ORIGINS[origin])}）" if origin else ""
