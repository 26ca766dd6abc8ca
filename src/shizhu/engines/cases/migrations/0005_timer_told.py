"""What became of timer starts, and since when something is waited for."""

from datetime import UTC, datetime

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """Columns alone."""

    dependencies = [("cases", "0004_timer_start")]

    operations = [
        migrations.AddField(
            model_name="waiting",
            name="since",
            field=models.DateTimeField(default=datetime(2000, 1, 1, tzinfo=UTC)),  # moved by a whole pause, as it was
            preserve_default=False,
        ),
        migrations.AddField(model_name="timerstart", name="last_at", field=models.DateTimeField(null=True)),
        migrations.AddField(
            model_name="timerstart",
            name="last_case",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to="cases.case"
            ),
        ),
        migrations.AddField(model_name="timerstart", name="failed_at", field=models.DateTimeField(null=True)),
        migrations.AddField(
            model_name="timerstart",
            name="fault",
            field=models.TextField(blank=True, default=""),
            preserve_default=False,
        ),
    ]
