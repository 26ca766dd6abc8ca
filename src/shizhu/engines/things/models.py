"""Tables: the nine SensorThings entities (OGC 18-088 §8), devices, latest values, rollups, quarantine.

Every entity has a bigint id, which is its `@iot.id`. Thing carries county, organisation and area; what hangs on a
Thing is visible with it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pghistory
from django.contrib.postgres.indexes import GistIndex
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy

from shizhu.engines.things.logic.readings import Origin, Verdict
from shizhu.kernel.fields import BoxField
from shizhu.kernel.models import Area, County, File, Organisation, Person

VERDICTS = [(int(v), v.name.lower()) for v in Verdict]
ORIGINS = [(int(o), o.name.lower()) for o in Origin]


def audited(**options: Any) -> Callable[[type[models.Model]], type[models.Model]]:
    """Keep in the audit trail what is made, changed and deleted."""
    kept = pghistory.InsertEvent(), pghistory.UpdateEvent(), pghistory.DeleteEvent()
    decorate: Callable[[type[models.Model]], type[models.Model]] = pghistory.track(*kept, **options)
    return decorate


class Entity(models.Model):
    """What all SensorThings entities share."""

    name = models.TextField()
    description = models.TextField(default="", blank=True)
    properties = models.JSONField(null=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.name


class Location(Entity):
    """Where Things are; GeoJSON in WGS 84 kept as given."""

    encoding_type = models.TextField(default="application/geo+json")
    location = models.JSONField()
    box = BoxField(null=True)

    class Meta:
        indexes = [GistIndex(fields=["box"], name="location_box")]


@audited()
class Thing(Entity):
    """A station, a device on a wall, a reservoir: whatever is observed."""

    county = models.ForeignKey(County, models.CASCADE)
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="+")
    area = models.ForeignKey(Area, models.PROTECT, related_name="+")
    key = models.CharField(max_length=80, null=True)  # natural key, of those that were declared
    locations = models.ManyToManyField(Location, related_name="things")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["county", "key"], name="thing_key")]


class HistoricalLocation(models.Model):
    """A Thing was at these Locations from this time on."""

    thing = models.ForeignKey(Thing, models.CASCADE, related_name="historical_locations")
    time = models.DateTimeField()
    locations = models.ManyToManyField(Location, related_name="historical_locations")


class Sensor(Entity):
    """The procedure that makes results."""

    encoding_type = models.TextField(default="application/pdf")
    metadata = models.JSONField(default=str)


class ObservedProperty(Entity):
    """What is observed."""

    definition = models.TextField()


class FeatureOfInterest(Entity):
    """What the result is about; made from the Thing's Location where none is given."""

    encoding_type = models.TextField(default="application/geo+json")
    feature = models.JSONField()


@audited()
class Datastream(Entity):
    """Results of one ObservedProperty by one Sensor of one Thing; or of several at once, a MultiDatastream.

    A MultiDatastream (18-088, req/multi-datastream) has no observed_property but observed_properties, in the order of
    their rows in the table of links, `data_types` with an observationType each, and a list as its unit_of_measurement.
    """

    thing = models.ForeignKey(Thing, models.CASCADE, related_name="datastreams")
    sensor = models.ForeignKey(Sensor, models.CASCADE, related_name="datastreams")
    observed_property = models.ForeignKey(ObservedProperty, models.CASCADE, null=True, related_name="datastreams")
    observed_properties = models.ManyToManyField(ObservedProperty, related_name="multi_datastreams")
    data_types = models.JSONField(null=True)
    observation_type = models.TextField(default="http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement")
    unit_of_measurement = models.JSONField()
    observed_area = models.JSONField(null=True)
    feature = models.ForeignKey(
        FeatureOfInterest, models.SET_NULL, null=True, related_name="+"
    )  # of observations without one
    key = models.CharField(max_length=60, null=True)  # property of the device profile
    lowest = models.FloatField(null=True)  # outside lowest–highest a reading is bad
    highest = models.FloatField(null=True)
    checks = models.JSONField(null=True)  # rate, spike, stuck, interval as the profile declares them
    is_watched = models.BooleanField(default=False)  # a rule judges it: its readings are told as events

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["thing", "key"], name="datastream_key"),
            models.CheckConstraint(
                condition=Q(observed_property__isnull=True, data_types__isnull=False)
                | Q(observed_property__isnull=False, data_types__isnull=True),
                name="datastream_single_or_multi",
            ),
        ]


class Observation(models.Model):
    """One result. Never changed: a correction is the same key with the next sequence."""

    pk = models.CompositePrimaryKey("datastream_id", "phenomenon_time", "sequence")
    id = models.BigIntegerField()
    datastream = models.ForeignKey(  # triggers look both up, once for all rows of a statement
        Datastream, models.CASCADE, db_constraint=False, db_index=False, related_name="observations"
    )
    phenomenon_time = models.DateTimeField()
    sequence = models.SmallIntegerField(default=0)
    phenomenon_end = models.DateTimeField(null=True)
    result_time = models.DateTimeField(null=True)
    result = models.FloatField(null=True)
    result_json = models.JSONField(null=True)  # a result that is not a number
    verdict = models.SmallIntegerField(choices=VERDICTS)
    reason = models.JSONField(null=True)  # which rule a reading that is not good broke, value, limit
    origin = models.SmallIntegerField(choices=ORIGINS)
    known_at = models.DateTimeField()  # when it was committed: what we knew then
    feature = models.ForeignKey(
        FeatureOfInterest, models.SET_NULL, null=True, db_constraint=False, db_index=False, related_name="observations"
    )
    extra = models.JSONField(null=True)  # validTime, resultQuality, parameters

    class Meta:
        indexes = [
            models.Index(fields=["id"], name="observation_id"),
            models.Index(fields=["phenomenon_time"], name="observation_time"),  # the newest of all datastreams
            models.Index(  # corrections and what was withdrawn: few
                fields=["datastream", "phenomenon_time", "sequence"],
                condition=Q(sequence__gt=0),
                name="observation_changed",
            ),
            models.Index(
                fields=["feature", "datastream"], condition=Q(feature__isnull=False), name="observation_feature"
            ),
        ]


class Latest(models.Model):
    """The newest observation of a datastream, and the extent of all in time and space."""

    datastream = models.OneToOneField(Datastream, models.CASCADE, primary_key=True, related_name="latest")
    first_time = models.DateTimeField()
    phenomenon_time = models.DateTimeField()
    last_end = models.DateTimeField()
    result_first = models.DateTimeField(null=True)  # the result times there are
    result_last = models.DateTimeField(null=True)
    area = BoxField(null=True)  # around the features that observations name
    is_home = models.BooleanField(default=False)  # some name none: they are where the Thing is
    result_time = models.DateTimeField(null=True)
    result = models.FloatField(null=True)
    result_json = models.JSONField(null=True)
    verdict = models.SmallIntegerField(choices=VERDICTS)
    reason = models.JSONField(null=True)  # which rule a reading that is not good broke, value, limit
    origin = models.SmallIntegerField(choices=ORIGINS)
    known_at = models.DateTimeField()


class Hour(models.Model):
    """Good readings of one datastream in one hour."""

    pk = models.CompositePrimaryKey("datastream_id", "hour")
    datastream = models.ForeignKey(Datastream, models.CASCADE, db_index=False, related_name="hours")
    hour = models.DateTimeField()
    count = models.IntegerField()
    total = models.FloatField()
    least = models.FloatField()
    most = models.FloatField()


class Day(models.Model):
    """Readings of one datastream on one archived day of the county; what is aggregated is of the good ones."""

    pk = models.CompositePrimaryKey("datastream_id", "day")
    datastream = models.ForeignKey(Datastream, models.CASCADE, db_index=False, related_name="days")
    day = models.DateField()
    count = models.IntegerField()
    total = models.FloatField(null=True)
    least = models.FloatField(null=True)
    most = models.FloatField(null=True)
    readings = models.IntegerField()  # all, as they are known now
    rows = models.IntegerField(default=0)  # with those that were corrected or withdrawn since
    first = models.DateTimeField(null=True)
    last = models.DateTimeField(null=True)
    last_end = models.DateTimeField(null=True)
    is_recalled = models.BooleanField(default=False)  # its rows lie in the database again: those in the file are void

    class Meta:
        indexes = [models.Index(fields=["day"], name="day_day")]


class Night(models.Model):
    """One run of what moves closed days to files: how far it came, and what went wrong."""

    started = models.DateTimeField()
    ended = models.DateTimeField(null=True)
    planned = models.IntegerField()  # days
    done = models.IntegerField(default=0)
    rows = models.BigIntegerField(default=0)
    fault = models.TextField(blank=True)  # of the last day that stays in the database

    class Meta:
        ordering = ["-started"]


class ArchivedFeature(models.Model):
    """A feature that readings of an archived day name themselves."""

    datastream = models.ForeignKey(Datastream, models.CASCADE, related_name="+")
    feature = models.ForeignKey(FeatureOfInterest, models.CASCADE, related_name="+")
    day = models.DateField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["feature", "datastream", "day"], name="archived_feature")]


class ArchivedDay(models.Model):
    """A day of the county whose observations lie in a file: the one that counts."""

    day = models.DateField(primary_key=True)
    file = models.CharField(max_length=60)
    rows = models.BigIntegerField()
    sha256 = models.CharField(max_length=64, blank=True)  # of the file; empty if it was written before these were kept
    first_id = models.BigIntegerField(default=0)
    last_id = models.BigIntegerField(default=0)
    is_touched = models.BooleanField(default=False)  # readings came since: the file is to be written anew
    written_at = models.DateTimeField()


@audited(exclude=["last_seen", "last_packet", "last_error", "last_error_at"])
class Device(models.Model):
    """What logs in and sends: one credential, one profile, one Thing."""

    county = models.ForeignKey(County, models.CASCADE)
    key = models.CharField(max_length=64)  # user name over MQTT, MN over HJ 212
    profile = models.CharField(max_length=100)
    thing = models.ForeignKey(Thing, models.CASCADE, related_name="devices")
    secret = models.CharField(max_length=64)  # SHA-256 of the password
    is_enabled = models.BooleanField(default=True)
    is_lenient = models.BooleanField(default=False)  # deviations from the codec's standard are accepted and remarked
    origin = models.SmallIntegerField(choices=ORIGINS, default=Origin.MEASURED)
    claim = models.CharField(max_length=32, null=True, unique=True)  # in the QR code of one nobody has put up yet
    last_seen = models.DateTimeField(null=True)
    last_packet = models.BinaryField(null=True)
    last_error = models.JSONField(null=True)
    last_error_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["key"], name="device_key")]  # one broker, so one name space

    def __str__(self) -> str:
        return self.key


class Packets(models.Model):
    """The raw messages of one committed batch, compressed: the way back from a reading to its packet."""

    source = models.CharField(max_length=30)
    known_at = models.DateTimeField(db_index=True)
    first_sequence = models.BigIntegerField()
    last_sequence = models.BigIntegerField()
    body = models.BinaryField()


class Quarantine(models.Model):
    """Bad input, kept with the reason until somebody has dealt with it."""

    received = models.DateTimeField()
    protocol = models.CharField(max_length=20)
    device = models.ForeignKey(Device, models.SET_NULL, null=True, related_name="quarantine")
    sender = models.CharField(max_length=120)  # what the sender called itself
    payload = models.BinaryField()
    field = models.CharField(max_length=80)
    value = models.TextField()
    rule = models.TextField()
    dealt_with = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["-received"], condition=Q(dealt_with__isnull=True), name="quarantine_waiting")]


class LogPosition(models.Model):
    """How far ingest has committed a source of the event log: what is not newer is a redelivery."""

    source = models.CharField(primary_key=True, max_length=30)
    sequence = models.BigIntegerField()
    published = models.DateTimeField()
    heard = models.DateTimeField(db_default=Now())  # what came until then is committed
    since = models.DateTimeField(db_default=Now())  # it was heard without a gap


class TaskingCapability(models.Model):
    """What a device can be told to do (17-079r1 §8.2.1): a command of its profile, as it is declared now."""

    device = models.ForeignKey(Device, models.CASCADE, related_name="capabilities")
    command = models.CharField(max_length=60)
    name = models.TextField()
    description = models.TextField()
    parameters = models.JSONField()  # a DataRecord of SWE Common
    is_declared = models.BooleanField(default=True)  # no more, when the profile has lost the command

    class Meta:
        constraints = [models.UniqueConstraint(fields=["device", "command"], name="capability_command")]


class CommandState(models.TextChoices):
    """Where a command is on its way; the last five are ends."""

    PROPOSED = "proposed", gettext_lazy("waits for a second person")
    QUEUED = "queued", gettext_lazy("waits to be sent")
    SENT = "sent", gettext_lazy("sent")
    ACKNOWLEDGED = "acknowledged", gettext_lazy("received by the device")
    DONE = "done", gettext_lazy("carried out")
    FAILED = "failed", gettext_lazy("not carried out")
    TIMED_OUT = "timed_out", gettext_lazy("no answer in time")
    CANCELLED = "cancelled", gettext_lazy("cancelled")


@pghistory.track(exclude=["tries", "sent_at", "progress", "held_by"])
class Command(models.Model):
    """What one device was told to do, by whom, and its answer. `batch` joins what was asked for together.
    `asked_for` is what asked for it where no person did."""

    device = models.ForeignKey(Device, models.CASCADE, related_name="commands")
    name = models.CharField(max_length=60)
    parameters = models.JSONField()
    state = models.CharField(max_length=12, choices=CommandState)
    batch = models.UUIDField(db_index=True)
    asked_by = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")
    asked_at = models.DateTimeField(auto_now_add=True)
    decided_by = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")  # approved or cancelled it
    expires = models.DateTimeField()
    tries = models.SmallIntegerField(default=0)
    sent_at = models.DateTimeField(null=True)
    acknowledged_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    answer = models.JSONField(null=True)
    held_by = models.CharField(max_length=16, blank=True)  # the edge of its device, which is not reached now
    progress = models.JSONField(null=True)  # of what takes long: {stage, percent}, as far as the device came
    asked_for = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(
                fields=["expires"],
                condition=Q(state__in=["proposed", "queued", "sent", "acknowledged"]),
                name="command_open",
            )
        ]


@pghistory.track()
class Maintenance(models.Model):
    """A time in which somebody works at a Thing: its readings are suspect then, and raise no alarm."""

    thing = models.ForeignKey(Thing, models.CASCADE, related_name="maintenance")
    starts = models.DateTimeField()
    ends = models.DateTimeField()
    reason = models.CharField(max_length=200)
    entered_by = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")
    entered_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-starts"]
        constraints = [models.CheckConstraint(condition=Q(ends__gt=F("starts")), name="maintenance_order")]


class ServiceKind(models.TextChoices):
    """What was done to a device."""

    CALIBRATION = "calibration", gettext_lazy("calibration")
    INSTALLATION = "installation", gettext_lazy("installation")
    REPAIR = "repair", gettext_lazy("repair")
    FIRMWARE = "firmware", gettext_lazy("firmware")
    SETTING = "setting", gettext_lazy("setting")


class ServiceRecord(models.Model):
    """What was done to a device, when, by whom; before and after as the person read them. Never changed."""

    device = models.ForeignKey(Device, models.CASCADE, related_name="service_records")
    datastream = models.ForeignKey(Datastream, models.SET_NULL, null=True, related_name="+")
    kind = models.CharField(max_length=12, choices=ServiceKind)
    at = models.DateTimeField()
    before = models.CharField(max_length=100, blank=True)
    after = models.CharField(max_length=100, blank=True)
    note = models.TextField(blank=True)
    valid_until = models.DateField(null=True)
    certificate = models.ForeignKey(File, models.PROTECT, null=True, related_name="+")
    entered_by = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")
    entered_at = models.DateTimeField(auto_now_add=True)
    rollout = models.ForeignKey("Rollout", models.PROTECT, null=True, related_name="+")  # it came by this one

    class Meta:
        ordering = ["-at", "-id"]


class ReleaseKind(models.TextChoices):
    """What a release is."""

    FIRMWARE = "firmware", gettext_lazy("firmware")
    CONFIGURATION = "configuration", gettext_lazy("configuration")


@pghistory.track()
class Release(models.Model):
    """A firmware (a file) or a configuration (values) for the devices of a profile. Never changed."""

    county = models.ForeignKey(County, models.CASCADE)
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="+")
    area = models.ForeignKey(Area, models.PROTECT, related_name="+")
    kind = models.CharField(max_length=13, choices=ReleaseKind)
    profile = models.CharField(max_length=100)
    name = models.CharField(max_length=100)
    version = models.CharField(max_length=40)
    file = models.ForeignKey(File, models.PROTECT, null=True, related_name="+")
    values = models.JSONField(null=True)
    notes = models.TextField(blank=True)
    origin = models.SmallIntegerField(choices=ORIGINS, default=Origin.MEASURED)
    made_by = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")
    made_at = models.DateTimeField(auto_now_add=True)
    withdrawn_at = models.DateTimeField(null=True)  # from then on it begins no rollout

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["county", "profile", "kind", "version"], name="release_version"),
            models.CheckConstraint(
                condition=Q(kind="firmware", file__isnull=False, values__isnull=True)
                | Q(kind="configuration", file__isnull=True, values__isnull=False),
                name="release_file_or_values",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


class RolloutState(models.TextChoices):
    """Where a rollout is; the last four are ends."""

    PROPOSED = "proposed", gettext_lazy("waits for a second person")
    RUNNING = "running", gettext_lazy("running")
    PAUSED = "paused", gettext_lazy("paused")
    DONE = "done", gettext_lazy("rolled out")
    HALTED = "halted", gettext_lazy("stopped by itself")
    STOPPED = "stopped", gettext_lazy("stopped")
    CANCELLED = "cancelled", gettext_lazy("cancelled")


@pghistory.track()
class Rollout(models.Model):
    """A release on its way to devices, wave by wave. Shares are percent of the devices of a wave."""

    county = models.ForeignKey(County, models.CASCADE)
    release = models.ForeignKey(Release, models.PROTECT, related_name="rollouts")
    state = models.CharField(max_length=10, choices=RolloutState, default=RolloutState.PROPOSED)
    begun = models.SmallIntegerField(default=0)  # waves
    confirm = models.SmallIntegerField()  # so many must have it before the next wave begins
    most_failed = models.SmallIntegerField()  # when more have failed it stops by itself
    why = models.CharField(max_length=12, blank=True)  # it stopped by itself: failed or unconfirmed
    undoes = models.ForeignKey("self", models.PROTECT, null=True, related_name="undone_by")
    asked_by = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")
    asked_at = models.DateTimeField(auto_now_add=True)
    decided_by = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]


class Target(models.Model):
    """A device of a rollout: in which wave, what it gets and had, and the command that tells it."""

    rollout = models.ForeignKey(Rollout, models.CASCADE, related_name="targets")
    device = models.ForeignKey(Device, models.CASCADE, related_name="targets")
    wave = models.SmallIntegerField()  # from 0
    release = models.ForeignKey(Release, models.PROTECT, related_name="+")
    before = models.ForeignKey(Release, models.PROTECT, null=True, related_name="+")
    command = models.OneToOneField(Command, models.SET_NULL, null=True, related_name="target")

    class Meta:
        ordering = ["wave", "id"]
        constraints = [models.UniqueConstraint(fields=["rollout", "device"], name="target_device")]


class Installed(models.Model):
    """The release a device has now, as it said itself."""

    device = models.ForeignKey(Device, models.CASCADE, related_name="installed")
    kind = models.CharField(max_length=13, choices=ReleaseKind)
    release = models.ForeignKey(Release, models.PROTECT, related_name="installed")
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["device", "kind"], name="installed_kind")]


class EdgeLine(models.Model):
    """The line to an edge, as ingest saw it last, and the datastream that stands for it."""

    key = models.CharField(max_length=16, primary_key=True)
    stream = models.OneToOneField(Datastream, models.CASCADE, related_name="+")
    reached_at = models.DateTimeField(null=True)
    away_since = models.DateTimeField(null=True)  # None while it is reached, or while nobody looks
    back_at = models.DateTimeField(null=True)  # when it was reached again, the last time
