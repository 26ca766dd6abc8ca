"""Since when readings contradict a finish."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("plan", "0009_extensions")]

    operations = [
        migrations.AddField(
            model_name="node",
            name="contradicted_on",
            field=models.DateField(null=True),
        ),
    ]
