"""What a pack's indicators must show: every input can be counted, and every number opens to its rows. A layer of tasks
has a task to show."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils import timezone

from shizhu.engines.plan import computing, counting
from shizhu.engines.plan.models import Plan, Task
from shizhu.engines.plan.periods import period_of
from shizhu.kernel import access, testing
from shizhu.kernel.packs import Body
from shizhu.kernel.testing import Trial
from shizhu.lib import feel


def make(trial: Trial, key: str, body: Body) -> None:
    """A task with a place, for a layer that shows tasks."""
    if body["source"] == "tasks":
        plan = Plan.objects.create(county=trial.county, code=key, title=key)
        Task.objects.create(plan=plan, key="1", name=key, longitude=108.1, latitude=30.0)


def check(trial: Trial, key: str, body: Body) -> Iterator[str]:
    """Conditions fit the registers and flows they count; the formula makes a number, or nothing, of the counts."""
    period, county = period_of(body["period"], timezone.localdate()), trial.county.pk
    for name, given in body["inputs"].items():
        if given["count"] in counting.NO_ROWS:
            continue
        try:
            number = counting.count(given, county, period)
        except ValueError as error:
            yield f"inputs.{name}: {error}"
            return
        if len(counting.rows(given, access.actor(trial.root), county, period)) != number:
            yield f"inputs.{name}: counts {number} rows, but opens to another number of rows"
        if counting.rows(given, access.actor(trial.stranger), county, period):
            yield f"inputs.{name}: opens its rows to a person without a role"
    [found] = computing.by_part([(body, period)], county, "", {"": [""]})
    value = feel.evaluate(body["formula"], found[""].inputs)
    if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
        yield f"formula: {value!r} is no number"


testing.proof("indicators", check)
testing.sample("layers", make)
