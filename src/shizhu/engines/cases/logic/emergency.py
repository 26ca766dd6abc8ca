"""An emergency plan (应急预案) as BPMN: levels whose tasks begin and end with the level that is in force.

The level in force is the key `response` of the document; the standing step `decide` sets it, so raising, lowering and
ending are answers like any other. What an alarm proposes is the key `proposed`: where the plan says who confirms it,
their answer sets the level, at the start and whenever a graver alarm joins the response. Another flow begins it by
throwing the message that the plan names as `called`, with `level` in what it carries. Each level is a sub-process
that begins once the level is reached and is left, with what is open in it, when the level falls below it. Orders
beside the plan come by the message `order`.
"""

from __future__ import annotations

import json
from typing import Any

from lxml import etree  # type: ignore[import-untyped]  # lxml ships no types

from shizhu.engines.cases.logic import writing
from shizhu.engines.cases.logic.layout import laid_out
from shizhu.engines.cases.logic.writing import element, line, tag, user

LEVELS = ("IV", "III", "II", "I")  # the least first, as 突发事件应对法 §42 grades them
LEVEL_NAMES = {
    "IV": {"zh": "Ⅳ级响应", "en": "Level IV response"}, "III": {"zh": "Ⅲ级响应", "en": "Level III response"},
    "II": {"zh": "Ⅱ级响应", "en": "Level II response"}, "I": {"zh": "Ⅰ级响应", "en": "Level I response"},
}  # fmt: skip
END = "end"
NO = "no"  # what an alarm proposes is not followed
DECIDE, ORDER, ORDERED, ORDERS = "decide", "order", "order_given", "orders"
CONFIRM, RAISE, HEARD = "confirm", "raise", "alarm_heard"
CALLED = "called"
RESERVED = {
    "begin", "grade", "all", DECIDE, "settled", "over", ORDER, ORDERED, ORDERS, "ordered_done", CONFIRM, RAISE, HEARD,
    "asked", "propose", "wanted", "unwanted", "go", "alarms", "raised_done", CALLED,
}  # fmt: skip
EXPORTER = "shizhu-emergency"
START, RUN, OVER = {"zh": "启动", "en": "Started"}, {"zh": "响应", "en": "Responding"}, {"zh": "结束", "en": "Ended"}
Body = dict[str, Any]


def levels(body: Body) -> list[str]:
    """The levels that a plan has, the least first."""
    return [level for level in LEVELS if level in body["levels"]]


def minutes(tasks: Body) -> dict[str, int]:
    """Task → the minute of its level by which it is to be done: its own minutes after those that it waits for."""
    after = {id_: task.get("after", []) for id_, task in tasks.items()}
    found: dict[str, int] = {}
    for id_ in writing.order(after):
        found[id_] = tasks[id_]["minutes"] + max((found[before] for before in after[id_]), default=0)
    return found


def forms(key: str, body: Body) -> dict[str, Body]:
    """The forms of a plan: how it is started, how its level is set, how a task is reported done."""
    level = {"x-title": {"zh": "响应级别", "en": "Level"}, "x-widget": "choice", "type": "string"}
    names = {one: LEVEL_NAMES[one] for one in levels(body)}
    why = {"x-title": {"zh": "研判依据", "en": "Why"}, "x-widget": "paragraph", "type": "string", "minLength": 2}
    title = {"x-title": {"zh": "事件", "en": "Event"}, "type": "string", "minLength": 2, "maxLength": 120}
    said = {
        "x-title": {"zh": "办理情况", "en": "What was done"},
        "x-widget": "paragraph",
        "type": "string",
        "minLength": 2,
    }
    photos = {"x-title": {"zh": "照片", "en": "Photos"}, "x-widget": "photo", "type": "array", "minItems": 0}
    made = {
        f"{key}_start": {
            "title": body["title"], "submit": {"zh": "启动响应", "en": "Start the response"}, "type": "object",
            "required": ["title", "level", "description"],
            "properties": {
                "title": title, "level": {**level, "enum": list(names), "x-choices": names}, "description": why,
            },
        },
        f"{key}_level": {
            "title": {"zh": "调整响应级别", "en": "Set the level"}, "submit": {"zh": "发布", "en": "Issue"},
            "type": "object", "required": ["level", "why"],
            "properties": {
                "level": {
                    **level, "enum": [*names, END], "examples": [END],
                    "x-choices": {**names, END: {"zh": "结束响应", "en": "End the response"}},
                },
                "why": why,
            },
        },
        f"{key}_done": {
            "title": {"zh": "反馈", "en": "Answer"}, "submit": {"zh": "已完成", "en": "Done"}, "type": "object",
            "required": ["said"], "properties": {"said": said, "photos": photos},
        },
    }  # fmt: skip
    if "confirm" in body:
        made[f"{key}_confirm"] = {
            "title": {"zh": "核定告警建议的响应级别", "en": "Settle the level that the alarm proposes"},
            "submit": {"zh": "核定", "en": "Settle"}, "type": "object", "required": ["level", "why"],
            "properties": {
                "level": {
                    **level, "enum": [*names, NO], "x-begins": "proposed",
                    "x-choices": {**names, NO: {"zh": "不启动、不调整", "en": "Neither start nor change"}},
                },
                "why": why,
            },
        }  # fmt: skip
    return made | asking(key, body)


def asking(key: str, body: Body) -> dict[str, Body]:
    """The form by which somebody in the field asks for help, where the plan has `help`."""
    told = body.get("help")
    if told is None:
        return {}
    words = {"type": "string", "maxLength": 200}
    kinds = {name: one["title"] for name, one in told["kinds"].items()}
    urgencies = {name: one["title"] for name, one in told["urgencies"].items()}
    choice = {"type": "string", "x-widget": "choice"}
    return {
        f"{key}_need": {
            "title": {"zh": "求助", "en": "Ask for help"}, "submit": {"zh": "发出求助", "en": "Ask"},
            "type": "object", "required": ["kind", "amount", "urgency"],
            "properties": {
                "kind": {**choice, "x-title": {"zh": "需要什么", "en": "What"}, "enum": [*kinds], "x-choices": kinds},
                "amount": {
                    "type": "integer", "minimum": 1, "maximum": 99_999, "x-title": {"zh": "数量", "en": "How many"},
                },
                "urgency": {
                    **choice, "x-title": {"zh": "紧急程度", "en": "How urgent"}, "enum": [*urgencies],
                    "x-choices": urgencies, "x-help": _within(told["urgencies"]),
                },
                "where": {**words, "x-title": {"zh": "送到哪里", "en": "Where to"}},
                "note": {**words, "x-title": {"zh": "说明", "en": "Remark"}},
            },
        }
    }  # fmt: skip


def _within(urgencies: Body) -> dict[str, str]:
    """Within how many minutes each is answered, in words."""
    zh = "，".join(f"{one['title']['zh']} {one['minutes']} 分钟" for one in urgencies.values())
    en = ", ".join(f"{one['title']['en']} {one['minutes']} min" for one in urgencies.values())
    return {"zh": f"答复时限：{zh}", "en": f"Answered within: {en}"}


def written(key: str, body: Body) -> str:
    """The plan as a BPMN file with its drawing."""
    root = writing.definitions(EXPORTER)
    etree.SubElement(root, tag("bpmn", "message"), id="order_message", name=ORDER)
    if "confirm" in body:
        etree.SubElement(root, tag("bpmn", "message"), id="alarm_message", name=HEARD)
    told = {
        "en": body["title"]["en"], "owner": body.get("owner", ""), "prefix": body["prefix"],
        "limit": body.get("limit", "P10D"), "tell": "yes",
        "stages": ",".join(f"{one['zh']}/{one['en']}" for one in (START, RUN, OVER)),
    }  # fmt: skip
    process = writing.process(root, key.partition(".")[2], body["title"]["zh"], body["starters"], told)
    begin = element(process, "startEvent", "begin", START)
    begin.set(tag("camunda", "formKey"), f"{key}_start")
    graded = ", ".join(f"{json.dumps(of)}: {json.dumps(to)}" for of, to in body.get("alarms", {}).items())
    of_alarm = f"get value({{{graded}}}, level)"
    element(process, "parallelGateway", "all")
    if "confirm" in body:
        _script(process, "grade", "response", "level")
        _confirm(process, key, body, of_alarm)
        line(process, "grade", "go")
        line(process, "go", "all")
    else:
        _script(process, "grade", "response", f'if source = "alarm" then {of_alarm} else level' if graded else "level")
        line(process, "begin", "grade")
        line(process, "grade", "all")
    if "called" in body:
        etree.SubElement(root, tag("bpmn", "message"), id="called_message", name=body["called"])
        names = {"zh": "由流程启动", "en": "Started by a flow"}
        called = element(process, "startEvent", CALLED, names, stage=START["zh"])
        etree.SubElement(called, tag("bpmn", "messageEventDefinition"), messageRef="called_message")
        line(process, CALLED, "asked" if "confirm" in body else "grade")
    _decide(process, key, body)
    for level in levels(body):
        _level(process, key, body, level)
    _orders(process, key, body)
    return laid_out(writing.text(root).encode())


def _script(process: Any, id_: str, result: str, text: str) -> None:
    made = element(process, "scriptTask", id_)
    made.set("scriptFormat", "feel")
    made.set(tag("camunda", "resultVariable"), result)
    etree.SubElement(made, tag("bpmn", "script")).text = text


def _settling(holder: Any, key: str, body: Body, id_: str) -> Any:
    """The step in which somebody settles what an alarm proposes."""
    said = body["confirm"]
    name = {"zh": "核定响应级别", "en": "Settle the level"}
    return user(
        holder, id_, name, role=",".join(said["roles"]), form=f"{key}_confirm", due=f"PT{said['minutes']}M",
        stage=START["zh"], assign=said.get("assign", ""),
    )  # fmt: skip


def _confirm(process: Any, key: str, body: Body, of_alarm: str) -> None:
    """What an alarm proposes is settled by a person: before the response begins, and when a graver alarm joins it."""
    element(process, "exclusiveGateway", "asked").set("default", "by_hand")
    _script(process, "propose", "proposed", of_alarm)
    writing.output(_settling(process, key, body, CONFIRM), "response", f"answers.{CONFIRM}.level")
    element(process, "exclusiveGateway", "wanted").set("default", "begun")
    element(process, "exclusiveGateway", "go")
    element(process, "endEvent", "unwanted", {"zh": "未启动", "en": "Not started"}, stage=OVER["zh"])
    line(process, "begin", "asked")
    line(process, "asked", "propose", 'source = "alarm"')
    line(process, "asked", "grade", id_="by_hand")
    line(process, "propose", CONFIRM)
    line(process, CONFIRM, "wanted")
    line(process, "wanted", "unwanted", f'response = "{NO}"')
    line(process, "wanted", "go", id_="begun")
    sub = element(process, "subProcess", "alarms")
    sub.set("triggeredByEvent", "true")
    begin = element(sub, "startEvent", HEARD, {"zh": "告警加重", "en": "A graver alarm"}, stage=RUN["zh"])
    begin.set("isInterrupting", "false")
    etree.SubElement(begin, tag("bpmn", "messageEventDefinition"), messageRef="alarm_message")
    chosen = f"answers.{RAISE}.level"
    writing.output(_settling(sub, key, body, RAISE), "response", f'if {chosen} = "{NO}" then response else {chosen}')
    element(sub, "endEvent", "raised_done")
    line(sub, HEARD, RAISE)
    line(sub, RAISE, "raised_done")


def _decide(process: Any, key: str, body: Body) -> None:
    """The standing step that sets the level, until it ends the response."""
    name = {"zh": "调整响应级别", "en": "Set the level"}
    made = user(process, DECIDE, name, role=",".join(body["command"]), form=f"{key}_level", stage=RUN["zh"])
    writing.output(made, "response", f"answers.{DECIDE}.level")
    element(process, "exclusiveGateway", "settled").set("default", "go_on")
    end = element(process, "endEvent", "over", OVER)
    etree.SubElement(end, tag("bpmn", "terminateEventDefinition"))
    line(process, "all", DECIDE)
    line(process, DECIDE, "settled")
    line(process, "settled", "over", f'response = "{END}"')
    line(process, "settled", DECIDE, id_="go_on")


def _condition(holder: Any, kind: str, id_: str, name: dict[str, str], text: str, **attributes: str) -> None:
    made = element(holder, kind, id_, name)
    for attribute, value in attributes.items():
        made.set(attribute, value)
    writing.condition(made, text)


def _level(process: Any, key: str, body: Body, level: str) -> None:
    """Wait until the level is reached, do its tasks, and leave them when the level falls."""
    inside, name = f"level_{level}", LEVEL_NAMES[level]
    within = f"list contains({json.dumps(LEVELS[LEVELS.index(level) :])}, response)"
    _condition(
        process, "intermediateCatchEvent", f"reached_{level}",
        {"zh": f"启动{name['zh']}", "en": f"{name['en']} started"}, within,
    )  # fmt: skip
    sub = element(process, "subProcess", inside, name)
    _condition(
        process, "boundaryEvent", f"left_{level}", {"zh": f"退出{name['zh']}", "en": f"{name['en']} left"},
        f"not({within})", attachedToRef=inside, cancelActivity="true",
    )  # fmt: skip
    _condition(
        process, "intermediateCatchEvent", f"done_{level}",
        {"zh": f"{name['zh']}任务完成", "en": f"Tasks of {name['en']} done"}, f"not({within})",
    )  # fmt: skip
    line(process, "all", f"reached_{level}")
    line(process, f"reached_{level}", inside)
    line(process, inside, f"done_{level}")
    line(process, f"done_{level}", f"reached_{level}")
    line(process, f"left_{level}", f"reached_{level}")
    tasks = body["levels"][level]["tasks"]
    due = minutes(tasks)
    element(sub, "startEvent", f"{inside}_begin")
    for id_, task in tasks.items():
        made = user(
            sub, id_, task["title"], role=task["role"], form=task.get("form", f"{key}_done"),
            due=f"PT{task['minutes']}M", stage=RUN["zh"], level=level, minute=str(due[id_]),
            organisation=task.get("organisation", ""), assign=task.get("assign", ""),
        )  # fmt: skip
        if task.get("help"):
            made.insert(0, _documentation(task["help"]))
    element(sub, "endEvent", f"{inside}_end")
    writing.weave(sub, f"{inside}_begin", {id_: task.get("after", []) for id_, task in tasks.items()}, f"{inside}_end")


def _documentation(text: str) -> Any:
    made = etree.Element(tag("bpmn", "documentation"))
    made.text = text
    return made


def _orders(process: Any, key: str, body: Body) -> None:
    """An order beside the plan: to a named person, with its own deadline; any number at a time."""
    sub = element(process, "subProcess", ORDERS)
    sub.set("triggeredByEvent", "true")
    begin = element(sub, "startEvent", ORDERED, {"zh": "下达指令", "en": "Order given"}, stage=RUN["zh"])
    begin.set("isInterrupting", "false")
    etree.SubElement(begin, tag("bpmn", "messageEventDefinition"), messageRef="order_message")
    made = user(
        sub, ORDER, {"zh": "指令", "en": "Order"}, role=",".join(body["command"]), form=f"{key}_done",
        due=f"=answers.{ORDERED}.due", stage=RUN["zh"],
    )  # fmt: skip
    made.set(tag("camunda", "assignee"), f"=answers.{ORDERED}.person")
    many = etree.SubElement(made, tag("bpmn", "multiInstanceLoopCharacteristics"))
    many.set(tag("camunda", "collection"), f"=[answers.{ORDERED}]")
    element(sub, "endEvent", "ordered_done")
    line(sub, ORDERED, ORDER)
    line(sub, ORDER, "ordered_done")
