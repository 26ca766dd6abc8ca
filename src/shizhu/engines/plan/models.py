"""Tables: plans as read, their indicators and tasks, and the values of indicators with every revision."""

from __future__ import annotations

import pghistory
import pgtrigger
from django.db import models
from django.db.models import Q

from shizhu.kernel.fields import OrderedJSONField
from shizhu.kernel.models import County, File, Person


class Plan(models.Model):
    """A plan (规划) of the county: its text and what was read out of it."""

    county = models.ForeignKey(County, models.CASCADE, related_name="plans")
    code = models.CharField(max_length=40)
    title = models.CharField(max_length=200)
    source = models.CharField(max_length=200, blank=True)  # where the text or the facts come from
    text = models.TextField(blank=True)
    document = OrderedJSONField(default=dict)  # what the reader made of the text
    updated = models.DateTimeField(auto_now=True)
    updated_by = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["county", "code"], name="plan_code")]

    def __str__(self) -> str:
        return self.title


class Ruling(models.Model):
    """What a person decided about a finding (裁定): a value, or that it was looked at, or that it is open again."""

    plan = models.ForeignKey(Plan, models.CASCADE, related_name="rulings")
    finding = models.CharField(max_length=32)  # its name, whatever lines it stands on
    rule = models.CharField(max_length=30)
    subject = models.CharField(max_length=200)
    decision = models.CharField(max_length=10)
    value = models.FloatField(null=True)
    year = models.IntegerField(null=True)
    note = models.CharField(max_length=300)
    person = models.ForeignKey(Person, models.PROTECT, related_name="+")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [models.Index(fields=["plan", "finding", "-id"], name="ruling_newest")]
        constraints = [
            models.CheckConstraint(condition=Q(decision__in=["open", "value", "seen"]), name="ruling_decision")
        ]

    def __str__(self) -> str:
        return f"{self.subject}: {self.decision}"


class Upload(models.Model):
    """A plan sent from the browser, read by a job."""

    class State(models.TextChoices):
        """Where it is."""

        WAITING = "waiting"
        DONE = "done"
        FAILED = "failed"

    county = models.ForeignKey(County, models.CASCADE, related_name="+")
    code = models.CharField(max_length=40)
    file = models.ForeignKey(File, models.PROTECT, related_name="+")
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    done = models.IntegerField(default=0)
    total = models.IntegerField(default=0)
    fault = models.CharField(max_length=30, blank=True)  # a key of the reasons why a file cannot be opened
    plan = models.ForeignKey(Plan, models.CASCADE, null=True, related_name="uploads")
    person = models.ForeignKey(Person, models.PROTECT, related_name="+")
    created = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.code} {self.state}"


@pghistory.track()
class Indicator(models.Model):
    """One indicator (指标). `source` says whose the row is: plan, county or person; `formula` links it to a pack's."""

    plan = models.ForeignKey(Plan, models.CASCADE, related_name="indicators")
    key = models.CharField(max_length=60)
    order = models.IntegerField(default=0)
    no = models.CharField(max_length=20, blank=True)  # as printed, not unique
    name = models.CharField(max_length=200)
    unit = models.CharField(max_length=30, blank=True)
    kind = models.CharField(max_length=20, blank=True)  # 约束性, 预期性
    base_year = models.IntegerField(null=True)
    base_value = models.FloatField(null=True)
    target_year = models.IntegerField(null=True)
    target_value = models.FloatField(null=True)
    growth = models.FloatField(null=True)  # per year, %
    is_cumulative = models.BooleanField(default=False)
    is_rising = models.BooleanField(default=True)
    steps = models.JSONField(default=dict)  # year → value to be reached by its end, between base and target
    tolerance = models.FloatField(null=True)  # kept within so much of the path, instead of rising or falling
    due_days = models.IntegerField(default=90)  # a year's value is due so many days after it
    place = models.JSONField(null=True)  # lines of the text
    formula = models.CharField(max_length=100, blank=True)  # declared indicator, <pack>.<file>
    source = models.CharField(max_length=10, default="plan")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["plan", "key"], name="indicator_key")]
        ordering = ["order", "pk"]

    def __str__(self) -> str:
        return self.name


class Task(models.Model):
    """One task of the plan (重点任务), with its owners as printed."""

    plan = models.ForeignKey(Plan, models.CASCADE, related_name="tasks")
    key = models.CharField(max_length=60)
    order = models.IntegerField(default=0)
    no = models.CharField(max_length=20, blank=True)
    name = models.CharField(max_length=200)
    content = models.TextField(blank=True)
    category = models.CharField(max_length=60, blank=True)
    period = models.JSONField(default=dict)
    owners = models.JSONField(default=list)
    place = models.JSONField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["plan", "key"], name="task_key")]
        ordering = ["order", "pk"]

    def __str__(self) -> str:
        return self.name


class Value(models.Model):
    """What an indicator was in a period, as known at a time; a revision is a new row."""

    indicator = models.ForeignKey(Indicator, models.CASCADE, related_name="values")
    period = models.CharField(max_length=10)  # 2026, 2026-07
    value = models.FloatField(null=True)  # null: the formula has no answer yet (nothing was due)
    known_at = models.DateTimeField(auto_now_add=True)
    source = models.CharField(max_length=10)  # formula, reported, plan
    inputs = models.JSONField(default=dict)  # name → count, for a formula
    note = models.CharField(max_length=200, blank=True)
    is_simulated = models.BooleanField(default=False)
    person = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")

    class Meta:
        indexes = [models.Index(fields=["indicator", "period", "-known_at"], name="value_newest")]
        constraints = [
            models.CheckConstraint(condition=Q(source__in=["formula", "reported", "plan"]), name="value_source")
        ]

    def __str__(self) -> str:
        return f"{self.indicator} {self.period}"


class Measure(models.Model):
    """A value that an index (评价体系) needs of a subject in a year, as known at a time; a revision is a new row."""

    county = models.ForeignKey(County, models.CASCADE, related_name="+")
    index = models.CharField(max_length=100)  # declared index, <pack>.<file>
    item = models.CharField(max_length=60)
    subject = models.CharField(max_length=60)  # code of the town or organisation
    year = models.IntegerField()
    value = models.FloatField(null=True)  # null: taken back, or the formula has no answer
    known_at = models.DateTimeField(auto_now_add=True)
    source = models.CharField(max_length=10)  # formula, reported
    note = models.CharField(max_length=200, blank=True)
    is_simulated = models.BooleanField(default=False)
    person = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")

    class Meta:
        indexes = [
            models.Index(fields=["county", "index", "year", "item", "subject", "-known_at"], name="measure_newest")
        ]
        constraints = [models.CheckConstraint(condition=Q(source__in=["formula", "reported"]), name="measure_source")]

    def __str__(self) -> str:
        return f"{self.subject} {self.item} {self.year}"


class Evaluation(models.Model):
    """An issued evaluation (评价结果): scheme, data and result as they were, with their hash; never changed."""

    county = models.ForeignKey(County, models.CASCADE, related_name="+")
    index = models.CharField(max_length=100)
    title = models.CharField(max_length=200)
    year = models.IntegerField()
    frozen = OrderedJSONField()  # see shizhu.engines.plan.issuing
    digest = models.CharField(max_length=64)  # SHA-256 of `frozen` as written into the package
    note = models.CharField(max_length=500, blank=True)
    is_simulated = models.BooleanField(default=False)
    issued_at = models.DateTimeField(auto_now_add=True)
    issued_by = models.ForeignKey(Person, models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-issued_at", "-pk"]

    def __str__(self) -> str:
        return f"{self.title} {self.year}"


class Template(models.Model):
    """A template of a kind of report (报告模板), edited in Word; the newest is used, and ours where it has no file."""

    county = models.ForeignKey(County, models.CASCADE, related_name="+")
    kind = models.CharField(max_length=10)
    version = models.IntegerField()
    file = models.ForeignKey(File, models.PROTECT, null=True, related_name="+")
    note = models.CharField(max_length=200, blank=True)
    created = models.DateTimeField(auto_now_add=True)
    person = models.ForeignKey(Person, models.PROTECT, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["county", "kind", "version"], name="template_version")]
        ordering = ["-version"]

    def __str__(self) -> str:
        return f"{self.kind} {self.version}"


class Report(models.Model):
    """A report of a plan (报告): facts and files as they were when it was made; once issued it is never changed."""

    class State(models.TextChoices):
        """Where it is."""

        WAITING = "waiting"
        DONE = "done"
        FAILED = "failed"

    plan = models.ForeignKey(Plan, models.PROTECT, related_name="reports")
    kind = models.CharField(max_length=10)
    period = models.CharField(max_length=10)
    title = models.CharField(max_length=200, blank=True)
    issuer = models.CharField(max_length=100)
    serial = models.CharField(max_length=20)
    known_at = models.DateTimeField()  # the values are those known then
    template = models.ForeignKey(Template, models.PROTECT, null=True, related_name="+")  # null: ours
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    done = models.IntegerField(default=0)
    total = models.IntegerField(default=0)
    facts = OrderedJSONField(default=dict)  # see shizhu.engines.plan.facts
    digest = models.CharField(max_length=64, blank=True)  # SHA-256 of the facts
    word = models.ForeignKey(File, models.PROTECT, null=True, related_name="+")
    pdf = models.ForeignKey(File, models.PROTECT, null=True, related_name="+")
    excel = models.ForeignKey(File, models.PROTECT, null=True, related_name="+")
    created = models.DateTimeField(auto_now_add=True)
    person = models.ForeignKey(Person, models.PROTECT, related_name="+")
    issued_at = models.DateTimeField(null=True)
    issued_by = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ["-created", "-pk"]
        constraints = [
            models.CheckConstraint(condition=Q(issued_at=None) | Q(state="done"), name="report_issued_when_done")
        ]
        triggers = [
            pgtrigger.Protect(
                name="issued", operation=pgtrigger.Update | pgtrigger.Delete,
                condition=pgtrigger.Q(old__issued_at__isnull=False),
            )
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.kind} {self.period}"
