"""Announcements on the pages, with receipts by named people."""

from __future__ import annotations

import pghistory
from django.db import models

from shizhu.kernel.models.people import Person
from shizhu.kernel.models.places import Area, County


@pghistory.track(pghistory.InsertEvent(), pghistory.UpdateEvent())
class Notice(models.Model):
    """Something that people of some roles in an area are told. Sent once, never changed; it may be withdrawn."""

    county = models.ForeignKey(County, models.CASCADE, related_name="notices")
    area = models.ForeignKey(Area, models.PROTECT, related_name="+")
    roles = models.JSONField(default=list)  # keys; none: every role
    title = models.CharField(max_length=80)
    body = models.TextField(max_length=4000)
    author = models.ForeignKey(Person, models.PROTECT, related_name="+")
    sent_at = models.DateTimeField(auto_now_add=True)
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-sent_at"]

    def __str__(self) -> str:
        return self.title


class Receipt(models.Model):
    """Who was told, and when they read it."""

    notice = models.ForeignKey(Notice, models.CASCADE, related_name="receipts")
    person = models.ForeignKey(Person, models.CASCADE, related_name="receipts")
    read_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["notice", "person"], name="receipt_once")]
        indexes = [
            models.Index(fields=["person"], name="receipt_unread", condition=models.Q(read_at__isnull=True)),
        ]

    def __str__(self) -> str:
        return f"{self.notice_id} {self.person_id}"
