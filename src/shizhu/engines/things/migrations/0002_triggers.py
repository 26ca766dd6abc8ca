"""What the database does by itself for things: default values, boxes, what is told to the hot paths, what belongs.

Observation ids come from a cached sequence. An observation's Datastream and feature are looked up once for all rows of
a statement: a foreign key looks them up for every row, which took more than half of what copying a reading took. What
it promises stays: nothing is written whose Datastream or feature is not there, and neither goes while an observation
has it.
"""

from __future__ import annotations

from django.db import migrations

COPIED = """
CREATE SEQUENCE things_observation_seq AS bigint CACHE 1000;
ALTER TABLE things_observation ALTER id SET DEFAULT nextval('things_observation_seq'), ALTER sequence SET DEFAULT 0,
  ALTER known_at SET DEFAULT now();
"""
BOXES = r"""
CREATE FUNCTION things_box(given jsonb) RETURNS box LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT box(point(max(x), max(y)), point(min(x), min(y))) FROM (
    SELECT (at -> 0)::text::float8 AS x, (at -> 1)::text::float8 AS y FROM jsonb_path_query(
      CASE WHEN given ->> 'type' = 'Feature' THEN given -> 'geometry' ELSE given END,
      'strict $.**.coordinates.** ? (@.type() == "array" && @[0].type() == "number" && @[1].type() == "number")',
      '{}', true) at
  ) positions
$$;
CREATE INDEX feature_box ON things_featureofinterest USING gist (things_box(feature));
CREATE FUNCTION things_geojson(given box) RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE
    WHEN given IS NULL THEN NULL
    WHEN e = w AND n = s THEN jsonb_build_object('type', 'Point', 'coordinates', jsonb_build_array(w, s))
    WHEN e = w OR n = s THEN jsonb_build_object('type', 'LineString', 'coordinates',
      jsonb_build_array(jsonb_build_array(w, s), jsonb_build_array(e, n)))
    ELSE jsonb_build_object('type', 'Polygon', 'coordinates', jsonb_build_array(jsonb_build_array(
      jsonb_build_array(w, s), jsonb_build_array(e, s), jsonb_build_array(e, n), jsonb_build_array(w, n),
      jsonb_build_array(w, s)))) END
  FROM (SELECT (given[0])[0] AS e, (given[0])[1] AS n, (given[1])[0] AS w, (given[1])[1] AS s) c
$$;
"""
CATALOGUE = """
CREATE FUNCTION things_catalogue_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN PERFORM pg_notify('things_catalogue', ''); RETURN NULL; END $$;
CREATE TRIGGER things_catalogue AFTER INSERT OR DELETE OR UPDATE OF
  key, profile, thing_id, secret, is_enabled, is_lenient, origin
  ON things_device FOR EACH STATEMENT EXECUTE FUNCTION things_catalogue_changed();
CREATE TRIGGER things_catalogue AFTER INSERT OR DELETE OR UPDATE OF thing_id, key, lowest, highest, is_watched
  ON things_datastream FOR EACH STATEMENT EXECUTE FUNCTION things_catalogue_changed();
CREATE TRIGGER things_catalogue AFTER INSERT OR DELETE OR UPDATE
  ON kernel_declaration FOR EACH STATEMENT EXECUTE FUNCTION things_catalogue_changed();
CREATE TRIGGER things_catalogue_checks AFTER UPDATE OF checks ON things_datastream
  FOR EACH STATEMENT EXECUTE FUNCTION things_catalogue_changed();
CREATE TRIGGER things_catalogue_components AFTER UPDATE OF data_types, observed_property_id
  ON things_datastream FOR EACH STATEMENT EXECUTE FUNCTION things_catalogue_changed();
"""
REVOKED = """
CREATE FUNCTION things_device_revoked() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN PERFORM pg_notify('things_revoked', OLD.key); RETURN NULL; END $$;
CREATE TRIGGER things_revoked AFTER UPDATE OF secret, is_enabled ON things_device FOR EACH ROW
  WHEN (OLD.secret <> NEW.secret OR (OLD.is_enabled AND NOT NEW.is_enabled))
  EXECUTE FUNCTION things_device_revoked();
CREATE TRIGGER things_revoked_delete AFTER DELETE ON things_device FOR EACH ROW
  EXECUTE FUNCTION things_device_revoked();
"""
COMMANDS = """
CREATE FUNCTION things_command_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN PERFORM pg_notify('things_commands', ''); RETURN NULL; END $$;
CREATE TRIGGER things_commands AFTER INSERT OR UPDATE OF state, expires ON things_command
  FOR EACH STATEMENT EXECUTE FUNCTION things_command_changed();
CREATE INDEX command_task ON things_command (device_id, name, id);
"""
SETS = {
    "Things": "things_thing",
    "Locations": "things_location",
    "HistoricalLocations": "things_historicallocation",
    "Sensors": "things_sensor",
    "ObservedProperties": "things_observedproperty",
    "FeaturesOfInterest": "things_featureofinterest",
}
TELL = """
CREATE FUNCTION things_tell() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN PERFORM pg_notify('things_entities', TG_ARGV[0] || '(' || NEW.id || ')'); RETURN NULL; END $$;
CREATE TRIGGER things_told AFTER INSERT OR UPDATE OF state, answer ON things_command
  FOR EACH ROW EXECUTE FUNCTION things_tell('Tasks');
CREATE TRIGGER things_told AFTER INSERT OR UPDATE ON things_datastream FOR EACH ROW
  WHEN (NEW.data_types IS NULL) EXECUTE FUNCTION things_tell('Datastreams');
CREATE TRIGGER things_told_multi AFTER INSERT OR UPDATE ON things_datastream FOR EACH ROW
  WHEN (NEW.data_types IS NOT NULL) EXECUTE FUNCTION things_tell('MultiDatastreams');
""" + "".join(
    f"CREATE TRIGGER things_told AFTER INSERT OR UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION things_tell('{entities}');"
    for entities, table in SETS.items()
)
BELONGING = """
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
ALL = (COPIED, BOXES, CATALOGUE, REVOKED, COMMANDS, TELL, BELONGING)


class Migration(migrations.Migration):
    dependencies = [
        ("things", "0001_first"),
        ("kernel", "0001_first"),
    ]

    operations = [migrations.RunSQL(sql) for sql in ALL]
