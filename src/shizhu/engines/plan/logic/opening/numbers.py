"""Word's automatic numbers (自动编号): what Word prints before a paragraph and does not keep in its text."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from docx.document import Document
from docx.oxml.ns import qn
from docx.oxml.xmlchemy import BaseOxmlElement

_HANS = "〇一二三四五六七八九"
_CHINESE = frozenset(
    {
        "chineseCounting", "chineseCountingThousand", "chineseLegalSimplified", "japaneseCounting",
        "ideographDigital", "ideographTraditional", "taiwaneseCounting", "taiwaneseCountingThousand",
    }
)  # fmt: skip
_CIRCLED = frozenset({"decimalEnclosedCircle", "decimalEnclosedCircleChinese"})
_ROMAN = ((100, "c"), (90, "xc"), (50, "l"), (40, "xl"), (10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i"))
_BULLET = "●"


@dataclass(frozen=True)
class _Level:
    start: int
    form: str
    printed: str  # 第%1章, %1.%2


@dataclass
class Numbers:
    """The lists of a document and how far each has been counted."""

    levels: dict[str, dict[int, _Level]] = field(default_factory=dict)  # of a list, by depth
    styles: dict[str, tuple[str, int]] = field(default_factory=dict)  # list and depth that a style brings
    counted: dict[str, dict[int, int]] = field(default_factory=dict)  # of what shares a count
    shared: dict[str, str] = field(default_factory=dict)  # list → what it counts with

    def before(self, paragraph: BaseOxmlElement) -> str:
        """Return what is printed before a paragraph, "" for nothing, and count it."""
        found = self._list_of(paragraph)
        if found is None:
            return ""
        name, depth = found
        level = self.levels.get(name, {}).get(depth)
        if level is None:
            return ""
        counts = self.counted.setdefault(self.shared.get(name, name), {})
        counts[depth] = counts[depth] + 1 if depth in counts else level.start
        for deeper in [known for known in counts if known > depth]:
            del counts[deeper]
        return self._printed(name, level, counts)

    def _list_of(self, paragraph: BaseOxmlElement) -> tuple[str, int] | None:
        properties = paragraph.find(qn("w:pPr"))
        if properties is None:
            return None
        style = properties.find(qn("w:pStyle"))
        by_style = self.styles.get(style.get(qn("w:val"), "")) if style is not None else None
        own = _numbered(properties)
        if own is None:
            return by_style
        name, depth = own
        if name == "0":
            return None
        return (name or (by_style[0] if by_style else ""), depth)

    def _printed(self, name: str, level: _Level, counts: dict[int, int]) -> str:
        if level.form == "bullet":
            return _BULLET
        if level.form == "none":
            return re.sub(r"%\d", "", level.printed)

        def count(found: re.Match[str]) -> str:
            depth = int(found.group(1)) - 1
            of = self.levels[name].get(depth, level)
            return numeral(counts.get(depth, of.start), of.form)

        return re.sub(r"%(\d)", count, level.printed)


def numbers_of(document: Document) -> Numbers:
    """Return the lists of a document; one without lists numbers nothing."""
    numbers = Numbers()
    related = [part for part in document.part.rels.values() if part.reltype.endswith("/numbering")]
    if not related:
        return numbers
    root = related[0].target_part.element
    abstract = {item.get(qn("w:abstractNumId")): _levels(item) for item in root.findall(qn("w:abstractNum"))}
    for item in root.findall(qn("w:num")):
        name = item.get(qn("w:numId"), "")
        link = item.find(qn("w:abstractNumId"))
        base = link.get(qn("w:val")) if link is not None else None
        overrides = {int(own.get(qn("w:ilvl"), "0")): own for own in item.findall(qn("w:lvlOverride"))}
        numbers.levels[name] = {**abstract.get(base, {}), **_overridden(abstract.get(base, {}), overrides)}
        numbers.shared[name] = f"own-{name}" if overrides else f"shared-{base}"
    for style in document.styles.element.findall(qn("w:style")):
        properties = style.find(qn("w:pPr"))
        told = _numbered(properties) if properties is not None else None
        if told and told[0] != "0":
            numbers.styles[style.get(qn("w:styleId"), "")] = told
    return numbers


def _numbered(properties: BaseOxmlElement) -> tuple[str, int] | None:
    given = properties.find(qn("w:numPr"))
    if given is None:
        return None
    name, depth = given.find(qn("w:numId")), given.find(qn("w:ilvl"))
    return (
        name.get(qn("w:val"), "") if name is not None else "",
        int(depth.get(qn("w:val"), "0")) if depth is not None else 0,
    )


def _levels(item: BaseOxmlElement) -> dict[int, _Level]:
    return {int(level.get(qn("w:ilvl"), "0")): _level(level) for level in item.findall(qn("w:lvl"))}


def _level(item: BaseOxmlElement) -> _Level:
    def value(name: str, otherwise: str) -> str:
        found = item.find(qn(name))
        return otherwise if found is None else str(found.get(qn("w:val"), otherwise))

    return _Level(int(value("w:start", "1")), value("w:numFmt", "decimal"), value("w:lvlText", "%1."))


def _overridden(levels: dict[int, _Level], overrides: dict[int, BaseOxmlElement]) -> dict[int, _Level]:
    found: dict[int, _Level] = {}
    for depth, own in overrides.items():
        whole, start = own.find(qn("w:lvl")), own.find(qn("w:startOverride"))
        level = _level(whole) if whole is not None else levels.get(depth)
        if level and start is not None:
            level = _Level(int(start.get(qn("w:val"), "1")), level.form, level.printed)
        if level:
            found[depth] = level
    return found


def numeral(value: int, form: str) -> str:
    """Return a number in one of Word's forms: 3, 三, ③, C, iii; a form we do not know is printed in digits."""
    if form in _CHINESE:
        return hans(value)
    if form in _CIRCLED and 1 <= value <= 20:
        return chr(0x2460 + value - 1)
    if form in {"upperLetter", "lowerLetter"} and 1 <= value <= 26:
        return chr((65 if form == "upperLetter" else 97) + value - 1)
    if form in {"upperRoman", "lowerRoman"} and 0 < value < 400:
        return roman(value).upper() if form == "upperRoman" else roman(value)
    return f"{value:02d}" if form == "decimalZero" else str(value)


def hans(value: int) -> str:
    """Return a number below a hundred in Chinese: 十二."""
    if not 0 < value < 100:
        return str(value)
    tens, ones = divmod(value, 10)
    return ("" if not tens else ("" if tens == 1 else _HANS[tens]) + "十") + (_HANS[ones] if ones else "")


def roman(value: int) -> str:
    """Return a number in small Roman letters."""
    text = ""
    for worth, letters in _ROMAN:
        text += letters * (value // worth)
        value %= worth
    return text
