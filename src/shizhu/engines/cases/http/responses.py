"""The response that a page is about."""

from __future__ import annotations

from django.http import Http404
from django.shortcuts import get_object_or_404

from shizhu.engines.cases import emergencies
from shizhu.engines.cases.assignment import require_seen
from shizhu.engines.cases.models import Case
from shizhu.web.middleware import Request


def response_of(request: Request, number: int) -> Case:
    """A response that the person may see. Raises Http404, PermissionDenied."""
    rows = Case.objects.select_related("organisation", "area", "county").filter(county=request.county)
    case = get_object_or_404(rows, pk=number)
    if not emergencies.is_one(case.flow, case.county_id):
        raise Http404
    require_seen(request.actor, case)
    return case
