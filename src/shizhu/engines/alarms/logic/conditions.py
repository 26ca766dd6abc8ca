"""A rule's condition, bound to one source: a limit to keep, and how long it may be broken."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from shizhu.lib import standards
from shizhu.lib.standards.limits import Limit
from shizhu.lib.times import parse_duration

SHORTEST_GAP = timedelta(hours=1)
LEVELS = ("blue", "yellow", "orange", "red")  # 蓝 黄 橙 红, mild to severe


class NotJudged(ValueError):
    """A rule cannot judge this source; the text says what is missing."""


@dataclass(frozen=True)
class Condition:
    """Values must keep `limit`; broken for `lasting` raises, kept for `clearing` recovers.

    Nobody knows what was between two readings further apart than `gap`: they are no unbroken row.
    """

    limit: Limit
    lasting: timedelta
    clearing: timedelta
    gap: timedelta = SHORTEST_GAP


def bind(when: Mapping[str, Any], clear: Mapping[str, Any] | None, properties: Mapping[str, Any]) -> Condition:
    """The condition of a rule for a source with these properties.

    Raises NotJudged where the source lacks what the rule reads, or a standard has no such limit.
    """
    lasting = parse_duration(when["for"]) if "for" in when else timedelta()
    clearing = parse_duration(clear["for"]) if clear and "for" in clear else timedelta()
    gap = parse_duration(when["gap"]) if "gap" in when else max(SHORTEST_GAP, lasting / 2)
    return Condition(_limit(when, properties), lasting, clearing, gap)


def _limit(when: Mapping[str, Any], properties: Mapping[str, Any]) -> Limit:
    if "worse_than" not in when:
        return Limit(low=when.get("below"), high=when.get("above"))
    wanted = when["worse_than"]
    target = properties.get(wanted["target"])
    if not target:
        raise NotJudged(f"{wanted['target']}: the source has no such property, so there is no target to judge by")
    try:
        return standards.limit(wanted["standard"], wanted["item"], str(target))
    except KeyError as error:
        raise NotJudged(str(error.args[0])) from None
