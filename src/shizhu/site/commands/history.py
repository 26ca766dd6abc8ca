"""`shizhu history`: observations of closed days in files: what there is, archive now, put together, export."""

from __future__ import annotations

import argparse
import csv
import importlib
import json
import os
import sys
from datetime import date
from pathlib import Path
from typing import Any

import django

from shizhu.site.config import Config, Trouble


def options(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    parts = parser.add_subparsers(dest="part", required=True, metavar="list|archive|check|aggregate|export")
    listed = parts.add_parser("list", help="archived days with their files, and how the last night went")
    listed.add_argument("--json", action="store_true", help="print JSON")
    now = parts.add_parser("archive", help="move closed days to files now, as the job does every night")
    now.add_argument("days", nargs="*", type=_day, metavar="DAY", help="as 2026-07-01 (default: all that are due)")
    parts.add_parser("check", help="hold every file against the hash that was kept when it was written")
    together = parts.add_parser("aggregate", help="readings of archived days put together, as CSV")
    together.add_argument("--interval", default="P1D", help="PT1H, P1D, P1M, P1Y or another ISO 8601 duration")
    together.add_argument("--quality", default="good", choices=["good", "usable", "all"])
    together.add_argument("--spark", metavar="MASTER", help="let this Spark do it, as spark://host:7077")
    together.add_argument("--at", default="", metavar="URL", help="where its workers find the folder `history`")
    out = parts.add_parser("export", help="readings of archived days into one file, CSV or Parquet by its name")
    out.add_argument("file", type=Path)
    for one in (together, out):
        one.add_argument("--from", dest="first", type=_day, metavar="DAY", help="the first day")
        one.add_argument("--to", dest="last", type=_day, metavar="DAY", help="the last day")


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
    return int(PARTS[options.part](importlib.import_module("shizhu.engines.things.api"), options))


def show(things: Any, options: argparse.Namespace) -> int:
    """What lies in files."""
    archive = things.archive
    days = archive.listed()
    if options.json:
        print(json.dumps({"days": days, "state": archive.state()}, ensure_ascii=False, indent=2))
        return 0
    for day in days:
        remark = "   to be written anew" if day["is_touched"] else ""
        print(f"{day['day']}  {day['rows']:>12,} rows  {day['bytes']:>12,} bytes  {day['file']}{remark}")
    print("  ".join(f"{name}={value}" for name, value in archive.state().items()))
    return 0


def now(things: Any, options: argparse.Namespace) -> int:
    """Archive; exit 1 if a day stays in the database."""

    archive = things.archive

    def told(day: date, rows: int) -> None:
        print(f"{day}  {rows:>12,} rows", flush=True)

    try:
        night = archive.archive_days(sorted(options.days) or archive.waiting(), told)
    except archive.ArchiveFault as fault:
        raise Trouble(str(fault)) from None
    print(f"{night.done} of {night.planned} days, {night.rows:,} rows" + (f": {night.fault}" if night.fault else ""))
    return 1 if night.fault else 0


def check(things: Any, _options: argparse.Namespace) -> int:
    """Tell what is wrong with files; exit 1 if anything is."""
    hashes = things.archive.hashes()
    faults = [*importlib.import_module("shizhu.site.backup").faults(things.archive.folder(), hashes)]
    print("\n".join([*faults, f"{len(hashes) - len(faults)} of {len(hashes)} files hold what was written"]))
    return 1 if faults else 0


def together(things: Any, options: argparse.Namespace) -> int:
    """Print figures, by datastream and time."""
    try:
        step = things.interval(options.interval)
    except things.AggregateFault as fault:
        raise Trouble(str(fault)) from None
    within, quality = _span(things, options), options.quality
    found = (
        things.spark.aggregate(within, step, quality, options.spark, options.at)
        if options.spark
        else things.files.aggregate(within, step, quality)
    )
    table = csv.writer(sys.stdout)
    table.writerow(["datastream", "start", "count", "sum", "min", "max"])
    try:
        for one in found:
            table.writerow([one.stream, one.start.isoformat(), one.count, one.total, one.least, one.most])
    except (things.spark.SparkFault, things.archive.ArchiveFault) as fault:
        raise Trouble(str(fault)) from None
    return 0


def export(things: Any, options: argparse.Namespace) -> int:
    """Write the file."""
    form = options.file.suffix.removeprefix(".")
    if form not in things.files.FORMS:
        raise Trouble(f"{options.file}: the name must end in .csv or .parquet")

    def told(done: int, total: int) -> None:
        print(f"\r{done} of {total} days", end="", file=sys.stderr, flush=True)

    try:
        rows = things.files.export(_span(things, options), str(options.file), form, told)
    except (OSError, things.archive.ArchiveFault) as fault:
        raise Trouble(f"{options.file} was not written: {fault}") from None
    print(f"\n{rows:,} rows in {options.file}", file=sys.stderr)
    return 0


def _span(things: Any, options: argparse.Namespace) -> Any:
    found = things.files.span(options.first, options.last)
    if found is None:
        raise Trouble("no day of this span is archived: `shizhu history list` shows which are")
    return found


PARTS = {"list": show, "archive": now, "check": check, "aggregate": together, "export": export}
