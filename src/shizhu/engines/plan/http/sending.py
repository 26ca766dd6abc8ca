"""Sending a plan from the browser: a file, a bar while it is read, then the review."""

from __future__ import annotations

import re

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from shizhu.engines.plan import tasks, uploads
from shizhu.engines.plan.http.views import EDIT
from shizhu.engines.plan.importing import DEFAULT_CODE
from shizhu.engines.plan.models import Plan, Upload
from shizhu.kernel import access
from shizhu.web.middleware import Request

CODE = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
FAULTS = {
    "unknown": gettext_noop(
        "It is neither text nor docx, PDF or a web page. Save it as one of them and send it again."
    ),
    "old-office": gettext_noop("It is a file of an old Office, or encrypted. Save it as docx and send it again."),
    "damaged-docx": gettext_noop("It is a damaged docx. Open it in Word, save it anew and send it again."),
    "other-archive": gettext_noop("It is packed but no Word document. Save it as docx and send it again."),
    "damaged-pdf": gettext_noop("It is a damaged PDF. Print it to PDF anew and send it again."),
    "password": gettext_noop("It asks for a password. Save it without one and send it again."),
    "pages": gettext_noop("It has more than 500 pages. Send the plan alone."),
    "scanned": gettext_noop("It holds only pictures of pages. Make text of them or take the Word file, and send that."),
    "big5": gettext_noop("It is written in Big5. Save it as UTF-8 in simplified Chinese and send it again."),
    "empty": gettext_noop("It holds no text. Look whether it is the right file and send it again."),
    "size": gettext_noop("It is too large. Take pictures out and send it again."),
}


def send(request: Request) -> HttpResponse:
    """The form, and what was sent with it."""
    access.require_verb(request.actor, EDIT)
    plans = Plan.objects.filter(county=request.county).order_by("pk")
    code, new = request.GET.get("plan", ""), ""
    if request.method == "POST":
        sent, code, new = request.FILES.get("file"), request.POST.get("code", ""), request.POST.get("new", "").strip()
        if sent is None:
            messages.error(request, _("Choose a file."))
        elif sent.size and sent.size > uploads.LARGEST:
            messages.error(request, _(FAULTS["size"]))
        elif code and new:
            told = _("A plan is chosen and a short name is typed: which is it? For a new one choose “another plan”.")
            messages.error(request, told)
        elif new and plans.filter(code=new).exists():
            told = _("There is a plan of the short name %s already. Choose it in the list, or type another name.")
            messages.error(request, told % new)
        elif not CODE.fullmatch(code or new):
            messages.error(request, _("A short name has small letters, digits and hyphens, such as plan-2030."))
        else:
            upload = uploads.keep(
                request.county.pk, sent.name or "plan", sent.read(), code=code or new, by=request.user
            )
            tasks.read_later(upload.pk)
            return redirect("plan:sent", upload.pk)
    context = {"plans": plans, "code": code, "new": new or (DEFAULT_CODE if not plans else "")}
    return render(request, "plan/send.html", context)


def _upload(request: Request, number: int) -> Upload:
    access.require_verb(request.actor, EDIT)
    return get_object_or_404(Upload.objects.select_related("file", "plan"), pk=number, county=request.county)


def sent(request: Request, number: int) -> HttpResponse:
    """How far it is, or what came of it."""
    upload = _upload(request, number)
    if upload.state == Upload.State.DONE and upload.plan:
        return redirect(f"{reverse('plan:review')}?plan={upload.plan.code}")
    return render(request, "plan/sent.html", _context(upload))


def progress(request: Request, number: int) -> HttpResponse:
    """The bar alone, asked for every second."""
    upload = _upload(request, number)
    answer = render(request, "plan/sent_progress.html", _context(upload))
    if upload.state != Upload.State.WAITING:
        answer["HX-Refresh"] = "true"
    return answer


def _context(upload: Upload) -> dict[str, object]:
    fault = FAULTS.get(upload.fault)
    return {"upload": upload, "fault": _(fault) if fault else _("It could not be read. Tell whoever runs the server.")}
