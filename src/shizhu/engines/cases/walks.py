"""Patrols as a dataset: `from: patrols`, `of` a beat or nothing for all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from shizhu.engines.cases import patrols
from shizhu.engines.records import api as records
from shizhu.kernel import datasets, packs
from shizhu.kernel.access import Predicate
from shizhu.kernel.datasets import Asked, Names, Offer, Result
from shizhu.kernel.packs import Body, LoadedPacks
from shizhu.kernel.text import time_sql

SOURCE: Names = {"zh": "巡查", "en": "Patrols"}
TIMES: Mapping[str, Names] = {
    "started_at": {"zh": "开始时间", "en": "Begun"}, "ended_at": {"zh": "结束时间", "en": "Ended"},
}  # fmt: skip


def subject(county: str, beat: str, at: datetime) -> records.Subject:
    """Patrols begun before a moment, of one beat or all."""
    number, truth, text = records.Kind.NUMBER, records.Kind.BOOLEAN, records.Kind.TEXT
    columns = {
        **{name: records.Column(time_sql(f"t.{name}"), records.Kind.TIME) for name in TIMES},
        "minutes": records.Column("(extract(epoch FROM t.ended_at - t.started_at) / 60)::numeric", number),
        "km": records.Column("(t.metres / 1000)::numeric", number),
        "is_counted": records.Column("t.is_counted", truth),
        "is_marked": records.Column("(t.flaws <> '[]' OR t.lacks <> '[]')", truth),
        "beat": records.Column("t.beat", text),
        "key": records.Column("t.key", text),
        "person": records.Column("(SELECT name FROM kernel_person WHERE id = t.person_id)", text),
        "_simulated": records.Column("(t.origin <> 0)", truth),
        "_town": records.Column("(SELECT split_part(path, '/', 2) FROM kernel_area WHERE id = t.area_id)", text),
    }
    said = {name: records.Said(title) for name, title in TIMES.items()} | {
        "minutes": records.Said({"zh": "时长", "en": "Time"}, {"zh": "分钟", "en": "min"}),
        "km": records.Said({"zh": "里程", "en": "Way"}, {"zh": "公里", "en": "km"}),
        "is_counted": records.Said({"zh": "计入", "en": "Counted"}),
        "is_marked": records.Said({"zh": "有疑问", "en": "Marked"}),
        "beat": records.Said({"zh": "巡查安排", "en": "Beat"}, titles=lambda keys: _titles(county, keys)),
        "key": records.Said({"zh": "对象", "en": "Object"}),
        "person": records.Said({"zh": "人员", "en": "Person"}),
    }
    fixed = Predicate("t.county_id = %s AND t.started_at < %s", (county, at))
    return records.Subject(
        table="cases_patrol", columns=columns, said=said,
        fixed=fixed & Predicate("t.beat = %s", (beat,)) if beat else fixed, verb=patrols.VIEW,
        source=_titles(county, [beat]).get(beat, SOURCE) if beat else SOURCE, page=f"/patrols/?beat={beat}",
        title="t.key", href="'/patrols/' || t.id || '/'", newest="greatest(t.started_at, t.ended_at)",
        simulated="t.origin <> 0", moments={name: f"t.{name}" for name in TIMES},
    )  # fmt: skip


def _titles(county: str, keys: Iterable[Any]) -> dict[Any, Names]:
    known = patrols.beats(county)
    return {key: known[key].title for key in keys if key in known}


def give(asked: Asked) -> Result:
    """The answer to a question about patrols."""
    return records.tabulate(subject(asked.county, asked.body.get("of", ""), asked.at), asked)


def check(body: Body, everything: LoadedPacks) -> Iterable[str]:
    """The beat and the columns exist."""
    if body.get("of") and packs.find(everything, "patrols", body["of"]) is None:
        return [f"of: {body['of']}: nobody declares this beat"]
    return records.problems(subject("", "", datetime.now().astimezone()), body)


def offers(county: str) -> Iterable[Offer]:
    """All patrols, and those of each beat."""
    shown = records.offered(subject(county, "", datetime.now().astimezone()))
    yield Offer({"from": "patrols"}, SOURCE, shown)
    for key, beat in patrols.beats(county).items():
        yield Offer({"from": "patrols", "of": key}, beat.title, shown)


def register() -> None:
    """Called once by the application."""
    datasets.add(datasets.Dataset("patrols", give, lambda _body: patrols.VIEW, check, offers))
