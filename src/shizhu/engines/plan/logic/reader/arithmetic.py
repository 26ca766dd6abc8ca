"""Checks sums that a plan prints both sides of: part and whole against their share, growth against both ends."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby, pairwise, takewhile

from shizhu.engines.plan.logic.reader.contradictions import Claim, Findings, claim_of_fact, claim_of_reading
from shizhu.engines.plan.logic.reader.document import Contradiction, Doubt, Indicator, Statement
from shizhu.engines.plan.logic.reader.fact import Fact
from shizhu.engines.plan.logic.reader.outline import Passage
from shizhu.engines.plan.logic.reader.subjects import canonical, same, stripped
from shizhu.engines.plan.logic.reader.units import comparable, measure_of
from shizhu.engines.plan.logic.reader.values import number

_SECTORS = re.compile(
    r"(?:三次|[一二三]次)?产业(?:结构|比[例重])[^，。；;\d]{0,16}(\d+(?:\.\d+)?)[:：](\d+(?:\.\d+)?)[:：](\d+(?:\.\d+)?)(?![:：\d.])"
)
# 总投资12.6亿元，其中2021年2.1亿元、2022年3.3亿元…
_BY_YEARS = re.compile(
    r"(?<![\d.过破约于近])(?P<whole>\d+(?:\.\d+)?)(?P<unit>万?亿?[元吨亩户人个家])(?!以上|左右)[^。；\d]{0,8}其中[:：，,]?"
    r"(?P<parts>(?:20\d{2}年[^\d，,、；。达到至]{0,8}\d+(?:\.\d+)?(?P=unit)[、，,；和]?){2,})(?![^。；]{0,12}20\d{2}年)"
)
_OF_YEAR = re.compile(r"20\d{2}年[^\d，,、；。达到至]{0,8}(\d+(?:\.\d+)?)")
_ROUNDED = 0.31  # three shares printed with one decimal may miss a hundred by so much
_RAISED_TO = re.compile(
    r"(?P<rise>提[高升]|增[长加]?|上升|扩大|扩展|发展|壮大|延长)(?:到|至|为)|(?:下降|降低?|减少|压减|缩[短小])(?:到|至|为)"
)
_PART_OF_WHOLE = re.compile(r"(?:率|比例|比重|占比)$")
# may be more than a hundred: 高中阶段毛入学率, 拨备覆盖率
_MAY_EXCEED = re.compile(r"毛入|增[长值加幅速]|上涨|拨备|负债|产销|周转|流动|杠杆|比率$|完成率|保障率|生产率|效率")
_RISING = re.compile(
    r"(?:覆盖|普及|达标|优良|处理|利用|参保|入园|入学|巩固|城镇化|合格|通达|绿化|办结|满意)率$|GDP$|收入$|预期寿命$"
)
_FASTEST = 0.15  # a total that grows faster than this each year is worth a look


def check_sums(indicators: Sequence[Indicator], facts: Sequence[Fact]) -> Findings:
    """Check all sums; what cannot hold is a contradiction, what is only strange is a doubt."""
    found = Findings()
    claims = _claims(indicators, facts)
    for index, fact in enumerate(facts):
        if fact.kind == "share":
            _check_share(fact, facts[:index], claims, found)
        _check_direction(fact, found)
        if fact.kind == "level":
            _check_whole(claim_of_fact(fact), found)
    _check_ratios(claims, found)
    for item in indicators:
        _check_ends(item, found)
        _check_growth(item, found)
        _check_growth_of_text(item, facts, found)
        _check_added(item, facts, found)
        _check_growth_of_whole(item, indicators, facts, found)
    _check_rows_of_parts(indicators, found)
    _check_parts(facts, found)
    _check_listed(facts, found)
    return found


def check_structures(passages: Sequence[Passage]) -> list[Contradiction]:
    """The shares of the three sectors (三次产业结构调整为12:45:43) make a hundred, years no more than all of them."""
    found = []
    for passage in passages:
        for told in _SECTORS.finditer(passage.text):
            total = round(sum(float(told[part]) for part in (1, 2, 3)), 2)
            if abs(total - 100) > _ROUNDED:
                statement = Statement(total, "%", None, passage.place(*told.span()), told.group())
                note = f"the shares together make {total:g}, not 100"
                found.append(Contradiction("三次产业结构", (statement,), note, "structure"))
        for told in _BY_YEARS.finditer(passage.text):
            parts = _OF_YEAR.findall(told["parts"])
            total, whole = round(sum(map(number, parts)), 6), number(told["whole"])
            decimals = max(len(part.partition(".")[2]) for part in parts)
            years = [int(year) for year in re.findall("20\\d{2}(?=年)", told["parts"])]
            is_whole = len(years) > 2 and years == list(range(years[0], years[-1] + 1))  # three years running are all
            if total > whole + _half(decimals) or (is_whole and total < whole - _half(decimals)):
                place = passage.place(*told.span())
                statements = (
                    Statement(whole, told["unit"], None, place, told["whole"] + told["unit"]),
                    Statement(total, told["unit"], None, place, told["parts"]),
                )
                note = f"the parts together make {total:g}, the whole is {told['whole']}"
                found.append(Contradiction(_named_before(passage.text, told.start()), statements, note, "parts"))
    return found


def _named_before(text: str, position: int) -> str:
    """What a number is of: the clause before it."""
    return stripped(re.split("[，,。；：]", text[:position])[-1])


def _check_direction(fact: Fact, found: Findings) -> None:
    """What rises from one value to another (由120公里增加到100公里) is more than before, what falls is less."""
    way = _RAISED_TO.search(fact.text.rpartition(fact.start.text)[2]) if fact.start else None
    if fact.start is None or way is None or fact.start.value == fact.value:
        return
    if (fact.value > fact.start.value) != bool(way["rise"]):
        place = fact.place
        before = Statement(fact.start.value, fact.unit, fact.start.year, place, fact.start.text)
        note = f"{way.group()}: from {fact.start.value} to {fact.value}"
        found.contradictions.append(
            Contradiction(fact.subject, (before, claim_of_fact(fact).statement), note, "direction")
        )


def _check_ends(item: Indicator, found: Findings) -> None:
    """A share of the table is no more than the whole, and what should only rise does not fall."""
    for reading in (item.base, item.target):
        claim = claim_of_reading(item, reading)
        if claim:
            _check_whole(claim, found)
    base, target = item.base.value, None if item.target.bound == "rise" else item.target.value
    if base is not None and target is not None and target < base and _RISING.search(canonical(item.name)):
        why = f"the target {target} is below the base {base}: is it to fall?"
        found.doubts.append(Doubt(item.name, why, item.place, "target-below-base"))


def _check_whole(claim: Claim, found: Findings) -> None:
    name = claim.subject
    if claim.unit == "%" and claim.value > 100 and _PART_OF_WHOLE.search(name) and not _MAY_EXCEED.search(name):
        why = f"a share of {claim.value}% is more than the whole"
        found.doubts.append(Doubt(name, why, claim.statement.place, "share-over"))


def _claims(indicators: Sequence[Indicator], facts: Sequence[Fact]) -> list[Claim]:
    cells = [claim_of_reading(item, reading) for item in indicators for reading in (item.base, item.target)]
    return [claim for claim in cells if claim] + [claim_of_fact(fact) for fact in facts if fact.kind == "level"]


def _check_share(share: Fact, before: Sequence[Fact], claims: Sequence[Claim], found: Findings) -> None:
    """全镇农户800户，种茶的120户，占15%."""
    nearby = [fact for fact in before if fact.sentence[0] == share.sentence[0] and fact.kind == "level"]
    if not nearby or nearby[-1].sentence != share.sentence:
        return
    part = claim_of_fact(nearby[-1])
    wholes = [claim_of_fact(fact) for fact in reversed(nearby[:-1]) if not share.whole and fact.value > part.value]
    if share.whole:
        wholes = [claim for claim in claims if claim.year == share.year and same(claim.subject, share.whole)]
    wholes = [whole for whole in wholes if _one_kind(part, whole)]
    if wholes and _misfit(part, wholes[0], claim_of_fact(share)):
        found.contradictions.append(_product(share.subject, part, wholes[0], claim_of_fact(share)))


def _one_kind(part: Claim, whole: Claim) -> bool:
    first, second = measure_of(part.unit), measure_of(whole.unit)
    return first is not None and second is not None and comparable(part.unit, whole.unit) is not None


def _check_ratios(claims: Sequence[Claim], found: Findings) -> None:
    """R&D经费 is A占B比重 times B, where all three are printed for one year."""
    implied: dict[str, list[tuple[int, float, Claim]]] = {}
    for ratio in claims:
        words = canonical(ratio.subject)
        if "占" not in words or not words.endswith("比") or ratio.unit not in {"%", None} or not ratio.value:
            continue
        own, _, of = words.removesuffix("比").partition("占")
        part = next(
            (claim for claim in claims if claim.year == ratio.year and canonical(claim.subject) == own and claim.unit),
            None,
        )
        if part is None or ratio.year is None:
            continue
        whole = next((claim for claim in claims if claim.year == ratio.year and canonical(claim.subject) == of), None)
        if whole and _one_kind(part, whole) and _misfit(part, whole, ratio):
            found.contradictions.append(_product(ratio.subject, part, whole, ratio))
        elif whole is None and part.unit != "%":
            scale = comparable(part.unit, "元") or 1.0
            implied.setdefault(f"{own}/{of}", []).append((ratio.year, part.value * scale / ratio.value * 100, ratio))
    for key, totals in implied.items():
        _check_implied(key.partition("/")[2], totals, found)


def _check_implied(of: str, totals: list[tuple[int, float, Claim]], found: Findings) -> None:
    """The whole that part and share imply must not leap from one year to the other."""
    years = sorted(
        {year: (year, total, claim) for year, total, claim in reversed(totals)}.values(), key=lambda entry: entry[0]
    )
    for (first, small, _), (last, large, claim) in pairwise(years):
        yearly = (large / small) ** (1 / (last - first)) - 1
        if yearly > _FASTEST or yearly < -0.02:
            why = f"amount and share imply that {of} is {large / small:.2f} times as large in {last} as in {first}"
            found.doubts.append(Doubt(claim.subject, why, claim.statement.place, "implied-total"))


def _check_growth_of_whole(
    ratio: Indicator, indicators: Sequence[Indicator], facts: Sequence[Fact], found: Findings
) -> None:
    """R&D经费 that grows by 10% a year while its share of GDP rises from 0.82% to 1% tells how fast GDP has to grow."""
    words, base, target = canonical(ratio.name), ratio.base, ratio.target
    years = (target.year or 0) - (base.year or 0)
    if "占" not in words or not words.endswith("比") or not base.value or not target.value or years < 1:
        return
    own, _, of = words.removesuffix("比").partition("占")
    told = [fact for fact in facts if fact.kind == "growth" and fact.year == target.year]
    rows = [item for item in indicators if not item.growth_is_total and _grows(item, own)]
    rates = [item.growth for item in rows if item.growth is not None]
    rates += [fact.value for fact in told if canonical(fact.subject) == own]
    if rates:
        yearly = ((1 + rates[0] / 100) * (base.value / target.value) ** (1 / years) - 1) * 100
        why = (
            f"growth of {rates[0]}% a year and a share from {base.value}% to {target.value}% imply "
            f"that {of} grows by {yearly:.1f}% a year: is it so?"
        )
        found.doubts.append(Doubt(ratio.name, why, ratio.place, "implied-growth"))


def _grows(item: Indicator, own: str) -> bool:
    return canonical(item.name).removesuffix("增长") == own


def _misfit(part: Claim, whole: Claim, share: Claim) -> bool:
    """Whether part / whole cannot be the share, as far as the printed decimals tell."""
    factor = comparable(part.unit, whole.unit) or 1.0
    low = (part.value - _slack(part)) * factor / (whole.value + _slack(whole)) * 100
    high = (part.value + _slack(part)) * factor / max(whole.value - _slack(whole), 1e-9) * 100
    slack = 10.0**-share.decimals  # the last digit may be rounded or cut
    loose = (
        0.1 * share.value if {part.bound, whole.bound, share.bound} & {"about", "at_least", "at_most", "range"} else 0.0
    )
    return not low - slack - loose <= share.value <= high + slack + loose


def _slack(claim: Claim) -> float:
    """Half of the last printed decimal; a whole number of things is exact."""
    measure = measure_of(claim.unit)
    exact = measure is not None and measure.kind == "count" and measure.scale == 1 and claim.decimals == 0
    return 0.0 if exact else 0.5 * 10.0**-claim.decimals


def _product(subject: str, part: Claim, whole: Claim, share: Claim) -> Contradiction:
    factor = comparable(part.unit, whole.unit) or 1.0
    really = part.value * factor / whole.value * 100
    statements = (part.statement, whole.statement, share.statement)
    note = f"{part.value}{part.unit or ''} of {whole.value}{whole.unit or ''} is {really:.2f}%, not {share.value}%"
    return Contradiction(subject, statements, note, "share")


def _check_growth(item: Indicator, found: Findings) -> None:
    """Base and target must grow by the printed yearly rate."""
    base, target = item.base, item.target
    ends = (base.value, target.value, base.year, target.year)
    if item.growth is None or None in ends or item.unit in {"%", "‰", None} or item.growth_is_total:
        return
    years = (target.year or 0) - (base.year or 0)
    if years <= 0 or not base.value or base.value < 0 or (target.value or 0) <= 0 or target.bound or base.bound:
        return
    really = (((target.value or 0) / base.value) ** (1 / years) - 1) * 100
    allowed = max(0.6, 0.1 * abs(item.growth)) + (1.0 if item.growth_bound else 0.0)
    exceeds = item.growth_bound == "at_least" and really > item.growth
    last = next((mark.value for mark in item.milestones if mark.year == (target.year or 0) - 1), None)
    if last and abs(((target.value or 0) / last - 1) * 100 - item.growth) <= allowed:
        return
    if abs(really - item.growth) > allowed and not exceeds:
        statements = (
            Statement(base.value, item.unit, base.year, base.place or item.place, base.text or ""),
            Statement(target.value, item.unit, target.year, target.place or item.place, target.text or ""),
            Statement(item.growth, "%", None, item.place, item.growth_text or ""),
        )
        note = f"from {base.value} to {target.value} in {years} years is {really:.1f}% a year, not {item.growth}%"
        found.contradictions.append(Contradiction(item.name, statements, note, "growth"))


def _check_growth_of_text(item: Indicator, facts: Sequence[Fact], found: Findings) -> None:
    """A yearly growth that a sentence states against base and target of the table."""
    base, target = item.base, item.target
    years = (target.year or 0) - (base.year or 0)
    ends = years > 0 and (base.value or 0) > 0 and (target.value or 0) > 0 and not base.bound
    if not ends or item.growth is not None or item.unit in {"%", "‰"}:
        return
    really = (((target.value or 0) / (base.value or 1)) ** (1 / years) - 1) * 100
    for fact in facts:
        told = fact.kind == "growth" and fact.year == target.year and same(item.name, fact.subject)
        enough = (fact.bound or target.bound) == "at_least" and really > fact.value
        if told and not enough and abs(really - fact.value) > max(0.6, 0.1 * abs(fact.value)):
            statements = (
                Statement(fact.value, fact.unit, fact.year, fact.place, fact.text),
                Statement(base.value, item.unit, base.year, base.place or item.place, base.text or ""),
                Statement(target.value, item.unit, target.year, target.place or item.place, target.text or ""),
            )
            note = f"from {base.value} to {target.value} in {years} years is {really:.1f}% a year, not {fact.value}%"
            found.contradictions.append(Contradiction(item.name, statements, note, "growth"))


def _check_added(item: Indicator, facts: Sequence[Fact], found: Findings) -> None:
    """Base and what is newly added should make the target; a person decides whether they must."""
    base, target = claim_of_reading(item, item.base), claim_of_reading(item, item.target)
    for fact in facts:
        same_end = fact.year == item.target.year and fact.section != "basis"
        if base is None or target is None or fact.kind != "added" or not same_end or not same(item.name, fact.subject):
            continue
        factor = comparable(fact.unit, item.unit)
        if factor and fact.bound is None and target.bound is None and not _adds_up(base, fact.value * factor, target):
            why = f"{base.value} and {fact.value}{fact.unit or ''} more do not make the target {target.value}"
            found.doubts.append(Doubt(item.name, why, fact.place, "added"))


def _adds_up(base: Claim, added: float, target: Claim) -> bool:
    slack = 1.1 * 10.0 ** -min(base.decimals, target.decimals) if max(base.decimals, target.decimals) else 0.0
    return abs(base.value + added - target.value) <= slack + 1e-9


def _check_rows_of_parts(indicators: Sequence[Indicator], found: Findings) -> None:
    """Rows below one that begins 其中: where their bases make the base of the whole, their targets must make its."""
    for index, item in enumerate(indicators):
        if index == 0 or not item.name.startswith("其中"):
            continue
        whole = indicators[index - 1]
        for count in range(2, 6):
            parts = indicators[index : index + count]
            if len(parts) == count and all(part.unit == whole.unit for part in parts) and _makes(whole, parts):
                break
        else:
            continue
        values = [part.target.value for part in parts]
        if whole.target.value is None or None in values or whole.target.bound:
            continue
        total = round(sum(value or 0 for value in values), 6)
        if abs(total - whole.target.value) > 1e-6:
            note = f"the parts make the whole in {whole.base.year}, in {whole.target.year} they make {total}"
            statements = [claim_of_reading(row, row.target) for row in (whole, *parts)]
            told = tuple(claim.statement for claim in statements if claim)
            found.contradictions.append(Contradiction(whole.name, told, note, "parts"))


def _makes(whole: Indicator, parts: Sequence[Indicator]) -> bool:
    values = [part.base.value for part in parts]
    if whole.base.value is None or None in values:
        return False
    return abs(sum(value or 0 for value in values) - whole.base.value) <= 1e-6


def _check_parts(facts: Sequence[Fact], found: Findings) -> None:
    """What comes after 其中 cannot be more than the whole before it."""
    for index, fact in enumerate(facts):
        if not fact.after_of_which or fact.kind != "level":
            continue
        wholes = [
            whole
            for whole in facts[:index]
            if whole.sentence == fact.sentence and not whole.after_of_which and whole.kind == "level"
        ]
        whole = claim_of_fact(wholes[-1]) if wholes else None
        if whole and _first_part(facts, index):
            _check_sum_of_parts(wholes[-1], facts[index:], found)
        part = claim_of_fact(fact)
        factor = comparable(part.unit, whole.unit) if whole and part.unit == whole.unit else None
        if whole and factor and part.value * factor > whole.value and whole.bound is None and part.unit != "%":
            note = f"the part {part.value} is more than the whole {whole.value}"
            found.contradictions.append(Contradiction(fact.subject, (whole.statement, part.statement), note, "part"))


def _check_listed(facts: Sequence[Fact], found: Findings) -> None:
    """Parts told in two measures (其中，大气类9项、投资4.2亿元；…): where one adds up, so must the other."""
    for _, near in groupby(facts, key=lambda fact: fact.sentence[0]):
        told = list(near)
        first = next((at for at, fact in enumerate(told) if fact.after_of_which), 0)
        wholes = {fact.unit: fact for fact in told[:first]}
        parts = {
            unit: [fact for fact in takewhile(lambda one: one.after_of_which, told[first:]) if fact.unit == unit]
            for unit in wholes
        }
        makes = {unit: round(sum(part.value for part in listed), 6) for unit, listed in parts.items()}
        whole = [unit for unit, total in makes.items() if total == wholes[unit].value and len(parts[unit]) > 1]
        for unit, total in makes.items():
            complete = whole and not wholes[unit].bound and len(parts[unit]) == len(parts[whole[0]])
            if complete and abs(total - wholes[unit].value) > _half(parts[unit][0].decimals):
                note = f"the parts together make {total:g}, the whole is {wholes[unit].value}"
                statements = tuple(claim_of_fact(fact).statement for fact in (wholes[unit], *parts[unit]))
                found.contradictions.append(Contradiction(wholes[unit].subject, statements, note, "parts"))


def _half(decimals: int) -> float:
    """By how much parts may miss their whole, printed with so many decimals; whole numbers are counts."""
    return 0.5 * 10.0**-decimals + 1e-9 if decimals else 1e-9


def _first_part(facts: Sequence[Fact], index: int) -> bool:
    before = facts[index - 1] if index else None
    return before is not None and not before.after_of_which and before.sentence == facts[index].sentence


def _check_sum_of_parts(whole: Fact, following: Sequence[Fact], found: Findings) -> None:
    """Parts listed behind 其中 in the unit of the whole cannot be more than it together."""
    near = [fact for fact in following if fact.sentence == whole.sentence and fact.unit == whole.unit]
    parts = [fact for fact in near if fact.year == whole.year]  # 其中2023年达到300家 is a step
    if (
        len(parts) < 2
        or whole.bound
        or whole.unit in {"%", "‰", None}
        or any(part.value > whole.value for part in parts)
    ):
        return
    total = round(sum(part.value for part in parts), 6)
    if total > whole.value + 1e-9:
        note = f"the parts together make {total}, the whole is {whole.value}"
        statements = tuple(claim_of_fact(fact).statement for fact in (whole, *parts))
        found.contradictions.append(Contradiction(whole.subject, statements, note, "parts"))
