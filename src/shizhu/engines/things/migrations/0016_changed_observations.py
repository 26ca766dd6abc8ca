"""The few observations that correct or withdraw others have an index of their own."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("things", "0015_hashes_of_files")]

    operations = [
        migrations.AddIndex(
            model_name="observation",
            index=models.Index(
                condition=models.Q(("sequence__gt", 0)),
                fields=["datastream", "phenomenon_time", "sequence"],
                name="observation_changed",
            ),
        ),
    ]
