"""Addresses of the alarms engine."""

from django.urls import path

from shizhu.engines.alarms.http import views

app_name = "alarms"
urlpatterns = [
    path("", views.alarm_list, name="list"),
    path("<int:number>/", views.alarm_detail, name="detail"),
    path("<int:number>/clear", views.alarm_clear, name="clear"),
    *(
        path(f"<int:number>/{verb}", views.alarm_act, {"verb": verb}, name=verb)
        for verb in ("acknowledge", "assign", "shelve", "unshelve")
    ),
    path("load/", views.load_page, name="load"),
    path("rules/", views.rule_list, name="rules"),
    path("rules/<str:key>/try", views.rule_try, name="try"),
]
