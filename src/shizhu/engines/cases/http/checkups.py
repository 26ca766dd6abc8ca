"""Pages of checkups (体检): what does not fit together, by check and by town, and as Excel."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from shizhu.engines.cases import checkups
from shizhu.engines.cases.checkups import VIEW, Finding
from shizhu.engines.records import api as records
from shizhu.kernel import access
from shizhu.kernel.packs import Body
from shizhu.kernel.text import label, named
from shizhu.web.middleware import Request


def index(request: Request) -> HttpResponse:
    """The checkups of the county: the first."""
    access.require_verb(request.actor, VIEW)
    found = checkups.declared(request.county.pk)
    if not found:
        raise Http404
    return redirect("checkups:page", next(iter(found)))


def page(request: Request, key: str) -> HttpResponse:
    """What is found now, of a town (`town`) and a check (`check`) where they are chosen; `as=xlsx` sends all of it."""
    access.require_verb(request.actor, VIEW)
    county = request.county.pk
    body = checkups.declared(county).get(key)
    if body is None:
        raise Http404(key)
    found = checkups.findings(request.actor, county, key)
    towns = checkups.by_town(county, found)
    if request.GET.get("as") == "xlsx":
        headers = {"Content-Disposition": f'attachment; filename="{key}.xlsx"'}
        return HttpResponse(_excel(body, towns, found), content_type=records.XLSX, headers=headers)
    town, check = request.GET.get("town", ""), request.GET.get("check", "")
    chosen = next((area for area, _counts in towns if area.code == town), None)
    shown = [one for one in found if check in {"", one.check}]
    if chosen is not None:
        of_town = next((area.path for area, _counts in towns if area.level == area.Level.COUNTY), "")
        inside = [area.path for area, _counts in towns if area.path != of_town]
        shown = [
            one for one in shown
            if (one.area.path.startswith(chosen.path) if chosen.path != of_town
                else not any(one.area.path.startswith(path) for path in inside))
        ]  # fmt: skip
    groups = [
        {"check": name, "title": item["title"], "then": item["then"],
         "found": [one for one in shown if one.check == name]}
        for name, item in body["checks"].items()
    ]  # fmt: skip
    context = {
        "key": key, "body": body, "town": chosen, "check": check, "total": len(found),
        "groups": [group for group in groups if group["found"]],
        "checks": [(name, item["title"], sum(one.check == name for one in found))
                   for name, item in body["checks"].items()],
        "towns": [(area, sum(counts.values())) for area, counts in towns],
    }  # fmt: skip
    return render(request, "cases/checkup.html", context)


def _excel(body: Body, towns: list[tuple[Any, dict[str, int]]], found: list[Finding]) -> bytes:
    checks = body["checks"]
    writer = records.TableWriter(_("By town"), [_("Town"), _("All"), *(label(one["title"]) for one in checks.values())])
    for area, counts in towns:
        writer.add([named(area), sum(counts.values()), *(counts.get(name, 0) for name in checks)])
    heads = [
        _("Town or village"), _("What it is about"), _("What is checked"), _("What was found"), _("Sides"),
        _("What to do about it"), _("simulated"),
    ]  # fmt: skip
    writer.sheet(_("Findings"), heads)
    for one in found:
        sides = "\n".join(f"{side.who}：{side.value}" for side in one.sides)
        item = checks[one.check]
        writer.add([
            named(one.area), one.title, label(item["title"]), one.text, sides, label(item["then"]),
            _("yes") if one.is_simulated else "",
        ])  # fmt: skip
    return writer.done()
