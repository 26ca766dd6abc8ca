"""What a judgement makes of alarms: one open per rule and source, made of occurrences, each known from now on.

An alarm that the data ended and that comes back within `AGAIN` is the same alarm, once more: a value that wavers about
its limit (ISA-18.2: a chattering alarm) is one alarm with so many occurrences, and people are told of it no more often
than they are reminded. Whoever comes here holds the lock on the binding's memory. Events: raised, changed (its level,
or open again), cleared.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from django.db.models import QuerySet
from django.utils import timezone

from shizhu.engines.alarms import causes
from shizhu.engines.alarms.logic import late
from shizhu.engines.alarms.logic.conditions import Bound
from shizhu.engines.alarms.logic.late import Judged
from shizhu.engines.alarms.logic.moments import Moment, moment, time_of
from shizhu.engines.alarms.models import Alarm, Occurrence
from shizhu.kernel import events, packs
from shizhu.kernel.models import County
from shizhu.kernel.packs import Body
from shizhu.lib.times import parse_duration

RAISED, CHANGED, CLEARED = "alarms.alarm.raised", "alarms.alarm.changed", "alarms.alarm.cleared"
AGAIN = timedelta(hours=1)  # from the end of an alarm until it is raised once more, on event time
REMIND = {  # how long nobody needs to have seen it
    "red": timedelta(minutes=10), "orange": timedelta(minutes=30), "yellow": timedelta(hours=2),
    "blue": timedelta(hours=12),
}  # fmt: skip
PAST = "known late: it was over by then"
WITHDRAWN = "withdrawn by late data"


def started_by(county: str, key: str, rule: Body) -> str | None:
    """The flow that an alarm of this rule starts: the county's choice, else the rule's own."""
    settings = County.objects.values_list("settings", flat=True).get(pk=county)
    chosen: str | None = settings.get("starts", {}).get(key, rule.get("starts"))
    return chosen


def apply(bound: Bound, judged: Judged) -> None:
    """Bring alarms to what was judged; what was judged anew replaces what had been said since then."""
    if not judged.changes and judged.instead_of is None:
        return
    start = judged.instead_of
    rows = Occurrence.objects.filter(alarm__rule=bound.rule, alarm__source=bound.source, is_withdrawn=False)
    if start is None:
        going_on, old = rows.filter(recovered_at=None).last(), []
    else:
        at = time_of(start)
        going_on = rows.filter(raised_at__lte=at).exclude(recovered_at__lte=at).last()
        old = list(rows.filter(raised_at__gt=at))
    found = late.occurrences(judged.changes, _until(bound, going_on, start) if going_on else None)
    touched: set[int] = set()
    if going_on:
        touched.add(_write(bound, going_on, found.pop(0)))
    by_key = {row.pk: row for row in old}
    pairs = late.matched({row.pk: _read(bound, row) for row in old}, found)
    for key, one in pairs:
        if key is not None:
            touched.add(_write(bound, by_key.pop(key), one))
    for row in by_key.values():
        row.is_withdrawn = True
        row.save(update_fields=["is_withdrawn"])
        touched.add(row.alarm_id)
    going = set(rows.filter(alarm__in=touched, recovered_at=None).values_list("alarm", flat=True))
    alarms = Alarm.objects.select_for_update().filter(pk__in=touched).order_by("pk")
    for alarm in sorted(alarms, key=lambda one: one.pk in going):  # what ends makes room for what is open again
        refresh(alarm)
    for key, one in pairs:
        if key is None:
            _happen(
                bound,
                one,
                is_past=start is not None and one.recovered_at is not None and one.recovered_at <= judged.end,
            )


def _until(bound: Bound, row: Occurrence, start: Moment | None) -> late.Occurrence:
    """An occurrence as it was at an instant while it went on."""
    one = _read(bound, row)
    return replace(
        one, levels=tuple(step for step in one.levels if start is None or step.at <= start), recovered_at=None
    )


def _read(bound: Bound, row: Occurrence) -> late.Occurrence:
    over = moment(row.recovered_at) if row.recovered_at else None
    number = {stream: n for n, stream in enumerate(bound.streams)}
    levels = tuple(late.Step(at, level, value, limit, number.get(of, 0)) for at, level, value, limit, of in row.levels)
    return late.Occurrence(
        moment(row.since), moment(row.raised_at), row.value, number.get(row.datastream, 0), row.limit, row.origin,
        levels, over,
    )  # fmt: skip


def _write(bound: Bound, row: Occurrence, one: late.Occurrence) -> int:
    """Bring a row to what is known now; returns its alarm."""
    if moment(row.raised_at) != one.raised_at or moment(row.since) != one.since:
        row.datastream, row.value, row.limit = bound.streams[one.input], one.value, one.limit
    row.since, row.raised_at = time_of(one.since), time_of(one.raised_at)
    row.levels = [[*step[:-1], bound.streams[step.input]] for step in one.levels]
    row.recovered_at = None if one.recovered_at is None else time_of(one.recovered_at)
    row.kept_since = None if one.kept_since is None else time_of(one.kept_since)
    row.save()
    return row.alarm_id


def _happen(bound: Bound, one: late.Occurrence, *, is_past: bool) -> None:
    """A new occurrence: of the alarm that is open or ended just before, else of a new one; one that was over already is
    history alone."""
    mine = Alarm.objects.select_for_update().filter(rule=bound.rule, source=bound.source)
    alarm = mine.filter(state=Alarm.State.OPEN).first()
    if alarm is None or (is_past and moment(alarm.raised_at) > one.raised_at):
        alarm = _ended_before(mine, time_of(one.raised_at))
    is_new = alarm is None
    if alarm is None:
        alarm = _made(bound, one, is_past=is_past)
    row = Occurrence(
        alarm=alarm, origin=one.origin, datastream=bound.streams[one.input], value=one.value, limit=one.limit
    )
    row.since, row.raised_at = time_of(one.since), time_of(one.raised_at)
    if not is_past and (is_new or alarm.state == Alarm.State.CLEARED):
        causes.place(alarm)
    if is_new and not is_past:
        tell_raised(alarm)
    _write(bound, row, one)
    refresh(alarm)


def _ended_before(mine: QuerySet[Alarm], at: datetime) -> Alarm | None:
    """The alarm that the data ended at most `AGAIN` before a time."""
    near = {"happened__recovered_at__lte": at, "happened__recovered_at__gte": at - AGAIN}
    by_data = mine.filter(state=Alarm.State.CLEARED, cleared_by=None, cleared_why__in=("", PAST))
    found = by_data.filter(happened__is_withdrawn=False, **near).order_by("-raised_at").values_list("pk", flat=True)
    return mine.filter(pk=found[0]).first() if found else None


def _made(bound: Bound, one: late.Occurrence, *, is_past: bool) -> Alarm:
    """One open alarm per rule and source: the index decides, whatever races."""
    now = timezone.now()
    alarm = Alarm(
        county_id=bound.county, organisation_id=bound.organisation, area_id=bound.area, rule=bound.rule,
        source=bound.source, datastream=bound.streams[one.input], level=one.levels[0].level, since=time_of(one.since),
        raised_at=time_of(one.raised_at), value=one.value, limit=one.limit, origin=one.origin,
        state=Alarm.State.CLEARED if is_past else Alarm.State.OPEN, cleared_at=now if is_past else None,
        cleared_why=PAST if is_past else "",
    )  # fmt: skip
    if is_past:
        alarm.save()
        return alarm
    Alarm.objects.bulk_create([alarm], ignore_conflicts=True)
    return Alarm.objects.select_for_update().get(rule=bound.rule, source=bound.source, state=Alarm.State.OPEN)


def tell_raised(alarm: Alarm) -> None:
    """Say that an alarm is raised; not of one that is suppressed."""
    if alarm.suppressed:
        return
    rule = packs.declared("rules", alarm.rule, alarm.county_id)
    events.emit(RAISED, alarm.pk, alarm.county_id, {
        "alarm": alarm.pk, "rule": alarm.rule, "datastream": alarm.datastream, "level": alarm.level,
        "value": alarm.value, "limit": alarm.limit, "since": alarm.since, "raised_at": alarm.raised_at,
        "area": alarm.area_id, "starts": started_by(alarm.county_id, alarm.rule, rule), "origin": alarm.origin,
    })  # fmt: skip


def patience(alarm: Alarm) -> timedelta:
    """How long nobody needs to have seen it: as the rule says, else by its level."""
    said = packs.declared("rules", alarm.rule, alarm.county_id).get("remind")
    return parse_duration(said) if said else REMIND[alarm.level]


def _tell_again(alarm: Alarm, before: str) -> None:
    """It came back: people are told as of a new one if they were told long ago, and always if it is graver."""
    now = timezone.now()
    if now - (alarm.reminded_at or alarm.detected_at) >= patience(alarm):
        Alarm.objects.filter(pk=alarm.pk).update(reminded_at=now)
        tell_raised(alarm)
    else:
        _tell_changed(alarm, before)


def _tell_changed(alarm: Alarm, before: str) -> None:
    told = {"alarm": alarm.pk, "rule": alarm.rule, "level": alarm.level, "before": before}
    events.emit(CHANGED, alarm.pk, alarm.county_id, told)


def refresh(alarm: Alarm) -> None:
    """Bring an alarm to what its occurrences say, and end, open again or withdraw it if they ask for that."""
    rows = list(Occurrence.objects.filter(alarm=alarm, is_withdrawn=False).order_by("raised_at"))
    if not rows:
        withdraw(alarm)
        return
    first, last, level = rows[0], rows[-1], alarm.level
    alarm.since, alarm.raised_at, alarm.origin = first.since, first.raised_at, first.origin
    _at, alarm.level, alarm.value, alarm.limit, alarm.datastream = last.levels[-1]  # what holds now
    alarm.occurrences, alarm.recovered_at = len(rows), last.kept_since
    is_over, is_open = last.recovered_at is not None, alarm.state == Alarm.State.OPEN
    is_again = not is_over and not is_open and alarm.cleared_by_id is None and alarm.cleared_why in {"", PAST}
    if is_again:
        alarm.state, alarm.cleared_at, alarm.cleared_why = Alarm.State.OPEN, None, ""
    alarm.save()
    if is_again:
        _tell_again(alarm, level)
    elif is_open and level != alarm.level:
        _tell_changed(alarm, level)
    rule = packs.declared("rules", alarm.rule, alarm.county_id)
    if is_open and is_over and not started_by(alarm.county_id, alarm.rule, rule):
        end(alarm, person=None, why="")  # where a flow was started, the case in hand ends the alarm itself


def withdraw(alarm: Alarm) -> None:
    """Late data showed that it should never have been."""
    Alarm.objects.filter(pk=alarm.pk).update(is_withdrawn=True)
    end(alarm, person=None, why=WITHDRAWN)


def end(alarm: Alarm, *, person: int | None, why: str) -> bool:
    """Clear an open alarm; False if it was cleared before."""
    changed = Alarm.objects.filter(pk=alarm.pk, state=Alarm.State.OPEN).update(
        state=Alarm.State.CLEARED, cleared_at=timezone.now(), cleared_by_id=person, cleared_why=why
    )
    if changed:
        told = {"alarm": alarm.pk, "rule": alarm.rule, "why": why, "withdrawn": why == WITHDRAWN}
        events.emit(CLEARED, alarm.pk, alarm.county_id, told)
    return bool(changed)
