"""What the records engine does soon after something was declared: make the indexes that it needs."""

from shizhu.engines.records import indexes, searching
from shizhu.kernel import jobs, packs


def _prepare(_county: str) -> None:
    packs.forget()  # it was declared by another process, a moment ago
    indexes.prepare_registers()
    searching.prepare()


prepare_soon = jobs.soon("records.prepare", _prepare)
