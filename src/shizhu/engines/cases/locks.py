"""Who sends the same thing at once comes one after the other."""

from __future__ import annotations

from django.db import connection


def hold(name: str) -> None:
    """Until the transaction ends, nobody else holds this name."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [name])
