"""Nodes under way as a dataset (`from: nodes`), and as rows that a formula counts (`count: nodes`)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from shizhu.engines.plan.logic import lights
from shizhu.engines.plan.models import UNDER_WAY, Node
from shizhu.engines.plan.people import SEE
from shizhu.engines.records import api as records
from shizhu.kernel import access, datasets
from shizhu.kernel.access import Actor, Predicate
from shizhu.kernel.datasets import Names
from shizhu.kernel.models import Organisation

SOURCE: Names = {"zh": "督查节点", "en": "Nodes of supervision"}
LIGHTS: Mapping[str, Names] = {
    lights.RED: {"zh": "红灯", "en": "Red"},
    lights.YELLOW: {"zh": "黄灯", "en": "Yellow"},
    lights.GREEN: {"zh": "绿灯", "en": "Green"},
}
RULES: Mapping[str, Names] = {
    lights.LATE: {"zh": "逾期", "en": "Overdue"},
    lights.FALSE: {"zh": "查出不实", "en": "Found false"},
    lights.AGAINST: {"zh": "读数不符", "en": "Readings say no"},
    lights.REPAIRED: {"zh": "逾期补齐", "en": "Made up late"},
    lights.NEARLY: {"zh": "临近到期", "en": "Due soon"},
    lights.ASKED: {"zh": "已申请延期，待审批", "en": "A later day was asked for in time, waits"},
    lights.WAITS: {"zh": "已按期报送，待验收", "en": "Sent in time, waits for a decision"},
    lights.ON_TIME: {"zh": "按期推进", "en": "In time so far"},
    lights.DONE: {"zh": "按期完成", "en": "Finished in time"},
}
FINISHED = f"({{}}.rule IN ('{lights.DONE}', '{lights.REPAIRED}'))"


def columns(table: str) -> dict[str, records.Column]:
    """Everything a condition on nodes may name."""
    text, number, truth, day = records.Kind.TEXT, records.Kind.INTEGER, records.Kind.BOOLEAN, records.Kind.DATE
    return {
        "light": records.Column(f"{table}.light", text),
        "rule": records.Column(f"{table}.rule", text),
        "title": records.Column(f"{table}.title", text),
        "due_on": records.Column(f"""(to_char({table}.due_on, 'YYYY-MM-DD') COLLATE "C")""", day),
        "is_finished": records.Column(FINISHED.format(table), truth),
        "is_false": records.Column(f"{table}.is_false", truth),
        "is_contradicted": records.Column(f"{table}.is_contradicted", truth),
        "is_extended": records.Column(
            f"EXISTS (SELECT FROM plan_extension WHERE node_id = {table}.id AND state = 'approved')", truth
        ),
        "reopened": records.Column(f"{table}.reopened", number),
        "year": records.Column(f"(SELECT year FROM plan_piece WHERE id = {table}.piece_id)", number),
        "_organisation": records.Column(
            f"(SELECT code FROM kernel_organisation WHERE id = {table}.organisation_id)", text
        ),
        "_simulated": records.Column(f"{table}.is_simulated", truth),
        "_town": records.Column(
            f"(SELECT split_part(path, '/', 2) FROM kernel_area WHERE id = {table}.area_id)", text
        ),
    }  # fmt: skip


def subject(county: str, _at: datetime) -> records.Subject:
    """Nodes as they stand now, whatever moment is asked about; their lights are those told last."""
    said = {
        "light": records.Said({"zh": "亮灯", "en": "Light"}, labels=LIGHTS),
        "rule": records.Said({"zh": "依据", "en": "Why"}, labels=RULES),
        "title": records.Said({"zh": "节点", "en": "Node"}),
        "due_on": records.Said({"zh": "期限", "en": "Due on"}),
        "is_finished": records.Said({"zh": "已完成", "en": "Finished"}),
        "is_false": records.Said({"zh": "曾报不实", "en": "Found false before"}),
        "is_contradicted": records.Said({"zh": "报完成但读数不符", "en": "Said done, readings say no"}),
        "is_extended": records.Said({"zh": "已延期", "en": "Extended"}),
        "reopened": records.Said({"zh": "重开次数", "en": "Times opened again"}),
        "year": records.Said({"zh": "年度", "en": "Year"}),
        "_organisation": records.Said({"zh": "责任单位", "en": "Unit"}, titles=lambda keys: _units(county, keys)),
    }
    under_way = ", ".join(f"'{state}'" for state in UNDER_WAY)
    return records.Subject(
        table="plan_node",
        columns=columns("t"),
        said=said,
        fixed=Predicate(
            f"t.county_id = %s AND t.piece_id IN (SELECT id FROM plan_piece WHERE state IN ({under_way}))", (county,)
        ),
        verb=SEE,
        source=SOURCE,
        page="/plan/supervision/",
        title="t.title",
        href="'/plan/nodes/' || t.id || '/'",
        newest="(t.light_on::timestamp AT TIME ZONE 'Asia/Shanghai')",
        simulated="t.is_simulated",
    )


def _units(county: str, codes: Iterable[Any]) -> dict[Any, Names]:
    rows = Organisation.objects.filter(county_id=county, code__in=list(codes))
    return {one.code: {"zh": one.name, "en": one.name_en or one.name} for one in rows}


def fulfilling(who: Actor, county: str, where: str) -> list[Node]:
    """The nodes that the actor sees by their own right and that fulfil a condition. Raises Cql2Error."""
    rows = access.rows(Node.objects.filter(county=county, piece__state__in=UNDER_WAY), who, SEE)
    found = records.filtered(rows, where, columns('"plan_node"'))
    return list(found.select_related("organisation", "area", "piece__clause__plan"))


def register() -> None:
    """Called once by the application."""
    datasets.add(records.dataset("nodes", subject))
