"""How far the log is heard, and since when without a gap."""

from __future__ import annotations

from django.db import migrations, models
from django.db.models.functions import Now


class Migration(migrations.Migration):
    """Two columns."""

    dependencies = [("things", "0002_triggers")]

    operations = [
        migrations.AddField("logposition", name, models.DateTimeField(db_default=Now())) for name in ("heard", "since")
    ]
