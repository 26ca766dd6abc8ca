"""Whom a warning must reach: the chain of named persons, households and loudspeakers; rings that widen; receipts.

The ring is widened at deadlines kept with each addressee, by a job of the message that is asked for in the transaction
that sets them. Whoever runs it holds the warning's row, and a channel tells nobody twice (notices): a worker that died
in the middle has done nothing, and the next does it once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from shizhu.engines.alarms.logic import warnings
from shizhu.engines.alarms.models import Addressee, Door, PublicWarning, WarningMessage
from shizhu.engines.notices import api as notices
from shizhu.engines.records import api as records
from shizhu.kernel import jobs, packs
from shizhu.kernel.models import Area, County, Post
from shizhu.lib.times import parse_duration

CHANNELS = ("sms", "voice")
SPEAKER = "speaker"
DOOR = "door"  # the way by which somebody who stands there reaches a household
EVERY = "PT10M"  # loudspeakers say it again, unless the kind says otherwise
WIDEN = "alarms.widen"
RECORD = "record/"
NOT_REAL = {"Exercise": "【演练】", "Test": "【测试】"}
ANYBODY = "*"  # in county.yaml: of every kind


def _of_county(county: str) -> dict[str, Any]:
    settings = County.objects.values_list("settings", flat=True).get(pk=county)
    found: dict[str, Any] = settings.get("warnings", {})
    return found


def roles(county: str, kind: str) -> set[str]:
    """Roles whose holders must be reached: those of the kind, and those the county adds."""
    added = _of_county(county).get("tell", {})
    return {*packs.declared("warnings", kind, county).get("tell", ()), *added.get(ANYBODY, ()), *added.get(kind, ())}


def patience(county: str, kind: str, level: str) -> timedelta:
    """After how long the next is tried."""
    said = packs.declared("warnings", kind, county).get("answer", {}).get(level)
    return parse_duration(said) if said else warnings.ANSWER[level]


def channels(county: str, kind: str) -> Sequence[str]:
    """Tried one after the other, of those that the county has in use; none: no telephone is reached."""
    found: Sequence[str] = packs.declared("warnings", kind, county).get("channels", CHANNELS)
    used = notices.ways(county)
    return [one for one in found if one in used]


def holders(county: str, kind: str, areas: Sequence[Area]) -> list[Post]:
    """One post of each person to be reached, the nearest one: in the areas, below them, or above them."""
    posts = Post.objects.current(timezone.localdate()).filter(
        area__county=county, role__in=roles(county, kind), person__is_active=True
    )
    found: dict[int, Post] = {}
    for post in sorted(posts.select_related("person", "area"), key=lambda post: (len(post.area.path), post.pk)):
        if _concerns(areas, post.area):
            found[post.person_id] = post
    return list(found.values())


def _concerns(areas: Iterable[Area], where: Area) -> bool:
    return any(where.path.startswith(one.path) or one.path.startswith(where.path) for one in areas)


def told(warning: PublicWarning, message: WarningMessage, before: Sequence[WarningMessage]) -> int:
    """Tell everybody a message must reach, in the transaction that issues it; returns the number of the notice.

    Whoever was told before is told of the end; an update that is not for them any more tells them that alone.
    """
    areas = list(Area.objects.filter(county=warning.county_id, code__in=message.content["areas"]))
    goes_on, level = message.kind not in warnings.ENDING, message.content["level"]
    due = timezone.now() + patience(warning.county_id, warning.kind, level) if goes_on else None
    found = [
        Addressee(message=message, person=post.person, name=post.person.name, role=post.role_id, area=post.area)
        for post in holders(warning.county_id, warning.kind, areas)
    ]
    known = {one.person_id for one in found if one.person_id}
    let_go: set[int] = set()
    earlier = Addressee.objects.filter(message__in=before, person__is_active=True).select_related("area")
    for one in earlier.order_by("-pk"):
        if one.person_id is None or one.person_id in known:
            continue
        if not goes_on or _concerns(areas, one.area):
            known.add(one.person_id)
            found.append(
                Addressee(message=message, person_id=one.person_id, name=one.name, role=one.role, area_id=one.area_id)
            )
        elif one.message_id == before[-1].pk:
            let_go.add(one.person_id)
    homes = households(warning.county_id, areas)
    outside = _outside(warning, before[-1:] if goes_on else before, homes)
    if goes_on:
        _let_go(warning, message, areas, let_go, outside, {home.speaker for home in homes})
    else:
        homes += outside
    last = len(channels(warning.county_id, warning.kind))
    for one in found:
        one.due = due
    people, mute = list(found), []
    for home in homes:
        made = Addressee(message=message, contact=home.contact, area_id=home.area, has_phone=bool(home.phone), due=due)
        if not home.phone or not last:  # no channel reaches them: those near are told at once
            made.due, made.ring = None, last or 1
            mute.append(made)
        found.append(made)
    text = "\n".join(filter(None, (message.content[name]["zh"] for name in ("description", "instruction"))))
    number = _tell(
        warning, message, f"warning/{message.pk}", known, homes, titled(message), text, wants_receipt=True,
        voice=voice(warning, message), notes={one: _visits(of) for one, of in _near(mute, people).items()},
        replaces=[one.notice for one in before if one.notice],
    )  # fmt: skip
    Addressee.objects.bulk_create(found)
    silent = {one.contact for one in mute}
    _speak(message, number, [one for one in homes if level in warnings.GRAVE or not goes_on or one.contact in silent])
    message.notice = number
    if due and any(one.due for one in found):
        jobs.wake(WIDEN, message.pk, due)
    return number


def _tell(
    warning: PublicWarning, message: WarningMessage, key: str, people: set[int], homes: Sequence[Household], title: str,
    text: str, *, wants_receipt: bool = False, voice: Mapping[str, Any] | None = None,
    notes: Mapping[int, str] | None = None, replaces: Sequence[int] = (),
) -> int:  # fmt: skip
    """Tell people of a message, and households by the first channel; returns the number of the notice."""
    number = notices.tell(
        warning.county_id, key, people, title=title, text=text, url=f"/cap/{message.identifier}",
        level=message.content["level"], wants_receipt=wants_receipt, voice=voice, notes=notes,
        replaces=replaces, is_end=message.kind in warnings.ENDING,
    )  # fmt: skip
    if number is None:
        raise RuntimeError(f"warning message {message.pk} was told before it was issued")
    if first := channels(warning.county_id, warning.kind)[:1]:
        notices.also(
            number, contacts=[notices.Contact(home.contact, home.phone) for home in homes if home.phone], kinds=first
        )
    return number


def _outside(warning: PublicWarning, before: Sequence[WarningMessage], homes: Sequence[Household]) -> list[Household]:
    """Households that were told of these messages and are not among those whom the newest is for."""
    told_of = Addressee.objects.filter(message__in=before, contact__startswith=RECORD)
    gone = set(told_of.values_list("contact", flat=True)) - {home.contact for home in homes}
    if not gone:
        return []
    codes = {code for one in before for code in one.content["areas"]}
    areas = Area.objects.filter(county=warning.county_id, code__in=codes)
    return [home for home in households(warning.county_id, areas) if home.contact in gone]


def _let_go(
    warning: PublicWarning, message: WarningMessage, areas: Iterable[Area], people: set[int],
    homes: Sequence[Household], kept: set[str],
) -> None:  # fmt: skip
    """Whom an update is not for any more hears that, not what the others have to do; `kept`: loudspeakers near them."""
    if not people and not homes:
        return
    title = f"您所在区域已不在预警范围内：{titled(message)}"
    text = f"现预警范围：{'、'.join(area.name for area in areas)}。"
    number = _tell(warning, message, f"warning/{message.pk}/left", people, homes, title, text)
    spoken = set(Addressee.objects.filter(message__warning=warning).values_list("contact", flat=True))
    near = sorted({home.speaker for home in homes} - kept)
    notices.also(
        number, kinds=[SPEAKER],
        contacts=[notices.Contact(f"{SPEAKER}/{one}", one) for one in near if f"{SPEAKER}/{one}" in spoken],
    )  # fmt: skip


def voice(warning: PublicWarning, message: WarningMessage) -> dict[str, Any]:
    """What loudspeakers say of a message, how often and until when; an end is said once. Nothing where nothing was
    written for the ear, as in messages of before: they read the text."""
    text = message.content.get("spoken", "")
    if not text:
        return {}
    first = {"Exercise": "演练，演练。", "Test": "系统测试。"}.get(message.content["status"], "")
    told: dict[str, Any] = {"text": f"{first}{text}"}
    if message.kind in warnings.ENDING:
        return told
    every = packs.declared("warnings", warning.kind, warning.county_id).get("spoken", {}).get("every", EVERY)
    return {**told, "every": int(parse_duration(every).total_seconds()), "until": message.content["expires"]}


def aloud(warning: PublicWarning, message: WarningMessage) -> notices.Aloud | None:
    """The same for people who look."""
    return notices.aloud(voice(warning, message))


def titled(message: WarningMessage) -> str:
    """The headline, with a word before it that says when nothing has happened."""
    return f"{NOT_REAL.get(message.content['status'], '')}{message.content['headline']['zh']}"


@dataclass(frozen=True)
class Household:
    """A household of the county's register: how it is named in deliveries, and how it is reached."""

    contact: str
    area: int
    phone: str
    speaker: str


def register_of_homes(county: str) -> dict[str, str]:
    """The county's register of households, and what its fields are called."""
    found: dict[str, str] = _of_county(county).get("households", {})
    return found


def households(county: str, areas: Iterable[Area]) -> list[Household]:
    """Those in the areas; none where the county names no register of them."""
    named = register_of_homes(county)
    if not named:
        return []
    fields = [named["phone"], *([named["speaker"]] if "speaker" in named else [])]
    rows = records.contacts(county, named["register"], fields, areas)
    return [Household(f"{RECORD}{row.record}", row.area, row.values[0], "".join(row.values[1:])) for row in rows]


def _speak(message: WarningMessage, notice: int, homes: Iterable[Household]) -> None:
    """Loudspeakers near these households read it out."""
    speakers = {home.speaker: home.area for home in homes if home.speaker}
    contacts = [notices.Contact(f"{SPEAKER}/{number}", number) for number in sorted(speakers)]
    notices.also(notice, contacts=contacts, kinds=[SPEAKER])
    rows = [
        Addressee(message=message, contact=f"{SPEAKER}/{number}", name=number, area_id=area)
        for number, area in sorted(speakers.items())
    ]
    Addressee.objects.bulk_create(rows, ignore_conflicts=True)


@dataclass(frozen=True)
class Answer:
    """When somebody first said that they know, or was reached, and by which way; None: not yet."""

    at: datetime | None
    way: str
    is_simulated: bool
    tried: tuple[str, ...]  # ways, in order


NOT_YET = Answer(None, "", is_simulated=False, tried=())


def answers(message: WarningMessage) -> dict[str, Answer]:
    """`person/<number>` or contact → its answer. A person answers by reading; a household by being reached, and where
    somebody spoke with it at its door since."""
    rows: dict[str, list[notices.Receipt]] = defaultdict(list)
    for one in notices.receipts([message.notice] if message.notice else []):
        rows[who(one.person, one.contact)].append(one)
    found = {}
    for name, mine in rows.items():
        times = [(one.read_at or (one.received_at if one.contact else None), one) for one in mine]
        done = min(((at, one) for at, one in times if at), key=lambda pair: pair[0], default=None)
        ways = tuple(one.way for one in mine)
        found[name] = (
            Answer(done[0], done[1].way, done[1].is_simulated, ways) if done else Answer(None, "", False, ways)
        )
    if not message.sent:
        return found
    spoken = Door.objects.filter(warning=message.warning_id, made_at__gte=message.sent).exclude(state=Door.State.AWAY)
    for contact, at in spoken.values_list("contact", "at"):
        known, since = found.get(contact, NOT_YET), max(at, message.sent)  # by a phone's clock, which may be slow
        if known.at is None or since < known.at:
            found[contact] = Answer(since, DOOR, is_simulated=False, tried=known.tried)
    return found


def who(person: int | None, contact: str) -> str:
    """How an addressee is named among answers."""
    return contact or f"person/{person}"


@transaction.atomic
def widen(number: int, now: datetime | None = None) -> int:
    """Try the next for everybody whose time is up; returns for how many. None once the warning went on or is over."""
    at = now or timezone.now()
    message = WarningMessage.objects.get(pk=number)
    warning = PublicWarning.objects.select_for_update(of=("self",)).select_related("area").get(pk=message.warning_id)
    waiting = message.addressees.exclude(due=None)
    is_newest = not warning.messages.filter(state="issued", pk__gt=number).exists()
    if warning.state != PublicWarning.State.CURRENT or not is_newest or message.notice is None:
        waiting.update(due=None)
        return 0
    answered = {name for name, one in answers(message).items() if one.at}
    late, silent = [], []
    ways = channels(warning.county_id, warning.kind)
    again = at + patience(warning.county_id, warning.kind, message.content["level"])
    asked = list(waiting.filter(due__lte=at).select_related("area"))
    for one in asked:
        one.due = None
        if who(one.person_id, one.contact) in answered:
            continue
        one.ring += 1
        if one.ring > len(ways) - (0 if one.person_id else 1):
            silent.append(one)
        else:
            one.due = again
            late.append(one)
    alike: dict[tuple[int, datetime | None], list[int]] = defaultdict(list)
    for one in asked:
        alike[one.ring, one.due].append(one.pk)
    for (ring, due), numbers in alike.items():  # a few statements, for thousands
        Addressee.objects.filter(pk__in=numbers).update(ring=ring, due=due)
    _try(message, warning, late, ways)
    _name(message, warning, silent)
    soonest = waiting.order_by("due").values_list("due", flat=True).first()
    if soonest:
        jobs.wake(WIDEN, number, soonest)
    return len(late) + len(silent)


def _try(message: WarningMessage, warning: PublicWarning, late: Sequence[Addressee], ways: Sequence[str]) -> None:
    """The next channel of each; a household had the first at once."""
    homes = {home.contact: home for home in _homes(warning, message)} if any(one.contact for one in late) else {}
    for number, way in enumerate(ways):
        people = [one.person_id for one in late if one.person_id and one.ring == number + 1]
        contacts = [
            notices.Contact(one.contact, homes[one.contact].phone)
            for one in late
            if one.contact in homes and one.ring == number and homes[one.contact].phone
        ]
        if people or contacts:
            notices.also(message.notice or 0, people=people, contacts=contacts, kinds=[way])


def _homes(warning: PublicWarning, message: WarningMessage) -> list[Household]:
    return households(
        warning.county_id, Area.objects.filter(county=warning.county_id, code__in=message.content["areas"])
    )


def _name(message: WarningMessage, warning: PublicWarning, silent: Sequence[Addressee]) -> None:
    """Nobody is left to try: those beside and above are told by name, and loudspeakers speak to silent households."""
    if not silent:
        return
    people = list(message.addressees.exclude(person=None).select_related("area"))
    key = f"warning/{message.pk}/silent/{silent[0].pk}"
    for person, of in _near(silent, people).items():
        names = "、".join(f"{one.area.name} {one.name}" for one in of if one.person_id)
        homes = sum(1 for one in of if one.contact)
        lines = [f"未签收：{names}" if names else "", f"未联系到的住户：{homes} 户" if homes else ""]
        notices.tell(
            warning.county_id, f"{key}/{person}", [person], title=f"请代为通知：{titled(message)}",
            text="\n".join(filter(None, lines)), url=f"/cap/{message.identifier}", level=message.content["level"],
            wants_receipt=True,
        )  # fmt: skip
    contacts = {one.contact for one in silent if one.contact}
    if contacts:
        _speak(message, message.notice or 0, [home for home in _homes(warning, message) if home.contact in contacts])


def _near(silent: Iterable[Addressee], people: Sequence[Addressee]) -> dict[int, list[Addressee]]:
    """Person → those of the silent whom they are to tell: beside or above them."""
    told: dict[int, list[Addressee]] = defaultdict(list)
    near: dict[tuple[int, int | None, str], set[int]] = {}  # households of one place have the same
    for one in silent:
        where = one.area_id, one.person_id, one.role
        if where not in near:
            near[where] = beside(one, people) | above(one, people)
        for other in near[where]:
            told[other].append(one)
    return told


def _visits(homes: Sequence[Addressee]) -> str:
    """To which households somebody is asked to go, as no channel reaches them."""
    unsent = sum(1 for one in homes if one.has_phone)
    mute = len(homes) - unsent
    lines = [
        f"没有登记电话的住户：{mute} 户，电话和短信都通知不到，请上门告知" if mute else "",
        f"有电话但短信和语音都发不出去的住户：{unsent} 户，请打电话或上门告知" if unsent else "",
    ]  # fmt: skip
    return "\n".join(filter(None, lines))


def beside(one: Addressee, people: Iterable[Addressee]) -> set[int]:
    """Who stands in: others of the same area, else holders of the same role in the areas beside it."""
    others = [other for other in people if other.person_id and other.person_id != one.person_id]
    here = {other.person_id for other in others if other.area_id == one.area_id}
    near = {
        other.person_id for other in others if other.area.parent_id == one.area.parent_id and other.role == one.role
    }
    return {number for number in here or near if number}


def above(one: Addressee, people: Iterable[Addressee]) -> set[int]:
    """Holders in the nearest area above that has any."""
    up = [other for other in people if other.area_id != one.area_id and one.area.path.startswith(other.area.path)]
    deepest = max((len(other.area.path) for other in up), default=0)
    return {other.person_id for other in up if other.person_id and len(other.area.path) == deepest}
