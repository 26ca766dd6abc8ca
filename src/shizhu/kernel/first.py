"""Migrations that change the database when all their operations are known."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import migrations
from django.db.migrations.state import ProjectState


class AtOnce(migrations.Migration):
    """Changes the database by the models as they are when all its operations are done.

    Django renders every model that is related to another anew after every operation, which with 170 models is most of
    what a first start does. Here they are rendered once. Fields, indexes and constraints that are added to a model
    made here are in its table already. Not for operations that build on one another, as a field renamed and altered.
    """

    added: ClassVar = (migrations.AddField, migrations.AddIndex, migrations.AddConstraint)

    def apply(self, project_state: ProjectState, schema_editor: Any, collect_sql: bool = False) -> ProjectState:
        """The state after it; `collect_sql` (the command sqlmigrate) takes Django's own way."""
        if collect_sql:
            return super().apply(project_state, schema_editor, collect_sql)
        end = ProjectState({key: model.clone() for key, model in project_state.models.items()}, project_state.real_apps)
        made = {operation.name_lower for operation in self.operations if isinstance(operation, migrations.CreateModel)}
        for operation in self.operations:
            operation.state_forwards(self.app_label, end)
        for operation in self.operations:
            if not (isinstance(operation, self.added) and operation.model_name_lower in made):
                operation.database_forwards(self.app_label, schema_editor, project_state, end)
        return end


class First(AtOnce):
    """The first migration of an app."""

    initial = True
