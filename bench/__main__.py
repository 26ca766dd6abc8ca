"""`python -m bench [NAME…] [--only PART] [--home FOLDER] [--seconds N] [--json FILE]`: run benches one after another
and print one table.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
import time
from pathlib import Path

from bench import figures, stacks

BENCHES = (
    "mqtt",
    "hj212",
    "live",
    "idle",
    "pages",
    "sta",
    "history",
    "bulk",
    "records",
    "boards",
    "tiles",
    "map",
    "feel",
    "flows",
    "judge",
    "plan",
)


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench", description="Figures, each beside a limit of the same run.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHES)} (default: all)")
    parser.add_argument("--only", metavar="PART", help="of one bench that has parts")
    parser.add_argument("--home", type=Path, metavar="FOLDER", help="keep homes there; the next run goes on with them")
    parser.add_argument("--seconds", type=float, default=5.0, help="how long each thing is measured (default: 5)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    options = parser.parse_args()
    unknown = [name for name in options.names if name not in BENCHES]
    if unknown:
        parser.error(f"no bench {', '.join(unknown)}: there are {', '.join(BENCHES)}")
    chosen = {name: importlib.import_module(f"bench.{name}") for name in options.names or BENCHES}
    parts = [part for module in chosen.values() for part in getattr(module, "PARTS", ())]
    if options.only and (len(chosen) > 1 or options.only not in parts):
        parser.error(f"--only {options.only}: name one bench; its parts are {', '.join(parts) or 'none'}")
    machine, found, how = figures.machine(), [], {}
    with stacks.homes(options.home) as homes:
        for name, module in chosen.items():
            began = time.monotonic()
            how[name] = " ".join(module.__doc__.split())
            found += module.run(homes, options.seconds, *filter(None, [options.only]))
            print(f"{name} took {time.monotonic() - began:.0f} s", file=sys.stderr)
    print(figures.table(figure.row for figure in found))
    print("", *(f"{name}: {text}" for name, text in how.items()), "", figures.described(machine), sep="\n")
    if options.json:
        told = {"machine": machine, "how": how, "figures": [figure.told for figure in found]}
        options.json.write_text(json.dumps(told, indent=2, ensure_ascii=False) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
