"""People are told of alarms: the nearest at once, everybody else who may act when nobody has seen it.

And of rollouts to devices that stopped by themselves: whoever asked for it, and all who may send there.
"""

from __future__ import annotations

from shizhu.engines.alarms import acting, api
from shizhu.engines.alarms.logic.conditions import LEVELS
from shizhu.engines.alarms.logic.warnings import COLOURS
from shizhu.engines.alarms.models import Alarm
from shizhu.engines.notices import api as notices
from shizhu.engines.things import api as things
from shizhu.kernel.events import Event


def raised(event: Event) -> None:
    """The first ring."""
    _tell(event.data["alarm"], event.id, ring=0)


def reminded(event: Event) -> None:
    """Nobody has seen it: the first ring again, and the second. Or it is off the shelf and somebody had seen it: the
    first ring, and on whom it lies."""
    _tell(event.data["alarm"], event.id, ring=1, is_back=event.data.get("is_back", False))


def changed(event: Event) -> None:
    """It became graver: the first ring again, and on whom it lies. What became milder is told nobody."""
    if LEVELS.index(event.data["level"]) > LEVELS.index(event.data["before"]):
        _tell(event.data["alarm"], event.id, ring=0, has_risen=True)


def assigned(event: Event) -> None:
    """On whom it lies now hears so, unless they took it themselves."""
    if event.data["kind"] == "assigned":
        _tell(event.data["alarm"], event.id, ring=0, by=event.data["person"])


def rollout_changed(event: Event) -> None:
    """One that stopped by itself is told, once."""
    number = event.data["rollout"]
    told = things.rollout_halted(number) if event.data["state"] == "halted" else None
    if told is not None:
        key = f"rollout/{number}/halted"
        notices.tell(told.county, key, told.people, title=told.title, text=told.text, url=told.address,
                     origin=told.origin)  # fmt: skip


def _tell(
    number: int, key: str, *, ring: int, has_risen: bool = False, is_back: bool = False, by: int | None = None
) -> None:
    """`by` has assigned it: that is told to whom it lies on alone."""
    alarm = Alarm.objects.select_related("area", "organisation").filter(pk=number, state=Alarm.State.OPEN).first()
    if alarm is None or alarm.suppressed or (by and alarm.assignee_id in {by, None}):
        return
    if ring and alarm.acknowledged_at:
        if not is_back:
            return
        ring = 0
    near, far = acting.rings(alarm)
    info = api.get(number)
    stream = things.describe([alarm.datastream]).get(alarm.datastream)
    value = "" if alarm.value is None else f"{alarm.value:g} {stream.unit if stream else ''}"
    lines = [f"{value} ({alarm.limit})" if alarm.limit else value, info.advice.get("zh", "")]
    risen = f"升级为{COLOURS[alarm.level]['zh']}"
    why = risen if has_risen else "由您负责" if by else "请签收" if ring else "搁置到期" if is_back else ""
    title = " · ".join(filter(None, [stream.thing_name if stream else "", info.title["zh"], why]))
    whose = {alarm.assignee_id} if (has_risen or by or is_back) and alarm.assignee_id else set()
    notices.tell(
        alarm.county_id, f"alarm/{number}/{key}", whose if by else near | far if ring else near | whose, title=title,
        text="\n".join(filter(None, lines)), url=f"/alarms/{number}/", level=alarm.level,
        origin=alarm.origin,
    )  # fmt: skip
