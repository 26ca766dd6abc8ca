"""How fast closed approvals were."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """One table."""

    dependencies = [("cases", "0015_took")]

    operations = [
        migrations.CreateModel(
            name="Pace",
            fields=[
                (
                    "case",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name="pace",
                        serialize=False, to="cases.case",
                    ),
                ),
                ("items", models.SmallIntegerField()),
                ("together", models.SmallIntegerField()),
                ("serial", models.FloatField()),
                ("elapsed", models.FloatField()),
            ],
        ),
    ]  # fmt: skip
