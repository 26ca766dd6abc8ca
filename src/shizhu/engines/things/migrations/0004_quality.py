"""Checks of a datastream against the readings before, and why a reading is not good."""

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models

WATCH = """
CREATE TRIGGER things_catalogue_checks AFTER UPDATE OF checks ON things_datastream
  FOR EACH STATEMENT EXECUTE FUNCTION things_catalogue_changed();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("things", "0003_observation_indexes"),
    ]

    operations = [
        pgtrigger.migrations.RemoveTrigger(
            model_name="datastream",
            name="insert_insert",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="datastream",
            name="update_update",
        ),
        migrations.AddField(
            model_name="datastream",
            name="checks",
            field=models.JSONField(null=True),
        ),
        migrations.AddField(
            model_name="datastreamevent",
            name="checks",
            field=models.JSONField(null=True),
        ),
        migrations.AddField(
            model_name="latest",
            name="reason",
            field=models.JSONField(null=True),
        ),
        migrations.AddField(
            model_name="observation",
            name="reason",
            field=models.JSONField(null=True),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="datastream",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "things_datastreamevent" ("checks", "description", "feature_id", "highest", "id", "is_watched", "key", "lowest", "name", "observation_type", "observed_area", "observed_property_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "properties", "sensor_id", "thing_id", "unit_of_measurement") VALUES (NEW."checks", NEW."description", NEW."feature_id", NEW."highest", NEW."id", NEW."is_watched", NEW."key", NEW."lowest", NEW."name", NEW."observation_type", NEW."observed_area", NEW."observed_property_id", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."properties", NEW."sensor_id", NEW."thing_id", NEW."unit_of_measurement"); RETURN NULL;',
                    hash="a0064f58cdb175af7d4ba69921be0d245ab01570",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_e5f79",
                    table="things_datastream",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="datastream",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.* IS DISTINCT FROM NEW.*)",
                    func='INSERT INTO "things_datastreamevent" ("checks", "description", "feature_id", "highest", "id", "is_watched", "key", "lowest", "name", "observation_type", "observed_area", "observed_property_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "properties", "sensor_id", "thing_id", "unit_of_measurement") VALUES (NEW."checks", NEW."description", NEW."feature_id", NEW."highest", NEW."id", NEW."is_watched", NEW."key", NEW."lowest", NEW."name", NEW."observation_type", NEW."observed_area", NEW."observed_property_id", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."properties", NEW."sensor_id", NEW."thing_id", NEW."unit_of_measurement"); RETURN NULL;',
                    hash="63fd310d1ddb6cdb047417b46b6568ecd55f11c2",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_e1d0c",
                    table="things_datastream",
                    when="AFTER",
                ),
            ),
        ),
        migrations.RunSQL(WATCH, "DROP TRIGGER things_catalogue_checks ON things_datastream"),
    ]
