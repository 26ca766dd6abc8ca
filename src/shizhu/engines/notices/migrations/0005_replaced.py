"""Which message took the place of another, and that something is over."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """Two columns."""

    dependencies = [("notices", "0004_note")]

    operations = [
        migrations.AddField("message", "is_end", models.BooleanField(default=False)),
        migrations.AddField(
            "message",
            "replaced_by",
            models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to="notices.message"
            ),
        ),
    ]
