"""A second county beside the first: whatever is asked of the plan there, nothing of the first is shown or changed."""

from __future__ import annotations

import html
import io
import zipfile
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from tests.engines.plan.desks import Desk, show
from tests.fixtures import organisation, person
from tests.web.pages import browser

from shizhu.engines.plan import nodes, reports
from shizhu.engines.plan.http.urls import urlpatterns
from shizhu.engines.plan.models import Collection, Evaluation, Evidence, Meeting, Node, Plan, Risk, Task, Upload, Value
from shizhu.kernel import packs, testing
from shizhu.kernel.models import County, EnabledPack, Person
from shizhu.kernel.testing import everything_kept

pytestmark = pytest.mark.django_db
pytest_plugins = ["tests.engines.plan.supervised"]
SECRET = "甲县独有"  # stands in whatever the first county has
TODAY = timezone.localdate()


@pytest.fixture
def neighbour(county: County) -> Client:
    """Somebody with every right over the plan of another county, which has one under the same code."""
    other = testing.made_up_county("990002")
    EnabledPack.objects.create(county=other, pack_id="lemonade")
    packs.forget()
    own = Plan.objects.create(county=other, code="plan", title="乙县规划")
    own.indicators.create(key="a", name="乙县摊位", unit="个", base_year=2020, base_value=1, target_year=2030,
                          target_value=2)  # fmt: skip
    own.tasks.create(key="t", name="乙县建摊", period={"from": 2021, "to": 2030})
    return browser(person(other, "plan.*", username="neighbour"))


@pytest.fixture
def first(desk: Desk, sent: Callable[[int], Node]) -> dict[str, Any]:
    """What the first county has, by how an address names it."""
    clause, node = desk.clause, sent(-3)
    plan, who = clause.plan, Person.objects.get(username="du")
    Plan.objects.filter(pk=plan.pk).update(title=f"{SECRET}规划", code="plan")
    Node.objects.update(title=f"{SECRET}节点")
    Task.objects.update(name=f"{SECRET}任务")
    type(clause).objects.update(text=f"{SECRET}条款")
    show(desk.stand, node, note=SECRET)
    file = Evidence.objects.get().files.get()
    stand = organisation(desk.county, "stand")
    call = nodes.block(node, stand, SECRET, answer_by=TODAY, by=who)
    indicator = plan.indicators.create(key="secret", name=f"{SECRET}指标", base_year=2020, base_value=1,
                                       target_year=TODAY.year + 1, target_value=9)  # fmt: skip
    Value.objects.create(indicator=indicator, period=f"{TODAY.year - 1}", value=2, source="reported", note=SECRET)
    Collection.objects.create(indicator=indicator, organisation=stand, since=TODAY - timedelta(days=900))
    meeting = Meeting.objects.create(plan=plan, title=f"{SECRET}会", held_on=TODAY, person=who)
    decision = meeting.decisions.create(text=SECRET, organisation=stand, due_on=TODAY, indicator=indicator)
    plan.refresh_from_db()
    report = reports.ask(plan, "annual", f"{TODAY.year - 1}", issuer=SECRET, serial="1", by=who)
    reports.make(report.pk)
    report.refresh_from_db()
    reports.issue(report, who)
    evaluation = Evaluation.objects.create(county=desk.county, index="lemonade.street", title=SECRET, year=2026,
                                           frozen={}, digest="", issued_by=who)  # fmt: skip
    task = plan.tasks.all()[0]
    task.budgets.create(year=2026, fund=SECRET, planned=1, person=who)
    risk = Risk.objects.create(task=task, name=SECRET, level="high", organisation=stand, measure=SECRET, opened_by=who)
    upload = Upload.objects.create(county=desk.county, code="plan", file=file, plan=plan, person=who)
    return {
        "indicators": indicator, "clauses": clause, "pieces": node.piece, "calls": call, "nodes": node, "files": file,
        "read": upload, "reports": report, "meetings": meeting, "decisions": decision, "evaluations": evaluation,
        "tasks": task, "risks": risk, "room/packages": evaluation, "room/reports": report,
    }  # fmt: skip


def said(answer: Any) -> str:
    """All that an answer says, of a Word or Excel file too."""
    content = b"".join(answer.streaming_content) if answer.streaming else answer.content
    if content.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(content)) as parts:
            content = b"".join(parts.read(name) for name in parts.namelist())
    return html.unescape(content.decode("utf-8", "replace"))


def routes() -> list[str]:
    """Addresses of the plan as they are declared, but for those of a declared index."""
    return [f"{one.pattern}" for one in urlpatterns if not f"{one.pattern}".startswith("indexes/<")]


def test_what_the_first_county_has_is_not_found_from_the_second(first: dict[str, Any], neighbour: Client) -> None:
    before, answers = everything_kept(), dict[str, list[int]]()
    for route in (one for one in routes() if "<int:number>" in one or "<uuid:file>" in one):
        kind = route.split("/<")[0]
        address = f"/plan/{route}".replace("<int:number>", f"{first[kind].pk}").replace(
            "<uuid:file>", f"{first[kind].pk}"
        )
        address = address.replace("<int:at>", "1").replace("<str:name>", "word").replace("<str:kind>", "zip")
        answers[route] = [neighbour.get(address).status_code, neighbour.post(address).status_code]
    assert len(answers) > 40
    assert {route: codes for route, codes in answers.items() if codes[1] != 404 or codes[0] not in {404, 405}} == {}
    assert everything_kept() == before


def test_no_list_or_file_of_the_second_county_names_anything_of_the_first(
    first: dict[str, Any], neighbour: Client, desk: Desk
) -> None:
    asked = [one for one in routes() if "<" not in one] + [
        "tables/indicators.xlsx", "tables/values.xlsx", "tables/tasks.xlsx", "room/numbers/?as=xlsx",
        "reports/templates/annual.docx", "tables/money.xlsx", "tables/risks.xlsx", "supervision/?as=xlsx",
        "scorecards/?as=xlsx", "clauses/?as=xlsx", "meetings/?as=xlsx",
    ]  # fmt: skip
    found = {}
    for route in asked:
        answer = neighbour.get(f"/plan/{route}")
        if answer.status_code not in {302, 405}:  # these only take what is sent
            found[route] = (answer.status_code, SECRET in said(answer))
    assert {route: told for route, told in found.items() if told != (200, False)} == {}
    own = {route for route in found if SECRET in said(desk.supervisor.get(f"/plan/{route}"))}
    assert own >= {
        "", "clauses/", "tasks/", "supervision/", "meetings/", "reports/", "room/", "tables/values.xlsx",
        "tables/money.xlsx", "tables/risks.xlsx", "supervision/?as=xlsx", "clauses/?as=xlsx", "meetings/?as=xlsx",
    }  # fmt: skip
