"""Cases as a dataset (`from: cases`, `of` a flow, a pack or nothing for all), and the one timeline of an event.

What was open or late at a moment is told from the times kept, so a question about yesterday gives yesterday's answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from shizhu.engines.cases import filed, flows, pace
from shizhu.engines.cases.filed import Filed
from shizhu.engines.cases.flows import EMPTY_FORM
from shizhu.engines.cases.logic import FlowError
from shizhu.engines.cases.models import Case, FlowVersion
from shizhu.engines.cases.timeline import Line, timeline
from shizhu.engines.records import api as records
from shizhu.engines.things.api import Origin
from shizhu.kernel import access, datasets, packs, spans
from shizhu.kernel.access import Predicate
from shizhu.kernel.datasets import Asked, Column, Names, Offer, Result, Row
from shizhu.kernel.models import Pack
from shizhu.kernel.packs import Body, LoadedPacks
from shizhu.kernel.text import label, moment_sql, time_sql

VIEW = "cases.case.view"
SOURCE: Names = {"zh": "案件", "en": "Cases"}
TIMES: Mapping[str, Names] = {
    "opened_at": {"zh": "开案时间", "en": "Opened"},
    "due_at": {"zh": "期限", "en": "Deadline"},
    "closed_at": {"zh": "结案时间", "en": "Closed"},
}
SOURCES: Mapping[str, Names] = {
    "True": {"zh": "告警触发", "en": "By an alarm"}, "False": {"zh": "人工上报", "en": "Reported"},
}  # fmt: skip
OUTCOMES: Mapping[str, Names] = {
    "open": {"zh": "在办", "en": "Open"}, "done": {"zh": "办结", "en": "Done"},
    "void": {"zh": "作废", "en": "Void"}, "error": {"zh": "因错误结束", "en": "Ended by an error"},
}  # fmt: skip
DAYS = {"zh": "工作日", "en": "working days"}
PACES = {  # of closed approvals
    "items": records.Said({"zh": "办结事项数", "en": "Items decided"}),
    "together": records.Said({"zh": "并联办理事项数", "en": "Items that ran side by side"}),
    "is_parallel": records.Said({"zh": "并联办理", "en": "In parallel"}),
    "serial_days": records.Said({"zh": "逐项合计用时", "en": "Days one after the other"}, DAYS),
    "elapsed_days": records.Said({"zh": "实际用时", "en": "Days in all"}, DAYS),
    "saved_days": records.Said({"zh": "并联节省", "en": "Days saved"}, DAYS),
    "supplements": records.Said({"zh": "补正次数", "en": "Supplements"}),
    "visits": records.Said({"zh": "跑动次数", "en": "Visits of the applicant"}),
}
PHASES: Mapping[str, Names] = {  # 感知预警→决策处置→监督评价
    "sense": {"zh": "感知", "en": "Sensed"},
    "warn": {"zh": "预警", "en": "Warned"},
    "act": {"zh": "处置", "en": "Handled"},
    "account": {"zh": "评价", "en": "Judged"},
}
STAGE = (  # as the version of the flow that the case runs on names it
    "(SELECT v.stages->{0}.stage->>'zh' FROM cases_flowversion v WHERE v.key = {0}.flow AND v.digest = {0}.digest)"
)
REDONE = (
    "(SELECT count(*) > count(DISTINCT k.step) FROM cases_task k WHERE k.case_id = {0}.id AND k.status = 'done' "
    "AND k.item IS NULL)"
)
GRANTED = "EXISTS (SELECT FROM cases_petition p WHERE p.case_id = {0}.id AND p.kind = '{1}' AND p.is_granted)"
WISHED = {"returned": "return", "extended": "extend", "rested": "pause"}
PHASE_OF = {"packet": "sense", "broken": "sense", "alarm": "warn", "closed": "account", "cleared": "account"}


def columns(table: str, at: datetime, asked: Iterable[Filed] = ()) -> dict[str, records.Column]:
    """Everything a condition may name, as it was at a moment; `asked` is what the forms of a flow ask beside."""
    return {one.item.name: one.column for one in asked} | _own(table, at)


def asked_of(county: str, flow: str, table: str) -> list[Filed]:
    """What the forms of a flow ask; nothing of a flow that is not declared or cannot be read."""
    declared = packs.declarations("flows", county).get(flow) if flow else None
    with suppress(FlowError):
        return list(filed.of_county(flow, declared["text"], county, table)) if declared else []
    return []


def _own(table: str, at: datetime) -> dict[str, records.Column]:
    text, number, truth = records.Kind.TEXT, records.Kind.NUMBER, records.Kind.BOOLEAN
    now = moment_sql(at)
    is_open = f"({table}.closed_at IS NULL OR {table}.closed_at >= {now})"
    is_broken = f"{table}.state->>'error' IS NOT NULL"
    outcome = f"(CASE WHEN {is_open} THEN 'open' WHEN {table}.is_void THEN 'void' "
    outcome += f"WHEN {is_broken} THEN 'error' ELSE 'done' END)"
    ended = f"(CASE WHEN {is_open} THEN {now} ELSE {table}.closed_at END)"
    paces = pace.columns(table, now, is_open)
    return {
        **{name: records.Column(sql, truth if name == "is_parallel" else number) for name, sql in paces.items()},
        **{name: records.Column(time_sql(f"{table}.{name}"), records.Kind.TIME) for name in TIMES},
        "is_open": records.Column(is_open, truth),
        "is_late": records.Column(f"(least({ended}, {table}.paused_at) > {table}.due_at)", truth),
        "outcome": records.Column(outcome, text),
        "in_time": records.Column(f"({outcome} = 'done' AND {table}.closed_at <= {table}.due_at)", truth),
        "hours": records.Column(f"(extract(epoch FROM {ended} - {table}.opened_at) / 3600)::numeric", number),
        "flow": records.Column(f"{table}.flow", text),
        "stage": records.Column(STAGE.format(table), text),
        "from_alarm": records.Column(f"({table}.alarm IS NOT NULL)", truth),
        "is_redone": records.Column(REDONE.format(table), truth),
        **{f"is_{name}": records.Column(GRANTED.format(table, kind), truth) for name, kind in WISHED.items()},
        "number": records.Column(f"{table}.number", text),
        "title": records.Column(f"{table}.title", text),
        "_simulated": records.Column(f"({table}.origin <> {Origin.MEASURED:d})", truth),
        "_organisation": records.Column(
            f"(SELECT code FROM kernel_organisation WHERE id = {table}.organisation_id)", text
        ),
        "_town": records.Column(
            f"(SELECT split_part(path, '/', 2) FROM kernel_area WHERE id = {table}.area_id)", text
        ),
    }  # fmt: skip


def subject(county: str, flow: str, at: datetime) -> records.Subject:
    """Cases that had been opened by a moment, of one flow, of all flows of a pack (a name without a dot) or of all."""
    asked = asked_of(county, flow, "t")
    said = (
        {one.item.name: _said(one, county) for one in asked}
        | {name: records.Said(title) for name, title in TIMES.items()}
        | {
            "is_redone": records.Said({"zh": "有返工", "en": "Done again"}),
            "is_returned": records.Said({"zh": "有退回", "en": "Given back"}),
            "is_extended": records.Said({"zh": "有延期", "en": "Given more time"}),
            "is_rested": records.Said({"zh": "有缓办", "en": "Paused"}),
            "is_open": records.Said({"zh": "在办", "en": "Open"}),
            "is_late": records.Said({"zh": "超期", "en": "Late"}),
            "outcome": records.Said({"zh": "结果", "en": "Outcome"}, labels=OUTCOMES),
            "in_time": records.Said({"zh": "按期办结", "en": "Closed in time"}),
            "hours": records.Said({"zh": "用时", "en": "Time taken"}, {"zh": "小时", "en": "h"}),
            **PACES,
            "flow": records.Said({"zh": "事项", "en": "Matter"}, titles=lambda keys: _flows(county, keys)),
            "stage": records.Said({"zh": "环节", "en": "Stage"}, labels=_stages(county, flow), titles=_old_stages),
            "from_alarm": records.Said({"zh": "由告警开案", "en": "From an alarm"}, labels=SOURCES),
            "number": records.Said({"zh": "案号", "en": "Number"}),
            "title": records.Said({"zh": "事由", "en": "Matter"}),
        }
    )
    fixed = Predicate("t.county_id = %s AND t.opened_at < %s", (county, at))
    return records.Subject(
        table="cases_case",
        columns=columns("t", at, asked),
        said=said,
        fixed=fixed & _of(flow) if flow else fixed,
        verb=VIEW,
        source=title_of(county, flow) if flow else SOURCE,
        page=f"/cases/?status=all{f'&flow={flow}' if flow else ''}",
        title="t.title",
        href="'/cases/' || t.id || '/'",
        newest="greatest(t.opened_at, t.closed_at)",
        simulated=f"t.origin <> {Origin.MEASURED:d}",
        moments={name: f"t.{name}" for name in TIMES},
    )


def among(flow: str) -> dict[str, str]:
    """What narrows rows of cases to a flow, or to those of a pack."""
    return {"flow": flow} if "." in flow else {"flow__startswith": f"{flow}."}


def _of(flow: str) -> Predicate:
    if "." in flow:
        return Predicate("t.flow = %s", (flow,))
    return Predicate("starts_with(t.flow, %s)", (f"{flow}.",))


def title_of(county: str, flow: str) -> Names:
    """What cases of a flow or of a pack are called."""
    name = None if "." in flow else Pack.objects.filter(pk=flow).values_list("name", flat=True).first()
    return name or _flows(county, [flow]).get(flow, SOURCE)


def _said(one: Filed, county: str) -> records.Said:
    """What people call a field; of a record it is the key, for not everybody who counts cases may see the record."""
    kind = records.find_reference(one.reference, county) if one.reference in records.KNOWN_REFERENCES else None
    titles = (lambda keys: dict(kind.titles(county, [str(key) for key in keys]))) if kind else None
    return records.Said(one.item.title, labels=one.item.choices, titles=titles)


def _flows(county: str, keys: Iterable[Any]) -> dict[Any, Names]:
    declared = packs.declarations("flows", county)
    return {key: flows.about(declared[key]["text"].encode()).title for key in keys if key in declared}


def _stages(county: str, flow: str) -> dict[str, Names]:
    declared = packs.declarations("flows", county).get(flow) if flow else None
    stages = flows.about(declared["text"].encode()).stages if declared else ()
    return {name["zh"]: name for name in stages}


def _old_stages(keys: Iterable[Any]) -> dict[Any, Names]:
    """Of versions that cases began on before."""
    wanted, versions = set(keys), FlowVersion.objects.order_by("created").values_list("stages", flat=True)
    return {name["zh"]: name for stages in versions for name in stages if name["zh"] in wanted}


def give(asked: Asked) -> Result:
    """The answer: numbers and rows, or with `timeline: true` the story of one event."""
    if asked.body.get("timeline"):
        return _story(asked)
    return records.tabulate(subject(asked.county, asked.body.get("of", ""), asked.at), asked)


def _story(asked: Asked) -> Result:
    """The newest cases that an alarm opened, of those the actor may see: one line a step, with its phase.

    With `top` more than one; with `during` those that were opened then.
    """
    body = asked.body
    rows = Case.objects.filter(county_id=asked.county, alarm__isnull=False, opened_at__lt=asked.at)
    if of := body.get("of"):
        rows = rows.filter(**among(of))
    if "during" in body:
        rows = rows.filter(opened_at__gte=spans.span(body["during"]["span"], asked.at).start)
    top = int(body.get("top", 1))
    cases = list(access.rows(rows, asked.who, VIEW).order_by("-opened_at")[:top])
    is_part = not datasets.sees_all(asked.who, VIEW, asked.county)
    shown = [
        Column("phase", {"zh": "环节", "en": "Phase"}), Column("time", {"zh": "时间", "en": "Time"}, "time"),
        Column("what", {"zh": "内容", "en": "What"}),
    ]  # fmt: skip
    if top > 1:
        shown.insert(0, Column("case", SOURCE))
    told: list[Row] = []
    for case in cases:
        steps = _steps(case, asked.at)
        told += [Row((case.number, *row.cells), row.keys, row.href) for row in steps] if top > 1 else steps
    name = f"{cases[0].number} {cases[0].title}" if len(cases) == 1 else ""
    return Result(
        tuple(shown), tuple(told), {"zh": name, "en": name} if name and top == 1 else SOURCE,
        newest=max((row.cells[-2] for row in told if row.cells[-2]), default=None), total=len(cases),
        simulated=sum(case.origin != Origin.MEASURED for case in cases),
        href=f"/cases/{cases[0].pk}/" if len(cases) == 1 else "/cases/?status=all", is_part=is_part,
    )  # fmt: skip


def _steps(case: Case, at: datetime) -> list[Row]:
    told = [_told(line, case) for line in timeline(case) if line.at < at]
    reached = max((list(PHASES).index(row.keys[0]) for row in told), default=-1)
    return told + [Row((PHASES[phase], None, _("not yet")), (phase,)) for phase in list(PHASES)[reached + 1 :]]


def _told(line: Line, case: Case) -> Row:
    phase = PHASE_OF.get(line.kind, "act")
    words = {
        "packet": _("First packet"), "broken": _("breaks the limit"), "alarm": _("Alarm raised"),
        "opened": _("Case opened"), "closed": _("Case closed"), "cleared": _("Alarm cleared with the case"),
    }  # fmt: skip
    text = words.get(line.kind) or label(line.data.get("name"))
    if line.kind == "broken":
        text = f"{line.data['stream'].thing_name} {label(line.data['stream'].title)} {text}"
    if line.kind == "given":
        text = f"{text} {_('given to')} {'、'.join(line.data['entry'].data['people']) or '—'}"
    if line.kind == "closed" and "void" in line.data["entry"].data:
        text = f"{_('Case voided')} {line.data['entry'].data['void']}".strip()
    if line.kind == "closed" and "why" in line.data:
        text = f"{_('Case ended by an error')} {line.data['why']}"
    if line.kind == "done":
        text = f"{text} · {_('done')} {line.data['person'].name}"
    return Row((PHASES[phase], line.at, text), (phase,), f"/cases/{case.pk}/")


def has_flows(flow: str, everything: LoadedPacks) -> bool:
    """Whether there is such a flow, or a pack of this name with flows."""
    pack = everything.get(flow.partition(".")[0])
    return pack is not None and any(one.kind == "flows" and flow in {one.key, pack.id} for one in pack.declared)


def check(body: Body, everything: LoadedPacks) -> Iterable[str]:
    """The flow and the columns exist."""
    if body.get("of") and not has_flows(body["of"], everything):
        return [f"of: {body['of']}: nobody declares this flow"]
    if body.get("timeline"):
        return []
    found = subject("", "", datetime.now().astimezone())
    flow = packs.find(everything, "flows", body.get("of", ""))
    if flow is not None:
        forms = filed.of(body["of"], flow["text"], lambda key: packs.find(everything, "forms", key) or EMPTY_FORM, "t")
        found = replace(found, columns={one.item.name: one.column for one in forms} | dict(found.columns))
    return records.problems(found, body)


def offers(county: str) -> Iterable[Offer]:
    """All cases, and those of each flow."""
    now = datetime.now().astimezone()
    yield Offer({"from": "cases"}, SOURCE, records.offered(subject(county, "", now)))
    for flow, title in _flows(county, packs.declarations("flows", county)).items():
        yield Offer({"from": "cases", "of": flow}, title, records.offered(subject(county, flow, now)))


def register() -> None:
    """Called once by the application."""
    datasets.add(datasets.Dataset("cases", give, lambda _body: VIEW, check, offers))
