"""Lights and stories in words, and the agenda of a joint meeting as an official document."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from shizhu.engines.plan.logic import lights
from shizhu.engines.plan.models import Call, Extension, Meeting, Node, Step
from shizhu.kernel import documents, official
from shizhu.kernel.documents import Heading, Table
from shizhu.kernel.documents import day as written
from shizhu.kernel.models import County, Person

WORD = documents.MEDIA_TYPE
RULES = {
    lights.ON_TIME: gettext_noop("in time so far"),
    lights.NEARLY: gettext_noop("due soon"),
    lights.WAITS: gettext_noop("sent in time, waits for a decision"),
    lights.REPAIRED: gettext_noop("made up late"),
    lights.ASKED: gettext_noop("a later day was asked for, waits for a decision"),
    lights.LATE: gettext_noop("overdue"),
    lights.FALSE: gettext_noop("found false"),
    lights.AGAINST: gettext_noop("said done, the readings say no"),
    lights.DONE: gettext_noop("finished in time"),
}
WHY = {
    lights.ON_TIME: gettext_noop("More than 7 days are left."),
    lights.NEARLY: gettext_noop("7 days or less are left, and nothing was sent yet."),
    lights.WAITS: gettext_noop("The evidence was sent in time; that nobody decided yet is not the unit's delay."),
    lights.ASKED: gettext_noop(
        "A later day was asked for before this one passed; that nobody decided yet is not the unit's delay."
    ),
    lights.REPAIRED: gettext_noop(
        "The gap was made up and the evidence accepted, but late or after the finish did not hold: it stays yellow."
    ),
    lights.LATE: gettext_noop(
        "The day has passed. Red turns yellow only when the gap is made up and the evidence accepted."
    ),
    lights.FALSE: gettext_noop("A check found the finish false. Red turns yellow only when new evidence is accepted."),
    lights.AGAINST: gettext_noop(
        "It was accepted as done, but the readings say no. Red turns yellow once they say yes, "
        "or new evidence is accepted."
    ),
    lights.DONE: gettext_noop("The evidence was sent in time and accepted."),
}
KINDS = {
    "owner": ("users", gettext_noop("Owner settled")),
    "owner-off": ("users", gettext_noop("Not an owner")),
    "link-linked": ("copy", gettext_noop("Linked: one promise")),
    "link-apart": ("copy", gettext_noop("Told apart: two promises")),
    "link-proposed": ("copy", gettext_noop("Link is open again")),
    "split": ("hierarchy-2", gettext_noop("Split into pieces")),
    "sent": ("arrow-right", gettext_noop("Sent to its unit")),
    "received": ("circle-check", gettext_noop("Received")),
    "returned": ("chevron-left", gettext_noop("Returned by the unit")),
    "dropped": ("circle-x", gettext_noop("Left out of the new split")),
    "shown": ("upload", gettext_noop("Evidence sent")),
    "accepted": ("circle-check", gettext_noop("Evidence accepted")),
    "refused": ("circle-x", gettext_noop("Evidence refused")),
    "urged": ("bell", gettext_noop("Urged")),
    "blocked": ("alert-triangle", gettext_noop("Blocked: asked for help")),
    "answered": ("check", gettext_noop("Answered")),
    "raised": ("arrow-up", gettext_noop("Not answered in time: went up")),
    "check-true": ("eye", gettext_noop("Checked on the spot: true")),
    "check-false": ("eye", gettext_noop("Checked on the spot: false")),
    "extension": ("calendar", gettext_noop("A later day was asked for")),
    "extended": ("calendar", gettext_noop("A later day was approved")),
    "not-extended": ("calendar", gettext_noop("A later day was refused")),
    "proved": ("activity", gettext_noop("The readings say that it is done")),
    "unproved": ("activity", gettext_noop("The readings no longer say that it is done")),
    "contradicted": ("alert-triangle", gettext_noop("Said done, the readings say no")),
    "overturned": ("circle-x", gettext_noop("Annulled: the readings say no")),
    "light": ("activity", gettext_noop("Light told")),
}


@dataclass(frozen=True)
class Line:
    """A step in words. `light` where one was told."""

    at: datetime
    icon: str
    title: str
    text: str
    person: Person | None
    light: str = ""
    rule: str = ""


def story(steps: Iterable[Step]) -> list[Line]:
    """Steps in words, as they come."""
    return [_line(step) for step in steps]


def _line(step: Step) -> Line:
    icon, title = KINDS.get(step.kind, ("info-circle", ""))
    data = step.data
    text = [data.get("title", "") if step.node_id or step.kind == "light" else ""]
    unit = data.get("unit") or (step.piece.organisation.name if step.piece else "")
    number = _("%d pieces") % data["pieces"] if "pieces" in data else ""
    day = _("answer by %s") % data["answer_by"] if "answer_by" in data else ""
    assists = _("assisting: %s") % "、".join(data["assists"]) if data.get("assists") else ""
    text += [unit, assists, data.get("text", ""), data.get("note", ""), data.get("why", ""), number, day]
    said = " · ".join(part for part in text if part)
    return Line(step.at, icon, _(title) if title else step.kind, said, step.person,
                data.get("light", ""), _(RULES[data["rule"]]) if data.get("rule") in RULES else "")  # fmt: skip


def rule_of(node: Node) -> str:
    """The rule of a node's light in a few words."""
    return _(RULES[node.rule]) if node.rule in RULES else ""


def why_of(node: Node) -> str:
    """The rule of a node's light as a sentence."""
    return _(WHY[node.rule]) if node.rule in WHY else ""


def agenda(county: County, red: Sequence[Node], calls: Sequence[Call], day: date, number: int) -> bytes:
    """The agenda of a joint meeting after GB/T 9704: what is red, by unit, and what nobody has unblocked.

    Of each red node it says how many days late it is, how often it was urged and was given a later day.
    """
    front = official.Front(
        head=_("Joint meeting on science and technology: agenda"),
        number=_("No. %(number)s of %(year)s") % {"number": number, "year": day.year},
        issuer=county.name, day=written(day),
        title=_("Agenda: what is late and what is blocked"),
    )  # fmt: skip
    return official.official(front, _agenda(red, calls, day))


def minutes_number(meeting: Meeting) -> str:
    """The number of its minutes in the year of its day, "" while it runs."""
    told = {"number": meeting.number, "year": meeting.held_on.year}
    return _("Minutes No. %(number)s of %(year)s") % told if meeting.number else ""


def minutes(meeting: Meeting) -> bytes:
    """The minutes of a meeting (会议纪要) after GB/T 9704: topics, and what was decided, who does it and by when."""
    county, day = meeting.plan.county, meeting.held_on
    front = official.Front(
        head=_("Joint meeting on science and technology: minutes"),
        number=minutes_number(meeting),
        issuer=county.name, day=written(day), title=meeting.title,
    )  # fmt: skip
    return official.official(front, _minutes(meeting))


def _minutes(meeting: Meeting) -> Iterator[official.Part]:
    rows = list(meeting.decisions.select_related("organisation", "indicator"))
    yield _("The meeting was held on %(day)s %(venue)s and decided %(number)d matters.") % {
        "day": written(meeting.held_on), "venue": f"（{meeting.venue}）" if meeting.venue else "", "number": len(rows),
    }  # fmt: skip
    if invited := [unit.name for unit in meeting.invited.all()]:
        yield _("Invited units: %s") % "、".join(invited)
    if meeting.topics:
        yield Heading(_("Topics"))
        yield from meeting.topics.splitlines()
    yield Heading(_("What was decided"))
    if rows:
        cells = [
            (str(place), one.text, one.organisation.name, written(one.due_on),
             one.indicator.name if one.indicator else "—", one.outcome or _("not done yet"))
            for place, one in enumerate(rows, 1)
        ]  # fmt: skip
        heads = (
            _("No."), _("What is decided"), _("Responsible unit"), _("To be done by"), _("Indicator"),
            _("What came of it"),
        )  # fmt: skip
        yield Table(cells, heads, (1.2, 4.1, 2.6, 3.8, 2.1, 1.8))
    else:
        yield _("Nothing was decided yet.")


def _agenda(red: Sequence[Node], calls: Sequence[Call], day: date) -> Iterator[official.Part]:
    if any(node.is_simulated for node in red):
        yield _("This document holds simulated values and is no statement about any real place.")
    yield _("%(red)d nodes are red, %(calls)d questions to other units are open.") % {
        "red": len(red), "calls": len(calls)}  # fmt: skip
    yield Heading(_("What is red"))
    if red:
        yield Table(
            [
                (str(place), node.organisation.name, node.title, written(node.due_on), _why_red(node, day))
                for place, node in enumerate(red, 1)
            ],
            (_("No."), _("Unit in charge"), _("Node"), _("Due on"), _("Why")), (1.2, 3.1, 4.2, 3.8, 3.3),
        )  # fmt: skip
    else:
        yield _("Nothing is red.")
    yield Heading(_("What is blocked"))
    if calls:
        yield Table(
            [
                (str(place), call.node.organisation.name, call.organisation.name, call.text,
                 written(call.answer_by) if call.answer_by else "—", _("went up") if call.raised_at else _("open"))
                for place, call in enumerate(calls, 1)
            ],
            (_("No."), _("Unit in charge"), _("Asked unit"), _("What is asked"), _("Answer by"), _("State")),
            (1.2, 2.6, 2.6, 3.8, 3.8, 1.6),
        )  # fmt: skip
    else:
        yield _("No question is open.")
    yield Heading(_("To be decided"))
    for place, node in enumerate(red, 1):
        told = {"place": place, "unit": node.organisation.name, "node": node.title}
        yield _("%(place)d. %(unit)s reports on “%(node)s”: what is missing, by when it is made up, who helps.") % told
    yield _("Rule: red turns yellow only when the gap is made up and the evidence accepted.")


def _why_red(node: Node, day: date) -> str:
    """The rule of a red light with the days since it was due, urging without an answer, and later days given."""
    late, urged = (day - node.due_on).days, [one for one in node.calls.all() if one.kind == Call.Kind.URGED]
    later = sum(one.state == Extension.State.APPROVED for one in node.extensions.all())
    said = [] if node.rule == lights.LATE else [_(RULES[node.rule])]
    said += [_("%d days late") % late] if late > 0 else []
    said += [_("urged: %d") % len(urged)] if urged else []
    said += [_("no answer to it")] if any(one.answered_at is None for one in urged) else []
    said += [_("later days given: %d") % later] if later else []
    return "；".join(said)
