"""All addresses."""

from django.urls import include, path
from django.views.i18n import set_language

from shizhu.site import health
from shizhu.web import views

urlpatterns = [
    path("", views.home, name="home"),
    path("login", views.Login.as_view(), name="login"),
    path("logout", views.Logout.as_view(), name="logout"),
    path("password", views.password, name="password"),
    path("language", set_language, name="set_language"),
    path("cases/", include("shizhu.engines.cases.http.urls")),
    path("alarms/", include("shizhu.engines.alarms.http.urls")),
    path("healthz", health.healthz, name="healthz"),
]
