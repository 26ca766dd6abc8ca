"""Who may edit a row that holds until a date is told before that, and once more when it is over."""

from __future__ import annotations

from datetime import date

from django.utils import timezone

from shizhu.engines.notices.telling import tell
from shizhu.engines.records import api as records
from shizhu.kernel.models import County
from shizhu.kernel.text import label


def remind_all(today: date | None = None) -> int:
    """Tell of each row once that it ends soon and once that it has ended; returns how many were told of now."""
    day = today or timezone.localdate()
    counties = County.objects.values_list("pk", flat=True)
    return sum(_told(county, one, day) for county in counties for one in records.expiring(county, day))


def _told(county: str, one: records.Expiring, today: date) -> bool:
    left = (one.on - today).days
    state = "over" if left < 0 else "soon"
    when = f"已于 {one.on} 到期。" if left < 0 else f"将于 {one.on} 到期，还有 {left} 天。"
    then = "请尽快修订并更新有效期；不再使用的请注销。"
    title = f"{label(one.register.title, 'zh')}：{one.title} {'已到期' if left < 0 else '即将到期'}"
    key, url = f"records.expiring {one.record} {one.on} {state}", f"/records/{one.register.key}/{one.record}/"
    level = "orange" if left < 0 else "yellow"
    return tell(county, key, one.editors, title=title, text=when + then, url=url, level=level) is not None
