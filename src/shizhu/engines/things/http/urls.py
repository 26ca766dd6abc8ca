"""Addresses of the things engine's pages."""

from django.urls import path

from shizhu.engines.things.http import views

app_name = "things"
urlpatterns = [
    path("", views.thing_list, name="list"),
    path("<int:number>/", views.thing_detail, name="detail"),
    path("quarantine/", views.quarantine, name="quarantine"),
    path("quarantine/<int:number>/dealt-with", views.deal_with, name="deal_with"),
]
