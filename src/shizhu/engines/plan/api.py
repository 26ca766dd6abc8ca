"""The door of the plan engine."""

from __future__ import annotations

from shizhu.engines.plan.computing import compute_all, report_simulated
from shizhu.engines.plan.demo import measures_simulated, work_simulated
from shizhu.engines.plan.importing import DEFAULT_CODE, import_file, import_text, load_county
from shizhu.engines.plan.logic.opening import FileUnreadable
from shizhu.engines.plan.logic.reader import PlanDocument, read
from shizhu.engines.plan.logic.reading import Told, read_file
from shizhu.engines.plan.nodes import refresh_all as tell_lights

__all__ = [
    "DEFAULT_CODE", "FileUnreadable", "PlanDocument", "Told", "compute_all", "import_file", "import_text",
    "load_county", "measures_simulated", "read", "read_file", "report_simulated",
    "tell_lights", "work_simulated",
]  # fmt: skip
