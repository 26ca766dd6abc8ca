"""What the search of all things finds among the cases."""

from __future__ import annotations

from collections.abc import Sequence

from django.urls import reverse

from shizhu.engines.cases.models import Case
from shizhu.kernel import access
from shizhu.kernel.access import Actor
from shizhu.kernel.text import label
from shizhu.web import search
from shizhu.web.search import Asked, Group, Hit


def find(who: Actor, county: str, asked: Asked) -> Sequence[Group]:
    """Cases whose title or number says it, newest first."""
    if not who.has("cases.case.view"):
        return []
    rows = access.rows(Case.objects.filter(county_id=county), who, "cases.case.view").order_by("-opened_at")
    title = label({"zh": "案件", "en": "Cases"})
    return [search.group("cases", title, "briefcase", rows, ("title", "number"), asked, _hit)]


def _hit(case: Case) -> Hit:
    return Hit(reverse("cases:detail", args=[case.pk]), case.title, beside=(case.number, case.area.name),
               is_simulated=case.origin == 1)  # fmt: skip
