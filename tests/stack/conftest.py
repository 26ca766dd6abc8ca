"""Stacks for the tests of this folder."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.stack.stack import Stack


@pytest.fixture(scope="session")
def stack(homes: Path, bare_home: Path) -> Iterator[Stack]:
    """One stack without a demo, for all tests that only need a running one."""
    made = Stack(homes / "shared", like=bare_home, SHIZHU_PROXIES="127.0.0.1")
    made.start("--no-demo")
    yield made
    assert made.stop() == 0


@pytest.fixture
def new_stack() -> Iterator[Callable[..., Stack]]:
    """Makes stacks, and stops what a failed test left running."""
    made: list[Stack] = []

    def make(home: Path, **rest: Any) -> Stack:
        made.append(Stack(home, **rest))
        return made[-1]

    yield make
    for stack in made:
        stack.stop()


@pytest.fixture
def home(homes: Path) -> Iterator[Path]:
    """A home of its own, not made yet."""
    folder = Path(tempfile.mkdtemp(dir=homes))
    folder.chmod(0o755)
    yield folder / "home"
    shutil.rmtree(folder, ignore_errors=True)
