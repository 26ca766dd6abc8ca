"""Starts a stack of its own and lets the programs of others read and write it; ends with the number of failures."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.stack.stack import Stack

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
LONGEST = 300


def main() -> int:
    program = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "var/clients/bin/python"
    home = Path(tempfile.mkdtemp(prefix="shizhu-clients-"))
    home.chmod(0o755)
    stack = Stack(home)
    try:
        stack.start("--no-demo")
        secret = ["admin", stack.password_of("admin")]
        command = [str(program), str(HERE / "sensorthings.py"), f"{stack.address}/sta/v1.1", *secret]
        faults = subprocess.run(command, check=False, timeout=LONGEST).returncode
        return faults + qgis(f"{stack.address}/ogc", secret, home)
    finally:
        stack.stop()
        shutil.rmtree(home, ignore_errors=True)


def qgis(address: str, secret: list[str], home: Path) -> int:
    """The same with QGIS, where the system has it."""
    python = next((one for one in ("/usr/bin/python3", "python3") if _has_qgis(one)), "")
    if not python:
        print("QGIS is left out: no Python of this system has its modules (Debian: python3-qgis)")
        return 0
    command = [python, str(HERE / "desktop.py"), address, *secret]
    environment = {**os.environ, "QGIS_PROFILE": str(home / "qgis")}
    return subprocess.run(command, check=False, timeout=LONGEST, env=environment).returncode


def _has_qgis(python: str) -> bool:
    program = shutil.which(python)
    return (
        bool(program)
        and not subprocess.run([program, "-c", "import qgis.core"], check=False, capture_output=True).returncode
    )


if __name__ == "__main__":
    sys.exit(main())
