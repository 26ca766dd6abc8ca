"""`shizhu decide FILE`: what a DMN file decides of given facts."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from shizhu.lib import dmn, feel
from shizhu.site.config import Trouble


def options(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    parser.add_argument("file", type=Path, help="a DMN file of 1.1 to 1.5")
    parser.add_argument("--ask", action="append", default=[], metavar="NAME", help="a decision or decision service")
    parser.add_argument("--given", default="{}", metavar="JSON", help="values of input data by name, or - for stdin")


def main(options: argparse.Namespace) -> int:
    """Print the answers as JSON: value, rules that were hit, faults, by name. Exit code 1 if there was a fault."""
    try:
        model = dmn.read_model(options.file.read_bytes())
    except OSError as error:
        raise Trouble(f"{options.file} cannot be read ({error.strerror}): check the path") from error
    except dmn.DmnError as error:
        raise Trouble(f"{options.file}: {error}: mend it and call again") from error
    try:
        given = json.loads(sys.stdin.read() if options.given == "-" else options.given)
    except ValueError as error:
        raise Trouble(f"--given is no JSON ({error}): give an object of values by name") from error
    found = {}
    for name in options.ask or model.decisions:
        try:
            answer = dmn.decide(model, name, {**given, **dmn.facts(model, given)})
        except KeyError:
            known = ", ".join([*model.decisions, *model.services])
            raise Trouble(f"{options.file} has no decision {name}: it has {known}") from None
        except feel.FeelError as error:
            raise Trouble(f"{name}: {error}: check --given") from error
        found[name] = {"value": answer.value, "hits": answer.hits, "faults": answer.faults}
    print(json.dumps(found, ensure_ascii=False, indent=2, default=_written))
    return 1 if any(answer["faults"] for answer in found.values()) else 0


def _written(value: object) -> str:
    """ISO 8601 of what JSON has no type for."""
    try:
        return feel.duration_text(value)
    except TypeError:
        return value.isoformat() if hasattr(value, "isoformat") else str(value)
