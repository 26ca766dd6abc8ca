"""A consumer that is killed in the middle of a batch: `python -m tests.kernel.dying FILE NUMBER`.

It writes the number of each event into the file, and dies of SIGKILL when it is given that number.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import django

if __name__ == "__main__":
    django.setup(set_prefix=False)

from shizhu.kernel import events, log  # Django must be set up first

TYPE = "toy.order.killed"


def consumer(told: Path, dies_at: int = -1) -> events.Consumer:
    """The consumer; one that lives where no number is given."""

    def handler(event: events.Event) -> None:
        number = event.data["number"]
        if number == dies_at:
            os.kill(os.getpid(), signal.SIGKILL)
        with told.open("a") as file:
            file.write(f"{number}\n")

    return events.Consumer("order.dying", (TYPE,), handler)


async def work(chosen: events.Consumer) -> None:
    """As the role does, for one consumer."""
    async with log.connected() as nats:
        await events.consume(nats, chosen, {})


if __name__ == "__main__":
    asyncio.run(work(consumer(Path(sys.argv[1]), int(sys.argv[2]))))
