"""Tables of patrols (巡查): who walked where and when, and what was found on the way."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from shizhu.engines.cases.models.cases import Case
from shizhu.engines.cases.models.field import Photo
from shizhu.kernel.models import Area, County, Organisation, Person


class Patrol(models.Model):
    """One walk of a person on a beat, along one of its objects."""

    id = models.UUIDField(primary_key=True)  # made by the phone
    county = models.ForeignKey(County, models.CASCADE)
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="+")
    area = models.ForeignKey(Area, models.PROTECT, related_name="+")
    person = models.ForeignKey(Person, models.PROTECT, related_name="+")
    beat = models.CharField(max_length=100)
    key = models.CharField(max_length=200, blank=True)  # of the object, a record of the beat's register
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    track = models.JSONField(default=list)  # [longitude, latitude, seconds since the start, accuracy in metres or null]
    metres = models.FloatField(default=0)
    flaws = models.JSONField(default=list)  # what makes the track implausible
    lacks = models.JSONField(default=list)  # what is missing for it to count: minutes, metres, near
    note = models.TextField(blank=True)
    origin = models.SmallIntegerField(default=0)  # measured, simulated
    is_counted = models.BooleanField(default=False)  # against the frequency of the beat
    accepted_by = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")
    accepted_why = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(ended_at=None, is_counted=False) | Q(ended_at__gte=models.F("started_at")),
                name="patrol_ends_after",
            )
        ]
        indexes = [models.Index(fields=["county", "beat", "-started_at"], name="patrol_when")]
        ordering = ["-started_at"]

    def __str__(self) -> str:
        return f"{self.beat} {self.key}"


class PatrolCase(models.Model):
    """A case that was opened on a patrol."""

    case = models.OneToOneField(Case, models.CASCADE, related_name="patrol")
    patrol = models.ForeignKey(Patrol, models.CASCADE, related_name="cases")


class PatrolPhoto(models.Model):
    """A photo that shows that a patrol was there."""

    patrol = models.ForeignKey(Patrol, models.CASCADE, related_name="photos")
    photo = models.OneToOneField(Photo, models.CASCADE)
