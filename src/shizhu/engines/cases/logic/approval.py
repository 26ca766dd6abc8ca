"""Parallel approval (并联审批) as BPMN: an item begins once those it needs are granted, each on its own clock."""

from __future__ import annotations

from typing import Any

from shizhu.engines.cases.logic import writing
from shizhu.engines.cases.logic.layout import laid_out
from shizhu.engines.cases.logic.writing import element, line, tag, user

EXPORTER = "shizhu-approval"
RESERVED = {"begin", "granted", "refusing", "refused_at", "refused_end"}
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
    """The application, with a yes for each material, and what is decided on an item."""
    title = {
        "x-title": {"zh": "申请人与项目", "en": "Applicant and project"},
        "type": "string",
        "minLength": 2,
        "maxLength": 120,
    }
    materials = {
        f"{id_}_{number}": {
            "x-title": {one: f"{item['title'][one]}：{name[one]}" for one in ("zh", "en")}, "type": "boolean",
        }
        for id_, item in body["items"].items()
        for number, name in enumerate(item.get("materials", ()), 1)
    }  # fmt: skip
    said = {"x-title": {"zh": "审批意见", "en": "Opinion"}, "x-widget": "paragraph", "type": "string", "minLength": 2}
    granted = {"x-title": {"zh": "准予许可", "en": "Granted"}, "type": "boolean"}
    return {
        f"{key}_start": {
            "title": body["title"], "submit": {"zh": "受理", "en": "Accept"}, "type": "object", "required": ["title"],
            "properties": {"title": title, **materials},
        },
        f"{key}_done": {
            "title": {"zh": "审批", "en": "Decide"}, "submit": {"zh": "提交意见", "en": "Send the decision"},
            "type": "object", "required": ["granted", "said"], "properties": {"granted": granted, "said": said},
        },
    }  # fmt: skip


def _body(one: Body) -> str:
    return f"{one['role']}@{one['organisation']}" if "organisation" in one else str(one["role"])


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
        made = user(
            process, id_, item["title"], role=item["role"], form=f"{key}_done", due=f"P{item['days']}D",
            stage=RUN["zh"], organisation=item.get("organisation", ""), days=str(item["days"]),
            after=",".join(after[id_]), **{"with": ",".join(map(_body, item.get("with", ())))},
        )  # fmt: skip
        writing.output(made, "refused", f"answers.{id_}.granted = false or refused = true")
    element(process, "endEvent", "granted", OVER)
    writing.weave(process, "begin", after, "granted")
    sub = element(process, "subProcess", "refusing")
    sub.set("triggeredByEvent", "true")
    writing.condition(element(sub, "startEvent", "refused_at"), "refused = true")
    element(sub, "endEvent", "refused_end", {"zh": "不予许可", "en": "Refused"}, stage=OVER["zh"])
    line(sub, "refused_at", "refused_end")
    return laid_out(writing.text(root).encode())
