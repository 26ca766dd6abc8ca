"""Numbers in sentences that state how much there is of something: with a unit, or reached without one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from shizhu.engines.plan.logic.reader.numbering import hans_number
from shizhu.engines.plan.logic.reader.units import SCALE, SPOKEN_UNIT
from shizhu.engines.plan.logic.reader.worded import worded

_QUANTITY = re.compile(
    rf"(?<![A-Za-z\d.第“\-—–~每])(?<![国省市县区州列居入行名位]前)(?P<open>[【〔])?(?P<low>\d{{1,3}}(?:,\d{{3}})+(?:\.\d+)?|\d+(?:\.\d+)?)"
    rf"(?:(?:{SPOKEN_UNIT})?\s*[-—–~～至]+\s*(?P<high>\d+(?:\.\d+)?))?"
    rf"(?(open)[】〕])\s*(?P<more>余|多)?(?P<scale>{SCALE})?(?P<more2>余|多)?\s*(?P<unit>{SPOKEN_UNIT})?(?P<per>/(?:{SCALE})?(?:{SPOKEN_UNIT})|/(?:(?!以[上下内]|左右)[\d一-鿿]){{1,3}})?"
    r"\s*(?P<after>及?以上|左右|上下|以内|及?以下|余)?(?:(?![\dA-Za-z月日号时期级伏]|年(?!轻|龄|产|货)|[吨元瓦米亩]级|\s*服务半径|的标准(?!化))|(?<=[户支])(?=\d)|(?=\d{1,2}周?岁|\d+(?:\.\d+)?[百千万]?亿|\d+(?:\.\d+)?万?(?:吨|千伏|kV|[千兆]瓦)级))"
)
# what is a unit only where something reaches it: 缩短至8小时, 平均受教育年限达到10.6年
_TIMED = re.compile(
    r"(?:(?<=[达到至在过于少由从])|(?<=[%上内][和、]))\s*(?P<low>\d{1,3}(?:\.\d+)?)\s*(?P<unit>小时|分钟|分(?![之期类公别])|个?工作日|个月|天|倍|起|年(?![底末初前度均来间级一]|以(?!上(?:[，；。、]|$))))"
    r"(?P<after>以上|左右|以?内(?!部)|以下)?"
)
# a value without a unit: 利用系数提高到0.56, 生师比优化到8:1
_UNITLESS = re.compile(
    r"(?:系数|指数|值|得分|人次|[起人]数|[^对]比|死亡率|差距|PUE\)?)(?:达到?|提[高升][到至]|增[长加][到至]|下?降[到至]|降低[到至]|优化[到至]|缩小[到至]|控制在|保持在|稳定在|"
    r"[^，。；]{0,8}(?:提[高升]|下降|降低|优化|缩小)[到至]|超过|不[得应]?[低高]于|[小大]于)"
    r"\s*(?P<one>1[:∶](?=\d))?(?P<low>\d+(?:\.\d+)?)(?:[:∶]1)?(?P<after>以上|左右|以内|以下)?(?=[，,。；;、]|$)"
)
_NONE_LEFT = re.compile(
    r"(?:率|比例|比重)(?:达到?|为|下?降[到至]|降低[到至]|控制在|保持为?)\s*(?P<low>0)(?=[，,。；;、]|$)"
)
# a bound that tells which things are meant, not how many: 30户以上自然村通硬化路比例达到85%
_OF_WHICH_SIZE = re.compile(
    r"(?:\(含[^()]*\))?的?(?:(?:[^，,。；;、：:()\d]{0,20})(?:占比|比例|比重)"
    r"|(?!增|提|下降|降|减|达|上升|占|以|的|并|且|到|左右|和|与|及|为|是)"
    r"[^，,。；;、：:()\d]{1,30}?[^，,。；;、：:()\d](?:\([^()\d]{1,8}\))?(?!1(?![\d.个家]))\d)"
)
# so many heads that a rate is told for: 职工10万人死亡率
_OF_HEADS = re.compile(r"(?:死亡|发病|患病|发案|伤亡|受灾|事故|火灾|拥有)[一-鿿]{0,2}[率量]")
# which ones are meant, not how many: 5万元以下的村, （年用水量1万m3及以上）
_OF_THOSE = re.compile(r"的(?!产值|收入|投资|规模|目标|水平|要求|标准)|\)")
_SIZED = re.compile(r"(?:超过?|(?<![超通经])过|不低于|不少于|高于|大于|低于|小于|达到?)$")
# what is made is counted, whatever size stands behind it: 指导3家以上景区创建5A级景区
_MADE = re.compile(r"(?:建成|建设|新建|打造|创建|培育|引进|新增|指导|支持|推出|形成|发展)$")
_ENDED = re.compile(r"(?:消除|杜绝|取缔|淘汰|化解|退出|关闭)$")
_THINGS = frozenset("个家项条座处所支门")
# a count in words behind what is done: 举办一次, 新建两所; 一个 and the like count nothing
_COUNTED = re.compile(
    r"(?<=建成|建设|新建|改造|打造|培育|创建|设立|开通|引进|举办|举行|开展|组织|召开|承办|至少|少于|低于)"
    r"(?P<low>一(?=[座所处家场次届])|[二两三四五六七八九]|[二三四五六七八九]?十[一二三四五六七八九]?)"
    r"(?P<unit>[座所处家场次届个条支])(?P<after>以上)?(?!性|办)(?=[一-鿿“《])"
)
_BOUNDING = frozenset({"以上", "以下", "以内"})
_BEFORE_BOUND = (
    (
        "at_least",
        re.compile(
            r"(?:超过?|不[得应能]?[低小]于|不[得应能]?少于|突破|(?<!不)(?<!不[得应能])[高大]于|逾|≥|>"
            r"|至少(?:举办|开展|组织|召开|建成|新建|培育|引进|完成|新增)?)$"
        ),
    ),
    ("at_most", re.compile(r"(?:不[得应能]?[高大]于|不[得应能]?超过|[低小]于|控制在|少于|<|≤)$")),
    ("about", re.compile(r"(?:约|近|大约|接近)$")),
)
_AFTER_BOUND = {
    "以上": "at_least",
    "余": "at_least",
    "多": "at_least",
    "以内": "at_most",
    "内": "at_most",
    "以下": "at_most",
}


@dataclass(frozen=True)
class Quantity:
    """A number as printed in a sentence: where it stands, its value (both ends of a range), its unit, its bound."""

    start: int
    end: int
    text: str
    low: str
    high: str | None = None
    unit: str | None = None
    after: str | None = None
    is_worded: bool = False

    def bound(self, before: str) -> str | None:
        """How the number is meant, given the words before it."""
        if self.high:
            return "range"
        if self.after:
            return _AFTER_BOUND.get(self.after, "about")
        return next((name for name, pattern in _BEFORE_BOUND if pattern.search(before)), None)


def quantities(text: str) -> Iterator[Quantity]:
    """Yield the quantities of a sentence in order; a size that only tells which things are counted is none."""
    found = [
        _quantity(match) for pattern in (_QUANTITY, _TIMED, _UNITLESS) for match in pattern.finditer(text)
        if pattern is not _QUANTITY or match["unit"] or match["scale"]
    ]  # fmt: skip
    found += [
        Quantity(one.start, one.end, text[one.start : one.end], f"{one.value:g}", None, "%", one.after, is_worded=True)
        for one in worded(text)
    ]  # fmt: skip
    found += [Quantity(*none.span("low"), "0", "0", None, "%") for none in _NONE_LEFT.finditer(text)]
    found += [_counted(match) for match in _COUNTED.finditer(text)]
    end = 0
    for number in sorted(found, key=lambda item: (item.start, -item.end)):
        if number.start >= end and not _is_size(text, number):
            yield number
            end = number.end


def without_bound(words: str) -> str:
    """Take the words of a bound from the end of what stands before a number."""
    for _, pattern in _BEFORE_BOUND:
        words = pattern.sub("", words)
    return words


def _quantity(found: re.Match[str]) -> Quantity:
    parts = found.groupdict()
    per = parts.get("per") or "" if parts.get("unit") else ""
    unit = (parts.get("scale") or "") + (parts.get("unit") or "") + per or None
    after = (parts["after"] or "").removeprefix("及") or parts.get("more") or parts.get("more2")
    start = found.start(next((name for name in ("open", "one") if parts.get(name)), "low"))
    return Quantity(
        start, found.end(), found.string[start : found.end()].strip(), parts["low"], parts.get("high"), unit, after
    )


def _counted(found: re.Match[str]) -> Quantity:
    count = hans_number(found["low"].replace("两", "二"))
    return Quantity(*found.span(), found.group(), str(count), None, found["unit"], found["after"], is_worded=True)


def _is_size(text: str, number: Quantity) -> bool:
    """Whether a number with a bound describes what another one behind it counts."""
    if _OF_HEADS.match(text, number.end) and (number.unit or "").startswith(("万", "十万", "百万")):
        return True
    if number.is_worded or (number.unit in _THINGS and _MADE.search(text, 0, number.start)):
        return False
    if number.after in _BOUNDING and _ENDED.search(text, 0, number.start):  # 消除56人以上大班额
        return True
    if number.after in _BOUNDING and _OF_THOSE.match(text, number.end) and number.unit not in {"%", "‰"}:
        return number.unit not in _THINGS
    bounded = number.after in _BOUNDING or _SIZED.search(text, 0, number.start)
    return bool(bounded) and bool(_OF_WHICH_SIZE.match(text, number.end))
