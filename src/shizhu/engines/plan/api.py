"""The door of the plan engine."""

from __future__ import annotations

from shizhu.engines.plan.computing import compute_all, report_simulated
from shizhu.engines.plan.demo import measures_simulated
from shizhu.engines.plan.importing import DEFAULT_CODE, import_text, load_county
from shizhu.engines.plan.logic.reader import PlanDocument, read

__all__ = [
    "DEFAULT_CODE", "PlanDocument", "compute_all", "import_text", "load_county", "measures_simulated", "read",
    "report_simulated",
]  # fmt: skip
