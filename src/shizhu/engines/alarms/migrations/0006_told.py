"""A household may be told at its door."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """One more word."""

    dependencies = [("alarms", "0005_door")]

    operations = [
        migrations.AlterField(
            model_name="door",
            name="state",
            field=models.CharField(
                choices=[
                    ("moved", "Moved"),
                    ("refuses", "Refuses"),
                    ("away", "Away"),
                    ("fetch", "Fetch"),
                    ("told", "Told"),
                ],
                max_length=8,
            ),
        ),
    ]
