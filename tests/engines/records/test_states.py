"""States with declared steps: which may follow which, and with what right."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from tests.engines.records.permits import PERMIT, browser, problems
from tests.fixtures import person

from shizhu.engines.records import api
from shizhu.kernel import access
from shizhu.kernel.models import County

pytestmark = pytest.mark.django_db
pytest_plugins = ["tests.engines.records.stalls"]
LIST = f"/records/{PERMIT}/"


def verbs(*actions: str) -> list[str]:
    return [f"records.{PERMIT}.{action}" for action in actions]


def test_a_state_follows_only_where_a_step_says_so(root: access.Actor, permit: Any) -> None:
    made = permit()
    assert made.state == "draft"
    for act in (
        lambda: api.move(root, made.id, "granted", 1), lambda: api.update(root, made.id, {}, 1, state="granted"),
    ):  # fmt: skip
        with pytest.raises(api.Refused) as refused:
            act()
        assert problems(refused) == [("_state", "x-shizhu.transitions")]
        assert refused.value.problems[0].message["en"] == "may only become Asked for from here"
    now = api.move(root, made.id, "asked", 1)
    assert (now.state, now.version) == ("asked", 2)
    assert api.update(root, made.id, {"seats": 1}, 2, state="granted").state == "granted"
    with pytest.raises(api.StaleRecord):
        api.move(root, made.id, "draft", 2)


def test_a_row_begins_where_its_register_says(permit: Any) -> None:
    with pytest.raises(api.Refused) as refused:
        permit(state="granted")
    assert problems(refused) == [("_state", "x-shizhu.transitions")]


def test_a_step_needs_its_own_right(county: County, root: access.Actor, permit: Any) -> None:
    made = api.move(root, permit().id, "asked", 1)
    clerk = person(county, *verbs("view", "edit"))
    officer = person(county, *verbs("view", "approve"))
    for act in (
        lambda: api.move(access.actor(clerk), made.id, "granted", 2),
        lambda: api.update(access.actor(clerk), made.id, {}, 2, state="granted"),
    ):
        with pytest.raises(PermissionDenied):
            act()
    assert api.get_by_id(root, made.id) == made
    page = browser(clerk).get(f"{LIST}{made.id}/")
    assert page.context["steps"] == []
    assert browser(clerk).post(f"{LIST}{made.id}/state", {"state": "granted", "version": "2"}).status_code == 403
    page = browser(officer).get(f"{LIST}{made.id}/")
    assert [step.end for step in page.context["steps"]] == ["granted", "refused"]
    answer = browser(officer).post(f"{LIST}{made.id}/state", {"state": "granted", "version": "2"}, follow=True)
    assert "The state is now: Granted" in answer.content.decode()
    assert api.get_by_id(root, made.id).state == "granted"


def test_the_form_leaves_the_state_to_its_steps(county: County, permit: Any) -> None:
    made = permit()
    clerk = browser(person(county, *verbs("view", "edit")))
    assert "_state" not in {one.name for one in clerk.get(f"{LIST}{made.id}/edit").context["places"]}
    answer = clerk.post(f"{LIST}{made.id}/state", {"state": "nowhere", "version": "1"}, follow=True)
    assert "may only become Asked for from here" in answer.content.decode()
