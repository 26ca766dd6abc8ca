"""What a message says to one person alone."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """One column."""

    dependencies = [("notices", "0003_voice")]

    operations = [
        migrations.AddField("delivery", "note", models.TextField(blank=True, default=""), preserve_default=False)
    ]
