"""Addresses of the things engine's pages."""

from django.urls import path

from shizhu.engines.things.http import care, developer, download, exports, listing, provisioning, releases, views

app_name = "things"
urlpatterns = [
    path("", listing.thing_list, name="list"),
    path("stations.xlsx", listing.thing_table, name="table"),
    path("rates/", listing.rate_page, name="rates"),
    path("<int:number>/", views.thing_detail, name="detail"),
    path("<int:number>/switch", care.switch, name="switch"),
    path("<int:number>/password", care.password, name="password"),
    path("<int:number>/commands", care.command, name="command"),
    path("<int:number>/maintenance", care.maintain, name="maintain"),
    path("<int:number>/service", care.service, name="service"),
    path("<int:number>/export", exports.begin, name="export_begin"),
    path("exports/<int:number>/", exports.page, name="export"),
    path("exports/<int:number>/readings", exports.file, name="export_file"),
    path("maintenance/<int:number>/end", care.maintenance_end, name="maintenance_end"),
    path("service/<int:number>/certificate", care.certificate, name="certificate"),
    path("developer/", developer.developer, name="developer"),
    path("import/", provisioning.table, name="import"),
    path("labels/", provisioning.labels, name="labels"),
    path("claim/<str:token>/", provisioning.claim, name="claim"),
    path("connect/", provisioning.connect, name="connect"),
    path("<int:number>/connected/", provisioning.connected, name="connected"),
    path("<int:number>/first", provisioning.first, name="first"),
    path("commands/", care.command_list, name="commands"),
    path("commands/new", care.command_group, name="command_group"),
    path("commands/<uuid:batch>", care.command_decide, name="command_decide"),
    path("download/<int:number>", download.download, name="download"),
    path("releases/", releases.release_list, name="releases"),
    path("releases/new/<str:kind>", releases.release_new, name="release_new"),
    path("releases/<int:number>/", releases.release_page, name="release"),
    path("releases/<int:number>/withdraw", releases.release_withdraw, name="release_withdraw"),
    path("releases/<int:number>/rollout", releases.rollout_new, name="rollout_new"),
    path("rollouts/<int:number>/", releases.rollout_page, name="rollout"),
    path("rollouts/<int:number>/decide", releases.rollout_decide, name="rollout_decide"),
    path("quarantine/", views.quarantine, name="quarantine"),
    path("quarantine/<int:number>/dealt-with", views.deal_with, name="deal_with"),
]
