"""The critical path against every way through, and the outlook from the past."""

from __future__ import annotations

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from shizhu.engines.cases.logic.critical import Ahead, Work, ends, outlook, path


@st.composite
def graphs(draw: st.DrawFn) -> dict[str, Work]:
    """Works of which each may wait for some of those before."""
    found: dict[str, Work] = {}
    for number in range(draw(st.integers(1, 7))):
        after = draw(st.lists(st.sampled_from(sorted(found)), unique=True, max_size=3)) if found else []
        found[f"w{number}"] = Work(after, draw(st.integers(0, 9)))
    return found


def ways(works: Mapping[str, Work], last: str) -> list[list[str]]:
    """Every way that ends with a work."""
    before = [way for one in works[last].after for way in ways(works, one)]
    return [[*way, last] for way in before or [[]]]


@given(graphs())
def test_the_critical_path_is_the_longest_of_all_ways(works: dict[str, Work]) -> None:
    every = [way for last in works for way in ways(works, last)]
    longest = max(sum(works[one].left for one in way) for way in every)
    found = path(works)
    assert max(ends(works).values()) == longest == sum(works[one].left for one in found)
    assert [one for one in found if works[one].left == 0] == []
    assert any(found == [one for one in way if works[one].left] for way in every)


@given(graphs(), st.integers(0, 6), st.integers(1, 5))
def test_only_what_is_on_every_longest_way_delays_the_end(works: dict[str, Work], number: int, more: int) -> None:
    chosen = f"w{min(number, len(works) - 1)}"
    later = {**works, chosen: Work(works[chosen].after, works[chosen].left + more)}
    before, after = max(ends(works).values()), max(ends(later).values())
    assert before <= after <= before + more
    if chosen in path(works):
        assert after == before + more


def test_the_outlook_is_from_the_past_and_the_same_each_time() -> None:
    works = {
        "a": Ahead((), [2.0, 3.0, 4.0], 10, ran=1.0), "b": Ahead((), [], 6), "c": Ahead(("a", "b"), [1.0] * 5, 9),
    }  # fmt: skip
    assert outlook(works, 7) == outlook(works, 7) == (7.0, 7.0, 7.0)  # b has no past: the days allowed
    assert outlook({**works, "b": Ahead((), [], 6, is_done=True)}, 7) == (2.0, 3.0, 4.0)
    assert outlook({"a": Ahead((), [2.0, 2.0, 2.0], 3, ran=5.0)}, 1) == (0.5, 0.5, 0.5)  # longer than ever before
    assert outlook({"a": Ahead((), [], 3, ran=5.0)}, 1) == (0.5, 0.5, 0.5)  # than allowed: it does not end this moment


@given(graphs(), st.lists(st.floats(0.1, 30), min_size=3, max_size=9), st.integers(0, 99))
def test_the_range_holds_the_middle_and_lies_within_what_the_past_can_make(
    works: dict[str, Work], past: list[float], seed: int
) -> None:
    ahead = {id_: Ahead(work.after, past, 5.0) for id_, work in works.items()}
    early, middle, late = outlook(ahead, seed)
    quick, slow = ({id_: Work(work.after, end(past)) for id_, work in works.items()} for end in (min, max))
    assert max(ends(quick).values()) - 1e-9 <= early <= middle <= late <= max(ends(slow).values()) + 1e-9
