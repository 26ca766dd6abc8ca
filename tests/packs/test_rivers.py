"""A river problem that is no matter of the rivers ends with a reason; what was not gone through is not told as done."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone, translation
from tests.fixtures import area, organisation, person
from tests.web.pages import browser

from shizhu.engines.cases.models import Case, Task
from shizhu.kernel import packs
from shizhu.kernel.models import County, EnabledPack, Organisation
from shizhu.packs import rivers
from shizhu.web.templatetags.shizhu import since, until

pytestmark = pytest.mark.django_db


def test_who_declines_says_why_and_its_stages_are_left_out(county: County) -> None:
    packs.sync([packs.read(Path(rivers.__path__[0]))])
    EnabledPack.objects.create(county=county, pack_id="rivers")
    packs.forget()
    root = organisation(county)
    Organisation.objects.create(
        county=county, code="river-office", name="河长办", kind="department", path=f"{root.path}river/", area=root.area
    )
    office = browser(person(county, "records.*.*.*", role="rivers.office", username="office"))
    sent = {"title": "桥下有垃圾", "kind": "rubbish", "area": area(county, "101").code}
    office.post("/cases/new/rivers.problem/", sent)
    address = f"/cases/tasks/{Task.objects.get().pk}/"
    page = office.post(address, {"accepted": "no", "reason": ""})
    told = [field.problem for field in page.context["fields"] if field.name == "reason"]
    assert (told, Task.objects.get().status, Case.objects.get().status) == (["此项必填。"], "ready", "open")
    office.post(address, {"accepted": "no", "reason": "属于城管部门职责"})
    case = Case.objects.get()
    stages = [stage["state"] for stage in office.get(f"/cases/{case.pk}/").context["stages"]]
    assert (case.status, case.ended_at) == ("closed", "not_accepted")
    assert stages == ["done", "done", "skipped", "skipped", "skipped", "skipped", "done"]


def test_spans_are_no_dates() -> None:
    now = timezone.now()
    with translation.override("zh-hans"):
        told = [
            since(now - timedelta(days=70)),
            until(now + timedelta(days=40, hours=1)),
            until(now + timedelta(days=12, hours=1)),
            until(now + timedelta(days=6, hours=1)),
            since(now - timedelta(days=3)),
        ]
    assert [text.split(">")[1].split("<")[0].replace("\xa0", " ") for text in told] == [
        "2 个月前",
        "还剩 40 天",
        "还剩 12 天",
        "还剩 6 天",
        "3 天前",
    ]
    with translation.override("en"):
        assert ">1\xa0day ago<" in since(now - timedelta(days=1))
