"""Quantities stated in sentences: what is counted, the number, its unit and the year it is for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from shizhu.engines.plan.logic.reader.boundaries import is_boundary
from shizhu.engines.plan.logic.reader.document import Place
from shizhu.engines.plan.logic.reader.fact import EACH_YEAR, SUMMED, Fact, Start, Term
from shizhu.engines.plan.logic.reader.outline import Passage
from shizhu.engines.plan.logic.reader.quantities import Quantity, quantities, without_bound
from shizhu.engines.plan.logic.reader.subjects import IN_SCOPE, SCOPE, stripped
from shizhu.engines.plan.logic.reader.units import comparable
from shizhu.engines.plan.logic.reader.values import number
from shizhu.engines.plan.logic.reader.years import western, year_of

_SENTENCE = re.compile(r"(?:[●◆■▲]\s*)?[^。！？；;\n●◆■▲]+[。！？；;\n]?")
_YEAR = re.compile(
    r"(?:截至|截止到?|到|至|从|由|自|于|比|较)?(?:20\d{2}年?\s*[-—–~～至]+\s*)?(?<!\d)20\d{2}年(?:年?[底末初])?(?:以?前|起)?的?"
    r"|(?:到|至)?[“\"]?十[一二三四五六七八九]五[”\"]?(?:规划)?(?:期?末|时期|期间|以来)?的?|(?:到|至)?规划期末"
    r"|(?<![比较与])[去今]年(?:以来|全年|末)?"
)
_NAMED_ASIDE = r"(?:[^()\d]{1,12}|[A-Za-z][A-Za-z\d.]{1,7}|[\d.]+[^()\d]{1,6}以[上下])"  # 助理, PM2.5, 56人及以上
_ASIDE = re.compile(rf"\((?:{_NAMED_ASIDE}|[^()\d]*)\)")
_LEFT_BOUND = re.compile(r"[，,、：()（）？！…]|(?<!\d):|:(?!\d)|》(?:提出|指出|明确)|[要将](?:努力)?实现(?!\d)")
_RIGHT_NOUN = re.compile(r"^的?([^，,、。；：:()（）\d！？]{2,24})")
_RIGHT_WHOLE = re.compile(r"^的([^，,、。；：:()（）！？]{2,30})")  # 80%的村集体收入超过10万元
_RIGHT_SERVED = re.compile(r"[一-鿿]{2,8}(?:通(?![过道])|建有|设有|配有|用上|接入)[一-鿿]{2}")  # 100%乡镇通三级路
_DESCRIBED = re.compile(
    r"^(?:在[^，,。；：]{2,8})?(?:具有|拥有|符合|具备)[^，,。；：]*的([^，,。；：的\d]{2,16})"
)  # 3个拥有…的创新型企业集群
_RIGHT_CUT = re.compile(r"和|与|及|以及|等|，|申报|达到|全部|(?<![户人日月年亩])均(?![衡等])")
# a verb before the number and a noun behind it: 举办了30多场农民夜校
_ACTING = re.compile(
    r"(?:实施|建成|建设|打造|培育|引进|组建|成立|帮扶|救助|资助|安置|设立|安排|锚定|争创|谋划|树立|铺设|开发|研发|获得|取得|拥有|新建|新增|创建|认定|建立|举办|开展|推广|覆盖|涉及|做好|布局|聚集|集聚|"
    r"形成|发展|完成|实现|申报|签约|整合|改造|转化|登记|孵化|招引|选派|培训|服务|带动|吸引|提供|入驻|遴选|评选|储备|推出|引入|指导|等)了?"
    r"(?:约|近|超过?|不少于|不低于|至少|全部|所有)?$"
)
# who is served and what with: 为3万名学生开展免费视力筛查
_SERVING = re.compile(r"(?<![称作成认分定视])[为向给]$")
_SERVED = re.compile(
    r"(?P<whom>[^，,。；：:、]{1,16}?)(?:开展|提供|实施|进行|组织|办理|(?P<kept>免费|发放|配[发备]|安装|解决))(?P<what>[^，,。；：:、]{2,16})"
)
_FOR_EACH = re.compile(r"(?=[户人]均)")  # 带动1.2万户农户户均增收8000元
_NAMELESS = frozenset({"项目", "工程", "方面", "领域", "环节", "重点", "大类", "受益"})  # 实施绕城公路等3个项目
_OWN_PLACE = re.compile(r".{2,8}?(?:省|自治区|自治州|自治县|(?<!城)市|(?<![市城社园景库灌林牧片矿])区|县|州|旗)")
_GROUPS = re.compile(
    r"教师|学生|幼儿园|小学|初中|高中|普通高中|中职(?:学校)?|高职|男性|女性|城镇|农村|城市|乡村|儿童|成人|企业|个人"
)
_GROUP_LAST = re.compile(
    rf"(?P<measure>.{{3,}}(?:率|比例|比重|占比|值|标准|面积|费用|收入))(?P<group>{_GROUPS.pattern})"
)
_LEVEL = r"(?:国家|省|自治区|市|州|县|区|部)级"
_LEVELS_BEFORE = re.compile(rf"(?:{_LEVEL}[、和及])+$")
_LEVEL_FIRST = re.compile(rf"(?:{_LEVEL}(?:[、和及]{_LEVEL})*)(?:以上)?")
_LEVEL_LAST = re.compile(rf"(?<=[一-鿿]{{2}}){_LEVEL}(?:以上)?$")
# what there is, until something lies ahead: 现有茶园10万亩，到2025年达到20万亩
_NOW = re.compile(r"(?:^|[，；：])(?:目前|现有(?!\d))(?!.*(?:力争|将|计划|预计|到[“\"\d十]))")
_WHERE = re.compile(r"(?:^|[^持制定留])在$")  # 在17个乡镇硬化道路10万平方米
_ALREADY = re.compile(r"(?:现有|已有|原有|现存)$")  # 依托现有3家龙头企业
_ONLY_DOING = re.compile(
    r"(?:培养|培育|招录|举办|巩固|提升|改善|整治|治理|修复|保护|保障|惠及|解决|带动|帮助|支持|扶持|资助|救助|发放|服务|培训|辐射|完成|实现|新增|改造|新改建|新建|改扩建|改建|扩建)+"
)
# what is told of a thing just named (建设湿地5处，面积1.3万平方米) or of one named behind it (面积1800平方米的大厅)
_DIMENSION = re.compile(r"(?:总|建筑|占地|年|综合)?(?:面积|长度|规模|投资|产值|产量|产能|里程|库容|容量|床位|能力)$")
_OF_CROPS = frozenset({"产量", "总产量", "总产", "单产", "产能", "产值", "总产值", "综合产值"})
_SOWN = re.compile(r"(?:播种|种植|栽培|经营|年?[出存]栏)$")
_TITLED = re.compile(
    r"\s*(?:[(（]?[\d一二三四五六七八九十]{1,3}[)）.、．]|[①-⑳])?\s*"
    r"([^。：:，,；;“”\d]{3,24}(?:项目|工程|中心|基地|园区?|平台|系统|水库|电站))[。：:]"
)
_OF_TITLED = re.compile(
    r"(?:规划|总)?占地(?:面积)?|(?:总)?建筑面积|设置床位|总?库容|(?:总|计划|估算)?投资|总?装机(?:容量)?"
)
_PAID_FOR = re.compile(r"投资$")
_SIZED_NOUN = re.compile(r"^的([^，,、。；：:()（）\d！？]{2,24})")
# a count whose noun stands behind a size: 3个产值超20亿元的产业集群
_WORTH = (
    r"(?:(?!提|增|达|升|降|减|扩|[到至以和与及])[^，,。；：:、\d]{1,8}?)?(?:超过?|过|不低于|达到?|突破)?"
    r"(?:(?:\d+(?:\.\d+)?|[一二三五十百千]+)(?:万亿|[百千万]?亿|万)元?级?(?:以上)?|\d+(?:\.\d+)?万?(?:吨|千伏|kV|[千兆]瓦)级)"
)
# of several counts only the last names what is counted: 2个1000亿、3个500亿产业集群
_NOUN_BEHIND_WORTH = re.compile(
    rf"^({_WORTH}的?)(?:、[\d—-]+[个家条户]{_WORTH})*的?(?![以左])([^，,、。；：:()\d元级]{{2,16}})"
)
_NOUN_BEHIND_SIZE = re.compile(
    r"^([^，,。；：:、\d]{1,8}(?:超过?|不低于|达到?|突破)?\d+(?:\.\d+)?[^，,。；：:、\d]{1,6}?的[^，,、。；：:()\d]{2,16})"
)
# a clause that only goes on: …翻一番以上，达到12万元
_GOES_ON = re.compile(
    r"^(?:(?:力争|将|要|均|累计)到?)?(?:达到?|提[高升][到至]|增[长加]?[到至]|(?:上升|发展|扩大|壮大)[到至]|控制在|保持在|稳定在|突破|超过|不[得应]?[低高]于|不[得应]?[少超][于过]|"
    r"下?降低?[到至]|[延缩][短小长][到至]|压缩[到至])(?:约|近)?$"
)
_CHANGE_BEGINS = re.compile(
    r"(?:比|较|在20|由|从|以|翻|将|继续|进一步|稳步|持续|不断|显著|明显|大幅|基本|全面|提[高升]|增[长加]|下降|降低).*$"
)
_MEASURED = re.compile(r"(?:值|率|比|量|额|数|入|资|积|程|度|重|命|例|力|模)$")
_DONE_ANEW = re.compile(r"(?:改造|提升|改扩?建|扩建|修缮|升级|更新|维修)+")  # 新建泵站5座，改造12座
_DONE = re.compile(r"(?:新建|改建|扩建|续建|改扩建|改造)(?:、(?:改建|扩建|续建|改扩建|改造))*")
_MORE_OF_IT = re.compile(r"再新?建成?|[一二三四五\d]年")  # 建成农田8万亩，到2025年再建6万亩; 每年创建20个，五年100个
_NOT_DONE = re.compile(r"(?:新增|恢复|新建|改建|扩建|改造|新改建)$")
_BUILT = re.compile(r"(?:累计|共|已)*(?:建成|新建|建设|完成)")  # 到2025年累计建成36万亩 of what was built before
_ALL_OF_IT = frozenset({"总量", "总额", "总数", "总规模"})  # 地区生产总值年均增长6%，总量达到280亿元
_TOTAL = re.compile(r"总数|总量|总计|共计")
_NAMES_APART = re.compile(r"、|以及|和(?!谐)|与|(?<!普)及(?![率格时其])")
_CLAUSE_LEAD = re.compile(r"(?:^|[，。；：])([^，。；：]+)$")
_TAIL = re.compile(
    r"(?:产业|行业|企业)?(?:总?产值|增加值|收入|(?:播种|种植|栽培|养殖)?面积|产量|(?:使用|施用|排放|(?:重点工程)?减排|消费|供应)总?量|装机(?:容量)?|人数|数量|规模|投资|标准|(?:报销|支付|达标|使用)?比例|比重|占比|毛?[一-鿿]{2}率|[出存]栏量?)$"
)
_SIDE = re.compile(r"城[镇市区]|县城|[农乡]村|乡镇|(?:国家|省|市|县)级|小学|初中|高中")  # 城镇、农村低保标准分别…
# one number of several things: 风电、太阳能总装机容量; but 完善制度、建设水库5座 does two things
_IN_ALL = re.compile(r"^总|总(?:产[值量]|装机|面积|收入|规模|里程|量|数)")
_IMPROVING = re.compile(
    r"完善|加[强快大]|强化|优化|健全|深化|提[高升]|推[进动]|促进|支持|鼓励|引导|开展|围绕|依托|做[大强优]|落实"
)
# where a value holds is told before or behind it: 在示范县，…率达到99%, …率达到62%（示范县）
_SCOPE_ABOVE = re.compile(rf"(?:^|[，。；：:])在?({SCOPE})(?:范围内|内|中)?[，：:]$")
_SCOPE_BEHIND = re.compile(rf"\(({SCOPE})\)")
_SHARE = re.compile(r"(?:率|比例|比重|占比)$")
_MONTH = re.compile(r"^\d{1,2}月(?:份|中旬|[底末])?(?:以?前)?")
_WITHIN = re.compile(r"^(?:力争)?[\d一二三四五]年内")
_LISTED_YEARS = re.compile(r"(?:20\d{2}年?(?:年?[底末])?[、和及])+20\d{2}年")  # 到2023年、2025年分别达到
_APART = re.compile(r"([^，,。；：:]*?)(?:数量)?(?:将|要)?分别(?:达到?|为|增长到|增加到|提高到|增至|建成)?")
_BOTH = re.compile("城乡((?:常住)?居民)")
_BARE_RATE = re.compile(r"(?:按[时期])?[一-鿿]{2}率$")
_PER_HEAD = re.compile(r"每[十百千万\d]+名?(?:常住|服务)?人口?(?:拥有)?")
_SHARES_APART = re.compile(
    r"(?<=率)(?:、|以及|[和与及])|(?<=比[例重])(?:、|以及|[和与及])|(?<=占比)(?:、|以及|[和与及])"
)
_DEALT = "分别"  # stands for the subject of a value until A、B分别达到x、y is dealt out
_TO = re.compile(r"[到至为达升降增减]")
# a year that only tells what to compare with: 由2020年的42%提升至57%, 比2015年增长20%, 在2020年基础上
_COMPARED = re.compile(
    r"[由从自比较与][“\"]?(?:20|十.五)"
    r"|20\d{2}年(?:年?[底末初])?的?(?=(?:的?基础上|相比))"
)
# what a value is raised from stands between 由 and this: 由2020年的42%提升至57%
_ORIGIN = re.compile(
    r"[由从自](?:20\d{2}年(?:年?[底末初])?的?|(?:目前|现在|当前|原来|原先|原有|[“\"]?十.五[”\"]?(?:期?末|时期)?)的?)?(?:约|近|不足|不到)?(?:人均)?$"
)
_ITEM = re.compile(
    r"^\s*(?:\d{1,2}\.(?!\d)|\d{1,2}\.(?=20\d{2}年)|\d{1,2}(?:\.\d{1,2})+[.、\s]\s*(?=\D)"
    r"|[★☆●○■□◆◇▲△▶►➢➤✓√•·※*])\s*"
)
_BY_UNIT = re.compile(r"以[^，。]{1,14}为单位")  # 接种率以乡镇为单位保持在95%以上
_FROM_NUMBER = re.compile(
    r"[由从自](?:(?:目前|现在|当前|原来|原先|原有)的?)?(?:人均)?\d.*$"
    r"|[由从自](?:(?:目前|现在|当前|原来|原先|原有)的?(?:人均)?|人均)$"
)
_RAISED = re.compile(
    r"^(?:左右|以上|以下)?，?(?:稳步|逐步|进一步|大幅|持续|快速)?"
    r"(?:提[高升]|增[长加]?|上升|扩大|扩展|发展|壮大|下降|降低|降|减少|压减|缩[短小]|优化|调整|拓展|延长|改善)了?(?:到|至|为)"
    r"|^再?(?:提[高升]|增[长加]|下降|降低|减少)(?:约|近|超过?)?[\d.]+个百分点，(?:达到?|至|为)"
)
# by how much a value lies above or below the base: 达到10%以上，比2020年提高3.2个百分点
_ABOVE_BASE = (
    r"[比较](?:20(?P<year>\d{2})年(?:年?底|末)?|[“\"]?十.五[”\"]?期?末)"
    r"(?:再|累计)?(?:(?P<up>提[高升]|增[加长]|上升|延长)|下降|降低|减少|缩[短小])了?(?:约|近)?"
    r"(?P<by>\d+(?:\.\d+)?)(?P<unit>个?百分点|[^\d，,。；;、]{1,6}?)"
)
_BASE_BEHIND = re.compile(rf"^[，,]?\(?{_ABOVE_BASE}(?:以上|左右)?(?=[，,。；;、)]|$)")
_BASE_BEFORE = re.compile(rf"{_ABOVE_BASE}[，,]?(?:达到?|[到至]|为)$")
_NO_NOUN = re.compile(
    r"增|提|到|达|以上|左右|下降|降|上升|减|扩大|、|和|及|与|占|为|是|的|之|其中|分别|并|共|以|均|且|在|由|从"
)
_CHANGE = re.compile(
    r"(?:增长|提高|提升|下降|降低|增加|减少|缩短|上升|压减|增幅|降幅|翻|同比|新增|净增|新建|改建|扩建|新引进|新培育|增速)了?(?:累计)?(?:约|近)?$"
)
_EVERY = re.compile(
    rf"{EACH_YEAR}|^.*(?<!人)每年(?!度)(?:至少|安排|招录|举办|投入|组织(?!部))?|^(?:全部|[一二三四五六七八九十\d]+)年(?=累计|共|实施|完成|新[增建]|培[训育养]|建成|补充|引进|招录|打造|创建|治理|盘活|筹集)共?"
)
_SORTS_END = re.compile(r"[\d一二三四五六七八九十]+(?:大类|大项|[类批])$")  # 重点工程5大类62项
_NO_LESS = re.compile(r"(.{2,})不[低少]于(.{2,}[总人件次]?[数量额]的)$")  # 骨干教师不低于交流总数的20%
_FOLD_END = re.compile(r"(?:在.{0,12}基础上)?(?:再|实现)?翻$")
_WITHIN_BRACKETS = re.compile(r"\((?:其中|包括|包含|含)[^()]*$")
_PART_REACHED = re.compile(r"其中[^()]*?(?:达到?|不[低少]于|超过|突破|[高加升大长]到|控制在|稳定在|保持在)[^()]*$")
_BESIDE_PARTS = re.compile(r"，(?:力争|预计|全年)?(?:实现|带动)[^，]*$")  # 其中…20亿元，实现税收5亿元
_STEP = re.compile(r"(?:同比|年度)?增长(?:约|近|不低于|超过?)?")  # 地区生产总值达到85亿元，增长8%
_FLOW = re.compile(r"净增|(?<!人)每年|年均(?!.*[率度重例])|同比|比上年|力争.*增加")
_ADDED = re.compile(
    r"^.{0,4}?(?:新增|引进|改扩建|新改建|改建|扩建|新建成?|新培育|新发展|新打造|新创建|新认定|新获批|新入库|新铺|再新?建|净增)(?![材城区能兴型]|劳动力)|.(?:新增|净增)(?:约|近)?$"
)
_GROWTH = re.compile(
    r"每年(?:增长|递增)|年均(?:增长|增速|增幅|递增|增(?!加)|(?=(?:实际|名义|约|近|超过?|达到?|不低于|不少于|保持在)?$))"
)
_LEAD_YEAR = re.compile(
    r"^(?:\s*\d{1,2}[.、])?\W*(?:力争)?(?:到|截至|截止|至)?(?:[去今]年(?:以来|全年)?|20\d{2}年(?:年?[底末])?(?:以?前)?|[“\"]?十.五[”\"]?(?:规划)?(?:期?末|期间|时期))[，,]?"
)


@dataclass
class _Reading:
    """Where the reading of a passage stands."""

    passage: Passage
    term: Term
    own_place: str
    titled: str  # the project that it tells of (1.县医院搬迁项目。占地150亩), "" for none
    paragraph_year: int | None = None
    carried_year: int | None = None  # named before the ； that the sentence goes on from
    last: Fact | None = None
    counted: tuple[str | None, ...] = ()  # the units of the sentence before
    dealt: tuple[str, ...] = ()  # the names that values were dealt out to last
    lists_parts: bool = False  # 其中，大气类9项；水类24项；…


def read_facts(passages: list[Passage], term: Term, title: str = "") -> list[Fact]:
    """Return all quantities of the running text in order; the place in the title is no part of a name."""
    facts: list[Fact] = []
    own = _OWN_PLACE.match(title.removeprefix("中共"))
    for passage in passages:
        if passage.section == "terms" or is_boundary(passage.text):
            continue
        titled = _TITLED.match(passage.text)
        reading = _Reading(
            passage, term, re.escape(own.group()) if own else "\0", stripped(titled[1]) if titled else ""
        )
        for sentence in sentences(passage):
            facts += _facts_of(sentence, reading)
    return facts


def sentences(passage: Passage) -> Iterator[re.Match[str]]:
    """The sentences of a passage with their places in its text."""
    return _SENTENCE.finditer(western(passage.text))


def _facts_of(sentence: re.Match[str], reading: _Reading) -> list[Fact]:
    text = sentence.group()
    lead = _LEAD_YEAR.match(text)
    if lead:
        told = _told_year(lead.group(), reading.term)
        reading.paragraph_year = (
            None if told and sentence.start() and reading.term.is_between(told) else told or reading.paragraph_year
        )
    facts: list[Fact] = []
    end = 0
    start: Start | None = None
    for found in quantities(text):
        if found.start < end:
            continue
        if _WHERE.search(text, end, found.start):
            end = found.end + len(_noun_after(text[found.end :], found.unit))
            continue
        before = _before(facts, text[end : found.start])
        fact = _fact(text, found, end, before, reading)
        if fact and "百分点" in (fact.unit or "") and start:
            continue
        if fact and start and facts:
            start = start.told_in(facts[-1].unit, fact.unit)
            fact = replace(fact, subject=facts[-1].subject, kind="level", start=start)
        start = None
        if fact and _ORIGIN.search(text, 0, found.start) and _RAISED.search(text[found.end :]):
            fact = replace(fact, kind="level", year=_year_of_start(text[: found.start], reading), printed_year=False)
            start = Start(fact.value, fact.year, found.text)
        if fact and fact.kind == "level" and fact.start is None:
            fact = replace(fact, start=_start_by_change(text, found, reading.term))
        end = found.end + (fact.taken if fact else 0)
        if fact:
            place = reading.passage.place(sentence.start() + max(0, found.start - 1), sentence.start() + found.end)
            identity = (reading.passage.lines[0], sentence.start())
            facts.append(replace(fact, place=place, sentence=identity, position=found.start))
    facts = _as_parts(text, facts, reading)
    if lead and any(fact.printed_year and fact.year != reading.paragraph_year for fact in facts):
        reading.paragraph_year = None  # 到2022年…，到2025年…: what follows is for neither
    reading.counted = tuple(fact.unit for fact in facts) or reading.counted
    reading.last = next((fact for fact in reversed(facts) if fact.kind == "level"), reading.last)
    if facts or text[-1] not in "；;":
        reading.carried_year = facts[-1].year if facts and facts[-1].printed_year and text[-1] in "；;" else None
    return _dealt_out(text, _shared(text, facts), reading)


def _as_parts(text: str, facts: list[Fact], reading: _Reading) -> list[Fact]:
    """Behind 其中，大气类9项； what the sentence goes on with is a part too."""
    opens, goes_on = text.startswith("其中"), reading.lists_parts
    reading.lists_parts = (opens or goes_on) and text[-1] in "；;"
    if opens or not goes_on or _PART_REACHED.search(f"其中{text}"):
        return facts
    return [replace(fact, after_of_which=True, is_detail=True) for fact in facts]


def _start_by_change(text: str, found: Quantity, term: Term) -> Start | None:
    """The base that follows from a value and by how much it lies above it, where both have one unit."""
    told = _BASE_BEHIND.match(text[found.end :]) or _BASE_BEFORE.search(text[: found.start])
    points = {"个百分点": "%", "百分点": "%"}
    if (
        told is None
        or found.high
        or points.get(told["unit"], told["unit"]) != found.unit
        or found.unit == told["unit"] == "%"
    ):
        return None
    change = number(told["by"]) * (-1 if told["up"] else 1)
    base = round(number(found.low) + change, 4)
    year = 2000 + int(told["year"]) if told["year"] else term.base
    return Start(base, year, told.group().strip("，,(")) if base >= 0 else None


def _before(facts: Sequence[Fact], between: str) -> Fact | None:
    """The quantity that a number may go on from: behind brackets that list parts it is the whole."""
    closed = ")" in between
    return next((fact for fact in reversed(facts) if not (closed and fact.is_detail)), None)


def _year_of_start(before: str, reading: _Reading) -> int | None:
    """The year that a value is raised from: as printed behind 由, else the base of the plan where it looks ahead."""
    origin = _ORIGIN.search(before)
    printed = year_of(origin.group()) if origin else None
    return printed or (reading.term.base if reading.passage.section != "basis" else None)


def _fact(text: str, found: Quantity, start: int, before: Fact | None, reading: _Reading) -> Fact | None:
    """Read one quantity; `start` is where the one before it ended."""
    lead = _ASIDE.sub(lambda aside: "\0" * len(aside.group()), text[start : found.start])
    bound_left = max((mark.end() for mark in _LEFT_BOUND.finditer(lead)), default=0)
    clause = _Clause(
        segment=re.sub(rf"{reading.own_place}(?![域级])", "", _without_years(lead[bound_left:].replace("\0", ""))),
        joined=bound_left == 0,
        listed=bound_left > 0 and lead[bound_left - 1] == "、", rest=text[found.end :],
        dealt="分别" in text[: found.start], titled=reading.titled,
        above=_noun_above(lead[:bound_left].replace("\0", ""), whole=start == 0),
    )  # fmt: skip
    unit = found.unit
    kind = _kind(clause.segment, unit)
    year, printed = _year(text, found.start, reading)
    named, whole = _subject(clause.segment, unit)
    if before is None and reading.last and not named and _goes_on_from_last(clause):
        before = reading.last if reading.last.unit == unit else None
    subject, partial, taken = _named(kind, named, clause, before, unit)
    # the examples are the name where nothing else is: 单项冠军、科创上市企业等10家
    if not subject and clause.segment.endswith("等") and clause.rest[:1] in "，。；、":
        subject = stripped(re.split("[，。；：]", text[: found.start])[-1].removesuffix("等"))
    subject = _of_levels(_of_several(subject, lead[:bound_left], clause), lead[:bound_left], before, unit)
    subject = _of_group(subject, before, unit)
    if kind == "level" and subject and not IN_SCOPE.match(subject):
        scope = _SCOPE_ABOVE.search(text[: start + bound_left]) or _SCOPE_BEHIND.match(clause.rest)
        subject = scope.group(1) + subject if scope else subject
    heads = _PER_HEAD.match(before.subject) if before and clause.listed and unit == before.unit else None
    if heads and subject.endswith("数") and not subject.startswith("每"):  # 每千人口医师数达到3人、护士数达到4人
        subject = heads.group() + subject
    if len(subject) < 2 or _ALREADY.search(clause.segment):
        return None
    is_part = _is_part(text[: found.start], unit, reading.counted)
    if is_part and kind == "level" and before and unit == before.unit and _is_of_whole(subject, before):
        subject = f"{before.subject}：{subject}"
    return Fact(
        carried=bool(before) and not named and subject == (before.subject if before else ""),
        subject=_with_asides(subject, text[start : found.start]), value=number(found.low), unit=unit, year=year,
        printed_year=printed,
        bound=found.bound(clause.segment), kind=kind, decimals=len(found.low.partition(".")[2]),
        place=Place(0, 0), text=_clause(text, found), section=reading.passage.section, sentence=(0, 0), position=0,
        taken=taken, in_table=reading.passage.in_table, whole=whole, partial=partial,
        high=number(found.high) if found.high else None,
        after_of_which=is_part,
        is_detail=is_part and not _PART_REACHED.search(text[: found.start]),
    )  # fmt: skip


@dataclass(frozen=True)
class _Clause:
    """The words around a number: before it, whether nothing parts them from the number before, and behind it."""

    segment: str
    joined: bool
    listed: bool
    rest: str
    dealt: bool
    titled: str  # the project that the passage begins with
    above: str  # the noun that the clause before it begins with, where that clause states no number


def _named(kind: str, subject: str, clause: _Clause, before: Fact | None, unit: str | None) -> tuple[str, bool, int]:
    """Return what is counted, whether its name may be cut, and how many characters behind the number name it."""
    if kind == "share":
        return before.subject if before else "", False, 0
    if before and (carried := _carried(kind, subject, clause, before, unit)):
        return carried, before.partial, 0
    if not subject and _goes_on_from_last(clause) and not (unit in {"%", "‰"} and _noun_after(clause.rest, unit)):
        return clause.above or (before.subject if before else ""), bool(before and before.partial), 0
    if unit == "%" and len(subject) > 1 and clause.rest.startswith("覆盖"):  # 5G网络、千兆光网100%覆盖
        return f"{subject}覆盖率", clause.listed, 0
    sized = _titled(subject, clause, unit) or _sized(subject, clause, before, unit) or _served(clause, unit)
    if sized:
        return sized
    if len(subject) < 2 or _ACTING.search(clause.segment) or _ONLY_DOING.fullmatch(subject):
        noun = _noun_after(clause.rest, unit)
        covering = subject.removesuffix("全部")
        if noun and len(covering) > 4 and covering.endswith("覆盖"):  # 收运体系覆盖98%的行政村
            return covering + noun, False, len(noun.removesuffix("占比"))
        subject = "" if _DONE_ANEW.fullmatch(subject) else subject
        return noun or subject or (_DEALT if clause.dealt else ""), clause.listed, len(noun.removesuffix("占比"))
    return subject, clause.listed, 0


def _goes_on_from_last(clause: _Clause) -> bool:
    """Whether a number that nothing names is of what the sentence before was about."""
    built = _BUILT.fullmatch(clause.segment) and not re.match(r"[“《]?[一-鿿]{2}", clause.rest)
    return bool(built or _GOES_ON.match(clause.segment.removeprefix("其中")))


def _carried(kind: str, subject: str, clause: _Clause, before: Fact, unit: str | None) -> str:
    """The name that a number takes from the one before it, "" where it has its own."""
    if subject.startswith("占") and unit in {"%", "‰"}:
        return before.subject + subject
    if kind == before.kind == "level" and unit == before.unit and IN_SCOPE.fullmatch(subject):  # 县城达到80%
        whose = IN_SCOPE.sub("", before.subject, count=1) if IN_SCOPE.match(before.subject) else before.subject
        return subject + whose if len(whose) > 2 else ""
    summed = before.is_yearly and SUMMED.search(clause.segment) and len(_ONLY_DOING.sub("", subject)) < 2
    alone = unit == before.unit and not before.partial and not _noun_after(clause.rest, unit)
    if summed or (alone and _MORE_OF_IT.fullmatch(clause.segment.strip())):
        return before.subject
    if alone and _DONE_ANEW.fullmatch(subject):
        return before.subject + subject
    if subject in _ALL_OF_IT:
        return before.subject if _MEASURED.search(before.subject) else before.subject + subject
    other_measure = not clause.segment.strip() and not clause.dealt and unit not in {None, "%", "‰", before.unit}
    if other_measure and not _noun_after(clause.rest, unit):  # 改造2600户、9800人
        return before.subject
    if _STEP.fullmatch(clause.segment) and unit == "%" and before.unit not in {"%", "‰"}:
        return before.subject
    return before.subject if not subject and (kind == "growth" or _goes_on(clause, before)) else ""


def _titled(subject: str, clause: _Clause, unit: str | None) -> tuple[str, bool, int] | None:
    """Name what stands behind names in quotes (“清溪茶”2个公用品牌), or what is told of the project in the title."""
    if clause.segment.endswith("”") and unit not in {"%", "‰"} and (noun := _noun_after(clause.rest, unit)):
        return noun, False, len(noun)
    if clause.titled and _OF_TITLED.fullmatch(subject):
        return subject if _PAID_FOR.search(subject) else clause.titled + subject, False, 0
    return None


def _sized(subject: str, clause: _Clause, before: Fact | None, unit: str | None) -> tuple[str, bool, int] | None:
    """Name what has a size: the thing behind the size, or the one before that only its size is told of here."""
    behind = _NOUN_BEHIND_SIZE.match(clause.rest)
    if behind and unit not in {"%", "‰"}:
        return behind.group(1), False, behind.end()
    worth = _NOUN_BEHIND_WORTH.match(clause.rest)
    if worth and unit not in {"%", "‰"}:
        return worth.group(1) + worth.group(2), False, worth.end(1)
    dimension, whose = _DIMENSION.search(subject), _SIZED_NOUN.match(clause.rest)
    if dimension and whose:
        return f"{stripped(whose.group(1))}{dimension.group()}", False, whose.end()
    if dimension and dimension.group() == subject and before and before.kind in {"level", "added"}:
        whose_size = _DIMENSION.sub("", before.subject)
        return _SOWN.sub("", whose_size) + subject if subject in _OF_CROPS else whose_size + subject, before.partial, 0
    return None


def _served(clause: _Clause, unit: str | None) -> tuple[str, bool, int] | None:
    """Name those who are served and what with."""
    found = _SERVED.match(clause.rest) if _SERVING.search(clause.segment) and unit not in {"%", "‰"} else None
    return (found["whom"] + (found["kept"] or "") + found["what"], False, found.end()) if found else None


def _goes_on(clause: _Clause, before: Fact) -> bool:
    """Whether a number without a noun is of the quantity before it: …增长到50座, 总数达到50座."""
    return (clause.joined and before.kind == "level" and bool(_TO.search(clause.segment))) or bool(
        _TOTAL.search(clause.segment)
    )


def _year(text: str, position: int, reading: _Reading) -> tuple[int | None, bool]:
    """Return the year that holds at a position: the last one named before it, the paragraph's, or the section's."""
    dated = [(match.start(), match.group()) for match in _YEAR.finditer(text, 0, position)]
    named = [year for start, year in dated if not any(_COMPARED.match(text, at, position) for at in (start, start - 1))]
    if named:
        return _told_year(named[-1], reading.term), True
    if _NOW.search(text, 0, position):
        return reading.term.base, False
    if reading.carried_year is not None:
        return reading.carried_year, True
    if reading.paragraph_year is not None:
        return reading.paragraph_year, True
    if reading.passage.year is not None and reading.passage.section != "basis":
        return reading.passage.year, True
    return reading.term.of(reading.passage.section), False


def _is_part(before: str, unit: str | None, counted: Sequence[str | None]) -> bool:
    """Whether a number behind 其中 is a part of what stands before it: what has another measure stands beside it."""
    if _WITHIN_BRACKETS.search(before):  # 125个村庄（包括63个省级村、62个县级村）
        return True
    head, own, parts = before.rpartition("其中")
    whole = [one.unit for one in quantities(head)][-1:] or counted
    units = [*(one.unit for one in quantities(parts)), unit]
    parted = bool(own and whole) and all(any(comparable(one, part) is not None for one in whole) for part in units)
    return parted and not _BESIDE_PARTS.search(parts)


def _is_of_whole(subject: str, before: Fact) -> bool:
    """Whether a part has no measure of its own (…交流轮岗比例达到10%，其中骨干教师不低于20%)."""
    return bool(_MEASURED.search(before.subject)) and not _MEASURED.search(subject) and subject != before.subject


def _told_year(words: str, term: Term) -> int | None:
    """The year that words name; 去年, 今年 and 规划期末 are those of the plan."""
    if "去年" in words or "以来" in words:
        return term.base
    return term.target if "规划期末" in words or "今年" in words else year_of(words)


def _kind(segment: str, unit: str | None) -> str:
    bare = segment.strip(" ，,")
    if unit in {"%", "‰"} and re.match(r"占(?!.*比[重例])", bare):
        return "share"
    if _GROWTH.search(bare):
        return "growth"
    if _ADDED.search(bare) and unit not in {"%", "‰"}:
        return "added"
    if _CHANGE.search(bare) or (unit not in {"%", "‰"} and _FLOW.search(bare)) or (unit and "百分点" in unit):
        return "change"
    return "level"


def _subject(segment: str, unit: str | None) -> tuple[str, str]:
    """Return the noun before the number and, for a share, what it is a share of."""
    words = _ITEM.sub("", _FROM_NUMBER.sub("", _BY_UNIT.sub("", without_bound(segment))))
    words = _SORTS_END.sub("", _FOLD_END.sub("", _every(words)))
    words = _NO_LESS.sub(r"\1占\2", words) if unit in {"%", "‰"} else words
    ratio = re.fullmatch(r"(.*?)占(?!比)(.*?)的?", words) if unit in {"%", "‰"} else None
    if ratio and not re.search(r"比[重例]?$|比重", stripped(words)):
        own = stripped(ratio.group(1).removesuffix("的"))
        of = stripped(ratio.group(2))
        return (f"{own}占{of}比重" if of else f"{own}占比") if own else "", of
    if unit in {"%", "‰"} and _GROWTH.search(words):
        words = _GROWTH.sub("", words)
    last = re.split(r"(?<![高中同平初均优])等(?![级候])", words)[-1]
    return stripped(last), ""


def _of_group(subject: str, before: Fact | None, unit: str | None) -> str:
    """The name with whom it is of before it: 开通率教师达到100%、学生达到90%."""
    own = _GROUP_LAST.fullmatch(subject)
    if own:
        return own["group"] + own["measure"]
    if before is None or before.unit != unit or not _GROUPS.fullmatch(subject):
        return subject
    led = _GROUPS.match(before.subject)
    measure = before.subject[led.end() :] if led else ""
    return subject + measure


def _every(words: str) -> str:
    """Take 每年 and what stands before it away; 教师培训每年达到2万人次 names before it what is to be done."""
    behind = _EVERY.sub("", words)
    return behind if stripped(behind) or "每年" not in words else words.partition("每年")[0]


def _with_asides(subject: str, words: str) -> str:
    """The name as it is printed: 每千人口执业（助理）医师数, not 每千人口执业医师数."""
    if "(" not in words:
        return subject
    inside = rf"(?:\({_NAMED_ASIDE}\))?"
    printed = re.search(inside.join(map(re.escape, subject)) + r"(?:\([A-Za-z][A-Za-z\d.]{1,7}\))?", words)
    return _wide(printed.group()) if printed else subject


def _wide(name: str) -> str:
    return name.replace("(", "（").replace(")", "）")


def _of_levels(subject: str, words: str, before: Fact | None, unit: str | None) -> str:
    """The name with all its levels (国家级、省级基地); a level alone is of what was counted before it."""
    if before and _LEVEL_FIRST.fullmatch(subject):
        if own := _LEVEL_LAST.search(before.subject):  # 非遗项目省级15项、市级40项
            return before.subject[: own.start()] + subject
        if _LEVEL_FIRST.match(before.subject):
            return _LEVEL_FIRST.sub(subject, before.subject, count=1)
        whose = re.sub("^(?:全国|国家)", "", before.subject)  # 全国示范社区5个、市级15个
        return subject + whose if before.unit == unit and unit not in {"%", "‰"} else subject
    above = _LEVELS_BEFORE.search(words)
    return above.group() + subject if above and _LEVEL_FIRST.match(subject) else subject


def _of_several(subject: str, words: str, clause: _Clause) -> str:
    """The name of one rate or number of several things (高血压、糖尿病患者规范管理率) with all of them."""
    if not clause.listed or "等" in clause.segment or clause.dealt:
        return subject
    names = re.split(r"[，,：:；。！？]", words.removesuffix("、").replace("\0", ""))[-1]
    own = clause.segment.strip(" “”").startswith(subject) and (_IN_ALL.search(subject) or not _MEASURED.search(subject))
    if _NOT_DONE.search(names):  # 新增、恢复及改善灌溉面积5万亩
        done = _DONE_ANEW.match(subject) if _DONE.fullmatch(names) else None  # 新建、改扩建幼儿园86所
        return f"{names}、{subject}" if done or (_SHARE.search(subject) and _DONE_ANEW.fullmatch(names)) else subject
    if not _SHARE.search(subject) and (not own or _IMPROVING.match(names) or _LEVELS_BEFORE.search(words)):
        return subject
    several = stripped(_without_years(_ITEM.sub("", names)))
    alone = any(_MEASURED.search(name) or re.search(r"\d(?!G)", name) for name in _NAMES_APART.split(names))
    return subject if alone or len(several) < 2 else f"{several}、{subject}"


def _noun_above(before: str, *, whole: bool) -> str:
    """Return what the clause before is about: 人均地区生产总值 of 人均地区生产总值比2020年翻一番以上.

    `whole`: no number stands before, so that the first clause is not the rest of one.
    """
    clauses = [part for part in re.split(r"[，,]", before) if part.strip()][0 if whole else 1 :]
    noun = stripped(_CHANGE_BEGINS.sub("", _without_years(clauses[-1]))) if clauses else ""
    return noun if _MEASURED.search(noun) else ""


def _without_years(segment: str) -> str:
    """Take the years out of a clause but leave the 到 of 增长到2025年."""
    dated = _YEAR.sub(lambda found: "到" if found.start() and found.group()[0] in "到至" else "", segment)
    return _MONTH.sub("", _WITHIN.sub("", dated))


def _noun_after(rest: str, unit: str | None) -> str:
    """Return the noun behind the number: 6座水库, 45%的行政村通公交."""
    found = _RIGHT_NOUN.match(rest)
    if not found:
        return ""
    if unit in {"%", "‰"}:
        whole = rest.startswith("的") or _RIGHT_SERVED.match(rest)
        return stripped((_RIGHT_WHOLE.match(rest) or found).group(1)) + "占比" if whole else ""
    described = _DESCRIBED.match(rest)
    if _NO_NOUN.match(found.group(1)) and not described:
        return ""
    noun = described.group(1) if described else _FOR_EACH.split(_RIGHT_CUT.split(found.group(1))[0])[0].strip()
    return "" if noun in _NAMELESS else noun


def _clause(text: str, found: Quantity) -> str:
    """Return the clause around a number, as the words to show."""
    start = max(text.rfind(sign, 0, found.start) for sign in "，,。；：") + 1
    end = min((position for sign in "，,。；" if (position := text.find(sign, found.end)) >= 0), default=len(text))
    return text[start:end].strip()


def _shared(text: str, facts: Sequence[Fact]) -> list[Fact]:
    """A率、B率达到x: each of the names that one value is stated for gets it."""
    told: list[Fact] = []
    for fact in facts:
        lead = _CLAUSE_LEAD.search(text, 0, fact.position)
        parted = _SHARES_APART if fact.kind == "level" else _NAMES_APART
        names = [stripped(_without_years(_ITEM.sub("", name))) for name in parted.split(lead.group(1))] if lead else []
        several = len(names) > 1 and fact.subject.endswith(names[-1])
        alone = several and fact.unit == "%" and _DEALT not in (lead.group(1) if lead else "")
        each = {"level": _SHARE, "change": _MEASURED}.get(fact.kind)
        if alone and each and all(each.search(name) for name in names):
            told += [replace(fact, subject=_wide(name), partial=False) for name in _headed(names)]
        else:
            told.append(fact)
    return told


def _with_measures(names: list[str]) -> list[str]:
    """城镇居民 and 农村居民人均收入: what is measured of a name is measured of those before it that say nothing."""
    of_all = re.fullmatch(r"(.{2,}?)(?<![高中同平初均优])等(?![级候])(.{2,})", names[-1])
    if of_all:  # 氨氮、氮氧化物等减排量
        return [*(f"{name}{of_all[2]}" for name in names[:-1]), f"{of_all[1]}{of_all[2]}"]
    names = _headed(names)
    told = [names[-1]]
    for name in reversed(names[:-1]):
        behind = told[0]
        own = _TAIL.search(behind)
        if _SIDE.fullmatch(name) and (side := _SIDE.match(behind)):
            told.insert(0, name + behind[side.end() :])
            continue
        if 1 < len(name) < 5 and name[-1] == behind[len(name) - 1 : len(name)]:  # 国控、市控断面优良比例
            told.insert(0, name + behind[len(name) :])
            continue
        tail = (
            ""
            if _MEASURED.search(name) and not name.endswith("需氧量")
            else behind.partition(name[-2:])[2] or (own.group() if own else "")
        )
        told.insert(0, f"{name}{tail}")
    return told


def _headed(names: list[str]) -> list[str]:
    """A rate that says nothing of what (视频监控覆盖率、联网率) is of what the first name is of."""
    head = _BARE_RATE.sub("", names[0])
    heads = _PER_HEAD.match(names[0])
    told = [f"{head}{name}" if len(head) > 1 and _BARE_RATE.fullmatch(name) else name for name in names[1:]]
    if heads:  # 每千人口医师数、护士数
        told = [heads.group() + name if name.endswith("数") and not name.startswith("每") else name for name in told]
    return [names[0], *told]


def _dealt_out(text: str, facts: list[Fact], reading: _Reading) -> list[Fact]:
    """A、B分别达到x、y: give each value its own subject, or its own year (到2023年、2025年分别达到x、y)."""
    told = list(facts)
    for apart in _APART.finditer(text):
        stop = next((mark.start() for mark in re.finditer("[，。；]", text) if mark.start() >= apart.end()), len(text))
        after = [fact for fact in told if apart.end() - 1 <= fact.position < stop]
        if grown := _grown(told, apart, len(after)):
            reading.dealt, after = grown, [replace(fact, kind="growth", carried=True) for fact in after]
        given = _given(text, apart, after, reading)
        dealt = {fact.position for fact in after}
        told = [*(fact for fact in told if fact.position not in dealt), *given] if given else told
    return sorted((fact for fact in told if fact.subject != _DEALT), key=lambda fact: fact.position)


def _grown(facts: Sequence[Fact], apart: re.Match[str], count: int) -> tuple[str, ...]:
    """Of A达到x，B达到y，年均分别增长…, which names nothing itself: A and B, as many as grow."""
    named = tuple(fact.subject for fact in facts if fact.position < apart.start() and fact.kind == "level")
    return named[-count:] if re.fullmatch("年平?均", apart[1]) and 0 < count <= len(named) else ()


def _names_before(apart: re.Match[str], count: int) -> list[str]:
    """The names before 分别: parted by every sign and word that parts names, or by 、 alone if that makes `count`."""
    words = _YEAR.sub("", _ITEM.sub("", apart.group(1))).replace("城、乡居民", "城乡居民")
    every, coarse = (
        [name for part in split if (name := stripped(part))] for split in (_NAMES_APART.split(words), words.split("、"))
    )
    names = coarse if len(every) != count == len(coarse) > 1 else every
    shares = [name for part in _SHARES_APART.split(words) if (name := stripped(part))]
    names = shares if len(names) != count == len(shares) > 1 else names  # 学校、医院报警装置安装率和联网率
    if names or not apart.string[: apart.start()].endswith("，"):
        return names
    above = re.split("[，。；]", apart.string[: apart.start() - 1])[-1]  # A和B在2020年基础上翻番，分别达到x和y
    names = [stripped(name) for name in _NAMES_APART.split(_YEAR.sub("", _CHANGE_BEGINS.sub("", above)))]
    return names if len(names) == count and all(names) else []


def _given(text: str, apart: re.Match[str], after: Sequence[Fact], reading: _Reading) -> list[Fact]:
    """The values behind 分别 with what stands before it, where there are as many of both."""
    printed = _names_before(apart, len(after))
    names = printed or list(reading.dealt)
    if len(after) == 1 and len(names) > 1 and after[0].unit in {"%", "‰"}:
        after = [after[0]] * len(names)  # 事故起数和死亡人数分别下降20%
    listed = _LISTED_YEARS.search(text, 0, apart.end())
    years = [int(year) for year in re.findall(r"20\d{2}", listed.group())] if listed else []
    if not names and len(after) > 1 and all(fact.subject in {after[0].subject, _DEALT} for fact in after):
        names = [after[0].subject]  # 2024年、2025年分别新建驿站10个、15个
    if len(names) == 1 and 1 < len(years) == len(after):
        return [
            replace(fact, subject=names[0], year=year, printed_year=True, partial=False)
            for fact, year in zip(after, years, strict=True)
        ]
    if len(names) == 1 and _BOTH.search(names[0]) and len(after) == 2:
        names = [_BOTH.sub(rf"{of}\1", names[0]) for of in ("城镇", "农村")]
    if len(names) == 1 and len(reading.dealt) == len(after) > 1:  # …种植面积分别达到x、y，产值分别达到u、v
        names = [f"{_TAIL.sub('', whose)}{names[0]}" for whose in reading.dealt]
    if len(names) < 2 or len(names) != len(after):
        return []
    names = _with_measures(names) if printed else names
    reading.dealt = tuple(names)
    first, moves, unit = after[0], after[0].kind in {"growth", "change"}, after[-1].unit or ""
    return [
        replace(fact, subject=_wide(name), partial=False, kind=first.kind if moves else fact.kind,
                text=first.text if moves else fact.text, unit=unit if unit.startswith(fact.unit or "-") else fact.unit)
        for fact, name in zip(after, names, strict=True)
    ]  # fmt: skip
