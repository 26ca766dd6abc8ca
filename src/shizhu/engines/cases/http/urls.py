"""Addresses of the cases engine."""

from django.urls import path

from shizhu.engines.cases.http import report, views

app_name = "cases"
urlpatterns = [
    path("", views.case_list, name="list"),
    path("<int:number>/", views.case_detail, name="detail"),
    path("<int:number>/report.docx", report.report, name="report"),
    path("tasks/<int:number>/", views.task_page, name="task"),
    path("new/<str:flow>/", views.case_new, name="new"),
    path("of-alarm/<int:alarm>", views.of_alarm, name="of_alarm"),
    path("files/<uuid:file>", views.attachment, name="file"),
]
