from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("records", "0007_area_index")]

    operations = [
        migrations.AlterField(
            model_name="batch",
            name="kind",
            field=models.CharField(
                choices=[
                    ("import", "Import"), ("export", "Export"), ("change", "Change"), ("selection", "Selection"),
                ],
                max_length=10,
            ),
        ),
    ]  # fmt: skip
