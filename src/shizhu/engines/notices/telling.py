"""Tell people and systems something once, send what is due, and keep what became of it."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import groupby

from django.db import transaction
from django.utils import timezone

from shizhu.engines.notices import channels
from shizhu.engines.notices.channels import NotSent, Parcel
from shizhu.engines.notices.logic import timing
from shizhu.engines.notices.logic.timing import Wishes
from shizhu.engines.notices.models import Channel, Delivery, Kind, Message, State, Wish
from shizhu.kernel.models import Person

AT_ONCE = 100
CLAIMED = timedelta(minutes=2)  # a process that died while it sent is taken over after that
UNCERTAIN = "the process that sent it ended before it knew"


@transaction.atomic
def tell(
    county: str, key: str, people: Iterable[int], *, title: str, text: str = "", url: str = "", level: str = ""
) -> int | None:
    """Tell persons and every webhook of the county; in the transaction that makes it true. None: it was told before.

    Each person is told on the page, and by the channels they wish.
    """
    made, is_new = Message.objects.get_or_create(
        county_id=county, key=key, defaults={"title": title[:200], "text": text, "url": url, "level": level}
    )
    if not is_new:
        return None
    now = timezone.now()
    ways = list(Channel.objects.filter(county=county, is_enabled=True))
    found = [_delivery(made, channel=one, address=one.address, due=now) for one in ways if one.kind == Kind.WEBHOOK]
    wishes = {wish.person_id: wish for wish in Wish.objects.filter(person__in=list(people))}
    for person in Person.objects.filter(pk__in=list(people), is_active=True):
        found.append(_delivery(made, person=person, state=State.RECEIVED, sent_at=now, received_at=now))
        wish = wishes.get(person.pk)
        for channel in ways if wish else ():
            assert wish is not None
            address = wish.email if channel.kind == Kind.EMAIL else person.phone
            if channel.kind in wish.kinds and address:
                due = timing.due(Wishes(wish.quiet_from, wish.quiet_to, wish.digest_at), level, now)
                found.append(_delivery(made, person=person, channel=channel, address=address, due=due))
    Delivery.objects.bulk_create(found)
    return made.pk


def _delivery(message: Message, **told: object) -> Delivery:
    return Delivery(message=message, token=secrets.token_hex(16), **told)


def send_due(now: datetime | None = None) -> int:
    """Send what is due, that for one address by one channel together; returns how many deliveries were passed on."""
    at = now or timezone.now()
    with transaction.atomic():
        waiting = Delivery.objects.select_for_update(skip_locked=True).filter(state=State.WAITING, due__lte=at)
        ids = list(waiting.order_by("due", "pk").values_list("pk", flat=True)[:AT_ONCE])
        Delivery.objects.filter(pk__in=ids).update(due=at + CLAIMED)
    rows = Delivery.objects.filter(pk__in=ids).select_related("message", "channel")
    done = 0
    for _key, batch in groupby(sorted(rows, key=_where), _where):
        done += _send(list(batch), at)
    return done


def _where(one: Delivery) -> tuple[int, str, int]:
    return one.channel_id or 0, one.address, one.person_id or 0


def _send(batch: list[Delivery], now: datetime) -> int:
    channel = batch[0].channel
    if channel is None:
        return 0
    parcels = [Parcel(d.token, d.message.title, d.message.text, d.message.url, d.message.level) for d in batch]
    ids = [one.pk for one in batch]
    try:
        channels.send(channel, batch[0].address, parcels)
    except NotSent as error:
        for one in batch:
            one.tries, one.error = one.tries + 1, str(error)[:300]
            wait = timing.again(one.tries)
            one.state, one.due = (State.FAILED, None) if wait is None else (State.WAITING, now + wait)
        Delivery.objects.bulk_update(batch, ["tries", "error", "state", "due"])
        return 0
    waiting = Delivery.objects.filter(pk__in=ids, state=State.WAITING)
    return waiting.update(state=State.SENT, sent_at=now, due=None, error="")


def confirm(token: str, *, has_arrived: bool, why: str = "") -> bool:
    """An operator tells what became of a delivery; the first word counts, and a repeated one changes nothing."""
    rows = Delivery.objects.filter(token=token, received_at=None).exclude(state__in=[State.RECEIVED, State.FAILED])
    if has_arrived:
        return bool(rows.update(state=State.RECEIVED, received_at=timezone.now(), due=None, error=""))
    return bool(rows.update(state=State.FAILED, error=why[:300], due=None))


def read(person: int, message: int) -> bool:
    """Somebody has read it; False if that was known."""
    mine = Delivery.objects.filter(person=person, message=message, read_at=None)
    return bool(mine.update(read_at=timezone.now()))
