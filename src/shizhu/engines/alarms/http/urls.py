"""Addresses of the alarms engine."""

from django.urls import include, path

from shizhu.engines.alarms.http import cap, declaring, fitting, listing, views, warnings

app_name = "alarms"
pages = [
    path("", views.alarm_list, name="list"),
    path("table.xlsx", listing.table, name="table"),
    path("<int:number>/", views.alarm_detail, name="detail"),
    path("<int:number>/clear", views.alarm_clear, name="clear"),
    *(
        path(f"<int:number>/{verb}", views.alarm_act, {"verb": verb}, name=verb)
        for verb in ("acknowledge", "assign", "shelve", "unshelve")
    ),
    path("warnings/", warnings.index, name="warnings"),
    path("warnings/new", warnings.new, name="warning_new"),
    path("warnings/skill/", warnings.skill, name="warning_skill"),
    path("warnings/<int:number>/", warnings.detail, name="warning"),
    path("warnings/<int:number>/receipts", warnings.receipts_part, name="warning_receipts"),
    path("warnings/<int:number>/outcome", warnings.outcome, name="warning_outcome"),
    path("warnings/<int:number>/follow/<str:kind>", warnings.follow, name="warning_follow"),
    path("warnings/messages/<int:number>/", warnings.edit, name="warning_edit"),
    *(
        path(f"warnings/messages/<int:number>/{verb}", warnings.act, {"verb": verb}, name=f"warning_{verb}")
        for verb in ("issue", "drop")
    ),
    path("load/", views.load_page, name="load"),
    path("rules/", views.rule_list, name="rules"),
    path("rules/<str:key>/try", views.rule_try, name="try"),
    path("rules/<str:key>/fit", fitting.page, name="fit"),
]
own = [
    path("rules/new", declaring.new, name="rule_new"),
    path("rules/<str:stem>/", declaring.page, name="rule"),
]
urlpatterns = [
    path("declarations/", include(own)),
    path("alarms/", include(pages)),
    path("cap", cap.feed, name="cap"),
    path("cap/<str:identifier>.xml", cap.message, {"form": "xml"}, name="cap_xml"),
    path("cap/<str:identifier>.json", cap.message, {"form": "json"}, name="cap_json"),
    path("cap/<str:identifier>", cap.message, name="cap_message"),
]
