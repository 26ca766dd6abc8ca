"""Lists of pages as Excel files: nodes, scorecards, clauses, rankings and decisions. All of it stands on the page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from shizhu.engines.plan import telling
from shizhu.engines.plan.clauses import Standing
from shizhu.engines.plan.logic.evaluation import Scored
from shizhu.engines.plan.models import Clause, Decision, Node, Owner
from shizhu.engines.plan.scorecards import Card
from shizhu.engines.records import api as records
from shizhu.kernel.text import label


def nodes(found: Iterable[Node]) -> bytes:
    """Nodes with light and reason."""
    lights = {"red": _("red"), "yellow": _("yellow"), "green": _("green")}
    heads = [
        _("Light of the node"), _("Why"), _("Node"), _("Task"), _("Unit in charge"), _("Due on"),
        _("Value to be reached"), _("Unit of measure"), _("Files asked for (number)"), _("Times opened again"),
        _("simulated"),
    ]  # fmt: skip
    return records.written_table(_("Supervision"), heads, (
        [
            lights.get(node.light, ""), telling.rule_of(node), node.title, node.piece.title, node.organisation.name,
            node.due_on, node.value, node.piece.unit, node.files, node.reopened,
            _("yes") if node.is_simulated else "",
        ]
        for node in found
    ))  # fmt: skip


def scorecards(cards: Iterable[Card], year: int) -> bytes:
    """Scorecards of a year."""
    kinds = {"town": _("Towns and streets"), "department": _("Departments")}
    heads = [
        _("Year"), _("Class"), _("Unit in charge"), _("Rank"), _("Score (points)"), _("All nodes (number)"),
        _("Due (number)"), _("In time (number)"), _("In time (%)"), _("Made up late (number)"), _("Red (number)"),
        _("Found false (number)"), _("Urged (number)"), _("Not answered in time (number)"),
        _("Open risks (number)"), _("Indicators on the way (number)"), _("Indicators nearly (number)"),
        _("Indicators behind (number)"), _("Indicators not judged (number)"), _("simulated"),
    ]  # fmt: skip
    return records.written_table(_("Scorecards"), heads, (
        [
            year, kinds.get(card.unit.kind, ""), card.unit.name, card.rank, _rounded(card.score), card.total, card.due,
            card.on_time, _rounded(card.share), card.repaired, card.lights["red"], card.false, card.urged, card.silent,
            card.risks, *(card.indicators.get(light, 0) for light in ("green", "yellow", "red", "none")),
            _("yes") if card.is_simulated else "",
        ]
        for card in cards
    ))  # fmt: skip


def clauses(found: Iterable[Clause], standing: Standing) -> bytes:
    """Clauses in the order of the text under their headings."""
    kinds = {
        "text": _("sentence"), "box": _("box"), "task": _("row of tasks"), "indicator": _("row of indicators"),
        "decision": _("decision of a meeting"),
    }  # fmt: skip
    heads = [
        _("Row key"), _("Headings"), _("Line of the text"), _("Class"), _("Clause"), _("Leads"), _("Assist"),
        _("To be settled"), _("Has an owner"), _("linked"), _("Task"), _("Indicator"),
    ]  # fmt: skip

    def owners(clause: Clause, *, is_lead: bool, state: str) -> str:
        return "、".join(
            one.organisation.name
            for one in standing.owners.get(clause.pk, [])
            if one.is_lead == is_lead and one.state == state
        )

    settled, proposed = Owner.State.SETTLED, Owner.State.PROPOSED
    return records.written_table(_("Clauses"), heads, (
        [
            one.key, " / ".join(one.headings), one.place["from"] or "", kinds.get(one.kind, one.kind), one.text,
            owners(one, is_lead=True, state=settled), owners(one, is_lead=False, state=settled),
            "、".join(filter(None, (owners(one, is_lead=lead, state=proposed) for lead in (True, False)))),
            _("yes") if one.pk in standing.owned else "", _("yes") if one.pk in standing.linked else "",
            one.task.name if one.task else "", one.indicator.name if one.indicator else "",
        ]
        for one in found
    ))  # fmt: skip


def ranking(
    body: Mapping[str, Any], year: int, rows: Iterable[tuple[Scored, str, Sequence[tuple[str, float | None]], str]]
) -> bytes:
    """A ranking: of each subject its row, name, scores by group, and rank among its peers in words."""
    groups = [f"{label(group['title'])}（{_('points')}）" for group in body["groups"].values()]
    heads = [
        _("Year"), _("Rank"), _("Code"), _("Name"), _("Score (points)"), _("Class"), _("Rank in its group"),
        _("Weight with values (%)"), *groups,
    ]  # fmt: skip
    return records.written_table(label(body["title"]), heads, (
        [
            year, row.rank, row.subject, name, _rounded(row.score), row.class_, apart, _rounded(100 * row.known),
            *(_rounded(score) for _title, score in groups),
        ]
        for row, name, groups, apart in rows
    ))  # fmt: skip


def decisions(found: Iterable[Decision]) -> bytes:
    """What meetings decided and what came of it."""
    today = timezone.localdate()
    heads = [
        _("Meeting"), _("On the day"), _("What is decided"), _("Responsible unit"), _("To be done by"), _("Indicator"),
        _("State"), _("What came of it"), _("Answered at"),
    ]  # fmt: skip
    return records.written_table(_("Decisions"), heads, (
        [
            one.meeting.title, one.meeting.held_on, one.text, one.organisation.name, one.due_on,
            one.indicator.name if one.indicator else "", _state(one, today), one.outcome,
            one.done_at,
        ]
        for one in found
    ))  # fmt: skip


def _state(one: Decision, today: Any) -> str:
    if one.done_at:
        return _("done")
    if not one.meeting.closed_at:
        return _("meeting runs")
    return _("overdue") if one.due_on < today else _("not done yet")


def _rounded(number: float | None) -> float | None:
    return None if number is None else round(number, 2)
