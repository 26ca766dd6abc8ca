import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("plan", "0008_owners"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Extension",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("was_due", models.DateField()),
                ("until", models.DateField()),
                ("reason", models.CharField(max_length=500)),
                ("asked_at", models.DateTimeField()),
                (
                    "state",
                    models.CharField(
                        choices=[("waiting", "Waiting"), ("approved", "Approved"), ("refused", "Refused")],
                        default="waiting",
                        max_length=10,
                    ),
                ),
                ("decided_at", models.DateTimeField(null=True)),
                ("why", models.CharField(blank=True, max_length=500)),
            ],
            options={
                "ordering": ["-asked_at", "-pk"],
            },
        ),
        migrations.CreateModel(
            name="Proof",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField()),
                ("period", models.CharField(max_length=10)),
                ("value", models.FloatField(null=True)),
                ("inputs", models.JSONField(default=dict)),
                ("is_met", models.BooleanField(null=True)),
                ("is_simulated", models.BooleanField(default=False)),
            ],
            options={
                "ordering": ["-at", "-pk"],
            },
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="indicator",
            name="insert_insert",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="indicator",
            name="update_update",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="node",
            name="insert_insert",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="node",
            name="update_update",
        ),
        migrations.AddField(
            model_name="indicator",
            name="edited",
            field=models.JSONField(default=list),
        ),
        migrations.AddField(
            model_name="indicatorevent",
            name="edited",
            field=models.JSONField(default=list),
        ),
        migrations.AddField(
            model_name="node",
            name="is_contradicted",
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name="node",
            name="proof",
            field=models.JSONField(null=True),
        ),
        migrations.AddField(
            model_name="node",
            name="proved_on",
            field=models.DateField(null=True),
        ),
        migrations.AddField(
            model_name="nodeevent",
            name="proof",
            field=models.JSONField(null=True),
        ),
        migrations.AddField(
            model_name="task",
            name="edited",
            field=models.JSONField(default=list),
        ),
        migrations.AddField(
            model_name="task",
            name="source",
            field=models.CharField(default="plan", max_length=10),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="indicator",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "plan_indicatorevent" ("base_value", "base_year", "due_days", "edited", "formula", "growth", "id", "is_cumulative", "is_rising", "key", "kind", "name", "no", "order", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "place", "plan_id", "source", "steps", "target_value", "target_year", "tolerance", "unit") VALUES (NEW."base_value", NEW."base_year", NEW."due_days", NEW."edited", NEW."formula", NEW."growth", NEW."id", NEW."is_cumulative", NEW."is_rising", NEW."key", NEW."kind", NEW."name", NEW."no", NEW."order", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."place", NEW."plan_id", NEW."source", NEW."steps", NEW."target_value", NEW."target_year", NEW."tolerance", NEW."unit"); RETURN NULL;',
                    hash="29a5942213b15513a428c019d7edfb07e0237201",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_09c0c",
                    table="plan_indicator",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="indicator",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.* IS DISTINCT FROM NEW.*)",
                    func='INSERT INTO "plan_indicatorevent" ("base_value", "base_year", "due_days", "edited", "formula", "growth", "id", "is_cumulative", "is_rising", "key", "kind", "name", "no", "order", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "place", "plan_id", "source", "steps", "target_value", "target_year", "tolerance", "unit") VALUES (NEW."base_value", NEW."base_year", NEW."due_days", NEW."edited", NEW."formula", NEW."growth", NEW."id", NEW."is_cumulative", NEW."is_rising", NEW."key", NEW."kind", NEW."name", NEW."no", NEW."order", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."place", NEW."plan_id", NEW."source", NEW."steps", NEW."target_value", NEW."target_year", NEW."tolerance", NEW."unit"); RETURN NULL;',
                    hash="d8df79f9ae8ce73e80710aea54fca5dfc015a3ff",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_cf809",
                    table="plan_indicator",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="node",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "plan_nodeevent" ("area_id", "counted", "county_id", "due_on", "files", "id", "is_false", "is_simulated", "organisation_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "piece_id", "proof", "reopened", "title", "value") VALUES (NEW."area_id", NEW."counted", NEW."county_id", NEW."due_on", NEW."files", NEW."id", NEW."is_false", NEW."is_simulated", NEW."organisation_id", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."piece_id", NEW."proof", NEW."reopened", NEW."title", NEW."value"); RETURN NULL;',
                    hash="64f8e6b0348012430354be607e6f47e869ea6a74",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_c0a75",
                    table="plan_node",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="node",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."area_id" IS DISTINCT FROM (NEW."area_id") OR OLD."counted" IS DISTINCT FROM (NEW."counted") OR OLD."county_id" IS DISTINCT FROM (NEW."county_id") OR OLD."due_on" IS DISTINCT FROM (NEW."due_on") OR OLD."files" IS DISTINCT FROM (NEW."files") OR OLD."id" IS DISTINCT FROM (NEW."id") OR OLD."is_false" IS DISTINCT FROM (NEW."is_false") OR OLD."is_simulated" IS DISTINCT FROM (NEW."is_simulated") OR OLD."organisation_id" IS DISTINCT FROM (NEW."organisation_id") OR OLD."piece_id" IS DISTINCT FROM (NEW."piece_id") OR OLD."proof" IS DISTINCT FROM (NEW."proof") OR OLD."reopened" IS DISTINCT FROM (NEW."reopened") OR OLD."title" IS DISTINCT FROM (NEW."title") OR OLD."value" IS DISTINCT FROM (NEW."value"))',
                    func='INSERT INTO "plan_nodeevent" ("area_id", "counted", "county_id", "due_on", "files", "id", "is_false", "is_simulated", "organisation_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "piece_id", "proof", "reopened", "title", "value") VALUES (NEW."area_id", NEW."counted", NEW."county_id", NEW."due_on", NEW."files", NEW."id", NEW."is_false", NEW."is_simulated", NEW."organisation_id", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."piece_id", NEW."proof", NEW."reopened", NEW."title", NEW."value"); RETURN NULL;',
                    hash="00065171a50a233eb7df70df8e0f0b4ab159377c",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_8a283",
                    table="plan_node",
                    when="AFTER",
                ),
            ),
        ),
        migrations.AddField(
            model_name="extension",
            name="asked_by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="extension",
            name="decided_by",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="extension",
            name="node",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="extensions", to="plan.node"
            ),
        ),
        migrations.AddField(
            model_name="proof",
            name="node",
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="proofs", to="plan.node"),
        ),
        migrations.AddConstraint(
            model_name="extension",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "waiting")), fields=("node",), name="extension_waits_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="extension",
            constraint=models.CheckConstraint(
                condition=models.Q(("until__gt", models.F("was_due"))), name="extension_later"
            ),
        ),
        migrations.RunSQL("UPDATE plan_task SET source = 'person' WHERE \"order\" = 2000", migrations.RunSQL.noop),
    ]
