"""`shizhu history`: observations of closed days in files: what there is, archive now."""

from __future__ import annotations

import argparse
import importlib
import json
import os
from datetime import date
from typing import Any

import django

from shizhu.site.config import Config, Trouble


def options(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    parts = parser.add_subparsers(dest="part", required=True, metavar="list|archive")
    listed = parts.add_parser("list", help="archived days with their files, and how the last night went")
    listed.add_argument("--json", action="store_true", help="print JSON")
    now = parts.add_parser("archive", help="move closed days to files now, as the job does every night")
    now.add_argument("days", nargs="*", type=_day, metavar="DAY", help="as 2026-07-01 (default: all that are due)")


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} must be a day, as 2026-07-01") from None


def main(options: argparse.Namespace) -> int:
    """List, or archive."""
    if not Config.from_environment().running() and not os.environ.get("DATABASE_URL"):
        raise Trouble("nothing runs: start it with `make up` first")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shizhu.site.settings")
    django.setup(set_prefix=False)
    return int(PARTS[options.part](importlib.import_module("shizhu.engines.things.api").archive, options))


def show(archive: Any, options: argparse.Namespace) -> int:
    """What lies in files."""
    days = archive.listed()
    if options.json:
        print(json.dumps({"days": days, "state": archive.state()}, ensure_ascii=False, indent=2))
        return 0
    for day in days:
        remark = "   to be written anew" if day["is_touched"] else ""
        print(f"{day['day']}  {day['rows']:>12,} rows  {day['bytes']:>12,} bytes  {day['file']}{remark}")
    print("  ".join(f"{name}={value}" for name, value in archive.state().items()))
    return 0


def now(archive: Any, options: argparse.Namespace) -> int:
    """Archive; exit 1 if a day stays in the database."""

    def told(day: date, rows: int) -> None:
        print(f"{day}  {rows:>12,} rows", flush=True)

    try:
        night = archive.archive_days(sorted(options.days) or archive.waiting(), told)
    except archive.ArchiveFault as fault:
        raise Trouble(str(fault)) from None
    print(f"{night.done} of {night.planned} days, {night.rows:,} rows" + (f": {night.fault}" if night.fault else ""))
    return 1 if night.fault else 0


PARTS = {"list": show, "archive": now}
