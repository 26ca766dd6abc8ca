"""What the plan computes: every night, for a new day is due for more, and soon after something it counts changed."""

from shizhu.engines.plan import collecting, computing, indexes, meetings, nodes, proving, reports, uploads
from shizhu.kernel import jobs
from shizhu.kernel.events import Event


def compute_all(county: str | None = None) -> int:
    """Indicators, the formulas of indexes, then proofs; returns how many indicators there were and how many are new."""
    return computing.compute_all(county) + indexes.compute_all(county) + proving.prove_all(county)


def remind_all() -> int:
    """Tell who owes a value, a node or the answer to a decision; returns how many notices went out."""
    return collecting.remind_all() + meetings.remind_all() + nodes.remind_all()


jobs.daily("plan.compute_all", 0, 20, compute_all)
jobs.daily("plan.tell_lights", 0, 1, nodes.refresh_all)
jobs.daily("plan.remind", 8, 10, remind_all)
read_later = jobs.later("plan.read_file", uploads.read, uploads.give_up)
make_later = jobs.later("plan.make_report", reports.make, reports.give_up)
compute_soon = jobs.soon("plan.compute", compute_all)


def something_counted(event: Event) -> None:
    """A case opened or closed, or a record changed: numbers may have changed."""
    compute_soon(event.county)
