"""Indexes on a table that is in use: made while rows are written, and anew where one was left half made."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from shizhu.engines.records import api
from shizhu.kernel.models import County

pytestmark = pytest.mark.django_db(transaction=True)
PERMITS = "SELECT indexname FROM pg_indexes WHERE indexname LIKE 'declared_lemonade_permit%'"
LEFT = """
SELECT format('DROP INDEX %I', indexname) FROM pg_indexes WHERE indexname LIKE 'declared_%'
UNION ALL SELECT format('DROP STATISTICS %I', stxname) FROM pg_statistic_ext WHERE stxname LIKE 'declared_of_%'
"""


def asked(sql: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return [text for (text,) in cursor.fetchall()]


@pytest.fixture(autouse=True)
def tidy() -> Iterator[None]:
    """What stays beyond a transaction is taken away."""
    yield
    for statement in asked(LEFT):
        with connection.cursor() as cursor:
            cursor.execute(statement)


def test_indexes_are_made_while_rows_are_written_and_half_made_ones_anew(county: County) -> None:
    api.prepare_registers()
    whole = asked(PERMITS)
    broken, dropped = sorted(whole)[:2]
    with connection.cursor() as cursor:
        cursor.execute(f'DROP INDEX "{dropped}"')
        cursor.execute("UPDATE pg_index SET indisvalid = FALSE WHERE indexrelid = %s::regclass", [broken])
    with CaptureQueriesContext(connection) as queries:
        assert api.prepare_registers() == 2
    made = [query["sql"] for query in queries if query["sql"].startswith(("CREATE", "DROP"))]
    assert len(made) == 3
    assert all("CONCURRENTLY" in sql for sql in made)
    assert sorted(asked(PERMITS)) == sorted(whole)
    assert api.prepare_registers() == 0
