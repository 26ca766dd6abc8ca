"""Tasks written as text: an item with its bodies and term under labels.

Either in the sentence, as in （责任单位：…；完成时限：…）, or a line each below the name (建设内容：… 配合单位：…).
A plan that has a task table too says the same things twice, unless hardly any of its names are alike.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from shizhu.engines.plan.logic.reader.boundaries import is_boundary
from shizhu.engines.plan.logic.reader.columns import numbering_doubts
from shizhu.engines.plan.logic.reader.document import Doubt, Period, Place, Task
from shizhu.engines.plan.logic.reader.fit import is_body
from shizhu.engines.plan.logic.reader.lines import compact
from shizhu.engines.plan.logic.reader.numbering import Marker, marker_of, number_of
from shizhu.engines.plan.logic.reader.outline import Passage
from shizhu.engines.plan.logic.reader.owners import closing, read_shares
from shizhu.engines.plan.logic.reader.subjects import overlap
from shizhu.engines.plan.logic.reader.years import period_of

_ROW = re.compile(r"\|.*\|")  # of a table nobody could read
_BODY_LABEL = re.compile(
    r"(?:牵头|责任|主要责任|主责|主办|承办|实施|配合|协办|参与|支持)(?:责任)?(?:单位|部门|主体|[科股处]室)(?:及配合(?:单位|部门))?\s*[:：]"
)
_TERM_LABEL = re.compile(
    r"(?:完成|实施|建设|推进|办结|进度)?(?:时限|时间|期限|进度)(?:安排|要求)?\s*[:：]\s*([^；;，,）)。\n]+)"
)
# who answers for it, beside the bodies: （责任领导：王某；牵头单位：县水利局）
_PERSON_LABEL = re.compile(
    r"((?:责任|牵头|分管|包[抓联保]|挂[钩联点]|[市县区]级|主管|联系)?(?:[市县区])?(?:领导|责任人|负责人))"
    r"\s*[:：]\s*([^；;，,）)。\n]+)[；;，,]?\s*"
)
_CONTENT_LABEL = re.compile(r"(?:主要|重点|具体|建设|工作|任务|实施|项目|工程){1,2}(?:内容|任务|目标)\s*[:：]\s*")
# bodies told without a label: （县教育局牵头，县财政局配合）, （县教育局、县财政局按职责分工负责）, 〔县教育局〕
_BRACKETED = re.compile(
    r"(?P<open>[（(〔【\[])(?P<told>(?:[^（）()〔〕【】\[\]：:]|[（(〔][^（）()〔〕：:]{1,10}[）)〕]){3,240})[）)〕】\]]"
)
_DOING = r"(?:按照?(?:各自)?职责(?:分工)?)?(?:共同|分别)?(?:负责|落实|配合|参与|协同|协助|组织实施){0,2}"
_BY = r"(?:[，,；;](?P<term>(?:20\d{2}年|\d{1,2}月|年底|全年|长期|持续)[^，,；;]*))?"
_LED = re.compile(rf"由?(?P<lead>.+?)牵头(?:负责)?(?:[，,；;](?:会同)?(?P<rest>(?!20\d\d年).+?)等?{_DOING})?{_BY}")
_DUTY = re.compile(
    rf"由?(?P<all>.+?)等?(?:按照?(?:各自)?职责(?:分工)?)?(?:共同|分别)?(?:负责|落实|组织实施)"
    rf"(?:[，,；;](?P<rest>(?!20\d\d年)[^，,；;]+?)(?:负责|配合|落实|参与|协助|协同|组织实施))?{_BY}"
)
# a heading that names the body for all items below it: 二、县水利局牵头任务（5项）
_LEADING_HEADING = re.compile(
    r"由?(?P<lead>[^，。；：]{3,30}?)(?:牵头|负责)(?:的|落实)?(?:重点)?(?:工作|任务|事项|项目)"
)
_LABEL = re.compile("|".join(f"(?:{label.pattern})" for label in (_BODY_LABEL, _TERM_LABEL, _CONTENT_LABEL)))
_OTHER_LABEL = re.compile(r"[一-鿿（）()]{2,10}\s*[:：]")
_NAME_END = re.compile(rf"[。：:；;\n]|(?={_CONTENT_LABEL.pattern})")
_BY_YEAR = re.compile(r"^(?:到|至)?20\d{2}年(?:年?底)?[，,]")
_CARRIED_ON = ("、", "，", ",", "（", "(")  # a line that ends so has its rest on the next
_ENDED = ("。", "；", ";")  # what stands before bodies in brackets at the end of an item: …率达到100%。（县农业农村局）
_LONGEST_NAME = 40
_ALIKE = 0.6  # of the letters of the shorter name


@dataclass(frozen=True)
class _Item:
    """What labels can belong to: the passages from a numbered item or a heading on."""

    marker: Marker | None = None
    passages: tuple[Passage, ...] = ()
    unread: tuple[Passage, ...] = ()

    @property
    def is_labelled(self) -> bool:
        """Whether its bodies were named: from then on only labels go on with it."""
        return any(_BODY_LABEL.search(passage.printed) for passage in self.passages)

    def takes(self, passage: Passage) -> bool:
        """Whether a passage without a number goes on with it."""
        if not self.is_labelled or _LABEL.match(passage.printed):
            return True
        return self.passages[-1].printed.endswith(_CARRIED_ON) and self._touches(passage)

    def leaves(self, passage: Passage) -> bool:
        """Whether a passage stands in its block of lines, though nobody can say what it means there."""
        return bool(_OTHER_LABEL.match(passage.printed)) or self._touches(passage)

    def _touches(self, passage: Passage) -> bool:
        last = (*self.passages, *self.unread)[-1].lines[-1]
        return passage.lines[0] == last + 1


def read_labelled_tasks(passages: Sequence[Passage], year: int | None) -> tuple[list[Task], list[Doubt]]:
    """Return one task for each item that names its responsible bodies by a label, and what was left of them.

    `year` is that of a plan of one year.
    """
    tasks: list[Task] = []
    doubts: list[Doubt] = []
    labelled = [replace(passage, printed=_led_above(passage, _BRACKETED.sub(_with_labels, passage.printed)))
                for passage in passages]  # fmt: skip
    for item in _items(labelled):
        if not item.is_labelled:
            continue
        task = _task(item, f"task-{len(tasks) + 1:02d}", year)
        if task is None:
            doubts += [_unread(passage, "a task whose name or bodies could not be read") for passage in item.passages]
            continue
        tasks.append(task)
        doubts += [_unread(passage, f"this line of the task {task.name} is not read") for passage in item.unread]
        if task.period.text and task.period.first is None and task.period.last is None:
            why = f"the term names no year: {task.period.text}"
            doubts.append(Doubt(task.name, why, task.place, "period-unread"))
    numbers = [(task.no, number_of(task.no), task.place) for task in tasks if task.no]
    return tasks, doubts + numbering_doubts(numbers, "task")


def with_labels(tasks: Sequence[Task], labelled: Sequence[Task]) -> list[Task]:
    """Fill in what a table leaves out of tasks that the text tells too, by their names; no task is added."""
    told = {compact(task.name): task for task in labelled}
    return [_filled(task, told[compact(task.name)]) if compact(task.name) in told else task for task in tasks]


def is_another_list(tasks: Sequence[Task], labelled: Sequence[Task]) -> bool:
    """Whether what the text tells are other tasks than those of the table: at most a fifth of their names are alike."""
    alike = sum(any(overlap(one.name, other.name) >= _ALIKE for other in tasks) for one in labelled)
    return len(labelled) > 1 and alike * 5 <= len(labelled)


def numbered(tasks: Sequence[Task]) -> list[Task]:
    """The tasks of several lists under keys of their own, in the order of the text."""
    ordered = sorted(tasks, key=lambda task: task.place)
    return [replace(task, key=f"task-{number:02d}") for number, task in enumerate(ordered, 1)]


def _filled(task: Task, told: Task) -> Task:
    leads = tuple(dict.fromkeys((*task.leads, *told.leads)))
    supports = tuple(owner for owner in (task.supports or told.supports) if owner not in leads)
    return replace(
        task, content=task.content or told.content, leads=leads, supports=supports, owners=(*leads, *supports),
        period=task.period if task.period.text else told.period,
    )  # fmt: skip


def _with_labels(found: re.Match[str]) -> str:
    """Print the bodies in a bracket with their label; a bracket that holds something else stays."""
    told = found["told"].rstrip("。")
    led, duty = _LED.fullmatch(told), _DUTY.fullmatch(told)
    term = next((f"；完成时限：{one['term']}" for one in (led, duty) if one and one["term"]), "")
    if led and is_body(led["lead"]):
        rest = f"；配合单位：{led['rest']}" if led["rest"] else ""
        return f"（牵头单位：{led['lead']}{rest}{term}）"
    if duty and is_body(duty["all"]):
        rest = f"；配合单位：{duty['rest']}" if duty["rest"] else ""
        return f"（责任单位：{duty['all']}{rest}{term}）"
    after = found.string[found.end() :].strip("。 ") == "" and found.string[: found.start()].rstrip()[-1:] in _ENDED
    return f"（责任单位：{told}）" if (after or found["open"] not in "（(") and is_body(told) else found.group()


def _led_above(passage: Passage, printed: str) -> str:
    """The text of an item, with the body that a heading above it names where it names none itself."""
    above = [heading for heading in passage.headings if not passage.printed.startswith(heading)]
    led = [found for heading in above if (found := _LEADING_HEADING.match(_without_number(heading)))]
    if not led or marker_of(printed) is None or _BODY_LABEL.search(printed) or not is_body(led[-1]["lead"]):
        return printed
    return f"{printed.rstrip('。')}。（牵头单位：{led[-1]['lead']}）"


def _without_number(heading: str) -> str:
    marker = marker_of(heading)
    return compact(marker.rest if marker else heading)


def _items(passages: Sequence[Passage]) -> list[_Item]:
    items = [_Item()]
    for passage in passages:
        marker, item = marker_of(passage.printed), items[-1]
        if is_boundary(passage.printed) or _ROW.search(passage.printed):
            items.append(_Item())
        elif marker is not None or not item.passages or (_is_title(items) and not _LABEL.match(passage.printed)):
            items.append(_Item(marker, (passage,)))
        elif item.takes(passage) and not item.unread:
            items[-1] = _Item(item.marker, (*item.passages, passage))
        elif _LABEL.match(passage.printed):
            items[-1] = _Item(item.marker, (*item.passages, passage), item.unread)
        elif _BODY_LABEL.search(passage.printed):  # a paragraph with bodies of its own
            items.append(_Item(None, (passage,)))
        elif item.leaves(passage):
            items[-1] = _Item(item.marker, item.passages, (*item.unread, passage))
        else:
            items.append(_Item(None, (passage,)))
    return items


def _is_title(items: Sequence[_Item]) -> bool:
    """Whether nothing but the title of the plan has been read, which is no task."""
    return len(items) == 2 and items[1].marker is None and len(items[1].passages) == 1


def _unread(passage: Passage, why: str) -> Doubt:
    return Doubt(passage.printed[:60], why, Place(passage.lines[0], passage.lines[-1]), "task-unread")


def _task(item: _Item, key: str, year: int | None) -> Task | None:
    text = "\n".join(passage.printed for passage in item.passages)
    if item.marker:
        text = item.marker.rest + text[len(item.passages[0].printed) :]
    persons = dict(_PERSON_LABEL.findall(text))
    text = _PERSON_LABEL.sub("", text)
    label = _BODY_LABEL.search(text)
    if label is None:
        return None
    bracketed = text[: label.start()].rstrip().endswith(tuple("（([【〔"))
    stop = label.end() + closing(text[label.end() :]) if bracketed else len(text)
    labels, rest = text[label.start() : stop].rstrip("】。 "), text[stop:].lstrip("）)】]〕 。")
    labels, later = _without_content(labels)
    term = _TERM_LABEL.search(text)
    said = _TERM_LABEL.sub("", text[: label.start()]).rstrip("（([【；; \n") + later + rest
    shares = read_shares([_TERM_LABEL.sub("", labels)], [])
    name, content = _named(said)
    if not name or not (shares.leads or shares.supports):
        return None
    place = Place(item.passages[0].lines[0], item.passages[-1].lines[-1])
    period = period_of(term.group(1), "时限", year) if term else Period()
    return Task(
        key=key, no=item.marker.printed if item.marker and item.marker.value else None, name=name, content=content,
        category=None, period=period, owners=(*shares.leads, *shares.supports), place=place,
        leads=shares.leads, supports=shares.supports, more=persons,
    )  # fmt: skip


def _without_content(labels: str) -> tuple[str, str]:
    """Part what is to be done, where it is printed behind the bodies, from the labels around it."""
    kept, content = "", ""
    found = list(_LABEL.finditer(labels))
    ends = [label.start() for label in found[1:]] + [len(labels)]
    for label, end in zip(found, ends, strict=True):
        part = labels[label.start() : end]
        if _CONTENT_LABEL.match(part):
            content += "\n" + part.strip()
        else:
            kept += part
    return kept, content


def _named(said: str) -> tuple[str, str]:
    """Part an item into its name (up to a label, or the first sentence or line, if short) and what is to be done."""
    end = _NAME_END.search(said)
    if end and end.start() <= _LONGEST_NAME:
        content = _CONTENT_LABEL.sub("", said[end.end() :].strip(), count=1)
        return said[: end.start()].strip(), content.replace("\n", "")
    said = said.replace("\n", "").strip()
    if len(said) <= _LONGEST_NAME:
        return said, ""
    return re.split(r"[，,；;。]", _BY_YEAR.sub("", said), maxsplit=1)[0], said
