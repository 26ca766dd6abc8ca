"""Lines to edges."""

from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """One table."""

    dependencies = [("things", "0003_heard")]

    operations = [
        migrations.CreateModel(
            name="EdgeLine",
            fields=[
                ("key", models.CharField(max_length=16, primary_key=True, serialize=False)),
                ("reached_at", models.DateTimeField(null=True)),
                ("away_since", models.DateTimeField(null=True)),
                (
                    "stream",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="things.datastream"
                    ),
                ),
            ],
        ),
    ]
