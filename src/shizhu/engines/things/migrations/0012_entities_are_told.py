"""Whoever publishes over MQTT hears of entities that were made or changed, and whoever sends commands of these."""

from __future__ import annotations

from django.db import migrations

SETS = {
    "Things": "things_thing",
    "Locations": "things_location",
    "HistoricalLocations": "things_historicallocation",
    "Sensors": "things_sensor",
    "ObservedProperties": "things_observedproperty",
    "FeaturesOfInterest": "things_featureofinterest",
}
FUNCTION = """
CREATE FUNCTION things_tell() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN PERFORM pg_notify('things_entities', TG_ARGV[0] || '(' || NEW.id || ')'); RETURN NULL; END $$;
"""
TRIGGER = """
CREATE TRIGGER {name} AFTER INSERT OR UPDATE ON {table} FOR EACH ROW {when} EXECUTE FUNCTION things_tell('{entities}');
"""
MADE = [("things_told", table, "", entities) for entities, table in SETS.items()]
MADE += [
    ("things_told", "things_datastream", "WHEN (NEW.data_types IS NULL)", "Datastreams"),
    ("things_told_multi", "things_datastream", "WHEN (NEW.data_types IS NOT NULL)", "MultiDatastreams"),
]
COMMANDS = """
CREATE FUNCTION things_command_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN PERFORM pg_notify('things_commands', ''); RETURN NULL; END $$;
CREATE TRIGGER things_commands AFTER INSERT OR UPDATE OF state, expires ON things_command
  FOR EACH STATEMENT EXECUTE FUNCTION things_command_changed();
"""
NO_COMMANDS = "DROP TRIGGER things_commands ON things_command; DROP FUNCTION things_command_changed;"
FORWARD = COMMANDS + FUNCTION + "".join(TRIGGER.format(name=n, table=t, when=w, entities=e) for n, t, w, e in MADE)
BACKWARD = NO_COMMANDS + "".join(f"DROP TRIGGER {n} ON {t};" for n, t, _, _ in MADE) + "DROP FUNCTION things_tell;"


class Migration(migrations.Migration):
    dependencies = [("things", "0011_extents")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
