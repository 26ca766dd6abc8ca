"""Addresses of the notices engine."""

from django.urls import path

from shizhu.engines.notices.http import views

app_name = "notices"
urlpatterns = [
    path("", views.index, name="list"),
    path("<int:number>/", views.detail, name="detail"),
    path("wishes/", views.wishes, name="wishes"),
    path("channels/", views.channel_list, name="channels"),
    path("channels/<int:number>/try/", views.try_out, name="try"),
    path("receipt/<int:number>/", views.receipt, name="receipt"),
]
