"""Messages that are kept for a case that cannot go on, and by what each case is reached."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

ADDRESS = """
    INSERT INTO cases_addressed (case_id, name, key)
    SELECT DISTINCT case_id, name, key FROM cases_waiting WHERE kind = 'message' AND key <> ''
"""


class Migration(migrations.Migration):
    """Two tables; what is waited for now is addressed."""

    dependencies = [("cases", "0007_stages"), migrations.swappable_dependency(settings.AUTH_USER_MODEL)]

    operations = [
        migrations.CreateModel(
            name="Addressed",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=200)),
                ("key", models.CharField(max_length=200)),
                (
                    "case",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="addresses", to="cases.case"
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["name", "key"], name="addressed_by")],
                "constraints": [models.UniqueConstraint(fields=("case", "name", "key"), name="addressed_once")],
            },
        ),
        migrations.CreateModel(
            name="Held",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("event", models.CharField(max_length=200)),
                ("kind", models.CharField(max_length=10)),
                ("name", models.CharField(max_length=200)),
                ("key", models.CharField(blank=True, max_length=200)),
                ("payload", models.JSONField()),
                ("came_at", models.DateTimeField()),
                (
                    "case",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="held", to="cases.case"
                    ),
                ),
                (
                    "sent_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "sent_of",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to="cases.case"
                    ),
                ),
            ],
            options={"ordering": ["pk"]},
        ),
        migrations.RunSQL(ADDRESS, migrations.RunSQL.noop),
    ]
