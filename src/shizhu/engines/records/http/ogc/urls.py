"""Addresses of the OGC API, below `/ogc`."""

from django.urls import path

from shizhu.engines.records.http.ogc import items, landing, schemas, writing
from shizhu.engines.records.http.ogc.common import offered, resource

urlpatterns = [
    path("", resource(get=landing.landing)),
    path("/", resource(get=landing.landing)),
    path("/api", resource(get=landing.definition)),
    path("/conformance", resource(get=landing.conformance)),
    path("/collections", resource(get=landing.collections)),
    path("/collections/<str:key>", resource(get=landing.collection)),
    path("/collections/<str:key>/schema", resource(get=schemas.schema)),
    path("/collections/<str:key>/queryables", resource(get=schemas.queryables)),
    path("/collections/<str:key>/sortables", resource(get=schemas.sortables)),
    path("/collections/<str:key>/items", resource(offered, get=items.items, post=writing.create)),
    path(
        "/collections/<str:key>/items/<str:feature>",
        resource(offered, get=items.item, put=writing.replace, patch=writing.patch, delete=writing.remove),
    ),
    *(path(route, view) for route, view in landing.routes()),
]
