"""Quantities stated in sentences: what is counted, the number, its unit and the year it is for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from shizhu.engines.plan.logic.reader.boundaries import is_boundary
from shizhu.engines.plan.logic.reader.document import Place
from shizhu.engines.plan.logic.reader.outline import Passage
from shizhu.engines.plan.logic.reader.subjects import stripped
from shizhu.engines.plan.logic.reader.units import SCALE, SPOKEN_UNIT
from shizhu.engines.plan.logic.reader.values import number
from shizhu.engines.plan.logic.reader.years import western, year_of

_SENTENCE = re.compile(r"[^。！？；\n]+[。！？；\n]?")
_YEAR = re.compile(
    r"(?:截至|截止到?|到|至|从|由|自|于|比|较)?(?:20\d{2}年?\s*[-—–~～至]+\s*)?(?<!\d)20\d{2}年(?:年?[底末初])?(?:以?前|起)?的?"
    r"|(?:到|至)?[“\"]?十[一二三四五六七八九]五[”\"]?(?:规划)?(?:期?末|时期|期间|以来)?的?|(?:到|至)?规划期末"
)
_QUANTITY = re.compile(
    rf"(?<![A-Za-z\d.第“\-—–~])(?P<low>\d{{1,3}}(?:,\d{{3}})+(?:\.\d+)?|\d+(?:\.\d+)?)"
    rf"(?:(?:{SPOKEN_UNIT})?\s*[-—–~～至]+\s*(?P<high>\d+(?:\.\d+)?))?"
    rf"\s*(?P<more>余|多)?(?P<scale>{SCALE})?(?P<more2>余|多)?\s*(?P<unit>{SPOKEN_UNIT})?(?P<per>/[\d一-鿿]{{1,3}})?"
    r"\s*(?P<after>以上|左右|上下|以内|以下|余)?(?![\dA-Za-z年月日号时期])"
)
_ASIDE = re.compile(r"\([^()\d]*\)")
_LEFT_BOUND = re.compile(r"[，,、：:()（）？！…]")
_RIGHT_NOUN = re.compile(r"^的?([^，,、。；：:()（）\d！？]{2,24})")
_DESCRIBED = re.compile(r"(?:具有|拥有|符合|具备)[^，,。；：]*的([^，,。；：的\d]{2,16})")  # 3个拥有…的创新型企业集群
_RIGHT_CUT = re.compile(r"和|与|及|以及|等|，")
_BEFORE_BOUND = (
    ("at_least", re.compile(r"(?:超过?|不低于|不少于|突破|高于|逾|大于|≥|>|至少)$")),
    ("at_most", re.compile(r"(?:不高于|不超过|低于|控制在|少于|<|≤)$")),
    ("about", re.compile(r"(?:约|近|大约|接近)$")),
)
_AFTER_BOUND = {"以上": "at_least", "余": "at_least", "多": "at_least", "以内": "at_most", "以下": "at_most"}
# a verb before the number and a noun behind it: 举办了30多场农民夜校
_ACTING = re.compile(
    r"(?:实施|建成|建设|打造|培育|引进|组建|成立|开发|研发|获得|取得|拥有|新建|新增|创建|认定|建立|举办|开展|推广|覆盖|涉及|布局|聚集|集聚|"
    r"形成|发展|完成|实现|申报|签约|整合|改造|转化|登记|孵化|招引|选派|培训|服务|带动|吸引|提供|入驻|遴选|评选|储备|等)了?"
    r"(?:约|近|超过?|不少于|不低于|至少)?$"
)
_TOTAL = re.compile(r"总数|总量|总计|共计")
_NAMES_APART = re.compile(r"、|以及|和(?!谐)|与|(?<!普)及(?![率格时其])")
_DEALT = "分别"  # stands for the subject of a value until A、B分别达到x、y is dealt out
_TO = re.compile(r"[到至为达升降增减]")
_CHANGED_TO = r"(?:提[高升]|增[长加]|上升|扩大|下降|降低|减少|压减|缩短)[到至为]$"
# 由2020年的42%提升至: what is told next is not of that year
_FROM = re.compile(r"[由从自较比][^，。；]{0,4}?20\d{2}年(?:年?[底末初])?的?[^，。；]*?\d[^，。；\d]*" + _CHANGED_TO)
_AGAINST = re.compile(r"(?:较|比|与)20\d{2}年(?:年?[底末初])?(?:相比)?[^，。；\d]*$")  # 较2020年下降
_NO_NOUN = re.compile(
    r"增|提|到|达|以上|左右|下降|降|上升|减|扩大|、|和|及|与|占|为|是|的|之|其中|分别|并|共|以|均|且|在|由|从"
)
_CHANGE = re.compile(
    r"(?:增长|提高|提升|下降|降低|增加|减少|缩短|上升|压减|增幅|降幅|翻|同比|新增|净增|新建|改建|扩建|新引进|引进|新培育|增速)了?(?:约|近)?$"
)
_FLOW = re.compile(r"净增|每年|年均|引进|同比|比上年|力争.*增加")
_ADDED = re.compile(r"^.{0,4}?(?:新增|新建成?|新培育|新发展|新打造|新创建)(?![材城区能兴型])")
_GROWTH = re.compile(r"年均(?:增长|增速|递增)?")
_LEAD_YEAR = re.compile(
    r"^\W*(?:力争)?(?:到|截至|截止|至)?(?:20\d{2}年(?:年?[底末])?|[“\"]?十.五[”\"]?(?:规划)?(?:期?末|期间|时期))[，,]?"
)


@dataclass(frozen=True)
class Fact:
    """One quantity in a sentence.

    `kind` is "level", "share" (a part of the quantity before it), "growth" (a yearly rate), "added" or "change".
    `whole` is what a share is of. `printed_year` tells whether the sentence or its paragraph names the year; otherwise
    its section suggests it.
    """

    subject: str
    value: float | int
    unit: str | None
    year: int | None
    printed_year: bool
    bound: str | None
    kind: str
    decimals: int
    place: Place
    text: str
    section: str
    sentence: tuple[int, int]
    position: int
    high: float | int | None = None
    whole: str = ""
    partial: bool = False
    after_of_which: bool = False
    in_table: bool = False
    taken: int = 0  # characters behind the number that name what is counted


@dataclass(frozen=True)
class Term:
    """The base year and the last year of the plan, for sentences that name no year."""

    base: int | None
    target: int | None

    def of(self, section: str) -> int | None:
        """Return the year that a section speaks of."""
        return self.base if section == "basis" else self.target


@dataclass
class _Reading:
    """Where the reading of a passage stands."""

    passage: Passage
    term: Term
    paragraph_year: int | None = None


def read_facts(passages: list[Passage], term: Term) -> list[Fact]:
    """Return all quantities of the running text in order."""
    facts: list[Fact] = []
    for passage in passages:
        if passage.section == "terms" or is_boundary(passage.text):
            continue
        reading = _Reading(passage, term)
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
        reading.paragraph_year = year_of(lead.group()) or reading.paragraph_year
    facts: list[Fact] = []
    end = 0
    for found in _quantities(text):
        fact = _fact(text, found, end, facts[-1] if facts else None, reading)
        end = found.end() + (fact.taken if fact else 0)
        if fact:
            place = reading.passage.place(sentence.start() + max(0, found.start() - 1), sentence.start() + found.end())
            identity = (reading.passage.lines[0], sentence.start())
            facts.append(replace(fact, place=place, sentence=identity, position=found.start()))
    return _dealt_out(text, facts)


def _quantities(text: str) -> Iterator[re.Match[str]]:
    for found in _QUANTITY.finditer(text):
        if found["unit"] or found["scale"]:
            yield found


def _fact(text: str, found: re.Match[str], start: int, before: Fact | None, reading: _Reading) -> Fact | None:
    """Read one quantity; `start` is where the one before it ended."""
    lead = _ASIDE.sub(lambda aside: "\0" * len(aside.group()), text[start : found.start()])
    bound_left = max((mark.end() for mark in _LEFT_BOUND.finditer(lead)), default=0)
    clause = _Clause(
        segment=_without_years(lead[bound_left:].replace("\0", "")), joined=bound_left == 0,
        listed=bound_left > 0 and lead[bound_left - 1] == "、", rest=text[found.end() :],
        dealt="分别" in text[: found.start()],
    )  # fmt: skip
    unit = (found["scale"] or "") + (found["unit"] or "") + (found["per"] or "" if found["unit"] else "") or None
    kind = _kind(clause.segment, unit)
    year, printed = _year(text, found.start(), reading)
    named, whole = _subject(clause.segment, unit)
    subject, partial, taken = _named(kind, named, clause, before, unit)
    if len(subject) < 2:
        return None
    return Fact(
        subject=subject, value=number(found["low"]), unit=unit, year=year, printed_year=printed,
        bound=_bound(clause.segment, found), kind=kind, decimals=len(found["low"].partition(".")[2]),
        place=Place(0, 0), text=_clause(text, found), section=reading.passage.section, sentence=(0, 0), position=0,
        taken=taken, in_table=reading.passage.in_table, whole=whole, partial=partial,
        high=number(found["high"]) if found["high"] else None, after_of_which="其中" in text[: found.start()],
    )  # fmt: skip


@dataclass(frozen=True)
class _Clause:
    """The words around a number: before it, whether nothing parts them from the number before, and behind it."""

    segment: str
    joined: bool
    listed: bool
    rest: str
    dealt: bool


def _named(kind: str, subject: str, clause: _Clause, before: Fact | None, unit: str | None) -> tuple[str, bool, int]:
    """Return what is counted, whether its name may be cut, and how many characters behind the number name it."""
    if kind == "share":
        return before.subject if before else "", False, 0
    if before and subject.startswith("占") and unit in {"%", "‰"}:
        return before.subject + subject, before.partial, 0
    if before and not subject and (kind == "growth" or _goes_on(clause, before)):
        return before.subject, before.partial, 0
    if not subject or _ACTING.search(clause.segment):
        noun = _noun_after(clause.rest, unit)
        return noun or subject or (_DEALT if clause.dealt else ""), clause.listed, len(noun)
    return subject, clause.listed, 0


def _goes_on(clause: _Clause, before: Fact) -> bool:
    """Whether a number without a noun is of the quantity before it: …增长到50座, 总数达到50座."""
    return (clause.joined and before.kind == "level" and bool(_TO.search(clause.segment))) or bool(
        _TOTAL.search(clause.segment)
    )


def _year(text: str, position: int, reading: _Reading) -> tuple[int | None, bool]:
    """Return the year that holds at a position: the last one named before it, the paragraph's, or the section's."""
    named = [match.group() for match in _YEAR.finditer(text, 0, position)]
    if named and (_FROM.search(text, 0, position) or _AGAINST.search(text, 0, position)):
        named.pop()
    if named:
        own = reading.term.target if "规划期末" in named[-1] else year_of(named[-1])
        return own, True
    if reading.paragraph_year is not None:
        return reading.paragraph_year, True
    return reading.term.of(reading.passage.section), False


def _kind(segment: str, unit: str | None) -> str:
    bare = segment.strip(" ，,")
    if unit in {"%", "‰"} and re.match(r"占(?!.*比[重例])", bare):
        return "share"
    if _GROWTH.search(bare):
        return "growth"
    if _ADDED.search(bare) and unit not in {"%", "‰"}:
        return "added"
    if _CHANGE.search(bare) or _FLOW.search(bare) or (unit and "百分点" in unit):
        return "change"
    return "level"


def _subject(segment: str, unit: str | None) -> tuple[str, str]:
    """Return the noun before the number and, for a share, what it is a share of."""
    words = segment
    for _, pattern in _BEFORE_BOUND:
        words = pattern.sub("", words)
    ratio = re.fullmatch(r"(.*?)占(?!比)(.*?)的?", words) if unit in {"%", "‰"} else None
    if ratio and not re.search(r"比[重例]?$|比重", words):
        own = stripped(ratio.group(1).removesuffix("的"))
        of = stripped(ratio.group(2))
        return (f"{own}占{of}比重" if of else f"{own}占比") if own else "", of
    if unit in {"%", "‰"} and _GROWTH.search(words):
        words = _GROWTH.sub("", words)
    listed = re.split(r"(?<![高中同平初均优])等(?![级候])", words)
    return stripped(listed[-1]), ""


def _without_years(segment: str) -> str:
    """Take the years out of a clause but leave the 到 of 增长到2025年."""
    return _YEAR.sub(lambda found: "到" if found.start() and found.group()[0] in "到至" else "", segment)


def _bound(segment: str, found: re.Match[str]) -> str | None:
    if found["high"]:
        return "range"
    after = found["after"] or found["more"] or found["more2"]
    if after:
        return _AFTER_BOUND.get(after, "about")
    return next((name for name, pattern in _BEFORE_BOUND if pattern.search(segment)), None)


def _noun_after(rest: str, unit: str | None) -> str:
    """Return the noun behind the number: 6座水库, 45%的行政村通公交."""
    found = _RIGHT_NOUN.match(rest)
    if not found:
        return ""
    if unit in {"%", "‰"}:
        return stripped(found.group(1)) + "占比" if rest.startswith("的") else ""
    if _NO_NOUN.match(found.group(1)):
        return ""
    described = _DESCRIBED.match(rest)
    return described.group(1) if described else _RIGHT_CUT.split(found.group(1))[0].strip()


def _clause(text: str, found: re.Match[str]) -> str:
    """Return the clause around a number, as the words to show."""
    start = max(text.rfind(sign, 0, found.start()) for sign in "，,。；：") + 1
    end = min((position for sign in "，,。；" if (position := text.find(sign, found.end())) >= 0), default=len(text))
    return text[start:end].strip()


def _dealt_out(text: str, facts: list[Fact]) -> list[Fact]:
    """A、B分别达到x、y: give each value its own subject."""
    apart = re.search(r"([^，,。；]*?)(?:数量)?(?:将|要)?分别(?:达到?|为|增长到|增加到|提高到|增至|建成)?", text)
    if not apart:
        return [fact for fact in facts if fact.subject != _DEALT]
    names = [stripped(_YEAR.sub("", part)) for part in _NAMES_APART.split(apart.group(1)) if part.strip()]
    stop = next((mark.start() for mark in re.finditer("[，。；]", text) if mark.start() >= apart.end()), len(text))
    after = [fact for fact in facts if apart.end() - 1 <= fact.position < stop]
    if len(names) < 2 or len(names) != len(after):
        return [fact for fact in facts if fact.subject != _DEALT]
    dealt = [replace(fact, subject=name, partial=False) for fact, name in zip(after, names, strict=True)]
    return sorted([*(fact for fact in facts if fact not in after), *dealt], key=lambda fact: fact.position)
