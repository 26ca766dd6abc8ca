"""People of whom any may do a task."""

from django.contrib.postgres.fields import ArrayField
from django.db import migrations, models


class Migration(migrations.Migration):
    """One column."""

    dependencies = [("cases", "0002_meeting")]

    operations = [
        migrations.AddField("task", "people", ArrayField(models.BigIntegerField(), default=list, size=None)),
    ]
