"""Up and down a network of lines, against what a flood over its segments reaches."""

from __future__ import annotations

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from shizhu.engines.maps.logic.network import Network, Stretch

# main runs east; left joins it at 300 m, its brook joins left at its middle; below runs on from where main ends
LINES = {
    "main": shapely.LineString([(0, 0), (1000, 0)]),
    "left": shapely.LineString([(300, 400), (300, 0)]),
    "brook": shapely.LineString([(500, 200), (310, 200)]),
    "below": shapely.LineString([(1000, 0), (1000, -500)]),
    "away": shapely.LineString([(0, 900), (1000, 900)]),
}


def parts(found: list[Stretch]) -> dict[str, tuple[float, float]]:
    return {part.line: (part.start, part.end) for part in found}


def test_upstream_ends_where_one_stands_and_takes_what_flows_in_above() -> None:
    network = Network(LINES)
    assert parts(network.upstream("main", 200)) == {"main": (0, 200)}
    assert parts(network.upstream("main", 300)) == {"main": (0, 300), "left": (0, 400), "brook": (0, 190)}
    assert parts(network.upstream("left", 199)) == {"left": (0, 199)}
    everything = {"main": (0, 1000), "left": (0, 400), "brook": (0, 190), "below": (0, 250)}
    assert parts(network.upstream("below", 250)) == everything


def test_downstream_goes_on_in_the_line_that_is_reached() -> None:
    network = Network(LINES)
    reached = {"brook": (50, 190), "left": (200, 400), "main": (300, 1000), "below": (0, 500)}
    assert parts(network.downstream("brook", 50)) == reached
    assert parts(network.downstream("away", 0)) == {"away": (0, 1000)}
    assert network.shape(Stretch("left", 200, 400)).equals(shapely.LineString([(300, 200), (300, 0)]))


def test_the_nearest_line_within_reach() -> None:
    network = Network(LINES)
    assert network.locate(shapely.Point(700, 30), 50) == ("main", 700)
    assert network.locate(shapely.Point(700, 60), 50) is None
    assert network.locate(shapely.Point(1000, 0), 50) == ("below", 0)


def test_lines_that_end_in_one_place_do_not_flow_into_each_other() -> None:
    network = Network({"a": shapely.LineString([(0, 100), (0, 0)]), "b": shapely.LineString([(100, 0), (0, 0)])})
    assert parts(network.upstream("a", 100)) == {"a": (0, 100)}


def test_a_ring_comes_to_an_end() -> None:
    corners = [(0, 0), (1000, 0), (1000, 1000), (0, 1000)]
    ring = {str(n): shapely.LineString([corners[n], corners[(n + 1) % 4]]) for n in range(4)}
    assert parts(Network(ring).upstream("0", 500)) == {"0": (0, 1000), "1": (0, 1000), "2": (0, 1000), "3": (0, 1000)}


@given(st.data())
def test_a_random_tree_is_what_a_flood_reaches(data: st.DataObject) -> None:
    """Lines of a comb: each new one falls straight onto a joint of one that is there; joints are 200 m apart."""
    lines = {"0": shapely.LineString([(0, 0), (2000, 0)])}
    into: dict[str, tuple[str, int]] = {}
    for number in range(1, data.draw(st.integers(1, 8))):
        parent = data.draw(st.sampled_from(sorted(lines)))
        joint = data.draw(st.integers(1, int(lines[parent].length) // 200 - 1))
        foot = lines[parent].interpolate(joint * 200)
        # every line lies in a plane of its own direction, so that none comes near another but where it ends
        angle = 0.37 * number
        head = shapely.affinity.rotate(
            shapely.Point(foot.x + 1000 + 137 * number, foot.y), angle, foot, use_radians=True
        )
        line = shapely.LineString([head, foot])
        others = [other for key, other in lines.items() if key != parent]
        if any(line.distance(other) < 60 for other in others) or line.intersection(lines[parent]).length > 1:
            continue
        lines[str(number)], into[str(number)] = line, (parent, joint)
    key = data.draw(st.sampled_from(sorted(lines)))
    at = data.draw(st.integers(0, int(lines[key].length) // 200)) * 200 + 100.0
    expected, waiting = {key}, [(key, at)]
    while waiting:
        line_key, end = waiting.pop()
        for child, (parent, joint) in into.items():
            if parent == line_key and joint * 200 <= end:
                expected.add(child)
                waiting.append((child, lines[child].length))
    assert set(parts(Network(lines, snap=1).upstream(key, at))) == expected
    (course,) = [part for part in Network(lines, snap=1).upstream(key, at) if part.line == key]
    assert (course.start, course.end) == (0, pytest.approx(at))
