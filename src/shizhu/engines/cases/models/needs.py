"""Asking for help (求助): what somebody in the field needs of a response, and what the command post answered."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from shizhu.engines.cases.models.cases import Case, Task
from shizhu.engines.cases.models.stock import Movement
from shizhu.kernel.models import Area, Person


class Need(models.Model):
    """What is needed, how many, where and how urgently; answered once: a team comes, stock is issued, or it is refused.

    Kinds and urgencies are those of the plan; their titles are kept as they were.
    """

    class State(models.TextChoices):
        """Open until it is answered."""

        OPEN = "open"
        TEAM = "team"
        STOCK = "stock"
        REFUSED = "refused"

    case = models.ForeignKey(Case, models.PROTECT, related_name="needs")
    kind = models.CharField(max_length=40)
    title = models.JSONField()  # {zh, en} of the kind
    amount = models.IntegerField()
    unit = models.JSONField(default=dict)  # {zh, en}, in which it is counted
    urgency = models.CharField(max_length=40)
    urgent = models.JSONField()  # {zh, en} of the urgency
    level = models.CharField(max_length=8)  # blue, yellow, orange, red
    area = models.ForeignKey(Area, models.PROTECT, related_name="+")
    where = models.CharField(max_length=200, blank=True)
    note = models.TextField(blank=True)
    longitude = models.FloatField(null=True)
    latitude = models.FloatField(null=True)
    asked_by = models.ForeignKey(Person, models.PROTECT, related_name="+")
    written_at = models.DateTimeField()  # by the clock of the phone
    asked_at = models.DateTimeField()  # when it arrived
    due_at = models.DateTimeField()  # by when it is to be answered
    state = models.CharField(max_length=8, choices=State, default=State.OPEN)
    answer = models.CharField(max_length=500, blank=True)  # in words: who comes, what was issued, why not
    answered_at = models.DateTimeField(null=True)
    answered_by = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")
    order = models.ForeignKey(Task, models.PROTECT, null=True, related_name="+")  # of whom a team was sent with
    movement = models.ForeignKey(Movement, models.PROTECT, null=True, related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(amount__gte=1), name="need_of_something"),
            models.CheckConstraint(
                condition=Q(state="open", answered_at=None, answered_by=None)
                | ~Q(state="open") & Q(answered_at__isnull=False, answered_by__isnull=False) & ~Q(answer=""),
                name="need_answered_whole",
            ),
        ]
        indexes = [models.Index(fields=["asked_by", "-asked_at"], name="need_of_person")]
        ordering = ["asked_at", "pk"]
