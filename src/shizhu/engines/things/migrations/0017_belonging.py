"""An observation's Datastream and feature are looked up once for all rows of a statement.

A foreign key looks them up for every row, which took more than half of what copying a reading took. What it promises
stays: nothing is written whose Datastream or feature is not there, and neither goes while an observation has it.
"""

import django.db.models.deletion
from django.db import migrations, models

FORWARD = """
CREATE FUNCTION things_belongs() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE wanted bigint[]; found int;
BEGIN
  wanted := ARRAY(SELECT DISTINCT datastream_id FROM made);
  PERFORM FROM things_datastream WHERE id = ANY(wanted) ORDER BY id FOR KEY SHARE;
  GET DIAGNOSTICS found = ROW_COUNT;
  IF found < cardinality(wanted) THEN
    RAISE foreign_key_violation USING MESSAGE = 'an observation names a Datastream that is not there';
  END IF;
  wanted := ARRAY(SELECT DISTINCT feature_id FROM made WHERE feature_id IS NOT NULL);
  IF cardinality(wanted) > 0 THEN
    PERFORM FROM things_featureofinterest WHERE id = ANY(wanted) ORDER BY id FOR KEY SHARE;
    GET DIAGNOSTICS found = ROW_COUNT;
    IF found < cardinality(wanted) THEN
      RAISE foreign_key_violation USING MESSAGE = 'an observation names a FeatureOfInterest that is not there';
    END IF;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER things_belongs AFTER INSERT ON things_observation
  REFERENCING NEW TABLE AS made FOR EACH STATEMENT EXECUTE FUNCTION things_belongs();
CREATE TRIGGER things_belongs_still AFTER UPDATE ON things_observation
  REFERENCING NEW TABLE AS made FOR EACH STATEMENT EXECUTE FUNCTION things_belongs();
CREATE FUNCTION things_is_observed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE is_observed boolean;
BEGIN
  EXECUTE format('SELECT EXISTS (SELECT FROM things_observation WHERE %I = $1)', TG_ARGV[0]) INTO is_observed USING OLD.id;
  IF is_observed THEN
    RAISE foreign_key_violation USING MESSAGE = format('observations still have %s %s', TG_ARGV[0], OLD.id);
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER things_is_observed AFTER DELETE OR UPDATE OF id ON things_datastream
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION things_is_observed('datastream_id');
CREATE CONSTRAINT TRIGGER things_is_observed AFTER DELETE OR UPDATE OF id ON things_featureofinterest
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION things_is_observed('feature_id');
"""
BACKWARD = """
DROP TRIGGER things_is_observed ON things_featureofinterest;
DROP TRIGGER things_is_observed ON things_datastream;
DROP FUNCTION things_is_observed;
DROP TRIGGER things_belongs_still ON things_observation;
DROP TRIGGER things_belongs ON things_observation;
DROP FUNCTION things_belongs;
"""


class Migration(migrations.Migration):
    dependencies = [("things", "0016_changed_observations")]

    operations = [
        migrations.AlterField(
            model_name="observation",
            name="datastream",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="observations",
                to="things.datastream",
            ),
        ),
        migrations.AlterField(
            model_name="observation",
            name="feature",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="observations",
                to="things.featureofinterest",
            ),
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
