"""Which rows forbid a change of their register's declaration."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any

from django.db.models import Count, Q, QuerySet
from django.db.models.fields.json import KeyTextTransform, KeyTransform

from shizhu.engines.records.logic import values
from shizhu.engines.records.logic.register import Body, Register
from shizhu.engines.records.logic.values import Problem
from shizhu.engines.records.models import WITHDRAWN, Record
from shizhu.kernel import access
from shizhu.kernel.access import Actor

SHOWN = 5
CHUNK = 1000
LEVELS = ("", "personal", "sensitive")
TOLD = {  # words of a field that refuse no value
    "title", "description", "x-shizhu-title", "x-shizhu-description", "x-shizhu-labels", "x-shizhu-symbol",
    "x-shizhu-unit",
}  # fmt: skip
Tell = Callable[[int], None]
MOST = 100  # values looked at that are not alone


@dataclass(frozen=True)
class Forbidden:
    """One reason: the field ("" for the register), the rule, how many rows, and the first that the actor may see."""

    path: str
    rule: str
    total: int
    rows: tuple[tuple[int, str, str], ...]  # (number, key, title)
    problem: Problem | None = None


def _nobody(_rows: int) -> None:
    """Is told nothing."""


def forbidden(who: Actor, county: str, old: Register, new: Register, tell: Tell = _nobody) -> list[Forbidden]:
    """Every reason why the county's rows, withdrawn ones too, would not fit the register any more.

    `tell` is called now and then with how many rows were looked at since.
    """
    rows = Record.objects.filter(county_id=county, register=old.key)
    checks = (_identity, _shapes, _unique, partial(_fields, tell=tell))
    found = [reason for check in checks for reason in check(who, rows, old, new)]
    return found if access.has_county(who, old.verb("unmask"), county) else [*found, *_opened(who, rows, old, new)]


def looked_at(old: Register, new: Register) -> int:
    """How many times all rows have to be looked at one by one: once for each field whose rule changes."""
    before, after = old.schema["properties"], new.schema["properties"]
    return sum(name in before and _rule(item) != _rule(before[name]) for name, item in after.items())


def _rule(item: Body) -> Body:
    """What a field demands of a value, whatever it is called."""
    return {word: told for word, told in item.items() if word not in TOLD}


def _identity(who: Actor, rows: QuerySet[Record], old: Register, new: Register) -> Iterator[Forbidden]:
    for rule, before, after in (
        ("key", old.key_field, new.key_field), ("title", old.title_field, new.title_field),
    ):  # fmt: skip
        if before != after and rows.exists():
            yield _told(who, old, rows, after, rule)


def _opened(who: Actor, rows: QuerySet[Record], old: Register, new: Register) -> Iterator[Forbidden]:
    """Private fields that would show more of what rows have, or had once."""
    after = dict(new.everything)
    for path, item in old.everything:
        if path in after and LEVELS.index(after[path].privacy) < LEVELS.index(item.privacy) and rows.exists():
            yield _told(who, old, rows, path.split(".")[0], "class")


def _shapes(who: Actor, rows: QuerySet[Record], old: Register, new: Register) -> Iterator[Forbidden]:
    placed = rows.filter(geometry__isnull=False)
    if old.geometry != new.geometry and placed.exists():
        yield _told(who, old, placed, "_geometry", "geometry")
    states = [state for state in old.states if state not in new.states]
    left = rows.filter(state__in=states)
    if states and left.exists():
        yield _told(who, old, left, "_state", "state")


def _unique(who: Actor, rows: QuerySet[Record], old: Register, new: Register) -> Iterator[Forbidden]:
    """Rows in use that have alike what no two may have alike from now on."""
    used = rows.exclude(state=WITHDRAWN)
    for group in new.unique:
        if group in old.unique:
            continue
        values_ = {f"v{number}": KeyTextTransform(name, "data") for number, name in enumerate(group)}
        found = used.filter(data__has_keys=list(group)).annotate(**values_)
        alike = found.values(*values_).annotate(n=Count("pk")).filter(n__gt=1).order_by()
        same = Q(pk__in=[])
        for line in alike.values_list(*values_)[:MOST]:
            same |= Q(**dict(zip(values_, line, strict=True)))
        double = found.filter(same)
        if double.exists():
            yield _told(who, old, double, group[0], "unique")


def _fields(
    who: Actor, rows: QuerySet[Record], old: Register, new: Register, tell: Tell
) -> Iterator[Forbidden]:  # fmt: skip
    before, after = old.schema, new.schema
    for name, item in after["properties"].items():
        if name in after["required"] and name not in before["required"]:
            lacking = rows.exclude(data__has_key=name)
            if lacking.exists():
                yield _told(who, old, lacking, name, "required")
        if name in before["properties"] and _rule(item) != _rule(before["properties"][name]):
            yield from _changed(who, rows, old, new, name, tell)
    for name in before["properties"]:
        kept = rows.filter(data__has_key=name)
        if name not in after["properties"] and kept.exists():
            yield _told(who, old, kept, name, "removed")


def _changed(
    who: Actor, rows: QuerySet[Record], old: Register, new: Register, name: str, tell: Tell
) -> Iterator[Forbidden]:
    """Rows whose value of a field the new rules refuse, by rule."""
    found: dict[str, list[int]] = {}
    first: dict[str, Problem] = {}
    given = rows.order_by("pk").values_list("pk", KeyTransform(name, "data")).iterator(chunk_size=CHUNK)
    while chunk := list(islice(given, CHUNK)):
        for pk, value in chunk:
            problem = None if value is None else _first(new, name, value)
            if problem is not None:
                found.setdefault(problem.rule, []).append(pk)
                first.setdefault(problem.rule, problem)
        tell(len(chunk))
    for rule, pks in found.items():
        shown = _shown(who, old, Record.objects.filter(pk__in=pks[: SHOWN * 20]))
        yield Forbidden(name, rule, len(pks), shown, first[rule])


def _first(new: Register, name: str, value: Any) -> Problem | None:
    return next((one for one in values.problems(new, {name: value}) if one.path.split(".")[0] == name), None)


def _told(who: Actor, old: Register, rows: QuerySet[Record], path: str, rule: str) -> Forbidden:
    return Forbidden(path, rule, rows.count(), _shown(who, old, rows))


def _shown(who: Actor, old: Register, rows: QuerySet[Record]) -> tuple[tuple[int, str, str], ...]:
    visible = access.rows(rows, who, old.verb("view")).order_by("sort_key", "pk")
    return tuple(visible.values_list("pk", "key", "title")[:SHOWN])
