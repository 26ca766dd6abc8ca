"""Starts a stack of its own and lets the programs of others read and write it; ends with the number of failures."""

from __future__ import annotations

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
        command = [str(program), str(HERE / "sensorthings.py"), f"{stack.address}/sta/v1.1", "admin"]
        return subprocess.run([*command, stack.password_of("admin")], check=False, timeout=LONGEST).returncode
    finally:
        stack.stop()
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
