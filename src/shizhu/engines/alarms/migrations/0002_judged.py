"""When a reading of a binding was judged the last time."""

import django.db.models.functions.datetime
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    """One column."""

    dependencies = [("alarms", "0001_first")]

    operations = [
        migrations.AddField(
            "memory",
            "judged",
            models.DateTimeField(
                db_default=django.db.models.functions.datetime.Now(), default=django.utils.timezone.now
            ),
        )
    ]
