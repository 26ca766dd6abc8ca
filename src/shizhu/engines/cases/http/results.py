"""What an approval comes to, as one package: for the window, and for who holds the applicant's link."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Any
from urllib.parse import quote

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from shizhu.engines.cases import approvals, flows, results
from shizhu.engines.cases.acting import CannotNow
from shizhu.engines.cases.assignment import may_start, require_seen
from shizhu.engines.cases.http.bulletins import ON_PAGES
from shizhu.engines.cases.models import Case, ResultDelivery
from shizhu.engines.cases.results import Result
from shizhu.kernel import files
from shizhu.kernel.documents import CHINESE, Heading, Part, Table, day, moment
from shizhu.kernel.text import label, named
from shizhu.web.codes import qr
from shizhu.web.middleware import Request

UNFIT = re.compile(r'[\\/:*?"<>|\x00-\x1f]')  # in the name of a file
EPOCH = (1980, 1, 1, 0, 0, 0)  # of every file in a package: the same set is the same bytes
RIGHTS = (
    "对不予许可的决定不服的，可以自知道该决定之日起六十日内申请行政复议，"
    "或者自知道该决定之日起六个月内向人民法院提起行政诉讼。"
)  # 行政许可法 §38, 行政复议法 §20, 行政诉讼法 §46


def shown(found: Iterable[Result]) -> list[dict[str, Any]]:
    """Results as pages and lists have them."""
    today = timezone.localdate()
    return [
        {"result": one, "title": label(one.item.title), "paper": label(one.paper), "body": named(one.body),
         "is_over": one.is_over(today)}
        for one in found
    ]  # fmt: skip


def section(request: Request, case: Case) -> dict[str, Any]:
    """What the office's page of an approval shows of its results, and what may be done with them."""
    _flow, about = flows.version(case.flow, case.digest)
    may = may_start(request.actor, about, case.organisation, case.area)
    link = request.build_absolute_uri(reverse("door:application", args=[results.secret_of(case)])) if may else ""
    decided = [one for one in results.result_set(case) if one.state in {"granted", "refused"}]
    return {
        "results": shown(decided), "is_closed": results.is_whole(case),
        "applicant": results.applicant(case), "agent": case.state["document"].get("agent", ""), "may_deliver": may,
        "deliveries": [{"row": one, "how": _(results.HOWS[ResultDelivery.How(one.how)])} for one in _handed(case)],
        "is_delivered": results.standing(case) is not None, "link": link, "qr": qr(link) if link else "",
    }  # fmt: skip


def _handed(case: Case) -> list[ResultDelivery]:
    return list(case.deliveries.select_related("by"))


@require_POST
def deliver(request: Request, number: int) -> HttpResponse:
    """Hand the set over; what does not fit is said, and nothing is changed."""
    case = get_object_or_404(Case.objects.select_related("organisation", "area"), pk=number, county=request.county)
    require_seen(request.actor, case)
    given = {name: request.POST.get(name, "") for name in ("how", "to", "code", "proof")}
    try:
        results.deliver(request.actor, case.pk, given["how"], given["to"], code=given["code"], proof=given["proof"])
    except CannotNow as error:
        messages.warning(request, str(error))
    else:
        messages.success(request, _("Handed over, and on the timeline."))
    return redirect("cases:approval", case.pk)


def package(request: Request, number: int) -> HttpResponse:
    """The package, for those who may see the case."""
    case = get_object_or_404(Case.objects.select_related("organisation", "area"), pk=number, county=request.county)
    require_seen(request.actor, case)
    return _sent(case)


def _sent(case: Case) -> HttpResponse:
    if not results.is_whole(case):
        raise Http404
    disposition = f"attachment; filename=\"{case.number}.zip\"; filename*=UTF-8''{quote(f'{case.number}-办理结果')}.zip"
    headers = {"Content-Disposition": disposition, "Cache-Control": "private, no-store"}
    return HttpResponse(packed(case), content_type="application/zip", headers=headers)


def packed(case: Case) -> bytes:
    """The list of results, the files of all papers, and their hashes to be checked with `sha256sum -c`."""
    found = results.result_set(case)
    named_ = list(_places(found))
    out = io.BytesIO()
    with translation.override(CHINESE), zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        _put(archive, f"办理结果清单-{case.number}.docx", listed(case, found, named_))
        for place, file in named_:
            _put(archive, place, files.path_of(file).read_bytes())
        _put(archive, "SHA256SUMS", "".join(f"{file.sha256}  {place}\n" for place, file in named_).encode())
    return out.getvalue()


def _put(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    archive.writestr(zipfile.ZipInfo(name, EPOCH), content, zipfile.ZIP_DEFLATED)


def _places(found: Sequence[Result]) -> Iterator[tuple[str, Any]]:
    """(name in the package, file) of every paper."""
    for number, one in enumerate([one for one in found if one.state in {"granted", "refused"}], 1):
        folder = f"{number:02}-{UNFIT.sub('_', label(one.paper, 'zh'))}"
        for place, file in enumerate(one.files, 1):
            yield f"{folder}/{place}-{UNFIT.sub('_', file.name)}", file


def listed(case: Case, found: Sequence[Result], placed: Sequence[tuple[str, Any]]) -> bytes:
    """The list of results (办理结果清单) as a Word document."""
    from shizhu.kernel import official  # noqa: PLC0415  # loads python-docx

    return official.filed(
        f"{case.title}办理结果清单", _parts(case, found, placed), source=f"{named(case.organisation)} {case.number}",
        mark=_(ON_PAGES[case.origin]) if case.origin else "",
    )  # fmt: skip


def _parts(case: Case, found: Sequence[Result], placed: Sequence[tuple[str, Any]]) -> Iterator[Part]:
    _flow, about = flows.version(case.flow, case.digest)
    document = case.state["document"]
    facts = [
        ("事项", label(about.title, "zh")), ("编号", case.number), ("申请人", results.applicant(case)),
        ("代办人", str(document.get("agent") or "—")), ("受理时间", moment(case.opened_at)),
        ("办结时间", moment(case.closed_at) if case.closed_at else "—"),
    ]  # fmt: skip
    if case.origin:
        facts.append(("说明", "模拟（演示）数据，不作为办事凭据"))
    yield Table(facts, widths=(3, 13))
    granted = [one for one in found if one.state == "granted"]
    refused = [one for one in found if one.state == "refused"]
    dropped = [one for one in found if one.state == "dropped"]
    if granted:
        yield Heading("准予许可")
        yield Table(
            [_granted(one) for one in granted], head=("证照（文书）", "编号", "发证机关", "有效期", "条件和限制")
        )
    if refused:
        yield Heading("不予许可")
        yield Table(
            [
                (label(one.item.title, "zh"), named(one.body), str(one.given.get("rule", "—")), str(one.given["said"]))
                for one in refused
            ],
            head=("事项", "审批机关", "依据条款", "理由"),
        )
        yield RIGHTS
    if dropped:
        yield Heading("未作决定")
        yield f"因有事项不予许可，以下事项终止办理：{'、'.join(label(one.item.title, 'zh') for one in dropped)}。"
    spared = [one for one in found if one.state == "left_out"]
    if spared:
        yield Heading("无需办理")
        yield "；".join(f"{label(one.item.title, 'zh')}：{approvals.only_where(one.item)}" for one in spared) + "。"
    yield Heading("随附文件")
    if placed:
        yield Table([(place, file.sha256) for place, file in placed], head=("文件", "SHA-256"), widths=(7, 9))
    else:
        yield "没有随附文件。"
    yield Heading("交付")
    rows = _handed(case)
    for one in rows:
        told = f"{moment(one.at)}交付{one.to}（{_(results.HOWS[ResultDelivery.How(one.how)])}）{one.proof}。"
        yield f"{told}{'申请人反映未收到。' if one.denied_at else ''}"
    if not any(one.denied_at is None for one in rows):
        yield "领取人（签字）："
        yield "领取时间：　　　　年　　月　　日"


def _granted(one: Result) -> tuple[str, ...]:
    if not one.is_paper:
        return label(one.item.title, "zh"), "—", named(one.body), "—", "—"
    until = day(date.fromisoformat(one.given["valid_to"])) if one.given.get("valid_to") else "长期"
    span = f"{day(date.fromisoformat(one.given['valid_from']))}至{until}"
    return label(one.paper, "zh"), one.number, named(one.body), span, str(one.given.get("conditions") or "—")


# the applicant, without a login -----------------------------------------------------------------------------------


def _of_link(request: Request, secret: str) -> Case | None:
    case = results.by_secret(secret)
    if case is not None:
        request.county = case.county
    return case


@csrf_exempt  # nothing of a session acts here: the link does
def application(request: Request, secret: str) -> HttpResponse:
    """How an application goes, for who holds its link; at the end its results, to be taken or confirmed."""
    case = _of_link(request, secret)
    if case is None:
        return render(request, "cases/door/gone.html", {"is_application": True}, status=404)
    problem = ""
    if request.method == "POST":
        try:
            _act(request.POST.get("act", ""), case)
        except CannotNow as error:
            problem = str(error)
        else:
            return HttpResponseRedirect(request.path, status=303)
    answer = render(request, "cases/door/application.html", _told(request, case, secret) | {"problem": problem},
                    status=409 if problem else 200)  # fmt: skip
    answer["Cache-Control"], answer["X-Robots-Tag"] = "private, no-store", "noindex"
    return answer


def _act(asked: str, case: Case) -> None:
    if asked == "take":
        results.take(case.pk)
    elif asked in {"received", "missing"}:
        results.acknowledge(case.pk, has_come=asked == "received")
    else:
        raise CannotNow(_("Choose what to do."))


def _told(request: Request, case: Case, secret: str) -> dict[str, Any]:
    _flow, about = flows.version(case.flow, case.digest)
    standing, asked = approvals.standing(case), results.asked_for(case)
    address = request.build_absolute_uri(request.path)
    bodies = {one.item.id: named(one.body) for one in results.result_set(case)}
    lines = [
        {"line": line, "title": label(line.item.title), "body": bodies[line.item.id],
         "asked": asked.get(line.task.pk) if line.task and line.state == "awaited" else None,
         "only": approvals.only_where(line.item),
         "granted": bool(line.task and line.task.answer and line.task.answer.get("granted"))}
        for line in standing.lines
    ]  # fmt: skip
    last = results.standing(case)
    return {
        "case": case, "county": case.county, "secret": secret, "about": about, "lines": lines, "standing": standing,
        "is_closed": case.closed_at is not None, "is_whole": results.is_whole(case), "is_void": case.is_void,
        "results": shown(results.result_set(case)),
        "applicant": results.applicant(case), "code": results.code_of(case), "delivery": last,
        "how": _(results.HOWS[ResultDelivery.How(last.how)]) if last else "", "rights": RIGHTS,
        "denied": case.deliveries.exclude(denied_at=None).exists(), "office": named(case.organisation),
        "asked": [one for one in lines if one["asked"]], "address": address, "qr": qr(address), "words": {},
    }  # fmt: skip


def taken(request: Request, secret: str) -> HttpResponse:
    """The package, once it was handed over to the applicant or taken by them."""
    case = _of_link(request, secret)
    if case is None or results.standing(case) is None:
        raise Http404
    return _sent(case)
