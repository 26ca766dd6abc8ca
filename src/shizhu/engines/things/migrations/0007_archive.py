"""Days of observations in files, and rollups of such days."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("things", "0006_multi_datastream"),
    ]

    operations = [
        migrations.CreateModel(
            name="ArchivedDay",
            fields=[
                ("day", models.DateField(primary_key=True, serialize=False)),
                ("file", models.CharField(max_length=60)),
                ("rows", models.BigIntegerField()),
                ("is_touched", models.BooleanField(default=False)),
                ("written_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="Day",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "datastream_id", "day", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("day", models.DateField()),
                ("count", models.IntegerField()),
                ("total", models.FloatField(null=True)),
                ("least", models.FloatField(null=True)),
                ("most", models.FloatField(null=True)),
                ("readings", models.IntegerField()),
                (
                    "datastream",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="days",
                        to="things.datastream",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["day"], name="day_day")],
            },
        ),
    ]
