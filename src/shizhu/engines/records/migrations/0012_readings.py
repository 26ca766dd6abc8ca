from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("records", "0011_declaring")]

    operations = [
        migrations.AlterField(
            model_name="batch",
            name="kind",
            field=models.CharField(
                choices=[
                    ("import", "Import"), ("export", "Export"), ("change", "Change"), ("selection", "Selection"),
                    ("readings", "Readings"), ("declare", "Declare"),
                ],
                max_length=10,
            ),
        ),
    ]  # fmt: skip
