"""Editions of cards (明白卡): what a place was told, as it was printed."""

from __future__ import annotations

from django.db import models

from shizhu.kernel.models import Area, County, Person


class CardEdition(models.Model):
    """A card of an area as it was issued; the newest is in force. All of an area have one `token`, which its QR code
    leads to."""

    county = models.ForeignKey(County, models.CASCADE)
    key = models.CharField(max_length=100)  # <pack>.<file stem> of what declares it
    area = models.ForeignKey(Area, models.PROTECT, related_name="+")
    number = models.CharField(max_length=10)  # year and a number
    token = models.CharField(max_length=32)
    body = models.JSONField()  # its parts, numbers of telephones whole
    digest = models.CharField(max_length=64)  # of what the registers said
    is_simulated = models.BooleanField(default=False)
    issued_at = models.DateTimeField()
    by = models.ForeignKey(Person, models.PROTECT, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["county", "key", "area", "number"], name="card_edition_once")]
        indexes = [models.Index(fields=["token"], name="card_token")]
        ordering = ["-issued_at", "-pk"]

    def __str__(self) -> str:
        return f"{self.area} {self.number}"
