"""One timeline of a case, from the first packet to the close."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from shizhu.engines.alarms import api as alarms
from shizhu.engines.cases import faults, flows, results
from shizhu.engines.cases.flows import Names
from shizhu.engines.cases.logic import Flow
from shizhu.engines.cases.models import Attachment, Case, Entry, Photo, ResultDelivery
from shizhu.engines.records import api as records
from shizhu.engines.things import api as things
from shizhu.kernel.packs import Body
from shizhu.kernel.text import in_words, label

OF_DEVICES = ("things.command", "things.latest")
TOLD_BY = {  # how it ended with a device
    "done": gettext_noop("the device answered"), "failed": gettext_noop("the device did not do it"),
    "timed_out": gettext_noop("the device did not answer in time"),
    "cancelled": gettext_noop("the command was taken back"),
    "refused": gettext_noop("could not be asked of the device"),
}  # fmt: skip
HAPPENED = {
    "timer": gettext_noop("its time has come"), "message": gettext_noop("a message has arrived"),
    "signal": gettext_noop("a signal was given"), "job": gettext_noop("done by a program outside"),
}  # fmt: skip
ACTED = {
    "asked": gettext_noop("asked for"), "decided": gettext_noop("decided"), "resumed": gettext_noop("clocks go on"),
    "handed": gettext_noop("handed over"), "invited": gettext_noop("asked to handle jointly"),
    "passed_on": gettext_noop("went on to"),
    "arranged": gettext_noop("agreed when to meet"),
    "said": gettext_noop("said as a joint handler"), "urged": gettext_noop("urged"),
    "supplement": gettext_noop("asked for supplements"), "supplied": gettext_noop("supplements are there"),
    "supervised": gettext_noop("put under supervision"),
    "overran": gettext_noop("was not finished by the time of its supervision"),
    "reported": gettext_noop("A resident reported"), "added": gettext_noop("A resident added"),
    "confirmed": gettext_noop("A resident confirmed the result"),
    "disputed": gettext_noop("A resident disputed the result"),
    "looked": gettext_noop("looked at the phone number of a resident"),
    "remarked": gettext_noop("remarked"), "joined": gettext_noop("an alarm joined"),
    "stock_issue": gettext_noop("drew from the stock"),
    "stock_return": gettext_noop("gave back to the stock"),
    "held": gettext_noop("has come and is kept: the case takes it as soon as it can go on"),
    "need": gettext_noop("asked for help"), "need_met": gettext_noop("answered a call for help"),
    "need_refused": gettext_noop("could not help"),
    "bulletin": gettext_noop("issued bulletin no. %d"), "release": gettext_noop("issued public release no. %d"),
    "delivered": gettext_noop("results handed over"), "received": gettext_noop("The applicant has the results"),
    "missing": gettext_noop("The applicant says that the results did not come"),
}  # fmt: skip
ASKED = {
    "pause": gettext_noop("a pause for supplements"), "extend": gettext_noop("more time"),
    "return": gettext_noop("to give it back"), "void": gettext_noop("to void the case"),
}  # fmt: skip


@dataclass(frozen=True)
class Line:
    """One line: `kind` packet, broken, alarm, or an entry's kind; `data` is for the template."""

    at: datetime
    kind: str
    data: dict[str, Any] = field(default_factory=dict)


def _happened(entry: Entry, flow: Flow) -> str:
    if entry.data["kind"] == "job" and entry.data["name"] in OF_DEVICES:
        return _of_device(entry.data["answer"])
    if "error" in entry.data:
        return _("failed with the error “%s”") % flow.error(entry.data["error"])
    return _("ordered") if entry.person else _(HAPPENED[entry.data["kind"]])


def _of_device(answer: Mapping[str, Any]) -> str:
    """How it ended with a device, its key, and the values that were read or the reason."""
    values = [
        f"{name} {one['value']:.15g}" for name, one in answer.items()
        if isinstance(one, dict) and one.get("value") is not None and name != "answer"
    ]  # fmt: skip
    reason = [str(answer["answer"])] if answer["state"] == "refused" else []
    told = [_("read from the device") if values else _(TOLD_BY[answer["state"]]), answer["device"], *values, *reason]
    return " · ".join(filter(None, told))


def timeline(case: Case) -> list[Line]:
    """All lines in order of time; what was sensed comes first."""
    return [*_sensed(case), *_entries(case)]


def _sensed(case: Case) -> list[Line]:
    if case.alarm is None or case.datastream is None:
        return []
    alarm, began = alarms.get(case.alarm), alarms.steps(case.alarm)[:1]
    for step in began:  # what it was when it was raised, whatever it became
        alarm = replace(alarm, level=step.level, value=step.value, limit=step.limit)
    stream = things.describe([case.datastream]).get(case.datastream)
    lines = []
    packet = things.packet(case.datastream, alarm.since)
    if packet:
        lines.append(Line(alarm.since, "packet", {"packet": packet, "text": things.readable(packet.raw)}))
    lines.append(Line(alarm.since, "broken", {"alarm": alarm, "stream": stream}))
    lines.append(Line(alarm.detected_at, "alarm", {"alarm": alarm, "stream": stream}))
    return lines


def _entries(case: Case) -> list[Line]:
    flow, about = flows.version(case.flow, case.digest)
    photos: dict[int, list[tuple[Attachment, Photo | None]]] = {}  # when and where they were taken
    given = list(Attachment.objects.filter(case=case).select_related("file"))
    shots = {one.file_id: one for one in Photo.objects.filter(file__in=[one.file_id for one in given])}
    for attachment in given:
        photos.setdefault(attachment.task_id or 0, []).append((attachment, shots.get(attachment.file_id)))
    entries = list(case.entries.select_related("person"))
    later = {file for entry in entries for file in entry.data.get("files", ())}
    lines = []
    for entry in entries:
        data: dict[str, Any] = {"entry": entry, "person": entry.person, "name": about.names.get(entry.step)}
        if entry.kind == "opened":
            data["photos"] = [one for one in photos.get(0, []) if str(one[0].file_id) not in later]
            data["due"] = datetime.fromisoformat(entry.data["due"]) if "due" in entry.data else None
            document = {**entry.data["document"], "title": "", "description": ""}  # shown as such
            form = flows.form_of(case, about.start_form)
            is_filled = document.get("source") != "alarm"  # what an alarm tells is no answer to the form
            data["answer"] = _answers(form, document, case.county_id) if is_filled else []
        if entry.kind == "done":
            form = flows.form_of(case, flow.step[entry.step].form or "")
            data["answer"] = _answers(form, entry.data["answer"], case.county_id)
            data["photos"] = photos.get(entry.data["task"], [])
        if "files" in entry.data:
            data["photos"] = [one for one in photos.get(0, []) if str(one[0].file_id) in entry.data["files"]]
        if entry.kind == "stuck":
            data["why"] = faults.halted(flow, entry)
        if entry.kind == "closed" and "error" in entry.data:
            data["why"] = faults.broke(flow, entry)
        if entry.kind in {*ACTED, "lapsed", "unheard"}:
            data["acted"] = _acted(entry.kind, entry.data)
        if entry.kind == "happened":
            data["happened"] = _happened(entry, flow)
        if entry.kind == "passed" and "decided" in entry.data:
            data["decided"] = _decided(entry.data["decided"], about.says.get(entry.step, {}))
        lines.append(Line(entry.at, entry.kind, data))
    return lines


def _acted(kind: str, data: Mapping[str, Any]) -> str:
    """What somebody did about a case, in words."""
    if kind == "asked":
        return f"{_(ACTED[kind])} {_(ASKED[data['what']])} {in_words(data['span'])}".strip()
    if kind == "lapsed":
        return _("no longer to be decided: %s") % _(ASKED[data["what"]])
    if kind == "unheard":
        told = {"name": data["name"], "cases": "、".join(data["cases"])}
        return _("The message “%(name)s” was not taken: %(cases)s has ended") % told
    if kind == "arranged":
        at = timezone.localtime(datetime.fromisoformat(data["at"]))
        return f"{_('moved the meeting to') if data['moved'] else _(ACTED[kind])} {at:%Y-%m-%d %H:%M}"
    if kind == "delivered":
        without = f" · {_('without the code')}" if data["open"] else ""
        return f"{_(ACTED[kind])} {_(results.HOWS[ResultDelivery.How(data['how'])])}{without}"
    if kind == "decided":
        return f"{_('granted') if data['granted'] else _('refused')} {_(ASKED[data['what']])}"
    return _(ACTED[kind]) % data["number"] if "bulletin" in data else _(ACTED[kind])


def _decided(value: Any, says: Mapping[str, Names]) -> list[tuple[str, Any]]:
    """(name, value) of what a decision said, in the flow's words; one without a name for a single value."""
    if isinstance(value, dict):
        return [(name, says.get(str(one), one)) for name, one in value.items()]
    if isinstance(value, list):
        return [("", "、".join(label(says.get(str(one), one)) for one in value))]
    return [("", says.get(str(value), value))]


def _answers(form: Body, given: Mapping[str, Any], county: str) -> list[tuple[Any, Any]]:
    """(title, answer) of what was filled in, files left out."""
    return [
        (item["x-title"], shown(item, given[name], county))
        for name, item in form["properties"].items()
        if item["type"] != "array" and given.get(name) not in {None, ""}
    ]


def shown(item: dict[str, Any], value: Any, county: str) -> Any:
    """An answer as people read it: {zh, en} for choices and yes/no, names of places and posts.

    Of a record it is the key: who may see the record finds its name beside the case.
    """
    if "x-shizhu-ref" in item and item["x-shizhu-ref"] in records.KNOWN_REFERENCES:
        kind = records.find_reference(item["x-shizhu-ref"], county)
        return kind.titles(county, [value]).get(value, value) if kind else value
    if isinstance(value, bool):
        return {"zh": "是" if value else "否", "en": "yes" if value else "no"}
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return item.get("x-choices", {}).get(value, value)
