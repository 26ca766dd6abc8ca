"""Commands, service records, maintenance, devices nobody has put up yet; PostgreSQL tells who was revoked."""

import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models

FORWARD = """
CREATE FUNCTION things_device_revoked() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN PERFORM pg_notify('things_revoked', OLD.key); RETURN NULL; END $$;
CREATE TRIGGER things_revoked AFTER UPDATE OF secret, is_enabled ON things_device FOR EACH ROW
  WHEN (OLD.secret <> NEW.secret OR (OLD.is_enabled AND NOT NEW.is_enabled))
  EXECUTE FUNCTION things_device_revoked();
CREATE TRIGGER things_revoked_delete AFTER DELETE ON things_device FOR EACH ROW
  EXECUTE FUNCTION things_device_revoked();
"""
BACKWARD = """
DROP TRIGGER things_revoked_delete ON things_device;
DROP TRIGGER things_revoked ON things_device;
DROP FUNCTION things_device_revoked;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("kernel", "0007_notices"),
        ("pghistory", "0007_auto_20250421_0444"),
        ("things", "0008_box_of_geojson"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Command",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=60)),
                ("parameters", models.JSONField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("proposed", "waits for a second person"),
                            ("queued", "waits to be sent"),
                            ("sent", "sent"),
                            ("acknowledged", "received by the device"),
                            ("done", "carried out"),
                            ("failed", "not carried out"),
                            ("timed_out", "no answer in time"),
                            ("cancelled", "cancelled"),
                        ],
                        max_length=12,
                    ),
                ),
                ("batch", models.UUIDField(db_index=True)),
                ("asked_at", models.DateTimeField(auto_now_add=True)),
                ("expires", models.DateTimeField()),
                ("tries", models.SmallIntegerField(default=0)),
                ("sent_at", models.DateTimeField(null=True)),
                ("acknowledged_at", models.DateTimeField(null=True)),
                ("ended_at", models.DateTimeField(null=True)),
                ("answer", models.JSONField(null=True)),
            ],
            options={
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="CommandEvent",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                ("name", models.CharField(max_length=60)),
                ("parameters", models.JSONField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("proposed", "waits for a second person"),
                            ("queued", "waits to be sent"),
                            ("sent", "sent"),
                            ("acknowledged", "received by the device"),
                            ("done", "carried out"),
                            ("failed", "not carried out"),
                            ("timed_out", "no answer in time"),
                            ("cancelled", "cancelled"),
                        ],
                        max_length=12,
                    ),
                ),
                ("batch", models.UUIDField()),
                ("asked_at", models.DateTimeField(auto_now_add=True)),
                ("expires", models.DateTimeField()),
                ("acknowledged_at", models.DateTimeField(null=True)),
                ("ended_at", models.DateTimeField(null=True)),
                ("answer", models.JSONField(null=True)),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="Maintenance",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("starts", models.DateTimeField()),
                ("ends", models.DateTimeField()),
                ("reason", models.CharField(max_length=200)),
                ("entered_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "ordering": ["-starts"],
            },
        ),
        migrations.CreateModel(
            name="MaintenanceEvent",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                ("starts", models.DateTimeField()),
                ("ends", models.DateTimeField()),
                ("reason", models.CharField(max_length=200)),
                ("entered_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="ServiceRecord",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("calibration", "calibration"),
                            ("installation", "installation"),
                            ("repair", "repair"),
                            ("firmware", "firmware"),
                            ("setting", "setting"),
                        ],
                        max_length=12,
                    ),
                ),
                ("at", models.DateTimeField()),
                ("before", models.CharField(blank=True, max_length=100)),
                ("after", models.CharField(blank=True, max_length=100)),
                ("note", models.TextField(blank=True)),
                ("valid_until", models.DateField(null=True)),
                ("entered_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "ordering": ["-at", "-id"],
            },
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="device",
            name="insert_insert",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="device",
            name="update_update",
        ),
        migrations.AddField(
            model_name="device",
            name="claim",
            field=models.CharField(max_length=32, null=True, unique=True),
        ),
        migrations.AddField(
            model_name="deviceevent",
            name="claim",
            field=models.CharField(max_length=32, null=True),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="device",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "things_deviceevent" ("claim", "county_id", "id", "is_enabled", "is_lenient", "key", "origin", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "profile", "secret", "thing_id") VALUES (NEW."claim", NEW."county_id", NEW."id", NEW."is_enabled", NEW."is_lenient", NEW."key", NEW."origin", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."profile", NEW."secret", NEW."thing_id"); RETURN NULL;',
                    hash="7aa251c72babfe56945950c977c7e8947ba70ad3",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_7c507",
                    table="things_device",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="device",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."claim" IS DISTINCT FROM (NEW."claim") OR OLD."county_id" IS DISTINCT FROM (NEW."county_id") OR OLD."id" IS DISTINCT FROM (NEW."id") OR OLD."is_enabled" IS DISTINCT FROM (NEW."is_enabled") OR OLD."is_lenient" IS DISTINCT FROM (NEW."is_lenient") OR OLD."key" IS DISTINCT FROM (NEW."key") OR OLD."origin" IS DISTINCT FROM (NEW."origin") OR OLD."profile" IS DISTINCT FROM (NEW."profile") OR OLD."secret" IS DISTINCT FROM (NEW."secret") OR OLD."thing_id" IS DISTINCT FROM (NEW."thing_id"))',
                    func='INSERT INTO "things_deviceevent" ("claim", "county_id", "id", "is_enabled", "is_lenient", "key", "origin", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "profile", "secret", "thing_id") VALUES (NEW."claim", NEW."county_id", NEW."id", NEW."is_enabled", NEW."is_lenient", NEW."key", NEW."origin", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."profile", NEW."secret", NEW."thing_id"); RETURN NULL;',
                    hash="078672094cbd077bf5d93b4ebb822e8aff6c4ec8",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_82415",
                    table="things_device",
                    when="AFTER",
                ),
            ),
        ),
        migrations.AddField(
            model_name="command",
            name="asked_by",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="command",
            name="decided_by",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="command",
            name="device",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="commands", to="things.device"
            ),
        ),
        migrations.AddField(
            model_name="commandevent",
            name="asked_by",
            field=models.ForeignKey(
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                related_query_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="commandevent",
            name="decided_by",
            field=models.ForeignKey(
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                related_query_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="commandevent",
            name="device",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                related_query_name="+",
                to="things.device",
            ),
        ),
        migrations.AddField(
            model_name="commandevent",
            name="pgh_context",
            field=models.ForeignKey(
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="pghistory.context",
            ),
        ),
        migrations.AddField(
            model_name="commandevent",
            name="pgh_obj",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="events",
                to="things.command",
            ),
        ),
        migrations.AddField(
            model_name="maintenance",
            name="entered_by",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="maintenance",
            name="thing",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="maintenance", to="things.thing"
            ),
        ),
        migrations.AddField(
            model_name="maintenanceevent",
            name="entered_by",
            field=models.ForeignKey(
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                related_query_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="maintenanceevent",
            name="pgh_context",
            field=models.ForeignKey(
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="pghistory.context",
            ),
        ),
        migrations.AddField(
            model_name="maintenanceevent",
            name="pgh_obj",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="events",
                to="things.maintenance",
            ),
        ),
        migrations.AddField(
            model_name="maintenanceevent",
            name="thing",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                related_query_name="+",
                to="things.thing",
            ),
        ),
        migrations.AddField(
            model_name="servicerecord",
            name="certificate",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="kernel.file"
            ),
        ),
        migrations.AddField(
            model_name="servicerecord",
            name="datastream",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to="things.datastream"
            ),
        ),
        migrations.AddField(
            model_name="servicerecord",
            name="device",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="service_records", to="things.device"
            ),
        ),
        migrations.AddField(
            model_name="servicerecord",
            name="entered_by",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddIndex(
            model_name="command",
            index=models.Index(
                condition=models.Q(("state__in", ["proposed", "queued", "sent", "acknowledged"])),
                fields=["expires"],
                name="command_open",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="command",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "things_commandevent" ("acknowledged_at", "answer", "asked_at", "asked_by_id", "batch", "decided_by_id", "device_id", "ended_at", "expires", "id", "name", "parameters", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "state") VALUES (NEW."acknowledged_at", NEW."answer", NEW."asked_at", NEW."asked_by_id", NEW."batch", NEW."decided_by_id", NEW."device_id", NEW."ended_at", NEW."expires", NEW."id", NEW."name", NEW."parameters", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."state"); RETURN NULL;',
                    hash="bfb521f59b4d12f455b7c03d9aa5388f37253613",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_09a7b",
                    table="things_command",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="command",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."acknowledged_at" IS DISTINCT FROM (NEW."acknowledged_at") OR OLD."answer" IS DISTINCT FROM (NEW."answer") OR OLD."asked_at" IS DISTINCT FROM (NEW."asked_at") OR OLD."asked_by_id" IS DISTINCT FROM (NEW."asked_by_id") OR OLD."batch" IS DISTINCT FROM (NEW."batch") OR OLD."decided_by_id" IS DISTINCT FROM (NEW."decided_by_id") OR OLD."device_id" IS DISTINCT FROM (NEW."device_id") OR OLD."ended_at" IS DISTINCT FROM (NEW."ended_at") OR OLD."expires" IS DISTINCT FROM (NEW."expires") OR OLD."id" IS DISTINCT FROM (NEW."id") OR OLD."name" IS DISTINCT FROM (NEW."name") OR OLD."parameters" IS DISTINCT FROM (NEW."parameters") OR OLD."state" IS DISTINCT FROM (NEW."state"))',
                    func='INSERT INTO "things_commandevent" ("acknowledged_at", "answer", "asked_at", "asked_by_id", "batch", "decided_by_id", "device_id", "ended_at", "expires", "id", "name", "parameters", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "state") VALUES (NEW."acknowledged_at", NEW."answer", NEW."asked_at", NEW."asked_by_id", NEW."batch", NEW."decided_by_id", NEW."device_id", NEW."ended_at", NEW."expires", NEW."id", NEW."name", NEW."parameters", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."state"); RETURN NULL;',
                    hash="ea471b62f70aa3cc206621f11c2eebccaefbb933",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_550e1",
                    table="things_command",
                    when="AFTER",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="maintenance",
            constraint=models.CheckConstraint(
                condition=models.Q(("ends__gt", models.F("starts"))), name="maintenance_order"
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="maintenance",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "things_maintenanceevent" ("ends", "entered_at", "entered_by_id", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "reason", "starts", "thing_id") VALUES (NEW."ends", NEW."entered_at", NEW."entered_by_id", NEW."id", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."reason", NEW."starts", NEW."thing_id"); RETURN NULL;',
                    hash="a08eccabc72bb4ee76291999da1f14d7188bff0e",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_0e872",
                    table="things_maintenance",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="maintenance",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.* IS DISTINCT FROM NEW.*)",
                    func='INSERT INTO "things_maintenanceevent" ("ends", "entered_at", "entered_by_id", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "reason", "starts", "thing_id") VALUES (NEW."ends", NEW."entered_at", NEW."entered_by_id", NEW."id", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."reason", NEW."starts", NEW."thing_id"); RETURN NULL;',
                    hash="52d5e4e2ec797b3ad42764ba4c8fff2f249667e7",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_ec127",
                    table="things_maintenance",
                    when="AFTER",
                ),
            ),
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
