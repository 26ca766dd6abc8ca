"""When and where those meet who do a task together."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """Two columns."""

    dependencies = [("cases", "0001_first")]

    operations = [
        migrations.AddField("task", "meets_at", models.DateTimeField(null=True)),
        migrations.AddField("task", "meets_where", models.CharField(blank=True, max_length=200, default=""), False),
    ]
