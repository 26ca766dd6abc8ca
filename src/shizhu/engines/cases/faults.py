"""Faults of flows and forms as an administrator reads them; the check itself says them in English."""

import re
from collections import Counter
from collections.abc import Mapping

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from shizhu.engines.cases.logic import Flow, FlowError
from shizhu.engines.cases.logic.reading import BPMN, read_book, read_root
from shizhu.engines.cases.models import Entry
from shizhu.web import declaring

KINDS = {
    "process": gettext_noop("process"), "userTask": gettext_noop("user task"), "task": gettext_noop("task"),
    "manualTask": gettext_noop("manual task"), "serviceTask": gettext_noop("service task"),
    "sendTask": gettext_noop("send task"), "receiveTask": gettext_noop("receive task"),
    "scriptTask": gettext_noop("script task"), "businessRuleTask": gettext_noop("business rule task"),
    "callActivity": gettext_noop("call activity"), "subProcess": gettext_noop("sub-process"),
    "transaction": gettext_noop("transaction"), "adHocSubProcess": gettext_noop("ad-hoc sub-process"),
    "startEvent": gettext_noop("start event"), "endEvent": gettext_noop("end event"),
    "intermediateThrowEvent": gettext_noop("throw event"), "intermediateCatchEvent": gettext_noop("catch event"),
    "boundaryEvent": gettext_noop("boundary event"), "exclusiveGateway": gettext_noop("exclusive gateway"),
    "parallelGateway": gettext_noop("parallel gateway"), "inclusiveGateway": gettext_noop("inclusive gateway"),
    "eventBasedGateway": gettext_noop("event-based gateway"), "complexGateway": gettext_noop("complex gateway"),
    "sequenceFlow": gettext_noop("sequence flow"),
}  # fmt: skip
RULES = (
    gettext_noop("are joined by another sequence flow already"),
    gettext_noop("calls itself"),
    gettext_noop("calls a method: only FEEL is evaluated here"),
    gettext_noop("calls “%(function)s”, which is no function of FEEL: only FEEL is evaluated here"),
    gettext_noop("event definitions: an event has one here"),
    gettext_noop("events: an event-based gateway chooses between two at least"),
    gettext_noop("is a complex gateway, which is not run here: draw it as an inclusive or exclusive one"),
    gettext_noop("is a link that no link event of this process catches"),
    gettext_noop("is an ad-hoc sub-process, which is not run here: draw its tasks in their order"),
    gettext_noop("is no activity of the same process that a boundary event could sit on"),
    gettext_noop("is no activity of this file"),
    gettext_noop("is no element that this sequence flow could join"),
    gettext_noop("is no error of this file"),
    gettext_noop("is no escalation of this file"),
    gettext_noop("is no event definition of this file"),
    gettext_noop("is no message of this file"),
    gettext_noop("is no number that a picture can be drawn with"),
    gettext_noop("is no readable XML"),
    gettext_noop("is no signal of this file"),
    gettext_noop("is none of the stages of the process (%(stages)s); name one in its property `stage`"),
    gettext_noop("is not supported yet"),
    gettext_noop("is not what an event of this place may have"),
    gettext_noop("is the id of two elements"),
    gettext_noop("cannot be reached from the start event"),
    gettext_noop("leads to no activity that undoes (an association)"),
    gettext_noop("must be a key of the document for its result, not answers"),
    gettext_noop("must be a sequence flow that leaves this gateway (default)"),
    gettext_noop("must be a deadline: an ISO 8601 duration such as PT24H"),
    gettext_noop("must be working or calendar: how its time is counted"),
    gettext_noop("must be duty or load: to whom it is given"),
    gettext_noop("is no step of people nor the start: not_by names whose doer it is not"),
    gettext_noop("must be at least one start event"),
    gettext_noop("must be done by a role"),
    gettext_noop("must be feel, the language of conditions"),
    gettext_noop("must be feel: no other script language is executed"),
    gettext_noop("must be given as a property of the process"),
    gettext_noop("must be left out: a flow has no DTD"),
    gettext_noop("must be left out: conditions stand behind exclusive gateways only"),
    gettext_noop("must be the id of a flow, no expression"),
    gettext_noop("must begin with the one event that triggers it"),
    gettext_noop("must have an id"),
    gettext_noop("must hold a process with at least one step"),
    gettext_noop("must lead somewhere: a gateway ends nothing"),
    gettext_noop("must lead somewhere: nothing begins here"),
    gettext_noop("must name a declared decision"),
    gettext_noop("must name the flow it calls"),
    gettext_noop("must not enter a boundary event nor join an event sub-process"),
    gettext_noop("must not enter nor leave an activity that undoes another"),
    gettext_noop("must not enter a start event nor leave an end event"),
    gettext_noop("must say for each of what, or how often it is done"),
    gettext_noop("Its owner is no organisation of this county."),
    gettext_noop("must be true or false, it is %(found)s"),
    gettext_noop("must be text, it is %(found)s"),
    gettext_noop("must be a list, it is %(found)s"),
    gettext_noop("must be a whole number, it is %(found)s"),
    gettext_noop("must be text or a number: it tells messages apart"),
    gettext_noop("must be an ISO 8601 %(kind)s, it is %(found)s"),
    gettext_noop("times is too often, %(most)s is the most"),
    gettext_noop("elements were passed without a person: the flow runs in a circle"),
    gettext_noop("wait for a branch that never comes"),
    gettext_noop("waits for a branch that never comes"),
    gettext_noop("leads round in a circle, and to no end"),
    gettext_noop("can never be true"),
    gettext_noop("can never be reached: no condition on the way to it can be true"),
    gettext_noop("is no decision that is declared"),
    gettext_noop("decides nothing: %(why)s"),
    gettext_noop("do none of them hold, and there is no default flow"),
    gettext_noop("must be a moment of ISO 8601 such as 2026-07-01T09:00:00"),
    gettext_noop("must say the condition it waits for"),
    gettext_noop("must say what it waits for"),
    gettext_noop("must say when: a date, a duration or a cycle"),
    gettext_noop("must say while what or how often it is done again"),
    gettext_noop("nobody declares this flow"),
    gettext_noop("no pack declares this decision"),
    gettext_noop("no pack declares this form"),
    gettext_noop("every case has something of this name; call the field otherwise"),
    gettext_noop("the pack declares no such role"),
    gettext_noop("is not the root of a BPMN 2.0 file"),
    gettext_noop("is kept as a string"),
    gettext_noop("must be a condition: this flow leaves gateway %(gateway)s"),
    gettext_noop("is no schedule that can be read"),
    gettext_noop("names a day of the week by a number, which engines count differently: write MON to SUN"),
    gettext_noop("must be a cycle of ISO 8601 such as %(example)s, or FEEL after “=”"),
    gettext_noop("must be a date of ISO 8601 such as %(example)s, or FEEL after “=”"),
    gettext_noop("must be a duration of ISO 8601 such as %(example)s, or FEEL after “=”"),
    gettext_noop("must be an event to wait for: it follows gateway %(gateway)s"),
    gettext_noop("is the link that %(other)s catches: one event catches a link, several may lead to it"),
    gettext_noop("is a flow with a fault: %(fault)s"),
    gettext_noop("is no FEEL: at character %(at)s it cannot be read from “%(text)s” on"),
    gettext_noop("is no FEEL: at character %(at)s it ends too early"),
    gettext_noop("is no FEEL: character %(at)s is the full-width “%(sign)s”: write %(narrow)s"),
    gettext_noop("reads answers.%(step)s, but no user task has that id"),
    gettext_noop("cannot be read as FEEL from “%(text)s” on"),
    gettext_noop("cannot be read as FEEL: “%(sign)s” is missing before “%(text)s”"),
    gettext_noop("cannot be read as FEEL: an index that is computed"),
    gettext_noop("cannot be read as FEEL: it ends too early"),
    gettext_noop("(class) is a program of another system: name a topic that somebody serves instead"),
    gettext_noop("(delegateExpression) is a program of another system: name a topic that somebody serves instead"),
    gettext_noop("(type) is a program of another system: name a topic that somebody serves instead"),
)


def called(xml: bytes) -> dict[str, str]:
    """id → kind and name of each element of a file; its id where it has no name, or shares it with another."""
    try:
        book = read_book(read_root(xml))
    except FlowError:
        return {}
    known = {id_: (str(one.tag).removeprefix(BPMN), one) for id_, one in book.named.items()}
    named = {
        id_: (_(KINDS[kind]), " ".join(one.get("name", "").split()) or book.ends(id_))
        for id_, (kind, one) in known.items() if kind in KINDS
    }  # fmt: skip
    times = Counter(named.values())
    return {id_: _named(id_, *pair, is_shared=times[pair] > 1) for id_, pair in named.items()}


def _named(id_: str, kind: str, name: str, *, is_shared: bool) -> str:
    if not name:
        return f"{kind} {id_}"
    return _("%(kind)s “%(name)s”") % {"kind": kind, "name": name} + (f" ({id_})" if is_shared else "")


def said(fault: FlowError, names: Mapping[str, str]) -> str:
    """One fault in the language in force: the element as `called` names it, what is found there, and the rule."""
    told = {name: said(value, {}) if isinstance(value, FlowError) else value for name, value in fault.told.items()}
    rule = _(fault.form) % told if told else _(fault.form)
    value = fault.value if fault.value not in (None, "", [], fault.name) else ""
    value = " → ".join(map(str, value)) if isinstance(value, (list, tuple)) else value
    if fault.form == "is no readable XML":  # the reader of XML says why in English only
        place = re.search(r"line (\d+), column (\d+)", str(value))
        value = _("line %s, column %s") % place.groups() if place else ""
    element = _("the file") if fault.element_id == "definitions" else names.get(fault.element_id, fault.called)
    line = rule.removeprefix("：") if value == "" else f"“{value}” {rule}".replace(" ：", "：")
    return _("%(element)s: %(told)s") % {"element": element, "told": line}


def line_said(line: str, names: Mapping[str, str]) -> str:
    """A line of the check of a flow, which begins with the id of an element and perhaps its name, the same way."""
    element, _colon, rest = declaring.say(line).partition(": ")
    id_, rest = element.partition(" “")[0], rest.removeprefix("'' ").removeprefix("：")
    return _("%(element)s: %(told)s") % {"element": names[id_], "told": rest} if id_ in names else declaring.say(line)


def broke(flow: Flow, entry: Entry) -> str:
    """Which error ended a case, and where: told by the last line of its timeline."""
    told = {"element": _of(flow, entry.step), "error": flow.error(entry.data["error"]) or "—"}
    return _("%(element)s: the error “%(error)s” came, and nothing in the flow catches it") % told


def halted(flow: Flow, entry: Entry) -> str:
    """Why a case could not go on."""
    return line_said(entry.data["why"], called(flow.xml))


def _of(flow: Flow, id_: str) -> str:
    """Kind and name of an element; the name alone of one in a flow that is called."""
    step = flow.step.get(id_)
    return called(flow.xml).get(id_) or (step.name if step else "") or id_


def stuck(flow: Flow, error: FlowError) -> str:
    """What somebody reads whose move the flow cannot make."""
    told = line_said(str(error), called(flow.xml))
    return _("The flow cannot go on: %s Nothing was saved. Tell whoever looks after the flow.") % f"{told}。"
