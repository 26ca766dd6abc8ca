"""Addresses of the boards engine: pages under `boards/`, and under `declarations/` what a county makes itself."""

from django.urls import include, path

from shizhu.engines.boards.http import declaring, rankings, reports, views

pages = [
    path("", views.index, name="index"),
    path("reports/", reports.index, name="reports"),
    path("reports/make", reports.make, name="make_report"),
    path("reports/<int:number>/", reports.download, name="report"),
    path("rankings/<str:key>/", rankings.page, name="ranking"),
    path("<str:key>/", views.page, name="page"),
    path("<str:key>/panels", views.some_panels, name="panels"),
    path("<str:key>/wall", views.wall, name="wall"),
]
own = [
    path("boards/new", declaring.new, name="board_new"),
    path("boards/preview/<str:draft>/", declaring.preview, name="preview"),
    path("boards/preview/<str:draft>/panels", declaring.preview_panels, name="preview_panels"),
    path("boards/<str:stem>/", declaring.page, name="board"),
]
urlpatterns = [path("boards/", include((pages, "boards"))), path("declarations/", include((own, "own_boards")))]
