"""Working time that a task took."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """One column; of what was done before it is not known."""

    dependencies = [("cases", "0014_needs")]

    operations = [migrations.AddField("task", "took", models.DurationField(null=True))]
