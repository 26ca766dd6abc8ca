"""Reports of a plan: asked for, made by a job, issued once; and the templates they are made from."""

from __future__ import annotations

import contextlib
import logging
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any

from django.db import OperationalError, transaction
from django.utils import timezone, translation

from shizhu.engines.plan import briefs, facts
from shizhu.engines.plan.issuing import digest
from shizhu.engines.plan.models import Plan, Report, Template, Value
from shizhu.engines.plan.periods import Period
from shizhu.engines.records import api as records
from shizhu.kernel import documents, files, pdf, wordtemplates
from shizhu.kernel.models import Area, County, File, Organisation, Person
from shizhu.lib import personal

logger = logging.getLogger(__name__)
FILES = ("word", "pdf", "excel")  # of a report
STEPS = 4  # facts, Word, PDF, Excel
State = Report.State


class NotReady(ValueError):
    """It was not made yet, or is issued already."""


def ask(
    plan: Plan, kind: str, period: str, *, issuer: str, serial: str, by: Person, on: date | None = None
) -> Report:  # fmt: skip
    """A report to be made of what is known now, or was at the end of a day; `make` does the rest. Raises NotAPeriod."""
    span = facts.span_of(plan, kind, period)
    return Report.objects.create(
        plan=plan, kind=kind, period=span.name, issuer=issuer[:100], serial=serial[:20], known_at=_known_at(on),
        template=template_of(plan.county, kind), total=STEPS, person=by,
    )  # fmt: skip


def _known_at(day: date | None) -> datetime:
    """Now, or the last moment of a day: what is judged is judged as of that day, and nothing of the next is known."""
    now = timezone.now()
    return min(now, Period(f"{day}", day, day).ends - timedelta(microseconds=1)) if day else now


def corrected(report: Report) -> list[dict[str, Any]]:
    """The numbers of its appendix that are others now, each with what is known: {no, what, period, then, now, unit}."""
    values = {"reported", "formula", "plan"}
    rows = [row for row in report.facts.get("sources", []) if row["source"] in values and "part" not in row]
    newest = (
        Value.objects.filter(indicator__plan=report.plan_id, indicator__key__in={row["key"] for row in rows})
        .order_by("indicator_id", "period", "-known_at").distinct("indicator_id", "period")
    )  # fmt: skip
    known = {(one.indicator.key, one.period): one for one in newest.select_related("indicator")}
    found = ((row, known.get((row["key"], row["period"]))) for row in rows)
    return [
        {**row, "now": one.value, "since": one.known_at}
        for row, one in found
        if one is not None and one.value != row["value"]
    ]


def relit(report: Report) -> list[tuple[str, int, int]]:
    """(light, nodes that had it, nodes that have it) of the day of the report, by what is decided since."""
    then = report.facts.get("nodes", {}).get("counts")
    if not then:
        return []
    span, day = facts.span_of(report.plan, report.kind, report.period), date.fromisoformat(report.facts["day"])
    now = facts.nodes_of(report.plan, span, day)["counts"]
    return [(light, then[light], now[light]) for light in facts.NODE_LIGHTS if then[light] != now[light]]


def make(number: int) -> None:
    """Make a report that waits; what was there of it is made anew."""
    report = Report.objects.select_related("plan__county", "template__file", "person").filter(pk=number).first()
    if report is None or report.state != State.WAITING:
        return
    try:
        with translation.override(documents.CHINESE):
            _make(report)
    except OperationalError:
        raise  # the database is away: the job is tried again
    except Exception:
        logger.exception("report %d", number)
        give_up(number)


def _make(report: Report) -> None:
    found = facts.gather(report.plan, report.kind, report.period, report.known_at)
    report.facts, report.digest, report.title = found, digest(found), briefs.title(found)[:200]
    _tell(report, 1)
    word = _word(report, found)
    report.word = _keep(report, word, "docx", documents.MEDIA_TYPE)
    _tell(report, 2)
    with contextlib.suppress(pdf.NoFont):  # the page says so
        report.pdf = _keep(report, pdf.printed(word), "pdf", pdf.MEDIA_TYPE)
    _tell(report, 3)
    report.excel = _keep(report, briefs.annex(found), "xlsx", records.XLSX)
    report.state, report.done = State.DONE, STEPS
    report.save()


def _word(report: Report, found: briefs.Facts) -> bytes:
    is_copy = "outside" in found
    issuer, serial = (personal.masked(one) if is_copy else one for one in (report.issuer, report.serial))
    told = briefs.words(found, issuer=issuer, serial=serial)
    content = content_of(None if is_copy else report.template, report.kind)
    names = wordtemplates.names(content)
    blocks = {name: list(block(found)) for name, (_about, block) in briefs.BLOCKS.items() if name in names}
    blocks[briefs.APPENDIX] = list(briefs.appendix(found, blocks))
    return wordtemplates.fill(content, told, blocks)


def for_outsiders(report: Report) -> briefs.Facts:
    """The facts of a report as outsiders are told them, with its title.

    What somebody typed beside a value, of a risk or as the title of a node is left out: it may name a person. In all
    other words (of the plan, of funds) numbers by which a person is known are masked.
    """
    told = report.facts
    reported = [{**row, "note": ""} if row["source"] == "reported" else row for row in told["sources"]]
    risks = [{**row, "name": "", "measure": ""} for row in told["risks"]]
    nodes = {**told["nodes"], "rows": [{**row, "title": ""} for row in told["nodes"]["rows"]]}
    found = personal.masked_in({**told, "sources": reported, "risks": risks, "nodes": nodes, "outside": True})
    with translation.override(documents.CHINESE):
        return {**found, "title": briefs.title(found)}


@lru_cache(maxsize=1000)
def named_for_outsiders(number: int, _digest: str) -> tuple[str, str]:
    """Title and hash of what outsiders would be told now of an issued report, which its own hash says is the same."""
    told = for_outsiders(Report.objects.get(pk=number))
    return told["title"], digest(told)


def copy_for_outsiders(report: Report, name: str) -> tuple[bytes, str, str]:
    """A file of a report made of what outsiders are told, its name and media type.

    It has the form of the house: in their own templates offices write freely.
    """
    found = for_outsiders(report)
    with translation.override(documents.CHINESE):
        if name == "excel":
            return briefs.annex(found), f"{found['title']}.xlsx", records.XLSX
        word = _word(report, found)
        if name == "word":
            return word, f"{found['title']}.docx", documents.MEDIA_TYPE
        return pdf.printed(word), f"{found['title']}.pdf", pdf.MEDIA_TYPE


def _tell(report: Report, done: int) -> None:
    Report.objects.filter(pk=report.pk).update(done=done)


def give_up(number: int) -> None:
    """It cannot be made, for a reason that is ours."""
    Report.objects.filter(pk=number).update(state=State.FAILED)


def issue(report: Report, by: Person) -> None:
    """Issue it, with the hash of what outsiders are told: the database refuses every change from now on.

    Raises NotReady.
    """
    ready = Report.objects.filter(pk=report.pk, state=State.DONE, issued_at=None)
    outside = digest(for_outsiders(report)) if report.state == State.DONE else ""
    if not ready.update(issued_at=timezone.now(), issued_by=by, outside_digest=outside):
        raise NotReady(str(report.pk))


def _keep(report: Report, content: bytes, ending: str, media_type: str) -> File:
    name = f"{report.title}.{ending}"
    return _store(report.plan.county, content, name, media_type, report.person)


def _store(county: County, content: bytes, name: str, media_type: str, by: Person) -> File:
    return files.store(
        content, name=name, media_type=media_type, by=by,
        organisation=Organisation.objects.get(county=county, code=county.pk),
        area=Area.objects.get(county=county, code=county.pk),
    )  # fmt: skip


def template_of(county: County, kind: str) -> Template | None:
    """The newest of a kind; None where nobody has touched it."""
    return Template.objects.filter(county=county, kind=kind).select_related("file").first()


def content_of(template: Template | None, kind: str) -> bytes:
    """A template as a Word document."""
    if template is None or template.file is None:
        with translation.override(documents.CHINESE):
            return briefs.house_template(kind)
    return files.path_of(template.file).read_bytes()


def check(content: bytes) -> list[wordtemplates.Problem]:
    """What is wrong with a template that somebody sends. Raises wordtemplates.Unusable."""
    return wordtemplates.problems(content, briefs.WORDS, briefs.BLOCKS)


@transaction.atomic
def keep_template(county: County, kind: str, name: str, content: bytes | None, *, note: str, by: Person) -> Template:
    """A new version; without content the template of the house is used again. It must have passed `check`."""
    County.objects.select_for_update().get(pk=county.pk)
    newest = Template.objects.filter(county=county, kind=kind).first()
    file = None if content is None else _store(county, content, name, documents.MEDIA_TYPE, by)
    return Template.objects.create(
        county=county, kind=kind, version=newest.version + 1 if newest else 1, file=file, note=note[:200], person=by
    )
