"""What the search of all things finds among the warnings."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial, reduce
from operator import or_

from django.db.models import Case, Exists, OuterRef, Q, QuerySet, Subquery, When
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone

from shizhu.engines.alarms.logic.warnings import LANGUAGES, TEXTS
from shizhu.engines.alarms.models import PublicWarning, WarningMessage
from shizhu.engines.alarms.warnings import issuing
from shizhu.engines.alarms.warnings.datasets import SOURCE
from shizhu.engines.things import api as things
from shizhu.kernel import access
from shizhu.kernel.access import Actor
from shizhu.kernel.text import label
from shizhu.web import search
from shizhu.web.search import Asked, Group, Hit


def find(who: Actor, county: str, asked: Asked) -> Sequence[Group]:
    """Warnings whose event, place or messages say it: those in force, then drafts, then the newest."""
    if not who.has(issuing.VIEW):
        return []
    rows = access.rows(PublicWarning.objects.filter(county_id=county), who, issuing.VIEW)
    messages = WarningMessage.objects.filter(warning=OuterRef("pk")).exclude(state=WarningMessage.State.DROPPED)
    for word in asked.words:
        named = _says("event", word) | Q(area__name__icontains=word)
        rows = rows.filter(named | Exists(messages.filter(reduce(or_, (_says(f"content__{t}", word) for t in TEXTS)))))
    newest = Subquery(messages.order_by("-pk").values("content")[:1])
    group = search.group(
        "warnings", label(SOURCE), "alert-triangle", _ordered(rows).annotate(content=newest), (), asked,
        partial(_hit, asked),
    )  # fmt: skip
    return [group]


def _says(path: str, word: str) -> Q:
    """A text has it in one of its languages."""
    return reduce(or_, (Q(**{f"{path}__{language}__icontains": word}) for language in LANGUAGES))


def _ordered(rows: QuerySet[PublicWarning]) -> QuerySet[PublicWarning]:
    in_force = Q(state=PublicWarning.State.CURRENT, expires_at__gt=timezone.now())
    place = Case(When(in_force, then=0), When(state=PublicWarning.State.DRAFT, then=1), default=2)
    return rows.order_by(place, "-made_at", "-pk")


def _hit(asked: Asked, row: PublicWarning) -> Hit:
    said = row.content or {}  # type: ignore[attr-defined]  # annotated
    texts = " ".join(label(said.get(name)) for name in TEXTS if name != "headline")
    at = f"{timezone.localtime(row.issued_at or row.happened_at or row.made_at):%Y-%m-%d %H:%M}"
    state = render_to_string("alarms/warning_state.html", {"state": issuing.state(row)}).strip()
    title = label(said.get("headline")) or label(row.event)
    is_simulated = row.origin == things.Origin.SIMULATED
    return Hit(
        reverse("alarms:warning", args=[row.pk]), title, search.around(texts, asked.words),
        (row.area.name, at, state), is_simulated,
    )  # fmt: skip
