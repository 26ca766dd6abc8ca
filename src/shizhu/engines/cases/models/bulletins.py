"""What is told of a response in writing: bulletins (简报) to named persons, public releases (对外发布) to everybody."""

from __future__ import annotations

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from shizhu.engines.cases.models.cases import Case
from shizhu.kernel.models import Person


class Bulletin(models.Model):
    """One number of a response's bulletins or public releases: written by one person, issued by another, kept for good.

    The text is as it is printed: a line that begins with a Chinese number and 、 is a heading.
    """

    class Kind(models.TextChoices):
        """To whom it goes; each kind is numbered by itself."""

        INTERNAL = "internal"
        PUBLIC = "public"

    class State(models.TextChoices):
        """Sent in for checking it is a draft no more; given back, it is one again."""

        DRAFT = "draft"
        CHECKING = "checking"
        ISSUED = "issued"
        DROPPED = "dropped"

    case = models.ForeignKey(Case, models.PROTECT, related_name="bulletins")
    kind = models.CharField(max_length=8, choices=Kind)
    number = models.IntegerField()
    title = models.CharField(max_length=200)
    text = models.TextField()
    imprint = models.JSONField(default=dict)  # report, send, copy (报, 送, 发) → bodies, in words
    receivers = ArrayField(models.BigIntegerField(), default=list)  # persons
    next_at = models.DateTimeField(null=True)  # by when the next is promised
    corrects = models.ForeignKey("self", models.PROTECT, null=True, related_name="corrected_by")
    state = models.CharField(max_length=8, choices=State, default=State.DRAFT)
    version = models.IntegerField(default=1)
    author = models.ForeignKey(Person, models.PROTECT, related_name="+")
    made_at = models.DateTimeField()
    back = models.CharField(max_length=500, blank=True)  # why it was given back
    issued_at = models.DateTimeField(null=True)
    checker = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")
    notice = models.BigIntegerField(null=True)  # message of the notices engine

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["case", "kind", "number"], condition=~Q(state="dropped"), name="bulletin_number"
            ),
            models.UniqueConstraint(
                fields=["case", "kind"], condition=Q(state__in=["draft", "checking"]), name="bulletin_one_draft"
            ),
            models.CheckConstraint(
                condition=~Q(state="issued")
                | Q(issued_at__isnull=False, checker__isnull=False) & ~Q(checker=models.F("author")),
                name="bulletin_checked_by_another",
            ),
        ]
        ordering = ["case", "kind", "number", "pk"]
        triggers = [
            pgtrigger.Protect(
                name="issued_kept",
                operation=pgtrigger.Update | pgtrigger.Delete,
                condition=pgtrigger.Q(old__state="issued"),
            ),
        ]
