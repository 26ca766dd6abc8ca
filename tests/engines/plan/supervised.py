"""Fixtures: a clause and who works on it, a node that was sent. Test modules name this module in `pytest_plugins`."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.engines.plan.desks import REPORTER, Desk
from tests.engines.plan.promises import TEXT
from tests.fixtures import person
from tests.web.pages import browser

from shizhu.engines.plan import api
from shizhu.engines.plan.models import Clause, Node
from shizhu.kernel.models import County, Organisation


@pytest.fixture
def desk(county: County) -> Desk:
    for code, name in (("stand", "县摊位管理局"), ("kitchen", "县厨房办")):
        Organisation.objects.filter(county=county, code=code).update(name=name)
    api.import_text(county, TEXT)
    clause = Clause.objects.get(kind="task", text__startswith="示范摊位工程")
    seats = [
        browser(person(county, *verbs, username=name, of=of))
        for name, verbs, of in (("du", ("plan.*",), ""), ("stan", REPORTER, "stand"), ("kit", REPORTER, "kitchen"))
    ]
    return Desk(county, clause, *seats)


@pytest.fixture
def sent(desk: Desk) -> Callable[[int], Node]:
    """The node of 县摊位管理局, due so many days from now."""

    def make(days: int) -> Node:
        desk.split(days)
        desk.send()
        return desk.node()

    return make
