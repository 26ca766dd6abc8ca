"""Cases that should have been opened and could not be: why, and who hears of it."""

from __future__ import annotations

from shizhu.engines.cases import flows
from shizhu.engines.cases.acting import APPROVE
from shizhu.engines.cases.logic import FlowError
from shizhu.engines.cases.models import Case, TimerStart
from shizhu.engines.notices import api as notices
from shizhu.kernel import access, overlays, packs
from shizhu.kernel.models import Area, Organisation
from shizhu.kernel.overlays import EDIT
from shizhu.kernel.text import label
from shizhu.web.declaring import say

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


def concerned(flow: str, county: str) -> tuple[set[int], set[int]]:
    """Who can mend a flow, and who approves its cases."""
    area = Area.objects.get(county=county, code=county)
    body = packs.declarations("flows", county).get(flow)
    owner = flows.owner(flows.about(body["text"].encode()), county) if body else None
    bodies = {EDIT: Organisation.objects.filter(county=county, parent=None).first(), APPROVE: owner}
    mends, approves = (
        {post.person_id for post in access.posts_over(verb, Case(county_id=county, organisation=one, area=area))}
        if one else set()
        for verb, one in bodies.items()
    )  # fmt: skip
    return mends, approves - mends


def not_begun(row: TimerStart) -> None:
    """A time opens no case of a flow: who can mend it hears so, with the way to it, and whose the flow is."""
    key, then = f"timer/{row.pk}/{row.failed_at:%Y%m%d%H%M%S}", "每分钟自动重试，修正流程后即可立案。"
    _not_opened(row.county_id, row.flow, key, "定时立案失败", f"{say(row.fault)}\n{then}")


def not_opened(county: str, flow: str, fault: str, of: str, title: str, page: str) -> None:
    """An alarm or a warning opens no case of its flow; it is opened by hand once the flow is mended."""
    text = f"{title}\n{say(fault)}\n修正流程后，请从该预警的页面人工立案。"
    _not_opened(county, flow, f"unopened/{of}", "预警未能立案", text, page)


def _not_opened(county: str, flow: str, key: str, what: str, text: str, page: str = "") -> None:
    """Tell who can mend the flow, with the way to it where it is the county's own, and who approves its cases."""
    body = packs.declarations("flows", county).get(flow)
    name = label(flows.about(body["text"].encode()).title, "zh") if body else flow
    own = f"/declarations/flows/{flow.partition('.')[2]}/" if body and overlays.is_own(flow) else page
    for whom, people, url in zip(("mend", "know"), concerned(flow, county), (own, page), strict=True):
        notices.tell(county, f"{key}/{whom}", people, title=f"{name}：{what}", url=url, level="orange", text=text)
