"""`shizhu schema REGISTER`: the JSON Schema 2020-12 that a register's file compiles to."""

from __future__ import annotations

import argparse
import importlib
import json
import os

import django

from shizhu.site.config import Trouble


def options(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    parser.add_argument("register", help="its key, such as rivers.reach")


def main(options: argparse.Namespace) -> int:
    """Print it; nothing needs to run."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shizhu.site.settings")
    django.setup(set_prefix=False)
    packs = importlib.import_module("shizhu.kernel.packs")
    register = importlib.import_module("shizhu.engines.records.api").Register
    body = packs.find(packs.read_all(), "registers", options.register)
    if body is None:
        raise Trouble(f"no pack declares the register {options.register}: it is <pack>.<file>, such as rivers.reach")
    print(json.dumps(register(options.register, body).schema, ensure_ascii=False, indent=2))
    return 0
