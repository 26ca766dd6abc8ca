"""Tables: plans as read, their clauses, indicators and tasks, values with every revision, and the work on clauses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pghistory
import pgtrigger
from django.db import models
from django.db.models import Q

from shizhu.engines.plan.logic.linking import is_as_much
from shizhu.kernel.fields import OrderedJSONField
from shizhu.kernel.models import Area, County, File, Organisation, Person


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
    definition = models.CharField(max_length=500, blank=True)  # what is counted, and how (指标解释)
    unit = models.CharField(max_length=30, blank=True)
    kind = models.CharField(max_length=20, blank=True)  # 约束性, 预期性
    base_year = models.IntegerField(null=True)
    base_value = models.FloatField(null=True)
    target_year = models.IntegerField(null=True)
    target_value = models.FloatField(null=True)
    base_source = models.CharField(max_length=200, blank=True)  # empty: the text of the plan
    target_source = models.CharField(max_length=200, blank=True)
    growth = models.FloatField(null=True)  # per year, %
    is_cumulative = models.BooleanField(default=False)  # its values are totals since the base year (累计)
    is_flow = models.BooleanField(default=False)  # begins anew each year (时期数): only a whole year's value is judged
    is_rising = models.BooleanField(default=True)
    is_compound = models.BooleanField(default=False)  # the path grows by the same share every year, not the same amount
    steps = models.JSONField(default=dict)  # year → value to be reached by its end, between base and target
    tolerance = models.FloatField(null=True)  # kept within so much of the path, instead of rising or falling
    weight = models.FloatField(default=1.0)  # in the score of the plan
    due_days = models.IntegerField(default=90)  # a year's value is due so many days after it
    place = models.JSONField(null=True)  # lines of the text
    formula = models.CharField(max_length=100, blank=True)  # declared indicator, <pack>.<file>
    source = models.CharField(max_length=10, default="plan")
    edited = models.JSONField(default=list)  # fields that a person changed: a new reading leaves them

    class Meta:
        constraints = [models.UniqueConstraint(fields=["plan", "key"], name="indicator_key")]
        ordering = ["order", "pk"]

    def __str__(self) -> str:
        return self.name


class Task(models.Model):
    """One task of the plan (重点任务), with its owners as printed. `source` says whose the row is: plan or person."""

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
    source = models.CharField(max_length=10, default="plan")
    longitude = models.FloatField(null=True)  # where it is done
    latitude = models.FloatField(null=True)
    edited = models.JSONField(default=list)  # fields that a person changed: a new reading leaves them

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["plan", "key"], name="task_key"),
            models.CheckConstraint(
                condition=Q(longitude=None, latitude=None) | Q(longitude__range=(-180, 180), latitude__range=(-90, 90)),
                name="task_place",
            ),
        ]
        ordering = ["order", "pk"]

    @property
    def years(self) -> tuple[int, int] | None:
        """The first and last year; the same where only the one or the other is said."""
        said = [int(year) for year in (self.period.get("from"), self.period.get("to")) if year]
        return (said[0], said[-1]) if said else None

    @property
    def term(self) -> str:
        """Its years as they are shown, else what is printed."""
        both = self.period.get("from") and self.period.get("to") and self.years
        return "–".join(map(str, dict.fromkeys(both))) if both else self.period.get("text") or ""

    def __str__(self) -> str:
        return self.name


@pghistory.track()
class Budget(models.Model):
    """Money of a task in a year from one fund (资金来源), in 10,000 yuan (万元): planned, and spent by now."""

    task = models.ForeignKey(Task, models.CASCADE, related_name="budgets")
    year = models.IntegerField()
    fund = models.CharField(max_length=60)
    planned = models.FloatField()
    spent = models.FloatField(null=True)  # null: nobody has said
    is_simulated = models.BooleanField(default=False)
    person = models.ForeignKey(Person, models.PROTECT, related_name="+")
    at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["task", "year", "fund"], name="budget_once"),
            models.CheckConstraint(condition=Q(planned__gte=0), name="budget_planned"),
            models.CheckConstraint(condition=Q(spent=None) | Q(spent__gte=0), name="budget_spent"),
        ]
        ordering = ["task__order", "task", "year", "fund"]

    def __str__(self) -> str:
        return f"{self.task_id} {self.year} {self.fund}"


@pghistory.track()
class Risk(models.Model):
    """What endangers a task (风险): who answers for it and what is done against it, open until somebody closes it."""

    class Level(models.TextChoices):
        """How grave it is."""

        HIGH = "high"
        MEDIUM = "medium"
        LOW = "low"

    task = models.ForeignKey(Task, models.CASCADE, related_name="risks")
    name = models.CharField(max_length=100)
    level = models.CharField(max_length=10, choices=Level.choices)
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="+")
    measure = models.CharField(max_length=500)
    is_simulated = models.BooleanField(default=False)
    opened_at = models.DateTimeField(auto_now_add=True)
    opened_by = models.ForeignKey(Person, models.PROTECT, related_name="+")
    outcome = models.CharField(max_length=500, blank=True)  # why it is closed
    closed_at = models.DateTimeField(null=True)
    closed_by = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["task", "name"], name="risk_once"),
            models.CheckConstraint(condition=Q(level__in=["high", "medium", "low"]), name="risk_level"),
        ]

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
    outside_digest = models.CharField(max_length=64, blank=True)  # of the facts told to outsiders, kept at issue
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


class Clause(models.Model):
    """Something the plan promises (条款), with its place; `key` stays the same while the wording does."""

    plan = models.ForeignKey(Plan, models.CASCADE, related_name="clauses")
    key = models.CharField(max_length=20)
    order = models.IntegerField(default=0)
    kind = models.CharField(max_length=10)  # text, box, task, indicator; decision: of a meeting, in no text
    text = models.TextField()
    headings = models.JSONField(default=list)
    place = models.JSONField()  # lines of the text
    quantities = models.JSONField(default=list)  # {subject, value, unit, year, bound}
    leads = models.JSONField(default=list)  # units as printed
    supports = models.JSONField(default=list)
    task = models.ForeignKey(Task, models.SET_NULL, null=True, related_name="clauses")
    indicator = models.ForeignKey(Indicator, models.SET_NULL, null=True, related_name="clauses")
    is_gone = models.BooleanField(default=False)  # not in the newest reading, but work hangs on it

    class Meta:
        constraints = [models.UniqueConstraint(fields=["plan", "key"], name="clause_key")]
        ordering = ["order", "pk"]

    def __str__(self) -> str:
        return self.text[:60]

    @property
    def lines(self) -> range:
        """Where it stands in the text."""
        return range(self.place["from"], self.place["to"] + 1)

    def states(self, amount: Mapping[str, Any]) -> bool:
        """Whether one of its quantities is as much as {value, unit, year}, whatever it is called."""
        return any(is_as_much(one, amount) for one in self.quantities)


@pghistory.track()
class Owner(models.Model):
    """Who leads or assists in a clause (责任): proposed by the program, or settled; what was refused stays refused."""

    class State(models.TextChoices):
        """What is known of it."""

        PROPOSED = "proposed"
        SETTLED = "settled"
        REFUSED = "refused"

    clause = models.ForeignKey(Clause, models.CASCADE, related_name="owners")
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="+")
    is_lead = models.BooleanField(default=True)
    printed = models.CharField(max_length=200, blank=True)
    state = models.CharField(max_length=10, choices=State.choices)
    person = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")  # null: the very name is printed
    at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["clause", "organisation"], name="owner_once")]
        ordering = ["-is_lead", "pk"]

    def __str__(self) -> str:
        return f"{self.clause_id} {self.organisation}"


@pghistory.track()
class Link(models.Model):
    """Two clauses that may be one promise: proposed with what is alike, then linked or told apart by a person."""

    class State(models.TextChoices):
        """What is known of it."""

        PROPOSED = "proposed"
        LINKED = "linked"
        APART = "apart"

    plan = models.ForeignKey(Plan, models.CASCADE, related_name="links")
    one = models.ForeignKey(Clause, models.CASCADE, related_name="links_on")
    other = models.ForeignKey(Clause, models.CASCADE, related_name="links_back")
    signs = models.JSONField(default=list)
    state = models.CharField(max_length=10, choices=State.choices, default=State.PROPOSED)
    note = models.CharField(max_length=300, blank=True)
    person = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["one", "other"], name="link_once"),
            models.CheckConstraint(condition=Q(one__lt=models.F("other")), name="link_in_order"),
        ]

    def __str__(self) -> str:
        return f"{self.one_id}–{self.other_id} {self.state}"


@pghistory.track()
class Piece(models.Model):
    """What one unit owes of a clause in a year (分解任务)."""

    class State(models.TextChoices):
        """Made, sent to its unit, received by somebody there, sent back with a reason, and then left out of a split."""

        DRAFT = "draft"
        SENT = "sent"
        RECEIVED = "received"
        RETURNED = "returned"
        DROPPED = "dropped"

    county = models.ForeignKey(County, models.CASCADE, related_name="+")
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="+")
    area = models.ForeignKey(Area, models.PROTECT, related_name="+")
    clause = models.ForeignKey(Clause, models.PROTECT, related_name="pieces")
    year = models.IntegerField()
    title = models.CharField(max_length=200)
    target = models.FloatField(null=True)
    unit = models.CharField(max_length=30, blank=True)
    due_on = models.DateField()
    assists = models.ManyToManyField(Organisation, related_name="+")
    state = models.CharField(max_length=10, choices=State.choices, default=State.DRAFT)
    reason = models.CharField(max_length=500, blank=True)  # why it was sent back
    sent_at = models.DateTimeField(null=True)
    received_at = models.DateTimeField(null=True)
    received_by = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")
    is_simulated = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["clause", "organisation", "year"], name="piece_once")]
        ordering = ["year", "due_on", "organisation__path", "pk"]

    def __str__(self) -> str:
        return f"{self.organisation} {self.year} {self.title}"


UNDER_WAY = (Piece.State.SENT, Piece.State.RECEIVED)  # pieces whose nodes are watched


@pghistory.track(exclude=["light", "rule", "light_on", "proved_on", "is_contradicted", "contradicted_on"])
class Node(models.Model):
    """A day by which something has to be shown (节点). `light` is what was told last; see logic/lights.py."""

    county = models.ForeignKey(County, models.CASCADE, related_name="+")
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="+")
    area = models.ForeignKey(Area, models.PROTECT, related_name="+")
    piece = models.ForeignKey(Piece, models.PROTECT, related_name="nodes")
    title = models.CharField(max_length=200)
    due_on = models.DateField()
    files = models.IntegerField(default=1)  # that the evidence has at least
    value = models.FloatField(null=True)  # to be reached, in the piece's unit
    counted = models.JSONField(null=True)  # {count: cases or records, of, where: CQL2, least}
    proof = models.JSONField(
        null=True
    )  # {formula, bound: at_least or at_most, value, of: unit or county}; see proving.py
    proved_on = models.DateField(null=True)  # since when the readings fulfil it without a break
    is_contradicted = models.BooleanField(default=False)  # said done, and the readings say no
    contradicted_on = models.DateField(null=True)  # when they began to, of the finish that stands
    is_false = models.BooleanField(default=False)  # a finish was found false
    reopened = models.IntegerField(default=0)
    light = models.CharField(max_length=8, blank=True)
    rule = models.CharField(max_length=10, blank=True)
    light_on = models.DateField(null=True)  # the day for which it was told
    is_simulated = models.BooleanField(default=False)

    class Meta:
        indexes = [models.Index(fields=["county", "light", "due_on"], name="node_lights")]
        ordering = ["due_on", "pk"]

    @property
    def is_ceiling(self) -> bool:
        """Whether its value is not to be passed: that of an indicator that is better the lower it is."""
        indicator = self.piece.clause.indicator
        return indicator is not None and not indicator.is_rising

    def __str__(self) -> str:
        return self.title


class Proof(models.Model):
    """What the readings said of a node when they were looked at (读数核验); kept where something changed."""

    node = models.ForeignKey(Node, models.CASCADE, related_name="proofs")
    at = models.DateTimeField()
    period = models.CharField(max_length=10)
    value = models.FloatField(null=True)  # null: the formula has no answer
    inputs = models.JSONField(default=dict)
    is_met = models.BooleanField(null=True)  # null without a value
    is_simulated = models.BooleanField(default=False)

    class Meta:
        ordering = ["-at", "-pk"]

    def __str__(self) -> str:
        return f"{self.node_id} {self.value}"


class Extension(models.Model):
    """A unit asks for a later day of a node before the old one has passed (延期); both days are kept."""

    class State(models.TextChoices):
        """Waits, approved or refused."""

        WAITING = "waiting"
        APPROVED = "approved"
        REFUSED = "refused"

    node = models.ForeignKey(Node, models.CASCADE, related_name="extensions")
    was_due = models.DateField()
    until = models.DateField()
    reason = models.CharField(max_length=500)
    asked_by = models.ForeignKey(Person, models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    decided_by = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    why = models.CharField(max_length=500, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["node"], condition=Q(state="waiting"), name="extension_waits_once"),
            models.CheckConstraint(condition=Q(until__gt=models.F("was_due")), name="extension_later"),
        ]
        ordering = ["-asked_at", "-pk"]

    def __str__(self) -> str:
        return f"{self.node_id} {self.until}"


class Evidence(models.Model):
    """What a unit shows for a node (佐证), and what was decided about it."""

    class State(models.TextChoices):
        """Waits, accepted, refused, or annulled because a check found it false."""

        WAITING = "waiting"
        ACCEPTED = "accepted"
        REFUSED = "refused"
        ANNULLED = "annulled"

    node = models.ForeignKey(Node, models.CASCADE, related_name="evidence")
    sent_by = models.ForeignKey(Person, models.PROTECT, related_name="+")
    sent_at = models.DateTimeField()
    note = models.CharField(max_length=1000, blank=True)
    value = models.FloatField(null=True)
    counted = models.IntegerField(null=True)  # rows that fulfilled the node's condition when it was sent
    files = models.ManyToManyField(File, related_name="+")
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    decided_by = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    why = models.CharField(max_length=500, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["node"], condition=Q(state="waiting"), name="evidence_waits_once"),
            models.UniqueConstraint(fields=["node"], condition=Q(state="accepted"), name="evidence_counts_once"),
        ]
        ordering = ["-sent_at", "-pk"]

    def __str__(self) -> str:
        return f"{self.node_id} {self.state}"


@pghistory.track()
class Call(models.Model):
    """Somebody is asked about a node and answers by name: urged (催办), or asked to take away what blocks it (堵点)."""

    class Kind(models.TextChoices):
        """Why."""

        URGED = "urged"
        BLOCKED = "blocked"

    county = models.ForeignKey(County, models.CASCADE, related_name="+")
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="+")  # that is asked
    area = models.ForeignKey(Area, models.PROTECT, related_name="+")
    node = models.ForeignKey(Node, models.CASCADE, related_name="calls")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    text = models.CharField(max_length=500)
    asked_by = models.ForeignKey(Person, models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    answer_by = models.DateField(null=True)
    answer = models.CharField(max_length=500, blank=True)
    answered_by = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")
    answered_at = models.DateTimeField(null=True)
    raised_at = models.DateTimeField(null=True)  # nobody answered in time: it went up

    class Meta:
        indexes = [models.Index(fields=["county", "answered_at", "answer_by"], name="call_open")]
        ordering = ["-asked_at", "-pk"]

    def __str__(self) -> str:
        return f"{self.kind} {self.node_id}"


class Sample(models.Model):
    """What a quarter drew to be looked at (抽查) of all finished since the draw before; the seed draws it again."""

    county = models.ForeignKey(County, models.CASCADE, related_name="+")
    quarter = models.CharField(max_length=6)  # 2026Q3
    seed = models.CharField(max_length=64)
    percent = models.IntegerField()
    names = models.JSONField()  # of all nodes it was drawn from
    drawn = models.JSONField()  # names in the order drawn
    by = models.ForeignKey(Person, models.PROTECT, related_name="+")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["county", "quarter"], name="sample_once")]
        ordering = ["-quarter"]

    def __str__(self) -> str:
        return self.quarter


class Check(models.Model):
    """Somebody who did not report looked at a node on the spot (核查)."""

    node = models.ForeignKey(Node, models.CASCADE, related_name="checks")
    sample = models.ForeignKey(Sample, models.PROTECT, null=True, related_name="checks")
    by = models.ForeignKey(Person, models.PROTECT, related_name="+")
    at = models.DateTimeField()
    longitude = models.FloatField()
    latitude = models.FloatField()
    files = models.ManyToManyField(File, related_name="+")
    is_true = models.BooleanField()
    note = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ["-at", "-pk"]

    def __str__(self) -> str:
        return f"{self.node_id} {self.is_true}"


class Step(models.Model):
    """One line of the story of a clause, from the text to the evidence; never changed."""

    clause = models.ForeignKey(Clause, models.CASCADE, related_name="steps")
    piece = models.ForeignKey(Piece, models.CASCADE, null=True, related_name="steps")
    node = models.ForeignKey(Node, models.SET_NULL, null=True, related_name="steps")
    at = models.DateTimeField()
    kind = models.CharField(max_length=20)
    person = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")
    data = models.JSONField(default=dict)

    class Meta:
        indexes = [models.Index(fields=["clause", "-at", "-id"], name="step_story")]
        ordering = ["-at", "-pk"]

    def __str__(self) -> str:
        return f"{self.kind} {self.at}"


class Collection(models.Model):
    """Who reports the values of an indicator, how often, and when they are due (采集)."""

    indicator = models.OneToOneField(Indicator, models.CASCADE, related_name="collection")
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="+")
    every = models.CharField(max_length=4, default="P1Y")
    due_days = models.IntegerField(default=30)  # after the end of the period
    remind_days = models.IntegerField(default=7)  # before it is due
    since = models.DateField()  # periods that ended before are not asked for

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(every__in=["P1M", "P3M", "P1Y"]), name="collection_every")]

    def __str__(self) -> str:
        return f"{self.indicator} {self.every}"


class Meeting(models.Model):
    """A meeting over a plan (会议)."""

    plan = models.ForeignKey(Plan, models.CASCADE, related_name="meetings")
    title = models.CharField(max_length=200)
    held_on = models.DateField()
    venue = models.CharField(max_length=100, blank=True)  # time and place
    topics = models.TextField(blank=True)  # a line each, beside what is behind
    invited = models.ManyToManyField(Organisation, related_name="+")
    closed_at = models.DateTimeField(null=True)
    number = models.IntegerField(null=True)  # of its minutes, in the county and the year of the day; given when it ends
    person = models.ForeignKey(Person, models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-held_on", "-pk"]

    def __str__(self) -> str:
        return self.title


class Decision(models.Model):
    """What a meeting decided (议定事项): what, who, by when; and what came of it."""

    meeting = models.ForeignKey(Meeting, models.CASCADE, related_name="decisions")
    text = models.CharField(max_length=500)
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="+")
    due_on = models.DateField()
    indicator = models.ForeignKey(Indicator, models.SET_NULL, null=True, related_name="decisions")
    piece = models.OneToOneField("Piece", models.SET_NULL, null=True, related_name="decision")  # where it is supervised
    outcome = models.CharField(max_length=500, blank=True)
    done_at = models.DateTimeField(null=True)
    done_by = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.text


class Dependency(models.Model):
    """A task waits for another (前置任务)."""

    before = models.ForeignKey(Task, models.CASCADE, related_name="awaited_by")
    after = models.ForeignKey(Task, models.CASCADE, related_name="waits_for")
    person = models.ForeignKey(Person, models.PROTECT, related_name="+")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["before", "after"], name="dependency_once"),
            models.CheckConstraint(condition=~Q(before=models.F("after")), name="dependency_on_another"),
        ]

    def __str__(self) -> str:
        return f"{self.before_id} → {self.after_id}"


class Look(models.Model):
    """An outside evaluator looked at something in the room (查询记录). It is never changed or deleted."""

    county = models.ForeignKey(County, models.PROTECT, related_name="+")
    person = models.ForeignKey(Person, models.PROTECT, related_name="+")
    what = models.CharField(max_length=10)  # package, report, facts, numbers, table
    about = models.CharField(max_length=200, blank=True)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        triggers = [pgtrigger.Protect(name="kept", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.person_id} {self.what} {self.about}"
