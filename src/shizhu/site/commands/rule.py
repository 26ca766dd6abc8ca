"""`shizhu rule try RULE [--from DAY --to DAY]`: which of a rule's examples come out, and what it would have
raised in the past. Nothing is written."""

from __future__ import annotations

import argparse
import importlib
import os
from collections import Counter
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import django

from shizhu.lib import yamls
from shizhu.site.config import Config, Trouble

MOST = 50  # lines of firings


def options(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    parser.add_argument("what", choices=["try"], help="try: judge its examples and the past by the rule")
    parser.add_argument("rule", help="key of a declared rule, or a file of rules/*.yaml")
    parser.add_argument("--from", dest="first", type=date.fromisoformat, help="first day, YYYY-MM-DD")
    parser.add_argument("--to", dest="last", type=date.fromisoformat, help="last day, YYYY-MM-DD")
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
    rule: dict[str, Any] = packs.json_ready(yamls.read_own(file.read_text(encoding="utf-8")))
    wrong = list(packs.schema_errors(packs.kinds()["rules"].schema, rule))
    if wrong:
        raise Trouble(f"the rule {named} is wrong at {wrong[0]}: mend it and call again")
    return rule


def tell_examples(rule: dict[str, Any]) -> bool:
    """Print how each example comes out; whether all do."""
    api = importlib.import_module("shizhu.engines.alarms.api")
    problems = [(one, api.example_problem(rule, one)) for one in rule["examples"]]
    for example, problem in problems:
        print(f"  {'FAILS' if problem else 'passes'}  {problem or example['name'] + ': ' + example['expect']}")
    print(f"{sum(not problem for _one, problem in problems)} of {len(problems)} examples pass")
    return not any(problem for _one, problem in problems)


def main(options: argparse.Namespace) -> int:
    """Print its examples; and of a span how often, when and where. 1 if an example does not come out."""
    if (options.first is None) is not (options.last is None):
        raise Trouble("say --from and --to, or neither: then only the examples are tried")
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
    is_right = tell_examples(rule)
    if options.first is None:
        return int(not is_right)
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
    return int(not is_right)
