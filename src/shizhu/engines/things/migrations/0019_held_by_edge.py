from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("things", "0018_rollouts")]

    operations = [
        migrations.AddField(
            model_name="command", name="held_by",
            field=models.CharField(blank=True, default="", max_length=16), preserve_default=False,
        ),
    ]  # fmt: skip
