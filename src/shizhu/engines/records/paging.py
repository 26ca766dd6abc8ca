"""Pages that begin after, or end before, a row: as quick in the middle of a million rows as at the start, and steady
while rows come and go.

A place is the values that a row is ordered by, signed, so that nobody makes one up and it fits one order alone. The
last key of an order is never the same for two rows. Where the first may be nothing, rows that have it and rows that
have not are asked for one after the other, so that an index serves both.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.core import signing
from django.db.models import BooleanField, OrderBy, QuerySet
from django.db.models.expressions import RawSQL

Values = tuple[Any, ...]
Sql = tuple[str, Values]


class NoPlace(ValueError):
    """A place that was not made for this order."""


@dataclass(frozen=True)
class Key:
    """What rows are ordered by: SQL of ours, whether it falls, and whether a row may have nothing there (then last)."""

    sql: str
    is_turned: bool = False
    is_nullable: bool = False

    def order(self, *, back: bool = False) -> OrderBy:
        """For ORDER BY; the other way round for pages that are read back."""
        falls = self.is_turned != back
        nothing = {"nulls_first" if back else "nulls_last": True} if self.is_nullable else {}
        return OrderBy(RawSQL(self.sql, ()), descending=falls, **nothing)  # noqa: S611  # SQL of ours


def _signer(keys: Sequence[Key]) -> signing.Signer:
    return signing.Signer(sep=".", salt="|".join(f"{key.is_turned:d}{key.sql}" for key in keys))


def written(row: Any, keys: Sequence[Key]) -> str:
    """Where a row of `page` stands, for an address."""
    values = [getattr(row, f"placed{n}") for n in range(len(keys))]
    return _signer(keys).sign_object([str(v) if isinstance(v, Decimal | datetime) else v for v in values])


def read(text: str, keys: Sequence[Key]) -> Values:
    """The values of a place. Raises NoPlace."""
    try:
        return tuple(_signer(keys).unsign_object(text))
    except signing.BadSignature:
        raise NoPlace("is no place in this order: take it from a link of the page before or after") from None


def page(
    rows: QuerySet[Any], keys: Sequence[Key], place: Values | None, limit: int, *, offset: int = 0, back: bool = False
) -> list[Any]:
    """At most so many rows in order: after the place, before it (`back`), or after so many others."""
    marked = rows.annotate(**{f"placed{n}": RawSQL(key.sql, ()) for n, key in enumerate(keys)})  # noqa: S611  # ours
    if offset:
        return list(marked.order_by(*(key.order() for key in keys))[offset : offset + limit])
    found: list[Any] = []
    for condition, ordered in _parts(keys, place, back=back):
        if len(found) < limit:
            part = marked.filter(_true(condition)) if condition else marked
            found += part.order_by(*(key.order(back=back) for key in ordered))[: limit - len(found)]
    return found[::-1] if back else found


def _parts(keys: Sequence[Key], place: Values | None, *, back: bool) -> Iterator[tuple[Sql | None, Sequence[Key]]]:
    """Conditions of the rows wanted, in the order in which they come, each with what then orders them."""
    first, rest = keys[0], keys[1:]
    if not first.is_nullable:
        yield (_beyond(keys, place, back=back) if place else None), keys
        return
    said = Key(first.sql, first.is_turned)
    with_it: Sql = (f"{first.sql} IS NOT NULL", ())
    without: Sql = (f"{first.sql} IS NULL", ())
    if place is None:
        parts = [(with_it, (said, *rest)), (without, rest)]
    elif place[0] is None:
        inside = _both(without, _beyond(rest, place[1:], back=back))
        parts = [(inside, rest), *([(with_it, (said, *rest))] if back else [])]
    else:
        inside = _both(with_it, _beyond((said, *rest), place, back=back))
        parts = [(inside, (said, *rest)), *([] if back else [(without, rest)])]
    yield from parts[::-1] if back and place is None else parts


def _beyond(keys: Sequence[Key], place: Values, *, back: bool) -> Sql:
    """True of the rows that come after the place; of those before it when read back."""
    first, value = keys[0], place[0]
    sign = "<" if first.is_turned != back else ">"
    if not any(key.is_nullable or key.is_turned != first.is_turned for key in keys):
        names = ", ".join(key.sql for key in keys)
        return f"(({names}) {sign} ({', '.join(['%s'] * len(keys))}))", tuple(place)
    if len(keys) == 1:
        rest: Sql = ("FALSE", ())
    else:
        rest = _beyond(keys[1:], place[1:], back=back)
    if value is None:  # nothing is last: what comes before it has something
        more = f"{first.sql} IS NOT NULL OR " if back else ""
        return f"({more}({first.sql} IS NULL AND {rest[0]}))", rest[1]
    nothing = f" OR {first.sql} IS NULL" if first.is_nullable and not back else ""
    bounded = f"({first.sql} {sign}= %s AND ({first.sql} {sign} %s OR {rest[0]}))"
    return f"({bounded}{nothing})", (value, value, *rest[1])


def _both(one: Sql, other: Sql) -> Sql:
    return f"({one[0]} AND {other[0]})", (*one[1], *other[1])


def _true(condition: Sql) -> RawSQL:
    return RawSQL(*condition, output_field=BooleanField())  # noqa: S611  # SQL of ours, bound values
