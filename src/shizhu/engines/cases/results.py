"""What a parallel approval comes to (办理结果): papers and refusals of all its items as one set, handed over once.

Who holds the applicant's link sees how it goes, item by item, and at the end the set; it tells no name of an officer.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from shizhu.engines.cases import approvals, flows, locks, telling
from shizhu.engines.cases.acting import CannotNow
from shizhu.engines.cases.assignment import candidates, may_start
from shizhu.engines.cases.models import Case, Entry, ResultDelivery, Task
from shizhu.engines.records import api as records
from shizhu.kernel import packs
from shizhu.kernel.access import Actor
from shizhu.kernel.models import File, Organisation
from shizhu.kernel.text import label

GIVEN = ("code", "number", "paper", "holder", "valid_from", "case_number")  # to each row of a register of papers
COLUMNS = (*GIVEN, "valid_to", "conditions")
HOWS = {
    ResultDelivery.How.WINDOW: gettext_noop("at the window"), ResultDelivery.How.POST: gettext_noop("by post"),
    ResultDelivery.How.ONLINE: gettext_noop("by the applicant's link"),
}  # fmt: skip


@dataclass(frozen=True)
class Result:
    """What one item came to: granted, refused, dropped (the whole ended without it), left out (not needed), or open."""

    item: approvals.Item
    state: str
    body: Organisation
    task: Task | None = None
    given: Mapping[str, Any] = field(default_factory=dict)
    files: tuple[File, ...] = ()

    @property
    def number(self) -> str:
        """Of the paper."""
        return str(self.given.get("number", ""))

    @property
    def paper(self) -> Mapping[str, str]:
        """What the paper is called; the item itself where granting it gives none."""
        return self.item.paper or self.item.title

    @property
    def is_paper(self) -> bool:
        """Whether there is a paper to hand over."""
        return self.state == "granted" and self.item.paper is not None

    def is_over(self, on: date) -> bool:
        """Whether its paper holds no more on a day."""
        return bool(self.given.get("valid_to")) and date.fromisoformat(self.given["valid_to"]) < on


def applicant(case: Case) -> str:
    """Who applied; of a case opened without a name, what it is called."""
    return str(case.state["document"].get("applicant") or case.title)


def result_set(case: Case) -> list[Result]:
    """The results of all items, in their order."""
    rows = Task.objects.filter(case=case).select_related("organisation", "done_by").order_by("pk")
    tasks = {task.step: task for task in rows}
    files: dict[int | None, list[File]] = {}
    for one in case.attachments.select_related("file").order_by("pk"):
        files.setdefault(one.task_id, []).append(one.file)
    bodies, every = approvals.bodies(case), approvals.items_of(case)
    spared = approvals.left_out(case)
    return [
        Result(item, "left_out", bodies[item.id])
        if item.id in spared
        else _result(case, item, bodies[item.id], tasks.get(item.id), files)
        for item in every
    ]


def _result(
    case: Case, item: approvals.Item, body: Organisation, task: Task | None, files: Mapping[int | None, list[File]]
) -> Result:
    if task is None or task.status != Task.Status.DONE:
        state = "open" if case.status == Case.Status.OPEN else "dropped"
        return Result(item, state, body, task)
    given = task.answer or {}
    return Result(
        item, "granted" if given.get("granted") else "refused", body, task, given, tuple(files.get(task.pk, ()))
    )


# recording --------------------------------------------------------------------------------------------------------


def _giving(case: Case, step: str, given: Mapping[str, Any]) -> approvals.Item | None:
    """The item of a decision that gives a paper; None for any other answer."""
    item = next((one for one in approvals.items_of(case) if one.id == step), None)
    return item if item and item.paper is not None and given.get("granted") else None


def problems(case: Case, step: str, given: Mapping[str, Any]) -> dict[str, str]:
    """What a decision lacks that gives a paper: field → what is wrong."""
    if _giving(case, step, given) is None:
        return {}
    needed = _("Needed for what is granted.")
    found = {name: needed for name in ("number", "valid_from") if not given.get(name)}
    days: dict[str, date] = {}
    for name in ("valid_from", "valid_to"):
        try:
            days |= {name: date.fromisoformat(given[name])} if given.get(name) else {}
        except ValueError:
            found[name] = _("There is no such day.")
    if len(days) == 2 and days["valid_to"] < days["valid_from"]:
        found["valid_to"] = _("It must not end before it begins.")
    locks.hold(f"paper {case.county_id} {case.flow} {step}")  # two at once give no number twice
    same = Task.objects.filter(case__county=case.county_id, case__flow=case.flow, step=step, status=Task.Status.DONE)
    if "number" not in found and (had := same.filter(answer__number=given["number"]).select_related("case").first()):
        found["number"] = _("%s has this number already.") % had.case.number
    return found


def keep_paper(who: Actor, task: Task) -> dict[str, str]:
    """The paper that a decision gives as a row of the register that its approval names; what is wrong, by field."""
    case, given = task.case, task.answer or {}
    item = _giving(case, task.step, given)
    if item is None:
        return {}
    name = approvals.declared(case.county_id)[case.flow].get("register")
    if not name:
        return {}
    key = register_of(case.flow, name)
    known = records.register_of(key, case.county_id).fields
    row = {
        **{field: given[field] for field in COLUMNS if given.get(field)},
        "paper": label(item.paper or item.title, "zh"), "code": f"{case.number}-{item.id}", "holder": applicant(case),
        "case_number": case.number,
    }  # fmt: skip
    body = task.organisation or case.organisation
    try:
        with transaction.atomic():
            records.create(
                who, case.county_id, key, {name: value for name, value in row.items() if name in known},
                organisation=body.code, area=case.area.code, source="case", is_simulated=bool(case.origin),
            )  # fmt: skip
    except records.Refused as error:
        return {one.path if one.path in given else "number": label(one.message) for one in error.problems}
    return {}


def register_of(approval: str, name: str) -> str:
    """The full key of a register that an approval names."""
    return name if "." in name else f"{approval.partition('.')[0]}.{name}"


# the applicant's link ---------------------------------------------------------------------------------------------


def secret_of(case: Case) -> str:
    """What the applicant's link holds: it is made anew from the case, and kept nowhere."""
    return f"{case.pk}-{salted_hmac('cases.application', str(case.pk), algorithm='sha256').hexdigest()[:32]}"


def by_secret(secret: str) -> Case | None:
    """The application of a link."""
    number = secret.partition("-")[0]
    if not (number.isascii() and number.isdecimal() and len(number) < 19):
        return None
    case = Case.objects.select_related("county", "organisation", "area").filter(pk=int(number)).first()
    if case is None or not approvals.is_one(case.flow, case.county_id):
        return None
    return case if hmac.compare_digest(secret_of(case), secret) else None


def code_of(case: Case) -> str:
    """Six digits that only the applicant's page shows, to be told where the results are fetched."""
    return f"{int(salted_hmac('cases.delivery', str(case.pk), algorithm='sha256').hexdigest(), 16) % 1_000_000:06}"


# handing over -----------------------------------------------------------------------------------------------------


def digest_of(case: Case) -> str:
    """Of all that is handed over: another number, day or byte is another digest."""
    told = [
        [one.item.id, one.state, dict(sorted(one.given.items())), [file.sha256 for file in one.files]]
        for one in result_set(case)
    ]
    return packs.digest([case.number, told])


def is_whole(case: Case) -> bool:
    """Whether a case is an approval that came to its end: nothing is handed over of one that is void."""
    return approvals.is_one(case.flow, case.county_id) and case.outcome == "done"


def standing(case: Case) -> ResultDelivery | None:
    """The handing over that stands."""
    return case.deliveries.filter(denied_at=None).select_related("by").first()


@transaction.atomic
def deliver(who: Actor, case_id: int, how: str, to: str, *, code: str = "", proof: str = "") -> ResultDelivery:
    """Hand the set over at the window or by post, once. Raises CannotNow, PermissionDenied; nothing is changed then.

    At the window whoever fetches it tells the code of the applicant's page; without it, it is said what was looked at,
    which the applicant reads too.
    """
    case = _locked(case_id)
    _flow, about = flows.version(case.flow, case.digest)
    if not may_start(who, about, case.organisation, case.area):
        raise PermissionDenied(f"{who.name or 'nobody'} has no right to hand over {case}")
    _free(case)
    to, code, proof = to.strip()[:60], code.strip(), proof.strip()[:200]
    if how not in {ResultDelivery.How.WINDOW, ResultDelivery.How.POST}:
        raise CannotNow(_("Choose how it is handed over."))
    if not to:
        raise CannotNow(_("Say who gets it."))
    known = {applicant(case), str(case.state["document"].get("agent", ""))}
    if how == ResultDelivery.How.POST and (to not in known or not proof):
        raise CannotNow(_("By post it goes to the applicant or who acts for them, with the number of the parcel."))
    if how == ResultDelivery.How.WINDOW:
        if code and not hmac.compare_digest(code_of(case).encode(), code.encode()):
            raise CannotNow(_("This is not the code of this application. Nothing was handed over: look at its number."))
        if not code and not proof:
            raise CannotNow(
                _("Type the code of the applicant's page, or say what identity or authority you looked at.")
            )
    now = timezone.now()
    received = now if how == ResultDelivery.How.WINDOW else None
    made = ResultDelivery.objects.create(
        case=case,
        how=how,
        to=to,
        proof=proof,
        by_id=who.person_id,
        at=now,
        digest=digest_of(case),
        received_at=received,
    )
    is_open = how == ResultDelivery.How.WINDOW and not code
    _tell(case, "delivered", who.person_id, to=to, why=proof, how=how, open=is_open)
    return made


@transaction.atomic
def take(case_id: int) -> ResultDelivery:
    """The applicant takes the set by their link. Raises CannotNow."""
    case = _locked(case_id)
    _free(case)
    now, to = timezone.now(), applicant(case)[:60]
    made = ResultDelivery.objects.create(
        case=case, how=ResultDelivery.How.ONLINE, to=to, at=now, digest=digest_of(case), received_at=now
    )
    _tell(case, "delivered", None, to=to, why="", how=made.how, open=False)
    return made


@transaction.atomic
def acknowledge(case_id: int, *, has_come: bool) -> ResultDelivery:
    """The applicant says whether what was handed over came; where not, the window hears so. Raises CannotNow."""
    case = _locked(case_id)
    made = standing(case)
    if made is None or made.how == ResultDelivery.How.ONLINE or (has_come and made.received_at is not None):
        raise CannotNow(_("There is nothing to confirm."))
    if not has_come and made.how == ResultDelivery.How.POST and made.received_at is not None:
        raise CannotNow(_("You confirmed that it came. Ask the window."))
    now = timezone.now()
    if has_come:
        made.received_at = now
    else:
        made.denied_at = now
    made.save(update_fields=["received_at", "denied_at"])
    entry = _tell(case, "received" if has_come else "missing", None, to=made.to)
    if not has_come:
        _flow, about = flows.version(case.flow, case.digest)
        people = {person.pk for role in about.starters for person in candidates(role, case)}
        telling.missing(case, entry, sorted(people), made.to)
    return made


def _locked(number: int) -> Case:
    return Case.objects.select_for_update(of=("self",)).select_related("organisation", "area").get(pk=number)


def _free(case: Case) -> None:
    """Raise CannotNow unless the set is whole and with nobody yet."""
    if not is_whole(case):
        raise CannotNow(_("The results are handed over as one set, once all is decided."))
    if (had := standing(case)) is not None:
        at, told = f"{timezone.localtime(had.at):%Y-%m-%d %H:%M}", _(HOWS[ResultDelivery.How(had.how)])
        raise CannotNow(
            _("It was handed to %(to)s on %(at)s (%(how)s). Nothing was handed over a second time.")
            % {"to": had.to, "at": at, "how": told}
        )


def _tell(case: Case, kind: str, person: int | None, **data: Any) -> Entry:
    return Entry.objects.create(case=case, at=timezone.now(), kind=kind, person_id=person, data=data)


# supplements ------------------------------------------------------------------------------------------------------


def asked_for(case: Case) -> dict[int, tuple[datetime, str]]:
    """Task → since when, and which supplements it awaits."""
    waiting = set(Task.objects.filter(case=case).exclude(paused_at=None).values_list("pk", flat=True))
    entries = Entry.objects.filter(case=case, kind="supplement").order_by("at", "pk")
    return {one.data["task"]: (one.at, one.data["why"]) for one in entries if one.data["task"] in waiting}
