"""`shizhu backup FILE`: database, event log and files of the running stack, as one file."""

from __future__ import annotations

import argparse
import asyncio
import importlib
from pathlib import Path

from shizhu.site.config import Config, Trouble


def options(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    parser.add_argument("file", type=Path, help="where to write (a .tar.gz)")


def main(options: argparse.Namespace) -> int:
    """Write it."""
    config = Config.from_environment()
    state = config.running()
    if not state:
        raise Trouble(f"nothing runs at SHIZHU_HOME={config.home}: start it first, the backup is taken while it runs")
    target = options.file.resolve()
    if not target.parent.is_dir():
        raise Trouble(f"the folder {target.parent} does not exist: make it, or choose another file")
    try:
        counts = asyncio.run(importlib.import_module("shizhu.site.backup").backup(config, target, state))
    except OSError as error:
        raise Trouble(f"{target} cannot be written ({error.strerror}): choose another file") from error
    size = target.stat().st_size / 1e6
    print(f"{target}: database, {counts['streams']} streams with {counts['messages']} messages, "
          f"{counts['files']} files; {size:.1f} MB. It holds passwords: keep it safe.")  # fmt: skip
    return 0
