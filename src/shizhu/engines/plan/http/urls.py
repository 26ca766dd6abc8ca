"""Addresses of the plan engine."""

from django.urls import path

from shizhu.engines.plan.http import indexes, reports, review, sending, views

app_name = "plan"
urlpatterns = [
    path("", views.overview, name="overview"),
    path("indicators/<int:number>/", views.indicator_page, name="indicator"),
    path("indicators/<int:number>/rows/<str:name>", views.rows_page, name="rows"),
    path("indicators/<int:number>/report", views.report_value, name="report-value"),
    path("indicators/<int:number>/path", views.change_path, name="path"),
    path("tasks/", views.tasks, name="tasks"),
    path("review/", review.page, name="review"),
    path("review/settle", review.settle, name="settle"),
    path("review/adopt", review.adopt, name="adopt"),
    path("read/", sending.send, name="send"),
    path("read/<int:number>/", sending.sent, name="sent"),
    path("read/<int:number>/progress", sending.progress, name="progress"),
    path("reports/", reports.overview, name="reports"),
    path("reports/make", reports.make, name="make-report"),
    path("reports/templates/", reports.templates, name="templates"),
    path("reports/templates/<str:kind>.docx", reports.template_file, name="template-file"),
    path("reports/templates/<str:kind>/keep", reports.keep_template, name="keep-template"),
    path("reports/<int:number>/", reports.page, name="report"),
    path("reports/<int:number>/progress", reports.progress, name="report-progress"),
    path("reports/<int:number>/file/<str:name>", reports.file, name="report-file"),
    path("reports/<int:number>/issue", reports.issue, name="issue-report"),
    path("reports/<int:number>/discard", reports.discard, name="discard-report"),
    path("indexes/", indexes.overview, name="indexes"),
    path("indexes/<str:key>/", indexes.page, name="index"),
    path("indexes/<str:key>/data", indexes.data, name="measures"),
    path("indexes/<str:key>/fill", indexes.fill, name="fill"),
    path("indexes/<str:key>/compute", indexes.compute, name="compute"),
    path("indexes/<str:key>/issue", indexes.issue, name="issue"),
    path("indexes/<str:key>/of/<str:code>", indexes.subject_page, name="subject"),
    path("evaluations/<int:number>/", indexes.evaluation_page, name="evaluation"),
    path("evaluations/<int:number>/file.<str:kind>", indexes.evaluation_file, name="evaluation-file"),
]
