"""Units and measure words (单位、量词) of plans: recognising them and comparing values across them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from shizhu.engines.plan.logic.reader.lines import compact, half_width

SCALES = {
    "万亿": 1e12, "千亿": 1e11, "百亿": 1e10, "十亿": 1e9, "亿": 1e8, "千万": 1e7, "百万": 1e6, "十万": 1e5, "万": 1e4,
    "千": 1e3, "百": 1e2,
}  # fmt: skip
SCALE = "|".join(SCALES)
# measure words that count things: two of them agree when the thing counted is the same
_COUNTERS = (
    "个百分点 百分点 户次 家次 人次 例次 人年 人天 场次 批次 班次 件次 标准箱 标准吨 "
    "车次 架次 个 家 件 户 项 名 位 人 所 座 处 标台 台 套 架 枚 幢 匹 "
    "辆 条 部 艘 株 头 只 羽 次 场 期 批 种 类 门 本 册 篇 片 块 栋 间 床 张 宗 起 例 份 班 支 对 口 村 "
    "镇 团 箱 袋 顶 节 眼 根 棵 尾 盏 孔 段 岁 倍 师 级 分"
)
_OF_PEOPLE = frozenset({"人", "名", "位", "人次"})
_MEASURES = (
    "吨标准煤 吨标煤 标准煤 平方公里 平方千米 平方米 立方米 公顷 公里 千米 毫米 厘米 公斤 千克 毫克 微克 千瓦时 "
    "年一遇 千瓦 兆瓦时 兆瓦 千伏安 兆伏安 亩次 吨公里 人公里 车公里 "
    "个工作日 工作日 个月 小时 分钟 美元 元 亩 吨 斤 克 米 升 度 秒 天 日 月 年 方 kWh MWh kW MW GW km2 km² m2 m² m3 "
    "m³ km kg mg μg ug mm cm m g t L hm2 hm² ℃ TEU Mbps Gbps TB PB dB PFLOPS P"
)
_WORDS = (*_COUNTERS.split(), *_MEASURES.split())
_SILENT_PER = re.compile(r"(?<=[^/])/[人年]$")  # the name says of whom, and numbers of plans are a year's
_PERCENT = ("%", "‰")
_ONE = "|".join(re.escape(word) for word in sorted(_WORDS, key=len, reverse=True))
_ATOM = rf"(?:每)?(?:{SCALE})?(?:{_ONE})|%|‰|{SCALE}"
_UNIT = re.compile(
    rf"1?/\d*(?:{SCALE})|(?:{_ATOM})(?:\([^()]*\))?"
    rf"(?:[/·每](?:(?:{SCALE})?(?:{_ONE}|[dh])|{SCALE}|GDP|(?:{SCALE})?元?GDP|人口|产值))*"
)
# in running text: no bare Latin letters, no times, and nothing that begins other words (3方面, 2期工程, 10人才)
_SILENT = frozenset("年月日级分度方师段团期类对起例村镇倍秒天口") | {"小时", "分钟", "个工作日", "工作日", "个月"}
_SPOKEN = [word for word in _WORDS if not word.isascii() and word not in _SILENT]
SPOKEN_UNIT = (
    "|".join(
        [
            *sorted(_SPOKEN, key=len, reverse=True),
            "[PT]B",
            "[MG]bps",
            "P(?:FLOPS)?",
            "[kh]?m[23²³]|[㎡㎢]",
            "km|[kMG]Wh?",
        ]
    )
    .replace("|人|", "|人(?![才工口均力])|")
    .replace("|个|", "|个(?!工作日|月)|")
    .replace("|架|", "|架(?!构)|")
    .replace("|岁|", "|岁(?!以[上下]|儿|组)|")
    + "|%|‰|/10万"
)


# signs and other names of units, as so many of the unit that plans print; an acre (亩) is a fifteenth of a hectare
_SAME: dict[str, tuple[str, float]] = {
    **dict.fromkeys(("m3", "m³"), ("立方米", 1.0)), **dict.fromkeys(("m2", "m²", "㎡"), ("平方米", 1.0)),
    **dict.fromkeys(("km2", "km²", "㎢", "平方千米", "平方公里"), ("亩", 1500.0)),
    **dict.fromkeys(("hm2", "hm²", "公顷"), ("亩", 15.0)), **dict.fromkeys(("km", "千米"), ("公里", 1.0)),
    **dict.fromkeys(("MW", "兆瓦"), ("千瓦", 1e3)), **dict.fromkeys(("kWh", "度"), ("千瓦时", 1.0)),
    **dict.fromkeys(("kg", "千克"), ("公斤", 1.0)), **dict.fromkeys(("μg", "ug"), ("微克", 1.0)),
    "m": ("米", 1.0), "kW": ("千瓦", 1.0), "GW": ("千瓦", 1e6), "MWh": ("千瓦时", 1e3), "兆瓦时": ("千瓦时", 1e3),
    "t": ("吨", 1.0), "mg": ("毫克", 1.0), "g": ("克", 1.0), "吨标煤": ("吨标准煤", 1.0), "h": ("小时", 1.0),
}  # fmt: skip


@dataclass(frozen=True)
class Measure:
    """What a unit measures, and how many base units one of it is: 亿元 is 1e8 of "元"."""

    kind: str
    scale: float


def is_unit(text: str) -> bool:
    """Whether the text is a unit and nothing else."""
    return bool(_UNIT.fullmatch(compact(half_width(text))))


@cache
def measure_of(unit: str | None) -> Measure | None:
    """Return what a unit measures; None for no unit. Words that count people are one kind, all others another."""
    if not unit:
        return None
    text = _SILENT_PER.sub("", re.sub(r"\([^()]*\)", "", compact(half_width(unit))))
    if "百分点" in text:
        return Measure("points", 1)
    if text in _PERCENT:
        return Measure("%", 1 if text == "%" else 0.1)
    whole = text.partition("/")[0] in _MEASURES.split()  # 千瓦 is no thousand of anything
    name = next((name for name in SCALES if not whole and text.startswith(name)), "")
    scale, rest = SCALES.get(name, 1.0), text.removeprefix(name)
    if rest in _OF_PEOPLE:
        return Measure("people", scale)
    if rest in _COUNTERS.split():
        return Measure("count", scale)
    parts = [_SAME.get(part, (part, 1.0)) for part in rest.split("/")]
    for own, (_, size) in enumerate(parts):
        scale = scale / size if own else scale * size
    return Measure("/".join(part for part, _ in parts) or "scale", scale)


@cache
def comparable(one: str | None, other: str | None) -> float | None:
    """Return how many of `other` one of `one` is, or None if the two measure different things.

    A missing unit is taken for the other one; a bare 万 or 亿 fits any money or count, 个 any count.
    """
    first, second = measure_of(one), measure_of(other)
    if first is None or second is None:
        return 1.0
    loose = {first.kind, second.kind} == {"people", "count"} and (one or "").endswith("个") != (other or "").endswith(
        "个"
    )
    if first.kind != second.kind and "scale" not in (first.kind, second.kind) and not loose:
        return None
    if "scale" in (first.kind, second.kind) and {"%", "points"} & {first.kind, second.kind}:
        return None
    return first.scale / second.scale
