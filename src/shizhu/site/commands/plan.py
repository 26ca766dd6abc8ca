"""`shizhu plan read FILE` and `shizhu plan import FILE`: a county's plan as text, Word or PDF."""

from __future__ import annotations

import argparse
import importlib
import json
import os
from pathlib import Path
from typing import Any

import django

from shizhu.engines.plan.logic.reading import FileUnreadable, read_file
from shizhu.site.config import Config, Trouble

SURE = 0.95  # readings below it are printed with their confidence


def options(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    parts = parser.add_subparsers(dest="part", required=True, metavar="read|import")
    read = parts.add_parser("read", help="print what a plan (txt, docx, pdf, html) says; nothing is kept")
    read.add_argument("file", type=Path)
    read.add_argument("--json", action="store_true", help="print JSON")
    kept = parts.add_parser("import", help="read a plan (txt, docx, pdf, html) into the running stack")
    kept.add_argument("file", type=Path)
    kept.add_argument("--county", default="", help="county code (default: the only one)")
    kept.add_argument("--code", default="plan", help="name of the plan in the county")


def content_of(file: Path) -> bytes:
    """The bytes of the file."""
    try:
        return file.read_bytes()
    except OSError as error:
        raise Trouble(f"{file} cannot be read ({error.strerror}): check its name") from error


def main(options: argparse.Namespace) -> int:
    """Read, or import."""
    content = content_of(options.file)
    try:
        return _read(options, content) if options.part == "read" else _import(options, content)
    except FileUnreadable as error:
        raise Trouble(str(error)) from error


def _read(options: argparse.Namespace, content: bytes) -> int:
    document = read_file(options.file.name, content).as_json()
    print(json.dumps(document, ensure_ascii=False, indent=2) if options.json else summary(document))
    return 0


def _import(options: argparse.Namespace, content: bytes) -> int:
    if not Config.from_environment().running() and not os.environ.get("DATABASE_URL"):
        raise Trouble("nothing runs: start it with `make up` first")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shizhu.site.settings")
    django.setup(set_prefix=False)
    county_model = importlib.import_module("shizhu.kernel.models").County
    county = county_model.objects.filter(**({"pk": options.county} if options.county else {})).order_by("pk").first()
    if county is None:
        raise Trouble(f"there is no county {options.county}: check --county")
    engine = importlib.import_module("shizhu.engines.plan.api")
    plan = engine.import_file(county, options.file.name, content, code=options.code)
    engine.compute_all(county.pk)
    print(summary(plan.document))
    return 0


def summary(document: dict[str, Any]) -> str:
    """What was found, for a reader."""
    counts = "  ".join(
        f"{name} {len(document[name])}" for name in ("indicators", "tasks", "boxes", "contradictions", "unsure")
    )
    lines = [document.get("title") or "(no title)", counts, ""]
    for row in document["indicators"]:
        base, target = row["base"]["value"], row["target"]["value"]
        sure = "" if row["confidence"] >= SURE else f"  ({row['confidence']:.0%})"
        lines.append(f"  {row['no'] or '':>4}  {row['name']} {row['unit'] or ''}  {base} → {target}{sure}")
    for row in document["contradictions"]:
        said = " / ".join(f"{r.get('value')}{r.get('unit') or ''}" for r in row.get("readings", []))
        lines.append(f"  !     {row.get('subject')}: {said}")
    return "\n".join(lines)
