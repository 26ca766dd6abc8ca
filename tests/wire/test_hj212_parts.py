"""HJ 212 split packets: parts with their own QN, joined in any order, lost ones given back."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

import hypothesis.strategies as st
from hypothesis import example, given

from shizhu.wire.hj212 import Assembly, Group, Packet, Reassembler, decode, encode, split

NOW = datetime(2026, 8, 1, tzinfo=UTC)
TIME: Group = (("DataTime", "20160801080000"),)


def hourly(count: int, value: str = "63.0", time: Group = TIME) -> Packet:
    return Packet(
        qn="20160801085857534",
        st="32",
        cn="2061",
        pw="123456",
        mn="010000A8900016F000169DC0",
        flag=5,
        cp=(time, *(((f"w{n:05}-Avg", value), (f"w{n:05}-Flag", "N")) for n in range(count))),
    )


def reassembler(max_sets: int = 10) -> Reassembler:
    return Reassembler(max_age=timedelta(minutes=10), max_sets=max_sets)


WHOLE = hourly(50)
FIRST, SECOND = split(WHOLE)


def test_short_packet_is_not_split() -> None:
    assert split(hourly(5)) == (hourly(5),)


def test_parts_are_strict_frames_of_their_own() -> None:
    assert [decode(encode(part)).packet for part in (FIRST, SECOND)] == [FIRST, SECOND]
    assert [(part.qn, part.flag, part.pnum, part.pno) for part in (FIRST, SECOND)] == [
        ("20160801085857534", 7, 2, 1),
        ("20160801085857535", 7, 2, 2),
    ]
    assert (FIRST.cp[0], SECOND.cp[0]) == (TIME, TIME)


def test_join_in_order_and_out_of_order() -> None:
    for one, other in ((FIRST, SECOND), (SECOND, FIRST)):
        joiner = reassembler()
        assert joiner.add(one, NOW) == Assembly(None)
        assert joiner.add(other, NOW) == Assembly(WHOLE)


def test_unsplit_packet_is_whole() -> None:
    assert reassembler().add(hourly(5), NOW) == Assembly(hourly(5))


def test_uploads_do_not_mix() -> None:
    joiner = reassembler()
    later = split(hourly(50, time=(("DataTime", "20160801090000"),)))
    other = split(replace(WHOLE, mn="F" * 24))
    for part in (FIRST, later[1], other[1]):
        assert joiner.add(part, NOW).whole is None
    assert joiner.add(SECOND, NOW).whole == WHOLE


def test_part_sent_again_is_ignored_before_and_after_completion() -> None:
    joiner = reassembler()
    joiner.add(FIRST, NOW)
    assert joiner.add(FIRST, NOW) == Assembly(None)
    assert joiner.add(SECOND, NOW).whole == WHOLE
    assert joiner.add(SECOND, NOW) == Assembly(None)
    assert joiner.expire(NOW + timedelta(hours=1)) == ()


def test_lost_part_gives_the_others_back() -> None:
    joiner = reassembler()
    joiner.add(FIRST, NOW)
    assert joiner.expire(NOW + timedelta(minutes=9, seconds=59)) == ()
    assert joiner.expire(NOW + timedelta(minutes=10)) == (FIRST,)
    assert joiner.expire(NOW + timedelta(minutes=20)) == ()


def test_age_is_also_checked_by_the_next_packet() -> None:
    joiner = reassembler()
    joiner.add(FIRST, NOW)
    assert joiner.add(hourly(5), NOW + timedelta(minutes=10)) == Assembly(hourly(5), (FIRST,))


def test_too_many_sets_give_up_the_oldest() -> None:
    joiner = reassembler(max_sets=1)
    other = split(replace(WHOLE, mn="F" * 24))[0]
    joiner.add(FIRST, NOW)
    assert joiner.add(other, NOW) == Assembly(None, (FIRST,))


def test_other_content_replaces_an_unfinished_part() -> None:
    joiner = reassembler()
    stale = split(hourly(50, value="1.0"))[0]
    joiner.add(stale, NOW)
    assert joiner.add(FIRST, NOW) == Assembly(None, (stale,))
    assert joiner.add(SECOND, NOW).whole == WHOLE


def test_other_content_after_completion_comes_out_corrected() -> None:
    joiner = reassembler()
    joiner.add(FIRST, NOW)
    joiner.add(SECOND, NOW)
    corrected = split(hourly(50, value="99.0"))
    joiner.add(corrected[0], NOW)
    assert joiner.add(corrected[1], NOW) == Assembly(hourly(50, value="99.0"))


@given(st.integers(50, 120), st.integers(1, 12), st.randoms(use_true_random=False))
@example(50, 2, Random(1))  # 947 characters of CP would fit Table 3, but not a segment of 1024
def test_split_and_join_in_any_order(count: int, digits: int, random: Random) -> None:
    whole = hourly(count, value="1" * digits)
    parts = list(split(whole))
    for part in parts:
        encode(part)
    random.shuffle(parts)
    joiner = reassembler()
    results = [joiner.add(part, NOW).whole for part in parts]
    assert results == [None] * (len(parts) - 1) + [whole]
