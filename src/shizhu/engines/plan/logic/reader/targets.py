"""Targets in sentences that a person should look at: bounds and ranges, and shares printed without %."""

from __future__ import annotations

import re
from collections.abc import Sequence

from shizhu.engines.plan.logic.reader.document import Doubt
from shizhu.engines.plan.logic.reader.fact import Fact
from shizhu.engines.plan.logic.reader.facts import sentences
from shizhu.engines.plan.logic.reader.outline import Passage
from shizhu.engines.plan.logic.reader.subjects import canonical

BOUND_WORDS = {
    "at_least": "the target is a lower bound",
    "at_most": "the target is an upper bound",
    "reach": "the target is to be reached, so it may be more",
    "about": "the target is only about this value",
    "range": "the target is a range; its lower end is taken as the value",
    "words": "the target is words, not a number",
    "rise": "the target is a rise, not a level",
    "fall": "the target is a fall, not a level",
}
_WORDS = re.compile(
    r"^(?!.*\d+(?:\.\d+)?[%‰亿万个家]).*"
    r"(?:[零负]增长|[零无]发生|零事故|全覆盖|清零|只增不减|[不无]减少|不降低|(?:基本|全面|全部|彻底)消除)"
)
_YEAR = re.compile(r"20\d{2}年(?:年?[底末])?")
_CLAUSE = re.compile(r"[^，,。；;：:！？]+")
_BARE_SHARE = re.compile(
    r"([一-鿿]{2,20}(?:率|比例|比重|占比))(?:分别)?(?:达到?|提高到|提升到|提升至|增长到|保持在|稳定在|为|超过|不低于)\s*"
    r"(\d+(?:\.\d+)?)(?:以上|左右)?(?=[，。；、,;]|$)"
)


def target_doubts(facts: Sequence[Fact], passages: Sequence[Passage]) -> list[Doubt]:
    """List targets in sentences that are no single number, each once, and shares without a percent sign."""
    doubts: dict[tuple[str, float], Doubt] = {}
    for fact in facts:
        if fact.bound in BOUND_WORDS and fact.kind in {"level", "added"} and fact.section != "basis":
            why = f"{BOUND_WORDS[fact.bound]}: {fact.text}"
            doubts.setdefault(
                (canonical(fact.subject), fact.value), Doubt(fact.subject, why, fact.place, "target-bound")
            )
    found = (doubt for passage in passages for doubt in (*_bare_shares(passage), *_in_words(passage)))
    return [*doubts.values(), *found]


def _in_words(passage: Passage) -> list[Doubt]:
    """List what is to be reached without a number (化肥使用量零增长), among goals or in a sentence with a year."""
    if passage.section in {"basis", "terms"} or passage.in_table:
        return []
    found = []
    for sentence in sentences(passage):
        if passage.section == "goal" or _YEAR.search(sentence.group()):
            for clause in _CLAUSE.finditer(sentence.group()):
                if _WORDS.search(clause.group()):
                    start = sentence.start() + clause.start()
                    place = passage.place(start, sentence.start() + clause.end())
                    why = f"the target is words, not a number: {clause.group()}"
                    found.append(Doubt(_YEAR.sub("", clause.group()).strip("到至 ")[:40], why, place, "words"))
    return found


def _bare_shares(passage: Passage) -> list[Doubt]:
    return [
        Doubt(found.group(1), f"a share without %: {found.group()}", passage.place(*found.span()), "percent-missing")
        for found in _BARE_SHARE.finditer(passage.text)
        if passage.section != "terms"
    ]
