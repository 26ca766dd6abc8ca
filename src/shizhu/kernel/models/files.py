"""Attachments: metadata in the database, bytes in the home's `files` folder by their hash."""

from __future__ import annotations

import uuid

from django.db import models

from shizhu.kernel.models.people import Organisation, Person
from shizhu.kernel.models.places import Area, County


class File(models.Model):
    """One uploaded or produced file; who may see it follows from the row it hangs on."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    county = models.ForeignKey(County, models.CASCADE)
    organisation = models.ForeignKey(Organisation, models.PROTECT)
    area = models.ForeignKey(Area, models.PROTECT)
    name = models.CharField(max_length=200)
    media_type = models.CharField(max_length=80)
    size = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64)
    created = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(Person, models.PROTECT, null=True)

    def __str__(self) -> str:
        return self.name
