"""Pieces (分解任务): a clause split by year and unit, sent out, and returned with a reason."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import BinaryIO

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from shizhu.engines.notices import api as notices
from shizhu.engines.plan import filled, nodes, people, story
from shizhu.engines.plan.filled import RowError
from shizhu.engines.plan.logic.splitting import Share
from shizhu.engines.plan.models import UNDER_WAY, Clause, Node, Owner, Piece
from shizhu.engines.plan.typed import same
from shizhu.engines.records import api as records
from shizhu.kernel import events
from shizhu.kernel.models import Organisation, Person

SENT = "plan.piece.sent"
OPEN = (Piece.State.DRAFT, Piece.State.RETURNED)  # may still be changed
CADENCES = {"year": (), "half": ((6, 30),), "quarter": ((3, 31), (6, 30), (9, 30))}  # nodes before the last
LONGEST = 200
KINDS = ("department", "town")  # of units that pieces can be given to


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
    rows = Organisation.objects.filter(county_id=county, kind__in=KINDS).select_related("area")
    return list(rows.order_by("kind", "path"))


def lines(clause: Clause, shares: Sequence[Share], unit: str, due: tuple[int, int], title: str) -> list[Line]:
    """Shares as pieces, with the units that assist in the clause; `due` is month and day of each year."""
    known = {one.code: one for one in units(clause.plan.county_id)}
    assisting = clause.owners.filter(is_lead=False, state=Owner.State.SETTLED).select_related("organisation")
    assists = tuple(owner.organisation for owner in assisting)
    return [
        Line(
            share.year, known[share.unit], tuple(one for one in assists if one.code != share.unit), title[:LONGEST],
            share.value, unit[:30], date(share.year, *due),
        )
        for share in shares
    ]  # fmt: skip


@transaction.atomic
def draft(clause: Clause, wanted: Sequence[Line], *, by: Person, is_simulated: bool = False) -> tuple[list[Piece], int]:
    """Keep pieces to be looked at; those sent already stay as they are, other drafts of the clause go.

    What a unit returned is kept with its story as left out, to be taken up again by a later split. A draft that is
    wanted as it is stays untouched. Returns those made or changed, and how many drafts went.
    """
    rows = clause.pieces.select_for_update(of=("self",)).prefetch_related("assists")
    known = {(one.organisation_id, one.year): one for one in rows}
    keys = {(line.lead.pk, line.year) for line in wanted}
    gone = [one for key, one in known.items() if key not in keys and one.state in OPEN]
    for one in gone:
        if one.sent_at is None:
            one.delete()
        else:
            one.state = Piece.State.DROPPED
            one.save(update_fields=["state"])
            story.tell(one, "dropped", by, {"unit": one.organisation.name, "why": one.reason})
    made = []
    for line in wanted:
        piece = known.get((line.lead.pk, line.year))
        if piece is not None and (piece.state in UNDER_WAY or (piece.state in OPEN and is_as(piece, line))):
            continue
        piece = piece or Piece(clause=clause, organisation=line.lead, year=line.year)
        if piece.state == Piece.State.DROPPED:
            piece.state = Piece.State.RETURNED
        piece.county_id, piece.area, piece.is_simulated = clause.plan.county_id, line.lead.area, is_simulated
        piece.title, piece.target, piece.unit, piece.due_on = line.title, line.target, line.unit, line.due_on
        piece.save()
        piece.assists.set(line.assists)
        made.append(piece)
    if made or gone:
        story.tell(clause, "split", by, {"pieces": len(made)})
    return made, len(gone)


def is_as(piece: Piece, line: Line) -> bool:
    """Whether a piece is as somebody wants it."""
    told = ((piece.title, line.title), (piece.target, line.target), (piece.unit, line.unit))
    return (
        all(same(one, other) for one, other in told)
        and piece.due_on == line.due_on
        and {one.pk for one in piece.assists.all()} == {one.pk for one in line.assists}
    )


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


HEADS = {
    "year": gettext_lazy("Year"), "lead": gettext_lazy("Leads"), "assists": gettext_lazy("Assist"),
    "title": gettext_lazy("Task"), "target": gettext_lazy("Target value"), "unit": gettext_lazy("Unit"),
    "due": gettext_lazy("Due on"),
}  # fmt: skip


def _known(clause: Clause) -> filled.Known[Organisation]:
    """Units that pieces can be given to, and those that have one of the clause."""
    own = Q(pk__in=clause.pieces.values("organisation")) | Q(pk__in=clause.pieces.values("assists"))
    rows = Organisation.objects.filter(own | Q(kind__in=KINDS), county_id=clause.plan.county_id)
    return filled.Known(rows.select_related("area"))


def table(clause: Clause) -> bytes:
    """The pieces as an Excel table to fill in."""
    known = _known(clause)
    return records.written_table(clause.text[:30], [str(head) for head in HEADS.values()], (
        [
            piece.year, known.cell(piece.organisation), known.cells(piece.assists.all()), piece.title, piece.target,
            piece.unit, f"{piece.due_on}",
        ]
        for piece in clause.pieces.exclude(state=Piece.State.DROPPED)
        .select_related("organisation").prefetch_related("assists")
    ))  # fmt: skip


def read(clause: Clause, file: BinaryIO) -> Iterator[Line | str]:
    """Pieces of a filled table, and what is wrong with a row, in words. Raises records.Unreadable."""
    sent = {
        (one.year, one.organisation_id): one
        for one in clause.pieces.filter(state__in=UNDER_WAY).prefetch_related("assists")
    }
    seen: set[tuple[int, int]] = set()

    def once(cells: filled.Cells) -> Line:
        line = _line(cells)
        key, told = (line.year, line.lead.pk), {"unit": line.lead.name, "year": line.year}
        if key in seen:
            raise RowError(_("%(unit)s is there twice in %(year)s") % told)
        if key in sent and not is_as(sent[key], line):
            raise RowError(_("what %(unit)s owes in %(year)s was sent to it and cannot be changed") % told)
        seen.add(key)
        return line

    return filled.lines(file, HEADS, _known(clause), once)


def _line(cells: filled.Cells) -> Line:
    """One row. Raises RowError with field, value and rule."""
    year, on = cells.year("year"), cells.day("due")
    if year is None:
        raise RowError(_("%s is missing") % _("Year"))
    if on.year != year:
        raise RowError(_("%(field)s: %(value)s does not lie in %(year)s") % {
            "field": _("Due on"), "value": cells["due"], "year": year})  # fmt: skip
    lead, assists = cells.unit("lead"), cells.units.read_all(cells["assists"])
    title, unit = cells.text("title", LONGEST, is_needed=True), cells.text("unit", 30)
    return Line(year, lead, assists, title, cells.number("target"), unit, on)
