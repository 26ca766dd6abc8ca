"""Pages of reports: those that were made, one with its sources, its files, and the templates offices edit in Word."""

from __future__ import annotations

import contextlib
from datetime import timedelta

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.http import require_POST

from shizhu.engines.plan import briefs, facts, reports, supervised, tasks
from shizhu.engines.plan.facts import NotAPeriod
from shizhu.engines.plan.http.files import attached, kept
from shizhu.engines.plan.http.views import VIEW, no_plan, plan_of
from shizhu.engines.plan.models import Plan, Report, Template
from shizhu.engines.plan.periods import period_of
from shizhu.engines.plan.typed import day, whole
from shizhu.kernel import access, documents, wordtemplates
from shizhu.kernel.models import Post
from shizhu.web.middleware import Request

MAKE, ISSUE, TEMPLATES = "plan.report.make", "plan.report.issue", "plan.template.edit"
PAGE = 30
LARGEST = 5_000_000  # bytes of a template
PLACES = {"head": gettext_noop("in the head of the page"), "foot": gettext_noop("in the foot of the page")}
WRONG = {
    "unknown": gettext_noop("{{ %s }} is no name that can stand in a template."),
    "half": gettext_noop(
        "“%s”: braces that do not belong together; a name stands between {{ and }}, typed in half width."
    ),
    "not-alone": gettext_noop("{{ %s }} must stand alone in its line, outside of tables."),
    "revised": gettext_noop("“%s”: revisions that were neither accepted nor refused."),
    "commented": gettext_noop("“%s”: a comment, which whoever reads the report would see. Delete it."),
    "order": gettext_noop("“%s”: its number does not follow on that of the heading before it."),
    "no-block": gettext_noop("It holds no table, chart or text of the list: the report would have no numbers.%s"),
}


def overview(request: Request) -> HttpResponse:
    """The reports that were made, newest first, and what can be made."""
    plan = plan_of(request)
    if plan is None:
        return no_plan(request)
    rows = _seen(request, plan.reports.select_related("person", "issued_by"))
    context = {
        "plan": plan, "page": Paginator(rows, PAGE).get_page(request.GET.get("page")),
        "may_make": request.actor.has(MAKE), "kinds": _choices(plan), "issuer": _issuer(request),
        "today": timezone.localdate(),
    }  # fmt: skip
    return render(request, "plan/reports.html", context)


def _seen(request: Request, rows: QuerySet[Report]) -> QuerySet[Report]:
    """Drafts are for those who make reports."""
    return rows if request.actor.has(MAKE) else rows.exclude(issued_at=None)


def _choices(plan: Plan) -> list[tuple[str, str, list[str]]]:
    """Kind, name, and the periods that can be asked for, newest first; none before the first year of the plan."""
    today = timezone.localdate()
    first = min(facts.first_year(plan) or 0, today.year)
    quarters, on = list[str](), today
    while len(quarters) < 8 and on.year >= first:
        span = period_of("P3M", on)
        quarters.append(span.name)
        on = span.first - timedelta(days=1)
    years = [str(year) for year in range(today.year, max(first, today.year - 5) - 1, -1)]
    return [
        (kind, str(name), quarters if facts.KINDS[kind] == "P3M" else years) for kind, name in briefs.NAMES.items()
    ]  # fmt: skip


def _issuer(request: Request) -> str:
    posts = Post.objects.current(timezone.localdate()).filter(person=request.user, area__county=request.county)
    post = posts.select_related("organisation").first()
    return post.organisation.name if post else request.county.name


@require_POST
def make(request: Request) -> HttpResponse:
    """Ask for a report."""
    access.require_verb(request.actor, MAKE)
    plan = plan_of(request)
    kind, period = request.POST.get("kind", ""), request.POST.get("period", "").strip()
    issuer, serial = request.POST.get("issuer", "").strip(), request.POST.get("serial", "").strip()
    if plan is None or kind not in facts.KINDS:
        raise Http404
    back = redirect(f"{reverse('plan:reports')}?plan={plan.code}")
    try:
        span = facts.span_of(plan, kind, period)
    except NotAPeriod:
        messages.error(request, _("%s is no period of this kind of report: a year such as 2026, or 2026-Q3.") % period)
        return back
    if span.first > timezone.localdate():
        messages.error(request, _("%s has not begun: there is no value of it yet.") % span.name)
        return back
    if not issuer:
        messages.error(request, _("Say who issues it."))
        return back
    told, on = request.POST.get("known", "").strip(), None
    with contextlib.suppress(ValueError):
        on = day(told)
    if told and (on is None or not span.first <= on <= timezone.localdate()):
        text = _("Data as known on: %(value)s is no day from %(first)s to today.")
        messages.error(request, text % {"value": told[:20], "first": span.first})
        return back
    made = Report.objects.filter(plan=plan, kind=kind, period__startswith=span.name[:4]).exclude(issued_at=None)
    report = reports.ask(
        plan, kind, span.name, issuer=issuer, serial=serial or str(made.count() + 1), by=request.user, on=on
    )  # fmt: skip
    tasks.make_later(report.pk)
    return redirect("plan:report", report.pk)


def _report(request: Request, number: int, verb: str = VIEW) -> Report:
    access.require_verb(request.actor, verb)
    rows = _seen(request, Report.objects.filter(plan__county=request.county))
    return get_object_or_404(rows.select_related("plan", "person", "issued_by", "word", "pdf", "excel"), pk=number)


def page(request: Request, number: int) -> HttpResponse:
    """One report: how far it is, its files, its hash, and where each number comes from."""
    report = _report(request, number)
    sources = [{**row, "what": briefs.of_what(row), "how": briefs.how(row)} for row in report.facts.get("sources", [])]
    context = {
        "report": report, "kind": briefs.NAMES[report.kind], "sources": sources,
        "corrected": [{**row, "what": briefs.of_what(row)} for row in reports.corrected(report)],
        "relit": [(supervised.LIGHTS[light], *numbers) for light, *numbers in reports.relit(report)],
        "files": [(name, file) for name in reports.FILES if (file := getattr(report, name)) is not None],
        "may_issue": request.actor.has(ISSUE) and report.state == "done" and report.issued_at is None,
        "may_discard": request.actor.has(MAKE) and report.state != "waiting" and report.issued_at is None,
    }  # fmt: skip
    return render(request, "plan/report.html", context)


def progress(request: Request, number: int) -> HttpResponse:
    """The bar alone, asked for every second."""
    report = _report(request, number)
    answer = render(request, "plan/report_progress.html", {"report": report})
    if report.state != Report.State.WAITING:
        answer["HX-Refresh"] = "true"
    return answer


def file(request: Request, number: int, name: str) -> HttpResponseBase:
    """One of its files, byte by byte as it was made."""
    found = getattr(_report(request, number), name) if name in reports.FILES else None
    if found is None:
        raise Http404
    return kept(found)


@require_POST
def issue(request: Request, number: int) -> HttpResponse:
    """Freeze it."""
    report = _report(request, number, ISSUE)
    try:
        reports.issue(report, request.user)
    except reports.NotReady:
        messages.error(request, _("It is issued already, or not made yet."))
    else:
        messages.success(request, _("Issued. Files and hash can no longer be changed."))
    return redirect("plan:report", number)


@require_POST
def discard(request: Request, number: int) -> HttpResponse:
    """Take a draft away; what is issued stays."""
    report = _report(request, number, MAKE)
    code = report.plan.code
    if report.issued_at is not None or report.state == Report.State.WAITING:
        messages.error(request, _("Only a draft can be taken away."))
        return redirect("plan:report", number)
    report.delete()
    messages.success(request, _("The draft was taken away."))
    return redirect(f"{reverse('plan:reports')}?plan={code}")


def templates(request: Request) -> HttpResponse:
    """The template of each kind with its versions, what may stand in it, and a form for a new one."""
    access.require_verb(request.actor, VIEW)
    rows = Template.objects.filter(county=request.county).select_related("person", "file")
    context = {
        "kinds": [
            {"kind": kind, "name": name, "versions": [row for row in rows if row.kind == kind]}
            for kind, name in briefs.NAMES.items()
        ],
        "words": [(name, _(about)) for name, about in briefs.WORDS.items()],
        "blocks": [(name, _(about)) for name, (about, _make) in briefs.BLOCKS.items()],
        "may_edit": request.actor.has(TEMPLATES), "problems": request.session.pop("plan.problems", []),
    }  # fmt: skip
    return render(request, "plan/templates.html", context)


def template_file(request: Request, kind: str) -> HttpResponse:
    """The template in use, or one version (`?version=`), as a Word file."""
    access.require_verb(request.actor, VIEW)
    if kind not in briefs.NAMES:
        raise Http404
    asked = whole(request.GET.get("version", ""), -1)
    rows = Template.objects.filter(county=request.county, kind=kind).select_related("file")
    row = get_object_or_404(rows, version=asked) if asked >= 0 else rows.first()
    name = f"{briefs.NAMES[kind]}-{_('template')}-{row.version if row else 0}.docx"
    return attached(reports.content_of(row, kind), name, documents.MEDIA_TYPE)


def _wrong(one: wordtemplates.Problem) -> str:
    """What is wrong, what may have been meant, and where it stands."""
    told = _(WRONG[one.reason]) % one.text
    if one.near:
        told += " " + _("Is {{ %s }} meant?") % one.near
    if one.place in PLACES:
        return f"{told}（{_(PLACES[one.place])}）"
    return f"{told}（{_('below “%s”') % one.place}）" if one.place else told


@require_POST
def keep_template(request: Request, kind: str) -> HttpResponse:
    """Take an edited template as the next version, or the template of the house again."""
    access.require_verb(request.actor, TEMPLATES)
    if kind not in briefs.NAMES:
        raise Http404
    back, note = redirect("plan:templates"), request.POST.get("note", "").strip()
    if request.POST.get("do") == "house":
        reports.keep_template(request.county, kind, "", None, note=note, by=request.user)
        messages.success(request, _("The template of the house is used again."))
        return back
    sent = request.FILES.get("file")
    content = sent.read(LARGEST + 1) if sent else b""
    if sent is None or len(content) > LARGEST:
        messages.error(request, _("Choose a Word file (docx) of at most 5 MB."))
        return back
    try:
        found = reports.check(content)
    except wordtemplates.Unusable:
        messages.error(request, _("It is no Word document, or a damaged one. Save it as docx and send it again."))
        return back
    if found:
        request.session["plan.problems"] = [_wrong(one) for one in found[:50]]
        messages.error(request, _("The template was not taken: %d places are wrong.") % len(found))
        return back
    made = reports.keep_template(
        request.county, kind, sent.name or "template.docx", content, note=note, by=request.user
    )
    messages.success(request, _("Version %d is used from now on.") % made.version)
    return back
