"""Start events of flows that wait for a time."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """One table."""

    dependencies = [("cases", "0003_people"), ("kernel", "0001_first")]

    operations = [
        migrations.CreateModel(
            name="TimerStart",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("flow", models.CharField(max_length=100)),
                ("event", models.CharField(max_length=200)),
                ("said", models.TextField()),
                ("spec", models.JSONField(null=True)),
                ("due_at", models.DateTimeField(null=True)),
                ("county", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to="kernel.county")),
            ],
            options={
                "ordering": ["due_at", "pk"],
                "constraints": [models.UniqueConstraint(fields=("county", "flow", "event"), name="timer_start_once")],
            },
        ),
    ]
