"""What is told to outside evaluators: nothing that people wrote freely, and no number by which a person is known."""

from __future__ import annotations

import hashlib
import html
import io
import zipfile
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import unquote

import docx
import pdfplumber
import pytest
from django.apps import apps
from django.db import models
from django.utils import timezone
from tests.engines.plan.desks import Desk, show
from tests.fixtures import organisation, person
from tests.web.pages import browser

from shizhu.engines.plan import briefs, issuing, nodes, reports
from shizhu.engines.plan.http.urls import urlpatterns
from shizhu.engines.plan.indexes import Given, Index
from shizhu.engines.plan.models import Evaluation, Evidence, Look, Meeting, Node, Plan, Report, Risk, Task, Value
from shizhu.kernel import packs
from shizhu.kernel.models import Area, Declaration, Person

pytestmark = pytest.mark.django_db
pytest_plugins = ["tests.engines.plan.supervised"]
MOBILE, TODAY = "13800138000", timezone.localdate()
CODES = {  # columns that hold no words of people
    "code", "digest", "fault", "finding", "formula", "index", "item", "key", "kind", "light", "period", "rule",
    "quarter", "seed", "source", "state", "subject", "every", "decision", "what", "serial",
}  # fmt: skip
GIVEN = {  # what outsiders do read: words of the plan, of its declared index, sources of targets, and names of funds
    "plan.title", "indicator.no", "indicator.name", "indicator.unit", "indicator.base_source",
    "indicator.target_source", "task.name", "task.no", "task.category",
    "task.owners", "budget.fund", "report.issuer", "index.title", "index.item",
}  # fmt: skip


@pytest.fixture
def probed(desk: Desk, sent: Callable[[int], Node]) -> dict[str, str]:
    """A plan with all that hangs on one, a mark of its own and a telephone number in every text: mark → field."""
    node, who = sent(-3), Person.objects.get(username="du")
    plan = desk.clause.plan
    Plan.objects.filter(pk=plan.pk).update(code="plan")
    stand = organisation(desk.county, "stand")
    show(desk.stand, node)
    nodes.block(node, stand, "缺地", answer_by=TODAY, by=who)
    node.extensions.create(was_due=TODAY, until=TODAY + timedelta(days=9), reason="雨", asked_by=who,
                           asked_at=timezone.now(), state="approved")  # fmt: skip
    indicator = plan.indicators.create(key="secret", name="指标", base_year=2020, base_value=1, unit="个",
                                       target_year=TODAY.year + 1, target_value=9)  # fmt: skip
    for year in range(4):
        Value.objects.create(
            indicator=indicator, period=f"{TODAY.year - 4 + year}", value=2 + year, source="reported", person=who
        )
    meeting = Meeting.objects.create(plan=plan, title="会", held_on=TODAY, person=who)
    meeting.decisions.create(text="办", organisation=stand, due_on=TODAY, indicator=indicator)
    task = plan.tasks.all()[0]
    task.budgets.create(year=TODAY.year - 1, fund="资金", planned=1, spent=0.5, person=who)
    Risk.objects.create(task=task, name="险", level="high", organisation=stand, measure="管", opened_by=who)
    Risk.objects.update(opened_at=timezone.now() - timedelta(days=400))
    marks = dict[str, str]()

    def mark(field: str) -> str:
        marks[told := f"探{len(marks):02}号"] = field
        return f"{told}{MOBILE}"

    for model in apps.get_app_config("plan").get_models():
        if hasattr(model, "pgh_tracked_model"):
            continue
        texts = [
            field for field in model._meta.concrete_fields if isinstance(field, models.CharField | models.TextField)
        ]
        names = [field.name for field in texts if not field.choices and field.name not in CODES]
        model._default_manager.update(**{name: mark(f"{model._meta.model_name}.{name}") for name in names})
    Task.objects.update(owners=[mark("task.owners")])
    body = {
        "title": {"zh": mark("index.title"), "en": "x"}, "source": "甲", "subjects": "towns", "weights": "given",
        "groups": {"one": {"title": {"zh": "组", "en": "x"}, "weight": 1, "items": {
            "a": {"title": {"zh": mark("index.item"), "en": "x"}, "unit": "个", "weight": 1}}}},
    }  # fmt: skip
    Declaration.objects.create(
        kind="indexes", key="local.own", county=desk.county, body=body, digest="1", source="person"
    )
    packs.forget()
    index = Index(desk.county.pk, "local.own")
    towns = Area.objects.filter(county=desk.county, level="town")
    index.report(
        TODAY.year - 1, [Given("a", one.code, n) for n, one in enumerate(towns)], note=mark("measure.note"), by=who
    )
    issuing.issue(index, TODAY.year - 1, by=who, note=mark("evaluation.note"))
    own = docx.Document(io.BytesIO(briefs.house_template("annual")))
    own.paragraphs[0].insert_paragraph_before(mark("template"))
    own.core_properties.last_modified_by = mark("template.author")
    out = io.BytesIO()
    own.save(out)
    reports.keep_template(desk.county, "annual", "t.docx", out.getvalue(), note=mark("template.note"), by=who)
    plan.refresh_from_db()
    report = reports.ask(plan, "annual", f"{TODAY.year - 1}", issuer=mark("report.issuer"), serial="1", by=who)
    reports.make(report.pk)
    report.refresh_from_db()
    reports.issue(report, who)
    return marks


def said(answer: Any) -> str:
    """All that an answer says, its file's name and what is packed in it too, without white space."""
    content, name = answer.content, unquote(answer.get("Content-Disposition", ""))
    if content.startswith(b"%PDF"):
        with pdfplumber.open(io.BytesIO(content)) as pages:
            told = f"{pages.metadata}" + "".join(page.extract_text() for page in pages.pages)
    elif content.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(content)) as parts:
            packed = {one: parts.read(one) for one in parts.namelist()}
        told = "".join(said_of(name, body) for name, body in packed.items())
    else:
        told = content.decode()
    return "".join(html.unescape(f"{name}{told}").split())


def said_of(name: str, body: bytes) -> str:
    if name.endswith(".xlsx"):
        with zipfile.ZipFile(io.BytesIO(body)) as parts:
            return "".join(said_of(one, parts.read(one)) for one in parts.namelist())
    return f"{name}{body.decode('utf-8', 'replace')}"


def test_outsiders_read_nothing_that_people_wrote_freely_and_no_number_of_a_person(
    desk: Desk, probed: dict[str, str]
) -> None:
    outsider, room = browser(person(desk.county, "plan.room.view", username="评估员")), "/plan/room/"
    report, package = Report.objects.get().pk, Evaluation.objects.get().pk
    given = [
        *(outsider.get(f"{room}reports/{report}/{name}") for name in ("word", "pdf", "excel", "json")),
        outsider.get(f"{room}packages/{package}.zip"), outsider.get(f"{room}numbers/"),
        outsider.get(f"{room}numbers/?as=xlsx"), outsider.get(f"{room}numbers/?q={MOBILE[:7]}"), outsider.get(room),
        outsider.get("/search?q=探"), outsider.get("/"),
    ]  # fmt: skip
    assert {answer.status_code for answer in given} == {200}
    told = [said(answer) for answer in given]
    assert [one[max(0, one.index(MOBILE) - 90) : one.index(MOBILE) + 20] for one in told if MOBILE in one] == []
    assert {field for sign, field in probed.items() if any(sign in one for one in told)} == GIVEN
    word, pdf = told[:2]
    assert {field for sign, field in probed.items() if sign in word} == GIVEN - {"indicator.no", "index.item"}
    assert "不含填报说明、风险的文字内容和节点标题" in word
    assert "（不对外提供）" in word
    assert "本件为提供给第三方评估员的副本" in pdf
    assert len(list(given[7].context["page"])) == 0  # a number that is masked is not found
    kept = Report.objects.get().outside_digest
    assert (hashlib.sha256(given[3].content).hexdigest(), kept in told[8]) == (kept, True)
    assert "与签发当日的副本不一致" not in told[8]
    looks = list(Look.objects.values_list("about", flat=True))
    assert [one for one in looks if MOBILE in one] == []
    assert len(looks) == 8
    routes = [f"{one.pattern}" for one in urlpatterns if "<" not in f"{one.pattern}"]
    answers = {route: outsider.get(f"/plan/{route}").status_code for route in routes}
    opened = {route for route, code in answers.items() if code == 200}
    assert opened == {"room/", "room/numbers/"}
    assert {code for route, code in answers.items() if route not in opened} <= {403, 405}
    plan = Plan.objects.get(code="plan")
    rows = [
        f"indicators/{plan.indicators.get(key='secret').pk}/", f"nodes/{Node.objects.all()[0].pk}/",
        f"reports/{Report.objects.get().pk}/", f"reports/{Report.objects.get().pk}/file/word",
        f"evaluations/{Evaluation.objects.get().pk}/", f"meetings/{Meeting.objects.get().pk}/1/",
        f"files/{Evidence.objects.get().files.get().pk}",
    ]  # fmt: skip
    assert [outsider.get(f"/plan/{row}").status_code for row in rows] == [403] * len(rows)
    other = Report.objects.get()
    other.pk, other.outside_digest = None, "0" * 64  # of a program that masked in another way
    other.save()
    room_now = said(outsider.get(room))
    assert [part for part in (kept, "0" * 64, "与签发当日的副本不一致") if part not in room_now] == []
