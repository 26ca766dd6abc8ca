"""Fixtures: a county with growers, stalls and permits. Test modules name this module in `pytest_plugins`."""

from __future__ import annotations

from typing import Any

import pytest
import shapely
from tests.fixtures import person

from shizhu.engines.records import api
from shizhu.kernel import access
from shizhu.kernel.models import County

STALL = "lemonade.stall"
GROWER = "lemonade.grower"
PERMIT = "lemonade.permit"
Maker = Any


@pytest.fixture
def root(county: County) -> access.Actor:
    """Somebody who may do everything in the county."""
    return access.actor(person(county, "*", username="root"))


@pytest.fixture
def grower(county: County, root: access.Actor) -> api.Entry:
    """The grower G001."""
    return api.create(
        root, county.pk, GROWER, {"code": "G001", "name": "果园甲"}, organisation=county.pk, area=county.pk
    )


@pytest.fixture
def stall(county: County, root: access.Actor) -> Maker:
    """Makes stalls S001, S002 …; keyword arguments become data, `at` is (longitude, latitude)."""
    made: list[api.Entry] = []

    def make(
        *, area: str = "101", of: str = "stand", at: tuple[float, float] | None = None, by: Any = None, **data: Any
    ) -> api.Entry:
        number = len(made) + 1
        row = {"code": f"S{number:03}", "name": f"{number}号摊", **data}
        made.append(
            api.create(
                by or root, county.pk, STALL, row, organisation=of, area=f"{county.pk}{area}",
                geometry=shapely.Point(at) if at else None,
            )
        )  # fmt: skip
        return made[-1]

    return make


@pytest.fixture
def permit(county: County, root: access.Actor) -> Maker:
    """Makes permits P001, P002 …; keyword arguments become data."""
    made: list[api.Entry] = []

    def make(*, area: str = "101", state: str = "", by: Any = None, **data: Any) -> api.Entry:
        row = {"code": f"P{len(made) + 1:03}", "applicant": f"{len(made) + 1}号", "kind": "cart", **data}
        made.append(
            api.create(by or root, county.pk, PERMIT, row, organisation="stand", area=f"{county.pk}{area}", state=state)
        )
        return made[-1]

    return make
