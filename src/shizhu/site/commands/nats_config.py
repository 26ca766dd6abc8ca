"""`shizhu nats-config`: the configuration a NATS server of your own needs (NATS_URL)."""

from __future__ import annotations

import argparse

from shizhu.site import servers
from shizhu.site.config import Config


def options(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    parser.add_argument("--port", type=int, default=4222, help="client port")


def main(options: argparse.Namespace) -> int:
    """Print it."""
    print(servers.nats_configuration(Config.from_environment(), options.port))
    return 0
