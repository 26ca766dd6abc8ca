"""Warnings, pure: what a message says as JSON, its texts from templates, CAP alerts of it, what follows what, figures.

Levels (突发事件应对法 §42): blue, yellow, orange, red. They stand for CAP's severity as `wire.cap.SEVERITY` has it;
urgency and certainty follow the level unless somebody says otherwise.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from shizhu.wire import cap

URGENCY = {"blue": "Future", "yellow": "Expected", "orange": "Expected", "red": "Immediate"}
CERTAINTY = {"blue": "Possible", "yellow": "Likely", "orange": "Likely", "red": "Likely"}
ANSWER = {  # how long somebody may take to say that they know
    "blue": timedelta(hours=1), "yellow": timedelta(minutes=30), "orange": timedelta(minutes=10),
    "red": timedelta(minutes=5),
}  # fmt: skip
COLOURS = {
    "blue": {"zh": "蓝色", "en": "blue"}, "yellow": {"zh": "黄色", "en": "yellow"},
    "orange": {"zh": "橙色", "en": "orange"}, "red": {"zh": "红色", "en": "red"},
}  # fmt: skip
GRAVE = ("orange", "red")
LANGUAGES = {"zh": "zh-CN", "en": "en-US"}
TEXTS = ("headline", "description", "instruction")
PLACEHOLDER = re.compile(r"\{(\w+)\}")
CLAUSE = re.compile(r"[^，。；：,.;:]+[，。；：,.;:]*\s*")
ENDS = ("。", ".")
PLACEHOLDERS = ("issuer", "event", "level", "areas", "places", "station", "value", "since", "expires")
UNIT = "00000000"  # of the identifier, where no unit is declared
ENDING = {"cancel": "Cancel", "allclear": "Update"}
TYPES = {"alert": "Alert", "update": "Update", **ENDING}
Told = Mapping[str, Any]  # the content of a message


def filled(text: str, values: Mapping[str, str]) -> str:
    """A template's text. A clause with a placeholder of which nothing is known is left out: no hole is read out."""
    clauses: list[str] = []
    for clause in CLAUSE.findall(text):
        if all(values.get(name) for name in PLACEHOLDER.findall(clause)):
            clauses.append(clause)
        elif clauses and clause.rstrip()[-1:] in ENDS:
            clauses[-1] = clauses[-1].rstrip()[:-1] + clause[len(clause.rstrip()) - 1 :]
    return PLACEHOLDER.sub(lambda found: values[found[1]], "".join(clauses)).strip()


def unknown(text: str) -> list[str]:
    """Placeholders that there are not."""
    return [name for name in PLACEHOLDER.findall(text) if name not in PLACEHOLDERS]


def may_follow(kind: str, state: str) -> bool:
    """Whether a message of a kind may be issued for a warning in a state."""
    return state == ("draft" if kind == "alert" else "current")


@dataclass(frozen=True)
class Zone:
    """An area that is warned: its statistical code (as many digits as it has), name, and outline where it is real."""

    code: str
    name: str
    rings: tuple[tuple[cap.Position, ...], ...] = ()


def identifier(county: str, unit: str, sent: datetime, number: int) -> str:
    """`ZZZZZZDDDUUUXX_YYYYMMDDhhmmss_N` (GB/T 35965.1-2018): county, industry, unit, time, serial number."""
    return f"{county}{unit}_{sent:%Y%m%d%H%M%S}_{number}"


def composed(told: Told, kind: str, head: cap.Alert, zones: Sequence[Zone], web: str) -> cap.Alert:
    """The CAP alert of a message; `head` has identifier, sender, sent and references. Raises cap.CapError."""
    infos = tuple(_info(told, kind, language, zones, web, head.sent) for language in LANGUAGES)
    made = replace(
        head, status=told["status"], message_type=TYPES[kind], scope=told["scope"], infos=infos,
        restriction=told.get("restriction", ""), note=told.get("note", ""),
    )  # fmt: skip
    for problem in cap.problems(made):
        raise problem
    return made


def _info(told: Told, kind: str, language: str, zones: Sequence[Zone], web: str, sent: datetime) -> cap.Info:
    is_over = kind in ENDING
    rings = [tuple((x, y) for x, y in told["polygon"])] if told.get("polygon") else [r for z in zones for r in z.rings]
    joint = "、" if language == "zh" else ", "
    area = cap.Area(
        joint.join(zone.name for zone in zones), tuple(rings),
        codes=tuple((cap.GEOCODE, zone.code.ljust(12, "0")) for zone in zones),
    )  # fmt: skip
    onset = time(told.get("onset"))
    return cap.Info(
        told["event"][language], "Past" if is_over else told["urgency"], cap.SEVERITY[told["level"]],
        told["certainty"], tuple(told["categories"]), (area,), LANGUAGES[language],
        ("AllClear",) if kind == "allclear" else () if is_over else tuple(told.get("responses", ())),
        (("GB/T 35561", told["code"]),) if told.get("code") else (),
        effective=sent, onset=None if is_over else onset, expires=time(told["expires"]),
        sender_name=told["issuer"][language], headline=told["headline"][language],
        description=told["description"][language], instruction=told["instruction"][language], web=web,
        parameters=(("level", told["level"]),),
    )  # fmt: skip


def time(text: str | None) -> datetime | None:
    """A time of a message's content."""
    return datetime.fromisoformat(text) if text else None


@dataclass(frozen=True)
class Share:
    """How many of those who must answer have, and how long the first 90 % took; None: not yet."""

    asked: int
    answered: int
    ninety: timedelta | None

    @property
    def percent(self) -> float:
        """Of those asked."""
        return 100 * self.answered / self.asked if self.asked else 0.0


def share(sent: datetime, answers: Iterable[datetime | None]) -> Share:
    """Of everybody asked the time of their first answer, or None."""
    told = list(answers)
    times = sorted(one for one in told if one)
    needed = math.ceil(0.9 * len(told))
    return Share(len(told), len(times), times[needed - 1] - sent if needed and len(times) >= needed else None)


@dataclass(frozen=True)
class Skill:
    """How good warnings were; shares in per cent, None where nothing can be said.

    `detected`: of what came, how much was warned of (probability of detection); `false_share`: of warnings that were
    judged, how many for nothing (false alarm ratio); `lead`: the mean time between warning and event.
    """

    hits: int
    false: int
    misses: int
    open: int
    leads: tuple[timedelta, ...] = ()

    @classmethod
    def of_spans(cls, leads: Sequence[int], false: int, misses: int) -> Skill:
        """Of hits with their leads in microseconds."""
        return cls(len(leads), false, misses, 0, tuple(timedelta(microseconds=one) for one in leads))

    @classmethod
    def together(cls, several: Iterable[Skill]) -> Skill:
        """All of them as one."""
        found = list(several)
        leads = tuple(lead for one in found for lead in one.leads)
        hits, false, misses = (sum(getattr(one, name) for one in found) for name in ("hits", "false", "misses"))
        return cls(hits, false, misses, 0, leads)

    @property
    def success(self) -> float | None:
        """Hits of all that came or was warned of (critical success index)."""
        told = self.hits + self.false + self.misses
        return 100 * self.hits / told if told else None

    @property
    def detected(self) -> float | None:
        """Hits of hits and misses."""
        came = self.hits + self.misses
        return 100 * self.hits / came if came else None

    @property
    def false_share(self) -> float | None:
        """False ones of hits and false ones."""
        judged = self.hits + self.false
        return 100 * self.false / judged if judged else None

    @property
    def lead(self) -> timedelta | None:
        """Mean of the leads; of a warning that came after its event it is negative."""
        return sum(self.leads, timedelta()) / len(self.leads) if self.leads else None
