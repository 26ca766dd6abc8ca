"""Result sets of approvals that were handed over."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models import Q

HOWS = [("window", "Window"), ("post", "Post"), ("online", "Online")]


class Migration(migrations.Migration):
    """One table."""

    dependencies = [("cases", "0012_bulletins")]

    operations = [
        migrations.CreateModel(
            name="ResultDelivery",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("how", models.CharField(choices=HOWS, max_length=8)),
                ("to", models.CharField(max_length=60)),
                ("proof", models.CharField(blank=True, max_length=200)),
                ("at", models.DateTimeField()),
                ("digest", models.CharField(max_length=64)),
                ("received_at", models.DateTimeField(null=True)),
                ("denied_at", models.DateTimeField(null=True)),
                (
                    "by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "case",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="deliveries", to="cases.case"
                    ),
                ),
            ],
            options={
                "ordering": ["at", "pk"],
                "constraints": [
                    models.UniqueConstraint(fields=["case"], condition=Q(denied_at=None), name="result_delivered_once"),
                    models.CheckConstraint(
                        condition=Q(received_at=None) | Q(denied_at=None) | Q(how="window"), name="result_delivery_said"
                    ),
                    models.CheckConstraint(
                        condition=Q(by=None, how="online") | Q(by__isnull=False), name="result_delivery_by"
                    ),
                ],
            },
        ),
    ]
