"""A flow asks a decision (DMN): by its rules, on the version the case began with, with the answer on the timeline."""

from __future__ import annotations

import re
from typing import Any

import pytest
from tests.engines.cases.test_cases import ready, snapshot
from tests.fixtures import area, person
from tests.web.pages import browser, text

from shizhu.engines.cases import api
from shizhu.engines.cases.logic import FlowError
from shizhu.engines.cases.models import Case
from shizhu.kernel import packs
from shizhu.kernel.models import County, Declaration

pytestmark = pytest.mark.django_db(transaction=True)
BULK = "lemonade.bulk"


def opened(county: County, **document: Any) -> Case:
    document = {"title": "团购", **document}
    return api.open_case(api.Opening(BULK, "团购", area(county, "101"), document))


@pytest.mark.parametrize(
    ("document", "step", "offer", "rules"),
    [
        ({"cups": 30, "regular": True}, "taste_first", {"percent": 20, "who": "chief"}, [1]),
        ({"cups": 30}, "taste_first", {"percent": 10, "who": "maker"}, [2]),
        ({"cups": 3}, "make_all", {"percent": 0, "who": "maker"}, [3]),
    ],
)
def test_the_rules_decide_which_way_a_case_goes(
    county: County, document: dict[str, Any], step: str, offer: dict[str, Any], rules: list[int]
) -> None:
    case = opened(county, **document)
    assert ready(case).step == step
    assert case.state["document"]["offer"] == offer
    told = {entry.step: entry.data for entry in case.entries.filter(kind="passed")}
    assert told["price"] == {"decided": offer, "rules": rules}


def test_the_timeline_says_what_was_decided_and_by_which_rule(county: County) -> None:
    case = opened(county, cups=30)
    page = text(browser(person(county, "cases.*", username="reader")).get(f"/cases/{case.pk}/"))
    assert re.search(r"定优惠 \S+ \S+ who maker · percent 10 依据规则 2", page)


def test_a_case_keeps_the_decision_it_began_with_and_what_that_imports(county: County) -> None:
    row = Declaration.objects.get(kind="decisions", key="lemonade.sizes")
    before = opened(county, cups=30)
    row.body = {"text": row.body["text"].replace("cups &gt;= 20", "cups &gt;= 100")}
    row.save()
    packs.forget()
    after = opened(county, cups=30)
    assert (ready(before).step, ready(after).step) == ("taste_first", "make_all")
    kept = [case.forms["decisions/lemonade.sizes"] for case in (before, after)]
    assert len(set(kept)) == 2


def test_what_cannot_be_decided_opens_no_case(county: County) -> None:
    row = Declaration.objects.get(kind="decisions", key="lemonade.offer")
    row.body = {"text": row.body["text"].replace('hitPolicy="FIRST"', 'hitPolicy="UNIQUE"')}
    row.save()
    packs.forget()
    before = snapshot()
    with pytest.raises(FlowError, match="price: 'lemonade.offer' decides nothing: 优惠: 3 rules match"):
        opened(county, cups=30, regular=True)
    assert snapshot() == before
