"""Pages of oddities (疑点) in reported values: what looks odd and why, and the sample to look at, as Excel."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from shizhu.engines.plan import doubting
from shizhu.engines.plan.http.files import attached
from shizhu.engines.plan.logic import oddities
from shizhu.engines.plan.logic.oddities import Oddity
from shizhu.engines.plan.people import SUPERVISE
from shizhu.engines.records import api as records
from shizhu.kernel import access
from shizhu.web.middleware import Request

TITLES = {
    oddities.LAST_DIGIT: gettext_noop("Many round last digits"),
    oddities.JUST_OVER: gettext_noop("Often just over the target"),
    oddities.LATE_RISE: gettext_noop("Corrected across the target just before collection"),
    oddities.JUMP: gettext_noop("A jump just before collection"),
    oddities.SAME: gettext_noop("The same as a year before"),
    oddities.SMOOTH: gettext_noop("A series that is too smooth"),
}
WHY = {
    oddities.LAST_DIGIT: gettext_noop(
        "%(found)d of %(count)d values end with 0 or 5; usually a fifth does. By accident this happens %(chance)s. "
        "Rounding by habit looks like this too."
    ),
    oddities.JUST_OVER: gettext_noop(
        "Of %(count)d values within a tenth of their target %(found)d lie above it by 2%% at most; usually a tenth "
        "does. By accident this happens %(chance)s. A target that was set with care looks like this too."
    ),
    oddities.LATE_RISE: gettext_noop(
        "%(was)s became %(value)s on %(day)s, in the last week before it was due, and so reached the target "
        "%(target)s. What came in late looks like this too."
    ),
    oddities.JUMP: gettext_noop(
        "From %(before)s in %(first)s to %(value)s in %(period)s: out of the spread of the other %(others)d steps by "
        "7 times or more. What is booked at the end of a year looks like this too."
    ),
    oddities.SAME: gettext_noop(
        "%(found)d of %(count)d values that can be compared are exactly those of the year before. A table that was "
        "taken over looks like this too."
    ),
    oddities.SMOOTH: gettext_noop(
        "%(count)d steps in a row, or their growth rates, are all but equal. A value that was reckoned from its target "
        "looks like this too."
    ),
}


def page(request: Request) -> HttpResponse:
    """What looks odd, with the rows behind it, and the sample that is proposed."""
    access.require_county(request.actor, SUPERVISE, request.county.pk)
    found, seed = doubting.look(request.county.pk), _seed(request)
    odd = [
        {"title": _(TITLES[one.rule]), "why": why(one), "who": one.who, "what": one.what,
         "rows": [found.rows[told.row] for told in one.rows]}
        for one in found.oddities
    ]  # fmt: skip
    context = {"odd": odd, "total": len(found.rows), "seed": seed, "sample": doubting.sample(found, seed)}  # fmt: skip
    return render(request, "plan/oddities.html", context)


def table(request: Request) -> HttpResponse:
    """The sample as Excel, with room for what was found; it does not say what looked odd."""
    access.require_county(request.actor, SUPERVISE, request.county.pk)
    seed = _seed(request)
    heads = [
        _("No."), _("Unit in charge"), _("Indicator"), _("Period"), _("Value"), _("Reported at"),
        _("Where it comes from"),
        _("As reported? (yes or no)"), _("What the papers say"), _("Looked at by"),
    ]  # fmt: skip
    sample = doubting.sample(doubting.look(request.county.pk), seed)
    content = records.written_table(_("Sample sheet"), heads, (
        [
            number, row.told.who, row.told.what, row.told.period, row.told.value, _day(row.at), row.note, "", "", "",
        ]
        for number, row in enumerate(sample, 1)
    ))  # fmt: skip
    return attached(content, f"{_('Sample sheet')}-{seed}.xlsx", records.XLSX)


def why(one: Oddity) -> str:
    """The reason in words, with what else looks like this."""
    last = one.rows[-1]
    numbers: dict[str, Any] = {"found": one.found, "count": one.count, "chance": _rarely(one.chance)}
    if one.rule == oddities.LATE_RISE:
        numbers |= {"was": f"{last.was:g}", "value": f"{last.value:g}", "target": f"{last.target:g}",
                    "day": f"{last.known_on}"}  # fmt: skip
    if one.rule == oddities.JUMP:
        first = one.rows[0]
        numbers |= {"before": f"{first.value:g}", "first": first.period, "value": f"{last.value:g}",
                    "period": last.period, "others": one.count - 1}  # fmt: skip
    return _(WHY[one.rule]) % numbers


def _rarely(chance: float | None) -> str:
    if chance is None:
        return ""
    if chance < 1e-6:
        return _("less than once in a million")
    return _("once in %s") % f"{round(1 / chance, 1 - len(str(int(1 / chance)))):.0f}"


def _seed(request: Request) -> str:
    return request.GET.get("seed", "").strip()[:64] or doubting.seed_of(timezone.localdate())


def _day(moment: Any) -> str:
    return f"{timezone.localtime(moment):%Y-%m-%d}"
