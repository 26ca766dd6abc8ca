"""The data segment (数据段) as text: `QN=…;ST=…;CN=…;PW=…;MN=…;Flag=…;CP=&&…&&` (HJ 212-2017 §6.3.2–6.3.3)."""

import re
from collections.abc import Iterator

from shizhu.wire.hj212.errors import Code, FrameError, Judge
from shizhu.wire.hj212.packet import HAS_PARTS, Edition, Group, Packet, Pair

__all__ = ["CP_LIMITS", "SEGMENT_LIMIT", "check_reserved", "format_groups", "format_segment", "parse_segment"]

SEGMENT_LIMIT = 1024  # characters, Table 2
CP_LIMITS = {Edition.E2005: 960, Edition.E2017: 950, Edition.E2025: 950}  # characters between the && marks, Table 3

_OPEN, _CLOSE = "CP=&&", "&&"
_NUMBER = r"[0-9]+"
_RULES = {
    "QN": (r"[0-9]{17}", "17 digits YYYYMMDDhhmmsszzz"),
    "ST": (r"[0-9A-Z]{2}", "2 digits or capital letters"),
    "CN": (r"[0-9]{4}", "4 digits"),
    "PW": (r"[^;,=&\s]{6}", "6 characters"),
    "Flag": (r"[0-9]{1,3}", "a number 0..255"),
    "PNUM": (r"[0-9]{1,4}", "a number 1..9999"),
    "PNO": (r"[0-9]{1,4}", "a number 1..9999"),
}
_OLD_MN = (r"[0-9A-Za-z]{14}", "14 characters (2005 edition)")
_NEW_MN = (r"[0-9A-F]{24}", "24 digits 0-9 A-F (EPC-96)")
_KEY = re.compile(r"[0-9A-Za-z]+(-[0-9A-Za-z]+)*")
_RESERVED = re.compile(r"[;,\r\n]|&&|##")


def format_groups(groups: tuple[Group, ...]) -> str:
    """CP content as text, without the && marks."""
    return ";".join(",".join(f"{key}={value}" for key, value in group) for group in groups)


def format_segment(packet: Packet) -> str:
    """The data segment of a packet; absent fields are left out. Checks nothing."""
    fields = {
        "QN": packet.qn,
        "ST": packet.st,
        "CN": packet.cn,
        "PW": packet.pw,
        "MN": packet.mn,
        "Flag": packet.flag,
        "PNUM": packet.pnum,
        "PNO": packet.pno,
    }
    head = "".join(f"{name}={value};" for name, value in fields.items() if value is not None)
    return f"{head}{_OPEN}{format_groups(packet.cp)}{_CLOSE}"


def parse_segment(text: str, judge: Judge) -> Packet:
    """Read a data segment; deviations go to the judge, what has no meaning raises FrameError."""
    if len(text) > SEGMENT_LIMIT:
        judge.deviation(Code.SEGMENT, "segment", f"{len(text)} characters", f"at most {SEGMENT_LIMIT} characters")
    head, mark, rest = text.partition(_OPEN)
    if not mark or not rest.endswith(_CLOSE):
        raise FrameError(Code.SEGMENT, "CP", (mark + rest)[-32:], "CP=&&…&& ends the data segment")
    fields = _fields(head, judge)
    packet = Packet(
        st=fields["ST"],
        cn=fields["CN"],
        pw=fields.get("PW", ""),
        mn=fields["MN"],
        cp=_groups(rest.removesuffix(_CLOSE), judge),
        qn=fields.get("QN"),
        flag=_number(fields, "Flag"),
        pnum=_number(fields, "PNUM"),
        pno=_number(fields, "PNO"),
    )
    _check_fields(fields, packet, judge)
    _check_parts(packet, judge)
    _check_cp(packet, len(rest) - len(_CLOSE), judge)
    return packet


def check_reserved(packet: Packet) -> None:
    """Raise FrameError for the first CP value that would be read back as something else."""
    for key, value in (pair for group in packet.cp for pair in group):
        if _RESERVED.search(value):
            raise FrameError(Code.KEY, key, value, "a value holds no ; , && ## CR LF")


def _fields(head: str, judge: Judge) -> dict[str, str]:
    fields: dict[str, str] = {}
    for item in head.removesuffix(";").split(";"):
        name, _, value = item.partition("=")
        if name not in _RULES and name != "MN":
            judge.deviation(Code.KEY, name, value, "a field of Table 3")
        elif name in fields:
            judge.deviation(Code.KEY, name, value, f"once only, first was {fields[name]!r}")
        else:
            fields[name] = value
    for name in ("ST", "CN", "MN"):
        if not fields.get(name):
            raise FrameError(Code.KEY, name, "", "must be present")
    return fields


def _number(fields: dict[str, str], name: str) -> int | None:
    text = fields.get(name)
    if text is None:
        return None
    if not re.fullmatch(_NUMBER, text):
        raise FrameError(Code.KEY, name, text, _RULES[name][1])
    return int(text)


def _check_fields(fields: dict[str, str], packet: Packet, judge: Judge) -> None:
    is_old = packet.edition is Edition.E2005
    for name, (pattern, rule) in {**_RULES, "MN": _OLD_MN if is_old else _NEW_MN}.items():
        if name in fields and not re.fullmatch(pattern, fields[name]):
            judge.deviation(Code.KEY, name, fields[name], rule)
    for name in ("PW",) if is_old else ("PW", "QN"):
        if name not in fields:
            judge.deviation(Code.KEY, name, "", f"must be present in the {packet.edition} edition")
    if (packet.flag or 0) >> 2 >= len(Edition):
        judge.deviation(Code.KEY, "Flag", str(packet.flag), "0..11: version 2005, 2017 or 2025 with bits D and A")


def _check_parts(packet: Packet, judge: Judge) -> None:
    if packet.pnum is not None and packet.pno is not None:
        if not 1 <= packet.pno <= packet.pnum:
            raise FrameError(Code.KEY, "PNO", str(packet.pno), f"1..PNUM ({packet.pnum})")
    elif packet.pnum != packet.pno:
        judge.deviation(Code.KEY, "PNUM", str(packet.pnum), f"stands with PNO ({packet.pno})")
    if bool((packet.flag or 0) & HAS_PARTS) != packet.is_split:
        judge.deviation(Code.KEY, "Flag", str(packet.flag), "bit D is 1 exactly when PNUM and PNO are present")


def _check_cp(packet: Packet, length: int, judge: Judge) -> None:
    limit = CP_LIMITS[packet.edition]
    if length > limit:
        judge.deviation(Code.SEGMENT, "CP", f"{length} characters", f"at most {limit} characters")


def _groups(text: str, judge: Judge) -> tuple[Group, ...]:
    if not text:
        return ()
    groups = (tuple(_pairs(item, judge)) for item in text.split(";"))
    return tuple(group for group in groups if group)


def _pairs(item: str, judge: Judge) -> Iterator[Pair]:
    for piece in item.split(","):
        text = piece.strip()
        if not text or text != piece:
            judge.deviation(Code.KEY, "CP", piece, "items are key=value without blanks around them")
        if text:
            yield _pair(text, judge)


def _pair(text: str, judge: Judge) -> Pair:
    key, mark, value = text.partition("=")
    if not mark or not key:
        raise FrameError(Code.KEY, "CP", text, "items are key=value")
    if not _KEY.fullmatch(key):
        judge.deviation(Code.KEY, key, value, "a key is made of letters, digits and '-'")
    if _RESERVED.search(value):
        judge.deviation(Code.KEY, key, value, "a value holds no ; , && ## CR LF")
    return key, value
