"""The `shizhu` command. Each verb is a module of `shizhu.site.commands`, imported only when called."""

from __future__ import annotations

import argparse
import importlib
import os
import sys

from shizhu import __version__
from shizhu.site.config import Trouble

VERBS = {
    "up": "start everything and print the address",
    "status": "what runs, with versions, lag and memory",
    "device": "register devices",
    "device-check": "a vendor's recorded packets against a codec and a profile, with a report",
    "edge": "town machines that keep readings while the county is away",
    "plan": "read a county's plan as text, or import it",
    "rule": "what a rule would have raised in the past",
    "replay": "a table of readings, or recorded HJ 212 frames, into the running stack",
    "history": "closed days of readings in files: list, archive now, check, aggregate, export",
    "backup": "database, event log and files into one file",
    "restore": "bring back what a backup holds",
    "run": "run roles in this process (the supervisor does this for you)",
    "prepare": "migrate the database, sync packs and county, load the demo",
    "new-pack": "make a pack that passes its checks, to go on from",
    "decide": "what a DMN file decides of given facts",
    "schema": "the JSON Schema of a register",
    "packcheck": "check packs and rooms for what imports cannot show",
    "nats-config": "print the NATS configuration for a server of your own",
}
ENOUGH = 141  # as a shell tells of a program that a closed pipe ended


def main(arguments: list[str] | None = None) -> int:
    """Parse the verb, hand the rest to its module."""
    parser = argparse.ArgumentParser(prog="shizhu", description="Shizhu (石柱): the software a county runs on.")
    parser.add_argument("--version", action="version", version=f"shizhu {__version__}")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    words = sys.argv[1:] if arguments is None else arguments
    chosen = next((word for word in words if word in VERBS), None)
    for verb, meaning in VERBS.items():
        sub = verbs.add_parser(verb, help=meaning, description=meaning)
        if verb == chosen:
            module = importlib.import_module(f"shizhu.site.commands.{verb.replace('-', '_')}")
            module.options(sub)
            sub.set_defaults(call=module.main)
    options = parser.parse_args(words)
    try:
        code = int(options.call(options) or 0)
        sys.stdout.flush()
    except Trouble as trouble:
        print(f"shizhu: {trouble}", file=sys.stderr)
        code = 2
    except BrokenPipeError:  # whoever reads us has enough, as `head` has
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for what is still to be flushed
        code = ENOUGH
    if "natsrpy" in sys.modules:
        leave(code)
    return code


def leave(code: int) -> None:
    """End the process at once: the client of the event log runs threads that abort while Python tidies up (0.1.4)."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    sys.exit(main())
