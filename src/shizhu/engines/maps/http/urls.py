"""Addresses of the maps engine."""

from django.urls import path

from shizhu.engines.maps.http import views

app_name = "maps"
urlpatterns = [
    path("", views.page, name="page"),
    path("areas.geojson", views.areas, name="areas"),
    path("layers/<str:key>.geojson", views.layer, name="layer"),
]
