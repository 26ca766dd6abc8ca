"""Bulletins and public releases of responses."""

import django.contrib.postgres.fields
import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    """A table, whose rows are kept once they are issued."""

    dependencies = [
        ("cases", "0011_cards"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Bulletin",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(choices=[("internal", "Internal"), ("public", "Public")], max_length=8)),
                ("number", models.IntegerField()),
                ("title", models.CharField(max_length=200)),
                ("text", models.TextField()),
                ("imprint", models.JSONField(default=dict)),
                (
                    "receivers",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(), default=list, size=None
                    ),
                ),
                ("next_at", models.DateTimeField(null=True)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("draft", "Draft"),
                            ("checking", "Checking"),
                            ("issued", "Issued"),
                            ("dropped", "Dropped"),
                        ],
                        default="draft",
                        max_length=8,
                    ),
                ),
                ("version", models.IntegerField(default=1)),
                ("made_at", models.DateTimeField()),
                ("back", models.CharField(blank=True, max_length=500)),
                ("issued_at", models.DateTimeField(null=True)),
                ("notice", models.BigIntegerField(null=True)),
                (
                    "author",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "case",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="bulletins", to="cases.case"
                    ),
                ),
                (
                    "checker",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "corrects",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="corrected_by",
                        to="cases.bulletin",
                    ),
                ),
            ],
            options={
                "ordering": ["case", "kind", "number", "pk"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("state", "dropped"), _negated=True),
                        fields=("case", "kind", "number"),
                        name="bulletin_number",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("state__in", ["draft", "checking"])),
                        fields=("case", "kind"),
                        name="bulletin_one_draft",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "issued"), _negated=True),
                            models.Q(
                                ("checker__isnull", False),
                                ("issued_at__isnull", False),
                                models.Q(("checker", models.F("author")), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="bulletin_checked_by_another",
                    ),
                ],
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="bulletin",
            trigger=pgtrigger.compiler.Trigger(
                name="issued_kept",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.\"state\" = 'issued')",
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="1842fc3b9ee23cc40638af80960c971c4c81b583",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_issued_kept_6e94c",
                    table="cases_bulletin",
                    when="BEFORE",
                ),
            ),
        ),
    ]
