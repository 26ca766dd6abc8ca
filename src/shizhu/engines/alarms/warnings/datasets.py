"""Warnings as a dataset (`from: warnings`), as they stood at a moment."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from shizhu.engines.alarms.datasets import LEVEL_NAMES
from shizhu.engines.alarms.logic.conditions import LEVELS
from shizhu.engines.alarms.warnings.issuing import VIEW
from shizhu.engines.records import api as records
from shizhu.engines.things import api as things
from shizhu.kernel import datasets
from shizhu.kernel.access import Predicate
from shizhu.kernel.datasets import Names
from shizhu.kernel.text import moment_sql, time_sql

SOURCE: Names = {"zh": "预警", "en": "Warnings"}
TIMES: Mapping[str, Names] = {
    "issued_at": {"zh": "发布时间", "en": "Issued"},
    "happened_at": {"zh": "发生时间", "en": "Happened"},
    "ended_at": {"zh": "结束时间", "en": "Ended"},
}
OUTCOMES: Mapping[str, Names] = {
    "hit": {"zh": "命中", "en": "Hit"},
    "false": {"zh": "空报", "en": "False"},
    "miss": {"zh": "漏报", "en": "Missed"},
}


def columns(table: str, at: datetime) -> dict[str, records.Column]:
    """Everything a condition may name."""
    text, number, truth = records.Kind.TEXT, records.Kind.NUMBER, records.Kind.BOOLEAN
    town = f"(SELECT split_part(path, '/', 2) FROM kernel_area WHERE id = {table}.area_id)"
    in_force = (
        f"({table}.issued_at IS NOT NULL AND {table}.expires_at > {moment_sql(at)} "
        f"AND ({table}.ended_at IS NULL OR {table}.ended_at > {moment_sql(at)}))"
    )
    return {
        **{name: records.Column(time_sql(f"{table}.{name}"), records.Kind.TIME) for name in TIMES},
        "is_in_force": records.Column(in_force, truth),
        "level": records.Column(f"{table}.level", text),
        "kind": records.Column(f"{table}.kind", text),
        "outcome": records.Column(f"nullif({table}.outcome, '')", text),
        "lead_hours": records.Column(
            f"(extract(epoch FROM {table}.happened_at - {table}.issued_at) / 3600)::numeric", number
        ),
        "_simulated": records.Column(f"({table}.origin <> {things.Origin.MEASURED:d})", truth),
        "_town": records.Column(town, text),
    }


def subject(county: str, at: datetime) -> records.Subject:
    """Warnings that had been issued, and dangers that had come without one, by a moment."""
    said = {name: records.Said(title) for name, title in TIMES.items()} | {
        "level": records.Said({"zh": "级别", "en": "Level"}, labels={key: LEVEL_NAMES[key] for key in LEVELS[::-1]}),
        "kind": records.Said({"zh": "种类", "en": "Kind"}),
        "outcome": records.Said({"zh": "实况", "en": "Outcome"}, labels=dict(OUTCOMES)),
        "is_in_force": records.Said({"zh": "生效中", "en": "In force"}),
        "lead_hours": records.Said({"zh": "提前量", "en": "Lead"}, {"zh": "小时", "en": "h"}),
    }
    return records.Subject(
        table="alarms_publicwarning",
        columns=columns("t", at),
        said=said,
        fixed=Predicate("t.county_id = %s AND coalesce(t.issued_at, t.happened_at) < %s", (county, at)),
        verb=VIEW,
        source=SOURCE,
        page="/alarms/warnings/?state=all",
        title="t.event->>'zh'",
        href="'/alarms/warnings/' || t.id || '/'",
        newest="t.made_at",
        simulated=f"t.origin <> {things.Origin.MEASURED:d}",
        moments={name: f"t.{name}" for name in TIMES},
    )


def register() -> None:
    """Called once by the application."""
    datasets.add(records.dataset("warnings", subject))
