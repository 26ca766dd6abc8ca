"""Rows that hold until a date: which of them end soon, or have ended."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from shizhu.engines.records.catalogue import registers
from shizhu.engines.records.logic.register import Register
from shizhu.engines.records.models import WITHDRAWN, Record
from shizhu.kernel import access


@dataclass(frozen=True)
class Expiring:
    """A row that holds until `on`, and the people who may edit it."""

    record: int
    title: str
    register: Register
    on: date
    editors: frozenset[int]


def expiring(county: str, today: date) -> Iterator[Expiring]:
    """Rows in use of the county that end within the days their register says, or have ended."""
    for register in registers(county).values():
        expiry = register.expiry
        if expiry is None:
            continue
        last = today + timedelta(days=expiry.before)
        rows = Record.objects.filter(county=county, register=register.key, **{f"data__{expiry.field}__lte": str(last)})
        rows = rows.filter(state__in=expiry.states) if expiry.states else rows.exclude(state=WITHDRAWN)
        posts = access.posts(register.verb("edit"), area__county=county)
        for row in rows.select_related("organisation", "area").order_by("pk"):
            editors = frozenset(post.person_id for post in access.posts_over(register.verb("edit"), row, posts))
            on = date.fromisoformat(row.data[expiry.field])
            yield Expiring(row.pk, row.title, register, on, editors)
