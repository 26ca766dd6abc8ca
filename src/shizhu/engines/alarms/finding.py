"""What the search of all things finds among the alarms."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from shizhu.engines.alarms import edges
from shizhu.engines.alarms.models import Alarm
from shizhu.engines.things import api as things
from shizhu.kernel import access
from shizhu.kernel.access import Actor
from shizhu.kernel.text import label
from shizhu.web import search
from shizhu.web.search import Asked, Group, Hit

VIEW, SIMULATED = "alarms.alarm.view", things.Origin.SIMULATED


def find(who: Actor, county: str, asked: Asked) -> Sequence[Group]:
    """Alarms whose rule or town says it, open ones first, then the newest."""
    if not who.has(VIEW):
        return []
    rules = edges.titles(county)
    rows = access.rows(Alarm.objects.filter(county_id=county), who, VIEW).order_by("-state", "-raised_at")
    for word in asked.words:
        named = [
            key for key, title in rules.items() if any(word.casefold() in one.casefold() for one in title.values())
        ]
        rows = rows.filter(Q(rule__in=named) | Q(area__name__icontains=word))
    streams = things.describe(rows.values_list("datastream", flat=True)[: asked.most_of("alarms")])

    def hit(alarm: Alarm) -> Hit:
        stream = streams.get(alarm.datastream)
        since = f"{timezone.localtime(alarm.raised_at):%Y-%m-%d %H:%M}"
        state = _("Not cleared") if alarm.state == Alarm.State.OPEN else _("Cleared")
        beside = (*([stream.thing_name] if stream else []), alarm.area.name, since, state)
        title = label(rules[alarm.rule]) if alarm.rule in rules else alarm.rule
        return Hit(
            reverse("alarms:detail", args=[alarm.pk]), title, beside=beside, is_simulated=alarm.origin == SIMULATED
        )

    title = label({"zh": "告警", "en": "Alarms"})
    return [search.group("alarms", title, "bell", rows, (), asked, hit)]
