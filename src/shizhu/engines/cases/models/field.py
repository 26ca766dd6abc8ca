"""Tables of field work: what phones send, in pieces and with ids of their own."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from shizhu.engines.cases.models.cases import Case
from shizhu.kernel.models import County, File, Person


class CasePlace(models.Model):
    """Where exactly a matter was seen, as the phone of who reported it told (WGS 84)."""

    case = models.OneToOneField(Case, models.CASCADE, related_name="place")
    longitude = models.FloatField()
    latitude = models.FloatField()
    accuracy = models.FloatField(null=True)  # metres, at 68 % (W3C Geolocation)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(longitude__range=(-180, 180), latitude__range=(-90, 90)), name="case_place_on_earth"
            )
        ]


class Photo(models.Model):
    """A photo taken in the field: it arrives in pieces, and becomes a file with the first deed that uses it."""

    id = models.UUIDField(primary_key=True)  # made by the phone
    person = models.ForeignKey(Person, models.CASCADE, related_name="+")
    name = models.CharField(max_length=200)
    size = models.IntegerField()
    sha256 = models.CharField(max_length=64)
    received = models.IntegerField(default=0)  # bytes that are stored
    taken_at = models.DateTimeField(null=True)  # as its EXIF says, else as the phone says
    longitude = models.FloatField(null=True)
    latitude = models.FloatField(null=True)
    created = models.DateTimeField(auto_now_add=True)
    file = models.ForeignKey(File, models.PROTECT, null=True, related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(received__gte=0, received__lte=models.F("size")), name="photo_received")
        ]
        ordering = ["created", "pk"]


class Piece(models.Model):
    """Some bytes of a photo that has not become a file yet."""

    photo = models.ForeignKey(Photo, models.CASCADE, related_name="pieces")
    offset = models.IntegerField()
    data = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["photo", "offset"], name="photo_piece_once")]
        ordering = ["offset"]


class Deed(models.Model):
    """Something done in the field, known by the id that the phone gave it: sent again, it is answered the same."""

    id = models.UUIDField(primary_key=True)  # UUIDv7 (RFC 9562, 5.7)
    person = models.ForeignKey(Person, models.CASCADE, related_name="+")
    county = models.ForeignKey(County, models.CASCADE)
    kind = models.CharField(max_length=10)
    digest = models.CharField(max_length=64)  # of what was sent
    done_at = models.DateTimeField()  # by the clock of the phone
    received_at = models.DateTimeField()
    answer = models.JSONField()  # `outcome` done, conflict or refused, and what is told of it

    class Meta:
        indexes = [models.Index(fields=["person", "-received_at"], name="deed_of_person")]
        ordering = ["received_at", "pk"]
