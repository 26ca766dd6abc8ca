"""What somebody answered to a call or a text."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """A column."""

    dependencies = [("notices", "0001_first")]

    operations = [
        migrations.AddField(
            model_name="delivery",
            name="answer",
            field=models.CharField(blank=True, max_length=40),
            preserve_default=False,
        ),
    ]
