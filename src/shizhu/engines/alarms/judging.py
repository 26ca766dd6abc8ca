"""Judge what is committed: states and alarms in the transaction of the inbox row; and what is due without a reading."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import itemgetter
from typing import Any

from django.db import connection, transaction
from django.db.models import Min
from django.utils import timezone

from shizhu.engines.alarms import raising
from shizhu.engines.alarms.bindings import CHANNEL, bind_all, compiled
from shizhu.engines.alarms.logic.conditions import Bound
from shizhu.engines.alarms.logic.judge import NEVER, Reading, State, wake
from shizhu.engines.alarms.logic.late import Memory, take, wait
from shizhu.engines.alarms.logic.moments import Moment, moment, time_of
from shizhu.engines.alarms.models import Alarm, Occurrence
from shizhu.engines.alarms.models import Memory as MemoryRow
from shizhu.engines.things import api as things
from shizhu.kernel.events import Event

GRACE = timedelta(seconds=3)  # a reading may still be on its way: after a deadline, and after another of its source
AT_ONCE = 200
LOCK = """
SELECT binding_id, state, newest, due, judged FROM alarms_memory WHERE binding_id = ANY(%s) ORDER BY binding_id
FOR UPDATE
"""
LOCK_DUE = """
SELECT binding_id, state, newest, due, judged FROM alarms_memory WHERE due <= %s ORDER BY binding_id LIMIT %s
FOR UPDATE SKIP LOCKED
"""
WRITE = """
UPDATE alarms_memory m SET state = s.state, due = s.due, judged = s.judged
FROM unnest(%s::bigint[], %s::text[], %s::timestamptz[], %s::timestamptz[]) AS s (id, state, due, judged)
WHERE m.binding_id = s.id
"""
KEEP = """
UPDATE alarms_memory m SET newest = s.newest, before = s.before
FROM unnest(%s::bigint[], %s::bigint[], %s::text[]) AS s (id, newest, before) WHERE m.binding_id = s.id
"""


@dataclass
class Held:
    """A memory whose row is locked, with the binding it belongs to."""

    bound: Bound
    memory: Memory
    due: datetime | None
    judged: datetime  # when a reading was


def sources_changed(event: Event) -> None:  # everything is bound anew: it is idempotent and rare
    """A device came or changed, or a datastream is there no more."""
    bind_all()


def readings_committed(event: Event) -> None:
    """Judge the readings of one event, per binding in order of event time."""
    by_stream, by_binding = compiled().by_stream, dict[int, list[Reading]]()
    for stream, time, value, origin in event.data["readings"]:
        found = by_stream.get(stream)
        if found:
            at = moment(datetime.fromisoformat(time))
            for bound, number in found:
                by_binding.setdefault(bound.id, []).append((at, number, value, origin))
    if by_binding:
        judge(by_binding)


def judge(by_binding: dict[int, list[Reading]]) -> None:
    """Take readings of several bindings, in the running transaction."""
    held = list(_held(LOCK, [list(by_binding)]))
    for one in held:
        readings = by_binding[one.bound.id]
        readings.sort(key=itemgetter(0))  # stable: a correction stays behind what it corrects
        _take(one, readings)
    _write(held)


def _take(one: Held, readings: Sequence[Reading]) -> None:
    raising.apply(one.bound, take(one.bound.condition, one.memory, readings, reader(one.bound)))
    one.judged = timezone.now()


def reader(bound: Bound) -> Callable[[Moment, Moment], list[Reading]]:
    """What is known of the sources of a binding, after a moment until another."""
    number = {stream: n for n, stream in enumerate(bound.streams)}

    def read(after: Moment, until: Moment) -> list[Reading]:
        rows = things.readings(bound.streams, time_of(after), time_of(until))
        return [(moment(one.time), number[one.stream], one.value, one.origin) for one in rows]

    return read


def _held(query: str, values: Sequence[Any]) -> Iterator[Held]:
    bound = compiled().bound
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        rows = cursor.fetchall()
    for id_, state, newest, due, judged in rows:
        if id_ in bound:
            yield Held(bound[id_], Memory(State.load(state), newest, _fetch(id_)), due, judged)


def _fetch(binding: int) -> Callable[[], str]:
    def before() -> str:
        kept: str = MemoryRow.objects.values_list("before", flat=True).get(pk=binding)
        return kept

    return before


def _write(held: Iterable[Held]) -> None:
    """Keep states, and deadlines sooner than those that are kept: one that moved on is looked at in vain once."""
    ids, states, dues, judged, is_sooner = [], [], [], [], False
    kept = [one for one in held if one.memory.is_kept_anew]
    for one in held:
        next_ = wake(one.bound.condition, one.memory.state)
        due = max(time_of(next_), one.judged) if next_ is not None and next_ < NEVER else None
        if due and (one.due is None or due < one.due):
            one.due, is_sooner = due, True
        ids.append(one.bound.id)
        states.append(one.memory.state.dump().decode())
        dues.append(one.due)
        judged.append(one.judged)
    with connection.cursor() as cursor:
        cursor.execute(WRITE, [ids, states, dues, judged])
        if kept:
            columns = [one.bound.id for one in kept], [one.memory.newest for one in kept]
            cursor.execute(KEEP, [*columns, [one.memory.dump_before() for one in kept]])
        if is_sooner:
            cursor.execute(f"NOTIFY {CHANNEL}")


@transaction.atomic
def ring(now: datetime | None = None) -> int:
    """Judge what is due: what has come in since, else that time has passed; returns how many were looked at.

    While readings of a source come, more may follow: one that was cut off sends hours in a moment, and after an outage
    all that waited is committed bit by bit. Time passes for a source only once nothing has come of it for a while, and
    never beyond what is heard of the log.
    """
    now = now or timezone.now()
    until = min(now, things.heard() or now) - GRACE
    held = list(_held(LOCK_DUE, [until, AT_ONCE]))
    for one in held:
        one.due = None
        condition, state, end = one.bound.condition, one.memory.state, moment(until)
        if come := reader(one.bound)(state.now or state.begun, end):
            _take(one, come)
        next_ = wake(condition, one.memory.state)
        if next_ and next_ <= end and one.judged <= until:
            raising.apply(one.bound, wait(condition, one.memory, end))
    if held:
        _write(held)
    return len(held)


def next_due() -> datetime | None:
    """When somebody must look."""
    found: datetime | None = MemoryRow.objects.aggregate(due=Min("due"))["due"]
    return found


def clear(alarm: Alarm, *, person: int | None, why: str) -> bool:
    """Clear an open alarm; False if it was cleared before. The judge may raise it anew from then on.

    A person has closed the past: readings from before are not judged anew for it.
    """
    with connection.cursor() as cursor:  # the judge locks a memory before it touches alarms
        cursor.execute(
            "SELECT m.binding_id FROM alarms_memory m JOIN alarms_binding b ON b.id = m.binding_id"
            " WHERE b.rule = %s AND b.source = %s FOR UPDATE OF m",
            [alarm.rule, alarm.source],
        )
        ids = [id_ for (id_,) in cursor.fetchall()]
    if not raising.end(alarm, person=person, why=why):
        return False
    going_on = Occurrence.objects.filter(alarm=alarm, recovered_at=None, is_withdrawn=False)
    if not ids:
        going_on.update(recovered_at=timezone.now())
    for held in _held(LOCK, [ids]):
        state = held.memory.state
        going_on.update(recovered_at=time_of(state.now) if state.now else timezone.now())
        state.lastings = [[0, 0, 0] for _ in state.lastings]
        again = Memory(state, state.now, lambda: "[]")
        again.before.append((state.now, state.dump().decode()))
        again.is_kept_anew = True
        _write([Held(held.bound, again, held.due, held.judged)])
    return True
