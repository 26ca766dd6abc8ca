from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("things", "0014_archived_rows")]

    operations = [
        migrations.AddField(
            model_name="archivedday", name="sha256", field=models.CharField(blank=True, default="", max_length=64),
            preserve_default=False,
        ),
    ]  # fmt: skip
