"""Addresses of the plan engine."""

from django.urls import path

from shizhu.engines.plan.http import views

app_name = "plan"
urlpatterns = [
    path("", views.overview, name="overview"),
    path("indicators/<int:number>/", views.indicator_page, name="indicator"),
    path("indicators/<int:number>/rows/<str:name>", views.rows_page, name="rows"),
    path("indicators/<int:number>/report", views.report_value, name="report"),
    path("tasks/", views.tasks, name="tasks"),
    path("review/", views.review, name="review"),
]
