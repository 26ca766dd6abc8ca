"""Whether two wordings name the same quantity: R&D经费支出 and 研发经费投入 do, 市级 and 市级以上 do not."""

from __future__ import annotations

import re
from functools import cache

from shizhu.engines.plan.logic.reader.lines import compact, half_width

# wordings that Chinese statistics use for one thing; applied in this order
_SYNONYMS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), word)
    for pattern, word in (
        (r"研究与(?:试验|实验)发展|研究与开发|研究开发|R&D|R＆D", "研发"),
        (r"研发\(研发\)", "研发"),
        (r"\([^()]*\)", ""),
        (r"[“”\"'‘’《》〈〉·\s]", ""),
        (r"规上", "规模以上"),
        (r"能源消耗", "能耗"),
        (r"年平?均(?=浓度)|空气质量(?=优良)", ""),
        (r"(?:地区|国内)?生产总值|地区GDP", "GDP"),
        (r"战略性新兴", "战略新兴"),
        (r"国家(?:级)?高新技术企业", "高新技术企业"),
        (r"研发(?:经费)?(?:投入|支出)?强度", "研发经费占GDP比"),
        (r"研发(?:经费)?(?:投入|支出)|研发费用", "研发经费"),
        (r"(?:的)?(?:所占)?(?:比例|比重|比率|占比|之比|百分比)", "比"),
        (r"与(?=[^与]{2,12}比$)", "占"),
        (r"每(?=[万千百]?[人名户])", ""),
        (r"(?<=[万千])人口|(?<=[万千])名?常住人口", "人"),
        (r"人均可支配收入", "人均收入"),
        (r"(?:下降|减少|降低)(?:率|幅度)?$", "降低"),
        (r"(?:年均)?(?:增长|增速)(?:率|速度)?$", "增长"),
    )
)
_WEIGHTLESS = re.compile(
    r"各类|[全我本][县市区省州旗乡镇村](?![一-鿿]级)|^(?:开发区|园区)(?=规模)|县域|全域|全社会|有效期内|累计|数量|总数量?|总量|总额|个数|家数|"
    r"户数|五年(?!级)|拥有量|拥有|保有量|存量|总计|合计|的|共有|现有|已有"
)
_ENDING = re.compile(r"人数$|(?<![指系参倍分基函人])数$|规模$|情况$|(?<=[田地林园库亩])面积$")
# the part of a place, or of its bodies, that a value is of
SCOPE = (
    r"(?:(?:示范|试点|重点|先行|山区|民族|中心|省会|城市|规模以上|规上|全社会)*"
    r"(?:城[镇市区]|县城?|县域|[农乡]村(?:地区)?|乡镇|建制镇|建成区|市区|区县|园区|(?<=示范)[区镇村]|(?<=试点)[区镇村]))+"
)
IN_SCOPE = re.compile(SCOPE)
_REPEATED = re.compile(r"^(.*?)([^占比]{2,4})(.*?)\2比$")
_IN_BRACKETS = re.compile(r"([^()]{2,12})\(([^()]{2,12})\)([^()]{0,12})")
_LEVELS = re.compile(r"(?:国家|省部|省|自治区|市|州|地市|县|区|镇|乡|村)级|(?:及)?以上")
# words before the thing counted that say nothing about which thing it is
_BEFORE = re.compile(
    r"^(?:年度(?=新)|重点(?=建设|打造|培育|支持|推进|发展)|规划[近中远]期|[近中远]期(?=[一-鿿]{2})|建设改造(?=[一-鿿]{2})|安排(?=[一-鿿]{2})|树立|锚定|争创|新铺设?|(?:初步)?谋划|年度计划|落实(?![率到])|配齐|汇聚|遴选(?=建设|打造)|饲养(?![量场])|净增(?!长)|年生产(?![总能力值性])|力争|能够|以此|从而|进而|努力|攻克|预计|预期(?!寿命|性)|确保|引进|实现|推动|促进|推进|加快|使得?|全面|让|基本(?!养老|医疗|公共|农田|药物|生活|建设)|累计|拥有|共有|现有|已有|建有|培育壮大|培育|培养|[建投达]成?产?后|建成投用|计划完成|投入使用|建成(?!区(?!级))|引入|推出|指导|对(?![外口接标话照比象称])|(?:[全我][省市县区州旗](?![域级]|民(?!宿|办|营|生|间))|我国)|"
    r"建设(?!用地|工程|项目|兵团)|规划建设|规划实施|部署|铺设|架设|新辟|开设|建立|打造|创建|创成|形成|发展(?!中)|认定|获批|获得|取得|达到(?![^，]{2,12}的比[例重])|其中|同时|并|全年|目前|年末|期末|截至|截止|通过|"
    r"完成|保持|稳定|新认定|新增(?!劳动力)|新建成?(?![、和及或]?(?:改|扩|续|加固))|新培育|新发展|新打造|新创建|规划期内|期间|时期|分别|以及|超过|突破|不少于|不低于|整合|引育|集聚|聚集|评定|入库|一批|成立|组建|开发(?![区园])|登记|"
    r"申报|推广|选派|发放|带动|实施|开展|扶持|扩种|有效(?=改善|提[高升]|解决)|争取|支持|组织|已|至|到|约|近(?![视海代])|及|与|将|把|的|等(?!级)|了|共(?![同享建青富性识])|和(?![谐平])|"
    r"现(?![代场金货行状]))+"
)
_YEARS_AMID = r"[一两三四五]年(?:累计(?:完成|实现|新增)?|(?=盘活|完成|新增|改造|治理|建设))"
# 木竹加工产业实现销售收入, 文旅项目五年累计完成投资
_AMID = re.compile(rf"(?<=[一-鿿])(?:{_YEARS_AMID}|累计完成|实现|力争)(?=[一-鿿])(?!率|机制|路径)")
_PLACED = re.compile(r"^在[^，]{2,24}?(?:新建|建设|建成|打造|布局|设立)(?!用地)(?=[一-鿿]{2})")  # 在园区建设苗木基地
_AFTER = re.compile(
    r"(?:每人每[年月天日]|每[月天日]|以?每年|常年|必须|争取|目标值?(?=[为:])|(?<=[在到至])人均|在基础上|继续|进一步|稳定|稳步|持续|大幅|逐步|显著|明显|快速|不断|平均|分别|总体|预计|力争|率先|累计建成|连续[一两三四五六七八九十\d]年|[一两三四五六七八九十]年累计|新增|净增|均|将|已|又|再|共|计|就|各|要|年均)*"
    r"(?:达到?了?|增长|增加|增至|提高|提升|上升|扩大|发展|壮大|下降|降低|降至|减少|缩短|缩小|延长|压缩|精简|优化|压减|控制|突破|超过|超|实现|完成|保持|稳定|维持|为|有|是|约|近|迈[上入]|跃[上居升]|攀升|全年|可|"
    r"至|到|在|从|由|自|的|共|计|已|不得?低于|不得?少于|不得?高于|不得?超过|高于|低于|以|达|仅|只|各|左右|逾|了|累计|总数|总计|合计|，|:|：|增|升|降|分别)*$"
)


@cache
def canonical(printed: str) -> str:
    """Return a wording without what does not change the quantity, for comparing."""
    text = compact(half_width(printed)).upper()
    for pattern, word in _SYNONYMS:
        text = pattern.sub(word, text)
    text = _ENDING.sub("", _WEIGHTLESS.sub("", text))
    repeated = _REPEATED.match(text) if "占" not in text else None
    return f"{repeated[1]}{repeated[2]}{repeated[3]}比" if repeated else text


def stripped(words: str) -> str:
    """Return the noun of a clause before a number: without leading and trailing verbs (建成…达到)."""
    before = ""
    while words != before:
        before = words
        words = _AFTER.sub("", _BEFORE.sub("", _PLACED.sub("", _AMID.sub("", words.strip(' “”"，,、：:')))))
    if words.count("“") < words.count("”"):
        return f"“{words}"
    return f"{words}”" if words.count("“") > words.count("”") else words


def same(one: str, other: str) -> bool:
    """Whether two wordings name the same quantity."""
    return bool(one) and canonical(one) == canonical(other)


@cache
def named_alike(one: str, other: str) -> bool:
    """Whether one of the names of a thing is the other's: 细颗粒物（PM2.5）浓度 is PM2.5浓度 too."""
    return (
        same(one, other)
        or any(same(form, other) for form in _forms(one))
        or any(same(one, form) for form in _forms(other))
    )


def _forms(printed: str) -> list[str]:
    """The name with what stands in brackets in the place of the noun before them."""
    found = _IN_BRACKETS.fullmatch(half_width(printed))
    return [found[2] + found[3]] if found else []


def overlap(one: str, other: str) -> float:
    """Share of the letters of the shorter wording that the longer one has too."""
    first, second = canonical(one), canonical(other)
    short, long = sorted((first, second), key=len)
    return sum(letter in long for letter in short) / len(short) if short else 0.0


def similar(one: str, other: str) -> bool:
    """Whether two different wordings may name the same quantity, so that a person should look."""
    first, second = canonical(one), canonical(other)
    if first == second or ("比" in first[-1:]) != ("比" in second[-1:]):
        return False
    levels, others = set(_LEVELS.findall(first)) - {"以上"}, set(_LEVELS.findall(second)) - {"以上"}
    if levels and others and not levels & others:
        return False
    short, long = sorted((first, second), key=len)
    if long.endswith(short) and IN_SCOPE.fullmatch(long.removesuffix(short)):
        return False
    core, other_core = _LEVELS.sub("", first), _LEVELS.sub("", second)
    if min(len(core), len(other_core)) < 4:
        return False
    short, long = sorted((core, other_core), key=len)
    return (long.endswith(short) and len(short) * 2 > len(long)) or _dice(core, other_core) >= 0.75


def same_level(one: str, other: str) -> bool:
    """Whether both wordings name the same levels (市级, 市级以上)."""
    return sorted(_LEVELS.findall(canonical(one))) == sorted(_LEVELS.findall(canonical(other)))


def _dice(one: str, other: str) -> float:
    first = {one[index : index + 2] for index in range(len(one) - 1)}
    second = {other[index : index + 2] for index in range(len(other) - 1)}
    return 2 * len(first & second) / (len(first) + len(second)) if first and second else 0.0
