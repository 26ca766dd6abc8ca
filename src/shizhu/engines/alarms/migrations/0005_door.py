"""Who has left, door by door."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """One table."""

    dependencies = [("alarms", "0004_has_phone"), ("kernel", "0001_first")]

    operations = [
        migrations.CreateModel(
            name="Door",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("contact", models.CharField(max_length=120)),
                (
                    "state",
                    models.CharField(
                        choices=[("moved", "Moved"), ("refuses", "Refuses"), ("away", "Away"), ("fetch", "Fetch")],
                        max_length=8,
                    ),
                ),
                ("at", models.DateTimeField()),
                ("made_at", models.DateTimeField(auto_now_add=True)),
                ("deed", models.UUIDField(unique=True)),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="kernel.person"
                    ),
                ),
                (
                    "warning",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="doors", to="alarms.publicwarning"
                    ),
                ),
            ],
            options={
                "ordering": ["at", "pk"],
                "indexes": [models.Index(fields=["warning", "contact", "-at"], name="door_newest")],
            },
        )
    ]
