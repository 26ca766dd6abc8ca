"""Who administers a county that has just been made; whose database is not touched."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from tests.fixtures import person

from shizhu.kernel import testing
from shizhu.kernel.models import County, Person
from shizhu.site import preparation
from shizhu.site.config import Trouble

pytestmark = pytest.mark.django_db


def administered(username: str = "admin") -> set[str]:
    posts = Person.objects.get(username=username).posts.filter(role="kernel.administrator")
    return set(posts.values_list("area__code", flat=True))


def test_admin_administers_each_county_that_never_had_anybody(county: County) -> None:
    preparation.sync_roles()
    assert len(preparation.first_administrator()) == 12
    assert administered() == {county.pk}
    testing.made_up_county("990002")
    assert preparation.first_administrator() == ""
    assert administered() == {county.pk, "990002"}
    assert preparation.first_administrator() == ""
    assert Person.objects.get(username="admin").posts.count() == 2


def test_a_county_with_an_administrator_of_its_own_is_left_to_them(county: County) -> None:
    preparation.sync_roles()
    theirs = person(county, role="kernel.administrator", username="theirs")
    preparation.first_administrator()
    assert administered() == set()
    assert administered(theirs.username) == {county.pk}


def test_a_database_of_another_version_is_left_alone() -> None:
    recorder = MigrationRecorder(connection)
    recorder.record_applied("things", "9999_of_tomorrow")
    before = sorted(recorder.applied_migrations())
    with pytest.raises(Trouble) as caught:
        preparation.migrate()
    assert str(caught.value) == (
        "the database was made by another version (things.9999_of_tomorrow is not known here): nothing was changed; "
        "start it with the version that made it, or set SHIZHU_HOME or DATABASE_URL to another"
    )
    assert sorted(recorder.applied_migrations()) == before


def test_every_field_index_constraint_and_reference_of_a_model_is_in_its_table() -> None:
    """First migrations make their tables at once (`kernel.first`): nothing may be left out of them."""
    for model in [
        model for model in apps.get_models() if model.__module__.startswith("shizhu.") and model._meta.managed
    ]:
        table, meta = model._meta.db_table, model._meta
        with connection.cursor() as cursor:
            columns = {column.name for column in connection.introspection.get_table_description(cursor, table)}
            found = connection.introspection.get_constraints(cursor, table)
        assert columns == {field.column for field in meta.local_concrete_fields}, table
        assert {one.name for one in (*meta.indexes, *meta.constraints)} - set(found) == set(), table
        wanted = {field.column for field in meta.local_concrete_fields if getattr(field, "db_constraint", False)}
        assert {one["columns"][0] for one in found.values() if one["foreign_key"]} == wanted, table


def test_no_change_of_a_model_is_without_a_migration() -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)
