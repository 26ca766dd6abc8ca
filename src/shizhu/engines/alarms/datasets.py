"""Alarms as a dataset (`from: alarms`), and the condition of their list.

What was open at a moment is told from the times kept, so a question about yesterday gives yesterday's answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from shizhu.engines.alarms import edges
from shizhu.engines.alarms.logic.conditions import LEVELS
from shizhu.engines.records import api as records
from shizhu.engines.things import api as things
from shizhu.kernel import datasets
from shizhu.kernel.access import Predicate
from shizhu.kernel.datasets import Names
from shizhu.kernel.text import moment_sql, time_sql

VIEW = "alarms.alarm.view"
SOURCE: Names = {"zh": "告警", "en": "Alarms"}
TIMES: Mapping[str, Names] = {
    "since": {"zh": "起始时间", "en": "Since"},
    "raised_at": {"zh": "告警时间", "en": "Raised"},
    "cleared_at": {"zh": "解除时间", "en": "Cleared"},
}
LEVEL_NAMES: Mapping[str, Names] = {
    "red": {"zh": "红", "en": "Red"},
    "orange": {"zh": "橙", "en": "Orange"},
    "yellow": {"zh": "黄", "en": "Yellow"},
    "blue": {"zh": "蓝", "en": "Blue"},
}


def columns(table: str, at: datetime) -> dict[str, records.Column]:
    """Everything a condition may name, as it was at a moment."""
    text, number, truth = records.Kind.TEXT, records.Kind.NUMBER, records.Kind.BOOLEAN
    ended = f"coalesce({table}.cleared_at, {moment_sql(at)})"
    town = f"(SELECT split_part(path, '/', 2) FROM kernel_area WHERE id = {table}.area_id)"
    return {
        **{name: records.Column(time_sql(f"{table}.{name}"), records.Kind.TIME) for name in TIMES},
        "is_open": records.Column(
            f"({table}.cleared_at IS NULL OR {table}.cleared_at >= {moment_sql(at)})", truth
        ),
        "level": records.Column(f"{table}.level", text),
        "severity": records.Column(f"array_position(ARRAY{list(LEVELS)}, {table}.level::text)", number),
        "rule": records.Column(f"{table}.rule", text),
        "value": records.Column(f"{table}.value", number),
        "occurrences": records.Column(f"{table}.occurrences", number),
        "hours": records.Column(f"(extract(epoch FROM {ended} - {table}.since) / 3600)::numeric", number),
        "_simulated": records.Column(f"({table}.origin <> {things.Origin.MEASURED:d})", truth),
        "_town": records.Column(town, text),
    }  # fmt: skip


def subject(county: str, at: datetime) -> records.Subject:
    """Alarms that had been raised by a moment."""
    said = {name: records.Said(title) for name, title in TIMES.items()} | {
        "level": records.Said({"zh": "级别", "en": "Level"}, labels={key: LEVEL_NAMES[key] for key in LEVELS[::-1]}),
        "severity": records.Said({"zh": "严重程度（1蓝—4红）", "en": "Severity (1 blue to 4 red)"}),
        "rule": records.Said({"zh": "规则", "en": "Rule"}, titles=lambda keys: _rules(county, keys)),
        "is_open": records.Said({"zh": "未解除", "en": "Open"}),
        "value": records.Said({"zh": "数值", "en": "Value"}),
        "occurrences": records.Said({"zh": "次数", "en": "Occurrences"}),
        "hours": records.Said({"zh": "持续时间", "en": "Lasting"}, {"zh": "小时", "en": "h"}),
    }
    return records.Subject(
        table="alarms_alarm",
        columns=columns("t", at),
        said=said,
        fixed=Predicate("t.county_id = %s AND t.raised_at < %s", (county, at)),
        verb=VIEW,
        source=SOURCE,
        page="/alarms/?state=all",
        title="t.rule || ' ' || t.datastream",
        href="'/alarms/' || t.id || '/'",
        newest="t.detected_at",
        simulated=f"t.origin <> {things.Origin.MEASURED:d}",
        moments={name: f"t.{name}" for name in TIMES},
        names=lambda raw: _names(county, raw),
    )


def _rules(county: str, keys: Iterable[Any]) -> dict[Any, Names]:
    known = edges.titles(county)
    return {key: known[key] for key in keys if key in known}


def _names(county: str, raw: Iterable[str]) -> dict[Any, Names]:
    """`rule datastream` → the station and what is wrong there."""
    pairs = {text: text.rpartition(" ") for text in raw}
    streams = things.describe({int(pair[2]) for pair in pairs.values()})
    rules = _rules(county, {pair[0] for pair in pairs.values()})
    found: dict[Any, Names] = {}
    for text, (rule, _space, number) in pairs.items():
        stream = streams.get(int(number))
        title = rules.get(rule, {"zh": rule, "en": rule})
        found[text] = {lang: f"{stream.thing_name if stream else '?'} · {title[lang]}" for lang in ("zh", "en")}
    return found


def register() -> None:
    """Called once by the application."""
    datasets.add(records.dataset("alarms", subject))
