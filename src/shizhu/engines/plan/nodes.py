"""Nodes (节点): what is shown for them and decided, who is urged, what blocks, what is found on the spot; lights."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from shizhu.engines.notices import api as notices
from shizhu.engines.plan import counting, people, readings, story
from shizhu.engines.plan.logic import lights, sampling
from shizhu.engines.plan.logic.progress import rank
from shizhu.engines.plan.models import UNDER_WAY, Call, Check, Decision, Evidence, Extension, Node, Piece, Sample, Step
from shizhu.engines.plan.periods import period_of
from shizhu.kernel import events
from shizhu.kernel.models import File, Organisation, Person

LIT = "plan.node.lit"
SAMPLED = 20  # per cent of a quarter's finished nodes
ANSWERED_WITHIN = timedelta(days=3)
TOLD_AT_ONCE = 20  # nodes that turned red, by name in one notice
TOLD_BY = ("evidence", "extensions", "checks")  # what a light hangs on, to be fetched for many
FINISHES = frozenset({lights.DONE, lights.REPAIRED, lights.AGAINST})


class Lacking(ValueError):
    """What is shown does not make up the gap; `why` says what is missing, a line each."""

    def __init__(self, why: Sequence[str]) -> None:
        super().__init__(" ".join(why))
        self.why = list(why)


@dataclass(frozen=True)
class Shown:
    """What a unit shows."""

    note: str = ""
    value: float | None = None
    files: Sequence[File] = ()


# -- lights


def told(node: Node, today: date) -> lights.Told:
    """The light of a node on a day, by what had been sent and asked then, and what is decided about it now."""
    shown = (row for row in node.evidence.all() if timezone.localdate(row.sent_at) <= today)
    sent = {row.state: row for row in shown}  # at most one of a node is accepted, one waits
    counts = sent.get(Evidence.State.ACCEPTED) or sent.get(Evidence.State.WAITING)
    day, is_accepted = (
        (timezone.localdate(counts.sent_at), counts.state == Evidence.State.ACCEPTED) if counts else (None, False)
    )
    is_proved = node.proved_on is not None and node.proved_on <= today and readings.is_alone(node)
    if not is_accepted and is_proved and not _is_seen_otherwise(node):
        day, is_accepted = node.proved_on, True
    is_asked = any(
        row.state == Extension.State.WAITING and timezone.localdate(row.asked_at) <= today
        for row in node.extensions.all()
    )
    was_false = node.is_false or node.contradicted_on is not None
    return lights.light(
        lights.Facts(node.due_on, day, is_accepted, was_false, is_asked, is_against=node.is_contradicted), today
    )


def _is_seen_otherwise(node: Node) -> bool:
    """Whether who looked last on the spot found it not as the readings say; they cannot finish it alone then."""
    newest = next(iter(node.checks.all()), None)
    return newest is not None and not newest.is_true


def refresh(nodes: Sequence[Node], today: date, at: datetime | None = None) -> int:
    """Tell the lights of nodes for a day; a light that changed is written down. Returns how many changed."""
    changed = 0
    for node in nodes:
        now = told(node, today)
        if (node.light, node.rule) != (now.light, now.rule):
            data = {"light": now.light, "rule": now.rule, "days": now.days, "was": node.light, "title": node.title}
            story.tell(node, "light", None, data, at)
            events.emit(LIT, node.pk, node.county_id, {"node": node.pk, "light": now.light, "was": node.light})
            changed += 1
        node.light, node.rule, node.light_on = now.light, now.rule, today
    Node.objects.bulk_update(nodes, ["light", "rule", "light_on"], batch_size=500)
    return changed


def worst_first(nodes: Iterable[Node]) -> list[Node]:
    """Red before yellow before green, and what is due first before the rest."""
    return sorted(nodes, key=lambda node: (rank(node.light), node.due_on, node.pk))


@transaction.atomic
def refresh_all(county: str | None = None) -> int:
    """Tell every light anew for this day, and raise what nobody answered; returns how many lights changed."""
    today = timezone.localdate()
    rows = Node.objects.filter(piece__state__in=UNDER_WAY).exclude(light_on=today)
    if county:
        rows = rows.filter(county=county)
    waiting = rows.select_for_update(of=("self",)).select_related("piece__clause").prefetch_related(*TOLD_BY)
    changed = refresh(list(waiting.order_by("pk")), today)
    _raise_late(today, county)
    return changed


@transaction.atomic
def remind_all(today: date | None = None) -> int:
    """Tell the unit once of a day that is near and of one that has passed, and supervisors of what turned red today.

    Returns how many notices went out.
    """
    day = today or timezone.localdate()
    rows = Node.objects.filter(piece__state__in=UNDER_WAY).select_related("organisation", "area").order_by("due_on")
    told = 0
    for node in rows.filter(rule__in=[lights.NEARLY, lights.LATE]):
        title = _("Due soon: %s") if node.rule == lights.NEARLY else _("Overdue, the light is red: %s")
        what = _(
            "Due on %s. Send the evidence, or say what blocks it; a later day is asked for before this one passes."
        )
        made = notices.tell(
            node.county_id, f"plan.node.{node.pk}.{node.rule}.{node.due_on}",
            people.of(people.REPORT, node.organisation, node.area), title=title % node.title,
            text=what % node.due_on,
            url=f"/plan/nodes/{node.pk}/", level="" if node.rule == lights.NEARLY else "orange",
            origin=int(node.is_simulated),
        )  # fmt: skip
        told += made is not None
    turned = Step.objects.filter(kind="light", data__light=lights.RED, at__date=day)
    red = rows.filter(light=lights.RED, pk__in=turned.values("node")).order_by("county_id", "due_on", "pk")
    for county, found in groupby(red, key=lambda node: node.county_id):
        new = list(found)
        made = notices.tell(
            county, f"plan.red.{county}.{day}", people.over(people.SUPERVISE, county),
            title=_("Turned red today: %d") % len(new),
            text="\n".join(f"{node.organisation.name}：{node.title}（{node.due_on}）" for node in new[:TOLD_AT_ONCE]),
            url="/plan/supervision/?light=red", level="orange", origin=int(any(node.is_simulated for node in new)),
        )  # fmt: skip
        told += made is not None
    return told


# -- evidence


@transaction.atomic
def receive(piece: Piece, *, by: Person, at: datetime | None = None) -> bool:
    """Somebody of the unit has it; False if it was received or returned before."""
    now = at or timezone.now()
    waiting = Piece.objects.filter(pk=piece.pk, state=Piece.State.SENT)
    if not waiting.update(state=Piece.State.RECEIVED, received_at=now, received_by=by):
        return False
    story.tell(piece, "received", by, {"unit": piece.organisation.name}, now)
    return True


def lock(node: Node) -> None:
    """Nobody else moves the node until the transaction ends, and it is as it stands now."""
    rows = Node.objects.select_related("organisation", "area", "piece__clause").select_for_update(of=("self",))
    node.refresh_from_db(from_queryset=rows)


def lacking(node: Node, shown: Evidence) -> list[str]:
    """What is still missing to what the node asks for, in words."""
    missing = []
    if (number := shown.files.count()) < node.files:
        missing.append(_("%(asked)d files are asked for, %(number)d are there.") % {
            "asked": node.files, "number": number})  # fmt: skip
    if node.value is not None and (shown.value is None or _falls_short(node, node.value, shown.value)):
        rule = _("The value is to be %(asked)s at most, %(value)s was reported.") if node.is_ceiling else _(
            "The value is to reach %(asked)s, %(value)s was reported."
        )  # fmt: skip
        value = "—" if shown.value is None else f"{shown.value:g}"
        missing.append(rule % {"asked": f"{node.value:g}", "value": value})
    if node.counted and (number := count(node) or 0) < node.counted["least"]:
        missing.append(too_few(node, number))
    if node.proof and (told := readings.say([node], timezone.localdate()).get(node.pk)) and not told.is_met:
        value = "—" if told.found.value is None else f"{told.found.value:g}"
        missing.append(_("The readings are to say %(asked)s, they say %(value)s.") % {
            "asked": readings.asked(node), "value": value})  # fmt: skip
    return missing


def _falls_short(node: Node, asked: float, value: float) -> bool:
    return value > asked if node.is_ceiling else value < asked


def too_few(node: Node, number: int) -> str:
    """That so many rows fulfil the node's condition, and how many are to."""
    told = {"asked": node.counted["least"] if node.counted else 0, "number": number}
    return _("%(asked)d rows are to fulfil the condition, %(number)d do.") % told


def count(node: Node) -> int | None:
    """How many cases or records fulfil the node's condition now; None without one."""
    if not node.counted:
        return None
    return counting.count(node.counted, node.county_id, period_of("P1Y", node.due_on))


@transaction.atomic
def show(node: Node, shown: Shown, *, by: Person, at: datetime | None = None) -> Evidence:
    """Send evidence; whoever sends it has received the task. Raises Lacking while the last one waits, or it is done."""
    now = at or timezone.now()
    lock(node)
    states = set(node.evidence.values_list("state", flat=True))
    if Evidence.State.ACCEPTED in states:
        raise Lacking([_("This node is finished: its evidence was accepted.")])
    if Evidence.State.WAITING in states:
        raise Lacking([_("The evidence sent before still waits for a decision.")])
    if not shown.note and not shown.files and shown.value is None:
        raise Lacking([_("Say what was done, or add a file.")])
    made = Evidence.objects.create(
        node=node, sent_by=by, sent_at=now, note=shown.note[:1000], value=shown.value, counted=count(node)
    )
    made.files.set(shown.files)
    receive(node.piece, by=by, at=now)
    story.tell(node, "shown", by, {"title": node.title, "note": shown.note[:200], "files": len(shown.files)}, now)
    notices.tell(
        node.county_id, f"plan.evidence.{made.pk}", people.over(people.SUPERVISE, node.county_id) - {by.pk},
        title=_("Evidence to be looked at: %s") % node.title, url=f"/plan/nodes/{node.pk}/",
    )  # fmt: skip
    refresh([node], timezone.localdate(now), now)
    return made


@transaction.atomic
def decide(shown: Evidence, *, accept: bool, why: str, by: Person, at: datetime | None = None) -> None:
    """Accept evidence, or refuse it with a reason.

    Raises Lacking where the gap is not made up (only then red may turn yellow), or it was decided before, and
    PermissionDenied for whoever sent it.
    """
    now, node = at or timezone.now(), shown.node
    lock(node)
    shown.refresh_from_db()
    if shown.state != Evidence.State.WAITING:
        raise Lacking([_("This was decided before.")])
    if shown.sent_by_id == by.pk:
        raise PermissionDenied(f"{by.name} sent this evidence and cannot decide about it")
    if accept and (missing := lacking(node, shown)):
        raise Lacking(missing)
    shown.state = Evidence.State.ACCEPTED if accept else Evidence.State.REFUSED
    shown.decided_by, shown.decided_at, shown.why = by, now, why[:500]
    shown.save(update_fields=["state", "decided_by", "decided_at", "why"])
    if accept:  # what a meeting decided is done with the node that it is supervised by
        Decision.objects.filter(piece=node.piece_id, done_at=None).update(
            outcome=shown.note[:500] or _("accepted under supervision"), done_at=now, done_by=shown.sent_by
        )
    story.tell(node, "accepted" if accept else "refused", by, {"title": node.title, "why": why[:500]}, now)
    if not accept:
        notices.tell(
            node.county_id, f"plan.evidence.{shown.pk}.refused", people.of(people.REPORT, node.organisation, node.area),
            title=_("Evidence was refused: %s") % node.title, text=why[:500], url=f"/plan/nodes/{node.pk}/",
        )  # fmt: skip
    refresh([node], timezone.localdate(now), now)


# -- urging, and what blocks


@transaction.atomic
def urge(node: Node, text: str, *, answer_by: date, by: Person, at: datetime | None = None) -> Call:
    """Urge the unit of a node; somebody there says by name that it was received."""
    return _call(node, Call.Kind.URGED, node.organisation, text, answer_by, by, at)


@transaction.atomic
def block(
    node: Node, organisation: Organisation, text: str, *, answer_by: date, by: Person, at: datetime | None = None
) -> Call:
    """Ask whoever can take away what blocks a node; without an answer in time it goes up."""
    return _call(node, Call.Kind.BLOCKED, organisation, text, answer_by, by, at)


def _call(
    node: Node, kind: str, unit: Organisation, text: str, answer_by: date, by: Person, at: datetime | None
) -> Call:
    made = Call.objects.create(
        county_id=node.county_id, organisation=unit, area=unit.area, node=node, kind=kind, text=text[:500],
        asked_by=by, asked_at=at or timezone.now(), answer_by=answer_by,
    )  # fmt: skip
    told_to = people.of(people.REPORT, unit, unit.area)
    if kind == Call.Kind.BLOCKED:
        told_to |= people.of(people.SUPERVISE, unit, unit.area)
    told_to = told_to or people.over(people.SUPERVISE, node.county_id)  # nobody there could hear of it
    title = _("You are urged: %s") if kind == Call.Kind.URGED else _("Somebody waits for you to unblock: %s")
    notices.tell(
        node.county_id, f"plan.call.{made.pk}", told_to, title=title % node.title,
        text=_("%(text)s Answer by %(day)s.") % {"text": text[:400], "day": date_format(answer_by, "Y-m-d")},
        url="/plan/mine/", level="orange" if kind == Call.Kind.URGED else "",
    )  # fmt: skip
    data = {"title": node.title, "unit": unit.name, "text": text[:500], "answer_by": f"{answer_by}"}
    story.tell(node, kind, by, data, at)
    return made


@transaction.atomic
def answer(call: Call, text: str, *, by: Person, at: datetime | None = None) -> bool:
    """Say that it was received, or what is done about it; False if somebody did before."""
    now = at or timezone.now()
    if not Call.objects.filter(pk=call.pk, answered_at=None).update(
        answer=text[:500], answered_by=by, answered_at=now
    ):  # fmt: skip
        return False
    story.tell(call.node, "answered", by, {"title": call.node.title, "unit": call.organisation.name, "text": text}, now)
    notices.tell(
        call.county_id, f"plan.call.{call.pk}.answered", {call.asked_by_id},
        title=_("Answered: %s") % call.node.title, text=text[:500], url=f"/plan/nodes/{call.node_id}/",
    )  # fmt: skip
    return True


def _raise_late(today: date, county: str | None) -> None:
    """What nobody answered in time goes to the unit above and to the supervisors, once."""
    late = Call.objects.filter(answered_at=None, raised_at=None, answer_by__lt=today)
    if county:
        late = late.filter(county=county)
    for call in late.select_for_update(of=("self",)).select_related("node__piece__clause", "organisation__parent"):
        above = call.organisation.parent
        told_to = people.over(people.SUPERVISE, call.county_id)
        if above is not None:
            told_to |= people.of(people.SEE, above, call.area)
        call.raised_at = timezone.now()
        call.save(update_fields=["raised_at"])
        story.tell(call.node, "raised", None, {"title": call.node.title, "unit": call.organisation.name})
        notices.tell(
            call.county_id, f"plan.call.{call.pk}.raised", told_to,
            title=_("Not answered in time: %s") % call.node.title,
            text=_("%(unit)s was asked: %(text)s") % {"unit": call.organisation.name, "text": call.text},
            url=f"/plan/nodes/{call.node_id}/", level="orange",
        )  # fmt: skip


# -- on the spot


@dataclass(frozen=True)
class Looked:
    """What somebody saw on the spot: where (WGS 84), photos, and whether it is as reported."""

    longitude: float
    latitude: float
    is_true: bool
    note: str = ""
    files: Sequence[File] = ()


@transaction.atomic
def check(node: Node, looked: Looked, *, by: Person, sample: Sample | None = None, at: datetime | None = None) -> Check:
    """Keep what was seen. A finish found false is annulled: the node is open again, red, and counted.

    Raises PermissionDenied for whoever reported the node, Lacking without a photo.
    """
    now = at or timezone.now()
    lock(node)
    if node.evidence.filter(sent_by=by).exists():
        raise PermissionDenied(f"{by.name} reported this node and cannot check it")
    if not looked.files:
        raise Lacking([_("A check on the spot needs a photo.")])
    is_finished = told(node, timezone.localdate(now)).rule in FINISHES
    made = Check.objects.create(
        node=node, sample=sample, by=by, at=now, longitude=looked.longitude, latitude=looked.latitude,
        is_true=looked.is_true, note=looked.note[:500],
    )  # fmt: skip
    made.files.set(looked.files)
    story.tell(node, "check-true" if looked.is_true else "check-false", by,
               {"title": node.title, "note": looked.note[:500]}, now)  # fmt: skip
    if not looked.is_true and is_finished:
        annul(node, f"plan.check.{made.pk}", looked.note, by)
    refresh([node], timezone.localdate(now), now)
    return made


def annul(node: Node, key: str, why: str, by: Person) -> None:
    """Open a node again whose finish was found false; the unit and the supervisors are told."""
    node.evidence.filter(state=Evidence.State.ACCEPTED).update(state=Evidence.State.ANNULLED)
    node.is_false, node.is_contradicted, node.contradicted_on = True, False, None
    node.reopened += 1
    node.save(update_fields=["is_false", "is_contradicted", "contradicted_on", "reopened"])
    Decision.objects.filter(piece=node.piece_id).update(outcome="", done_at=None, done_by=None)
    told_to = people.of(people.REPORT, node.organisation, node.area) | people.over(people.SUPERVISE, node.county_id)
    notices.tell(
        node.county_id, key, told_to - {by.pk}, title=_("Found false: %s") % node.title, text=why[:500],
        url=f"/plan/nodes/{node.pk}/", level="orange",
    )  # fmt: skip


def name_of(node: Node) -> str:
    """How a node is called in a sample."""
    return f"N{node.pk}"


@transaction.atomic
def draw(county: str, day: date, seed: str, *, by: Person, percent: int = SAMPLED) -> Sample | None:
    """Draw from the nodes finished since the draw before, the first time since the quarter began.

    Finished are those whose evidence was accepted, and those that the readings alone proved and still prove.

    None if there is none to draw from. Raises Lacking where the quarter was drawn before: drawing until it pleases is
    no sample.
    """
    quarter = sampling.quarter_of(day.year, day.month)
    if Sample.objects.filter(county=county, quarter=quarter).exists():
        raise Lacking([_("%s was drawn before. A second draw would be no sample.") % quarter])
    before = Sample.objects.filter(county=county).order_by("-at").first()
    since = before.at if before else period_of("P3M", day).begins
    all_ = Node.objects.filter(county=county).prefetch_related(*TOLD_BY).select_related("organisation")
    finished = all_.filter(evidence__state=Evidence.State.ACCEPTED, evidence__decided_at__gt=since)
    proved = all_.filter(proved_on__isnull=False, steps__kind="proved", steps__at__gt=since).distinct()
    names = {name_of(node) for node in [*finished, *proved] if told(node, day).rule in FINISHES}
    if not names:
        return None
    return Sample.objects.create(
        county_id=county, quarter=quarter, seed=seed, percent=percent, names=sorted(names),
        drawn=sampling.draw(seed, names, percent), by=by,
    )  # fmt: skip
