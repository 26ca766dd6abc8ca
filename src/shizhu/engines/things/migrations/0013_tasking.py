"""What devices can be told to do, as SensorThings Tasking has it."""

from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models

FORWARD = """
CREATE TRIGGER things_told AFTER INSERT OR UPDATE OF state, answer ON things_command
  FOR EACH ROW EXECUTE FUNCTION things_tell('Tasks');
CREATE INDEX command_task ON things_command (device_id, name, id);
"""
BACKWARD = "DROP TRIGGER things_told ON things_command; DROP INDEX command_task;"


class Migration(migrations.Migration):
    dependencies = [("things", "0012_entities_are_told")]

    operations = [
        migrations.CreateModel(
            name="TaskingCapability",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("command", models.CharField(max_length=60)),
                ("name", models.TextField()),
                ("description", models.TextField()),
                ("parameters", models.JSONField()),
                ("is_declared", models.BooleanField(default=True)),
                (
                    "device",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="capabilities", to="things.device"
                    ),
                ),
            ],
            options={"constraints": [models.UniqueConstraint(fields=("device", "command"), name="capability_command")]},
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
