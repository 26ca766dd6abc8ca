"""One stack without a demo for all tests of this folder that only need a running one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.stack.stack import Stack


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    made = Stack(tmp_path_factory.mktemp("stack"))
    made.start("--no-demo")
    yield made
    assert made.stop() == 0


@pytest.fixture
def short_home(tmp_path: Path) -> Path:
    """A home of its own."""
    return tmp_path / "home"
