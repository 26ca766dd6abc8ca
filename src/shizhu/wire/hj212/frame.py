"""One frame: `##`, length, data segment, CRC, CR LF (HJ 212-2017 §6.3.2 Table 2)."""

import re
from dataclasses import dataclass

from shizhu.wire.checks import hj212_crc, modbus_crc
from shizhu.wire.hj212.errors import STRICT, Code, FrameError, Judge, Profile, Remark
from shizhu.wire.hj212.packet import Packet
from shizhu.wire.hj212.segment import check_reserved, format_segment, parse_segment

__all__ = ["Decoded", "decode", "encode"]

_HEADER = re.compile(rb"##([0-9]{4})")
_CRC = re.compile(r"[0-9A-Fa-f]{4}")
_TAIL = b"\r\n"
_LONGEST = 9999  # what four decimal digits can say


@dataclass(frozen=True, slots=True)
class Decoded:
    """A packet and the deviations that the profile accepted."""

    packet: Packet
    remarks: tuple[Remark, ...] = ()


def encode(packet: Packet, profile: Profile = STRICT) -> bytes:
    """The whole frame of a packet, text in UTF-8, length in characters.

    Raises FrameError for a packet that `decode` would not read back as the same packet under the profile; the lenient
    profile serves answers to devices whose MN or password breaks the standard.
    """
    check_reserved(packet)
    segment = format_segment(packet)
    if len(segment) > _LONGEST:
        raise FrameError(Code.LENGTH, "segment", f"{len(segment)} characters", f"at most {_LONGEST} characters")
    data = segment.encode()
    frame = b"##%04d%b%04X%b" % (len(segment), data, hj212_crc(data), _TAIL)
    if decode(frame, profile).packet != packet:
        raise FrameError(Code.SEGMENT, "segment", segment[:64], "must read back as the same packet")
    return frame


def decode(frame: bytes, profile: Profile = STRICT) -> Decoded:
    """Read one whole frame; raises FrameError with code, field, value and rule.

    The lenient profile accepts with a remark what real devices do: Modbus CRC, lower-case hex, a wrong length (bytes
    instead of characters among them), GB 18030 text, more than 1024 characters, no CR LF, odd MN or password.
    Frames of HJ 212-2025 are read by the rules of 2017: not checked against the text of 2025, which is said to encrypt
    CP with SM4 on public networks; an encrypted CP is refused as not being key=value.
    """
    judge = Judge(profile)
    header = _HEADER.match(frame)
    if not header:
        raise FrameError(Code.HEADER, "header", _shown(frame[:6]), "## and 4 decimal digits")
    body = _body(frame[header.end() :], judge)
    segment = body[:-4]
    _check_crc(segment, _shown(body[-4:]), judge)
    text = _text(segment, judge)
    _check_length(header[1].decode(), text, segment, judge)
    return Decoded(parse_segment(text, judge), tuple(judge.remarks))


def _shown(data: bytes) -> str:
    return data.decode("latin-1")


def _body(rest: bytes, judge: Judge) -> bytes:
    if rest.endswith(_TAIL):
        return rest.removesuffix(_TAIL)
    judge.deviation(Code.TAIL, "tail", _shown(rest[-2:]), "the frame ends in CR LF")
    return rest.rstrip(_TAIL)


def _check_crc(segment: bytes, printed: str, judge: Judge) -> None:
    if not _CRC.fullmatch(printed):
        raise FrameError(Code.CRC, "CRC", printed, "4 hexadecimal digits")
    right, given = hj212_crc(segment), int(printed, 16)
    rule = f"{right:04X} by HJ 212 Appendix A"
    if given != right:
        if given != modbus_crc(segment):
            raise FrameError(Code.CRC, "CRC", printed, rule)
        judge.deviation(Code.CRC, "CRC", printed, f"{rule} (this is Modbus CRC-16)")
    if printed != printed.upper():
        judge.deviation(Code.CRC, "CRC", printed, "hexadecimal digits are capital letters")


def _text(segment: bytes, judge: Judge) -> str:
    try:
        return segment.decode()
    except UnicodeDecodeError:
        judge.deviation(Code.SEGMENT, "segment", _shown(segment[:64]), "text is UTF-8")
    try:
        return segment.decode("gb18030")
    except UnicodeDecodeError:
        raise FrameError(Code.SEGMENT, "segment", _shown(segment[:64]), "text is UTF-8 or GB 18030") from None


def _check_length(printed: str, text: str, segment: bytes, judge: Judge) -> None:
    if int(printed) == len(text):
        return
    hint = " (this counts bytes)" if int(printed) == len(segment) else ""
    judge.deviation(Code.LENGTH, "length", printed, f"{len(text):04d} characters of data segment{hint}")
