"""Tasks written as text: an item that ends with its bodies and term, as in （责任单位：…；完成时限：…）.

Read only where a plan has no task table, for a plan that has one says the same things twice.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from shizhu.engines.plan.logic.reader.boundaries import is_boundary
from shizhu.engines.plan.logic.reader.document import Period, Place, Task
from shizhu.engines.plan.logic.reader.numbering import Marker, marker_of
from shizhu.engines.plan.logic.reader.outline import Passage
from shizhu.engines.plan.logic.reader.owners import read_shares
from shizhu.engines.plan.logic.reader.years import period_of

_BODY_LABEL = re.compile(
    r"(?:牵头|责任|主要责任|主责|主办|承办|实施|配合|协办|参与|支持)(?:责任)?(?:单位|部门|主体)(?:及配合(?:单位|部门))?\s*[:：]"
)
_TERM_LABEL = re.compile(
    r"(?:完成|实施|建设|推进|办结|进度)?(?:时限|时间|期限|进度)(?:安排|要求)?\s*[:：]\s*([^；;，,）)。]+)"
)
_NAME_END = re.compile(r"[。：:；;]")
_LONGEST_NAME = 40


@dataclass(frozen=True)
class _Item:
    """What a label can belong to: the passages from a numbered item or a heading on."""

    marker: Marker | None
    passages: tuple[Passage, ...]


def read_labelled_tasks(passages: Sequence[Passage]) -> list[Task]:
    """Return one task for each item that names its responsible bodies by a label."""
    tasks: list[Task] = []
    item = _Item(None, ())
    for passage in passages:
        marker = marker_of(passage.printed)
        if is_boundary(passage.printed):
            item = _Item(None, ())
            continue
        opens = marker is not None or not item.passages
        item = _Item(marker, (passage,)) if opens else _Item(item.marker, (*item.passages, passage))
        if _BODY_LABEL.search(passage.printed):
            task = _task(item, f"task-{len(tasks) + 1:02d}")
            tasks += [task] if task else []
            item = _Item(None, ())
    return tasks


def _task(item: _Item, key: str) -> Task | None:
    text = "".join(passage.printed for passage in item.passages)
    if item.marker:
        text = item.marker.rest + text[len(item.passages[0].printed) :]
    label = _BODY_LABEL.search(text)
    if label is None:
        return None
    bracketed = text[: label.start()].rstrip().endswith(("（", "("))
    end = re.search(r"[）)](?=[^、，,；;）)]|$)", text[label.end() :]) if bracketed else None
    stop = label.end() + end.start() if end else len(text)
    labels, rest = text[label.start() : stop].rstrip("）)]】。 "), text[stop:].lstrip("）) 。")
    term = _TERM_LABEL.search(text)
    said = _TERM_LABEL.sub("", text[: label.start()]).rstrip("（([【；; ") + rest
    shares = read_shares([_TERM_LABEL.sub("", labels)], [])
    name, content = _named(said)
    if not name or not (shares.leads or shares.supports):
        return None
    place = Place(item.passages[0].lines[0], item.passages[-1].lines[-1])
    period = period_of(term.group(1), "时限") if term else Period()
    return Task(
        key=key, no=item.marker.printed if item.marker and item.marker.value else None, name=name, content=content,
        category=None, period=period, owners=(*shares.leads, *shares.supports), place=place,
        leads=shares.leads, supports=shares.supports,
    )  # fmt: skip


def _named(said: str) -> tuple[str, str]:
    """Part an item into its name (the first sentence, if short) and what is to be done."""
    end = _NAME_END.search(said)
    if end and end.start() <= _LONGEST_NAME:
        return said[: end.start()].strip(), said[end.end() :].strip()
    return (said.strip(), "") if len(said) <= _LONGEST_NAME else (re.split(r"[，,]", said, maxsplit=1)[0], said.strip())
