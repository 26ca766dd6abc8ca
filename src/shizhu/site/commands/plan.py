"""`shizhu plan read FILE` and `shizhu plan import FILE`: a county's plan as text."""

from __future__ import annotations

import argparse
import importlib
import json
import os
from pathlib import Path
from typing import Any

import django

from shizhu.engines.plan.logic import reader
from shizhu.site.config import Config, Trouble

ENCODINGS = ("utf-8-sig", "gb18030")


def options(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    parts = parser.add_subparsers(dest="part", required=True, metavar="read|import")
    read = parts.add_parser("read", help="print what the text says; nothing is kept")
    read.add_argument("file", type=Path)
    read.add_argument("--json", action="store_true", help="print JSON")
    kept = parts.add_parser("import", help="read the text into the running stack")
    kept.add_argument("file", type=Path)
    kept.add_argument("--county", default="", help="county code (default: the only one)")
    kept.add_argument("--code", default="plan", help="name of the plan in the county")


def text_of(file: Path) -> str:
    """The file as text: UTF-8, else GB 18030."""
    try:
        raw = file.read_bytes()
    except OSError as error:
        raise Trouble(f"{file} cannot be read ({error.strerror}): check its name") from error
    for encoding in ENCODINGS:
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise Trouble(f"{file} is neither UTF-8 nor GB 18030 text: save it as plain text and call again")


def main(options: argparse.Namespace) -> int:
    """Read, or import."""
    text = text_of(options.file)
    if options.part == "read":
        document = reader.read(text).as_json()
        print(json.dumps(document, ensure_ascii=False, indent=2) if options.json else summary(document))
        return 0
    if not Config.from_environment().running() and not os.environ.get("DATABASE_URL"):
        raise Trouble("nothing runs: start it with `make up` first")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shizhu.site.settings")
    django.setup(set_prefix=False)
    county_model = importlib.import_module("shizhu.kernel.models").County
    county = county_model.objects.filter(**({"pk": options.county} if options.county else {})).order_by("pk").first()
    if county is None:
        raise Trouble(f"there is no county {options.county}: check --county")
    engine = importlib.import_module("shizhu.engines.plan.api")
    plan = engine.import_text(county, text, code=options.code, source=options.file.name)
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
        lines.append(f"  {row['no'] or '':>4}  {row['name']} {row['unit'] or ''}  {base} → {target}")
    for row in document["contradictions"]:
        said = " / ".join(f"{r.get('value')}{r.get('unit') or ''}" for r in row.get("readings", []))
        lines.append(f"  !     {row.get('subject')}: {said}")
    return "\n".join(lines)
