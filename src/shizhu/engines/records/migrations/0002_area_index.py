"""Which rows lie in an area is answered by the index alone."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("records", "0001_first")]

    operations = [
        migrations.RemoveIndex("Record", "record_area"),
        migrations.AddIndex(
            "Record",
            models.Index(
                fields=["area", "register"], include=("county", "state", "organisation", "id"), name="record_area"
            ),
        ),
    ]
