"""Lists of responsible bodies (责任单位): parted where it is safe, kept as printed, likely typing errors listed."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from shizhu.engines.plan.logic.reader.document import Doubt, Place
from shizhu.engines.plan.logic.reader.lines import compact, half_width
from shizhu.engines.plan.logic.reader.values import is_dash

_SEPARATORS = "、，,；;\n"
LED = re.compile("牵头|主办")  # where bodies are told so to lead, 责任单位 beside them are those that help
_OPEN, _CLOSE = "（(【[〔", "）)】]〕"
_LABEL = re.compile(
    r"(?P<lead>(?:牵头|责任|主要责任|主办|实施|主管|承担|建设)(?:责任)?(?:单位|部门|主体|[科股处]室)?)[:：]"
    r"|(?P<support>(?:配合|参与|协办|协同|支持)(?:责任)?(?:单位|部门|主体|[科股处]室)?)[:：]"
)
# an ending that completes the name of a body, so that 和 after it parts two bodies and not two words of one name
_COMPLETE = (
    r"(?:局|委|办|厅|中心|集团|公司|政府|委员会|管委会|协会|联合会|商会|总工会|妇联|学院|大学|医院|研究院|研究所|科学院|设计院|"
    r"供销社|合作社|银行|街道|乡镇|园区|开发区|组织部|宣传部|统战部|政法委|指挥部|企业|单位|部门|机构|法院|检察院|消防(?:救援)?[支大总]队|办事处|管理站|"
    r"服务站|工作站|[^车网]站|[^城乡村]镇|[^城]乡)(?:[（(][^（()）]*[)）])?"
)
_BEGINS = r"(?:县|市|区|州|旗|省|各|有关|相关|镇|乡|国|中共|重点|属地)"
_AND = re.compile(r"[和及与]")
_COMPLETE_END = re.compile(rf"{_COMPLETE}$")
_GENERAL = re.compile(r"(?<!有关)(?<!相关)(?<!重点)(?<!各)(?:企业|单位|部门|机构|园区)$")
_BEGINNING = re.compile(rf"^{_BEGINS}")
_LEADING = re.compile(r"[（(]牵头(?:单位|部门)?[)）]$")
_ROLE = re.compile(r"[（(](?:牵头|牵头单位|主办|负责|配合|协办)[)）]$")
_AND_OTHERS = re.compile(
    r"(?<=[局委办厅院会心府处道镇乡司团区园社部站所校行])等(?:部门|单位|有关单位|相关单位|有关部门|相关部门)?$"
)
_SHORT_LEVEL = re.compile(r"各[省市州县区旗]")  # 各市、县（区）人民政府 is one name
_BODY_SIGNS = frozenset("局委会办厅处站院校心团司部所社镇乡道区")
# departments whose names differ by one character from another real one (民政 and 财政): never a typing error
_DEPARTMENTS = frozenset(
    [
        "教育",
        "体育",
        "民政",
        "财政",
        "审计",
        "统计",
        "司法",
        "公安",
        "科技",
        "科协",
        "商务",
        "信访",
        "医保",
        "林业",
        "水利",
        "水务",
        "交通",
        "应急",
        "税务",
        "气象",
        "民宗",
        "住建",
        "城管",
        "文旅",
        "文广",
        "农业",
        "农林",
        "畜牧",
        "工信",
        "经信",
        "发改",
        "人社",
        "卫健",
        "环保",
        "生态",
        "规划",
        "国土",
        "自然资源",
        "市场监管",
        "乡村振兴",
        "扶贫",
        "金融",
        "粮食",
        "供销",
        "档案",
        "党史",
        "团委",
        "妇联",
        "残联",
        "文联",
        "侨联",
        "工商联",
        "机关事务",
        "大数据",
        "招商",
        "投促",
        "电力",
        "供电",
        "移动",
        "电信",
        "联通",
        "邮政",
        "消防",
        "烟草",
        "盐业",
        "地震",
        "能源",
        "国资",
        "外事",
        "信息",
        "宣传",
        "组织",
        "统战",
        "政法",
        "编办",
        "老干",
        "人武",
        "红十字",
        "融媒体",
        "教体",
        "教科",
        "科教",
        "教",
        "科",
        "农",
        "经",
        "商",
        "卫",
        "建",
        "水",
        "交",
        "林",
    ]
)
_ALIKE = re.compile(r"^((?:[^县市区州旗]{0,6})[县市区州旗])?(.{1,}?)(?:委员会|委|局|办公室|办|管委会|中心)$")
_STEM = re.compile(r"^(?:[^县市区州旗]{0,6}[县市区州旗])?(.*?)(?:委员会|委|局|办公室|办|厅|部|中心)?$")


@dataclass(frozen=True)
class Shares:
    """The bodies of one task: those that lead and those that support."""

    leads: tuple[str, ...]
    supports: tuple[str, ...]


def read_shares(leads: Iterable[str], supports: Iterable[str]) -> Shares:
    """Split the cells of leading and supporting columns; labels in a cell (牵头：…；配合：…) win over its column."""
    first: list[str] = []
    second: list[str] = []
    leads, supports = _by_role(leads), list(supports)
    for cell, column in [*((cell, first) for cell in leads), *((cell, second) for cell in supports)]:
        for part, label in _labelled(cell):
            {"lead": first, "support": second}.get(label, column).extend(split_owners(part))
    return Shares(tuple(first), tuple(second))


def _by_role(cells: Iterable[str]) -> list[str]:
    """Of bodies one of which is marked in brackets as leading (县水利局（牵头）、县财政局), the others support."""
    told = []
    for cell in cells:
        parts = [part for part in _at_separators(cell) if part.strip()]
        led = [part for part in parts if _LEADING.search(part)]
        rest = [part for part in parts if not _LEADING.search(part)]
        told.append(f"牵头单位：{'、'.join(led)}；配合单位：{'、'.join(rest)}" if led and rest else cell)
    return told


def _labelled(cell: str) -> list[tuple[str, str]]:
    """Return the parts of a cell with the label before each ("" for none)."""
    labels = list(_LABEL.finditer(cell))
    if not labels:
        return [(cell, "")]
    led = any(LED.match(label.group()) for label in labels)
    told = ["support" if led and not LED.match(label.group()) else label.lastgroup or "" for label in labels]
    ends = [label.start() for label in labels[1:]] + [len(cell)]
    parts = [cell[label.end() : end] for label, end in zip(labels, ends, strict=True)]
    return [(cell[: labels[0].start()], ""), *zip(parts, told, strict=True)]


def join_pieces(pieces: Sequence[str]) -> str:
    """Join the lines of a cell: a line that begins a new body after a whole one is parted from it."""
    joined = ""
    for piece in pieces:
        joined += f"、{piece}" if joined and _parted(joined, piece) else piece
    return joined


def _parted(before: str, piece: str) -> bool:
    """Whether a line ends with a whole name and the next one begins another."""
    last = re.split(f"[{_SEPARATORS}]", before)[-1]
    is_open = sum(before.count(sign) for sign in _OPEN) > sum(before.count(sign) for sign in _CLOSE)
    whole = len(last) >= 3 and not is_open and bool(_COMPLETE_END.search(last))
    begins = bool(_BEGINNING.match(piece) or _COMPLETE_END.search(piece)) and not re.match(
        r"[和及与（(、，]|人民政府|政府|办事处|管委会", piece
    )
    return whole and begins and len(piece) > 1


def split_owners(text: str) -> tuple[str, ...]:
    """Split a list of bodies at its separators, outside brackets, and at 和/及/与 between two whole names."""
    if is_dash(text):
        return ()
    parts = [part for piece in _at_separators(text) for part in _at_gaps(piece)]
    owners = [owner for part in parts for owner in _at_and(part)]
    return tuple(owner for owner in (_tidy(owner) for owner in owners) if owner)


def _at_separators(text: str) -> list[str]:
    parts, depth, current = [], 0, ""
    for sign in text:
        depth += (sign in _OPEN) - (sign in _CLOSE)
        if sign in _SEPARATORS and depth <= 0 and not _SHORT_LEVEL.fullmatch(current.strip()):
            parts.append(current)
            current = ""
        else:
            current += sign
    return [*parts, current]


def closing(text: str) -> int:
    """The place of the bracket that closes one opened before the text; its end where there is none."""
    depth = 1
    for place, sign in enumerate(text):
        depth += (sign in _OPEN) - (sign in _CLOSE)
        if depth == 0:
            return place
    return len(text)


def _at_gaps(piece: str) -> list[str]:
    """A gap or / parts two bodies if both sides are whole names; else it is a broken name."""
    words = re.split(r"[\s/／]+", piece.strip())
    if len(words) > 1 and all(_COMPLETE_END.search(word) and len(word) >= 3 for word in words):
        return words
    return ["".join(piece.split()) if not piece.isascii() else piece]


def _at_and(part: str) -> list[str]:
    for found in _AND.finditer(part):
        left, right = part[: found.start()], part[found.end() :]
        whole = len(left) >= 3 and _COMPLETE_END.search(left) and not _GENERAL.search(left)
        if whole and len(right) >= 3 and (_BEGINNING.match(right) or (len(left) >= 4 and _COMPLETE_END.search(right))):
            return [left, *_at_and(right)]
    return [part]


def _tidy(owner: str) -> str:
    return _ROLE.sub("", _AND_OTHERS.sub("", owner.strip(" \u3000。.：:")))


def owner_doubts(named: Sequence[tuple[str, Place]]) -> list[Doubt]:
    """List names that look mistyped: an ending printed twice, or one character away from another name."""
    counts = Counter(owner for owner, _ in named)
    first = dict(reversed(named))
    doubts = [
        Doubt(owner, f"the last character {owner[-1]} is printed twice: a typing error?", first[owner], "owner-typo")
        for owner in counts
        if doubled_ending(owner)
    ]
    doubts += _aliases(counts, first)
    names = sorted(counts, key=lambda owner: (first[owner], owner))
    for index, one in enumerate(names):
        for other in names[index + 1 :]:
            if _confusable(one, other) and not _are_aliases(one, other):
                rare, usual = (one, other) if _rarer(one, other, counts) else (other, one)
                why = f"one character away from {usual} (line {first[usual].first}): the same body?"
                doubts.append(Doubt(rare, why, first[rare], "owner-variant"))
    return doubts


def _rarer(one: str, other: str, counts: Counter[str]) -> bool:
    """Whether the first name is the one to look at: printed less often, or no department we know."""
    if counts[one] == counts[other]:
        return _stem(one) not in _DEPARTMENTS and _stem(other) in _DEPARTMENTS
    return counts[one] < counts[other]


def _aliases(counts: Counter[str], first: dict[str, Place]) -> list[Doubt]:
    """List names that may be short for another one printed: 县科技局 and 县科学技术局."""
    names = sorted(counts, key=lambda owner: (first[owner], owner))
    doubts: list[Doubt] = []
    for index, one in enumerate(names):
        for other in names[index + 1 :]:
            if _are_aliases(one, other):
                rare, usual = (one, other) if counts[one] < counts[other] else (other, one)
                why = f"may be another name of {usual} (line {first[usual].first}): the same body?"
                doubts.append(Doubt(rare, why, first[rare], "owner-alias"))
    return doubts


def _are_aliases(one: str, other: str) -> bool:
    """Whether two names of one level may be of one body: the stem of one is short for the stem of the other."""
    first, second = _ALIKE.match(one), _ALIKE.match(other)
    if not first or not second or (first[1] or "") != (second[1] or "") or doubled_ending(one) or doubled_ending(other):
        return False
    short, long = sorted((first[2], second[2]), key=len)
    if short == long:
        return len(short) > 1
    letters = iter(long)
    return (
        len(short) > 1
        and short[0] == long[0]
        and all(letter in letters for letter in short)
        and not (short in _DEPARTMENTS and long in _DEPARTMENTS)
    )


def doubled_ending(owner: str) -> bool:
    """Whether the last character repeats one of the two before it, as in 水利局局 or 中心心."""
    return len(owner) >= 4 and owner[-1] in _BODY_SIGNS and owner[-1] in owner[-3:-1]


def _confusable(one: str, other: str) -> bool:
    if min(len(one), len(other)) < (3 if len(one) != len(other) else 4) or doubled_ending(one) or doubled_ending(other):
        return False
    return is_one_edit(one, other) and not (
        _stem(one) in _DEPARTMENTS and _stem(other) in _DEPARTMENTS and _stem(one) != _stem(other)
    )


def _stem(owner: str) -> str:
    found = _STEM.match(owner)
    return found.group(1) if found else owner


def is_one_edit(one: str, other: str) -> bool:
    """Whether one inserted, left out, changed or swapped character makes one text the other."""
    one, other = compact(half_width(one)), compact(half_width(other))
    if one == other or abs(len(one) - len(other)) > 1:
        return False
    start = next(
        (index for index, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )
    first, second = one[start:], other[start:]
    swapped = len(first) > 1 and len(second) > 1 and first[:2] == second[1::-1] and first[2:] == second[2:]
    return first[1:] == second[1:] or first[1:] == second or first == second[1:] or swapped
