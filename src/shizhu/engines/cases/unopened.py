"""Cases that could not be opened, or not carried to their end, by their flow: why, and who hears of it."""

from __future__ import annotations

import re
from collections.abc import Callable

from django.utils import translation

from shizhu.engines.cases import faults, flows
from shizhu.engines.cases.assignment import APPROVE
from shizhu.engines.cases.logic import Flow, FlowError
from shizhu.engines.cases.models import Case, Entry, TimerStart
from shizhu.engines.notices import api as notices
from shizhu.kernel import access, overlays, packs
from shizhu.kernel.models import Area, Organisation
from shizhu.kernel.overlays import EDIT
from shizhu.kernel.text import label

FAULTS = (FlowError, Organisation.DoesNotExist, KeyError)  # of a flow, which trying again does not mend
NO_OWNER, NOT_DECLARED = "Its owner is no organisation of this county.", "nobody declares this flow"


def why(error: Exception) -> str:
    """Why no case is opened, as `say` of what is declared can put it into another language."""
    if isinstance(error, Organisation.DoesNotExist):
        return NO_OWNER
    if isinstance(error, KeyError):
        key = error.args[0]
        return f"{key[-1] if isinstance(key, tuple) else key}: {NOT_DECLARED}"  # (kind, key) where packs have none
    return str(error)


def _about(flow: str, county: str) -> flows.About | None:
    """What a flow says of itself; None where nobody declares it or it cannot be read."""
    body = packs.declarations("flows", county).get(flow)
    try:
        return flows.about(body["text"].encode()) if body else None
    except FlowError:
        return None


def said(flow: str, county: str, fault: str) -> str:
    """Why no case is opened, with the elements of its flow as people call them."""
    body = packs.declarations("flows", county).get(flow)
    return faults.line_said(fault, faults.called(body["text"].encode()) if body else {})


def concerned(flow: str, county: str, case: Case | None = None) -> tuple[set[int], set[int]]:
    """Who can mend a flow, and who approves its cases, or the one that runs."""
    area = Area.objects.get(county=county, code=county)
    about = _about(flow, county)
    owner = flows.owner(about, county) if about else None
    bodies = {EDIT: Organisation.objects.filter(county=county, parent=None).first(), APPROVE: owner}
    rows = {verb: Case(county_id=county, organisation=one, area=area) for verb, one in bodies.items() if one}
    rows |= {APPROVE: case} if case else {}
    mends, approves = (
        {post.person_id for post in access.posts_over(verb, rows[verb])} if verb in rows else set() for verb in bodies
    )
    return mends, approves - mends


def not_begun(row: TimerStart) -> None:
    """A time opens no case of a flow: who can mend it hears so, with the way to it, and whose the flow is."""
    key, then = f"timer/{row.pk}/{row.failed_at:%Y%m%d%H%M%S}", "每分钟自动重试，修正流程后即可立案。"
    _tell(row.county_id, row.flow, key, "定时立案失败", f"{said(row.flow, row.county_id, row.fault)}\n{then}")


def not_opened(
    county: str, flow: str, fault: str, of: str, title: str, page: str = "/cases/", what: str = "未能立案"
) -> None:
    """An alarm, a warning or a message opens no case of its flow; it is opened by hand once the flow is mended: the
    page of an alarm has the way to it, other pages have none.
    """
    about, then = _about(flow, county), "修正流程后，请从该告警的页面人工立案。"
    if not re.fullmatch(r"/alarms/\d+/", page):
        can_be = about is None or (about.start_form and about.starters)
        then = "修正流程后，请到“案件”页面人工立案。" if can_be else "该流程未设人工立案，请先安排人员处置。"
    _tell(county, flow, f"unopened/{of}", what, f"{title}\n{said(flow, county, fault)}\n{then}", page)


def broken_off(case: Case, entry: Entry) -> None:
    """An error that nothing catches has ended a case: what was still to be done is done by nobody."""
    then = "案件已就此结束，未办的事须另行办理；请在流程中补上处理该错误的环节。"
    _of_case(case, entry, "案件因错误结束", faults.broke, then)


def stuck(case: Case, entry: Entry) -> None:
    """A case cannot go on at an element of its flow."""
    _of_case(case, entry, "案件无法继续", faults.halted, "修正后的流程只用于以后所立案件，本案请人工跟进。")


def _of_case(case: Case, entry: Entry, what: str, why: Callable[[Flow, Entry], str], then: str) -> None:
    flow, _about = flows.version(case.flow, case.digest)
    with translation.override("zh-hans"):
        text = f"{case.number} {case.title}\n{why(flow, entry)}。\n{then}"
    _tell(case.county_id, case.flow, f"case/{case.pk}/{entry.pk}", what, text, f"/cases/{case.pk}/", case)


def _tell(county: str, flow: str, key: str, what: str, text: str, page: str = "", case: Case | None = None) -> None:
    """Tell who can mend the flow, with the way to it where it is the county's own, and who approves its cases."""
    about = _about(flow, county)
    name = label(about.title, "zh") if about else flow
    is_own = overlays.is_own(flow) and flow in packs.declarations("flows", county)
    own = f"/declarations/flows/{flow.partition('.')[2]}/" if is_own else page
    for whom, people, url in zip(("mend", "know"), concerned(flow, county, case), (own, page), strict=True):
        notices.tell(
            county, f"{key}/{whom}", people, title=f"{name}：{what}", url=url, level="orange", text=text,
            origin=case.origin if case else 0,
        )  # fmt: skip
