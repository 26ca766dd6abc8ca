"""Scorecards: what every department and town finished on time, made up late, owes, or claimed falsely."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.utils import timezone

from shizhu.engines.plan import computing, flows
from shizhu.engines.plan.logic import lights
from shizhu.engines.plan.models import Call, Clause, Node, Owner, Risk
from shizhu.kernel.models import Organisation

REPAIRED_COUNTS = 0.5  # of a node that was finished on time
FALSE_COSTS = 5  # points for each finish that was found false
UNDER_WAY = (lights.ON_TIME, lights.NEARLY, lights.WAITS, lights.ASKED)  # the last two wait for the supervisor


@dataclass
class Card:
    """One unit. `rules` counts its nodes by the rule of their light."""

    unit: Organisation
    rules: Counter[str] = field(default_factory=Counter)
    lights: Counter[str] = field(default_factory=Counter)
    false: int = 0
    urged: int = 0
    silent: int = 0  # asked and not answered in time
    risks: int = 0  # open ones of tasks that it answers for
    indicators: dict[str, int] = field(default_factory=dict)  # light → how many of the indicators it leads
    is_simulated: bool = False  # a node or risk of it is invented
    rank: int | None = None

    @property
    def total(self) -> int:
        """All its nodes."""
        return sum(self.rules.values())

    @property
    def due(self) -> int:
        """Nodes that are finished, or whose day has passed without evidence or a wish that was sent in time."""
        return self.total - sum(self.rules[rule] for rule in UNDER_WAY)

    @property
    def on_time(self) -> int:
        """Finished on time."""
        return self.rules[lights.DONE]

    @property
    def repaired(self) -> int:
        """Made up late."""
        return self.rules[lights.REPAIRED]

    @property
    def share(self) -> float | None:
        """Finished on time, % of those due; None while nothing is due."""
        return 100 * self.on_time / self.due if self.due else None

    @property
    def score(self) -> float | None:
        """100 × (on time + ½ made up late) ÷ due − 5 for each false finish, at least 0."""
        if not self.due:
            return None
        return max(0.0, 100 * (self.on_time + REPAIRED_COUNTS * self.repaired) / self.due - FALSE_COSTS * self.false)


def cards(county: str, nodes: Iterable[Node]) -> list[Card]:
    """A card for every unit that has one of the nodes, the best first."""
    made: dict[int, Card] = {}
    counted = set[int]()
    for node in nodes:
        card = made.setdefault(node.organisation_id, Card(node.organisation))
        card.rules[node.rule] += 1
        card.lights[node.light] += 1
        card.false += node.reopened
        card.is_simulated |= node.is_simulated
        counted.add(node.pk)
    today = timezone.localdate()
    for call in Call.objects.filter(county=county, organisation__in=made):
        card = made[call.organisation_id]
        card.urged += call.kind == Call.Kind.URGED and call.node_id in counted
        answered = timezone.localdate(call.answered_at) if call.answered_at else today
        card.silent += call.answer_by is not None and answered > call.answer_by
    for risk in Risk.objects.filter(task__plan__county=county, closed_at=None, organisation__in=made):
        made[risk.organisation_id].risks += 1
        made[risk.organisation_id].is_simulated |= risk.is_simulated
    _indicators(county, made)
    ordered = sorted(made.values(), key=lambda card: (card.score is None, -(card.score or 0), card.unit.path))
    for number, card in enumerate(ordered, 1):
        same = number > 1 and ordered[number - 2].score == card.score
        card.rank = None if card.score is None else ordered[number - 2].rank if same else number
    return ordered


def _indicators(county: str, made: dict[int, Card]) -> None:
    """The lights of the indicators whose clauses a unit leads."""
    led = Owner.objects.filter(
        clause__plan__county=county, is_lead=True, state=Owner.State.SETTLED, organisation__in=made,
        clause__indicator__isnull=False,
    ).values_list("organisation", "clause")  # fmt: skip
    clauses = Clause.objects.select_related("indicator__plan").in_bulk([clause for _unit, clause in led])
    indicators = {row.indicator_id: row.indicator for row in clauses.values() if row.indicator}
    today = timezone.localdate()
    values = computing.judging(indicators.values(), computing.newest(list(indicators.values())), today)
    years = flows.years_so_far(indicators.values(), today)
    for unit, indicator in {(unit, clauses[clause].indicator_id) for unit, clause in led}:
        row = indicators[indicator]
        light = flows.by_time(row, years.get(row.pk), computing.standing(row, values.get(row.pk), today)).light
        made[unit].indicators[light] = made[unit].indicators.get(light, 0) + 1
