"""What people decided about findings: kept with who, when and why, and found again in a corrected text."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from django.db import transaction

from shizhu.engines.plan import computing
from shizhu.engines.plan.logic.reader.subjects import canonical
from shizhu.engines.plan.models import Indicator, Plan, Ruling
from shizhu.kernel.models import Person

Finding = Mapping[str, Any]
OPEN, VALUE, SEEN = "open", "value", "seen"


def name_of(finding: Finding) -> str:
    """A name of a finding that does not hang on its lines: the same values in a corrected text are the same finding."""
    said = sorted(f"{r.get('value')} {r.get('unit')} {r.get('year')}" for r in finding.get("readings", []))
    subject = canonical(str(finding.get("subject") or finding.get("what") or ""))
    why = "" if said else str(finding.get("why") or "").partition("(line")[0]
    return hashlib.sha256("\n".join([str(finding.get("rule")), subject, why, *said]).encode()).hexdigest()[:32]


def newest(plan: Plan) -> dict[str, Ruling]:
    """The newest decision about each finding; one that was opened again has none."""
    rows = Ruling.objects.filter(plan=plan).select_related("person").order_by("finding", "-pk").distinct("finding")
    return {row.finding: row for row in rows if row.decision != OPEN}


def findings(plan: Plan) -> dict[str, Finding]:
    """All findings of the newest reading by name."""
    document = plan.document or {}
    rows = [*document.get("contradictions", []), *document.get("unsure", [])]
    return {name_of(row): row for row in rows}


@transaction.atomic
def settle(plan: Plan, finding: str, decision: str, *, note: str, by: Person, value: float | None = None) -> Ruling:
    """Keep a decision, and give the value decided to the indicator. Raises KeyError for a finding that is not there."""
    found = findings(plan)[finding]
    year = next((r["year"] for r in found.get("readings", []) if r.get("year")), None)
    ruling = Ruling.objects.create(
        plan=plan, finding=finding, rule=found["rule"], subject=str(found.get("subject") or found.get("what"))[:200],
        decision=decision, value=value, year=year, note=note, person=by,
    )  # fmt: skip
    apply(plan, ruling)
    return ruling


def apply(plan: Plan, made: Ruling | None = None) -> None:
    """Bring the values decided to the indicators, after a decision (`made`) or a new reading.

    What a person changed in the indicator after a decision stays.
    """
    there = findings(plan)
    for name, ruling in newest(plan).items():
        if name in there and ruling.decision == VALUE and ruling.value is not None:
            _give(plan, ruling, is_new=ruling == made)


def _give(plan: Plan, ruling: Ruling, *, is_new: bool) -> None:
    for indicator in Indicator.objects.filter(plan=plan, name=ruling.subject):
        for part in ("base", "target"):
            is_open = is_new or f"{part}_value" not in indicator.edited
            if is_open and getattr(indicator, f"{part}_year") == ruling.year:
                setattr(indicator, f"{part}_value", ruling.value)
        indicator.save(update_fields=["base_value", "target_value"])
        computing.keep_base(indicator)
