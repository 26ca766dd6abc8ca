"""What a sentence states: one quantity with its name, value, unit and year."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from shizhu.engines.plan.logic.reader.document import Place
from shizhu.engines.plan.logic.reader.units import comparable
from shizhu.engines.plan.logic.reader.values import scaled

_DIRECTION = re.compile(
    r"(增长|提[高升]|下降|降低|减少|压减|缩短|上升|增加|翻)了?(?:累计)?(?:约|近|超过?|不低于|不少于)?"
    r"(?:\d|[一二两三四五六七八九十]+(?:分之|成|倍)|[一两二三四]?番|一半)"
)
SUMMED = re.compile(r"累计|(?<!公)共(?![同享建青富])|合计")  # over all years, of all parts
EACH_YEAR = "^年(?=开展|举办|组织|培训)"  # 年开展培训2万人次
_GROWING = {"翻": "增长"}
_YEARLY = re.compile(
    rf"(?<!人)每年(?![度均])|{EACH_YEAR}|年均(?!增(?!加)|递|每[十百千]?万|[^，。；]{{0,9}}(?:浓度|温|[水潮]位|流量|降[水雨]|指数|噪声|值))"
)  # a mean of the year (PM2.5年均浓度) is a level


@dataclass(frozen=True)
class Start:
    """The value that a quantity is raised or lowered from (由2020年的42%提高到57%)."""

    value: float | int
    year: int | None
    text: str

    def told_in(self, own: str | None, unit: str | None) -> Start:
        """The value in the unit of what it is raised to (由8000亩增加到1.2万亩)."""
        factor = comparable(own, unit)
        return replace(self, value=scaled(self.value, factor)) if factor not in {None, 1.0} else self


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
    is_detail: bool = False  # a part that is only listed: 其中茶园5万亩, not 其中茶园达到5万亩
    in_table: bool = False
    carried: bool = False  # named by the number before it alone: 达到45亿元、年均增长8%
    taken: int = 0  # characters behind the number that name what is counted
    start: Start | None = None

    @property
    def direction(self) -> str:
        """The word of a change (下降), "" for none."""
        changed = _DIRECTION.search(self.text) if self.kind == "change" else None
        return _GROWING.get(changed.group(1), changed.group(1)) if changed else ""

    @property
    def is_yearly(self) -> bool:
        """Whether so much is to come every year (每年培育5家), not in all."""
        counted = self.unit not in {"%", "‰"} or bool(self.direction)
        return counted and self.kind != "growth" and bool(_YEARLY.search(self.text))

    @property
    def promised(self) -> str:
        """The name of what is promised; a change names its direction."""
        if self.kind == "growth":
            return f"{self.subject}年均增长"
        if self.kind == "share":
            return f"{self.subject}占{self.whole}比重"
        return self.subject if self.subject.endswith(self.direction) else f"{self.subject}{self.direction}"


@dataclass(frozen=True)
class Term:
    """The base year and the last year of the plan, for sentences that name no year."""

    base: int | None
    target: int | None

    def is_between(self, year: int) -> bool:
        """Whether a year is a step on the way: a sentence that names it does not speak for those behind it."""
        return (self.base or 9999) < year < (self.target or 0)

    def of(self, section: str) -> int | None:
        """Return the year that a section speaks of."""
        return self.base if section == "basis" else self.target
