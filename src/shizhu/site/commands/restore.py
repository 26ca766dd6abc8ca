"""`shizhu restore FILE`: bring back what a backup holds; the stack must be stopped."""

from __future__ import annotations

import argparse
import asyncio
import importlib
import shutil
import sys
from pathlib import Path
from typing import Any

from shizhu.site.config import Config, Trouble
from shizhu.site.supervisor import Supervisor, check_home, check_ports


def options(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    parser.add_argument("file", type=Path, help="the backup")


def main(options: argparse.Namespace) -> int:
    """Restore; what was in the home is set aside, not deleted. Exit 1 if files of the archive are not as they were."""
    config = Config.from_environment()
    if config.running():
        raise Trouble("the stack is running: stop it with Ctrl-C, then restore")
    if config.database_url or config.nats_url:
        raise Trouble("restore works on the embedded servers: unset DATABASE_URL and NATS_URL")
    if not options.file.is_file():
        raise Trouble(f"there is no backup {options.file}: check the file's name")
    check_home(config)
    check_ports(config)
    backup = importlib.import_module("shizhu.site.backup")
    folder: Path = backup.unpack(config, options.file)
    counts = asyncio.run(_restore(Config.from_environment(), backup, folder))
    faults = backup.lost(config, folder)
    shutil.rmtree(folder)
    for fault in faults:
        print(fault, file=sys.stderr)
    print(f"restored: database, {counts['streams']} streams with {counts['messages']} messages, files. "
          f"What was there before is beside it in {config.home} (*.before-*). Start with `shizhu up`.")  # fmt: skip
    return 1 if faults else 0


async def _restore(config: Config, backup: Any, folder: Path) -> dict[str, int]:
    supervisor = Supervisor(config)
    try:
        await supervisor.start_servers()
        environment = supervisor.environment
        counts: dict[str, int] = await backup.restore(
            config, folder, environment["DATABASE_URL"], environment["NATS_URL"]
        )
    finally:
        await supervisor.stop()
    return counts
