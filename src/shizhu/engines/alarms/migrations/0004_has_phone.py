"""Households without a telephone."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """One column."""

    dependencies = [("alarms", "0003_steps")]

    operations = [migrations.AddField("addressee", "has_phone", models.BooleanField(default=True))]
