"""What the resources of this folder share: which collection is meant, and errors in words of OGC."""

from __future__ import annotations

from functools import partial
from urllib.parse import quote

from shizhu.engines.records.catalogue import UnknownRegister
from shizhu.engines.records.collections import Collection, collection_of, collections
from shizhu.engines.records.contracts import Box, NoRecord, Refused, StaleRecord
from shizhu.engines.records.logic.cql2 import Cql2Error
from shizhu.engines.records.paging import NoPlace
from shizhu.kernel.models import Area
from shizhu.kernel.text import label
from shizhu.lib.crs import OutOfReach
from shizhu.web.middleware import Request
from shizhu.web.ogc import Fault, Wrong
from shizhu.web.ogc import resource as _resource

REL = "http://www.opengis.net/def/rel/ogc/1.0/"


def told(error: Exception) -> Fault | None:
    """What an exception of this engine is to a client."""
    if isinstance(error, UnknownRegister | NoRecord):
        return Fault(404, "NotFound", str(error))
    if isinstance(error, Cql2Error):
        return Fault(400, "InvalidParameterValue", f"filter: {error}", [Wrong("filter", "", "cql2", str(error))])
    if isinstance(error, NoPlace):
        return Fault(400, "InvalidParameterValue", f"after, before: {error}", [Wrong("after", "", "place", str(error))])
    if isinstance(error, OutOfReach):
        return Fault(400, "InvalidParameterValue", f"crs: {error}", [Wrong("crs", "", "reach", str(error))])
    if isinstance(error, StaleRecord):
        return Fault(412, "PreconditionFailed", f"version {error.current} is current: read it again")
    if isinstance(error, Refused):
        wrong = [Wrong(p.path, p.value, p.rule, label(p.message)) for p in error.problems]
        return Fault(422, "InvalidValue", "; ".join(f"{w.name}: {w.value}: {w.message}" for w in wrong), wrong)
    return None


resource = partial(_resource, told)


VERBS = {"POST": "create", "PUT": "edit", "PATCH": "edit", "DELETE": "delete"}


def offered(request: Request, key: str, feature: str = "") -> set[str]:  # the same for each feature
    """The methods by which who asks may write to a collection. Raises UnknownRegister."""
    register = of(request, key).register
    return {m for m, verb in VERBS.items() if register and request.actor.has(register.verb(verb))}


def seen(request: Request) -> dict[str, Collection]:
    """The collections that who asks may see."""
    return collections(request.county.pk, request.actor)


def of(request: Request, key: str) -> Collection:
    """The collection of an address. Raises UnknownRegister."""
    return collection_of(key, request.county.pk, request.actor)


def path(collection: Collection, *more: str) -> str:
    """The address of a collection or of something in it, below the landing page."""
    return "/".join(["/collections", quote(collection.key), *(quote(part, safe="") for part in more)])


def extent(request: Request) -> Box | None:
    """The county's box: what is registered lies in it, though it may not fill it."""
    box: Box | None = Area.objects.get(county=request.county, code=request.county.pk).box
    return box
