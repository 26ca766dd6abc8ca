"""Each version of a flow knows the names of its stages."""

from contextlib import suppress

from django.db import migrations, models

from shizhu.engines.cases.flows import about
from shizhu.engines.cases.logic import FlowError


def fill(apps, _editor):
    """Of the versions kept; one that can be read no more has no cases that go on."""
    for row in apps.get_model("cases", "FlowVersion").objects.all():
        with suppress(FlowError):
            row.stages = list(about(row.xml.encode()).stages)
            row.save(update_fields=["stages"])


class Migration(migrations.Migration):
    """One column, filled in."""

    dependencies = [("cases", "0006_petition_lapses")]

    operations = [
        migrations.AddField("flowversion", "stages", models.JSONField(default=list)),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
