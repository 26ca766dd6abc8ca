"""The stock book (台账): receive, issue to a case, move, return, write off; each is signed and one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from shapely.geometry import mapping

from shizhu.engines.cases.assignment import require_seen
from shizhu.engines.cases.models import Case, Entry, Holding, Movement
from shizhu.engines.maps import api as maps
from shizhu.engines.records import api as records
from shizhu.kernel import access, events, packs
from shizhu.kernel.access import Actor
from shizhu.kernel.models import Area, Organisation, Person
from shizhu.kernel.packs import Body

VIEW, MOVE = "cases.stock.view", "cases.stock.move"
MOVED = "cases.stock.moved"
CASE = "case"  # the register of places that are cases
Kind = Movement.Kind
ENDS = {  # kind → (whether it comes from a place, whether it goes to one); `case` for a case
    Kind.RECEIVE: ("", "place"), Kind.ISSUE: ("place", CASE), Kind.MOVE: ("place", "place"),
    Kind.RETURN: (CASE, "place"), Kind.WRITE_OFF: ("place", ""),
}  # fmt: skip
MOST = Decimal(1_000_000)


class CannotMove(ValueError):
    """What was asked does not fit the book; the text says why."""


@dataclass(frozen=True)
class Wanted:
    """A movement: `source` and `target` are (register, key) of places as its kind has them."""

    book: str
    kind: str
    article: str
    quantity: Decimal
    source: tuple[str, str] = ("", "")
    target: tuple[str, str] = ("", "")
    case: int = 0
    note: str = ""


def books(county: str) -> dict[str, Body]:
    """The books of a county by key."""
    return packs.declarations("stocks", county)


def _row(who: Actor, county: str, register: str, key: str) -> records.Entry:
    try:
        return records.get(who, county, register, key)
    except (records.NoRecord, records.UnknownRegister):
        raise CannotMove(_("There is none, or none that you may see.")) from None


def _may(who: Actor, county: str, place: records.Entry) -> bool:
    organisation = Organisation.objects.get(county=county, code=place.organisation.code)
    area = Area.objects.get(county=county, code=place.area.code)
    return access.may(who, MOVE, county=county, organisation=organisation, area=area)


@transaction.atomic
def move(who: Actor, county: str, wanted: Wanted) -> Movement:
    """Write a movement into the book. Raises CannotMove, PermissionDenied."""
    body = books(county).get(wanted.book)
    if body is None or wanted.kind not in ENDS:
        raise CannotMove(_("Choose what to do."))
    article = _row(who, county, body["articles"], wanted.article)
    is_single = bool(article.data.get(body.get("single", "")))
    if not 0 < wanted.quantity <= MOST or wanted.quantity != round(wanted.quantity, 2):
        raise CannotMove(_("Say how many, more than nought."))
    if is_single and wanted.quantity != 1:
        raise CannotMove(_("%s is one piece: move one.") % article.title)
    case = _case(who, county, wanted)
    ends: list[tuple[str, str]] = []
    for (register, key), end in zip((wanted.source, wanted.target), ENDS[Kind(wanted.kind)], strict=True):
        if end == "place":
            if register not in body["places"]:
                raise CannotMove(_("Choose from where and to where."))
            if not _may(who, county, _row(who, county, register, key)):
                raise PermissionDenied(f"{who.name or 'nobody'} has no right {MOVE} there")
        ends.append((register, key) if end == "place" else (CASE, str(case.pk)) if end == CASE and case else ("", ""))
    if ends[0] == ends[1]:
        raise CannotMove(_("It lies there already."))
    try:
        with transaction.atomic():
            made = Movement.objects.create(
                county_id=county, book=wanted.book, kind=wanted.kind, article=wanted.article, quantity=wanted.quantity,
                is_single=is_single, source_register=ends[0][0], source=ends[0][1], target_register=ends[1][0],
                target=ends[1][1], case=case, note=wanted.note.strip(), at=timezone.now(), person_id=who.person_id or 0,
            )  # fmt: skip
    except IntegrityError as error:
        raise CannotMove(_refused(error, article.title, _lies(who, county, wanted))) from None
    _tell(made, words_of(made, who))
    return made


def _tell(made: Movement, why: str) -> None:
    """Say a movement on the timeline of its case, in words, and to the world."""
    if made.case is not None:
        told = {"to": "", "why": why}
        Entry.objects.create(case=made.case, at=made.at, kind=f"stock_{made.kind}", person_id=made.person_id, data=told)
    happened = {
        "movement": made.pk, "book": made.book, "kind": made.kind, "article": made.article,
        "quantity": str(made.quantity), "source": "/".join(filter(None, (made.source_register, made.source))),
        "target": "/".join(filter(None, (made.target_register, made.target))), "case": made.case_id,
        "person": made.person_id,
    }  # fmt: skip
    events.emit(MOVED, made.pk, made.county_id, happened)


def give_back(case: Case) -> None:
    """What a drill drew goes back where it came from, when the drill is over, signed by who drew it there last."""
    for held in Holding.objects.filter(county=case.county_id, register=CASE, place=str(case.pk), quantity__gt=0):
        drawn: dict[tuple[str, str], Decimal] = {}
        signed: dict[tuple[str, str], Person] = {}
        lines = case.movements.filter(book=held.book, article=held.article)
        for line in lines.filter(kind=Kind.ISSUE).select_related("person"):  # the newest first
            place = line.source_register, line.source
            drawn[place] = drawn.get(place, Decimal(0)) + line.quantity
            signed.setdefault(place, line.person)
        for line in lines.filter(kind=Kind.RETURN):
            place = line.target_register, line.target
            drawn[place] = drawn.get(place, Decimal(0)) - line.quantity
        left = held.quantity
        for place, quantity in drawn.items():
            back = min(left, quantity)
            if back > 0:
                left -= back
                made = Movement.objects.create(
                    county_id=case.county_id, book=held.book, kind=Kind.RETURN, article=held.article, quantity=back,
                    is_single=held.is_single, source_register=CASE, source=str(case.pk), case=case, at=timezone.now(),
                    target_register=place[0], target=place[1], person=signed[place], note="演练结束归还",
                )  # fmt: skip
                _tell(made, words_of(made, access.actor(signed[place])))


def words_of(made: Movement, who: Actor) -> str:
    """What was moved, and how much; its key where book or article are no more."""
    with suppress(KeyError, CannotMove):
        body = books(made.county_id)[made.book]
        article = _row(who, made.county_id, body["articles"], made.article)
        return f"{article.title} {made.quantity.normalize():f} {article.data.get(body['unit'], '')}".strip()
    return f"{made.article} {made.quantity.normalize():f}"


def _case(who: Actor, county: str, wanted: Wanted) -> Case | None:
    """The case that something is issued to or comes back from."""
    if CASE not in ENDS[Kind(wanted.kind)]:
        return None
    rows = Case.objects.select_for_update(of=("self",))  # it does not end meanwhile
    case = rows.select_related("organisation", "area").filter(pk=wanted.case, county=county).first()
    if case is None:
        raise CannotMove(_("Choose the case it is for."))
    require_seen(who, case)
    if wanted.kind == Kind.ISSUE and case.status != Case.Status.OPEN:
        raise CannotMove(_("The case is closed."))
    return case


def _lies(who: Actor, county: str, wanted: Wanted) -> str:
    """Where a single article lies; empty where it lies nowhere, or at a place that this person may not see."""
    lies = Holding.objects.filter(county=county, book=wanted.book, article=wanted.article, quantity__gt=0).first()
    with suppress(CannotMove, PermissionDenied):
        if lies and lies.register == CASE:
            case = Case.objects.select_related("organisation", "area").get(pk=lies.place)
            require_seen(who, case)
            return case.number
        return _row(who, county, lies.register, lies.place).title if lies else ""
    return ""


def _refused(error: IntegrityError, title: str, place: str) -> str:
    text = str(error)
    if "holding_not_below_nought" in text:
        return _("There is not so much of %s there.") % title
    if place:
        return _("%(article)s is one piece and lies at %(place)s.") % {"article": title, "place": place}
    return _("%s lies somewhere already: it is one piece.") % title


def simulated(person: Person, county: str, book: str, rows: Iterable[Mapping[str, Any]]) -> None:
    """What lies where in a demonstration, received in one go; once."""
    if book not in books(county) or Movement.objects.filter(county=county, book=book).exists():
        return
    for row in rows:
        register, _slash, key = row["at"].partition("/")
        wanted = Wanted(book, Kind.RECEIVE, row["article"], Decimal(row["quantity"]), target=(register, key))
        move(access.actor(person), county, replace(wanted, note="模拟"))


@dataclass(frozen=True)
class Held:
    """So much of an article at a place."""

    article: str
    title: str
    unit: str
    quantity: Decimal
    register: str
    place: str

    @property
    def amount(self) -> str:
        """The quantity without noughts behind, with its unit."""
        return f"{self.quantity.normalize():f} {self.unit}".strip()


def held(who: Actor, county: str, book: str, **which: Any) -> Iterator[Held]:
    """What lies where in a book, as far as the actor may see the articles."""
    body = books(county)[book]
    known = {row.key: row for row in records.scan(who, county, body["articles"], records.Query())}
    for one in Holding.objects.filter(county=county, book=book, quantity__gt=0, **which):
        article = known.get(one.article)
        if article is not None:
            unit = str(article.data.get(body["unit"], ""))
            yield Held(one.article, article.title, unit, one.quantity, one.register, one.place)


def lying(who: Actor, county: str, of: Iterable[str]) -> dict[tuple[str, str], str]:
    """(register, key) of each place of these books → what lies there in words, for whoever may see books."""
    found: dict[tuple[str, str], list[str]] = {}
    for book in of if who.has(VIEW) else ():
        places = books(county)[book]["places"]
        for one in held(who, county, book):
            if one.register in places:
                found.setdefault((one.register, one.place), []).append(f"{one.title} {one.amount}")
    return {place: " · ".join(lines) for place, lines in found.items()}


def at_place(who: Actor, county: str, register: str, key: str) -> list[tuple[str, Body, list[Held]]]:
    """(book, its body, what lies there) of each book that has this place."""
    if not who.has(VIEW):
        return []
    found = [
        (book, body, list(held(who, county, book, register=register, place=key)))
        for book, body in books(county).items()
        if register in body["places"]
    ]
    return [one for one in found if one[2]]


def section(who: Actor, subject: maps.Subject) -> maps.Section | None:
    """What lies at a place, in its file."""
    if subject.kind != "record":
        return None
    entry = records.get_by_id(who, subject.id)
    found = at_place(who, entry.county, entry.register, entry.key)
    shown = [{"book": book, "title": body["title"], "lines": lines} for book, body, lines in found]
    return maps.Section(_("Stock"), "package", "cases/stock_section.html", {"books": shown}) if shown else None


def features(who: Actor, county: str, layer: maps.Layer, _asked: maps.Asked) -> list[maps.Feature]:
    """The places of a book (the layer's `of`) with what lies at each."""
    return list(_drawn(who, county, lying(who, county, {layer.of} & books(county).keys())))


def _drawn(who: Actor, county: str, told_at: Mapping[tuple[str, str], str]) -> Iterable[maps.Feature]:
    for register in sorted({register for register, _key in told_at}):
        for place in records.scan(who, county, register, records.Query()):
            if place.geometry is not None and (text := told_at.get((register, place.key))):
                told = {
                    "name": place.title, "where": place.key, "text": text, "time": None,
                    "origin": int(place.is_simulated), "source": _("the stock book"),
                    "url": f"/records/{register}/{place.id}/",
                }  # fmt: skip
                yield maps.Feature(f"record-{place.id}", mapping(place.geometry), told)
