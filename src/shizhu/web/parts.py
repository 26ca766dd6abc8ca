"""Fields by clicking: what an administrator types about the fields of a form or a register, and the moves among them.

A page keeps nothing between two clicks: all that was typed comes with each of them. The controls of a field are named
`p.<id>.<word>`, and `order` lists the ids. How a field is declared is the affair of whoever declares it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from django.utils.translation import gettext as _

from shizhu.kernel.overlays import STEM, free_stem
from shizhu.kernel.text import label
from shizhu.lib.numbers import whole

Posted = Mapping[str, str]
Line = TypeVar("Line")
OTHER = "other"  # the kind of a field that a page cannot change
ICONS: Mapping[str, tuple[str, str]] = {  # what may be chosen as a picture: in Chinese, in English
    "activity": ("体征", "Vital signs"), "alert-triangle": ("警告", "Warning"), "antenna": ("监测站", "Station"),
    "bell": ("铃", "Bell"), "briefcase": ("公文包", "Briefcase"), "building-community": ("楼房", "Buildings"),
    "bulb": ("灯泡", "Light bulb"), "calendar": ("日历", "Calendar"), "camera": ("摄像头", "Camera"),
    "clipboard-check": ("清单", "Checklist"), "database": ("数据", "Data"), "droplet": ("水滴", "Drop"),
    "file-text": ("文件", "Document"), "layout-dashboard": ("看板", "Board"), "leaf": ("叶", "Leaf"),
    "map": ("地图", "Map"), "map-pin": ("地点", "Place"), "route": ("路线", "Route"), "shield-lock": ("盾牌", "Shield"),
    "tag": ("标签", "Tag"), "target": ("靶", "Target"), "tool": ("扳手", "Spanner"), "user": ("个人", "Person"),
    "users": ("人群", "People"),
}  # fmt: skip
FLAGS = ("is_required", "is_listed", "is_filter", "is_unique")
WORDS = (
    "name", "zh", "en", "kind", "help", "unit", "symbol", "low", "high", "formula", "choices", "target", "privacy",
)  # fmt: skip


def pictures(icons: Iterable[str]) -> list[tuple[str, str]]:
    """Icons to choose from, each with what it shows in the language in force."""
    return [(icon, label(dict(zip(("zh", "en"), ICONS[icon], strict=True)))) for icon in icons]


@dataclass(frozen=True)
class Part:
    """One field as it is typed. `id` is its name once it is kept; `choices` has one a line: value=中文/English."""

    id: str
    name: str = ""
    zh: str = ""
    en: str = ""
    kind: str = "text"
    help: str = ""
    unit: str = ""
    symbol: str = ""
    low: str = ""
    high: str = ""
    formula: str = ""
    choices: str = ""
    target: str = ""
    privacy: str = ""
    is_required: bool = False
    is_listed: bool = False
    is_filter: bool = False
    is_unique: bool = False
    is_kept: bool = False  # under a name that does not change any more
    is_new: bool = False  # added just now: its card is open
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class Kind:
    """A kind of field to choose: its value, its title, and which controls it has beside those of all."""

    value: str
    title: str
    has: frozenset[str] = frozenset()  # of unit, range, formula, choices, target


@dataclass(frozen=True)
class Offer:
    """What a page lets one choose: kinds, targets (value, title) of references, and which marks a field may bear."""

    kinds: Sequence[Kind]
    targets: Sequence[tuple[str, str]] = ()
    marks: frozenset[str] = field(default_factory=frozenset)  # of listed, filter, unique, privacy

    def kind(self, value: str) -> Kind:
        """A kind by its value; one without controls of its own where there is no such."""
        return next((kind for kind in self.kinds if kind.value == value), Kind(value, value))


def read(posted: Posted, kept: Iterable[str] = ()) -> list[Part]:
    """The fields that were typed, in order; `kept` names those that exist."""
    known = set(kept)
    return [_read(posted, id_, is_kept=id_ in known) for id_ in ids(posted)]


def ids(posted: Posted) -> list[str]:
    """What the control `order` lists, each once."""
    return list(dict.fromkeys(filter(None, posted.get("order", "").split(","))))


def _read(posted: Posted, id_: str, *, is_kept: bool) -> Part:
    words: dict[str, Any] = {word: posted.get(f"p.{id_}.{word}", "").replace("\r\n", "\n").strip() for word in WORDS}
    flags: dict[str, Any] = {flag: posted.get(f"p.{id_}.{flag}", "") == "on" for flag in FLAGS}
    if is_kept:
        words["name"] = id_
    return Part(id_, **words, **flags, is_kept=is_kept)


def moved(parts: Sequence[Part], do: str) -> list[Part]:
    """The fields after a click: `add`, `remove:<id>`, `up:<id>`, `down:<id>`; anything else changes nothing."""
    if do == "add":
        numbers = [whole(part.id[1:]) for part in parts if part.id[:1] == "+"]
        return [*parts, Part(f"+{max(numbers, default=0) + 1}", is_listed=True, is_new=True)]
    return rearranged(parts, [part.id for part in parts], do)


def rearranged(lines: Sequence[Line], known: Sequence[str], do: str) -> list[Line]:
    """Lines with these ids after a click: `remove:<id>`, `up:<id>`, `down:<id>`; anything else changes nothing."""
    what, _colon, id_ = do.partition(":")
    found, at = list(lines), known.index(id_) if id_ in known else -1
    if at >= 0 and what == "remove":
        del found[at]
    to = at + {"up": -1, "down": 1}.get(what, 0)
    if at >= 0 and to != at and 0 <= to < len(found):
        found[at], found[to] = found[to], found[at]
    return found


def named(parts: Sequence[Part], prefix: str = "", taken: Iterable[str] = ()) -> dict[str, str]:
    """id → the name each field will have: the one it has, the one typed, else the pinyin of its title."""
    used = {*taken, *(part.name for part in parts if part.name)}
    found: dict[str, str] = {}
    for part in parts:
        name = part.name or free_stem(part.zh, {bare.removeprefix(prefix) for bare in used}, "field")
        name = name if name.startswith(prefix) else f"{prefix}{name}"
        used.add(name)
        found[part.id] = name
    return found


def wrong(
    parts: Sequence[Part], offered: Offer, more: Callable[[Part], Iterable[str]] = lambda _part: (), *,
    prefix: str = "", taken: Iterable[str] = (),
) -> dict[str, list[str]]:  # fmt: skip
    """What is wrong with fields, by id; `more` says what is beside that."""
    names, before = named(parts, prefix, taken), list(taken)
    found: dict[str, list[str]] = {}
    for part in parts:
        lines = [*_wrong(part, offered), *more(part)]
        if not STEM.fullmatch(names[part.id]):
            lines.append(_("The name inside must be small letters, digits and _, a letter first, at most 40."))
        if names[part.id] in before:
            lines.append(_("Two fields have the same name inside: %(name)s") % {"name": names[part.id]})
        before.append(names[part.id])
        if lines:
            found[part.id] = lines
    return found


def _wrong(part: Part, offered: Offer) -> Iterator[str]:
    has = offered.kind(part.kind).has
    if not part.zh:
        yield _("Give the field a name.")
    if part.kind not in {kind.value for kind in offered.kinds} and not (part.kind == OTHER and part.is_kept):
        yield _("Choose a kind.")
    if has & {"range", "unit"}:
        yield from _wrong_range(part)
    if "choices" in has and not read_choices(part.choices):
        yield _("Write at least one choice, one a line.")
    if "target" in has and part.target not in dict(offered.targets):
        yield _("Choose what it points at.")


def _wrong_range(part: Part) -> Iterator[str]:
    low, high = ends = [number(text) for text in (part.low, part.high)]
    for text, end in zip((part.low, part.high), ends, strict=True):
        if text and end is None:
            yield _("%(value)s is no number.") % {"value": text}
    if low is not None and high is not None and low > high:
        yield _("The least is above the most.")


def number(text: str) -> int | float | None:
    """The number of a text; None for none."""
    try:
        found = float(text)
    except ValueError:
        return None
    return (int(found) if found.is_integer() else found) if math.isfinite(found) else None


def marked(parts: Iterable[Part], problems: Mapping[str, Sequence[str]]) -> list[Part]:
    """The fields with what is wrong with each, by id."""
    return [replace(part, problems=tuple(problems.get(part.id, ()))) for part in parts]


def written_choices(values: Iterable[object], labels: Mapping[str, object]) -> str:
    """Values with their names, one a line."""
    return "\n".join(_choice(str(value), labels.get(str(value))) for value in values)


def _choice(value: str, label: object) -> str:
    if not label:
        return value
    if isinstance(label, Mapping):
        zh, en = label["zh"], label["en"]
        return f"{value}={zh}" if zh == en else f"{value}={zh}/{en}"
    return f"{value}={label}"


def read_choices(text: str) -> dict[str, object]:
    """value → its name, as text or {zh, en}; a line without `=` is both."""
    found: dict[str, object] = {}
    for line in filter(None, (line.strip() for line in text.splitlines())):
        value, sign, label = (piece.strip() for piece in line.partition("="))
        zh, slash, en = (piece.strip() for piece in label.partition("/"))
        found[value] = {"zh": zh, "en": en} if slash and zh and en else (label if sign and label else value)
    return found


def title_of(zh: str, en: str = "") -> object:
    """A name as it is declared: in one language, or in both."""
    return {"zh": zh, "en": en} if en and en != zh else zh


def written_title(value: object) -> tuple[str, str]:
    """(Chinese, English) of a declared name; no English where one text stands for both."""
    if isinstance(value, Mapping):
        return str(value["zh"]), "" if value["zh"] == value["en"] else str(value["en"])
    return str(value or ""), ""
