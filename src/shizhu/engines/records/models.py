"""One table for the rows of every register; what differs between registers is in `data`.

Indexes on fields inside `data` are partial, one per register and field: `indexes.py` makes them from declarations.
"""

from __future__ import annotations

import pghistory
import pgtrigger
from django.contrib.postgres.indexes import GinIndex
from django.db import models

from shizhu.kernel.fields import BoxField, GeometryField, LexemesField
from shizhu.kernel.models import Area, County, File, Organisation, Person

WITHDRAWN = "withdrawn"
DERIVED = ["box", "sort_key", "search"]  # no change of their own; a box has no equality that compares its corners


class Records(models.Manager["Record"]):
    """Rows without their lexemes, which are written and searched but never read."""

    def get_queryset(self) -> models.QuerySet[Record]:
        """All rows."""
        return super().get_queryset().defer("search")


@pghistory.track(
    pghistory.InsertEvent(),
    pghistory.UpdateEvent(condition=pghistory.AnyChange(exclude=DERIVED)),
    exclude=["sort_key", "search"],
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
    area = models.ForeignKey(Area, models.PROTECT, db_index=False, related_name="+")
    geometry = GeometryField(null=True)
    box = BoxField(null=True)
    state = models.CharField(max_length=40)
    source = models.CharField(max_length=10)  # person, import, service or demo
    is_simulated = models.BooleanField(default=False)
    created = models.DateTimeField(auto_now_add=True)
    updated = models.DateTimeField(auto_now=True)
    version = models.IntegerField(default=1)  # a writer names the version it read
    search = LexemesField(null=True)  # what it is found by: see `searching`

    objects = Records()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["county", "register", "key"], name="record_key")]
        indexes = [
            models.Index(fields=["county", "register", "sort_key", "id"], name="record_order"),
            models.Index(
                fields=["area", "register"], include=["county", "state", "organisation", "id"], name="record_area"
            ),
            GinIndex(fields=["search"], name="record_search"),
        ]

    def __str__(self) -> str:
        return f"{self.register} {self.key} {self.title}"


class View(models.Model):
    """A list as somebody likes it: filters, order and columns under a name; with an organisation it is theirs too."""

    county = models.ForeignKey(County, models.CASCADE)
    register = models.CharField(max_length=100)
    person = models.ForeignKey(Person, models.CASCADE, related_name="+")
    name = models.CharField(max_length=60)
    asked = models.JSONField()  # controls of the list and what they say
    organisation = models.ForeignKey(Organisation, models.CASCADE, null=True, related_name="+")  # shared with
    is_default = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["county", "register", "person", "name"], name="view_name"),
            models.UniqueConstraint(
                fields=["county", "register", "person"], condition=models.Q(is_default=True), name="view_default"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.register} {self.name}"


class Indexed(models.Model):
    """Of which edition of its declaration the lexemes of a register's rows are."""

    county = models.ForeignKey(County, models.CASCADE)
    register = models.CharField(max_length=100)
    digest = models.CharField(max_length=16)
    traits = models.CharField(max_length=16, blank=True)  # the same of rules by which two rows may be one

    class Meta:
        constraints = [models.UniqueConstraint(fields=["county", "register"], name="indexed_once")]

    def __str__(self) -> str:
        return f"{self.register} {self.digest}"


class Traced(models.Model):
    """A row whose traits are kept: all of them as one number, and whether others were looked for that share one."""

    record = models.OneToOneField(Record, models.CASCADE, primary_key=True, related_name="+")
    county = models.ForeignKey(County, models.CASCADE, db_index=False)
    register = models.CharField(max_length=100)
    digest = models.BigIntegerField()
    is_paired = models.BooleanField(default=False)

    class Meta:
        indexes = [
            models.Index(
                fields=["county", "register", "record"], condition=models.Q(is_paired=False), name="traced_unpaired"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.register} {self.record_id}"


class Trait(models.Model):
    """What rows that may be one have in common: county, register, rule, kind and value in one number of 64 bits."""

    pk = models.CompositePrimaryKey("value", "record")
    value = models.BigIntegerField()
    record = models.ForeignKey(Record, models.CASCADE, related_name="+")

    def __str__(self) -> str:
        return f"{self.value} {self.record_id}"


class Pair(models.Model):
    """Two rows that are probably one (疑似重复), and what somebody said of them."""

    class State(models.TextChoices):
        """Open until somebody says that they are two; merged ones are no pair any more."""

        OPEN = "open"
        TWO = "two"

    county = models.ForeignKey(County, models.CASCADE, db_index=False)
    register = models.CharField(max_length=100)
    first = models.ForeignKey(Record, models.CASCADE, related_name="+", db_index=False)  # the one with the lower number
    second = models.ForeignKey(Record, models.CASCADE, related_name="+")
    rules = models.JSONField()  # numbers of the rules that say so
    digest = models.BigIntegerField()  # of the traits of both: with others it is asked again
    state = models.CharField(max_length=8, choices=State, default=State.OPEN)
    found = models.DateTimeField(auto_now_add=True)
    decided = models.DateTimeField(null=True)
    person = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["first", "second"], name="pair_once"),
            models.CheckConstraint(condition=models.Q(first__lt=models.F("second")), name="pair_in_order"),
        ]
        indexes = [
            models.Index(fields=["county", "register", "-id"], condition=models.Q(state="open"), name="pair_open"),
        ]

    def __str__(self) -> str:
        return f"{self.register} {self.first_id} {self.second_id} {self.state}"


class Merge(models.Model):
    """One row taken into another: which, by whom, what it was before and what followed, so that it can be undone."""

    county = models.ForeignKey(County, models.CASCADE, db_index=False)
    register = models.CharField(max_length=100)
    survivor = models.ForeignKey(Record, models.PROTECT, related_name="+")
    away = models.ForeignKey(Record, models.PROTECT, related_name="+", db_index=False)
    person = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField(auto_now_add=True)
    before = models.IntegerField()  # version of the survivor that it had
    after = models.IntegerField()  # and has by the merge
    state = models.CharField(max_length=40)  # of the one that is gone, before
    moved = models.JSONField(default=list)  # [[record, [path, …]], …]: rows that referred to it
    is_moving = models.BooleanField(default=False)  # a worker still moves some
    undone = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["away"], condition=models.Q(undone=None), name="merge_once"),
            models.CheckConstraint(condition=~models.Q(away=models.F("survivor")), name="merge_of_two"),
        ]

    def __str__(self) -> str:
        return f"{self.register} {self.away_id} → {self.survivor_id}"


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


class Batch(models.Model):
    """Work on many rows that somebody asked for: an import, an export, a change. It stays, with its files.

    What a higher engine exports has the name of that work where a register's key would stand.
    """

    class Kind(models.TextChoices):
        """What is done."""

        IMPORT = "import"
        EXPORT = "export"
        CHANGE = "change"
        SELECTION = "selection"  # of the map
        READINGS = "readings"  # of a station
        DECLARE = "declare"  # a change of the declaration itself; its register is `<kind>/<key>`

    class State(models.TextChoices):
        """How far it is; a person moves it from matching and from checked."""

        MATCHING = "matching"
        CHECKING = "checking"
        CHECKED = "checked"
        WRITING = "writing"
        DONE = "done"
        FAILED = "failed"

    county = models.ForeignKey(County, models.CASCADE)
    register = models.CharField(max_length=100)
    kind = models.CharField(max_length=10, choices=Kind)
    person = models.ForeignKey(Person, models.PROTECT, related_name="+")
    language = models.CharField(max_length=10)
    state = models.CharField(max_length=10, choices=State)
    asked = models.JSONField(default=dict)  # what the person chose
    counts = models.JSONField(default=dict)  # new, changed, same, wrong, refused
    examples = models.JSONField(default=list)  # the first rows that are wrong
    done = models.PositiveIntegerField(default=0)  # rows dealt with in the state it is in
    total = models.PositiveIntegerField(default=0)  # rows there are, as far as is known
    fault = models.TextField(blank=True)  # why it failed
    given = models.ForeignKey(File, models.PROTECT, null=True, related_name="+")
    preview = models.JSONField(default=dict)  # of a change: {fields: {path: rows}, rows: [{id, title, lines}]}
    alike = models.JSONField(default=list)  # rows that are probably there already: [{row, title, rows, records}]
    made = models.ForeignKey(
        File, models.PROTECT, null=True, related_name="+"
    )  # the export, or the rows that are wrong
    created = models.DateTimeField(auto_now_add=True)
    finished = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["person", "register", "kind", "-created"], name="batch_of_person")]

    def __str__(self) -> str:
        return f"{self.kind} {self.register} {self.created:%Y-%m-%d %H:%M}"

    @property
    def is_working(self) -> bool:
        """Whether a worker is at it, or will be."""
        return self.state in {Batch.State.CHECKING, Batch.State.WRITING}

    @property
    def percent(self) -> int:
        """How much of its present work is done."""
        return min(100, 100 * self.done // self.total) if self.total else 0


class Revision(models.Model):
    """The declaration that a county's rows of a register were last brought to."""

    county = models.ForeignKey(County, models.CASCADE)
    register = models.CharField(max_length=100)
    digest = models.CharField(max_length=64)
    at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["county", "register"], name="revision_register")]

    def __str__(self) -> str:
        return f"{self.county_id} {self.register}"


class Misfit(models.Model):
    """A row that the rules of its register forbade when they changed; mended once its version is another."""

    record = models.OneToOneField(Record, models.CASCADE, primary_key=True, related_name="misfit")
    version = models.IntegerField()  # of the record
    problems = models.JSONField()  # [{path, rule, message: {zh, en}}]: no values, they may be private
    at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"{self.record_id}: {len(self.problems)}"
