"""HJ 212 frames: what is written, what is read, what is refused and with which words."""

from dataclasses import replace

import hypothesis.strategies as st
import pytest
from hypothesis import given

from shizhu.wire.checks import hj212_crc, modbus_crc
from shizhu.wire.hj212 import (
    LENIENT,
    STRICT,
    Code,
    Edition,
    FrameError,
    Packet,
    Profile,
    decode,
    encode,
    flag_of,
)

MN = "010000A8900016F000169DC0"
APPENDIX_A = (
    b"##0101QN=20160801085857223;ST=32;CN=1062;PW=100000;MN=" + MN.encode() + (b";Flag=5;CP=&&RtdInterval=30&&1C80\r\n")
)
INTERVAL = Packet(
    qn="20160801085857223", st="32", cn="1062", pw="100000", mn=MN, flag=5, cp=((("RtdInterval", "30"),),)
)
OLD = "ST=32;CN=2011;PW=123456;MN=88888880000001;CP=&&DataTime=20160824003817;011-Rtd=231.0,011-Flag=N;B01-Rtd=36.9&&"


def framed(segment: str | bytes, *, crc: int | None = None, length: int | None = None, tail: bytes = b"\r\n") -> bytes:
    data = segment if isinstance(segment, bytes) else segment.encode()
    length = len(data.decode("utf-8", "replace")) if length is None else length
    return b"##%04d%b%04X%b" % (length, data, hj212_crc(data) if crc is None else crc, tail)


def with_cp(cp: str) -> str:
    return f"QN=20160801085857223;ST=32;CN=2011;PW=123456;MN={MN};Flag=5;CP=&&{cp}&&"


def refused(frame: bytes, profile: Profile = STRICT) -> tuple[Code, str, str, str]:
    with pytest.raises(FrameError) as caught:
        decode(frame, profile)
    return caught.value.code, caught.value.field, caught.value.value, caught.value.rule


def remarks(frame: bytes) -> list[tuple[Code, str, str]]:
    return [(remark.code, remark.field, remark.value) for remark in decode(frame, LENIENT).remarks]


def test_appendix_a_is_written() -> None:
    assert encode(INTERVAL) == APPENDIX_A


@pytest.mark.parametrize("profile", [STRICT, LENIENT])
def test_appendix_a_is_read(profile: Profile) -> None:
    assert (decode(APPENDIX_A, profile).packet, decode(APPENDIX_A, profile).remarks) == (INTERVAL, ())


def test_groups_keep_order_and_division() -> None:
    packet = decode(framed(with_cp("DataTime=20160801085857;w01018-Rtd=63.0,w01018-Flag=N;w01018-Rtd=1"))).packet
    assert packet.cp == (
        (("DataTime", "20160801085857"),),
        (("w01018-Rtd", "63.0"), ("w01018-Flag", "N")),
        (("w01018-Rtd", "1"),),
    )
    assert (packet.value("w01018-Rtd"), packet.value("w01001-Rtd")) == ("63.0", None)


@pytest.mark.parametrize(
    ("flag", "edition", "wants_answer", "has_parts"),
    [
        (0, "2005", False, False),
        (1, "2005", True, False),
        (2, "2005", False, True),
        (3, "2005", True, True),
        (4, "2017", False, False),
        (5, "2017", True, False),
        (6, "2017", False, True),
        (7, "2017", True, True),
        (8, "2025", False, False),
        (9, "2025", True, False),
        (10, "2025", False, True),
        (11, "2025", True, True),
    ],
)
def test_flag_matrix(flag: int, edition: str, wants_answer: bool, has_parts: bool) -> None:
    mn = "88888880000001" if edition == "2005" else MN
    parts = {"pnum": 2, "pno": 1} if has_parts else {}
    packet = decode(encode(replace(INTERVAL, mn=mn, flag=flag, **parts))).packet
    assert (packet.edition, packet.wants_answer, packet.is_split) == (edition, wants_answer, has_parts)
    assert flag_of(Edition(edition), wants_answer | has_parts << 1) == flag


def test_chinese_counts_as_characters() -> None:
    frame = encode(replace(INTERVAL, cp=((("i11001-Info", "1#管路清洗"),),)))
    assert frame[:6] == b"##0105"
    assert len(frame) == 6 + 105 + 2 * 4 + 4 + 2  # four Chinese characters take two bytes more each
    assert decode(frame).packet.cp == ((("i11001-Info", "1#管路清洗"),),)


def test_length_in_bytes_is_a_deviation() -> None:
    frame = framed(with_cp("i11001-Info=清洗"), length=len(with_cp("i11001-Info=清洗").encode()))
    assert refused(frame)[:2] == (Code.LENGTH, "length")
    assert remarks(frame) == [(Code.LENGTH, "length", "0105")]
    assert "counts bytes" in decode(frame, LENIENT).remarks[0].rule


def test_wrong_length() -> None:
    frame = framed(with_cp("a-Rtd=1"), length=99)
    assert refused(frame) == (Code.LENGTH, "length", "0099", "0094 characters of data segment")
    assert remarks(frame) == [(Code.LENGTH, "length", "0099")]


@pytest.mark.parametrize("profile", [STRICT, LENIENT])
def test_wrong_crc(profile: Profile) -> None:
    frame = APPENDIX_A.replace(b"1C80", b"1C08")  # what the prose of Appendix A misprints
    assert refused(frame, profile) == (Code.CRC, "CRC", "1C08", "1C80 by HJ 212 Appendix A")
    with pytest.raises(FrameError, match=r"^CRC = '1C08': 1C80 by HJ 212 Appendix A$"):
        decode(frame, profile)


def test_modbus_crc() -> None:
    segment = APPENDIX_A[6:-6]
    frame = framed(segment, crc=modbus_crc(segment))
    printed = f"{modbus_crc(segment):04X}"
    assert refused(frame) == (Code.CRC, "CRC", printed, "1C80 by HJ 212 Appendix A (this is Modbus CRC-16)")
    assert decode(frame, LENIENT).packet == INTERVAL
    assert remarks(frame) == [(Code.CRC, "CRC", printed)]


def test_lower_case_hex() -> None:
    frame = APPENDIX_A.replace(b"1C80", b"1c80")
    assert refused(frame)[:3] == (Code.CRC, "CRC", "1c80")
    assert remarks(frame) == [(Code.CRC, "CRC", "1c80")]


@pytest.mark.parametrize("tail", [b"", b"\n", b"\r"])
def test_missing_tail(tail: bytes) -> None:
    frame = APPENDIX_A[:-2] + tail
    code, field, _, rule = refused(frame)
    assert (code, field, rule) == (Code.TAIL, "tail", "the frame ends in CR LF")
    assert decode(frame, LENIENT).packet == INTERVAL
    assert [remark.code for remark in decode(frame, LENIENT).remarks] == [Code.TAIL]


@pytest.mark.parametrize("frame", [b"", b"##", b"#0101QN", b"##01x1QN=1", b"QN=1"])
@pytest.mark.parametrize("profile", [STRICT, LENIENT])
def test_header(frame: bytes, profile: Profile) -> None:
    assert refused(frame, profile) == (Code.HEADER, "header", frame[:6].decode(), "## and 4 decimal digits")


@pytest.mark.parametrize("size", range(6, len(APPENDIX_A) - 2))
def test_cut_anywhere_is_refused_even_leniently(size: int) -> None:
    assert refused(APPENDIX_A[:size], LENIENT)[0] is Code.CRC


def test_long_segment() -> None:
    items = ";".join(f"a{number:05}-Rtd=1" for number in range(80))
    frame = framed(with_cp(items))
    assert refused(frame) == (Code.SEGMENT, "segment", "1126 characters", "at most 1024 characters")
    assert remarks(frame) == [
        (Code.SEGMENT, "segment", "1126 characters"),
        (Code.SEGMENT, "CP", "1039 characters"),
    ]
    assert len(decode(frame, LENIENT).packet.cp) == 80


def test_long_cp() -> None:
    fits, longer = (framed(OLD.replace("36.9", "1" * (960 - 57 + size))) for size in (0, 1))
    assert len(decode(fits).packet.cp) == 3
    assert refused(longer) == (Code.SEGMENT, "CP", "961 characters", "at most 960 characters")


def test_gb18030_text() -> None:
    frame = framed(with_cp("i11001-Info=清洗").encode("gb18030"), length=101)
    assert refused(frame)[:2] == (Code.SEGMENT, "segment")
    assert decode(frame, LENIENT).packet.value("i11001-Info") == "清洗"
    assert [remark.rule for remark in decode(frame, LENIENT).remarks] == ["text is UTF-8"]


@pytest.mark.parametrize("segment", ["ST=32;CN=2011", "CP=&&", "CP=&&a=1&", f"ST=32;CN=2011;MN={MN};CP=a=1"])
@pytest.mark.parametrize("profile", [STRICT, LENIENT])
def test_cp_must_close_the_segment(segment: str, profile: Profile) -> None:
    assert refused(framed(segment), profile)[:2] == (Code.SEGMENT, "CP")


@pytest.mark.parametrize(
    ("old", "new", "code", "field"),
    [
        ("QN=20160801085857223", "QN=2016080108585722", Code.KEY, "QN"),
        ("QN=20160801085857223;", "", Code.KEY, "QN"),
        ("ST=32", "ST=3a", Code.KEY, "ST"),
        ("CN=2011", "CN=201", Code.KEY, "CN"),
        ("PW=123456", "PW=", Code.KEY, "PW"),
        ("PW=123456;", "", Code.KEY, "PW"),
        (f"MN={MN}", "MN=Y80110010000010", Code.KEY, "MN"),
        (f"MN={MN}", f"MN={MN.lower()}", Code.KEY, "MN"),
        ("Flag=5", "Flag=12", Code.KEY, "Flag"),
        ("Flag=5", "Flag=7", Code.KEY, "Flag"),
        ("Flag=5", "Flag=5;PNUM=2;PNO=1", Code.KEY, "Flag"),
        ("Flag=5", "Flag=5;PNUM=2", Code.KEY, "PNUM"),
        ("Flag=5", "Flag=5;Extra=1", Code.KEY, "Extra"),
        ("Flag=5", "Flag=5;Flag=4", Code.KEY, "Flag"),
        ("a=1", "a=1;", Code.KEY, "CP"),
        ("a=1", " a=1", Code.KEY, "CP"),
        ("a=1", " ", Code.KEY, "CP"),
        ("a=1", "a_b=1", Code.KEY, "a_b"),
        ("a=1", "a=1&&2", Code.KEY, "a"),
        ("a=1", "a=1##2", Code.KEY, "a"),
    ],
)
def test_strict_refuses_what_lenient_remarks_on(old: str, new: str, code: Code, field: str) -> None:
    frame = framed(with_cp("a=1").replace(old, new))
    assert refused(frame)[:2] == (code, field)
    assert remarks(frame)[0][:2] == (code, field)


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ("ST=32;", "", "ST"),
        ("CN=2011;", "", "CN"),
        (f"MN={MN};", "", "MN"),
        ("Flag=5", "Flag=x", "Flag"),
        ("Flag=5", "Flag=7;PNUM=2;PNO=3", "PNO"),
        ("Flag=5", "Flag=7;PNUM=2;PNO=0", "PNO"),
        ("a=1", "a", "CP"),
        ("a=1", "=1", "CP"),
    ],
)
@pytest.mark.parametrize("profile", [STRICT, LENIENT])
def test_what_has_no_meaning_is_always_refused(old: str, new: str, field: str, profile: Profile) -> None:
    assert refused(framed(with_cp("a=1").replace(old, new)), profile)[:2] == (Code.KEY, field)


@pytest.mark.parametrize("profile", [STRICT, LENIENT])
def test_2005_edition(profile: Profile) -> None:
    decoded = decode(framed(OLD), profile)
    packet = decoded.packet
    assert decoded.remarks == ()
    assert (packet.edition, packet.mn, packet.qn, packet.flag) == (Edition.E2005, "88888880000001", None, None)
    assert encode(packet) == framed(OLD)


def test_2005_with_new_mn_is_lenient_only() -> None:
    frame = framed(OLD.replace("88888880000001", MN))
    assert refused(frame)[:3] == (Code.KEY, "MN", MN)
    assert remarks(frame) == [(Code.KEY, "MN", MN)]


@pytest.mark.parametrize("value", ["a;b", "a,b", "a&&b", "a##0001b", "a\r\nb"])
@pytest.mark.parametrize("profile", [STRICT, LENIENT])
def test_reserved_characters_are_not_written(value: str, profile: Profile) -> None:
    with pytest.raises(FrameError, match="Info") as caught:
        encode(replace(INTERVAL, cp=((("Info", value),),)), profile)
    assert (caught.value.code, caught.value.value) == (Code.KEY, value)


def test_what_would_read_back_differently_is_not_written() -> None:
    with pytest.raises(FrameError, match="read back"):
        encode(replace(INTERVAL, cp=((("a", " 1 "),),)), LENIENT)


def test_answers_to_odd_devices_are_written_leniently() -> None:
    odd = replace(INTERVAL, mn="Y80110010000010", pw="")
    with pytest.raises(FrameError, match="MN"):
        encode(replace(odd, pw="123456"))
    assert decode(encode(odd, LENIENT), LENIENT).packet == odd


def test_too_long_for_the_length_field() -> None:
    with pytest.raises(FrameError, match="9999"):
        encode(replace(INTERVAL, cp=((("a", "1" * 10_000),),)), LENIENT)


keys = st.from_regex(r"[0-9A-Za-z]{1,8}(-[A-Za-z]{1,6})?", fullmatch=True)
texts = st.text(st.characters(exclude_categories=["C", "Z"], exclude_characters=";,&#"), max_size=12)
groups = st.lists(st.tuples(keys, texts), min_size=1, max_size=3).map(tuple)
parts = st.integers(1, 9999).flatmap(lambda pnum: st.tuples(st.just(pnum), st.integers(1, pnum)))


@st.composite
def packets(draw: st.DrawFn) -> Packet:
    edition = draw(st.sampled_from(Edition))
    split = draw(st.none() | parts)
    flag = flag_of(edition, draw(st.integers(0, 1)) | (2 if split else 0))
    return Packet(
        qn=draw(st.from_regex(r"[0-9]{17}", fullmatch=True)),
        st=draw(st.sampled_from(["21", "31", "32", "A0"])),
        cn=draw(st.from_regex(r"[0-9]{4}", fullmatch=True)),
        pw=draw(st.from_regex(r"[0-9A-Za-z]{6}", fullmatch=True)),
        mn=draw(st.from_regex(r"[0-9A-F]{14}" if edition is Edition.E2005 else r"[0-9A-F]{24}", fullmatch=True)),
        flag=flag,
        pnum=split[0] if split else None,
        pno=split[1] if split else None,
        cp=tuple(draw(st.lists(groups, max_size=5))),
    )


@given(packets())
def test_round_trip(packet: Packet) -> None:
    decoded = decode(encode(packet))
    assert (decoded.packet, decoded.remarks) == (packet, ())


@given(packets(), st.integers(6, 60), st.integers(1, 255))
def test_a_changed_byte_never_passes_unseen(packet: Packet, place: int, change: int) -> None:
    frame = bytearray(encode(packet))
    frame[place] ^= change
    assert refused(bytes(frame))[0] is Code.CRC
