"""`shizhu replay FILE`: a table of readings (by a mapping) or recorded HJ 212 frames into the running stack.

Rows of a table are marked replayed. Frames go over TCP to the listener, as they did when they were recorded.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import os
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import django

from shizhu.gateways.simulators.hj212 import Counts, Retry, Terminal
from shizhu.lib import yamls
from shizhu.site.config import Config, Trouble
from shizhu.wire import hj212

BAR = 30
RETRY = Retry(timeout=2.0, resends=2)
UNANSWERED = 3  # frames in a row of one MN, after which it is told and not tried on


def options(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    parser.add_argument("file", type=Path, help="the table (CSV), or recorded HJ 212 frames")
    parser.add_argument("--mapping", help="of a table: a mapping file, or the key of a declared one")
    parser.add_argument("--county", default="", help="county code (default: the only one)")
    parser.add_argument(
        "--as-live", action="store_true", help="move the times so that the last is now, and let rules judge"
    )


def progress(what: str, done: int, total: int) -> None:
    """A bar on the terminal."""
    filled = BAR * done // max(total, 1)
    end = "\n" if done >= total else "\r"
    print(f"{what:<12} [{'█' * filled}{'·' * (BAR - filled)}] {done}/{total}", end=end, file=sys.stderr, flush=True)


def read_mapping(named: str) -> dict[str, Any]:
    """From a file, or by key from the packs; Trouble says what is wrong with it."""
    packs = importlib.import_module("shizhu.kernel.packs")
    file = Path(named)
    if not file.exists():
        try:
            declared: dict[str, Any] = packs.declaration("mappings", named, None)
        except KeyError:
            raise Trouble(f"there is neither a file nor a declared mapping {named}: check --mapping") from None
        return declared
    mapping: dict[str, Any] = packs.json_ready(yamls.read_own(file.read_text(encoding="utf-8")))
    wrong = list(packs.schema_errors(packs.kinds()["mappings"].schema, mapping))
    if wrong:
        raise Trouble(f"the mapping {named} is wrong at {wrong[0]}: mend it and call again")
    return mapping


def main(options: argparse.Namespace) -> int:
    """Replay, then wait until everything is committed."""
    config = Config.from_environment()
    if not config.running() and not os.environ.get("DATABASE_URL"):
        raise Trouble("nothing runs: start it with `make up` first")
    if not options.mapping:
        return recorded(options.file, config)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shizhu.site.settings")
    django.setup(set_prefix=False)
    replay = importlib.import_module("shizhu.engines.things.api").replay
    models = importlib.import_module("shizhu.kernel.models")
    refused = importlib.import_module("shizhu.engines.things.api").TableRefused
    mapping = read_mapping(options.mapping)
    county = models.County.objects.filter(**({"pk": options.county} if options.county else {})).order_by("pk").first()
    if county is None:
        raise Trouble(f"there is no county {options.county}: check --county")
    try:
        rows = replay.load(options.file, mapping)
    except (OSError, UnicodeDecodeError, refused) as error:
        raise Trouble(
            f"{options.file} cannot be read with this mapping ({error}): check file, encoding and columns"
        ) from error
    keys = replay.stations(rows, mapping, county)
    importlib.import_module("shizhu.engines.alarms.api").bind_all()
    sent = replay.submissions(rows, keys, is_live=options.as_live)
    last = replay.publish_all(sent, lambda done, total: progress("into the log", done, total))
    wait(replay, last)
    readings, rejects = sum(len(one.samples) for one in sent), sum(len(one.rejects) for one in sent)
    kind = "judged as live" if options.as_live else "history, not judged"
    print(f"{len(rows)} rows, {readings} readings, {rejects} rejects (in quarantine), {len(keys)} stations; {kind}")
    return 0


def recorded(file: Path, config: Config) -> int:
    """Send frames in order, each again until it is answered or given up; tell what became of them."""
    try:
        data = file.read_bytes()
    except OSError as error:
        raise Trouble(f"{file} cannot be read ({error.strerror}): check its name") from error
    framer = hj212.Framer()
    found = framer.feed(data) + framer.flush()
    pieces = [piece.data if isinstance(piece, hj212.Garbage) else piece for piece in found]
    if not any(piece.startswith(b"##") for piece in pieces):
        raise Trouble(f"{file} holds no HJ 212 frames: if it is a table, say by --mapping how to read it")
    counts = asyncio.run(_send(pieces, config))
    print(
        f"{counts.sent} pieces sent, {counts.answered} answered, {counts.failed} not answered though they asked; "
        "what was refused is in quarantine with the reason"
    )
    return 1 if counts.failed else 0


async def _send(pieces: list[bytes], config: Config) -> Counts:
    unanswered: Counter[str] = Counter()
    async with Terminal(config.host, config.hj212_port, mn="", password="", st="", retry=RETRY) as terminal:
        for done, piece in enumerate(pieces):
            progress("sent", done, len(pieces))
            failed, answered = terminal.counts.failed, terminal.counts.answered
            await terminal.replay([piece])
            if terminal.counts.answered > answered:
                unanswered.clear()
            if terminal.counts.failed == failed:
                continue
            mn = hj212.decode(piece, hj212.LENIENT).packet.mn
            unanswered[mn] += 1
            if unanswered[mn] == UNANSWERED:
                told = f"MN {mn} is not answered: register it by `shizhu device add`, or check its password"
                print(f"\nshizhu: {told}", file=sys.stderr)
                return terminal.counts
    progress("sent", len(pieces), len(pieces))
    return terminal.counts


def wait(replay: Any, last: int) -> None:
    """Until ingest has committed the last message."""
    start = replay.committed()
    while (now := replay.committed()) < last:
        progress("committed", now - start, last - start)
        time.sleep(0.2)
    progress("committed", 1, 1)
