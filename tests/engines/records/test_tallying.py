"""Many conditions counted at once say what each says alone, in all and apart by area and organisation."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shizhu.engines.records import api, tallying
from shizhu.engines.records.models import Record
from shizhu.kernel.models import County

pytestmark = pytest.mark.django_db
pytest_plugins = ["tests.engines.records.stalls"]
STALL = "lemonade.stall"
ATOMS = st.sampled_from([
    "kind = 'booth'", "kind IS NULL", "seats > 4", "price >= 3", "opened >= DATE('2026-01-01')", "is_shaded = TRUE",
    "inspected < TIMESTAMP('2026-01-01T08:00:00Z')", "name LIKE '%2%'", "A_CONTAINS(drinks, ('tea'))",
    "address.lane = '甲'",
    "address.number < 5", "_created > TIMESTAMP('2020-01-01T00:00:00Z')", "_simulated = TRUE", "_area = '990001102'",
])  # fmt: skip
CONDITIONS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        inner.map(lambda told: f"NOT ({told})"),
        st.tuples(inner, st.sampled_from(["AND", "OR"]), inner).map(lambda told: f"({told[0]}) {told[1]} ({told[2]})"),
    ),
    max_leaves=4,
)
PLACES = {"area": ("101", "102"), "organisation": ("stand", "kitchen")}


@pytest.fixture
def some(stall: Any) -> None:
    """Six stalls of two towns and two departments, some of them simulated."""
    stall(kind="cart", seats=4, price=3, opened="2026-01-01", inspected="2026-01-01T00:00:00Z", is_shaded=True)
    stall(kind="booth", seats=10, price=10.5, opened="2026-02-01", is_shaded=False, area="102", drinks=["tea"])
    stall(kind="booth", seats=0, opened="2025-12-31", of="kitchen", address={"lane": "甲", "number": 3})
    stall(area="102", of="kitchen", drinks=["tea", "juice"], is_shaded=True)
    stall(seats=7, address={"lane": "乙", "number": 9}, area="102")
    stall(kind="cart")
    Record.objects.filter(key__in=["S002", "S003"]).update(is_simulated=True)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(wheres=st.lists(CONDITIONS | st.just(""), min_size=1, max_size=7), by=st.sampled_from(["", *PLACES]))
def test_together_as_one_by_one(
    county: County, some: None, monkeypatch: pytest.MonkeyPatch, wheres: list[str], by: str
) -> None:
    monkeypatch.setattr(tallying, "AT_ONCE", 3)
    places = [f"{county.pk}{code}" if by == "area" else code for code in PLACES.get(by, ("",))]

    def alone(where: str, place: str) -> tuple[int, int]:
        parts = [f"({part})" for part in (where, f"_{by} = '{place}'" if by else "") if part]
        counts = [api.count(STALL, " AND ".join([*parts, *more]), county.pk) for more in ([], ["_simulated = TRUE"])]
        return counts[0], counts[1]

    told = [{place: alone(where, place) for place in places} for where in wheres]
    found = api.tally(api.subject_of(STALL, county.pk), wheres, by)
    assert found == [{place: pair for place, pair in one.items() if pair[0]} for one in told]


def test_what_cannot_be_asked(county: County, some: None) -> None:
    subject = api.subject_of(STALL, county.pk)
    for wrong in ("owner = '甲'", "seats = 'many'", "seats ="):
        with pytest.raises(api.Cql2Error):
            api.tally(subject, ["", wrong])
    assert api.tally(subject, [""], "kind") == [{"cart": (2, 0), "booth": (2, 2), None: (2, 0)}]
    with pytest.raises(ValueError, match="colour: there is no such column"):
        api.tally(subject, [""], "colour")
    with pytest.raises(ValueError, match=r"lemonade\.nothing"):
        api.subject_of("lemonade.nothing", county.pk)
