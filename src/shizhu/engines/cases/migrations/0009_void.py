"""Cases that are void, and petitions for it."""

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models


class Migration(migrations.Migration):
    """One column, and one more kind."""

    dependencies = [
        ("cases", "0008_held"),
    ]

    operations = [
        pgtrigger.migrations.RemoveTrigger(
            model_name="case",
            name="insert_insert",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="case",
            name="update_update",
        ),
        migrations.AddField(
            model_name="case",
            name="is_void",
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name="caseevent",
            name="is_void",
            field=models.BooleanField(default=False),
        ),
        migrations.AlterField(
            model_name="petition",
            name="kind",
            field=models.CharField(
                choices=[("pause", "Pause"), ("extend", "Extend"), ("return", "Return"), ("void", "Void")], max_length=8
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="case",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "cases_caseevent" ("alarm", "area_id", "closed_at", "county_id", "datastream", "digest", "due_at", "ended_at", "flow", "id", "is_void", "number", "opened_at", "opened_by_id", "organisation_id", "origin", "paused_at", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "stage", "status", "supervised_by_id", "supervised_until", "title") VALUES (NEW."alarm", NEW."area_id", NEW."closed_at", NEW."county_id", NEW."datastream", NEW."digest", NEW."due_at", NEW."ended_at", NEW."flow", NEW."id", NEW."is_void", NEW."number", NEW."opened_at", NEW."opened_by_id", NEW."organisation_id", NEW."origin", NEW."paused_at", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."stage", NEW."status", NEW."supervised_by_id", NEW."supervised_until", NEW."title"); RETURN NULL;',
                    hash="5b6f3cef18e3cf57fea8a8c713667266d882d1df",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_0b483",
                    table="cases_case",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="case",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."alarm" IS DISTINCT FROM (NEW."alarm") OR OLD."area_id" IS DISTINCT FROM (NEW."area_id") OR OLD."closed_at" IS DISTINCT FROM (NEW."closed_at") OR OLD."county_id" IS DISTINCT FROM (NEW."county_id") OR OLD."datastream" IS DISTINCT FROM (NEW."datastream") OR OLD."digest" IS DISTINCT FROM (NEW."digest") OR OLD."due_at" IS DISTINCT FROM (NEW."due_at") OR OLD."ended_at" IS DISTINCT FROM (NEW."ended_at") OR OLD."flow" IS DISTINCT FROM (NEW."flow") OR OLD."id" IS DISTINCT FROM (NEW."id") OR OLD."is_void" IS DISTINCT FROM (NEW."is_void") OR OLD."number" IS DISTINCT FROM (NEW."number") OR OLD."opened_at" IS DISTINCT FROM (NEW."opened_at") OR OLD."opened_by_id" IS DISTINCT FROM (NEW."opened_by_id") OR OLD."organisation_id" IS DISTINCT FROM (NEW."organisation_id") OR OLD."origin" IS DISTINCT FROM (NEW."origin") OR OLD."paused_at" IS DISTINCT FROM (NEW."paused_at") OR OLD."stage" IS DISTINCT FROM (NEW."stage") OR OLD."status" IS DISTINCT FROM (NEW."status") OR OLD."supervised_by_id" IS DISTINCT FROM (NEW."supervised_by_id") OR OLD."supervised_until" IS DISTINCT FROM (NEW."supervised_until") OR OLD."title" IS DISTINCT FROM (NEW."title"))',
                    func='INSERT INTO "cases_caseevent" ("alarm", "area_id", "closed_at", "county_id", "datastream", "digest", "due_at", "ended_at", "flow", "id", "is_void", "number", "opened_at", "opened_by_id", "organisation_id", "origin", "paused_at", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "stage", "status", "supervised_by_id", "supervised_until", "title") VALUES (NEW."alarm", NEW."area_id", NEW."closed_at", NEW."county_id", NEW."datastream", NEW."digest", NEW."due_at", NEW."ended_at", NEW."flow", NEW."id", NEW."is_void", NEW."number", NEW."opened_at", NEW."opened_by_id", NEW."organisation_id", NEW."origin", NEW."paused_at", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."stage", NEW."status", NEW."supervised_by_id", NEW."supervised_until", NEW."title"); RETURN NULL;',
                    hash="dca4c938332004fdca1763400e12d95cff24dc83",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_f5146",
                    table="cases_case",
                    when="AFTER",
                ),
            ),
        ),
    ]
