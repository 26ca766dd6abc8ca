"""Exporting a long list as an Excel file."""

from __future__ import annotations

from django.utils import timezone
from django.utils.translation import gettext as _

from shizhu.engines.records import batches, queries
from shizhu.engines.records.batches import Unfit
from shizhu.engines.records.catalogue import register_of
from shizhu.engines.records.http import excel, listed
from shizhu.engines.records.models import Batch
from shizhu.kernel.access import Actor
from shizhu.kernel.text import label

MOST = 1_000_000  # rows: a sheet of Excel ends at 1,048,576


def run(batch: Batch, who: Actor) -> None:
    """Write the file; begun anew after a crash."""
    declared = register_of(batch.register, batch.county_id)
    if not who.has(declared.verb("view")):
        raise Unfit(_("You may no longer see this register."))
    wanted, problems = listed.read(declared, batch.asked["typed"])
    if problems:
        raise Unfit(label(problems[0].message))
    total = queries.selected(who, batch.county_id, declared, wanted).count()
    if total > MOST:
        raise Unfit(_("A sheet of Excel has no room for so many rows. Filter first."))
    file = excel.File(who, batch.county_id, declared)
    done = 0
    for chunk in excel.chunks(queries.scan(who, batch.county_id, batch.register, wanted)):
        file.add(chunk)
        done += len(chunk)
        batches.progress(batch, done, total)
    name = f"{label(declared.title)}-{timezone.localdate():%Y%m%d}.xlsx"
    batch.made = batches.keep(batch.person, batch.county_id, file.done(), name, excel.MEDIA_TYPE)
    batch.total = batch.done = done
    batches.end(batch, Batch.State.DONE)
