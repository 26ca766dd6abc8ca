"""`shizhu rule try RULE --from DAY --to DAY`: what a rule would have raised in the past. Nothing is written."""

from __future__ import annotations

import argparse
import importlib
import os
from collections import Counter
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import django
import yaml

from shizhu.site.config import Config, Trouble

MOST = 50  # lines of firings


def options(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    parser.add_argument("what", choices=["try"], help="try: judge the past by the rule")
    parser.add_argument("rule", help="key of a declared rule, or a file of rules/*.yaml")
    parser.add_argument("--from", dest="first", required=True, type=date.fromisoformat, help="first day, YYYY-MM-DD")
    parser.add_argument("--to", dest="last", required=True, type=date.fromisoformat, help="last day, YYYY-MM-DD")
    parser.add_argument("--county", default="", help="county code (default: the only one)")


def read_rule(named: str, county: str) -> dict[str, Any]:
    """From a file, or by key; Trouble says what is wrong with it."""
    packs = importlib.import_module("shizhu.kernel.packs")
    file = Path(named)
    if not file.exists():
        declared: dict[str, Any] = packs.declared("rules", named, county)
        if not declared:
            raise Trouble(f"there is neither a file nor a declared rule {named}: check its name")
        return declared
    rule: dict[str, Any] = packs.json_ready(yaml.safe_load(file.read_text(encoding="utf-8")))
    wrong = list(packs.schema_errors(packs.kinds()["rules"].schema, rule))
    if wrong:
        raise Trouble(f"the rule {named} is wrong at {wrong[0]}: mend it and call again")
    return rule


def main(options: argparse.Namespace) -> int:
    """Print how often, when and where."""
    if not Config.from_environment().running() and not os.environ.get("DATABASE_URL"):
        raise Trouble("nothing runs: start it with `make up` first")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shizhu.site.settings")
    django.setup(set_prefix=False)
    models = importlib.import_module("shizhu.kernel.models")
    timezone = importlib.import_module("django.utils.timezone")
    found = models.County.objects.filter(**({"pk": options.county} if options.county else {})).order_by("pk")
    if len(found) != 1:
        raise Trouble(f"there are {len(found)} counties {options.county}: check --county")
    rule = read_rule(options.rule, found[0].pk)
    start = timezone.make_aware(datetime.combine(options.first, time()))
    end = min(timezone.make_aware(datetime.combine(options.last + timedelta(days=1), time())), timezone.now())
    try:
        trial = importlib.import_module("shizhu.engines.alarms.api").try_rule(rule, found[0].pk, start, end)
    except ValueError as error:
        raise Trouble(f"{error}") from None
    print(
        f"would have fired {len(trial.firings)} times: {trial.sources} sources, {trial.readings} readings were judged"
    )
    for place, count in Counter(one.stream.thing_name for one in trial.firings).most_common():
        print(f"  {count:>5} x {place}")
    for one in trial.firings[:MOST]:
        until = f"{timezone.localtime(one.recovered_at):%m-%d %H:%M}" if one.recovered_at else "the end"
        value = "—" if one.value is None else f"{one.value:g}"
        at = timezone.localtime(one.raised_at)
        print(f"  {at:%Y-%m-%d %H:%M} until {until}  {one.level}  {one.stream.thing_name}  {value} {one.stream.unit}")
    for problem in trial.problems:
        print(f"  not judged: {problem}")
    return 0
