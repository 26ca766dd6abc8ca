"""How well a text fits a column: the scores by which broken tables are put together again."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

from shizhu.engines.plan.logic.reader.lines import compact, half_width
from shizhu.engines.plan.logic.reader.units import is_unit
from shizhu.engines.plan.logic.reader.values import is_dash, read_value
from shizhu.engines.plan.logic.reader.vocabulary import KIND_WORDS

ROW_NUMBER = re.compile(r"[(]?\s*(\d{1,3}|[一二三四五六七八九十]{1,3}|[①-⑳])\s*[)]?\s*[.、]?")
LED_NAME = re.compile(r"[(]?\s*(\d{1,3}|[①-⑳])\s*(?:[)][.、]?|[.、]|\s)\s*(?=[^\d\s.、%])")
GROUP = re.compile(r"(?:[(]?[一二三四五六七八九十]{1,3}[)]?[、.]?|[(][一二三四五六七八九十]{1,3}[)])\s*\S{2,24}")
_BODY_END = re.compile(
    r"(?:局|委|办|厅|处|站|院|校|中心|集团|公司|企业|单位|部门|乡镇|街道|镇|乡|园区|委员会|政府|银行|协会|联合会|商会|大学|研究所|"
    r"事务所|合作社|供销社|联社|报社|办公室|指挥部|开发区|管委会|工会|学会|支队|大队|总队|工作队|馆|电视台|气象台|农场|林场|机构|团委|"
    r"妇联|残联|文联|工商联|科协|组织部|宣传部|统战部|武装部|运营商|主体|[^资控]股|科室|[^乡农]村|居委会|社区)(?:[(][^()]*[)])?等?$"
)
_TERM = re.compile(r"20\d{2}|五年|长期|每年|持续|常年|底前|全年|季度|五”?期间|十[三四五六]五|近期|中期|远期|年底|月底")
_DOING = re.compile(
    r"(?:依托|围绕|聚焦|加强|加快|推进|推动|开展|实施|打造|完善|支持|提升|培育|引进|组建|研发|构建|提高|建立|建成|建设|发挥|利用|"
    r"面向|鼓励|整合|推广|优化|深化|健全|促进|落实|强化|争取|对接|结合|通过|实现|形成|联合|和|与|及|对|在|以|为|把|将|新建|改造)"
)
_TERM_PART = re.compile(r"[\d年月底期至—–-]")
_IN_WORDS = re.compile(
    r"完成|达|提高|提升|下降|降低|持续|进一步|基本|全覆盖|前列|优于|高于|不低|低于|实现|稳|力争|保持|控制|待|满足|同步|居|优|良|级"
)
_NEW_BODY = re.compile(r"[县市区州旗省](?!级)|各|有关|相关")
_PAIRS = (("（", "）"), ("(", ")"), ("“", "”"), ("《", "》"), ("【", "】"))
_OPEN_END, _REST = "、，,（(和及与", "、，。；）)"
_RATIO = re.compile(r"[\d.]+\s*[:∶]\s*[\d.]+")
_CHINESE = re.compile(r"[一-鿿]")
_PARTING = re.compile(r"[、，,；;\s]+")


@lru_cache(4096)
def is_number(text: str) -> bool:
    """Whether the text is a value with digits (57, 【6】, ≥90%), not words."""
    return read_value(text).value is not None


def is_body(text: str) -> bool:
    """Whether the text names bodies (单位、部门), one or a list."""
    parts = [part for part in _PARTING.split(half_width(text)) if part]
    bodies = [bool(_BODY_END.search(part)) and len(part) <= 24 and not _DOING.match(part) for part in parts]
    if not parts or any(sign in text for sign in "。：“”"):
        return False
    listed = len(bodies) > 1 and "，" not in text and not _DOING.match(parts[-1])
    cut = listed and len(text) >= 10 and all(bodies[:-1]) and len(parts[-1]) <= 12  # the last name may go on below
    return cut or sum(bodies) * 3 > len(bodies) * 2


def _no(text: str) -> float:
    return 3.0 if ROW_NUMBER.fullmatch(half_width(text)) else -6.0


def _name(text: str) -> float:
    if is_number(text) or is_dash(text) or not _CHINESE.search(text):
        return -5.0
    if KIND_WORDS.fullmatch(text) or is_unit(text):
        return -3.0
    sentence = any(sign in text for sign in "，。；")
    return (2.0 if 2 <= len(text) <= 40 else 0.5) - (1.5 if sentence else 0.0) - (0.8 if is_body(text) else 0.0)


def _unit(text: str) -> float:
    if is_unit(text.strip("()（）")):
        return 3.0
    return 0.5 if is_dash(text) else -4.0


def _kind(text: str) -> float:
    if KIND_WORDS.fullmatch(compact(text)):
        return 3.0
    if is_dash(text):
        return 0.3
    return -0.5 if compact(text) in {"约束", "预期", "约", "预"} else -4.0


def _value(text: str) -> float:
    if is_number(text) or is_dash(text):
        return 2.0
    if KIND_WORDS.fullmatch(text) or is_unit(text):
        return -4.0
    if any(sign.isdigit() for sign in text) and len(text) <= 20:
        return 0.8
    if len(text) > 16:
        return -5.0
    return -0.3 if _IN_WORDS.search(text) and text[-1] not in "）)" else -2.5


def _growth(text: str) -> float:
    return -1.0 if _RATIO.fullmatch(half_width(text)) else _value(text)


def _class(text: str) -> float:
    if is_number(text) or _TERM.search(text) or len(text) > 16 or any(sign in text for sign in "，。；、"):
        return -5.0
    return 2.0 if text.endswith(("类", "型", "性")) else 0.6 - (0.8 if is_body(text) else 0.0)


def _period(text: str) -> float:
    if _TERM.search(text) and len(text) <= 40:
        return 3.0
    return 0.0 if is_dash(text) else -4.0


def _owners(text: str) -> float:
    if is_body(text):
        return 2.5
    if is_number(text) or len(text) > 120 or _TERM.search(text):
        return -5.0
    return 0.0 if is_dash(text) or len(text) <= 10 else -1.5


def _content(text: str) -> float:
    if is_number(text) or is_dash(text):
        return -3.0
    sentence = any(sign in text for sign in "，。；、")
    return (1.0 if len(text) > 5 else -0.5) + (1.5 if sentence else 0.0) - (2.0 if is_body(text) else 0.0)


def _money(text: str) -> float:
    return 2.0 if is_number(text) or is_dash(text) else -2.0


def _other(text: str) -> float:
    return 0.3 if len(text) <= 20 else -0.5


def _note(text: str) -> float:
    if len(text) == 1:
        return -2.0
    return 0.0 if len(text) <= 8 or is_dash(text) else -1.0


_FIT: dict[str, Callable[[str], float]] = {
    "no": _no, "name": _name, "task": _name, "unit": _unit, "kind": _kind, "class": _class, "group": _class,
    "year": _value, "base": _value, "target": _value, "growth": _growth, "sum": _value, "period": _period,
    "lead": _owners, "support": _owners, "content": _content, "money": _money, "note": _note, "other": _other,
    "spot": _other, "remark": _other, "area": _other,
}  # fmt: skip
# what it costs to leave a column of a row out, and to break a cell of it over two lines
_LEFT_OUT = {
    "no": 3.5,
    "name": 6.0,
    "task": 4.0,
    "note": 0.1,
    "class": 0.6,
    "group": 0.3,
    "support": 0.8,
    "content": 2.5,
}
_WORDY = frozenset({"content", "task", "name", "note", "other"})  # what may hold sentences
_BROKEN = {
    "content": 0.2, "lead": 0.6, "support": 0.6, "name": 0.8, "task": 0.6, "period": 0.8, "class": 0.8, "no": 9.0,
    "year": 5.0, "base": 5.0, "target": 5.0, "growth": 5.0, "kind": 1.0, "unit": 2.0, "note": 0.5,
}  # fmt: skip


@lru_cache(8192)
def fit(role: str, text: str) -> float:
    """Return how well a text fits a column of this role; an empty cell printed as such fits anywhere a little."""
    if not text:
        return -3.0 if role in {"no", "name"} else 0.3
    return _FIT[role](text) - (3.0 if text[0] in _REST else 0.0)


def join_gain(role: str, before: str, text: str) -> float:
    """Return what is won by reading a line as the rest of the cell before it."""
    if not text or not before:
        return -6.0
    if role not in _WORDY and "。" in text:
        return -6.0
    gain = -_BROKEN.get(role, 1.0) + (0.8 if before[-1] in _OPEN_END or text[0] in _REST else 0.0)
    gain += 2.0 if any(before.count(sign) > before.count(end) for sign, end in _PAIRS) else 0.0
    if role in {"content", "name", "task"}:
        if is_number(text) or is_dash(text) or ROW_NUMBER.fullmatch(half_width(text)):
            return gain - 3.0
        gain += 0.5 if role == "content" and before[-1] not in "。！？" else 0.0
        gain += 2.0 if role == "name" and text[0] in "（(" and is_unit(text.strip("（()）")) else 0.0
        gain -= 1.5 if is_body(text) and not is_body(before) else 0.0
        gain -= 1.5 if role != "content" and _DOING.match(text) else 0.0
    if role in {"lead", "support"}:
        gain += _completes(before, text)
    if role == "period" and not _TERM_PART.search(text):
        return gain - 3.0
    return gain + min(0.0, fit(role, before + text) - fit(role, before)) + (3.0 if _mended(role, before, text) else 0.0)


def _completes(before: str, text: str) -> float:
    """What it tells for a list of bodies that its last name is cut at the line's end, or that it is whole."""
    last = _PARTING.split(half_width(before))[-1]
    if not last or last.count("(") > last.count(")"):
        return 0.5
    if len(last) <= 2 or not _BODY_END.search(last):
        return 0.0 if _NEW_BODY.match(text) else 1.2
    return {"、": 0.0, "（": 1.0, "(": 1.0}.get(text[0], -1.5)


def left_out(role: str) -> float:
    """Return what it costs that a row has no cell for a column of this role."""
    return _LEFT_OUT.get(role, 1.5)


def group_fit(text: str) -> float:
    """Return how well a line fits as a row that names a group of rows (一、创新投入)."""
    if not text or is_number(text) or is_dash(text) or len(text) > 26 or "。" in text:
        return -9.0
    return 1.5 if GROUP.fullmatch(half_width(text)) else -2.0


def _mended(role: str, before: str, text: str) -> bool:
    """Whether two halves make a cell that the first half alone was not, such as 预期 and 性."""
    return role not in {"lead", "support"} and fit(role, before + text) - fit(role, before) >= 2.5
