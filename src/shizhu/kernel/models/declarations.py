"""What packs and counties declare, as rows: the engines read them from here."""

from __future__ import annotations

import pghistory
from django.db import models
from django.db.models import Q

from shizhu.kernel.fields import OrderedJSONField
from shizhu.kernel.models.people import Role
from shizhu.kernel.models.places import County


class Pack(models.Model):
    """An installed pack (领域包)."""

    id = models.CharField(primary_key=True, max_length=40)
    name = models.JSONField()  # {zh, en}
    version = models.CharField(max_length=20)
    body = OrderedJSONField()  # pack.yaml
    digest = models.CharField(max_length=64)

    def __str__(self) -> str:
        return self.id


class EnabledPack(models.Model):
    """A pack is switched on for a county."""

    county = models.ForeignKey(County, models.CASCADE, related_name="packs")
    pack = models.ForeignKey(Pack, models.CASCADE)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["county", "pack"], name="pack_once")]


@pghistory.track(
    pghistory.InsertEvent(),
    pghistory.UpdateEvent(condition=pghistory.AnyChange("digest", "is_withdrawn")),  # json has no equality
)
class Declaration(models.Model):
    """One declared thing: a register, a device profile, a rule, a flow, an indicator, a layer.

    `source` says whose it is: a sync of packs touches only `pack` rows, so an upgrade never overwrites a person.
    """

    kind = models.CharField(max_length=20)  # the folder's name
    key = models.CharField(max_length=100)  # <pack>.<file stem>, or local.<stem> for a county's own
    pack = models.ForeignKey(Pack, models.CASCADE, null=True, related_name="declarations")
    county = models.ForeignKey(County, models.CASCADE, null=True)
    body = OrderedJSONField()
    digest = models.CharField(max_length=64)
    source = models.CharField(max_length=10, default="pack")
    is_withdrawn = models.BooleanField(default=False)  # a county's own is never deleted, its rows still need it

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "key"], condition=Q(county__isnull=True), name="declaration_of_pack"
            ),
            models.UniqueConstraint(fields=["county", "kind", "key"], name="declaration_of_county"),
        ]
        ordering = ["kind", "key"]

    def __str__(self) -> str:
        return f"{self.kind}/{self.key}"

    @property
    def stem(self) -> str:
        """The key without its pack."""
        return self.key.partition(".")[2]


@pghistory.track(pghistory.InsertEvent(), pghistory.DeleteEvent())
class Grant(models.Model):
    """A county gives a role a verb on what it declares itself; roles of packs stay as the packs say."""

    county = models.ForeignKey(County, models.CASCADE)
    role = models.ForeignKey(Role, models.CASCADE, related_name="grants")
    verb = models.CharField(max_length=160)  # records.local.<register>.<action>

    class Meta:
        constraints = [models.UniqueConstraint(fields=["county", "role", "verb"], name="grant_once")]
        ordering = ["role", "verb"]

    def __str__(self) -> str:
        return f"{self.role_id} {self.verb}"
