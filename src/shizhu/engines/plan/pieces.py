"""Pieces (分解任务): a clause split by year and unit, sent out, and returned with a reason."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import BinaryIO

from django.db import transaction
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from shizhu.engines.notices import api as notices
from shizhu.engines.plan import filled, nodes, people, story
from shizhu.engines.plan.logic.splitting import Share
from shizhu.engines.plan.models import Clause, Node, Owner, Piece
from shizhu.engines.plan.typed import amount
from shizhu.engines.records import api as records
from shizhu.kernel import events
from shizhu.kernel.models import Organisation, Person

SENT = "plan.piece.sent"
OPEN = (Piece.State.DRAFT, Piece.State.RETURNED)  # may still be changed
CADENCES = {"year": (), "half": ((6, 30),), "quarter": ((3, 31), (6, 30), (9, 30))}  # nodes before the last
LONGEST = 200


@dataclass(frozen=True)
class Line:
    """A piece as somebody wants it."""

    year: int
    lead: Organisation
    assists: tuple[Organisation, ...]
    title: str
    target: float | None
    unit: str
    due_on: date


def units(county: str) -> list[Organisation]:
    """Departments and towns, which pieces can be given to."""
    rows = Organisation.objects.filter(county_id=county, kind__in=["department", "town"]).select_related("area")
    return list(rows.order_by("kind", "path"))


def lines(clause: Clause, shares: Sequence[Share], unit: str, due: tuple[int, int], title: str) -> list[Line]:
    """Shares as pieces, with the units that assist in the clause; `due` is month and day of each year."""
    known = {one.code: one for one in units(clause.plan.county_id)}
    assisting = clause.owners.filter(is_lead=False, state=Owner.State.SETTLED).select_related("organisation")
    assists = tuple(owner.organisation for owner in assisting)
    return [
        Line(
            share.year, known[share.unit], tuple(one for one in assists if one.code != share.unit), title,
            share.value, unit, date(share.year, *due),
        )
        for share in shares
    ]  # fmt: skip


@transaction.atomic
def draft(clause: Clause, wanted: Sequence[Line], *, by: Person, is_simulated: bool = False) -> list[Piece]:
    """Keep pieces to be looked at; those sent already stay as they are, other drafts of the clause go."""
    sent = set(clause.pieces.exclude(state__in=OPEN).values_list("organisation", "year"))
    wanted = [line for line in wanted if (line.lead.pk, line.year) not in sent]
    keys = {(line.lead.pk, line.year) for line in wanted}
    for old in clause.pieces.filter(state__in=OPEN):
        if (old.organisation_id, old.year) not in keys:
            old.delete()
    made = []
    for line in wanted:
        piece, _new = Piece.objects.update_or_create(
            clause=clause, organisation=line.lead, year=line.year,
            defaults={
                "county_id": clause.plan.county_id, "area": line.lead.area, "title": line.title[:LONGEST],
                "target": line.target, "unit": line.unit[:30], "due_on": line.due_on, "is_simulated": is_simulated,
            },
        )  # fmt: skip
        piece.assists.set(line.assists)
        made.append(piece)
    story.tell(clause, "split", by, {"pieces": len(made)})
    return made


@transaction.atomic
def send(
    pieces: Iterable[Piece],
    *,
    by: Person,
    cadence: str = "year",
    files: int = 1,
    counted: Mapping[str, object] | None = None,
    proof: Mapping[str, object] | None = None,
    at: datetime | None = None,
) -> int:
    """Send drafts to their units with the nodes on which they are looked at; returns how many.

    The last node of a piece asks for its target, or with a proof and no files for the proof alone (see readings.py).
    """
    now, number = at or timezone.now(), 0
    for piece in pieces:
        if not Piece.objects.filter(pk=piece.pk, state__in=OPEN).update(
            state=Piece.State.SENT, sent_at=now, reason="", received_at=None, received_by=None
        ):  # fmt: skip
            continue
        is_alone = bool(proof) and not files
        for title, due, is_last in _nodes(piece, cadence):
            Node.objects.create(
                county_id=piece.county_id, organisation=piece.organisation, area=piece.area, piece=piece, title=title,
                due_on=due, files=files, value=piece.target if is_last and not is_alone else None,
                counted=dict(counted) if counted and is_last else None,
                proof=dict(proof) if proof and is_last else None, is_simulated=piece.is_simulated,
            )  # fmt: skip
        assists = [one.name for one in piece.assists.all()]
        story.tell(piece, "sent", by, {"unit": piece.organisation.name, "assists": assists}, now)
        told = people.of(people.REPORT, piece.organisation, piece.area)
        for one in piece.assists.select_related("area"):
            told |= people.of(people.REPORT, one, one.area)
        notices.tell(
            piece.county_id, f"plan.piece.{piece.pk}.{now:%Y%m%d%H%M%S}", told,
            title=_("A task was given to you: %s") % piece.title, text=_due_in_words(piece), url="/plan/mine/",
        )  # fmt: skip
        events.emit(SENT, piece.pk, piece.county_id, {"piece": piece.pk, "unit": piece.organisation.code})
        nodes.refresh(list(piece.nodes.all()), timezone.localdate(now), now)
        number += 1
    return number


def _due_in_words(piece: Piece) -> str:
    return _("Due on %s. Say that you received it, or return it with a reason.") % date_format(piece.due_on, "Y-m-d")


def _nodes(piece: Piece, cadence: str) -> Iterator[tuple[str, date, bool]]:
    """(title, day, whether it is the last) of the nodes of a piece."""
    for month, day in CADENCES[cadence]:
        if (on := date(piece.year, month, day)) < piece.due_on:
            yield f"{piece.title}：{piece.year}年{month}月节点"[:LONGEST], on, False
    yield f"{piece.title}：{piece.year}年度完成"[:LONGEST], piece.due_on, True


@transaction.atomic
def give_back(piece: Piece, reason: str, *, by: Person) -> bool:
    """The unit does not take it, and says why; its nodes end. False if it is not on its way."""
    if not Piece.objects.filter(pk=piece.pk, state=Piece.State.SENT).update(state="returned", reason=reason[:500]):
        return False
    piece.nodes.filter(evidence=None).delete()
    story.tell(piece, "returned", by, {"unit": piece.organisation.name, "why": reason[:500]})
    notices.tell(
        piece.county_id, f"plan.piece.{piece.pk}.returned.{timezone.now():%Y%m%d%H%M%S}",
        people.over(people.SUPERVISE, piece.county_id),
        title=_("A task was returned: %s") % piece.title, text=reason[:500], url=f"/plan/clauses/{piece.clause_id}/",
    )  # fmt: skip
    return True


# -- as a table


def _heads() -> list[str]:
    return [_("Year"), _("Leads"), _("Assist"), _("Task"), _("Target value"), _("Unit"), _("Due on")]


def table(clause: Clause) -> bytes:
    """The pieces as an Excel table to fill in."""
    return records.written_table(clause.text[:30], _heads(), (
        [
            piece.year, piece.organisation.name, "、".join(one.name for one in piece.assists.all()), piece.title,
            piece.target, piece.unit, f"{piece.due_on}",
        ]
        for piece in clause.pieces.select_related("organisation").prefetch_related("assists")
    ))  # fmt: skip


def read(clause: Clause, file: BinaryIO) -> Iterator[Line | str]:
    """Pieces of a filled table, and what is wrong with a row, in words. Raises records.Unreadable."""
    all_ = units(clause.plan.county_id)
    known = {one.name: one for one in all_} | {one.code: one for one in all_}
    seen: set[tuple[int, int]] = set()

    def once(cells: Sequence[str]) -> Line:
        line = _line(cells, known)
        if (line.year, line.lead.pk) in seen:
            raise ValueError(_("%(unit)s is there twice in %(year)s") % {"unit": line.lead.name, "year": line.year})
        seen.add((line.year, line.lead.pk))
        return line

    return filled.lines(file, _heads(), once)


def _line(cells: Sequence[str], known: Mapping[str, Organisation]) -> Line:
    """One row. Raises ValueError with field, value and rule."""
    year, lead, assists, title, target, unit, due = cells
    if not (year.isdecimal() and 1949 <= int(year) <= 2200):
        raise ValueError(_("%(field)s: %(value)s is no year") % {"field": _("Year"), "value": year or "—"})
    names = [name for name in assists.replace(",", "、").replace("，", "、").split("、") if name.strip()]
    for name in [lead, *names]:
        if name.strip() not in known:
            raise ValueError(_("%(value)s: no unit here has this name") % {"value": name or "—"})
    if not title:
        raise ValueError(_("%s is missing") % _("Task"))
    try:
        value = amount(target)
    except ValueError:
        told = {"field": _("Target value"), "value": target[:40]}
        raise ValueError(_("%(field)s: %(value)s is no number") % told) from None
    try:
        on = date.fromisoformat(due[:10].replace("/", "-"))
    except ValueError:
        told = {"field": _("Due on"), "value": due or "—", "year": year}
        raise ValueError(_("%(field)s: %(value)s is no day such as %(year)s-12-31") % told) from None
    if on.year != int(year):
        raise ValueError(_("%(field)s: %(value)s does not lie in %(year)s") % {
            "field": _("Due on"), "value": due, "year": year})  # fmt: skip
    return Line(int(year), known[lead], tuple(known[name.strip()] for name in names), title, value, unit, on)
