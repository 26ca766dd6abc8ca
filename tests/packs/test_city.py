"""City management (system 18): limits by class, dispatch, void, giving back, residents, the month's share in time."""

from __future__ import annotations

import io
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from django.core.exceptions import PermissionDenied
from django.db.models import F
from django.test import Client
from django.utils import timezone
from tests.fixtures import area, organisation, person
from tests.web.pages import browser, text

from shizhu.engines.cases import acting, api, desks, flows
from shizhu.engines.cases.models import Case, Task
from shizhu.engines.plan import computing
from shizhu.engines.plan.models import Plan
from shizhu.engines.records import api as records
from shizhu.kernel import access, packs, testing
from shizhu.kernel.models import County, EnabledPack, Organisation, Person
from shizhu.lib import worktime
from shizhu.packs import city

pytestmark = pytest.mark.django_db
FLOW, PART = "city.problem", "5002400103000001"
PNG = b"\x89PNG\r\n\x1a\n" + b"picture"


@pytest.fixture
def staff(county: County) -> dict[str, Person]:
    packs.sync([packs.read(Path(city.__path__[0]))])
    EnabledPack.objects.create(county=county, pack_id="city")
    packs.forget()
    root, code = organisation(county), "city-management"
    Organisation.objects.create(
        county=county, code=code, name="城管局", kind="department", path=f"{root.path}{code}/", area=root.area
    )
    made = {
        role: person(county, role=f"city.{role}", username=role, of=code)
        for role in ("desk", "dispatcher", "owner", "inspector")
    }
    for name, town in (("crew", "101"), ("elsewhere", "102")):
        made[name] = person(county, role="city.crew", username=name, of=code, in_area=town)
    root_ = access.actor(person(county, "*", username="root"))
    data = {"code": PART, "name": "污水井盖", "class": "01", "owner": "排水公司", "condition": "damaged"}
    records.create(root_, county.pk, "city.part", data, organisation=code, area=area(county, "101").code)
    return made


def opened(county: County, by: Person, kind: str = "part_utility", **more: Any) -> Case:
    document = {"source": "person", "title": "井盖破损", "kind": kind, **more}
    return api.open_case(api.Opening(FLOW, document["title"], area(county, "101"), document, by=by))


def do(case: Case, by: Person, step: str, **given: Any) -> Case:
    task = Task.objects.get(case=case, step=step, status="ready")
    photos = [api.Upload("photos", "后.png", io.BytesIO(PNG))] if step.startswith("handle") else []
    return api.answer(access.actor(by), task.pk, given, photos)


def dispatched(case: Case, staff: dict[str, Person], to: str = "crew") -> Task:
    do(case, staff["desk"], "accept", accepted=True)
    do(case, staff["dispatcher"], "dispatch", to=to)
    return Task.objects.get(case=case, status="ready")


@pytest.mark.parametrize(
    ("kind", "limit"),
    [
        ("event_sudden", "PT2H"), ("event_look", "PT4H"), ("event_works", "P1D"), ("part_road", "P2D"),
        ("part_green", "P5D"),
    ],
)  # fmt: skip
def test_how_long_handling_may_take_follows_from_the_class_in_working_time(
    county: County, staff: dict[str, Person], kind: str, limit: str
) -> None:
    task = dispatched(opened(county, staff["inspector"], kind), staff)
    assert (task.step, task.assignee) == ("handle", staff["crew"])
    assert task.due_at == worktime.after(task.created, limit, flows.hours_of(county.pk))
    assert task.case.state["document"]["limit"] == limit


def test_a_broken_part_goes_to_its_owner_is_done_again_where_the_check_fails_and_stands_on_its_page(
    county: County, staff: dict[str, Person]
) -> None:
    case = opened(county, staff["inspector"], part=PART)
    dispatched(case, staff, "owner")
    before = testing.everything_kept()
    for name in ("crew", "elsewhere", "desk"):
        with pytest.raises(PermissionDenied):
            do(case, staff[name], "handle_owner", result="已更换井盖")
    assert testing.everything_kept() == before
    do(case, staff["owner"], "handle_owner", result="已更换井盖")
    do(case, staff["inspector"], "check", passed=False, remark="井盖不平")
    do(case, staff["dispatcher"], "dispatch", to="owner")
    do(case, staff["owner"], "handle_owner", result="已垫平压实")
    do(case, staff["inspector"], "check", passed=True)
    case.refresh_from_db()
    assert (case.status, case.ended_at, case.number[:3]) == ("closed", "closed", "CG-")
    row = records.get(access.actor(Person.objects.get(username="root")), county.pk, "city.part", PART)
    page = text(browser(Person.objects.get(username="root")).get(f"/records/city.part/{row.id}/"))
    assert [part for part in (case.number, "井盖破损") if part not in page] == []


def test_what_is_void_says_why_and_giving_back_is_approved_and_listed(county: County, staff: dict[str, Person]) -> None:
    void = opened(county, staff["inspector"], "event_other")
    with pytest.raises(api.AnswerRefused):
        do(void, staff["desk"], "accept", accepted=False)
    do(void, staff["desk"], "accept", accepted=False, reason="同一问题已立案")
    void.refresh_from_db()
    assert (void.status, void.ended_at, void.is_void, void.in_time) == ("closed", "not_accepted", True, False)
    task = dispatched(opened(county, staff["inspector"]), staff)
    wish = acting.ask(access.actor(staff["crew"]), task.pk, "return", "属燃气公司管辖")
    acting.decide(access.actor(staff["dispatcher"]), wish.pk, is_granted=True, why="核实")
    task.refresh_from_db()
    assert task.assignee == staff["dispatcher"]
    listed = browser(staff["dispatcher"]).get("/cases/petitions/").context["lines"]
    assert [(one.kind, one.petition.why, one.outcome, one.said) for one in listed] == [
        ("退回", "属燃气公司管辖", "granted", "核实"),
    ]  # fmt: skip


def test_a_resident_reports_at_a_part_and_the_month_counts_what_was_in_time(
    county: County, staff: dict[str, Person]
) -> None:
    who = access.actor(Person.objects.get(username="root"))
    label = desks.make(who, county.pk, desks.desks(county.pk)["city.parts"], key=PART)
    sent = {"id": str(uuid.uuid4()), "kind": "part_utility", "words": "井盖翘起"}
    answer = Client().post(f"/r/{label.code}", sent, headers={"accept": "application/json"})
    assert answer.status_code == 201
    case = Case.objects.get()
    assert (case.title, [one.key for one in case.subjects.all()]) == ("污水井盖 部件·公用设施", [PART])
    dispatched(case, staff)
    do(case, staff["crew"], "handle", result="已压实井盖")
    do(case, staff["inspector"], "check", passed=True)
    page = text(Client().get(answer.json()["url"]))
    assert [part for part in ("已结案", "已压实井盖") if part not in page] == []
    plan = Plan.objects.create(county=county, code="plan", title="规划")
    row = plan.indicators.create(key="city", name="按期办结率", formula="city.closed_in_time")
    case.refresh_from_db()
    for late, error in ((0, None), (1, None), (0, None), (0, "E1")):
        broken = {**case.state, "error": error}
        Case.objects.update(due_at=F("closed_at") - timedelta(seconds=late), state=broken)
        computing.compute_all(county.pk)
    month = f"{timezone.localdate():%Y-%m}"
    made = row.values.filter(period=month).order_by("pk").values_list("value", flat=True)
    assert list(made) == [100.0, 0.0, 100.0, 0.0]
    stranger = browser(person(county, "maps.map.view", username="stranger"))
    assert [stranger.get(one).status_code for one in ("/records/city.part/", f"/cases/{case.pk}/")] == [403, 403]


def test_limits_follow_from_the_kind_as_the_desk_settles_it(county: County, staff: dict[str, Person]) -> None:
    case = opened(county, staff["inspector"], "event_look", item="k1101")  # 暴露垃圾
    do(case, staff["desk"], "accept", accepted=True, item="k1102")  # 道路不洁
    do(case, staff["dispatcher"], "dispatch", to="crew")
    case.refresh_from_db()
    assert case.state["document"]["limit"] == "PT5H"
    assert "道路不洁" in text(browser(staff["desk"]).get(f"/cases/{case.pk}/"))
    unit = Organisation.objects.create(
        county=county, code="drainage", name="排水公司", kind="department",
        path=f"{organisation(county).path}drainage/", area=organisation(county).area,
    )  # fmt: skip
    of_unit = person(county, role="city.owner", username="of_unit", of="drainage")
    case = opened(county, staff["inspector"], item="k0103")
    do(case, staff["desk"], "accept", accepted=True)
    do(case, staff["dispatcher"], "dispatch", to="owner", unit="drainage")
    task = Task.objects.get(case=case, status="ready")
    assert (task.organisation, task.assignee, task.case.state["document"]["limit"]) == (unit, of_unit, "P1D")


def test_scores_count_what_was_in_time_late_done_again_and_void_and_open_their_rows(
    county: County, staff: dict[str, Person]
) -> None:
    well, bad, void, away = (opened(county, staff["inspector"], part=PART) for _one in range(4))
    for case, verdicts in ((well, (True,)), (bad, (False, True))):
        do(case, staff["desk"], "accept", accepted=True)
        for passed in verdicts:
            do(case, staff["dispatcher"], "dispatch", to="crew")
            do(case, staff["crew"], "handle", result="已压实井盖", cost=120)
            do(case, staff["inspector"], "check", passed=passed, remark="看过了")
    do(void, staff["desk"], "accept", accepted=False, reason="重复")
    task = dispatched(away, staff)
    wish = acting.ask(access.actor(staff["crew"]), task.pk, "void", "现场没有井盖")
    acting.decide(access.actor(staff["dispatcher"]), wish.pk, is_granted=True)
    moment = timezone.now()
    Case.objects.update(due_at=moment)  # all of this month; only what was closed by then is in time
    Case.objects.filter(pk=bad.pk).update(due_at=F("closed_at") - timedelta(seconds=1))
    Task.objects.update(due_at=F("done_at"))
    chief, base = browser(staff["dispatcher"]), "/boards/rankings/city.scores/"
    (town,) = chief.get(base).context["rows"]
    assert [cell.value for cell in town.cells[:7]] == [2, 2, 1, 1, 0, 1, 2]
    assert (town.score, town.grade, town.place) == (100 * (0.5 * 0.5 + 0.3 + 0.2 * 0.5), "合格", 1)
    listed = [len(chief.get(cell.href).context["rows"]) for cell in town.cells[:7] if cell.value]
    assert listed == [2, 2, 1, 1, 1, 2]
    (crew,) = chief.get(f"{base}?view=units").context["rows"]
    assert (crew.name, [cell.value for cell in crew.cells[:6]]) == ("城管局", [3, 3, 3, 0, 0, 1])
    (again,) = chief.get(crew.cells[5].href).context["rows"]
    assert (again["number"], again["is_late"], again["is_again"]) == (bad.number, False, True)
    one = f"/cases/work/?filter=number = '{well.number}' AND step = 'handle'"
    (fine,) = chief.get(one).context["rows"]
    assert (fine["is_late"], fine["is_again"]) == (False, False)
    people = chief.get(f"{base}?view=people&sort=-closed").context["rows"]
    done = [(row.name, row.cells[1].value) for row in people]
    assert (done[:2], set(done[2:])) == ([("desk", 4), ("dispatcher", 4)], {("crew", 3), ("inspector", 3)})
    page = text(chief.get(f"{base}?view=posts"))
    assert [one for one in ("城管受理员", "权重 60%", "timely / due", "权重与等级为演示所拟") if one not in page] == []
    sheet = openpyxl.load_workbook(io.BytesIO(chief.get(f"{base}?as=xlsx").content)).active
    heads, row = sheet.values  # type: ignore[union-attr]
    told = dict(zip(heads, row, strict=True))
    assert (told["镇街"], told["应结案"], told["作废"], told["得分"], told["等级"]) == ("东镇", 2, 2, 65, "合格")
    (part,) = chief.get("/boards/rankings/city.parts/").context["rows"]
    assert (part.name, part.grade, [cell.value for cell in part.cells[:3]]) == ("污水井盖", "建议更换", [2, 2, 240])
    assert part.why == "近十二个月 2 件，其中同类（部件·公用设施）2 件，已花 240 元，更换费用未填"
    assert chief.get("/boards/rankings/city.nothing/").status_code == 404
    viewer = browser(person(county, "boards.board.view", username="viewer"))
    assert viewer.get(base).status_code == 403
    assert viewer.get("/boards/").context["rankings"] == []
    stranger = browser(person(county, "maps.map.view", username="away"))
    assert [stranger.get(one).status_code for one in (base, "/cases/work/")] == [403, 403]
