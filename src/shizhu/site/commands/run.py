"""`shizhu run ROLE…`: one process, one or more roles."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import importlib
import logging
import os
from pathlib import Path

from granian import Granian
from granian.constants import Interfaces
from granian.http import HTTP1Settings, HTTP2Settings
from granian.log import LogLevels

from shizhu import web
from shizhu.site.config import Config

ROLES = ("web", "relay", "consumers", "deadlines", "jobs", "gateway", "ingest", "demo")


def options(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    parser.add_argument("roles", nargs="+", choices=ROLES)


def main(options: argparse.Namespace) -> int:
    """Run until told to stop."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shizhu.site.settings")
    if options.roles == ["web"]:
        serve_web(Config.from_environment())
    elif options.roles == ["demo"]:  # no Django in it: it is a device farm
        demo = importlib.import_module("shizhu.site.demo")
        logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(demo.run(Config.from_environment()))
    else:
        asyncio.run(importlib.import_module("shizhu.site.roles").run(options.roles))
    return 0


def serve_web(config: Config) -> None:
    """Run granian: it watches over its worker, a fork of this process."""
    static = Path(web.__file__).parent / "static"
    Granian(
        "shizhu.site.asgi:application", config.host, config.port, interface=Interfaces.ASGINL,
        respawn_failed_workers=True, log_level=LogLevels.warning, backpressure=64,
        http1_settings=HTTP1Settings(), http2_settings=HTTP2Settings(),
        static_path_route=["/static"], static_path_mount=[static], static_path_expires=600,
        ssl_cert=Path(config.tls_cert) if config.tls_cert else None,
        ssl_key=Path(config.tls_key) if config.tls_key else None,
    ).serve()  # fmt: skip
