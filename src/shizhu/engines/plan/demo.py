"""Invented values and an invented plan of work for the demo county, marked simulated wherever they are shown."""

from __future__ import annotations

import io
import random
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from shizhu.engines.plan import clauses, extending, importing, keytasks, nodes, pieces, proving
from shizhu.engines.plan.indexes import Given, Index
from shizhu.engines.plan.models import Budget, Clause, Link, Measure, Node, Plan, Risk
from shizhu.kernel import files
from shizhu.kernel.models import County, File, Organisation, Person


def measures_simulated(
    county: str, index: str, year: int, spans: dict[str, tuple[float, float]], copied: Mapping[str, Sequence[str]]
) -> int:
    """Values between the ends of a span for every subject, the same in every installation, once; returns how many.

    `copied` names items of subjects that are told as the year before, for the oddities to be found. A formula's items
    are computed from the rows that are there.
    """
    made = Index(county, index)
    if Measure.objects.filter(county_id=county, index=index, year=year).exists():
        return 0
    chance = random.Random(f"{county} {index} {year}")  # noqa: S311  # no secret hangs on it
    values: dict[tuple[str, str], float | None] = {
        (item, subject.code): round(chance.triangular(low, high), 2)
        for subject in made.subjects
        for item, (low, high) in spans.items()
    }
    before = made.values(made.measures(year - 1))
    values |= {(item, code): before[code][item] for code, items in copied.items() for item in items}
    given = [Given(item, code, value) for (item, code), value in values.items()]
    return made.report(year, given, note="模拟数据", by=None, is_simulated=True) + made.compute(year)


def work_simulated(county: str, text: str, told: Mapping[str, Any], photo: bytes) -> int:
    """An invented plan with its pieces, nodes and evidence, as `counties/*/demo/work.yaml` tells it, once.

    Every move goes through the functions the pages call, at its day before or after now. Returns how many pieces.
    """
    if Plan.objects.filter(county=county, code=told["code"]).exists():
        return 0
    now = timezone.now()
    by = Person.objects.get(username=told["supervisor"])
    plan = importing.import_text(
        County.objects.get(pk=county), text.replace("{year}", str(timezone.localdate(now).year)), code=told["code"],
        source="模拟数据", by=by,
    )  # fmt: skip
    for row in told["settled"]:
        unit = Organisation.objects.get(county=county, code=row["unit"])
        clauses.settle_owner(_clause(plan, row["clause"]), unit, is_lead=True, is_right=True, by=by)
    for words in told["links"]:
        for link in plan.links.filter(one__text__contains=words, other__text__contains=words):
            clauses.settle_link(link, Link.State.LINKED, note="同一目标", by=by)
    for row in told["work"]:
        _piece(_clause(plan, row["clause"]), row, by, now, photo)
    for row in told.get("money", ()):
        Budget.objects.create(
            task=plan.tasks.get(name=row["task"]), year=timezone.localdate(now).year, fund=row["fund"],
            planned=row["planned"], spent=row.get("spent"), person=by, is_simulated=True,
        )  # fmt: skip
    for row in told.get("risks", ()):
        risk = Risk.objects.create(
            task=plan.tasks.get(name=row["task"]), name=row["name"], level=row["level"], measure=row["measure"],
            organisation=Organisation.objects.get(county=county, code=row["unit"]), opened_by=by, is_simulated=True,
        )  # fmt: skip
        if "closed" in row:
            keytasks.close(risk, row["closed"], by)
    nodes.refresh_all(county)
    proving.prove_all(county)
    nodes.draw(county, timezone.localdate(now), "模拟抽查", by=by)
    return len(told["work"])


def _clause(plan: Plan, words: str) -> Clause:
    return Clause.objects.filter(plan=plan, text__contains=words).order_by("-order")[0]


def _piece(clause: Clause, row: Mapping[str, Any], by: Person, now: datetime, photo: bytes) -> None:
    """One piece and what became of it."""

    def at(days: int) -> datetime:
        return now + timedelta(days=days)

    unit = Organisation.objects.select_related("area").get(county=clause.plan.county_id, code=row["unit"])
    due = timezone.localdate(at(row["due"]))
    target, measure = row.get("target"), row.get("measure", "")
    line = pieces.Line(due.year, unit, (), row["title"], target, measure, due)
    [piece], _gone = pieces.draft(clause, [line], by=by, is_simulated=True)
    pieces.send([piece], by=by, at=at(row["sent"]), files=row.get("files", 1), proof=row.get("proof"))
    node = piece.nodes.get()
    if not row["by"]:
        return
    reporter = Person.objects.get(username=row["by"])
    nodes.receive(piece, by=reporter, at=at(row["sent"] + 1))
    if shown := row.get("shown"):
        _shown(node, shown, reporter, by, at, photo)
    if extension := row.get("extension"):
        asked = extending.ask(
            node, timezone.localdate(at(extension["until"])), f"{extension['reason']}（模拟）", by=reporter,
            at=at(extension["day"]),
        )  # fmt: skip
        if "approved" in extension:
            extending.decide(asked, approve=True, why="", by=by, at=at(extension["approved"]))
    if urged := row.get("urged"):
        day = timezone.localdate(at(urged["day"] + 3))
        call = nodes.urge(node, urged["text"], answer_by=day, by=by, at=at(urged["day"]))
        nodes.answer(call, "收到", by=reporter, at=at(urged["day"] + 1))
    if blocked := row.get("blocked"):
        helper = Organisation.objects.select_related("area").get(county=node.county_id, code=blocked["unit"])
        day = timezone.localdate(at(blocked["day"] + 5))
        nodes.block(node, helper, blocked["text"], answer_by=day, by=reporter, at=at(blocked["day"]))


def _shown(node: Node, shown: Mapping[str, Any], reporter: Person, by: Person, at: Any, photo: bytes) -> None:
    def kept(who: Person) -> list[File]:
        return [
            files.keep(io.BytesIO(photo), name="模拟照片.png", organisation=node.organisation, area=node.area, by=who)
        ]

    told = nodes.Shown(f"{shown['note']}（模拟）", shown.get("value"), kept(reporter))
    evidence = nodes.show(node, told, by=reporter, at=at(shown["day"]))
    if "accepted" in shown:
        nodes.decide(evidence, accept=True, why="", by=by, at=at(shown["accepted"]))
    if found := shown.get("found"):
        looked = nodes.Looked(found["longitude"], found["latitude"], False, f"{found['note']}（模拟）", kept(by))
        nodes.check(node, looked, by=by, at=at(found["day"]))
