"""Private fields are whole only for a purpose that is kept, on one page, and for those who review it."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, transaction
from django.test import Client
from openpyxl import load_workbook
from tests.engines.records.permits import PERMIT, browser, problems
from tests.fixtures import person

from shizhu.engines.records import api
from shizhu.engines.records.models import Look
from shizhu.kernel import access
from shizhu.kernel.models import County, Person

pytestmark = pytest.mark.django_db
pytest_plugins = ["tests.engines.records.stalls"]
LIST = f"/records/{PERMIT}/"
ID, PHONE = "11010519491231002X", "13800000001"
ASKED = {"fields": ["identity", "helpers.phone"], "purpose": "checking", "reason": "核对申请材料 7 号"}


@pytest.fixture
def made(permit: Any) -> api.Entry:
    return permit(identity=ID, helpers=[{"name": "丙", "phone": PHONE}])  # type: ignore[no-any-return]


def client(county: County, *actions: str, **where: Any) -> Client:
    return browser(person(county, *(f"records.{PERMIT}.{action}" for action in actions), **where))


def test_nobody_sees_private_fields_whole_by_right_alone(county: County, root: access.Actor, made: api.Entry) -> None:
    assert made.masked == {"identity", "helpers.0.phone"}
    admin = browser(Person.objects.get(username="root"))
    sheet = load_workbook(io.BytesIO(admin.get(f"{LIST}export.xlsx").content)).active
    cells = "".join(str(cell.value) for row in sheet.iter_rows() for cell in row)
    seen = [admin.get(f"{LIST}{path}").content.decode() for path in ("", f"{made.id}/", f"{made.id}/edit")]
    seen.append(admin.get(f"/ogc/collections/{PERMIT}/items/P001").content.decode())
    assert [value in text for text in (cells, *seen) for value in (ID, PHONE)] == [False] * 10
    assert Look.objects.count() == 0


def test_a_look_is_kept_and_shows_what_was_asked_for(county: County, root: access.Actor, made: api.Entry) -> None:
    answer = browser(Person.objects.get(username="root")).post(f"{LIST}{made.id}/unmask", ASKED)
    text = answer.content.decode()
    assert (answer.status_code, answer.headers["cache-control"], ID in text, PHONE in text) == (
        200,
        "no-store",
        True,
        True,
    )
    assert "Your look was kept, for: Checking what is kept" in text
    (look,) = Look.objects.values("register", "record", "person__username", "fields", "purpose", "reason")
    assert look == {
        "register": PERMIT, "record": made.id, "person__username": "root", "fields": ["helpers.phone", "identity"],
        "purpose": "checking", "reason": "核对申请材料 7 号",
    }  # fmt: skip
    one = api.unmask(root, made.id, ["identity"], "contact", "电话核实")
    assert (one.data["identity"], one.masked) == (ID, {"helpers.0.phone"})


WRONG = [
    ({"purpose": ""}, ("purpose", "required")),
    ({"purpose": "curiosity"}, ("purpose", "required")),
    ({"reason": " 看 "}, ("reason", "minLength")),
    ({"fields": []}, ("fields", "required")),
    ({"fields": ["applicant"]}, ("fields", "masked")),
    ({"fields": ["place.contact.phone"]}, ("fields", "masked")),
]


@pytest.mark.parametrize(("changes", "problem"), WRONG)
def test_without_a_purpose_nothing_is_shown_or_kept(
    root: access.Actor, made: api.Entry, changes: dict[str, Any], problem: tuple[str, str]
) -> None:
    with pytest.raises(api.Refused) as refused:
        api.unmask(root, made.id, **{**ASKED, **changes})
    assert problems(refused) == [problem]
    answer = browser(Person.objects.get(username="root")).post(f"{LIST}{made.id}/unmask", {**ASKED, **changes})
    assert (answer.status_code, ID in answer.content.decode()) == (422, False)
    assert Look.objects.count() == 0


def test_it_needs_the_right_where_the_record_is(county: County, made: api.Entry) -> None:
    for who, status in (
        (client(county, "view"), 403), (client(county, "view", "unmask", in_area="102"), 404),
    ):  # fmt: skip
        answer = who.post(f"{LIST}{made.id}/unmask", ASKED)
        assert (answer.status_code, ID in answer.content.decode()) == (status, False)
    assert "See personal data whole" not in client(county, "view").get(f"{LIST}{made.id}/").content.decode()
    with pytest.raises(PermissionDenied):
        api.unmask(access.ANYBODY, made.id, **ASKED)  # type: ignore[arg-type]
    assert Look.objects.count() == 0


def test_a_look_cannot_be_taken_back(root: access.Actor, made: api.Entry) -> None:
    api.unmask(root, made.id, **ASKED)  # type: ignore[arg-type]
    for act in (lambda: Look.objects.update(reason="没看"), lambda: Look.objects.all().delete()):
        with pytest.raises(DatabaseError), transaction.atomic():
            act()
    assert Look.objects.get().reason == "核对申请材料 7 号"


def test_looks_are_reviewed_where_the_right_is(
    county: County, root: access.Actor, permit: Any, made: api.Entry
) -> None:
    west = permit(identity="440524188001010014", area="102")
    for entry in (made, west):
        api.unmask(root, entry.id, ["identity"], "handling", f"办理 {entry.key}")
    everywhere, east = client(county, "review"), client(county, "review", in_area="101")
    assert [line["look"].reason for line in everywhere.get("/records/looks").context["lines"]] == [
        "办理 P002",
        "办理 P001",
    ]
    assert [line["look"].reason for line in east.get("/records/looks").context["lines"]] == ["办理 P001"]
    (line,) = everywhere.get(f"/records/looks?record={west.id}&person=roo&register={PERMIT}").context["lines"]
    assert (line["fields"], line["purpose"], line["look"].record_id) == (
        "Identity number",
        "Handling a matter",
        west.id,
    )
    assert everywhere.get("/records/looks?from=2999-01-01").context["lines"] == []
    for odd in ("from=0001-01-01", "to=9999-12-31", "to=soon"):  # as if it were not given
        assert len(everywhere.get(f"/records/looks?{odd}").context["lines"]) == len(
            everywhere.get("/records/looks").context["lines"]
        )
    assert ID not in everywhere.get("/records/looks").content.decode()
    assert client(county, "view", "unmask").get("/records/looks").status_code == 403
