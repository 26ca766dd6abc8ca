"""Observation ids come from a cached sequence; changes of devices, datastreams and profiles are told to the hot paths."""

from django.db import migrations

FORWARD = """
CREATE SEQUENCE things_observation_seq AS bigint CACHE 1000;
CREATE FUNCTION things_catalogue_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN PERFORM pg_notify('things_catalogue', ''); RETURN NULL; END $$;
CREATE TRIGGER things_catalogue AFTER INSERT OR DELETE OR UPDATE OF
  key, profile, thing_id, secret, is_enabled, is_lenient, origin
  ON things_device FOR EACH STATEMENT EXECUTE FUNCTION things_catalogue_changed();
CREATE TRIGGER things_catalogue AFTER INSERT OR DELETE OR UPDATE OF thing_id, key, lowest, highest, is_watched
  ON things_datastream FOR EACH STATEMENT EXECUTE FUNCTION things_catalogue_changed();
CREATE TRIGGER things_catalogue AFTER INSERT OR DELETE OR UPDATE
  ON kernel_declaration FOR EACH STATEMENT EXECUTE FUNCTION things_catalogue_changed();
"""
BACKWARD = """
DROP TRIGGER things_catalogue ON kernel_declaration;
DROP TRIGGER things_catalogue ON things_datastream;
DROP TRIGGER things_catalogue ON things_device;
DROP FUNCTION things_catalogue_changed;
DROP SEQUENCE things_observation_seq;
"""


class Migration(migrations.Migration):
    dependencies = [("things", "0001_first"), ("kernel", "0001_first")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
