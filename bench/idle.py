"""Memory of the stack at rest by part, as `shizhu status` counts it (PSS: shared pages once), without the demo and with
it, beside the promise of 700 MB for all."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

from bench import pages
from bench.figures import Figure
from bench.stacks import Homes

PROMISE = 700.0


def run(homes: Homes, seconds: float) -> Iterator[Figure]:
    for has_demo in (False, True):
        with homes.stack(has_demo=has_demo) as stack:
            if has_demo:
                pages.settle(stack)
            time.sleep(seconds)
            told = json.loads(stack.run("status", "--json"))
        name = "with the demo" if has_demo else "without demo"
        parts = {part: process["memory_mb"] for part, process in told["processes"].items()}
        parts["supervisor"] = told["memory_mb"] - sum(parts.values())
        for part, size in {"all": told["memory_mb"], **parts}.items():
            yield Figure("idle", f"{name}, {part}", size, "MB", "promise", PROMISE)
