"""Tasks as a dataset: `from: tasks`, `of` a flow or nothing for all; who did what, whether in time, how often again.

A task that the flow went on without, or that a voided case took away, is nobody's work and is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from shizhu.engines.cases import flows
from shizhu.engines.cases.assignment import VIEW
from shizhu.engines.records import api as records
from shizhu.engines.things.api import Origin
from shizhu.kernel import datasets, packs
from shizhu.kernel.access import Predicate
from shizhu.kernel.datasets import Asked, Names, Offer, Result
from shizhu.kernel.models import Organisation, Person, Role
from shizhu.kernel.packs import Body, LoadedPacks
from shizhu.kernel.text import moment_sql, time_sql

SOURCE: Names = {"zh": "办理任务", "en": "Tasks"}
TIMES: Mapping[str, Names] = {
    "given_at": {"zh": "派给时间", "en": "Given"}, "due_at": {"zh": "期限", "en": "Deadline"},
    "done_at": {"zh": "完成时间", "en": "Done"},
}  # fmt: skip
ROWS = f"""(
    SELECT k.id, k.step, k.role, k.created AS given_at, k.due_at, k.done_at, k.took, k.item,
        least(k.paused_at, c.paused_at) AS paused_at, coalesce(k.done_by_id, k.assignee_id) AS person_id,
        coalesce(k.organisation_id, c.organisation_id) AS unit_id, c.id AS case_id, c.county_id, c.area_id,
        c.organisation_id, c.flow, c.number, c.title, c.origin <> {Origin.MEASURED:d} AS is_simulated
    FROM cases_task k JOIN cases_case c ON c.id = k.case_id WHERE k.status <> 'withdrawn'
)"""
AGAIN = """EXISTS (
    SELECT FROM cases_task k WHERE k.case_id = t.case_id AND k.step = t.step AND k.created >= t.done_at AND k.id > t.id
    AND t.item IS NULL
)"""  # the work was not in order: the same step came again
RETURNED = "EXISTS (SELECT FROM cases_petition p WHERE p.task_id = t.id AND p.kind = 'return' AND p.is_granted)"


def subject(county: str, flow: str, at: datetime) -> records.Subject:
    """Tasks that had been given by a moment."""
    text, number, truth = records.Kind.TEXT, records.Kind.NUMBER, records.Kind.BOOLEAN
    now = moment_sql(at)
    is_open = f"(t.done_at IS NULL OR t.done_at >= {now})"
    ended = f"(CASE WHEN {is_open} THEN {now} ELSE t.done_at END)"
    columns = {
        **{name: records.Column(time_sql(f"t.{name}"), records.Kind.TIME) for name in TIMES},
        "is_open": records.Column(is_open, truth),
        "is_late": records.Column(f"coalesce(least({ended}, t.paused_at) > t.due_at, FALSE)", truth),
        "in_time": records.Column(f"(NOT {is_open} AND (t.due_at IS NULL OR t.done_at <= t.due_at))", truth),
        "is_again": records.Column(AGAIN, truth),
        "is_returned": records.Column(RETURNED, truth),
        "hours": records.Column("(extract(epoch FROM t.took) / 3600)::numeric", number),
        "flow": records.Column("t.flow", text),
        "step": records.Column("t.step", text),
        "post": records.Column("t.role", text),
        "person": records.Column("t.person_id::text", text),
        "unit": records.Column("(SELECT code FROM kernel_organisation WHERE id = t.unit_id)", text),
        "number": records.Column("t.number", text),
        "_simulated": records.Column("t.is_simulated", truth),
        "_town": records.Column("(SELECT split_part(path, '/', 2) FROM kernel_area WHERE id = t.area_id)", text),
    }
    said = {name: records.Said(title) for name, title in TIMES.items()} | {
        "is_open": records.Said({"zh": "待办", "en": "Waits"}),
        "is_late": records.Said({"zh": "超期", "en": "Late"}),
        "in_time": records.Said({"zh": "按期完成", "en": "Done in time"}),
        "is_again": records.Said({"zh": "返工", "en": "Done again"}),
        "is_returned": records.Said({"zh": "退回", "en": "Given back"}),
        "hours": records.Said({"zh": "用时（工作时间）", "en": "Working time"}, {"zh": "小时", "en": "h"}),
        "flow": records.Said({"zh": "事项", "en": "Matter"}, titles=lambda keys: _flows(county, keys)),
        "step": records.Said({"zh": "步骤", "en": "Step"}, titles=lambda keys: _steps(county, flow, keys)),
        "post": records.Said({"zh": "岗位", "en": "Post"}, titles=_posts),
        "person": records.Said({"zh": "人员", "en": "Person"}, titles=_people),
        "unit": records.Said({"zh": "单位", "en": "Unit"}, titles=lambda keys: _units(county, keys)),
        "number": records.Said({"zh": "案号", "en": "Number"}),
    }
    fixed = Predicate("t.county_id = %s AND t.given_at < %s", (county, at))
    return records.Subject(
        table=ROWS, columns=columns, said=said,
        fixed=fixed & Predicate("t.flow = %s", (flow,)) if flow else fixed, verb=VIEW, source=SOURCE,
        page=f"/cases/work/{f'?of={flow}' if flow else ''}", title="t.title", href="'/cases/' || t.case_id || '/'",
        newest="greatest(t.given_at, t.done_at)", simulated="t.is_simulated",
        moments={name: f"t.{name}" for name in TIMES},
    )  # fmt: skip


def _flows(county: str, keys: Iterable[Any]) -> dict[Any, Names]:
    return {key: about.title for key, about in flows.abouts(county) if key in set(keys)}


def _steps(county: str, flow: str, keys: Iterable[Any]) -> dict[Any, Names]:
    """As the flow calls them now; of several flows the step of the first that has it."""
    found: dict[Any, Names] = {}
    for key, about in flows.abouts(county):
        if flow in {"", key}:
            found = {**about.names, **found}
    return {key: found[key] for key in keys if key in found}


def _posts(keys: Iterable[Any]) -> dict[Any, Names]:
    """Names of the roles of a step, of which there may be several with commas between."""
    known = {role.key: role.name for role in Role.objects.all()}

    def called(key: str, language: str) -> str:
        return "、".join(known.get(one, {}).get(language, one) for one in key.split(","))

    return {key: {language: called(key, language) for language in ("zh", "en")} for key in keys}


def _people(keys: Iterable[Any]) -> dict[Any, str]:
    return {str(pk): name for pk, name in Person.objects.filter(pk__in=list(keys)).values_list("pk", "name")}


def _units(county: str, keys: Iterable[Any]) -> dict[Any, Names]:
    found = Organisation.objects.filter(county=county, code__in=list(keys))
    return {one.code: {"zh": one.name, "en": one.name_en or one.name} for one in found}


def give(asked: Asked) -> Result:
    """The answer to a question about tasks."""
    return records.tabulate(subject(asked.county, asked.body.get("of", ""), asked.at), asked)


def check(body: Body, everything: LoadedPacks) -> Iterable[str]:
    """The flow and the columns exist."""
    if body.get("of") and packs.find(everything, "flows", body["of"]) is None:
        return [f"of: {body['of']}: nobody declares this flow"]
    return records.problems(subject("", "", datetime.now().astimezone()), body)


def offers(county: str) -> Iterable[Offer]:
    """All tasks, and those of each flow."""
    shown = records.offered(subject(county, "", datetime.now().astimezone()))
    yield Offer({"from": "tasks"}, SOURCE, shown)
    for key, about in flows.abouts(county):
        title = {language: f"{about.title[language]} · {SOURCE[language]}" for language in ("zh", "en")}
        yield Offer({"from": "tasks", "of": key}, title, shown)


def register() -> None:
    """Called once by the application."""
    datasets.add(datasets.Dataset("tasks", give, lambda _body: VIEW, check, offers))
