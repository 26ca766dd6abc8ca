"""`shizhu schema REGISTER`: the JSON Schema 2020-12 that a register's file compiles to."""

from __future__ import annotations

import argparse
import importlib
import json
import os

import django

from shizhu.site.config import Config, Trouble


def options(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    parser.add_argument("register", help="its key, such as rivers.reach")
    parser.add_argument("--county", default="", help="as this county has it, with what it declares itself")


def main(options: argparse.Namespace) -> int:
    """Print it; without a county nothing needs to run."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shizhu.site.settings")
    django.setup(set_prefix=False)
    packs = importlib.import_module("shizhu.kernel.packs")
    records = importlib.import_module("shizhu.engines.records.api")
    if options.county:
        if not Config.from_environment().running() and not os.environ.get("DATABASE_URL"):
            raise Trouble("nothing runs: start it with `make up` first")
        try:
            declared = records.register_of(options.register, options.county)
        except records.UnknownRegister as error:
            raise Trouble(str(error)) from None
        print(json.dumps(declared.schema, ensure_ascii=False, indent=2))
        return 0
    body = packs.find(packs.read_all(), "registers", options.register)
    if body is None:
        raise Trouble(f"no pack declares the register {options.register}: it is <pack>.<file>, such as rivers.reach")
    print(json.dumps(records.Register(options.register, body).schema, ensure_ascii=False, indent=2))
    return 0
