"""Addresses of the maps engine."""

from django.urls import path, re_path

from shizhu.engines.maps.http import answers, based, selected, views

app_name = "maps"
urlpatterns = [
    path("", views.page, name="page"),
    path("place", views.place, name="place"),
    path("areas.geojson", views.areas, name="areas"),
    path("relief-<str:theme>.png", views.relief_picture, name="relief"),
    path("layers/<str:key>.geojson", answers.layer_features, name="layer"),
    path("search", answers.find, name="search"),
    path("measure", answers.measure, name="measure"),
    path("select", answers.select, name="select"),
    path("select.xlsx", answers.select_table, name="select_table"),
    path("bases", based.choose, name="choose_base"),
    path("bases/<str:key>.pmtiles", based.file, name="base"),
    path("selections/<int:number>/", selected.page, name="selection"),
    path("selections/<int:number>/selection.xlsx", selected.file, name="selection_file"),
    path("around", answers.around, name="around"),
    path("file/<str:kind>-<int:number>/", views.file, name="file"),
    path("labels", views.labels, name="labels"),
    path("activity", answers.activity, name="activity"),
    re_path("^(up|down)stream$", answers.course, name="course"),
]
