"""Tables of what residents report without a login: labels that they scan, and their concerns."""

from __future__ import annotations

import pghistory
from django.db import models
from django.db.models import Q

from shizhu.engines.cases.models.cases import Case
from shizhu.kernel.models import Area, County, Organisation


@pghistory.track()
class Label(models.Model):
    """A label (码牌) that hangs on an object or a wall; its code is in the address that its QR code holds."""

    code = models.CharField(max_length=12, unique=True)
    county = models.ForeignKey(County, models.CASCADE)
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="+")
    area = models.ForeignKey(Area, models.PROTECT, related_name="+")
    desk = models.CharField(max_length=100)  # the declaration
    key = models.CharField(max_length=200, blank=True)  # of the object in the register of its desk
    name = models.CharField(max_length=100, blank=True)  # where it hangs; of an object without need
    longitude = models.FloatField(null=True)
    latitude = models.FloatField(null=True)
    made_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True)
    replaced_by = models.OneToOneField("self", models.PROTECT, null=True, related_name="replaces")
    is_simulated = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(longitude=None, latitude=None) | Q(longitude__range=(-180, 180), latitude__range=(-90, 90)),
                name="label_on_earth",
            ),
            models.CheckConstraint(
                condition=Q(replaced_by=None) | Q(withdrawn_at__isnull=False), name="label_replaced_is_withdrawn"
            ),
        ]
        indexes = [models.Index(fields=["county", "desk", "key"], name="label_of_object")]
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.code


class Concern(models.Model):
    """What one resident reported (诉求): it opened a case, or follows one that was open already."""

    class Verdict(models.TextChoices):
        """What the resident says of the result."""

        CONFIRMED = "confirmed"
        DISPUTED = "disputed"

    id = models.UUIDField(primary_key=True)  # made by the phone: sent again it is the same
    secret = models.CharField(max_length=64, unique=True)  # SHA-256 of what the link holds
    county = models.ForeignKey(County, models.CASCADE)
    number = models.CharField(max_length=30)
    label = models.ForeignKey(Label, models.PROTECT, related_name="concerns")
    case = models.ForeignKey(Case, models.CASCADE, related_name="concerns")
    kind = models.CharField(max_length=60)
    phone = models.CharField(max_length=30, blank=True)  # personal: shown in part, goes some time after the end
    digest = models.CharField(max_length=64)  # of what was sent
    source = models.CharField(max_length=32, blank=True)  # of the address, by the day: no address can be made of it
    made_at = models.DateTimeField()
    is_first = models.BooleanField()  # it opened the case
    verdict = models.CharField(max_length=10, choices=Verdict, blank=True)
    score = models.SmallIntegerField(null=True)  # 1 to 5
    disputes = models.SmallIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["county", "number"], name="concern_number"),
            models.CheckConstraint(condition=Q(score=None) | Q(score__range=(1, 5)), name="concern_score"),
        ]
        indexes = [
            models.Index(fields=["source", "made_at"], name="concern_source"),
            models.Index(fields=["label", "made_at"], name="concern_label"),
        ]
        ordering = ["made_at", "pk"]

    def __str__(self) -> str:
        return self.number
