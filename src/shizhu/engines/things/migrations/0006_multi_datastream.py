"""MultiDatastreams: rows of the Datastreams with several ObservedProperties, told to the hot paths as those are."""

import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models

WATCH = """
CREATE TRIGGER things_catalogue_components AFTER UPDATE OF data_types, observed_property_id
  ON things_datastream FOR EACH STATEMENT EXECUTE FUNCTION things_catalogue_changed();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("things", "0005_copied"),
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
            name="data_types",
            field=models.JSONField(null=True),
        ),
        migrations.AddField(
            model_name="datastream",
            name="observed_properties",
            field=models.ManyToManyField(related_name="multi_datastreams", to="things.observedproperty"),
        ),
        migrations.AddField(
            model_name="datastreamevent",
            name="data_types",
            field=models.JSONField(null=True),
        ),
        migrations.AlterField(
            model_name="datastream",
            name="observed_property",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="datastreams",
                to="things.observedproperty",
            ),
        ),
        migrations.AlterField(
            model_name="datastreamevent",
            name="observed_property",
            field=models.ForeignKey(
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                related_query_name="+",
                to="things.observedproperty",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="datastream",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "things_datastreamevent" ("checks", "data_types", "description", "feature_id", "highest", "id", "is_watched", "key", "lowest", "name", "observation_type", "observed_area", "observed_property_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "properties", "sensor_id", "thing_id", "unit_of_measurement") VALUES (NEW."checks", NEW."data_types", NEW."description", NEW."feature_id", NEW."highest", NEW."id", NEW."is_watched", NEW."key", NEW."lowest", NEW."name", NEW."observation_type", NEW."observed_area", NEW."observed_property_id", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."properties", NEW."sensor_id", NEW."thing_id", NEW."unit_of_measurement"); RETURN NULL;',
                    hash="0e18279be4e43c64eb4558198d6c80ca2354ca60",
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
                    func='INSERT INTO "things_datastreamevent" ("checks", "data_types", "description", "feature_id", "highest", "id", "is_watched", "key", "lowest", "name", "observation_type", "observed_area", "observed_property_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "properties", "sensor_id", "thing_id", "unit_of_measurement") VALUES (NEW."checks", NEW."data_types", NEW."description", NEW."feature_id", NEW."highest", NEW."id", NEW."is_watched", NEW."key", NEW."lowest", NEW."name", NEW."observation_type", NEW."observed_area", NEW."observed_property_id", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."properties", NEW."sensor_id", NEW."thing_id", NEW."unit_of_measurement"); RETURN NULL;',
                    hash="64318d2af3893bb42a596afa2bd8e3f37e48aa0c",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_e1d0c",
                    table="things_datastream",
                    when="AFTER",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="datastream",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("data_types__isnull", False), ("observed_property__isnull", True)),
                    models.Q(("data_types__isnull", True), ("observed_property__isnull", False)),
                    _connector="OR",
                ),
                name="datastream_single_or_multi",
            ),
        ),
        migrations.RunSQL(WATCH, "DROP TRIGGER things_catalogue_components ON things_datastream"),
    ]
