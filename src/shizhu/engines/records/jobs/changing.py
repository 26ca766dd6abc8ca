"""Changing many rows alike: fields, place, state, or withdrawing them; first what would happen, then for good."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from shizhu.engines.records import batches, queries
from shizhu.engines.records.batches import Unfit
from shizhu.engines.records.catalogue import register_of
from shizhu.engines.records.http import excel, shown
from shizhu.engines.records.logic import values
from shizhu.engines.records.logic.register import Register
from shizhu.engines.records.logic.values import Problem, problem
from shizhu.engines.records.many import CHANGE, Many, Proposed, proposal
from shizhu.engines.records.models import WITHDRAWN, Batch, Record
from shizhu.kernel import access
from shizhu.kernel.access import Actor
from shizhu.kernel.models import Area, Organisation
from shizhu.kernel.text import label

CHUNK = 500
SHOWN = 20  # rows that are refused, and rows that are changed, on the page


def run(batch: Batch, who: Actor) -> None:
    """Check or write a batch, whichever its state says; after a crash it goes on where it had committed."""
    declared = register_of(batch.register, batch.county_id)
    if not who.has(declared.verb("view")):
        raise Unfit(_("You may no longer see this register."))
    _Change(batch, who, declared).run()


class _Change:
    def __init__(self, batch: Batch, who: Actor, declared: Register) -> None:
        self._batch, self._who, self._register = batch, who, declared
        self._is_writing = batch.state == Batch.State.WRITING
        self._many = Many(who, batch.county_id, declared)
        self._asked: dict[str, Any] = batch.asked
        places = {"county": batch.county_id}
        self._organisation = Organisation.objects.filter(code=self._asked.get("_organisation", ""), **places).first()
        self._area = Area.objects.filter(code=self._asked.get("_area", ""), **places).first()

    def run(self) -> None:
        batch = self._batch
        rows = [(int(pk), int(version)) for pk, version in self._asked["rows"]]
        for start in range(batch.done, len(rows), CHUNK):
            self._deal(rows[start : start + CHUNK], len(rows))
        batches.end(batch, Batch.State.DONE if self._is_writing else Batch.State.CHECKED)

    def _deal(self, chunk: Sequence[tuple[int, int]], total: int) -> None:
        """Judge some rows, write them where that is wanted, and keep the progress in the same transaction."""
        batch = self._batch
        try:
            with transaction.atomic():
                judged = self._judged(chunk)
                if self._is_writing:
                    self._many.write(judged, "person")
                batch.counts = dict(Counter(batch.counts) + Counter(one.outcome for one in judged))
                for one in [one for one in judged if one.problems][: SHOWN - len(batch.examples)]:
                    told = [self._told(fault) for fault in one.problems]
                    batch.examples.append({"title": f"{one.row.key} {one.row.title}", "told": told})
                if not self._is_writing:
                    self._preview(judged)
                batches.progress(batch, batch.done + len(chunk), total)
        except IntegrityError:
            raise Unfit(_("Somebody took a value that must be unique at this moment. Look again and repeat.")) from None

    def _preview(self, judged: Sequence[Proposed]) -> None:
        """Keep what would change: in how many rows which field, and of the first rows before and after."""
        preview = self._batch.preview or {"fields": {}, "rows": []}
        changed = [
            (one, queries.differences(self._register, one.row, one.wanted)) for one in judged if one.outcome == CHANGE
        ]
        fields = Counter(preview["fields"])
        fields.update(name for _one, changes in changed for name in dict.fromkeys(c.path for c in changes))
        first = changed[: SHOWN - len(preview["rows"])]
        known = shown.titles_in(
            self._who, self._batch.county_id, self._register, [change for _one, changes in first for change in changes]
        )
        for one, changes in first:
            lines = list(shown.lines(self._register, changes, known))
            preview["rows"].append({"id": one.row.pk, "title": f"{one.row.key} {one.row.title}", "lines": lines})
        self._batch.preview = {"fields": dict(fields), "rows": preview["rows"]}

    def _judged(self, chunk: Sequence[tuple[int, int]]) -> list[Proposed]:
        rows = Record.objects.filter(county=self._batch.county_id, register=self._register.key)
        rows = access.rows(rows, self._who, self._register.verb("view")).filter(pk__in=[pk for pk, _v in chunk])
        rows = rows.order_by("id").select_related("organisation", "area")
        there = {row.pk: row for row in (rows.select_for_update(of=("self",)) if self._is_writing else rows)}
        proposed = [self._proposed(there[pk], version) for pk, version in chunk if pk in there]
        if not self._asked["withdraw"]:
            self._many.compute(proposed)
        self._many.judge(proposed)
        return proposed

    def _proposed(self, row: Record, version: int) -> Proposed:
        stale = [problem("_version", row.title, "stale")] if row.version != version else []
        if self._asked["withdraw"]:
            made = proposal(row.pk, row, state=WITHDRAWN)
            made.action = "delete"
        else:
            data = values.merged(self._register, row.data, self._asked["changes"])
            made = proposal(
                row.pk, row, data=data, organisation=self._organisation or row.organisation,
                area=self._area or row.area, state=self._asked.get("_state") or row.state,
            )  # fmt: skip
        made.problems += stale
        return made

    def _told(self, fault: Problem) -> str:
        titles = {target.name: label(target.title) for target in excel.targets(self._register)}
        head = titles.get(fault.path, "")
        return f"{head}“{fault.value}”：{label(fault.message)}" if head else label(fault.message)
