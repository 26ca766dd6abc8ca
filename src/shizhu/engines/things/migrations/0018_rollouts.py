import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models

import shizhu.engines.things.logic.readings


class Migration(migrations.Migration):
    dependencies = [
        ("kernel", "0008_token_used"),
        ("pghistory", "0007_auto_20250421_0444"),
        ("things", "0017_belonging"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="command",
            name="progress",
            field=models.JSONField(null=True),
        ),
        migrations.CreateModel(
            name="Release",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[("firmware", "firmware"), ("configuration", "configuration")], max_length=13
                    ),
                ),
                ("profile", models.CharField(max_length=100)),
                ("name", models.CharField(max_length=100)),
                ("version", models.CharField(max_length=40)),
                ("values", models.JSONField(null=True)),
                ("notes", models.TextField(blank=True)),
                (
                    "origin",
                    models.SmallIntegerField(
                        choices=[(0, "measured"), (1, "simulated"), (2, "replayed")],
                        default=shizhu.engines.things.logic.readings.Origin["MEASURED"],
                    ),
                ),
                ("made_at", models.DateTimeField(auto_now_add=True)),
                ("withdrawn_at", models.DateTimeField(null=True)),
                (
                    "area",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="kernel.area"),
                ),
                ("county", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to="kernel.county")),
                (
                    "file",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="kernel.file"
                    ),
                ),
                (
                    "made_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "organisation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="kernel.organisation"
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="Installed",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[("firmware", "firmware"), ("configuration", "configuration")], max_length=13
                    ),
                ),
                ("at", models.DateTimeField()),
                (
                    "device",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="installed", to="things.device"
                    ),
                ),
                (
                    "release",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="installed", to="things.release"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="ReleaseEvent",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                (
                    "kind",
                    models.CharField(
                        choices=[("firmware", "firmware"), ("configuration", "configuration")], max_length=13
                    ),
                ),
                ("profile", models.CharField(max_length=100)),
                ("name", models.CharField(max_length=100)),
                ("version", models.CharField(max_length=40)),
                ("values", models.JSONField(null=True)),
                ("notes", models.TextField(blank=True)),
                (
                    "origin",
                    models.SmallIntegerField(
                        choices=[(0, "measured"), (1, "simulated"), (2, "replayed")],
                        default=shizhu.engines.things.logic.readings.Origin["MEASURED"],
                    ),
                ),
                ("made_at", models.DateTimeField(auto_now_add=True)),
                ("withdrawn_at", models.DateTimeField(null=True)),
                (
                    "area",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="kernel.area",
                    ),
                ),
                (
                    "county",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="kernel.county",
                    ),
                ),
                (
                    "file",
                    models.ForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="kernel.file",
                    ),
                ),
                (
                    "made_by",
                    models.ForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "organisation",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="kernel.organisation",
                    ),
                ),
                (
                    "pgh_context",
                    models.ForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="pghistory.context",
                    ),
                ),
                (
                    "pgh_obj",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="events",
                        to="things.release",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="Rollout",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("proposed", "waits for a second person"),
                            ("running", "running"),
                            ("paused", "paused"),
                            ("done", "rolled out"),
                            ("halted", "stopped by itself"),
                            ("stopped", "stopped"),
                            ("cancelled", "cancelled"),
                        ],
                        default="proposed",
                        max_length=10,
                    ),
                ),
                ("begun", models.SmallIntegerField(default=0)),
                ("confirm", models.SmallIntegerField()),
                ("most_failed", models.SmallIntegerField()),
                ("why", models.CharField(blank=True, max_length=12)),
                ("asked_at", models.DateTimeField(auto_now_add=True)),
                ("decided_at", models.DateTimeField(null=True)),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "asked_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("county", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to="kernel.county")),
                (
                    "decided_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "release",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="rollouts", to="things.release"
                    ),
                ),
                (
                    "undoes",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="undone_by",
                        to="things.rollout",
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
            },
        ),
        migrations.AddField(
            model_name="servicerecord",
            name="rollout",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="things.rollout"
            ),
        ),
        migrations.CreateModel(
            name="RolloutEvent",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("proposed", "waits for a second person"),
                            ("running", "running"),
                            ("paused", "paused"),
                            ("done", "rolled out"),
                            ("halted", "stopped by itself"),
                            ("stopped", "stopped"),
                            ("cancelled", "cancelled"),
                        ],
                        default="proposed",
                        max_length=10,
                    ),
                ),
                ("begun", models.SmallIntegerField(default=0)),
                ("confirm", models.SmallIntegerField()),
                ("most_failed", models.SmallIntegerField()),
                ("why", models.CharField(blank=True, max_length=12)),
                ("asked_at", models.DateTimeField(auto_now_add=True)),
                ("decided_at", models.DateTimeField(null=True)),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "asked_by",
                    models.ForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "county",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="kernel.county",
                    ),
                ),
                (
                    "decided_by",
                    models.ForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "pgh_context",
                    models.ForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="pghistory.context",
                    ),
                ),
                (
                    "pgh_obj",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="events",
                        to="things.rollout",
                    ),
                ),
                (
                    "release",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="things.release",
                    ),
                ),
                (
                    "undoes",
                    models.ForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="things.rollout",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="Target",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("wave", models.SmallIntegerField()),
                (
                    "before",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="things.release"
                    ),
                ),
                (
                    "command",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="target",
                        to="things.command",
                    ),
                ),
                (
                    "device",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="targets", to="things.device"
                    ),
                ),
                (
                    "release",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="things.release"
                    ),
                ),
                (
                    "rollout",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="targets", to="things.rollout"
                    ),
                ),
            ],
            options={
                "ordering": ["wave", "id"],
            },
        ),
        migrations.AddConstraint(
            model_name="release",
            constraint=models.UniqueConstraint(fields=("county", "profile", "kind", "version"), name="release_version"),
        ),
        migrations.AddConstraint(
            model_name="release",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("file__isnull", False), ("kind", "firmware"), ("values__isnull", True)),
                    models.Q(("file__isnull", True), ("kind", "configuration"), ("values__isnull", False)),
                    _connector="OR",
                ),
                name="release_file_or_values",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="release",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "things_releaseevent" ("area_id", "county_id", "file_id", "id", "kind", "made_at", "made_by_id", "name", "notes", "organisation_id", "origin", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "profile", "values", "version", "withdrawn_at") VALUES (NEW."area_id", NEW."county_id", NEW."file_id", NEW."id", NEW."kind", NEW."made_at", NEW."made_by_id", NEW."name", NEW."notes", NEW."organisation_id", NEW."origin", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."profile", NEW."values", NEW."version", NEW."withdrawn_at"); RETURN NULL;',
                    hash="7d9f56e5d5e228f3d2ce29256cdbbf3fac6e89a5",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_4f189",
                    table="things_release",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="release",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.* IS DISTINCT FROM NEW.*)",
                    func='INSERT INTO "things_releaseevent" ("area_id", "county_id", "file_id", "id", "kind", "made_at", "made_by_id", "name", "notes", "organisation_id", "origin", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "profile", "values", "version", "withdrawn_at") VALUES (NEW."area_id", NEW."county_id", NEW."file_id", NEW."id", NEW."kind", NEW."made_at", NEW."made_by_id", NEW."name", NEW."notes", NEW."organisation_id", NEW."origin", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."profile", NEW."values", NEW."version", NEW."withdrawn_at"); RETURN NULL;',
                    hash="ddff5d20bbe9a183b208c89f4a2b07b55fd48150",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_0bf60",
                    table="things_release",
                    when="AFTER",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="installed",
            constraint=models.UniqueConstraint(fields=("device", "kind"), name="installed_kind"),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="rollout",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "things_rolloutevent" ("asked_at", "asked_by_id", "begun", "confirm", "county_id", "decided_at", "decided_by_id", "ended_at", "id", "most_failed", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "release_id", "state", "undoes_id", "why") VALUES (NEW."asked_at", NEW."asked_by_id", NEW."begun", NEW."confirm", NEW."county_id", NEW."decided_at", NEW."decided_by_id", NEW."ended_at", NEW."id", NEW."most_failed", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."release_id", NEW."state", NEW."undoes_id", NEW."why"); RETURN NULL;',
                    hash="b909782c026ab885e937a8f65494d4b8d4975772",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_8440c",
                    table="things_rollout",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="rollout",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.* IS DISTINCT FROM NEW.*)",
                    func='INSERT INTO "things_rolloutevent" ("asked_at", "asked_by_id", "begun", "confirm", "county_id", "decided_at", "decided_by_id", "ended_at", "id", "most_failed", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "release_id", "state", "undoes_id", "why") VALUES (NEW."asked_at", NEW."asked_by_id", NEW."begun", NEW."confirm", NEW."county_id", NEW."decided_at", NEW."decided_by_id", NEW."ended_at", NEW."id", NEW."most_failed", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."release_id", NEW."state", NEW."undoes_id", NEW."why"); RETURN NULL;',
                    hash="4ed9754699e40f7fd886a5be147ad2655172381f",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_ffbd6",
                    table="things_rollout",
                    when="AFTER",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="target",
            constraint=models.UniqueConstraint(fields=("rollout", "device"), name="target_device"),
        ),
    ]
