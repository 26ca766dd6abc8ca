"""Table: reports that were made."""

from __future__ import annotations

import pghistory
from django.db import models

from shizhu.kernel.models import Area, County, File, Organisation, Person


@pghistory.track()
class Report(models.Model):
    """A report of a day or a month; made anew, it has another file and the old one stays in its history."""

    county = models.ForeignKey(County, models.CASCADE)
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="+")
    area = models.ForeignKey(Area, models.PROTECT, related_name="+")
    key = models.CharField(max_length=100)  # the declaration
    period = models.CharField(max_length=10)  # 2026-11-25, 2026-11
    title = models.CharField(max_length=200)
    file = models.ForeignKey(File, models.PROTECT, related_name="+")
    made = models.DateTimeField()
    made_by = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")  # null: by the timetable

    class Meta:
        constraints = [models.UniqueConstraint(fields=["county", "key", "period"], name="report_once")]
        indexes = [models.Index(fields=["county", "-period"], name="report_list")]
        ordering = ["-period", "key"]

    def __str__(self) -> str:
        return f"{self.key} {self.period}"
