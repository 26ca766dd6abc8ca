"""Parallel approval (并联审批) as BPMN: an item begins once those it needs are granted, each on its own clock."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shizhu.engines.cases.logic import writing
from shizhu.engines.cases.logic.flow import TAKEN
from shizhu.engines.cases.logic.layout import laid_out
from shizhu.engines.cases.logic.writing import element, line, tag, user

EXPORTER = "shizhu-approval"
OWN = {*TAKEN, "refused"}
RESERVED = {"all", "begin", "granted", "refusing", "refused_at", "refused_end"}
START, RUN, OVER = (
    {"zh": "申请", "en": "Applied"},
    {"zh": "并联审批", "en": "In approval"},
    {"zh": "办结", "en": "Settled"},
)
Body = dict[str, Any]


def needs(body: Body) -> dict[str, list[str]]:
    """Item → the items that must be granted before it begins."""
    return {id_: item.get("after", []) for id_, item in body["items"].items()}


def forms(key: str, body: Body) -> dict[str, Body]:
    """The application, with what decides which items are needed and a yes for each material, and the decisions."""
    asks = body.get("asks", {})
    materials = {
        f"{id_}_{number}": {
            "x-title": {one: f"{item['title'][one]}{sign}{name[one]}" for one, sign in (("zh", "："), ("en", ": "))},
            "type": "boolean", **({"x-help": only(item["when"]["title"])} if "when" in item else {}),
        }
        for id_, item in body["items"].items()
        for number, name in enumerate(item.get("materials", ()), 1)
    }  # fmt: skip
    made = {
        f"{key}_start": {
            "title": body["title"], "submit": {"zh": "受理", "en": "Accept"}, "type": "object",
            "required": ["title", "applicant", *asks], "properties": {**ASKED, **asks, **materials},
        },
        f"{key}_done": _decision({}),
    }  # fmt: skip
    papers = any("paper" in item for item in body["items"].values())
    return made | ({f"{key}_paper": _decision(PAPER)} if papers else {})


def _text(zh: str, en: str, **told: Any) -> Body:
    return {"x-title": {"zh": zh, "en": en}, "type": "string", **told}


def _day(zh: str, en: str, help_: tuple[str, str]) -> Body:
    told = {"x-help": dict(zip(("zh", "en"), help_, strict=True)), "x-widget": "date", "pattern": DAY}
    return _text(zh, en, **told, examples=["2026-01-01"])


def only(title: Mapping[str, str]) -> Body:
    """The condition of an item as a sentence."""
    return {"zh": f"仅在{title['zh']}时需要", "en": f"Only where {title['en']}"}


ASKED = {
    "title": _text("项目名称", "Project", minLength=2, maxLength=120),
    "applicant": _text("申请人", "Applicant", minLength=2, maxLength=60),
    "agent": _text("代办人", "Acting for the applicant", maxLength=60),
}
DAY = r"^\d{4}-\d{2}-\d{2}$"
RULE = _text(
    "依据条款", "Rule", maxLength=200, **{"x-help": {
        "zh": "不予许可时必填，如：《食品经营许可和备案管理办法》第十七条第一款",
        "en": "Needed for a refusal: the act, article and paragraph",
    }},
)  # fmt: skip
PAPER: dict[str, Body] = {  # what is granted on paper, beside the decision
    "number": _text("许可证（文书）编号", "Number", maxLength=80, **{"x-help": {
        "zh": "准予许可时必填", "en": "Needed for what is granted",
    }}),
    "valid_from": _day("有效期起", "Valid from", ("准予许可时必填", "Needed for what is granted")),
    "valid_to": _day("有效期止", "Valid to", ("长期有效的不填", "Left out where it holds for good")),
    "conditions": _text("许可条件和限制", "Conditions", maxLength=500, **{"x-widget": "paragraph"}),
    "files": {
        "x-title": {"zh": "证照（文书）文件", "en": "Files"}, "x-widget": "file", "type": "array", "maxItems": 6,
        "x-help": {"zh": "PDF 或图片，随结果一并交付", "en": "PDF or pictures, handed over with the result"},
    },
}  # fmt: skip


def _decision(more: Mapping[str, Body]) -> Body:
    """What is decided on an item; a refusal cites its rule."""
    said = _text("审批意见", "Opinion", minLength=2, **{"x-widget": "paragraph"})
    granted = {"x-title": {"zh": "准予许可", "en": "Granted"}, "type": "boolean"}
    return {
        "title": {"zh": "审批", "en": "Decide"}, "submit": {"zh": "提交意见", "en": "Send the decision"},
        "type": "object", "required": ["granted", "said"],
        "properties": {"granted": granted, "said": said, **more, "rule": RULE},
        "if": {"properties": {"granted": {"const": False}}, "required": ["granted"]}, "then": {"required": ["rule"]},
    }  # fmt: skip


def _names(what: str, one: Body | None) -> dict[str, str]:
    return {f"{what}_{language}": one[language] for language in ("zh", "en")} if one else {}


def _body(one: Body) -> str:
    return f"{one['role']}@{one['organisation']}" if "organisation" in one else str(one["role"])


def _when(item: Body) -> dict[str, str]:
    if "when" not in item:
        return {}
    return {"when": item["when"]["that"], **_names("when", item["when"]["title"])}


def written(key: str, body: Body) -> str:
    """The approval as a BPMN file with its drawing. Raises ValueError for needs in a circle."""
    after = needs(body)
    writing.order(after)
    root = writing.definitions(EXPORTER)
    serial = sum(item["days"] for item in body["items"].values())
    told = {
        "en": body["title"]["en"], "owner": body.get("owner", ""), "prefix": body["prefix"], "limit": f"P{serial}D",
        "clock": "working", "supplement": "yes",
        "stages": ",".join(f"{one['zh']}/{one['en']}" for one in (START, RUN, OVER)),
    }  # fmt: skip
    process = writing.process(root, key.partition(".")[2], body["title"]["zh"], body["starters"], told)
    element(process, "startEvent", "begin", START).set(tag("camunda", "formKey"), f"{key}_start")
    for id_, item in body["items"].items():
        form, together = "paper" if "paper" in item else "done", ",".join(map(_body, item.get("with", ())))
        made = user(
            process, id_, item["title"], role=item["role"], form=f"{key}_{form}", due=f"P{item['days']}D",
            stage=RUN["zh"], organisation=item.get("organisation", ""), days=str(item["days"]),
            after=",".join(after[id_]), **{"with": together}, **_names("paper", item.get("paper")), **_when(item),
        )  # fmt: skip
        writing.output(made, "refused", f"answers.{id_}.granted = false or refused = true")
    element(process, "endEvent", "granted", OVER)
    conditions = {id_: item["when"]["that"] for id_, item in body["items"].items() if "when" in item}
    last, exit_ = after.keys() - {before for waited in after.values() for before in waited}, "granted"
    if len(last) > 1:  # that nobody reads of the end before all have come to it
        exit_ = "all"
        element(process, "parallelGateway", exit_)
        line(process, exit_, "granted")
    writing.weave(process, "begin", after, exit_, conditions)
    sub = element(process, "subProcess", "refusing")
    sub.set("triggeredByEvent", "true")
    writing.condition(element(sub, "startEvent", "refused_at"), "refused = true")
    element(sub, "endEvent", "refused_end", {"zh": "不予许可", "en": "Refused"}, stage=OVER["zh"])
    line(sub, "refused_at", "refused_end")
    return laid_out(writing.text(root).encode())
