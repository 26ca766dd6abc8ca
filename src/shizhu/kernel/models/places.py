"""Counties and areas: where every row belongs."""

from __future__ import annotations

from django.contrib.postgres.indexes import GistIndex
from django.db import models
from django.db.models import F, Q, Value
from django.db.models.functions import Concat

from shizhu.kernel.fields import BoxField, GeometryField


def below_county(name: str) -> models.CheckConstraint:
    """Paths begin with the county: rights over a whole county need not look at each row's area and organisation."""
    root = Concat(F("county_id"), Value("/"), output_field=models.CharField())
    return models.CheckConstraint(condition=Q(path__startswith=root), name=name)


class County(models.Model):
    """One county of the installation (县): root of its areas and organisations, part of every natural key."""

    code = models.CharField(primary_key=True, max_length=6)  # GB/T 2260
    name = models.CharField(max_length=60)
    name_en = models.CharField(max_length=80, blank=True)
    settings = models.JSONField(default=dict)

    def __str__(self) -> str:
        return self.name


class AreaQuerySet(models.QuerySet["Area"]):
    """Areas, with those that pages ask for."""

    def towns(self, county: County | str) -> AreaQuerySet:
        """The towns of a county, by name."""
        return self.filter(county=county, level=Area.Level.TOWN).order_by("sort_key", "pk")


class Area(models.Model):
    """County, town (乡镇/街道) or village (村/社区), by its statistical code."""

    class Level(models.TextChoices):
        """Administrative level."""

        COUNTY = "county"
        TOWN = "town"
        VILLAGE = "village"

    county = models.ForeignKey(County, models.CASCADE, related_name="areas")
    code = models.CharField(max_length=12)
    name = models.CharField(max_length=60)
    name_en = models.CharField(max_length=80, blank=True)
    sort_key = models.CharField(max_length=120)  # pinyin
    level = models.CharField(max_length=8, choices=Level)
    parent = models.ForeignKey("self", models.CASCADE, null=True, related_name="children")
    path = models.CharField(max_length=60)  # codes from the root, each ended by "/": a subtree is a prefix
    geometry = GeometryField(null=True)
    box = BoxField(null=True)
    provenance = models.JSONField(default=dict)  # where name and geometry come from; synthetic says so

    objects = AreaQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["county", "code"], name="area_code"),
            below_county("area_below_county"),
        ]
        indexes = [
            models.Index(fields=["path"], name="area_path", opclasses=["varchar_pattern_ops"]),
            GistIndex(fields=["box"], name="area_box"),
        ]
        ordering = ["path"]

    def __str__(self) -> str:
        return self.name
