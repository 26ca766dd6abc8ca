"""`shizhu run ROLE…`: one process, one or more roles."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import importlib
import logging
import os
import sys
from pathlib import Path

from shizhu import web
from shizhu.site import HELD
from shizhu.site.config import Config

ROLES = ("web", "relay", "consumers", "deadlines", "jobs", "gateway", "ingest", "demo")


def options(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    parser.add_argument("roles", nargs="+", choices=ROLES)


def main(options: argparse.Namespace) -> int:
    """Run until told to stop."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shizhu.site.settings")
    if options.roles == ["web"]:
        become_web_server(Config.from_environment())
    if options.roles == ["demo"]:  # no Django in it: it is a device farm
        demo = importlib.import_module("shizhu.site.demo")
        if not is_let_go():
            return 0
        logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(demo.run(Config.from_environment()))
        return 0
    roles = importlib.import_module("shizhu.site.roles")
    if not is_let_go():
        return 0
    asyncio.run(roles.run(options.roles))
    return 0


def is_let_go() -> bool:
    """Wait for the supervisor's word, if it started us early; False if it is gone."""
    return not os.environ.get(HELD) or bool(sys.stdin.readline())


def become_web_server(config: Config) -> None:
    """Replace this process by granian."""
    static = Path(web.__file__).parent / "static"
    command = [
        sys.executable, "-m", "granian", "--interface", "asginl", "--host", config.host, "--port", str(config.port),
        "--workers", "1", "--respawn-failed-workers", "--no-access-log", "--log-level", "warning",
        "--backpressure", "64", "--static-path-route", "/static", "--static-path-mount", str(static),
        "--static-path-expires", "600",
    ]  # fmt: skip
    if config.tls_cert:
        command += ["--ssl-certificate", config.tls_cert, "--ssl-keyfile", config.tls_key]
    os.execv(sys.executable, [*command, "shizhu.site.asgi:application"])
