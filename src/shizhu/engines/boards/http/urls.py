"""Addresses of the boards engine."""

from django.urls import path

from shizhu.engines.boards.http import reports, views

app_name = "boards"
urlpatterns = [
    path("", views.index, name="index"),
    path("reports/", reports.index, name="reports"),
    path("reports/make", reports.make, name="make_report"),
    path("reports/<int:number>/", reports.download, name="report"),
    path("<str:key>/", views.page, name="page"),
    path("<str:key>/panels", views.some_panels, name="panels"),
    path("<str:key>/wall", views.wall, name="wall"),
]
