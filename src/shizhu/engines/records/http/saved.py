"""Which saved views a person has in a register, and what a list takes from them."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

from django.db.models import Q
from django.http import HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import reverse

from shizhu.engines.records.logic.register import Field, Register
from shizhu.engines.records.models import View
from shizhu.web.middleware import Request

NONE = "none"  # of `view`: the bare list, whatever is the default


def seen(request: Request, register: Register) -> list[View]:
    """The person's own views, and those shared with an organisation of theirs or one above it."""
    above = {path for scope in request.actor.scopes for path in _above(scope.organisation_path)}
    rows = View.objects.filter(county=request.county, register=register.key)
    shared = Q(organisation__path__in=above)
    return list(rows.filter(Q(person=request.user) | shared).select_related("person", "organisation").order_by("name"))


def _above(path: str) -> list[str]:
    parts = path.strip("/").split("/")
    return ["/".join(parts[: n + 1]) + "/" for n in range(len(parts))]


def redirected(request: Request, register: Register, views: list[View]) -> HttpResponse | None:
    """To the whole address of a view that is asked for by its number alone, or of the default of a bare list."""
    wanted = request.GET.get("view", "")
    if request.GET.keys() - {"view"} or wanted == NONE:
        return None
    own = [view for view in views if view.person_id == request.user.pk]
    defaults = [view for view in [*own, *views] if view.is_default]
    found = [view for view in views if str(view.pk) == wanted] if wanted else defaults[:1]
    if not found:
        return None
    query = urlencode({**found[0].asked, "view": found[0].pk})
    return HttpResponseRedirect(f"{reverse('records:list', args=[register.key])}?{query}")


def columns(register: Register, typed: Mapping[str, str]) -> tuple[Field, ...]:
    """The columns that are asked for, or the declared ones."""
    wanted = [name for name in typed.get("columns", "").split(",") if name in register.fields]
    return tuple(register.fields[name] for name in dict.fromkeys(wanted)) or register.listed


def chosen(sent: QueryDict) -> dict[str, str]:
    """An address with the boxes of the column chooser as one control."""
    typed = {name: str(value) for name, value in sent.items() if name != "column"}
    boxes = sent.getlist("column")
    return {**typed, "columns": ",".join(map(str, boxes))} if boxes else typed


def may_share(request: Request, register: Register) -> bool:
    """Whether the person may share views."""
    return bool(request.actor.granting(register.verb("share")))
