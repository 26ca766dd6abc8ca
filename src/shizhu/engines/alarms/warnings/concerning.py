"""What warnings say to those whom they concern: the areas that each names, and which in force reach a person."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils import timezone

from shizhu.engines.alarms.models import PublicWarning, WarningMessage
from shizhu.engines.alarms.warnings import drafting
from shizhu.kernel.models import Area

FEW = 6  # areas that are named one by one


def areas(found: Iterable[PublicWarning]) -> dict[int, list[Area]]:
    """Number of a warning → the areas of its newest message, of a draft where nothing was issued; none where many."""
    rows = WarningMessage.objects.filter(warning__in=list(found)).exclude(state="dropped").select_related("warning")
    newest: dict[int, WarningMessage] = {}
    for one in sorted(rows, key=lambda one: (one.state == "issued", one.pk)):
        newest[one.warning_id] = one
    return {
        number: drafting.named(one.warning.county_id, one.content["areas"])
        for number, one in newest.items()
        if len(one.content["areas"]) <= FEW
    }


def told(person: int, county: str) -> list[WarningMessage]:
    """The newest message of each warning in force, where it must reach this person."""
    live = PublicWarning.objects.filter(county=county, state="current", expires_at__gt=timezone.now())
    rows = WarningMessage.objects.filter(warning__in=live, state="issued").order_by("warning_id", "-pk")
    newest = list(rows.distinct("warning_id").values_list("pk", flat=True))
    found = WarningMessage.objects.filter(pk__in=newest, addressees__person=person)
    return list(found.select_related("warning__area").order_by("-pk"))
