"""When an edge was reached again."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    """One column."""

    dependencies = [("things", "0004_edge_line")]

    operations = [migrations.AddField("edgeline", "back_at", models.DateTimeField(null=True))]
