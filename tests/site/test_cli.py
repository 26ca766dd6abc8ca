"""The `shizhu` command: output that is not read to the end, a home that is not made yet."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from tests.stack.stack import SHIZHU


@pytest.mark.parametrize(
    "words", [("schema", "rivers.reach"), ("plan", "read", "tests/engines/plan/reader/plans/yunqi.txt", "--json")]
)
def test_a_closed_pipe_is_no_fault(words: tuple[str, ...]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run([SHIZHU, *words], stdout=writing, stderr=subprocess.PIPE, check=False, timeout=60)
    os.close(writing)
    assert (done.returncode, done.stderr.decode()) == (141, "")


def test_the_configuration_of_nats_needs_no_home_yet(tmp_path: Path) -> None:
    environment = {**os.environ, "SHIZHU_HOME": str(tmp_path / "home")}
    done = subprocess.run(
        [SHIZHU, "nats-config"], env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stderr, "accounts {" in done.stdout) == (0, "", True)
    again = subprocess.run(
        [SHIZHU, "nats-config"], env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert again.stdout == done.stdout
