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
    """Of each line from where to where, its stretches put together."""
    made: dict[str, tuple[float, float]] = {}
    for part in found:
        start, end = made.get(part.line, (part.start, part.end))
        made[part.line] = min(start, part.start), max(end, part.end)
    return made


def ways(found: list[Stretch]) -> list[tuple[str, float, int]]:
    return [(part.line, part.metres, part.order) for part in found]


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


def test_how_far_and_past_how_many_lines() -> None:
    network = Network(LINES)
    assert ways(network.upstream("below", 250)) == [
        ("below", 0, 0), ("main", 250, 1), ("left", 950, 2), ("brook", 1150, 3),
    ]  # fmt: skip
    assert ways(network.downstream("brook", 50)) == [
        ("brook", 0, 0), ("left", 140, 1), ("main", 340, 2), ("below", 1040, 3),
    ]  # fmt: skip


def link(length: float) -> shapely.LineString:
    return shapely.LineString([(0, 0), (length, 0)])  # all in one place: only the nodes tell them apart


def test_declared_nodes_decide_whatever_is_drawn() -> None:
    """a and b meet at M, which goes on by two ways of other lengths that meet again at N."""
    lengths = {"a": 100.0, "b": 200.0, "short": 50.0, "long": 500.0, "out": 10.0}
    nodes = {"a": ("A", "M"), "b": ("B", "M"), "short": ("M", "N"), "long": ("M", "N"), "out": ("N", "Z")}
    network = Network({key: link(length) for key, length in lengths.items()}, nodes=nodes)
    assert ways(network.upstream("out", 4)) == [
        ("out", 0, 0), ("long", 4, 1), ("short", 4, 1), ("a", 54, 2), ("b", 54, 2),
    ]  # fmt: skip
    assert ways(network.downstream("a", 30)) == [("a", 0, 0), ("long", 70, 1), ("short", 70, 1), ("out", 120, 2)]
    assert ways(network.upstream("b", 0)) == [("b", 0, 0)]


def test_a_cycle_comes_back_to_the_rest_of_the_asked_line() -> None:
    lengths = {"a": 100.0, "b": 60.0, "in": 7.0}
    nodes = {"a": ("P", "Q"), "b": ("Q", "P"), "in": ("X", "P")}
    network = Network({key: link(length) for key, length in lengths.items()}, nodes=nodes)
    assert network.upstream("a", 30) == [
        Stretch("a", 0, 30, 0, 0), Stretch("b", 0, 60, 30, 1), Stretch("in", 0, 7, 30, 1), Stretch("a", 30, 100, 90, 2),
    ]  # fmt: skip
    assert network.downstream("a", 30) == [
        Stretch("a", 30, 100, 0, 0), Stretch("b", 0, 60, 70, 1), Stretch("a", 0, 30, 130, 2),
    ]  # fmt: skip
    alone = Network({"a": link(10)}, nodes={"a": ("P", "P")})
    assert alone.downstream("a", 4) == [Stretch("a", 4, 10, 0, 0), Stretch("a", 0, 4, 6, 1)]


NODES = st.sampled_from("ABCDE")
GRAPHS = st.lists(st.tuples(NODES, NODES, st.integers(1, 9)), min_size=1, max_size=12)


@given(GRAPHS, st.data())
def test_any_graph_is_what_steps_over_its_links_reach(graph: list[tuple[str, str, int]], data: st.DataObject) -> None:
    """Against the plain relaxation of Bellman and Ford; whatever cycles there are, it ends."""
    links = {str(n): (start, end, float(length)) for n, (start, end, length) in enumerate(graph)}
    key = data.draw(st.sampled_from(sorted(links)))
    at = float(data.draw(st.integers(0, int(links[key][2]))))
    network = Network(
        {name: link(length) for name, (_start, _end, length) in links.items()},
        nodes={name: (start, end) for name, (start, end, _length) in links.items()},
    )
    for is_up in (True, False):
        begin, first = (links[key][0], at) if is_up else (links[key][1], links[key][2] - at)
        far = {begin: first}
        for _round in range(len(links) + 1):
            for start, end, length in links.values():
                here, there = (end, start) if is_up else (start, end)
                if here in far:
                    far[there] = min(far.get(there, float("inf")), far[here] + length)
        found = network.upstream(key, at) if is_up else network.downstream(key, at)
        nearest: dict[str, float] = {}
        for one in found:
            if one.line != key or one.metres or one.order:
                nearest.setdefault(one.line, one.metres)
        expected = {
            name: far[end if is_up else start]
            for name, (start, end, length) in links.items()
            if (end if is_up else start) in far and (name != key or (at < length if is_up else at > 0))
        }
        assert nearest == expected
        whole = {name for name in expected if name != key}
        assert {n: span for n, span in parts(found).items() if n in whole} == {n: (0, links[n][2]) for n in whole}
        assert [one.metres for one in found] == sorted(one.metres for one in found)


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
