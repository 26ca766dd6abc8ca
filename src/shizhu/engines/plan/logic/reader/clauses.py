"""Clauses (条款): everything in a plan that promises something, with headings, place and the quantities it states.

A sentence promises if it states a target, or if a part of it begins with a verb of doing and it stands in no section
about the past, about terms or about principles. A row of a table of tasks or indicators promises as a whole.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from shizhu.engines.plan.logic.reader.boundaries import is_boundary
from shizhu.engines.plan.logic.reader.document import Box, Clause, Indicator, Place, Quantity, Task
from shizhu.engines.plan.logic.reader.fact import Fact, Term
from shizhu.engines.plan.logic.reader.facts import sentences
from shizhu.engines.plan.logic.reader.lines import Pages, compact, half_width
from shizhu.engines.plan.logic.reader.numbering import marker_of
from shizhu.engines.plan.logic.reader.outline import Passage
from shizhu.engines.plan.logic.reader.tables import Table
from shizhu.engines.plan.logic.reader.values import is_dash

_DOING = (
    "建设|建成|建立|建好|构建|打造|推进|推动|推广|实施|开展|加强|强化|完善|健全|优化|提升|提高|培育|培养|培训|发展|引进|引育|引导|组建|"
    "成立|支持|鼓励|落实|制定|编制|出台|扩大|拓展|深化|促进|加大|加快|创建|创新|改造|改建|扩建|新建|新增|整合|选派|争取|确保|实现|达到|"
    "突破|完成|增加|增强|降低|减少|压减|控制|探索|设立|搭建|布局|保障|规范|修复|治理|保护|辅导|入网|攻克|举办|申报|认定|转化|壮大|做强|做大|"
    "做优|形成|聚焦|推行|推出|启动|开发|研发|升级|普及|覆盖|接入|配备|编印|公布|建有|稳定|巩固|统筹|盘活|招引|孵化|对接|开通|投用|争创"
)
_HOW = (
    r"(?:力争|进一步|继续|持续|大力|全面|积极|着力|重点|不断|有序|深入|扎实|切实|稳步|逐步|科学|联合|协同|高标准|高质量|高水平|因地制宜|共同|"
    r"同步|每年|累计|全县|统一|依法|依托[^，。；]{2,20}?|围绕[^，。；]{2,20}?|以[^，。；]{2,20}?为[^，。；]{1,6}?|到20\d{2}年底?|"
    r"20\d{2}年底?前?)*"
)
_PROMISE = re.compile(rf"(?:^|[，,；;、：:）)——])\s*{_HOW}(?:{_DOING})")
_TELLS = re.compile(r"^(?:现将|请|特此|为|根据|按照|依据)[^，。]*$|以下简称|目录$")
_PRINCIPLE = re.compile(r"指导思想|基本原则|总体要求$|总体思路|编制(?:依据|说明)|规划期限")
_YEAR = re.compile(r"\W*(?:力争)?到?20\d{2}年")
_BOX = re.compile(r"专[栏题]")
_ENTRIES = frozenset({"arabic", "bracket", "circle"})
_SHORTEST, _LONGEST_LEAD = 8, 26
_AHEAD = frozenset({"level", "added", "growth", "change", "share"})


def read_clauses(
    pages: Pages,
    passages: Sequence[Passage],
    tables: Sequence[Table],
    boxes: Sequence[Box],
    indicators: Sequence[Indicator],
    tasks: Sequence[Task],
    labelled: Sequence[Task],
    facts: Sequence[Fact],
    term: Term,
) -> list[Clause]:
    """Return all clauses in the order of the text; `key` stays the same while the wording does.

    `labelled` are the tasks that the text tells with their bodies, in the list of tasks or beside it.
    """
    taken = {number for table in tables for number in range(table.place.first, table.end + 1)}
    printed = [task for task in tasks if task.place.first in taken]
    found = [
        *_of_sentences(passages, boxes, facts, term),
        *(_of_task(task, passages, facts) for task in printed),
        *(_of_row(item, passages) for item in indicators if item.found_in == "table"),
    ]
    keys = {task.place: task.key for task in tasks}
    owned = [_owned(clause, labelled, keys) for clause in found]
    return _keyed(sorted(owned, key=lambda clause: (clause.place, clause.kind)))


def _of_sentences(
    passages: Sequence[Passage], boxes: Sequence[Box], facts: Sequence[Fact], term: Term
) -> Iterator[Clause]:
    told: dict[tuple[int, int], list[Fact]] = {}
    for fact in facts:
        told.setdefault(fact.sentence, []).append(fact)
    for passage in passages:
        deepest = passage.headings[-1] if passage.headings else ""
        if passage.in_table or passage.section in {"basis", "terms"} or is_boundary(passage.text):
            continue
        if not passage.headings or _PRINCIPLE.search(deepest):
            continue
        box = next((box for box in boxes if box.place.first <= passage.lines[0] <= box.place.last), None)
        above = _boxed(passage.headings, box) if box else passage.headings
        said = list(sentences(passage))
        for number, sentence in enumerate(said):
            own = told.get((passage.lines[0], sentence.start()), [])
            text = passage.printed[sentence.start() : sentence.end()].strip()
            if number == 0 and _leads(text, len(said), own):
                above = _joined(above, text)
                continue
            if not _promises(text, own, term):
                continue
            yield Clause(
                key="", kind="box" if box else "text", text=text, headings=above,
                place=passage.place(sentence.start(), sentence.end()), quantities=_quantities(own, term),
            )  # fmt: skip


def _leads(text: str, number: int, facts: Sequence[Fact]) -> bool:
    """Whether the first of several sentences is the heading of its paragraph: short, and no quantity in it."""
    return number > 1 and len(text) <= _LONGEST_LEAD and not facts and not _YEAR.match(text)


def _boxed(headings: tuple[str, ...], box: Box) -> tuple[str, ...]:
    """The headings of a paragraph inside a box: the box's own in the place of its printed line."""
    own = f"专栏{box.no or ''} {box.title}"
    at = next((number for number, heading in enumerate(headings) if _BOX.match(compact(heading))), None)
    if at is not None:
        return (*_joined(headings[:at], own), *headings[at + 1 :])
    styles = [marker.style if (marker := marker_of(heading)) else "" for heading in headings]
    at = next((number for number, style in enumerate(styles) if style in _ENTRIES), len(headings))
    return (*_joined(headings[:at], own), *headings[at:])


def _joined(headings: tuple[str, ...], lead: str) -> tuple[str, ...]:
    """The headings with one more, unless it is the deepest already."""
    own = " ".join(lead.split()).strip("。：:—- ")
    return headings if not own or (headings and compact(headings[-1]) == compact(own)) else (*headings, own)


def _promises(text: str, facts: Sequence[Fact], term: Term) -> bool:
    marker = marker_of(text)
    words = half_width(marker.rest if marker and marker.rest else text).strip()
    if len(compact(words)) < _SHORTEST or _TELLS.search(words):
        return False
    return bool(_quantities(facts, term) or _YEAR.match(words) or _PROMISE.search(words))


def _quantities(facts: Sequence[Fact], term: Term) -> tuple[Quantity, ...]:
    """The quantities that lie ahead of the base year."""
    return tuple(
        Quantity(fact.subject, fact.value, fact.unit, fact.year, fact.bound)
        for fact in facts
        if fact.kind in _AHEAD and fact.year is not None and (term.base is None or fact.year > term.base)
    )


def _of_task(task: Task, passages: Sequence[Passage], facts: Sequence[Fact]) -> Clause:
    own = [fact for fact in facts if fact.in_table and task.place.first <= fact.place.first <= task.place.last]
    text = f"{task.name}：{task.content}" if task.content else task.name
    quantities = tuple(Quantity(fact.subject, fact.value, fact.unit, fact.year, fact.bound) for fact in own)
    return Clause(
        key="", kind="task", text=text, headings=_above(passages, task.place, task.table), place=task.place,
        quantities=quantities, leads=task.leads or task.owners, supports=task.supports if task.leads else (),
        row=task.key,
    )  # fmt: skip


def _of_row(item: Indicator, passages: Sequence[Passage]) -> Clause:
    target = item.target
    quantities = (Quantity(item.name, target.value, item.unit, target.year, target.bound),) if target.value else ()
    said = target.text or ("" if target.value is None else str(target.value))
    by = f"{target.year}年" if target.year else ""
    text = item.name if not said or is_dash(said) else f"{item.name}：{by}{said}"
    unit = item.unit if item.unit and text != item.name and item.unit not in text else ""
    return Clause(
        key="", kind="indicator", text=f"{text}{unit}", headings=_above(passages, item.place, item.table),
        place=item.place, quantities=quantities, leads=item.owners, row=item.key,
    )  # fmt: skip


def _above(passages: Sequence[Passage], place: Place, caption: str) -> tuple[str, ...]:
    """The headings of the last paragraph before a table, and what its caption says."""
    before = [passage for passage in passages if not passage.in_table and passage.lines[0] <= place.first]
    headings = before[-1].headings if before and not compact(caption).startswith("附") else ()
    return _joined(headings, caption)


def _owned(clause: Clause, labelled: Sequence[Task], keys: Mapping[Place, str]) -> Clause:
    """A sentence of a task that is written as text has the owners of the task, and its key where it is in the list."""
    if clause.kind not in {"text", "box"}:
        return clause
    task = next((one for one in labelled if one.place.first <= clause.place.first <= one.place.last), None)
    if task is None:
        return clause
    supports = task.supports if task.leads else ()
    return replace(clause, leads=task.leads or task.owners, supports=supports, row=keys.get(task.place, ""))


def _keyed(clauses: Sequence[Clause]) -> list[Clause]:
    seen: Counter[str] = Counter()
    made = []
    for clause in clauses:
        name = hashlib.sha256(f"{clause.kind} {compact(half_width(clause.text))}".encode()).hexdigest()[:12]
        seen[name] += 1
        made.append(replace(clause, key=name if seen[name] == 1 else f"{name}-{seen[name]}"))
    return made
