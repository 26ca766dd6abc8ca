"""The invented plans of invented places that the reader is tried on."""

from collections.abc import Callable
from pathlib import Path

import pytest

from shizhu.engines.plan.logic.reader import PlanDocument, read

PLANS = Path(__file__).parent / "plans"


@pytest.fixture(scope="session")
def read_plan() -> Callable[[str], PlanDocument]:
    """Read a plan of the folder `plans` by its name."""
    return lambda name: read((PLANS / f"{name}.txt").read_text("utf-8"))
