"""The newest observations of all datastreams, and those of a feature, are found by index."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("things", "0002_triggers")]

    operations = [
        migrations.AddIndex(
            model_name="observation", index=models.Index(fields=["phenomenon_time"], name="observation_time")
        ),
        migrations.AddIndex(
            model_name="observation",
            index=models.Index(
                condition=models.Q(("feature__isnull", False)),
                fields=["feature", "datastream"],
                name="observation_feature",
            ),
        ),
    ]
