"""One table for the rows of every register; what differs between registers is in `data`.

Indexes on fields inside `data` are partial, one per register and field: `indexes.py` makes them from declarations.
"""

from __future__ import annotations

import pghistory
import pgtrigger
from django.db import models

from shizhu.kernel.fields import BoxField, GeometryField
from shizhu.kernel.models import Area, County, Organisation, Person

WITHDRAWN = "withdrawn"


@pghistory.track(
    exclude=["box", "sort_key"],  # both are derived; a box has no equality that compares its corners
    meta={"indexes": [models.Index(fields=["county", "register", "pgh_created_at"], name="recordevent_at")]},
)
class Record(models.Model):
    """One row of a register. It is never deleted: it is withdrawn, and its history stays."""

    county = models.ForeignKey(County, models.CASCADE, db_index=False)
    register = models.CharField(max_length=100)  # <pack>.<register>
    key = models.CharField(max_length=200)  # the register's key field; never changes
    data = models.JSONField()  # valid by the register's JSON Schema; times are fixed-width UTC text
    title = models.CharField(max_length=300)
    sort_key = models.CharField(max_length=300)  # pinyin of the title
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="+")
    area = models.ForeignKey(Area, models.PROTECT, related_name="+")
    geometry = GeometryField(null=True)
    box = BoxField(null=True)
    state = models.CharField(max_length=40)
    source = models.CharField(max_length=10)  # person, import, service or demo
    is_simulated = models.BooleanField(default=False)
    created = models.DateTimeField(auto_now_add=True)
    updated = models.DateTimeField(auto_now=True)
    version = models.IntegerField(default=1)  # a writer names the version it read

    class Meta:
        constraints = [models.UniqueConstraint(fields=["county", "register", "key"], name="record_key")]
        indexes = [models.Index(fields=["county", "register", "sort_key", "id"], name="record_order")]

    def __str__(self) -> str:
        return f"{self.register} {self.key} {self.title}"


class Look(models.Model):
    """Somebody saw private fields of a record whole: who, which, when and what for. It is never changed or deleted."""

    county = models.ForeignKey(County, models.PROTECT, db_index=False)
    register = models.CharField(max_length=100)
    record = models.ForeignKey(Record, models.PROTECT, related_name="looks")
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="+")  # whose the record was then
    area = models.ForeignKey(Area, models.PROTECT, related_name="+")
    person = models.ForeignKey(Person, models.PROTECT, related_name="+")
    fields = models.JSONField()  # names of fields; `rows.field` in rows
    purpose = models.CharField(max_length=20)
    reason = models.CharField(max_length=200)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [models.Index(fields=["county", "register", "-at"], name="look_at")]
        triggers = [pgtrigger.Protect(name="kept", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.person_id} {self.register} {self.record_id} {self.purpose}"
