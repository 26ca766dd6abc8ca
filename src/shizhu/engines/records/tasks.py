"""What the records engine does after something was declared: make indexes, bring rows to it, list what forbids it."""

from shizhu.engines.records import duplicates, indexes, revising, searching
from shizhu.kernel import jobs, packs


def _prepare(county: str) -> None:
    packs.forget()  # it was declared by another process, a moment ago
    indexes.prepare_registers()
    revising.revise(county)
    searching.prepare()
    duplicates.prepare()
    _revise_late(county)


def _again(county: str) -> None:
    packs.forget()
    revising.revise_fresh(county)


_revise_late = jobs.soon("records.revise_late", _again, after=10)
prepare_soon = jobs.soon("records.prepare", _prepare)
jobs.daily("records.revise", 2, 40, revising.revise_all)
jobs.daily("records.pair_all", 3, 20, duplicates.pair_all)


def follow(county: str) -> None:
    """Have a worker bring the county's rows to what is declared, if anything changed."""
    if revising.with_rows(county, revising.pending(county)):
        prepare_soon(county)
