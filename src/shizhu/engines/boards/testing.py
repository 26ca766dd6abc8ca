"""What a pack's boards must show: each panel answers who may see all, and refuses a person without a role."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils import timezone

from shizhu.engines.boards import panels, rankings, reports, shown
from shizhu.engines.boards.boards import VIEW
from shizhu.engines.boards.declare import panels as panels_of
from shizhu.kernel import access, testing
from shizhu.kernel.packs import Body
from shizhu.kernel.testing import Trial


def check(trial: Trial, key: str, body: Body) -> Iterator[str]:
    """Ask every panel twice."""
    root, stranger, now = access.actor(trial.root), access.actor(trial.stranger), timezone.now()
    for place, panel in panels_of(body):
        found = panels.ask(panel, root, trial.county.pk, now)
        if found.problem or found.is_refused:
            yield f"{place}: {panel['key']}: {found.problem or 'is refused to who may see all'}"
            continue
        shown.shown(panel, found)
        if "query" in panel and not panels.ask(panel, stranger, trial.county.pk, now).is_refused:
            yield f"{place}: {panel['key']}: shows something to a person without a role"


def check_report(trial: Trial, key: str, body: Body) -> Iterator[str]:
    """Make it; nobody without a role may read it."""
    try:
        reports.make(key, trial.county, timezone.localdate(), trial.root)
    except (ValueError, KeyError) as error:
        yield f"cannot be made: {error}"
    if reports.may_read(access.actor(trial.stranger), key, trial.county.pk):
        yield "may be read by a person without a role"


def check_ranking(trial: Trial, key: str, body: Body) -> Iterator[str]:
    """Every view answers who may see all, and refuses a person without a role."""
    root, stranger, county = access.actor(trial.root), access.actor(trial.stranger), trial.county.pk
    for view in body["views"]:
        found = rankings.Ranking(key, view["key"], root, county, timezone.now())
        yield from (f"{view['key']}: {problem}" for problem in found.problems)
        found.table()
        try:
            rankings.Ranking(key, view["key"], stranger, county, timezone.now())
        except PermissionError:
            continue
        yield f"{view['key']}: shows something to a person without a role"


testing.proof("boards", check)
testing.proof("rankings", check_ranking)
testing.proof("reports", check_report)
testing.door("boards", testing.Door(lambda key: f"/boards/{key}/", lambda who, _key: who.has(VIEW)))
