"""What a worker does: the indexes that a new declaration needs, and work on many rows."""

from shizhu.engines.records import batches, indexes
from shizhu.engines.records.jobs import exporting, importing
from shizhu.engines.records.models import Batch
from shizhu.kernel import jobs, packs


def _prepare(_county: str) -> None:
    packs.forget()  # it was declared by another process, a moment ago
    indexes.prepare_registers()


prepare_soon = jobs.soon("records.prepare", _prepare)
batches.kind(Batch.Kind.IMPORT, importing.run)
batches.kind(Batch.Kind.EXPORT, exporting.run)
