"""Work on many rows that a worker does: importing, exporting, changing."""

from __future__ import annotations

from shizhu.engines.records import batches


def register() -> None:
    """Called once by the application."""
    from shizhu.engines.records import redeclaring  # noqa: PLC0415
    from shizhu.engines.records.jobs import changing, exporting, importing  # noqa: PLC0415  # models must be there first
    from shizhu.engines.records.models import Batch  # noqa: PLC0415

    batches.kind(Batch.Kind.IMPORT, importing.run)
    batches.kind(Batch.Kind.EXPORT, exporting.run)
    batches.kind(Batch.Kind.CHANGE, changing.run)
    batches.kind(Batch.Kind.DECLARE, redeclaring.run)
