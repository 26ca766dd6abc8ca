"""People, the organisations they serve, and the posts that give them rights."""

from __future__ import annotations

from datetime import date
from typing import Any, ClassVar

import pghistory
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models import Q

from shizhu.kernel.models.places import Area, County, below_county


class Organisation(models.Model):
    """A department, bureau, town government, village committee or enterprise."""

    county = models.ForeignKey(County, models.CASCADE, related_name="organisations")
    code = models.CharField(max_length=40)
    name = models.CharField(max_length=80)
    name_en = models.CharField(max_length=120, blank=True)
    sort_key = models.CharField(max_length=160)
    kind = models.CharField(max_length=20)  # county, department, town, village, enterprise
    parent = models.ForeignKey("self", models.CASCADE, null=True, related_name="children")
    path = models.CharField(max_length=200)  # codes from the root, each ended by "/"
    area = models.ForeignKey(Area, models.PROTECT, related_name="organisations")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["county", "code"], name="organisation_code"),
            below_county("organisation_below_county"),
        ]
        indexes = [models.Index(fields=["path"], name="organisation_path", opclasses=["varchar_pattern_ops"])]
        ordering = ["path"]

    def __str__(self) -> str:
        return self.name


@pghistory.track()
class Role(models.Model):
    """What a post may do: a list of `engine.thing.verb`, where `*` stands for the rest."""

    key = models.CharField(primary_key=True, max_length=60)  # pack.role
    name = models.JSONField()  # {zh, en}
    verbs = models.JSONField(default=list)
    source = models.CharField(max_length=10, default="pack")  # pack, county or person

    def __str__(self) -> str:
        return self.key


class PersonManager(BaseUserManager["Person"]):
    """Makes people."""

    def create_person(self, *, username: str, password: str | None, name: str, **extra: Any) -> Person:
        """A person with a hashed password (none: cannot log in)."""
        person = self.model(username=username, name=name, **extra)
        person.set_password(password)
        person.save()
        return person


@pghistory.track(exclude=["password", "last_login", "preferences"])
class Person(AbstractBaseUser):
    """Somebody who logs in. Rights come from posts alone."""

    county = models.ForeignKey(County, models.CASCADE, null=True, related_name="people")
    username = models.CharField(max_length=40, unique=True)
    name = models.CharField(max_length=60)
    sort_key = models.CharField(max_length=120, blank=True)
    phone = models.CharField(max_length=20, blank=True)  # personal
    language = models.CharField(max_length=8, default="zh-hans")
    is_active = models.BooleanField(default=True)
    must_change_password = models.BooleanField(default=False)
    is_simulated = models.BooleanField(default=False)
    preferences = models.JSONField(default=dict)  # of the page shell: theme and the like

    objects: ClassVar[PersonManager] = PersonManager()
    USERNAME_FIELD = "username"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]

    class Meta:
        ordering = ["sort_key", "username"]

    def __str__(self) -> str:
        return self.name


class PostQuerySet(models.QuerySet["Post"]):
    """Queries on posts."""

    def current(self, on: date) -> PostQuerySet:
        """Posts held on that day."""
        return self.filter(Q(starts__lte=on), Q(ends__isnull=True) | Q(ends__gte=on))


@pghistory.track(pghistory.InsertEvent(), pghistory.UpdateEvent(), pghistory.DeleteEvent())
class Post(models.Model):
    """A person holds a role for an organisation in an area, from–to (inclusive)."""

    person = models.ForeignKey(Person, models.CASCADE, related_name="posts")
    role = models.ForeignKey(Role, models.PROTECT, related_name="posts")
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="posts")
    area = models.ForeignKey(Area, models.PROTECT, related_name="posts")
    starts = models.DateField()
    ends = models.DateField(null=True, blank=True)

    objects = PostQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["person", "role", "organisation", "area", "starts"], name="post_once"),
            models.CheckConstraint(
                condition=Q(ends__isnull=True) | Q(ends__gte=models.F("starts")), name="post_ends_after"
            ),
        ]
        ordering = ["role", "starts"]

    def __str__(self) -> str:
        return f"{self.person} {self.role_id} {self.area}"


@pghistory.track(exclude=["used", "digest"])
class Token(models.Model):
    """A person's key for the standard APIs; only its SHA-256 is kept."""

    person = models.ForeignKey(Person, models.CASCADE, related_name="tokens")
    name = models.CharField(max_length=60)
    digest = models.CharField(max_length=64, unique=True)
    created = models.DateTimeField(auto_now_add=True)
    expires = models.DateTimeField(null=True)
    used = models.DateTimeField(null=True)  # last, to the minute
    revoked = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-created"]

    def __str__(self) -> str:
        return self.name
