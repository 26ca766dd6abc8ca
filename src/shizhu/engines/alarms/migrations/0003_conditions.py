import datetime

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models

BOUND_ANEW = "TRUNCATE alarms_memory, alarms_binding"  # rules are bound at every start
SOURCE = "UPDATE alarms_alarm SET source = 'datastream/' || datastream"
OCCURRENCES = """
INSERT INTO alarms_occurrence (alarm_id, datastream, since, raised_at, recovered_at, kept_since, value, "limit", origin,
  levels, is_withdrawn)
SELECT id, datastream, since, raised_at, coalesce(recovered_at, cleared_at), recovered_at, value, "limit", origin,
  jsonb_build_array(jsonb_build_array((extract(epoch FROM raised_at) * 1000000)::bigint, level)), FALSE
FROM alarms_alarm
"""


class Migration(migrations.Migration):
    dependencies = [
        ("alarms", "0002_gap"),
        ("kernel", "0008_token_used"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RunSQL(BOUND_ANEW, migrations.RunSQL.noop),
        migrations.CreateModel(
            name="Occurrence",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("datastream", models.BigIntegerField()),
                ("since", models.DateTimeField()),
                ("raised_at", models.DateTimeField()),
                ("recovered_at", models.DateTimeField(null=True)),
                ("kept_since", models.DateTimeField(null=True)),
                ("value", models.FloatField(null=True)),
                ("limit", models.CharField(max_length=40)),
                ("origin", models.SmallIntegerField()),
                ("levels", models.JSONField()),
                ("is_withdrawn", models.BooleanField(default=False)),
            ],
            options={
                "ordering": ["raised_at"],
            },
        ),
        migrations.CreateModel(
            name="Revision",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("token", models.UUIDField()),
            ],
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="alarm",
            name="insert_insert",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="alarm",
            name="update_update",
        ),
        migrations.RemoveConstraint(
            model_name="alarm",
            name="alarm_one_open",
        ),
        migrations.RemoveConstraint(
            model_name="binding",
            name="binding_once",
        ),
        migrations.RemoveIndex(
            model_name="binding",
            name="binding_datastream",
        ),
        migrations.RemoveField(
            model_name="binding",
            name="clearing",
        ),
        migrations.RemoveField(
            model_name="binding",
            name="datastream",
        ),
        migrations.RemoveField(
            model_name="binding",
            name="gap",
        ),
        migrations.RemoveField(
            model_name="binding",
            name="high",
        ),
        migrations.RemoveField(
            model_name="binding",
            name="lasting",
        ),
        migrations.RemoveField(
            model_name="binding",
            name="low",
        ),
        migrations.RemoveField(
            model_name="memory",
            name="broken_since",
        ),
        migrations.RemoveField(
            model_name="memory",
            name="is_raised",
        ),
        migrations.RemoveField(
            model_name="memory",
            name="kept_since",
        ),
        migrations.RemoveField(
            model_name="memory",
            name="last",
        ),
        migrations.AddField(
            model_name="alarm",
            name="is_withdrawn",
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name="alarm",
            name="source",
            field=models.CharField(default="", max_length=120),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="alarmevent",
            name="is_withdrawn",
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name="alarmevent",
            name="source",
            field=models.CharField(default="", max_length=120),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="binding",
            name="begun",
            field=models.DateTimeField(default=datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="binding",
            name="inputs",
            field=models.JSONField(default=dict),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="binding",
            name="said",
            field=models.JSONField(default=dict),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="binding",
            name="source",
            field=models.CharField(default="", max_length=120),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="binding",
            name="streams",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.BigIntegerField(), default=list, size=None
            ),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="binding",
            name="version",
            field=models.CharField(default="", max_length=64),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="memory",
            name="before",
            field=models.TextField(default=""),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="memory",
            name="due",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="memory",
            name="newest",
            field=models.BigIntegerField(default=0),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="memory",
            name="state",
            field=models.TextField(default=""),
            preserve_default=False,
        ),
        migrations.AlterField(
            model_name="alarm",
            name="value",
            field=models.FloatField(null=True),
        ),
        migrations.AlterField(
            model_name="alarmevent",
            name="value",
            field=models.FloatField(null=True),
        ),
        migrations.AddIndex(
            model_name="alarm",
            index=models.Index(fields=["rule", "source"], name="alarm_source"),
        ),
        migrations.AddIndex(
            model_name="binding",
            index=django.contrib.postgres.indexes.GinIndex(fields=["streams"], name="binding_streams"),
        ),
        migrations.AddIndex(
            model_name="memory",
            index=models.Index(condition=models.Q(("due__isnull", False)), fields=["due"], name="memory_due"),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="alarm",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "alarms_alarmevent" ("area_id", "cleared_at", "cleared_by_id", "cleared_why", "county_id", "datastream", "detected_at", "id", "is_withdrawn", "level", "limit", "occurrences", "organisation_id", "origin", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "raised_at", "recovered_at", "rule", "since", "source", "state", "value") VALUES (NEW."area_id", NEW."cleared_at", NEW."cleared_by_id", NEW."cleared_why", NEW."county_id", NEW."datastream", NEW."detected_at", NEW."id", NEW."is_withdrawn", NEW."level", NEW."limit", NEW."occurrences", NEW."organisation_id", NEW."origin", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."raised_at", NEW."recovered_at", NEW."rule", NEW."since", NEW."source", NEW."state", NEW."value"); RETURN NULL;',
                    hash="d30d778f6a5798e23bd8a88d5f30323919f79557",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_34824",
                    table="alarms_alarm",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="alarm",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.* IS DISTINCT FROM NEW.*)",
                    func='INSERT INTO "alarms_alarmevent" ("area_id", "cleared_at", "cleared_by_id", "cleared_why", "county_id", "datastream", "detected_at", "id", "is_withdrawn", "level", "limit", "occurrences", "organisation_id", "origin", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "raised_at", "recovered_at", "rule", "since", "source", "state", "value") VALUES (NEW."area_id", NEW."cleared_at", NEW."cleared_by_id", NEW."cleared_why", NEW."county_id", NEW."datastream", NEW."detected_at", NEW."id", NEW."is_withdrawn", NEW."level", NEW."limit", NEW."occurrences", NEW."organisation_id", NEW."origin", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."raised_at", NEW."recovered_at", NEW."rule", NEW."since", NEW."source", NEW."state", NEW."value"); RETURN NULL;',
                    hash="392c10e6f39f7a364fc49139c487becd86ec5670",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_e2db5",
                    table="alarms_alarm",
                    when="AFTER",
                ),
            ),
        ),
        migrations.RunSQL(SOURCE, migrations.RunSQL.noop),
        migrations.AddConstraint(
            model_name="alarm",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "open")), fields=("rule", "source"), name="alarm_one_open"
            ),
        ),
        migrations.AddConstraint(
            model_name="binding",
            constraint=models.UniqueConstraint(fields=("rule", "source"), name="binding_once"),
        ),
        migrations.AddField(
            model_name="occurrence",
            name="alarm",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="happened", to="alarms.alarm"
            ),
        ),
        migrations.RunSQL(OCCURRENCES, migrations.RunSQL.noop),
    ]
