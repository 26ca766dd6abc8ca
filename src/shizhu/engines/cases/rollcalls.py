"""Tests of contacts (拨测): everybody a plan counts on is called and answers by a key or text; who does not is a task.

Packs ship `rollcalls/*.yaml`. A test goes through its tries minute by minute; who has answered, or has no number, is
not called again. Tests that begin together (`batch`) call each number once.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from shizhu.engines.cases import actions, flows, unopened
from shizhu.engines.cases.logic import rollcall as logic
from shizhu.engines.cases.models import Called, Case, RollCall, RollTimetable
from shizhu.engines.notices import api as notices
from shizhu.engines.records import api as records
from shizhu.kernel import access, packs
from shizhu.kernel.access import Actor
from shizhu.kernel.models import County, Person
from shizhu.kernel.packs import Body
from shizhu.kernel.text import label
from shizhu.lib.times import parse_duration

KIND = "rollcalls"
VIEW, BEGIN = "cases.rollcall.view", "cases.rollcall.begin"
SIMULATED = 1  # origin
WAYS = {"voice": {"zh": "电话", "en": "call"}, "sms": {"zh": "短信", "en": "text message"}}
Result = Called.Result


class CannotCall(ValueError):
    """A test cannot begin; the text says why and what to do."""


def declared(county: str) -> dict[str, Body]:
    """What the county tests, by key; nothing whose registers it does not have."""
    known = records.registers(county).keys()
    return {key: body for key, body in packs.declarations(KIND, county).items() if _registers(body) <= known}


def _registers(body: Body) -> set[str]:
    return {body["of"], *(source["from"] for source in body["contacts"] if "from" in source)}


def of_register(county: str, register: str) -> str:
    """Which declaration tests rows of a register, "" for none."""
    return next((key for key, body in declared(county).items() if body["of"] == register), "")


def begin(who: Actor, county: str, key: str, record: int) -> RollCall:
    """A person tests the contacts of a row. Raises CannotCall, PermissionDenied, KeyError."""
    body = declared(county)[key]
    records.get_by_id(who, record)  # seen
    row = next((one for one in records.kept(county, body["of"]) if one.record == record), None)
    if row is None:
        raise CannotCall(_("It is withdrawn: nobody is called for it."))
    if not access.may(who, BEGIN, county=county, organisation=row.organisation, area=row.area):
        raise PermissionDenied(f"{who.name or 'nobody'} has no right {BEGIN} on {row.title}")
    return _begin(county, key, body, row, uuid.uuid4().hex, Person.objects.filter(pk=who.person_id or 0).first())


def words_of(county: County, body: Body) -> str:
    """What is spoken and sent."""
    return str(body["words"]).replace("{county}", county.name)


@transaction.atomic
def _begin(county: str, key: str, body: Body, row: records.Kept, batch: str, by: Person | None) -> RollCall:
    found = list(_contacts(county, body, row))
    if not found:
        raise CannotCall(_("It names no contact. Enter them first."))
    if not notices.ways(county) & {one["by"] for one in body["tries"]}:
        raise CannotCall(_("The county has no channel for calls or texts. Set one up under Channels first."))
    now = timezone.now()
    try:
        with transaction.atomic():
            made = RollCall.objects.create(
                county_id=county, key=key, record=row.record, title=row.title, organisation=row.organisation,
                area=row.area, batch=batch, by=by, words=words_of(County.objects.get(pk=county), body), begun_at=now,
                next_at=now, is_simulated=row.is_simulated,
            )  # fmt: skip
    except IntegrityError:
        raise CannotCall(_("Its contacts are being called now. Wait for the result.")) from None
    for one in found:
        one.rollcall = made
        one.result = "" if one.address else Result.NONE
    Called.objects.bulk_create(found)
    _go_on(made, body, now)
    return made


def _contacts(county: str, body: Body, row: records.Kept) -> Iterator[Called]:
    """Whom a row counts on: those it names itself, and those of registers in its area; nobody twice for one duty."""
    seen = set[tuple[str, str, str]]()
    for source in body["contacts"]:
        register = source.get("from", body["of"])
        title = records.register_of(register, county).title
        rows = [row] if register == body["of"] else records.kept(county, register, row.area.path)
        for one in rows:
            for item in one.data.get(source["list"], []) if "list" in source else [one.data]:
                name, phone = str(item.get(source["name"]) or ""), str(item.get(source["phone"]) or "")
                duty = label(source["duty"], "zh") if isinstance(source["duty"], dict) else item.get(source["duty"], "")
                if not (name or phone) or (duty, name, logic.number(phone)) in seen:
                    continue
                seen.add((duty, name, logic.number(phone)))
                yield Called(
                    record=one.record, register=register, of=f"{label(title, 'zh')} {one.title}"[:300],
                    duty=duty[:60], name=name[:60], address=logic.number(phone),
                )  # fmt: skip


def go_on(now: datetime | None = None) -> int:
    """Hear what came back, call again who has not answered, end what is over. Returns how many tests are open still."""
    at = now or timezone.now()
    for number in list(RollCall.objects.filter(ended_at=None).order_by("pk").values_list("pk", flat=True)):
        with transaction.atomic():
            row = RollCall.objects.select_for_update().filter(pk=number, ended_at=None).first()
            body = declared(row.county_id).get(row.key) if row else None
            if row is not None:
                _go_on(row, body, at)
    return RollCall.objects.filter(ended_at=None).count()


def _go_on(row: RollCall, body: Body | None, now: datetime) -> None:
    _hear(row)
    waiting = row.called.filter(result="")
    ways = notices.ways(row.county_id)
    tries = [one for one in body["tries"] if one["by"] in ways] if body else []
    while waiting.exists() and row.next_at <= now and row.tried < len(tries):
        _call(row, tries[row.tried]["by"], sorted(set(waiting.values_list("address", flat=True))))
        for one in waiting:
            one.tries += 1
            one.save(update_fields=["tries"])
        row.next_at = max(row.next_at, now) + parse_duration(tries[row.tried]["wait"])
        row.tried += 1
    row.save()
    if not waiting.exists() or row.next_at <= now:
        _end(row, body, now)


def _key(row: RollCall, number: int) -> str:
    return f"cases.rollcall {row.batch} {number}"


def _call(row: RollCall, way: str, addresses: Iterable[str]) -> None:
    """One try: everybody who waits, each number once however many tests of the batch ask for it."""
    told = notices.tell(row.county_id, _key(row, row.tried), [], title=str(_("Test of contacts")), text=row.words)
    number = told if told is not None else _messages(row)[row.tried]
    notices.also(number, contacts=[notices.Contact(one, one) for one in addresses], kinds=[way])


def _messages(row: RollCall) -> list[int]:
    return notices.told(row.county_id, [_key(row, number) for number in range(row.tried + 1)])


def _hear(row: RollCall) -> None:
    """Bring the contacts that wait to what is known of their numbers."""
    heard: dict[str, list[notices.Receipt]] = {}
    for one in notices.receipts(_messages(row)):
        heard.setdefault(one.contact, []).append(one)
        row.is_simulated = row.is_simulated or one.is_simulated
    for called in row.called.filter(result=""):
        called.result, called.answered_at, called.way = logic.outcome(
            heard.get(called.address, ()), notices.EMPTY_NUMBER
        )
        if called.result:
            called.save(update_fields=["result", "answered_at", "way"])


def _end(row: RollCall, body: Body | None, now: datetime) -> None:
    """What waited has not answered; who was not reached becomes a task of who keeps the row."""
    row.called.filter(result="").update(result=Result.SILENT)
    row.ended_at = now
    missed = list(row.called.exclude(result=Result.ANSWERED).order_by("pk"))
    if missed and body and body["flow"] in packs.declarations("flows", row.county_id):
        row.case = _opened(row, body, missed)
    row.save()


def _opened(row: RollCall, body: Body, missed: list[Called]) -> Case | None:
    """The task; none of a row that was withdrawn meanwhile. Of a flow that opens none people hear."""
    of = next((one.key for one in records.kept(row.county_id, body["of"]) if one.record == row.record), None)
    if of is None:
        return None
    opening = _opening(row, body, of, missed)
    try:
        with transaction.atomic():
            return actions.open_case(opening)
    except unopened.FAULTS as error:
        page = f"/rollcalls/{row.pk}/"
        unopened.not_opened(row.county_id, opening.flow, unopened.why(error), f"rollcall/{row.pk}", opening.title, page)
        return None


def _opening(row: RollCall, body: Body, of: str, missed: list[Called]) -> actions.Opening:
    lines = [f"{one.duty} {one.name}：{label(RESULTS[one.result], 'zh')}" for one in missed]
    document = {"source": "rollcall", "of": of, "unreached": len(missed), "description": "\n".join(lines)[:4000]}
    title = f"{'【模拟】' if row.is_simulated else ''}{row.title}：拨测 {len(missed)} 名联系人未接通"
    return actions.Opening(
        body["flow"], title, row.area, document,
        origin=SIMULATED if row.is_simulated else 0,
    )  # fmt: skip


RESULTS: dict[str, dict[str, str]] = {
    "": {"zh": "正在拨打", "en": "being called"},
    Result.ANSWERED: {"zh": "已确认", "en": "answered"},
    Result.WRONG: {"zh": "号码不是本人", "en": "somebody else's number"},
    Result.EMPTY: {"zh": "空号", "en": "empty number"},
    Result.SILENT: {"zh": "无人应答", "en": "no answer"},
    Result.NONE: {"zh": "没有可拨的号码", "en": "no number to call"},
}


def by_timetable(today: date | None = None) -> int:
    """Begin the tests whose day it is, all of a declaration together or none; returns how many."""
    day, begun = today or timezone.localdate(), 0
    for county in County.objects.order_by("pk").values_list("pk", flat=True):
        is_workday = flows.hours_of(county).is_workday(day)
        for key, body in declared(county).items():
            kept = timetable(county, key)
            if logic.begins(kept.every, day, kept.last, is_workday=is_workday):
                begun += _begin_all(county, key, body, kept.every, day)
    return begun


@transaction.atomic
def _begin_all(county: str, key: str, body: Body, every: str, day: date) -> int:
    RollTimetable.objects.update_or_create(county_id=county, key=key, defaults={"every": every, "last": day})
    batch, begun = uuid.uuid4().hex, 0
    for row in records.kept(county, body["of"]):
        if row.state not in body.get("states", [row.state]):
            continue
        try:
            _begin(county, key, body, row, batch, None)
            begun += 1
        except CannotCall:
            continue  # a test of it runs, or it names nobody: its page says so
    return begun


def timetable(county: str, key: str) -> RollTimetable:
    """How often a county tests, as it said or as is declared."""
    every = declared(county)[key]["every"]
    return RollTimetable.objects.filter(county=county, key=key).first() or RollTimetable(
        county_id=county, key=key, every=every
    )


def may_set(who: Actor, county: str) -> bool:
    """Whether somebody begins tests in all of the county, for whatever organisation, and so says how often."""
    return any((scope.county, scope.area_path) == (county, f"{county}/") for scope in who.granting(BEGIN))


def set_timetable(who: Actor, county: str, key: str, every: str) -> None:
    """Say how often; it begins with the next month or quarter. Raises PermissionDenied, CannotCall, KeyError."""
    if not may_set(who, county):
        raise PermissionDenied(f"{who.name or 'nobody'} has no right {BEGIN} in the whole county")
    if every not in RollTimetable.Every.values or key not in declared(county):
        raise CannotCall(_("Choose how often."))
    own = {"every": every, "last": timezone.localdate(), "by_id": who.person_id}
    RollTimetable.objects.update_or_create(county_id=county, key=key, defaults=own)


@dataclass(frozen=True)
class Last:
    """A row with its last test, if there was one, and how that stands."""

    row: records.Kept
    test: RollCall | None
    standing: logic.Standing | None
    may_begin: bool


def seen(who: Actor, county: str) -> QuerySet[RollCall]:
    """The tests that somebody may see."""
    return access.rows(RollCall.objects.filter(county=county), who, VIEW)


def lasts(who: Actor, county: str, key: str) -> list[Last]:
    """Rows that have contacts to be tested and that one may see, each with its last test."""
    body = declared(county)[key]
    visible = {one.id for one in records.scan(who, county, body["of"], records.Query())}
    newest = seen(who, county).filter(key=key).order_by("record", "-begun_at", "-pk").distinct("record")
    tests = {test.record: test for test in newest.prefetch_related("called")}
    return [
        Last(
            row, tests.get(row.record), standing(tests[row.record]) if row.record in tests else None,
            access.may(who, BEGIN, county=county, organisation=row.organisation, area=row.area),
        )
        for row in records.kept(county, body["of"])
        if row.record in visible
    ]  # fmt: skip


def standing(row: RollCall) -> logic.Standing:
    """How a test stands."""
    called = list(row.called.all())
    answered = [one.answered_at for one in called if one.result == Result.ANSWERED and one.answered_at]
    return logic.standing(row.begun_at, len(called), answered)


def dead(county: str) -> dict[tuple[int, str], Called]:
    """(row, number) → the contact as last tested, of those whose number was wrong, empty or silent then.

    A number that was changed since is another one.
    """
    rows = Called.objects.filter(rollcall__county=county).exclude(result="").exclude(address="")
    newest = rows.order_by("record", "address", "-rollcall__begun_at", "-pk").distinct("record", "address")
    return {
        (one.record, one.address): one for one in newest.select_related("rollcall") if one.result != Result.ANSWERED
    }


def shown(called: Called) -> dict[str, Any]:
    """A contact as it is shown: the number in part alone."""
    return {
        "called": called, "address": str(records.masked(called.address, "personal")) if called.address else "",
        "result": label(RESULTS[called.result]), "way": label(WAYS.get(called.way, called.way)),
    }  # fmt: skip
