"""Flow versions, cases, their tasks and their timeline."""

from __future__ import annotations

from datetime import datetime, timedelta

import pghistory
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from shizhu.kernel.fields import OrderedJSONField
from shizhu.kernel.models import Area, County, File, Organisation, Person


class FlowVersion(models.Model):
    """The text of a flow, kept as long as a case may run on it."""

    key = models.CharField(max_length=100)
    digest = models.CharField(max_length=64)
    xml = models.TextField()
    called = models.JSONField(default=dict)  # name → text of each flow that it calls
    stages = models.JSONField(default=list)  # [{zh, en}], what the number of a case's stage means
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["key", "digest"], name="flow_version_once")]


class FormVersion(models.Model):
    """A form or decision as it was, by its digest: a case is filled in, decided and read with those it began with."""

    digest = models.CharField(primary_key=True, max_length=64)
    body = OrderedJSONField()


class Counter(models.Model):
    """Numbers given to cases, per county, prefix and year."""

    county = models.ForeignKey(County, models.CASCADE)
    prefix = models.CharField(max_length=12)
    year = models.IntegerField()
    value = models.IntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["county", "prefix", "year"], name="counter_once")]


@pghistory.track(exclude=["state", "forms"])
class Case(models.Model):
    """One matter carried from report to close (案卷)."""

    class Status(models.TextChoices):
        """Open until its flow has ended."""

        OPEN = "open"
        CLOSED = "closed"

    county = models.ForeignKey(County, models.CASCADE)
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="+")
    area = models.ForeignKey(Area, models.PROTECT, related_name="+")
    flow = models.CharField(max_length=100)
    digest = models.CharField(max_length=64)  # of the flow version it runs on
    number = models.CharField(max_length=30)
    title = models.CharField(max_length=200)
    status = models.CharField(max_length=8, choices=Status, default=Status.OPEN)
    stage = models.SmallIntegerField(default=0)  # index into the flow's stages
    forms = models.JSONField(default=dict)  # key → digest of each form of its flow, as it was when the case was opened
    state = models.JSONField()  # where the tokens stand, with the case's document
    alarm = models.BigIntegerField(null=True)  # of the alarms engine, if it started the case
    datastream = models.BigIntegerField(null=True)
    origin = models.SmallIntegerField(default=0)  # measured, simulated, replayed, or a DRILL
    opened_at = models.DateTimeField()
    opened_by = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")
    due_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    paused_at = models.DateTimeField(null=True)  # its clocks stand since then
    supervised_by = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")
    supervised_until = models.DateTimeField(null=True)
    ended_at = models.CharField(max_length=200, blank=True)  # id of the end event
    is_void = models.BooleanField(default=False)  # ended without being dealt with, for a reason (作废)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["county", "number"], name="case_number"),
            models.UniqueConstraint(fields=["alarm"], name="case_of_alarm"),
            models.CheckConstraint(
                condition=Q(status="open", closed_at=None) | Q(status="closed", closed_at__isnull=False),
                name="case_closed_when",
            ),
        ]
        indexes = [
            models.Index(fields=["county", "flow", "due_at"], name="case_due"),
            models.Index(fields=["county", "status", "-opened_at"], name="case_list"),
        ]
        ordering = ["-opened_at"]

    def __str__(self) -> str:
        return self.number

    @property
    def error(self) -> str | None:
        """Code of the error of its flow that ended it, as nothing catches it; None where it did not end so."""
        found: str | None = self.state.get("error")
        return found

    @property
    def outcome(self) -> str:
        """`open`, `done`, `void` or `error`; `datasets.columns` says the same in SQL."""
        if self.closed_at is None:
            return "open"
        return "void" if self.is_void else "done" if self.error is None else "error"

    @property
    def in_time(self) -> bool:
        """Whether it came to a proper end by its deadline."""
        return self.outcome == "done" and self.closed_at is not None and self.closed_at <= self.due_at


class Subject(models.Model):
    """A record that a case is about: a reference field of one of its forms names it."""

    case = models.ForeignKey(Case, models.CASCADE, related_name="subjects")
    register = models.CharField(max_length=100)
    key = models.CharField(max_length=200)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["case", "register", "key"], name="subject_once")]
        indexes = [models.Index(fields=["register", "key"], name="subject_of_record")]
        ordering = ["pk"]


class Task(models.Model):
    """A step that waits for somebody, or was done."""

    class Status(models.TextChoices):
        """Ready until done, or withdrawn because the flow went on without it."""

        READY = "ready"
        DONE = "done"
        WITHDRAWN = "withdrawn"

    case = models.ForeignKey(Case, models.CASCADE, related_name="tasks")
    token = models.CharField(max_length=220)
    step = models.CharField(max_length=200)
    role = models.CharField(max_length=200)  # several with commas between
    organisation = models.ForeignKey(Organisation, models.PROTECT, null=True, related_name="+")  # None: the case's
    item = models.JSONField(null=True)  # what it is about, where the step is done for each of many
    assignee = models.ForeignKey(Person, models.PROTECT, null=True, related_name="tasks")
    people = ArrayField(models.BigIntegerField(), default=list)  # whom the step names beside its role: any may do it
    status = models.CharField(max_length=10, choices=Status, default=Status.READY)
    created = models.DateTimeField()
    due_at = models.DateTimeField(null=True)
    paused_at = models.DateTimeField(null=True)  # its own clock stands since then: supplements are awaited
    rested = models.DurationField(default=timedelta)  # working time that its clock stood
    took = models.DurationField(null=True)  # working time from when it was given until it was done, without rests
    meets_at = models.DateTimeField(null=True)  # when those who do it together meet
    meets_where = models.CharField(max_length=200, blank=True)
    done_at = models.DateTimeField(null=True)
    done_by = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")
    answer = models.JSONField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["case", "token"], name="task_token")]
        indexes = [models.Index(fields=["assignee", "status", "due_at"], name="task_mine")]
        ordering = ["created", "pk"]

    def __str__(self) -> str:
        return f"{self.case} {self.step}"

    def is_late(self, at: datetime) -> bool:
        """Whether its deadline has passed; never while its clock stands."""
        return self.due_at is not None and self.due_at < at and not (self.paused_at or self.case.paused_at)


class Waiting(models.Model):
    """Something that a case waits for beside people: a time, a message, a signal, a job of somebody outside."""

    case = models.ForeignKey(Case, models.CASCADE, related_name="waits")
    county = models.ForeignKey(County, models.CASCADE)
    place = models.IntegerField()  # number of the place of the token
    event = models.CharField(max_length=200)  # id of the element
    kind = models.CharField(max_length=10)  # timer, message, signal, job
    name = models.CharField(max_length=200, blank=True)
    key = models.CharField(max_length=200, blank=True)
    due_at = models.DateTimeField(null=True)
    since = models.DateTimeField()  # a pause before it does not make it later

    class Meta:
        constraints = [models.UniqueConstraint(fields=["case", "place", "event"], name="waiting_once")]
        indexes = [models.Index(fields=["county", "kind", "name", "key"], name="waiting_for")]
        ordering = ["case", "pk"]

    def __str__(self) -> str:
        return f"{self.case} {self.event}"


class Addressed(models.Model):
    """A name and key by which messages reached a case: who sends one after its end can be told of that."""

    case = models.ForeignKey(Case, models.CASCADE, related_name="addresses")
    name = models.CharField(max_length=200)
    key = models.CharField(max_length=200)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["case", "name", "key"], name="addressed_once")]
        indexes = [models.Index(fields=["name", "key"], name="addressed_by")]


class Held(models.Model):
    """A message or signal that a case could not go on with; it is brought again after each of its moves."""

    case = models.ForeignKey(Case, models.CASCADE, related_name="held")
    event = models.CharField(max_length=200)  # id of the element that waits for it
    kind = models.CharField(max_length=10)
    name = models.CharField(max_length=200)
    key = models.CharField(max_length=200, blank=True)
    payload = models.JSONField()
    came_at = models.DateTimeField()
    sent_by = models.ForeignKey(Person, models.SET_NULL, null=True, related_name="+")
    sent_of = models.ForeignKey(Case, models.SET_NULL, null=True, related_name="+")  # the case that threw it

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.case} {self.name}"


class TimerStart(models.Model):
    """A start event of a declared flow that waits for a time, and its next time; none after the last."""

    county = models.ForeignKey(County, models.CASCADE)
    flow = models.CharField(max_length=100)
    event = models.CharField(max_length=200)  # id of the start event
    said = models.TextField()  # the timer as the flow has it; one that says something else begins anew
    spec = models.JSONField(null=True)  # due, every, left, until: as `logic/timers.py` has them
    due_at = models.DateTimeField(null=True)
    last_at = models.DateTimeField(null=True)  # the time that opened the last case
    last_case = models.ForeignKey(Case, models.SET_NULL, null=True, related_name="+")
    failed_at = models.DateTimeField(null=True)  # since when no case could be opened; None once one is
    fault = models.TextField(blank=True)  # why, as it was tried last

    class Meta:
        constraints = [models.UniqueConstraint(fields=["county", "flow", "event"], name="timer_start_once")]
        ordering = ["due_at", "pk"]

    def __str__(self) -> str:
        return f"{self.flow} {self.event}"


class Petition(models.Model):
    """What who does a task asks for: a pause for supplements, more time, to give it back, to void its case. Somebody
    else decides; it lapses, decided by nobody, once the task waits no more for who asked.
    """

    class Kind(models.TextChoices):
        """What is asked for."""

        PAUSE = "pause"
        EXTEND = "extend"
        RETURN = "return"
        VOID = "void"

    case = models.ForeignKey(Case, models.CASCADE, related_name="petitions")
    task = models.ForeignKey(Task, models.CASCADE, related_name="petitions")
    kind = models.CharField(max_length=8, choices=Kind)
    why = models.TextField()
    span = models.CharField(max_length=20, blank=True)  # ISO 8601, of more time
    asked_by = models.ForeignKey(Person, models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    decided_by = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    is_granted = models.BooleanField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["case", "kind"], condition=Q(decided_at=None), name="petition_open_once"),
            models.CheckConstraint(
                condition=Q(decided_at=None, is_granted=None, decided_by=None)
                | Q(decided_at__isnull=False, is_granted__isnull=False, decided_by__isnull=False)
                | Q(decided_at__isnull=False, is_granted=False, decided_by=None),
                name="petition_decided",
            ),
        ]
        ordering = ["asked_at", "pk"]


class Helper(models.Model):
    """Somebody asked to handle a task jointly (会办), and what they said."""

    task = models.ForeignKey(Task, models.CASCADE, related_name="helpers")
    person = models.ForeignKey(Person, models.PROTECT, related_name="+")
    asked_by = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")  # None: the flow asks, and waits
    asked_at = models.DateTimeField()
    said = models.TextField(blank=True)
    said_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["task", "person"], name="helper_once")]
        ordering = ["asked_at", "pk"]


class Entry(models.Model):
    """A line of a case's timeline."""

    case = models.ForeignKey(Case, models.CASCADE, related_name="entries")
    at = models.DateTimeField()
    kind = models.CharField(max_length=12)  # opened, passed, given, done, closed, cleared, withdrawn
    step = models.CharField(max_length=200, blank=True)
    person = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")
    data = models.JSONField(default=dict)

    class Meta:
        indexes = [models.Index(fields=["case", "at"], name="entry_timeline")]
        ordering = ["at", "pk"]


class Attachment(models.Model):
    """A file given with an answer."""

    case = models.ForeignKey(Case, models.CASCADE, related_name="attachments")
    task = models.ForeignKey(Task, models.CASCADE, null=True, related_name="attachments")
    file = models.ForeignKey(File, models.PROTECT, related_name="+")
