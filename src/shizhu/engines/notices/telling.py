"""Tell people and systems something once, send what is due, and keep what became of it."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from shizhu.engines.notices import channels
from shizhu.engines.notices.channels import NotSent, Parcel
from shizhu.engines.notices.logic import timing
from shizhu.engines.notices.logic.timing import Wishes
from shizhu.engines.notices.models import Channel, Delivery, Kind, Message, State, Wish
from shizhu.kernel import jobs
from shizhu.kernel.models import Person
from shizhu.lib import speech

logger = logging.getLogger(__name__)
AT_ONCE, LINES = 100, 16  # deliveries taken together; calls at a time: a call lasts ten seconds at most
NOT_MEASURED = {1: "【模拟】", 2: "【回放】"}  # origins; a drill bears its word in its own title
CLAIMED = timedelta(minutes=2)  # a process that died while it sent is taken over after that


@dataclass(frozen=True)
class Contact:
    """Somebody without a login, or a loudspeaker: `name` is how the caller knows them, never shown here."""

    name: str
    address: str  # a telephone number, or the number of a loudspeaker


@transaction.atomic
def tell(
    county: str,
    key: str,
    people: Iterable[int],
    *,
    title: str,
    text: str = "",
    url: str = "",
    level: str = "",
    wants_receipt: bool = False,
    origin: int = 0,
    voice: Mapping[str, Any] | None = None,
    notes: Mapping[int, str] | None = None,
    replaces: Iterable[int] = (),
    is_end: bool = False,
) -> int | None:
    """Tell persons and every webhook of the county; in the transaction that makes it true. None: it was told before.

    Each person is told on the page, and by the channels they wish. With `wants_receipt` their page has one button.
    `voice` is what loudspeakers say instead: `text`, again `every` so many seconds, `until` a time; `notes`: what it
    says besides, to each of these persons alone, by whatever way they are told of it.
    Earlier messages that it `replaces` say so, and nobody has to confirm them any more; `is_end`: it tells that
    something is over.
    What was not measured (`origin` of what it is about) says so before its title, by whatever way it goes.
    """
    told = {
        "title": f"{NOT_MEASURED.get(origin, '')}{title}"[:200],
        "text": text,
        "url": url,
        "level": level,
        "wants_receipt": wants_receipt,
        "voice": dict(voice or {}),
        "is_end": is_end,
    }
    made, is_new = Message.objects.get_or_create(county_id=county, key=key, defaults=told)
    if not is_new:
        return None
    Message.objects.filter(county_id=county, pk__in=list(replaces)).update(replaced_by=made)
    now = timezone.now()
    found = [_delivery(made, channel=one, address=one.address, due=now) for one in _ways(county, Kind.WEBHOOK)]
    _keep(made, [*found, *_to_persons(made, people, now, notes or {})], now)
    return made.pk


def _keep(message: Message, found: Sequence[Delivery], now: datetime) -> None:
    """Keep deliveries, none twice; a worker sends at once what is due."""
    Delivery.objects.bulk_create(found, ignore_conflicts=True)
    if any(one.due is not None and one.due <= now for one in found):
        send_soon(message.county_id)


def ways(county: str) -> frozenset[str]:
    """The kinds of channels that the county has and uses."""
    return frozenset(one.kind for one in _ways(county))


def _ways(county: str, *kinds: str) -> list[Channel]:
    return list(Channel.objects.filter(county=county, is_enabled=True, kind__in=kinds or Kind.values))


def _to_persons(message: Message, people: Iterable[int], now: datetime, notes: Mapping[int, str]) -> Iterable[Delivery]:
    ways = _ways(message.county_id)
    asked = list(Person.objects.filter(pk__in=list(people), is_active=True))
    wishes = {wish.person_id: wish for wish in Wish.objects.filter(person__in=asked)}
    for person in asked:
        note = notes.get(person.pk, "")
        yield _delivery(message, person=person, note=note, state=State.RECEIVED, sent_at=now, received_at=now)
        wish = wishes.get(person.pk)
        if wish is None:
            continue
        due = timing.due(Wishes(wish.quiet_from, wish.quiet_to, wish.digest_at), message.level, now)
        for channel in ways:
            address = wish.email if channel.kind == Kind.EMAIL else person.phone
            if channel.kind in wish.kinds and address:
                yield _delivery(message, person=person, channel=channel, address=address, note=note, due=due)


@dataclass(frozen=True)
class Aloud:
    """What a loudspeaker does with a message: says it for so many seconds, again and until when; None: once."""

    text: str
    seconds: int
    every: int | None  # minutes
    until: datetime | None


def aloud(voice: Mapping[str, Any]) -> Aloud | None:
    """A `voice` for people who look; None where nothing was written for the ear."""
    if not voice:
        return None
    until = datetime.fromisoformat(voice["until"]) if "until" in voice else None
    return Aloud(voice["text"], round(speech.seconds(voice["text"])), voice["every"] // 60 if until else None, until)


def told(county: str, keys: Sequence[str]) -> list[int]:
    """The messages of these keys that were told, in the order of the keys."""
    found = dict(Message.objects.filter(county=county, key__in=keys).values_list("key", "pk"))
    return [found[key] for key in keys if key in found]


@transaction.atomic
def also(
    message: int, *, people: Iterable[int] = (), contacts: Iterable[Contact] = (), kinds: Sequence[str] = ()
) -> int:
    """Tell more of a message: persons on their page, and persons and contacts at once by channels of these kinds.

    Whoever was told by a channel is not told by it again. Returns how many deliveries there are more.
    """
    told, now = Message.objects.get(pk=message), timezone.now()
    asked, others = list(people), list(contacts)
    known = dict(Delivery.objects.filter(message=told, person__in=asked, channel=None).values_list("person", "note"))
    found = list(_to_persons(told, set(asked) - set(known), now, {}))
    by_telephone = Person.objects.filter(pk__in=asked, is_active=True).exclude(phone="")
    for channel in _ways(told.county_id, *kinds) if kinds else ():
        found += [
            _delivery(told, person=one, channel=channel, address=one.phone, note=known.get(one.pk, ""), due=now)
            for one in by_telephone
        ]
        found += [_delivery(told, contact=one.name, channel=channel, address=one.address, due=now) for one in others]
    before = Delivery.objects.filter(message=told).count()
    _keep(told, found, now)
    return Delivery.objects.filter(message=told).count() - before


@transaction.atomic
def try_out(channel: Channel, address: str, by: str) -> int:
    """Send a few words by a channel to an address; the message, whose receipts tell whether it works."""
    now = timezone.now()
    told = Message.objects.create(
        county_id=channel.county_id,
        key=f"try/{secrets.token_hex(16)}",
        title=f"{NOT_MEASURED[1] if channel.is_simulated else ''}{_('A trial of %s') % channel.name}",
        text=_("%s tries whether this way of being told works. There is nothing to do.") % by,
    )
    to = address or (channel.address if channel.kind == Kind.WEBHOOK else "")
    _keep(told, [_delivery(told, contact=to, channel=channel, address=to, due=now)], now)
    return told.pk


def _delivery(message: Message, **told: object) -> Delivery:
    return Delivery(message=message, token=secrets.token_hex(16), **told)


@dataclass(frozen=True)
class Receipt:
    """What became of a message towards one person or contact by one way; `way` is a kind of channel, or `page`.

    `why` it failed, in the word of the operator; `answer` is the key pressed or the text sent back.
    """

    person: int | None
    contact: str
    way: str
    is_simulated: bool
    state: str
    received_at: datetime | None
    read_at: datetime | None
    why: str = ""
    answer: str = ""


def receipts(messages: Iterable[int]) -> list[Receipt]:
    """Towards all persons and contacts, the first told first; webhooks are left out."""
    rows = Delivery.objects.filter(message__in=list(messages)).exclude(person=None, contact="")
    found = rows.order_by("pk").values_list(  # no rows of models: a warning may have thousands
        "person", "contact", "channel__kind", "channel__is_simulated", "state", "received_at", "read_at", "error",
        "answer",
    )  # fmt: skip
    return [
        Receipt(person, contact, way or "page", bool(is_simulated), state, received, read, why, answer)
        for person, contact, way, is_simulated, state, received, read, why, answer in found
    ]


def heard(message: int) -> tuple[int, int, int]:
    """How many deliveries of a message there are, have arrived, are read: what `receipts` tell changes with them."""
    rows = Delivery.objects.filter(message=message)
    found = rows.aggregate(told=Count("pk"), received=Count("received_at"), read=Count("read_at"))
    return found["told"], found["received"], found["read"]


def send_due(now: datetime | None = None) -> int:
    """Send all that is due, one worker at a time; returns how many deliveries were passed on."""
    sent = 0
    with jobs.locked("notices.send", waits=False) as is_mine:
        while is_mine and (taken := _send_some(now or timezone.now())):
            sent += sum(taken)
    return sent


def _send_some(at: datetime) -> list[bool]:
    """Send some of what is due, that for one address by one channel together, several at a time.

    Returns whether each of the deliveries that were taken was passed on. Each is marked as soon as it is, so that few
    go out twice where a process dies.
    """
    with transaction.atomic():
        waiting = Delivery.objects.select_for_update(skip_locked=True).filter(state=State.WAITING, due__lte=at)
        ids = list(waiting.order_by("due", "pk").values_list("pk", flat=True)[:AT_ONCE])
        Delivery.objects.filter(pk__in=ids).update(due=at + CLAIMED)
        claimed = Delivery.objects.filter(pk__in=ids, channel__isnull=False).select_related("message", "channel")
        rows = list(claimed.order_by("pk"))  # in a digest as they were told
        batches = [list(batch) for _key, batch in groupby(sorted(rows, key=_where), _where)]
        for batch in batches:  # before it goes out: its report may come before the answer
            for one in batch:
                one.parcel = batch[0].token
        Delivery.objects.bulk_update(rows, ["parcel"])
    done: list[bool] = []
    with ThreadPoolExecutor(LINES) as lines:
        calls = {lines.submit(_hand_over, batch): batch for batch in batches}
        for call in as_completed(calls):
            passed = _mark(calls[call], call.result(), at)
            done += [number < passed for number in range(len(calls[call]))]
    return done


def _where(one: Delivery) -> tuple[int, str, int, str]:
    """What goes out together: all for one address, and of a group each message to all whom it tells the same."""
    if one.channel is not None and one.channel.kind == Kind.WECOM:
        return one.channel_id or 0, "", one.message_id, one.note
    return one.channel_id or 0, one.address, one.person_id or 0, one.contact


def _hand_over(batch: Sequence[Delivery]) -> str:
    """Why it was not taken; empty if it was. It asks the database nothing."""
    parcels = {
        d.message_id: Parcel(
            d.token, d.message.title, "\n".join(filter(None, (d.message.text, d.note))), _whole(d.message.url),
            d.message.level, d.message.voice,
        )
        for d in batch
    }  # fmt: skip
    channel = batch[0].channel
    if channel is not None and not channel.is_enabled:
        return _("The channel is switched off.")
    try:
        if channel is not None:
            channels.send(channel, list(dict.fromkeys(d.address for d in batch)), list(parcels.values()))
    except NotSent as error:
        return str(error)[:300]
    except Exception as error:  # the others of the same go are kept for all that
        logger.exception("channel %s", channel)
        return repr(error)[:300]
    return ""


def _whole(url: str) -> str:
    """The address of a page as one opens it from a mail."""
    return f"{settings.CONFIG.public_address}{url}" if url.startswith("/") else url


def _mark(batch: Sequence[Delivery], fault: str, at: datetime) -> int:
    """Keep what became of deliveries that went out together; returns how many were passed on."""
    if fault:
        for one in batch:
            one.tries, one.error = one.tries + 1, fault
            wait = timing.again(one.tries)
            one.state, one.due = (State.FAILED, None) if wait is None else (State.WAITING, at + wait)
        Delivery.objects.bulk_update(batch, ["tries", "error", "state", "due"])
        return 0
    mine = Delivery.objects.filter(pk__in=[one.pk for one in batch], state=State.WAITING)
    mine.update(state=State.SENT, sent_at=at, due=None, error="")
    return len(batch)  # also those that were told to have arrived meanwhile


send_soon = jobs.soon("notices.send", lambda _county: send_due(), after=0)


def confirm(token: str, *, has_arrived: bool, why: str = "", is_read: bool = False, answer: str = "") -> bool:
    """An operator tells what became of what was handed over together under a token.

    The first word counts, and a repeated one changes nothing. `is_read`: who got it said so, by a key or an `answer`.
    """
    together = Delivery.objects.filter(Q(token=token) | Q(parcel=token))
    now = timezone.now()
    was_read = bool(is_read and together.filter(read_at=None).update(read_at=now, answer=answer[:40]))
    rows = together.filter(received_at=None).exclude(state__in=[State.RECEIVED, State.FAILED])
    if has_arrived:
        return bool(rows.update(state=State.RECEIVED, received_at=now, due=None, error="")) or was_read
    return bool(rows.update(state=State.FAILED, error=why[:300], due=None))


def read(person: int, message: int) -> bool:
    """Somebody has read it on the page; False if that was known."""
    mine = Delivery.objects.filter(person=person, message=message, channel=None, read_at=None)
    return bool(mine.update(read_at=timezone.now()))
