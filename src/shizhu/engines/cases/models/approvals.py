"""Tables of parallel approvals: what an application came to, and to whom its results were handed."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from shizhu.engines.cases.models.cases import Case
from shizhu.kernel.models import Person


class ResultDelivery(models.Model):
    """The result set of an application handed over (送达). One stands, unless the applicant says it did not come."""

    class How(models.TextChoices):
        """At the window, by post, or taken by the applicant's own link."""

        WINDOW = "window"
        POST = "post"
        ONLINE = "online"

    case = models.ForeignKey(Case, models.CASCADE, related_name="deliveries")
    how = models.CharField(max_length=8, choices=How)
    to = models.CharField(max_length=60)
    proof = models.CharField(max_length=200, blank=True)  # what was looked at without the code; of post its number
    by = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")  # None: the applicant took it online
    at = models.DateTimeField()
    digest = models.CharField(max_length=64)  # SHA-256 of what was handed over
    received_at = models.DateTimeField(null=True)  # signed at the window, or said by the applicant
    denied_at = models.DateTimeField(null=True)  # the applicant says that it did not come

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["case"], condition=Q(denied_at=None), name="result_delivered_once"),
            models.CheckConstraint(
                condition=Q(received_at=None) | Q(denied_at=None) | Q(how="window"), name="result_delivery_said"
            ),
            models.CheckConstraint(condition=Q(by=None, how="online") | Q(by__isnull=False), name="result_delivery_by"),
        ]
        ordering = ["at", "pk"]


class Pace(models.Model):
    """How fast a closed approval was: kept as it closes, in working days by the calendar of then."""

    case = models.OneToOneField(Case, models.CASCADE, primary_key=True, related_name="pace")
    items = models.SmallIntegerField()  # that were decided
    together = models.SmallIntegerField()  # of these, ran while another did
    serial = models.FloatField()  # days of all items, one after the other
    elapsed = models.FloatField()  # days from acceptance to the end
