"""Addresses of the registers: pages under `records/` and `declarations/`, OGC API under `ogc`."""

from django.urls import include, path

from shizhu.engines.records.http import (
    bulk,
    declaring,
    duplicates,
    editing,
    imports,
    looking,
    pages,
    versions,
    views,
    work,
)

records = [
    path("", pages.index, name="index"),
    path("looks", looking.looks, name="looks"),
    path("<str:register>/", pages.listing, name="list"),
    path("<str:register>/export.xlsx", pages.export, name="export"),
    path("<str:register>/change", bulk.choose, name="change"),
    path("<str:register>/change/check", bulk.check, name="change_check"),
    path("<str:register>/views", views.save, name="view_save"),
    path("<str:register>/views/<int:number>/drop", views.drop, name="view_drop"),
    path("<str:register>/import", imports.upload, name="import"),
    path("<str:register>/import.xlsx", imports.template, name="import_template"),
    path("<str:register>/batches/", work.index, name="batches"),
    path("<str:register>/batches/<int:number>/", work.page, name="batch"),
    path("<str:register>/batches/<int:number>/progress", work.progress, name="batch_progress"),
    path("<str:register>/batches/<int:number>/matching", imports.matching, name="batch_matching"),
    path("<str:register>/batches/<int:number>/write", work.write, name="batch_write"),
    path("<str:register>/batches/<int:number>/<str:which>.file", work.file, name="batch_file"),
    path("<str:register>/key/<str:key>", pages.by_key, name="key"),
    path("<str:register>/duplicates/", duplicates.index, name="duplicates"),
    path("<str:register>/duplicates/<int:number>/", duplicates.compare, name="compare"),
    path("<str:register>/duplicates/<int:number>/merge", duplicates.merge, name="merge"),
    path("<str:register>/duplicates/<int:number>/two", duplicates.two, name="two"),
    path("<str:register>/merges/<int:number>/undo", duplicates.undo, name="merge_undo"),
    path("<str:register>/unfit", pages.unfit, name="unfit"),
    path("<str:register>/new", editing.new, name="new"),
    path("<str:register>/choices/<str:name>", editing.choices, name="choices"),
    path("<str:register>/<int:number>/", pages.detail, name="detail"),
    path("<str:register>/files/<uuid:file_id>", pages.file, name="upload"),
    path("<str:register>/<int:number>/files/<uuid:file_id>", pages.file, name="file"),
    path("<str:register>/<int:number>/unmask", looking.unmask, name="unmask"),
    path("<str:register>/<int:number>/versions", versions.compare, name="versions"),
    path("<str:register>/<int:number>/versions/<int:version>/restore", versions.revert, name="revert"),
    path("<str:register>/<int:number>/edit", editing.edit, name="edit"),
    path("<str:register>/<int:number>/state", editing.step, name="state"),
    path("<str:register>/<int:number>/withdraw", editing.withdraw, name="withdraw"),
    path("<str:register>/<int:number>/restore", editing.restore, name="restore"),
]
own = [
    path("registers/new", declaring.register_new, name="register_new"),
    path("registers/<str:stem>/", declaring.register_page, name="register"),
    path("changes/<int:number>/", declaring.change_page, name="change"),
    path("fields/", declaring.choose, name="fields_choose"),
    path("fields/<str:register>/", declaring.fields_page, name="fields"),
]
urlpatterns = [
    path("declarations/", include((own, "declaring"))),
    path("records/", include((records, "records"))),
    path("ogc", include("shizhu.engines.records.http.ogc.urls")),
]
