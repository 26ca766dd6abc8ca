"""Clauses in the tables: kept over readings, their owners matched to organisations, the same promise linked."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

from django.db import transaction

from shizhu.engines.plan import story
from shizhu.engines.plan.logic import linking
from shizhu.engines.plan.logic.reader.subjects import canonical
from shizhu.engines.plan.models import Clause, Indicator, Link, Owner, Plan, Task
from shizhu.kernel.models import Area, Organisation, Person
from shizhu.kernel.text import syllables
from shizhu.lib import likeness

Kept = Mapping[str, Any]
T = TypeVar("T")
DECISION, AFTER_THE_TEXT = "decision", 1_000_000  # kind and order of clauses that meetings decided


class Names:
    """Which organisation of a county a printed name means: exactly, or perhaps."""

    def __init__(self, county: str) -> None:
        self._all = list(Organisation.objects.filter(county_id=county).exclude(code=county).order_by("path"))
        counties = Area.objects.filter(county_id=county, level=Area.Level.COUNTY)
        self._places = likeness.place_names(tuple(counties.values_list("name", flat=True)))
        self._exact = dict[str, list[Organisation]]()
        for one in self._all:
            self._exact.setdefault(likeness.plain(one.name), []).append(one)

    @cached_property
    def _written(self) -> list[tuple[Organisation, likeness.Writing | None]]:
        return [(one, self._read(one.name)) for one in self._all]

    def _read(self, name: str) -> likeness.Writing | None:
        bare = likeness.plain(name).removeprefix("县")
        return likeness.read(likeness.ORGANISATION, bare, self._places, lambda letter: syllables(letter)[0])

    def match(self, printed: str) -> tuple[Organisation | None, bool]:
        """The organisation and whether its very name is printed; None for nobody here, and for several of one name."""
        exact = self._exact.get(likeness.plain(printed), [])
        if exact:
            return (exact[0], True) if len(exact) == 1 else (None, False)
        own = self._read(printed)
        if own is None:
            return None, False
        alike = [one for one, other in self._written if other is not None and likeness.alike(own, other)]
        within = [one for one, other in self._written if other is not None and _holds(own.text, other.text)]
        found = alike or within
        return (found[0], False) if len(found) == 1 else (None, False)


def _holds(one: str, other: str) -> bool:
    """Whether the shorter of two names is most of the longer: 农业农村委 and 农业农村委员会."""
    short, long = sorted((one, other), key=len)
    return len(short) >= 3 and long.startswith(short) and 2 * len(short) > len(long)


@transaction.atomic
def keep(plan: Plan) -> None:
    """Bring the clauses of the newest reading into the table; what people settled stays with the same wording."""
    read: Sequence[Kept] = (plan.document or {}).get("clauses", [])
    tasks = {row.key: row for row in Task.objects.filter(plan=plan)}
    known = {row.key: row for row in plan.clauses.all()}
    made: dict[str, Clause] = {}
    for order, row in enumerate(read):
        clause = known.get(row["key"]) or Clause(plan=plan, key=row["key"])
        clause.order, clause.kind, clause.text, clause.is_gone = order, row["kind"], row["text"], False
        clause.headings, clause.place, clause.quantities = row["headings"], row["place"], row["quantities"]
        clause.leads, clause.supports = row["leads"], row["supports"]
        clause.task = tasks.get(row["row"])
        clause.save()
        made[clause.key] = clause
    _leave(plan, made)
    _propose_owners(plan, [made[row["key"]] for row in read])
    _propose_links(plan, read, made)
    point(plan)


def key_of(row: Kept) -> str:
    """The key of an indicator; a target of a sentence has one that does not hang on its number in the text."""
    if row.get("found_in") != "sentence":
        return str(row["key"])
    told = f"{canonical(row['name'])} {row['target']['year']}"
    return f"said-{hashlib.sha256(told.encode()).hexdigest()[:12]}"


def point(plan: Plan) -> None:
    """Say of every clause of the reading which indicator it states: the only one on its lines, if no other clause is
    there or it tells the same amount. A clause without one has that of the clauses that are linked with it.
    """
    standing, on_lines = Standing(plan), indicators_by_line(plan)
    read = [one for one in standing.clauses if one.kind != DECISION and not one.is_gone]
    crowd = Counter(line for one in read for line in one.lines)
    found: dict[int, Indicator | None] = {}
    linked: dict[int, set[Indicator]] = {}
    for clause in read:
        there = {row for line in clause.lines for row in on_lines.get(line, ())}
        alone = there if max(crowd[line] for line in clause.lines) == 1 else set()
        found[clause.pk] = _only({row for row in there if clause.states(amount_of(row))}) or _only(alone)
        linked.setdefault(standing.group[clause.pk], set()).update(filter(None, [found[clause.pk]]))
    for clause in read:
        was, clause.indicator = clause.indicator_id, found[clause.pk] or _only(linked[standing.group[clause.pk]])
        if clause.indicator_id != was:
            clause.save(update_fields=["indicator"])


def amount_of(indicator: Indicator) -> dict[str, Any]:
    """The target of an indicator as a quantity."""
    told = {"value": indicator.target_value, "unit": indicator.unit, "year": indicator.target_year}
    return {"subject": indicator.name, **told}


def _only(some: AbstractSet[T]) -> T | None:
    return next(iter(some)) if len(some) == 1 else None


def indicators_by_line(plan: Plan) -> dict[int, set[Indicator]]:
    """Line → the indicators that are printed or mentioned there."""
    rows = {row.key: row for row in plan.indicators.all()}
    found: dict[int, set[Indicator]] = {}
    for item in (plan.document or {}).get("indicators", []):
        if row := rows.get(key_of(item)):
            for place in filter(None, [item.get("place"), *item.get("mentions", [])]):
                for line in range(place["from"], place["to"] + 1):
                    found.setdefault(line, set()).add(row)
    return found


def _leave(plan: Plan, made: Mapping[str, Clause]) -> None:
    """Clauses that the newest reading lacks go, but those with work on them stay and say so."""
    for clause in plan.clauses.exclude(key__in=made).exclude(kind=DECISION):
        if clause.pieces.exists() or clause.owners.filter(person__isnull=False).exists():
            Clause.objects.filter(pk=clause.pk).update(is_gone=True)
        else:
            clause.delete()


def _propose_owners(plan: Plan, clauses: Sequence[Clause]) -> None:
    names = Names(plan.county_id)
    there = set(Owner.objects.filter(clause__plan=plan).values_list("clause", "organisation"))
    for clause in clauses:
        for is_lead, printed in [*((True, one) for one in clause.leads), *((False, one) for one in clause.supports)]:
            found, is_sure = names.match(printed)
            if found is not None and (clause.pk, found.pk) not in there:
                state = Owner.State.SETTLED if is_sure else Owner.State.PROPOSED
                Owner.objects.create(
                    clause=clause, organisation=found, is_lead=is_lead, printed=printed[:200], state=state
                )
                there.add((clause.pk, found.pk))


def _propose_links(plan: Plan, read: Sequence[Kept], made: Mapping[str, Clause]) -> None:
    there = {(row.one_id, row.other_id): row for row in plan.links.all()}
    found = {}
    for pair in linking.likenesses(read):
        one, other = sorted((made[pair.one].pk, made[pair.other].pk))
        found[one, other] = [dict(sign) for sign in pair.signs]
    Link.objects.bulk_create(
        Link(plan=plan, one_id=one, other_id=other, signs=signs)
        for (one, other), signs in found.items()
        if (one, other) not in there
    )
    old = [row.pk for key, row in there.items() if key not in found and row.state == Link.State.PROPOSED]
    Link.objects.filter(pk__in=old).delete()


def of_decision(plan: Plan, key: str, text: str, headings: Sequence[str], unit: Organisation, by: Person) -> Clause:
    """What a meeting decided as a clause that a unit leads; it stands after those of the text."""
    made = Clause.objects.create(
        plan=plan, key=key, order=AFTER_THE_TEXT, kind=DECISION, text=text, headings=list(headings),
        place={"from": 0, "to": 0},
    )  # fmt: skip
    settle_owner(made, unit, is_lead=True, is_right=True, by=by)
    return made


@dataclass
class Tree:
    """Clauses under a heading, and the headings below it."""

    title: str
    clauses: list[Clause] = field(default_factory=list)
    below: dict[str, Tree] = field(default_factory=dict)

    def all(self) -> Iterable[Clause]:
        """Every clause here and below."""
        yield from self.clauses
        for one in self.below.values():
            yield from one.all()


def tree_of(clauses: Iterable[Clause]) -> Tree:
    """The clauses by their headings, in the order of the text."""
    root = Tree("")
    for clause in clauses:
        node = root
        for heading in clause.headings:
            node = node.below.setdefault(heading, Tree(heading))
        node.clauses.append(clause)
    return root


class Standing:
    """Who owns what in a plan: a clause is owned if it, or one linked with it, has a unit that leads."""

    def __init__(self, plan: Plan) -> None:
        self.clauses = list(plan.clauses.select_related("task", "indicator"))
        self.links = list(plan.links.select_related("person"))
        self.owners: dict[int, list[Owner]] = {}
        for owner in Owner.objects.filter(clause__plan=plan).select_related("organisation", "person"):
            self.owners.setdefault(owner.clause_id, []).append(owner)
        self.group = _groups(
            [one.pk for one in self.clauses],
            [(link.one_id, link.other_id) for link in self.links if link.state == Link.State.LINKED],
        )
        led = {
            self.group[clause]
            for clause, owners in self.owners.items()
            if any(owner.is_lead and owner.state == Owner.State.SETTLED for owner in owners)
        }
        self.owned = {pk for pk, group in self.group.items() if group in led}
        sizes: dict[int, int] = {}
        for group in self.group.values():
            sizes[group] = sizes.get(group, 0) + 1
        self.linked = {pk for pk, group in self.group.items() if sizes[group] > 1}

    def counts(self, clauses: Iterable[Clause]) -> dict[str, int]:
        """How many there are, are owned, have no owner, are linked."""
        ids = [one.pk for one in clauses if not one.is_gone]
        owned = sum(pk in self.owned for pk in ids)
        return {
            "all": len(ids), "owned": owned, "free": len(ids) - owned, "linked": sum(pk in self.linked for pk in ids),
        }  # fmt: skip


def _groups(ids: Iterable[int], pairs: Iterable[tuple[int, int]]) -> dict[int, int]:
    """Id → the smallest id of those it is linked with, over any number of links."""
    first = {one: one for one in ids}

    def root(one: int) -> int:
        while first[one] != one:
            one = first[one]
        return one

    for one, other in pairs:
        low, high = sorted((root(one), root(other)))
        first[high] = low
    return {one: root(one) for one in first}


@transaction.atomic
def settle_owner(clause: Clause, organisation: Organisation, *, is_lead: bool, is_right: bool, by: Person) -> None:
    """Say that a unit leads or assists in a clause, or that it does not."""
    state = Owner.State.SETTLED if is_right else Owner.State.REFUSED
    Owner.objects.update_or_create(
        clause=clause, organisation=organisation, defaults={"is_lead": is_lead, "state": state, "person": by}
    )
    told = {"unit": organisation.name, "is_lead": is_lead}
    story.tell(clause, "owner" if is_right else "owner-off", by, told)


@transaction.atomic
def settle_link(link: Link, state: str, *, note: str, by: Person) -> None:
    """Say that two clauses are one promise, that they are two, or that it is open again."""
    link.state, link.note, link.person = state, note[:300], None if state == Link.State.PROPOSED else by
    link.save()
    for clause, other in ((link.one, link.other), (link.other, link.one)):
        story.tell(clause, f"link-{state}", by, {"text": other.text[:80], "note": note[:300]})
    point(link.plan)
