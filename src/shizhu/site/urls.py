"""All addresses."""

from django.urls import include, path
from django.views.i18n import set_language

from shizhu.site import health
from shizhu.web import (
    account,
    counties,
    declaring,
    design,
    handing,
    login,
    notices,
    oidc,
    people,
    preferences,
    search,
    views,
)

urlpatterns = [
    path("", views.home, name="home"),
    path("search", search.search, name="search"),
    path("login", login.page, name="login"),
    path("login/state", login.state, name="login_state"),
    path("login/second", login.second, name="second"),
    path("login/oidc", oidc.start, name="oidc"),
    path("login/oidc/callback", oidc.callback, name="oidc_callback"),
    path("logout", login.Logout.as_view(), name="logout"),
    path("account", account.page, name="account"),
    path("account/second", account.second_setup, name="second_setup"),
    path("account/second/change", account.second_change, name="second_change"),
    path("account/sessions", account.session_end, name="session_end"),
    path("account/identities/<int:number>", account.identity_remove, name="identity_remove"),
    path("password", views.password, name="password"),
    path("language", set_language, name="set_language"),
    path("theme", preferences.set_theme, name="theme"),
    path("county", counties.choose, name="county"),
    path("star", preferences.star, name="star"),
    path("tour", preferences.tour_done, name="tour_done"),
    path("help", views.help_page, name="help"),
    path("notices/", notices.index, name="notices"),
    path("notices/new", notices.new, name="notice_new"),
    path("notices/<int:number>/", notices.page, name="notice"),
    path("notices/<int:number>/read", notices.read, name="notice_read"),
    path("notices/<int:number>/withdraw", notices.withdraw, name="notice_withdraw"),
    path("design", design.page, name="design"),
    path("", include("shizhu.engines.boards.http.urls")),
    path("plan/", include("shizhu.engines.plan.http.urls")),
    path("", include("shizhu.engines.cases.http.urls")),
    path("things/", include("shizhu.engines.things.http.urls")),
    path("map/", include("shizhu.engines.maps.http.urls")),
    path("messages/", include("shizhu.engines.notices.http.urls")),
    path("", include("shizhu.engines.alarms.http.urls")),
    path("people/", people.people_list, name="people"),
    path("people/second", people.roles_second, name="roles_second"),
    path("people/new", people.person_new, name="person_new"),
    path("people/sign-ins", account.sign_ins, name="sign_ins"),
    path("people/<int:number>/second", account.person_second, name="person_second"),
    path("people/<int:number>/", people.person_page, name="person"),
    path("people/<int:number>/posts", people.post_add, name="post_add"),
    path("people/<int:number>/password", people.person_password, name="person_password"),
    path("posts/<int:number>/end", people.post_end, name="post_end"),
    path("declarations/", declaring.index, name="declarations"),
    path("declarations/export", handing.export, name="pack_export"),
    path("declarations/import", handing.bring, name="pack_import"),
    path("declarations/<str:kind>/<str:key>/history", declaring.history, name="declaration_history"),
    path("declarations/<str:kind>/<str:key>/withdraw", declaring.withdraw, name="declaration_withdraw"),
    path("declarations/<str:kind>/<str:key>/restore", declaring.restore, name="declaration_restore"),
    path("tokens", people.tokens, name="tokens"),
    path("tokens/<int:number>/revoke", people.token_revoke, name="token_revoke"),
    path("", include("shizhu.engines.records.http.urls")),
    path("healthz", health.healthz, name="healthz"),
]

handler403 = "shizhu.web.errors.forbidden"
handler404 = "shizhu.web.errors.missing"
handler500 = "shizhu.web.errors.broken"
