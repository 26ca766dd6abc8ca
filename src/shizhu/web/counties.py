"""Which county somebody works in: one at a time, of those where they have posts. Nothing of two is ever mixed."""

from __future__ import annotations

from typing import cast

from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.views.decorators.http import require_POST

from shizhu.kernel import access
from shizhu.kernel.models import County, Person
from shizhu.web import preferences


def working(person: Person, everywhere: access.Actor) -> str | None:
    """The county somebody works in now: the one they chose if they have a post there, or their own."""
    chosen = person.preferences.get("county")
    if chosen and chosen in everywhere.counties:
        return str(chosen)
    return person.county_id or min(everywhere.counties, default=None)


def actor(person: Person, everywhere: access.Actor | None = None) -> access.Actor:
    """The person in the county they work in."""
    everywhere = access.actor(person) if everywhere is None else everywhere
    county = working(person, everywhere)
    return everywhere if county is None else everywhere.within(county)


def possible(person: Person, everywhere: access.Actor) -> list[County]:
    """The counties to choose from; empty if there is nothing to choose."""
    codes = everywhere.counties | ({person.county_id} if person.county_id else set())
    return list(County.objects.filter(pk__in=codes).order_by("pk")) if len(codes) > 1 else []


@require_POST
def choose(request: HttpRequest) -> HttpResponse:
    """POST county=…: work there from now on; home, because what was open belongs to the other."""
    person, chosen = cast(Person, request.user), request.POST.get("county", "")
    if chosen != person.county_id and chosen not in access.actor(person).counties:
        return HttpResponseBadRequest(f"county={chosen!r} is none where you have a post")
    preferences.keep(person, county=chosen)
    return preferences.back(request)
