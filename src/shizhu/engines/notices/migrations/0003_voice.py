"""What loudspeakers say, and how often."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """One column."""

    dependencies = [("notices", "0002_answer")]

    operations = [migrations.AddField("message", "voice", models.JSONField(default=dict))]
