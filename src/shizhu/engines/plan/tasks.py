"""What the plan computes: every night, for a new day is due for more, and soon after something it counts changed."""

from shizhu.engines.plan import computing, indexes
from shizhu.kernel import jobs
from shizhu.kernel.events import Event

jobs.daily("plan.compute_all", 0, 20, computing.compute_all)
jobs.daily("plan.compute_indexes", 0, 40, indexes.compute_all)
compute_soon = jobs.soon("plan.compute", computing.compute_all)
score_soon = jobs.soon("plan.score", indexes.compute_all)


def something_counted(event: Event) -> None:
    """A case opened or closed, or a record changed: numbers may have changed."""
    compute_soon(event.county)
    score_soon(event.county)
