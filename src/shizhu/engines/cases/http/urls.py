"""Addresses of the cases engine: pages under `cases/`, `duty/`, `labels/`, `cards/`, `checkups/` and `rollcalls/`,
those of residents under `r/` and `releases/`, and under `declarations/` what a county makes itself."""

from django.urls import include, path

from shizhu.engines.cases.declare import DRAWINGS
from shizhu.engines.cases.http import (
    acting,
    aftermath,
    approvals,
    bulletins,
    cards,
    checkups,
    deciding,
    declaring,
    door,
    drawing,
    duty,
    emergencies,
    field,
    field_page,
    labels,
    listing,
    needs,
    open311,
    outside,
    pace,
    patrols,
    petitions,
    report,
    results,
    rollcalls,
    stock,
    tables,
    views,
    work,
)

cases = [
    path("", views.case_list, name="list"),
    path("table.xlsx", listing.table, name="table"),
    path("<int:number>/", views.case_detail, name="detail"),
    path("<int:number>/flow.json", drawing.of_case, name="flow"),
    path("<int:number>/act", acting.act, name="act"),
    path("<int:number>/concerns/<str:concern>/phone", labels.phone, name="phone"),
    path("petitions/", petitions.ledger, name="petitions"),
    path("work/", work.index, name="work"),
    path("approvals/", approvals.library, name="approvals"),
    path("approvals/pace/", pace.ledger, name="pace"),
    path("<int:number>/approval/", approvals.page, name="approval"),
    path("<int:number>/results.zip", results.package, name="results"),
    path("<int:number>/deliver", results.deliver, name="deliver"),
    path("<int:number>/command/", emergencies.post, name="command"),
    path("<int:number>/command/report.docx", aftermath.report, name="aftermath"),
    path("<int:number>/bulletins/new", bulletins.new, name="bulletin_new"),
    path("bulletins/<int:number>/", bulletins.page, name="bulletin"),
    path("bulletins/<int:number>/file.docx", bulletins.file, name="bulletin_file"),
    path("needs/<int:number>/", needs.page, name="need"),
    path("<int:number>/order", emergencies.order, name="order"),
    path("emergencies/", emergencies.library, name="emergencies"),
    path("emergencies/<str:key>/", emergencies.plan, name="emergency"),
    path("<int:number>/report.docx", report.report, name="report"),
    path("tasks/<int:number>/", views.task_page, name="task"),
    path("new/<str:flow>/", views.case_new, name="new"),
    path("choices/<str:target>", views.choices, name="choices"),
    path("of-alarm/<int:alarm>", views.of_alarm, name="of_alarm"),
    path("files/<uuid:file>", views.attachment, name="file"),
    path("messages", outside.message_view, name="messages"),
    path("jobs", outside.jobs_view, name="jobs"),
    path("jobs/<int:number>", outside.job_view, name="job"),
]
own = [
    path("forms/new", declaring.form_new, name="form_new"),
    path("forms/<str:stem>/", declaring.form_page, name="form"),
    path("decisions/new", deciding.new, name="decision_new"),
    path("decisions/open", tables.page, name="decision_open_new"),
    path("decisions/check", tables.check, name="decision_check"),
    path("decisions/try", tables.tried, name="decision_try"),
    path("decisions/of/<str:key>", tables.page, name="decision_of_pack"),
    path("decisions/<str:stem>/", deciding.page, name="decision"),
    path("decisions/<str:stem>/open", tables.page, name="decision_open"),
    path("decisions/<str:stem>/file.dmn", deciding.file, name="decision_file"),
    path("flows/draw", drawing.page, name="flow_draw_new"),
    path("flows/check", drawing.check, name="flow_check"),
    path("flows/bring", drawing.bring, name="flow_bring"),
    path("flows/<str:stem>/draw", drawing.page, name="flow_draw"),
    path("drawings/<str:stem>/draw", drawing.page, {"kind": DRAWINGS}, name="drawing"),
    path("flows/new", declaring.flow_new, name="flow_new"),
    path("flows/<str:stem>/", declaring.flow_page, name="flow"),
    path("flows/<str:stem>/file.bpmn", declaring.flow_file, name="flow_file"),
]
roster = [
    path("", duty.roster, name="roster"),
    path("roster.xlsx", duty.as_excel, name="excel"),
    path("import", duty.from_excel, name="import"),
    path("<int:number>/", duty.shift, name="shift"),
    path("<int:number>/act", duty.act, name="act"),
]
in_field = [
    path("", field_page.page, name="page"),
    path("sw.js", field_page.worker, name="worker"),
    path("manifest.webmanifest", field_page.manifest, name="manifest"),
    path("api/state", field.state_view, name="state"),
    path("api/deeds", field.deeds_view, name="deeds"),
    path("api/photos/<uuid:id_>", field.photo_view, name="photo"),
]
walked = [
    path("", patrols.index, name="index"),
    path("<uuid:number>/", patrols.page, name="page"),
    path("<uuid:number>/accept", patrols.accept, name="accept"),
    path("<uuid:number>/photos/<uuid:photo>", patrols.photo, name="photo"),
]
hung = [
    path("", labels.index, name="index"),
    path("new", labels.new, name="new"),
    path("sheet", labels.sheet, name="sheet"),
    path("<int:number>/act", labels.act, name="act"),
]
scanned = [  # without a login
    path("", door.index, name="index"),
    path("sw.js", door.worker, name="worker"),
    path("card/<str:token>", cards.scanned, name="card"),
    path("s/<str:secret>", door.receipt, name="receipt"),
    path("s/<str:secret>/<uuid:file>", door.photo, name="photo"),
    path("a/<str:secret>", results.application, name="application"),
    path("a/<str:secret>/results.zip", results.taken, name="results"),
    path("<str:code>", door.scan, name="label"),
]
released = [  # without a login
    path("", bulletins.published, name="index"),
    path("<int:number>/", bulletins.release, name="release"),
]
georeport = [  # GeoReport v2, without a login
    path("services.json", open311.services_view, name="services"),
    path("requests.json", open311.requests_view, name="requests"),
    path("requests/<str:id_>.json", open311.one_view, name="request"),
]
carded = [
    path("", cards.index, name="index"),
    path("<str:key>/", cards.listed, name="list"),
    path("<str:key>/print", cards.printed, name="print"),
    path("<str:key>/<str:code>/", cards.page, name="page"),
]
checked = [
    path("", checkups.index, name="index"),
    path("<str:key>/", checkups.page, name="page"),
]
tested = [
    path("", rollcalls.index, name="index"),
    path("begin", rollcalls.begin, name="begin"),
    path("<int:number>/", rollcalls.page, name="page"),
]
urlpatterns = [
    path("cases/", include((cases, "cases"))),
    path("declarations/", include((own, "own"))),
    path("duty/", include((roster, "duty"))),
    path("patrols/", include((walked, "patrols"))),
    path("field/", include((in_field, "field"))),
    path("cards/", include((carded, "cards"))),
    path("checkups/", include((checked, "checkups"))),
    path("rollcalls/", include((tested, "rollcalls"))),
    path("labels/", include((hung, "labels"))),
    path("r/", include((scanned, "door"))),
    path("releases/", include((released, "releases"))),
    path("open311/v2/", include((georeport, "open311"))),
    path(
        "stock/", include(([path("", stock.index, name="index"), path("<str:key>/", stock.book, name="book")], "stock"))
    ),
]
