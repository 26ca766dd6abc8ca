"""Keeping and dropping views: filters, order and columns of a list under a name, one's own or one's organisation's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from shizhu.engines.records.http import pages
from shizhu.engines.records.http.listed import KEPT
from shizhu.engines.records.http.saved import NONE
from shizhu.engines.records.logic.register import Register
from shizhu.engines.records.models import View
from shizhu.kernel import access
from shizhu.kernel.models import Organisation, Person
from shizhu.web.middleware import Request

MOST = 50  # views of a person in a register


@require_POST
@transaction.atomic
def save(request: Request, register: str) -> HttpResponse:
    """Keep the list as it is under a name; the same name again replaces it."""
    declared = pages.found(request, register)
    asked = _kept(dict(parse_qsl(request.POST.get("asked", "").removeprefix("?"))))
    name = " ".join(request.POST.get("name", "").split())[:60]
    back = HttpResponseRedirect(f"{reverse('records:list', args=[register])}?{urlencode({**asked, 'view': NONE})}")
    Person.objects.select_for_update(no_key=True).get(pk=request.user.pk)  # one default, whoever clicks at once
    own = View.objects.filter(county=request.county, register=register, person=request.user)
    if not name:
        messages.error(request, _("Give the view a name."))
        return back
    if own.exclude(name=name).count() >= MOST:
        messages.error(request, _("You have many views here. Drop one first."))
        return back
    organisation = _shared_with(request, declared) if request.POST.get("share") == "on" else None
    is_default = request.POST.get("default") == "on"
    if is_default:
        own.update(is_default=False)
    view, _new = View.objects.update_or_create(
        county=request.county, register=register, person=request.user, name=name,
        defaults={"asked": asked, "organisation": organisation, "is_default": is_default},
    )  # fmt: skip
    messages.success(request, _("The view is kept."))
    return HttpResponseRedirect(f"{reverse('records:list', args=[register])}?view={view.pk}")


@require_POST
def drop(request: Request, register: str, number: int) -> HttpResponse:
    """Forget a view of one's own."""
    pages.found(request, register)
    View.objects.filter(pk=number, county=request.county, register=register, person=request.user).delete()
    messages.success(request, _("The view is gone."))
    return HttpResponseRedirect(f"{reverse('records:list', args=[register])}?view={NONE}")


def _kept(asked: Mapping[str, str]) -> dict[str, Any]:
    """What of an address a view keeps."""
    return {n: v[:4000] for n, v in asked.items() if v and "\0" not in n + v and (n in KEPT or n.startswith("f."))}


def _shared_with(request: Request, register: Register) -> Organisation | None:
    """The organisation of the post that gives the right to share."""
    access.require_verb(request.actor, register.verb("share"))
    scope = next(scope for scope in request.actor.granting(register.verb("share")))
    return Organisation.objects.filter(county=request.county, path=scope.organisation_path).first()
