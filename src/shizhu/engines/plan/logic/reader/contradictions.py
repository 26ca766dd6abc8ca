"""Finds quantities stated with different values: table against text, table against table, text against text."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from shizhu.engines.plan.logic.reader.document import Contradiction, Doubt, Indicator, Reading, Statement
from shizhu.engines.plan.logic.reader.fact import SUMMED, Fact
from shizhu.engines.plan.logic.reader.subjects import canonical, same, same_level, similar
from shizhu.engines.plan.logic.reader.units import comparable

Number = float | int


# a level that is to be reached by the end of the plan, whatever year the sentence names
_REACHED = re.compile(r"达到|突破|超过|[高升增][到至]|[降减][到至]|控制在|保持在|稳定在|不[低少高]于")
_LIMITS = frozenset({"at_least", "at_most", "about"})  # two of them agree only at one value


@dataclass(frozen=True)
class Claim:
    """One value of one quantity, from a table cell or a sentence, ready to be compared."""

    subject: str
    value: Number
    unit: str | None
    year: int | None
    bound: str | None
    decimals: int
    high: Number | None
    statement: Statement


@dataclass(frozen=True)
class Cell:
    """A claim made by an indicator's row."""

    item: Indicator
    claim: Claim


@dataclass
class Findings:
    """What the comparing found."""

    contradictions: list[Contradiction] = field(default_factory=list)
    doubts: list[Doubt] = field(default_factory=list)


def claim_of_reading(item: Indicator, reading: Reading) -> Claim | None:
    """Return the claim that a table cell makes; None for a dash or words or a change."""
    if reading.value is None or reading.bound in {"rise", "fall", "words"}:
        return None
    place = reading.place or item.place
    statement = Statement(reading.value, item.unit, reading.year, place, reading.text or "")
    decimals = len(str(reading.text or "").partition(".")[2].rstrip("%】]）) "))
    return Claim(item.name, reading.value, item.unit, reading.year, reading.bound, decimals, reading.high, statement)


def claim_of_fact(fact: Fact) -> Claim:
    """Return the claim that a sentence makes."""
    statement = Statement(fact.value, fact.unit, fact.year, fact.place, fact.text)
    return Claim(fact.subject, fact.value, fact.unit, fact.year, fact.bound, fact.decimals, fact.high, statement)


def agreement(one: Claim, other: Claim) -> str | None:
    """Return "equal", "rounding", "bound", "conflict", or None if the two cannot be compared."""
    factor = comparable(other.unit, one.unit)
    if factor is None:
        return None
    first, second = one.value, other.value * factor
    if abs(first - second) <= 1e-9 * max(1.0, abs(first)):
        return "equal"
    if one.bound == other.bound and one.bound in _LIMITS:
        return "conflict"
    if _rounds(first, one.decimals, second) or _rounds(other.value, other.decimals, first / factor):
        return "rounding"
    return "bound" if _within(one, second) or _within(other, first / factor) else "conflict"


def _rounds(coarse: Number, decimals: int, fine: float) -> bool:
    """Whether the finer value with fewer decimals is the coarser one; whole numbers are counts, not roundings."""
    whole = decimals == 0 and float(fine).is_integer()
    half = 0.5 * 10**-decimals
    return not whole and -half - 1e-9 <= fine - coarse < half - 1e-9


def _within(bounded: Claim, value: float) -> bool:
    limit = bounded.value
    if bounded.bound == "range" and bounded.high is not None:
        return limit <= value <= bounded.high
    if bounded.bound == "at_least":
        return limit <= value <= limit * 1.5
    if bounded.bound == "at_most":
        return value <= limit
    return bounded.bound == "about" and abs(value - limit) <= 0.1 * abs(limit)


def compare(indicators: Sequence[Indicator], facts: Sequence[Fact]) -> Findings:
    """Compare all statements of all quantities."""
    found = Findings()
    names = {canonical(item.name) for item in indicators}
    levels = [fact for fact in facts if fact.kind == "level"]
    cells: dict[tuple[str, int | None], list[Cell]] = defaultdict(list)
    for item in indicators:
        done = any(mark.year == item.target.year and mark.value is not None for mark in item.milestones)
        for reading in (
            item.base,
            *(() if done else (item.target,)),
            *item.milestones,
        ):  # done, beside what was planned
            claim = claim_of_reading(item, reading)
            if claim:
                cells[canonical(item.name), reading.year].append(Cell(item, claim))
        _growth_against_text(item, facts, found)
        _change_against_text(item, facts, found)
        _other_year(item, levels, found)
    unnamed = [fact for fact in levels if canonical(fact.subject) not in names]
    for key, stated in cells.items():
        _judge(stated, [fact for fact in levels if (canonical(fact.subject), fact.year) == key], unnamed, found)
    _among_sentences(levels, set(cells), found)
    _among_works(facts, found)
    return found


def _among_works(facts: Sequence[Fact], found: Findings) -> None:
    """List what two sentences say is to be added, in one wording and year and with two values."""
    first: dict[tuple[str, int | None], Fact] = {}
    for fact in facts:
        whole = not (fact.partial or fact.after_of_which or fact.is_yearly or fact.in_table)
        if fact.kind == "added" and whole and len(canonical(fact.subject)) >= 4 and fact.section != "basis":
            before = first.setdefault((canonical(fact.subject), fact.year), fact)
            if agreement(claim_of_fact(before), claim_of_fact(fact)) == "conflict":
                why = (
                    f"printed as {_shown(before)} (line {before.place.first}) and as {_shown(fact)}: the same quantity?"
                )
                found.doubts.append(Doubt(fact.subject, why, fact.place, "text-text"))


def _judge(stated: Sequence[Cell], named: Sequence[Fact], facts: Sequence[Fact], found: Findings) -> None:
    """Compare the table cells of one quantity and year with each other and with the sentences about it."""
    item, own = stated[0].item, stated[0].claim
    others = [cell.claim for cell in stated[1:]]
    judged = [
        (agreement(own, claim_of_fact(fact)), fact)
        for fact in named
        if not (_is_increment(item, own, fact) or _is_sum(item, own, fact))
    ]
    apart = any(agreement(own, other) == "conflict" for other in others)
    if apart or any(verdict == "conflict" for verdict, _ in judged):
        texts = [claim_of_fact(fact).statement for verdict, fact in judged if verdict]
        statements = [own.statement, *(other.statement for other in others), *texts]
        note = "two rows of tables print different values" if apart else _note_on(judged)
        found.contradictions.append(
            _contradiction(item.name, statements, note, "table-table" if apart else "text-table")
        )
        return
    for verdict, fact in judged:
        if verdict == "rounding":
            why = f"the text has {_shown(fact)}, the table {own.statement.text}: rounding, not a contradiction"
            found.doubts.append(Doubt(item.name, why, fact.place, "rounding"))
        if verdict == "bound" and fact.value != own.value:
            why = f"the text has {fact.text}, the table {own.statement.text}: which of them is meant?"
            found.doubts.append(Doubt(item.name, why, fact.place, "bound"))
    _wordings(item, own, facts, found)


def _is_increment(item: Indicator, own: Claim, fact: Fact) -> bool:
    """Whether a sentence states what is added up to the target (7 and 8 more make 15), not the target itself."""
    if item.base.value is None or item.target.value is None or own.year != item.target.year:
        return False
    added = Claim(
        item.name, item.target.value - item.base.value, item.unit, own.year, None, own.decimals, None, own.statement
    )
    return not fact.printed_year and agreement(added, claim_of_fact(fact)) == "equal"


def _is_sum(item: Indicator, own: Claim, fact: Fact) -> bool:
    """Whether a sentence states what the years of the row make together (三年累计600亿元: 185, 200 and 215)."""
    years = [mark for mark in (*item.milestones, item.target) if (mark.year or 0) > (item.base.year or 0)]
    values = [mark.value for mark in years if mark.value is not None]
    if own.year != item.target.year or len(values) < max(2, len(years)):
        return False
    total = replace(own, value=round(sum(values), 6), bound=None)
    verdict = agreement(total, claim_of_fact(fact))
    return verdict in {"equal", "rounding"} or (verdict == "bound" and bool(SUMMED.search(fact.text)))


def _wordings(item: Indicator, own: Claim, facts: Sequence[Fact], found: Findings) -> None:
    """List sentences about something worded like the indicator, each wording once: maybe the same, maybe not."""
    listed: set[tuple[str, Number]] = set()
    for fact in facts:
        identity = (canonical(fact.subject), fact.value)
        if fact.year != own.year or identity in listed or not similar(item.name, fact.subject):
            continue
        verdict = agreement(own, claim_of_fact(fact))
        if verdict and (verdict == "conflict" or not same_level(item.name, fact.subject)):
            listed.add(identity)
            why = f"worded like {item.name} ({own.statement.text}) but not the same: {_shown(fact)}; the same quantity?"
            found.doubts.append(Doubt(fact.subject, why, fact.place, "similar-wording"))


def _note_on(judged: Iterable[tuple[str | None, Fact]]) -> str:
    only_section = all(not fact.printed_year for verdict, fact in judged if verdict == "conflict")
    return "the text and the table print different values" + (
        "; the sentence names no year, its section suggests it" if only_section else ""
    )


def _change_against_text(item: Indicator, facts: Sequence[Fact], found: Findings) -> None:
    """What a row prints as lost over all the years (〔13.5〕), against a sentence that says it falls by 15%."""
    fallen = item.growth if item.growth_is_total and item.target.value is None else item.target.value
    changes = canonical(item.name).endswith(("降低", "增长")) or item.target.bound in {"fall", "rise"}
    if fallen is None or not changes or item.unit != "%":
        return
    name = item.name if canonical(item.name).endswith(("降低", "增长")) else f"{item.name}下降"
    text = (item.growth_text if item.target.value is None else item.target.text) or str(fallen)
    own = Claim(item.name, fallen, "%", item.target.year, None, len(text.partition(".")[2].rstrip("]】〕）)%")), None,
                Statement(fallen, "%", item.target.year, item.place, text))  # fmt: skip
    for fact in facts:
        told = fact.kind == "change" and fact.year == item.target.year and same(name, fact.promised)
        if told and agreement(own, claim_of_fact(fact)) == "conflict":
            note = "the text and the table print different changes"
            statements = [own.statement, claim_of_fact(fact).statement]
            found.contradictions.append(_contradiction(item.name, statements, note, "text-table"))


def _growth_against_text(item: Indicator, facts: Sequence[Fact], found: Findings) -> None:
    if item.growth is None or item.growth_is_total:
        return
    for fact in facts:
        wanted = item.name.removesuffix("增长").removesuffix("增速")
        was = fact.section == "basis" or (item.base.year is not None and (fact.year or 9999) <= item.base.year)
        if fact.kind != "growth" or was or not same(wanted, fact.subject):
            continue
        text = item.growth_text or str(item.growth)
        own = Claim(item.name, item.growth, "%", None, None, len(text.partition(".")[2]), None,
                    Statement(item.growth, "%", item.target.year, item.place, text))  # fmt: skip
        if agreement(own, claim_of_fact(fact)) == "conflict":
            statements = [own.statement, claim_of_fact(fact).statement]
            note = "the text and the table print different yearly growth"
            found.contradictions.append(_contradiction(item.name, statements, note, "growth-text-table"))


def _other_year(item: Indicator, facts: Sequence[Fact], found: Findings) -> None:
    """The value of the target, printed in a sentence for another year than in the table."""
    own = claim_of_reading(item, item.target)
    years = {item.base.year, item.target.year, *(reading.year for reading in item.milestones)}
    if own is None or own.value in {item.base.value, 100} or own.year is None:
        return
    for fact in facts:
        later = fact.year is not None and item.base.year is not None and fact.year > item.base.year
        if fact.printed_year and later and fact.year not in years and same(item.name, fact.subject):
            claim = claim_of_fact(fact)
            if agreement(own, claim) == "equal":
                note = "the same value is printed for different years"
                found.contradictions.append(
                    _contradiction(item.name, [own.statement, claim.statement], note, "other-year")
                )


def _among_sentences(facts: Sequence[Fact], told: set[tuple[str, int | None]], found: Findings) -> None:
    groups: dict[tuple[str, int | None], list[Fact]] = defaultdict(list)
    for fact in facts:
        if len(canonical(fact.subject)) >= 4 and not fact.partial and not fact.after_of_which:
            groups[canonical(fact.subject), fact.year].append(fact)
    for (subject, year), named in groups.items():
        if (subject, year) in told or year is None:
            continue
        first = claim_of_fact(named[0])
        odd = [
            fact for fact in named[1:]
            if agreement(first, claim_of_fact(fact)) == "conflict"
            # 改造小区24个、1860户; 不低于10%，力争到2027年达到15%
            if not (fact.carried and (fact.unit != named[0].unit or fact.sentence == named[0].sentence))
        ]  # fmt: skip
        if not odd:
            continue
        sure = [
            fact
            for fact in (named[0], *odd)
            if fact.printed_year or fact.section in {"basis", "goal"} or _REACHED.search(fact.text)
        ]
        if len(sure) == 1 + len(odd):
            statements = [claim_of_fact(fact).statement for fact in named]
            found.contradictions.append(
                _contradiction(named[0].subject, statements, "two sentences print different values", "text-text")
            )
        else:
            first_line = named[0].place.first
            why = f"printed as {_shown(named[0])} (line {first_line}) and as {_shown(odd[0])}: the same quantity?"
            found.doubts.append(Doubt(odd[0].subject, why, odd[0].place, "text-text"))


def _contradiction(subject: str, statements: list[Statement], note: str, rule: str) -> Contradiction:
    ordered = sorted(dict.fromkeys(statements), key=lambda statement: (statement.place, statement.text))
    return Contradiction(subject, tuple(ordered), note, rule)


def _shown(fact: Fact) -> str:
    return f"{fact.value}{'—' + str(fact.high) if fact.high else ''}{fact.unit or ''}"
