"""What a report says, as plain data: every indicator as known at a moment, and where each of its numbers comes from."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from typing import Any

from django.db.models import F, Q
from django.utils import timezone

from shizhu.engines.plan import computing, flows, keytasks, nodes
from shizhu.engines.plan.datasets import LIGHTS
from shizhu.engines.plan.logic.forecasting import Forecast
from shizhu.engines.plan.logic.lights import Told
from shizhu.engines.plan.logic.progress import rank, score
from shizhu.engines.plan.logic.reader import years as printed
from shizhu.engines.plan.models import UNDER_WAY, Budget, Evaluation, Extension, Indicator, Node, Plan, Value
from shizhu.engines.plan.periods import Period, kind_of, named, order
from shizhu.kernel.models import Post
from shizhu.kernel.text import label

NODE_LIGHTS = ("red", "yellow", "green")  # worst first
QUARTERLY, ANNUAL, MIDTERM = "quarterly", "annual", "midterm"
KINDS = {QUARTERLY: "P3M", ANNUAL: "P1Y", MIDTERM: "P1Y"}  # and what it is about; mid-term: until the end of that year


class NotAPeriod(ValueError):
    """A report of that kind is not about such a period."""


def first_year(plan: Plan) -> int | None:
    """The first year that a plan is for: by its title, else the one after the earliest base."""
    if term := printed.span_of(plan.title):
        return term[0]
    bases = [row.base_year for row in plan.indicators.all() if row.base_year is not None]
    return printed.only_year(plan.title) or (min(bases) + 1 if bases else None)


def span_of(plan: Plan, kind: str, name: str) -> Period:
    """The days a report is about. Raises NotAPeriod."""
    try:
        found = named(name)
    except ValueError as error:
        raise NotAPeriod(name) from error
    if kind_of(found.name) != KINDS[kind]:
        raise NotAPeriod(name)
    if kind == MIDTERM:
        bases = [row.base_year for row in plan.indicators.all() if row.base_year is not None]
        return Period(found.name, date(min([*bases, found.first.year - 1]) + 1, 1, 1), found.last)
    return found


@dataclass
class _Sources:
    """The numbers of a report in the order of their first use, each with a number of its own."""

    reporters: Mapping[int, str]
    rows: list[dict[str, Any]] = field(default_factory=list)
    _known: dict[int, int] = field(default_factory=dict)

    def of(self, value: Value) -> int:
        """The number of a value in the appendix."""
        if value.pk not in self._known:
            self._known[value.pk] = len(self.rows) + 1
            self.rows.append({"no": len(self.rows) + 1, **self._row(value)})
        return self._known[value.pk]

    def given(self, indicator: Indicator, part: str, year: int | None, value: float | None, note: str) -> int | None:
        """The number of a base, a target or a growth in the appendix: of the text of the plan, or of whoever set it."""
        if value is None:
            return None
        source = "named" if note else "plan" if indicator.source == "plan" else "set"
        of = _of(indicator) | ({"unit": "%"} if part == "growth" else {})
        lines = [indicator.place["from"], indicator.place["to"]] if source == "plan" and indicator.place else []
        return self._more(part, f"{year or ''}", value, source, **of, note=note, lines=lines)

    def computed(
        self, indicator: Indicator, part: str, period: str, value: float | None, of: Iterable[int], way: str
    ) -> int | None:
        """The number of what was computed of other numbers of the appendix: expected by a day, or an outlook."""
        if value is None:
            return None
        return self._more(part, period, value, part, **_of(indicator), of=list(of), formula=way)

    def scored(self, plan: Plan, day: date, value: float | None) -> int | None:
        """The number of the score of the plan."""
        if value is None:
            return None
        return self._more("score", day.isoformat(), round(value, 1), "score", name=plan.title)

    def _more(self, part: str, period: str, value: float, source: str, **more: Any) -> int:
        self.rows.append(
            {
                "no": len(self.rows) + 1, "key": "", "unit": "", "part": part, "period": period, "value": value,
                "known_at": "", "source": source, "formula": "", "note": "", "inputs": {}, "by": "",
                "simulated": False, **more,
            }
        )  # fmt: skip
        return len(self.rows)

    def money(self, budget: Any, said: str, value: float) -> int:
        """The number of an amount of a budget in the appendix; `said` is planned or spent."""
        self.rows.append(
            {
                "no": len(self.rows) + 1, "key": budget.task.key, "name": budget.task.name, "unit": "万元",
                "period": str(budget.year), "value": value,
                "known_at": budget.pgh_created_at.isoformat(timespec="seconds"),
                "source": said, "formula": "", "note": budget.fund, "inputs": {},
                "by": self.reporters.get(budget.person_id, ""), "simulated": budget.is_simulated,
            }
        )  # fmt: skip
        return len(self.rows)

    def _row(self, value: Value) -> dict[str, Any]:
        declared = computing.context_of(value.indicator) if value.source == "formula" else {}
        names = {name: label(given["title"], "zh") for name, given in declared.get("inputs", {}).items()}
        return {
            **_of(value.indicator), "period": value.period, "value": value.value,
            "known_at": value.known_at.isoformat(timespec="seconds"),
            "source": value.source, "formula": declared.get("formula", ""),
            "counts": label(declared["title"], "zh") if declared else "", "note": value.note,
            "inputs": {names.get(name, name): count for name, count in value.inputs.items()},
            "by": self.reporters.get(value.person_id or 0, ""), "simulated": value.is_simulated,
        }  # fmt: skip


def _of(indicator: Indicator) -> dict[str, str]:
    return {"key": indicator.key, "name": indicator.name, "unit": indicator.unit}


def _way(indicator: Indicator) -> str:
    """How the path of an indicator goes from base to target; without one the target is expected all the time."""
    if indicator.steps:
        return "steps"
    if not computing.path_of(indicator):
        return "target"
    if indicator.base_value is None:
        return "zero"
    return "compound" if indicator.is_compound else "linear"


def gather(plan: Plan, kind: str, name: str, at: datetime) -> dict[str, Any]:
    """Everything a report of a period is made of, as known at a moment. Raises NotAPeriod.

    What goes on after the last day of the period is told as of that day: a value or money of the whole year in a brief
    of a quarter as it was known then, nodes by what had been sent, risks that were open.
    """
    span = span_of(plan, kind, name)
    day = min(span.last, timezone.localdate(at))
    indicators = list(plan.indicators.select_related("plan", "collection"))
    values = _values(indicators, span, at)
    budgets = _budgets(plan, span, at)
    people = [value.person_id for some in values.values() for value in some]
    sources = _Sources(_reporters([*people, *(one.person_id for one in budgets)]))
    rows = [_indicator(one, values[one.pk], span, day, sources) for one in indicators]
    scored = score([(row["weight"], row["done"]) for row in rows])
    told = nodes_of(plan, span, day)
    risks = keytasks.open_risks(plan, min(at, span.ends))
    issued = Evaluation.objects.filter(county=plan.county, year=span.last.year, issued_at__lte=at)
    return {
        "plan": plan.title, "code": plan.code, "county": plan.county.name, "kind": kind, "period": span.name,
        "first": span.first.isoformat(), "last": span.last.isoformat(), "day": day.isoformat(),
        "known_at": at.isoformat(timespec="seconds"), "indicators": rows,
        "score": {**scored._asdict(), "source": sources.scored(plan, day, scored.value)},
        "counts": {light: sum(row["light"] == light for row in rows) for light in LIGHTS},
        "tasks": [
            {
                "no": task.no, "name": task.name, "category": task.category, "from": task.period.get("from"),
                "to": task.period.get("to"), "text": task.period.get("text"), "owners": task.owners,
            }
            for task in plan.tasks.all()
        ],
        "money": [_budget(one, sources) for one in budgets],
        "risks": [
            {
                "task": one.task.name, "name": one.name, "level": one.level, "unit": one.organisation.name,
                "measure": one.measure, "simulated": one.is_simulated,
            }
            for one in risks
        ],
        "nodes": told,
        "evaluations": [
            {
                "title": one.title, "year": one.year, "digest": one.digest,
                "best": [
                    one.frozen["subjects"][row["subject"]] for row in one.frozen["result"]["rows"] if row["rank"]
                ][:3],
            }
            for one in issued
        ],
        "sources": sources.rows,
        "simulated": sum(row["simulated"] for row in sources.rows) + told["simulated"]
        + sum(one.is_simulated for one in risks),
    }  # fmt: skip


def _budget(budget: Any, sources: _Sources) -> dict[str, Any]:
    """What one fund pays for a task in a year, 10,000 yuan."""
    told = {"planned": budget.planned, "spent": budget.spent}
    return {"task": budget.task.name, "year": budget.year, "fund": budget.fund} | {
        name: None if value is None else {"value": value, "source": sources.money(budget, name, value)}
        for name, value in told.items()
    }


def _budgets(plan: Plan, span: Period, at: datetime) -> list[Any]:
    """Budgets until the year of a period as known then; of a year that goes on after it as known on its last day."""
    over = span.last.year + (span.last == date(span.last.year, 12, 31))
    rows = Budget.pgh_event_model.objects.filter(  # type: ignore[attr-defined]  # pghistory's
        Q(year__lt=over) | Q(pgh_created_at__lt=span.ends),
        pgh_created_at__lte=at,
        year__lte=span.last.year,
        pgh_obj__task__plan=plan,
    )
    newest = rows.order_by("pgh_obj_id", "-pgh_id").distinct("pgh_obj_id").select_related("task")
    return sorted(newest, key=lambda one: (one.task.order, one.task_id, one.year, one.fund))


def nodes_of(plan: Plan, span: Period, day: date) -> dict[str, Any]:
    """The nodes that were due by the end of a period, with their lights of the day, by unit and those not green."""
    rows = Node.objects.filter(piece__clause__plan=plan, piece__state__in=UNDER_WAY, due_on__lte=span.last)
    found = rows.select_related("organisation").prefetch_related(*nodes.TOLD_BY)
    lit = sorted(
        ((node, nodes.told(node, day)) for node in found),
        key=lambda pair: (rank(pair[1].light), pair[0].due_on, pair[0].pk),
    )
    units: dict[str, Counter[str]] = {}
    for node, told in lit:
        units.setdefault(node.organisation.name, Counter())[told.light] += 1
    return {
        "counts": {light: sum(told.light == light for _node, told in lit) for light in NODE_LIGHTS},
        "units": [
            {"name": name, **{light: counts[light] for light in NODE_LIGHTS}}
            for name, counts in sorted(units.items(), key=lambda pair: [-pair[1][light] for light in NODE_LIGHTS])
        ],
        "rows": [_late(node, told) for node, told in lit if told.light != "green"],
        "simulated": sum(node.is_simulated for node, _told in lit),
    }  # fmt: skip


def _late(node: Node, told: Told) -> dict[str, Any]:
    approved = [one for one in node.extensions.all() if one.state == Extension.State.APPROVED]
    return {
        "title": node.title, "unit": node.organisation.name, "due": node.due_on.isoformat(),
        "was_due": approved[-1].was_due.isoformat() if approved else "", "light": told.light, "rule": told.rule,
        "contradicted": node.is_contradicted,
    }  # fmt: skip


def _values(indicators: Sequence[Indicator], span: Period, at: datetime) -> Mapping[int, list[Value]]:
    """Of each indicator the values of periods that have begun by the end of the span, oldest first, as known then.

    Of a period that goes on after the span what was known on its last day.
    """
    rows = Value.objects.filter(indicator__in=indicators, known_at__lte=at).select_related("indicator__plan")
    rows = rows.order_by("indicator_id", "period", F("known_at").desc()).distinct("indicator_id", "period")
    found: defaultdict[int, list[Value]] = defaultdict(list)
    for part, is_over in ((rows, True), (rows.filter(known_at__lt=span.ends), False)):
        for value in part:
            period = named(value.period)
            if value.value is not None and period.first <= span.last and (period.last <= span.last) == is_over:
                found[value.indicator_id].append(value)
    for some in found.values():
        some.sort(key=lambda value: (computing.as_of(value), order(value.period)))
    return found


def _reporters(people: Iterable[int | None]) -> Mapping[int, str]:
    """The organisations of those who reported, of the newest post; a document that is handed on names no persons."""
    known = {one for one in people if one}
    posts = Post.objects.filter(person__in=known).select_related("organisation").order_by("starts", "pk")
    return {post.person_id: post.organisation.name for post in posts}


def _indicator(
    indicator: Indicator, values: list[Value], span: Period, day: date, sources: _Sources
) -> dict[str, Any]:  # fmt: skip
    now = computing.judged(indicator, values, day)
    is_base = now is not None and now.source == "plan" and now.period == str(indicator.base_year)
    standing = computing.standing(indicator, now, day)
    by = day if now is None or is_base else min(day, computing.as_of(now))  # that the standing is of
    whole = [one for one in values if computing.is_whole(indicator, one)]
    earlier = (one for one in reversed(whole) if one is not now and named(one.period).last < span.first)
    before = next(earlier, None)
    collection = getattr(indicator, "collection", None)
    due = computing.collected(indicator, values[-1] if values else None, day, collection)
    years = {named(one.period).last.year: one for one in whole}
    ahead = computing.outlook(indicator, day, values)
    year = flows.so_far(indicator, values, collection, day)
    standing = flows.by_time(indicator, year, standing)
    is_timed = year is not None and year.value is not None
    shown = {
        "now": None if is_base or now is None else _number(now, sources),
        "before": _number(before, sources) if before else None,
        "years": {str(year): _number(one, sources) for year, one in sorted(years.items())},
    }  # fmt: skip
    way, by = ("time", year.until) if year and is_timed else (_way(indicator), by)
    cites = _cites(indicator, whole, day, by, standing.expected, way, ahead, sources)
    if year and is_timed:
        of = [sources.of(one) for one in year.of]
        number = sources.computed(indicator, "so_far", year.period, year.value, of, "so_far")
        shown |= {"now": {"value": year.value, "period": year.period, "source": number}, "before": None}
    return {
        "key": indicator.key, "no": indicator.no, "name": indicator.name, "unit": indicator.unit,
        "base": indicator.base_value, "base_year": indicator.base_year, "target": indicator.target_value,
        "target_year": indicator.target_year, "rising": indicator.is_rising, "growth": indicator.growth,
        "weight": indicator.weight,
        "light": standing.light,
        "why": standing.why, "expected": standing.expected, "done": standing.done,
        **shown,
        "cites": cites,
        "path": computing.path_of(indicator),
        "late": due.days_late if due and due.state == "late" else 0,
        "outlook": asdict(ahead) if ahead else None,
    }  # fmt: skip


def _cites(
    indicator: Indicator, values: Sequence[Value], day: date, by: date, expected: float | None, way: str,
    ahead: Forecast | None, sources: _Sources,
) -> dict[str, int]:  # fmt: skip
    """The numbers in the appendix of base, target (or growth), what was expected by a day, and outlook."""
    printed = next((
        one for one in values
        if one.source == "plan" and one.period == str(indicator.base_year) and one.value == indicator.base_value
    ), None)  # fmt: skip
    base = sources.of(printed) if printed and not indicator.base_source else sources.given(
        indicator, "base", indicator.base_year, indicator.base_value, indicator.base_source
    )  # fmt: skip
    target = sources.given(
        indicator, "target", indicator.target_year, indicator.target_value, indicator.target_source
    ) or sources.given(indicator, "growth", indicator.target_year, indicator.growth, indicator.target_source)
    found = {
        "base": base, "target": target,
        "expected": sources.computed(
            indicator, "expected", by.isoformat(), expected, filter(None, (base, target)), way
        ),
    }  # fmt: skip
    if ahead:
        of = [sources.of(one) for one in computing.years_over(values, day).values()]
        found["outlook"] = sources.computed(indicator, "outlook", str(ahead.year), ahead.value, of, way)
    return {name: number for name, number in found.items() if number}


def _number(value: Value, sources: _Sources) -> dict[str, Any]:
    return {"value": value.value, "period": value.period, "source": sources.of(value)}
