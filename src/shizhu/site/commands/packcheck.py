"""`shizhu packcheck`: packs and rooms, for what imports cannot show."""

from __future__ import annotations

import argparse
import importlib
import os
import sys

import django


def options(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    parser.add_argument("folder", nargs="*", help="pack folders outside this repository")


def main(options: argparse.Namespace) -> int:
    """Print every problem; exit 1 if there is one."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shizhu.site.settings")
    django.setup(set_prefix=False)
    checks = importlib.import_module("shizhu.site.packchecks")
    found = checks.all_problems(options.folder)
    for line in found:
        print(line, file=sys.stderr)
    return 1 if found else 0
