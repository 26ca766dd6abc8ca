"""HJ 212 framer: any split of the same bytes gives the same frames, and no byte disappears."""

from itertools import pairwise

import hypothesis.strategies as st
from hypothesis import given

from shizhu.wire.hj212 import Framer, Garbage, Packet, encode

ONE, TWO, THREE = (
    encode(
        Packet(
            qn=f"2016080108585722{number}",
            st="32",
            cn="3020",
            pw="123456",
            mn="010000A8900016F000169DC0",
            flag=5,
            cp=((("i11001-Info", text),),),
        )
    )
    for number, text in enumerate(("1", "清洗#1管路", "A&B=3"))
)


def test_glued_frames() -> None:
    assert Framer().feed(ONE + TWO + THREE) == [ONE, TWO, THREE]


def test_byte_by_byte() -> None:
    framer = Framer()
    assert [item for byte in ONE + TWO for item in framer.feed(bytes([byte]))] == [ONE, TWO]
    assert framer.flush() == []


def test_garbage_before_between_and_after() -> None:
    framer = Framer()
    items = framer.feed(b"noise" + ONE + b"\r\n\x00#" + TWO + b"rest")
    assert items == [Garbage(b"noise"), ONE, Garbage(b"\r\n"), Garbage(b"\x00#"), TWO]
    assert framer.flush() == [Garbage(b"rest")]
    assert framer.flush() == []


def test_a_cut_frame_does_not_take_the_next_one_with_it() -> None:
    assert Framer().feed(ONE[:40] + TWO) == [ONE[:40], TWO]


def test_frame_without_tail_leaves_with_the_next_or_at_flush() -> None:
    framer = Framer()
    assert framer.feed(ONE[:-2]) == []
    assert framer.feed(TWO[:-2]) == [ONE[:-2]]
    assert framer.flush() == [TWO[:-2]]


def test_frame_with_a_bare_line_feed() -> None:
    framer = Framer()
    assert framer.feed(ONE[:-2] + b"\n") == [ONE[:-2] + b"\n"]
    assert framer.feed(TWO) == [TWO]


def test_line_break_inside_a_text_does_not_end_the_frame() -> None:
    frame = ONE.replace(b"Info=1", b"Info=1\r\n2")
    assert Framer().feed(frame) == [frame]


def test_overlong_frame_becomes_garbage_and_the_next_is_found() -> None:
    framer = Framer(limit=200)
    items = framer.feed(b"##0500" + b"x" * 494 + ONE)
    assert items == [Garbage(b"##0500" + b"x" * 194), Garbage(b"x" * 200), Garbage(b"x" * 100), ONE]


def test_the_buffer_is_bounded() -> None:
    framer = Framer(limit=100)
    pieces = [item for _ in range(50) for item in framer.feed(b"x" * 10)]
    assert pieces == [Garbage(b"x" * 100)] * 4
    assert framer.flush() == [Garbage(b"x" * 100)]


def chunks(data: bytes, cuts: list[int]) -> list[bytes]:
    places = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[start:end] for start, end in pairwise(places)]


cuts = st.lists(st.integers(0, 2000), max_size=12)


@given(st.lists(st.sampled_from([ONE, TWO, THREE]), max_size=6), cuts)
def test_any_split_gives_the_same_frames(frames: list[bytes], cuts: list[int]) -> None:
    framer = Framer()
    assert [item for chunk in chunks(b"".join(frames), cuts) for item in framer.feed(chunk)] == frames


pieces = st.sampled_from([ONE, TWO, ONE[:30], ONE[-20:], b"##", b"##01", b"#", b"\r\n", b"&&1C80\r\n", b"x" * 70])


@given(st.lists(pieces | st.binary(max_size=8), max_size=10).map(b"".join), cuts)
def test_any_stream_is_cut_alike_and_kept_whole(stream: bytes, cuts: list[int]) -> None:
    whole, split = Framer(limit=150), Framer(limit=150)
    expected = whole.feed(stream) + whole.flush()
    items = [item for chunk in chunks(stream, cuts) for item in split.feed(chunk)] + split.flush()
    assert items == expected
    assert b"".join(item.data if isinstance(item, Garbage) else item for item in items) == stream
