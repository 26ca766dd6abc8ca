"""Each level of an occurrence has the value and limit that led to it; of those before, what was kept: the first ones."""

from django.db import migrations

STEPS = """
    UPDATE alarms_occurrence o SET levels = (
        SELECT jsonb_agg(step || jsonb_build_array(o.value, o."limit", o.datastream) ORDER BY n)
        FROM jsonb_array_elements(o.levels) WITH ORDINALITY AS found (step, n)
    ) WHERE jsonb_array_length(levels) > 0
"""


class Migration(migrations.Migration):
    """Rows alone."""

    dependencies = [("alarms", "0002_judged")]

    operations = [migrations.RunSQL(STEPS, migrations.RunSQL.noop)]
