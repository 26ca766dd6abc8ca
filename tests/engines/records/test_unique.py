"""Groups of fields that no two rows in use may have alike: kept by the database, told to who may know."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from tests.engines.records.permits import PERMIT, problems
from tests.fixtures import person

from shizhu.engines.records import api
from shizhu.engines.records.models import Record
from shizhu.kernel import access
from shizhu.kernel.models import County

pytestmark = pytest.mark.django_db
pytest_plugins = ["tests.engines.records.stalls"]
ID = "11010519491231002X"


@pytest.fixture(autouse=True)
def prepared(county: County) -> None:
    api.prepare_registers()


def test_the_same_twice_is_refused_and_the_other_named(root: access.Actor, permit: Any) -> None:
    permit(applicant="甲", season=2026)
    permit(applicant="甲", season=2027)
    permit(applicant="乙", season=2026)
    permit(applicant="甲")
    permit(applicant="甲")  # nothing is like nothing
    with pytest.raises(api.Refused) as refused:
        permit(applicant="甲", season=2026)
    (found,) = refused.value.problems
    assert (found.path, found.value, found.rule) == ("applicant", "甲、2026", "x-shizhu.unique")
    assert found.message == {
        "zh": "已有相同的申请人、年度（P001 甲）", "en": "another record has the same Applicant、Season (P001 甲)",
    }  # fmt: skip
    assert Record.objects.filter(register=PERMIT).count() == 5


def test_who_may_not_see_the_other_is_not_told_which(county: County, permit: Any) -> None:
    permit(applicant="甲", season=2026, identity=ID, area="102")
    east = access.actor(person(county, f"records.{PERMIT}.*", in_area="101"))
    for same in ({"applicant": "甲", "season": 2026}, {"identity": ID}):
        with pytest.raises(api.Refused) as refused:
            permit(by=east, **same)
        assert problems(refused)[0][1] == "x-shizhu.unique"
        assert "P001" not in str(refused.value.problems[0].message)


def test_a_change_and_a_restoring_are_held_to_it(root: access.Actor, permit: Any) -> None:
    first, second = permit(applicant="甲", season=2026), permit(applicant="乙", season=2026)
    with pytest.raises(api.Refused) as refused:
        api.update(root, second.id, {"applicant": "甲"}, 1)
    assert problems(refused) == [("applicant", "x-shizhu.unique")]
    api.withdraw(root, first.id, 1)
    assert api.update(root, second.id, {"applicant": "甲"}, 1).version == 2
    with pytest.raises(api.Refused) as refused:
        api.restore(root, first.id, 2)
    assert problems(refused) == [("applicant", "x-shizhu.unique")]
    assert Record.objects.get(pk=first.id).state == "withdrawn"


def test_rows_that_are_alike_forbid_the_index_until_they_are_mended(root: access.Actor, permit: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexname FROM pg_indexes WHERE indexname LIKE 'declared_lemonade_permit_applicant%%'")
        (name,) = cursor.fetchone()
        cursor.execute(f'DROP INDEX "{name}"')
    permit(applicant="甲", season=2026)
    second = permit(applicant="甲", season=2026)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # as at the end of a transaction
    assert api.prepare_registers() == 0
    api.update(root, second.id, {"season": 2027}, 1)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    assert (api.prepare_registers(), api.prepare_registers()) == (1, 0)
