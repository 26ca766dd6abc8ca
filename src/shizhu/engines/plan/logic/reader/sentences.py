"""Targets that sentences state (到2025年，…达到…): those no table has become indicators of their own.

A target stated in several places is one target: the first place is its own, the others are its mentions.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from shizhu.engines.plan.logic.reader.document import Doubt, Indicator, Place, Reading
from shizhu.engines.plan.logic.reader.fact import Fact, Term
from shizhu.engines.plan.logic.reader.subjects import canonical, named_alike, overlap, same, same_level
from shizhu.engines.plan.logic.reader.units import comparable, measure_of
from shizhu.engines.plan.logic.reader.values import scaled

_EACH = re.compile(
    r"^(?:每[个所家县村镇乡]|各(?![类级项种界]))|每(?:[\d.]+[万千百]?|[万千百])[人户名]$"
)  # what each of them has is no total
_EACH_ONE = re.compile(r"(?:\d{1,2}[.、])?\s*每[个所家县村镇乡](?!万|千|百)")  # 每个乡镇至少建成1所幼儿园
_OF_TIMES = re.compile(
    r"每[月季周天日]|每学[期年]|每[两二三四五六七八九十\d]+年|平均每|逐年|年度(?!计划|目标|投资|任务|新增)"
)
_PAID = re.compile(r"(?:标准|工资|补贴|津贴|养老金|补助)$")  # so much each month is how high it is: 低保标准每月720元
YEARLY = "yearly"  # the kind of a target that is to be reached every year anew
_CELLS = re.compile(r"^\d+(?:\.\d+)?(?:[\s、]|\.(?!\d)|$)|\s{2}|\t|\|")  # the row of a table nobody could read
_MEASURED = re.compile(r"(?:值|额|总量|面积|收入|支出|投资|产量|GDP)$")
_MONEY = re.compile(
    r"(?:将|拟|计划|规划|工程|完成|概算|估算|项目|总|静态|累计)*(?:投资|投入|资金|投资额)"
)  # of a project
_COMPARED = re.compile(r"[比较与].*20\d{2}|累计|翻")  # by so much in all, not each year
_POINTED = re.compile(r"^(?:这|该|此|其)|\d+(?:\.\d+)?%")
_IN_ALL = re.compile(r"[【〔]\d")  # 新增管网【180】公里
_LONGEST = 30
_DIRECTIONS = {"fall": "下降", "rise": "增长"}


def read_targets(
    facts: Sequence[Fact], indicators: Sequence[Indicator], term: Term
) -> tuple[list[Indicator], list[Indicator]]:
    """Return the indicators of tables with the places that mention them, and the targets only sentences state."""
    mentioned: dict[str, list[Place]] = {item.key: [] for item in indicators}
    found: dict[tuple[object, ...], Indicator] = {}
    of_year: dict[int | None, list[Indicator]] = defaultdict(list)
    for item in indicators:
        for year in {item.target.year, *(reading.year for reading in item.milestones)}:
            of_year[year].append(item)
    added: set[str] = set()  # keys of what is so many more: nothing there was is its base
    levels = {(fact.sentence, canonical(fact.subject)) for fact in facts if fact.kind == "level"}
    rises = {(fact.sentence, canonical(fact.subject)): fact for fact in facts if _is_rise(fact, levels)}
    for fact in facts:
        if fact.kind == "growth" and fact.carried:
            grown = next((key for key, item in reversed(found.items()) if _goes_with(fact, item)), None)
            if grown is not None:
                found[grown] = _growing(found[grown], fact)
                continue
        if _is_step(fact, levels) or not _is_target(fact, term):
            continue
        grows = fact.kind in {"growth", "change"} and fact.unit == "%"
        rows = indicators if grows else of_year[fact.year]
        known = None if fact.is_yearly else next((item for item in rows if _is_of(fact, item)), None)
        if known is not None:
            mentioned[known.key].append(fact.place)
            continue
        identity = _identity(fact, found)
        before = found.get(identity)
        if before is None and not fact.in_table:
            found[identity] = _indicator(fact, f"target-{len(found) + 1:02d}")
            added |= {found[identity].key} if fact.kind == "added" else set()
            if rise := rises.get((fact.sentence, canonical(fact.subject))):
                found[identity] = _growing(found[identity], rise)
        elif before is not None and _is_dated_anew(fact, before):
            found[identity] = replace(_indicator(fact, before.key), base=before.base, growth=before.growth)
        elif before is not None and before.target.value == fact.value:
            found[identity] = replace(before, mentions=(*before.mentions, fact.place))
    told = [replace(item, mentions=tuple(dict.fromkeys(mentioned[item.key]))) for item in indicators]
    stood = _stood(facts, term)
    return told, [
        item if item.key in added else _from_base(item, stood.get(canonical(item.name), ()), term)
        for item in found.values()
    ]


def _is_dated_anew(fact: Fact, item: Indicator) -> bool:
    """Whether the year is told only with the second value: 不低于10%，力争到2027年达到15%."""
    told, year = item.target.text or "", str(fact.year)
    return fact.carried and fact.kind == "level" and year in fact.text and year not in told


def _identity(fact: Fact, found: Mapping[tuple[object, ...], Indicator]) -> tuple[object, ...]:
    """By what two sentences state one target; a second measure of what was just told is another (24个、1860户)."""
    measure = measure_of(fact.unit)
    more = fact.value if fact.kind == "added" else None  # so many more here, so many more there
    identity = canonical(fact.promised), fact.year, measure.kind if measure else None, fact.is_yearly, more
    before = found.get(identity)
    is_second = before is not None and fact.carried and before.unit != fact.unit
    return (*identity, fact.unit) if is_second else identity


def _stood(facts: Sequence[Fact], term: Term) -> Mapping[str, list[Fact]]:
    """What there was in the base year, by what it was of."""
    found: dict[str, list[Fact]] = defaultdict(list)
    for fact in facts:
        if fact.kind == "level" and fact.year == term.base and not fact.partial and not fact.is_detail:
            found[canonical(fact.subject)].append(fact)
    return found


def _is_step(fact: Fact, levels: set[tuple[tuple[int, int], str]]) -> bool:
    """Whether a change only leads to what the sentence says is reached: 翻一番，达到12万元."""
    return fact.kind == "change" and not fact.is_yearly and (fact.sentence, canonical(fact.subject)) in levels


def _is_rise(fact: Fact, levels: set[tuple[tuple[int, int], str]]) -> bool:
    """Whether a step tells how fast it grows in a year: 增长6.5%以上，达到152亿元."""
    by_rate = fact.direction == "增长" and fact.unit == "%" and not _COMPARED.search(fact.text)
    return by_rate and _is_step(fact, levels)


def _growing(item: Indicator, fact: Fact) -> Indicator:
    return replace(item, growth=fact.value, growth_text=fact.text, growth_bound=fact.bound)


def doubled(targets: Sequence[Indicator], rows: Sequence[Indicator]) -> list[Doubt]:
    """List targets of sentences stated again in other words with one value, in a sentence or the row of a table."""
    doubts = []
    for index, item in enumerate(targets):
        for other in (*rows, *targets[:index]):
            one = (item.target.value, item.target.year) == (other.target.value, other.target.year)
            if (
                one
                and item.place != other.place
                and _is_one_kind(item, other)
                and comparable(item.unit, other.unit) == 1.0
                and overlap(item.name, other.name) >= 0.7
            ):
                why = f"the same value as {other.name} (line {other.place.first}): one target?"
                doubts.append(Doubt(item.name, why, item.place, "target-twice"))
                break
    return doubts


def _is_one_kind(item: Indicator, other: Indicator) -> bool:
    """Whether both are of a year or both in all; rows of other levels (省级, 市级) are asked about by their wording."""
    return item.kind is None and same_level(item.name, other.name) if other.table else item.kind == other.kind


def _is_target(fact: Fact, term: Term) -> bool:
    """Whether a quantity is promised: it lies ahead of the base year, in a section that looks ahead."""
    ahead = (
        fact.year is not None
        and (term.base is None or fact.year > term.base)
        and fact.section not in {"basis", "terms"}
    )
    own = fact.kind in {"level", "added", "growth"} or bool(fact.direction) or fact.is_yearly or _is_share(fact)
    return (
        ahead
        and own
        and not _CELLS.search(fact.subject)
        and not _MONEY.fullmatch(fact.subject)
        and not _POINTED.search(fact.subject)
        and not _EACH.search(fact.subject)
        and not _EACH_ONE.match(fact.text)
        and (not _OF_TIMES.search(fact.text) or bool(_PAID.search(fact.subject)))
        and (fact.is_yearly or fact.kind == "growth" or "每年" not in fact.text or _is_held(fact))
        and len(fact.promised) <= _LONGEST
        and not fact.is_detail
    )


def _is_held(fact: Fact) -> bool:
    """Whether what every year has is how high something is (每年…率保持在92%以上), not how much comes in a year."""
    return (fact.kind == "level" and fact.unit in {"%", "‰"}) or bool(_PAID.search(fact.subject))


def _goes_with(fact: Fact, item: Indicator) -> bool:
    """Whether a step tells how fast the target before it grows (达到85亿元，增长8%)."""
    return item.growth is None and item.target.year == fact.year and same(item.name, fact.subject)


def _is_share(fact: Fact) -> bool:
    """Whether a share is promised of what is measured (…产业增加值3500亿元，占地区生产总值10%)."""
    return fact.kind == "share" and bool(_MEASURED.search(fact.subject) and _MEASURED.search(fact.whole))


def _is_of(fact: Fact, item: Indicator) -> bool:
    """Whether a sentence speaks of an indicator and its target, whatever value it has."""
    if fact.kind in {"growth", "change"} and fact.unit == "%":
        grown = canonical(item.name).removesuffix("增长")
        if canonical(fact.subject) == grown and (item.growth is not None or fact.kind == "growth"):
            return True
        if same(fact.subject, item.name) and _grows_by(item) == fact.value and fact.year == item.target.year:
            return True
    years = {item.target.year, *(reading.year for reading in item.milestones)}
    if fact.year not in years or comparable(fact.unit, item.unit) is None:
        return False
    if fact.kind == "added":  # so many more are not how many there are
        names = (f"新增{fact.subject}", *([fact.subject] if _reaches(fact, item) else []))
    else:
        names = (fact.promised,)
    own = f"{item.name}{_DIRECTIONS.get(item.target.bound or '', '')}"
    return any(named_alike(item.name, name) or same(own, name) for name in names)


def _reaches(fact: Fact, item: Indicator) -> bool:
    """Whether a sentence states the very value of the target."""
    factor = comparable(fact.unit, item.unit)
    return factor is not None and item.target.value is not None and scaled(fact.value, factor) == item.target.value


def _grows_by(item: Indicator) -> float | None:
    """By how many per cent the target of a row is above its base."""
    if not item.base.value or item.target.value is None:
        return None
    return round(100 * (item.target.value / item.base.value - 1), 1)


def _indicator(fact: Fact, key: str) -> Indicator:
    target = Reading(fact.year, fact.value, fact.text, fact.bound, None, fact.high, fact.place)
    if fact.high is not None:
        target = replace(target, low=fact.value)
    return Indicator(
        key=key, no=None, name=fact.promised, unit=fact.unit, kind=YEARLY if fact.is_yearly else None,
        base=_base(fact), target=target,
        growth=fact.value if fact.kind == "growth" else None, cumulative=bool(_IN_ALL.search(fact.text)),
        place=fact.place,
        growth_text=fact.text if fact.kind == "growth" else None, found_in="sentence",
        more={"year": "section"} if not fact.printed_year else {},
    )  # fmt: skip


def _from_base(item: Indicator, stood: Sequence[Fact], term: Term) -> Indicator:
    """The target with what other sentences say there was of it in the base year, where all that do say one value."""
    if item.base.value is not None or item.kind is not None or item.cumulative or term.base is None:
        return item
    told = [
        (fact, scaled(fact.value, factor)) for fact in stood if (factor := comparable(fact.unit, item.unit)) is not None
    ]
    if len({value for _, value in told}) != 1:
        return item
    fact, value = told[0]
    return replace(item, base=Reading(term.base, value, fact.text, fact.bound, place=fact.place))


def _base(fact: Fact) -> Reading:
    """What the sentence says the quantity is raised from."""
    return Reading(fact.start.year, fact.start.value, fact.start.text, place=fact.place) if fact.start else Reading()
