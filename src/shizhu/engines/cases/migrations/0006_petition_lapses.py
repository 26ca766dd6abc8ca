"""Petitions that lapse, as those do whose task waits no more."""

from django.db import migrations, models
from django.db.models import Q

LAPSE = """
    UPDATE cases_petition SET decided_at = now(), is_granted = false
    FROM cases_task WHERE cases_task.id = task_id AND status <> 'ready' AND decided_at IS NULL
"""


class Migration(migrations.Migration):
    """A constraint, and the rows that it now allows."""

    dependencies = [("cases", "0005_timer_told")]

    operations = [
        migrations.RemoveConstraint(model_name="petition", name="petition_decided"),
        migrations.RunSQL(LAPSE, migrations.RunSQL.noop),
        migrations.AddConstraint(
            model_name="petition",
            constraint=models.CheckConstraint(
                condition=Q(decided_at=None, is_granted=None, decided_by=None)
                | Q(decided_at__isnull=False, is_granted__isnull=False, decided_by__isnull=False)
                | Q(decided_at__isnull=False, is_granted=False, decided_by=None),
                name="petition_decided",
            ),
        ),
    ]
