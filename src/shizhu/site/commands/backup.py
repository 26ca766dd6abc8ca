"""`shizhu backup FILE`: database, event log and files of the running stack, as one file."""

from __future__ import annotations

import argparse
import asyncio
import importlib
import os
import sys
from pathlib import Path

import django

from shizhu.site.config import Config, Trouble


def options(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    parser.add_argument("file", type=Path, help="where to write (a .tar.gz)")


def main(options: argparse.Namespace) -> int:
    """Write it; exit 1 if files of the archive are not as they were written."""
    config = Config.from_environment()
    state = config.running()
    if not state:
        raise Trouble(f"nothing runs at SHIZHU_HOME={config.home}: start it first, the backup is taken while it runs")
    target = options.file.resolve()
    if not target.parent.is_dir():
        raise Trouble(f"the folder {target.parent} does not exist: make it, or choose another file")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shizhu.site.settings")
    django.setup(set_prefix=False)
    module = importlib.import_module("shizhu.site.backup")
    hashes = importlib.import_module("shizhu.engines.things.api").archive.hashes()
    try:
        counts = asyncio.run(module.backup(config, target, state, hashes))
    except OSError as error:
        raise Trouble(f"{target} cannot be written ({error.strerror}): choose another file") from error
    faults = [*module.faults(config.home / "history", hashes)]
    for fault in faults:
        print(fault, file=sys.stderr)
    size = target.stat().st_size / 1e6
    print(f"{target}: database, {counts['streams']} streams with {counts['messages']} messages, "
          f"{counts['files']} files; {size:.1f} MB. It holds passwords: keep it safe.")  # fmt: skip
    return 1 if faults else 0
